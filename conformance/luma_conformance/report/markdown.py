"""A run as Markdown, for a pull request or the summary of a CI job, and as annotations on the lines of case files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from luma_conformance.judge.causes import Cause, find_causes
from luma_conformance.judge.judged import Judged
from luma_conformance.model import Outcome
from luma_conformance.report.compare import Comparison
from luma_conformance.report.history import compare_with_earlier
from luma_conformance.report.links import PAGE, page_link
from luma_conformance.report.result import JUDGED, Conclusion, Results, count_noun
from luma_conformance.shown import one_line

MAX_SHOWN: Final = 50
"""Cases of an outcome that a summary lists; the rest are counted."""
MAX_ANNOTATIONS: Final = 10
"""Annotations of one kind that GitHub shows for a step."""

_MARKS: Final = {
    Conclusion.CONFORMANT: "✅",
    Conclusion.NOT_CONFORMANT: "❌",
    Conclusion.INCOMPLETE: "⚠️",
    Conclusion.COULD_NOT_JUDGE: "⚠️",
}
_SPECIAL: Final = re.compile(r"([\\`*_\[\]<>#|~&$])")


def render_summaries(runs: Sequence[Results], since: Results | None = None) -> str:
    """Return the summaries of some runs, one below the other, each with what changed since the one before it."""
    changes = compare_with_earlier(runs, since)
    return "\n".join(render_summary(results, changes.get(index)) for index, results in enumerate(runs))


def render_summary(results: Results, change: Comparison | None = None) -> str:
    """Return the summary of a run, and what has changed since another."""
    run = results.run
    remarks = f"; {'; '.join(results.remarks)}" if results.remarks else ""
    day = f" as transcribed {run.transcribed}" if run.transcribed else ""
    mark = _MARKS[results.conclusion] if results.is_whole or results.conclusion is not Conclusion.CONFORMANT else "🟡"
    out = [f"## {mark} {escape_text(results.headline)}", ""]
    out += [f"Build: {escape_text(run.label)}", ""] if run.label else []
    out += [f"Target: {escape_text(run.target or 'none')}{escape_text(remarks)}.", ""]
    out += [f"Judged by [the error-handling page]({PAGE}){escape_text(day)}.", ""]
    out += _render_change(change) if change else []
    out += _list_causes(find_causes(results.verdicts))
    out += _render_matrix(results)
    for words, cases in results.flaky.items():
        out += _list_cases(f"Flaky, {words}", cases)
    heads = {Outcome.DEVIATION: "Known deviations", Outcome.WARNING: run.names[Outcome.WARNING].capitalize()}
    for outcome, head in heads.items():
        out += _list_cases(head, [judged for judged in results.verdicts if judged.verdict is outcome])
    out += _list_unjudged(results)
    return "\n".join(out) + "\n"


def escape_text(raw: str) -> str:
    """Return a text escaped so that Markdown shows it unchanged."""
    return _SPECIAL.sub(r"\\\1", one_line(raw))


def render_code(raw: str) -> str:
    """Return a text as a code span, even if it contains backticks."""
    raw = one_line(raw)
    fence = "`" * (1 + max(map(len, re.findall("`+", raw)), default=0))
    space = " " * (raw.startswith("`") or raw.endswith("`"))
    return f"{fence}{space}{raw}{space}{fence}" if raw else ""


def render_commands(results: Results) -> Iterator[str]:
    """Yield a GitHub workflow command for each cause, at the line of a case it fails; no more than GitHub shows."""
    causes = find_causes(results.verdicts)
    shown = causes if len(causes) <= MAX_ANNOTATIONS else causes[: MAX_ANNOTATIONS - 1]
    for cause in shown:
        judged = cause.example
        place = f"file={_escape_property(judged.file)},line={judged.line or 1}," if judged.file else ""
        tried = f"{judged.flaky}; " if judged.flaky else ""
        message = f"{cause.extent}\n{judged.case}: {tried}{_describe(judged)}"
        yield f"::error {place}title={_escape_property(cause.title)}::{_escape_message(message)}"
    if len(shown) < len(causes):
        yield f"::error title=conformance::{_escape_message(f'{len(causes) - len(shown):,} more causes')}"
    for words, cases in results.flaky.items():
        listed = " ".join(one.case for one in cases[:MAX_SHOWN])
        yield f"::warning title=flaky::{_escape_message(f'{len(cases):,} flaky: {words}: {listed}')}"
    if results.conclusion in (Conclusion.COULD_NOT_JUDGE, Conclusion.INCOMPLETE):
        yield f"::error title=conformance::{_escape_message(results.headline)}"


def _render_change(change: Comparison) -> Iterator[str]:
    yield f"**Since the last run: {escape_text(change.headline)}**"
    yield ""
    yield from (f"- {escape_text(line)}" for line in (*change.cautions, *change.about_causes[:MAX_SHOWN]))
    yield f"- compared with {escape_text(str(change.old))}"
    yield ""


def _describe(judged: Judged) -> str:
    if judged.explanation or judged.reason:
        return judged.explanation or judged.reason or ""
    lines = [judged.title, f"the page says: {judged.expected}", f"the server said: {judged.actual or 'nothing'}"]
    return "\n".join([*lines, *(f"{one.where}: {one.why}" for one in judged.differences)])


def _render_matrix(results: Results) -> Iterator[str]:
    columns = [outcome for outcome in (*JUDGED, Outcome.NOT_JUDGED) if results.counts[outcome]]
    troubled = {one.section for one in results.verdicts if one.verdict not in (Outcome.PASS, Outcome.NOT_JUDGED)}
    if not columns:
        return
    yield "| section | " + " | ".join(columns) + " |"
    yield "|---|" + "---:|" * len(columns)
    for section in dict.fromkeys(one.section for one in results.verdicts if one.section in troubled):
        yield _render_row(_link_section(section), [one for one in results.verdicts if one.section == section], columns)
    calm = [one for one in results.verdicts if one.section not in troubled]
    if calm:
        others = count_noun(len({one.section for one in calm}), "other section" if troubled else "section")
        yield _render_row(others, calm, columns)
    yield ""


def _render_row(head: str, verdicts: Iterable[Judged], columns: Sequence[Outcome]) -> str:
    found = [judged.verdict for judged in verdicts]
    return f"| {head} | " + " | ".join(f"{found.count(outcome):,}" for outcome in columns) + " |"


def _link_section(section: str) -> str:
    link = page_link(section)
    return f"[{escape_text(section)}]({link})" if link else escape_text(section)


def _list_causes(causes: Sequence[Cause]) -> Iterator[str]:
    """Yield what is wrong, each cause once: an example in full, and the ids of its cases folded away."""
    if not causes:
        return
    yield f"### {count_noun(len(causes), 'cause')}"
    yield ""
    for cause in causes[:MAX_SHOWN]:
        yield f"- **{escape_text(cause.title)}**: {cause.extent} ({cause.severity})"
        yield from _describe_case(cause.example)
        if others := [case for case in cause.cases if case != cause.example.case]:
            listed = " ".join(map(render_code, others[:MAX_SHOWN]))
            more = f" … and {len(others) - MAX_SHOWN:,} more" if len(others) > MAX_SHOWN else ""
            yield f"  - also {listed}{more}"
    if len(causes) > MAX_SHOWN:
        yield f"- … and {count_noun(len(causes) - MAX_SHOWN, 'more cause')}"
    yield ""


def _list_cases(head: str, found: Sequence[Judged]) -> Iterator[str]:
    if not found:
        return
    yield f"### {head}: {len(found):,}"
    yield ""
    for judged in found[:MAX_SHOWN]:
        yield from _describe_case(judged)
    if len(found) > MAX_SHOWN:
        yield f"- … and {len(found) - MAX_SHOWN:,} more"
    yield ""


def _describe_case(judged: Judged) -> Iterator[str]:
    yield f"  - {render_code(judged.case)}: {escape_text(judged.title)}"
    if judged.expected and not judged.is_of_client:
        yield f"    - the page says {render_code(judged.expected)}"
        yield f"    - the server said {render_code(judged.actual or 'nothing')}"
    yield from (
        f"    - {render_code(f'{one.where}: {one.why}')}" for one in judged.differences if one.facet != "detail"
    )
    if judged.explanation and not judged.expected:
        yield f"    - {render_code(judged.explanation.partition(chr(10))[0])}"
    if judged.reason:
        yield f"    - {escape_text(judged.reason)}"
    if judged.request_id:
        yield f"    - request id {render_code(judged.request_id)}"


def _list_unjudged(results: Results) -> Iterator[str]:
    found = [judged for judged in results.verdicts if judged.verdict is Outcome.NOT_JUDGED]
    reasons = dict.fromkeys(judged.reason or "no reason given" for judged in found)
    if not found:
        return
    yield f"### Not judged: {len(found):,}"
    yield ""
    for reason in reasons:
        count = sum((judged.reason or "no reason given") == reason for judged in found)
        yield f"- {count:,}: {escape_text(reason)}"
    yield ""


def _escape_message(raw: str) -> str:
    """Return a text escaped as the message of a workflow command; only its line ends are kept."""
    return "%0A".join(one_line(line).replace("%", "%25") for line in raw.split("\n"))


def _escape_property(raw: str) -> str:
    """Return a text escaped as a property of a workflow command."""
    return one_line(raw).replace("%", "%25").replace(":", "%3A").replace(",", "%2C")
