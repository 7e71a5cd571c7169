"""Hostile servers, and what the kit makes of each: its verdict, the time it took and the memory it cost."""

from __future__ import annotations

import contextlib
import gzip
import socket
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass

import luma_conformance.target.connection  # noqa: F401  what importing it takes is no server's doing
from luma_conformance.errors import CouldNotJudge
from luma_conformance.target.bounds import Bounds
from luma_conformance.target.preflight import PROBE, preflight
from tests.sockets import Script, Server, dripping, dripping_body, encoded, lingering, reaching, reset, running, serving

BOUNDS = Bounds(connect=0.3, total=0.3, body=100_000)
POURING = 5.0
"""Seconds after which a server stops pouring, so that a kit without the bound would end with another verdict."""
MOST = 1_000_000
"""Bytes of memory an exchange may cost with a body bound of 100 kB: the body in pieces, joined, inflated; buffers."""
JUDGED = "answers; judged case by case"

BOMB = encoded("gzip", gzip.compress(bytes(20_000_000)))
MANY_FIELDS = b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: y\r\n" % number for number in range(10_000)) + b"\r\n"
HUGE_FIELDS = b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"y" * 8000) for n in range(90)) + b"\r\n"
PAGE = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 23\r\n\r\n<!doctype html><p>Hello"
REDIRECT = b"HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What came of one server: the verdict in one line, seconds, and bytes of memory at the peak."""

    server: str
    verdict: str
    seconds: float
    peak: int

    def __str__(self) -> str:
        return f"{self.server:<28} {self.seconds:>5.2f} s {self.peak / 1000:>7.0f} kB  {self.verdict}"


def pouring(head: bytes, piece: bytes) -> Script:
    """Return a script that sends a head, and then the same piece for as long as anybody reads it."""

    def run(connection: socket.socket) -> None:
        connection.sendall(head)
        until = time.monotonic() + POURING
        while time.monotonic() < until:
            connection.sendall(piece)

    return run


def breaking(sent: bytes) -> Script:
    """Return a script that sends a part of an answer and resets the connection."""

    def run(connection: socket.socket) -> None:
        connection.sendall(sent)
        time.sleep(0.02)
        reset(connection)

    return run


def hearing(answer: bytes | Script) -> Callable[[], AbstractContextManager[Server]]:
    """Return a function that starts a server that reads a request first."""
    return lambda: serving([answer])


def at_once(script: Script) -> Callable[[], AbstractContextManager[Server]]:
    """Return a function that starts a server that reads nothing."""
    return lambda: running(script)


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
OPEN = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
LATE = r"no whole answer within 0.3 s"
MIDDLE = "the connection closed in the middle of the answer"

SERVERS: dict[str, tuple[Callable[[], AbstractContextManager[Server]], str]] = {
    "silence": (hearing(lingering(b"")), f"{LATE}; nothing came"),
    "drip, head": (hearing(dripping(0.03, OPEN)), LATE),
    "drip, body": (hearing(dripping_body), LATE),
    "endless chunks": (hearing(pouring(CHUNKED, b"2000\r\n" + b"x" * 0x2000 + b"\r\n")), "body is over 100000 bytes"),
    "endless chunks of one byte": (hearing(pouring(CHUNKED, b"1\r\nx\r\n")), f"{LATE}|body is over"),
    "endless chunk extension": (hearing(pouring(CHUNKED + b"1;", b"x" * 4096)), "breaks HTTP"),
    "chunk of -5 bytes": (hearing(CHUNKED + b"-5\r\n{}\r\n0\r\n\r\n"), "breaks HTTP: invalid character in chunk size"),
    "chunk of 2_0 bytes": (hearing(CHUNKED + b"2_0\r\n" + b" " * 32), "breaks HTTP: invalid character in chunk size"),
    "endless trailers": (hearing(pouring(CHUNKED + b"0\r\n", b"X: y\r\n" * 100)), f"{LATE}|over 99"),
    "endless body until close": (hearing(pouring(OPEN + b"\r\n", b"x" * 8192)), "body is over 100000 bytes"),
    "gzip bomb": (hearing(BOMB), "inflates to over 100000 bytes"),
    "10 000 headers": (hearing(MANY_FIELDS), "over 99 header fields"),
    "long headers": (hearing(HUGE_FIELDS), "head is over 65536 bytes"),
    "header without end": (hearing(pouring(OPEN + b"X: ", b"y" * 8192)), "head is over 65536 bytes"),
    "reason without end": (hearing(pouring(b"HTTP/1.1 200 ", b"y" * 8192)), "head is over 65536 bytes"),
    "1xx flood": (hearing(pouring(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n")), "over 16 interim"),
    "100 flood": (hearing(pouring(b"", b"HTTP/1.1 100 Continue\r\n\r\n")), "over 16 interim"),
    "1xx, slowly": (hearing(dripping(0.03, b"HTTP/1.1 102 Processing\r\n\r\n" * 2)), LATE),
    "content-length too long": (hearing(OPEN + b"Content-Length: 9\r\n\r\n{}"), MIDDLE),
    "content-length too short": (hearing(OPEN + b"Content-Length: 2\r\n\r\n{}{}{}"), JUDGED),
    "content-length of a petabyte": (
        hearing(OPEN + b"Content-Length: 999999999999999\r\n\r\n{}"),
        "the bound is 100000",
    ),
    "two content-lengths": (
        hearing(OPEN + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"),
        "Content-Length is '2, 3'",
    ),
    "reset before the request": (at_once(reset), "closed the connection without an answer|no connection to"),
    "reset before the answer": (hearing(reset), "closed the connection without an answer"),
    "reset in the head": (hearing(breaking(b"HTTP/1.1 200 O")), MIDDLE),
    "reset in the body": (hearing(breaking(OPEN + b"Content-Length: 9\r\n\r\n{")), MIDDLE),
    "not HTTP": (hearing(b"220 mail.example ESMTP\r\n"), "the answer is not HTTP"),
    "a status of words": (hearing(b"HTTP/1.1 two hundred\r\n\r\n"), "the answer is not HTTP"),
    "a version with an escape": (hearing(b"HTTP/\x1b[31m 200 OK\r\n\r\n"), r"breaks HTTP: HTTP/\\x1b\[31m"),
    "redirects for ever": (hearing(REDIRECT), "a redirect to .*that is not the API"),
    "HTML page": (hearing(PAGE), "a web page, so this is not the API"),
    "deep JSON": (hearing(OPEN + b"Content-Length: 90000\r\n\r\n" + b"[" * 90_000), JUDGED),
    "a number of 90 000 digits": (hearing(OPEN + b"Content-Length: 90000\r\n\r\n" + b"1" * 90_000), JUDGED),
}
"""How to start each server, and what the verdict on it has to say."""

SECURE: dict[str, tuple[Callable[[], AbstractContextManager[Server]], str]] = {
    "TLS, silent handshake": (at_once(lambda connection: time.sleep(0.5)), "the handshake takes too long"),
    "TLS, dripping handshake": (
        at_once(dripping(0.03, b"\x16\x03\x03\x40\x00" + b"\2" * 40)),
        "handshake takes too long",
    ),
}
"""The same, for servers that are asked over TLS."""


def rows() -> Iterator[Row]:
    """Yield the row of every server, in order."""
    for name, (start, _) in SERVERS.items():
        yield row(name, start)
    for name, (start, _) in SECURE.items():
        yield row(name, start, scheme="https")


def row(name: str, start: Callable[[], AbstractContextManager[Server]], *, scheme: str = "http") -> Row:
    """Return the row of one server."""
    url = f"{scheme}://127.0.0.1"
    with start() as server, reaching(f"{url}:{server.port}", BOUNDS) as transport, measured() as peak:
        begun, verdict = time.monotonic(), JUDGED
        try:
            preflight(transport, "Bearer k")
        except CouldNotJudge as error:
            verdict = str(error).replace(f"GET {url}:{server.port}{PROBE}: ", "")
        seconds = time.monotonic() - begun
    return Row(server=name, verdict=verdict, seconds=seconds, peak=peak[0])


@contextlib.contextmanager
def measured() -> Iterator[list[int]]:
    """Yield a list that has, once closed, the peak of memory in bytes."""
    tracemalloc.start()
    peak: list[int] = []
    try:
        yield peak
    finally:
        peak.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
