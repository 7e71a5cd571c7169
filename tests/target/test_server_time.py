"""What answers tell of the time at a target: which suppositions about its clock are left after them."""

from __future__ import annotations

import json

import pytest

from luma_conformance.model import Request, Response
from luma_conformance.target.server_time import Moment, ServerTime
from tests.kit import CREATE

POLL = Request(method="GET", url="/v1/generations/x")


def created(at: str, reset: int | None = None) -> Response:
    """Return a 201 that tells when it was made."""
    headers = () if reset is None else (("X-RateLimit-Reset", str(reset)),)
    return Response(status=201, headers=headers, body=json.dumps({"created_at": at}).encode())


def find_doubt(told: ServerTime, *, shared: bool, urls: bool = True) -> str | None:
    """Return the first thing to be doubted, those of URLs only with `urls`."""
    doubts = told.find_doubts(shared=shared)
    return doubts.clients or doubts.clock or (doubts.urls if urls else None)


def note(
    told: ServerTime, answer: Response, *, total: float = 0, own: float = 0, at: float = 0.0, request: Request = CREATE
) -> None:
    """Note an answer that took a tenth of a second, after a clock was advanced for all and for its client."""
    told.note(request, answer, Moment(sent=at, received=at + 0.1, total=total, own=own))


def test_time_that_passes_for_a_client_that_did_not_ask_is_one_clock() -> None:
    """Minutes for one client, seen by another, show one clock for all."""
    told = ServerTime()
    note(told, created("2026-01-01T00:00:00Z", 1000))
    assert find_doubt(told, shared=False, urls=True) is None

    note(told, created("2026-01-01T00:02:00Z", 1120), total=120, own=0)

    assert find_doubt(told, shared=True, urls=True) is None
    assert find_doubt(told, shared=False, urls=True) == (
        'X-RateLimit-Reset shows that one clock is for all clients; write [clock] scope = "server" in the profile'
    )


def test_time_that_passes_only_for_the_client_that_asked_is_one_clock_for_each() -> None:
    """A minute that only one of two clients sees shows a clock for each."""
    told = ServerTime()
    note(told, created("2026-01-01T00:00:00Z"))
    note(told, created("2026-01-01T00:01:00.5Z"), total=60, own=60)
    assert find_doubt(told, shared=True, urls=True) is None

    note(told, created("2026-01-01T00:00:00Z"), total=60, own=0, at=0.5)

    assert find_doubt(told, shared=False, urls=True) is None
    assert find_doubt(told, shared=True, urls=True) == (
        'created_at shows that each client has a clock of its own; write [clock] scope = "client" in the profile'
    )


def test_a_client_that_sees_no_time_pass_shows_nothing_alone() -> None:
    """That time stood still for one may be because it stands still for all: no scope is concluded from it."""
    told = ServerTime()
    note(told, created("2026-01-01T00:00:00Z"))
    note(told, created("2026-01-01T00:00:00Z"), total=60, own=0, at=0.2)

    assert "client" not in str(find_doubt(told, shared=True, urls=True))


def test_a_reset_of_the_oldest_request_shows_no_other_clock() -> None:
    """X-RateLimit-Reset may stay where it is while the oldest request is in the window: no clock stands still by it."""
    told = ServerTime()
    for total, own, reset in ((0, 0, 1060), (30, 0, 1090), (61, 31, 1090), (61, 61, 1121)):
        note(told, created("", reset), total=total, own=own)

        assert find_doubt(told, shared=True, urls=True) is None


def test_a_clock_that_moves_nothing_is_seen() -> None:
    """Time does not pass for the client that asked for it."""
    told = ServerTime()
    note(told, created("2026-01-01T00:00:00Z", 1000))
    note(told, created("2026-01-01T00:00:00Z", 1000), total=120, own=120, at=0.2)

    for shared in (True, False):
        assert find_doubt(told, shared=shared, urls=False) == (
            "the clock the profile names answers, and X-RateLimit-Reset shows that no time passes"
        )


def test_what_keeps_real_time_beside_a_clock_that_moves_is_no_doubt() -> None:
    """A Date and a created_at that are real say nothing of the limiter's clock, which is seen to move."""
    told = ServerTime()
    date = ("Date", "Thu, 01 Jan 2026 00:00:00 GMT")
    for moved in (0, 30, 120):
        answer = created("2026-01-01T00:00:00Z", 1000 + moved)
        note(told, Response(status=201, headers=(*answer.headers, date), body=answer.body), total=moved, own=moved)

        assert find_doubt(told, shared=True, urls=True) is None
        assert find_doubt(told, shared=False, urls=True) is None


def test_output_urls_that_keep_another_time_are_a_doubt_about_urls_only() -> None:
    """Files that another host serves by real time do not age as the target's clock is advanced."""
    told = ServerTime()
    poll = Response(status=200, body=b'{"output": [{"url": "https://a.test/x?X-Amz-Date=20260101T000000Z"}]}')
    note(told, poll, request=POLL)
    note(told, poll, request=POLL, total=2, own=2, at=0.2)

    assert find_doubt(told, shared=True, urls=False) is None
    assert find_doubt(told, shared=True, urls=True) == (
        "the clock the profile names does not move X-Amz-Date of output URLs"
    )


def test_a_clock_that_stands_between_advances_is_seen() -> None:
    """Its time is what it was advanced by, however much of ours passes."""
    told = ServerTime()
    for at, moved, second in ((0.0, 0, "00"), (30.0, 20, "20"), (50.0, 25, "25")):
        note(told, created(f"2026-01-01T00:00:{second}Z"), total=moved, own=moved, at=at)

    assert find_doubt(told, shared=True, urls=True) == (
        "created_at shows that time stands still at the target between two advances"
    )


@pytest.mark.parametrize(
    "answers",
    [
        [created("soon"), created("later")],
        [created("2026-01-01T00:00:00"), created("2025-01-01T00:00:00+00:00")],
        [created("2026-01-01T00:00:00Z", 9), created("2026-01-01T00:00:00Z", 10**15)],
        [Response(status=429, headers=(("X-RateLimit-Reset", "5"),)), Response(status=429)],
        [Response(status=200, headers=(("Date", "today"),)), Response(status=200, headers=(("Date", ""),))],
    ],
)
def test_answers_that_make_no_sense_are_no_doubt_about_the_clock(answers: list[Response]) -> None:
    """What fits no supposition says nothing of the profile; a wrong answer is found elsewhere."""
    told = ServerTime()
    for number, answer in enumerate(answers):
        note(told, answer, total=60 * number, own=60 * number, at=number)

    assert "scope" not in str(find_doubt(told, shared=True, urls=True))
    assert "scope" not in str(find_doubt(told, shared=False, urls=True))
