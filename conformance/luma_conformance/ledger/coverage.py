"""The ledger walked both ways: statements that nobody carries, names that lead nowhere, cases that rest on nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from luma_conformance.errors import Problem
from luma_conformance.ledger.ledger import Beyond, Ledger, Statement
from luma_conformance.reading.document import nearest

UNORDERED: Final = frozenset({"miniatures"})
"""What need not rest on a statement: services are wrong in whatever way there is."""

Names = Mapping[str, tuple[str, ...]]
"""The ids there are, by what they are ids of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many statements of a section, or of the page, are carried, excluded with a reason, or neither."""

    section: str
    carried: int
    excluded: int
    missing: int

    @property
    def total(self) -> int:
        """How many there are."""
        return self.carried + self.excluded + self.missing


def matches(kind: str, pattern: str, name: str) -> bool:
    """Return whether a pattern names something: it is its id, what the id begins with, or a glob.

    >>> from luma_conformance.ledger.coverage import matches
    >>> matches("cases", "create/*/control", "create/403-suspended/control")
    True
    """
    if kind == "miniatures":
        return name.startswith(pattern)
    return name == pattern or name.startswith(f"{pattern}/") or fnmatchcase(name, pattern)


def count(ledger: Ledger) -> list[Count]:
    """Return the counts of every section that has statements, in page order."""
    return [
        count_of(section, [one for one in ledger.statements if one.section == section])
        for section in dict.fromkeys(one.section for one in ledger.statements)
    ]


def count_of(section: str, statements: Iterable[Statement]) -> Count:
    """Return the counts of some statements."""
    statements = list(statements)
    carried = sum(one.is_carried for one in statements)
    excluded = sum(not one.is_carried and one.reason is not None for one in statements)
    return Count(section=section, carried=carried, excluded=excluded, missing=len(statements) - carried - excluded)


def find_problems(ledger: Ledger, names: Names) -> list[Problem]:
    """Return what is wrong with a ledger, walked both ways."""
    return [*_find_uncarried(ledger), *_find_unknown(ledger, names), *_find_orphans(ledger, names)]


def _find_uncarried(ledger: Ledger) -> Iterable[Problem]:
    for one in ledger.statements:
        if not one.is_carried and one.reason is None:
            yield _problem(one, f"nothing carries {one.says!r}; name what does, or give a reason")


def _find_unknown(ledger: Ledger, names: Names) -> Iterable[Problem]:
    for one in _entries(ledger):
        for kind, patterns in one.carriers.items():
            for pattern in patterns:
                if not any(matches(kind, pattern, name) for name in names[kind]):
                    advice = nearest(pattern, names[kind]) if len(names[kind]) < _MANY else "look for a like one"
                    yield _problem(one, f"none of the {kind} is {pattern}; {advice}")


def _find_orphans(ledger: Ledger, names: Names) -> Iterable[Problem]:
    for kind, known in names.items():
        named = {pattern for one in _entries(ledger) for pattern in one.carriers.get(kind, ())}
        for name in known if kind not in UNORDERED else ():
            # A pattern for many files, such as create/400-*, would cover every new file without a thought.
            file = name.rpartition("/")[0]
            if not any(pattern.startswith(file) and matches(kind, pattern, name) for pattern in named):
                text = f"no statement is carried by {name}, of the {kind}; name it at one, or under beyond"
                yield Problem(_file(ledger), 0, 0, text)


_MANY: Final = 1_000


def _entries(ledger: Ledger) -> tuple[Statement | Beyond, ...]:
    return (*ledger.statements, *ledger.beyond)


def _file(ledger: Ledger) -> str:
    return ledger.statements[0].place.file if ledger.statements else "the ledger"


def _problem(one: Statement | Beyond, text: str) -> Problem:
    return Problem(one.place.file, one.place.line, 0, text)
