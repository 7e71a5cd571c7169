"""Says a finding in a recording in a few lines, as a failing case is said; whatever a file said has passed `clean`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Final

from luma_conformance.audit.allowed import Allowance, case_of
from luma_conformance.audit.audit import Finding
from luma_conformance.catalogue.catalogue import Catalogue
from luma_conformance.judge.answers import detail_of
from luma_conformance.judge.explain import MAX_LINE, WIDTH, answered, curl, said
from luma_conformance.model import Facet, fields
from luma_conformance.recording.entry import Entry
from luma_conformance.rules import Violation

Clean = Callable[[str], str]
ASKED_WITH: Final = ("content-type", "x-request-id")
"""The headers of a browser's request that it takes to ask again; cookies and keys are not shown."""
MANY: Final = 6
"""Statuses: more are not listed."""
_RATES: Final = ("Retry-After", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")


def lines_of(finding: Finding, catalogue: Catalogue, clean: Clean) -> Iterator[str]:
    """Yields what is wrong at an entry, what the page says, and how to ask again."""
    place = clean(finding.entry.place)
    yield f"{place.ljust(WIDTH - len(finding.section))} {finding.section}"
    if finding.allowance is not None:
        yield _line("the page says", _says(finding.entry, finding.allowance))
    yield _line("the server said", answered(finding.entry.exchange.response, clean))
    if finding.what is not None:
        yield _line("differs in", Facet.SEQUENCE.value)
        yield _line("", clean(finding.what)[:MAX_LINE])
        yield from _seen(finding.shown_by, clean)
        return
    yield from _nearest(finding, catalogue)
    yield _line("differs in", ", ".join(dict.fromkeys(mismatch.facet.value for mismatch in finding.mismatches)))
    for mismatch in finding.mismatches:
        if mismatch.facet not in (Facet.STATUS, Facet.DETAIL):
            yield _line("", f"{mismatch.where}: {clean(mismatch.why)[:MAX_LINE]}  [{mismatch.rests_on}]")
    yield _line("again", _again(finding.entry, clean))


def refusals(refused: Iterable[tuple[str, tuple[Violation, ...]]], clean: Clean) -> Iterator[str]:
    """Yields, for each request that is itself refused, the rules it breaks."""
    for place, violations in refused:
        rules = ", ".join(dict.fromkeys(f"{violation.rule} ({violation.status})" for violation in violations))
        yield f"{clean(place)}: the request itself is refused by rule {rules}"


def _says(entry: Entry, allowance: Allowance) -> str:
    if len(allowance.expect.status) > MANY:
        return f"an orderly answer  ({allowance.title})"
    return said(allowance.expect, case_of(entry, allowance))


def _nearest(finding: Finding, catalogue: Catalogue) -> Iterator[str]:
    """Yields the catalogue's entry for the server's text, where the text belongs to another error."""
    response = finding.entry.exchange.response
    detail = detail_of(response)
    if isinstance(detail, str) and any(one.facet in (Facet.STATUS, Facet.DETAIL) for one in finding.mismatches):
        for case in catalogue.find_by_detail(response.status, detail)[:1]:
            yield _line("that is", f"the text of {case.id} ({case.title})")


def _seen(entries: Iterable[Entry], clean: Clean) -> Iterator[str]:
    """Yields the exchanges that show something together, timed from the first of them."""
    shown = list(entries)
    for entry in shown:
        exchange, answer = entry.exchange, fields(entry.exchange.response.headers)
        after = f"+{exchange.sent - shown[0].exchange.sent:.1f} s"
        rates = ", ".join(f"{name} {answer[name.lower()]}" for name in _RATES if name.lower() in answer)
        yield _line("", clean(f"{entry.place}  {after}  {exchange.response.status}  {rates[:200]}").rstrip())


def _again(entry: Entry, clean: Clean) -> str:
    request = entry.exchange.request
    kept = [(name, value) for name, value in request.headers if name.lower() in ASKED_WITH]
    headers = (("Authorization", "Bearer $LUMA_AGENTS_API_KEY"), *kept)
    bare = replace(request, url=request.url.partition("?")[0], headers=headers)
    return clean(curl(bare, entry.base_url, f"(the body is that of {entry.place})"))


def _line(label: str, text: str) -> str:
    return f"  {label:<16} {text}"
