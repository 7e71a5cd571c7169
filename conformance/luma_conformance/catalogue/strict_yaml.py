"""Reads a YAML file as data and nothing else: YAML 1.2 core scalars, no tags, anchors, aliases or duplicate keys.

Built from the parser's events, because the library's own loaders read 16:9 as a number, keep the last of two equal
keys, and take three times as long.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path as FilePath

import yaml

from luma_conformance.catalogue.problems import Source
from luma_conformance.errors import CatalogueError, Problem
from luma_conformance.paths import Path

MAX_BYTES = 1_000_000
MAX_DEPTH = 50
MAX_NUMBER = 40
MAX_PROBLEMS = 100
"""Told at once; a file that has more of them is not read any further."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_WORDS = {"": None, "~": None} | {word: value for plain, value in (("null", None), ("true", True), ("false", False))
                                  for word in (plain, plain.title(), plain.upper())}  # fmt: skip
_NUMERIC_START = frozenset("+-.0123456789")
_NUMBERS: tuple[tuple[re.Pattern[str], Callable[[str], int | float]], ...] = (
    (re.compile(r"[-+]?[0-9]+"), int),
    (re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+"), lambda text: int(text, 0)),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"), float),
)


def read(path: FilePath, name: str | None = None) -> Source:
    """Returns the data of a file and the place of each value; raises CatalogueError with every problem the file has."""
    shown = name or str(path)
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise CatalogueError((Problem(shown, 1, 1, f"cannot be read: {error.strerror}"),)) from None
    if len(raw) > MAX_BYTES:
        raise CatalogueError((Problem(shown, 1, 1, f"is too big; a case file has at most {MAX_BYTES} bytes"),))
    try:
        return parse(raw.decode("utf-8"), shown)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise CatalogueError((Problem(shown, line, 1, "is not UTF-8 text; save the file as UTF-8"),)) from None


def parse(text: str, name: str) -> Source:
    """Returns the data of a YAML text and the place of each value; raises CatalogueError with every problem it has."""
    builder = _Builder(name, text)
    try:
        data = builder.document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise CatalogueError((*builder.problems, Problem(name, *at, f"is not YAML: {error.problem}"))) from None
    except yaml.YAMLError as error:
        raise CatalogueError((Problem(name, 1, 1, f"is not YAML: {' '.join(str(error).split())}"),)) from None
    if builder.problems:
        raise CatalogueError(tuple(builder.problems))
    return Source(file=name, data=data, places=builder.places)


def _scalar(text: str) -> str | int | float | bool | None:
    """Returns what a plain scalar is under the YAML 1.2 core schema; raises OverflowError for too great a number."""
    if text[:1] not in _NUMERIC_START:
        return _WORDS.get(text, text)
    for pattern, number in _NUMBERS:
        if pattern.fullmatch(text):
            if len(text) > MAX_NUMBER or math.isinf(number(text)):
                raise OverflowError
            return number(text)
    return text


def _place(event: yaml.Event) -> tuple[int, int]:
    mark = event.start_mark
    assert mark is not None
    return mark.line + 1, mark.column + 1


class _Builder:
    """Turns the events of one document into data, noting places and problems on the way."""

    def __init__(self, name: str, text: str) -> None:
        self.places: dict[Path, tuple[int, int]] = {}
        self.problems: list[Problem] = []
        self._name = name
        self._events: Iterator[yaml.Event] = iter(yaml.parse(text, Loader=_LOADER))

    def document(self) -> object:
        next(self._events)
        if isinstance(next(self._events), yaml.StreamEndEvent):
            self.problems.append(Problem(self._name, 1, 1, "is empty"))
            return None
        data = self._value(next(self._events), ())
        next(self._events)
        extra = next(self._events)
        if not isinstance(extra, yaml.StreamEndEvent):
            self._refuse(extra, "a second document begins here; a case file is one document")
        return data

    def _value(self, event: yaml.Event, path: Path) -> object:
        at = _place(event)
        self.places.setdefault(path, at)
        if len(path) > MAX_DEPTH:
            raise CatalogueError(
                (*self.problems, Problem(self._name, *at, f"is nested deeper than {MAX_DEPTH} levels"))
            )
        if isinstance(event, yaml.AliasEvent):
            self._refuse(event, f"alias *{event.anchor}: aliases are not part of the grammar; write the value out")
            return None
        assert isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent)
        if event.anchor is not None:
            self._refuse(event, f"anchor &{event.anchor}: anchors are not part of the grammar; write the value out")
        if event.tag is not None:
            self._refuse(event, f"tag {event.tag}: tags are not part of the grammar; leave it out")
        if isinstance(event, yaml.ScalarEvent):
            return self._leaf(event)
        return self._mapping(path) if isinstance(event, yaml.MappingStartEvent) else self._sequence(path)

    def _leaf(self, event: yaml.ScalarEvent) -> object:
        try:
            return _scalar(event.value) if event.implicit[0] else event.value
        except OverflowError:
            self._refuse(event, f"{event.value[:40]} is too great a number; quote it if it is meant as text")
            return None

    def _sequence(self, path: Path) -> list[object]:
        items: list[object] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._value(event, (*path, len(items))))
        return items

    def _mapping(self, path: Path) -> dict[str, object]:
        members: dict[str, object] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._key(event, path)
            within = (*path, key)
            if key in members:
                self._refuse(event, f"duplicate key {key!r}; the first is on line {self.places[within][0]}")
            else:
                self.places[within] = _place(event)
            members[key] = self._value(next(self._events), within)
        return members

    def _key(self, event: yaml.Event, path: Path) -> str:
        if isinstance(event, yaml.ScalarEvent):
            if event.anchor is not None or event.tag is not None:
                self._refuse(event, "anchors and tags are not part of the grammar")
            if event.value == "<<" and event.implicit[0]:
                self._refuse(event, "merge key <<: merging is not part of the grammar; write the members out")
            return str(event.value)
        self._refuse(event, "a key is a text")
        self._value(event, (*path, "?"))
        return "?"

    def _refuse(self, event: yaml.Event, text: str) -> None:
        self.problems.append(Problem(self._name, *_place(event), text))
        if len(self.problems) >= MAX_PROBLEMS:
            raise CatalogueError(tuple(self.problems))
