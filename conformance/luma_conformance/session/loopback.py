"""A small HTTP server on the loopback interface for miniatures that are wrong, or unusual, about HTTP itself."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from http import HTTPStatus
from socketserver import BaseRequestHandler, ThreadingTCPServer

from luma_conformance.miniatures.miniature import CONNECTION, Handle, Wire
from luma_conformance.model import Headers, Request, Response, header
from luma_conformance.session.http_reader import Stream


@contextmanager
def serve_loopback(handle: Handle, wire: Wire) -> Iterator[str]:
    """Serve a handler on a free port of this machine, as `wire` says, and yield its URL."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.handle, server.wire = handle, wire
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


class _Server(ThreadingTCPServer):
    """The socket, and what all connections share."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64
    handle: Handle
    wire: Wire

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self.lock = threading.Lock()
        self.count = 0

    def handle_error(self, *_: object) -> None:
        """Say nothing of a client that went away."""


class _Handler(BaseRequestHandler):
    """One connection."""

    server: _Server

    def handle(self) -> None:
        """Answer requests until the connection ends."""
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream, wire = Stream(self.request), self.server.wire
        with self.server.lock:
            self.server.count += 1
            number = self.server.count
        first: Request | None = None
        count = 0
        with suppress(EOFError, OSError, ValueError):
            while True:
                request = self._read(stream)
                first = first or request
                count += 1
                request = replace(request, headers=(*request.headers, (CONNECTION, str(number))))
                response = self._answer(_confuse(request, first, wire), count)
                self._write(request, response)
                if not wire.keeps_alive or header(request.headers, "Connection") == "close":
                    return

    def _read(self, stream: Stream) -> Request:
        method, url, _, headers = stream.read_head()
        wire = self.server.wire
        if (header(headers, "Expect") or "").lower() == "100-continue" and wire.continues:
            self.request.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        return Request(method=method, url=url, headers=headers, body=self._read_body(stream, headers))

    def _read_body(self, stream: Stream, headers: Headers) -> bytes:
        wire = self.server.wire
        if "chunked" in (header(headers, "Transfer-Encoding") or "").lower():
            return stream.read_chunks() if wire.reads_chunked else b""
        length = int(header(headers, "Content-Length") or 0)
        if not length or wire.reads_on:
            return stream.read(length)
        if not stream.waiting:
            stream.receive()
        return stream.read(min(length, len(stream.waiting)))

    def _answer(self, request: Request, count: int) -> Response:
        wire = self.server.wire
        most = wire.most_requests is not None and count % wire.most_requests == 0
        refused = any(name.lower() in wire.refuses for name, _ in request.headers)
        with self.server.lock:
            response = self.server.handle(request)
        if not most and not refused:
            return response
        status = 503 if most else 400
        return replace(response, status=status, body=b'{"detail": "Request is not supported"}')

    def _write(self, request: Request, response: Response) -> None:
        wire, body = self.server.wire, response.body
        headers = [*response.headers]
        if wire.compresses and "gzip" in (header(request.headers, "Accept-Encoding") or ""):
            body = gzip.compress(body)
            headers.append(("Content-Encoding", "gzip"))
        if wire.chunks:
            headers.append(("Transfer-Encoding", "chunked"))
            body = b"".join(b"%x\r\n%s\r\n" % (len(one), one) for one in _split(body)) + b"0\r\n\r\n"
        else:
            headers.append(("Content-Length", str(len(body))))
        if not wire.keeps_alive:
            headers.append(("Connection", "close"))
        lines = [f"{name.lower() if wire.lower_names else name}: {value}" for name, value in headers]
        phrase = HTTPStatus(response.status).phrase if response.status in [*HTTPStatus] else "Unknown"
        head = "\r\n".join([f"{wire.version} {response.status} {phrase}", *lines, "", ""]).encode("latin-1", "replace")
        raw = head + (b"" if request.method == "HEAD" else body)
        for piece in _split(raw, max(1, len(raw) // 4)) if wire.dribbles else (raw,):
            self.request.sendall(piece)
            if wire.dribbles:
                time.sleep(0.0002)


def _confuse(request: Request, first: Request, wire: Wire) -> Request:
    """Return a request with what a server that mixes up the requests of a connection takes from the first."""
    if wire.first_body and request.method == first.method:
        request = replace(request, body=first.body)
    taken = [name for name, is_on in (("x-request-id", wire.first_id), ("authorization", wire.first_key)) if is_on]
    for name in taken:
        kept = tuple(one for one in request.headers if one[0].lower() != name)
        request = replace(request, headers=(*kept, *(one for one in first.headers if one[0].lower() == name)))
    return request


def _split(raw: bytes, length: int = 100) -> list[bytes]:
    return [raw[start : start + length] for start in range(0, len(raw), length)]
