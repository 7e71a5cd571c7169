"""Rules broken beside what is open: each request is refused in any reading, and has what no other request has."""

from __future__ import annotations

import pytest

from luma_conformance.rules import Unspecified
from luma_conformance.strategies.beside_open import list_open
from tests.strategies.test_contexts import SMALL, list_all, material


@pytest.mark.parametrize("rule", SMALL)
def test_the_rule_alone_is_broken_whatever_is_open(rule: str) -> None:
    """Of each request nothing but the rule is sure, and no feature is beside the rule where its answer is known."""
    known = {name for trial in list_all(rule) for name in trial.names}

    for trial in list_open(rule, material(), strength=1):
        prediction = material().predict(trial.make_body())
        assert isinstance(prediction, Unspecified)
        assert prediction.broken == (rule,)
        assert known.isdisjoint(trial.names)


def test_a_type_of_another_model_is_tried_beside_the_fields_of_either() -> None:
    """The options of images and of videos stand beside the rule on types, each in some request, and there are few."""
    names = {name for trial in list_open("unsupported-type", material(), strength=1) for name in trial.names}

    assert {
        "style manga",
        "web_search true",
        "image_ref empty",
        "video.loop true",
        "video.source_position set",
    } <= names
    assert {"output_format png", "output_format jpeg", "video.edit.auto_controls true", "64 guide frames"} <= names
    assert sum(len([*list_open(rule, material(), strength=1)]) for rule in SMALL) < 40
