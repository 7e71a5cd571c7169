"""Writes the report of a run: verdicts as they come, every other format at the end."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

import pytest

from luma_conformance.errors import Exit, InputError
from luma_conformance.judge.judged import Judged
from luma_conformance.pytest_plugin.tally import Tally
from luma_conformance.report import jsonl, markdown
from luma_conformance.report.formats import FORMATS, names, rendered
from luma_conformance.report.result import Results, Run


def begin(config: pytest.Config) -> Publisher:
    """Return the writer of the report; raises UsageError where it cannot be written."""
    folder: Path | None = config.getoption("luma_report")
    if folder is not None and "--luma-report" in config.invocation_params.args and not _is_within(folder, config):
        raise pytest.UsageError(
            f"--luma-report: write it as one word, --luma-report={folder}; pytest takes a folder elsewhere that stands "
            "alone for a project, and looks for its settings there"
        )
    try:
        return Publisher(folder, config.getoption("luma_report_format"))
    except InputError as error:
        raise pytest.UsageError(str(error)) from None


class Publisher:
    """The report of one run; without a folder nothing is written but what a CI job shows."""

    def __init__(self, folder: Path | None, formats: tuple[str, ...] | None) -> None:
        self._folder, self._formats = folder, formats or FORMATS
        self._results: Results | None = None
        self._stream: TextIO | None = None
        self._begun = False
        if folder is None:
            return
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name in names(self._formats):
                (folder / name).unlink(missing_ok=True)  # that of an earlier run is not taken for this one's
            if "jsonl" in self._formats:
                self._stream = (folder / "results.jsonl").open("w", encoding="utf-8", newline="\n", buffering=1)
        except OSError as error:
            raise InputError(f"--luma-report: {folder} cannot be written to: {error.strerror}") from None

    def add(self, run: Run, judged: Judged) -> None:
        """Write one verdict, after the header if it is the first."""
        self._begin(run)
        if self._stream is not None:
            self._stream.write(f"{jsonl.verdict(judged)}\n")

    def end(self, results: Results, tally: Tally, status: int) -> int:
        """Write the footer and every other format; return the run's exit status, another where that fails."""
        self._results = results
        assert results.ending is not None
        try:
            self._begin(results.run)
            if self._stream is not None:
                self._stream.write(f"{jsonl.footer(results.ending)}\n")
                self._stream.close()
            if self._folder is not None:
                write(self._folder, [results], [word for word in self._formats if word != "jsonl"])
            if path := os.environ.get("GITHUB_STEP_SUMMARY"):
                with Path(path).open("a", encoding="utf-8", newline="\n") as summary:
                    summary.write(markdown.summary(results))
        except OSError as error:
            tally.halt(Exit.USAGE, f"the report cannot be written: {error}")
            return Exit.USAGE
        return status

    def show(self, terminal: pytest.TerminalReporter, *, annotated: bool) -> None:
        """Say where the report is, and where asked for, what GitHub Actions shows beside the lines of case files."""
        if self._folder is not None:
            terminal.write_line(f"report      {self._folder}: {', '.join(names(self._formats))}")
        if self._results is not None and annotated:
            for command in markdown.commands(self._results):
                terminal.write_line(command)

    def _begin(self, run: Run) -> None:
        if self._stream is not None and not self._begun:
            self._stream.write(f"{jsonl.header(run)}\n")
        self._begun = True


def write(folder: Path, runs: Sequence[Results], words: Sequence[str]) -> list[Path]:
    """Write the files of some formats into a folder and return their paths."""
    written = []
    for name, text in rendered(runs, words).items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
        written.append(folder / name)
    return written


def _is_within(folder: Path, config: pytest.Config) -> bool:
    start = config.invocation_params.dir
    return (start / folder).resolve().is_relative_to(start.resolve())
