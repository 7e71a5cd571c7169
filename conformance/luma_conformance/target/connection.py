"""Sockets under a deadline: dials, writes, and lets the standard library parse the answer. The engine room of `http`.

A bound that only limits each read lets a server that drips one byte at a time go on for ever; so every read and
write here gets what remains of the whole exchange's time, and no more.
"""

from __future__ import annotations

import io
import re
import socket
import ssl
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from http.client import BadStatusLine, HTTPException, HTTPResponse, IncompleteRead
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Final

from luma_conformance.errors import ExchangeError
from luma_conformance.model import Headers, Response, header

Found = Sequence[tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]]
"""What the resolver says of a host."""

CHUNK: Final = 65_536
SOON: Final = 1.0
"""Seconds within which a kept connection that fails unheard counts as one that had been closed before."""

_FOLD = re.compile(r"[ \t]*[\r\n]+[ \t]*")
_WINDOWS: Final = {"gzip": (31,), "x-gzip": (31,), "deflate": (15, -15)}
"""How zlib is to read each content coding; deflate comes with and without its own header."""
_NO_TLS: Final = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "UNEXPECTED_EOF_WHILE_READING")
"""What OpenSSL says of a server that speaks something else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadBounds:
    """What precedes a body: `size` in bytes and `fields`, over all heads of one answer, and how many are `interim`."""

    size: int
    fields: int
    interim: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request in bytes, how messages call it, where it goes, and its bounds.

    `connect` and `total` are in seconds, `due` in seconds of the monotonic clock, `limit` in bytes of body.
    """

    shown: str
    method: str
    host: str
    port: int
    secure: bool
    head: bytes = field(repr=False)
    body: bytes = field(repr=False)
    connect: float
    total: float
    due: float
    limit: int
    heads: HeadBounds
    is_file: bool


class _OverBound(HTTPException):
    """Says which bound the head of an answer crossed."""


class Stale(Exception):
    """Says that a kept connection had been closed before the request came: nothing was heard on it."""


def dial(call: Call) -> Connection:
    """Opens a connection; raises ExchangeError with what to do about it."""
    where = f"{call.host}:{call.port}"
    until = min(call.due, time.monotonic() + call.connect)
    try:
        sock = _connected(_found(call, until), until)
    except TimeoutError:
        raise ExchangeError(f"{where} accepts no connection within {call.connect:g} s") from None
    except ConnectionRefusedError:
        raise ExchangeError(f"nothing listens at {where} (connection refused); is the server running there?") from None
    except (socket.gaierror, ValueError) as error:
        why = getattr(error, "strerror", None) or "not a host name"
        raise ExchangeError(f"the name {call.host} is not known ({why}); check the spelling of the URL") from None
    except OSError as error:
        raise ExchangeError(f"no connection to {where}: {error.strerror or error}") from None
    return Connection(_secured(sock, call, until) if call.secure else sock)


def _found(call: Call, until: float) -> Found:
    """Returns a host's addresses; raises ExchangeError where the resolver, which takes no deadline, has none yet."""
    answers: SimpleQueue[Found | OSError | ValueError] = SimpleQueue()

    def ask() -> None:
        try:
            answers.put(socket.getaddrinfo(call.host, call.port, type=socket.SOCK_STREAM))
        except (OSError, ValueError) as error:
            answers.put(error)

    Thread(target=ask, name=f"resolving {call.host}", daemon=True).start()
    try:
        answer = answers.get(timeout=max(until - time.monotonic(), 0.001))
    except Empty:
        raise ExchangeError(
            f"the name {call.host} has no address within {call.connect:g} s; is there a network?"
        ) from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def _connected(found: Found, until: float) -> socket.socket:
    """Returns a socket to the first of a host's addresses that accepts; each gets its share of the time."""
    failure = OSError("the host has no address")
    for untried, (family, kind, protocol, _, where) in zip(range(len(found), 0, -1), found, strict=True):
        try:
            sock = socket.socket(family, kind, protocol)
        except OSError as error:
            failure = error
            continue
        try:
            sock.settimeout(max(until - time.monotonic(), 0.001) / untried)
            sock.connect(where)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            sock.close()
            failure = error
        else:
            return sock
    raise failure


def _secured(sock: socket.socket, call: Call, until: float) -> socket.socket:
    """Returns the socket under TLS; raises ExchangeError that names what is wrong with the certificate."""
    try:
        sock.settimeout(max(until - time.monotonic(), 0.001))
        return _tls().wrap_socket(sock, server_hostname=call.host)
    except ssl.SSLCertVerificationError as error:
        hint = "; if its authority is your own, set SSL_CERT_FILE"
        why = f"its certificate is not accepted: {error.verify_message}{hint}"
    except TimeoutError:
        why = "the handshake takes too long"
    except ssl.SSLError as error:
        why = "it does not seem to speak TLS; did you mean http://?" if error.reason in _NO_TLS else str(error)
    except (OSError, ValueError) as error:
        why = f"the handshake broke off: {error}"
    sock.close()
    raise ExchangeError(f"no TLS connection to {call.host}:{call.port}: {why}")


@cache
def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


class _Wire(io.RawIOBase):
    """A socket whose every read and write gets the time that remains until `due`; at rest it has nothing to read."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__()
        self.sock = sock
        self.due: float | None = None
        self.heard = 0
        self.ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self.due is None:
            return None
        count = self._timed(self.due).recv_into(buffer)
        self.heard += count
        self.ended = not count
        return count

    def write_all(self, data: bytes, due: float) -> None:
        """Sends all of it; raises TimeoutError when the time is up."""
        rest = memoryview(data)
        while rest:
            rest = rest[self._timed(due).send(rest[:CHUNK]) :]

    def close(self) -> None:
        self.sock.close()
        super().close()

    def _timed(self, due: float) -> socket.socket:
        remaining = due - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        self.sock.settimeout(remaining)
        return self.sock


class _Reader(io.BufferedReader):
    """A reader that outlives the responses read from it: what they close is only their own view.

    Between `begin_head` and `end_head` it counts what it reads.
    """

    _bounds: HeadBounds | None = None

    def begin_head(self, bounds: HeadBounds) -> None:
        """Counts from here; `readline` raises _OverBound once it is too much."""
        self._bounds = bounds
        self._size = self._fields = self._heads = 0
        self._inside = False

    def end_head(self) -> None:
        """Counts no more."""
        self._bounds = None

    def readline(self, size: int | None = -1, /) -> bytes:
        line = super().readline(size)
        if self._bounds is not None:
            self._count(line, self._bounds)
        return line

    def _count(self, line: bytes, bounds: HeadBounds) -> None:
        self._size += len(line)
        blank = not line.strip(b"\r\n")
        self._fields += self._inside and not blank  # the first line of a head is its status
        self._heads += self._inside and blank
        self._inside = not blank
        if self._size > bounds.size:
            raise _OverBound(f"the answer's head is over {bounds.size} bytes, which is the bound")
        if self._fields > bounds.fields:
            raise _OverBound(f"the answer has over {bounds.fields} header fields, which is the bound")
        if self._heads > bounds.interim + 1:
            raise _OverBound(f"over {bounds.interim} interim (1xx) answers came, which is the bound, and no other")

    def close(self) -> None:
        pass

    def flush(self) -> None:
        pass


class Connection:
    """One connection and the exchanges on it, one after another."""

    def __init__(self, sock: socket.socket) -> None:
        self._wire = _Wire(sock)
        self._reader = _Reader(self._wire)
        self._used = False

    def makefile(self, mode: str) -> io.BufferedReader:
        """Returns the reader, where `http.client` asks a socket for a new one."""
        return self._reader

    def close(self) -> None:
        """Closes the socket."""
        self._wire.close()

    def rests(self) -> bool:
        """Tells whether the other side has neither closed the connection nor sent anything unasked."""
        sock = self._wire.sock
        try:
            sock.settimeout(0)
            sock.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            return True
        except OSError:
            return False
        return False

    def exchange(self, call: Call) -> tuple[Response, bool]:
        """Returns the answer and whether the connection may be kept; raises ExchangeError, or Stale."""
        wire, begun = self._wire, time.monotonic()
        wire.due, wire.heard = call.due, 0
        try:
            self._write(call)
            response = self._answer(call)
            headers = _fields(response)
            body = _body(response, headers, call)
        except (OSError, HTTPException) as error:
            unheard = isinstance(error, ConnectionError) and wire.heard == 0
            if self._used and unheard and time.monotonic() - begun < SOON:
                raise Stale from None
            raise ExchangeError(f"{call.shown}: {_why(error, call, wire.heard)}") from None
        wire.due, self._used = None, True
        keep = response.isclosed() and not response.will_close and not self._reader.peek(1)
        return Response(status=response.status, headers=headers, body=body), keep

    def _write(self, call: Call) -> None:
        together = len(call.body) <= CHUNK
        try:
            for part in (call.head + call.body,) if together else (call.head, call.body):
                self._wire.write_all(part, call.due)
        except (BrokenPipeError, ConnectionResetError):
            pass  # a server may answer, and close, before it has read a long body: the answer counts

    def _answer(self, call: Call) -> HTTPResponse:
        """Returns the head of the answer, interim ones skipped."""
        self._reader.begin_head(call.heads)
        while True:
            response = HTTPResponse(self, method=call.method)  # type: ignore[arg-type]
            response.begin()
            if self._wire.ended:  # where http.client sees the end of the head, there is only the end
                raise IncompleteRead(b"")
            if not 100 <= response.status < 200 or response.status == 101:
                self._reader.end_head()
                return response
            response.read()


def _fields(response: HTTPResponse) -> Headers:
    return tuple((name, _FOLD.sub(" ", value).strip(" \t")) for name, value in response.getheaders())


def _body(response: HTTPResponse, headers: Headers, call: Call) -> bytes:
    """Returns the body, inflated; of a file only what the bound allows."""
    limit = call.limit
    length = header(headers, "Content-Length")
    if length is not None and not (length.isascii() and length.isdecimal()):
        raise ExchangeError(f"{call.shown}: the answer's Content-Length is {length[:40]!r}")
    if (response.length or 0) > limit and not call.is_file:
        raise ExchangeError(f"{call.shown}: the answer's body has {response.length} bytes; the bound is {limit}")
    pieces, size = [], 0
    while piece := response.read(min(CHUNK, limit + 1 - size)):
        pieces.append(piece)
        size += len(piece)
        if size > limit:
            break
    body = b"".join(pieces)
    if size > limit and not call.is_file:
        raise ExchangeError(f"{call.shown}: the answer's body is over {limit} bytes, which is the bound")
    if size <= limit and response.length:
        raise IncompleteRead(body, response.length)
    return body[:limit] if call.is_file else _inflated(body, headers, call)


def _inflated(body: bytes, headers: Headers, call: Call) -> bytes:
    coding = (header(headers, "Content-Encoding") or "identity").strip().lower()
    if not body or coding == "identity":
        return body
    for window in _WINDOWS.get(coding, ()):
        inflater = zlib.decompressobj(window)
        try:
            plain = inflater.decompress(body, call.limit + 1)
        except zlib.error:
            continue
        if len(plain) > call.limit:
            raise ExchangeError(f"{call.shown}: the answer inflates to over {call.limit} bytes, which is the bound")
        if inflater.eof:
            return plain
    known = coding in _WINDOWS
    why = "its body is not that" if known else "which was not asked for; the kit reads gzip and deflate"
    raise ExchangeError(f"{call.shown}: the answer's Content-Encoding is {coding[:40]!r}, {why}")


def _why(error: Exception, call: Call, heard: int) -> str:
    """Returns how an exchange broke, in one line."""
    if isinstance(error, _OverBound):
        return str(error)
    if isinstance(error, TimeoutError):
        came = f"{heard} bytes of an answer came" if heard else "nothing came"
        return f"no whole answer within {call.total:g} s; {came}"
    if isinstance(error, ConnectionError) and not heard:
        return "the server closed the connection without an answer"
    if isinstance(error, ConnectionError | IncompleteRead):
        return f"the connection closed in the middle of the answer, after {heard} bytes"
    if isinstance(error, BadStatusLine):
        begins = error.args[0][:60]
        hint = "; did you mean https://?" if begins.startswith("\x15\x03") else ""
        return f"the answer is not HTTP; it begins {begins!r}{hint}"
    return f"the answer breaks HTTP: {ascii(str(error)[:200])[1:-1] or type(error).__name__}"
