"""An exchange of a recording, whatever the file's format, and which parts of it the file does not hold."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from luma_conformance.model import Exchange
from luma_conformance.shown import quote

TIMES: Final = "times"
REQUEST_BODY: Final = "request body"
RESPONSE_BODY: Final = "response body"
REQUEST_HEADERS: Final = "request headers"
RESPONSE_HEADERS: Final = "response headers"
"""The parts of an exchange that a recording may lack, or may hold only partly."""

About = Mapping[str, object]
"""What the kit's own recorder says of a whole recording: plain JSON data, empty for others' files."""

_API: Final = re.compile(
    r"(https?://[^/?#]+(?:/[^?#]*?)?)(/v1/(?:generations|files)(?:[/?#].*)?)", re.IGNORECASE | re.DOTALL
)
_API_PATH: Final = re.compile(r"/v1/(?:generations|files)(?![\w-])", re.IGNORECASE)
_ORIGIN: Final = re.compile(r"[a-z][a-z0-9+.-]*:(?://[^/?#]*)?", re.IGNORECASE)
_USER: Final = re.compile(r"(?<=://)[^/?#]*@")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One exchange of a recording.

    `exchange.request.url` is a path on the API's host, or absolute for other hosts; times are in Unix seconds.
    `base_url` is the scheme, host, port and prefix before `/v1` it was sent to. `place` names the entry in messages:
    `run.har:entry 12`, from 1. `note` has what the kit's own recorder stored with it, and is empty in other files.
    `unknown` has the parts that the file does not hold, whose values here mean nothing: TIMES, REQUEST_BODY, …, each
    with what became of it. `unanswered` is why the answer is not one that the server gave, and gave whole; or None.
    """

    exchange: Exchange
    base_url: str
    place: str
    note: Mapping[str, object] = field(default_factory=dict)
    unknown: Mapping[str, str] = field(default_factory=dict)
    unanswered: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """An entry that cannot be read, with the reason; `is_api` tells whether it seems to be of the API."""

    place: str
    why: str
    is_api: bool


Odd = Callable[[Unread], None]
"""What is told of entries that cannot be read."""


def may_be_api(url: object) -> bool:
    """Return whether something that may be no URL at all looks like one of the API; without one, it may be anything."""
    return not isinstance(url, str) or _API_PATH.search(url) is not None


def split_url(url: str) -> tuple[str, str]:
    """Return the base URL and the path of a URL of the API; for any other, its origin and the whole URL.

    A user and password in it are left out: they are no part of where a request goes, and secret. Raise ValueError for
    anything but an absolute URL.
    """
    url = _USER.sub("", url, count=1)
    if (api := _API.fullmatch(url)) is not None:
        return api[1], api[2].partition("#")[0]
    if (origin := _ORIGIN.match(url)) is None:
        raise ValueError(f"{quote(url, 80)} is not an absolute URL")
    return origin[0], url
