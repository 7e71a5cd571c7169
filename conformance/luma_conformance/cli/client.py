"""The command `client`: scenarios are played to a client, and what it does is judged."""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import luma_conformance
from luma_conformance.arguments import label, seconds, whole_number
from luma_conformance.cli.output import show
from luma_conformance.cli.parser import PROGRAM, add_command
from luma_conformance.errors import Exit, InputError

if TYPE_CHECKING:
    from luma_conformance.cli.parser import Commands, Parser
    from luma_conformance.clients.conduct import Conduct
    from luma_conformance.clients.scenario import Scenario
    from luma_conformance.judge.deviations import Deviations
    from luma_conformance.judge.judged import Judged
    from luma_conformance.pytest_plugin.publisher import Publisher
    from luma_conformance.pytest_plugin.tally import Tally
    from luma_conformance.report.result import Run

Player = Callable[[Sequence["Scenario"]], Iterator[tuple["Scenario", "Conduct"]]]
"""Plays scenarios to the client, and yields each with what the client did."""
SILENT: Final = 3
"""Scenarios in which a client may send nothing at all before the others are given up."""
MOST_SECONDS: Final = 3_600.0


def add_commands(commands: Commands) -> None:
    """Add `client`."""
    command = add_command(
        commands,
        "client",
        _client,
        purpose="judge a client, in any language",
        description="Runs COMMAND once for each scenario, against a server on this machine that answers as the "
        "scenario says, and judges what the client does by the error-handling page. The command is told its task by "
        "environment variables: LUMA_BASE_URL, LUMA_AGENTS_API_KEY, LUMA_TASK (create, generate or download), "
        "LUMA_PROMPT, LUMA_GENERATION_ID, LUMA_OUTPUT; docs/clients.md says what each task is. Exits with 0 if the "
        "client does all that it must; what it only should do is told.",
        examples=(
            "client -- node client.js",
            "client --function client.py:main",
            "client --scenario '429/*' --jobs 4 --report report -- python client.py",
        ),
        usage=f"{PROGRAM} client [options] (-- COMMAND [ARGUMENT ...] | --function MODULE:NAME)",
    )
    _add_options(command)


def _add_options(command: Parser) -> None:
    add = command.add_argument
    stopped = "when a client is stopped; default: 30 s, and three times what the scenario makes it wait"
    called = "judge a Python function, also FILE.py:NAME"
    kinds = ".jsonl, .html, .md, .xml (JUnit), .json, .svg"
    add("--scenario", action="append", default=[], metavar="GLOB", help="only these, by id or glob; repeatable")
    add("--scenarios", action="append", default=[], type=Path, metavar="PATH", help="files of yours, not the kit's")
    add("--jobs", type=whole_number(1, 64), metavar="N", help="scenarios at a time; default: processors, 2 at least")
    add("--function", metavar="MODULE:NAME", help=f"{called}, in this process, on virtual time: it takes seconds")
    add("--patient", action="store_true", help="also the scenarios in which a client has to wait for long")
    add("--timeout", type=seconds(0.1, MOST_SECONDS), metavar="SECONDS", help=stopped)
    add(
        "--report",
        action="append",
        default=[],
        type=Path,
        metavar="PATH",
        help=f"write results into a folder, or a file whose ending says the format: {kinds}",
    )
    add("--deviations", type=Path, metavar="FILE", help="what is known to be wrong with the client, and so not red")
    add("--label", type=label, metavar="TEXT", help="what you call the build that is judged")
    add("--list", action="store_true", help="only say which scenarios there are")
    add("--init", metavar="LANGUAGE", help="write a client to begin with; `--init list` says which there are")
    add("words", nargs="*", metavar="COMMAND", help=argparse.SUPPRESS)


def _client(options: argparse.Namespace) -> Exit:
    from luma_conformance.cli.client_summary import list_scenarios

    if options.init is not None:
        from luma_conformance.cli.client_starters import write_starter

        return write_starter(options.init)
    known = _load(options.scenarios)
    chosen = _choose(known, options.scenario)
    if options.list:
        list_scenarios(chosen)
        return Exit.CONFORMANT
    if options.function and options.words:
        raise InputError("a command and --function are both given; one client is judged at a time")
    if not options.words and not options.function:
        raise InputError(f"no command is given; it stands after two dashes: {PROGRAM} client -- node client.js")
    return _judge(options, known, chosen)


def _load(paths: Sequence[Path]) -> tuple[Scenario, ...]:
    from luma_conformance.clients import files

    return files.load(paths) if paths else files.own()


def _choose(known: Sequence[Scenario], patterns: Sequence[str]) -> tuple[Scenario, ...]:
    from luma_conformance.clients.files import select

    if not patterns:
        return tuple(known)
    named = {one.id for pattern in patterns for one in select(known, pattern)}
    return tuple(one for one in known if one.id in named)


def _judge(options: argparse.Namespace, known: Sequence[Scenario], chosen: Sequence[Scenario]) -> Exit:
    from luma_conformance.cli.client_summary import announce, write_summary
    from luma_conformance.clients.run import is_quick
    from luma_conformance.pytest_plugin.tally import Tally

    played = [one for one in chosen if options.patient or options.function or is_quick(one)]
    if not played:
        raise InputError("each of these scenarios makes a client wait for long; --patient plays them")
    player = _make_player(options)
    deviations = _read_deviations(options.deviations, known)
    tally = Tally(show)
    with closing(_open_report(options.report)) as publisher:
        tally.begin(_describe_run(options, known, played))
        tally.selected.update(one.id for one in played)
        if not options.function:
            announce(chosen, played)
        judging = _Judging(options, player, tally, publisher, deviations)
        is_whole = judging.go(played)
        if is_whole and tally.stop is None:
            for stale in tally.find_stale(deviations, [one.id for one in known]):
                judging.keep(stale, instead=True)
        given = Exit.CONFORMANT if is_whole else Exit.INTERRUPTED
        status = tally.exit_status(given, complete=is_whole)
        results = tally.end(status, complete=is_whole and not tally.missing, label=options.label or "")
        status = publisher.append_summary(tally, publisher.end(results, tally, status))
        write_summary(tally, publisher)
        return Exit(status)


def _make_player(options: argparse.Namespace) -> Player:
    """Return what plays scenarios to the client; raise InputError if that cannot be started."""
    from luma_conformance.clients.command import check_command, run_command
    from luma_conformance.clients.run import play_all

    timeout: float | None = options.timeout
    if options.function:
        from luma_conformance.cli.client_function import load_function
        from luma_conformance.clients.in_process import play_in_turn

        client = load_function(options.function)
        return lambda scenarios: play_in_turn(client, scenarios, timeout)
    command, jobs = options.words, options.jobs or max(2, os.cpu_count() or 1)
    check_command(command)
    return lambda scenarios: play_all(
        scenarios, lambda one, stop: run_command(command, one, timeout=timeout, stop=stop), jobs
    )


class _Judging:
    """Scenarios being played to a client, and what is kept of them."""

    def __init__(
        self,
        options: argparse.Namespace,
        player: Player,
        tally: Tally,
        publisher: Publisher,
        deviations: Deviations,
    ) -> None:
        self._options, self._play = options, player
        self._tally, self._publisher, self._deviations = tally, publisher, deviations

    def go(self, scenarios: Sequence[Scenario]) -> bool:
        """Play them all; return whether nobody interrupted it."""
        from luma_conformance.session.progress import show_on_stderr

        progress, failed, quiet = show_on_stderr(show), 0, 0
        try:
            with _ending_orderly():
                for number, (scenario, conduct) in enumerate(self._play(scenarios), start=1):
                    judged = self.keep(self._describe(scenario, conduct))
                    failed += judged.verdict == "fail"
                    progress.show(f"{number} of {len(scenarios)} scenarios, {failed} failing: {scenario.id}")
                    quiet += not conduct.seen
                    if number == quiet and number >= min(SILENT, len(scenarios)):
                        self._tally.halt(Exit.COULD_NOT_JUDGE, f"the client: {judged.reason}")
                        break
        except KeyboardInterrupt:
            return False
        finally:
            progress.show("")
        return True

    def keep(self, judged: Judged, *, instead: bool = False) -> Judged:
        """Add a verdict to the results and to the report."""
        kept = self._tally.replace(judged) if instead else self._tally.add(judged)
        self._publisher.add(self._tally.run, kept)
        return kept

    def _describe(self, scenario: Scenario, conduct: Conduct) -> Judged:
        from luma_conformance.clients.explain import describe
        from luma_conformance.clients.verdict import judge

        found = judge(scenario, conduct)
        again = self._write_again(scenario)
        return describe(scenario, conduct, found, scrub=show, again=again, deviations=self._deviations)

    def _write_again(self, scenario: Scenario) -> str:
        """Return the command that plays a scenario again."""
        from luma_conformance.clients.run import is_quick

        options = self._options
        words = [PROGRAM, "client", "--scenario", scenario.id]
        words += [] if is_quick(scenario) or options.function else ["--patient"]
        words += [word for path in options.scenarios for word in ("--scenarios", str(path))]
        words += [] if options.timeout is None else ["--timeout", f"{options.timeout:g}"]
        words += ["--function", options.function] if options.function else ["--", *options.words]
        return shlex.join(words)


@contextmanager
def _ending_orderly() -> Iterator[None]:
    """Have the signals that ask a process to end do as Ctrl-C does, with what is known so far."""
    from luma_conformance.pytest_plugin.signals import end_orderly

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with ExitStack() as undoing:
        undoing.callback(end_orderly(interrupt))
        yield


def _read_deviations(path: Path | None, known: Sequence[Scenario]) -> Deviations:
    from luma_conformance.judge.deviations import Deviations
    from luma_conformance.session.deviations_file import load_deviations

    if path is None:
        return Deviations()
    found = Deviations(entries=load_deviations(path), today=datetime.now(UTC).date().isoformat())
    if unknown := found.find_unmatched(one.id for one in known):
        lines = "\n".join(f"{one.place}: no scenario matches {' or '.join(map(repr, one.cases))}" for one in unknown)
        raise InputError(f"{lines}; `{PROGRAM} client --list` lists every scenario")
    return found


def _open_report(paths: Sequence[Path]) -> Publisher:
    from luma_conformance.pytest_plugin.publisher import Publisher
    from luma_conformance.report.formats import FORMATS

    return Publisher(paths, show, option="--report", formats=(*FORMATS, "junit"))


def _describe_run(
    options: argparse.Namespace,
    known: Sequence[Scenario],
    played: Sequence[Scenario],
) -> Run:
    from luma_conformance.catalogue import files as casefiles
    from luma_conformance.pytest_plugin.tally import now
    from luma_conformance.report.result import CLIENT, Run

    return Run(
        kind=show(CLIENT),
        target=show(options.function or shlex.join(options.words)),
        label=show(options.label or ""),
        kit=show(luma_conformance.__version__),
        python=show(platform.python_version()),
        catalogue=show(hashlib.sha256(repr(known).encode()).hexdigest()[:16]),
        transcribed=show(casefiles.TRANSCRIBED),
        started=show(now()),
        total=len(known),
        selected=len(played),
        own=len(known) if options.scenarios else 0,
    )
