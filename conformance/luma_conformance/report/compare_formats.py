"""Comparisons as text for a terminal, as Markdown, as HTML and as JSON: the same changes in each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from luma_conformance.errors import Exit
from luma_conformance.matching import one_line
from luma_conformance.report import html, markdown
from luma_conformance.report.compare import Change, Compared, Comparison
from luma_conformance.report.result import Results, count_noun

MAX_LISTED: Final = 500
"""Cases of a change that text, Markdown and HTML list; the rest are counted, and all are in the JSON."""

_TONES: Final = {Exit.CONFORMANT: "pass", Exit.NOT_CONFORMANT: "fail"}


def as_text(comparisons: Sequence[Comparison]) -> str:
    """Return comparisons for a terminal."""
    return "".join(f"{line}\n" for comparison in comparisons for line in _lines(comparison))


def as_markdown(comparisons: Sequence[Comparison]) -> str:
    """Return comparisons as Markdown."""
    out: list[str] = []
    for comparison in comparisons:
        out += [f"## {markdown.escape_text(comparison.headline)}", ""]
        out += [
            f"From {markdown.escape_text(_named(comparison.old))} to {markdown.escape_text(_named(comparison.new))}.",
            "",
        ]
        out += [f"- {markdown.escape_text(caution)}" for caution in comparison.cautions] + [""]
        for change, cases, more in _listed(comparison):
            out += [f"### {markdown.escape_text(change)}: {len(comparison.changes[change]):,}", ""]
            out += [f"- {markdown.render_code(one.case)}: {markdown.render_code(one.words)}" for one in cases]
            out += [f"- … and {more:,} more"] * (more > 0) + [""]
    return "\n".join(out)


def as_html(comparisons: Sequence[Comparison], status: Exit) -> str:
    """Return comparisons as one page of HTML that needs nothing else."""
    body = "".join(_section(comparison, alone=len(comparisons) == 1) for comparison in comparisons)
    title = "; ".join(comparison.headline for comparison in comparisons)
    return html.render_still(title, _TONES.get(status, "not-judged"), body)


def as_json(comparisons: Sequence[Comparison], status: Exit) -> str:
    """Return comparisons as JSON, with the exit status they come to."""
    data = {"comparisons": [_data(comparison) for comparison in comparisons], "exit": int(status)}
    return json.dumps(data, indent=2) + "\n"


WRITERS: Final[Mapping[str, Callable[[Sequence[Comparison], Exit], str]]] = {
    "text": lambda comparisons, _: as_text(comparisons),
    "md": lambda comparisons, _: as_markdown(comparisons),
    "html": as_html,
    "json": as_json,
}


def _lines(comparison: Comparison) -> Iterator[str]:
    yield f"old  {one_line(_named(comparison.old))}"
    yield f"new  {one_line(_named(comparison.new))}"
    yield from (f"note: {one_line(caution)}" for caution in comparison.cautions)
    yield comparison.headline
    for change, cases, more in _listed(comparison):
        yield ""
        yield f"{change}: {len(comparison.changes[change]):,}"
        for one in cases:
            yield f"  {one_line(one.case)}"
            yield f"      {one_line(one.words)}"
        if more:
            yield f"  … and {more:,} more"


def _listed(comparison: Comparison) -> Iterator[tuple[Change, Sequence[Compared], int]]:
    """Yield each change that there is, its first cases, and how many more there are."""
    for change, cases in comparison.changes.items():
        if cases and change is not Change.UNCHANGED:
            yield change, cases[:MAX_LISTED], max(0, len(cases) - MAX_LISTED)


def _named(results: Results) -> str:
    run = results.run
    return f"{run.target or 'no target'}, {run.started or 'no date'}, {count_noun(results.judged, 'case')} judged"


def _section(comparison: Comparison, *, alone: bool) -> str:
    out = [] if alone else [f"<h2>{html.escape_text(comparison.headline)}</h2>"]
    out.append("<ul class=remarks>")
    told = [f"from {_named(comparison.old)}", f"to {_named(comparison.new)}", *comparison.cautions]
    out += [f"<li>{html.escape_text(words)}" for words in told]
    out.append("</ul>")
    for change, cases, more in _listed(comparison):
        out.append(f"<table><caption>{change}: {len(comparison.changes[change]):,}</caption>")
        out.append("<thead><tr><th>Case<th>What was, and what is</thead><tbody>")
        for one in cases:
            out.append(f"<tr><th scope=row>{html.escape_text(one.case)}<br>{html.escape_text(one.latest.title)}")
            out.append(f"<td>{html.escape_text(one.words)}")
        out += [f"<tr><td colspan=2>… and {more:,} more"] * (more > 0)
        out.append("</tbody></table>")
    return "".join(out)


def _data(comparison: Comparison) -> dict[str, object]:
    return {
        "old": {"target": comparison.old.run.target, "started": comparison.old.run.started},
        "new": {"target": comparison.new.run.target, "started": comparison.new.run.started},
        "cautions": list(comparison.cautions),
        "counts": {change: len(cases) for change, cases in comparison.changes.items()},
        "changes": [
            {"case": one.case, "title": one.latest.title, "change": one.change, "words": one.words}
            for change, cases in comparison.changes.items()
            if change is not Change.UNCHANGED
            for one in cases
        ],
    }
