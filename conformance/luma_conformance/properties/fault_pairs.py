"""Finding out which of two faults a target names, with requests that are certain to be refused."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path
from random import Random
from typing import Final

from hypothesis import HealthCheck, Phase, find, settings
from hypothesis.errors import NoSuchExample

from luma_conformance.errors import CouldNotJudge, InputError
from luma_conformance.judge.answers import detail_of
from luma_conformance.judge.fault_order import Observation
from luma_conformance.matching import Like, Scene
from luma_conformance.model import Response
from luma_conformance.properties.fuzzing import Fuzzing
from luma_conformance.properties.luma_target import LumaTarget, begin
from luma_conformance.properties.nonconformance import NonConformance
from luma_conformance.redaction.redactor import Redactor, find_keys
from luma_conformance.rules import Rejected, Violation
from luma_conformance.session.open import CASSETTE, Options, open_session
from luma_conformance.session.progress import Progress
from luma_conformance.strategies import FAULTS, Body, available_kinds, two_faults

TRIES: Final = 40
"""Requests drawn, but not sent, to find one that breaks two given rules."""


def observe(
    base_url: str | None, profile: Path | None, rules: Sequence[str], progress: Progress
) -> tuple[str, tuple[Observation, ...]]:
    """Return the target's name and what its answers show; raise InputError or CouldNotJudge."""
    if (base_url or "").startswith(CASSETTE):
        raise InputError(f"{base_url} is a recording, which cannot be asked anything new; give a server's URL")
    options = Options(
        target=base_url,
        profile=profile,
        announce=progress.say,
        progress=progress,
        redactor=Redactor(find_keys(os.environ)),
    )
    session = open_session(options)
    try:
        luma_target = begin(session, Fuzzing(), "precedence", progress=progress)
        progress.begin("precedence")
        return session.shown, tuple(_observe_pairs(luma_target, rules))
    except NonConformance as error:
        raise CouldNotJudge(str(error)) from None
    finally:
        progress.end()
        session.close()


def _observe_pairs(luma_target: LumaTarget, rules: Sequence[str]) -> Iterator[Observation]:
    """Send a request for every pair of rules that one request can break; yield what each answer shows."""
    pairs = [pair for pair in combinations(rules, 2) if _is_possible(luma_target, *pair)]
    for number, pair in enumerate(pairs, start=1):
        luma_target.progress.count(number, len(pairs), "pair")
        if (found := _find_request(luma_target, *pair)) is None:
            continue
        body, prediction = found
        yield from _read_answer(prediction, luma_target.send(body).response)


def _is_possible(luma_target: LumaTarget, first: str, second: str) -> bool:
    one, other = FAULTS[first], FAULTS[second]
    if (
        one.missing(luma_target.material)
        or other.missing(luma_target.material)
        or "large-uploads" in (*one.needs, *other.needs)
    ):
        return False
    return any(kind in one.kinds and kind in other.kinds for kind in available_kinds(luma_target.material))


def _find_request(luma_target: LumaTarget, first: str, second: str) -> tuple[Body, Rejected] | None:
    """Return a request that breaks two rules, with the answers allowed for it; None if none is found."""

    def both(body: Body) -> bool:
        prediction = luma_target.material.predict(body)
        return isinstance(prediction, Rejected) and {first, second} <= {v.rule for v in prediction.violations}

    drawn = settings(
        max_examples=TRIES, database=None, phases=(Phase.generate,), suppress_health_check=list(HealthCheck)
    )  # fmt: skip
    try:
        body = find(two_faults(first, second, luma_target.material), both, settings=drawn, random=Random(0))  # noqa: S311
    except NoSuchExample:
        return None
    prediction = luma_target.material.predict(body)
    assert isinstance(prediction, Rejected)
    return body, prediction


def _read_answer(prediction: Rejected, response: Response) -> Iterator[Observation]:
    """Yield that the rule whose answer came comes before each of the others; nothing if that is ambiguous."""
    detail = detail_of(response)
    answered = {v.rule for v in prediction.violations if v.status == response.status and _matches(v, detail)}
    if len(answered) == 1:
        (first,) = answered
        for rule in dict.fromkeys(v.rule for v in prediction.violations):
            if rule != first:
                yield Observation(first=first, then=rule)


def _matches(violation: Violation, detail: object) -> bool:
    if violation.details:
        return detail in violation.details
    return violation.detail_like is not None and Like.of(violation.detail_like).explain(detail, Scene()) is None
