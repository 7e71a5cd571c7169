"""What is found by judging as pytest carries it: an explanation to a report, and what a property came to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from luma_conformance.model import Mismatch, Outcome


class NonConformance(Exception):
    """Carries the explanation of a failed case to pytest's report, and what a generated request's answer differs in."""

    def __init__(self, explanation: str, mismatches: tuple[Mismatch, ...] = (), answer: str | None = None) -> None:
        super().__init__(explanation)
        self.mismatches, self.answer = mismatches, answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a property came to: why it was not judged, what it noted, or what it raised; `seconds` are real ones."""

    outcome: Outcome
    reason: str | None
    note: str | None
    error: BaseException | None
    seconds: float


def property_id(item: pytest.Item) -> str:
    """Returns the name a property of ours has wherever the kit is installed; any other's is its node id."""
    ours = item.path.parent == Path(__file__).resolve().parents[1] / "suite"
    return f"properties/{stem(item.path)}/{item.name}" if ours else item.nodeid


def stem(path: Path) -> str:
    """Returns what a module of properties is about."""
    return path.stem.removeprefix("test_")
