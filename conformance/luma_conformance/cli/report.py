"""The command `report`: the results of runs in other formats, and the parts of a run as one."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from luma_conformance.arguments import label
from luma_conformance.cli.output import STANDARD_OUTPUT, say, show, warn, write_text
from luma_conformance.cli.parser import add_command, add_output
from luma_conformance.cli.results import WRITTEN_BY, read_results
from luma_conformance.errors import Exit, InputError
from luma_conformance.report.formats import find_format, match_file, parse_formats, render
from luma_conformance.report.merge import merge

if TYPE_CHECKING:
    from luma_conformance.cli.parser import Commands
    from luma_conformance.report.result import Report, Results

DEFAULT_FORMATS: Final = ("html", "md")


def add_commands(commands: Commands) -> None:
    """Add `report`."""
    command = add_command(
        commands,
        "report",
        _report,
        purpose="write results as HTML, Markdown, …",
        description="Writes results in other formats; several runs stand side by side in HTML and Markdown. With "
        "--merge the files are the parts of one run, by machine or by selection: they have the same target and "
        "catalogue, and a case that several parts judged came to the same verdict in each.",
        examples=(
            "report monday tuesday --output trend.html",
            "report today --since yesterday --output report.html",
            "report --merge shard-1 shard-2 --output whole.jsonl",
            "report results.jsonl --format deviations --output deviations.toml",
        ),
    )
    command.add_argument("results", nargs="+", type=Path, metavar="RESULTS", help=WRITTEN_BY)
    command.add_argument(
        "--format",
        metavar="LIST",
        help="html, md, jsonl, ctrf, badge, or deviations (a draft for --luma-deviations), with commas between; "
        "default: what the name of the output says, or html,md",
    )
    command.add_argument("--merge", action="store_true", help="make one result of the parts of a run")
    command.add_argument(
        "--label", type=label, metavar="TEXT", help="what you call the build that was judged, in place of what it said"
    )
    command.add_argument(
        "--since", type=Path, metavar="RESULTS", help="an earlier run of the same target: say what has changed since"
    )
    add_output(
        command,
        metavar="FILE|DIR",
        explanation="a file, or a folder for several; default: standard output for one file, else this folder",
    )


def _report(options: argparse.Namespace) -> Exit:
    runs = [_label(read_results(path), options.label) for path in options.results]
    since = None if options.since is None else read_results(options.since)
    whole = None
    if options.merge:
        whole = merge(runs, [str(path) for path in options.results])
        runs = [whole]
    if len(runs) > 1 and (options.since or options.label):
        raise InputError("--since and --label are for one run; of several, each is compared with the one before it")
    output: Path | None = options.output
    name = None if output is None or output.is_dir() else match_file(output)
    if options.format is not None:
        files = render(runs, parse_formats(options.format), since)
    elif name is not None:
        files = {name: render(runs, [find_format(name)], since)[name]}
    else:
        files = render(runs, DEFAULT_FORMATS, since)
    a_file = output is None or (output.suffix != "" and not output.is_dir())
    _write(files, output, options.results, one=name is not None or (options.format is not None and a_file))
    if whole is None:
        return Exit.CONFORMANT
    warn(whole.headline)
    return whole.exit_status


def _label(results: Results, label: str | None) -> Results:
    return results if label is None else replace(results, run=replace(results.run, label=show(label)))


def _write(files: dict[str, Report], output: Path | None, inputs: list[Path], *, one: bool) -> None:
    """Write some files: the only one to standard output, or to `output` itself if it is to be `one` file."""
    if output == STANDARD_OUTPUT or one:
        if len(files) == 1:
            write_text(next(iter(files.values())), output, inputs)
            if output not in (None, STANDARD_OUTPUT):
                say(str(output))
            return
        if output is not None:
            raise InputError(f"{', '.join(files)} are {len(files)} files and do not fit in one; name a folder")
    folder = output or Path(".")
    for name, text in files.items():
        write_text(text, folder / name, inputs)
        say(str(folder / name))
