"""What a run says of each statement of the page: which of the verdicts are about it."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from luma_conformance.ledger.coverage import matches
from luma_conformance.ledger.grammar import load
from luma_conformance.ledger.ledger import Ledger, Statement
from luma_conformance.model import Outcome

EVERY: Final = "every"
"""Stands for what a client does in every scenario."""
PROPERTIES: Final = "properties/"
"""What the ids of properties begin with in results."""

_PARAMETERS: Final = re.compile(r"\[.*")
_GLOB: Final = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class Covered:
    """A statement, the verdicts that are about it, and what ids begin with by which they are found in a list."""

    statement: Statement
    counts: Mapping[Outcome, int]
    search: str

    @property
    def is_judged(self) -> bool:
        """Whether any of the verdicts says something."""
        return any(count for outcome, count in self.counts.items() if outcome is not Outcome.NOT_JUDGED)


@lru_cache(maxsize=1)
def own_ledger() -> Ledger:
    """Return the kit's own ledger, which is read once."""
    return load()


def cover(ledger: Ledger, verdicts: Mapping[str, Outcome], kinds: Sequence[str]) -> list[Covered]:
    """Return the statements that carriers of these kinds carry, each with the verdicts, by id, that are about it."""
    names = sorted(verdicts)
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    covered = []
    for one in ledger.statements:
        patterns = [(kind, pattern) for kind in kinds for pattern in one.carriers.get(kind, ())]
        for wanted in patterns:
            if wanted not in found:
                found[wanted] = tuple(_find(*wanted, names))
        if patterns:
            ids = dict.fromkeys(name for wanted in patterns for name in found[wanted])
            search = next((_begin(*wanted) for wanted in patterns if found[wanted]), "")
            covered.append(Covered(one, Counter(verdicts[name] for name in ids), search))
    return covered


def _find(kind: str, pattern: str, names: Sequence[str]) -> Iterator[str]:
    """Yield the ids that a pattern names; only those that begin as it does are looked at."""
    if kind == "scenarios" and pattern == EVERY:
        yield from names
        return
    start = _begin(kind, pattern)
    whole = f"{PROPERTIES}{pattern}" if kind == "properties" else pattern
    for place in range(bisect_left(names, start), len(names)):
        if not names[place].startswith(start):
            return
        if matches(kind, whole, _PARAMETERS.sub("", names[place])):
            yield names[place]


def _begin(kind: str, pattern: str) -> str:
    """Return what every id begins with that a pattern names."""
    if kind == "scenarios" and pattern == EVERY:
        return ""
    return (PROPERTIES if kind == "properties" else "") + _GLOB.split(pattern, maxsplit=1)[0]
