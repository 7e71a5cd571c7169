"""The marks by which programs say that an answer was not the server's, or not whole.

HAR 1.2 has no member for either, so each program has members of its own, whose names begin with an underscore. They are
recognised by the words in their names, and in their values where a name says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Final

from luma_conformance.shown import clip

_WORDS: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_CACHES: Final = frozenset({"cache", "cached", "serviceworker", "memorycache", "diskcache", "prefetched"})
_ABOUT_CACHES: Final = frozenset({"control", "time", "score", "expires"})
"""Words of names that tell how long an answer may be cached, not where it is from: `_cacheControl: "no-store"`."""
_FAULTS: Final = frozenset(
    {"error", "failure", "failed", "fail", "aborted", "abort", "cancelled", "canceled", "incomplete", "truncated",
     "interrupted", "timedout", "blocked", "unfinished", "partial"}
)  # fmt: skip
_NOTHING: Final = frozenset({"", "0", "-1", "false", "no", "none", "null", "network", "miss", "complete", "success"})
_TALKING: Final = frozenset({"status", "state", "type", "source", "origin", "from", "result", "outcome", "reason"})
"""Words of names whose value says what is the case: `_fetchType: "Disk Cache"`, `_charlesStatus: "FAILED"`."""


def find_answerer(entry: Mapping[str, object]) -> str | None:
    """Return why the answer of a HAR entry is not one that the server gave, and gave whole; or None.

    Such are `_fromCache: "disk"` of an entry and `_failureText: "net::ERR_ABORTED"` of its response.
    """
    response = entry.get("response")
    if isinstance(response, Mapping) and response.get("statusText") == "Internal Redirect":
        return "answered by the client itself: an internal redirect"
    for name, value in _list_marks(entry):
        words = _split(name)
        if words & _ABOUT_CACHES:
            continue
        if _is_set(value) and (words & _CACHES or (words & _TALKING and _split(str(value)) & _CACHES)):
            return f"answered by the client itself: {name}"
    for name, value in _list_marks(entry):
        words = _split(name)
        if _is_set(value) and (words & _FAULTS or (words & _TALKING and _split(str(value)) & _FAULTS)):
            return f"not finished: {name}"
    if any(name == "_transferSize" and value == 0 and value is not False for name, value in _list_marks(entry)):
        return "answered by the client itself: nothing was transferred"
    return None


def find_damage(content: Mapping[str, object]) -> str | None:
    """Return why a program says that the body it wrote is not whole, or None."""
    for name, value in content.items():
        says_so = name == "comment" and isinstance(value, str) and _split(value) & _FAULTS
        if says_so or (name.startswith("_") and _is_set(value) and _split(name) & _FAULTS):
            return f"is not whole, as its member {clip(name, 40)} says"
    return None


def _list_marks(entry: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Yield the members that are not of HAR 1.2, of the entry, its request and its response."""
    for part in (entry, entry.get("request"), entry.get("response")):
        if isinstance(part, Mapping):
            yield from ((name, value) for name, value in part.items() if name.startswith("_"))


def _split(text: str) -> frozenset[str]:
    """Return the words of a name or a short text, and each two that follow each other as one."""
    words = [word.lower() for word in _WORDS.findall(text[:200])]
    return frozenset([*words, *(first + second for first, second in pairwise(words))])


def _is_set(value: object) -> bool:
    if isinstance(value, str):
        return value.strip().lower() not in _NOTHING
    return bool(value) and value != -1
