"""The statements of the page in a report: which of them a run covered, and with which verdicts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from urllib.parse import quote

from luma_conformance.ledger.covered import Covered, cover, own_ledger
from luma_conformance.model import Outcome
from luma_conformance.report.html_frame import escape_text, fold
from luma_conformance.report.island import OUTCOMES
from luma_conformance.report.links import page_link
from luma_conformance.report.result import CLIENT, Results


def render_statements(runs: Sequence[Results]) -> str:
    """Return a table of the statements that cases or scenarios carry and the latest run covered, folded away."""
    results, run = runs[-1], "the latest run" if len(runs) > 1 else "this run"
    kinds = ("scenarios",) if results.run.kind == CLIENT else ("cases", "properties")
    covered = cover(own_ledger(), {one.case: one.verdict for one in results.verdicts}, kinds)
    judged = sum(one.is_judged for one in covered)
    who = " or ".join(kinds)
    words = f"{judged:,} of the {len(covered):,} statements of the page that {who} carry, covered by {run}"
    head = "<thead><tr><th>Section of the page<th>Statement, in our words<th>Verdicts</thead>"
    rows = "".join(_render_rows(covered, results))
    return fold(words, f"<table class='statements stack'>{head}<tbody>{rows}</tbody></table>") if judged else ""


def _render_rows(covered: list[Covered], results: Results) -> Iterator[str]:
    section = ""
    for one in covered:
        heading = one.statement.section
        link = page_link(heading) or ""
        head = f'<a href="{escape(link)}" rel="noreferrer">{escape_text(heading)}</a>' if heading != section else ""
        section = heading
        counts = ", ".join(_count(one, outcome, results) for outcome in OUTCOMES if one.counts.get(outcome)) or "none"
        yield f"<tr><{'th scope=row' if head else 'td'}>{head}<td>{escape_text(one.statement.says)}<td>{counts}"


def _count(one: Covered, outcome: Outcome, results: Results) -> str:
    """Return how many verdicts there are of a kind, with a link to them in the list."""
    words = f"{one.counts[outcome]:,} {results.run.names[outcome]}"
    search = quote(one.search, safe="")
    return f'<a class={outcome} href="#verdict={outcome}&amp;search={search}">{words}</a>' if search else words
