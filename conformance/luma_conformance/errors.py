"""What can go wrong with us or our input; what is wrong with a target is a verdict, not an exception.

ConformanceError
├── InputError          a file, flag or environment variable of the user's is wrong
│   ├── CatalogueError      one or more problems in case files, all of them, each with its place
│   └── ProfileError        a profile, or an environment variable it names
├── CouldNotJudge       the target cannot be judged at all: unreachable, not the API, key refused
│   └── ExchangeError       one exchange broke: refused, reset, timed out, over a bound
├── NotRecorded         a recording does not have what is asked for
└── SpendExhausted      the money the user allowed is spent
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class ConformanceError(Exception):
    """Marks every exception the kit raises on purpose; its text is meant for the user."""


class InputError(ConformanceError):
    """Says that a file, flag or environment variable given by the user is wrong."""


class ProfileError(InputError):
    """Says what is wrong with a profile or with an environment variable it names."""


class CouldNotJudge(ConformanceError):
    """Says why the target as a whole cannot be judged."""


class ExchangeError(CouldNotJudge):
    """Says how one exchange with the target broke, or which bound it crossed."""


class NotRecorded(ConformanceError):
    """Says that a recording does not have the exchanges of a case or property, or has those of another version."""


class SpendExhausted(ConformanceError):
    """Says that the number of accepted generations the user allowed is used up."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong in a file: where it is, what it is, and the likely fix.

    `line` and `column` count from 1.
    """

    file: str
    line: int
    column: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.text}"


class CatalogueError(InputError):
    """Carries every problem of the case files read, in file order."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in sorted(problems)))
        self.problems = tuple(sorted(problems))


class Exit(IntEnum):
    """How a run ended: one table of statuses for `pytest` and `luma-conformance`; up to 5 they are pytest's own."""

    CONFORMANT = 0
    NOT_CONFORMANT = 1
    INTERRUPTED = 2
    INTERNAL = 3
    USAGE = 4
    COULD_NOT_JUDGE = 6
    SPENT = 7
