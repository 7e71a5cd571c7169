"""Sockets under a deadline: connect, write, read. What is read is parsed in `response_parser`.

A timeout for each read lets a server that drips one byte at a time go on for ever; so every read and write gets what
remains of the whole exchange's time, and no more.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Final

from luma_conformance.errors import ExchangeError, InputError
from luma_conformance.model import Response
from luma_conformance.reading.text_file import read_text
from luma_conformance.shown import clip
from luma_conformance.target.bounds import Bounds
from luma_conformance.target.gateway import ClientCertificate
from luma_conformance.target.reach import Reach, Resolve, is_public
from luma_conformance.target.response_parser import CHUNK, BadResponse, ResponseParser

Found = Sequence[tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]]
"""The addresses of a host, as the resolver gives them."""

SOON: Final = 1.0
"""Seconds within which a kept connection that fails before a byte came counts as closed before the request."""

APART: Final = 0.002
"""Seconds between two pieces of a request that is to arrive in pieces."""

MAX_PEM: Final = 1_000_000
"""Bytes a file with a certificate or a key may have."""

_QUICK_ACK: Final = getattr(socket, "TCP_QUICKACK", None)
"""Linux's option to acknowledge at once; None elsewhere."""

_NO_TLS: Final = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "UNEXPECTED_EOF_WHILE_READING")
"""OpenSSL's reasons where a server does not speak TLS."""
_NO_TLS_ADVICE: Final = "if it does not speak TLS, the URL begins with http://"
_EXPIRED: Final = (9, 10)
_OTHER_NAME: Final = (62, 64)
"""OpenSSL's codes (X509_V_ERR_…) for a certificate out of its time, and for one of another host or address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request in bytes, how messages name it, where it goes, and its bounds.

    `total` is in seconds, `due` in seconds of the monotonic clock. `cut`: of a body only what `bounds` allow is read.
    Head and body are sent in so many `pieces`, a moment apart. `reach` is how far a URL of the target is followed.
    `outside`: the target itself has answered from a public address, and is not followed into any network.
    """

    shown: str
    method: str
    host: str
    port: int
    secure: bool
    certificate: ClientCertificate | None
    head: bytes = field(repr=False)
    body: bytes = field(repr=False)
    pieces: int
    bounds: Bounds
    total: float
    due: float
    cut: bool
    reach: Reach | None = None
    outside: bool = False


class Stale(Exception):
    """Says that a kept connection had been closed before the request came: no byte of a response was read."""


def dial(call: Call) -> Connection:
    """Open a connection; raise ExchangeError with what to do about it."""
    where = f"{call.host}:{call.port}"
    until = min(call.due, time.monotonic() + call.bounds.connect)
    try:
        found = _found(call.host, call.port, until, call.bounds.connect)
        if call.reach is not None:  # what was looked at is what is connected to: a name may change its address
            addresses = call.reach.choose(call.shown, call.port, (one[4][0] for one in found), _resolving(call, until))
            found = [one for one in found if one[4][0] in addresses]
        elif call.outside:
            found = _check_outside(found, where)
        sock = _connected(found, until)
    except TimeoutError:
        raise ExchangeError(f"{where} accepts no connection within {call.bounds.connect:g} s") from None
    except ConnectionRefusedError:
        raise ExchangeError(f"nothing listens at {where} (connection refused); is the server running there?") from None
    except (socket.gaierror, ValueError) as error:
        why = getattr(error, "strerror", None) or "not a host name"
        raise ExchangeError(f"the name {call.host} is not known ({why}); check the spelling of the URL") from None
    except OSError as error:
        raise ExchangeError(f"no connection to {where}: {error.strerror or error}") from None
    return Connection(_secured(sock, call, until) if call.secure else sock)


def _check_outside(found: Found, where: str) -> Found:
    """Return the public ones of a target's addresses; raise ExchangeError where it has only others by now."""
    if kept := [one for one in found if is_public(one[4][0])]:
        return kept
    led = ", ".join(sorted(one[4][0] for one in found))
    raise ExchangeError(f"{where} has answered from a public address, and now leads to {led}: that is not asked")


def _resolving(call: Call, until: float) -> Resolve:
    def resolve(host: str, port: int) -> frozenset[str]:
        try:
            return frozenset(str(one[4][0]) for one in _found(host, port, until, call.bounds.connect))
        except (ExchangeError, OSError, ValueError):
            return frozenset()

    return resolve


def _found(host: str, port: int, until: float, seconds: float) -> Found:
    """Return a host's addresses; raise ExchangeError where the resolver has none in time.

    The system's resolver takes no deadline, so it runs in a thread of its own, which is left behind.
    """
    answers: SimpleQueue[Found | OSError | ValueError] = SimpleQueue()

    def ask() -> None:
        try:
            answers.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, ValueError) as error:
            answers.put(error)

    Thread(target=ask, name=f"resolving {host}", daemon=True).start()
    try:
        answer = answers.get(timeout=max(until - time.monotonic(), 0.001))
    except Empty:
        raise ExchangeError(f"the name {host} has no address within {seconds:g} s; is there a network?") from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def _connected(found: Found, until: float) -> socket.socket:
    """Return a socket to the first of a host's addresses that accepts; each gets its share of the time."""
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
    """Return the socket under TLS; raise ExchangeError that names what is wrong with the certificate."""
    try:
        sock.settimeout(max(until - time.monotonic(), 0.001))
        return _tls(call.certificate).wrap_socket(sock, server_hostname=call.host, suppress_ragged_eofs=False)
    except ssl.SSLCertVerificationError as error:
        why = f"its certificate is not accepted: {error.verify_message}; {_advise(error.verify_code)}"
    except TimeoutError:
        why = f"the handshake takes too long; {_NO_TLS_ADVICE}"
    except ssl.SSLError as error:
        why = "it does not seem to speak TLS; did you mean http://?" if error.reason in _NO_TLS else str(error)
    except (OSError, ValueError) as error:
        why = f"the handshake broke off: {error}; {_NO_TLS_ADVICE}"
    sock.close()
    raise ExchangeError(f"no TLS connection to {call.host}:{call.port}: {why}")


def speaks_tls(host: str, port: int, seconds: float) -> bool:
    """Return whether a server goes through with a handshake of TLS, whatever its certificate; nothing is sent to it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection((host, port), seconds) as sock:
            context.wrap_socket(sock, server_hostname=host).close()
    except ssl.SSLError as error:
        return "ALERT" in (error.reason or "")  # it wants a client's certificate, or another version
    except (OSError, ValueError):
        return False
    return True


def _advise(code: int) -> str:
    """Return what to do about a certificate, by OpenSSL's code of what is wrong with it."""
    if code in _EXPIRED:
        return "renew it, and check this machine's date"
    if code in _OTHER_NAME:
        return "use a name that it is for, or check that the URL is the right one"
    return "if its authority is your own, set SSL_CERT_FILE"


def check_certificate(certificate: ClientCertificate) -> None:
    """Raise InputError, which says what is wrong with a file, unless the certificate and its key can be used."""
    _tls(certificate)


@cache
def _tls(certificate: ClientCertificate | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    context.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
    if certificate is not None:
        _load(context, certificate)
    return context


def _load(context: ssl.SSLContext, certificate: ClientCertificate) -> None:
    # OpenSSL's own errors name neither the file nor what is missing in it, and for the password of a key it would ask
    # on the terminal, where nobody may sit.
    file, key = certificate.certificate, certificate.key
    if "-----BEGIN CERTIFICATE-----" not in read_text(file, "a client certificate", MAX_PEM):
        raise InputError(f"{file} has no certificate in PEM, which begins with -----BEGIN CERTIFICATE-----")
    secret = read_text(key, "a private key", MAX_PEM)
    if "PRIVATE KEY-----" not in secret:
        raise InputError(f"{key} has no private key in PEM; where it is in another file, write {file},KEYFILE")
    if "ENCRYPTED" in secret:
        raise InputError(f"the private key in {key} is encrypted; `openssl pkey -in {key} -out FILE` decrypts it")
    try:
        context.load_cert_chain(file, key)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise InputError(f"the private key in {key} is not that of the certificate in {file}") from None
        raise InputError(f"{file} and {key} are no certificate and its key: {error.reason or error}") from None


class Connection:
    """One connection and the exchanges on it, one after another."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._used = False

    @property
    def is_outside(self) -> bool:
        """Whether the other end has a public address."""
        with suppress(OSError):
            return is_public(str(self._sock.getpeername()[0]))
        return False

    def close(self) -> None:
        """Close the socket."""
        self._sock.close()

    def rests(self) -> bool:
        """Return whether the other side has neither closed the connection nor sent anything unasked."""
        try:
            self._sock.settimeout(0)
            self._sock.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            return True
        except OSError:
            return False
        return False

    def exchange(self, call: Call) -> tuple[Response, bool]:
        """Return the response and whether the connection may be kept; raise ExchangeError, or Stale."""
        begun, parser = time.monotonic(), ResponseParser(call.method, call.bounds, cut=call.cut)
        try:
            self._write(call)
            self._read(call, parser)
            response = parser.response()
        except (OSError, BadResponse) as error:
            # RFC 9110, 9.2.2: a request that is not idempotent is not sent again unless it was certainly not applied.
            # A POST costs money: only a connection that had been closed before it came, at once and without a byte,
            # is replaced.
            unheard = isinstance(error, ConnectionError) and parser.heard == 0
            if self._used and unheard and time.monotonic() - begun < SOON:
                raise Stale from None
            after = f" (the status was {parser.status})" if parser.status else ""
            raise ExchangeError(f"{call.shown}: {_why(error, call, parser.heard)}{after}") from None
        self._used = True
        return response, parser.keep_alive

    def _write(self, call: Call) -> None:
        together = len(call.body) <= CHUNK  # a second packet of its own would cost a small request a round trip
        parts: tuple[bytes, ...] = (call.head + call.body,) if together else (call.head, call.body)
        if call.pieces > 1:
            whole = call.head + call.body
            size = -(-len(whole) // call.pieces)
            parts = tuple(whole[at : at + size] for at in range(0, len(whole), size))
        try:
            for number, part in enumerate(parts):
                if number and call.pieces > 1:
                    time.sleep(APART)  # or the other side would read what arrived together as one
                rest = memoryview(part)
                while rest:
                    rest = rest[self._timed(call).send(rest[:CHUNK]) :]
        except (BrokenPipeError, ConnectionResetError, ssl.SSLEOFError):
            # RFC 9112, 9.5: a server may answer, and close, before it has read a long body, and a client is to look
            # for that answer while it sends.
            pass

    def _read(self, call: Call, parser: ResponseParser) -> None:
        while not parser.complete:
            sock = self._timed(call)
            if _QUICK_ACK is not None:
                # A server that writes head and body apart waits, by Nagle's algorithm, for the acknowledgement of the
                # head before it sends the body; delayed, that costs 40 ms a request. The option holds for a moment.
                sock.setsockopt(socket.IPPROTO_TCP, _QUICK_ACK, 1)
            try:
                data = sock.recv(parser.room)
            except ssl.SSLEOFError:
                parser.break_off()
            else:
                parser.feed(data) if data else parser.end()

    def _timed(self, call: Call) -> socket.socket:
        """Return the socket, its next operation bounded by what remains of the exchange's time."""
        remaining = call.due - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        self._sock.settimeout(remaining)
        return self._sock


def _why(error: Exception, call: Call, heard: int) -> str:
    """Return how an exchange broke, in one line."""
    if isinstance(error, BadResponse):
        return str(error)
    if isinstance(error, ssl.SSLError) and "CERTIFICATE" in (error.reason or ""):
        advice = "name another" if call.certificate is not None else "--luma-client-cert names one"
        return f"the server wants a client certificate it accepts ({error.reason}); {advice}"
    if isinstance(error, TimeoutError):
        came = f"{heard} bytes of an answer came" if heard else "nothing came"
        return f"no whole answer within {call.total:g} s; {came}"
    if isinstance(error, ConnectionError) and not heard:
        asks = call.secure and call.certificate is None
        hint = "; if it wants a client certificate, --luma-client-cert names one" if asks else ""
        return f"the server closed the connection without an answer{hint}"
    if isinstance(error, ConnectionError):
        return f"the connection closed in the middle of the answer, after {heard} bytes"
    return f"the answer breaks HTTP: {clip(ascii(str(error))[1:-1], 200) or type(error).__name__}"
