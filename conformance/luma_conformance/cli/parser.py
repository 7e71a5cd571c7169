"""The parsers of the commands, with one form of help, errors and advice for all of them."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from luma_conformance.arguments import given
from luma_conformance.cli.output import say, show
from luma_conformance.errors import Exit
from luma_conformance.shown import cut

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction["Parser"]
    Run = Callable[[argparse.Namespace], Exit]

WIDTH: Final = 78
"""Columns of a description; argparse leaves a text alone that has examples in it."""

PROGRAM: Final = "luma-conformance"
MAX_MESSAGE: Final = 2_000
"""Characters of what is wrong with arguments that are shown."""


class Parser(argparse.ArgumentParser):
    """An argument parser that says what is wrong in one line, and exits with the kit's own status for it."""

    def __init__(self, **attributes: Any) -> None:
        attributes.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(allow_abbrev=False, **attributes)

    def add_argument(self, *names: Any, **attributes: Any) -> argparse.Action:
        """Add an argument; one that takes a value refuses an empty one."""
        if attributes.get("action", "store") in ("store", "append"):
            attributes["type"] = given(attributes.get("type", str))
        return super().add_argument(*names, **attributes)

    def print_help(self, _: object = None) -> None:
        """Print the help on standard output; raise OSError where that fails, of which argparse says nothing."""
        say(self.format_help(), end="")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """Exit with a status; raise OSError where what was printed before cannot be written."""
        print(end="", flush=True)
        super().exit(status, message)

    def error(self, message: str) -> NoReturn:
        """Exit with the status of a wrong argument, after one line that says what is wrong and how to get help."""
        self.exit(Exit.USAGE, f"{self.prog}: {cut(show(message), MAX_MESSAGE)}; see {self.prog} --help\n")

    def refuse_unknown(self, arguments: Sequence[str]) -> NoReturn:
        """Exit because of unknown arguments, and suggest the most similar option."""
        option = next((argument.partition("=")[0] for argument in arguments if argument.startswith("-")), "")
        self.error(f"unrecognized arguments: {' '.join(arguments)}{did_you_mean(option, self._option_string_actions)}")


def add_command(
    commands: Commands, name: str, run: Run, *, purpose: str, description: str, examples: Sequence[str], **more: Any
) -> Parser:
    """Add a command that calls `run`, and return its parser; each example is what stands after the program's name."""
    shown = [f"  {PROGRAM} {example}" for example in examples]
    parser = commands.add_parser(
        name,
        description=textwrap.fill(description, WIDTH),
        epilog="\n".join([f"example{'s' * (len(shown) > 1)}:", *shown]),
        **more,
    )
    parser.set_defaults(command=run, parser=parser, purpose=purpose)
    return parser


def add_output(parser: Parser, *, metavar: str, explanation: str) -> None:
    """Add `--output`, which is spelt alike in every command that writes something."""
    parser.add_argument("-o", "--output", type=Path, metavar=metavar, help=explanation)


def add_profile(parser: Parser, explanation: str) -> None:
    """Add `--profile`, which is spelt alike in every command that sends or shows requests."""
    parser.add_argument("--profile", type=Path, metavar="FILE", help=explanation)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the advice to use the most similar of some names, or nothing where none is similar."""
    near = get_close_matches(name, list(known), n=1, cutoff=0.6) if name else []
    return f"; did you mean {near[0]}?" if near else ""
