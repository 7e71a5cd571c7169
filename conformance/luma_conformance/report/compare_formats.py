"""Comparisons as text for a terminal, as Markdown, as HTML and as JSON: the same changes in each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Final

from luma_conformance.errors import Exit
from luma_conformance.judge.causes import generalize
from luma_conformance.report import html_frame, markdown
from luma_conformance.report.compare import Change, Comparison, Kind, ShownComparison
from luma_conformance.report.result import Report
from luma_conformance.shown import one_line

MAX_LISTED: Final = 50
"""Different changes of a kind that text, Markdown and HTML list; the rest are counted, and all are in the JSON."""
MAX_IDS: Final = 10
"""Cases of one change that they list."""

_TONES: Final = {Exit.CONFORMANT: "pass", Exit.NOT_CONFORMANT: "fail"}


def as_text(comparisons: Sequence[ShownComparison]) -> str:
    """Return comparisons for a terminal."""
    return "".join(f"{one_line(line)}\n" for comparison in comparisons for line in _lines(comparison))


def as_markdown(comparisons: Sequence[ShownComparison]) -> str:
    """Return comparisons as Markdown."""
    out: list[str] = []
    for comparison in comparisons:
        out += [f"## {markdown.escape_text(comparison.headline)}", ""]
        out += [f"From {markdown.escape_text(str(comparison.old))} to {markdown.escape_text(str(comparison.new))}.", ""]
        out += [f"- {markdown.escape_text(said)}" for said in _remark(comparison)] + [""]
        for head, groups, more in _list_groups(comparison):
            out += [f"### {markdown.escape_text(head)}", ""]
            for one, *others in groups:
                place = f" ({markdown.escape_text(_place(one))})" if one.place else ""
                out.append(f"- {markdown.render_code(one.where)}: {markdown.render_code(str(one))}{place}")
                if others:
                    ids = " ".join(markdown.render_code(other.where) for other in others[: MAX_IDS - 1])
                    out.append(f"  - {_name_others(others)}: {ids}{' …' if len(others) >= MAX_IDS else ''}")
            out += [f"- … and {more:,} more"] * (more > 0) + [""]
    return "\n".join(out)


def as_html(comparisons: Sequence[ShownComparison], status: Exit) -> str:
    """Return comparisons as one page of HTML that needs nothing else."""
    body = "".join(_render_section(comparison, alone=len(comparisons) == 1) for comparison in comparisons)
    title = "; ".join(comparison.headline for comparison in comparisons)
    return html_frame.render_still(title, _TONES.get(status, "not-judged"), body)


def as_json(comparisons: Sequence[ShownComparison], status: Exit) -> str:
    """Return comparisons as JSON, with their exit status."""
    data = {"comparisons": [_data(comparison) for comparison in comparisons], "exit": int(status)}
    return json.dumps(data, indent=2) + "\n"


WRITERS: Final[Mapping[str, Callable[[Sequence[ShownComparison], Exit], Report]]] = {
    "text": lambda comparisons, _: Report(as_text(comparisons)),
    "md": lambda comparisons, _: Report(as_markdown(comparisons)),
    "html": lambda comparisons, status: Report(as_html(comparisons, status)),
    "json": lambda comparisons, status: Report(as_json(comparisons, status)),
}


def render_changes(comparison: Comparison) -> str:
    """Return the changes as HTML: a table for each kind, in which the same change of many cases is there once."""
    out = []
    for head, groups, more in _list_groups(comparison):
        out.append(f"<table class=stack><caption>{head}</caption><thead><tr><th>Where<th>What was, and what is</thead>")
        for one, *others in groups:
            out.append(f"<tr><th scope=row>{html_frame.escape_id(one.where)}<br>")
            out.append(html_frame.escape_text(one.title or _place(one)))
            if others:
                ids = "<br>".join(html_frame.escape_id(other.where) for other in others[: MAX_IDS - 1])
                out.append(f"<br>{_name_others(others)}:<br>{ids}{'<br>…' if len(others) >= MAX_IDS else ''}")
            out.append(f"<td>{html_frame.escape_text(str(one))}")
        out += [f"<tr><td colspan=2>… and {more:,} more"] * (more > 0)
        out.append("</table>")
    return "".join(out)


def _lines(comparison: Comparison) -> Iterator[str]:
    yield comparison.headline
    yield f"old  {comparison.old}"
    yield f"new  {comparison.new}"
    yield from (f"note: {caution}" for caution in comparison.cautions)
    yield from comparison.about_causes[: MAX_LISTED + 1]
    for head, groups, more in _list_groups(comparison):
        yield ""
        yield head
        for one, *others in groups:
            yield f"  {one.where}"
            yield from (f"  {other.where}" for other in others[: MAX_IDS - 1])
            if len(others) >= MAX_IDS:
                yield f"  … and {len(others) - MAX_IDS + 1:,} more, all of them"
            yield f"      {one}"
            if one.place:
                yield f"      {_place(one)}"
        if more:
            yield f"  … and {more:,} more"


def _remark(comparison: Comparison) -> list[str]:
    """Return what has to be known before the changes: cautions, and what became of the causes."""
    return [*comparison.cautions, *comparison.about_causes[: MAX_LISTED + 1]]


def _list_groups(comparison: Comparison) -> Iterator[tuple[str, Sequence[Sequence[Change]], int]]:
    """Yield a heading for each kind of change, its first changes, the same of many cases together, and what is left."""
    for kind, changes in comparison.by_kind.items():
        groups: dict[str, list[Change]] = {}
        for one in changes:
            groups.setdefault(one.where if one.place else generalize([str(one)])[0], []).append(one)
        shown = list(groups.values())[:MAX_LISTED]
        yield f"{kind}: {len(changes):,}", shown, len(changes) - sum(map(len, shown))


def _name_others(others: Sequence[Change]) -> str:
    return f"the same in {len(others):,} more"


def _place(change: Change) -> str:
    return f"{change.place}, and {change.times - 1:,} more" if change.times > 1 else change.place


def _render_section(comparison: Comparison, *, alone: bool) -> str:
    head = "" if alone else f"<h2>{html_frame.escape_text(comparison.headline)}</h2>"
    remarks = [f"from {comparison.old}", f"to {comparison.new}", *_remark(comparison)]
    listed = "".join(f"<li>{html_frame.escape_text(remark)}" for remark in remarks)
    return f"{head}<ul class=remarks>{listed}</ul>{render_changes(comparison)}"


def _data(comparison: Comparison) -> dict[str, object]:
    counts = dict.fromkeys(Kind, 0) | {kind: len(changes) for kind, changes in comparison.by_kind.items()}
    return {**asdict(comparison), "headline": comparison.headline, "counts": counts}
