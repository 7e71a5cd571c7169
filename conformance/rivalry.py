"""Asks a target which of two faults it names, in requests that are sure to be refused."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from pathlib import Path
from random import Random
from typing import Final

from hypothesis import HealthCheck, Phase, find, settings
from hypothesis.errors import NoSuchExample

from conformance.errors import CouldNotJudge, InputError
from conformance.findings import NonConformance
from conformance.judge import detail_of
from conformance.judging import CASSETTE, Judging, Wanted
from conformance.matching import Like, Scene
from conformance.model import Response
from conformance.precedence import Observation
from conformance.properties import Fuzzing, Luma, begin
from conformance.redaction import Redactor, keys_in
from conformance.rules import Rejected, Violation, predict
from conformance.strategies import FAULTS, Body, served, two_faults

TRIES: Final = 40
"""Requests drawn, not sent, to find one that breaks two given rules."""


def observe(
    base_url: str | None, profile: Path | None, rules: Sequence[str], tell: Callable[[str], None]
) -> tuple[str, tuple[Observation, ...]]:
    """Returns what the target is called, and what its answers show; raises InputError or CouldNotJudge."""
    if (base_url or "").startswith(CASSETTE):
        raise InputError(f"{base_url} is a recording, which cannot be asked anything new; give a server's URL")
    wanted = Wanted(base_url=base_url, profile=profile, announce=tell, redactor=Redactor(keys_in(os.environ)))
    judging = Judging.begin(wanted)
    try:
        return judging.shown, tuple(_observed(begin(judging, Fuzzing(), "precedence"), rules, tell))
    except NonConformance as error:
        raise CouldNotJudge(str(error)) from None
    finally:
        judging.close()


def _observed(luma: Luma, rules: Sequence[str], tell: Callable[[str], None]) -> Iterator[Observation]:
    """Asks about every pair of rules that one request can break; yields what each answer shows."""
    pairs = [pair for pair in combinations(rules, 2) if _possible(luma, *pair)]
    for number, pair in enumerate(pairs, start=1):
        tell(f"pair {number} of {len(pairs)}")
        if (found := _request(luma, *pair)) is None:
            continue
        body, prediction = found
        yield from _shown(prediction, luma.send(body).response)


def _possible(luma: Luma, first: str, second: str) -> bool:
    one, other = FAULTS[first], FAULTS[second]
    if one.missing(luma.material) or other.missing(luma.material) or "large-uploads" in (*one.needs, *other.needs):
        return False
    return any(kind in one.kinds and kind in other.kinds for kind in served(luma.material))


def _request(luma: Luma, first: str, second: str) -> tuple[Body, Rejected] | None:
    """Returns a request that breaks two rules, and what may be answered; None where none is found."""

    def both(body: Body) -> bool:
        prediction = predict(body, media=luma.material.facts)
        return isinstance(prediction, Rejected) and {first, second} <= {v.rule for v in prediction.violations}

    drawn = settings(
        max_examples=TRIES, database=None, phases=(Phase.generate,), suppress_health_check=list(HealthCheck)
    )  # fmt: skip
    try:
        body = find(two_faults(first, second, luma.material), both, settings=drawn, random=Random(0))  # noqa: S311
    except NoSuchExample:
        return None
    prediction = predict(body, media=luma.material.facts)
    assert isinstance(prediction, Rejected)
    return body, prediction


def _shown(prediction: Rejected, response: Response) -> Iterator[Observation]:
    """Yields that the rule which was answered for comes before each that was not; nothing where that is not clear."""
    detail = detail_of(response)
    said = {v.rule for v in prediction.violations if v.status == response.status and _says(v, detail)}
    if len(said) == 1:
        (first,) = said
        for rule in dict.fromkeys(v.rule for v in prediction.violations):
            if rule != first:
                yield Observation(first=first, then=rule)


def _says(violation: Violation, detail: object) -> bool:
    if violation.details:
        return detail in violation.details
    return violation.detail_like is not None and Like.of(violation.detail_like).explain(detail, Scene()) is None
