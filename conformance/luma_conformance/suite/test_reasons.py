"""Requests are refused for what is wrong with them: near twins of the catalogue's requests, each refused otherwise."""

from __future__ import annotations

from typing import Final

from luma_conformance.catalogue import files as catalogue_files
from luma_conformance.judge.controls import CONTROL
from luma_conformance.judge.play import fill, find_unmet_need
from luma_conformance.model import Case
from luma_conformance.properties.luma_target import LumaTarget
from luma_conformance.rules import Rejected

OTHERWISE: Final = {"an empty prompt": {"prompt": ""}, "an unknown model": {"model": "super-model-v9"}}
"""What makes the accepted request of a section one that is refused, whatever the section is about."""


def test_a_refusal_is_for_its_reason(luma_target: LumaTarget) -> None:
    """The accepted request of each section, wrong in one other way, is refused for that, and costs nothing."""
    target = luma_target.session.target
    controls = {case.section_id: case for case in catalogue_files.own() if case.slug == CONTROL}
    once = {repr(case.steps[0].ask.body): section for section, case in reversed(controls.items())}
    examples = [
        (section, what)
        for section, case in controls.items()
        if once[repr(case.steps[0].ask.body)] == section and find_unmet_need(case, target) is None
        for what in OTHERWISE
    ]

    def try_one(example: tuple[str, str]) -> None:
        section, what = example
        body = _fill(luma_target, controls[section]) | OTHERWISE[what]
        prediction = luma_target.material.predict(body)
        if isinstance(prediction, Rejected) and len(prediction.violations) == 1:
            luma_target.check(body)

    luma_target.for_each(examples, try_one, "reasons")


def _fill(luma_target: LumaTarget, control: Case) -> dict[str, object]:
    """Return the body of the accepted request of a section."""
    body = fill(control.steps[0].ask.body, luma_target.session.target.value)
    assert isinstance(body, dict)
    return body
