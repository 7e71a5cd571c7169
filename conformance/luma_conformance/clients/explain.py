"""Turns a verdict on a client into the value that every report is written from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from luma_conformance.clients.conduct import Conduct, Seen
from luma_conformance.clients.scenario import End, Reply, Scenario
from luma_conformance.clients.verdict import Broken, Found
from luma_conformance.judge.deviations import Deviations, grade
from luma_conformance.judge.explain import MAX_LINE, WIDTH, outline
from luma_conformance.judge.judged import TASK, Difference, Judged, Moment
from luma_conformance.judge.severity import worst_severity
from luma_conformance.model import Case, Facet, Outcome, Result, Severity, Verdict, header
from luma_conformance.report.result import count_noun
from luma_conformance.shown import MAX_SHOWN, Scrub, clip_middle, cut, one_line, split_lines

MAX_MOMENTS: Final = 40
"""Requests of a client that are kept: the first half, and the last."""
MAX_PRINTED: Final = 5
"""Lines of what a client printed that are shown, the last ones."""
_GENERATION: Final = re.compile(r"(?<=/generations/)[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}")
_FACETS: Final = {Severity.MUST: Facet.CONDUCT, Severity.SHOULD: Facet.ADVICE}


def describe(
    scenario: Scenario, conduct: Conduct, found: Found, *, scrub: Scrub, again: str, deviations: Deviations
) -> Judged:
    """Return what a client came to in a scenario, known deviations counted; every text is fit to be shown.

    `again` is the command that plays the scenario to it again.
    """
    mismatches = tuple(_make_difference(one, scrub) for one in found.broken)
    # Beside what a client must do, what it only should needs no entry of its own.
    graver = tuple(one for one in mismatches if one.severity is Severity.MUST) or mismatches
    verdict = Verdict(outcome=found.outcome, mismatches=graver, reason=found.reason, notes=found.notes)
    result = grade(Result(case=_as_case(scenario), verdict=verdict), deviations, lambda one: f"{one.where}: {one.why}")
    severity = worst_severity(mismatches)
    judged = replace(
        outline(result, scrub, conduct.seconds),
        severity=None if severity is None else scrub(severity),
        reason=cut(one_line(scrub(result.verdict.reason)), MAX_LINE) if result.verdict.reason else None,
        differences=mismatches,
        show=scrub(again),
    )
    if judged.verdict is Outcome.PASS:
        return judged
    judged = replace(judged, timeline=tuple(_list_moments(conduct, scrub)))
    if not mismatches:
        return judged
    worst = graver[0]
    judged = replace(judged, expected=scrub(f"{worst.where} ({worst.severity})"), actual=worst.why)
    return replace(judged, explanation=scrub("\n".join(_list_lines(judged, conduct, scrub))))


def _as_case(scenario: Scenario) -> Case:
    return Case(
        id=scenario.id,
        title=scenario.title,
        section=scenario.section,
        operation=f"{TASK}{scenario.task}",
        place=scenario.place,
        steps=(),
    )


def _make_difference(broken: Broken, scrub: Scrub) -> Difference:
    expected = broken.expectation
    where, why = (cut(one_line(scrub(text)), MAX_LINE) for text in (expected.because.removesuffix("."), broken.saw))
    return Difference(facet=_FACETS[expected.severity], where=where, why=why, rests_on=scrub(expected.section))


def _list_moments(conduct: Conduct, scrub: Scrub) -> Iterator[Moment]:
    """Yield the requests of a client, those in the middle left out where there are many."""
    if not conduct.seen:
        return
    start, half = conduct.seen[0].arrived, MAX_MOMENTS // 2
    kept = conduct.seen if len(conduct.seen) <= MAX_MOMENTS else (*conduct.seen[:half], *conduct.seen[-half:])
    for one in kept:
        yield Moment(
            began=round(max(0.0, one.arrived - start), 3),
            ended=round(max(0.0, one.answered - start), 3),
            asked=cut(one_line(scrub(_name_request(one))), MAX_LINE),
            told=cut(one_line(scrub(_name_reply(one))), MAX_LINE),
            is_fault=one.reply.is_fault,
        )


def _name_request(seen: Seen) -> str:
    """Return the method and path of a request, an id in it shortened; to the storage host with the host."""
    url = _GENERATION.sub(lambda found: f"{found[0][:8]}…", seen.request.url)
    path, _, query = url.partition("?")
    shown = path if "://" in url or not query else f"{path}?{query}"  # the query of an output's URL is its signature
    return f"{seen.request.method} {shown.removeprefix('http://')}"


def _name_reply(seen: Seen) -> str:
    reply = seen.reply
    waits = header(reply.response.headers, "Retry-After")
    parts = [reply.says]
    if waits is not None and reply.end is not End.DROPPED and "retry-after" not in reply.says.lower():
        parts.append(f"Retry-After: {waits}")
    if reply.end is not End.WHOLE and str(reply.end) not in reply.says:
        parts.append(str(reply.end))
    parts += _describe_pace(reply)
    if seen.abandoned:
        parts.append("not waited for")
    return ", ".join(parts)


def _describe_pace(reply: Reply) -> Iterator[str]:
    if reply.delay:
        yield f"after {reply.delay:g} s"
    if reply.spread:
        yield f"over {reply.spread:g} s"


def _list_lines(judged: Judged, conduct: Conduct, scrub: Scrub) -> Iterator[str]:
    """Yield the lines of an explanation: what was expected, what was done, and how to see it again."""
    place = f"{judged.file}:{judged.line}"
    yield f"{judged.case.ljust(WIDTH - len(place))} {place}"
    if judged.verdict is not Outcome.NOT_JUDGED and judged.reason:
        yield _line("deviation", judged.reason)
    for one in judged.differences:
        yield _line("the page says", f"{one.where} ({one.severity}; {one.rests_on})")
        yield _line("the client did", one.why)
    yield from _label("timeline", format_timeline(judged.timeline, len(conduct.seen)))
    yield from _label("printed", _list_printed(conduct.output, scrub))
    ended = "was stopped" if conduct.status is None else f"status {conduct.status}"
    yield _line("ended", f"{ended} after {conduct.seconds:.1f} s")
    yield from (_line("noted", note) for note in judged.notes)
    yield _line("again", judged.show or "")


def format_timeline(timeline: tuple[Moment, ...], count: int) -> Iterator[str]:
    """Yield a line for each request of a client, which sent `count` in all."""
    width = max((len(one.asked) for one in timeline), default=0)
    for number, one in enumerate(timeline):
        if number == MAX_MOMENTS // 2 and count > len(timeline):
            yield f"{'…':>7}    {count - len(timeline):,} more"
        yield f"{one.began:7.2f} s  {one.asked:<{min(width, 60)}}  {one.told}"


def _list_printed(output: str, scrub: Scrub) -> Iterator[str]:
    lines = split_lines(scrub(clip_middle(output, 0, MAX_SHOWN // 2)))
    before = sum(bool(line.strip()) for line in output.splitlines()) - MAX_PRINTED
    if before > 0:
        yield f"… {count_noun(before, 'line')} before"
    yield from (cut(one_line(line), MAX_LINE) for line in lines[-MAX_PRINTED:])


def _label(label: str, lines: Iterable[str]) -> Iterator[str]:
    """Yield lines, the first with a label."""
    for number, line in enumerate(lines):
        yield _line("" if number else label, line)


def _line(label: str, text: str) -> str:
    return f"  {label:<16} {text}"
