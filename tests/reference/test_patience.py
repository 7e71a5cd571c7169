"""What a client may leave unfinished at the served reference: only so much, and for so long."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlsplit

import pytest

from luma_conformance.model import Request
from luma_conformance.reference import Service, Settings, VirtualClock, patience, service
from luma_conformance.reference.asgi import serving

POLL = b"GET /v1/generations/x HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /v1/generations HTTP/1.1\r\nHost: x\r\n"
SOON = 0.1


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, int]]:
    """Return the address of a server that looks at its connections every so often."""
    monkeypatch.setattr(patience, "PAUSE", SOON)
    with serving(Settings()) as url:
        parts = urlsplit(url)
        yield parts.hostname or "", parts.port or 0


def received(connection: socket.socket) -> bytes:
    """Return all that comes until the other side closes, or resets, the connection."""
    came = b""
    with suppress(ConnectionError):
        while piece := connection.recv(65_536):
            came += piece
    return came


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET /v1/gen",
        POLL,
        POLL + b"X: y",
        POST + b"Content-Length: 100\r\n\r\n{",
        POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab",
        POST + b"Expect: 100-continue\r\nContent-Length: 100\r\n\r\n",
    ],
)
def test_a_client_that_stops_in_the_middle_is_let_go(quick: tuple[str, int], sent: bytes) -> None:
    """Before its request, in its head or in its body: the connection is closed, and no answer was to a part."""
    with socket.create_connection(quick, timeout=20) as connection:
        connection.sendall(sent)
        assert received(connection) in (b"", b"HTTP/1.1 100 Continue\r\n\r\n")


def test_a_client_that_sends_a_byte_now_and_then_is_let_go(quick: tuple[str, int]) -> None:
    """A drip is not progress."""
    with socket.create_connection(quick, timeout=20) as connection, suppress(ConnectionError):
        connection.sendall(POLL)
        for _ in range(1_000):
            connection.sendall(b"X")
            time.sleep(SOON / 10)
        pytest.fail("it was listened to for a hundred looks")


@pytest.mark.parametrize("every", [0.3, 2.5])
def test_a_client_that_goes_on_is_served(quick: tuple[str, int], every: float) -> None:
    """Requests now and then, and a body that comes in pieces, are what a connection is for."""
    with socket.create_connection(quick, timeout=20) as connection:
        for _ in range(8):
            connection.sendall(POLL + b"\r\n")
            assert connection.recv(65_536).startswith(b"HTTP/1.1 401")
            time.sleep(SOON * every / 2.5)
        connection.sendall(POST + b"Content-Length: 200000\r\n\r\n")
        for _ in range(10):
            connection.sendall(b" " * 20_000)
            time.sleep(SOON * every / 2.5)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 401")


@pytest.mark.parametrize("begin", [POLL + b"X: ", POLL, b"GET /"])
@pytest.mark.parametrize("more", [b"y" * 10_000, b"y: z\r\n" * 2_000])
def test_a_head_has_an_end(quick: tuple[str, int], begin: bytes, more: bytes) -> None:
    """It is refused once it is longer than any that is meant."""
    with socket.create_connection(quick, timeout=20) as connection, suppress(ConnectionError):
        connection.sendall(begin)
        for _ in range(10_000):
            connection.sendall(more)
        pytest.fail("it took a hundred megabytes")


def test_a_body_has_an_end(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is over the bound is refused, unread, and the connection ends; what is not is judged."""
    monkeypatch.setattr("luma_conformance.reference.asgi.MOST_BODY", 100_000)
    monkeypatch.setattr(service, "MOST_BODY", 100_000)
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=20) as connection:
        connection.sendall(POST + b"Content-Length: 100000\r\n\r\n" + b" " * 100_000)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 401")
        connection.sendall(POST + b"Content-Length: 10000000000\r\n\r\n" + b" " * 100_001)
        assert received(connection).startswith(b"HTTP/1.1 413")


def test_the_reference_refuses_the_same_body_without_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its answer has the shape of all answers."""
    monkeypatch.setattr(service, "MOST_BODY", 10)
    answer = Service(clock=VirtualClock()).handle(Request(method="POST", url="/v1/generations", body=b" " * 11))
    assert (answer.status, answer.body) == (413, b'{"detail": "Request body exceeds 10 bytes"}')


def test_what_is_kept_of_generations_does_not_grow_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest are forgotten, the ready-made ones not; windows and slots have the last minute and hour only."""
    monkeypatch.setattr(service, "MOST_GENERATIONS", 50)
    clock = VirtualClock()
    served = Service(clock=clock, settings=Settings(rpm=10**9, concurrency=10**9))
    ask = Request(
        method="POST",
        url="/v1/generations",
        headers=(("Authorization", "Bearer luma-api-test-main"),),
        body=b'{"prompt": "a lighthouse"}',
    )
    for _ in range(500):
        assert served.handle(ask).status == 201
        clock.sleep(1)
    client = served._clients["main"]
    assert len(served._generations) == 52
    assert len(client.window._admitted) <= 60
    assert len(client.slots._ends) <= 2
