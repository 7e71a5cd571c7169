"""A plain loopback server for the reference on virtual time, which knows whether it owes anybody an answer."""

from __future__ import annotations

import selectors
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from luma_conformance.model import Request, Response


class LoopbackServer(ThreadingHTTPServer):
    """The server, and which of its connections are at rest: nothing has come that is not answered."""

    request_queue_size = 128
    daemon_threads = False  # `server_close` waits for them

    def __init__(self, answer: Callable[[Request], Response | None]) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.answer = answer
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self._busy = 0
        self._resting: set[socket.socket] = set()
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()

    def is_busy(self) -> bool:
        """Return whether anything has been sent to this server that it has not answered whole."""
        with self._lock, selectors.DefaultSelector() as selector:
            for one in (self.socket, *self._resting):
                selector.register(one, selectors.EVENT_READ)
            return self._busy > 0 or bool(selector.select(0))

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection, which counts as busy from before it is taken from the queue."""
        with self._lock:
            self._busy += 1
        try:
            connection, address = super().get_request()
        except OSError:
            with self._lock:
                self._busy -= 1
            raise
        with self._lock:
            self._open.add(connection)
        return connection, address

    def await_request(self, connection: socket.socket) -> bool:
        """Let a connection rest until something comes; return False where that is its end."""
        with self._lock:
            self._resting.add(connection)
            self._busy -= 1
        came = b""
        with suppress(OSError):
            came = connection.recv(1, socket.MSG_PEEK)  # it stays there, and is seen, until busy has been counted
        with self._lock:
            self._resting.discard(connection)
            self._busy += 1
        return bool(came)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection, and count it no more."""
        with self._lock:
            self._open.discard(request)
            self._busy -= 1
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """End every connection."""
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, *_: object) -> None:
        """Say nothing of a client that went away."""


class _Connection(BaseHTTPRequestHandler):
    """One connection, which is kept alive."""

    server: LoopbackServer
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body leave together
    disable_nagle_algorithm = True

    def handle(self) -> None:
        """Answer requests until the connection ends."""
        self.close_connection = False
        while not self.close_connection and self.server.await_request(self.connection):
            self.handle_one_request()

    def _respond(self) -> None:
        request = Request(
            method=self.command, url=self.path, headers=tuple(self.headers.items()), body=self._read_body()
        )
        response = self.server.answer(request)
        if response is None:
            self.close_connection = True
            return
        self.send_response_only(response.status)
        for name, value in (*response.headers, ("Content-Length", str(len(response.body)))):
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _respond  # noqa: N815

    def _read_body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", "").lower():
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = bytearray()
        while length := int(self.rfile.readline().partition(b";")[0], 16):
            body += self.rfile.read(length)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return bytes(body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@contextmanager
def serve(answer: Callable[[Request], Response | None]) -> Iterator[LoopbackServer]:
    """Serve what `answer` makes of requests, on a free port of this machine; None drops the connection."""
    server = LoopbackServer(answer)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.hang_up()
        server.server_close()
