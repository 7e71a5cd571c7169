"""Requests that refer to prior generations: each has one, and is what it says."""

from __future__ import annotations

import json
from dataclasses import replace

from luma_conformance.rules import Accepted, Rejected
from luma_conformance.strategies.chained import list_chained
from tests.strategies.test_contexts import material

RULES = {
    "10s-with-frame",
    "extend-hdr",
    "extend-loop-backward",
    "extend-with-second-frame",
    "source-generation-misplaced",
}


def test_each_rule_about_generations_is_broken_and_each_place_is_used() -> None:
    """What may refer to a generation does, in accepted requests, and each rule about that is broken."""
    own = replace(material(), completed_image="1" * 8 + "-1111-4111-8111-" + "1" * 12)
    listed = [*list_chained(own)]
    predicted = [own.predict(one.body) for one in listed]

    assert all("generation_id" in json.dumps(one.body) for one in listed)
    broken = {one.rule for prediction in predicted if isinstance(prediction, Rejected) for one in prediction.violations}
    assert broken - {"source-on-image"} == RULES  # the page has two texts for such a source
    accepted = [one.body for one, got in zip(listed, predicted, strict=True) if got == Accepted()]
    assert {one["type"] for one in accepted if "generation_id" in (one.get("source") or {})} == {
        "image_edit",
        "video_edit",
        "video_reframe",
    }
    assert {name for one in accepted for name in one.get("video", {})} >= {"start_frame", "end_frame"}
    assert any(own.completed_image in json.dumps(one) for one in accepted if own.completed_image)


def test_no_request_comes_twice_and_without_generations_there_is_none() -> None:
    """Each body is listed once; a material without generations gives none."""
    bodies = [json.dumps(one.body, sort_keys=True) for one in list_chained(material())]

    assert len({*bodies}) == len(bodies)
    assert [*list_chained(replace(material(), completed_image=None, completed_video=None))] == []
