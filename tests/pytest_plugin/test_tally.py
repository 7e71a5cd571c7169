"""The verdicts of a run, taken together."""

from __future__ import annotations

import pytest

from luma_conformance.errors import Exit
from luma_conformance.judge.deviations import Deviation, Deviations
from luma_conformance.judge.judged import Judged
from luma_conformance.model import Facet, Outcome, Place
from luma_conformance.pytest_plugin.tally import Tally
from tests.verdicts import SHOW, judge_as


def judged(
    case: str, verdict: Outcome = Outcome.PASS, observed: tuple[str, ...] = (), known: tuple[str, ...] = ()
) -> Judged:
    """Return a verdict on a case."""
    return judge_as(case=case, title="t", section="s", verdict=verdict, observed=observed, known=known)


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
    tally = Tally(SHOW)
    for verdict in verdicts:
        tally.add(judged("a", verdict))

    assert tally.exit_status(0) == status
    assert [one.verdict for one in tally.end(0, complete=True).verdicts] == [kept]


@pytest.mark.parametrize(
    ("globs", "verdicts", "unseen", "stale"),
    [
        (["a*"], [judged("a1"), judged("a2")], [], 1),
        (["b*", "a1*"], [judged("a1"), judged("a2")], [], 1),
        (["a*"], [judged("a1"), judged("a2", Outcome.DEVIATION, known=("known.toml:1",))], [], 0),
        (["a*"], [judged("a1"), judged("a2", Outcome.NOT_JUDGED)], [], 0),
        (["a*"], [judged("a1")], ["a2"], 0),
        (["a*"], [judged("a1")], ["b"], 1),
        (["*"], [judged("a1")], ["properties/"], 0),
        (["a1", "a*"], [judged("a1")], [], 0),  # told with the case itself
    ],
)
def test_an_entry_is_stale_only_once_every_case_of_it_is_known_to_be_right(
    globs: list[str], verdicts: list[Judged], unseen: list[str], stale: int
) -> None:
    """Of a case that was not judged or not selected nothing is known."""
    tally = Tally(SHOW)
    for one in verdicts:
        tally.add(one)
    entry = Deviation(
        cases=tuple(globs), facet=Facet.STATUS, answers=("500",), reason="r", place=Place(file="known.toml", line=1)
    )

    found = tally.find_stale(Deviations(entries=(entry,)), unseen)

    assert [(one.verdict, one.case) for one in found] == [(Outcome.FAIL, "a1")] * stale


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        ([], ()),
        ([()], ()),
        ([("a", "b")], ("a — or — b",)),
        ([("a", "b"), ("a",)], ("a",)),
        ([("a",), ("a", "b"), ()], ("a",)),
        ([("a",), ("b",)], ("not the same in every property: a; and b",)),
        (
            [("a", "b"), ("b", "c"), ("a", "c")],
            ("not the same in every property: a — or — b; and b — or — c; and a — or — c",),
        ),
    ],
)
def test_observations_are_what_explains_them_all(seen: list[tuple[str, ...]], told: tuple[str, ...]) -> None:
    """Each property narrows it down; where nothing explains all of them, one line says so."""
    tally = Tally(SHOW)
    for number, explanations in enumerate(seen):
        tally.add(judged(f"{number}", observed=explanations))

    ending = tally.end(0, complete=True).ending
    assert ending is not None
    assert ending.observed == told


def test_what_could_not_be_written_is_told_after_why_the_run_stopped() -> None:
    """The status is that of a wrong file, and neither reason hides the other."""
    tally = Tally(SHOW)
    tally.halt(Exit.COULD_NOT_JUDGE, "the target is down")
    tally.halt(Exit.COULD_NOT_JUDGE, "not one case was judged")
    tally.add_failed_write("the report is not whole")

    assert tally.exit_status(0) == Exit.USAGE
    assert tally.stop == (Exit.USAGE, "the target is down; the report is not whole")
