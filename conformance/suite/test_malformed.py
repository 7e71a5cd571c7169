"""Bodies that are no request, and odd request ids: the page says little, but an error has its shape and a limit."""

from __future__ import annotations

import json

from conformance.judge import detail_of
from conformance.model import header
from conformance.properties import Luma
from conformance.strategies import malformed, request_ids
from conformance.strategies.hostile import JSON, ambiguous

Raw = tuple[str, str, bytes]


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
