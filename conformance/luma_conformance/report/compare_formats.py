"""Comparisons as text for a terminal, as Markdown, as HTML and as JSON: the same changes in each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Final

from luma_conformance.errors import Exit
from luma_conformance.matching import one_line
from luma_conformance.report import html, markdown
from luma_conformance.report.compare import Change, Comparison, Kind

MAX_LISTED: Final = 500
"""Changes of a kind that text, Markdown and HTML list; the rest are count_noun, and all are in the JSON."""

_TONES: Final = {Exit.CONFORMANT: "pass", Exit.NOT_CONFORMANT: "fail"}


def as_text(comparisons: Sequence[Comparison]) -> str:
    """Return comparisons for a terminal."""
    return "".join(f"{one_line(line)}\n" for comparison in comparisons for line in _lines(comparison))


def as_markdown(comparisons: Sequence[Comparison]) -> str:
    """Return comparisons as Markdown."""
    out: list[str] = []
    for comparison in comparisons:
        out += [f"## {markdown.escape_text(comparison.headline)}", ""]
        out += [f"From {markdown.escape_text(str(comparison.old))} to {markdown.escape_text(str(comparison.new))}.", ""]
        out += [f"- {markdown.escape_text(said)}" for said in _remark(comparison)] + [""]
        for head, changes, more in _listed(comparison):
            out += [f"### {markdown.escape_text(head)}", ""]
            for one in changes:
                place = f" ({markdown.escape_text(_place(one))})" if one.place else ""
                out.append(f"- {markdown.render_code(one.where)}: {markdown.render_code(str(one))}{place}")
            out += [f"- … and {more:,} more"] * (more > 0) + [""]
    return "\n".join(out)


def as_html(comparisons: Sequence[Comparison], status: Exit) -> str:
    """Return comparisons as one page of HTML that needs nothing else."""
    body = "".join(_section(comparison, alone=len(comparisons) == 1) for comparison in comparisons)
    title = "; ".join(comparison.headline for comparison in comparisons)
    return html.render_still(title, _TONES.get(status, "not-judged"), body)


def as_json(comparisons: Sequence[Comparison], status: Exit) -> str:
    """Return comparisons as JSON, with their exit status."""
    data = {"comparisons": [_data(comparison) for comparison in comparisons], "exit": int(status)}
    return json.dumps(data, indent=2) + "\n"


WRITERS: Final[Mapping[str, Callable[[Sequence[Comparison], Exit], str]]] = {
    "text": lambda comparisons, _: as_text(comparisons),
    "md": lambda comparisons, _: as_markdown(comparisons),
    "html": as_html,
    "json": as_json,
}


def _lines(comparison: Comparison) -> Iterator[str]:
    yield f"old  {comparison.old}"
    yield f"new  {comparison.new}"
    yield from (f"note: {caution}" for caution in comparison.cautions)
    yield from comparison.about_causes[: MAX_LISTED + 1]
    yield comparison.headline
    for head, changes, more in _listed(comparison):
        yield ""
        yield head
        for one in changes:
            yield f"  {one.where}"
            yield f"      {one}"
            if one.place:
                yield f"      {_place(one)}"
        if more:
            yield f"  … and {more:,} more"


def _remark(comparison: Comparison) -> list[str]:
    """Return what has to be known before the changes: cautions, and which causes are new or gone."""
    return [*comparison.cautions, *comparison.about_causes[: MAX_LISTED + 1]]


def _listed(comparison: Comparison) -> Iterator[tuple[str, Sequence[Change], int]]:
    """Yield a heading for each kind of change, its first changes, and how many more there are."""
    for kind, changes in comparison.by_kind.items():
        yield f"{kind}: {len(changes):,}", changes[:MAX_LISTED], max(0, len(changes) - MAX_LISTED)


def _place(change: Change) -> str:
    return f"{change.place}, and {change.times - 1:,} more" if change.times > 1 else change.place


def _section(comparison: Comparison, *, alone: bool) -> str:
    out = [] if alone else [f"<h2>{html.escape_text(comparison.headline)}</h2>"]
    remarks = [f"from {comparison.old}", f"to {comparison.new}", *_remark(comparison)]
    out += ["<ul class=remarks>", *(f"<li>{html.escape_text(remark)}" for remark in remarks), "</ul>"]
    for head, changes, more in _listed(comparison):
        out.append(f"<table><caption>{head}</caption><thead><tr><th>Where<th>What was, and what is</thead><tbody>")
        for one in changes:
            out.append(
                f"<tr><th scope=row>{html.escape_text(one.where)}<br>{html.escape_text(one.title or _place(one))}"
            )
            out.append(f"<td>{html.escape_text(str(one))}")
        out += [f"<tr><td colspan=2>… and {more:,} more"] * (more > 0)
        out.append("</tbody></table>")
    return "".join(out)


def _data(comparison: Comparison) -> dict[str, object]:
    counts = dict.fromkeys(Kind, 0) | {kind: len(changes) for kind, changes in comparison.by_kind.items()}
    return {**asdict(comparison), "counts": counts}
