"""What the command `client` prints: the scenarios, the causes, each failure in full, and the counts."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from luma_conformance.cli.output import say, say_painted
from luma_conformance.clients.run import QUICK, is_quick
from luma_conformance.judge.causes import Cause, find_causes
from luma_conformance.judge.judged import Judged
from luma_conformance.model import Outcome
from luma_conformance.report.result import count_noun
from luma_conformance.session.progress import describe_time

if TYPE_CHECKING:
    from luma_conformance.clients.scenario import Scenario
    from luma_conformance.pytest_plugin.publisher import Publisher
    from luma_conformance.pytest_plugin.tally import Tally
    from luma_conformance.report.result import Results

MAX_EXPLAINED: Final = 30
"""Failures that are explained; the rest are only counted."""
MAX_NOTES: Final = 5
"""Notes that are printed beside those on money."""
_COSTLY: Final = "charged for"
"""What a note on money says, in the verdict's words."""
_LABEL: Final = 19
_RED: Final = "31"
_GREEN: Final = "32"
_YELLOW: Final = "33"
_BOLD: Final = "1"
_COLOURS: Final = {"the page says": _GREEN, "the client did": _RED}


def list_scenarios(scenarios: Sequence[Scenario]) -> None:
    """Print each scenario: its task, its id, its title."""
    width = max(len(one.id) for one in scenarios)
    for one in scenarios:
        waits = "" if is_quick(one) else f"  (waits {describe_time(one.patience)}: --patient)"
        say(f"{one.task:<9} {one.id:<{width}}  {one.title}{waits}")


def announce(chosen: Sequence[Scenario], played: Sequence[Scenario]) -> None:
    """Say which scenarios take long: that they are left out, or how long they take."""
    slow = [one for one in chosen if not is_quick(one)]
    if not slow:
        return
    longest = describe_time(max(one.patience for one in slow))
    count = count_noun(len(slow), "scenario")
    if len(played) < len(chosen):
        say(f"left out: {count} in which a client waits for {QUICK:.0f} s to {longest}; --patient plays them too")
    else:
        say(f"{count} make a client wait for up to {longest}")
    print(flush=True)


def write_summary(tally: Tally, publisher: Publisher) -> None:
    """Print what is wrong, what was observed, and the counts."""
    results = tally.results
    assert results is not None
    paint = _choose_paint()
    for line in (*_list_causes(results, paint), *_list_failures(results, paint)):
        say_painted(line)
    for line in (*_list_counts(results, paint), *_list_notes(results)):
        say_painted(line)
    if tally.stop is not None:
        say_painted(paint(f"could not judge: {tally.stop[1]}", _RED))
    elif not results.complete:
        say_painted(paint(f"interrupted: {count_noun(results.untried, 'scenario')} had not ended", _RED))
    for line in publisher.list_lines():
        say(line)


def _choose_paint() -> Callable[[str, str], str]:
    """Return a function that colours a text where that is of use: on a terminal, and if nobody forbids it."""
    if sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb":
        return lambda text, colour: f"\x1b[{colour}m{text}\x1b[0m"
    return lambda text, _: text


def _list_causes(results: Results, paint: Callable[[str, str], str]) -> Iterator[str]:
    """Yield the causes, where several scenarios have one in common, or one scenario has several."""
    causes = find_causes(results.verdicts)
    if len(causes) in (0, results.counts[Outcome.FAIL]) and all(len(cause.cases) == 1 for cause in causes):
        return
    for number, cause in enumerate(causes, start=1):
        yield paint(f"{number}. {cause.title}: {cause.extent} ({cause.severity})", _RED)
        yield f"   as {_find_example(cause)}"
        yield textwrap.fill(
            " ".join(sorted(cause.cases)), 100, initial_indent="   ", subsequent_indent="   ",
            break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip
    yield ""


def _find_example(cause: Cause) -> str:
    """Return what a client did against an expectation, in the scenario that shows it best."""
    example = cause.example
    found = (one.why for one in example.differences if one.where == cause.title)
    return next(found, example.reason or example.title)


def _list_failures(results: Results, paint: Callable[[str, str], str]) -> Iterator[str]:
    """Yield what is wrong in each scenario: first what the client must not do, then what it should not."""
    for outcome in (Outcome.FAIL, Outcome.WARNING):
        found = sorted(
            (one for one in results.verdicts if one.verdict is outcome), key=lambda one: (one.file, one.line)
        )
        for judged in found[:MAX_EXPLAINED]:
            yield from _paint_failure(judged, paint)
            yield ""
        if len(found) > MAX_EXPLAINED:
            yield f"… and {len(found) - MAX_EXPLAINED:,} more; --report DIR has all of them"
            yield ""


def _paint_failure(judged: Judged, paint: Callable[[str, str], str]) -> Iterator[str]:
    lines = (judged.explanation or f"{judged.case}\n  {'deviation':<16} {judged.reason}").split("\n")
    yield paint(lines[0], _RED if judged.verdict is Outcome.FAIL else _YELLOW)
    for line in lines[1:]:
        colour = _COLOURS.get(line[:_LABEL].strip())
        yield paint(line, colour) if colour else line


def _list_counts(results: Results, paint: Callable[[str, str], str]) -> Iterator[str]:
    counts, failed = results.counts, results.counts[Outcome.FAIL]
    yield f"command     {results.run.target}"
    if results.run.label:
        yield f"build       {results.run.label}"
    line = f"judged      {results.coverage}: {counts[Outcome.PASS]} passed, {failed} failed"
    line += f", {counts[Outcome.DEVIATION]} deviating, {counts[Outcome.WARNING]} {results.run.names[Outcome.WARNING]}"
    yield paint(line, _RED if failed else _GREEN if results.is_whole else _YELLOW)
    yield f"not judged  {results.total - results.judged}"
    yield from _list_reasons(results)


def _list_reasons(results: Results) -> Iterator[str]:
    """Yield why scenarios were not judged, each kind of reason once, with an example of what the client did."""
    kinds: dict[str, list[Judged]] = {}
    for one in results.verdicts:
        if one.verdict is Outcome.NOT_JUDGED and one.reason:
            kinds.setdefault(one.reason.partition(";")[0], []).append(one)
    for kind, found in sorted(kinds.items(), key=lambda item: -len(item[1])):
        yield f"            {len(found):>4}  {kind}"
        yield f"                  as in {found[0].case}{(found[0].reason or '')[len(kind) :]}"
    left = {
        "not selected, or in need of --patient": results.unselected,
        "not tried, because the run ended": results.untried,
    }
    yield from (f"            {count:>4}  {reason}" for reason, count in left.items() if count)


def _list_notes(results: Results) -> Iterator[str]:
    """Yield what may have cost money, all of it, and some of what was seen of what the page leaves open."""
    notes = [f"{one.case}: {note}" for one in results.verdicts for note in one.notes]
    costly = [note for note in notes if _COSTLY in note]
    others = [note for note in notes if note not in costly]
    yield from _list_labelled("may cost", costly)
    yield from _list_labelled("observed", others[:MAX_NOTES])
    if len(others) > MAX_NOTES:
        yield f"{'':<12}… and {len(others) - MAX_NOTES:,} more; --report DIR has all of them"


def _list_labelled(label: str, notes: Sequence[str]) -> Iterator[str]:
    for number, note in enumerate(notes):
        yield textwrap.fill(note, 120, initial_indent=f"{'' if number else label:<12}", subsequent_indent=" " * 14)
