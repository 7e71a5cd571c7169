"""YAML built from the parser's events: no tag makes an object, and no key is lost to another.

The library's own loaders read 16:9 as a number, keep the last of two equal keys, and take three times as long. What a
file may use beside plain data is a `Grammar`: case files and cassettes have one each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol

import yaml

from luma_conformance.paths import Path
from luma_conformance.shown import quote

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Readable(Protocol):
    """A file, or what stands for one."""

    def read(self, count: int = -1, /) -> bytes:
        """Return the next bytes."""
        ...


Valued = yaml.ScalarEvent | yaml.CollectionStartEvent
"""The events that begin a value, which may have a tag and an anchor."""

Refuse = Callable[[int, int, str], None]
"""A function that notes a problem at a line and column (from 1), or raises an error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grammar:
    """The part of YAML that a kind of file may use.

    `scalar` returns the value of a scalar and raises ValueError with what is wrong with it. `objection` returns why a
    value may not have its tag or its anchor, or None; `key_objection` the same of a key that has one, or that is one
    of the `odd_keys`. `kind` is what the file is called in messages. `tagged` returns what stands for a value with a
    tag; `most_aliased` is how many values, with all their members, an alias may stand for.
    """

    kind: str
    max_depth: int
    scalar: Callable[[yaml.ScalarEvent], object]
    objection: Callable[[Valued], str | None]
    odd_keys: frozenset[str]
    key_objection: Callable[[yaml.ScalarEvent], str | None]
    tagged: Callable[[str, object], object] = lambda _, value: value
    most_aliased: int = 0


class Builder:
    """A builder of plain data from the events of one YAML document; fills `places` with lines and columns, if given."""

    def __init__(
        self,
        source: str | Readable,
        grammar: Grammar,
        refuse: Refuse,
        *,
        line_at: Callable[[int], int],
        places: dict[Path, tuple[int, int]] | None = None,
    ) -> None:
        """Begin before the first value; `line_at` returns the line of a position in the source, for encoding errors."""
        self._grammar, self._refuse_at, self._line_at, self._places = grammar, refuse, line_at, places
        self._events = self._parse(source)
        self._anchored: dict[str, tuple[object, int]] = {}
        self._built = 0  # values so far, those that aliases stand for included

    def start(self) -> yaml.Event | None:
        """Return the event that begins the document's value, or None if there is no document."""
        next(self._events)
        if isinstance(next(self._events), yaml.StreamEndEvent):
            self._refuse_at(1, 1, "is empty")
            return None
        return next(self._events)

    def end(self) -> None:
        """Refuse another document."""
        next(self._events)
        if not isinstance(extra := next(self._events), yaml.StreamEndEvent):
            self.refuse(extra, f"a second document begins here; {self._grammar.kind} is one document")

    def next(self) -> yaml.Event:
        """Return the next event: the value of a key, or the end of a collection."""
        return next(self._events)

    def refuse(self, event: yaml.Event, text: str) -> None:
        """Report a problem at an event."""
        self._refuse_at(*_position_of(event), text)

    def members(self, path: Path) -> Iterator[tuple[str, Path]]:
        """Yield the keys of the mapping that begins at a path, with the path of each; the caller builds each value."""
        seen: dict[str, int] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            line, column = _position_of(event)
            key = self._key(event, path)
            within = (*path, key)
            if key in seen:
                self.refuse(event, f"duplicate key {quote(key, 40)}; the first is on line {seen[key]}")
            else:
                seen[key] = line
                if self._places is not None:
                    self._places[within] = (line, column)
            yield key, within

    def elements(self, path: Path) -> Iterator[object]:
        """Yield the elements of the sequence that begins at a path."""
        index = 0
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            yield self.value(event, (*path, index))
            index += 1

    def value(self, event: yaml.Event, path: Path) -> object:
        """Return the value that begins with an event, at a path."""
        if self._places is not None and path not in self._places:
            self._places[path] = _position_of(event)
        if len(path) > self._grammar.max_depth:
            self.refuse(event, f"is nested deeper than {self._grammar.max_depth} levels")
            raise NotYAML
        if isinstance(event, yaml.AliasEvent):
            return self._follow(event)
        assert isinstance(event, (yaml.ScalarEvent, yaml.CollectionStartEvent))
        if event.anchor is None and event.tag is None:
            return self._build(event, path)
        self._object(event)
        before = self._built
        value = self._build(event, path)
        if event.tag is not None:
            value = self._grammar.tagged(event.tag, value)
        if event.anchor is not None and (size := self._built - before) <= self._grammar.most_aliased:
            self._anchored[event.anchor] = value, size
        return value

    def _build(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent, path: Path) -> object:
        self._built += 1
        if isinstance(event, yaml.ScalarEvent):
            try:
                return self._grammar.scalar(event)
            except ValueError as error:
                self.refuse(event, str(error))
                return None
        if isinstance(event, yaml.MappingStartEvent):
            return {key: self.value(next(self._events), within) for key, within in self.members(path)}
        return list(self.elements(path))

    def _follow(self, event: yaml.AliasEvent) -> object:
        """Return the value that an alias stands for, which is small, or refuse the alias."""
        if event.anchor in self._anchored:
            value, size = self._anchored[event.anchor]
            self._built += size
            return value
        small = "values this large" if self._grammar.most_aliased else "aliases"
        self.refuse(event, f"alias *{event.anchor}: {self._grammar.kind} is read without {small}; write the value out")
        return None

    def _parse(self, source: str | Readable) -> Iterator[yaml.Event]:
        """Yield the parser's events; refuse what is not YAML."""
        try:
            yield from yaml.parse(source, Loader=_LOADER)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            at = (mark.line + 1, mark.column + 1) if mark else (1, 1)
            self._refuse_at(*at, f"is not YAML: {error.problem}")
            raise NotYAML from None
        except yaml.reader.ReaderError as error:
            self._refuse_at(self._line_at(error.position), 1, f"is not YAML: {error.reason}")
            raise NotYAML from None

    def _object(self, event: Valued) -> None:
        if (why := self._grammar.objection(event)) is not None:
            self.refuse(event, why)

    def _key(self, event: yaml.Event, path: Path) -> str:
        if isinstance(event, yaml.ScalarEvent):
            is_odd = event.anchor is not None or event.tag is not None or event.value in self._grammar.odd_keys
            if is_odd and (why := self._grammar.key_objection(event)) is not None:
                self.refuse(event, why)
            return str(event.value)
        self.refuse(event, "a key should be a string")
        self.value(event, (*path, "?"))
        return "?"


class NotYAML(Exception):
    """A text that is read no further, because its problem has been reported."""


def _position_of(event: yaml.Event) -> tuple[int, int]:
    mark = event.start_mark
    return (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
