"""How a request is written and sent, where HTTP leaves a choice, changes nothing about its answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from luma_conformance.judge.answers import member_of
from luma_conformance.judge.explain import MAX_LINE, describe_answer
from luma_conformance.matching import show
from luma_conformance.model import GENERATIONS_PATH, Exchange, Request, Response, header
from luma_conformance.properties.asking import NOBODYS, replaces_added
from luma_conformance.properties.luma_target import LumaTarget
from luma_conformance.shown import cut
from luma_conformance.strategies.envelope import VARIATIONS
from luma_conformance.strategies.hostile import JSON

PROMPT: Final = "A sunset over the ocean, seen from a lighthouse whose keeper has gone home for the winter"
KEYLESS: Final = "a request without a key"
REFUSED: Final = "a request with an unknown model"
ACCEPTED: Final = "a request"
UNKNOWN: Final = "a poll for an unknown id"
Change = Callable[[Request], Request]


@dataclass(frozen=True, slots=True, kw_only=True)
class Variation:
    """A way to send a request, the section of a standard that makes it equal to any other, and where it is tried.

    `refused` are statuses by which a server may decline it all the same. `wire`: it exists only where there is HTTP.
    `new`: it may not be sent to a server that answers in HTTP/1.0. `negotiates`: it says what an answer may be like,
    and is tried with more errors.
    """

    change: Change
    rests_on: str
    bodied: bool = False
    wire: bool = False
    new: bool = False
    negotiates: bool = False
    refused: tuple[int, ...] = ()


def _with(*more: tuple[str, str]) -> Change:
    """Return the change that adds headers, or puts them in the place of those of the same name."""
    names = {name.lower() for name, _ in more}
    return lambda request: replace(
        request, headers=(*(field for field in request.headers if field[0].lower() not in names), *more)
    )


def _named(change: Callable[[str], str]) -> Change:
    return lambda request: replace(request, headers=tuple((change(name), text) for name, text in request.headers))


def _spaced(request: Request) -> Request:
    # In front only: many parsers leave white space behind a value where it is, and their servers refuse what they get.
    spaced = ((name, text if name == "X-Request-Id" else f" \t {text}") for name, text in request.headers)
    return replace(request, headers=tuple(spaced))


def _in_chunks(size: int) -> Change:
    chunked = _with(("Transfer-Encoding", "chunked"))
    return lambda request: replace(chunked(request), chunk=size)


def _in_pieces(count: int, first: Change = lambda request: request) -> Change:
    return lambda request: replace(first(request), pieces=count)


def _typed(text: str) -> Variation:
    return Variation(change=_with(("Content-Type", text)), rests_on="RFC 9110, 8.3.1; RFC 8259, 11", bodied=True)


def _unknown(*more: tuple[str, str]) -> Variation:
    return Variation(change=_with(*more), rests_on="RFC 9110, 5.1", refused=(431,))


def _negotiating(*more: tuple[str, str]) -> Variation:
    # What cannot be had as it is asked for may be a 406, but never an error of another shape.
    return Variation(change=_with(*more), rests_on="Error response format", negotiates=True, refused=(406, 431))


OFFICIAL: Final = (
    ("Accept", JSON), ("Content-Type", JSON), ("User-Agent", "Luma/Python 0.5.0"), ("X-Stainless-Lang", "python"),
    ("X-Stainless-Package-Version", "0.5.0"), ("X-Stainless-OS", "Linux"), ("X-Stainless-Arch", "x64"),
    ("X-Stainless-Runtime", "CPython"), ("X-Stainless-Runtime-Version", "3.11.7"), ("X-Stainless-Async", "false"),
    ("x-stainless-retry-count", "0"), ("x-stainless-read-timeout", "60"),
)  # fmt: skip
"""What the official Python client sends with every request, a poll as well."""

WRITTEN: Final[Mapping[str, Variation]] = {
    "header names in small letters": Variation(change=_named(str.lower), rests_on="RFC 9110, 5.1"),
    "header names in capitals": Variation(change=_named(str.upper), rests_on="RFC 9110, 5.1"),
    "header names in mixed case": Variation(change=_named(str.swapcase), rests_on="RFC 9110, 5.1"),
    "headers in the opposite order": Variation(
        change=lambda request: replace(request, headers=request.headers[::-1]), rests_on="RFC 9110, 5.3"
    ),
    "other headers before them": Variation(
        change=lambda request: replace(
            request, headers=(("Accept", JSON), ("User-Agent", "curl/8.7.1"), *request.headers)
        ),
        rests_on="RFC 9110, 5.3",
    ),
    "white space before header values": Variation(change=_spaced, rests_on="RFC 9110, 5.5", wire=True),
    "a charset": _typed("application/json; charset=utf-8"),
    "a charset in capitals, without a space": _typed("application/json;charset=UTF-8"),
    "a charset in quotes": _typed('application/json; charset="utf-8"'),
    "a charset named in capitals": _typed("application/json; CHARSET=utf-8"),
    "the media type in mixed case": _typed("Application/JSON"),
    "empty lines in its JSON": Variation(
        change=lambda request: replace(request, body=b"\n\n" + request.body.replace(b"{", b"{\r\n\r\n\n") + b"\n\n"),
        rests_on="RFC 8259, 2",
        bodied=True,
    ),
}
"""Ways to write a request that mean the same."""

NEEDLESS: Final[Mapping[str, Variation]] = {
    "the headers of an SDK": _unknown(
        ("X-Stainless-Lang", "python"), ("X-Stainless-Retry-Count", "1"), ("x-stainless-read-timeout", "60")
    ),
    "all headers of the official client": Variation(change=_with(*OFFICIAL), rests_on="RFC 9110, 5.1"),
    "HTML or a problem accepted": _negotiating(("Accept", "text/html, application/problem+json;q=0.9, */*;q=0.8")),
    "the headers of a browser": _negotiating(
        ("Accept-Language", "de-DE,de;q=0.9"),
        ("DNT", "1"),
        ("Sec-Fetch-Mode", "cors"),
        ("Cache-Control", "no-cache"),
        ("Origin", "https://app.example.com"),
        ("Referer", "https://app.example.com/studio"),
    ),
    "a trace": _unknown(
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"), ("tracestate", "a=b")
    ),
    "an idempotency key": _unknown(("Idempotency-Key", "8e03978e-40d5-43dd-bc93-6894a57f9324")),
    "a cookie": _unknown(("Cookie", "session=conformance; theme=dark")),
    "an unknown header": _unknown(("X-Conformance", "a; b=c, d")),
    "an unknown header without a value": _unknown(("X-Conformance", "")),
    "a long unknown header": _unknown(("X-Conformance", "conformance " * 80)),
    "anything accepted": _unknown(("Accept", "*/*")),
    "JSON, or else anything, accepted": _unknown(("Accept", "application/json, text/plain;q=0.9, */*;q=0.8")),
    "compression accepted": _unknown(("Accept-Encoding", "gzip, deflate")),
    "another user agent": _unknown(("User-Agent", "Mozilla/5.0 (X11; Linux x86_64)")),
}
"""Headers that the page gives no say."""

SENT: Final[Mapping[str, Variation]] = {
    "on a connection that closes": Variation(change=_with(("Connection", "close")), rests_on="RFC 9112, 9.3"),
    "on a connection just opened": Variation(change=_with(("Connection", "close")), rests_on="RFC 9112, 9.3"),
    "expecting 100-continue": Variation(
        change=_with(("Expect", "100-continue")), rests_on="RFC 9110, 10.1.1", bodied=True, new=True, refused=(417,)
    ),
    "in eight pieces": Variation(change=_in_pieces(8), rests_on="RFC 9112, 6.3", wire=True),
    "in one chunk": Variation(
        change=_in_chunks(0), rests_on="RFC 9112, 7.1", bodied=True, wire=True, new=True, refused=(411,)
    ),
    "in many chunks": Variation(
        change=_in_chunks(7), rests_on="RFC 9112, 7.1", bodied=True, wire=True, new=True, refused=(411,)
    ),
    "in chunks and pieces": Variation(
        change=_in_pieces(8, _in_chunks(50)), rests_on="RFC 9112, 7.1", bodied=True, wire=True, new=True, refused=(411,)
    ),
}
"""Ways to send a request."""


def test_how_a_head_is_written_does_not_change_the_answer(luma_target: LumaTarget) -> None:
    """Case, order and spacing of headers, and the parameters of JSON's media type, mean the same to a server."""
    _try_all(luma_target, WRITTEN)


def test_needless_headers_do_not_change_the_answer(luma_target: LumaTarget) -> None:
    """Headers that the page does not name are as good as none."""
    _try_all(luma_target, NEEDLESS)


def test_how_a_request_is_sent_does_not_change_the_answer(luma_target: LumaTarget) -> None:
    """Chunks, pieces, expectations and the connection a request comes on are none of the API's concern."""
    _try_all(luma_target, SENT)


def _try_all(luma_target: LumaTarget, variations: Mapping[str, Variation]) -> None:
    """Send each request plainly, and in each way there is, and compare the answers."""
    requests = {what: one for what, one in _list_requests(luma_target) if what != UNKNOWN or variations is NEEDLESS}
    plain = {what: luma_target.exchange(request) for what, request in requests.items()}
    for exchange in plain.values():
        luma_target.skip_if_limited(exchange)

    def try_one(example: tuple[str, str]) -> None:
        what, how = example
        request, variation = requests[what], variations[how]
        exchange = luma_target.exchange(variation.change(request))
        luma_target.skip_if_limited(exchange)
        usual, told = (_outline(luma_target, one) for one in (plain[what], exchange))
        if told != usual and exchange.response.status not in variation.refused:
            luma_target.fail(f"{what}, {how}: {told}; plainly: {usual}  [{variation.rests_on}]", exchange)

    luma_target.for_each(
        [
            (what, how)
            for how, variation in variations.items()
            for what, request in requests.items()
            if _is_there(variation, request, plain[what].response, remote=luma_target.session.remote)
            and (variation.negotiates or not (what == UNKNOWN or (variations is NEEDLESS and what == KEYLESS)))
            and not (luma_target.is_free and how in VARIATIONS and what in (REFUSED, ACCEPTED))  # contexts have these
            and not replaces_added(luma_target, variation.change(request))
        ],
        try_one,
        "transport",
    )


def _is_there(variation: Variation, request: Request, plain: Response, *, remote: bool) -> bool:
    """Return whether a request can be sent in a way."""
    if variation.bodied and not request.body:
        return False
    return (remote or not variation.wire) and not (variation.new and plain.version == "1.0")


def _list_requests(luma_target: LumaTarget) -> Iterator[tuple[str, Request]]:
    """Yield a request of each kind that costs nothing, by what is said of it."""
    wrong, right = ({"prompt": PROMPT, **more} for more in ({"model": "super-model-v9"}, {}))
    refused = luma_target.request(body=json.dumps(wrong).encode())
    accepted = replace(refused, body=json.dumps(right).encode())
    yield REFUSED, refused
    yield KEYLESS, replace(accepted, headers=accepted.headers[1:])
    own = luma_target.value("completed-image")
    poll = replace(refused, method="GET", url=f"{GENERATIONS_PATH}/{own or NOBODYS}", body=b"")
    poll = replace(poll, headers=tuple(field for field in poll.headers if field[0] != "Content-Type"))
    yield "a poll", poll
    if own is not None:
        yield UNKNOWN, replace(poll, url=f"{GENERATIONS_PATH}/{NOBODYS}")
    if luma_target.is_free:
        yield ACCEPTED, accepted


def _outline(luma_target: LumaTarget, exchange: Exchange) -> str:
    """Return what an answer amounts to: its status and text, whose generation it is, whether it echoes the id."""
    answer, asked, scrub = exchange.response, exchange.request, luma_target.session.scrub
    if asked.method == "GET" and answer.status == 200:
        told = f"200 of {cut(scrub(show(member_of(answer, 'id'))), MAX_LINE)}"
    else:
        told = "201" if answer.status == 201 else describe_answer(answer, scrub)
    sent = header(asked.headers, "X-Request-Id") or ""
    return told if header(answer.headers, "X-Request-Id") == sent else f"{told} with another X-Request-Id"
