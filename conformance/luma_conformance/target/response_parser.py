"""One response read from bytes, within bounds and without I/O: its heads, its framing and its content coding.

The work is done by llhttp, the parser of Node.js, through httptools. It is as lenient as RFC 9112 lets a recipient be:
what the page does not name must not keep a server from being judged.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from typing import Final, NoReturn

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from luma_conformance.model import Headers, Response, header
from luma_conformance.shown import quote
from luma_conformance.target.bounds import Bounds

CHUNK: Final = 65_536
"""Bytes to read at a time, and the most of a body's framing that may come before more of the body does."""

_LENIENT: Final = {
    # RFC 9112, 5.2: a user agent replaces a folded line (obs-fold) by spaces; it does not refuse it.
    "lenient_headers": True,
    # RFC 9112, 2.2: a recipient may take a single LF for the end of a line.
    "lenient_optional_cr_before_lf": True,
    # RFC 9110, 5.6.3: a sender must not write "bad" white space, as after the size of a chunk; a recipient skips it.
    "lenient_spaces_after_chunk_size": True,
    # RFC 9112, 6.3, rule 3: Transfer-Encoding overrides Content-Length where a response has both.
    "lenient_chunked_length": True,
    # RFC 9112, 6.3, rule 4: where chunked is not the last transfer coding, the body ends with the connection.
    "lenient_transfer_encoding": True,
    # RFC 9110, 2.5: a higher minor version is read as the highest one known; `_STATUS_LINE` refuses other major ones.
    "lenient_version": True,
    # RFC 9112, 9.6: "close" says that this response is the last. An interim one is not, and what follows the last is
    # left unread.
    "lenient_keep_alive": True,
}
_STATUS_LINE = re.compile(rb"HTTP/(?:0\.9|1\.\d) [1-9]\d\d(?![^ \r\n])")
_OTHER_VERSION = re.compile(rb"HTTP/(?!(?:0\.9|1\.\d) )[^ \r\n]*")
_END_OF_HEAD = re.compile(rb"(?<=\n)\r?\n")
_LENGTH = re.compile(rb"^content-length:[ \t]*(.*?)[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_LEGAL_FIELD = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+(?::|\Z)|\s")
"""How a line of a head begins, or the last of what came of it."""
_GZIP: Final = 31
_WINDOWS: Final = {"gzip": _GZIP, "x-gzip": _GZIP, "deflate": 15}
"""How zlib is to read each content coding; deflate without the header of zlib is none (RFC 9110, 8.4.1.2)."""
_MAX_MEMBERS: Final = 100
"""Parts of a gzip body; each costs a copy of what follows it."""


class BadResponse(Exception):
    """Says how a response breaks HTTP, or which bound it crosses."""


class ResponseParser:
    """Reads the response to one request of `method`. The methods named `on_…` are called by httptools.

    A body that is over the bound is refused; where it may be `cut`, what is beyond the bound is left unread instead.
    `heard` counts bytes; once the response is `complete`, `keep_alive` says whether its connection may carry another.
    """

    def __init__(self, method: str, bounds: Bounds, *, cut: bool = False) -> None:
        self.complete = self.keep_alive = self._ends_at_close = False
        self.heard = self._framing = self._size = 0
        self._method, self._bounds, self._cut = method, bounds, cut
        self._llhttp = HttpResponseParser(self)
        self._llhttp.set_dangerous_leniencies(**_LENIENT)
        self._heads = bytearray()
        self._status = self._interim = self._count = 0
        self._fields: list[tuple[str, str]] = []
        self._length: int | None = None
        self._body: list[bytes] = []

    @property
    def status(self) -> int:
        """The status, once the final head was read; 0 before."""
        return self._status

    @property
    def room(self) -> int:
        """How many bytes to feed next at most, so that no more of a head is taken than its bound allows."""
        return CHUNK if self._status else self._bounds.head - self.heard

    def feed(self, data: bytes) -> None:
        """Take in what came; raise BadResponse where it is not HTTP, or too much."""
        self.heard += len(data)
        if self._status:
            self._framing += len(data)
        else:
            self._heads += data
        try:
            self._llhttp.feed_data(data)
        except HttpParserUpgrade:
            pass  # after a 101, which is complete without a body
        except HttpParserError as error:
            if not self.complete:
                bad = error.__context__  # what one of our own methods raised
                raise bad if isinstance(bad, BadResponse) else BadResponse(self._complaint(str(error))) from None
            # RFC 9112, 6.3: what comes after the last response may be discarded. It is not taken for the next one.
            self.keep_alive = False
        if not self._status and self.heard >= self._bounds.head:
            raise BadResponse(f"the answer's head is over {self._bounds.head} bytes, which is the bound")
        if self._framing > CHUNK and not self.complete:
            raise BadResponse(f"the answer breaks HTTP: over {CHUNK} bytes came with nothing of the body in them")

    def end(self) -> None:
        """Take in that the connection was closed; raise ConnectionError where that is too early."""
        if not self._ends_at_close:
            raise ConnectionError
        self.complete = True

    def break_off(self) -> NoReturn:
        """Take in that the connection went, but was not closed under TLS; raise ConnectionError, or BadResponse."""
        if self._ends_at_close:  # RFC 9112, 9.8: whoever is in between can close a connection, and so cut the body
            raise BadResponse(
                "the answer may be cut off: it ends with its connection, which no alert of TLS has closed"
            )
        raise ConnectionError

    def response(self) -> Response:
        """Return the response, its body inflated; raise BadResponse where that fails or exceeds the bound."""
        headers, body = tuple(self._fields), b"".join(self._body)
        body = body[: self._bounds.body] if self._cut else _inflated(body, headers, self._bounds.body)
        return Response(status=self._status, headers=headers, body=body, version=self._llhttp.get_http_version())

    def on_message_begin(self) -> None:
        if self.complete:
            raise BadResponse("more came than one response")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count += 1
        if self._count > self._bounds.fields:
            raise BadResponse(f"the answer has over {self._bounds.fields} header fields, which is the bound")
        if name[-1:].isspace():  # RFC 9112, 5.1; llhttp itself lets it pass in the headers of framing only
            raise BadResponse(
                f"the answer breaks HTTP: white space before the colon of {quote(name.decode('latin-1'), 60)}"
            )
        if not self._status:  # a trailer counts, and goes
            value = value.replace(b"\0", b" ")  # RFC 9110, 5.5: a NUL is replaced, or the whole message refused
            self._fields.append((name.decode("latin-1"), value.strip(b" \t").decode("latin-1")))

    def on_headers_complete(self) -> None:
        if _STATUS_LINE.match(self._head()) is None:
            raise BadResponse(self._complaint(""))
        status = self._llhttp.get_status_code()
        # RFC 9110, 15.2: a client reads any number of interim (1xx) responses before the final one, asked for or not.
        # After a 101 the connection speaks another protocol, so nothing of HTTP follows it.
        if status < 200 and status != 101:
            self._interim += 1
            self._fields.clear()
            if self._interim > self._bounds.interim:
                limit = self._bounds.interim
                raise BadResponse(f"over {limit} interim (1xx) answers came, which is the bound, and no other")
            return
        self._status = status
        self.keep_alive = self._llhttp.should_keep_alive() and status != 101
        # RFC 9112, 6.3, rule 1: these have no body, whatever their headers say.
        self.complete = self._method == "HEAD" or status in (101, 204, 304)
        if not self.complete:
            self._begin_body()

    def on_body(self, piece: bytes) -> None:
        if self.complete:
            raise BadResponse("more came than one response")
        if self._length is not None:  # llhttp reads on to the end where there is a Transfer-Encoding of identity
            piece = piece[: self._length - self._size]
        self._framing = 0
        self._body.append(piece)
        self._size += len(piece)
        over = self._size > self._bounds.body
        if over and not self._cut:
            raise BadResponse(f"the answer's body is over {self._bounds.body} bytes, which is the bound")
        self.complete = over or self._size == self._length
        self.keep_alive = self.keep_alive and not over

    def on_message_complete(self) -> None:
        self.complete = self._status != 0

    def _begin_body(self) -> None:
        """Find out what ends the body: the last chunk, its length or the connection (RFC 9112, 6.3, rules 4 to 8)."""
        headers = tuple(self._fields)
        length = header(headers, "Content-Length")
        chunked = _check_transfer(_split(header(headers, "Transfer-Encoding") or ""))
        if chunked and self._llhttp.get_http_version() in ("0.9", "1.0"):
            self.keep_alive = False  # RFC 9112, 6.1: its framing is not to be trusted
        if length is not None and not chunked:
            self._length = int(length.lstrip("0") or "0")
        if self._length is not None and self._length > self._bounds.body and not self._cut:
            raise BadResponse(f"the answer's body has {self._length} bytes; the bound is {self._bounds.body}")
        self._ends_at_close = self._length is None and not chunked

    def _head(self) -> bytes:
        """Return the head that is being read, or was last, as it came."""
        return _END_OF_HEAD.split(self._heads, self._interim + 1)[self._interim]

    def _complaint(self, reason: str) -> str:
        """Return how the response breaks HTTP; `reason` is the parser's."""
        head = self._head()
        first, end, rest = head.partition(b"\n")
        if self._status:
            where = ""
        elif (other := _OTHER_VERSION.match(first)) is not None:
            return f"the answer breaks HTTP: {ascii(other[0].decode('latin-1'))[1:-1]}"
        elif _STATUS_LINE.match(first) is None:
            hint = "; did you mean https://?" if first.startswith(b"\x15\x03") else ""  # an alert of TLS
            return f"the answer is not HTTP; it begins {quote((first + end).decode('latin-1'), 60)}{hint}"
        elif "Content-Length" in reason:
            return f"the answer's Content-Length is {quote(b', '.join(_LENGTH.findall(rest)).decode('latin-1'), 40)}"
        else:
            wrong = (line.rstrip() for line in rest.splitlines(keepends=True) if not _LEGAL_FIELD.match(line))
            where = next((f" in {quote(line.decode('latin-1'), 60)}" for line in wrong), "")
        return f"the answer breaks HTTP: {reason[:1].lower()}{reason[1:]}{where}"


def _check_transfer(codings: Sequence[str]) -> bool:
    """Return whether a body comes in chunks; raise BadResponse for transfer codings that no request of ours allows."""
    named = [coding for coding in codings if coding]
    # RFC 9112, 6.1: chunked is applied once at most, last, and has no parameters; others need a TE header to be sent.
    # identity was one until RFC 7230; behind an empty member llhttp takes no chunked for the last coding.
    if named not in ([], ["chunked"], ["identity"]) or (named == ["chunked"] and not codings[-1]):
        shown = quote(", ".join(codings), 40)
        raise BadResponse(f"the answer's Transfer-Encoding is {shown}, which was not asked for; chunked alone is legal")
    return named == ["chunked"]


def _inflated(body: bytes, headers: Headers, limit: int) -> bytes:
    """Return a body without its content coding; raise BadResponse where it has none we know, or exceeds the limit."""
    whole = header(headers, "Content-Encoding") or ""
    codings = [coding for coding in _split(whole) if coding not in ("", "identity")]
    if not body or not codings:
        return body
    if len(codings) > 1 or codings[0] not in _WINDOWS:
        why = "which was not asked for; the kit reads gzip and deflate"
        raise BadResponse(f"the answer's Content-Encoding is {quote(whole, 40)}, {why}")
    if (plain := _inflate(body, _WINDOWS[codings[0]], limit)) is None:
        raise BadResponse(f"the answer's Content-Encoding is {quote(whole, 40)}, its body is not that")
    return plain


def _inflate(body: bytes, window: int, limit: int) -> bytes | None:
    """Return the whole of what a body inflates to, None where it does not begin so; raise BadResponse."""
    plain, rest, members = b"", body, 0
    while rest:
        inflater = zlib.decompressobj(window)
        try:
            plain += inflater.decompress(rest, limit + 1 - len(plain))
        except zlib.error:
            break
        if len(plain) > limit:
            raise BadResponse(f"the answer inflates to over {limit} bytes, which is the bound")
        if not inflater.eof:
            break
        members, rest = members + 1, inflater.unused_data
        if window != _GZIP:  # RFC 1952, 2.2: a gzip file may be several, one after another
            break
        if rest and members == _MAX_MEMBERS:
            raise BadResponse(f"the answer's body is over {_MAX_MEMBERS} gzip files in a row, which is the bound")
    if members and rest:
        raise BadResponse(f"the answer's body goes on for {len(rest)} bytes after the end of what its coding holds")
    return plain if members else None


def _split(field: str) -> list[str]:
    """Return the members of a list in a header, in lower case."""
    return [member.strip(" \t").lower() for member in field.split(",")]
