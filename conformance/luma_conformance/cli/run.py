"""The command `run`: pytest on the catalogue and the properties, without knowing pytest."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from itertools import takewhile
from typing import TYPE_CHECKING, Final

from luma_conformance.arguments import KEYS_ARE_READ, RECORDING, UNSET, find_key, is_http_url
from luma_conformance.cli.parser import Parser, add_command
from luma_conformance.errors import Exit, InputError

if TYPE_CHECKING:
    from luma_conformance.cli.parser import Commands

OUTPUT: Final = "luma_conformance.pytest_plugin.full_output"
"""The plugin that ends a run whose output cannot be written."""
ALL: Final = ("--assert=plain", "--pyargs", "luma_conformance")
"""What judges all there is. pytest would otherwise compile every module of the packages that bring it a plugin once
more, for the sake of `assert` in tests: in a new environment that takes half as long as all the rest.
"""


def add_commands(commands: Commands) -> None:
    """Add `run`, all of whose arguments are its own business: to argparse nothing in them is an option."""
    command = add_command(
        commands,
        "run",
        _run,
        purpose="judge a server, or a recording of one",
        description="Judges what answers at URL; without one, the embedded reference. It is `pytest --pyargs "
        "luma_conformance --base-url URL`, with this Python, and exits as that does. What is not URL or CASES goes to "
        'pytest as it is; `pytest --help` lists the options, ours under "Luma Agents API conformance".',
        examples=(
            "run http://127.0.0.1:8080 --luma-profile luma-profile.toml --luma-report report",
            "run http://127.0.0.1:8080 create/400-keyframes -x",
            "run luma-profile.toml my-cases.yaml",
            "run cassette:run.har",
        ),
        usage="luma-conformance run [-h] [URL] [CASES ...] [pytest arguments]",
        prefix_chars="\0",
        add_help=False,
    )
    add = super(Parser, command).add_argument  # what is pytest's may be empty, like -k ''
    add(
        "arguments",
        nargs="*",
        metavar="URL",
        help="http://host:port, cassette:FILE, or a profile (FILE.toml) that says where its server is; after it the "
        "cases, if not all are to be judged: ids, or case files of yours; after these the options of pytest",
    )


def _run(options: argparse.Namespace) -> Exit:
    if options.arguments[:1] in (["-h"], ["--help"]):
        options.parser.print_help()
        return Exit.CONFORMANT
    if (name := find_key(options.arguments, os.environ)) is not None:
        raise InputError(f"an argument holds the key in {name}, which pytest would show; {KEYS_ARE_READ}")
    # -P keeps the current folder out of the module search path, as the command `pytest` does.
    command = [sys.executable, "-P", "-m", "pytest", "-p", OUTPUT, *pytest_arguments(options.arguments)]
    if os.name == "posix":
        print(end="", flush=True)
        os.execv(command[0], command)  # noqa: S606  pytest takes this process over: its signals, its exit status
    return _exit_status(subprocess.call(command))  # noqa: S603  what the user typed, for pytest


def _exit_status(status: int) -> Exit:
    """Return pytest's exit status, which may be one the kit has no name for."""
    return Exit(status) if status in [*Exit] else Exit.INTERNAL


def pytest_arguments(given: Sequence[str]) -> list[str]:
    """Return pytest's arguments for those of `run`; raise InputError for a leading word that names nothing."""
    words = list(takewhile(lambda word: not word.startswith("-"), given))
    options = list(given[len(words) :])
    target = _read_target(words[0]) if words else None
    chosen = _list_nodes(words if target is None else words[1:])
    # If only files are named, pytest looks for a project's settings around them, here in the installed package.
    selected = ["--rootdir=.", *chosen] if chosen else ALL
    return [*selected, *(target or ()), *options]


def _read_target(word: str) -> tuple[str, str] | None:
    """Return the pytest option for the target if a word names one; raise InputError for an empty word."""
    if not word.strip():
        raise InputError(f"the URL is empty; {UNSET}")
    if is_http_url(word) or word.startswith(RECORDING):
        return "--base-url", word
    if word.endswith(".toml"):
        return "--luma-profile", word
    return None


def _list_nodes(words: Sequence[str]) -> list[str]:
    """Return pytest's node ids for the cases that words name; raise InputError for a word that names none."""
    if not words:
        return []
    from luma_conformance.cli.nodes import list_nodes  # it reads case files, which otherwise only pytest does

    return [node for word in words for node in list_nodes(word)]
