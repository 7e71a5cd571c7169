"""Parts of a text replaced, and the places in it that are still needed moved along."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from io import BytesIO
from typing import Final

from luma_conformance.redaction.needles import Span
from luma_conformance.shown import Omission

PART: Final = 1_048_576
"""Bytes of a text of which the secrets are counted."""
MOST_SPANS: Final = 10_000
"""Secrets in a part of a text that are replaced one by one."""

# What may still belong to a URL, in any encoding, or to a word that begins before.
_REST: Final = re.compile(rb"""[^\s"'<>]*+""")

Places = tuple[int, ...]
"""The start and the end of each part of a text that is not to be shown, in bytes."""


def find_places(omissions: Sequence[Omission], text: str) -> Places:
    """Return where the parts of a text are that are not to be shown, in UTF-8."""
    return tuple(len(text[:at].encode("utf-8", "surrogatepass")) for one in omissions for at in (one.start, one.end))


def replace_spans(raw: bytes, spans: Iterable[Span], places: Places) -> tuple[bytes, Places]:
    """Return a text with what is shown instead in the place of each secret, and where the places are in it.

    Spans overlap where one secret, or one form of it, contains another: of those with the same start the longest is
    replaced, and whatever of the others sticks out behind it is removed with it. A place within a secret is then behind
    what is shown instead. The spans may be millions, of which nothing is kept but three numbers each.
    """
    written, at = BytesIO(), 0
    starts, ends, shown_until = array("q"), array("q"), array("q")
    for span in spans:
        start, end = _widen(raw, span.start, span.end)
        if start >= at:
            written.write(raw[at:start] + span.shown)
            starts.append(start)
            ends.append(end)
            shown_until.append(written.tell())
        elif end > at:
            ends[-1] = end
        at = max(at, end)

    def move(place: int) -> int:
        last = bisect_left(starts, place) - 1
        return place if last < 0 else shown_until[last] + max(0, place - ends[last])

    if not starts:
        return raw, places
    written.write(raw[at:])
    return written.getvalue(), tuple(map(move, places))


def thin_out(raw: bytes, find: Callable[[bytes, int], Iterator[Span]]) -> Iterator[Span]:
    """Yield what is found in a text from a place on, and instead of the last of too many the rest of that part of it.

    The rest ends where a URL may end, so that the next part does not begin within one.
    """
    begin = at = number = 0
    while at >= 0:
        spans, at = find(raw, at), -1
        for span in spans:
            if span.start >= begin + PART:
                begin, number = span.start, 0
            number += 1
            if number > MOST_SPANS:
                rest = _REST.match(raw, max(span.end, min(begin + PART, len(raw))))
                at = begin = rest.end() if rest is not None else len(raw)
                number = 0
                yield Span(span.start, at, stand_in(raw[span.start : at]), whole=True)
                break
            yield span


def stand_in(raw: bytes) -> bytes:
    """Return what is shown instead of a text that costs too much to search."""
    return f"luma-conformance:text sha256={sha256(raw).hexdigest()} bytes={len(raw)}".encode()


def leave_out(raw: bytes, omissions: Sequence[Omission], places: Places) -> bytes:
    """Return a text with what stands for each part that is not to be shown."""
    pieces, at = [], 0
    for one, start, end in zip(omissions, places[::2], places[1::2], strict=True):
        if start >= at:
            pieces += [raw[at:start], one.shown.encode()]
        at = max(at, end)
    return b"".join([*pieces, raw[at:]])


def _widen(raw: bytes, start: int, end: int) -> tuple[int, int]:
    """Return a part of a text without half a character at its ends: a part of a secret may begin or end within one."""
    while start > 0 and raw[start] & 0xC0 == 0x80:
        start -= 1
    while end < len(raw) and raw[end] & 0xC0 == 0x80:
        end += 1
    return start, end
