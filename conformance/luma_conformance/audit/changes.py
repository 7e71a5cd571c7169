"""Compares two recordings of the same requests: what is answered otherwise, and whether that breaks clients.

Breaking is what takes something away: a status, a member, a header, the type of a value. Additive is what is new.
Words and values that differ are neither. Ids, times, URLs and the numbers of the rate limit are noise.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from luma_conformance.judge.answers import body_of
from luma_conformance.judge.lifecycle import VARYING
from luma_conformance.matching import UUID, show
from luma_conformance.model import Exchange, Response, fields
from luma_conformance.recording.entry import RESPONSE_BODY, RESPONSE_HEADERS, Entry


class Severity(StrEnum):
    """What a change does to a client that was right before."""

    BREAKING = "breaking"
    ADDITIVE = "additive"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One way in which an answer differs; `kind` is status, header, body, wording or value."""

    severity: Severity
    kind: str
    operation: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The changes, with the pairs of entries that show each; how many pairs are the same, and what has no partner."""

    changes: Mapping[Change, tuple[tuple[Entry, Entry], ...]]
    compared: int
    same: int
    only_before: int
    only_after: int


_NOISE: Final = VARYING | {
    "server", "content-length", "transfer-encoding", "keep-alive", "strict-transport-security", "alt-svc",
    "cf-cache-status", "nel", "report-to", "expires", "etag", "last-modified", "vary", "content-encoding",
}  # fmt: skip
"""Headers of the way, not of the API."""
_NUMBERED: Final = ("x-ratelimit-", "retry-after")
_VARIABLE: Final = re.compile(
    UUID.pattern + r"|\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d[\d.]*(?:[Zz]|[+-]\d\d:?\d\d)?|https?://[^\s\"']+"
)
_SAID: Final = ("detail", "failure_reason")
_OF_A_STATE: Final = ("state", "output", "failure_reason", "failure_code")


def compare(before: Iterable[Entry], after: Iterable[Entry]) -> Comparison:
    """Return what has changed between two recordings.

    Exchanges are paired by the item, example and number the kit's recorder notes, of each item's last take, or, where
    one of the two has no such notes, by method, path and body, in order.
    """
    befores, afters = list(before), list(after)
    by_note = all(entry.note.get("item") for entry in (*befores, *afters))
    olds, news = _keyed(befores, by_note=by_note), _keyed(afters, by_note=by_note)
    pairs = [(old, news[key]) for key, old in olds.items() if key in news]
    changes: dict[Change, list[tuple[Entry, Entry]]] = defaultdict(list)
    same = 0
    for old, new in pairs:
        found = tuple(dict.fromkeys(_changes(old, new)))
        same += not found
        for change in found:
            changes[change].append((old, new))
    order = list(Severity)
    ordered = sorted(changes, key=lambda change: (order.index(change.severity), change.kind, change.operation))
    return Comparison(
        changes={change: tuple(changes[change]) for change in ordered},
        compared=len(pairs),
        same=same,
        only_before=len(olds) - len(pairs),
        only_after=len(news) - len(pairs),
    )


def _keyed(entries: list[Entry], *, by_note: bool) -> dict[Hashable, Entry]:
    if by_note:
        return _noted(entries)
    keyed: dict[Hashable, Entry] = {}
    seen: Counter[Hashable] = Counter()
    for entry in entries:
        request = (_operation(entry), _VARIABLE.sub("", entry.exchange.request.body.decode("utf-8", "replace")))
        seen[request] += 1
        keyed[request, seen[request]] = entry
    return keyed


def _noted(entries: list[Entry]) -> dict[Hashable, Entry]:
    """Return the entries of each item's last take, by what our recorder noted.

    The requests of a step are counted from its last: how often it has to be repeated depends on what was before.
    """
    last = {entry.note["item"]: entry.note.get("take") for entry in entries}
    keyed: dict[Hashable, Entry] = {}
    after: Counter[Hashable] = Counter()
    for entry in reversed(entries):
        note = entry.note
        if note.get("take") != last[note["item"]]:
            continue
        step = (str(note["item"]), str(note.get("example")), str(note.get("step")))
        number = str(note.get("number")) if note.get("step") is None else after[step]
        after[step] += 1
        keyed[*step, number, _operation(entry)] = entry
    return dict(reversed(keyed.items()))


def _operation(entry: Entry) -> str:
    """Return method and path, ids by name and signatures left out."""
    request = entry.exchange.request
    path = re.sub(r"^[a-z]+://[^/]*", "", request.url.partition("?")[0])
    return f"{request.method} {UUID.sub('{id}', path)}"


def alike(one: Exchange, other: Exchange) -> bool:
    """Return whether two answers to the same request say the same, noise left out."""
    entries = (Entry(exchange=exchange, base_url="", place="") for exchange in (one, other))
    return next(_changes(*entries), None) is None


def _changes(old: Entry, new: Entry) -> Iterator[Change]:
    operation = _operation(old)
    before, after = old.exchange.response, new.exchange.response
    if before.status == 0 or after.status == 0:
        return  # no answer is no answer of another kind
    partly = RESPONSE_HEADERS in old.unknown | new.unknown
    found = [] if partly else [*_header_changes(before, after)]
    if before.status != after.status:
        found = [(Severity.BREAKING, "status", f"{before.status} is now {after.status}")]
    if RESPONSE_BODY not in old.unknown | new.unknown:
        found += _body_changes(before, after)
    for severity, kind, what in found:
        yield Change(severity=severity, kind=kind, operation=operation, what=what)


Found = tuple[Severity, str, str]


def _header_changes(before: Response, after: Response) -> Iterator[Found]:
    olds, news = _telling(before), _telling(after)
    for name in sorted(olds.keys() | news.keys()):
        if name not in news:
            yield Severity.BREAKING, "header", f"{name} is gone"
        elif name not in olds:
            yield Severity.ADDITIVE, "header", f"{name} is new"
        elif olds[name] != news[name]:
            yield Severity.OTHER, "header", f"{name} was {show(olds[name])} and is {show(news[name])}"


def _telling(response: Response) -> dict[str, str]:
    """Return the headers that tell something, their values without noise."""
    told = {}
    for name, value in fields(response.headers).items():
        if name not in _NOISE:
            text = "a number" if name.startswith(_NUMBERED) and value.isdigit() else _VARIABLE.sub("…", value)
            told[name] = text.partition(";")[0].strip().lower() if name == "content-type" else text
    return told


def _body_changes(before: Response, after: Response) -> Iterator[Found]:
    olds, news = body_of(before), body_of(after)
    if not isinstance(olds, dict | list) and not isinstance(news, dict | list):
        return  # files, or nothing
    if before.status == after.status:
        yield from _shape(olds, news, "", later=_is_later(olds, news))
    elif isinstance(olds, dict) and isinstance(news, dict) and "detail" in olds.keys() & news.keys():
        yield from _shape(olds["detail"], news["detail"], "detail", later=False)


def _is_later(old: object, new: object) -> bool:
    """Return whether a generation was seen in another state, of which other members follow."""
    return isinstance(old, dict) and isinstance(new, dict) and old.get("state") != new.get("state")


def _shape(old: object, new: object, path: str, *, later: bool) -> Iterator[Found]:
    """Yield what differs between two JSON values at a path."""
    here = path or "the body"
    if isinstance(old, dict) and isinstance(new, dict):
        yield from _members(old, new, path, later=later)
    elif isinstance(old, list) and isinstance(new, list):
        if old and new:
            yield from _shape(old[0], new[0], f"{path}[0]", later=False)
    elif None not in (old, new) and _kind(old) != _kind(new):
        yield Severity.BREAKING, "body", f"{here} was {_kind(old)} and is {_kind(new)}"
    elif _plain(old) != _plain(new):
        kind = "wording" if path.rpartition(".")[2] in _SAID else "value"
        yield Severity.OTHER, kind, f"{here} was {_shown(old)} and is {_shown(new)}"


def _members(old: dict[str, object], new: dict[str, object], path: str, *, later: bool) -> Iterator[Found]:
    for name in [*old, *(name for name in new if name not in old)]:
        within = f"{path}.{name}" if path else name
        if name not in new:
            yield Severity.BREAKING, "body", f"{within} is gone"
        elif name not in old:
            yield Severity.ADDITIVE, "body", f"{within} is new"
        elif not (later and name in _OF_A_STATE):
            yield from _shape(old[name], new[name], within, later=False)


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "a boolean"
    names = {dict: "an object", list: "a list", str: "a text", int: "a number", float: "a number"}
    return names.get(type(value), "no JSON")


def _plain(value: object) -> object:
    return _VARIABLE.sub("…", value) if isinstance(value, str) else value


def _shown(value: object) -> str:
    return show(_plain(value))
