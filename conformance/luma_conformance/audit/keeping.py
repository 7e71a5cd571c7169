"""What an audit keeps of an exchange until its file ends: no more than later checks read and findings show."""

from __future__ import annotations

import json
from collections.abc import Container
from dataclasses import replace
from typing import Final

from luma_conformance.model import Headers
from luma_conformance.recording.entry import REQUEST_BODY, Entry

_ASKED: Final = frozenset({"authorization"})
_ANSWERED: Final = frozenset(
    {"content-type", "retry-after", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"}
)
_NOTED: Final = ("process",)
_OF_A_LIFE: Final = ("type", "model")


def shrink(entry: Entry) -> Entry:
    """Return an entry with the headers that limits and keys show, and the members that a life is judged by."""
    request, response = entry.exchange.request, entry.exchange.response
    unknown, asked = entry.unknown, b""
    if response.status == 201:
        asked, is_object = _pick_members(request.body)
        unknown = unknown if is_object else {**unknown, REQUEST_BODY: "is no object"}
    request = replace(request, headers=pick_headers(request.headers, _ASKED), body=asked)
    response = replace(response, headers=pick_headers(response.headers, _ANSWERED))
    return replace(
        entry,
        exchange=replace(entry.exchange, request=request, response=response),
        note={name: str(entry.note[name]) for name in _NOTED if name in entry.note},
        unknown=unknown,
    )


def pick_headers(headers: Headers, names: Container[str]) -> Headers:
    """Return the header fields with these names."""
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
