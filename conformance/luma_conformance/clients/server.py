"""The server that plays a scenario to a client: two hosts on ports of this machine, the API and the storage.

It answers, and never passes a request on: it is no proxy.
"""

from __future__ import annotations

import secrets
import select
import selectors
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from email.utils import formatdate
from http import HTTPStatus
from typing import Final

from luma_conformance.clients.conduct import Seen
from luma_conformance.clients.replies import Answer, Replies
from luma_conformance.clients.scenario import End, Reply, Scenario, Task
from luma_conformance.model import Clock, Request, Response, header
from luma_conformance.session.http_reader import Stream

PROMPT: Final = "A lighthouse at dawn"
"""What a client is asked to generate."""
MAX_SEEN: Final = 500
"""Requests after which nothing is answered any more: no task needs so many."""
MAX_KEPT: Final = 1_000_000
"""Bytes of a request's body that are kept."""
_PIECES: Final = 10
"""Pieces of a body that takes its time."""
_LOOK: Final = 0.1
"""Seconds between two looks whether a wait has become pointless."""
_LINGER: Final = 1.0
"""Seconds that connections get to end."""


class RealTime:
    """The time of this machine, which nobody can set back while a scenario is played."""

    def __init__(self) -> None:
        self._start = time.time() - time.monotonic()

    def now(self) -> float:
        """Return Unix time in seconds."""
        return self._start + time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait for `seconds`."""
        time.sleep(seconds)


@contextmanager
def serve(scenario: Scenario, clock: Clock | None = None) -> Iterator[Server]:
    """Play a scenario on free ports of this machine, in real time or on a virtual clock, and yield the server."""
    server = Server(scenario, clock)
    try:
        yield server
    finally:
        server.close()


class Server:
    """A scenario being played: `given` is what the client is told, `seen` what it has done so far.

    `asked` counts the requests that have arrived, answered or not.
    """

    def __init__(self, scenario: Scenario, clock: Clock | None) -> None:
        self.clock = clock or RealTime()
        self.is_over = threading.Event()
        self.is_overrun = threading.Event()
        self._takes_time = clock is None
        self._hosts = [socket.create_server(("127.0.0.1", 0), backlog=64) for _ in range(2)]
        self._origins = tuple(f"http://127.0.0.1:{host.getsockname()[1]}" for host in self._hosts)
        self._waker, self._wakened = socket.socketpair()
        self._lock = threading.Lock()
        self._seen: list[Seen] = []
        self._open: dict[socket.socket, threading.Thread] = {}
        self._resting: set[socket.socket] = set()
        self._busy = 0
        self._count = 0
        self.asked = 0
        key, generation = f"luma-api-conformance-{secrets.token_hex(8)}", str(uuid.uuid4())
        self._replies = Replies(scenario, storage=self._origins[1], key=key, generation_id=generation)
        self.given = {
            "LUMA_BASE_URL": f"{self._origins[0]}/v1",
            "LUMA_AGENTS_API_KEY": key,
            "LUMA_TASK": str(scenario.task),
            "LUMA_PROMPT": PROMPT,
            **({"LUMA_GENERATION_ID": generation} if scenario.task is Task.DOWNLOAD else {}),
        }
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    @property
    def seen(self) -> tuple[Seen, ...]:
        """The requests so far, in the order they arrived."""
        with self._lock:
            return tuple(sorted(self._seen, key=lambda one: one.arrived))

    def _accept(self) -> None:
        with selectors.DefaultSelector() as selector:
            for one in (*self._hosts, self._wakened):
                selector.register(one, selectors.EVENT_READ)
            while not self.is_over.is_set():
                for ready, _ in selector.select():
                    if ready.fileobj in self._hosts:
                        self._accept_from(self._hosts.index(ready.fileobj))

    def is_busy(self) -> bool:
        """Return whether anything has been sent to this server that it has not answered whole."""
        with self._lock:
            waiting = [*self._hosts, *self._resting]
            return self._busy > 0 or bool(select.select(waiting, [], [], 0)[0])

    def rest(self, connection: socket.socket) -> None:
        """Return once something has come on a connection, or its end; until then it owes no answer."""
        with self._lock:
            self._resting.add(connection)
            self._busy -= 1
        with suppress(OSError):
            connection.recv(1, socket.MSG_PEEK)  # it stays there, and is seen, until the connection counts as busy
        with self._lock:
            self._resting.discard(connection)
            self._busy += 1

    def hang_up(self) -> None:
        """End every connection; there may be new ones."""
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End: no connection stays open, and what the client has asked is in `seen`."""
        if self.is_over.is_set():
            return
        self.is_over.set()
        self._waker.send(b"\0")
        self._accepting.join()
        with self._lock:
            threads = [*self._open.values()]
        self.hang_up()
        for thread in threads:
            thread.join(_LINGER)
        for one in (*self._hosts, self._waker, self._wakened):
            one.close()

    def _accept_from(self, host: int) -> None:
        with suppress(OSError):
            with self._lock:
                connection, _ = self._hosts[host].accept()  # ready, so it does not wait
                self._busy += 1
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._count += 1
            served = _Connection(self, connection, self._count, self._origins[host], host == 1)
            thread = threading.Thread(target=served.run, daemon=True)
            with self._lock:
                self._open[connection] = thread
            thread.start()

    def forget(self, connection: socket.socket) -> None:
        """Close a connection that is over."""
        with self._lock:
            self._open.pop(connection, None)
            self._busy -= 1
        with suppress(OSError):
            connection.shutdown(socket.SHUT_WR)
        connection.close()

    def answer(self, request: Request, *, at_storage: bool) -> Answer | None:
        """Return the answer to a request; None if there were too many."""
        with self._lock:
            if self.asked >= MAX_SEEN:
                self.is_overrun.set()
                return None
            self.asked += 1
            return self._replies.answer(request, self.clock.now(), at_storage=at_storage)

    def keep(self, seen: Seen) -> None:
        """Keep a request that was answered."""
        with self._lock:
            self._seen.append(seen)

    def wait(self, connection: socket.socket, seconds: float) -> bool:
        """Let time pass; return whether the client still waits for its answer."""
        if not self._takes_time:
            self.clock.sleep(seconds)
            return True
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and not self.is_over.is_set():
            if select.select([connection], [], [], min(left, _LOOK))[0]:
                if not connection.recv(1, socket.MSG_PEEK):
                    return False
                self.is_over.wait(min(left, _LOOK))  # the next request is there already
        return not self.is_over.is_set()


@dataclass(slots=True)
class _Connection:
    """A connection of the client to the host at `origin`."""

    server: Server
    socket: socket.socket
    number: int
    origin: str
    at_storage: bool

    def run(self) -> None:
        """Answer requests until the connection ends."""
        stream = Stream(self.socket)
        try:
            with suppress(EOFError, OSError, ValueError):
                while self._serve(stream):
                    pass
        finally:
            self.server.forget(self.socket)

    def _serve(self, stream: Stream) -> bool:
        """Answer one request, and return whether there may be another."""
        if not stream.waiting:
            self.server.rest(self.socket)
            stream.receive()
        arrived = self.server.clock.now()
        request, version = self._read(stream)
        read = self.server.clock.now()
        answer = self.server.answer(request, at_storage=self.at_storage)
        if answer is None:
            return False
        keeps = _keeps_alive(request, version)
        answered, is_whole = self._reply(request, answer.reply, keeps=keeps)
        kept = request if len(request.body) <= MAX_KEPT else replace(request, body=request.body[:MAX_KEPT])
        self.server.keep(
            Seen(
                route=answer.route, number=answer.number, request=kept, reply=answer.reply, connection=self.number,
                arrived=arrived, read=read, answered=answered, output_url=answer.output_url, abandoned=not is_whole,
            )
        )  # fmt: skip
        return keeps and is_whole and answer.reply.end is End.WHOLE

    def _read(self, stream: Stream) -> tuple[Request, str]:
        method, target, version, headers = stream.read_head()
        if (header(headers, "Expect") or "").lower() == "100-continue":
            self.socket.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if "chunked" in (header(headers, "Transfer-Encoding") or "").lower():
            body = stream.read_chunks()
        else:
            body = stream.read(int(header(headers, "Content-Length") or 0))
        path = target.removeprefix(self.origin) if target.startswith(f"{self.origin}/") else target
        url = f"{self.origin}{path}" if self.at_storage else path
        return Request(method=method, url=url, headers=headers, body=body), version

    def _reply(self, request: Request, reply: Reply, *, keeps: bool) -> tuple[float, bool]:
        """Send a reply, and return when the last of it was sent, and whether the client waited for it."""
        clock = self.server.clock
        if reply.delay and not self.server.wait(self.socket, reply.delay):
            return clock.now(), False
        if reply.end is End.DROPPED:
            return clock.now(), True
        head, body = _format(reply.response, request, clock.now(), keeps=keeps and reply.end is End.WHOLE)
        if reply.end is End.CUT:
            head, body = (head, body[: len(body) // 2]) if body else (head[:-2], b"")
        pieces = _split(body) if reply.spread and body else [body]
        sent = head
        for piece in pieces[:-1]:
            self.socket.sendall(sent + piece)
            sent = b""
            if not self.server.wait(self.socket, reply.spread / (len(pieces) - 1)):
                return clock.now(), False
        answered = clock.now()
        try:
            self.socket.sendall(sent + pieces[-1])
        except OSError:
            return answered, False
        return answered, True


def _keeps_alive(request: Request, version: str) -> bool:
    asked = (header(request.headers, "Connection") or "").lower()
    return "close" not in asked and (version != "HTTP/1.0" or "keep-alive" in asked)


def _format(response: Response, request: Request, now: float, *, keeps: bool) -> tuple[bytes, bytes]:
    """Return the head and the body of a response as they are sent."""
    headers = [*response.headers]
    names = {name.lower() for name, _ in headers}
    body = response.body
    if "transfer-encoding" in names:
        pieces = _split(body) if body else []
        body = b"".join(b"%x\r\n%s\r\n" % (len(one), one) for one in pieces) + b"0\r\n\r\n"
    elif "content-length" not in names:
        headers.append(("Content-Length", str(len(body))))
    if "date" not in names:
        headers.append(("Date", formatdate(now, usegmt=True)))
    headers.append(("Connection", "keep-alive" if keeps else "close"))
    phrase = HTTPStatus(response.status).phrase if response.status in [*HTTPStatus] else "Unknown"
    lines = [f"HTTP/1.1 {response.status} {phrase}", *(f"{name}: {value}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode("latin-1", "replace"), b"" if request.method == "HEAD" else body


def _split(body: bytes) -> list[bytes]:
    length = max(1, -(-len(body) // _PIECES))
    return [body[start : start + length] for start in range(0, len(body), length)]
