"""Pacing, on a clock that is a number: when it waits, for how long, and what it says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import pytest

from luma_conformance.model import Request, Response
from luma_conformance.target.pacing import Pacing, retry_after


def create(key: str = "a") -> Request:
    """Return a request for a generation with a key."""
    return Request(method="POST", url="/v1/generations", headers=(("authorization", f"Bearer {key}"),))


POLL = Request(method="GET", url="/v1/generations/1", headers=(("Authorization", "Bearer a"),))
ACCEPTED = Response(status=201)


def last_one(reset: object) -> Response:
    """Return the answer that says the window is full until `reset`."""
    headers = (("X-RateLimit-Limit", "2"), ("x-ratelimit-remaining", "0"), ("X-RateLimit-Reset", str(reset)))
    return Response(status=201, headers=headers)


def refused(*seconds: object) -> Response:
    """Return a 429 with this Retry-After in seconds."""
    return Response(status=429, headers=tuple(("Retry-After", str(number)) for number in seconds))


@dataclass
class World:
    """A target that gives the answers it was given, its clock, and what the user is told."""

    answers: list[Response]
    time: float = 1000.0
    per_minute: int | None = None
    sent: list[float] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.pacing = Pacing(self, self, self.told.append, per_minute=self.per_minute)

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.time += seconds

    def send(self, request: Request) -> Response:
        self.sent.append(self.time)
        return self.answers.pop(0)

    def statuses(self, requests: Iterable[Request]) -> list[int]:
        """Send each request and return the statuses."""
        return [self.pacing.send(request).status for request in requests]


def test_a_full_window_delays_only_the_next_generation() -> None:
    """The next generation with the key waits for the reset, the one after it does not."""
    world = World([last_one(1012), ACCEPTED, ACCEPTED])
    world.statuses([create(), create(), create()])
    assert world.sent == [1000, 1012, 1012]
    assert world.told == ["waiting 12 s to stay within the rate limit"]


@pytest.mark.parametrize(
    "answer",
    [
        last_one(999),
        last_one(1000),
        last_one(1121),
        last_one("soon"),
        last_one(10**30),
        ACCEPTED,
        Response(status=201, headers=(("X-RateLimit-Remaining", "1"), ("X-RateLimit-Reset", "1012"))),
        Response(status=201, headers=(("X-RateLimit-Remaining", "0"),)),
    ],
)
def test_an_unreasonable_reset_is_not_waited_for(answer: Response) -> None:
    """A reset that is over, absurd or unreadable is none, and so is a window with room."""
    world = World([answer, ACCEPTED])
    world.statuses([create(), create()])
    assert (world.sent, world.told) == ([1000, 1000], [])


def test_polls_and_other_keys_do_not_wait() -> None:
    """The limit is on generations, key by key."""
    world = World([last_one(1012), ACCEPTED, ACCEPTED, ACCEPTED])
    world.statuses([create("a"), create("b"), POLL, create("a")])
    assert world.sent == [1000, 1000, 1000, 1012]


def test_an_answer_without_limit_headers_changes_nothing_known() -> None:
    """A 429 for too many jobs carries none, and the window stays as full as it was."""
    full = Response(status=429, headers=(*last_one(1100).headers, ("Retry-After", "1")))
    world = World([full, refused(1), ACCEPTED, ACCEPTED])
    world.statuses([create(), create()])
    assert world.sent == [1000, 1001, 1002, 1100]


def test_a_later_answer_with_room_ends_the_waiting() -> None:
    """The last word of the target counts: its clock may be ahead of ours."""
    roomy = Response(status=429, headers=(("Retry-After", "1"), ("X-RateLimit-Remaining", "5")))
    full = Response(status=429, headers=(*last_one(1100).headers, ("Retry-After", "1")))
    world = World([full, roomy, ACCEPTED, ACCEPTED])
    world.statuses([create(), create()])
    assert world.sent == [1000, 1001, 1002, 1002]


def test_a_refusal_is_waited_out() -> None:
    """The request goes again after the time the target asked for, generation or not."""
    world = World([refused(7), ACCEPTED, refused(3), ACCEPTED])
    assert world.statuses([create(), POLL]) == [201, 201]
    assert world.sent == [1000, 1007, 1007, 1010]
    assert world.told == ["waiting 7 s because the target answered 429", "waiting 3 s because the target answered 429"]


def test_a_target_that_keeps_refusing_is_given_up() -> None:
    """After three more tries its 429 is the answer."""
    world = World([refused(1)] * 9)
    assert world.statuses([create()]) == [429]
    assert world.sent == [1000, 1001, 1002, 1003]


@pytest.mark.parametrize("status", [201, 400, 500, 502, 503])
def test_nothing_but_a_429_is_sent_again(status: int) -> None:
    """A 502 may have cost money."""
    world = World([Response(status=status, headers=(("Retry-After", "1"),)), ACCEPTED])
    assert world.statuses([create()]) == [status]
    assert world.sent == [1000]


@pytest.mark.parametrize(
    ("response", "seconds"),
    [
        (refused(1), 1.0),
        (refused(120), 120.0),
        (refused(0), None),
        (refused(121), None),
        (refused(-1), None),
        (refused("1.5"), None),
        (refused("Wed, 21 Oct 2026 07:28:00 GMT"), None),
        (refused("٣"), None),
        (refused(10**30), None),
        (refused(1, 2), None),
        (refused(), None),
        (Response(status=503, headers=(("Retry-After", "1"),)), None),
    ],
)
def test_a_retry_after_is_a_whole_number_of_bearable_seconds(response: Response, seconds: float | None) -> None:
    """Anything else is not waited for."""
    assert retry_after(response) == seconds


def test_the_user_s_own_limit_is_kept_to() -> None:
    """Two a minute with one key: the third waits until the first is a minute old."""
    world = World([ACCEPTED] * 5, per_minute=2)
    world.statuses([create("a"), create("b"), create("a")])
    world.time += 20
    world.statuses([create("a"), POLL])
    assert world.sent == [1000, 1000, 1000, 1060, 1060]
    assert world.told == ["waiting 40 s to stay within the rate limit"]
