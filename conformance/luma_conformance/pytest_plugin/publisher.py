"""The writer of a run's report: verdicts as they arrive, all other formats at the end."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

import pytest

from luma_conformance.errors import Exit, InputError
from luma_conformance.judge.judged import Judged
from luma_conformance.pytest_plugin.places import keep_annotatable
from luma_conformance.pytest_plugin.tally import Tally
from luma_conformance.reading.lock import hold
from luma_conformance.reading.regular_file import Growing, open_file, open_text, replace_text
from luma_conformance.report import jsonl, markdown
from luma_conformance.report.compare import Comparison, compare_results
from luma_conformance.report.formats import FORMATS, find_format, list_file_names, match_file, render
from luma_conformance.report.result import Results, Run
from luma_conformance.shown import Scrub

_LINES: Final = "results.jsonl"
"""The file that is written while the run goes on."""
_MAX_EARLIER: Final = 50_000_000
"""Bytes of an earlier run's file that are read."""


def begin_report(config: pytest.Config, scrub: Scrub) -> Publisher:
    """Return the writer of the report; raise UsageError where it cannot be written."""
    paths: list[Path] = config.getoption("luma_report") or []
    apart = "--luma-report" in config.invocation_params.args
    if apart and (outside := [path for path in paths if not _is_within(path, config)]):
        raise pytest.UsageError(
            scrub(
                f"--luma-report: write it as one word, --luma-report={outside[0]}; pytest takes a path elsewhere that "
                "stands alone for a project, and looks for its settings there"
            )
        )
    try:
        publisher = Publisher(paths, scrub)
    except InputError as error:
        raise pytest.UsageError(scrub(str(error))) from None
    config.add_cleanup(publisher.close)
    return publisher


class Publisher:
    """The report of one run; without a path, only the summary of a CI job is written.

    Texts pass `scrub`. `option` is how the paths were given, `formats` what is written into a folder.
    """

    def __init__(
        self, paths: Sequence[Path], scrub: Scrub, option: str = "--luma-report", formats: Sequence[str] = FORMATS
    ) -> None:
        self._paths, self._scrub = paths, scrub
        self._files = dict(file for path in paths for file in _list_files(path, option, formats))
        self._results: Results | None = None
        self._earlier = [
            found for file, name in self._files.items() if name == _LINES and (found := _read(file, scrub))
        ]
        self._change: Comparison | None = None
        self._streams: dict[Path, Growing] = {}
        self._locks = ExitStack()
        self._failure: str | None = None
        self._waiting: list[str] = []
        self._begun = self._ended = False
        self._written = jsonl.Written()
        for file, name in self._files.items():
            try:
                file.parent.mkdir(parents=True, exist_ok=True)
                self._locks.callback(hold(file, scrub))
                file.unlink(missing_ok=True)  # so that nobody mistakes an earlier run's file for this run's
                if name == _LINES:
                    self._streams[file] = Growing(file, "xb")
            except InputError:
                self.close()
                raise
            except OSError as error:
                self.close()
                raise InputError(f"{option}: {file} cannot be written: {error.strerror}") from None

    def add(self, run: Run | None, judged: Judged) -> None:
        """Write one verdict, after the header; it waits where no target has been opened and there is no `run` yet."""
        line = jsonl.format_verdict(judged, self._written)
        if run is None:
            self._waiting.append(line)
            return
        self._begin(run)
        self._write(line)

    def end(self, results: Results, tally: Tally, status: int) -> int:
        """Write the footer and all other formats; return the run's exit status, or USAGE if writing fails.

        Another call writes all of them again.
        """
        self._results = results
        since = next((one for one in self._earlier if one.judged and one.run.server == results.run.server), None)
        self._change = compare_results(since, results) if since else None
        assert results.ending is not None
        self._begin(results.run)
        self._write(jsonl.format_footer(results.ending))
        for file, stream in [*self._streams.items()]:
            with self._noting(file):
                stream.close()
        written = () if self._ended else (_LINES,)  # as verdicts came
        self._streams, self._ended = {}, True
        for file, name in self._files.items():
            if name not in written:
                text = render([results], [find_format(name)], since)[name]
                with self._noting(file):
                    replace_text(file, text)
        return self._find_status(tally, status)

    def close(self) -> None:
        """Let other runs write the report, which is whole already or will never be."""
        for stream in self._streams.values():
            with suppress(OSError):
                stream.close()
        self._locks.close()

    def append_summary(self, tally: Tally, status: int) -> int:
        """Append the results to the summary of a CI job; return the run's exit status, or USAGE if that fails."""
        if self._results is not None and (path := os.environ.get("GITHUB_STEP_SUMMARY")):
            text = markdown.render_summary(self._results, self._change)
            with self._noting(Path(path)), open_text(Path(path), "a") as summary:
                summary.write(text)
        return self._find_status(tally, status)

    def show(self, terminal: pytest.TerminalReporter, *, annotated: bool) -> None:
        """Print where the report is and, if `annotated`, the commands that make GitHub annotate case files."""
        for line in self.list_lines():
            terminal.write_line(self._scrub(line))
        if self._results is not None and annotated:
            results = keep_annotatable(
                self._results, terminal.config.rootpath, os.environ.get("GITHUB_WORKSPACE"), self._scrub
            )
            for command in markdown.render_commands(results):
                terminal.write_line(command)

    def list_lines(self) -> Iterator[str]:
        """Yield what has changed since the last run, and where the report is."""
        if self._change is not None:
            moment = f" ({self._change.old.started})" if self._change.old.started else ""
            yield f"since       the last run{moment}: {self._change.headline}"
        for path in self._paths:
            written = [file.name for file in self._files if file != path and file.parent == path]
            yield f"report      {path}{': ' if written else ''}{', '.join(written)}"

    def _begin(self, run: Run) -> None:
        if not self._begun:
            self._begun = True
            for line in (jsonl.format_header(run), *self._waiting):
                self._write(line)

    def _write(self, line: str) -> None:
        for file, stream in [*self._streams.items()]:
            with self._noting(file):
                stream.add(f"{line}\n".encode())

    @contextmanager
    def _noting(self, file: Path) -> Iterator[None]:
        """Keep the first failure to write, so that all else is written before the run ends with it.

        What is written as verdicts come ends there: with a line missing in its middle, it would look whole.
        """
        try:
            yield
        except OSError as error:
            if (stream := self._streams.pop(file, None)) is not None:
                with suppress(OSError):
                    stream.close()
            self._failure = self._failure or f"the report is not whole: {file} cannot be written: {error.strerror}"

    def _find_status(self, tally: Tally, status: int) -> int:
        if self._failure is None:
            return status
        tally.add_failed_write(self._failure)
        return Exit.USAGE


def _read(file: Path, scrub: Scrub) -> Results | None:
    """Return the results of the run whose file will be overwritten; None where there are none to compare with."""
    try:
        with open_file(file) as opened:
            if len(raw := opened.read(_MAX_EARLIER + 1)) <= _MAX_EARLIER:
                return jsonl.parse_results(raw, file.name, scrub)
    except (OSError, InputError):
        pass
    return None


def _list_files(path: Path, option: str, formats: Sequence[str]) -> list[tuple[Path, str]]:
    """Return the files that a path stands for, each with the standard file name of its format; raise InputError."""
    name = None if path.is_dir() else match_file(path)
    if name is not None:
        return [(path, name)]
    if path.suffix[1:].isalpha() and not path.is_dir():
        known = ", ".join(sorted({Path(one).suffix for one in list_file_names(formats)}))
        raise InputError(f"{option}: no format has the ending of {path}; there are {known}, or name a folder")
    return [(path / one, one) for one in list_file_names(formats)]


def _is_within(path: Path, config: pytest.Config) -> bool:
    start = config.invocation_params.dir
    return (start / path).resolve().is_relative_to(start.resolve())
