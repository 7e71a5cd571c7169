"""Every way a text can be read, by passes over the whole of it, at the speed at which Python copies bytes.

What is yielded has no white space, no invisible characters and no escapes; it is only to be searched. Nothing says
where in the text it stood: that is traced, at many times the cost, only where something was found.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from luma_conformance.redaction.effort import PER_READING, PER_REFERENCE, PER_UNIT, Effort
from luma_conformance.redaction.spellings import BARE_START, UNSEEN, decode_reference, look_up

ROUNDS: Final = 24
"""Escapes inside one another that are decoded; each of three layers may be two of them, such as `%26%2347%3B`."""
DEPTH: Final = 6
"""Layers of hex, base64 and UTF-16 inside one another that are decoded; base64 of UTF-16 is two of them."""

_WHITE: Final = b"\t\n\v\f\r "
_CONTROLS: Final = bytes([*range(0x20), 0x7F])
_UNSEEN_CONTROLS: Final = bytes(octet for octet in _CONTROLS if octet not in _WHITE)
_MARK: Final = b"\1"

# Looked for as numbers: bytes in bytes are tried as a number first, at the price of an exception each time.
_NUL, _NEWLINE, _RETURN, _DOUBLE, _SINGLE, _BACKTICK, _EQUALS, _BACKSLASH, _PERCENT, _AND = b"\0\n\r\"'`=\\%&"
# Each gap and each escape has one of these, the blank aside; a text without them has only itself for a reading.
_SIGN: Final = re.compile(rb"""[\0-\x1f\x7f-\xff"'`=\\%&]""")
_ESCAPE: Final = re.compile(rb"[\\%&]")
_COMMAS: Final = (b",", b":", b"!", b"$", b"(", b")", b"<", b"@", b"[", b"]", b"^", b"_", b"~")
_NO_BREAK: Final = _UNSEEN_CONTROLS.replace(_MARK, b"")
_ELLIPSIS: Final = "…".encode()

# What stands between two parts of a wrapped text, as in `spellings`; the white space goes afterwards. Each pattern is
# searched for only where its signs are.
_QUOTE: Final = rb"""["'`](?=[\s"'`E>|\-+?.b])\s*+(?:[E>|]\s++)?(?:[-+?.]\s*+)?(?:(?<=[\s+])b)?["'`]"""
_QUOTES: Final = re.compile(rb"%s(?:%s)*+" % (_QUOTE, _QUOTE))
_BETWEEN_QUOTES: Final = _WHITE + b"E>|-+?.b"
_ONE_QUOTE: Final = bytes.maketrans(b"'`", b'""')
_MARGIN: Final = re.compile(rb"\n[ \t]*+(?:E[ ]|[>|#*]|//)[ ]++")
_SOFT_BREAK: Final = re.compile(rb"=\r?\n|\\\r?\n(?![\0-\x20]*+[uUx0-7N])")
_CONTINUED: Final = re.compile(rb"\\\n(?=[\0-\x20]*+[uUx0-7N])")
_BROKEN_ESCAPE: Final = re.compile(rb"\n(?<==\n)(?=[0-9a-fA-F])")
# One sign for all that a line may end or begin with, so that one search tells whether any does.
_ONE_SIGN: Final = bytes.maketrans(b"\\\rE|#*/", b"=\n>>>>>")
_CHAIN: Final = re.compile(rb"%(?:25){5,}+")
_RARE: Final = re.compile(rb"\\([0-3]?[0-7]{1,2}|u\{[0-9a-fA-F]++\}|N\{[A-Za-z0-9 -]{2,80}\})")
# A name without semicolon is one only if it begins as one of a hundred does; of others there may be very many.
_REFERENCE: Final = re.compile(
    rb"&(?:[aA][mM][pP];?)*+(\#[0-9]++;?|\#[xX][0-9a-fA-F]++[;}]?|[a-zA-Z][a-zA-Z0-9]{1,31}+;|(?:%s)[a-zA-Z0-9]{,30}+)"
    % BARE_START
)
_WHITE_ESCAPES: Final = tuple((b"\\" + one, white) for one, white in zip(
    (b"n", b"r", b"t", b"b", b"f", b"v"), (b"\n", b"\r", b" ", b" ", b" ", b" "), strict=True
))  # fmt: skip

# RFC 2045, section 6.7, and RFC 2047, section 4.2: not more than a few characters stand for themselves.
_QUOTED_PRINTABLE: Final = re.compile(rb"=[0-9A-Fa-f]{2}(?:[^=]{0,76}+=[0-9A-Fa-f]{2}){2,}+[^=]{0,76}+")

# Signs that stand for themselves while others are decoded take a control's place: there are none left then.
_HIDE_EQUALS: Final = bytes.maketrans(b"%=", b"=\1")
_SHOW_EQUALS: Final = bytes.maketrans(b"=\1", b"%=")
_UNIT: Final = rb"\x02(?:u[0-9a-fA-F]{4}|U00(?:0[0-9a-fA-F]|10)[0-9a-fA-F]{4})"
_UNITS: Final = re.compile(rb"(%s(?:%s)*+)" % (_UNIT, _UNIT))

_STANDARD: Final = bytes.maketrans(b"-_", b"+/")
_OTHER_THAN_BASE64: Final = re.sub(rb"[A-Za-z0-9+/_-]", b"", bytes(range(256)))
_OTHER_THAN_HEX: Final = re.sub(rb"[0-9a-fA-F]", b"", bytes(range(256)))
_FEWEST: Final = 8
"""Characters in a row that make a stretch of decoded bytes a text."""
TOGETHER: Final = 16_384
"""Bytes of a text up to which all that its hex and base64 hold is read at once: each reading has a cost of its own."""
_END: Final = 1_024
"""Bytes of each end of a text that is within another which are read on their own."""
# Between two of those: what no escape goes on with, and then what is no text, in UTF-8 and UTF-16.
_APART: Final = b",\1\x7f\x7f"
_STRETCH: Final = b"a" * _FEWEST
_SEEN: Final = bytes(ord(" " if octet == _MARK[0] else "a") for octet in range(256))

# The upper byte of a unit of UTF-16: that of letters of most alphabets, of a character that nobody sees, or of half a
# pair.
_UPPER: Final = bytes([*range(9), 0x11, 0x16, 0x17, 0x18, 0x20, 0x30, 0x31, *range(0xD8, 0xE0), 0xFE, 0xFF])
_HALVES: Final = bytes(ord("a" if octet in _UPPER else " ") for octet in range(256))


class _Known(dict[bytes, bytes]):
    """What escapes stand for, remembered as long as there are not too many."""

    def __init__(self, decode: Callable[[bytes], bytes]) -> None:
        super().__init__()
        self._decode = decode

    def __missing__(self, escape: bytes) -> bytes:
        if len(self) > 4096:
            self.clear()
        self[escape] = plain = self._decode(escape)
        return plain

    def decode(self, pattern: re.Pattern[bytes], raw: bytes, effort: Effort) -> bytes:
        """Return a text with each match of a pattern, of which the group is the escape, decoded."""
        parts = pattern.split(raw)
        effort.spend(len(parts) // 2 * PER_REFERENCE)
        parts[1::2] = map(self.__getitem__, parts[1::2])
        return b"".join(parts)


def _as_unit(escape: bytes) -> bytes:
    r"""Return an octal, braced or named escape as one of eight digits, `\2` for its backslash."""
    if escape[:1] == b"N":
        one = look_up(escape[2:-1].decode())
        return b"\2U%08x" % ord(one) if len(one) == 1 else b""
    number = int(escape[2:-1], 16) if escape[:1] == b"u" else int(escape, 8)
    return b"\2U%08x" % number if number <= 0x10FFFF else b""


_REFERENCES: Final = _Known(decode_reference)
_UNITS_OF: Final = _Known(_as_unit)


def read(raw: bytes, effort: Effort, depth: int = DEPTH) -> Iterator[bytes]:
    """Yield a text in each way it can be read: its escapes decoded, and so is what hex, base64 and UTF-16 hold."""
    others: list[bytes] = []
    flat = flatten(raw, effort, others)
    yield flat
    for text in _leave_out_repeated([*others, *_unpack(flat)]) if depth else ():
        yield from read(text, effort, depth - 1)


def _leave_out_repeated(texts: Iterable[bytes]) -> Iterator[bytes]:
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


def flatten(raw: bytes, effort: Effort, others: list[bytes], rounds: int = ROUNDS) -> bytes:
    """Return a text without gaps and escapes; other readings of it on the way are added to `others`.

    One kind of escape is decoded at a time, since what it stood for may be a gap inside another.
    """
    if _SIGN.search(raw) is None:
        effort.spend(len(raw) * PER_READING)
        return raw.replace(b" ", b"")
    raw = _strip(raw, effort, others)
    for left in reversed(range(rounds)):
        before = raw
        raw = _strip(_decode_once(before, effort), effort, others) if _ESCAPE.search(before) else before
        if raw == before:
            break
        if len(raw) > TOGETHER and (flat := _flatten_changed(before, raw, effort, others, left)) is not None:
            return flat
    return raw


def _decode_once(raw: bytes, effort: Effort) -> bytes:
    r"""Return a text with the first kind of escape decoded that is in it, or else without backslashes.

    Where nothing is left to decode they are no escapes: `\/` stands for the character alone.
    """
    for sign, decode in _KINDS:
        if sign in raw and (decoded := decode(raw, effort)) != raw:
            return decoded
    return raw.replace(b"\\", b"")


def _flatten_changed(before: bytes, raw: bytes, effort: Effort, others: list[bytes], rounds: int) -> bytes | None:
    """Return a flat text of which only the parts are read on that a round has changed, or that may have escapes.

    Its parts are what stands between commas, say: signs that belong to no escape and no gap. None if one of them was
    decoded, since the parts are not known then, and if most of the text has to be read.
    """
    comma = max(_COMMAS, key=raw.count)
    olds, news = before.split(comma), raw.split(comma)
    unread = [at for at, (old, new) in enumerate(zip(olds, news, strict=False)) if old != new or _ESCAPE.search(new)]
    rest = comma.join(news[at] for at in unread)
    if len(olds) != len(news) or 2 * len(rest) > len(raw):
        return None
    flat = flatten(rest, effort, others, rounds).split(comma)
    if len(flat) != len(unread):
        return None
    for at, piece in zip(unread, flat, strict=True):
        news[at] = piece
    return comma.join(news)


def _keep_signs(raw: bytes) -> Iterator[bytes]:
    r"""Yield a text in which the sign before a line break belongs to the text, always and where hex follows it.

    And one in which a backslash there never does, where it may begin an escape: `%3\⏎0` is `%30`.
    """
    if b"=\n" in raw.translate(_ONE_SIGN):
        lines = raw.replace(b"\r\n", b"\n")
        if _CONTINUED.search(lines):
            yield lines.replace(b"\\\n", b"")
        lines = lines.replace(b"\\\n", b"\\ ")
        if (kept := lines.replace(b"=\n", b"= ")) != raw:
            yield kept
        if (joined := _BROKEN_ESCAPE.sub(b" ", lines)) != lines:
            yield joined.replace(b"=\n", b"")


def _strip(raw: bytes, effort: Effort, others: list[bytes]) -> bytes:
    """Return a text without white space, what cannot be seen, and what stands where a text was wrapped."""
    effort.spend(len(raw) * PER_READING)
    if _NUL in raw:
        others += _decode_utf_16(raw)
    if _NEWLINE in raw or _RETURN in raw:
        others += _keep_signs(raw)
    raw = raw.translate(None, _UNSEEN_CONTROLS)
    if not raw.isascii():
        raw = UNSEEN.sub(b"", raw.replace(_ELLIPSIS, b"..."))
    if _NEWLINE in raw:
        signs = raw.translate(_ONE_SIGN)
        raw = _SOFT_BREAK.sub(b"", raw) if b"=\n" in signs else raw
        raw = _MARGIN.sub(b"\n", raw) if b"> " in signs else raw
    if _DOUBLE in raw or _SINGLE in raw or _BACKTICK in raw:
        wrapped = b'""' in raw.translate(_ONE_QUOTE, _BETWEEN_QUOTES)
        raw = _QUOTES.sub(b"", raw) if wrapped else raw
    raw = raw.translate(None, _WHITE)
    if _EQUALS in raw:
        others += (text for text in _decode_quoted_printable(raw) if text not in others)
    return raw


def _decode_backslashes(raw: bytes, effort: Effort) -> bytes:
    """Return a text with the escapes of JSON, JavaScript and Python decoded once, all of them at the same time."""
    raw = raw.replace(b"\\\\", b"\3")
    for escape, white in _WHITE_ESCAPES:
        raw = raw.replace(escape, white)
    if _RARE.search(raw):
        raw = _UNITS_OF.decode(_RARE, raw, effort)
    raw = raw.replace(b"\\u", b"\2u").replace(b"\\U", b"\2U").replace(b"\\x", b"\2u00")
    return _decode_units(raw, effort).replace(b"\3", b"\\")


def _decode_percent(raw: bytes, effort: Effort) -> bytes:
    """Return a text with its percent-encoding decoded once, chains of percent signs as one."""
    raw = _CHAIN.sub(b"%25252525", raw) if b"%2525252525" in raw else raw
    units = b"%u" in raw or b"%U" in raw
    if units:
        raw = raw.replace(b"%u", b"\2u").replace(b"%U", b"\2u").replace(b"%02", b"")
    # Quoted-printable is percent-encoding with another sign, and is decoded in C.
    signed = (
        raw.replace(b"%%", b"%25%")
        .replace(b"%01", b"")
        .replace(b"%3D", b"=")
        .replace(b"%3d", b"=")
        .translate(_HIDE_EQUALS)
    )
    raw = binascii.a2b_qp(signed).translate(_SHOW_EQUALS)
    return _decode_units(raw, effort) if units else raw


def _decode_quoted_printable(raw: bytes) -> Iterator[bytes]:
    """Yield the quoted-printable stretches of a text, decoded: `=` before two hex digits in a query is none."""
    if stretches := [found[0] for found in _QUOTED_PRINTABLE.finditer(raw)]:
        yield binascii.a2b_qp(b" ".join(stretches))


def _decode_references(raw: bytes, effort: Effort) -> bytes:
    return _REFERENCES.decode(_REFERENCE, raw, effort)


_KINDS: Final = ((_BACKSLASH, _decode_backslashes), (_PERCENT, _decode_percent), (_AND, _decode_references))


def _decode_units(raw: bytes, effort: Effort) -> bytes:
    r"""Return a text with its units of UTF-16 decoded, `\2` for their backslashes; it is one where that is none."""
    if b"\2" in raw:
        effort.spend(raw.count(b"\2") * PER_UNIT)
        raw = _decode_runs(raw).replace(b"\2", b"\\")
    return raw


def _decode_runs(raw: bytes) -> bytes:
    """Return a text with its runs of units in UTF-8, each pair of surrogates as the one character it stands for.

    All runs are decoded in one go. Between two is U+0080, which nobody sees; where a unit is that, it becomes another.
    """
    parts = _UNITS.split(raw)
    if len(parts) > 1:
        runs = b"\x80".join(parts[1::2]).replace(b"u0080", b"u00ad").replace(b"U00000080", b"U000000ad")
        text = runs.replace(b"\2", b"\\").decode("raw_unicode_escape")
        joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
        parts[1::2] = joined.encode("utf-8", "surrogatepass").split(b"\xc2\x80")
    return b"".join(parts)


def _unpack(flat: bytes) -> Iterator[bytes]:
    """Yield the readable part of what the hex and base64 in a flat text hold, for each place they may begin at."""
    decoded = _decode(flat)
    for text in decoded if len(flat) > TOGETHER else (_APART.join(decoded),):
        yield from _read_text(text)


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


def _read_text(decoded: bytes) -> Iterator[bytes]:
    """Yield what of some bytes may be a text: eight characters or more in a row."""
    if _NUL in decoded:
        yield from _decode_utf_16(decoded)
    text = decoded if decoded.isascii() else decoded.decode("utf-8", "replace").replace("\ufffd", "\1").encode()
    seen = text.translate(_SEEN, _NO_BREAK)
    stretches = seen.count(_STRETCH)
    if stretches:
        text = text.translate(None, _NO_BREAK)
    if stretches * 4 * _FEWEST > len(text):
        yield text
    elif stretches:
        yield b" ".join(text[start:end] for start, end in _find_stretches(seen))


def _decode_utf_16(raw: bytes) -> Iterator[bytes]:
    """Yield what of some bytes may be UTF-16 of either order, in UTF-8: eight units or more in a row."""
    for offset in range(2):
        uppers = raw[offset::2].translate(_HALVES)
        if _STRETCH not in uppers:
            continue
        places = [(offset + 2 * start, offset + 2 * end) for start, end in _find_stretches(uppers)]
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
