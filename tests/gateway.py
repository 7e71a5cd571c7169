"""A gateway as it stands before many a server: TLS, a prefix, a token of its own, perhaps client certificates."""

from __future__ import annotations

import http.client
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from tests.target.test_connection_tls import CERTIFICATE

PREFIX = "/luma"
TOKEN = "gt-c4naryP9xQ7wZ2mK5vT8rB3n"


@dataclass(kw_only=True)
class Gateway:
    """A gateway's URL, how it treats requests, and the paths it has passed on and turned away."""

    upstream: str
    strips: bool
    forwards: bool
    url: str = ""
    passed: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


class Handler(BaseHTTPRequestHandler):
    """Passes a request on if it has the token, and else answers in HTML."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        self._pass_on()

    def do_POST(self) -> None:
        self._pass_on()

    def _pass_on(self) -> None:
        gateway, body = self.server.gateway, self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("X-Gateway-Token") != TOKEN or not self.path.startswith(f"{PREFIX}/"):
            gateway.refused.append(self.path)
            self._answer(403, [("Content-Type", "text/html")], b"<h1>who are you?</h1>")
            return
        gateway.passed.append(self.path)
        headers = {name: value for name, value in self.headers.items() if name != "X-Gateway-Token"}
        if gateway.forwards:
            headers |= {"X-Forwarded-Proto": "https", "X-Forwarded-Host": headers["Host"], "X-Forwarded-Prefix": PREFIX}
        upstream, path = urlsplit(gateway.upstream).netloc, self.path.removeprefix(PREFIX if gateway.strips else "")
        with closing(http.client.HTTPConnection(upstream, timeout=10)) as connection:
            connection.request(self.command, path, body, headers | {"Host": upstream})
            answer = connection.getresponse()
            self._answer(answer.status, answer.getheaders(), answer.read())

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() != "content-length":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Log nothing."""


class Server(ThreadingHTTPServer):
    """The socket of a gateway."""

    gateway: Gateway

    def handle_error(self, *arguments: object) -> None:
        """Say nothing of a client that went away, or was sent away."""


@contextmanager
def gateway_before(
    upstream: str, folder: Path, *, strips: bool = True, forwards: bool = True, certificates: bool = False
) -> Iterator[Gateway]:
    """Yield a gateway before a server; its certificate is written into `folder`.

    `strips`: it takes its prefix off. `forwards`: it says in X-Forwarded-* what it was asked for, and else hides it.
    `certificates`: it takes only clients that show its own certificate.
    """
    pem = folder / "localhost.pem"
    pem.write_text(CERTIFICATE)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    if certificates:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(pem)
    with Server(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.gateway = Gateway(upstream=upstream, strips=strips, forwards=forwards)
        server.gateway.url = f"https://127.0.0.1:{server.server_port}{PREFIX}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server.gateway
        server.shutdown()
        thread.join()
