"""Case files as YAML: YAML 1.2 core scalars, no tags, anchors, aliases or duplicate keys."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path as FilePath

import yaml

from luma_conformance.errors import CatalogueError, Unreadable
from luma_conformance.paths import Path
from luma_conformance.reading.document import Problems, Source
from luma_conformance.reading.text_file import read_text
from luma_conformance.reading.yaml_events import Builder, Grammar, NotYAML, Valued
from luma_conformance.shown import clip

MAX_BYTES = 1_000_000
MAX_DEPTH = 50
MAX_NUMBER = 40
MAX_PROBLEMS = 100
"""Problems reported at once; a file with more of them is not read any further."""

_WORDS = {"": None, "~": None} | {word: value for plain, value in (("null", None), ("true", True), ("false", False))
                                  for word in (plain, plain.title(), plain.upper())}  # fmt: skip
_NUMERIC_START = frozenset("+-.0123456789")
_NUMBERS: tuple[tuple[re.Pattern[str], Callable[[str], int | float]], ...] = (
    (re.compile(r"[-+]?[0-9]+"), int),
    (re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+"), lambda text: int(text, 0)),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"), float),
)


def read(path: FilePath, name: str | None = None) -> Source:
    """Return the data of a file and the place of each value; raise CatalogueError with every problem the file has."""
    shown = name or str(path)
    try:
        return parse(read_text(path, "a case file", MAX_BYTES, shown), shown)
    except Unreadable as error:
        raise CatalogueError((error.problem,)) from None


def parse(text: str, name: str) -> Source:
    """Return the data of a YAML text and the place of each value; raise CatalogueError with every problem it has."""
    problems = Problems(name, error=CatalogueError, limit=MAX_PROBLEMS)
    places: dict[Path, tuple[int, int]] = {}
    builder = Builder(
        text, _GRAMMAR, problems.note_at, line_at=lambda position: text.count("\n", 0, position) + 1, places=places
    )
    data: object = None
    with suppress(NotYAML):
        if (start := builder.start()) is not None:
            data = builder.value(start, ())
            builder.end()
    problems.check()
    return Source(file=name, data=data, places=places)


def _read_scalar(event: yaml.ScalarEvent) -> str | int | float | bool | None:
    """Return a scalar's value under the YAML 1.2 core schema; raise ValueError if a number is too large."""
    text: str = event.value
    if not event.implicit[0]:
        return text
    if text[:1] not in _NUMERIC_START:
        return _WORDS.get(text, text)
    for pattern, number in _NUMBERS:
        if pattern.fullmatch(text):
            if len(text) > MAX_NUMBER or math.isinf(number(text)):
                raise ValueError(f"{clip(text, 40)} is too great a number; quote it if it is meant as text")
            return number(text)
    return text


def _describe_objection(event: Valued) -> str | None:
    if event.anchor is not None:
        return f"anchor &{event.anchor}: anchors are not part of the grammar; write the value out"
    return f"tag {event.tag}: tags are not part of the grammar; leave it out"


def _find_key_objection(event: yaml.ScalarEvent) -> str | None:
    if event.anchor is not None or event.tag is not None:
        return "anchors and tags are not part of the grammar"
    if event.value == "<<" and event.implicit[0]:
        return "merge key <<: merging is not part of the grammar; write the members out"
    return None


_GRAMMAR = Grammar(
    kind="a case file",
    max_depth=MAX_DEPTH,
    scalar=_read_scalar,
    objection=_describe_objection,
    odd_keys=frozenset({"<<"}),
    key_objection=_find_key_objection,
)
