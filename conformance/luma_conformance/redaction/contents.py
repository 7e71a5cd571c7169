"""What the hex, the base64 and the UTF-16 in a text hold, without the place where it stood.

Neither says where it begins, so a text is decoded from every offset that gives other bytes. Most of these are no text.
What is none is left out by passes over all of them, at the speed at which Python copies bytes.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable, Iterator
from typing import Final

from luma_conformance.redaction.effort import PER_ASCII, PER_BYTE, PER_DECODED, PER_PLACE, Effort

WHITE: Final = b"\t\n\v\f\r "
_CONTROLS: Final = bytes([*range(0x20), 0x7F])
UNSEEN_CONTROLS: Final = bytes(octet for octet in _CONTROLS if octet not in WHITE)
_MARK: Final = b"\1"
_NO_BREAK: Final = UNSEEN_CONTROLS.replace(_MARK, b"")
_NUL: Final = 0

_STANDARD: Final = bytes.maketrans(b"-_", b"+/")
_OTHER_THAN_BASE64: Final = re.sub(rb"[A-Za-z0-9+/_-]", b"", bytes(range(256)))
_OTHER_THAN_HEX: Final = re.sub(rb"[0-9a-fA-F]", b"", bytes(range(256)))
_FEWEST: Final = 8
"""Characters in a row that make a stretch of decoded bytes a text."""
_FEWEST_PACKED: Final = 11
"""Characters in a row that are needed for eight others in base64; in hex it is more."""
TOGETHER: Final = 16_384
"""Bytes of a text up to which all that its hex and base64 hold is read at once: each reading has a cost of its own."""
_END: Final = 1_024
"""Bytes of each end of a text that is within another which are read on their own."""
# Between two of those: what no escape goes on with, and then what is no text, in UTF-8 and UTF-16.
_APART: Final = b",\1\x7f\x7f"
_STRETCH: Final = b"a" * _FEWEST
# What each byte is: of ASCII; the first of two, three or four bytes of a character; another of them; or none of a text.
_SEEN: Final = b"a\1" + b"a" * 126 + b"c" * 64 + b"  " + b"2" * 30 + b"3" * 16 + b"4" * 5 + b" " * 11
_CHARACTERS: Final = (b"2c", b"3cc", b"4ccc")
_UNSEEN_MARKS: Final = bytes.maketrans(b"c234\1", b"     ")

# The upper byte of a unit of UTF-16: that of letters of most alphabets, of a character that nobody sees, or of half a
# pair.
_UPPER: Final = bytes([*range(9), 0x11, 0x16, 0x17, 0x18, 0x20, 0x30, 0x31, *range(0xD8, 0xE0), 0xFE, 0xFF])
_HALVES: Final = bytes(ord("a" if octet in _UPPER else " ") for octet in range(256))


def unpack(flat: bytes, effort: Effort, short: list[bytes]) -> Iterator[bytes]:
    """Yield the readable part of what the hex and base64 in a flat text hold, for each place they may begin at.

    What is too short to hold hex or base64 in turn is added to `short`.
    """
    decoded = _decode(flat)
    for text in decoded if len(flat) > TOGETHER else (_APART.join(decoded),):
        yield from _read_text(text, effort, short)


def _decode(flat: bytes) -> Iterator[bytes]:
    """Yield the bytes that hex and base64 in a flat text stand for, from each offset that gives others."""
    digits = flat.translate(_STANDARD, _OTHER_THAN_BASE64)
    for offset in range(4 if len(digits) > _FEWEST else 0):
        end = len(digits) - ((len(digits) - offset) % 4 == 1)
        yield binascii.a2b_base64(digits[offset:end] + b"=" * (-(end - offset) % 4))
    flat = flat.replace(b"0x", b"").replace(b"0X", b"")
    digits = flat.translate(None, _OTHER_THAN_HEX)
    for offset in range(2 if len(digits) > _FEWEST else 0):
        even = len(digits) - (len(digits) - offset) % 2
        yield binascii.unhexlify(digits[offset:even])


def _read_text(decoded: bytes, effort: Effort, short: list[bytes]) -> Iterator[bytes]:
    """Yield what of some bytes may be a text: eight characters or more in a row."""
    if _NUL in decoded:
        yield from decode_utf_16(decoded, effort)
    yield from find_texts(decoded, effort, short)


def find_texts(decoded: bytes, effort: Effort, short: list[bytes]) -> Iterator[bytes]:
    """Yield the stretches of eight characters of UTF-8 or more; the short ones of many bytes are added to `short`."""
    effort.spend(len(decoded) * (PER_ASCII if decoded.isascii() else PER_DECODED))
    seen = _mark_seen(decoded)
    if _STRETCH not in seen:
        return
    text = decoded.translate(None, _NO_BREAK)
    if text.isascii() and _MARK not in text:
        yield text
        return
    places = [*_find_stretches(seen.translate(_UNSEEN_MARKS))]
    effort.spend(len(places) * PER_PLACE)
    most = _FEWEST_PACKED if len(text) > TOGETHER else 0
    if brief := [text[start:end] for start, end in places if end - start < most]:
        short.append(b" ".join(brief))
    if long := [text[start:end] for start, end in places if end - start >= most]:
        yield b" ".join(long)


def _mark_seen(decoded: bytes) -> bytes:
    """Return an `a` for each byte that belongs to a character of UTF-8, controls left out, and others for the rest.

    Most bytes are none of a text. To replace marks tells so in a third of the time in which they could be decoded.
    """
    seen = decoded.translate(_SEEN, _NO_BREAK)
    if not decoded.isascii():
        for character in _CHARACTERS:
            seen = seen.replace(character, b"a" * len(character))
    return seen


def decode_utf_16(raw: bytes, effort: Effort) -> Iterator[bytes]:
    """Yield what of some bytes may be UTF-16 of either order, in UTF-8: eight units or more in a row."""
    effort.spend(len(raw) * PER_BYTE // 2)
    for offset in range(2):
        uppers = raw[offset::2].translate(_HALVES)
        if _STRETCH not in uppers:
            continue
        places = [(offset + 2 * start, offset + 2 * end) for start, end in _find_stretches(uppers)]
        effort.spend(len(places) * PER_PLACE)
        for coding, before in (("utf-16-le", 1), ("utf-16-be", 0)):
            units = b"".join(raw[start - before if start >= before else 1 : end - before] for start, end in places)
            text = units.decode(coding, "replace").encode()
            if len(text.translate(None, _CONTROLS)) >= _FEWEST:
                yield text


def _find_stretches(marks: bytes) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each run of eight marks or more."""
    at = marks.find(_STRETCH)
    while at >= 0:
        end = marks.find(b" ", at)
        end = end if end >= 0 else len(marks)
        yield at, end
        at = marks.find(_STRETCH, end)


def leave_out_repeated(texts: Iterable[bytes]) -> Iterator[bytes]:
    """Yield texts, but of a long one that is within another only its ends, which may be read otherwise there.

    A text that repeats itself is the same from several offsets; each of its readings is too, layer by layer.
    """
    long: list[bytes] = []
    for text in texts:
        if len(text) <= TOGETHER:
            yield text
        elif any(text[_FEWEST:-_FEWEST] in other for other in long):
            yield text[:_END] + _APART + text[-_END:]
        else:
            long.append(text)
            yield text
