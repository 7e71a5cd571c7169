"""Publishes a run: verdicts as values for reports, made where a case is judged, written where the run is controlled."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import pytest

from luma_conformance.catalogue import files as casefiles
from luma_conformance.catalogue.roles import ROLES
from luma_conformance.errors import Exit, InputError
from luma_conformance.judge.explain import answered, answered_last, curl, cut, said, show_command, told
from luma_conformance.judge.severity import worst_severity
from luma_conformance.matching import printable
from luma_conformance.model import Exchange, Mismatch, Outcome, Result, Severity, Standing, header
from luma_conformance.properties.found import Found, NonConformance, property_id, stem
from luma_conformance.pytest_plugin.plugin import guard
from luma_conformance.report import jsonl as lines
from luma_conformance.report import markdown
from luma_conformance.report.formats import FORMATS, names, rendered
from luma_conformance.report.result import Difference, Ending, Judged, Results, Run

if TYPE_CHECKING:
    from luma_conformance.pytest_plugin.summary import Tally
    from luma_conformance.session.session import Judging


def header_line(judging: Judging) -> str:
    """Returns the line that says which target is judged, and by what."""
    missing = judging.target.missing
    run = Run(
        target=printable(judging.scrub(judging.shown)),
        kit=version("luma-agents-conformance"),
        pytest=pytest.__version__,
        python=platform.python_version(),
        catalogue=casefiles.digest(),
        profile=printable(judging.profile or ""),
        offers=tuple(role for role in ROLES if missing(role) is None),
        started=now(),
    )
    return lines.header(run)


def case_line(result: Result, judging: Judging, seconds: float) -> str:
    """Returns the line that says what a case came to; `seconds` is what it took."""
    case, verdict = result.case, result.verdict
    number = verdict.mismatches[0].step if verdict.mismatches else len(case.steps)
    exchange = answered_last(result)
    show_step = f"{show_command(case, judging.profile)} --step {number}"
    judged = Judged(
        case=case.id,
        title=case.title,
        section=case.section,
        verdict=verdict.outcome,
        file=case.place.file,
        line=case.place.line,
        operation=case.operation,
        severity=worst_severity(verdict.mismatches),
        reason=printable(judging.scrub(verdict.reason)) if verdict.reason else None,
        expected=printable(said(case.steps[number - 1].expect, case)),
        actual=answered(exchange.response, judging.scrub) if exchange else None,
        differences=tuple(_difference(mismatch, judging.scrub) for mismatch in verdict.mismatches),
        curl=judging.scrub(curl(exchange.request, judging.base_url, show_step)) if exchange else None,
        request_id=_request_id(exchange, judging.scrub) if exchange else None,
        exchange=_digest(exchange) if exchange else None,
        notes=tuple(cut(printable(judging.scrub(note))) for note in (*verdict.notes, *_standing(result))),
        seconds=round(seconds, 4),
    )
    return lines.verdict(judged)


def property_line(item: pytest.Function, found: Found) -> str:
    """Returns the line that says what a property came to."""
    _, scrub = guard(item.config)
    file, line, _ = item.location
    failed = found.outcome is Outcome.FAIL
    error = found.error if isinstance(found.error, NonConformance) else NonConformance("")
    judged = Judged(
        case=property_id(item),
        title=(item.function.__doc__ or item.name).strip().splitlines()[0],
        section=f"Property: {stem(item.path).replace('_', ' ')}",
        verdict=found.outcome,
        file=Path(file).as_posix(),
        line=(line or 0) + 1,
        operation="generated requests",
        severity=(worst_severity(error.mismatches) or Severity.MUST) if failed else None,
        reason=found.reason,
        explanation=scrub(_explained(found.error)) if found.error and failed else None,
        differences=tuple(_difference(mismatch, scrub) for mismatch in error.mismatches),
        actual=error.answer,
        notes=(found.note,) if found.note else (),
        seconds=round(found.seconds, 4),
    )
    return lines.verdict(judged)


def _explained(error: BaseException) -> str:
    """Returns what a property found; of anything else that was raised the first line, the rest is pytest's to tell.

    Pytest folds long values over lines, where no redactor finds what is in them.
    """
    if isinstance(error, NonConformance):
        return str(error)
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"


def _standing(result: Result) -> tuple[str, ...]:
    """Returns how the target stands to the server it is compared with, where that is worth a note."""
    usual = (None, Standing.BOTH_RIGHT, Standing.UNCOMPARED)
    return () if result.standing in usual else (f"against the other server: {result.standing}",)


def now() -> str:
    """Returns the time, in ISO 8601, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


class Publisher:
    """Writes the results of a run as they come, and the other formats at its end.

    Without a folder nothing is written but what a CI job shows.
    """

    def __init__(self, folder: Path | None, formats: tuple[str, ...] | None) -> None:
        self._folder, self._formats = folder, formats or FORMATS
        self._run: Run | None = None
        self._results: Results | None = None
        self._verdicts: dict[str, Judged] = {}
        self._stream: TextIO | None = None
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

    def begin(self, header: str) -> None:
        """Writes the header, at the first word of the target."""
        if self._run is None:
            self._run = lines.run_from(json.loads(header), "a header of ours")
            self._write(header)

    def add(self, verdict: str) -> None:
        """Writes one verdict."""
        assert self._run is not None
        judged = lines.from_data(json.loads(verdict), "a verdict of ours")
        self._verdicts[judged.case] = judged
        self._write(verdict)

    def end(self, tally: Tally, status: int, *, complete: bool) -> int:
        """Writes the footer and every other format; returns the run's exit status, another where that fails."""
        stopped, stop = tally.stop or (status, None)
        ending = Ending(
            ended=now(),
            complete=complete,
            status=stopped,
            stop=stop,
            spent=tally.spent,
            rules=tally.rules,
            observed=tally.observed,
        )
        self.begin(
            lines.header(
                Run(kit=version("luma-agents-conformance"), catalogue=casefiles.digest(), started=ending.ended)
            )
        )
        assert self._run is not None
        self._results = Results(self._run, tuple(self._verdicts.values()), ending)
        try:
            self._write(lines.footer(ending))
            if self._stream is not None:
                self._stream.close()
            if self._folder is not None:
                write(self._folder, [self._results], [word for word in self._formats if word != "jsonl"])
            _summarize(self._results)
        except OSError as error:
            tally.halt(Exit.USAGE, f"the report cannot be written: {error}")
            return Exit.USAGE
        return status

    def show(self, terminal: pytest.TerminalReporter, *, annotated: bool) -> None:
        """Says where the report is, and where asked for, what GitHub Actions shows beside the lines of case files."""
        if self._folder is not None:
            terminal.write_line(f"report      {self._folder}: {', '.join(names(self._formats))}")
        if self._results is not None and annotated:
            for command in markdown.commands(self._results):
                terminal.write_line(command)

    def _write(self, line: str) -> None:
        if self._stream is not None:
            self._stream.write(f"{line}\n")


def write(folder: Path, runs: Sequence[Results], words: Sequence[str]) -> list[Path]:
    """Writes the files of some formats into a folder and returns their paths."""
    written = []
    for name, text in rendered(runs, words).items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
        written.append(folder / name)
    return written


def _summarize(results: Results) -> None:
    if path := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(path).open("a", encoding="utf-8", newline="\n") as summary:
            summary.write(markdown.summary(results))


def _difference(mismatch: Mismatch, scrub: Callable[[str], str]) -> Difference:
    where, why = told(mismatch, scrub)
    return Difference(
        facet=mismatch.facet,
        where=where,
        why=why,
        severity=mismatch.severity,
        rests_on=mismatch.rests_on,
    )


def _request_id(exchange: Exchange, scrub: Callable[[str], str]) -> str | None:
    value = header(exchange.response.headers, "X-Request-Id")
    return printable(scrub(value))[:80] if value else None


def _digest(exchange: Exchange) -> str:
    """Returns a digest of what was sent and answered, headers left out: their times and ids are new each time."""
    request, response = exchange.request, exchange.response
    parts = (request.method.encode(), request.url.encode(), request.body, str(response.status).encode(), response.body)
    return hashlib.sha256(b"\0".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()[:16]
