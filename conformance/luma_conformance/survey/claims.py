"""What was found about the roles of a profile, each in one line."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

COSTS: Final = "not asked: would cost money, if only where the claim is not true"


class Finding(StrEnum):
    """What became of a claim."""

    TRUE = "offered"
    UNCLEAR = "offered, as far as can be told"
    FALSE = "claimed, but not true"
    UNASKED = "claimed, and not asked"
    FOUND = "not claimed, but true"
    MISSING = "not offered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What was found about one role; `value` is what belongs into the profile instead of what is there, in TOML."""

    role: str
    finding: Finding
    text: str
    value: str | None = None


def true(role: str, text: str) -> Claim:
    """Return that a claim is true."""
    return Claim(role=role, finding=Finding.TRUE, text=text)


def false(role: str, text: str) -> Claim:
    """Return that a claim is not true."""
    return Claim(role=role, finding=Finding.FALSE, text=text)


def lacking(role: str, text: str) -> Claim:
    """Return that the target lacks what a profile claims by saying nothing."""
    return Claim(role=role, finding=Finding.FALSE, text=text, value="false")


def unclear(role: str, text: str) -> Claim:
    """Return that nothing speaks against a claim, and that it was not shown either."""
    return Claim(role=role, finding=Finding.UNCLEAR, text=text)


def unasked(role: str, text: str = COSTS) -> Claim:
    """Return that a claim was not asked."""
    return Claim(role=role, finding=Finding.UNASKED, text=text)
