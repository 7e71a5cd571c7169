"""Every way a text can be read, by passes over the whole of it, at the speed at which Python copies bytes.

What is yielded has no white space, no invisible characters and no escapes; it is only to be searched. Nothing says
where in the text it stood: that is traced, at many times the cost, only where something was found.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from luma_conformance.redaction.contents import (
    TOGETHER,
    UNSEEN_CONTROLS,
    WHITE,
    decode_utf_16,
    find_texts,
    leave_out_repeated,
    unpack,
)
from luma_conformance.redaction.effort import (
    PER_BYTE,
    PER_PART,
    PER_REFERENCE,
    PER_RUN,
    PER_SIGN,
    PER_UNIT,
    PER_UNKNOWN,
    PER_UNSEEN,
    Effort,
)
from luma_conformance.redaction.spellings import BARE_START, UNSEEN, decode_reference, look_up

ROUNDS: Final = 24
"""Escapes inside one another that are decoded; each of three layers may be two of them, such as `%26%2347%3B`."""
DEPTH: Final = 6
"""Layers of hex, base64 and UTF-16 inside one another that are decoded; base64 of UTF-16 is two of them."""

_ASCII: Final = bytes(range(0x80))

# Looked for as numbers: bytes in bytes are tried as a number first, at the price of an exception each time.
_NUL, _NEWLINE, _RETURN, _DOUBLE, _SINGLE, _BACKTICK, _EQUALS, _BACKSLASH, _PERCENT, _AND = b"\0\n\r\"'`=\\%&"
# Each gap and each escape has one of the others, the blank aside; a text of these has only itself for a reading.
_SIGNLESS: Final = re.sub(rb"""["'`=\\%&]""", b"", bytes(range(0x20, 0x7F)))
_COMMAS: Final = (b",", b":", b"<", b"_", b"(", b"!", b"@")
_LEAST_PART: Final = 64
"""Bytes that the parts between these have on average at least: of shorter ones there are too many."""
_ELLIPSIS: Final = "…".encode()

# What stands between two parts of a wrapped text, as in `spellings`; the white space goes afterwards. Each pattern is
# searched for only where its signs are.
_QUOTE: Final = rb"""["'`](?=[\s"'`E>|\-+?.b])\s*+(?:[E>|]\s++)?(?:[-+?.]\s*+)?(?:(?<=[\s+])b)?["'`]"""
_QUOTES: Final = re.compile(rb"%s(?:%s)*+" % (_QUOTE, _QUOTE))
_BETWEEN_QUOTES: Final = WHITE + b"E>|-+?.b"
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

_MOST_KNOWN: Final = 4_096
"""Escapes that are remembered from one text to the next."""


class _Known(dict[bytes, bytes]):
    """What escapes stand for, remembered as long as there are not too many."""

    def __init__(self, decode: Callable[[bytes], bytes]) -> None:
        super().__init__()
        self._decode = decode

    def decode(self, pattern: re.Pattern[bytes], raw: bytes, effort: Effort) -> bytes:
        """Return a text with each match of a pattern, of which the group is the escape, decoded."""
        parts = pattern.split(raw)
        unknown = {*parts[1::2]}.difference(self)
        effort.spend(len(parts) // 2 * PER_REFERENCE + len(unknown) * PER_UNKNOWN)
        if len(self) > _MOST_KNOWN:
            self.clear()
            unknown = {*parts[1::2]}
        self.update(zip(unknown, map(self._decode, unknown), strict=True))
        parts[1::2] = map(self.__getitem__, parts[1::2])
        return b"".join(parts)


def _as_unit(escape: bytes) -> bytes:
    r"""Return what an octal, braced or named escape stands for: most of ASCII itself, or an escape of eight digits.

    `\2` is the backslash of that, and `\3` one that begins no escape until the others are decoded.
    """
    if escape[:1] == b"N":
        number = ord(one) if len(one := look_up(escape[2:-1].decode())) == 1 else -1
    else:
        number = int(escape[2:-1], 16) if escape[:1] == b"u" else int(escape, 8)
    if 3 < number < 0x7F or number == 0:
        return b"\3" if number == _BACKSLASH else b"%c" % number
    return b"\2U%08x" % number if 0 <= number <= 0x10FFFF else b""


_REFERENCES: Final = _Known(decode_reference)
_UNITS_OF: Final = _Known(_as_unit)


def read(raw: bytes, effort: Effort, depth: int = DEPTH) -> Iterator[bytes]:
    """Yield a text in each way it can be read: its escapes decoded, and so is what hex, base64 and UTF-16 hold."""
    others: list[bytes] = []
    flat = flatten(raw, effort, others)
    yield flat
    if depth:
        short: list[bytes] = []
        for text in leave_out_repeated([*_keep_texts(others, effort, short), *unpack(flat, effort, short)]):
            yield from read(text, effort, depth - 1)
        for text in short:
            yield flatten(text, effort, [])


def _keep_texts(others: Iterable[bytes], effort: Effort, short: list[bytes]) -> Iterator[bytes]:
    """Yield other readings of a text, and of long ones only what is readable: percent-encoding may hold any bytes."""
    for text in others:
        if len(text) <= TOGETHER or text.isascii():
            yield text
        else:
            yield from find_texts(text, effort, short)


def flatten(raw: bytes, effort: Effort, others: list[bytes], rounds: int = ROUNDS) -> bytes:
    """Return a text without gaps and escapes; other readings of it on the way are added to `others`.

    One kind of escape is decoded at a time, since what it stood for may be a gap inside another.
    """
    if not raw.translate(None, _SIGNLESS):
        effort.spend(len(raw))
        return raw.replace(b" ", b"")
    raw = _strip(raw, effort, others)
    first = 0
    for left in reversed(range(rounds)):
        kind, decoded = _decode_once(raw, first, effort)
        if kind is None:
            break
        decoded = _strip(decoded, effort, others)
        read_on = _read_on(raw, decoded, effort, others, left) if len(raw) > TOGETHER else None
        raw, first = (decoded, 0) if read_on is None else (read_on, kind + 1)
    return raw


def _decode_once(raw: bytes, first: int, effort: Effort) -> tuple[int | None, bytes]:
    """Return which kind of escape is the first in a text, of those from one on, and the text with that decoded."""
    for kind, (sign, decode) in enumerate(_KINDS[first:], first):
        if sign in raw:
            effort.spend(len(raw) * PER_BYTE)
            if (decoded := decode(raw, effort)) != raw:
                return kind, decoded
    return None, raw


def _read_on(before: bytes, raw: bytes, effort: Effort, others: list[bytes], rounds: int) -> bytes | None:
    """Return a text of which those parts have been read to their end that the decoding of one kind has changed.

    Its parts are what stands between commas, say: signs that belong to no escape and no gap. None if one of them was
    decoded, since the parts are not known then, and if most of the text has to be read.
    """
    most = len(raw) // _LEAST_PART
    comma = max(_COMMAS, key=lambda sign: count if (count := raw.count(sign)) < most else 0)
    olds, news = before.split(comma), raw.split(comma)
    effort.spend(len(raw) * PER_BYTE + len(news) * PER_PART)
    if len(olds) != len(news):
        return None
    changed = [at for at, (old, new) in enumerate(zip(olds, news, strict=True)) if old != new]
    rest = comma.join(news[at] for at in changed)
    if 2 * len(rest) > len(raw):
        return None
    flat = flatten(rest, effort, others, rounds).split(comma)
    if len(flat) != len(changed):
        return None
    for at, piece in zip(changed, flat, strict=True):
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
    effort.spend(len(raw) * PER_BYTE)
    if _NUL in raw:
        others += decode_utf_16(raw, effort)
    if _NEWLINE in raw or _RETURN in raw:
        others += _keep_signs(raw)
    raw = raw.translate(None, UNSEEN_CONTROLS)
    if not raw.isascii():
        raw = raw.replace(_ELLIPSIS, b"...")
        if UNSEEN.search(raw.translate(None, _ASCII)):  # which is told quickly
            effort.spend(len(raw) * PER_UNSEEN)
            raw = UNSEEN.sub(b"", raw)
    if _NEWLINE in raw:
        signs = raw.translate(_ONE_SIGN)
        effort.spend(signs.count(b"\n") * PER_SIGN)
        raw = _SOFT_BREAK.sub(b"", raw) if b"=\n" in signs else raw
        raw = _MARGIN.sub(b"\n", raw) if b"> " in signs else raw
    if (_DOUBLE in raw or _SINGLE in raw or _BACKTICK in raw) and (
        b'""' in (quotes := raw.translate(_ONE_QUOTE, _BETWEEN_QUOTES))
    ):
        effort.spend(quotes.count(b'"') * PER_SIGN)
        raw = _QUOTES.sub(b"", raw)
    raw = raw.translate(None, WHITE)
    if _EQUALS in raw:
        others += (text for text in _decode_quoted_printable(raw) if text not in others)
    return raw


def _decode_backslashes(raw: bytes, effort: Effort) -> bytes:
    """Return a text with the escapes of JSON, JavaScript and Python decoded once, all of them at the same time."""
    raw = raw.replace(b"\\\\", b"\3")
    for escape, white in _WHITE_ESCAPES:
        raw = raw.replace(escape, white)
    effort.spend(raw.count(b"\\") * PER_SIGN)
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
    # Quoted-printable is percent-encoding with another sign, and is decoded in C; at the end a sign alone would go.
    signed = (
        (raw + b",")
        .replace(b"%%", b"%25%")
        .replace(b"%01", b"")
        .replace(b"%3D", b"=")
        .replace(b"%3d", b"=")
        .translate(_HIDE_EQUALS)
    )
    raw = binascii.a2b_qp(signed).translate(_SHOW_EQUALS)[:-1]
    return _decode_units(raw, effort) if units else raw


def _decode_quoted_printable(raw: bytes) -> Iterator[bytes]:
    """Yield the quoted-printable stretches of a text, decoded: `=` before two hex digits in a query is none."""
    if stretches := [found[0] for found in _QUOTED_PRINTABLE.finditer(raw)]:
        yield binascii.a2b_qp(b" ".join(stretches))


def _decode_references(raw: bytes, effort: Effort) -> bytes:
    effort.spend(raw.count(b"&") * PER_SIGN)
    return _REFERENCES.decode(_REFERENCE, raw, effort)


def _drop_backslashes(raw: bytes, _: Effort) -> bytes:
    r"""Return a text without backslashes: where nothing is left to decode, `\/` stands for the character alone."""
    return raw.replace(b"\\", b"")


_KINDS: Final = (
    (_BACKSLASH, _decode_backslashes),
    (_PERCENT, _decode_percent),
    (_AND, _decode_references),
    (_BACKSLASH, _drop_backslashes),
)


def _decode_units(raw: bytes, effort: Effort) -> bytes:
    r"""Return a text with its units of UTF-16 decoded, `\2` for their backslashes; it is one where that is none."""
    if b"\2" in raw:
        effort.spend(raw.count(b"\2") * PER_UNIT)
        raw = _decode_runs(raw, effort).replace(b"\2", b"\\")
    return raw


def _decode_runs(raw: bytes, effort: Effort) -> bytes:
    """Return a text with its runs of units in UTF-8, each pair of surrogates as the one character it stands for.

    All runs are decoded in one go. Between two is U+0080, which nobody sees; where a unit is that, it becomes another.
    """
    parts = _UNITS.split(raw)
    effort.spend(len(parts) // 2 * PER_RUN)
    if len(parts) > 1:
        runs = b"\x80".join(parts[1::2]).replace(b"u0080", b"u00ad").replace(b"U00000080", b"U000000ad")
        text = runs.replace(b"\2", b"\\").decode("raw_unicode_escape")
        joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
        parts[1::2] = joined.encode("utf-8", "surrogatepass").split(b"\xc2\x80")
    return b"".join(parts)
