"""Malformed bodies and odd request ids proved on wrong servers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from luma_conformance.model import Request, Response
from luma_conformance.properties.nonconformance import NonConformance
from luma_conformance.suite import test_malformed as malformed
from tests.miniatures import Handle, Wrong, answering, on_answers, on_requests, right
from tests.suite.target_on import target_on


def is_no_object(request: Request) -> bool:
    """Return whether a body is no JSON object."""
    return not request.body.startswith(b"{")


@pytest.mark.parametrize(
    ("status", "body"),
    [(500, b'{"detail": "oops"}'), (201, b"{}"), (400, b"<html>Bad Request</html>"), (422, b'{"detail": [{}]}')],
    ids=["5xx", "201", "HTML", "a list of errors"],
)
def test_a_disorderly_answer_to_a_malformed_request_is_caught(status: int, body: bytes) -> None:
    """What is no request is neither accepted nor answered with a crash, a web page or another shape."""
    luma_target = target_on(answering(status, body, is_no_object))

    with pytest.raises(NonConformance, match="expected"):
        malformed.test_what_is_no_request_is_refused_in_the_shape_of_all_errors(luma_target)


def test_a_request_id_cut_short_is_caught() -> None:
    """A server that keeps 64 characters of an X-Request-Id does not echo it."""

    def cut(request: Request) -> Request:
        return replace(request, headers=tuple((name, value[:64]) for name, value in request.headers))

    with pytest.raises(NonConformance, match="to be echoed"):
        malformed.test_any_request_id_comes_back_as_it_was_sent(target_on(on_requests(cut)))


def ids_of(request: Request) -> list[str]:
    """Return the X-Request-Id headers of a request."""
    return [value for name, value in request.headers if name == "X-Request-Id"]


def without_an_id_where(odd: Callable[[list[str]], bool]) -> Wrong:
    """Lose the id where the request's ids are odd."""

    def change(request: Request, response: Response) -> Response:
        kept = tuple(field for field in response.headers if field[0] != "X-Request-Id")
        return replace(response, headers=kept) if odd(ids_of(request)) else response

    return on_answers(change)


def crashing_on_a_long_id(handle: Handle) -> Handle:
    """Answer 500 where an id is long."""
    crash = Response(status=500, body=b"Internal Server Error")
    return lambda request: crash if any(len(one) > 1000 for one in ids_of(request)) else handle(request)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (without_an_id_where(lambda ids: not ids), "expected an id, got None"),
        (without_an_id_where(lambda ids: len(ids) > 1), "expected an id, got None"),
        (crashing_on_a_long_id, "expected a refusal of the shape"),
    ],
    ids=["lost without one", "lost with several", "crash"],
)
def test_a_server_that_odd_request_ids_upset_is_caught(wrong: Wrong, said: str) -> None:
    """No id where none, or several, were sent, and a crash on a long one, are caught."""
    with pytest.raises(NonConformance, match=said):
        malformed.test_odd_request_ids_do_not_change_the_answer(target_on(wrong))


@on_answers
def shortening_long_ids(_: Request, response: Response) -> Response:
    """Cut a long id: how long one may be is not documented."""
    return replace(response, headers=tuple((name, value[:128]) for name, value in response.headers))


@pytest.mark.parametrize("legal", [right, shortening_long_ids], ids=["none", "cuts long ids"])
def test_a_server_that_odd_request_ids_do_not_upset_is_right(legal: Wrong) -> None:
    """What comes back for an empty, repeated or long id is left open."""
    malformed.test_odd_request_ids_do_not_change_the_answer(target_on(legal))
