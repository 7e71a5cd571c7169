"""A bare HTTP server: as little of one as answers, so that what is measured is the client.

Every POST is refused with the same 400; a GET of `/count` says how many there were, and any other finds nothing. Each
answer takes `--delay` seconds, during which others are served; `--wrong` gives the refusal another text. Only the
standard library: it runs in any environment.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

DETAIL = "Unknown model: x"
VERSION = "2026-04-01"
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_TRACE = re.compile(rb"(?i)\r\nx-request-id: *([^\r]*)")
_PHRASES = {200: "OK", 400: "Bad Request", 404: "Not Found"}


class Bare(asyncio.Protocol):
    """One connection."""

    delay = 0.0
    detail = DETAIL
    count = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]
        self._held = b""

    def data_received(self, data: bytes) -> None:
        self._held += data
        while (end := self._held.find(b"\r\n\r\n")) >= 0:
            head = self._held[:end]
            length = _LENGTH.search(head)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self._held) < whole:
                if b"100-continue" in head:
                    self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                return
            self._held = self._held[whole:]
            answer = self._answer(head)
            if self.delay:
                asyncio.get_running_loop().call_later(self.delay, self._transport.write, answer)
            else:
                self._transport.write(answer)

    def _answer(self, head: bytes) -> bytes:
        if head.startswith(b"POST"):
            Bare.count += 1
            status, body = 400, f'{{"detail": "{self.detail}"}}'
        elif head.startswith(b"GET /count "):
            status, body = 200, str(self.count)
        else:
            status, body = 404, '{"detail": "Generation not found"}'
        trace = _TRACE.search(head)
        return (
            f"HTTP/1.1 {status} {_PHRASES[status]}\r\nContent-Type: application/json\r\nX-API-Version: {VERSION}\r\n"
            f"X-Request-Id: {trace[1].decode('latin-1') if trace else '7c9e6679'}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode("latin-1")


@contextmanager
def serving(*options: str) -> Iterator[str]:
    """Start the server in a process of its own and yield its URL."""
    command = [sys.executable, "-I", str(Path(__file__)), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def count_requests(url: str) -> int:
    """Return how many POST requests a server has answered so far."""
    with urlopen(f"{url}/count") as answer:  # noqa: S310 - of our own making
        return int(answer.read())


async def serve() -> None:
    """Serve on a free port of the loopback interface, and say where."""
    server = await asyncio.get_running_loop().create_server(Bare, "127.0.0.1", 0, backlog=1024)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--delay", type=float, default=0.0)
    parser.add_argument("--wrong", action="store_true")
    arguments = parser.parse_args()
    Bare.delay = arguments.delay
    Bare.detail = "Something else" if arguments.wrong else DETAIL
    asyncio.run(serve())
