"""The command `serve`: the reference on a port of this machine."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Final

from luma_conformance.arguments import seconds, whole_number
from luma_conformance.cli.output import say
from luma_conformance.cli.parser import Parser, add_command
from luma_conformance.cli.recordings import hide_keys
from luma_conformance.errors import Exit
from luma_conformance.model import Request, Response, header
from luma_conformance.reference.asgi import Handle, run
from luma_conformance.reference.cards import describe_caller
from luma_conformance.reference.settings import PORT, Settings
from luma_conformance.shown import one_line

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
        examples=("serve --port 8080 --rpm 10", "serve --public-url https://mock.example.com/luma --verbose"),
    )
    command.add_argument("--host", default="127.0.0.1", help="default 127.0.0.1: this machine only")
    port = f"default {PORT}; 0 takes a free one"
    command.add_argument("--port", type=whole_number(0, 65_535), default=PORT, metavar="N", help=port)
    command.add_argument(
        "--public-url",
        metavar="URL",
        help="how output URLs begin, behind TLS or a prefix; default: as a proxy on this machine says in X-Forwarded-*",
    )
    command.add_argument("--verbose", action="store_true", help="print a line for each request, without keys")
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
        public_url=options.public_url,
    )
    run(settings, options.host, options.port, announce=_say, wrap=_log if options.verbose else lambda handle: handle)
    return Exit.CONFORMANT


def _log(handle: Handle) -> Handle:
    """Return a handler that prints a line for each request: time, request, status, duration, id, client."""

    def answer(request: Request) -> Response:
        begun = time.perf_counter()
        response = handle(request)
        took = (time.perf_counter() - begun) * 1000
        tracing = header(response.headers, "X-Request-Id") or "-"
        line = f"{request.method} {request.url} {response.status} {took:.1f} ms {tracing} {describe_caller(request)}"
        _say(f"{datetime.now().astimezone().isoformat(timespec='milliseconds')} {one_line(hide_keys(line))}")
        return response

    return answer


def _say(text: str) -> None:
    say(text)
    sys.stdout.flush()
