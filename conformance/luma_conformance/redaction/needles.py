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
_DOTS: Final = re.compile(rb"\.\.\.|\xe2\x80\xa6")
_MIN_TAIL: Final = 6
"""Characters by which the end of a shortened secret is recognized behind dots; less is too common to be replaced."""


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
            while at >= 0:
                effort.spend(PER_HIT)
                yield from self._compare(text, at, places)
                at = text.find(probe, at + 1)
        shortened = [secret for secret in self._secrets if text.find(secret.flat[-_MIN_TAIL:]) >= 0]
        for dots in _DOTS.finditer(text) if shortened else ():
            effort.spend(PER_HIT)
            yield from _find_tails(shortened, text, dots.end())

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


def _find_tails(secrets: Iterable[_Secret], text: bytes, at: int) -> Iterator[Span]:
    """Yield the end of a secret that stands directly after dots."""
    for secret in secrets:
        tail = text.find(secret.flat[-_MIN_TAIL:], at, at + len(secret.flat))
        if tail >= 0 and secret.flat.endswith(text[at : tail + _MIN_TAIL]):
            yield Span(at, tail + _MIN_TAIL, secret.shown, whole=False)


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
