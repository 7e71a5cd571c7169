"""The verdicts of a run, taken together."""

from __future__ import annotations

import pytest

from luma_conformance.errors import Exit
from luma_conformance.judge.judged import Judged
from luma_conformance.model import Outcome
from luma_conformance.pytest_plugin.tally import Tally


def judged(case: str, verdict: Outcome = Outcome.PASS, observed: tuple[str, ...] = ()) -> Judged:
    """Return a verdict on a case."""
    return Judged(case=case, title="t", section="s", verdict=verdict, observed=observed)


@pytest.mark.parametrize(
    ("verdicts", "kept", "status"),
    [
        ([Outcome.FAIL, Outcome.PASS], Outcome.FAIL, Exit.NOT_CONFORMANT),
        ([Outcome.PASS, Outcome.FAIL], Outcome.FAIL, Exit.NOT_CONFORMANT),
        ([Outcome.NOT_JUDGED, Outcome.PASS], Outcome.PASS, Exit.CONFORMANT),
        ([Outcome.PASS, Outcome.WARNING], Outcome.WARNING, Exit.CONFORMANT),
        ([Outcome.NOT_JUDGED], Outcome.NOT_JUDGED, Exit.COULD_NOT_JUDGE),
    ],
)
def test_the_worst_verdict_on_a_case_counts(verdicts: list[Outcome], kept: Outcome, status: Exit) -> None:
    """A case that is tried again keeps its failure, and the run its exit status, whatever pytest made of it."""
    tally = Tally()
    for verdict in verdicts:
        tally.add(judged("a", verdict))

    assert tally.exit_status(0) == status
    assert [one.verdict for one in tally.end(0, complete=True).verdicts] == [kept]


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        ([], ()),
        ([()], ()),
        ([("a", "b")], ("a — or — b",)),
        ([("a", "b"), ("a",)], ("a",)),
        ([("a",), ("a", "b"), ()], ("a",)),
        ([("a",), ("b",)], ("a", "b")),
        ([("a", "b"), ("b", "c"), ("a", "c")], ("a — or — b", "b — or — c", "a — or — c")),
    ],
)
def test_observations_are_what_explains_them_all(seen: list[tuple[str, ...]], told: tuple[str, ...]) -> None:
    """Each property narrows it down; where nothing explains all of them, each is reported."""
    tally = Tally()
    for number, explanations in enumerate(seen):
        tally.add(judged(f"{number}", observed=explanations))

    ending = tally.end(0, complete=True).ending
    assert ending is not None
    assert ending.observed == told
