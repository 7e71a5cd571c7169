"""What a run comes to."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from luma_conformance.errors import Exit
from luma_conformance.judge.judged import Judged
from luma_conformance.model import Outcome
from luma_conformance.report import badge, jsonl
from luma_conformance.report.result import Conclusion, Ending, Results, describe_covered
from tests.report import samples
from tests.verdicts import SHOW, alter, make_ending

PASSED, UNJUDGED = samples.PASSED, samples.UNJUDGED
LACKING = alter(UNJUDGED, lacks="revoked-key", needs=("revoked-key",))
COSTLY = alter(UNJUDGED, reason="would cost money: more generations than --luma-spend allows")


def run_of(*verdicts: Judged, total: int, own: int = 0, selected: int | None = None) -> Results:
    """Return the results of a run with these verdicts on cases a, b, …, of `total` cases."""
    named = tuple(alter(one, case="abcdefgh"[number]) for number, one in enumerate(verdicts))
    run = replace(samples.RUN, total=total, own=own, selected=len(named) if selected is None else selected)
    return Results(run, named, replace(samples.ENDING, status=0))


def test_the_headline_counts_failures_and_sections() -> None:
    """The headline counts failures, judged cases and sections; what was not judged is a remark, not a case."""
    assert samples.MIXED.headline == "Not conformant: 2 cases fail, in 2 sections; 5 of 6 judged"
    assert samples.MIXED.remarks == ("1 case not judged", "1 case worded otherwise", "1 known deviation")
    assert samples.MIXED.exit_status == Exit.NOT_CONFORMANT


def test_known_deviations_are_in_the_headline() -> None:
    """A deviation is not red, and not silent either."""
    results = Results(samples.RUN, (samples.PASSED, samples.DEVIATES), samples.ENDING)

    assert results.headline.endswith(": 2 of 2 cases, each as the page says, but for 1 known deviation")
    assert results.exit_status == Exit.CONFORMANT


@pytest.mark.parametrize(
    ("results", "conclusion", "status"),
    [
        (samples.CLEAN, Conclusion.CONFORMANT, Exit.CONFORMANT),
        (replace(samples.CLEAN, ending=None), Conclusion.INCOMPLETE, Exit.COULD_NOT_JUDGE),
        (replace(samples.CLEAN, ending=Ending(complete=False)), Conclusion.INCOMPLETE, Exit.COULD_NOT_JUDGE),
        (replace(samples.MIXED, ending=None), Conclusion.NOT_CONFORMANT, Exit.NOT_CONFORMANT),
        (replace(samples.CLEAN, verdicts=(samples.UNJUDGED,)), Conclusion.COULD_NOT_JUDGE, Exit.COULD_NOT_JUDGE),
        (replace(samples.CLEAN, verdicts=()), Conclusion.COULD_NOT_JUDGE, Exit.COULD_NOT_JUDGE),
        (replace(samples.CLEAN, ending=make_ending(status=7, stop="spent")), Conclusion.COULD_NOT_JUDGE, Exit.SPENT),
    ],
)
def test_an_incomplete_or_empty_run_is_never_conformant(results: Results, conclusion: Conclusion, status: Exit) -> None:
    """A cut-off, broken-off, stopped or empty run is never conformant; a failure counts however it ended."""
    assert results.conclusion is conclusion
    assert results.exit_status == status


def test_a_verdict_names_each_facet_once() -> None:
    """A facet with several differences is named once."""
    doubled = replace(samples.FAILED, differences=samples.FAILED.differences * 2)

    assert doubled.facets == ("detail",)
    assert samples.MIXED.counts[Outcome.FAIL] == 2


@pytest.mark.parametrize(
    ("results", "headline", "message", "is_green"),
    [
        (
            run_of(PASSED, PASSED, total=2),
            "Conformant: 2 of 2 cases, each as the page says",
            "conformant, 2 of 2",
            True,
        ),
        (
            run_of(PASSED, LACKING, total=2),
            "Conformant in all that the target offers: 1 of 2 cases, each as the page says",
            "conformant, 1 of 2",
            True,
        ),
        (
            run_of(PASSED, COSTLY, total=2),
            "Conformant as far as judged: 1 of 2 cases, each as the page says",
            "1 of 2 judged, all pass",
            False,
        ),
        (
            run_of(PASSED, total=512),
            "Conformant as far as judged: 1 of 512 cases, each as the page says",
            "1 of 512 judged, all pass",
            False,
        ),
        (
            run_of(PASSED, samples.DEVIATES, total=2),
            "Conformant as far as judged: 2 of 2 cases, each as the page says, but for 1 known deviation",
            "2 of 2 judged, 1 known deviation",
            False,
        ),
        (
            run_of(PASSED, samples.WORDED, total=2),
            "Conformant as far as judged: 2 of 2 cases, each as the page says",
            "2 of 2 judged, all pass",
            False,
        ),
        (
            run_of(PASSED, total=1, own=1),
            "Conformant as far as judged: 1 of 1 own cases, and none of the page's",
            "1 of 1 own cases judged, all pass",
            False,
        ),
        (
            run_of(PASSED, PASSED, total=2, own=1),
            "Conformant: 2 of 2 cases, each as the page says",
            "conformant, 2 of 2",
            True,
        ),
        (
            run_of(PASSED, samples.FAILED, LACKING, total=9),
            "Not conformant: 1 case fails, in 1 section; 2 of 9 judged",
            "1 failing, 2 of 9 judged",
            False,
        ),
        (
            replace(run_of(PASSED, total=9, selected=9), ending=None),
            "Incomplete: the run broke off after 1 of 9 cases, none of which fails",
            "incomplete, 1 of 9",
            False,
        ),
        (
            Results(samples.RUN, (PASSED,), samples.ENDING),  # of an earlier kit, which does not say of how many
            "Conformant as far as judged: 1 of 1 cases, each as the page says",
            "1 of 1 judged, all pass",
            False,
        ),
    ],
)
def test_only_a_run_of_all_that_the_target_offers_is_green(
    results: Results, headline: str, message: str, *, is_green: bool
) -> None:
    """Headline and badge say how much was judged of how much, and the badge is bright green only for all of it."""
    shield = json.loads(badge.render_endpoint(results))

    assert results.headline == headline
    assert shield["message"] == message
    assert (shield["color"] == "brightgreen") == is_green == results.is_whole
    assert jsonl.parse_results(jsonl.format_results(results).encode(), "again", SHOW).headline == headline


def test_what_was_not_judged_adds_up() -> None:
    """What was judged, not judged, not selected and not tried is all there is."""
    results = replace(run_of(PASSED, LACKING, total=12, selected=5), ending=Ending(complete=False))

    assert (results.coverage, results.unselected, results.untried) == ("1 of 12", 7, 3)
    assert results.remarks[1:] == ("1 case not judged", "7 cases not selected", "3 cases not tried")


NEEDING = alter(PASSED, needs=("completed-video",))
LEFT = alter(UNJUDGED, needs=("completed-video", "hdr-access"))


@pytest.mark.parametrize(
    ("verdicts", "wanted", "number", "unmet"),
    [
        ([PASSED, PASSED], "2", 2, ""),
        ([PASSED, LACKING], "2", 2, "1 of 9 cases were judged, and 2 are required"),
        ([PASSED, samples.DEVIATES], "2", 2, ""),  # what deviates was judged
        ([PASSED, LACKING], "90%", 9, "1 of 9 cases were judged, and 90% (9) are required"),
        ([NEEDING, PASSED], "completed-video", 1, ""),
        (
            [NEEDING, PASSED],
            "completed-video",
            2,
            "1 of the 2 cases that need completed-video were judged, and all are required",
        ),
        ([NEEDING, alter(LEFT, lacks="hdr-access")], "completed-video", 2, ""),  # for want of something else
        (
            [PASSED, alter(LEFT, lacks="hdr-access")],
            "completed-video",
            1,
            "0 of the 1 cases that need completed-video were judged, and all are required",
        ),
        (
            [NEEDING, alter(LEFT, lacks="completed-video", reason="the profile names no completed-video")],
            "completed-video",
            2,
            "1 of the 2 cases that need completed-video were judged, and all are required: "
            "the profile names no completed-video",
        ),
    ],
)
def test_a_run_that_judged_less_than_required_is_not_conformant(
    verdicts: list[Judged], wanted: str, number: int, unmet: str
) -> None:
    """What is required and was not judged is said in headline and badge, and the run could not judge enough."""
    results = run_of(*verdicts, total=9)
    results = replace(results, run=replace(results.run, required={wanted: number}))

    assert results.unmet == ((unmet,) if unmet else ())
    if unmet:
        assert results.headline == f"Could not judge enough: {unmet}"
        assert results.exit_status == Exit.COULD_NOT_JUDGE
        assert badge.describe(results) == f"too little judged, {results.coverage}"
    else:
        assert results.exit_status == Exit.CONFORMANT


def test_a_failure_outranks_what_is_required_and_a_remark_says_both() -> None:
    """Too little was judged, and of that something fails: the run is not conformant."""
    results = run_of(samples.FAILED, total=9)
    results = replace(results, run=replace(results.run, required={"3": 3}))

    assert results.conclusion is Conclusion.NOT_CONFORMANT
    assert "1 of 9 cases were judged, and 3 are required" in results.remarks


@pytest.mark.parametrize(
    ("covered", "said"),
    [
        ({"features": 2374, "places": 1}, "2,374 rules × features, 1 checks of media × places × forms"),
        ({"transport": 94, "identity": 368}, "368 of identity, 94 of transport"),
        (
            {"features": 1, "identity": 1000},
            "1 rules × features, 0 checks of media × places × forms, 1,000 of identity",
        ),
    ],
)
def test_contexts_are_told_by_kind(covered: dict[str, int], said: str) -> None:
    """Rules beside features and media at places come first, and then what was tried of each table."""
    assert describe_covered(covered) == said
