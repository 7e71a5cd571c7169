"""Requests to a target over the network, with a bound on everything the other side controls.

Sockets, TLS and the parser take time to import, and a run on the embedded reference needs none of them: `session.open`
imports this module when a target is live.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import quote, urlsplit

import luma_conformance
from luma_conformance.errors import ExchangeError, InputError
from luma_conformance.model import Request, Response, header
from luma_conformance.shown import show_line
from luma_conformance.target.bounds import Bounds
from luma_conformance.target.connection import Call, Connection, Stale, check_certificate, dial, speaks_tls
from luma_conformance.target.gateway import Gateway
from luma_conformance.target.reach import Reach

SLOWEST_UPLOAD: Final = 500_000
"""Bytes a second: a request's own size extends its deadline, or no slow line could send 70 MB."""

MAX_URL: Final = 200
"""Characters of a URL that a message shows."""
_PROBING: Final = 3.0
"""Seconds in which a server may show that it speaks TLS."""
_PORTS: Final = {"http": 80, "https": 443}
_OF_FILES: Final = ("content-type", "content-length")
_BLANK = re.compile(r"[\s\0-\x20\x7f]")
_PRINTABLE = re.compile(r"[!-~]*")
_LEGAL = "".join(map(chr, range(0x21, 0x7F)))
_FIELD_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NOT_A_VALUE = re.compile(r"[\r\n\0]|[^\0-\xff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a server is; `path` is what precedes the API's own paths, without a slash at its end."""

    scheme: str
    host: str
    port: int
    path: str = ""

    @property
    def authority(self) -> str:
        """Host and port as the Host header has them, a usual port left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.path}"


class RealClock:
    """The time of the wall."""

    def now(self) -> float:
        """Return Unix time in seconds."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Wait for `seconds`."""
        time.sleep(seconds)


def parse_base_url(text: str) -> Address:
    """Return where a base URL points, a final /v1 left off; raise InputError with the likely fix."""
    try:
        address, rest = _parse(text)
        if rest:
            raise ValueError("has a query or a fragment; leave out what follows ? or #")
        if address.path.endswith("/v1/generations"):
            raise ValueError("is an endpoint; give what comes before /v1/generations")
    except ValueError as error:
        raise InputError(f"base URL '{_shown(text)}' {error}") from None
    return replace(address, path=address.path.removesuffix("/v1").rstrip("/"))


def is_loopback(base_url: str) -> bool:
    """Return whether a base URL names this very machine: localhost, 127.0.0.0/8 or ::1; raise InputError."""
    host = parse_base_url(base_url).host
    if host.removesuffix(".") == "localhost":
        return True
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return False
    return (getattr(found, "ipv4_mapped", None) or found).is_loopback


def _parse(text: str) -> tuple[Address, str]:
    """Return a URL's address, and its query or fragment; raise ValueError with a reason that continues "URL … "."""
    if not text or _BLANK.search(text):
        raise ValueError("has white space in it" if text else "is empty")
    if "://" not in text:
        guess = "http" if re.match(r"localhost\b|127\.|\[", text) else "https"
        raise ValueError(f"has no scheme; did you mean {guess}://{_shown(text)}?")
    parts = urlsplit(text)
    if parts.scheme not in _PORTS:
        raise ValueError("is neither http nor https")
    if "@" in parts.netloc:
        raise ValueError("has credentials in it; a key belongs in an environment variable")
    if not parts.hostname:
        raise ValueError("names no host")
    host = parts.hostname if parts.hostname.isascii() else parts.hostname.encode("idna").decode()
    port = _PORTS[parts.scheme] if parts.port is None else parts.port
    path = _target(parts.path.rstrip("/"))
    return Address(scheme=parts.scheme, host=host, port=port, path=path), parts.query or parts.fragment


def _shown(url: str) -> str:
    """Return a URL for a message: without credentials, query (a presigned one is a secret) and fragment."""
    return show_line(_strip(url), MAX_URL)


def _strip(url: str) -> str:
    scheme, slashes, rest = url.partition("://") if "://" in url else ("", "", url)
    authority, slash, path = re.split(r"[?#]", rest, maxsplit=1)[0].partition("/")
    return f"{scheme}{slashes}{authority.rpartition('@')[2]}{slash}{path}"


def _target(url: str) -> str:
    """Return a path and query as a request line may have them: what is already legal stays as it is."""
    return url if _PRINTABLE.fullmatch(url) else quote(url, safe=_LEGAL)


class HttpTransport:
    """A Transport to one base URL over one kept connection, plus one short-lived connection for each absolute URL.

    Follows no redirect, uses no proxy, and is for one thread. What `gateway` adds goes to the base URL's scheme, host
    and port, where a file may be too, and nowhere else.
    """

    def __init__(self, base_url: str, *, bounds: Bounds = Bounds(), gateway: Gateway = Gateway()) -> None:
        self._base = parse_base_url(base_url)
        self._bounds = bounds
        self._gateway = gateway
        if gateway.certificate is not None:
            if self._base.scheme != "https":
                raise InputError(f"a client certificate is only shown over TLS, and {self._base} begins with http://")
            check_certificate(gateway.certificate)
        self._kept: Connection | None = None
        self._reach = Reach(target=(self._base.host, self._base.port))

    def follow_to(self, origins: Iterable[str]) -> None:
        """Let the target's URLs lead to these origins too; raise InputError for what is none."""
        places = [(address.host, address.port) for address in map(parse_base_url, origins)]
        self._reach = replace(self._reach, named=frozenset(places))

    def send(self, request: Request) -> Response:
        """Return the answer; raise ExchangeError if none comes within bounds, InputError for what cannot be sent.

        An absolute URL is a file's: it is fetched without a key, and no further than `Bounds.body` bytes. Of what comes
        only status, type, length and digest are returned. Raise NotFollowed where it leads further than allowed.
        """
        if not request.url.startswith("/"):
            return self._fetch(request)
        call = self._call(request, self._base, self._base.path + _target(request.url))
        if (kept := self._take()) is not None:
            try:
                return self._exchange(kept, call)
            except Stale:
                pass  # it had been closed before our request came
        return self._exchange(self._dial(call), call)

    def close(self) -> None:
        """Close the kept connection; a later request opens a new one."""
        if self._kept is not None:
            self._kept.close()
            self._kept = None

    def suggest(self) -> str:
        """Return what may be wrong with the base URL where a first exchange broke, to end its message, or nothing."""
        base = self._base
        if base.scheme != "http" or not speaks_tls(base.host, base.port, min(self._bounds.connect, _PROBING)):
            return ""
        return "; the server speaks TLS there, so the base URL begins with https://"

    def _take(self) -> Connection | None:
        """Return the kept connection if it is still fit for use."""
        kept, self._kept = self._kept, None
        if kept is None or kept.rests():
            return kept
        kept.close()
        return None

    def _dial(self, call: Call) -> Connection:
        """Open a connection to the target, whose name may not change from a public address to one of a network."""
        connection = dial(replace(call, outside=self._reach.is_outside))
        if connection.is_outside and not self._reach.is_outside:
            self._reach = replace(self._reach, is_outside=True)
        return connection

    def _exchange(self, connection: Connection, call: Call) -> Response:
        keep = False
        try:
            response, keep = connection.exchange(call)
        finally:
            if keep:
                self._kept = connection
            else:
                connection.close()
        return response

    def _fetch(self, request: Request) -> Response:
        if header(request.headers, "Authorization") is not None:
            raise InputError(f"the key is not sent to {_shown(request.url)}: only the target itself gets it")
        try:
            address, _ = _parse(request.url)
        except ValueError as error:
            raise ExchangeError(f"the target's URL '{_shown(request.url)}' {error}") from None
        parts = urlsplit(request.url)
        target = _target((parts.path or "/") + (f"?{parts.query}" if parts.query else ""))
        call = self._call(request, address, target, file=f"{request.method} {_shown(request.url)}")
        connection = dial(call)
        try:
            return _describe(connection.exchange(call)[0])
        finally:
            connection.close()

    def _call(self, request: Request, address: Address, target: str, file: str | None = None) -> Call:
        if ours := replace(address, path="") == replace(self._base, path=""):
            request = replace(request, headers=self._gateway.add_to(request.headers))
        total = self._bounds.total + len(request.body) / SLOWEST_UPLOAD
        return Call(
            shown=file or f"{request.method} {address.scheme}://{address.authority}{target}",
            method=request.method,
            host=address.host,
            port=address.port,
            secure=address.scheme == "https",
            certificate=self._gateway.certificate if ours else None,
            head=_head(request, address.authority, target, "application/json" if file is None else "*/*"),
            body=_frame(request),
            pieces=request.pieces,
            bounds=self._bounds,
            total=total,
            due=time.monotonic() + total,
            cut=file is not None,
            reach=self._reach if file is not None else None,
        )


def _describe(file: Response) -> Response:
    """Return a response that tells of a file without containing it."""
    digest = hashlib.sha256(file.body).hexdigest()
    told = f"{len(file.body)} bytes, sha256 {digest}".encode() if file.body else b""
    kept = tuple((name, value) for name, value in file.headers if name.lower() in _OF_FILES)
    return replace(file, headers=kept, body=told)


def _frame(request: Request) -> bytes:
    """Return a request's body as it is sent: as it is, or in chunks (RFC 9112, 7.1)."""
    body = request.body
    if (header(request.headers, "Transfer-Encoding") or "").lower() != "chunked":
        return body
    size = request.chunk or len(body) or 1
    parts = (body[at : at + size] for at in range(0, len(body), size))
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def _head(request: Request, authority: str, target: str, accept: str) -> bytes:
    """Return the request line and header fields: those given, and what every request of ours has."""
    given = {name.lower() for name, _ in request.headers}
    fields = [*request.headers, ("User-Agent", f"luma-conformance/{luma_conformance.__version__}"), ("Accept", accept)]
    if (request.body or request.method not in ("GET", "HEAD")) and "transfer-encoding" not in given:
        fields.append(("Content-Length", str(len(request.body))))
    count = len(request.headers)
    fields[count:] = [field for field in fields[count:] if field[0].lower() not in given]
    if "host" not in given:
        fields.insert(0, ("Host", authority))
    for name, value in fields:
        if not _FIELD_NAME.fullmatch(name):
            raise InputError(f"{name!r} is not the name of a header")
        if _NOT_A_VALUE.search(value):
            raise InputError(f"the value of header {name} has a line break or a character outside Latin-1")
    lines = [f"{request.method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields), "", ""]
    return "\r\n".join(lines).encode("latin-1")
