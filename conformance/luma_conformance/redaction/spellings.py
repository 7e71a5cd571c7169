"""The ways a text may be written so that it can still be read: escaped, quoted, encoded or wrapped.

Two spellings of one text are equal once they are flattened: escapes decoded, white space and invisible characters
removed. What is found in the flat text is traced back to its place in the original. Everything here is bytes: in UTF-8
no character's bytes occur inside another's, so searching bytes finds whole characters.
"""

from __future__ import annotations

import binascii
import re
from bisect import bisect_right
from collections.abc import Iterator
from html.entities import html5
from typing import Final, NamedTuple

ROUNDS: Final = 4
"""Kinds of encoding inside one another that are decoded, such as JSON in a URL in HTML; any number of the same kind."""
SHORTEST: Final = 8
"""Characters below which an encoded form is not searched for: it would be found by chance."""

# One alternative for each way to write something. `gap` is what may break a text anywhere, and is removed:
#     'luma-api-01'⏎ 'cafe'    a literal that pprint wrapped, perhaps behind the margin pytest puts before a failure's
#                              lines (`E `, `> `, `| `) and the sign of a diff (`- `, `+ `, `? `)
#     ⏎E   luma-api-01         that margin alone, after a newline or the escape of one
#     space, tab, CR, NUL …    header folding (RFC 5322, section 2.2.3), base64 in lines of 76 (RFC 2045, section 6.8)
#     U+0080…U+00A0, U+00AD, U+200B…U+200F, U+2028…U+202F, U+2060…U+206F, U+FEFF    invisible: a copy looks the same
#     \n  \r  \t               the escapes of white space
# Each other alternative is an escape of one character or byte; here "/", with the standard that defines the escape:
#     unit         \u002f      RFC 8259, section 7 (JSON), also Python and JavaScript
#     octet        \x2f        Python's repr
#     escape       \/          RFC 8259, section 7: it stands for the character alone. Any number of backslashes,
#                              since a JSON text inside another doubles them
#     percent      %2F %252F   RFC 3986, section 2.1; `(?:25)*` for percent signs that were encoded again
#     decimal      &#47;       HTML Living Standard, "Character references"; `(?:amp;)*` for escaped ampersands,
#     hexadecimal  &#x2f;      as in &amp;#47;
#     entity       &sol;
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

# A text without a match is flat once white space, control characters and lone backslashes are deleted from it, as
# `squeeze` does. There is one alternative for every part of _WRITTEN that is more than these: \u, %2F, &#, "⏎, ⏎E.
# All begin with one class of bytes, by which the engine skips quickly; the lookbehinds then tell which byte it was.
_ESCAPE: Final = re.compile(
    rb"""[\\%&"'\n\xc2\xe2\xef] (?:
        (?<=\\)[nrtux] | (?<=%)[0-9a-fA-F]{2} | (?<=&)[\#a-zA-Z] | (?<=["'])[ \t]*\n | (?<=\n)[E>|][ ]
        | (?<=\xc2)[\x80-\xa0\xad] | (?<=\xe2)(?:\x80[\x8b-\x8f\xa8-\xaf]|\x81[\xa0-\xaf]) | (?<=\xef)\xbb\xbf )""",
    re.VERBOSE,
)
_GAPS: Final = bytes([*range(0x21), 0x7F, ord("\\")])
_BASES: Final = {"unit": 16, "octet": 16, "percent": 16, "decimal": 10, "hexadecimal": 16}
_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")


class Piece(NamedTuple):
    """A piece of a flat text: its offset there, its start and end in the original, and whether it was an escape."""

    flat: int
    start: int
    end: int
    escaped: bool


Pieces = list[Piece]


class FlatText:
    """A text with its gaps removed and its escapes decoded.

    `text` is the result; `span` traces a part of it back to the original.
    """

    def __init__(self, raw: bytes) -> None:
        self.text = raw
        self._rounds: list[Pieces] = []
        for _ in range(ROUNDS):
            if _WRITTEN.search(self.text) is None:
                break
            self.text, pieces = _flatten(self.text)
            self._rounds.append(pieces)

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return the start and end in the original of a part of the flat text that is not empty.

        An escape is never split: a part that begins or ends inside a decoded character takes all of its escape.
        """
        for pieces in reversed(self._rounds):
            first, last = _find_piece(pieces, start), _find_piece(pieces, end - 1)
            start = first.start if first.escaped else first.start + start - first.flat
            end = last.end if last.escaped else last.start + end - last.flat
        return start, end


def squeeze(raw: bytes) -> bytes | None:
    """Return the flat text, at a fraction of the cost of FlatText, or None for a text with escapes."""
    return None if _ESCAPE.search(raw) else raw.translate(None, _GAPS)


def spellings(secret: str) -> Iterator[bytes]:
    """Yield the flat forms in which a secret may be written: as it is, in hex, and in base64.

    Hex is RFC 4648, section 8, in either case. Base64 is section 4, and section 5 with its URL-safe alphabet: three
    bytes become four digits, so the digits of a secret depend on how many bytes stand before it, modulo three. HTTP's
    `Authorization: Basic` encodes `user:secret`, for instance.
    """
    for raw in _encode(secret):
        yield FlatText(raw).text
        if len(raw) * 2 >= SHORTEST:
            yield binascii.b2a_hex(raw)
            yield binascii.b2a_hex(raw).upper()
        for before in range(3):
            # A digit holds six bits. The first and the last digit may hold bits of the bytes around the secret, so only
            # the digits are searched for that begin at or after its first bit and end at or before its last.
            digits = binascii.b2a_base64(b"\0" * before + raw, newline=False).rstrip(b"=")
            whole = digits[(before * 8 + 5) // 6 : (before + len(raw)) * 8 // 6]
            if len(whole) >= SHORTEST:
                yield whole
                yield whole.translate(_URL_SAFE)


def _encode(secret: str) -> Iterator[bytes]:
    """Yield a secret in UTF-8, in Latin-1 as header fields have it, and in Latin-1 read as UTF-8 by mistake."""
    yield secret.encode("utf-8", "surrogatepass")
    if not secret.isascii() and all(ord(character) < 256 for character in secret):
        yield secret.encode("latin-1")
        yield secret.encode("latin-1").decode("utf-8", "replace").encode()


def _flatten(raw: bytes) -> tuple[bytes, Pieces]:
    chunks: list[bytes] = []
    pieces: Pieces = []
    size = at = 0
    for found in _WRITTEN.finditer(raw):
        start, end = found.span()
        if start > at:
            chunks.append(raw[at:start])
            pieces.append(Piece(size, at, start, escaped=False))
            size += start - at
        if plain := _decode_escape(found):
            chunks.append(plain)
            pieces.append(Piece(size, start, end, escaped=True))
            size += len(plain)
        at = end
    chunks.append(raw[at:])
    pieces.append(Piece(size, at, len(raw), escaped=False))
    return b"".join(chunks), pieces


def _decode_escape(found: re.Match[bytes]) -> bytes:
    """Return the bytes an escape stands for: none for a gap, and none for a backslash before any other character."""
    kind = found.lastgroup
    if kind is None or kind in ("gap", "escape"):
        return b""
    if kind == "entity":
        return html5.get(f"{found[kind].decode()};", found[0].decode()).encode()
    number = int(found[kind], _BASES[kind])
    if kind == "percent":
        return bytes((number,))
    return chr(number).encode("utf-8", "surrogatepass") if number <= 0x10FFFF else b""


def _find_piece(pieces: Pieces, offset: int) -> Piece:
    return pieces[bisect_right(pieces, offset, key=lambda piece: piece.flat) - 1]
