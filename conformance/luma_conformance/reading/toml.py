"""TOML read with the line of each value, which the standard library's parser does not report."""

from __future__ import annotations

import re
import tomllib
from typing import Final

from luma_conformance.errors import Problem, Unreadable
from luma_conformance.paths import Path
from luma_conformance.reading.document import Source

MAX_DOTS: Final = 100
"""The limit in one line, outside strings: the parser's memory grows with the square of a dotted key's parts."""

_STRING: Final = re.compile(r""""(?:\\.|[^"\\])*"|'[^']*'""")
_AT: Final = re.compile(r"(?P<what>.*) \(at line (?P<line>\d+), column \d+\)")
_NAME: Final = r"""(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')"""
_HEADING: Final = re.compile(rf"\s*(?P<open>\[\[?)\s*(?P<names>{_NAME}(?:\s*\.\s*{_NAME})*)\s*\]")
_KEY: Final = re.compile(rf"\s*(?P<names>{_NAME}(?:\s*\.\s*{_NAME})*)\s*=")
_PART: Final = re.compile(_NAME)


def read_toml(text: str, name: str) -> Source:
    """Return the data of a TOML text and the line of each table and member; raise Unreadable."""
    for number, line in enumerate(text.split("\n"), start=1):
        if line.count(".") > MAX_DOTS < _STRING.sub("", line).count("."):
            raise Unreadable(Problem(name, number, 0, f"has over {MAX_DOTS} dots outside of strings; is this TOML?"))
    try:
        return Source(file=name, data=tomllib.loads(text), places=_find_places(text))
    except tomllib.TOMLDecodeError as error:
        found = _AT.fullmatch(str(error))
        at = int(found["line"]) if found else text.count("\n") + 1
        raise Unreadable(Problem(name, at, 0, f"is not TOML: {found['what'] if found else error}")) from None
    except RecursionError:
        raise Unreadable(Problem(name, 0, 0, "is nested too deep; write tables of plain values")) from None
    except ValueError as error:  # a number of more digits than Python reads
        raise Unreadable(Problem(name, 0, 0, f"is not TOML that can be read: {error}")) from None


def _find_places(text: str) -> dict[Path, tuple[int, int]]:
    """Return the line of each heading and key, as far as a search line by line finds them; columns are not known."""
    places: dict[Path, tuple[int, int]] = {}
    counts: dict[Path, int] = {}
    table: Path = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if (heading := _HEADING.match(line)) is not None:
            table = _split_names(heading["names"])
            _add_place(places, table, number)
            if heading["open"] == "[[":
                counts[table] = counts.get(table, -1) + 1
                table = (*table, counts[table])
                places[table] = (number, 0)
        elif (key := _KEY.match(line)) is not None:
            _add_place(places, (*table, *_split_names(key["names"])), number)
    return places


def _add_place(places: dict[Path, tuple[int, int]], path: Path, line: int) -> None:
    """Note the line of a path and, where they have none yet, of the tables around it."""
    for length in range(1, len(path) + 1):
        places.setdefault(path[:length], (line, 0))


def _split_names(dotted: str) -> Path:
    return tuple(name.strip("\"'") for name in _PART.findall(dotted))
