"""The field paths used by the API itself, such as `image_ref[2].url`: get, put, unset.

Documents are plain JSON data and are never changed: `put` and `unset` return a new document, which shares the unchanged
parts with the old one.
"""

from __future__ import annotations

import re

from luma_conformance.model import ABSENT
from luma_conformance.shown import quote

Path = tuple[str | int, ...]

MAX_LENGTH = 300
"""Characters of a path; the API has no longer ones."""

_TOKEN = re.compile(r"(?:^|(?!^)\.)([A-Za-z_][A-Za-z0-9_-]*)|\[(0|[1-9][0-9]*)\]")


class PathError(ValueError):
    """A text is not a field path, or the path does not fit the document."""


def parse(text: str) -> Path:
    """Return the steps of a path; raise PathError if it is not a field path."""
    if len(text) > MAX_LENGTH:
        raise PathError(f"{quote(text, 40)} is not a field path; they have at most {MAX_LENGTH} characters")
    steps: list[str | int] = []
    end = 0
    for token in _TOKEN.finditer(text):
        if token.start() != end:
            break
        steps.append(token[1] if token[1] is not None else int(token[2]))
        end = token.end()
    if end != len(text) or not steps:
        raise PathError(f"{text!r} is not a field path; they look like image_ref[2].url")
    return tuple(steps)


def get(document: object, path: str) -> object:
    """Return the value at a path, or ABSENT."""
    for step in parse(path):
        document = _child(document, step)
    return document


def put(document: object, path: str, value: object) -> object:
    """Return the document with `value` at a path; missing objects are made, and a list grows by at most one element."""
    return _put(document, parse(path), value, path)


def unset(document: object, path: str) -> object:
    """Return the document without the value at a path; raise PathError if there is none."""
    return _unset(document, parse(path), path)


def _child(document: object, step: str | int) -> object:
    if isinstance(document, dict) and isinstance(step, str):
        child: object = document.get(step, ABSENT)
        return child
    if isinstance(document, list) and isinstance(step, int) and step < len(document):
        element: object = document[step]
        return element
    return ABSENT


def _put(document: object, path: Path, value: object, whole: str) -> object:
    if not path:
        return value
    step, rest = path[0], path[1:]
    if document is ABSENT or document is None:
        document = {} if isinstance(step, str) else []
    changed = _put(_child(document, step), rest, value, whole)
    if isinstance(document, dict) and isinstance(step, str):
        return {**document, step: changed}
    if isinstance(document, list) and isinstance(step, int) and step <= len(document):
        return [*document[:step], changed, *document[step + 1 :]]
    raise PathError(f"{whole!r} does not fit the document at {step!r}")


def _unset(document: object, path: Path, whole: str) -> object:
    step, rest = path[0], path[1:]
    child = _child(document, step)
    if child is ABSENT:
        raise PathError(f"{whole!r} is not in the document, so it cannot be unset")
    if isinstance(document, dict):
        without = {name: value for name, value in document.items() if name != step}
        return {**document, step: _unset(child, rest, whole)} if rest else without
    assert isinstance(document, list)
    assert isinstance(step, int)
    return [*document[:step], *([_unset(child, rest, whole)] if rest else []), *document[step + 1 :]]
