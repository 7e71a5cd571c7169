"""Plain data with the place of every value, and the problems found in it.

This module knows neither YAML nor cases: it is what a file format hands to the reader, and what the reader hands back
when it refuses.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from luma_conformance.errors import CatalogueError, Problem
from luma_conformance.matching import show
from luma_conformance.model import Place
from luma_conformance.paths import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One file's data; `places` maps the path of every value, and of every key, to its line and column (from 1)."""

    file: str
    data: object
    places: Mapping[Path, tuple[int, int]]

    def place(self, path: Path) -> Place:
        """Returns where the value at a path stands, or where the nearest value around it does."""
        return Place(self.file, self._at(path)[0])

    def problem(self, path: Path, text: str) -> Problem:
        """Returns a problem with the value at a path."""
        return Problem(self.file, *self._at(path), text)

    def _at(self, path: Path) -> tuple[int, int]:
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, (1, 1))


MAX_PROBLEMS = 100
"""Told at once; a source that has more of them is not looked at any further."""


class Problems:
    """Gathers everything wrong with one source, so that it is told at once."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._found: list[Problem] = []

    def add(self, path: Path, text: str) -> None:
        """Notes one problem; raises CatalogueError once there are too many to go on."""
        self._found.append(self._source.problem(path, text))
        if len(self._found) >= MAX_PROBLEMS:
            self.check()

    def check(self) -> None:
        """Raises CatalogueError with every problem noted, or returns."""
        if self._found:
            raise CatalogueError(tuple(self._found))

    def unknown(self, path: Path, kind: str, name: str, known: Iterable[str]) -> None:
        """Notes a name nobody knows, with the nearest one that is known."""
        names = sorted(known)
        near = get_close_matches(name, names, n=1, cutoff=0.5)
        advice = f"did you mean {near[0]}?" if near else f"there are {', '.join(names) or 'none'}"
        self.add(path, f"unknown {kind} {show(name)}; {advice}")

    def mapping(self, data: object, path: Path, kind: str, keys: Iterable[str] | None = None) -> Mapping[str, object]:
        """Returns an object, empty where there is none; notes another type, and keys that are not among `keys`."""
        if not isinstance(data, dict):
            self.add(path, f"{kind} is an object of names and values, not {show(data)}")
            return {}
        if keys is not None:
            for name in data.keys() - keys:
                self.unknown((*path, name), f"key in {kind}", name, keys)
        return data

    def sequence(self, data: object, path: Path, kind: str) -> list[object]:
        """Returns a list, empty where there is none; notes another type."""
        if isinstance(data, list):
            return data
        self.add(path, f"{kind} is a list, not {show(data)}")
        return []

    def text(self, data: object, path: Path, kind: str) -> str:
        """Returns a non-empty text; notes anything else, and returns an empty one."""
        if isinstance(data, str) and data:
            return data
        quote = f'; quote it if it is meant as text: "{show(data)}"' if isinstance(data, int | float) else ""
        self.add(path, f"{kind} is missing" if data is None else f"{kind} is a text, not {show(data)}{quote}")
        return ""

    def number(self, data: object, path: Path, kind: str, least: float) -> float:
        """Returns a number of at least `least`; notes anything else."""
        if isinstance(data, int | float) and not isinstance(data, bool) and least <= data < math.inf:
            return data
        self.add(path, f"{kind} is a number of at least {least:g}, not {show(data)}")
        return least

    def whole(self, data: object, path: Path, kind: str, least: int) -> int:
        """Returns a whole number of at least `least`; notes anything else."""
        if isinstance(data, int) and not isinstance(data, bool) and data >= least:
            return data
        self.add(path, f"{kind} is a whole number of at least {least}, not {show(data)}")
        return least

    def texts(self, data: object, path: Path, kind: str) -> tuple[str, ...]:
        """Returns a list of texts; notes anything else."""
        items = self.sequence(data, path, kind)
        return tuple(self.text(item, (*path, index), f"an entry of {kind}") for index, item in enumerate(items))
