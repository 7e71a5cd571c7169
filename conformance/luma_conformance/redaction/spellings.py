"""The ways a text may be written so that it can still be read: escaped, quoted, encoded, wrapped.

Two texts that say the same are the same once flattened; what is found in the flat text is traced back to the original.
Everything here is bytes: UTF-8, of which no character is a part of another.
"""

from __future__ import annotations

import binascii
import re
from bisect import bisect_right
from collections.abc import Iterator
from html.entities import html5
from typing import Final, NamedTuple

ROUNDS: Final = 4
"""Kinds of writing one inside the other that are seen through, as JSON in a URL in HTML; of one kind, any number."""
SHORTEST: Final = 8
"""Characters below which an encoded form would be found by chance."""

_WRITTEN: Final = re.compile(
    rb"""
    (?P<gap> ["'][ \t]*\n(?:[E>|][ ]+)?(?:[-+?][ ]+)?\s*b?["']  # a literal that pprint wrapped, in pytest's margin
           | (?:\n|\\+n)[E>|][ ]+ | [\0-\x20\x7f]+                 # that margin alone; a fold, a wrap, a control
           | \xc2[\x80-\xa0\xad] | \xe2\x80[\x8b-\x8f\xa8-\xaf] | \xe2\x81[\xa0-\xaf] | \xef\xbb\xbf  # unseen
           | \\+[nrt] )
    | \\+u(?P<unit>[0-9a-fA-F]{4}) | \\+x(?P<octet>[0-9a-fA-F]{2}) | (?P<escape>\\+)
    | %(?:25)*(?P<percent>[0-9a-fA-F]{2})
    | &(?:amp;)*(?:\#(?P<decimal>[0-9]{1,7}) | \#[xX](?P<hexadecimal>[0-9a-fA-F]{1,6}) | (?P<entity>[a-zA-Z]{2,8}));
    """,
    re.VERBOSE,
)
_ESCAPE: Final = re.compile(
    rb"""[\\%&"'\n\xc2\xe2\xef] (?:
        (?<=\\)[nrtux] | (?<=%)[0-9a-fA-F]{2} | (?<=&)[\#a-zA-Z] | (?<=["'])[ \t]*\n | (?<=\n)[E>|][ ]
        | (?<=\xc2)[\x80-\xa0\xad] | (?<=\xe2)(?:\x80[\x8b-\x8f\xa8-\xaf]|\x81[\xa0-\xaf]) | (?<=\xef)\xbb\xbf )""",
    re.VERBOSE,
)
"""What every piece of _WRITTEN has in it that is more than white space, a control character or a backslash.

It begins with one set of bytes, by which the engine skips what it cannot match.
"""
_GAPS: Final = bytes([*range(0x21), 0x7F, ord("\\")])
_BASES: Final = {"unit": 16, "octet": 16, "percent": 16, "decimal": 10, "hexadecimal": 16}
_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")


class Piece(NamedTuple):
    """One piece of a flat text: its place there, its place in the original, and whether it was an escape."""

    flat: int
    start: int
    end: int
    escaped: bool


Pieces = list[Piece]


class FlatText:
    """A text without gaps and escapes; `text` is what is left, `span` says where a part of it came from."""

    def __init__(self, raw: bytes) -> None:
        self.text = raw
        self._rounds: list[Pieces] = []
        for _ in range(ROUNDS):
            if _WRITTEN.search(self.text) is None:
                break
            self.text, pieces_ = _flatten(self.text)
            self._rounds.append(pieces_)

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Returns where in the original a part of the flat text, not empty, begins and ends."""
        for pieces_ in reversed(self._rounds):
            first, last = _find_piece(pieces_, start), _find_piece(pieces_, end - 1)
            start = first.start if first.escaped else first.start + start - first.flat
            end = last.end if last.escaped else last.start + end - last.flat
        return start, end


def squeeze(raw: bytes) -> bytes | None:
    """Returns a text flattened, at a fraction of the cost; None where it has escapes, which only FlatText sees through."""
    return None if _ESCAPE.search(raw) else raw.translate(None, _GAPS)


def spellings(secret: str) -> Iterator[bytes]:
    """Yields the flat forms in which a secret may be written: as it is, in hex, in base64 whatever stands before it."""
    for raw in _encode(secret):
        yield FlatText(raw).text
        if len(raw) * 2 >= SHORTEST:
            yield binascii.b2a_hex(raw)
            yield binascii.b2a_hex(raw).upper()
        for before in range(3):
            # A base64 digit is six bits: the first and last may hold bits of a neighbour, and are left out.
            digits = binascii.b2a_base64(b"\0" * before + raw, newline=False).rstrip(b"=")
            whole = digits[(before * 8 + 5) // 6 : (before + len(raw)) * 8 // 6]
            if len(whole) >= SHORTEST:
                yield whole
                yield whole.translate(_URL_SAFE)


def _encode(secret: str) -> Iterator[bytes]:
    """Yields a secret in UTF-8, in Latin-1 as a header has it, and as that looks once it was read as UTF-8."""
    yield secret.encode("utf-8", "surrogatepass")
    if not secret.isascii() and all(ord(character) < 256 for character in secret):
        yield secret.encode("latin-1")
        yield secret.encode("latin-1").decode("utf-8", "replace").encode()


def _flatten(raw: bytes) -> tuple[bytes, Pieces]:
    pieces: list[bytes] = []
    pieces_: Pieces = []
    size = at = 0
    for found in _WRITTEN.finditer(raw):
        start, end = found.span()
        if start > at:
            pieces.append(raw[at:start])
            pieces_.append(Piece(size, at, start, escaped=False))
            size += start - at
        if plain := _decode_escape(found):
            pieces.append(plain)
            pieces_.append(Piece(size, start, end, escaped=True))
            size += len(plain)
        at = end
    pieces.append(raw[at:])
    pieces_.append(Piece(size, at, len(raw), escaped=False))
    return b"".join(pieces), pieces_


def _decode_escape(found: re.Match[bytes]) -> bytes:
    """Returns what an escape stands for; nothing for a gap, and for a backslash before anything else."""
    kind = found.lastgroup
    if kind is None or kind in ("gap", "escape"):
        return b""
    if kind == "entity":
        return html5.get(f"{found[kind].decode()};", found[0].decode()).encode()
    number = int(found[kind], _BASES[kind])
    if kind == "percent":
        return bytes((number,))
    return chr(number).encode("utf-8", "surrogatepass") if number <= 0x10FFFF else b""


def _find_piece(pieces_: Pieces, offset: int) -> Piece:
    return pieces_[bisect_right(pieces_, offset, key=lambda place: place.flat) - 1]
