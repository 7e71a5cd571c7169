"""The ways a text may be escaped, quoted or wrapped so that it can still be read, and their removal.

Two spellings of one text are equal once they are flattened: escapes decoded, white space and invisible characters
removed. What is found in the flat text is traced back to its place in the original. Everything here is bytes: in UTF-8
no character's bytes occur inside another's, so searching bytes finds whole characters.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from functools import cache
from html.entities import html5
from itertools import groupby
from operator import itemgetter
from typing import Final, NamedTuple

from luma_conformance.redaction.effort import MOST, PER_ESCAPE, PER_PASS, Effort

ROUNDS: Final = 12
"""Kinds of encoding inside one another that are decoded, such as JSON in a URL in HTML; any number of the same kind."""

# The invisible characters of Unicode in UTF-8: spaces, format characters, and what is ignorable by default. A copy of a
# text with some of them in it looks like the text. C0 controls and the space are in the patterns below. Halves of
# surrogate pairs are here too: an escape in JSON stands for half of a character beyond U+FFFF.
_TAILS: Final = {
    b"\xc2": rb"[\x80-\xa0\xad]", b"\xcd": rb"\x8f", b"\xd8": rb"[\x80-\x85\x9c]", b"\xdb": rb"\x9d",
    b"\xdc": rb"\x8f",
    b"\xe0": rb"\xa2[\x90\x91]|\xa3\xa2", b"\xe1": rb"\x85[\x9f\xa0]|\x9a\x80|\x9e[\xb4\xb5]|\xa0[\x8b-\x8f]",
    b"\xe2": rb"\x80[\x80-\x8f\xa8-\xaf]|\x81[\x9f-\xaf]", b"\xe3": rb"\x80\x80|\x85\xa4",
    b"\xed": rb"[\xa0-\xbf][\x80-\xbf]",
    b"\xef": rb"\xb8[\x80-\x8f]|\xbb\xbf|\xbe\xa0|\xbf[\xb0-\xbb]",
    b"\xf0": rb"\x91\x82\xbd|\x91\x83\x8d|\x93[\x90\x91][\x80-\xbf]|\x9b\xb2[\xa0-\xa3]|\x9d\x85[\xb3-\xba]",
    b"\xf3": rb"\xa0[\x80-\xbf][\x80-\xbf]",
}  # fmt: skip
# Each alternative begins with a byte of its own: the engine then looks at the first byte of each only, and quickly.
_ANY_UNSEEN: Final = b"|".join(b"%s(?:%s)" % (lead, tail) for lead, tail in _TAILS.items())
UNSEEN: Final = re.compile(_ANY_UNSEEN)

# What may break a text anywhere, an escape too, and is removed first:
#     'luma-api-01'⏎ 'cafe'    a literal that pprint wrapped, perhaps behind the margin pytest puts before a failure's
#                              lines (`E `, `> `, `| `) and the sign of a diff (`- `, `+ `, `? `)
#     "luma-api-01" + "cafe"   literals put together
#     ⏎E   luma-api-01         a margin alone, after a newline; also of mail and of comments. pytest puts three blanks
#                              behind the E; before one, it ends a word that was wrapped: `\N{REVERS⏎E SOLIDUS}`
#     =⏎ \⏎                    a soft line break (RFC 2045, section 6.7), a line that goes on
#     space, tab, CR, NUL …    header folding (RFC 5322, section 2.2.3), base64 in lines of 76 (RFC 2045, section 6.8),
#                              and every other byte of ASCII in UTF-16
_GAP: Final = re.compile(
    rb"""
    ["'`]\s*+(?:[E>|]\s++)?(?:[-+?.]\s*+)?(?:(?<=[\s+])b)?["'`]
    | \n[ \t]*+(?:E[ ]|[>|\#*]|//)[ ]++ | =\r?\n | \\\r?\n(?![\0-\x20]*+[uUx0-7N])
    | [\0-\x20\x7f]++ |"""
    + _ANY_UNSEEN,
    re.VERBOSE,
)

# One alternative for each way to write one character or byte; here "/", with the standard that defines the escape:
#     unit brace wide named    \u002f \u{2f} \U0000002f \N{SOLIDUS}     RFC 8259, section 7 (JSON), JavaScript, Python
#     white        \n          of white space and controls; `\n` may begin a line with a margin
#     pair         \\          the backslash itself
#     octet octal              \x2f \57 Python's and JavaScript's
#     percent old  %2F %252F %u002f     RFC 3986, section 2.1; `(?:25)*` for percent signs that were encoded again;
#                              the last as JavaScript's escape() has it
#     decimal      &#47;       HTML Living Standard, "Named character reference state" and those after it: zeros may
#     hexadecimal  &#x2f;      stand before, and browsers take a reference without its semicolon;
#     entity       &sol;       `(?:amp;?)*` for escaped ampersands, as in &amp;#47;
# A backslash before anything else goes when there is nothing else left to decode: `\/` stands for the character alone.
# Quantifiers are possessive (`*+`), so that no text takes more than linear time.
_BACKSLASHED: Final = re.compile(
    rb"""\\(?: (?P<pair>\\) | (?P<white>[nrtbfv]) | u(?P<unit>[0-9a-fA-F]{4}) | u\{(?P<brace>[0-9a-fA-F]++)\}
            | U(?P<wide>[0-9a-fA-F]{8})
            | N\{(?P<named>[A-Za-z0-9\ -]{2,80})\} | x(?P<octet>[0-9a-fA-F]{2}) | (?P<octal>[0-3]?[0-7]{1,2}) )""",
    re.VERBOSE,
)
_PERCENT: Final = re.compile(rb"%(?:25)*+(?:(?P<percent>[0-9a-fA-F]{2})|[uU](?P<old>[0-9a-fA-F]{4}))")
_REFERENCE: Final = re.compile(
    rb"""&(?:[aA][mM][pP];?)*+(?: \#(?P<decimal>[0-9]++);? | \#[xX](?P<hexadecimal>[0-9a-fA-F]++);?
            | (?P<entity>[a-zA-Z][a-zA-Z0-9]{1,31}+;?) )
    """,
    re.VERBOSE,
)

_LONE: Final = re.compile(rb"\\++")
_BASES: Final = {
    "unit": 16, "brace": 16, "wide": 16, "octet": 16, "octal": 8, "old": 16, "decimal": 10,
    "hexadecimal": 16,
}  # fmt: skip
_MOST_DIGITS: Final = 7
"""Digits of the greatest code point in any base; a number with more of them, zeros aside, is no character."""
_BARE: Final = frozenset(name for name in html5 if not name.endswith(";"))
"""The names of HTML references that browsers take without a semicolon."""
BARE_START: Final = "|".join(
    f"{first}[{''.join({name[1] for name in names})}]" for first, names in groupby(sorted(_BARE), key=itemgetter(0))
).encode()
"""A pattern of the first two characters of these."""
_LONGEST_BARE: Final = max(map(len, _BARE))


_NAMED: Final = 0x3100
"""Characters below which a name is recognized without its spaces: alphabets, and what cannot be seen."""


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

    def __init__(self, raw: bytes, effort: Effort | None = None) -> None:
        self.text = raw
        self._rounds: list[Pieces] = []
        effort = effort or Effort(MOST)
        for _ in range(ROUNDS):
            effort.spend(len(self.text) * PER_PASS)
            before = self.text
            for pattern in (_GAP, _BACKSLASHED, _GAP, _PERCENT, _GAP, _REFERENCE):
                self._remove(pattern, effort)
            if self.text == before and not self._remove(_LONE, effort):
                break

    def _remove(self, pattern: re.Pattern[bytes], effort: Effort) -> bool:
        """Remove or decode what matches a pattern; return whether anything did."""
        if pattern.search(self.text) is None:
            return False
        self.text, pieces = replace(pattern, self.text, effort)
        self._rounds.append(pieces)
        return True

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return the start and end in the original of a part of the flat text that is not empty.

        An escape is never split: a part that begins or ends inside a decoded character takes all of its escape.
        """
        for pieces in reversed(self._rounds):
            start, end = trace(pieces, start, end)
        return start, end


def trace(pieces: Pieces, start: int, end: int) -> tuple[int, int]:
    """Return the start and end, in the text that was cut into pieces, of a part of what they were joined to."""
    first, last = _find_piece(pieces, start), _find_piece(pieces, end - 1)
    return (
        first.start if first.escaped else first.start + start - first.flat,
        last.end if last.escaped else last.start + end - last.flat,
    )


def replace(pattern: re.Pattern[bytes], raw: bytes, effort: Effort) -> tuple[bytes, Pieces]:
    """Return a text with each match decoded, or removed if it is no escape, and the pieces of the result."""
    chunks: list[bytes] = []
    pieces: Pieces = []
    size = at = 0
    for found in pattern.finditer(raw):
        effort.spend(PER_ESCAPE)
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
    if kind is None:
        return b""
    if kind == "pair":
        return b"\\"
    if kind == "white":
        return b"\n" if found[kind] == b"n" else b" "
    if kind == "entity":
        return _decode_entity(found[kind].decode()).encode()
    if kind == "named":
        return look_up(found[kind].decode()).encode("utf-8", "surrogatepass")
    return bytes.fromhex(found[kind].decode()) if kind == "percent" else _encode(found[kind], _BASES[kind])


def decode_reference(name: bytes) -> bytes:
    """Return what an HTML reference stands for, in UTF-8: `#108;`, `#x6c`, `lt;`."""
    if name[:1] != b"#":
        return _decode_entity(name.decode()).encode()
    digits = name[1:].rstrip(b";}")
    return _encode(digits[1:], 16) if digits[:1] in b"xX" else _encode(digits, 10)


def _encode(digits: bytes, base: int) -> bytes:
    number = int(digits.lstrip(b"0")[: _MOST_DIGITS + 1] or b"0", base)
    return chr(number).encode("utf-8", "surrogatepass") if number <= 0x10FFFF else b""


def _decode_entity(name: str) -> str:
    """Return what browsers make of `&name`: of a name without semicolon, its start may be one that needs none."""
    if (whole := html5.get(name)) is not None:
        return whole
    known = next((size for size in range(_LONGEST_BARE, 1, -1) if name[:size] in _BARE), 0)
    return html5[name[:known]] + name[known:] if known else f"&{name}"


def look_up(name: str) -> str:
    """Return the character that has a name in Unicode, or none; white space is gone from a flat text's names."""
    try:
        return unicodedata.lookup(name)
    except KeyError:
        return _name_characters().get(name.upper(), "")


@cache
def _name_characters() -> dict[str, str]:
    return {unicodedata.name(one, "").replace(" ", ""): one for one in map(chr, range(_NAMED))}


def _find_piece(pieces: Pieces, offset: int) -> Piece:
    return pieces[bisect_right(pieces, offset, key=lambda piece: piece.flat) - 1]
