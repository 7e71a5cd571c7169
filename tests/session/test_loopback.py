"""The loopback server: HTTP as it should be, and each way of getting it wrong."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from urllib.parse import urlsplit

import pytest

from luma_conformance.miniatures.miniature import CONNECTION, Wire
from luma_conformance.model import Request, Response, header
from luma_conformance.session.loopback import serve_loopback
from luma_conformance.target.http import HttpTransport

POST = Request(method="POST", url="/v1/generations", headers=(("X-Request-Id", "a"),), body=b"x" * 100)


def echo(request: Request) -> Response:
    """Answer with the length of a body, the request id, and the number of the connection."""
    told = (header(request.headers, "X-Request-Id"), header(request.headers, CONNECTION))
    return Response(status=200, headers=(("X-Told", f"{told}"),), body=b"%d" % len(request.body) * 300)


@contextmanager
def talking_to(wire: Wire) -> Iterator[socket.socket]:
    """Yield a connection to a server."""
    with serve_loopback(echo, wire) as url:
        split = urlsplit(url)
        with closing(socket.create_connection((split.hostname or "", split.port or 0), timeout=5)) as connection:
            yield connection


def say(connection: socket.socket, *pieces: bytes) -> bytes:
    """Return what a server says to some bytes, up to the end of its answer."""
    for piece in pieces:
        connection.sendall(piece)
    heard = b""
    while b"\r\n\r\n" not in heard:
        heard += connection.recv(65_536)
    head, _, body = heard.partition(b"\r\n\r\n")
    lengths = (line.lower().partition(b"content-length:")[2] for line in head.split(b"\r\n"))
    length = next(int(one) for one in lengths if one)
    while len(body) < length:
        body += connection.recv(65_536)
    return head + b"\r\n\r\n" + body


CHUNKED = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
HEAD = b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n"


def test_chunks_and_segments_are_read_whole() -> None:
    """A server that is right reads a chunked body, and one that comes byte by byte."""
    with talking_to(Wire()) as connection:
        assert say(connection, CHUNKED).endswith(b"5" * 300)
        assert say(connection, HEAD, *[b"z"] * 5).endswith(b"5" * 300)


def test_chunks_and_segments_can_be_missed() -> None:
    """A server that is wrong reads no chunks, or only what comes first."""
    with talking_to(Wire(reads_chunked=False)) as connection:
        assert say(connection, CHUNKED).endswith(b"0" * 300)
    with talking_to(Wire(reads_on=False)) as connection:
        assert say(connection, HEAD + b"zz").endswith(b"2" * 300)


def test_expect_is_answered_or_not() -> None:
    """A client that waits for 100 Continue hears it from a server that is right."""
    asking = b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    with talking_to(Wire()) as connection:
        connection.sendall(asking)
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        assert say(connection, b"ok").endswith(b"2" * 300)
    with talking_to(Wire(continues=False)) as connection:
        connection.settimeout(0.2)
        connection.sendall(asking)
        with pytest.raises(TimeoutError):
            connection.recv(100)


def test_what_is_sent_can_take_any_legal_form() -> None:
    """Answers in HTTP/1.0, closed, compressed, in chunks, in pieces and in lower case are the same answers."""
    for wire in (
        Wire(version="HTTP/1.0", keeps_alive=False),
        Wire(keeps_alive=False),
        Wire(compresses=True),
        Wire(chunks=True),
        Wire(dribbles=True),
        Wire(lower_names=True),
    ):
        with serve_loopback(echo, wire) as url, closing(HttpTransport(url)) as transport:
            assert [transport.send(POST).body for _ in range(3)] == [b"100" * 300] * 3


def test_a_connection_can_be_mixed_up() -> None:
    """A server may take the id or the body of the first request of a connection for all, or fail some of them."""
    other = Request(method="POST", url="/v1/generations", headers=(("X-Request-Id", "b"),), body=b"y")
    for wire, told, length in ((Wire(first_id=True), "'a'", b"1"), (Wire(first_body=True), "'b'", b"100")):
        with serve_loopback(echo, wire) as url, closing(HttpTransport(url)) as transport:
            transport.send(POST)
            answer = transport.send(other)
            assert told in (header(answer.headers, "X-Told") or "")
            assert answer.body == length * 300
    with serve_loopback(echo, Wire(most_requests=3)) as url, closing(HttpTransport(url)) as transport:
        assert [transport.send(POST).status for _ in range(4)] == [200, 200, 503, 200]
