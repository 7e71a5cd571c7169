"""The ledger as a value: the statements of the page in our words, and what carries each of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from luma_conformance.ledger.page import Digest
from luma_conformance.model import Place

CARRIERS: Final = ("cases", "responses", "rules", "properties", "scenarios", "miniatures")
"""What can carry a statement: what holds on every response is called as in specs/every-response.yaml."""

_STATUS: Final = re.compile(r"\d{3} — ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement of the page; `carriers` are ids, globs, or what ids begin with, by what they are ids of.

    One that nothing carries has a `reason`; `exception` is what its carriers leave out of it.
    """

    section: str
    says: str
    digest: Digest
    facts: tuple[str, ...]
    carriers: Mapping[str, tuple[str, ...]]
    reason: str | None
    exception: str | None
    place: Place

    @property
    def is_carried(self) -> bool:
        """Whether anything is said to carry the statement."""
        return any(self.carriers.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Beyond:
    """Cases, properties, … that rest on no statement of the page, and what they rest on instead."""

    carriers: Mapping[str, tuple[str, ...]]
    reason: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """Every statement of the page at an address, in the order of its sections."""

    page: str
    sections: tuple[str, ...]
    statements: tuple[Statement, ...]
    beyond: tuple[Beyond, ...]


def printed_titles(sections: Sequence[str]) -> tuple[str, ...]:
    """Return the headings as the page prints them: one below another of its status stands there without the status.

    >>> from luma_conformance.ledger.ledger import printed_titles
    >>> printed_titles(["400 — Bad Request", "400 — Unknown model"])
    ('400 — Bad Request', 'Unknown model')
    """
    above = ("", *sections)
    return tuple(
        _STATUS.sub("", one, count=1) if _STATUS.match(one) and before.startswith(one[:3]) else one
        for before, one in zip(above, sections, strict=False)
    )


def titles(section: str) -> tuple[str, ...]:
    """Return how the page may print a heading: as the ledger has it, or without the status it stands below.

    >>> from luma_conformance.ledger.ledger import titles
    >>> titles("400 — Unknown model")
    ('400 — Unknown model', 'Unknown model')
    """
    return (section, _STATUS.sub("", section, count=1)) if _STATUS.match(section) else (section,)
