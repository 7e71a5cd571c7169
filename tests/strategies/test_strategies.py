"""The strategies: valid requests are accepted, faults break their rules, and few examples are wasted."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from luma_conformance.catalogue import files as casefiles
from luma_conformance.rules import RULES, Accepted, Rejected, predict
from luma_conformance.strategies import FAULTS, KINDS, Body, Material, faulty, near_misses, valid
from tests.suite.target_on import target_on


def test_every_rule_has_its_fault() -> None:
    """Every rule has a fault that breaks it."""
    assert set(FAULTS) == {rule.id for rule in RULES}


HEAVY = "video-too-heavy"
"""The rule whose near misses are uploads of 70 MB."""


@pytest.mark.parametrize("rule", [*sorted(FAULTS.keys() - {HEAVY}), pytest.param(HEAVY, marks=pytest.mark.slow)])
def test_a_near_miss_keeps_and_breaks_its_rule(rule: str) -> None:
    """The oracle accepts the near side of each pair and finds the rule broken on the other, but for open questions."""
    luma_target = target_on(lambda handle: handle)
    material = luma_target.material
    if rule == HEAVY:
        material = replace(material, large_video=lambda: "A" * 70_000_000)
    seen: Counter[bool] = Counter()

    def try_pair(pair: tuple[Body, Body]) -> None:
        near, broken = pair
        assert isinstance(predict(near, media=material.facts), Accepted)
        prediction = predict(broken, media=material.facts)
        assert not isinstance(prediction, Accepted)
        seen[isinstance(prediction, Rejected) and rule in {v.rule for v in prediction.violations}] += 1

    luma_target.for_all(near_misses(rule, material), try_pair, share=0.06 if rule == HEAVY else 0.2)

    assert seen[True] > seen[False]


def test_the_one_heavy_video_of_a_gate_is_not_in_the_catalogue() -> None:
    """Of 70 MB nothing is sent twice: the one near miss that the gate draws is of a type that no case has it in."""
    luma_target = target_on(lambda handle: handle)
    material = replace(luma_target.material, large_video=lambda: "{inline-video-over-50-mb}")
    drawn: list[tuple[Body, Body]] = []

    luma_target.for_all(near_misses(HEAVY, material), drawn.append, share=0.001)

    asked = [case.steps[0].ask.body for case in casefiles.own() if "large-uploads" in case.needs]
    assert {broken["type"] for _, broken in drawn}.isdisjoint(body["type"] for body in asked if isinstance(body, dict))


@pytest.mark.parametrize("kind", KINDS)
def test_valid_requests_are_accepted_without_a_profile_too(kind: str) -> None:
    """The strategies serve as they are, with example.com to refer to."""

    def try_one(body: Any) -> None:
        assert isinstance(predict(body), Accepted)

    target_on(lambda handle: handle).for_all(valid(kind), try_one)


def test_faulty_requests_are_mostly_refused_and_for_many_reasons() -> None:
    """Faults put together seldom undo each other, and often more than one of them may be answered."""
    seen: Counter[str] = Counter()

    def try_one(body: Any) -> None:
        prediction = predict(body)
        seen[type(prediction).__name__] += 1
        seen["several"] += isinstance(prediction, Rejected) and len({v.rule for v in prediction.violations}) > 1

    target_on(lambda handle: handle).for_all(faulty(), try_one, share=3)

    assert seen["Rejected"] > 5 * seen["Accepted"]
    assert seen["several"] > seen.total() / 10


def test_a_target_that_fetches_nothing_is_asked_without_urls_of_its_profile() -> None:
    """Whoever says that media URLs are not fetched is sent none, whatever the profile names; its ids still are."""
    why = "the profile says url-ingestion = false"
    material = Material.offered(lambda role: f"a-{role}", lambda role: why if role == "url-ingestion" else None)

    assert (material.image_url, material.video_url, dict(material.trouble)) == (None, None, {})
    assert material.completed_video == "a-completed-video"
    assert material.missing("missing-url") == material.missing("video-url") == why
    assert material.missing("video-source") is None


def test_a_video_to_edit_is_missing_only_if_there_is_none_by_url_or_by_id() -> None:
    """Both reasons are given, in the words of the target."""
    material = Material.offered(lambda role: f"a-{role}", lambda role: f"no {role} here" if "video" in role else None)

    assert material.missing("video-source") == "no video-url here, and no completed-video here"
