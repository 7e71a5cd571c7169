"""Reports as pytest sees them: lines of results are taken from where they travel, and written at their times.

It is loaded in every project whose CI job shows summaries, so it imports nothing but pytest until it has a line.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from luma_conformance.pytest_plugin.plugin import Run
    from luma_conformance.pytest_plugin.publishing import Publisher

HEADER, LINE = "luma_header", "luma_line"
"""The properties of a report in which lines of results travel; taken out before any other report is written."""

_CUT_SHORT: Final = (pytest.ExitCode.INTERRUPTED, pytest.ExitCode.INTERNAL_ERROR)


class Reporter:
    """Passes what a run came to, in this process or in workers, on to its report."""

    def __init__(self, config: pytest.Config, run: Run) -> None:
        self._config, self._run = config, run
        self._controls = not hasattr(config, "workerinput") and not config.getoption("collectonly")
        self._broken = False
        self._publisher: Publisher | None = None
        if self._controls and config.getoption("luma_report") is not None:
            self._publisher = _begun(config)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if not self._controls:
            return
        facts = {name: str(value) for name, value in report.user_properties}
        if "luma" in report.keywords or "luma_case" in facts:
            self._broken |= report.failed and "luma_verdict" not in facts
        if HEADER not in facts and LINE not in facts:
            return
        report.user_properties = [pair for pair in report.user_properties if pair[0] not in (HEADER, LINE)]
        self._publisher = self._publisher or _begun(self._config)
        if HEADER in facts:
            self._publisher.begin(facts[HEADER])
        if LINE in facts and (report.when == "call" or report.skipped):
            self._publisher.add(facts[LINE])

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> Generator[None]:
        cut_short = self._broken or session.shouldstop or session.shouldfail or exitstatus in _CUT_SHORT
        if self._run.tally is not None and self._run.tally.stop is not None:
            cut_short = True
        yield
        if self._publisher is not None:
            status = self._publisher.end(self._run.count(), int(session.exitstatus), complete=not cut_short)
            session.exitstatus = status

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._publisher is not None:
            self._publisher.show(terminalreporter, annotated=os.environ.get("GITHUB_ACTIONS") == "true")


def _begun(config: pytest.Config) -> Publisher:
    """Returns what writes the report; raises UsageError where it cannot be written."""
    from luma_conformance.errors import InputError
    from luma_conformance.pytest_plugin.publishing import Publisher

    folder: Path | None = config.getoption("luma_report")
    if folder is not None and "--luma-report" in config.invocation_params.args and not _within(folder, config):
        raise pytest.UsageError(
            f"--luma-report: write it as one word, --luma-report={folder}; pytest takes a folder elsewhere that stands "
            "alone for a project, and looks for its settings there"
        )
    try:
        return Publisher(folder, config.getoption("luma_report_format"))
    except InputError as error:
        raise pytest.UsageError(str(error)) from None


def _within(folder: Path, config: pytest.Config) -> bool:
    start = config.invocation_params.dir
    return (start / folder).resolve().is_relative_to(start.resolve())
