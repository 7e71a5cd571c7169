"""The server that plays a scenario: what it answers, how a reply ends, and when it says that was."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

import pytest

from luma_conformance.clients.scenario import End, Reply, Route, Task
from luma_conformance.clients.server import MAX_KEPT, MAX_SEEN, PROMPT, Server, serve
from luma_conformance.model import Response, header
from luma_conformance.reference.clock import VirtualClock
from luma_conformance.session import http_reader
from tests.clients.scripted import BUSY, COMPLETED, CREATED, FILE, PICTURE, PROCESSING, answer, ask, scenario, view

SUBMIT = b'{"prompt": "A lighthouse at dawn"}'


def create(server: Server, **more: str) -> tuple[int, dict[str, object]]:
    """Return the status and the body of the answer to a generation submitted."""
    status, body, _ = ask(f"{server.given['LUMA_BASE_URL']}/generations", server.given, {"prompt": PROMPT, **more})
    return status, json.loads(body)


def poll(server: Server, generation: object) -> dict[str, object]:
    """Return what the API says of a generation."""
    found: dict[str, object] = json.loads(
        ask(f"{server.given['LUMA_BASE_URL']}/generations/{generation}", server.given)[1]
    )
    return found


def head_of(server: Server, body: bytes = SUBMIT, *lines: str, line: str = "POST /v1/generations HTTP/1.1") -> bytes:
    """Return the head of a request to the API."""
    key = f"Authorization: Bearer {server.given['LUMA_AGENTS_API_KEY']}"
    return "\r\n".join([line, "Host: 127.0.0.1", key, *(lines or [f"Content-Length: {len(body)}"]), "", ""]).encode()


@contextmanager
def connect(server: Server) -> Iterator[socket.socket]:
    """Yield a connection to the API."""
    port = int(server.given["LUMA_BASE_URL"].split(":")[2].partition("/")[0])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        yield connection


def read_all(connection: socket.socket) -> bytes:
    """Return what comes until the connection ends."""
    found = b""
    try:
        while piece := connection.recv(65_536):
            found += piece
    except ConnectionResetError:
        pass
    return found


def test_a_task_is_answered_by_the_scripts_and_kept_in_order() -> None:
    """Replies come in order, and then the one that stands for all others; each is kept with its number."""
    with serve(scenario({Route.CREATE: (BUSY,), Route.POLL: (PROCESSING,)})) as server:
        assert create(server)[0] == 429
        status, made = create(server)
        assert (status, made["state"]) == (201, "queued")
        states = [poll(server, made["id"])["state"] for _ in range(3)]
        url = poll(server, made["id"])["output"][0]["url"]  # type: ignore[index]
        assert states == ["processing", "completed", "completed"]
        assert ask(url, {"LUMA_AGENTS_API_KEY": ""})[1] == PICTURE
    assert [(str(one.route), one.number, one.reply.is_fault) for one in server.seen] == [
        ("create", 1, True), ("create", 2, False),
        ("poll", 1, False), ("poll", 2, False), ("poll", 3, False), ("poll", 4, False),
        ("download", 1, False),
    ]  # fmt: skip
    assert server.seen[-1].request.url == url == server.seen[-2].output_url
    assert server.seen[0].request.url == "/v1/generations"
    assert all(one.arrived <= one.read <= one.answered for one in server.seen)


def test_every_answer_of_the_api_has_the_headers_the_page_promises() -> None:
    """A request id is echoed, or made up; the storage host has neither header."""
    with serve(scenario()) as server:
        url = f"{server.given['LUMA_BASE_URL']}/generations"
        echoed = ask(url, server.given, {"prompt": "a"}, (("X-Request-Id", "mine"),))[2]
        made_up = ask(f"{server.given['LUMA_BASE_URL']}/nothing", server.given)[2]
        stored = ask(poll(server, create(server)[1]["id"])["output"][0]["url"], server.given)[2]  # type: ignore[index]
    assert header(echoed, "X-Request-Id") == "mine"
    assert len(header(made_up, "X-Request-Id") or "") == 36
    assert header(echoed, "X-API-Version") == header(made_up, "X-API-Version") == "2026-04-01"
    assert header(stored, "X-Request-Id") is None


def test_each_reply_names_a_url_of_its_own_and_an_expired_one_is_refused() -> None:
    """A fresh URL works where the one before it did not, and another output is another file."""
    expired = replace(COMPLETED, is_expired=True, is_fault=True)
    two = replace(COMPLETED, response=answer(200, view("completed", "{output-url}", "{output-url}")))
    with serve(scenario({Route.POLL: (expired, two)}, Task.DOWNLOAD)) as server:
        old, new = (poll(server, server.given["LUMA_GENERATION_ID"])["output"] for _ in range(2))
        assert isinstance(old, list)
        assert isinstance(new, list)
        found = [ask(one["url"], server.given) for one in (*old, *new)]
        assert len({one["url"] for one in (*old, *new)}) == 3
        assert [status for status, _, _ in found] == [403, 200, 200]
        assert b"expired" in found[0][1]
        assert found[1][1] == PICTURE != found[2][1]
        assert ask(f"{new[0]['url']}0", server.given)[0] == 403
    assert [one.number for one in server.seen if one.route is Route.DOWNLOAD] == [1, 2, 3]


@pytest.mark.parametrize(
    ("path", "headers", "body", "status"),
    [
        ("/generations", (("Authorization", "Bearer luma-api-mine"),), {"prompt": "a"}, 401),
        ("/generations", (("Authorization", ""),), {"prompt": "a"}, 401),
        ("/generations", (), {"prompt": ""}, 400),
        ("/generations", (), {"prompt": "a", "model": "uni-9"}, 400),
        ("/generations", (), {"text": "a"}, 400),
        ("/generations", (), ["a"], 400),
        ("/generations", (), None, 405),
        ("/generations/7c9e6679-7425-40de-944b-e07fc1f90ae7", (), None, 404),
        ("/images", (), {"prompt": "a"}, 404),
    ],
)
def test_what_is_not_the_task_is_answered_as_the_api_would_and_uses_up_no_reply(
    path: str, headers: tuple[tuple[str, str], ...], body: object, status: int
) -> None:
    """A client that does not speak the API learns why; the script waits for one that does."""
    with serve(scenario({Route.CREATE: (BUSY,)})) as server:
        found = ask(f"{server.given['LUMA_BASE_URL']}{path}", server.given, body, headers)
        assert found[0] == status
        assert json.loads(found[1])["detail"]
        assert create(server, aspect_ratio="16:9")[0] == 429
    assert [str(one.route) for one in server.seen] == ["other", "create"]


def test_a_dropped_reply_has_no_byte_and_a_cut_one_half_a_body() -> None:
    """The client learns of it by the end of the connection, also where a body comes in chunks."""
    dropped = replace(BUSY, end=End.DROPPED, creates=True)
    cut = replace(BUSY, end=End.CUT)
    empty = replace(cut, response=Response(status=502))
    chunked = replace(cut, response=answer(502, {"detail": "x" * 40}, ("Transfer-Encoding", "chunked")))
    with serve(scenario({Route.CREATE: (dropped, cut, empty, chunked)})) as server:
        found = []
        for _ in range(4):
            with connect(server) as connection:
                connection.sendall(head_of(server) + SUBMIT)
                found.append(read_all(connection))
    bodies = [one.partition(b"\r\n\r\n")[2] for one in found]
    assert found[0] == b""
    assert found[1].startswith(b"HTTP/1.1 429 Too Many Requests\r\n")
    assert bodies[1] == BUSY.response.body[: len(BUSY.response.body) // 2]
    assert not found[2].endswith(b"\r\n\r\n")
    assert not bodies[3].endswith(b"0\r\n\r\n")
    assert not any(one.abandoned for one in server.seen)


def test_a_request_may_come_in_every_form_of_http() -> None:
    """A connection is kept; a body may come in chunks, after 100-continue, or be large; HEAD has no body."""
    large = b'{"prompt": "' + b"x" * 3_000_000 + b'"}'
    with serve(scenario()) as server, connect(server) as connection:
        connection.sendall(head_of(server, SUBMIT, "Expect: 100-continue", f"Content-Length: {len(SUBMIT)}"))
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(SUBMIT)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 201 Created\r\n")
        chunks = b"%x\r\n%s\r\n5;a=b\r\n%s\r\n0\r\n\r\n" % (len(SUBMIT) - 5, SUBMIT[:-5], SUBMIT[-5:])
        connection.sendall(head_of(server, b"", "Transfer-Encoding: chunked") + chunks)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 201 Created\r\n")
        connection.sendall(head_of(server, b"", line="HEAD /v1/generations HTTP/1.1"))
        found = connection.recv(65_536)
        assert found.startswith(b"HTTP/1.1 405 ")
        assert found.endswith(b"\r\n\r\n")
        connection.sendall(head_of(server, large, f"Content-Length: {len(large)}", "Connection: close") + large)
        assert b"\r\nConnection: close\r\n" in read_all(connection)
    assert {one.connection for one in server.seen} == {1}
    assert server.seen[1].request.body == SUBMIT
    assert len(server.seen[3].request.body) == MAX_KEPT


@pytest.mark.parametrize("line", ["GET http://example.com/ HTTP/1.1", "CONNECT example.com:443 HTTP/1.1"])
def test_the_server_is_no_proxy(line: str) -> None:
    """A request for another host is refused, not passed on."""
    with serve(scenario()) as server, connect(server) as connection:
        connection.sendall(head_of(server, b"", "Connection: close", line=line))
        assert read_all(connection).startswith(b"HTTP/1.1 40")
    assert [str(one.route) for one in server.seen] == ["other"]


def test_a_request_in_absolute_form_is_one_to_its_own_host() -> None:
    """A client may name the host in the request's first line."""
    with serve(scenario()) as server, connect(server) as connection:
        line = f"POST {server.given['LUMA_BASE_URL']}/generations HTTP/1.1"
        connection.sendall(head_of(server, line=line) + SUBMIT)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 201 ")


def test_what_is_no_http_ends_a_connection_and_nothing_else() -> None:
    """A client that speaks TLS to the server is cut off, and the next is answered."""
    with serve(scenario()) as server:
        with connect(server) as connection:
            connection.sendall(b"\x16\x03\x01\x02\x00\x01\r\n\r\n")
            assert read_all(connection) == b""
        assert create(server)[0] == 201
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    "sent",
    [
        b"Content-Length: 1001\r\n\r\n",
        b"Content-Length: -5\r\n\r\n{}",
        b"Transfer-Encoding: chunked\r\n\r\n3e9\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\n{\r\n" * 1_002,
    ],
)
def test_a_body_without_end_is_not_kept(sent: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that sends more than any task needs is cut off, and the next is answered; a shorter body is whole."""
    monkeypatch.setattr(http_reader, "_MOST", 1_000)
    with serve(scenario()) as server:
        with connect(server) as connection:
            connection.sendall(b"POST /v1/generations HTTP/1.1\r\n" + sent)
            with suppress(ConnectionError):  # what was not read resets it
                assert read_all(connection) == b""
        assert create(server, prompt="a" * 900)[0] == 201
    assert len(server.seen) == 1


def test_waiting_takes_no_time_on_a_virtual_clock() -> None:
    """A reply that comes after a minute, or takes one, lets that minute pass; headers have the time of it."""
    slow = replace(FILE, delay=60.0, spread=60.0)
    busy = replace(BUSY, response=answer(429, {}, ("Retry-After", "{date+60}"), ("X-RateLimit-Reset", "{now+60}")))
    clock = VirtualClock(start=1_000.5)
    began = time.monotonic()
    with serve(scenario({Route.CREATE: (busy,), Route.DOWNLOAD: (slow,)}), clock) as server:
        url = f"{server.given['LUMA_BASE_URL']}/generations"
        headers = ask(url, server.given, {"prompt": "a"})[2]
        ask(poll(server, create(server)[1]["id"])["output"][0]["url"], server.given)  # type: ignore[index]
    assert header(headers, "Retry-After") == "Thu, 01 Jan 1970 00:17:40 GMT"
    assert header(headers, "X-RateLimit-Reset") == "1060"
    assert server.seen[-1].answered == pytest.approx(1_120.5)
    assert server.seen[-1].read == 1_000.5
    assert time.monotonic() - began < 30


def test_a_client_that_goes_away_is_noticed_while_it_should_be_waiting() -> None:
    """The reply it did not wait for is kept as abandoned at the time it went, long before it would have come."""
    patient = replace(CREATED, delay=3600.0)
    with serve(scenario({Route.CREATE: (patient,)})) as server:
        with connect(server) as connection:
            connection.sendall(head_of(server) + SUBMIT)
        while not server.seen:
            time.sleep(0.01)
        assert create(server)[0] == 201
    assert [one.abandoned for one in server.seen] == [True, False]
    assert server.seen[0].answered - server.seen[0].arrived < 600


def test_closing_ends_every_connection_and_keeps_what_was_asked() -> None:
    """A client that still waits for an answer is cut off, and what it asked is known."""
    patient = replace(CREATED, delay=3600.0)
    found: list[bytes] = []
    with serve(scenario({Route.CREATE: (patient,)})) as server, connect(server) as connection:
        connection.sendall(head_of(server) + SUBMIT)
        reader = threading.Thread(target=lambda: found.append(read_all(connection)))
        reader.start()
        while not server.asked:
            time.sleep(0.01)
        server.close()
        reader.join(10)
    assert found == [b""]
    assert [str(one.route) for one in server.seen] == ["create"]


def test_a_client_that_asks_without_end_is_no_longer_answered() -> None:
    """After more requests than any task needs, whoever runs the client is told to stop it."""
    reply = Reply(says="429", response=answer(429, {"detail": "Rate limit exceeded"}))
    with serve(scenario({Route.CREATE: (reply,) * 1000})) as server, connect(server) as connection:
        answered = 0
        with suppress(ConnectionError):
            connection.sendall(head_of(server) + SUBMIT)
            while connection.recv(65_536):
                answered += 1
                connection.sendall(head_of(server) + SUBMIT)
        assert server.is_overrun.is_set()
    assert answered == len(server.seen) == MAX_SEEN


def test_a_generation_that_failed_stays_failed() -> None:
    """Polls of it take nothing more of the script; another generation goes on with that."""
    failed = replace(PROCESSING, response=replace(PROCESSING.response, body=b'{"state":"failed"}'))
    with serve(scenario({Route.POLL: (failed,)})) as server:
        first, second = create(server)[1]["id"], create(server)[1]["id"]

        told = [poll(server, one)["state"] for one in (first, first, second, first)]

    assert told == ["failed", "failed", "completed", "failed"]


def test_times_in_a_slow_reply_are_those_of_its_answer() -> None:
    """Who waits until X-RateLimit-Reset waits from the answer on, not from the request."""
    slow = replace(BUSY, delay=7, response=replace(BUSY.response, headers=(("X-RateLimit-Reset", "{now+2}"),)))
    clock = VirtualClock()
    with serve(scenario({Route.CREATE: (slow,)}), clock) as server:
        create(server)

    (seen,) = server.seen
    assert header(seen.reply.response.headers, "X-RateLimit-Reset") == str(int(seen.answered) + 2)
