"""Bodies that are not requests, and odd request ids: the page says little about them, but every error has its shape."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Final

from luma_conformance.judge.answers import detail_of
from luma_conformance.matching import Echo, Scene
from luma_conformance.model import header
from luma_conformance.properties.luma_target import LumaTarget
from luma_conformance.strategies import malformed, request_id_lists, request_ids
from luma_conformance.strategies.hostile import JSON, ambiguous, ordinary_request_ids

Raw = tuple[str, str, bytes]
TOO_LARGE: Final = 431
"""Request Header Fields Too Large (RFC 6585)."""


def test_what_is_no_request_is_refused_in_the_shape_of_all_errors(luma_target: LumaTarget) -> None:
    """A body that is not a request is a 4xx with a text as its `detail`: no 201, no 5xx, no web page."""
    luma_target.skip_unless_free()

    def try_one(raw: Raw) -> None:
        family, content_type, body = raw
        exchange = luma_target.exchange(luma_target.request(body=body, content_type=content_type))
        if not 400 <= exchange.response.status < 500:
            luma_target.fail(f"{family}: expected a refusal, some 4xx, got {exchange.response.status}", exchange)
        if not isinstance(detail_of(exchange.response), str):
            luma_target.fail(f'{family}: expected an error of the shape {{"detail": "…"}}', exchange)

    luma_target.for_all(malformed(luma_target.material), try_one)


def test_what_may_be_a_request_is_answered_in_order(luma_target: LumaTarget) -> None:
    """What parsers and frameworks differ about is accepted, or refused in the documented shape."""
    luma_target.skip_unless_free()

    def try_one(raw: Raw) -> None:
        family, content_type, body = raw
        exchange = luma_target.exchange(luma_target.request(body=body, content_type=content_type))
        status = exchange.response.status
        if status != 201 and not (400 <= status < 500 and isinstance(detail_of(exchange.response), str)):
            luma_target.fail(f"{family}: expected 201, or a 4xx with a detail, got {status}", exchange)

    luma_target.for_all(ambiguous(luma_target.material), try_one, share=0.5)


def test_odd_request_ids_do_not_change_the_answer(luma_target: LumaTarget) -> None:
    """With no, empty, repeated or long ids a fault is still refused, with an id in the answer; by default, a UUID."""
    body = json.dumps({"prompt": "A sunset", "model": "super-model-v9"}).encode()

    def try_one(request_ids: tuple[str, ...]) -> None:
        plain = luma_target.request(body=body)
        kept = tuple(field for field in plain.headers if field[0] != "X-Request-Id")
        headers = (*kept, *(("X-Request-Id", value) for value in request_ids))
        exchange = luma_target.exchange(replace(plain, headers=headers))
        if exchange.response.status == TOO_LARGE:
            return  # how long an id may be is not said, and what refuses a long one may stand in front of the server
        if not 400 <= exchange.response.status < 500 or not isinstance(detail_of(exchange.response), str):
            luma_target.fail(
                f"X-Request-Id {request_ids!r}: expected a refusal of the shape all errors share", exchange
            )
        given = header(exchange.response.headers, "X-Request-Id")
        if given is None or (not request_ids and Echo("X-Request-Id").explain(given, Scene())):
            luma_target.fail(
                f"X-Request-Id {request_ids!r}: expected an id, got {given!r}  [Request tracing]", exchange
            )

    one_of_each = [(), ("",), ("a", "b"), ("a" * 4096,)]
    luma_target.for_all(request_id_lists(), try_one, share=0.25, always=one_of_each)


def test_any_request_id_comes_back_as_it_was_sent(luma_target: LumaTarget) -> None:
    """An ordinary id is echoed in X-Request-Id, on a refusal that costs nothing; an odd one may give way to a UUID."""
    body = json.dumps({"prompt": "A sunset", "model": "super-model-v9"}).encode()

    def try_one(request_id: str) -> None:
        exchange = luma_target.exchange(luma_target.request(body=body, content_type=JSON, request_id=request_id))
        echoed = header(exchange.response.headers, "X-Request-Id")
        if why := Echo("X-Request-Id").explain(echoed, Scene(sent={"x-request-id": request_id})):
            luma_target.fail(f"X-Request-Id: {why}  [Request tracing]", exchange)

    luma_target.for_all(ordinary_request_ids() | request_ids(), try_one, share=0.25)
