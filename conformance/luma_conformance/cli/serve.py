"""The command `serve`: the reference on a port of this machine."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from luma_conformance.arguments import seconds, whole_number
from luma_conformance.cli.parser import Parser, add_command
from luma_conformance.errors import Exit
from luma_conformance.reference.asgi import run
from luma_conformance.reference.settings import PORT, Settings

if TYPE_CHECKING:
    from luma_conformance.cli.parser import Commands

YEAR: Final = 31_536_000
"""The longest duration that can be set, in seconds."""


def add_commands(commands: Commands) -> None:
    """Add `serve`."""
    command = add_command(
        commands,
        "serve",
        _serve,
        purpose="serve the reference",
        description="Serves the reference until Ctrl-C. GET /.well-known/luma-conformance.toml answers with its test "
        "keys, media URLs and prompts.",
        examples=("serve --port 8080 --rpm 10",),
    )
    command.add_argument("--host", default="127.0.0.1", help="default 127.0.0.1: this machine only")
    port = f"default {PORT}; 0 takes a free one"
    command.add_argument("--port", type=whole_number(0, 65_535), default=PORT, metavar="N", help=port)
    count = whole_number(1, 1_000_000_000)
    _add_setting(command, "rpm", count, "N", "requests a minute of the main client")
    _add_setting(command, "concurrency", count, "N", "jobs at a time of the main client")
    _add_setting(command, "queued-seconds", seconds(0, YEAR), "S", "how long a generation is queued")
    _add_setting(command, "processing-seconds", seconds(0, YEAR), "S", "how long it is in processing")
    _add_setting(command, "url-seconds", whole_number(1, YEAR), "S", "how long an output URL is good")


def _add_setting(command: Parser, name: str, kind: Callable[[str], float], metavar: str, meaning: str) -> None:
    value = getattr(Settings(), name.replace("-", "_"))
    command.add_argument(f"--{name}", type=kind, default=value, metavar=metavar, help=f"{meaning}; default {value}")


def _serve(options: argparse.Namespace) -> Exit:
    settings = Settings(
        rpm=options.rpm,
        concurrency=options.concurrency,
        queued_seconds=options.queued_seconds,
        processing_seconds=options.processing_seconds,
        url_seconds=options.url_seconds,
    )
    run(settings, options.host, options.port, announce=lambda text: print(text, flush=True))
    return Exit.CONFORMANT
