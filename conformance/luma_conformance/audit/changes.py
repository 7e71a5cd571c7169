"""The comparison of two recordings of the same requests: what is answered differently, and whether that breaks clients.

A change is breaking if something is taken away: a status, a member, a header, the type of a value. It is additive if
something is new. Other words and values are neither. Ids, times, URLs and the numbers of the rate limit are noise.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import replace
from typing import Final

from luma_conformance.judge.answers import body_of
from luma_conformance.judge.lifecycle import VARYING
from luma_conformance.matching import UUID, show
from luma_conformance.model import Exchange, Response, fields
from luma_conformance.recording.entry import REQUEST_BODY, RESPONSE_BODY, RESPONSE_HEADERS, Entry
from luma_conformance.report.compare import NOT_THERE, SEVERITIES, THERE, Change, Comparison, Kind, Side, in_order
from luma_conformance.report.result import count_noun

_NOISE: Final = VARYING | {
    "server", "content-length", "transfer-encoding", "keep-alive", "strict-transport-security", "alt-svc",
    "cf-cache-status", "nel", "report-to", "expires", "etag", "last-modified", "vary", "content-encoding",
}  # fmt: skip
"""Headers of servers and proxies on the way, not of the API."""
_NUMBERED: Final = ("x-ratelimit-", "retry-after")
_VARIABLE: Final = re.compile(
    UUID.pattern + r"|\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d[\d.]*(?:[Zz]|[+-]\d\d:?\d\d)?|https?://[^\s\"']+"
)
_WORDED: Final = ("detail", "failure_reason")
_OF_A_STATE: Final = ("state", "output", "failure_reason", "failure_code")


def compare_recordings(before: Iterable[Entry], after: Iterable[Entry], *, names: tuple[str, str]) -> Comparison:
    """Return what changed from one recording to another; `names` are what the two are called.

    Exchanges are paired by the item, example and number the kit's recorder notes, of each item's last take, or, where
    one of the two has no such notes, by method, path and body, in order. What is lost is not compared.
    """
    befores, afters = [*filter(_is_comparable, before)], [*filter(_is_comparable, after)]
    by_note = all(entry.note.get("item") for entry in (*befores, *afters))
    olds, news = _keyed(befores, by_note=by_note), _keyed(afters, by_note=by_note)
    pairs = [(entry, news[key]) for key, entry in olds.items() if key in news]
    seen: dict[Change, list[str]] = defaultdict(list)
    unchanged = 0
    for one, other in pairs:
        found = dict.fromkeys(_changes(one, other))
        unchanged += not found
        for change in found:
            seen[change].append(f"{one.place}, {other.place}")
    for kind, entries, others in ((Kind.ONLY_OLD, olds, news), (Kind.ONLY_NEW, news, olds)):
        for entry in (entry for key, entry in entries.items() if key not in others):
            seen[_presence(kind, str(entry.note.get("item") or _operation(entry)))].append(entry.place)
    changes = (replace(change, place=places[0], times=len(places)) for change, places in seen.items())
    return Comparison(
        old=Side(target=names[0], size=f"{count_noun(len(olds), 'exchange')}, {len(pairs):,} compared"),
        new=Side(target=names[1], size=f"{count_noun(len(news), 'exchange')}, {len(pairs):,} compared"),
        changes=in_order(sorted(changes, key=lambda change: change.where)),
        unchanged=unchanged,
        comparable=bool(pairs),
    )


def _is_comparable(entry: Entry) -> bool:
    """Return whether it is known what was asked, and the server itself has answered."""
    is_lost = entry.exchange.request.method == "POST" and REQUEST_BODY in entry.unknown
    return not is_lost and entry.unanswered is None


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
    """Return the entries of each item's last take, by what the kit's recorder noted.

    The requests of a step are count_noun from its last: how often it has to be repeated depends on what was before.
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
    """Return the method and path, with a placeholder for ids and without signatures."""
    request = entry.exchange.request
    path = re.sub(r"^[a-z]+://[^/]*", "", request.url.partition("?")[0])
    return f"{request.method} {UUID.sub('{id}', path)}"


def alike(one: Exchange, other: Exchange) -> bool:
    """Return whether two answers to the same request say the same, noise left out."""
    entries = (Entry(exchange=exchange, base_url="", place="") for exchange in (one, other))
    return next(_changes(*entries), None) is None


def _changes(old: Entry, new: Entry) -> Iterator[Change]:
    before, after = old.exchange.response, new.exchange.response
    if before.status == 0 or after.status == 0:
        return  # no answer is not an answer of another kind
    unknown = {**old.unknown, **new.unknown}
    found: list[Change] = []
    if before.status != after.status:
        found.append(_change(Kind.BREAKING, "status", str(before.status), str(after.status)))
    elif RESPONSE_HEADERS not in unknown:
        found += _header_changes(before, after)
    if RESPONSE_BODY not in unknown:
        found += _body_changes(before, after)
    for change in found:
        yield replace(change, where=f"{_operation(old)}: {change.where}")


def _change(kind: Kind, where: str, before: str, after: str) -> Change:
    return Change(kind=kind, severity=SEVERITIES[kind], where=where, before=before, after=after)


def _presence(kind: Kind, where: str) -> Change:
    """Return the change that something is gone, or is new."""
    is_gone = kind in (Kind.BREAKING, Kind.ONLY_OLD)
    return _change(kind, where, *((THERE, NOT_THERE) if is_gone else (NOT_THERE, THERE)))


def _header_changes(before: Response, after: Response) -> Iterator[Change]:
    olds, news = _significant_headers(before), _significant_headers(after)
    for name in sorted(olds.keys() | news.keys()):
        if name not in olds or name not in news:
            yield _presence(Kind.ADDITIVE if name in news else Kind.BREAKING, f"header {name}")
        elif olds[name] != news[name]:
            yield _change(Kind.VALUE, f"header {name}", show(olds[name]), show(news[name]))


def _significant_headers(response: Response) -> dict[str, str]:
    """Return the headers that are of the API, with values in which nothing varies from answer to answer."""
    found = {}
    for name, value in fields(response.headers).items():
        if name not in _NOISE:
            text = "a number" if name.startswith(_NUMBERED) and value.isdigit() else _VARIABLE.sub("…", value)
            found[name] = text.partition(";")[0].strip().lower() if name == "content-type" else text
    return found


def _body_changes(before: Response, after: Response) -> Iterator[Change]:
    olds, news = body_of(before), body_of(after)
    if not isinstance(olds, dict | list) and not isinstance(news, dict | list):
        return  # files, or nothing
    if before.status == after.status:
        yield from _shape(olds, news, "", later=_is_later(olds, news))
    elif isinstance(olds, dict) and isinstance(news, dict) and "detail" in olds.keys() & news.keys():
        yield from _shape(olds["detail"], news["detail"], "detail", later=False)


def _is_later(old: object, new: object) -> bool:
    """Return whether a generation was seen in another state, which decides what other members hold."""
    return isinstance(old, dict) and isinstance(new, dict) and old.get("state") != new.get("state")


def _shape(old: object, new: object, path: str, *, later: bool) -> Iterator[Change]:
    """Yield what differs between two JSON values at a path."""
    here = path or "the body"
    if isinstance(old, dict) and isinstance(new, dict):
        yield from _members(old, new, path, later=later)
    elif isinstance(old, list) and isinstance(new, list):
        if old and new:
            yield from _shape(old[0], new[0], f"{path}[0]", later=False)
    elif None not in (old, new) and _kind(old) != _kind(new):
        yield _change(Kind.BREAKING, here, _kind(old), _kind(new))
    elif _plain(old) != _plain(new):
        kind = Kind.WORDING if path.rpartition(".")[2] in _WORDED else Kind.VALUE
        yield _change(kind, here, show(_plain(old)), show(_plain(new)))


def _members(old: dict[str, object], new: dict[str, object], path: str, *, later: bool) -> Iterator[Change]:
    for name in [*old, *(name for name in new if name not in old)]:
        within = f"{path}.{name}" if path else name
        if name not in new or name not in old:
            yield _presence(Kind.ADDITIVE if name in new else Kind.BREAKING, within)
        elif not (later and name in _OF_A_STATE):
            yield from _shape(old[name], new[name], within, later=False)


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "a boolean"
    names = {dict: "an object", list: "a list", str: "a text", int: "a number", float: "a number"}
    return names.get(type(value), "no JSON")


def _plain(value: object) -> object:
    return _VARIABLE.sub("…", value) if isinstance(value, str) else value
