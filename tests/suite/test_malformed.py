"""Malformed bodies and odd request ids proved on wrong servers."""

from __future__ import annotations

import re
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
    """A server that keeps 32 characters of an X-Request-Id does not echo it."""

    def cut(request: Request) -> Request:
        kept = ((name, value[:32] if name == "X-Request-Id" else value) for name, value in request.headers)
        return replace(request, headers=tuple(kept))

    with pytest.raises(NonConformance, match="expected the value that was sent"):
        malformed.test_any_request_id_comes_back_as_it_was_sent(target_on(on_requests(cut), examples=200))


def keeping(choose: Callable[[str], str | None]) -> Wrong:
    """Let the server see another X-Request-Id than was sent, or none."""

    def change(request: Request) -> Request:
        seen = ((name, choose(value) if name == "X-Request-Id" else value) for name, value in request.headers)
        return replace(request, headers=tuple((name, value) for name, value in seen if value is not None))

    return on_requests(change)


def test_a_request_id_that_is_changed_is_caught() -> None:
    """An id in lower case is another id, and so is one without what is odd in it."""
    for choose in (str.lower, lambda value: re.sub(r"[^A-Za-z0-9._-]", "", value) or "x"):
        with pytest.raises(NonConformance, match="expected the value that was sent"):
            malformed.test_any_request_id_comes_back_as_it_was_sent(target_on(keeping(choose)))


@pytest.mark.parametrize(
    "choose",
    [
        pytest.param(lambda value: value[:64], id="cut after 64"),
        pytest.param(lambda value: value if re.fullmatch("[A-Za-z0-9._-]+", value) else None, id="odd ones replaced"),
    ],
)
def test_which_ids_a_server_takes_is_left_to_it(choose: Callable[[str], str | None]) -> None:
    """How long an id may be, and of which characters, is not documented."""
    malformed.test_any_request_id_comes_back_as_it_was_sent(target_on(keeping(choose)))


@pytest.mark.parametrize(
    "lenient",
    [
        pytest.param(lambda body: body.partition(b" garbage")[0], id="stops after the value"),
        pytest.param(lambda body: body.decode(errors="replace").encode(), id="replaces bytes"),
        pytest.param(lambda body: body.removeprefix(b"\xef\xbb\xbf"), id="skips a byte order mark"),
        pytest.param(lambda body: body.replace(b'"prompt": 5', b'"prompt": "5"'), id="turns a number into a text"),
    ],
)
def test_a_parser_of_another_kind_is_nobodys_fault(lenient: Callable[[bytes], bytes]) -> None:
    """What the page says nothing of may be accepted, as long as the answer is in order."""
    luma_target = target_on(on_requests(lambda request: replace(request, body=lenient(request.body))))

    malformed.test_what_is_no_request_is_refused_in_the_shape_of_all_errors(luma_target)
    malformed.test_what_may_be_a_request_is_answered_in_order(luma_target)


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


def refusing_long_headers(handle: Handle) -> Handle:
    """Refuse a long header before the request is looked at, as a gateway does."""
    page = Response(status=431, body=b"<html>Request Header Fields Too Large</html>")
    return lambda request: page if any(len(one) > 1000 for one in ids_of(request)) else handle(request)


@pytest.mark.parametrize(
    "legal",
    [right, shortening_long_ids, refusing_long_headers],
    ids=["none", "cuts long ids", "refuses long headers"],
)
def test_a_server_that_odd_request_ids_do_not_upset_is_right(legal: Wrong) -> None:
    """What comes back for an empty, repeated or long id is left open."""
    malformed.test_odd_request_ids_do_not_change_the_answer(target_on(legal))
