"""Stretches of hex and base64 in a flat text, decoded, as long as what they hold may be read.

Neither says where it begins: `ab` before hex, or a word before base64, moves its digits. So each run of digits is
decoded from every offset that gives other bytes, and what is then no text is left out.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from luma_conformance.redaction.effort import PER_DIGIT, PER_PASS, PER_STRETCH, Effort
from luma_conformance.redaction.spellings import Pieces, replace, trace

# RFC 4648, section 4 and, with - and _, section 5; and section 8, in either case. Between digits may be anything that
# is none, or the `0x` of a literal: a text is decoded as if all its digits were one number.
_NO_BASE64: Final = re.compile(rb"[^A-Za-z0-9+/_-]+")
_NO_HEX: Final = re.compile(rb"0[xX]|[^0-9a-fA-F]+")
_STANDARD: Final = bytes.maketrans(b"-_", b"+/")
_OTHER_THAN_BASE64: Final = b"".join(_NO_BASE64.findall(bytes(range(256))))
_OTHER_THAN_HEX: Final = b"".join(_NO_HEX.findall(bytes(range(256))))
_FEWEST: Final = 11
"""Digits that eight bytes take in base64; in hex it is more."""
# Eight characters of ASCII or UTF-8, with any controls between: the zeros of UTF-16 among them.
_READABLE: Final = re.compile(rb"(?:(?:[\t\n\r\x20-\x7e]|[\xc2-\xf4][\x80-\xbf]{1,3}+)[\0-\x1f\x7f]*+){8,}+")

# Eight characters of UTF-16 in either order: the upper byte of a unit is that of ASCII or Latin-1, of a character that
# nobody sees, or of half a pair.
_UPPER: Final = rb"[\0\x03\x06-\x08\x11\x16-\x18\x20\x30\x31\xd8-\xdf\xfe\xff]"
_UTF_16: Final = {
    "utf-16-le": re.compile(rb"(?s:(?:." + _UPPER + rb"){8,}+)"),
    "utf-16-be": re.compile(rb"(?s:(?:" + _UPPER + rb".){8,}+)"),
}


class Packed(NamedTuple):
    """A readable stretch that was hex or base64; `span` traces a part of it back to the flat text it was found in."""

    text: bytes
    span: Callable[[int, int], tuple[int, int]]


def unpack(flat: bytes, effort: Effort) -> Iterator[Packed]:
    """Yield each readable stretch that hex or base64 in a flat text stands for."""
    if len(flat) < _FEWEST:
        return
    effort.spend(len(flat) * PER_DIGIT)
    digits = flat.translate(_STANDARD, _OTHER_THAN_BASE64)
    for offset in range(4):
        end = len(digits) - ((len(digits) - offset) % 4 == 1)
        decoded = binascii.a2b_base64(digits[offset:end] + b"=" * (-(end - offset) % 4))
        yield from _read(decoded, flat, offset, 6, _NO_BASE64, effort)
    bare = re.sub(rb"0[xX]", b"", flat) if b"0x" in flat or b"0X" in flat else flat
    digits = bare.translate(None, _OTHER_THAN_HEX)
    for offset in range(2):
        even = len(digits) - (len(digits) - offset) % 2
        yield from _read(binascii.unhexlify(digits[offset:even]), flat, offset, 4, _NO_HEX, effort)


def unpack_utf_16(raw: bytes, effort: Effort) -> Iterator[Packed]:
    """Yield each stretch of UTF-16 in a text, in UTF-8; `span` traces a part of it back to the text."""
    if b"\0" not in raw:
        return
    for coding, pattern in _UTF_16.items():
        effort.spend(len(raw) * PER_PASS)
        for stretch in pattern.finditer(raw):
            effort.spend(PER_STRETCH)
            text = stretch[0].decode(coding, "surrogatepass").encode("utf-8", "surrogatepass")

            def span(
                start: int, end: int, text: bytes = text, coding: str = coding, at: int = stretch.start()
            ) -> tuple[int, int]:
                effort.spend(len(text) * PER_PASS)
                while end < len(text) and text[end] & 0xC0 == 0x80:  # a character's bytes belong together
                    end += 1
                before, until = (
                    text[:place].replace(b"\xed", b"\xee").decode("utf-8", "ignore").encode(coding)
                    for place in (start, end)
                )
                return at + len(before), at + len(until)

            yield Packed(text, span)


def _read(
    decoded: bytes, flat: bytes, begins: int, bits: int, between: re.Pattern[bytes], effort: Effort
) -> Iterator[Packed]:
    """Yield the readable stretches of bytes whose digits, of so many bits, begin at a place among those of a text."""
    pieces: Pieces = []
    patterns = (_READABLE, *_UTF_16.values()) if b"\0" in decoded else (_READABLE,)
    for stretch in (stretch for pattern in patterns for stretch in pattern.finditer(decoded)):
        effort.spend(PER_STRETCH)

        def span(start: int, end: int, before: int = stretch.start()) -> tuple[int, int]:
            if not pieces:
                pieces.extend(replace(between, flat, effort)[1])
            # A digit that holds bits of the bytes on both sides goes too.
            return trace(pieces, begins + (before + start) * 8 // bits, begins - -(before + end) * 8 // bits)

        yield Packed(stretch[0], span)
