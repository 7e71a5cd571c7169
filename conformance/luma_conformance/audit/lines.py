"""The findings of an audit as text, in the form of a failing case; all text from a recording passes through `clean`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from luma_conformance.audit.allowed import Allowance, make_case
from luma_conformance.audit.audit import Finding
from luma_conformance.catalogue.catalogue import Catalogue
from luma_conformance.judge.explain import (
    MAX_LINE,
    curl,
    describe_answer,
    describe_expected,
    exchange_rows,
    failure_text,
    nearest_entry,
    shown_mismatch,
)
from luma_conformance.judge.judged import Judged
from luma_conformance.judge.severity import worst_severity
from luma_conformance.model import Facet, Mismatch, Outcome
from luma_conformance.recording.entry import Entry
from luma_conformance.rules import Violation
from luma_conformance.shown import Scrub, Shown, cut

ASKED_WITH: Final = ("content-type", "x-request-id")
"""The headers of a recorded request that the curl command repeats; cookies and keys are left out."""
MANY: Final = 6
"""Statuses: more are not listed."""


def format_finding(finding: Finding, catalogue: Catalogue, clean: Scrub) -> Shown:
    """Return a finding as text: its place, what the page says, what the server said, and the request as a command."""
    text = failure_text(describe_finding(finding, catalogue, clean), clean(finding.entry.place), finding.section)
    shown = [(clean(entry.place), entry.exchange) for entry in finding.shown_by]
    rows = exchange_rows(shown, shown[0][1].sent) if shown else ()
    return clean("\n".join([text, *(f"{'':<19}{cut(clean(row), MAX_LINE)}" for row in rows)]))


def describe_finding(finding: Finding, catalogue: Catalogue, clean: Scrub) -> Judged:
    """Return a finding as a verdict whose texts are safe to show."""
    entry, allowance = finding.entry, finding.allowance
    response = entry.exchange.response
    mismatches = finding.mismatches
    if finding.what is not None:
        sequence = Mismatch(facet=Facet.SEQUENCE, where="exchange", why=finding.what, rests_on=finding.section)
        mismatches = (*mismatches, sequence)
    severity, nearest = worst_severity(mismatches), nearest_entry(response, mismatches, lambda: catalogue)
    return Judged(
        case=clean(entry.place),
        title=clean(allowance.title if allowance is not None else finding.section),
        section=clean(finding.section),
        verdict=Outcome.FAIL,
        severity=None if severity is None else clean(severity),
        expected=clean(_describe_expected(entry, allowance)) if allowance is not None else None,
        actual=describe_answer(response, clean),
        nearest=None if nearest is None else clean(nearest),
        differences=tuple(shown_mismatch(mismatch, clean) for mismatch in mismatches),
        curl=_format_curl(entry, clean) if finding.what is None else None,
    )


def list_refusals(refused: Iterable[tuple[str, tuple[Violation, ...]]], clean: Scrub) -> Iterator[Shown]:
    """Yield, for each request that is itself refused, the rules it breaks."""
    for place, violations in refused:
        rules = ", ".join(dict.fromkeys(f"{violation.rule} ({violation.status})" for violation in violations))
        yield clean(f"{place}: the request itself is refused by rule {rules}")


def _describe_expected(entry: Entry, allowance: Allowance) -> str:
    if len(allowance.expect.status) > MANY:
        return f"an orderly answer  ({allowance.title})"
    return describe_expected(allowance.expect, make_case(entry, allowance))


def _format_curl(entry: Entry, clean: Scrub) -> Shown:
    request = entry.exchange.request
    kept = [(name, value) for name, value in request.headers if name.lower() in ASKED_WITH]
    headers = (("Authorization", "Bearer $LUMA_AGENTS_API_KEY"), *kept)
    bare = replace(request, url=request.url.partition("?")[0], headers=headers)
    return clean(curl(bare, entry.base_url, f"(the body is that of {entry.place})"))
