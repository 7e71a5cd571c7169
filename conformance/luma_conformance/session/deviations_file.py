"""Reads known deviations from TOML."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from luma_conformance.errors import InputError
from luma_conformance.judge.deviations import Deviation
from luma_conformance.model import Facet, Place

_REQUIRED: Final = ("cases", "facet", "answer", "reason")
_OPTIONAL: Final = ("link", "owner", "expires")
_TABLE: Final = re.compile(r"\s*\[\[\s*deviation\s*\]\]")
_AT: Final = re.compile(r"(?P<what>.*) \(at line (?P<line>\d+), column \d+\)")


def load_deviations(path: Path) -> tuple[Deviation, ...]:
    """Returns the deviations in a file; raises InputError with everything that is wrong with it."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: is not UTF-8 text; save the file as UTF-8") from None
    return parse_deviations(text, str(path))


def parse_deviations(text: str, name: str) -> tuple[Deviation, ...]:
    """Returns the deviations in a TOML text called `name`; raises InputError with everything that is wrong with it."""
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        found = _AT.fullmatch(str(error))
        line = found["line"] if found else text.count("\n") + 1
        raise InputError(f"{name}:{line}: is not TOML: {found['what'] if found else 'it breaks off'}") from None
    tables = data.pop("deviation", [])
    problems = [f"{name}: {key!r} is nothing here; a deviation begins with [[deviation]]" for key in data]
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise InputError(f"{name}: a deviation begins with [[deviation]], in two brackets")
    lines = [number for number, line in enumerate(text.splitlines(), start=1) if _TABLE.match(line)]
    entries = []
    for index, table in enumerate(tables):
        place = Place(name, lines[index] if index < len(lines) else 1)
        wrong = [f"{place}: {problem}" for problem in _problems(table)]
        problems += wrong
        if not wrong:
            entries.append(_entry(table, place))
    if problems:
        raise InputError("\n".join(problems))
    return tuple(entries)


def _problems(table: Mapping[str, Any]) -> Iterator[str]:
    for name in table:
        if name not in (*_REQUIRED, *_OPTIONAL):
            near = get_close_matches(name, (*_REQUIRED, *_OPTIONAL), n=1)
            yield f"{name!r} is no member of a deviation" + (f"; did you mean {near[0]}?" if near else "")
    for name in _REQUIRED:
        if not (isinstance(table.get(name), str) and table[name].strip()):
            yield f"a deviation has {name}, a text"
    if "facet" in table and table["facet"] not in list(Facet):
        yield f"facet is one of {', '.join(Facet)}"
    if str(table.get("reason", "")).strip().upper().startswith("TODO"):
        yield "its reason is still to be written: a deviation that nobody can explain is a failure"
    for name in ("link", "owner"):
        if name in table and not isinstance(table[name], str):
            yield f"{name} is a text"
    expires = table.get("expires")
    if expires is not None and (not isinstance(expires, date) or isinstance(expires, datetime)):
        yield "expires is a date, without quotes: 2026-12-31"


def _entry(table: Mapping[str, Any], place: Place) -> Deviation:
    expires = table.get("expires")
    return Deviation(
        cases=table["cases"],
        facet=Facet(table["facet"]),
        answer=table["answer"],
        reason=table["reason"].strip(),
        place=place,
        link=table.get("link"),
        owner=table.get("owner"),
        expires=None if expires is None else expires.isoformat(),
    )
