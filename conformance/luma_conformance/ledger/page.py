"""A copy of the page without its layout: the characters that carry meaning, and the text that they stand in.

Copies differ in where lines end, in quotation marks, in markup and in what stands around the page. So statements are
looked for in a stream of characters without any of these, and shown as they stand in the text.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

SEPARATOR: Final = "\N{WHITE VERTICAL BAR}"
"""Stands between the cells of a table in the text, but not in the stream."""

_SHAPES: Final = str.maketrans(
    {mark: plain for plain, marks in {'"': "“”„‟", "'": "‘’‚‛", "-": "‐‑‒–—―−"}.items() for mark in marks}
    | {"…": "...", SEPARATOR: None, "|": None}
    | dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff\xad")
)
_WORD: Final = re.compile(r"\S+")
_LAYOUT: Final = re.compile(r"[-*+:|\N{WHITE VERTICAL BAR}‐‑‒–—―−]+")
"""A word that is no more than a bullet, a dash, or a rule under the head of a table."""
ANCHOR: Final = re.compile(r"""Section\s+titled\s+["“]([^"”]*)["”]""")
"""What the page says to screen readers beside each of its headings."""


@dataclass(frozen=True, slots=True)
class Page:
    """A copy of the page: its text, a block a line, and its stream; `origins` says where each character stands.

    `headings` are the texts of the blocks that are headings, as far as the copy says so.
    """

    text: str
    stream: str
    origins: tuple[int, ...]
    headings: tuple[str, ...] = ()

    def show(self, start: int, end: int) -> str:
        """Return the text of a part of the stream."""
        return self.text[self.origins[start] : self.origins[end - 1] + 1] if start < end else ""


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, a list item, a row of a table or a piece of code."""

    text: str
    is_heading: bool = False


def make_page(blocks: Iterable[Block]) -> Page:
    """Return the page that these blocks are."""
    found = [(one, " ".join(ANCHOR.sub(" ", one.text).split())) for one in blocks]
    text = unicodedata.normalize("NFC", "\n".join(words for _, words in found if words))
    kept = tuple(_meaning(text))
    return Page(
        text=text,
        stream="".join(character for _, character in kept),
        origins=tuple(place for place, _ in kept),
        headings=tuple(words for one, words in found if one.is_heading and words),
    )


def squeeze(text: str) -> str:
    """Return the characters of a text that carry meaning: what the stream of a page has of it."""
    return "".join(character for _, character in _meaning(unicodedata.normalize("NFC", text)))


def _meaning(text: str) -> Iterator[tuple[int, str]]:
    for word in _WORD.finditer(text):
        if not _LAYOUT.fullmatch(word[0]):
            for place, character in enumerate(word[0], start=word.start()):
                yield from ((place, one) for one in character.translate(_SHAPES))


@dataclass(frozen=True, slots=True)
class Digest:
    """What the ledger keeps of a statement instead of its words: how many characters it has, and a hash of them."""

    size: int
    value: str

    @classmethod
    def of(cls, text: str) -> Digest:
        """Return the digest of a statement."""
        return cls.of_stream(squeeze(text))

    @classmethod
    def of_stream(cls, stream: str) -> Digest:
        """Return the digest of a part of a stream."""
        return cls(len(stream), hash_stream(stream))

    def __str__(self) -> str:
        return f"{self.value}/{self.size}"


def hash_stream(stream: str) -> str:
    """Return the hash of a part of a stream."""
    return hashlib.blake2b(stream.encode(), digest_size=6).hexdigest()
