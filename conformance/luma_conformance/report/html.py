"""The results of runs as one HTML page that needs nothing else: no network, no server, no other file.

Its texts come from strangers: each is escaped where it is used, and the list's data is JSON that cannot end a script.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Final
from urllib.parse import quote

from luma_conformance.judge.causes import Cause, find_causes
from luma_conformance.judge.judged import Judged
from luma_conformance.model import Facet, Outcome
from luma_conformance.report import plots
from luma_conformance.report.compare import Comparison
from luma_conformance.report.compare_formats import render_changes
from luma_conformance.report.history import compare_with_earlier, find_latest
from luma_conformance.report.html_frame import escape_id, escape_text, fold, render_page
from luma_conformance.report.html_history import TONES, render_history
from luma_conformance.report.html_statements import render_statements
from luma_conformance.report.island import OUTCOMES, format_moment, list_sections, render_island
from luma_conformance.report.links import PAGE, page_link
from luma_conformance.report.result import CLIENT, Conclusion, Results, Run, count_noun, describe_covered, describe_made
from luma_conformance.shown import one_line

_FINDINGS: Final = (Outcome.FAIL, Outcome.DEVIATION, Outcome.WARNING)
STATIC: Final = 50
"""Causes the page shows."""
STATIC_FINDINGS: Final = 30
"""Findings the page shows if scripts cannot run."""
EXPLAINED: Final = 10
"""Causes of which the page shows what both sides say; of the others a link leads to it."""
_EXPLAINED: Final = {
    "": "Must: clients branch on it. Should: it is worded for people.",
    CLIENT: "Must: the page demands it. Should: the page advises it.",
}
FEW: Final = 12
"""Sections with a finding that are shown unfolded."""


MANY: Final = 100
"""Findings of one run from which on the statements of the page are left out, so that the page stays small."""


def render(runs: Sequence[Results], since: Results | None = None) -> str:
    """Return the page of one run, or of several in the order given; of one, also what has changed `since` another."""
    assert runs
    changes = compare_with_earlier(runs, since)
    latest = find_latest(runs)
    causes = {index: find_causes(runs[index].verdicts) for index in latest}
    several = len(runs) > 1
    news = [_render_news(changes[index], index + 1 if several else 0) for index in latest if index in changes]
    return render_page(
        _make_title(runs, latest),
        _choose_tone([runs[index] for index in latest]),
        subject=_render_subject(runs, latest),
        masthead=render_history(runs, changes) if several else _render_facts(runs[0]),
        news="".join(news),
        causes=_render_causes(runs, causes),
        unjudged="".join(_render_unjudged(runs[index], index + 1 if several else 0) for index in latest),
        sections=_render_sections(runs, latest) + (render_statements(runs) if _is_short(runs[-1]) else ""),
        cases=f"{runs[-1].run.noun}s".capitalize(),
        static=_render_static(runs),
        island=render_island(runs, [cause for found in causes.values() for cause in found[:STATIC]]),
    )


def _is_short(results: Results) -> bool:
    return sum(verdict.verdict is Outcome.FAIL for verdict in results.verdicts) < MANY


def _make_title(runs: Sequence[Results], latest: Sequence[int]) -> str:
    """Return the headline of the latest run: what was before it is history."""
    if len(latest) == 1:
        return runs[-1].headline
    found = Counter(runs[index].conclusion for index in latest)
    return f"{len(latest)} targets: {', '.join(f'{count} {conclusion}' for conclusion, count in sorted(found.items()))}"


def _choose_tone(latest: Sequence[Results]) -> str:
    tones = {TONES.get(results.conclusion, "not-judged") for results in latest}  # of a part that is right: no tone
    tones |= {
        "not-judged" for results in latest if results.conclusion is Conclusion.CONFORMANT and not results.is_whole
    }
    return next(tone for tone in ("fail", "not-judged", "pass") if tone in tones)


def _render_subject(runs: Sequence[Results], latest: Sequence[int]) -> str:
    """Return what was judged, and what a reader must know with the headline."""
    if len(latest) > 1:
        return f"<p class=subject>{count_noun(len(runs), 'run')} of {len(latest)} targets</p>"
    results = runs[-1]
    remarks = "".join(f"<li>{escape_text(remark)}</li>" for remark in results.remarks)
    several = f", the latest of {len(runs)} runs" if len(runs) > 1 else ""
    contract = f"<p class=quiet>Judged by {_name_contract(results.run)}</p>" if several else ""
    return (
        f"<p class=subject>{escape_id(results.run.name)}{several}</p>"
        f"{f'<ul class=remarks>{remarks}</ul>' if remarks else ''}{contract}"
    )


def _render_facts(results: Results) -> str:
    shown = "".join(f"<div><dt>{name}</dt><dd>{text}</dd></div>" for name, text in _list_facts(results))
    more = "".join(f"<div><dt>{name}</dt><dd>{text}</dd></div>" for name, text in _list_more(results))
    folded = fold("More about this run", f"<dl class=facts>{more}</dl>")
    return f'<section aria-label="Run"><dl class=facts>{shown}</dl>{folded}</section>'


def _list_facts(results: Results) -> Iterator[tuple[str, str]]:
    """Yield what a reader wants to know of every run, as HTML."""
    run, counts = results.run, results.counts
    yield "Judged", f"{results.coverage} {run.noun}s"
    yield "Verdicts", ", ".join(f"{counts[one]:,} {run.names[one]}" for one in OUTCOMES if counts[one]) or "none"
    yield "Began", escape_text(format_moment(run.started)) or "unknown"
    yield "Took", f"<span class=nowrap>{_format_duration(results)}</span>"
    yield "Contract", _name_contract(run)


def _name_contract(run: Run) -> str:
    day = f", transcribed {escape_text(run.transcribed)}" if run.transcribed else ""
    return f'<a href="{escape(PAGE)}" rel="noreferrer">the error-handling page</a>{day}'


def _list_more(results: Results) -> Iterator[tuple[str, str]]:
    run, ending = results.run, results.ending
    if ending and ending.made:
        yield "Made", f"{escape_text(describe_made(ending.made))}, for the cases that need one"
    if ending and ending.spent:
        yield "Spent", count_noun(ending.spent, "accepted generation")
    if ending and ending.observed:
        yield "Observed", escape_text("; ".join(ending.observed))
    if ending and ending.rules:
        reached = sum(fired > 0 for fired, _ in ending.rules.values())
        yield "Rules broken by generated requests", f"{reached} of {len(ending.rules)}"
    if ending and ending.covered:
        yield "Contexts", describe_covered(ending.covered)
    if run.against:
        yield "Compared with the server", escape_id(run.against)
    yield "Kit", escape_text(f"{run.kit}, catalogue {run.catalogue}")
    yield "Ran on", escape_text(f"pytest {run.pytest}, Python {run.python}")


def _format_duration(results: Results) -> str:
    try:
        began, ended = (datetime.fromisoformat(text) for text in (results.run.started, results.ending.ended))  # type: ignore[union-attr]
        return plots.format_duration(max(1.0, (ended - began).total_seconds()))
    except (ValueError, AttributeError, TypeError):
        return "unknown"


def _render_news(change: Comparison, number: int) -> str:
    """Return what has changed since the run before; `number` is that of the newer run, if there are several."""
    remarks = "".join(f"<li>{escape_text(line)}" for line in (*change.cautions, *change.about_causes[:STATIC]))
    head = f"Run {number}, since the run before" if number else "Since the last run"
    folded = fold(f"The {count_noun(len(change.changes), 'change')}", render_changes(change)) if change.changes else ""
    return (
        f"<section class=news><h2>{head}</h2><p><strong>{escape_text(change.headline)}</strong></p>"
        f"{f'<ul class=remarks>{remarks}</ul>' if remarks else ''}"
        f"<p class=quiet>Compared with {escape_id(str(change.old))}</p>{folded}</section>"
    )


def _render_causes(runs: Sequence[Results], causes: Mapping[int, Sequence[Cause]]) -> str:
    """Return what is wrong in the last run of each target, each cause once; nothing where nothing is."""
    out, first = [], 0
    for index, found in causes.items():
        if not found:
            continue
        where = f" in run {index + 1}" if len(runs) > 1 else ""
        target = f"<p class=quiet>{escape_id(runs[index].run.name)}</p>" if len(causes) > 1 else ""
        rows = "".join(_render_cause(first + place, cause, place) for place, cause in enumerate(found[:STATIC]))
        more = f"<p>… and {len(found) - STATIC:,} more</p>" if len(found) > STATIC else ""
        name = f"causes-{index + 1}"
        out.append(
            f'<section aria-labelledby="{name}"><h2 id="{name}">{count_noun(len(found), "cause")}{where}</h2>{target}'
            f"<p class=quiet>In the order to mend them. {_EXPLAINED[runs[index].run.kind]}</p>"
            f"<ol class=causes>{rows}</ol>{more}</section>"
        )
        first += len(found[:STATIC])
    return "".join(out)


def _render_cause(number: int, cause: Cause, place: int) -> str:
    case = cause.example.case
    link = f'<a href="#search={quote(one_line(case), safe="", errors="replace")}">{escape_id(case)}</a>'
    cases = count_noun(len(cause.cases), "scenario" if cause.example.is_of_client else "case")
    alone = cause.extent.partition(",")[1:]
    said = "".join(
        f"<div><dt>{name}</dt><dd class={tone}>{escape_text(text)}</dd></div>"
        for name, text, tone in (_list_said(cause) if place < EXPLAINED else ())
    )
    return (
        f"<li><p><strong>{escape_id(cause.title)}</strong> <span class=severity>{cause.severity}</span></p>"
        f'<p><a href="#cause={number}">{cases}</a>{"".join(alone)}; as in {link}</p>'
        f"{f'<dl class=said>{said}</dl>' if said else ''}"
    )


def _list_said(cause: Cause) -> Iterator[tuple[str, str, str]]:
    """Yield what the page and the server say, where the title does not say it already."""
    example = cause.example
    if example.is_of_client:
        found = (one.why for one in example.differences if one.where == cause.title)
        yield from (("the client did", why, "server") for why in found)
        return
    if cause.facet in (Facet.STATUS, Facet.DETAIL) and example.expected:
        yield "the page says", example.expected, "page"
        yield "the server said", example.actual or "nothing", "server"
        return
    for one in example.differences:
        line = f"{one.where}: {one.why}"
        told = line.startswith(cause.title.partition("…")[0]) or cause.title == f"{one.where} {one.why}"
        if one.facet is cause.facet and not told:
            yield f"differs in {one.facet}", line, "server"
            return


def _render_unjudged(results: Results, number: int) -> str:
    """Return why cases were not judged, folded away; `number` is that of the run, if there are several."""
    reasons = Counter(one.reason or "no reason given" for one in results.verdicts if one.verdict is Outcome.NOT_JUDGED)
    if not reasons:
        return ""
    rows = "".join(
        f"<tr><td class=number>{count:,}<td>{escape_text(reason)}" for reason, count in reasons.most_common(STATIC)
    )
    more = f"<tr><td><td>… and {len(reasons) - STATIC:,} more reasons" if len(reasons) > STATIC else ""
    head = f"{count_noun(sum(reasons.values()), results.run.noun)} not judged{f' in run {number}' if number else ''}"
    reason = "one reason" if len(reasons) == 1 else f"{len(reasons):,} reasons"
    return fold(f"{head}, for {reason}", f"<table class=reasons><tbody>{rows}{more}</tbody></table>")


def _render_sections(runs: Sequence[Results], latest: Sequence[int]) -> str:
    """Return the tables of the page's sections: of those with findings, and of the others, folded away."""
    grouped: dict[str, list[list[Judged]]] = defaultdict(lambda: [[] for _ in runs])
    for index, results in enumerate(runs):
        for judged in results.verdicts:
            grouped[judged.section][index].append(judged)
    columns = [outcome for outcome in OUTCOMES if any(results.counts[outcome] for results in runs)]
    rows: dict[bool, list[tuple[int, str]]] = {True: [], False: []}
    for number, section in enumerate(list_sections(runs)):
        cells = [Counter(judged.verdict for judged in cell) for cell in grouped[section]]
        current = [judged for index in latest for judged in grouped[section][index]]
        wrong = sum(judged.verdict in _FINDINGS or bool(judged.flaky) for judged in current)
        rows[wrong > 0].append((-wrong, _render_section(section, number, cells, columns, runs[-1].run.names)))
    head = _render_section_head(runs, columns)
    found, calm = ([row for _, row in sorted(rows[kind], key=lambda one: one[0])] for kind in (True, False))
    out = ""
    for kind, some in (("with a finding", found), ("without a finding", calm)):
        if some:
            table = f"<table class='sections stack'>{head}<tbody>{''.join(some)}</tbody></table>"
            now = " in the latest run" if len(runs) > 1 else ""
            words = f"{count_noun(len(some), 'section')} {kind}{now}"
            out += fold(words, table, unfolded=some is found and len(found) <= FEW)
    return out


def _render_section_head(runs: Sequence[Results], columns: Sequence[Outcome]) -> str:
    if len(runs) > 1:
        heads = "".join(f"<th>Run {number}" for number in range(1, len(runs) + 1))
    else:
        heads = "".join(f"<th class=number>{runs[-1].run.names[outcome]}" for outcome in columns)
    return f"<thead><tr><th>Section of the page{heads}</thead>"


def _render_section(
    section: str,
    number: int,
    cells: list[Counter[Outcome]],
    columns: Sequence[Outcome],
    names: Mapping[Outcome, str],
) -> str:
    link = page_link(section)
    shown = escape_id(section)
    head = f'<a href="{escape(link)}" rel="noreferrer">{shown}</a>' if link else shown
    row = f"<tr><th scope=row>{head}"
    if len(cells) > 1:
        counts = (_count_in_words(cell, names) for cell in cells)
        return row + "".join(f'<td data-name="run {run}">{count}' for run, count in enumerate(counts, 1))
    for outcome in columns:
        count = cells[0][outcome]
        link = f'<a class={outcome} href="#verdict={outcome}&amp;section={number}">{count:,}</a>' if count else "0"
        row += f'<td class="number{"" if count else " none"}" data-name="{names[outcome]}">{link}'
    return row


def _count_in_words(count: Counter[Outcome], names: Mapping[Outcome, str]) -> str:
    """Return a run's verdicts on a section, what is wrong first."""
    return (
        ", ".join(f"<span class={one}>{count[one]:,} {names[one]}</span>" for one in OUTCOMES if count[one]) or "none"
    )


def _render_static(runs: Sequence[Results]) -> str:
    """Return a table of the first findings, for browsers without scripts; the script replaces it by the list."""
    found = [
        one
        for results in runs
        for one in results.verdicts
        if one.flaky or one.verdict not in (Outcome.PASS, Outcome.NOT_JUDGED)
    ]
    rows = "".join(
        f"<tr><td>{runs[-1].run.names[one.verdict]}<td>{escape_id(one.case)}<br>{escape_text(one.title)}"
        f"<td>{escape_text(one.expected or '')}<td>{escape_text(_describe_answer(one))}"
        for one in found[:STATIC_FINDINGS]
    )
    did = "The client did" if runs[-1].run.kind == CLIENT else "The server said"
    head = f"<thead><tr><th>Verdict<th>{runs[-1].run.noun.capitalize()}<th>The page says<th>{did}</thead>"
    return (
        f"<p>The list of all {runs[-1].run.noun}s needs JavaScript. The first findings:</p>"
        f"<table class=stack>{head}<tbody>{rows}</tbody></table>"
    )


def _describe_answer(judged: Judged) -> str:
    tried = f"{judged.flaky}: " if judged.flaky else ""
    return f"{tried}{judged.actual or judged.reason or judged.explanation or ''}"
