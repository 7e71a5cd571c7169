"""The client over real sockets: what it reads, when it gives up, what it never sends twice, and what it says then."""

from __future__ import annotations

import gzip
import socket
import time
import tracemalloc
import zlib

import pytest

from luma_conformance.errors import ExchangeError
from luma_conformance.model import Request
from luma_conformance.target import connection as wire
from luma_conformance.target.bounds import Bounds
from luma_conformance.target.http import HttpTransport
from tests.sockets import (
    CREATE,
    OK,
    PARTIAL,
    PING,
    SHORT,
    Script,
    answer_to,
    chunked,
    dripping,
    dripping_body,
    encoded,
    lingering,
    reaching,
    refusal,
    reset,
    running,
    serving,
)


def test_an_answer_keeps_its_headers_in_order_and_its_body_whole() -> None:
    """White space around values goes, folded lines join, bytes stay bytes."""
    response = answer_to(b"HTTP/1.1 404 \r\nB:  1 \r\na:\t2\r\nb: x\r\n y\r\nContent-Length: 3\r\n\r\n\xe9\r\n")
    assert response.status == 404
    assert response.headers == (("B", "1"), ("a", "2"), ("b", "x y"), ("Content-Length", "3"))
    assert response.body == b"\xe9\r\n"


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (chunked(b"abc", b"d"), b"abcd"),
        (chunked(b"abc", end=b"0\r\nTrailer: x\r\n\r\n"), b"abc"),
        (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", b"until the end"),
        (b"HTTP/1.0 200 OK\r\n\r\nold", b"old"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000, b"x" * 1000),
        (chunked(b"x" * 600, b"x" * 400), b"x" * 1000),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1000, b"x" * 1000),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, b"ok"),
        (b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + OK, b"ok"),
        (encoded("gzip", gzip.compress(b"plain", mtime=0)), b"plain"),
        (encoded("X-GZIP", gzip.compress(b"plain", mtime=0)), b"plain"),
        (encoded("deflate", zlib.compress(b"plain")), b"plain"),
        (encoded("gzip", gzip.compress(b"x" * 1000, mtime=0)), b"x" * 1000),
        (encoded("identity", b"plain"), b"plain"),
        (encoded("gzip", b""), b""),
        (dripping(0.01, OK), b"ok"),
    ],
)
def test_every_legal_framing_is_read(answer: bytes | Script, body: bytes) -> None:
    """Lengths, chunks, closes, interim answers and codings, up to the bound itself."""
    assert answer_to(answer).body == body


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", "has 1001 bytes; the bound is 1000"),
        (chunked(b"x" * 600, b"x" * 401), "over 1000 bytes"),
        (chunked(end=b"ffffffffff\r\n" + b"x" * 2000), "over 1000 bytes"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1001, "over 1000 bytes"),
        (encoded("gzip", gzip.compress(b"x" * 1001, mtime=0)), "inflates to over 1000 bytes"),
        (encoded("gzip", gzip.compress(b"\0" * 500_000, mtime=0)), "inflates to over 1000 bytes"),
        (encoded("deflate", zlib.compress(b"\0" * 500_000)), "inflates to over 1000 bytes"),
        (encoded("deflate", zlib.compress(b"plain", wbits=-15)), "Content-Encoding is 'deflate', its body is not that"),
        (encoded("gzip", b"plain"), "Content-Encoding is 'gzip', its body is not that"),
        (encoded("gzip", gzip.compress(b"plain", mtime=0)[:-9]), "Content-Encoding is 'gzip', its body is not that"),
        (encoded("br", b"plain"), "Content-Encoding is 'br', which was not asked for"),
        (PARTIAL, "middle of the answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "middle of the answer"),
        (chunked(b"abc", end=b""), "middle of the answer"),
        (chunked(end=b"x\r\n"), "breaks HTTP: invalid character in chunk size"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\nok", "Content-Length is 'two'"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok", "Content-Length is '-2'"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "not HTTP; it begins 'SSH-2.0"),
        (b"HTTP/1.1 two OK\r\n\r\n", "not HTTP"),
        (b"HTTP/2.0 200 OK\r\n\r\n", "breaks HTTP"),
        (b"\x15\x03\x01\x00\x02\x02\x16\n", "did you mean https"),
        (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 101 + b"\r\n", "over 99 header fields, which is the bound"),
        (b"HTTP/1.1 200 OK\r\nA: " + b"b" * 70_000, "head is over 65536 bytes, which is the bound"),
        (b"", "closed the connection without an answer"),
        (reset, "closed the connection without an answer"),
    ],
)
def test_a_broken_answer_is_an_exchange_error_of_one_line(answer: bytes | Script, why: str) -> None:
    """Each bound crossed and each rule of HTTP broken is named, with the request."""
    with pytest.raises(ExchangeError, match=why) as caught:
        answer_to(answer)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("GET http://127.0.0.1")


def test_a_body_that_would_inflate_without_end_is_not_inflated() -> None:
    """Memory follows the bound, not the sender's arithmetic."""
    bomb = encoded("gzip", gzip.compress(bytes(50_000_000), mtime=0))
    tracemalloc.start()
    with pytest.raises(ExchangeError, match="inflates to over 100000 bytes"):
        answer_to(bomb, bounds=Bounds(connect=5, total=5, body=100_000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        pytest.param(lingering(b""), "no whole answer within 0.3 s; nothing came", id="silence"),
        pytest.param(lingering(PARTIAL), "41 bytes of an answer came", id="a part"),
        pytest.param(dripping(0.04, OK * 2), "of an answer came", id="a dripping head"),
        pytest.param(dripping(0.04, b"HTTP/1.1 100 Continue\r\n\r\n" * 9), "of an answer came", id="interim answers"),
        pytest.param(dripping_body, "of an answer came", id="a dripping body"),
    ],
)
def test_an_exchange_ends_at_its_deadline_however_the_answer_drips(answer: Script, why: str) -> None:
    """No read outlives the exchange, whether bytes come or not."""
    with pytest.raises(ExchangeError, match=why):
        answer_to(answer, bounds=SHORT)


def test_a_server_that_reads_too_slowly_meets_the_deadline() -> None:
    """Writing is under the deadline too."""
    body = b"x" * 50_000_000
    with serving([]) as server, pytest.raises(ExchangeError):
        HttpTransport(server.url, bounds=SHORT).send(Request(method="POST", url="/", body=body))


def test_a_large_request_has_longer_by_its_size() -> None:
    """A megabyte extends the deadline by two seconds."""

    def slow(connection: socket.socket) -> None:
        time.sleep(0.4)
        connection.sendall(OK)

    large = Request(method="POST", url="/", body=b"x" * 1_000_000)
    assert answer_to(slow, large, SHORT).body == b"ok"


def test_an_answer_given_before_a_long_body_is_read_counts() -> None:
    """A 413 is read although the body could not be sent."""
    refusal = b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno"

    def refuse(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(refusal)
        connection.shutdown(socket.SHUT_WR)

    with running(refuse) as server, reaching(server.url) as transport:
        response = transport.send(Request(method="POST", url="/", body=b"x" * 50_000_000))
    assert (response.status, response.body) == (413, b"no")


def test_one_connection_serves_many_requests() -> None:
    """Bodies are read to their end, so that the next answer begins where it should."""
    head = Request(method="HEAD", url="/")
    answers: list[bytes | Script] = [OK, chunked(b"a"), b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", OK]
    with serving(answers) as server, reaching(server.url) as transport:
        bodies = [transport.send(request).body for request in (CREATE, PING, head, PING)]
    assert (bodies, server.connections) == ([b"ok", b"a", b"", b"ok"], 1)


@pytest.mark.parametrize(
    "answer",
    [
        OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"),
        OK.replace(b"1.1", b"1.0"),
        OK + b"HTTP/1.1 201 Stray\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_a_connection_at_its_end_or_out_of_step_is_not_reused(answer: bytes) -> None:
    """A stray answer is never taken for that of the next request."""
    with serving([answer, OK], [OK]) as server, reaching(server.url) as transport:
        assert [transport.send(PING).status, transport.send(PING).status] == [200, 200]
    assert server.connections == 2


def test_a_connection_with_unsolicited_bytes_is_not_reused() -> None:
    """Some servers send a 408 on an idle connection; it does not answer the next request."""

    def interject(connection: socket.socket) -> None:
        connection.sendall(OK)
        time.sleep(0.05)
        connection.sendall(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")

    with serving([interject, OK], [OK]) as server, reaching(server.url) as transport:
        transport.send(CREATE)
        time.sleep(0.15)
        assert transport.send(CREATE).status == 200
    assert server.connections == 2


def test_a_kept_connection_found_closed_is_replaced() -> None:
    """The close is seen before anything is sent."""
    with serving([OK], [OK]) as server, reaching(server.url) as transport:
        transport.send(CREATE)
        time.sleep(0.05)
        assert transport.send(CREATE).body == b"ok"
    assert (server.connections, len(server.heard)) == (2, 2)


def test_a_kept_connection_that_closes_as_the_request_comes_is_replaced() -> None:
    """The request is sent once more, unseen."""
    with serving([OK, reset], [OK]) as server, reaching(server.url) as transport:
        transport.send(CREATE)
        assert transport.send(CREATE).body == b"ok"
    assert server.connections == 2


def test_a_request_is_replaced_once_only() -> None:
    """A second close is the target's answer."""
    with serving([OK, reset], [reset], [OK]) as server, reaching(server.url) as transport:
        transport.send(CREATE)
        with pytest.raises(ExchangeError, match="without an answer"):
            transport.send(CREATE)
    assert len(server.heard) == 3


def slow_then_reset(connection: socket.socket) -> None:
    """Reset the connection, but not at once."""
    time.sleep(0.2)
    reset(connection)


def reset_in_the_middle(connection: socket.socket) -> None:
    """Begin to answer, and reset the connection."""
    connection.sendall(b"HTTP/1.1 2")
    time.sleep(0.05)
    reset(connection)


@pytest.mark.parametrize(
    "last",
    [
        pytest.param(b"HTTP/1.1 2", id="closed in the middle"),
        pytest.param(reset_in_the_middle, id="reset in the middle"),
        pytest.param(slow_then_reset, id="reset late"),
        pytest.param(lingering(b""), id="silence"),
    ],
)
def test_a_request_that_may_have_been_acted_on_is_never_sent_again(
    last: bytes | Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer begun, a deadline, a late reset: each may have cost money."""
    monkeypatch.setattr(wire, "SOON", 0.1)
    with serving([OK, last], [OK]) as server, reaching(server.url, SHORT) as transport:
        transport.send(CREATE)
        with pytest.raises(ExchangeError):
            transport.send(CREATE)
    assert len(server.heard) == 2


def test_a_new_connection_follows_a_broken_exchange() -> None:
    """One broken exchange does not spoil the next."""
    with serving([b"nonsense\r\n"], [OK]) as server, reaching(server.url) as transport:
        with pytest.raises(ExchangeError):
            transport.send(PING)
        assert transport.send(PING).body == b"ok"


def free_port() -> int:
    """Return a port at which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_a_port_without_a_listener_is_named() -> None:
    """The message asks whether the server runs."""
    port = free_port()
    with reaching(f"http://127.0.0.1:{port}") as transport:
        assert f"nothing listens at 127.0.0.1:{port}" in refusal(transport)


def test_the_next_address_of_a_host_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host may have an address that refuses."""
    with serving([OK]) as server, reaching("http://two.example") as transport:
        found = [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)) for port in (free_port(), server.port)
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: found)
        assert transport.send(PING).body == b"ok"


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (socket.gaierror(-2, "Name or service not known"), "the name no.example is not known .Name or service"),
        (UnicodeError("label too long"), "the name no.example is not known .not a host name"),
    ],
)
def test_a_name_that_is_not_known_is_named(error: Exception, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The resolver's own words are kept."""

    def fail(*args: object, **kwargs: object) -> None:
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with reaching("http://no.example") as transport, pytest.raises(ExchangeError, match=why):
        transport.send(PING)


def test_a_host_that_accepts_no_connection_meets_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connecting has a bound of its own."""

    def never(self: socket.socket, address: object) -> None:
        raise TimeoutError

    monkeypatch.setattr(socket.socket, "connect", never)
    with reaching("http://127.0.0.1:1") as transport, pytest.raises(ExchangeError, match="no connection within 5 s"):
        transport.send(PING)
