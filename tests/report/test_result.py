"""What a run comes to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from luma_conformance.errors import Exit
from luma_conformance.model import Outcome
from luma_conformance.report.result import Conclusion, Ending, Results
from tests.report import samples


def test_the_headline_counts_failures_and_sections() -> None:
    """The headline counts failures, judged cases and sections; what was not judged is a remark, not a case."""
    assert samples.MIXED.headline == "Not conformant: 2 of 5 cases fail, in 2 sections"
    assert samples.MIXED.remarks == ("1 case not judged", "1 case worded otherwise", "1 known deviation")
    assert samples.MIXED.exit_status == Exit.NOT_CONFORMANT


def test_known_deviations_are_in_the_headline() -> None:
    """A deviation is not red, and not silent either."""
    results = Results(samples.RUN, (samples.PASSED, samples.DEVIATES), samples.ENDING)

    assert results.headline == "Conformant: all 2 cases judged as the page says, but for 1 known deviation"
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
        (replace(samples.CLEAN, ending=Ending(status=7, stop="spent")), Conclusion.COULD_NOT_JUDGE, Exit.SPENT),
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
