"""A small HTTP server on a real socket, from a function that answers requests; the standard library's, with threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from luma_conformance.model import Request, Response

Answer = Callable[[Request], Response]
Read = Callable[[BaseHTTPRequestHandler], bytes]


def read_by_length(handler: BaseHTTPRequestHandler) -> bytes:
    """Return as much of a body as its Content-Length says."""
    return handler.rfile.read(int(handler.headers.get("Content-Length") or 0))


@contextmanager
def answering(answer: Answer, *, read: Read = read_by_length, version: str = "HTTP/1.1") -> Iterator[str]:
    """Yield the base URL of a server that answers each request with what a function returns, one at a time.

    `read` reads the body of a request.
    """
    one_at_a_time = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = version

        def handle_one(self) -> None:
            body = read(self)
            request = Request(
                method=self.command,
                url=self.path,
                headers=tuple((k, str(v)) for k, v in self.headers.items()),
                body=body,
            )
            with one_at_a_time:
                response = answer(request)
            self.send_response(response.status)
            for name, value in (*response.headers, ("Content-Length", str(len(response.body)))):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(response.body)

        do_GET = do_POST = handle_one  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
