"""What is kept of a run's wrong answers: the first of each kind whole, and of the others what is different."""

from __future__ import annotations

import pytest

from luma_conformance.judge.evidence import WHOLE, Evidence, is_whole
from luma_conformance.judge.judged import Difference, Judged
from luma_conformance.model import Facet, Outcome
from tests.verdicts import alter, differs, judge_as


def difference(facet: Facet, where: str, why: str) -> Difference:
    """Return a difference that rests on a heading."""
    return differs(facet=facet, where=where, why=why, rests_on="400 \u2014 Unknown model")


WORDED = difference(Facet.DETAIL, "detail", 'expected "a", got "b"')
LACKING = difference(Facet.HEADERS, "X-API-Version", "is missing")


def judged(number: int, *differences: Difference, verdict: Outcome = Outcome.FAIL) -> Judged:
    """Return the verdict on a case, with all evidence but the command."""
    return judge_as(
        case=f"create/{number}",
        title="one",
        section="two",
        verdict=verdict,
        expected="400  a",
        actual="400  b",
        exchange="0123456789abcdef",
        show=f"luma-conformance show create/{number}",
        differences=differences,
    )


def tell(evidence: Evidence, one: Judged) -> Judged:
    """Return what is kept of a verdict whose command is made where it is wanted, as a run does."""
    return evidence.keep(alter(one, curl="curl \u2026") if evidence.wants_command(one) else one)


def test_a_command_is_wanted_for_the_first_of_each_kind() -> None:
    """Another kind, whatever came before, has its own; what is said of a case does not make a kind."""
    evidence = Evidence()
    kept = [tell(evidence, judged(number, WORDED)) for number in range(WHOLE + 4)]
    others = [tell(evidence, judged(number, WORDED, LACKING)) for number in range(WHOLE + 1)]

    for found in (kept, others):
        assert [bool(one.curl) for one in found] == [number < WHOLE for number in range(len(found))]
        assert [is_whole(one) for one in found] == [bool(one.curl) for one in found]


def test_nothing_is_missing_where_a_command_was_not_made() -> None:
    """What is kept is the same as if every verdict had had its command."""
    sparing, lavish = Evidence(), Evidence()
    given = [judged(number, WORDED) for number in range(WHOLE + 3)]

    assert [tell(sparing, one) for one in given] == [lavish.keep(alter(one, curl="curl \u2026")) for one in given]


@pytest.mark.parametrize("verdict", [Outcome.PASS, Outcome.NOT_JUDGED])
def test_no_command_is_wanted_where_nothing_is_wrong(verdict: Outcome) -> None:
    """The command that shows the case tells the rest, and what had no answer keeps what was expected of it."""
    evidence = Evidence()
    passed = tell(evidence, judged(1, verdict=verdict))
    unasked = alter(judged(2, verdict=verdict), exchange=None)

    assert (passed.curl, passed.expected, passed.show) == (None, None, "luma-conformance show create/1")
    assert tell(evidence, unasked) == unasked


@pytest.mark.parametrize("verdict", [Outcome.DEVIATION, Outcome.WARNING])
def test_what_is_known_or_worded_otherwise_keeps_evidence_as_a_failure_does(verdict: Outcome) -> None:
    """Somebody may look into it."""
    assert tell(Evidence(), judged(1, WORDED, verdict=verdict)).curl == "curl \u2026"
