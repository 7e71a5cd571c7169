"""Compares the two readings of the page: the catalogue, transcribed from it, and the rules, written from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from luma_conformance.catalogue import files as casefiles
from luma_conformance.catalogue.media import supply
from luma_conformance.judge.play import fill, make_lookup
from luma_conformance.matching import Scene
from luma_conformance.model import Case, Expectation
from luma_conformance.reference import media_facts, profile_path
from luma_conformance.rules import RULES, Accepted, Rejected, Violation, predict
from luma_conformance.target.profile import load_profile

BODY_STATUSES = {201, 400, 413, 422, 502, 503}
"""The statuses a body alone decides, on a POST with a good key."""

VALUES = make_lookup(load_profile(profile_path(), {}).values, supply)


def _value(name: str) -> str:
    try:
        return VALUES(name)
    except KeyError:  # saved by an earlier step: a generation's id
        return "d290f1ee-6c54-4b01-90e6-d701748f0851"


def _bodies() -> Iterator[tuple[str, Case, Mapping[str, object], Expectation]]:
    for case in casefiles.own():
        for number, step in enumerate(case.steps, start=1):
            decided = BODY_STATUSES.intersection(step.expect.status)
            if step.ask.method == "POST" and step.ask.auth.role == "main-key" and decided:
                body = fill(step.ask.body, _value)
                assert isinstance(body, dict)
                yield f"{case.id}#{number}", case, body, step.expect


STEPS = {name: (body, expect) for name, _, body, expect in _bodies()}
REJECTING = [name for name, (_, expect) in STEPS.items() if 201 not in expect.status]
ACCEPTING = [name for name, (_, expect) in STEPS.items() if expect.status == (201,)]


def test_both_readings_have_many_bodies_in_common() -> None:
    """Both readings have many bodies in common."""
    assert len(REJECTING) > 120
    assert len(ACCEPTING) > 50


@pytest.mark.parametrize("name", REJECTING)
def test_the_oracle_allows_the_answer_of_each_rejecting_case(name: str) -> None:
    """What the catalogue refuses is predicted refused, with that answer, and no other where one rule is broken."""
    body, expect = STEPS[name]

    prediction = predict(body, media=media_facts)

    assert isinstance(prediction, Rejected), prediction
    said = [violation for violation in prediction.violations if _says(violation, expect)]
    assert said, (expect, prediction)
    if len({violation.rule for violation in prediction.violations}) == 1:
        assert said == list(prediction.violations)


@pytest.mark.parametrize("name", ACCEPTING)
def test_the_oracle_accepts_each_control_and_accepted_case(name: str) -> None:
    """What the catalogue says is accepted is predicted accepted."""
    body, _ = STEPS[name]

    assert predict(body, media=media_facts) == Accepted()


def test_every_rule_of_the_oracle_has_a_case() -> None:
    """No rule is only in the oracle."""
    named = {
        violation.rule
        for name in REJECTING
        if isinstance(prediction := predict(STEPS[name][0], media=media_facts), Rejected)
        for violation in prediction.violations
    }
    assert {rule.id for rule in RULES} - named == set()


def _says(violation: Violation, expect: Expectation) -> bool:
    """Return whether a case expects this answer: its status, and a text among those the oracle allows."""
    if violation.status not in expect.status:
        return False
    if expect.detail is None:
        return True
    if violation.details:
        return any(expect.detail.explain(text, Scene()) is None for text in violation.details)
    like = violation.detail_like
    return like is None or expect.detail.explain(like.replace("{field}", "video.start_frame"), Scene()) is None
