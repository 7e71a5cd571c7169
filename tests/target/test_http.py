"""The client's face: where a URL points, what a request is, what a file's request is not."""

from __future__ import annotations

import socket
import time
from dataclasses import replace
from hashlib import sha256

import pytest

from luma_conformance.errors import ExchangeError, InputError
from luma_conformance.model import Request, header
from luma_conformance.target.http import RealClock, is_loopback, parse_base_url
from tests.sockets import CREATE, OK, PING, answer_to, chunked, reaching, running, serving


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("https://agents.lumalabs.ai/", "https://agents.lumalabs.ai"),
        ("https://agents.lumalabs.ai:443/v1", "https://agents.lumalabs.ai"),
        ("http://x/proxy/", "http://x/proxy"),
        ("http://x/proxy/v1/", "http://x/proxy"),
        ("http://x/a b".replace(" ", "%20"), "http://x/a%20b"),
        ("HTTP://LOCALHOST:80", "http://localhost"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("http://bücher.example", "http://xn--bcher-kva.example"),
    ],
)
def test_a_base_url_is_read(text: str, shown: str) -> None:
    """A prefix stays; a slash at the end, a usual port and /v1 go."""
    assert str(parse_base_url(text)) == shown


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("", "is empty"),
        ("localhost:8080", "did you mean http://localhost:8080"),
        ("127.0.0.1:8080", "did you mean http://127.0.0.1:8080"),
        ("agents.lumalabs.ai", "did you mean https://agents.lumalabs.ai"),
        ("ftp://x", "neither http nor https"),
        ("http://", "names no host"),
        ("http://x y", "white space"),
        ("http://x\n", "white space"),
        ("http://x:http", "Port"),
        ("http://x:99999", "Port"),
        ("http://x?a=1", "query or a fragment"),
        ("http://x#a", "query or a fragment"),
        ("http://x/v1/generations", "what comes before /v1/generations"),
    ],
)
def test_an_invalid_base_url_is_refused_with_a_hint(text: str, hint: str) -> None:
    """Every refusal says what to write instead."""
    with pytest.raises(InputError, match=hint.replace("?", r"\?")):
        parse_base_url(text)


def test_credentials_in_a_base_url_are_refused_and_not_shown() -> None:
    """Neither user information nor a query gets into the message."""
    with pytest.raises(InputError, match="credentials") as caught:
        parse_base_url("https://me:hunter2@example.com?token=hunter2")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://localhost:1", True),
        ("http://localhost.", True),
        ("http://127.0.0.1", True),
        ("http://127.8.9.1/x", True),
        ("http://[::1]:1", True),
        ("http://[::ffff:127.0.0.1]", True),
        ("https://agents.lumalabs.ai", False),
        ("http://127.0.0.1.example.com", False),
        ("http://localhost.example.com", False),
        ("http://10.0.0.1", False),
        ("http://0.0.0.0", False),
        ("http://[2001:db8::1]", False),
    ],
)
def test_loopback_is_this_machine_and_nothing_else(url: str, *, here: bool) -> None:
    """A name that merely begins like this machine, or an address near it, costs money."""
    assert is_loopback(url) is here


def test_a_request_has_the_headers_given_and_what_every_request_has() -> None:
    """Host first, then the case's own fields in their order, then ours."""
    with serving([OK]) as server, reaching(server.url + "/proxy/v1/") as transport:
        transport.send(CREATE)
    head, _, body = server.heard[0].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /proxy/v1/generations HTTP/1.1"
    assert lines[1] == f"Host: 127.0.0.1:{server.port}"
    assert lines[2] == "Authorization: Bearer k"
    assert lines[3].startswith("User-Agent: luma-conformance")
    assert lines[4:] == ["Accept: application/json", "Content-Length: 2"]
    assert body == b"{}"


def test_a_header_given_is_not_sent_twice() -> None:
    """What a case sets replaces ours, whatever its capitals."""
    given = (("user-agent", "me"), ("accept", "*/*"), ("HOST", "example.com"), ("content-length", "0"))
    with serving([OK]) as server, reaching(server.url) as transport:
        transport.send(Request(method="POST", url="/", headers=given))
    assert server.heard == [
        b"POST / HTTP/1.1\r\nuser-agent: me\r\naccept: */*\r\nHOST: example.com\r\ncontent-length: 0\r\n\r\n"
    ]


def test_a_path_is_escaped_only_where_the_request_line_needs_it() -> None:
    """Escapes stay; white space and line breaks cannot end the request line."""
    with serving([OK, OK]) as server, reaching(server.url) as transport:
        transport.send(Request(method="GET", url="/v1/generations/%20'a'?b"))
        transport.send(Request(method="GET", url="/v1/generations/a é\r\nX: y"))
    assert server.heard[0].startswith(b"GET /v1/generations/%20'a'?b HTTP/1.1\r\n")
    assert server.heard[1].startswith(b"GET /v1/generations/a%20%C3%A9%0D%0AX:%20y HTTP/1.1\r\n")


@pytest.mark.parametrize(
    "field", [("Authorization", "Bearer s3cret\n"), ("X", "s3cret\r\nY: z"), ("X", "s3cret→"), ("X\n", "s3cret")]
)
def test_a_header_that_cannot_be_sent_is_refused_and_its_value_not_shown(field: tuple[str, str]) -> None:
    """A line break in a key would be a second header; the message has no key in it."""
    with reaching("http://127.0.0.1:1") as transport, pytest.raises(InputError) as caught:
        transport.send(Request(method="GET", url="/", headers=(field,)))
    assert "s3cret" not in str(caught.value)


def test_an_environment_s_proxy_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy named would refuse the connection."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "")
    assert answer_to(OK).body == b"ok"


def test_the_real_clock_advances_by_itself() -> None:
    """It passes by itself, and when it is slept through."""
    clock, earlier = RealClock(), time.time()
    begun = clock.now()
    clock.sleep(0.01)
    assert earlier <= begun < clock.now() <= time.time()


def test_a_redirect_is_handed_back() -> None:
    """It is not followed."""
    response = answer_to(b"HTTP/1.1 307 X\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")
    assert (response.status, header(response.headers, "location")) == (307, "http://127.0.0.1:1/")


def test_a_file_is_fetched_on_a_connection_of_its_own() -> None:
    """The target's connection is kept meanwhile; the query goes out as it is."""
    with serving([OK]) as files, serving([OK, OK]) as server, reaching(server.url) as transport:
        transport.follow_to([files.url])
        transport.send(PING)
        response = transport.send(Request(method="GET", url=f"{files.url}/a/b.png?X-Amz=%2F&y#z"))
        transport.send(PING)
    assert response.body == f"2 bytes, sha256 {sha256(b'ok').hexdigest()}".encode()
    assert server.connections == 1
    assert files.heard[0].startswith(b"GET /a/b.png?X-Amz=%2F&y HTTP/1.1\r\n")
    assert b"Accept: */*" in files.heard[0]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + b"x" * 5000,
        chunked(b"x" * 5000),
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 5000,
    ],
)
def test_a_file_is_read_no_further_than_the_bound(answer: bytes) -> None:
    """A large video is no finding."""
    with serving([answer]) as files, reaching("http://127.0.0.1:1") as transport:
        transport.follow_to([files.url])
        assert transport.send(Request(method="GET", url=files.url)).body.startswith(b"1000 bytes, sha256 ")


def test_a_file_s_request_never_carries_the_key() -> None:
    """Nothing is sent, and the message has no signature in it."""
    request = Request(method="GET", url="http://127.0.0.1:1/f?sig=s3cret", headers=(("authorization", "Bearer k"),))
    with reaching("http://127.0.0.1:1") as transport, pytest.raises(InputError, match="key is not sent") as caught:
        transport.send(request)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["ftp://x/f?s3cret", "file:///etc/passwd", "output.png", "http://", "http://u:s3cret@x"]
)
def test_an_invalid_file_url_is_an_exchange_error(url: str) -> None:
    """The URL is the target's, and so is the fault."""
    with reaching("http://127.0.0.1:1") as transport, pytest.raises(ExchangeError, match="the target's URL") as caught:
        transport.send(Request(method="GET", url=url))
    assert "s3cret" not in str(caught.value)


def test_a_signature_is_in_no_message() -> None:
    """A presigned URL is shown without its query."""
    with serving([b""]) as files, reaching("http://127.0.0.1:1") as transport:
        transport.follow_to([files.url])
        with pytest.raises(ExchangeError) as caught:
            transport.send(Request(method="GET", url=f"{files.url}/f?sig=s3cret"))
    assert str(caught.value).startswith(f"GET {files.url}/f: ")


@pytest.mark.parametrize(
    ("chunk", "body", "sent"),
    [
        (0, b"abcde", b"5\r\nabcde\r\n0\r\n\r\n"),
        (2, b"abcde", b"2\r\nab\r\n2\r\ncd\r\n1\r\ne\r\n0\r\n\r\n"),
        (2, b"", b"0\r\n\r\n"),
    ],
)
def test_a_body_is_sent_in_chunks(chunk: int, body: bytes, sent: bytes) -> None:
    """With Transfer-Encoding a body has no length, and is sent in chunks of the size asked for (RFC 9112, 7.1)."""
    request = replace(CREATE, headers=(*CREATE.headers, ("Transfer-Encoding", "chunked")), body=body, chunk=chunk)
    heard = bytearray()

    def hear(connection: socket.socket) -> None:
        while not heard.endswith(b"0\r\n\r\n"):
            heard.extend(connection.recv(65536))
        connection.sendall(OK)

    with running(hear) as server, reaching(server.url) as transport:
        assert transport.send(request).status == 200

    head, _, rest = bytes(heard).partition(b"\r\n\r\n")
    assert rest == sent
    assert b"content-length" not in head.lower()


def test_a_request_is_sent_in_pieces() -> None:
    """A request in pieces arrives in several reads, whole."""
    pieces: list[bytes] = []

    def hear(connection: socket.socket) -> None:
        while not b"".join(pieces).endswith(b"{}"):
            pieces.append(connection.recv(65536))
        connection.sendall(OK)

    with running(hear) as server, reaching(server.url) as transport:
        assert transport.send(replace(CREATE, pieces=6)).status == 200

    assert 1 < len(pieces) <= 6
    assert b"".join(pieces).startswith(b"POST /v1/generations HTTP/1.1\r\n")


def test_a_response_tells_its_version() -> None:
    """The version of HTTP decides what may be sent next: a server of HTTP/1.0 knows no chunks."""
    assert answer_to(OK).version == "1.1"
    assert answer_to(OK.replace(b"1.1", b"1.0")).version == "1.0"
