"""The command `luma-conformance`: look at cases, judge servers and recordings, and compare the results."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Final, NoReturn

import luma_conformance
from luma_conformance.cli.output import begin, say, warn
from luma_conformance.cli.parser import PROGRAM, Parser, did_you_mean
from luma_conformance.errors import ConformanceError, Exit, find_status
from luma_conformance.reading.streams import discard_output, open_standard_streams

if TYPE_CHECKING:
    from luma_conformance.cli.parser import Commands

PURPOSE = "The error catalogue of the Luma Agents API: look at it, check it, serve it, judge by it."
EPILOG = """\
example:
  luma-conformance run http://127.0.0.1:8080      judge a server; without a URL, the embedded reference
exit status: 0 all is well, 1 problems found, 4 a wrong argument or file, 6 nothing there to judge; of run, pytest's
`run` is short for: pytest --pyargs luma_conformance --base-url http://host:port
"""
MODULES: Final = {
    "run": "run",
    "list": "cases",
    "show": "cases",
    "check": "cases",
    "serve": "serve",
    "profile": "profile",
    "client": "client",
    "audit": "audit",
    "compare": "compare",
    "report": "report",
    "precedence": "precedence",
    "miniatures": "miniatures",
    "ledger": "ledger",
    "drift": "drift",
}
"""The module of each command. Only that of the given one is imported, because all of them take longer than pytest."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(
            errors="backslashreplace"
        )  # for terminals without em dashes, and file names that are not text
    open_standard_streams()
    begin(os.environ)
    try:
        return _run(sys.argv[1:] if arguments is None else arguments)
    finally:
        discard_output()


def _run(arguments: Sequence[str]) -> int:
    try:
        options = parse(arguments)
        command: Callable[[argparse.Namespace], Exit] = options.command
        status = command(options)
        print(end="", flush=True)
    except ConformanceError as error:
        _complain(str(error))
        return find_status(error)
    except BrokenPipeError:  # the reader of our output, such as `head`, has closed the pipe
        return Exit.CONFORMANT
    except OSError as error:
        return _complain(f"cannot go on: {error}")
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    return status


def _complain(text: str) -> Exit:
    warn(f"{PROGRAM}: {text}")
    return Exit.USAGE


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the options of a command line, with the function to call as `command`; exit if the line is wrong."""
    # No option before the command takes a value, so the first word that is not an option is the command.
    word = next((argument for argument in arguments if not argument.startswith("-")), None)
    parser, _ = build(word if arguments[:1] == [word] else None)
    if word is not None and word not in MODULES:
        advice = did_you_mean(word, MODULES) or f"; there are {', '.join(MODULES)}"
        parser.error(f"there is no command {word!r}{advice}")
    options, unknown = parser.parse_known_args(arguments)
    if unknown:
        options.parser.refuse_unknown(unknown)
    return options


def build(word: str | None = None) -> tuple[Parser, Commands]:
    """Return the parser of the command line, and its commands: all, or those of the module that has the one given."""
    parser = Parser(
        prog=PROGRAM,
        epilog=EPILOG,
        add_help=False,
    )
    parser.add_argument("-h", "--help", action="help", help=argparse.SUPPRESS)  # the commands fill a screen
    parser.add_argument("--version", action=_ShowVersion, nargs=0, help=argparse.SUPPRESS)
    parser.set_defaults(command=lambda _: _help(parser), parser=parser)
    commands = parser.add_subparsers(metavar="COMMAND", help=argparse.SUPPRESS)
    for module in dict.fromkeys([MODULES[word]] if word in MODULES else MODULES.values()):
        import_module(f"luma_conformance.cli.{module}").add_commands(commands)
    # argparse would list the commands itself, but it breaks the line after a name as long as `precedence`.
    rows = (f"  {name:<12}{command.get_default('purpose')}\n" for name, command in commands.choices.items())
    parser.description = f"{PURPOSE}\n\ncommands (each has --help):\n{''.join(rows)}"
    return parser, commands


class _ShowVersion(argparse.Action):
    """An action that looks the version up only when asked for it: importing `importlib.metadata` is slow."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        say(f"{PROGRAM} {luma_conformance.__version__}")
        parser.exit()


def _help(parser: Parser) -> Exit:
    warn(parser.format_help(), end="")
    return Exit.USAGE


if __name__ == "__main__":
    sys.exit(main())
