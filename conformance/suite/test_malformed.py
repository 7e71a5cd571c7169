"""Bodies that are no request, and odd request ids: the page says little, but an error has its shape and a limit."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Final

from conformance.judge import detail_of
from conformance.model import header
from conformance.properties import Luma
from conformance.strategies import malformed, request_ids, tracings
from conformance.strategies.hostile import JSON, ambiguous

Raw = tuple[str, str, bytes]
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def test_what_is_no_request_is_refused_in_the_shape_of_all_errors(luma: Luma) -> None:
    """A body that is no request is a 4xx with a `detail` of text: no 201, no 5xx, no web page, no silence."""
    luma.needs_free()

    def try_one(raw: Raw) -> None:
        family, content_type, body = raw
        exchange = luma.exchange(luma.request(body=body, content_type=content_type))
        if not 400 <= exchange.response.status < 500:
            luma.fail(f"{family}: expected a refusal, some 4xx, got {exchange.response.status}", exchange)
        if not isinstance(detail_of(exchange.response), str):
            luma.fail(f'{family}: expected an error of the shape {{"detail": "…"}}', exchange)

    luma.every(malformed(luma.material), try_one)


def test_what_may_be_a_request_is_answered_in_order(luma: Luma) -> None:
    """Duplicate members and other content types are accepted or refused, in the documented shape."""
    luma.needs_free()

    def try_one(raw: Raw) -> None:
        family, content_type, body = raw
        exchange = luma.exchange(luma.request(body=body, content_type=content_type))
        status = exchange.response.status
        if status != 201 and not (400 <= status < 500 and isinstance(detail_of(exchange.response), str)):
            luma.fail(f"{family}: expected 201, or a 4xx with a detail, got {status}", exchange)

    luma.every(ambiguous(luma.material), try_one, share=0.5)


def test_odd_request_ids_do_not_change_the_answer(luma: Luma) -> None:
    """None, empty, repeated and long ids: a fault is refused as ever, and an id comes back; without one, a UUID."""
    body = json.dumps({"prompt": "A sunset", "model": "super-model-v9"}).encode()

    def try_one(request_ids: tuple[str, ...]) -> None:
        plain = luma.request(body=body)
        kept = tuple(field for field in plain.headers if field[0] != "X-Request-Id")
        headers = (*kept, *(("X-Request-Id", value) for value in request_ids))
        exchange = luma.exchange(replace(plain, headers=headers))
        if not 400 <= exchange.response.status < 500 or not isinstance(detail_of(exchange.response), str):
            luma.fail(f"X-Request-Id {request_ids!r}: expected a refusal of the shape all errors share", exchange)
        given = header(exchange.response.headers, "X-Request-Id")
        if given is None or (not request_ids and not _UUID.fullmatch(given)):
            luma.fail(f"X-Request-Id {request_ids!r}: expected an id, got {given!r}  [Request tracing]", exchange)

    luma.every(tracings(), try_one, share=0.5)


def test_any_request_id_comes_back_as_it_was_sent(luma: Luma) -> None:
    """Whatever text a header can carry is echoed in X-Request-Id, on a refusal that costs nothing."""
    body = json.dumps({"prompt": "A sunset", "model": "super-model-v9"}).encode()

    def try_one(request_id: str) -> None:
        exchange = luma.exchange(luma.request(body=body, content_type=JSON, request_id=request_id))
        echoed = header(exchange.response.headers, "X-Request-Id")
        if echoed != request_id:
            luma.fail(
                f"X-Request-Id: expected {request_id!r} to be echoed, got {echoed!r}  [Request tracing]", exchange
            )

    luma.every(request_ids(), try_one)
