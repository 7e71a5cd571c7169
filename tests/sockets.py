"""Small servers over real sockets that answer as they are told, for the tests of the client."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from luma_conformance.errors import ExchangeError
from luma_conformance.model import Request, Response
from luma_conformance.target.bounds import Bounds
from luma_conformance.target.http import HttpTransport

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
PARTIAL = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc"
BOUNDS = Bounds(connect=5, total=5, body=1000)
SHORT = Bounds(connect=5, total=0.3, body=1000)
PING = Request(method="GET", url="/v1/generations/x")
CREATE = Request(method="POST", url="/v1/generations", headers=(("Authorization", "Bearer k"),), body=b"{}")

Script = Callable[[socket.socket], None]
"""What a server does with one connection."""


class Server:
    """A server that runs one script a connection, and keeps what it was sent."""

    def __init__(self, *scripts: Script) -> None:
        self.heard: list[bytes] = []
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._run, args=(scripts,))
        self._thread.start()

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _run(self, scripts: tuple[Script, ...]) -> None:
        for script in scripts:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            with connection, contextlib.suppress(OSError):
                connection.settimeout(5)
                script(connection)

    def hear(self, connection: socket.socket) -> None:
        """Read one request."""
        data = b""
        while b"\r\n\r\n" not in data and (piece := connection.recv(65536)):
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        length = next((int(x[15:]) for x in head.split(b"\r\n") if x.lower().startswith(b"content-length:")), 0)
        while len(body) < length and (piece := connection.recv(65536)):
            body += piece
        self.heard.append(head + b"\r\n\r\n" + body)


@contextlib.contextmanager
def running(*scripts: Script) -> Iterator[Server]:
    """Yield a server and stops it."""
    server = Server(*scripts)
    try:
        yield server
    finally:
        server.stop()


@contextlib.contextmanager
def serving(*conversations: list[bytes | Script]) -> Iterator[Server]:
    """Yield a server that reads a request on each connection and sends the next answer, until there is none."""

    def script(answers: list[bytes | Script]) -> Script:
        def run(connection: socket.socket) -> None:
            for answer in answers:
                server.hear(connection)
                if callable(answer):
                    answer(connection)
                else:
                    connection.sendall(answer)

        return run

    with running(*map(script, conversations)) as server:
        yield server


@contextlib.contextmanager
def reaching(base_url: str, bounds: Bounds = BOUNDS) -> Iterator[HttpTransport]:
    """Yield a transport and closes it."""
    with contextlib.closing(HttpTransport(base_url, bounds=bounds)) as transport:
        yield transport


def answer_to(answer: bytes | Script, request: Request = PING, bounds: Bounds = BOUNDS) -> Response:
    """Return the response that the transport reads from one answer."""
    with serving([answer]) as server, reaching(server.url, bounds) as transport:
        return transport.send(request)


def chunked(*chunks: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    """Return an answer in chunks."""
    body = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + end
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body


def encoded(coding: str, body: bytes) -> bytes:
    """Return an answer in a content coding."""
    return f"HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def lingering(answer: bytes) -> Script:
    """Return a script that sends an answer and leaves the connection open."""

    def run(connection: socket.socket) -> None:
        connection.sendall(answer)
        with contextlib.suppress(OSError):
            connection.recv(1)

    return run


def dripping(every: float, data: bytes) -> Script:
    """Return a script that sends one byte `every` so many seconds."""

    def run(connection: socket.socket) -> None:
        for index in range(len(data)):
            connection.sendall(data[index : index + 1])
            time.sleep(every)

    return run


def dripping_body(connection: socket.socket) -> None:
    """Send an answer's head at once, and its chunks one by one."""
    connection.sendall(chunked(end=b""))
    dripping(0.04, b"1\r\nx\r\n" * 20)(connection)


def reset(connection: socket.socket) -> None:
    """Make the next close reset the connection."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def refusal(transport: HttpTransport) -> str:
    """Return the reason why an exchange breaks."""
    with pytest.raises(ExchangeError) as caught:
        transport.send(PING)
    return str(caught.value)
