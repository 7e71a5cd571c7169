"""The commands about cases: `list` and `show` them, and `check` the files they are in."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from luma_conformance.arguments import find_key, http_url, whole_number
from luma_conformance.catalogue import files as casefiles
from luma_conformance.catalogue.media import encode
from luma_conformance.catalogue.roles import ROLES
from luma_conformance.cli.find import advise, find_cases
from luma_conformance.cli.output import say, show, warn
from luma_conformance.cli.parser import add_command, add_profile
from luma_conformance.cli.show import Showing
from luma_conformance.errors import CatalogueError, Exit, InputError, Problem
from luma_conformance.report.result import count_noun
from luma_conformance.target.profile import load_profile

if TYPE_CHECKING:
    from luma_conformance.cli.parser import Commands
    from luma_conformance.cli.show import Showing

SEARCHED: Final = 1_000_000
"""Bytes of a body that are searched for keys; the rest is of media, which take most of it."""


def add_commands(commands: Commands) -> None:
    """Add `list`, `show` and `check`."""
    _add_list(commands)
    _add_show(commands)
    _add_check(commands)


def _add_list(commands: Commands) -> None:
    command = add_command(
        commands,
        "list",
        _list,
        purpose="list the cases",
        description="Lists cases: status, id, title.",
        examples=("list create --status 429", "list my-cases.yaml"),
    )
    command.add_argument(
        "patterns",
        nargs="*",
        metavar="CASES",
        help="an id, what ids begin with (create), a glob in quotes ('*/control'), or a case file or folder of yours",
    )
    command.add_argument("--status", type=whole_number(100, 599), metavar="N", help="only cases about this status")
    command.add_argument(
        "--needs",
        metavar="ROLE",
        help="only cases that need this role of a target; `luma-conformance profile` explains roles",
    )


def _add_show(commands: Commands) -> None:
    command = add_command(
        commands,
        "show",
        _show,
        purpose="show one case, its requests expanded",
        description="Shows one case, its requests expanded. A key that is a secret is shown as $NAME, its variable.",
        examples=("show create/400-keyframes/negative-index --curl", "show my-cases.yaml#other-tenant"),
    )
    command.add_argument(
        "id",
        metavar="ID",
        help="an id as list has it; of a case file of yours PATH#ID; with --body also a body as JSON",
    )
    form = command.add_mutually_exclusive_group()
    form.add_argument("--curl", action="store_true", help="print commands for bash")
    form.add_argument("--body", action="store_true", help="print one request body, whole, for piping")
    command.add_argument("--step", type=whole_number(1, 999), metavar="N", help="only this step, counted from 1")
    command.add_argument(
        "--base-url",
        type=http_url,
        metavar="URL",
        help="where curl sends to; default: the profile's, or that of `luma-conformance serve`",
    )
    add_profile(command, "what stands for keys, media and prompts; default: the reference's own")


def _add_check(commands: Commands) -> None:
    command = add_command(
        commands,
        "check",
        _check,
        purpose="validate case files and scenario files",
        description="Validates case files, and scenario files for clients; tells every problem of all of them.",
        examples=("check my-cases.yaml --profile luma-profile.toml",),
    )
    command.add_argument(
        "paths",
        nargs="*",
        type=Path,
        metavar="PATH",
        help="a file, or a folder with such files; default: the kit's own",
    )
    add_profile(command, "a profile whose own roles, under [roles], the files may need")


def _list(options: argparse.Namespace) -> Exit:
    wanted = [find_cases(pattern) for pattern in options.patterns] or [tuple(casefiles.own())]
    cases = {case.id: case for cases in wanted for case in cases}
    roles = dict.fromkeys([*ROLES, *(role for case in cases.values() for role in case.needs)])
    if options.needs is not None and options.needs not in roles:
        options.parser.error(f"argument --needs: {options.needs!r} is not a role{advise(options.needs, roles)}")
    found = [
        case
        for case in cases.values()
        if (options.status is None or options.status in case.steps[-1].expect.status)
        and (options.needs is None or options.needs in case.needs)
    ]
    if not found:
        raise InputError("no case matches all of that; `luma-conformance list` lists every case")
    width = max(len(show(case.id)) for case in found)
    for case in found:
        say(f"{case.status}  {show(case.id):<{width}}  {case.title}")
    cost = count_noun(sum(case.cost for case in found), "generation")
    warn(f"{count_noun(len(found), 'case')}; a conforming target accepts at most {cost}")
    return Exit.CONFORMANT


def _show(options: argparse.Namespace) -> Exit:
    if options.id[:1] == "{":
        return _write_generated(options)
    found = find_cases(options.id)
    if len(found) > 1:
        command = f"luma-conformance list {shlex.quote(options.id)}"
        raise InputError(f"{options.id!r} is {len(found)} cases, show takes one; `{command}` lists them")
    case = found[0]
    steps = len(case.steps)
    if options.step is not None and options.step > steps:
        raise InputError(f"{case.id} has {count_noun(steps, 'step')}; there is no step {options.step}")
    showing = Showing.of(case, options.profile, options.base_url)
    numbers = [options.step] if options.step else list(range(1, steps + 1))
    if options.body:
        return _write_body(showing, numbers)
    for line in showing.head():
        say(f"# {line.strip()}" if options.curl else line)
    for number in numbers:
        say()
        for line in showing.curl(number) if options.curl else showing.step(number):
            say(line)
    return Exit.CONFORMANT


def _write_generated(options: argparse.Namespace) -> Exit:
    """Write a generated body, given as JSON in which names stand for what the kit supplies."""
    if not options.body:
        raise InputError("a body as JSON is only written, for piping: add --body")
    try:
        body = encode(json.loads(options.id))
    except (ValueError, RecursionError) as error:
        raise InputError(f"the body is not JSON: {error}") from None
    return _write_raw(body, options.id)


def _write_body(showing: Showing, numbers: list[int]) -> Exit:
    """Write the one request body among some steps, byte for byte."""
    bodies = {number: body for number in numbers if (body := showing.requests[number - 1].body)}
    if not bodies:
        raise InputError(f"{showing.case.id} sends no body{' there' * (len(numbers) < len(showing.requests))}")
    if len(bodies) > 1:
        raise InputError(f"{showing.case.id}: steps {', '.join(map(str, bodies))} send a body; choose one with --step")
    ((number, body),) = bodies.items()
    return _write_raw(body, repr(showing.case.steps[number - 1].ask.body))


def _write_raw(body: bytes, written_from: str) -> Exit:
    """Write a body as it is; raise InputError if it holds a key, which nothing would hide."""
    if (name := find_key([written_from, body[:SEARCHED].decode("utf-8", "replace")], os.environ)) is not None:
        raise InputError(
            f"the body holds the key in {name}, and would be written as it is; `run` sends it, and hides it"
        )
    print(end="", flush=True)
    if sys.stdout:  # it may be closed
        sys.stdout.buffer.write(body)
    return Exit.CONFORMANT


def _check(options: argparse.Namespace) -> Exit:
    from luma_conformance.clients import files as scenarios  # no other command about cases needs them

    paths: Sequence[Path] = options.paths
    below = Path.cwd()
    own_roles = _read_own_roles(options.profile)
    theirs = [path for path in paths if path.is_dir() or scenarios.is_scenario_file(path)]
    ours = [path for path in paths if path.is_dir() or not scenarios.is_scenario_file(path)]
    problems: list[Problem] = []
    good: list[str] = []
    try:
        cases = casefiles.load(ours, below=below, own_roles=own_roles) if paths else casefiles.own()
        good += _count("case", len(cases), len(cases.sections))
    except CatalogueError as error:
        problems += error.problems
    try:
        played = scenarios.load(theirs, below=below) if paths else scenarios.own()
        good += _count("scenario", len(played), len({one.place.file for one in played}))
    except CatalogueError as error:
        problems += error.problems
    if problems:
        say(str(CatalogueError(tuple(problems))))
        files = {problem.file for problem in problems}
        warn(f"{count_noun(len(problems), 'problem')} in {count_noun(len(files), 'file')}")
        return Exit.NOT_CONFORMANT
    if not good:
        where = ", ".join(map(str, paths))
        raise InputError(f"no case files in {where}; the first line of a case file names {casefiles.SCHEMA}")
    say("\n".join(good))
    return Exit.CONFORMANT


def _count(kind: str, number: int, files: int) -> list[str]:
    """Return the line about so many files of a kind, if there are any."""
    return [f"{count_noun(number, kind)} in {count_noun(files, 'file')}, no problems"] if files else []


def _read_own_roles(profile: Path | None) -> Mapping[str, str]:
    """Return the roles that a profile declares beside the kit's."""
    return {} if profile is None else load_profile(profile, os.environ).roles
