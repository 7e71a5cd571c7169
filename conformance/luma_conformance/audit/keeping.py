"""What an audit keeps of an exchange until its file ends: no more than later checks read, and equal parts once.

A header, a body or an Authorization that many exchanges share is one object, so that a long recording takes little
memory: some hundred bytes for each exchange that can matter, and none for the others.
"""

from __future__ import annotations

import json
from collections.abc import Container, Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar

from luma_conformance.model import Headers
from luma_conformance.recording.entry import REQUEST_BODY, Entry

_ASKED: Final = frozenset({"authorization"})
_ANSWERED: Final = frozenset(
    {"content-type", "retry-after", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"}
)
_NOTED: Final = ("process",)
_OF_A_LIFE: Final = ("type", "model")
_Part = TypeVar("_Part", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Shelf:
    """Makes entries small; `_parts` has each part of them that was seen before, and `_notes` each mapping."""

    _parts: dict[Hashable, Hashable] = field(default_factory=dict)
    _notes: dict[Hashable, Mapping[str, str]] = field(default_factory=dict)

    def shrink(self, entry: Entry) -> Entry:
        """Return an entry with the headers that limits and keys show, and the members that a life is judged by."""
        exchange = entry.exchange
        request, response = exchange.request, exchange.response
        unknown, asked = entry.unknown, b""
        if response.status == 201:
            asked, is_object = _pick_members(request.body)
            unknown = unknown if is_object else {**unknown, REQUEST_BODY: "is no object"}
        request = replace(
            request, headers=self.pick_headers(request.headers, _ASKED), body=asked, url=self.share(request.url)
        )
        response = replace(
            response, headers=self.pick_headers(response.headers, _ANSWERED), body=self.share(response.body)
        )
        return replace(
            entry,
            base_url=self.share(entry.base_url),
            exchange=replace(exchange, request=self.share(request), response=response),
            note=self.share_mapping({name: str(entry.note[name]) for name in _NOTED if name in entry.note}),
            unknown=self.share_mapping(unknown),
        )

    def pick_headers(self, headers: Headers, names: Container[str]) -> Headers:
        """Return the header fields with these names, each of them one object wherever it occurs."""
        return self.share(tuple(self.share(pair) for pair in headers if pair[0].lower() in names))

    def share(self, part: _Part) -> _Part:
        """Return the equal part that was seen first."""
        return self._parts.setdefault(part, part)  # type: ignore[return-value]

    def share_mapping(self, texts: Mapping[str, str]) -> Mapping[str, str]:
        """Return the equal mapping that was seen first."""
        return self._notes.setdefault(tuple(texts.items()), texts)


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
