"""The command `compare`: two runs, two recordings, or a recording and what a server answers now."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from luma_conformance.arguments import is_http_url, whole_number
from luma_conformance.cli.output import write_text
from luma_conformance.cli.parser import add_command, add_output, add_profile
from luma_conformance.cli.recordings import hide_keys, read_recording, watch
from luma_conformance.cli.results import RESULTS, holds_results, read_results
from luma_conformance.errors import Exit, InputError
from luma_conformance.report.compare import FailOn
from luma_conformance.report.result import count_noun

if TYPE_CHECKING:
    from luma_conformance.audit.changes import Comparison
    from luma_conformance.cli.parser import Commands

GRAVEST: Final = (Exit.NOT_CONFORMANT, Exit.COULD_NOT_JUDGE)
PAIRS: Final = "two files of results, two recordings, or a recording and the URL of a server can be compared"


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
    command.add_argument(
        "--format", choices=("text", "json", "md", "html"), default="text", help="of results; recordings are text only"
    )
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
        raise InputError(f"{options.old} is a server, and only NEW can be one: what it answered before is in no URL")
    old, of_results = Path(options.old), holds_results(Path(options.old))
    for new in options.new:
        _refuse_mix(options.old, new, of_results=of_results)
    if not any(map(is_http_url, options.new)) and (options.profile or options.spend is not None):
        raise InputError("--profile and --spend are for a server, and none is compared here")
    text, status = _compare_results(old, options) if of_results else _compare_recordings(old, options)
    write_text(text, options.output, [path for path in map(Path, (options.old, *options.new)) if path.is_file()])
    if status is Exit.COULD_NOT_JUDGE and not of_results:
        print("luma-conformance: could not compare: no request of the one is in the other", file=sys.stderr)
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
        one, other = ("results", "a recording") if of_results else ("a recording", "results")
        raise InputError(f"{old} holds {one} and {new} {other}; {PAIRS}")


def _gravest(statuses: Sequence[Exit]) -> Exit:
    return next((one for one in GRAVEST if one in statuses), Exit.CONFORMANT)


def _compare_results(old: Path, options: argparse.Namespace) -> tuple[str, Exit]:
    from luma_conformance.report.compare import compare
    from luma_conformance.report.compare_formats import WRITERS

    before = read_results(old)
    comparisons = [compare(before, read_results(Path(new))) for new in options.new]
    status = _gravest([comparison.exit_status(FailOn(options.fail_on)) for comparison in comparisons])
    return WRITERS[options.format](comparisons, status), status


def _compare_recordings(old: Path, options: argparse.Namespace) -> tuple[str, Exit]:
    from luma_conformance.audit.changes import compare

    if options.format != "text":
        raise InputError(f"recordings are compared as text; --format {options.format} is for files of results")
    lines: list[str] = []
    statuses: list[Exit] = []
    for new in options.new:
        with _answers(old, new, options) as file:
            comparison = compare(watch(read_recording(old), old), watch(read_recording(file), file))
        lines += _describe(comparison, old, new)
        statuses.append(_status(comparison, FailOn(options.fail_on)))
    return "".join(f"{hide_keys(line)}\n" for line in lines), _gravest(statuses)


@contextmanager
def _answers(old: Path, new: str, options: argparse.Namespace) -> Iterator[Path]:
    """Yield the recording to compare with: a file, or what a server answers to the cases the first one has."""
    if not is_http_url(new):
        yield Path(new)
        return
    from luma_conformance.session.ask_again import ask_again

    cases = {str(entry.note["item"]) for entry in read_recording(old) if "item" in entry.note}
    with TemporaryDirectory() as folder:
        file = Path(folder) / "now.har"
        ask_again(cases, new, file, profile=options.profile, spend=options.spend or 0)
        yield file


def _describe(comparison: Comparison, old: Path, new: str) -> Iterator[str]:
    for change, pairs in comparison.changes.items():
        before, after = pairs[0]
        more = f", and {len(pairs) - 1} more" if len(pairs) > 1 else ""
        there = str(after.note.get("item", "")) if is_http_url(new) else after.place
        yield f"{change.severity:<9} {change.kind:<8} {change.operation}: {change.what}"
        yield f"{'':<19}{before.place}, {there}{more}"
    yield f"compared    {count_noun(comparison.compared, 'exchange')}; {comparison.same} the same"
    for severity in dict.fromkeys(change.severity for change in comparison.changes):
        found = sum(change.severity == severity for change in comparison.changes)
        yield f"{severity:<11} {found}"
    for count, name in ((comparison.only_before, old), (comparison.only_after, new)):
        if count:
            yield f"not paired  {count} only in {name}"


def _status(comparison: Comparison, fail_on: FailOn) -> Exit:
    """Return the exit status: a breaking change is a regression, a request without a partner is lost coverage."""
    from luma_conformance.audit.changes import Severity

    if not comparison.compared:
        return Exit.COULD_NOT_JUDGE
    breaking = any(change.severity is Severity.BREAKING for change in comparison.changes)
    lost = comparison.only_before > 0
    fails = {
        FailOn.REGRESSIONS: breaking,
        FailOn.COVERAGE: breaking or lost,
        FailOn.ANY: lost or bool(comparison.changes),
        FailOn.NONE: False,
    }
    return Exit.NOT_CONFORMANT if fails[fail_on] else Exit.CONFORMANT
