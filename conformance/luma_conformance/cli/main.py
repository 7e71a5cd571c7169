"""The command `luma-conformance`: list, show and check cases, serve the reference, profiles, and what was judged."""

from __future__ import annotations

import argparse
import io
import os
import shlex
import sys
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import urlsplit

from luma_conformance.catalogue import files as casefiles
from luma_conformance.catalogue.catalogue import Catalogue
from luma_conformance.catalogue.roles import ROLES
from luma_conformance.cli import precedence as ordering
from luma_conformance.cli import recordings as auditing
from luma_conformance.cli import results as reporting
from luma_conformance.errors import CatalogueError, ConformanceError, CouldNotJudge, Exit, InputError, SpendExhausted
from luma_conformance.model import Case
from luma_conformance.redaction.redactor import safe_text
from luma_conformance.reference.settings import Settings

if TYPE_CHECKING:
    from luma_conformance.cli.show import Showing

    Commands = argparse._SubParsersAction["_Parser"]

PROFILE_NAME = "luma-profile.toml"
YEAR = 31_536_000
"""Seconds: the longest a reference can be told to take."""

EPILOG = """\
exit status: 0 all is well, 1 problems found, 4 a wrong argument or file, 6 nothing there to judge
to judge a server: pytest --pyargs luma_conformance --base-url http://host:port   (without it, the embedded reference)
"""


class _Parser(argparse.ArgumentParser):
    """An argument parser that says what is wrong in one line, and ends with the kit's own exit status for it."""

    def error(self, message: str) -> NoReturn:
        self.exit(Exit.USAGE, f"{self.prog}: {message}; see {self.prog} --help\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit status."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal without em dashes, a file name that is no text
    try:
        options = parser().parse_args(arguments)
        command: Callable[[argparse.Namespace], Exit] = options.command
        status = command(options)
        print(end="", flush=True)
    except ConformanceError as error:
        _complain(str(error))
        return _status(error)
    except BrokenPipeError:  # the reader of our output, `head` for one, has seen enough
        _discard_output()
        return Exit.CONFORMANT
    except OSError as error:
        _discard_output()
        return _complain(f"cannot go on: {error}")
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    return status


def _status(error: ConformanceError) -> Exit:
    """Returns the exit status that goes with an error."""
    if isinstance(error, SpendExhausted):
        return Exit.SPENT
    return Exit.COULD_NOT_JUDGE if isinstance(error, CouldNotJudge) else Exit.USAGE


def _complain(text: str) -> Exit:
    print(f"luma-conformance: {safe_text(text)}", file=sys.stderr)
    return Exit.USAGE


def _discard_output() -> None:
    """Sends what is still to be written nowhere, so that nothing breaks again at the end of the process."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def parser() -> argparse.ArgumentParser:
    """Returns the parser of the command line; what is parsed has the function to call as `command`."""
    parser = _Parser(
        prog="luma-conformance",
        description="The error catalogue of the Luma Agents API: look at it, check, serve it, judge recordings by it.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        add_help=False,
    )
    parser.add_argument("-h", "--help", action="help", help=argparse.SUPPRESS)  # the commands fill a screen
    parser.set_defaults(command=lambda _: _help(parser))
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    _add_list(commands)
    _add_show(commands)
    _add_check(commands)
    _add_serve(commands)
    _add_profile(commands)
    auditing.add_commands(commands)
    ordering.add_command(commands)
    reporting.add_commands(commands)
    return parser


def _help(parser: argparse.ArgumentParser) -> Exit:
    parser.print_help(sys.stderr)
    return Exit.USAGE


def _add_list(commands: Commands) -> None:
    command = commands.add_parser("list", help="list the cases", description="Lists cases: status, id, title.")
    command.add_argument(
        "patterns",
        nargs="*",
        metavar="PATTERN",
        help="an id, what ids begin with (create), or a glob in quotes ('*/control')",
    )
    command.add_argument("--status", type=_whole(100, 599), metavar="N", help="only cases about this status")
    command.add_argument(
        "--needs",
        type=_role,
        metavar="ROLE",
        help="only cases that need this role of a target; `luma-conformance profile` explains roles",
    )
    command.set_defaults(command=_list)


def _add_show(commands: Commands) -> None:
    command = commands.add_parser(
        "show",
        help="show one case, its requests expanded",
        description="Shows one case, its requests expanded. A key that is a secret is shown as $NAME, its variable.",
    )
    command.add_argument("id", metavar="ID", help="an id as list has it: create/400-keyframes/negative-index")
    form = command.add_mutually_exclusive_group()
    form.add_argument("--curl", action="store_true", help="print commands for bash")
    form.add_argument("--body", action="store_true", help="print one request body, whole, for piping")
    command.add_argument("--step", type=_whole(1, 999), metavar="N", help="only this step, counted from 1")
    command.add_argument(
        "--base-url",
        type=_http_url,
        metavar="URL",
        help="where curl sends to; default: the profile's, or http://127.0.0.1:8080",
    )
    command.add_argument(
        "--luma-profile",
        type=Path,
        metavar="FILE",
        help="what stands for keys, media and prompts; default: the reference's own",
    )
    command.set_defaults(command=_show)


def _add_check(commands: Commands) -> None:
    command = commands.add_parser(
        "check", help="validate case files", description="Validates case files; tells every problem of all of them."
    )
    command.add_argument(
        "paths",
        nargs="*",
        type=Path,
        metavar="PATH",
        help="a file, or a folder with case files; default: the kit's own catalogue",
    )
    command.set_defaults(command=_check)


def _add_serve(commands: Commands) -> None:
    description = (
        "Serves the reference until Ctrl-C. GET /.well-known/luma-conformance.toml answers with its test keys, "
        "media URLs and prompts."
    )
    command = commands.add_parser("serve", help="serve the reference", description=description)
    command.add_argument("--host", default="127.0.0.1", help="default 127.0.0.1: this machine only")
    command.add_argument(
        "--port", type=_whole(0, 65_535), default=8080, metavar="N", help="default 8080; 0 takes a free one"
    )
    count, seconds = _whole(1, 1_000_000_000), _seconds
    _add_settings(
        command,
        {
            "rpm": (count, "N", "requests a minute of the main client"),
            "concurrency": (count, "N", "jobs at a time of the main client"),
            "queued-seconds": (seconds, "S", "how long a generation is queued"),
            "processing-seconds": (seconds, "S", "how long it is in processing"),
            "url-seconds": (_whole(1, YEAR), "S", "how long an output URL is good"),
        },
    )
    command.set_defaults(command=_serve)


def _add_settings(command: _Parser, settings: dict[str, tuple[Callable[[str], float], str, str]]) -> None:
    for name, (kind, metavar, meaning) in settings.items():
        value = getattr(Settings(), name.replace("-", "_"))
        command.add_argument(f"--{name}", type=kind, default=value, metavar=metavar, help=f"{meaning}; default {value}")


def _add_profile(commands: Commands) -> None:
    command = commands.add_parser(
        "profile",
        help="write a profile, or say what one offers",
        description="Says which roles a target's profile offers, and why it does not offer the others.",
    )
    command.add_argument(
        "file", nargs="?", type=Path, default=Path(PROFILE_NAME), metavar="FILE", help=f"default {PROFILE_NAME}"
    )
    command.add_argument("--init", action="store_true", help="write a commented profile to fill in; never overwrites")
    command.set_defaults(command=_profile)


def _whole(least: int, most: int) -> Callable[[str], int]:
    """Returns what reads a whole number within bounds."""

    def read(text: str) -> int:
        try:
            if least <= int(text) <= most:
                return int(text)
        except ValueError:
            pass
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} to {most}")

    return read


def _seconds(text: str) -> float:
    try:
        if 0 <= float(text) <= YEAR:
            return float(text)
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 0 to {YEAR}")


def _role(text: str) -> str:
    if text in ROLES:
        return text
    raise argparse.ArgumentTypeError(f"{text!r} is no role{_near(text, ROLES)}")


def _http_url(text: str) -> str:
    try:
        if urlsplit(text).scheme in ("http", "https") and urlsplit(text).hostname:
            return text
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"{text!r} is not a URL like http://127.0.0.1:8080")


def _list(options: argparse.Namespace) -> Exit:
    catalogue = casefiles.own()
    wanted = [_matching(catalogue, pattern) for pattern in options.patterns] or [tuple(catalogue)]
    found = {
        case.id: case
        for cases in wanted
        for case in cases
        if (options.status is None or options.status in case.steps[-1].expect.status)
        and (options.needs is None or options.needs in case.needs)
    }
    if not found:
        raise InputError("no case is all of that; `luma-conformance list` lists every case")
    width = max(map(len, found))
    for case in found.values():
        print(f"{case.status}  {case.id:<{width}}  {case.title}")
    cost = _count(sum(case.cost for case in found.values()), "generation")
    print(f"{_count(len(found), 'case')}; a conforming target accepts at most {cost}", file=sys.stderr)
    return Exit.CONFORMANT


def _matching(catalogue: Catalogue, pattern: str) -> tuple[Case, ...]:
    found = catalogue.matching(pattern)
    if not found:
        advice = _near(pattern, [*catalogue.sections, *(case.id for case in catalogue)])
        raise InputError(f"no case matches {pattern!r}{advice or '; `luma-conformance list` lists every case'}")
    return found


def _near(name: str, known: Iterable[str]) -> str:
    """Returns advice: the shortest three names that contain one, or else the most similar."""
    known = list(known)
    inside = sorted((other for other in known if name and name.lower() in other.lower()), key=len)
    near = inside[:3] or get_close_matches(name, known, n=3, cutoff=0.5)
    return f"; near it: {', '.join(near)}" if near else ""


def _show(options: argparse.Namespace) -> Exit:
    from luma_conformance.cli.show import Showing

    found = _matching(casefiles.own(), options.id)
    if len(found) > 1:
        command = f"luma-conformance list {shlex.quote(options.id)}"
        raise InputError(f"{options.id!r} is {len(found)} cases, show takes one; `{command}` lists them")
    case = found[0]
    count = len(case.steps)
    if options.step is not None and options.step > count:
        raise InputError(f"{case.id} has {_count(count, 'step')}; there is no step {options.step}")
    showing = Showing.of(case, options.luma_profile, options.base_url)
    numbers = [options.step] if options.step else list(range(1, count + 1))
    if options.body:
        return _write_body(showing, numbers)
    for line in showing.head():
        print(f"# {line.strip()}" if options.curl else line)
    for number in numbers:
        print()
        for line in showing.curl(number) if options.curl else showing.step(number):
            print(line)
    return Exit.CONFORMANT


def _write_body(showing: Showing, numbers: list[int]) -> Exit:
    """Writes the bytes of the one body among some steps."""
    bodies = {number: body for number in numbers if (body := showing.requests[number - 1].body)}
    if not bodies:
        raise InputError(f"{showing.case.id} sends no body{' there' * (len(numbers) < len(showing.requests))}")
    if len(bodies) > 1:
        raise InputError(f"{showing.case.id}: steps {', '.join(map(str, bodies))} send a body; choose one with --step")
    print(end="", flush=True)
    if sys.stdout:  # it may be closed
        sys.stdout.buffer.write(*bodies.values())
    return Exit.CONFORMANT


def _check(options: argparse.Namespace) -> Exit:
    try:
        catalogue = casefiles.load(options.paths, below=Path.cwd()) if options.paths else casefiles.own()
    except CatalogueError as error:
        print(safe_text(str(error)))
        files = {problem.file for problem in error.problems}
        print(f"{_count(len(error.problems), 'problem')} in {_count(len(files), 'file')}", file=sys.stderr)
        return Exit.NOT_CONFORMANT
    if not catalogue.sections:
        where = ", ".join(map(str, options.paths))
        raise InputError(f"no case files in {where}; the first line of a case file names {casefiles.SCHEMA}")
    print(f"{_count(len(catalogue), 'case')} in {_count(len(catalogue.sections), 'file')}, no problems")
    return Exit.CONFORMANT


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def _serve(options: argparse.Namespace) -> Exit:
    from luma_conformance.reference.asgi import run

    settings = Settings(
        rpm=options.rpm,
        concurrency=options.concurrency,
        queued_seconds=options.queued_seconds,
        processing_seconds=options.processing_seconds,
        url_seconds=options.url_seconds,
    )
    run(settings, options.host, options.port, announce=lambda text: print(text, flush=True))
    return Exit.CONFORMANT


def _profile(options: argparse.Namespace) -> Exit:
    from luma_conformance.target.profile import load_profile

    if options.init:
        return _write_profile(options.file)
    profile = load_profile(options.file, os.environ)
    width = max(map(len, ROLES))
    for role, meaning in ROLES.items():
        why = profile.missing(role)
        state, text = ("offered", meaning) if why is None else ("missing", why.removeprefix(f"{role}: "))
        print(f"{state}  {role:<{width}}  {text}")
    lacking = sum(profile.missing(role) is not None for role in ROLES)
    print(f"{len(ROLES) - lacking} of {len(ROLES)} roles offered", file=sys.stderr)
    return Exit.CONFORMANT


def _write_profile(file: Path) -> Exit:
    from luma_conformance.target.profile import template

    try:
        with file.open("x", encoding="utf-8") as new:
            new.write(template())
    except FileExistsError:
        raise InputError(f"{file} is there already; name another file, or remove it") from None
    except OSError as error:
        raise InputError(f"{file} cannot be written: {error.strerror}") from None
    shown = shlex.quote(str(file))
    print(f"wrote {file}; fill it in, then: pytest --pyargs luma_conformance --luma-profile {shown}")
    return Exit.CONFORMANT


if __name__ == "__main__":
    sys.exit(main())
