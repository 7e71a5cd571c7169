"""Near twins: every refusal of the catalogue is for its reason."""

from __future__ import annotations

import pytest

from luma_conformance.catalogue import files as casefiles
from luma_conformance.judge.answers import EveryResponse
from luma_conformance.judge.play import play
from luma_conformance.judge.twins import find_twin, is_rejecting, read_answer
from luma_conformance.model import Case
from luma_conformance.reference import InProcess
from tests.kit import reference_target

CATALOGUE = casefiles.own()
NOTHING = EveryResponse(())
REJECTING = [
    pytest.param(case, id=case.id, marks=[pytest.mark.slow] if "large-uploads" in case.needs else [])
    for case in CATALOGUE
    if is_rejecting(case)
]


@pytest.mark.parametrize("case", REJECTING)
def test_every_refusal_has_a_twin_that_is_answered_otherwise(case: Case) -> None:
    """The least change that makes a refused request right changes the answer."""
    twin = find_twin(case, CATALOGUE)
    assert twin is not None
    transport = InProcess()
    target = reference_target(transport, transport.clock)
    answers = [read_answer(play(one, target, NOTHING).exchanges[-1].response) for one in (case, twin)]

    assert answers[0] != answers[1]
