"""Secrets looked for in a flat text: whole, and of a key that has a name any part that is long enough."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from luma_conformance.redaction.effort import PER_HIT, Effort
from luma_conformance.redaction.spellings import FlatText

REDACTED: Final = "REDACTED"
"""The replacement for a secret that has no name: a signature, a cookie, a key the kit was not told of."""
SHORT_SECRET: Final = 8
"""Characters of a key by which any part of it is recognized, since a text may have been cut before it came to us.

A shorter secret is replaced only as a word of its own: `abc` occurs in half of all texts.
"""

# What all keys begin with, and the kit's and the reference's public ones, say nothing of a key.
_PREFIX: Final = b"luma-api-"
_PUBLIC: Final = re.compile(rb"luma-api-(?:test-|conformance-)")
_LONGEST_PUBLIC: Final = len("luma-api-conformance-")

# Small letters alone are more likely a word, of which keys for tests are made: `suspended`, in the page's own texts. Of
# forty random letters and digits, eight small letters stand in a row in one case of thirty.
_WORDS: Final = re.compile(rb"[a-z_-]{1,15}")

# Where somebody shortened a text: three dots, or an ellipsis in UTF-8. pytest and many servers do: "…ef01".
_DOTS: Final = (b"...", "…".encode())
_MIN_TAIL: Final = 6
"""Characters by which the end of a shortened secret is recognized behind dots; less is too common to be replaced."""

_FEW: Final = 1_000
"""Places of a probe in a text that are looked at one by one; of more it is first asked whether it is worth it."""


class Span(NamedTuple):
    """The start and end of a secret in a text, its replacement, and whether it is all of it."""

    start: int
    end: int
    shown: bytes
    whole: bool


class _Secret(NamedTuple):
    """A secret in flat form, its replacement, and how many characters of it in a row are as telling as the whole."""

    flat: bytes
    shown: bytes
    least: int


class Needles:
    """Secrets, each with what is shown instead, in the form in which they are searched for.

    Every part of a secret that is long enough holds a whole probe: a short piece taken at regular distances.
    """

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._secrets = [secret for text, shown in secrets.items() for secret in _flatten(text, shown.encode())]
        self._probes: dict[bytes, list[tuple[_Secret, int]]] = {}
        for secret in self._secrets:
            size = (secret.least + 1) // 2
            # What all keys begin with alone is no part of a key, so the first probe holds more than that.
            begin = (
                len(_PREFIX) + 1 - size if secret.flat.startswith(_PREFIX) and len(secret.flat) > len(_PREFIX) else 0
            )
            for at in range(begin, len(secret.flat) - size + 1, secret.least - size + 1):
                self._probes.setdefault(secret.flat[at : at + size], []).append((secret, at))

    def __bool__(self) -> bool:
        return bool(self._secrets)

    def find(self, text: bytes, effort: Effort) -> Iterator[Span]:
        """Yield where the secrets and the telling parts of them are in a flat text."""
        effort.spend(len(text) * len(self._probes) // 2)
        for probe, places in self._probes.items():
            at = text.find(probe)
            if (
                at >= 0
                and text.count(probe) > _FEW
                and not any(_has_part(text, *place, len(probe)) for place in places)
            ):
                continue
            while at >= 0:
                effort.spend(PER_HIT)
                yield from self._compare(text, at, places)
                at = text.find(probe, at + 1)
        for secret in self._secrets if any(text.find(dots) >= 0 for dots in _DOTS) else ():
            yield from _find_tails(secret, text, effort)

    def _compare(self, text: bytes, at: int, places: Iterable[tuple[_Secret, int]]) -> Iterator[Span]:
        for secret, offset in places:
            start, end = _extend(text, at, secret.flat, offset)
            whole = end - start == len(secret.flat)
            if end - start >= secret.least and (whole or not _is_public(text, start, end)):
                yield Span(start, end, secret.shown, whole=whole)


def flatten_text(text: str) -> bytes:
    """Return a text in flat form."""
    return FlatText(text.encode("utf-8", "surrogatepass")).text


def _flatten(text: str, shown: bytes) -> Iterator[_Secret]:
    """Yield a secret in UTF-8, in Latin-1 as header fields have it, and either of them read as the other by mistake."""
    raw = text.encode("utf-8", "surrogatepass")
    raws = {raw: None, raw.decode("latin-1").encode(): None}
    if not text.isascii() and all(ord(character) < 256 for character in text):
        raws |= {text.encode("latin-1"): None, text.encode("latin-1").decode("utf-8", "replace").encode(): None}
    for flat in {FlatText(raw).text: None for raw in raws}:
        if flat:
            # What has no name may be an ordinary word that only looked like a secret: parts of it are not hidden.
            least = len(flat) if shown == REDACTED.encode() else min(SHORT_SECRET, len(flat))
            yield _Secret(flat, shown, least)


def _has_part(text: bytes, secret: _Secret, offset: int, size: int) -> bool:
    """Return whether any part of a secret that is long enough and has a probe in it is in a text."""
    first, last = max(0, offset + size - secret.least), min(offset, len(secret.flat) - secret.least)
    return any(text.find(secret.flat[at : at + secret.least]) >= 0 for at in range(first, last + 1))


def _find_tails(secret: _Secret, text: bytes, effort: Effort) -> Iterator[Span]:
    """Yield where the end of a secret stands directly after dots."""
    tail = secret.flat[-_MIN_TAIL:]
    at = text.find(tail)
    while at >= 0:
        effort.spend(PER_HIT)
        most = max(0, at - len(secret.flat))
        begin = max((place + len(dots) for dots in _DOTS if (place := text.rfind(dots, most, at)) >= 0), default=at + 1)
        if secret.flat.endswith(text[begin : at + len(tail)]) and begin <= at:
            yield Span(begin, at + len(tail), secret.shown, whole=False)
        at = text.find(tail, at + 1)


def _extend(text: bytes, at: int, secret: bytes, offset: int) -> tuple[int, int]:
    """Return the start and end of the longest common part of two texts around a place in each."""
    if at >= offset and text.startswith(secret, at - offset):
        return at - offset, at - offset + len(secret)
    back = 0
    most = min(at, offset)
    while back < most and text[at - back - 1] == secret[offset - back - 1]:
        back += 1
    ahead = 0
    most = min(len(text) - at, len(secret) - offset)
    while ahead < most and text[at + ahead] == secret[offset + ahead]:
        ahead += 1
    return at - back, at + ahead


def _is_public(text: bytes, start: int, end: int) -> bool:
    """Return whether a part of a key is no more than words, the start of all keys, or that of a public key."""
    if text[start:end] in _PREFIX or _WORDS.fullmatch(text, start, end):
        return True
    name = text.rfind(_PREFIX, max(0, start - _LONGEST_PUBLIC), start + len(_PREFIX))
    found = _PUBLIC.match(text, name) if name >= 0 else None
    return found is not None and found.start() <= start and end <= found.end()
