"""The kit's exceptions and exit statuses.

Exceptions report trouble with the kit, its input, or reaching the target. What a target does wrong is a verdict
instead.

ConformanceError
├── InputError          a file, option or environment variable given by the user is wrong
│   ├── CatalogueError      one or more problems in case files: all of them, each with its place
│   └── Unreadable          a file cannot be read at all, or is not in its format
├── CouldNotJudge       the target cannot be judged at all: unreachable, not the API, key refused
│   └── ExchangeError       one exchange broke: refused, reset, timed out, over a bound
├── NotRecorded         a recording does not contain the exchanges that are needed
├── NotFollowed         a URL of the target leads where it is not followed
└── SpendExhausted      the target accepted as many generations as the user allows
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple


class ConformanceError(Exception):
    """The base of every exception the kit raises on purpose; its text is written for the user."""


class InputError(ConformanceError):
    """A file, option or environment variable given by the user is wrong."""


class CouldNotJudge(ConformanceError):
    """The target as a whole cannot be judged."""


class ExchangeError(CouldNotJudge):
    """An exchange with the target broke, or crossed a bound."""


class NotRecorded(ConformanceError):
    """A recording lacks the exchanges of a case or property, or has those of another version of it."""


class NotFollowed(ConformanceError):
    """A URL that the target gave leads where whoever runs this has not allowed the kit to go."""


class SpendExhausted(ConformanceError):
    """The target accepted as many generations as the user allows."""


class Problem(NamedTuple):
    """One thing wrong in a file: its place, a description, and the likely fix.

    `line` and `column` count from 1; 0 stands for what is not known, and is not shown.
    """

    file: str
    line: int
    column: int
    text: str

    def __str__(self) -> str:
        known = (str(number) for number in (self.line, self.column) if number)
        return f"{':'.join((self.file, *known))}: {self.text}"


class CatalogueError(InputError):
    """Every problem of the case files that were read, in file order."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in sorted(problems)))
        self.problems = tuple(sorted(problems))


class Unreadable(InputError):
    """A file that cannot be read at all, or is not in its format: one problem, with its place."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


class Exit(IntEnum):
    """How a run ended, for `pytest` and `luma-conformance` alike; statuses up to 5 are pytest's own."""

    CONFORMANT = 0
    NOT_CONFORMANT = 1
    INTERRUPTED = 2
    INTERNAL = 3
    USAGE = 4
    COULD_NOT_JUDGE = 6
    SPENT = 7


def find_status(error: ConformanceError) -> Exit:
    """Return the exit status of a run or a command that an error ends."""
    if isinstance(error, SpendExhausted):
        return Exit.SPENT
    return Exit.USAGE if isinstance(error, InputError) else Exit.COULD_NOT_JUDGE
