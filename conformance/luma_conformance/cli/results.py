"""The commands that take results: render them in other formats, merge the parts of a run, compare two runs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luma_conformance.errors import Exit, InputError

if TYPE_CHECKING:
    from luma_conformance.report.result import Results

MAX_BYTES = 2_000_000_000
"""A file of results that is larger is not read."""
RESULTS = "results.jsonl"
WRITTEN_BY = f"a {RESULTS} that `pytest --luma-report DIR` wrote, or its folder"


def add_commands(commands: argparse._SubParsersAction[Any]) -> None:
    """Adds `report`, `merge`, `compare` and `deviations` to the command."""
    _add_report(commands)
    _add_merge(commands)
    _add_compare(commands)
    _add_deviations(commands)


def _add_report(commands: argparse._SubParsersAction[Any]) -> None:
    command = commands.add_parser(
        "report",
        help="render results: HTML, Markdown, …",
        description="Writes results in other formats into a folder; several runs side by side in HTML and Markdown.",
    )
    command.add_argument("results", nargs="+", type=Path, metavar="RESULTS", help=WRITTEN_BY)
    command.add_argument("--into", type=Path, default=Path("."), metavar="DIR", help="default: this folder")
    command.add_argument("--format", metavar="LIST", help="formats with commas between; default html,md")
    command.set_defaults(command=_report)


def _add_merge(commands: argparse._SubParsersAction[Any]) -> None:
    command = commands.add_parser(
        "merge",
        help="make one result of the parts of a run",
        description="Writes the results of shards, by machine or by selection, as one. They have the same target and "
        "catalogue; a case that several parts judged came to the same verdict in each.",
    )
    command.add_argument("out", type=Path, metavar="OUT", help="the file to write; not one that is there already")
    command.add_argument("results", nargs="+", type=Path, metavar="IN", help=WRITTEN_BY)
    command.set_defaults(command=_merge)


def _add_compare(commands: argparse._SubParsersAction[Any]) -> None:
    command = commands.add_parser(
        "compare",
        help="say what changed between runs",
        description="Says what got worse from OLD to NEW, what was fixed, and what is no longer judged.",
    )
    command.add_argument("old", type=Path, metavar="OLD", help=WRITTEN_BY)
    command.add_argument("results", nargs="+", type=Path, metavar="NEW", help="the same; each is compared with OLD")
    command.add_argument("--format", choices=("text", "json", "md", "html"), default="text", help="default text")
    command.add_argument(
        "--fail-on",
        choices=("regressions", "coverage", "any", "none"),
        default="regressions",
        help="what exit status 1 is for: what fails now and did not (the default); also cases that are no longer "
        "judged; also anything that fails or is worded otherwise; or nothing",
    )
    command.set_defaults(command=_compare)


def _add_deviations(commands: argparse._SubParsersAction[Any]) -> None:
    command = commands.add_parser(
        "deviations",
        help="draft known deviations from what failed",
        description="Prints an entry for each wrong answer of a run, for --luma-deviations; the reasons are yours to "
        "write, and an entry without one is refused.",
    )
    command.add_argument("--from", dest="results", type=Path, required=True, metavar="RESULTS", help=WRITTEN_BY)
    command.set_defaults(command=_deviations)


def _report(options: argparse.Namespace) -> Exit:
    from luma_conformance.report.formats import parsed, rendered

    words = parsed("html,md" if options.format is None else options.format)
    runs = [load(path) for path in options.results]
    options.into.mkdir(parents=True, exist_ok=True)
    for name, text in rendered(runs, words).items():
        file = options.into / name
        if any(path.exists() and file.exists() and path.samefile(file) for path in options.results):
            raise InputError(f"{file} would be overwritten; name another folder with --into")
        file.write_text(text, encoding="utf-8", newline="\n")
        print(file)
    return Exit.CONFORMANT


def _merge(options: argparse.Namespace) -> Exit:
    from luma_conformance.report.jsonl import written
    from luma_conformance.report.merge import merged

    whole = merged([load(path) for path in options.results], [str(path) for path in options.results])
    try:
        with options.out.open("x", encoding="utf-8", newline="\n") as out:
            out.write(written(whole))
    except FileExistsError:
        raise InputError(f"{options.out} is there already; name another file, or remove it") from None
    print(f"wrote {options.out}: {whole.headline}")
    return whole.exit_status


def _deviations(options: argparse.Namespace) -> Exit:
    from luma_conformance.report.deviations_draft import draft

    print(draft(load(options.results).verdicts), end="")
    return Exit.CONFORMANT


def _compare(options: argparse.Namespace) -> Exit:
    from luma_conformance.report.compare import FailOn, compare
    from luma_conformance.report.compare_formats import WRITERS

    old = load(options.old)
    comparisons = [compare(old, load(path)) for path in options.results]
    statuses = [comparison.exit_status(FailOn(options.fail_on)) for comparison in comparisons]
    grave = (Exit.NOT_CONFORMANT, Exit.COULD_NOT_JUDGE)
    status = next((one for one in grave if one in statuses), Exit.CONFORMANT)
    print(WRITERS[options.format](comparisons, status), end="")
    return status


def load(path: Path) -> Results:
    """Returns the results in a file, or in a folder as a run wrote it; raises InputError."""
    from luma_conformance.report.jsonl import read

    file = path / RESULTS if path.is_dir() else path
    try:
        if file.stat().st_size > MAX_BYTES:
            raise InputError(f"{file}: is larger than any file of results, {MAX_BYTES:,} bytes")
        return read(file.read_bytes(), str(file))
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror}") from None
