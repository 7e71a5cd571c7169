"""What the client reads of a response that is not as a textbook has it, and how it names what it cannot read."""

from __future__ import annotations

import re

import pytest

from luma_conformance.model import Response
from luma_conformance.target.bounds import Bounds
from luma_conformance.target.response_parser import BadResponse, ResponseParser
from tests.sockets import chunked
from tests.verdicts import SHOW

BOUNDS = Bounds(body=1000)
OK = b"HTTP/1.1 200 OK\r\n"
END = b"Content-Length: 2\r\n\r\nok"
CHUNKS = b"Transfer-Encoding: chunked\r\n\r\n"


def read(data: bytes, *, method: str = "GET", size: int | None = None) -> Response:
    """Return the response in `data`, fed in pieces of `size` bytes, and closed after it."""
    parser = ResponseParser(method, BOUNDS)
    while not parser.complete:
        count = min(size or parser.room, parser.room)
        piece, data = data[:count], data[count:]
        if piece:
            parser.feed(piece)
        else:
            parser.end()
    return parser.response()


@pytest.mark.parametrize("size", [None, 1])
@pytest.mark.parametrize(
    ("data", "header"),
    [
        pytest.param(OK + b"A: x\r\n y\r\n" + END, "x y", id="a folded line"),
        pytest.param(OK + b"A:\r\n x\r\n y\r\n" + END, "x y", id="a line folded twice"),
        pytest.param(OK.replace(b"\r", b"") + b"A: b\n" + END.replace(b"\r", b""), "b", id="bare LF"),
        pytest.param(OK + b"A: b\n" + END, "b", id="one bare LF"),
        pytest.param(b"HTTP/1.1 200 \r\nA: b\r\n" + END, "b", id="no reason"),
        pytest.param(b"HTTP/1.1 200\r\nA: b\r\n" + END, "b", id="no reason, no space"),
        pytest.param(b"HTTP/1.1 200 \xe9t\xc3\xa9\x01\r\nA: b\r\n" + END, "b", id="a reason of any bytes"),
        pytest.param(b"HTTP/1.0 200 OK\r\nA: b\r\n\r\nok", "b", id="HTTP/1.0 without a length"),
        pytest.param(b"HTTP/0.9 200 OK\r\nA: b\r\n\r\nok", "b", id="HTTP/0.9"),
        pytest.param(b"HTTP/1.2 200 OK\r\nA: b\r\n" + END, "b", id="a later minor version"),
        pytest.param(OK + b"A:b\r\n" + END, "b", id="no space after the colon"),
        pytest.param(OK + b"A: \t b\t \r\n" + END, "b", id="white space around the value"),
        pytest.param(OK + b"A:\r\n" + END, "", id="no value"),
        pytest.param(OK + b"A: caf\xe9\r\n" + END, "caf\xe9", id="Latin-1"),
        pytest.param(OK + "A: é\r\n".encode() + END, "\xc3\xa9", id="UTF-8, read as Latin-1"),
        pytest.param(OK + b"A: a\x00\x01\x0c\x1c\x7f\x85b\r\n" + END, "a \1\f\x1c\x7f\x85b", id="control characters"),
        pytest.param(OK + b"A: b\r\nContent-Length: 0002 \r\n\r\nok", "b", id="a length with zeros before it"),
        pytest.param(OK + b"A: b\r\nContent-Length: 99\r\n" + CHUNKS + b"2\r\nok\r\n0\r\n\r\n", "b", id="chunks win"),
        pytest.param(OK + b"A: b\r\nTransfer-Encoding:\r\n Chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", "b", id="folded"),
        pytest.param(
            OK + b"A: b\r\n" + CHUNKS + b"02  \r\nok\r\n0\r\n\r\n", "b", id="white space after a chunk's size"
        ),
        pytest.param(OK + b"A: b\r\n" + CHUNKS + b'2;a="b;c"\r\nok\r\n0;d\r\nE: f\r\n\r\n', "b", id="extensions"),
        pytest.param(OK + b"A: b\r\nTransfer-Encoding: identity\r\n" + END, "b", id="identity, with a length"),
        pytest.param(OK + b"A: b\r\nTransfer-Encoding: identity\r\n\r\nok", "b", id="identity, until the close"),
        pytest.param(b"HTTP/1.1 100 C\r\nConnection: close\r\n\r\n" + OK + b"A: b\r\n" + END, "b", id="100, close"),
        pytest.param(b"HTTP/1.1 103 C\r\nContent-Length: 9\r\n\r\n" + OK + b"A: b\r\n" + END, "b", id="103, a length"),
        pytest.param(OK + b"Upgrade: h2c\r\nConnection: upgrade\r\nA: b\r\n" + END, "b", id="an upgrade is offered"),
    ],
)
def test_common_deviations_from_http_are_read(data: bytes, header: str, size: int | None) -> None:
    """Faults that every client tolerates are read, in however many pieces they come."""
    response = read(data, size=size)
    assert (response.status, dict(response.headers).get("A"), response.body) == (200, header, b"ok")


@pytest.mark.parametrize("size", [None, 1])
@pytest.mark.parametrize(
    ("data", "method", "status"),
    [
        (b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n", "GET", 204),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n", "GET", 304),
        (b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nanything", "GET", 101),
        (b"HTTP/1.1 101 Switching\r\nContent-Length: 2\r\n\r\n", "GET", 101),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", "HEAD", 200),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "HEAD", 200),
        (b"HTTP/1.1 999 OK\r\nContent-Length: 0\r\n\r\n", "GET", 999),
    ],
)
def test_a_response_without_a_body_ends_with_its_head(data: bytes, method: str, status: int, size: int | None) -> None:
    """Whatever length its headers give."""
    response = read(data, method=method, size=size)
    assert (response.status, response.body) == (status, b"")


@pytest.mark.parametrize(
    ("size", "why"),
    [
        (b"-5", "invalid character in chunk size"),
        (b"2_0", "invalid character in chunk size"),
        (b"+2", "invalid character in chunk size"),
        (b"0x2", "invalid character in chunk size"),
        (b" 2", "invalid character in chunk size"),
        (b"", "invalid character in chunk size"),
        (b"f" * 17, "chunk size overflow"),
        (b"1", "expected LF after chunk data"),
    ],
)
def test_an_invalid_chunk_size_breaks_http(size: bytes, why: str) -> None:
    """A size is hexadecimal digits and nothing else (RFC 9112, 7.1), and the data are as long as it says."""
    with pytest.raises(BadResponse, match=f"^the answer breaks HTTP: {why}$"):
        read(chunked(end=size + b"\r\nok" + b"x" * 30 + b"\r\n0\r\n\r\n"))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (OK + b"X[1]: b\r\n" + END, r"breaks HTTP: invalid header token in 'X\[1\]: b'"),
        (OK + b"A : b\r\n" + END, "breaks HTTP: invalid header token in 'A : b'"),
        (OK + b"A: b\r\nNonsense\r\n" + END, "breaks HTTP: invalid header token in 'Nonsense'"),
        (OK + b": b\r\n" + END, "breaks HTTP: invalid header token in ': b'"),
        (OK + b"A: b\rc\r\n" + END, "breaks HTTP: missing expected LF after header value"),
        (OK + b"Content-Length: 2\r\n" + END, "Content-Length is '2, 2'"),
        (OK + b"Content-Length: 2, 2\r\n\r\nok", "Content-Length is '2, 2'"),
        (OK + b"Content-Length:\r\n\r\nok", "Content-Length is ''"),
        (OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\nok", "Content-Length is '9{40}… 4,960 more characters'"),
        (b"HTTP/2 200 OK\r\n" + END, "breaks HTTP: HTTP/2$"),
        (b"HTTP/1.10 200 OK\r\n" + END, "breaks HTTP: HTTP/1.10$"),
        (b"HTTP/1.1 099 OK\r\n" + END, "not HTTP; it begins 'HTTP/1.1 099 OK"),
        (b"HTTP/1.1  200 OK\r\n" + END, "not HTTP; it begins 'HTTP/1.1  200 OK"),
        (b"RTSP/1.0 200 OK\r\n" + END, "not HTTP; it begins 'RTSP/1.0 200 OK"),
        (b"\r\n" + OK + END, "not HTTP; it begins"),
        (b"HTTP/1.1 103 C\r\n\r\nxx" + OK + END, "not HTTP; it begins 'xxHTTP/1.1 200 OK"),
    ],
)
def test_the_line_that_breaks_http_is_named(data: bytes, why: str) -> None:
    """The line that breaks HTTP is in the message."""
    with pytest.raises(BadResponse) as caught:
        read(data)
    assert re.search(why, SHOW(str(caught.value)))


@pytest.mark.parametrize(
    ("data", "keep"),
    [
        (OK + END, True),
        (OK + CHUNKS + b"2\r\nok\r\n0\r\n\r\n", True),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" + END, True),
        (b"HTTP/1.1 204 No Content\r\n\r\n", True),
        (OK + b"Connection: close\r\n" + END, False),
        (b"HTTP/1.0 200 OK\r\n" + END, False),
        (OK + END + b"stray", False),
        (OK + END + OK + END, False),
        (b"HTTP/1.1 204 No Content\r\n\r\nbody", False),
        (b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", False),
    ],
)
def test_a_connection_is_kept_only_where_the_next_response_begins_clean(data: bytes, *, keep: bool) -> None:
    """Bytes beyond the response are never taken for the next one."""
    parser = ResponseParser("GET", BOUNDS)
    parser.feed(data)
    assert (parser.complete, parser.keep_alive) == (True, keep)
