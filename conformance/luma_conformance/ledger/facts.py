"""The facts in a piece of the page: texts of answers, statuses, codes and field names, headers, numbers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final

KINDS: Final = ("text", "status", "code", "header", "number")
"""What a fact is, in the order in which facts are shown."""

_TEXT: Final = re.compile(r"""["“]detail["”]\s*:\s*(["“](?:[^"”\\]|\\.)*["”])""")
_STATUS: Final = re.compile(r"(?<![\w.:/+-])[1-5]\d\d(?![\w.:/]|\s*(?:px|MB|p\b)|-\d)")
_HEADER: Final = re.compile(r"\b(?:X-[A-Z][A-Za-z-]+[A-Za-z*]|Retry-After|Authorization|Content-Type|WWW-Authenticate)")
_CODE: Final = re.compile(r"(?<![\w.])[a-z][a-z0-9]*(?:_[a-z0-9]+)+")
_UNIT: Final = r"MB|GB|KB|px|p|s|seconds?|characters?|minutes?|hours?|days?|entries|jobs?|requests?"
_NUMBER: Final = re.compile(rf"(?<![\w.:/_-])\d+(?:[.,:]\d+)*(?:[ -]?(?:{_UNIT})\b)?(?![\w/_])")
_SAMPLE: Final = re.compile(r"https?://\S+|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{4}-\d\d-\d\dT\S+|\d{10}")
"""What examples invent: addresses, ids and times."""
_DEMAND: Final = re.compile(
    r"\b(?:must|only|never|always|required|requires?|cannot|can’t|can't|rejected|not supported|not allowed|at most|"
    r"at least|do not|don’t|don't)\b",
    re.IGNORECASE,
)
_WITH_UNIT: Final = re.compile(rf"\d[ -]?(?:{_UNIT})\b")


def find_facts(text: str) -> tuple[str, ...]:
    """Return the facts in a piece of text, each once, by kind and in the order in which they stand.

    >>> from luma_conformance.ledger.facts import find_facts
    >>> find_facts('Response (HTTP 429): wait 60 seconds { "detail": "Rate limit exceeded" }')
    ('Rate limit exceeded', '429', '60 seconds')
    """
    return tuple(fact for kind in KINDS for fact in dict.fromkeys(_find(kind, text)))


def kind_of(fact: str) -> str:
    """Return what kind of fact this is."""
    for kind, shape in (("status", _STATUS), ("header", _HEADER), ("code", _CODE), ("number", _NUMBER)):
        if shape.fullmatch(fact):
            return kind
    return "text"


def looks_normative(text: str) -> bool:
    """Return whether a piece of text demands something: it has a status, a header, a code, a must or a never."""
    return bool(
        _TEXT.search(text)
        or _STATUS.search(_SAMPLE.sub(" ", text))
        or _HEADER.search(text)
        or _CODE.search(text)
        or _DEMAND.search(text)
        or _WITH_UNIT.search(text)
    )


def _find(kind: str, text: str) -> Iterator[str]:
    if kind == "text":
        yield from (_unquote(found) for found in _TEXT.findall(text))
        return
    rest = _SAMPLE.sub(" ", _TEXT.sub(" ", text))
    for one, shape in (("status", _STATUS), ("header", _HEADER), ("code", _CODE), ("number", _NUMBER)):
        found = shape.findall(rest)
        if one == kind:
            yield from found
            return
        rest = shape.sub(" ", rest)


def _unquote(text: str) -> str:
    try:
        return str(json.loads(f'"{text[1:-1]}"'))
    except ValueError:
        return text[1:-1]
