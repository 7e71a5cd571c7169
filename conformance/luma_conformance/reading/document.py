"""A cursor over plain data that knows the place of each value and words the messages about it.

Every reader of a user's file goes through `Node`, whatever the format: `cases.yaml:6:13: title should be a string, not
[]`, `profile.toml:2: image-url is missing`, `run.har:entry 2: request.url should be a string, not 5`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import ClassVar, Final

from luma_conformance.errors import InputError, Problem
from luma_conformance.matching import show
from luma_conformance.model import Place
from luma_conformance.paths import Path
from luma_conformance.shown import show_line

_GREATEST: Final = sys.float_info.max
MAX_NAME: Final = 80
"""Characters of one step of a name in a message."""

MAX_PROBLEMS: Final = 20
"""Problems shown at once; a file with more of them is probably a different kind of file."""

_KEY: Final = re.compile(r"luma-api-(?!test-|conformance-)[\w.~-]{4,}", re.ASCII)
"""What looks like a key: somebody has written one where a name belongs."""

Locate = Callable[[Path], tuple[int, int]]
"""A function from a path to the value's line and column (from 1); 0 means not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One file's data; `places` maps paths of values to their line and column (from 1), a column of 0 is not known."""

    file: str
    data: object
    places: Mapping[Path, tuple[int, int]]

    def locate(self, path: Path) -> tuple[int, int]:
        """Return where the value at a path stands, or where the nearest value around it does."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, (1, 1))


def make_error(problems: tuple[Problem, ...]) -> InputError:
    """Return an error whose text has one problem a line."""
    more = [f"… and maybe more: these are the first {MAX_PROBLEMS}"] if len(problems) >= MAX_PROBLEMS else []
    return InputError("\n".join([*map(str, problems), *more]))


class Problems:
    """The problems of one document: all of them, reported together, or with a `limit` of 1 only the first."""

    __slots__ = ("_error", "_found", "_limit", "_locate", "file", "shows_values")

    def __init__(
        self,
        file: str,
        locate: Locate = lambda _: (0, 0),
        *,
        error: Callable[[tuple[Problem, ...]], InputError] = make_error,
        limit: int = 1,
        shows_values: bool = False,
    ) -> None:
        """Begin a list of problems that raises its `error` when asked, or when there are `limit` of them.

        `shows_values` lets messages quote strings, lists and mappings; a file that may hold a secret keeps them.
        """
        self.file, self.shows_values = file, shows_values
        self._locate, self._error, self._limit = locate, error, limit
        self._found: list[Problem] = []

    def place(self, path: Path) -> Place:
        """Return the place of the value at a path."""
        return Place(self.file, self._locate(path)[0])

    def error(self, path: Path, text: str) -> InputError:
        """Return an error with this one problem."""
        return self._error((Problem(self.file, *self._locate(path), text),))

    def note(self, path: Path, text: str) -> None:
        """Note one problem; raise the error when the limit is reached."""
        self._add(Problem(self.file, *self._locate(path), text))

    def _add(self, problem: Problem) -> None:
        self._found.append(problem)
        if len(self._found) >= self._limit:
            self.check()

    def note_at(self, line: int, column: int, text: str) -> None:
        """Note one problem where there is no value: at a line and column of the file."""
        self._add(Problem(self.file, line, column, text))

    def check(self) -> None:
        """Raise the error with every problem noted, in the order of their places, or return."""
        if self._found:
            raise self._error(tuple(sorted(self._found)))


class Node:
    """A value of a document, and where it stands.

    Members are nodes too, present or not: `case["repeat"]["at_most"].whole(1)`. A wrong value is noted as a problem; if
    reading goes on after that, an empty value of the right type is returned instead.
    """

    __slots__ = ("_parent", "_problems", "_step", "_title", "value")
    __iter__: ClassVar[None] = None  # `elements` and `members` say which of the two is meant

    def __init__(
        self, value: object, problems: Problems, parent: Node | None = None, step: str | int = "", title: str = ""
    ) -> None:
        """Begin at a value; messages call it `title`, and name the values in it from there."""
        self.value = value
        self._problems = problems
        self._parent = parent
        self._step = step
        self._title = title

    def __getitem__(self, name: str) -> Node:
        value = self.value.get(name, _MISSING) if isinstance(self.value, dict) else _MISSING
        return Node(value, self._problems, self, name)

    def __contains__(self, name: str) -> bool:
        return isinstance(self.value, dict) and name in self.value

    def get(self, name: str) -> object:
        """Return the plain value of a member of any type, or None if it is missing."""
        return self.value.get(name) if isinstance(self.value, dict) else None

    @property
    def is_absent(self) -> bool:
        """Whether there is no value here at all."""
        return self.value is _MISSING

    @property
    def is_missing(self) -> bool:
        """Whether there is no value here, or null."""
        return self.value is None or self.value is _MISSING

    @property
    def path(self) -> Path:
        """The path of the value in the document."""
        return (*self._parent.path, self._step) if self._parent is not None else ()

    @property
    def place(self) -> Place:
        """The file and line of the value."""
        return self._problems.place(self.path)

    @property
    def name(self) -> str:
        """What messages call the value: its title, or its path below the nearest value that has one."""
        if self._title or self._parent is None:
            return self._title
        above = "" if self._parent._title else self._parent.name
        if isinstance(self._step, int):
            return f"{above}[{self._step}]"
        return f"{above}.{_shorten(self._step)}" if above else _shorten(self._step)

    def wrong(self, text: str) -> None:
        """Note a problem here with this text."""
        self._problems.note(self.path, text)

    def error(self, text: str) -> InputError:
        """Return an error with a problem here, for readers that stop at the first."""
        return self._problems.error(self.path, text)

    def expected(self, what: str) -> None:
        """Note that the value is missing, or is not what it should be."""
        if self.is_missing:
            self.wrong(f"{self.name} is missing")
        else:
            is_bare = what == _STRING and self._problems.shows_values and isinstance(self.value, int | float)
            quoted = f'; quote it if it is meant as text: "{show(self.value)}"' if is_bare else ""
            self.wrong(f"{self.name} should be {what}, not {self._shown()}{quoted}")

    def unknown(self, kind: str, name: str, known: Iterable[str], advice: str | None = None) -> None:
        """Note an unknown name here, with the most similar known name, or with better advice."""
        self.wrong(f"unknown {kind} {show(_hide_key(name))}; {advice or nearest(name, known)}")

    def mapping(self, known: Collection[str] | None = None) -> Node:
        """Return this node; note a value that is not a mapping, and each of its names that is not `known`."""
        if not isinstance(self.value, dict):
            self.expected("a mapping of names to values")
        elif known is not None:
            for name in self.value.keys() - known:
                self[name].unknown(f"key in {self.name}", name, known)
        return self

    def members(self) -> Iterator[tuple[str, Node]]:
        """Yield the name and node of each member; note a value that is not a mapping."""
        self.mapping()
        if isinstance(self.value, dict):
            yield from ((name, self[name]) for name in self.value)

    def elements(self, title: str = "") -> list[Node]:
        """Return the node of each element, called `title`; note a value that is not a list."""
        if isinstance(self.value, list):
            return [Node(value, self._problems, self, index, title) for index, value in enumerate(self.value)]
        self.expected("a list")
        return []

    def string(self, name: str | None = None) -> str:
        """Return a string, empty or not, of a member or the value itself; note anything else."""
        value = self.value if name is None else self.get(name)
        if isinstance(value, str):
            return value
        (self if name is None else self[name]).expected(_STRING)
        return ""

    def optional(self, name: str) -> str | None:
        """Return the string of a member, or None if it is null or missing."""
        return None if self.get(name) is None else self.string(name)

    def text(self) -> str:
        """Return a string that is not empty; note anything else."""
        if isinstance(self.value, str) and self.value.strip():
            return self.value
        self.expected("a string that is not empty" if isinstance(self.value, str) else _STRING)
        return ""

    def texts(self) -> tuple[str, ...]:
        """Return a list of strings that are not empty; note anything else."""
        return tuple(element.text() for element in self.elements())

    def flag(self) -> bool:
        """Return a boolean; note anything else."""
        if not isinstance(self.value, bool):
            self.expected("true or false")
        return self.value is True

    def number(self, least: float = -_GREATEST, most: float = _GREATEST) -> float:
        """Return a finite number in a range; note anything else, and return the least."""
        value = self.value
        if isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most:
            return value
        self.expected(f"a number{_describe_range(least, most)}")
        return least

    def whole(self, least: int, most: float = _GREATEST) -> int:
        """Return a whole number in a range; note anything else, and return the least."""
        value = self.value
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return value
        self.expected(f"a whole number{_describe_range(least, most)}")
        return least

    def one_of(self, kind: str, known: Iterable[str]) -> str:
        """Return one of the strings that are known; note anything else, and return an empty one."""
        known = tuple(known)
        if isinstance(self.value, str) and self.value in known:
            return self.value
        if isinstance(self.value, str):
            self.unknown(kind, self.value, known)
        else:
            self.expected(f"one of {', '.join(known)}")
        return ""

    def _shown(self) -> str:
        """Return the value as messages show it; a file that may hold secrets shows types, and plain numbers."""
        value = self.value
        if self._problems.shows_values or value is None or (isinstance(value, int | float) and abs(value) < _LONG):
            return show(value)
        return _TYPES.get(type(value), f"a {type(value).__name__}")


_MISSING: Final = object()
_STRING: Final = "a string"
_LONG: Final = 10**15
_TYPES: Final[Mapping[type, str]] = {
    str: _STRING,
    list: "a list",
    dict: "a mapping",
    bytes: "bytes",
    int: "a long number",
    float: "a long number",
}


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the advice for an unknown name: the most similar known name, or all of them."""
    names = sorted(known)
    near = get_close_matches(name, names, n=1, cutoff=0.5)
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(names) or 'none'}"


def _shorten(step: str | int) -> str:
    return show_line(_hide_key(str(step)), MAX_NAME)


def _hide_key(name: str) -> str:
    return _KEY.sub("luma-api-REDACTED", name)


def _describe_range(least: float, most: float) -> str:
    if most < _GREATEST:
        return f" from {least:,.15g} to {most:,.15g}"
    return f" of at least {least:,.15g}" if least > -_GREATEST else ""
