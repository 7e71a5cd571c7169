"""The reference over HTTP: a thin adapter between an ASGI server and `Service.handle`."""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from luma_conformance.errors import InputError
from luma_conformance.model import Request, Response
from luma_conformance.reference.clock import WallClock
from luma_conformance.reference.origin import FORWARDED
from luma_conformance.reference.service import MOST_BODY, Service
from luma_conformance.reference.settings import Settings

if TYPE_CHECKING:
    import uvicorn

_LAST_PORT: Final = 65_535
Handle = Callable[[Request], Response]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


def application(handle: Handle) -> Callable[[Message, Receive, Send], Awaitable[None]]:
    """Return an ASGI application that answers with `handle`."""

    async def answer(scope: Message, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        chunks: list[bytes] = []
        more, size = True, 0
        while more and size <= MOST_BODY:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            chunks.append(message.get("body", b""))
            size += len(chunks[-1])
            more = message.get("more_body", False)
        response = handle(_request(scope, b"".join(chunks)))
        headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.headers]
        headers.append((b"content-length", str(len(response.body)).encode()))
        if more:
            headers.append((b"connection", b"close"))  # the rest of the body is not read
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else response.body})

    return answer


def run(
    settings: Settings,
    host: str,
    port: int,
    announce: Callable[[str], None] = print,
    wrap: Callable[[Handle], Handle] = lambda handle: handle,
) -> None:
    """Serve a reference until it is interrupted; raise InputError if it cannot listen, or uvicorn is not installed.

    `wrap` can replace its handler by another one, such as one that logs.
    """
    server = _server(wrap(Service(clock=WallClock(), settings=settings).handle))
    listening = _listen(host, port)
    shown = f"[{host}]" if ":" in host else host
    announce(f"reference Luma Agents API on http://{shown}:{listening.getsockname()[1]}  (Ctrl-C stops it)")
    try:
        server.run(sockets=[listening])
    except KeyboardInterrupt:
        pass
    finally:
        listening.close()


@contextmanager
def serving(
    settings: Settings | None = None, *, wrap: Callable[[Handle], Handle] = lambda handle: handle
) -> Iterator[str]:
    """Serve a reference in a thread, on a free port of this machine, and yield its URL.

    `wrap` can replace its handler by another one, such as a deliberately wrong server.
    """
    server = _server(wrap(Service(clock=WallClock(), settings=settings or Settings()).handle))
    listening = _listen("127.0.0.1", 0)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while thread.is_alive() and not server.started:
        thread.join(0.001)  # it imports modules first, which must not go on when whoever asked for it begins
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


def _request(scope: Message, body: bytes) -> Request:
    query = scope["query_string"].decode("latin-1")
    path = scope["raw_path"].decode("latin-1")
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])
    if not _is_loopback(scope.get("client")):
        # Anybody can send these headers. Only a proxy on this machine is believed, as uvicorn has it by default.
        headers = tuple(field for field in headers if field[0].lower() not in FORWARDED)
    return Request(method=scope["method"], url=f"{path}?{query}" if query else path, headers=headers, body=body)


def _is_loopback(client: tuple[str, int] | None) -> bool:
    """Return whether a peer is on this machine; one without an address, behind a Unix socket, is."""
    if client is None:
        return True
    try:
        peer = ipaddress.ip_address(client[0])
    except ValueError:
        return False
    return (getattr(peer, "ipv4_mapped", None) or peer).is_loopback


def _listen(host: str, port: int) -> socket.socket:
    if not 0 <= port <= _LAST_PORT:
        raise InputError(f"cannot listen on {host}:{port}: ports go from 0 to {_LAST_PORT}; --port 0 takes a free port")
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise InputError(f"cannot listen on {host}:{port}: {error}; --port 0 takes a free port") from None
    # What is accepted inherits it: asyncio leaves it off here, and the price is 40 ms an answer.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def _server(handle: Handle) -> uvicorn.Server:
    """Return the server of a service; raise InputError where the extra that brings it is not installed."""
    try:
        import uvicorn

        from luma_conformance.reference.patience import Connection
    except ModuleNotFoundError:
        install = "pip install 'luma-agents-conformance[serve]'"
        raise InputError(f"serving the reference needs uvicorn: {install}") from None

    config = uvicorn.Config(
        application(handle),
        interface="asgi3",
        http=Connection,
        proxy_headers=False,
        date_header=False,
        lifespan="off",
        ws="none",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config)
