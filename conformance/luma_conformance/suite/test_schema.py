"""The published schema, on requests generated from it: answers are documented, and allowed by the page's rules."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from hypothesis import strategies as st

from luma_conformance.catalogue.files import specs
from luma_conformance.catalogue.roles import MAIN_KEY
from luma_conformance.catalogue.strict_yaml import read
from luma_conformance.judge.answers import body_of, detail_of, member_of
from luma_conformance.judge.expected import NO_KEY, expect_not_found, expect_unauthorized
from luma_conformance.matching import is_same_time
from luma_conformance.model import ABSENT, GENERATIONS_PATH, Ask, Auth, Exchange
from luma_conformance.properties.luma_target import LumaTarget, not_judged
from luma_conformance.rules import Accepted, Unspecified
from luma_conformance.strategies import valid_requests

if TYPE_CHECKING:
    from luma_conformance.properties.openapi import Document

Plain = tuple[object, ...]
"""A request as plain data: method, URL, and the body if there is one."""
CREATES: Final = ("POST", GENERATIONS_PATH, {"prompt": "A sunset over the ocean"})
LOOKS_UP: Final = ("GET", f"{GENERATIONS_PATH}/00000000-0000-0000-0000-000000000000")
"""Requests that are sent with every invalid key, whatever else is drawn."""
KEYS: Final = (
    (Auth(), NO_KEY),
    (Auth(role=MAIN_KEY, scheme=""), NO_KEY),
    (Auth(role=MAIN_KEY, scheme="Basic"), NO_KEY),
    (Auth(token="sk-conformance-0000000000"), NO_KEY),  # noqa: S106  not a key
    (Auth(token="luma-api-conformance-no-such-key"), "Invalid API key"),  # noqa: S106
    (Auth(role="revoked-key"), "API key has been revoked"),
    (Auth(role="expired-key"), "API key has expired"),
)
"""Invalid keys, and the `detail` each one gets."""


def test_what_the_schema_allows_is_answered_as_documented(luma_target: LumaTarget) -> None:
    """A request the schema allows gets an answer that the page's rules and the schema allow."""
    luma_target.skip_unless_free()
    luma_target.for_all(
        document().submissions(valid=True).map(_plain), lambda plain: _submit(luma_target, _ask(plain)), share=0.25
    )


def test_what_the_schema_forbids_is_answered_in_order(luma_target: LumaTarget) -> None:
    """A request that breaks the schema in one place gets an answer that the page's rules and the schema allow."""
    sent: list[Exchange] = []

    def try_one(plain: Plain) -> None:
        if (exchange := _submit(luma_target, _ask(plain))) is not None:
            sent[:] = [exchange]

    luma_target.for_all(document().submissions(valid=False).map(_plain), try_one, share=0.25)
    if not sent:
        not_judged("would cost money: of the generated requests none is sure to be refused")


def test_an_id_of_nobodys_is_not_found(luma_target: LumaTarget) -> None:
    """An unknown UUID, and an id that is not a UUID, are not found, in the documented shape."""
    lookups = document().lookups(valid=True) | document().lookups(valid=False)
    luma_target.for_all(lookups.map(_plain), lambda plain: _look_up(luma_target, _ask(plain)), share=0.25)


def test_a_key_that_opens_nothing_opens_nothing(luma_target: LumaTarget) -> None:
    """Without a valid key nothing is accepted, shown or reported as missing: a valid request is a 401."""
    target, material = luma_target.session.target, luma_target.material
    keys = [(auth, detail) for auth, detail in KEYS if auth.role is None or target.missing(auth.role) is None]
    in_order = valid_requests(material).map(lambda body: Ask(method="POST", url=GENERATIONS_PATH, body=body))
    asks = [in_order, document().submissions(valid=False), document().lookups(valid=True)]
    if material.completed_image is not None:
        asks.append(st.just(Ask(method="GET", url=f"{GENERATIONS_PATH}/{material.completed_image}")))

    def try_one(drawn: tuple[int, Plain]) -> None:
        number, plain = drawn
        auth, detail = keys[number]
        ask = _ask(plain)
        ask = replace(ask, auth=auth, body=material.use_offered(ask.body))
        exchange = luma_target.exchange(luma_target.request_for(ask))
        luma_target.skip_if_limited(exchange)
        prediction = material.predict(ask.body) if ask.method == "POST" else Accepted()
        luma_target.check_answer(
            expect_unauthorized(ask, detail, prediction, exchange.response.status), exchange, prediction
        )
        _hold_to_schema(luma_target, exchange, status_is_open=isinstance(prediction, Unspecified))

    every = [(number, plain) for number in range(len(keys)) for plain in (CREATES, LOOKS_UP)]
    luma_target.for_all(
        st.tuples(st.sampled_from(range(len(keys))), st.one_of(asks).map(_plain)), try_one, share=0.25, always=every
    )


def test_what_is_accepted_is_found_by_its_link(luma_target: LumaTarget) -> None:
    """Following the schema's link with the id of an accepted generation leads to that generation."""
    luma_target.skip_unless_free()
    walk = _Walk(luma_target)
    luma_target.run(lambda how: document().follow(walk, how), walk.again, share=0.15)


class _Walk:
    """One walk along the links after another; `steps` are those of the current one, as plain data."""

    def __init__(self, luma_target: LumaTarget) -> None:
        self._luma = luma_target
        self._steps: list[tuple[Plain, int | None]] = []
        self._exchanges: list[Exchange] = []

    def begin(self) -> None:
        self._steps, self._exchanges = [], []
        self._luma.begin_example(self._steps)

    def send(self, ask: Ask, origin: Exchange | None) -> Exchange:
        self._steps.append((_plain(ask), None if origin is None else self._exchanges.index(origin)))
        if ask.method == "POST":
            exchange = _submit(self._luma, ask)
            assert exchange is not None
        else:
            exchange = _look_up(self._luma, ask) if origin is None else _follow(self._luma, ask, origin)
        self._exchanges.append(exchange)
        return exchange

    def end(self) -> None:
        self._luma.session.target.channel.end_example()

    def again(self, steps: list[tuple[Plain, int | None]]) -> None:
        """Repeat a recorded walk."""
        self.begin()
        for plain, origin in steps:
            self.send(_ask(plain), None if origin is None else self._exchanges[origin])


def _plain(ask: Ask) -> Plain:
    """Return a request as plain data; without a body it has two members."""
    return (ask.method, ask.url) if ask.body is ABSENT else (ask.method, ask.url, ask.body)


def _ask(plain: Plain) -> Ask:
    """Return the request that plain data stand for."""
    method, url, *body = plain
    return Ask(method=str(method), url=str(url), body=body[0] if body else ABSENT)


@lru_cache(maxsize=1)
def document() -> Document:
    """Return the schema as schemathesis loads it; skip the test if schemathesis is not installed."""
    try:
        from luma_conformance.properties.openapi import load
    except ModuleNotFoundError as error:
        not_judged(f"needs {error.name}: pip install 'luma-agents-conformance[schema]'")
    raw = read(specs() / "openapi.yaml").data
    assert isinstance(raw, dict)
    return load(raw)


def _submit(luma_target: LumaTarget, ask: Ask) -> Exchange | None:
    """Send a submission and check its answer; return None if sending it could cost money."""
    body = luma_target.material.use_offered(ask.body)
    if isinstance(body, dict):
        prediction, exchange = luma_target.send_checked(body)
        if exchange is not None:
            _hold_to_schema(luma_target, exchange, status_is_open=isinstance(prediction, Unspecified))
        return exchange
    if not luma_target.is_free:
        return None
    exchange = luma_target.exchange(luma_target.request_for(ask))
    luma_target.skip_if_limited(exchange)
    if not (400 <= exchange.response.status < 500 and isinstance(detail_of(exchange.response), str)):
        luma_target.fail("no request at all: expected a refusal, some 4xx, with a detail", exchange)
    _hold_to_schema(luma_target, exchange, status_is_open=True)
    return exchange


def _look_up(luma_target: LumaTarget, ask: Ask) -> Exchange:
    """Poll for an id that does not exist, and check the answer."""
    exchange = luma_target.exchange(luma_target.request_for(ask))
    luma_target.skip_if_limited(exchange)
    if _is_one_segment(ask.url):
        luma_target.check_answer(expect_not_found(ask), exchange)
        _hold_to_schema(luma_target, exchange)
    elif exchange.response.status >= 500 or member_of(exchange.response, "id") is not None:
        # On the way to the server it may have become another path, about which the page says nothing.
        luma_target.fail(
            "an id that is no UUID: expected no generation, and no crash  [404 — Invalid generation ID format]",
            exchange,
        )
    return exchange


def _is_one_segment(url: str) -> bool:
    """Return whether an id reaches the operation, however servers on the way normalize a path."""
    name = unquote(url.rpartition("/")[2])
    return name.strip(".") != "" and name.isprintable() and not set(name) & set("/\\%?#;")


def _follow(luma_target: LumaTarget, ask: Ask, origin: Exchange) -> Exchange:
    exchange = luma_target.exchange(luma_target.request_for(ask))
    luma_target.skip_if_limited(exchange)
    created, found = body_of(origin.response), body_of(exchange.response)
    _hold_to_schema(luma_target, exchange)
    if exchange.response.status != 200 or not _is_same(created, found):
        luma_target.fail("what was just accepted is not what its id leads to  [200 — OK (success)]", exchange)
    return exchange


def _is_same(one: object, other: object) -> bool:
    if not (isinstance(one, dict) and isinstance(other, dict)) or one.get("id") != other.get("id"):
        return False
    made, found = one.get("created_at"), other.get("created_at")
    return made == found or is_same_time(made, found)


def _hold_to_schema(luma_target: LumaTarget, exchange: Exchange, *, status_is_open: bool = False) -> None:
    departures = document().find_departures(exchange, status_is_open=status_is_open)
    if departures:
        listed = "; ".join(luma_target.session.scrub(departure)[:400] for departure in departures)
        luma_target.fail(f"not as documented in specs/openapi.yaml: {listed}", exchange)
