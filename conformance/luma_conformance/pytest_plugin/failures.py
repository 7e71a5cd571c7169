"""The failures of a run on the terminal: a full explanation for each cause, where pytest has one for each case."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import pytest

from luma_conformance.judge.explain import failure_text
from luma_conformance.judge.judged import Judged
from luma_conformance.model import Outcome
from luma_conformance.report.result import Results

if TYPE_CHECKING:
    from luma_conformance.judge.causes import Cause

MAX_EXPLAINED: Final = 20
"""Causes that are explained; the rest are only counted."""
MAX_IDS: Final = 6
"""Cases of a cause that are listed; the rest are counted."""
MAX_FOUND: Final = 160
"""Characters of what is wrong with a case where it stands in a line."""
_LABEL: Final = 19
"""Where the text of a line of an explanation begins, after its label."""
_COLOURS: Final = {"the page says": {"green": True}, "the server said": {"red": True}}
"""As a diff has them; on a terminal only."""
_DEFAULT_REPORTCHARS: Final = "fE"
"""What pytest's -r is where it is not given."""


@contextmanager
def replacing_failures(terminal: pytest.TerminalReporter, results: Results) -> Iterator[None]:
    """Write the causes, and keep pytest from writing the failures behind them one by one; -v has those instead.

    Inside, `hide_failures` keeps them out of pytest's short summary, which knows neither ids nor differences.
    """
    failed = terminal.stats.get("failed", [])
    ours = [report.luma_judged for report in failed if getattr(report, "luma_judged", None) is not None]
    if not ours:
        yield
        return
    if terminal.verbosity <= 0:
        if terminal.config.getoption("tbstyle", "auto") != "no":
            from luma_conformance.judge.causes import find_causes  # a run in which all pass has none

            _write_causes(terminal, find_causes(results.verdicts))
        hide_failures(terminal)
    try:
        yield
    finally:
        terminal.stats["failed"] = failed
        if _wants_each(terminal):
            _write_short(terminal, ours)


def hide_failures(terminal: pytest.TerminalReporter) -> None:
    """Leave pytest only the failures of other tests to write of."""
    failed = terminal.stats.get("failed", [])
    terminal.stats["failed"] = [report for report in failed if getattr(report, "luma_judged", None) is None]


def _wants_each(terminal: pytest.TerminalReporter) -> bool:
    """Return whether each failure is asked for: -ra is in many projects' settings, for the sake of what is skipped."""
    asked = terminal.config.getoption("reportchars")
    named = asked != _DEFAULT_REPORTCHARS and not {"f", "A"}.isdisjoint(asked)
    return terminal.hasopt("f") and (named or terminal.verbosity > 0)


def _write_short(terminal: pytest.TerminalReporter, failed: Sequence[Judged]) -> None:
    """Write a line for each failure: an id to paste, and what is wrong."""
    terminal.section("failed cases")
    for judged in failed:
        found = "; ".join(f"{one.where}: {one.why}" for one in judged.differences)
        found = found or explain(judged).partition("\n")[0]
        terminal.write_line(f"FAILED {judged.case} - {found[:MAX_FOUND]}", red=True)


def _write_causes(terminal: pytest.TerminalReporter, causes: tuple[Cause, ...]) -> None:
    terminal.section("CAUSES")
    for number, cause in enumerate(causes[:MAX_EXPLAINED], start=1):
        terminal.write_line(f"{number}. {cause.title}: {cause.extent} ({cause.severity})", red=True, bold=True)
        for line in explain(cause.example).split("\n"):
            terminal.write_line(line, **_COLOURS.get(line[:_LABEL].strip(), {}))
        if others := [case for case in cause.cases if case != cause.example.case]:
            terminal.write_line(_list_ids(others, terminal.config.get_terminal_writer().fullwidth))
        terminal.write_line("")
    if len(causes) > MAX_EXPLAINED:
        terminal.write_line(f"… and {len(causes) - MAX_EXPLAINED:,} more causes; -v shows each failure")


def _list_ids(ids: Sequence[str], width: int) -> str:
    """Return ids in lines of at most this width, none of them cut in two so that each can be copied."""
    more = f" … and {len(ids) - MAX_IDS:,} more; -v lists all" if len(ids) > MAX_IDS else ""
    return textwrap.fill(
        f"{' '.join(ids[:MAX_IDS])}{more}",
        max(40, width),
        initial_indent=f"  {'also':<16} ",
        subsequent_indent=" " * 19,
        break_long_words=False,
        break_on_hyphens=False,
    )


def explain(judged: Judged) -> str:
    """Return the full explanation of a failure."""
    place = f"{judged.file}:{judged.line}" if judged.file else ""
    return judged.explanation or failure_text(judged, judged.case, place)


def set_outcome(report: pytest.TestReport, judged: Judged) -> None:
    """Make a report say of a case that was tried again, or marked as expected to fail, what its verdict says."""
    if judged.verdict is Outcome.FAIL and (judged.attempts or report.outcome in ("passed", "skipped")):
        if report.outcome in ("passed", "failed", "skipped"):  # plugins have others for an attempt that is repeated
            report.outcome = "failed"
            vars(report).pop("wasxfail", None)
            report.longrepr = f"{judged.flaky}:\n{explain(judged)}" if judged.flaky else explain(judged)
    elif report.failed and judged.flaky:
        report.outcome, report.longrepr = "passed", None
