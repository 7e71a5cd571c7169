"""Near twins: each refusal of the catalogue is for its reason.

A twin is the request with the least change that makes it right: with a good key, for a generation there is, or the
accepted request of its section. Where both got the same answer, the refusal would prove nothing.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from luma_conformance.catalogue import files as casefiles
from luma_conformance.judge.answers import EveryResponse
from luma_conformance.judge.controls import CONTROL, is_rejecting, read_answer
from luma_conformance.judge.play import play
from luma_conformance.model import GENERATIONS_PATH, Auth, Case, Expectation
from luma_conformance.reference import InProcess
from tests.kit import case_of, reference_target

ANY = Expectation(status=tuple(range(100, 600)))
MAIN = Auth(role="main-key")
CATALOGUE = casefiles.own()
NOTHING = EveryResponse(())
REJECTING = [
    pytest.param(case, id=case.id, marks=[pytest.mark.slow] if "large-uploads" in case.needs else [])
    for case in CATALOGUE
    if is_rejecting(case)
]


def find_twin(case: Case) -> Case:
    """Return the near twin of a case, which expects nothing."""
    *before, last = case.steps
    if 404 in last.expect.status and "{" not in last.ask.url:
        ask = replace(last.ask, url=f"{GENERATIONS_PATH}/{{completed-image}}", auth=MAIN)
        return replace(case, steps=(replace(last, ask=ask, expect=ANY),))
    if last.ask.auth != MAIN:
        ask = replace(last.ask, auth=MAIN)
        return replace(case, steps=(*before, replace(last, ask=ask, expect=ANY, repeat=None)))
    control = case_of(CATALOGUE, f"{case.section_id}/{CONTROL}")
    return replace(control, steps=(replace(control.steps[0], expect=ANY),))


@pytest.mark.parametrize("case", REJECTING)
def test_every_refusal_has_a_twin_that_is_answered_otherwise(case: Case) -> None:
    """The least change that makes a refused request right changes the answer."""
    twin = find_twin(case)
    transport = InProcess()
    target = reference_target(transport, transport.clock)
    answers = [read_answer(play(one, target, NOTHING).exchanges[-1].response) for one in (case, twin)]

    assert answers[0] != answers[1]
