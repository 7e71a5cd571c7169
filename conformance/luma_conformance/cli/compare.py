"""The command `compare`: two runs, two recordings, or a recording and what a server answers now."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from luma_conformance.arguments import is_http_url, whole_number
from luma_conformance.audit.changes import compare_recordings
from luma_conformance.cli.output import show, warn, write_text
from luma_conformance.cli.parser import add_command, add_output, add_profile
from luma_conformance.cli.recordings import hide_keys, is_recording, read_recording, watch
from luma_conformance.cli.results import RESULTS, holds_results, read_results
from luma_conformance.errors import Exit, InputError
from luma_conformance.recording.har import is_own
from luma_conformance.recording.opening import find_recordings
from luma_conformance.report.compare import FailOn, compare_results
from luma_conformance.report.compare_formats import WRITERS

if TYPE_CHECKING:
    from luma_conformance.cli.parser import Commands
    from luma_conformance.recording.entry import Entry, Unread
    from luma_conformance.report.compare import ShownComparison

FEW: Final = 5
"""Entries that cannot be read, of which each is named."""
GRAVEST: Final = (Exit.NOT_CONFORMANT, Exit.COULD_NOT_JUDGE)


def add_commands(commands: Commands) -> None:
    """Add `compare`."""
    command = add_command(
        commands,
        "compare",
        _compare,
        purpose="say what changed between two runs or recordings",
        description="Says what got worse from OLD to NEW. Of two files of results: which cases. Of two recordings, or "
        "of a recording and a server, which is sent the cases that OLD has: which answers.",
        examples=("compare last-week/results.jsonl report", "compare run.har http://127.0.0.1:8080"),
    )
    command.add_argument(
        "old", metavar="OLD", help=f"{RESULTS} or its folder; or a recording: a HAR file, a cassette of vcrpy"
    )
    command.add_argument("new", nargs="+", metavar="NEW", help="another, or a server's base URL; each against OLD")
    command.add_argument("--format", choices=("text", "json", "md", "html"), default="text", help="default: text")
    command.add_argument(
        "--fail-on",
        type=str,
        choices=[*FailOn],
        default=FailOn.REGRESSIONS,
        help="what exit status 1 is for: what fails now, or breaks clients, and did not (regressions, the default); "
        "also what is no longer judged or answered (coverage); also any other failure, wording or change (any); none",
    )
    add_profile(command, "what the server offers")
    command.add_argument(
        "--spend", type=whole_number(0), metavar="N", help="off this machine, accepted generations allowed; default 0"
    )
    add_output(command, metavar="FILE", explanation="where to write it; default: standard output")


def _compare(options: argparse.Namespace) -> Exit:
    if is_http_url(options.old):
        raise InputError(
            f"{options.old} is a server, and only NEW can be one: what it answered before is in no URL; "
            f"record it first, `luma-conformance run {options.old} --luma-record old.har`"
        )
    if "-" in (options.old, *options.new):
        raise InputError("standard input is not compared, since both may be read twice; save it as a file")
    old, of_results = Path(options.old), holds_results(Path(options.old))
    for new in options.new:
        _refuse_mix(options.old, new, of_results=of_results)
    if not any(map(is_http_url, options.new)) and (options.profile or options.spend is not None):
        raise InputError("--profile and --spend are for a server, and none is compared here")
    comparisons = [*(_results(old, options.new) if of_results else _recordings(old, options))]
    statuses = [comparison.exit_status(FailOn(options.fail_on)) for comparison in comparisons]
    status = next((one for one in GRAVEST if one in statuses), Exit.CONFORMANT)
    text = WRITERS[options.format](comparisons, status)
    write_text(text, options.output, [path for path in map(Path, (options.old, *options.new)) if path.is_file()])
    if not all(comparison.comparable for comparison in comparisons):
        why = "no case was judged in both" if of_results else "no request of the one is in the other"
        warn(f"luma-conformance: could not compare: {why}")
    return status


def _refuse_mix(old: str, new: str, *, of_results: bool) -> None:
    """Raise InputError where a file has nothing to be compared by with another, or with a server."""
    if is_http_url(new):
        if of_results:
            raise InputError(
                f"{old} holds verdicts, not requests to send again; judge the server, `luma-conformance run {new} "
                f"--luma-report DIR`, and compare {old} with DIR, or compare a recording with the server"
            )
    elif holds_results(Path(new)) is not of_results:
        recorded, results = (new, old) if of_results else (old, new)
        raise InputError(f"{results} holds verdicts and {recorded} answers; {_advise_on_mix(recorded, results)}")


def _advise_on_mix(recorded: str, results: str) -> str:
    if not (Path(recorded).is_file() and is_own(Path(recorded))):
        return f"`luma-conformance audit {recorded}` judges these, and a recording is compared with another"
    run = f"`luma-conformance run cassette:{recorded} --luma-report DIR`"
    return f"judge these first, {run}, and compare DIR with {results}"


def _results(old: Path, news: Iterable[str]) -> Iterator[ShownComparison]:
    before = read_results(old)
    for new in news:
        yield compare_results(before, read_results(Path(new))).scrub(show)


def _recordings(old: Path, options: argparse.Namespace) -> Iterator[ShownComparison]:
    for new in options.new:
        with _answers(old, new, options) as answers:
            comparison = compare_recordings(_read(str(old)), answers, names=(str(old), new))
        yield comparison.scrub(hide_keys)


def _read(name: str) -> Iterator[Entry]:
    """Yield the exchanges of a recording, of a folder or an archive of them; say what cannot be read."""
    left_out: list[Unread] = []
    for recording in find_recordings([name]):
        if recording.is_named or is_recording(recording):
            yield from watch(read_recording(recording, left_out.append), recording)
    for one in left_out[:FEW]:
        warn(hide_keys(f"luma-conformance: {one.place} is left out: {one.why}"))
    if len(left_out) > FEW:
        warn(f"luma-conformance: … and {len(left_out) - FEW} more are left out")


@contextmanager
def _answers(old: Path, new: str, options: argparse.Namespace) -> Iterator[Iterable[Entry]]:
    """Yield the exchanges to compare with: of a recording, or of a server that is sent the cases of the older one."""
    if not is_http_url(new):
        yield _read(new)
        return
    from luma_conformance.session.ask_again import ask_again

    cases = {str(entry.note["item"]) for entry in _read(str(old)) if "item" in entry.note}
    with TemporaryDirectory() as folder:
        file = Path(folder) / "now.har"
        ask_again(cases, new, file, profile=options.profile, spend=options.spend or 0)
        # The file is gone once this ends: the case says better where an answer is from.
        yield (replace(entry, place=str(entry.note.get("item", ""))) for entry in read_recording(file))
