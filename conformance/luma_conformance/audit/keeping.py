"""What an audit keeps of an exchange until its file ends: no more than later checks read and findings show."""

from __future__ import annotations

import json
from collections.abc import Container, Mapping
from typing import Final, NamedTuple

from luma_conformance.model import Exchange, Headers, Request, Response
from luma_conformance.recording.entry import REQUEST_BODY, Entry

_ASKED: Final = frozenset({"authorization"})
_ANSWERED: Final = frozenset(
    {"content-type", "retry-after", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"}
)
_OF_A_LIFE: Final = ("type", "model")


class Kept(NamedTuple):
    """The parts of an entry that are kept, as plain values: these are packed in a fraction of the time."""

    place: str
    base_url: str
    process: str | None
    unknown: Mapping[str, str]
    sent: float
    received: float
    method: str
    url: str
    asked_with: Headers
    asked: bytes
    status: int
    answered_with: Headers
    answered: bytes

    def restore(self) -> Entry:
        """Return the entry without what was not kept."""
        request = Request(method=self.method, url=self.url, headers=self.asked_with, body=self.asked)
        response = Response(status=self.status, headers=self.answered_with, body=self.answered)
        return Entry(
            exchange=Exchange(request=request, response=response, sent=self.sent, received=self.received),
            base_url=self.base_url,
            place=self.place,
            note={} if self.process is None else {"process": self.process},
            unknown=self.unknown,
        )


def keep(entry: Entry) -> Kept:
    """Keep the headers that limits and keys show, and the members that a life is judged by."""
    unknown, asked = entry.unknown, b""
    if entry.exchange.response.status == 201:
        asked, is_object = _pick_members(entry.exchange.request.body)
        unknown = unknown if is_object else {**unknown, REQUEST_BODY: "is no object"}
    kept = keep_parts(entry, asked, _ANSWERED, entry.exchange.response.body)
    process = str(entry.note["process"]) if "process" in entry.note else None
    return kept._replace(unknown=unknown, process=process)


def keep_parts(entry: Entry, asked: bytes, answered_with: Container[str], answered: bytes) -> Kept:
    """Keep two bodies, given, and headers: of the request Authorization, of the response those with given names."""
    exchange = entry.exchange
    return Kept(
        place=entry.place,
        base_url=entry.base_url,
        process=None,
        unknown=entry.unknown,
        sent=exchange.sent,
        received=exchange.received,
        method=exchange.request.method,
        url=exchange.request.url,
        asked_with=_pick_headers(exchange.request.headers, _ASKED),
        asked=asked,
        status=exchange.response.status,
        answered_with=_pick_headers(exchange.response.headers, answered_with),
        answered=answered,
    )


def _pick_headers(headers: Headers, names: Container[str]) -> Headers:
    return tuple(pair for pair in headers if pair[0].lower() in names)


def _pick_members(body: bytes) -> tuple[bytes, bool]:
    """Return the members of a request that its generation repeats, and whether it is an object."""
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):
        return b"", False
    if not isinstance(asked, dict):
        return b"", False
    picked = {name: asked[name] for name in _OF_A_LIFE if name in asked}
    if isinstance(video := asked.get("video"), dict) and "exr_export" in video:
        picked["video"] = {"exr_export": video["exr_export"]}
    return json.dumps(picked).encode(), True
