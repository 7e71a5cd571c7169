"""The envelope of a request: its key and its headers, which have no say in the answer to its body.

That header names have no case, that fields of different names have no order, and that a server ignores what it does not
know is HTTP (RFC 9110, 5.1 and 5.3); how JSON's media type may be written is RFC 9110, 8.3.1.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from luma_conformance.catalogue.roles import MAIN_KEY
from luma_conformance.model import Headers, Request

Sent = tuple[str, ...]
"""How a request is sent: the names of its variations."""
OTHER_KEYS: Final = ("second-key", "other-key")
"""The roles of keys that open as much as the main key, each where it is offered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variation:
    """A way to send a request: with the key of another role, or with other headers.

    `declined` are statuses by which a server may refuse it all the same, with a text of its own.
    """

    role: str = MAIN_KEY
    change: Callable[[Headers], Headers] = lambda headers: headers
    declined: tuple[int, ...] = ()


def _with(*more: tuple[str, str], declined: tuple[int, ...] = ()) -> Variation:
    """Return the variation that adds headers, or puts them in the place of those of the same name."""
    return Variation(
        change=lambda headers: (*_drop(headers, {name.lower() for name, _ in more}), *more), declined=declined
    )


def _named(spell: Callable[[str], str]) -> Variation:
    return Variation(change=lambda headers: tuple((spell(name), text) for name, text in headers))


def _drop(headers: Headers, names: Collection[str]) -> Headers:
    return tuple(field for field in headers if field[0].lower() not in names)


_JSON: Final = "application/json"
_SDK: Final = (("User-Agent", "Luma/Python 0.5.0"), ("X-Stainless-Lang", "python"), ("x-stainless-retry-count", "1"))
_BROWSER: Final = (
    ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64)"), ("Accept-Language", "de-DE,de;q=0.9"), ("DNT", "1"),
    ("Cache-Control", "no-cache"), ("Cookie", "session=conformance; theme=dark"),
)  # fmt: skip
_TRACE: Final = (
    ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"), ("X-Forwarded-For", "203.0.113.7"),
)  # fmt: skip

_KEYS: Final = {
    "a second key of the client": Variation(role="second-key", declined=(429,)),
    "the key of another client": Variation(role="other-key", declined=(429,)),
}
_REQUEST_IDS: Final = {
    "no X-Request-Id": Variation(change=lambda headers: _drop(headers, {"x-request-id"})),
    "a UUID as X-Request-Id": _with(("X-Request-Id", "8e03978e-40d5-43dd-bc93-6894a57f9324")),
    # How long an id may be, and of which characters, nobody says.
    "a long X-Request-Id": _with(("X-Request-Id", "trace-" * 20), declined=(400, 422, 431)),
    "an odd X-Request-Id": _with(("X-Request-Id", "a:b/c d=1,2;{e}"), declined=(400, 422)),
}
_TYPES: Final = {
    "a charset": _with(("Content-Type", f"{_JSON}; charset=utf-8")),
    "a charset in capitals, without a space": _with(("Content-Type", f"{_JSON};charset=UTF-8")),
    "a charset in quotes": _with(("Content-Type", f'{_JSON}; charset="utf-8"')),
    "the media type in mixed case": _with(("Content-Type", "Application/JSON")),
}
_ACCEPTED: Final = {
    "JSON accepted": _with(("Accept", _JSON)),
    "anything accepted": _with(("Accept", "*/*")),
    "JSON, or else anything, accepted": _with(("Accept", f"{_JSON}, text/plain;q=0.9, */*;q=0.8")),
    "compression accepted": _with(("Accept-Encoding", "gzip, deflate")),
}
_UNKNOWN: Final = {
    "the headers of an SDK": _with(*_SDK),
    "the headers of a browser": _with(*_BROWSER),
    "a trace": _with(*_TRACE),
    "an unknown header": _with(("X-Conformance", "a; b=c, d"), ("X-Empty", "")),
    "a long unknown header": _with(("X-Conformance", "conformance " * 80), declined=(431,)),
}
_ORDERS: Final = {
    "headers in the opposite order": Variation(change=lambda headers: headers[::-1]),
    "headers sorted": Variation(change=lambda headers: tuple(sorted(headers))),
}
_CASES: Final = {
    "header names in small letters": _named(str.lower),
    "header names in capitals": _named(str.upper),
    "header names in mixed case": _named(str.swapcase),
}

_GROUPS: Final = (_KEYS, _REQUEST_IDS, _TYPES, _ACCEPTED, _UNKNOWN, _ORDERS, _CASES)
VARIATIONS: Final[Mapping[str, Variation]] = {name: one for group in _GROUPS for name, one in group.items()}
"""Every variation by name, in the order in which those of one request are applied."""


def list_groups(roles: Collection[str]) -> list[tuple[str, ...]]:
    """Return names of variations in groups, of each of which a request has one at most; of keys, those of `roles`."""
    offered = tuple(name for name, one in _KEYS.items() if one.role in roles)
    return [group for group in (offered, *(tuple(group) for group in _GROUPS[1:])) if group]


def find_role(sent: Iterable[str]) -> str:
    """Return the role of the key with which a request is sent."""
    return next((VARIATIONS[name].role for name in sent if name in _KEYS), MAIN_KEY)


def write_headers(request: Request, sent: Iterable[str]) -> Request:
    """Return a request with its headers written in these ways."""
    headers = request.headers
    for name in sent:
        headers = VARIATIONS[name].change(headers)
    return replace(request, headers=headers)


def drop_declined(sent: Sent, status: int) -> Sent:
    """Return how to send a request again after this status: without what may be declined by it."""
    return tuple(name for name in sent if status not in VARIATIONS[name].declined)
