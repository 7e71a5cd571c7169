"""The reference over real sockets: what HTTP itself adds, and that no answer changes on the way."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import sys
import threading
from collections.abc import Iterator, MutableMapping
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from luma_conformance.errors import InputError
from luma_conformance.model import Request, Response
from luma_conformance.reference import Settings
from luma_conformance.reference.asgi import Handle, application, run, serving
from tests.reference.asking import CLOCK, COMPLETED_IMAGE, COMPLETED_VIDEO, CREATE, SUNSET, key

AUTH = {"Authorization": f"Bearer {key('main')}"}
POLL = f"{CREATE}/{COMPLETED_IMAGE}"


@pytest.fixture
def connection(url: str) -> Iterator[http.client.HTTPConnection]:
    """Return a connection to the service."""
    with closing(http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)) as opened:
        yield opened


def ask(
    connection: http.client.HTTPConnection, method: str, target: str, body: bytes | None = None
) -> tuple[http.client.HTTPResponse, bytes]:
    """Return the answer to a request of the main client, and its body."""
    connection.request(method, target, body=body, headers=AUTH)
    response = connection.getresponse()
    return response, response.read()


def test_a_created_generation_can_be_polled(connection: http.client.HTTPConnection) -> None:
    """Status, headers and body arrive as the service gave them."""
    response, body = ask(connection, "POST", CREATE, json.dumps(SUNSET).encode())
    assert (response.status, response.headers.get_content_type()) == (201, "application/json")
    assert response.headers["X-RateLimit-Limit"] == "60000"
    assert response.headers["X-API-Version"] == "2026-04-01"
    response, body = ask(connection, "GET", f"{CREATE}/{json.loads(body)['id']}?x=%20")
    assert response.status == 200


def test_one_connection_serves_many_requests(connection: http.client.HTTPConnection) -> None:
    """Refusals and methods that are not allowed leave the connection open."""
    ask(connection, "GET", POLL)
    sock = connection.sock
    for method, target, status in (("DELETE", POLL, 405), ("GET", "/nowhere", 404), ("PUT", CREATE, 405)):
        response, _ = ask(connection, method, target, b"x" * 1000)
        assert response.status == status
        assert connection.sock is sock
    assert sock is not None


def test_the_output_is_loaded_from_where_the_poll_was(connection: http.client.HTTPConnection, url: str) -> None:
    """The URL in a completed generation has the host of the poll, and leads to the file; HEAD has its length alone."""
    _, body = ask(connection, "GET", f"{CREATE}/{COMPLETED_VIDEO}")
    output = json.loads(body)["output"][0]["url"]
    assert output.startswith(f"{url}/storage/generations/")
    local = output.removeprefix(url)
    whole, content = ask(connection, "GET", local)
    head, nothing = ask(connection, "HEAD", local)
    assert whole.headers["Content-Type"] == head.headers["Content-Type"] == "video/mp4"
    assert int(head.headers["Content-Length"]) == int(whole.headers["Content-Length"]) == len(content)
    assert nothing == b""
    assert ask(connection, "GET", f"{local}0")[0].status == 403


def test_head_on_the_api_has_no_body(connection: http.client.HTTPConnection) -> None:
    """HEAD is not allowed on a generation, and its answer leaves the connection usable."""
    response, body = ask(connection, "HEAD", POLL)
    assert (response.status, response.headers["Allow"], body) == (405, "GET", b"")
    assert ask(connection, "GET", POLL)[0].status == 200


def test_a_big_body_arrives_whole(connection: http.client.HTTPConnection) -> None:
    """A body of many chunks is judged by its last byte too."""
    padding = b" " * 20_000_000
    body = json.dumps(SUNSET).encode() + padding
    assert ask(connection, "POST", CREATE, body)[0].status == 201
    assert ask(connection, "POST", CREATE, body + b"}")[0].status == 400


def test_a_chunked_body_is_a_body(connection: http.client.HTTPConnection) -> None:
    """A body without a Content-Length is read."""
    raw = json.dumps(SUNSET).encode()
    connection.request("POST", CREATE, body=iter([raw[:5], raw[5:]]), headers=AUTH, encode_chunked=True)
    response = connection.getresponse()
    assert (response.status, bool(response.read())) == (201, True)


def test_a_request_id_is_echoed_byte_for_byte(connection: http.client.HTTPConnection) -> None:
    """Latin-1 letters come back as they were sent."""
    connection.request("GET", POLL, headers={**AUTH, "X-Request-Id": "é-7".encode("latin-1")})
    response = connection.getresponse()
    response.read()
    assert response.headers["X-Request-Id"] == "é-7"


def test_each_client_has_its_own_clock_over_sockets_too(connection: http.client.HTTPConnection) -> None:
    """The answer says the client's time in seconds since 1970."""
    _, before = ask(connection, "POST", CLOCK, b'{"advance": 0}')
    _, after = ask(connection, "POST", CLOCK, b'{"advance": 50}')
    assert 50 <= json.loads(after)["now"] - json.loads(before)["now"] < 60


def test_a_client_that_leaves_early_does_no_harm(url: str, connection: http.client.HTTPConnection) -> None:
    """Half a request and a closed connection leave the server answering."""
    address = urlsplit(url)
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=10) as half:
        half.sendall(b"POST /v1/generations HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
    assert ask(connection, "GET", POLL)[0].status == 200


def test_a_request_that_is_not_http_gets_a_400(url: str) -> None:
    """The server under it refuses what it cannot read."""
    address = urlsplit(url)
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=10) as raw:
        raw.sendall(b"\x16\x03\x01 no HTTP\r\n\r\n")
        with raw.makefile("rb") as answer:
            assert answer.readline().startswith(b"HTTP/1.1 400 ")


def test_a_wrapper_answers_in_place_of_the_service() -> None:
    """A wrapper stands between every request and the service."""

    def teapot(handle: Handle) -> Handle:
        return lambda request: Response(status=418, body=request.method.encode() + handle(request).body[:1])

    with serving(Settings(), wrap=teapot) as served, closing(http.client.HTTPConnection(urlsplit(served).netloc)) as c:
        response, body = ask(c, "GET", POLL)
        assert (response.status, body) == (418, b"GET{")


def test_the_port_is_free_afterwards() -> None:
    """Once the block is left nobody listens, and no thread is left."""
    threads = threading.active_count()
    with serving() as served:
        address = urlsplit(served)
        assert threading.active_count() == threads + 1
    assert threading.active_count() == threads
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address.hostname or "", address.port or 0), timeout=10).close()


def test_a_port_in_use_is_an_input_error_with_advice() -> None:
    """The message names the address, the reason and a way out."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            InputError, match=rf"^cannot listen on 127\.0\.0\.1:{port}: .*; --port 0 takes a free port$"
        ):
            run(Settings(), "127.0.0.1", port)


@pytest.mark.parametrize("port", [-1, 65_536])
def test_an_impossible_port_is_an_input_error(port: int) -> None:
    """A number no port has is refused like a port in use."""
    with pytest.raises(InputError, match="cannot listen on"):
        run(Settings(), "127.0.0.1", port)


def test_without_the_extra_serving_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the extra `serve` is not installed, both ways to serve say so, before they take a port."""
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    advice = r"serving the reference needs uvicorn: pip install 'luma-agents-conformance\[serve\]'"

    with pytest.raises(InputError, match=advice), serving():
        pytest.fail("served")
    with pytest.raises(InputError, match=advice):
        run(Settings(), "127.0.0.1", 0, announce=pytest.fail)


def test_every_request_reaches_the_service_as_it_was_sent() -> None:
    """Path and query keep their escapes, and a header that is sent twice arrives twice."""
    heard: list[Request] = []

    def listen(handle: Handle) -> Handle:
        def answer(request: Request) -> Response:
            heard.append(request)
            return handle(request)

        return answer

    with serving(wrap=listen) as served, closing(http.client.HTTPConnection(urlsplit(served).netloc)) as c:
        c.putrequest("GET", "/v1/generations/a%2Fb%20c?d=%C3%A9&&")
        c.putheader("X-Twice", "1")
        c.putheader("X-Twice", "2")
        c.endheaders()
        c.getresponse().read()
    assert (heard[0].method, heard[0].url) == ("GET", "/v1/generations/a%2Fb%20c?d=%C3%A9&&")
    assert [value for name, value in heard[0].headers if name.lower() == "x-twice"] == ["1", "2"]


@pytest.mark.parametrize(
    ("peer", "believed"),
    [
        (("127.0.0.1", 5), True),
        (("127.8.8.8", 5), True),
        (("::1", 5), True),
        (("::ffff:127.0.0.1", 5), True),
        (None, True),
        (("10.0.0.1", 5), False),
        (("2001:db8::1", 5), False),
        (("::ffff:10.0.0.1", 5), False),
        (("testclient", 5), False),
    ],
)
def test_only_a_proxy_on_this_machine_says_where_the_server_is(peer: tuple[str, int] | None, believed: bool) -> None:  # noqa: FBT001
    """What others say in Forwarded and X-Forwarded-* does not reach the service; all else does."""
    heard: list[Request] = []

    def answer(request: Request) -> Response:
        heard.append(request)
        return Response(status=204)

    said = {"x-forwarded-proto": "https", "X-Forwarded-Prefix": "/x", "forwarded": "proto=https", "host": "h"}
    scope = {"type": "http", "method": "GET", "raw_path": b"/", "query_string": b"", "client": peer}
    headers = [(name.encode(), value.encode()) for name, value in said.items()]

    async def receive() -> dict[str, object]:
        return {"type": "http.request"}

    async def send(message: MutableMapping[str, object]) -> None:
        """Take the answer."""

    async def ask() -> None:
        await application(answer)({**scope, "headers": headers}, receive, send)

    asyncio.run(ask())
    assert heard[0].headers == (tuple(said.items()) if believed else (("host", "h"),))


def test_a_proxy_in_front_gives_the_output_its_address(connection: http.client.HTTPConnection) -> None:
    """Over a socket, the headers of a proxy on this machine are in the URL."""
    forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "mock.example.com", "X-Forwarded-Prefix": "/luma"}
    connection.request("GET", POLL, headers=AUTH | forwarded)
    output = json.loads(connection.getresponse().read())["output"][0]["url"]
    assert output.startswith("https://mock.example.com/luma/storage/")
