"""The results of runs as one HTML page that needs nothing else: no network, no server, no other file.

Its texts come from strangers: each is escaped where it is used, and the list's data is JSON that cannot end a script.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from hashlib import sha256
from html import escape
from importlib.resources import files
from string import Template
from typing import Final
from urllib.parse import quote

from luma_conformance.judge.causes import Cause, find_causes
from luma_conformance.judge.judged import Judged
from luma_conformance.matching import one_line
from luma_conformance.model import Outcome
from luma_conformance.report import plots
from luma_conformance.report.links import page_link
from luma_conformance.report.result import JUDGED, Conclusion, Results, count_noun, describe_made

OUTCOMES: Final = (*JUDGED, Outcome.NOT_JUDGED)
STATIC: Final = 50
"""Causes the page shows."""
STATIC_FINDINGS: Final = 30
"""Findings the page shows if scripts cannot run."""

_NAMES: Final = {
    Outcome.PASS: "pass",
    Outcome.FAIL: "fail",
    Outcome.DEVIATION: "known deviation",
    Outcome.WARNING: "worded otherwise",
    Outcome.NOT_JUDGED: "not judged",
}
_ESCAPED: Final = str.maketrans({character: f"\\u{ord(character):04x}" for character in "<>&"})
_TONES: Final = {Conclusion.CONFORMANT: "pass", Conclusion.NOT_CONFORMANT: "fail"}


def render(runs: Sequence[Results]) -> str:
    """Return the page of one run, or of several side by side, in the order given."""
    assert runs
    style, script = _read_part("page.css"), _read_part("page.js")
    return Template(_read_part("page.html")).substitute(
        policy=f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'",
        style=style,
        script=script,
        title=escape_text(_make_title(runs)),
        tone=_choose_tone(runs),
        masthead=_render_masthead(runs),
        causes=_render_causes(runs),
        sections=_render_sections(runs),
        static=_render_static(runs),
        island=_render_island(runs),
    )


def render_still(title: str, tone: str, body: str) -> str:
    """Return a page without a script; `body` is HTML already, `title` is plain text."""
    style = _read_part("page.css")
    return Template(_read_part("still.html")).substitute(
        policy=f"default-src 'none'; style-src '{_hash(style)}'; img-src data:; base-uri 'none'; form-action 'none'",
        style=style,
        title=escape_text(title),
        tone=tone,
        body=body,
    )


def escape_text(text: str) -> str:
    """Return a text as HTML, escaped so that it cannot hide, run as markup or change the text direction."""
    return escape(one_line(text))


def _read_part(name: str) -> str:
    return files("luma_conformance.report").joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


def _make_title(runs: Sequence[Results]) -> str:
    if len(runs) == 1:
        return runs[0].headline
    found = Counter(results.conclusion for results in runs)
    return f"{len(runs)} runs: {', '.join(f'{found[one]} {one}' for one in Conclusion if found[one])}"


def _choose_tone(runs: Sequence[Results]) -> str:
    tones = {_TONES.get(results.conclusion, "not-judged") for results in runs}  # of a part that is right: no tone
    tones |= {"not-judged" for results in runs if results.conclusion is Conclusion.CONFORMANT and not results.is_whole}
    return next(tone for tone in ("fail", "not-judged", "pass") if tone in tones)


def _render_masthead(runs: Sequence[Results]) -> str:
    if len(runs) == 1:
        results = runs[0]
        remarks = "".join(f"<li>{escape_text(remark)}</li>" for remark in results.remarks)
        facts = "".join(
            f"<div><dt>{name}</dt><dd>{escape_text(text)}</dd></div>" for name, text in _list_facts(results)
        )
        return f"{f'<ul class=remarks>{remarks}</ul>' if remarks else ''}<dl>{facts}</dl>"
    rows = "".join(_render_run_row(number, results) for number, results in enumerate(runs, start=1))
    return (
        "<table><caption>Runs</caption><thead><tr><th>Run<th>Target<th>Began<th>Result<th>Verdicts</thead>"
        f"<tbody>{rows}</tbody></table>"
        f"<figure><figcaption>Share of judged cases that pass, run by run</figcaption>{plots.draw_trend(runs)}</figure>"
    )


def _render_run_row(number: int, results: Results) -> str:
    words = "; ".join([results.headline, *results.remarks])
    cells = (results.run.target or "none", _format_moment(results.run.started), words)
    texts = "".join(f"<td>{escape_text(text)}" for text in cells)
    return f"<tr><th scope=row>{number}{texts}<td>{plots.draw_shares(results.counts)}"


def _list_facts(results: Results) -> Iterator[tuple[str, str]]:
    run, ending = results.run, results.ending
    yield "Target", run.target or "none"
    yield "Began", _format_moment(run.started)
    yield "Took", _format_duration(results)
    yield "Verdicts", ", ".join(f"{results.counts[one]:,} {_NAMES[one]}" for one in OUTCOMES if results.counts[one])
    if ending and ending.made:
        yield "Made", f"{describe_made(ending.made)}, for the cases that need one"
    if ending and ending.spent:
        yield "Spent", count_noun(ending.spent, "accepted generation")
    if ending and ending.observed:
        yield "Observed", "; ".join(ending.observed)
    if ending and ending.rules:
        reached = sum(fired > 0 for fired, _ in ending.rules.values())
        yield "Rules broken by generated requests", f"{reached} of {len(ending.rules)}"
    yield "Kit", f"{run.kit}, catalogue {run.catalogue}"
    yield "Ran on", f"pytest {run.pytest}, Python {run.python}"


def _format_moment(text: str) -> str:
    return text.replace("T", " ").replace("Z", " UTC")


def _format_duration(results: Results) -> str:
    try:
        began, ended = (datetime.fromisoformat(text) for text in (results.run.started, results.ending.ended))  # type: ignore[union-attr]
        return plots.format_duration(max(1.0, (ended - began).total_seconds()))
    except (ValueError, AttributeError, TypeError):
        return "unknown"


def _render_causes(runs: Sequence[Results]) -> str:
    """Return a table of what is wrong in the last run, each cause once; nothing where nothing is."""
    causes = find_causes(runs[-1].verdicts)
    if not causes:
        return ""
    head = count_noun(len(causes), "cause") + (f" in run {len(runs)}" if len(runs) > 1 else "")
    rows = "".join(map(_render_cause_row, causes[:STATIC]))
    if len(causes) > STATIC:
        rows += f"<tr><td colspan=3>… and {len(causes) - STATIC:,} more"
    return (
        f'<section aria-labelledby="causes"><h2 id="causes">{head}</h2><table><thead><tr><th>What is wrong<th>Severity'
        f"<th>Extent</thead><tbody>{rows}</tbody></table></section>"
    )


def _render_cause_row(cause: Cause) -> str:
    case = one_line(cause.example.case)
    link = f'<a href="#search={quote(case, safe="", errors="replace")}"><bdi>{escape(case)}</bdi></a>'
    return (
        f"<tr><th scope=row><bdi>{escape_text(cause.title)}</bdi><br>as in {link}<td>{cause.severity}<td>{cause.extent}"
    )


def _render_sections(runs: Sequence[Results]) -> str:
    """Return the table of the page's sections: those with findings first, the others folded away."""
    grouped: dict[str, list[list[Judged]]] = defaultdict(lambda: [[] for _ in runs])
    for index, results in enumerate(runs):
        for judged in results.verdicts:
            grouped[judged.section][index].append(judged)
    numbers = {section: number for number, section in enumerate(grouped)}
    longest = max((judged.seconds for cells in grouped.values() for cell in cells for judged in cell), default=0.0)
    columns = [outcome for outcome in OUTCOMES if any(results.counts[outcome] for results in runs)]
    troubled: list[str] = []
    calm: list[str] = []
    for section, cells in grouped.items():
        clean = all(judged.verdict in (Outcome.PASS, Outcome.NOT_JUDGED) for cell in cells for judged in cell)
        (calm if clean else troubled).append(_render_section_row(section, numbers[section], cells, columns, longest))
    head = _render_section_head(runs, columns)
    found = f"<table class=sections>{head}<tbody>{''.join(troubled)}</tbody></table>" if troubled else ""
    if not calm:
        return found
    words = f"{count_noun(len(calm), 'other section' if troubled else 'section')} without a finding"
    folded = f"<table class=sections>{head}<tbody>{''.join(calm)}</tbody></table>"
    return f"{found}<details{'' if troubled else ' open'}><summary>{words}</summary>{folded}</details>"


def _render_section_head(runs: Sequence[Results], columns: Sequence[Outcome]) -> str:
    if len(runs) > 1:
        heads = "".join(f"<th>Run {number}" for number in range(1, len(runs) + 1))
    else:
        heads = "".join(f"<th class=number>{_NAMES[outcome]}" for outcome in columns)
        heads += "<th>Verdicts<th>Time a case took (log scale)"
    return f"<thead><tr><th>Section of the page{heads}</thead>"


def _render_section_row(
    section: str, number: int, cells: list[list[Judged]], columns: Sequence[Outcome], longest: float
) -> str:
    link = page_link(section)
    shown = f"<bdi>{escape_text(section)}</bdi>"
    head = f'<a href="{escape(link)}" rel="noreferrer">{shown}</a>' if link else shown
    row = f"<tr><th scope=row>{head}"
    counts = [Counter(judged.verdict for judged in cell) for cell in cells]
    if len(cells) > 1:
        return row + "".join(f"<td>{plots.draw_shares(count) if count else '–'}" for count in counts)
    (count,), (cell,) = counts, cells
    for outcome in columns:
        row += f"<td class=number>{_render_filter_link(outcome, number, count[outcome])}"
    return f"{row}<td>{plots.draw_shares(count)}<td>{plots.draw_times([one.seconds for one in cell], longest)}"


def _render_filter_link(outcome: Outcome, section: int, count: int) -> str:
    if not count:
        return '<span class="none">0</span>'
    return f'<a class="{outcome}" href="#verdict={outcome}&amp;section={section}">{count:,}</a>'


def _render_static(runs: Sequence[Results]) -> str:
    """Return a table of the first findings, for browsers without scripts; the script replaces it by the list."""
    found = [
        one
        for results in runs
        for one in results.verdicts
        if one.flaky or one.verdict not in (Outcome.PASS, Outcome.NOT_JUDGED)
    ]
    rows = "".join(
        f"<tr><td>{_NAMES[one.verdict]}<td><bdi>{escape_text(one.case)}</bdi><br>{escape_text(one.title)}"
        f"<td>{escape_text(one.expected or '')}<td>{escape_text(_describe_answer(one))}"
        for one in found[:STATIC_FINDINGS]
    )
    head = "<thead><tr><th>Verdict<th>Case<th>The page says<th>The server said</thead>"
    return (
        f"<p>The list of all cases needs JavaScript. The first findings:</p><table>{head}<tbody>{rows}</tbody></table>"
    )


def _describe_answer(judged: Judged) -> str:
    tried = f"{judged.flaky}: " if judged.flaky else ""
    return f"{tried}{judged.actual or judged.reason or judged.explanation or ''}"


def _render_island(runs: Sequence[Results]) -> str:
    """Return the data of the list as JSON that is safe in a script element: one row a case, one cell a run."""
    sections = {section: number for number, section in enumerate(_list_sections(runs))}
    cells: dict[str, list[object]] = {}
    cases: dict[str, list[object]] = {}
    differences: dict[tuple[str, ...], int] = {}
    for index, results in enumerate(runs):
        for judged in results.verdicts:
            if judged.case not in cases:
                place = one_line(f"{judged.file}:{judged.line}") if judged.file else ""
                cases[judged.case] = [
                    one_line(judged.case), one_line(judged.title), sections[judged.section],
                    place, one_line(judged.operation), cells.setdefault(judged.case, [None] * len(runs)),
                ]  # fmt: skip
            cells[judged.case][index] = _make_cell(judged, differences)
    data = {
        "outcomes": [[outcome, _NAMES[outcome]] for outcome in OUTCOMES],
        "sections": [[one_line(section), page_link(section)] for section in sections],
        "runs": [
            one_line(f"{results.run.target or 'no target'}, {_format_moment(results.run.started)}") for results in runs
        ],
        "differences": list(differences),
        "links": {one[-1]: page_link(one[-1]) for one in differences},
        "cases": list(cases.values()),
    }
    return (
        json.dumps(data, separators=(",", ":")).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    )


def _list_sections(runs: Sequence[Results]) -> Iterable[str]:
    return dict.fromkeys(judged.section for results in runs for judged in results.verdicts)


def _make_cell(judged: Judged, differences: dict[tuple[str, ...], int]) -> object:
    """Return a verdict's cell in the list; for a pass without notes, only the index of its outcome.

    Each kind of difference is in `differences` once, and told by its number there.
    """
    number = OUTCOMES.index(judged.verdict)
    if judged.verdict is Outcome.PASS and not judged.notes and not judged.flaky:
        return number
    cell: dict[str, object] = {"v": number}
    for name in ("flaky", "severity", "reason", "expected", "actual", "request_id"):
        if (text := getattr(judged, name)) and (name != "actual" or judged.expected):
            cell[name] = one_line(text)
    for name in ("curl", "explanation"):
        if text := getattr(judged, name):
            cell[name] = "\n".join(map(one_line, text.split("\n")))
    if judged.notes:
        cell["notes"] = [one_line(note) for note in judged.notes]
    if judged.differences:
        cell["differences"] = [
            differences.setdefault((*map(one_line, (one.facet, one.where, one.why, one.rests_on)),), len(differences))
            for one in judged.differences
        ]
    return cell
