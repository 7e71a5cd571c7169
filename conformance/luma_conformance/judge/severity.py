"""The severity of differences, and the leniency that turns a failure of wording alone into a warning."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from luma_conformance.catalogue.catalogue import Catalogue
from luma_conformance.judge.answers import detail_of
from luma_conformance.model import Exchange, Facet, Mismatch, Outcome, Result, Severity


def worst_severity(mismatches: Iterable[Mismatch]) -> Severity | None:
    """Return the severity of the worst of some differences, or None if there are none."""
    severities = {mismatch.severity for mismatch in mismatches}
    return Severity.MUST if Severity.MUST in severities else next(iter(severities), None)


def apply_leniency(result: Result, catalogue: Catalogue) -> Result:
    """Return the result with a failure of wording alone turned into a warning.

    A text that belongs to another error stays a failure: the target refused for another reason. So does a failure that
    has a reason of its own, such as a known deviation that no longer matches.
    """
    verdict = result.verdict
    if verdict.outcome is not Outcome.FAIL or verdict.reason:
        return result
    worded = differs_in_wording_only(verdict.mismatches, result.exchanges[-1:], catalogue)
    return replace(result, verdict=replace(verdict, outcome=Outcome.WARNING)) if worded else result


def differs_in_wording_only(
    mismatches: tuple[Mismatch, ...], answers: tuple[Exchange, ...], catalogue: Catalogue
) -> bool:
    """Return whether answers differ only in the wording of a text, and no text is that of another error."""
    if worst_severity(mismatches) is not Severity.SHOULD:
        return False
    if not any(mismatch.facet is Facet.DETAIL for mismatch in mismatches):
        return True
    details = [(answer.response.status, detail_of(answer.response)) for answer in answers]
    return all(
        isinstance(detail, str) and detail and not catalogue.find_by_detail(status, detail)
        for status, detail in details
    )
