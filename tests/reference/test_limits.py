"""The sliding window and the slots: when they refuse, what they say then, and when they admit again."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luma_conformance.model import header
from luma_conformance.reference import Settings
from luma_conformance.reference.limits import SlidingWindow, Slots
from tests.kit import same_examples
from tests.reference.asking import RATES, START, SUNSET, Desk, answer, data, number

TICKS = st.lists(st.integers(0, 40_000).map(lambda ms: ms / 1024), min_size=1, max_size=40)
RUNS = same_examples(60)


@RUNS
@given(ticks=TICKS, limit=st.integers(1, 5))
def test_no_sixty_seconds_hold_more_than_the_limit(ticks: list[float], limit: int) -> None:
    """Whatever the pace, a request is refused exactly when the 60 seconds before it hold the limit."""
    window, now, admitted = SlidingWindow(limit), START, list[float]()
    for tick in ticks:
        now += tick
        recent = [moment for moment in admitted if moment > now - 60]
        refused = window.refuse(now)
        assert (refused is not None) == (len(recent) >= limit)
        if refused is None:
            admitted.append(now)
            assert window.admit(now) == limit - len(recent) - 1


@RUNS
@given(ticks=TICKS, limit=st.integers(1, 5))
def test_the_wait_a_refusal_asks_for_is_enough_and_not_too_long(ticks: list[float], limit: int) -> None:
    """Retry-After and Reset name the first whole second that admits; a second less does not."""
    window, now = SlidingWindow(limit), START
    for tick in ticks:
        now += tick
        refused = window.refuse(now)
        if refused is None:
            window.admit(now)
            continue
        opens = now + refused.retry_after
        assert 1 <= refused.retry_after <= 60
        assert 0 <= refused.reset - opens + 1 <= 2
        assert window.refuse(math.nextafter(opens - 1, 0)) is not None
        assert window.refuse(refused.reset - 1) is not None or refused.reset - 1 < now
        now = max(opens, refused.reset)
        assert window.refuse(now) is None


def test_a_window_admits_again_exactly_sixty_seconds_later() -> None:
    """One millisecond before that it refuses, and asks for the one second that is the least it asks for."""
    desk = Desk()
    assert [number(desk.create(who="low-rpm"), "X-RateLimit-Remaining") for _ in range(3)] == [2, 1, 0]
    desk.clock.sleep(59.999)
    refused = desk.create(who="low-rpm")
    assert answer(refused) == (429, "Rate limit exceeded")
    assert [number(refused, name) for name in RATES] == [3, 0, START + 60]
    assert number(refused, "Retry-After") == 1
    desk.clock.sleep(0.001)
    admitted = desk.create(who="low-rpm")
    assert admitted.status == 201
    assert [number(admitted, name) for name in RATES] == [3, 2, START + 120]


def test_requests_leave_the_window_one_by_one() -> None:
    """Requests at 0, 10 and 20 s make room at 60, 70 and 80 s, and nothing makes more."""
    desk = Desk()
    for _ in range(3):
        assert desk.create(who="low-rpm").status == 201
        desk.clock.sleep(10)
    for wait in (30, 10, 10):
        refused = desk.create(who="low-rpm")
        assert number(refused, "Retry-After") == wait
        assert number(refused, "X-RateLimit-Reset") == desk.clock.now() + wait
        desk.clock.sleep(wait)
        assert desk.create(who="low-rpm").status == 201
        assert desk.create(who="low-rpm").status == 429


@pytest.mark.parametrize(
    "body",
    [b"{", b"{}", b'{"prompt": ""}', b'{"prompt": "x", "image_ref": [{"url": "https://media.test/missing.png"}]}'],
)
def test_only_accepted_requests_count(body: bytes) -> None:
    """Refused requests, polls and refusals by the window itself leave it as it was."""
    desk = Desk()
    for _ in range(5):
        assert desk.ask("POST", "/v1/generations", "low-rpm", body=body).status in (400, 422)
        desk.poll("x", "low-rpm")
    assert number(desk.create(who="low-rpm"), "X-RateLimit-Remaining") == 2


def test_refusals_do_not_put_off_the_next_admission() -> None:
    """A client that keeps asking is admitted as soon as one that waits."""
    desk = Desk()
    for _ in range(3):
        desk.made(who="low-rpm")
    for _ in range(59):
        desk.clock.sleep(1)
        assert desk.create(who="low-rpm").status == 429
    desk.clock.sleep(1)
    assert desk.create(who="low-rpm").status == 201


def test_a_slot_is_free_by_the_clock_without_a_poll() -> None:
    """A job holds its slot until the moment it ends, and no poll is needed to free it."""
    desk = Desk()
    desk.made(who="low-concurrency")
    desk.made(who="low-concurrency")
    desk.clock.sleep(4.999)
    refused = desk.create(who="low-concurrency")
    assert answer(refused) == (429, "Too many concurrent jobs")
    desk.clock.sleep(0.001)
    assert desk.create(who="low-concurrency").status == 201


def test_the_refusal_for_jobs_has_a_retry_after_of_60_and_no_rate_headers() -> None:
    """Only the refusal by the window tells of the window."""
    desk = Desk()
    desk.made(who="low-concurrency")
    desk.made(who="low-concurrency")
    refused = desk.create(who="low-concurrency")
    assert header(refused.headers, "Retry-After") == "60"
    assert [header(refused.headers, name) for name in RATES] == [None] * 3


def test_a_job_that_never_ends_counts_for_an_hour() -> None:
    """After an hour it takes no slot any more, and its state is still what it was."""
    desk = Desk()
    stuck, _ = (desk.made({"prompt": "[test] stay processing"}, "low-concurrency") for _ in range(2))
    desk.clock.sleep(3599.9)
    assert desk.create(who="low-concurrency").status == 429
    desk.clock.sleep(0.1)
    assert desk.create(who="low-concurrency").status == 201
    assert desk.state(stuck, "low-concurrency") == "processing"


def test_failed_jobs_free_their_slot_too() -> None:
    """A slot is free once its job fails."""
    desk = Desk()
    desk.made({"prompt": "[test] stay processing"}, "low-concurrency")
    desk.made({"prompt": "[test] fail generation_failed"}, "low-concurrency")
    assert desk.create(who="low-concurrency").status == 429
    desk.clock.sleep(5)
    assert desk.create(who="low-concurrency").status == 201


def test_slots_are_freed_in_the_order_jobs_end() -> None:
    """A job that ends sooner frees its slot sooner, whenever it began."""
    slots = Slots(2)
    slots.take(0, 100)
    slots.take(1, 5)
    assert slots.is_full(4.9)
    assert not slots.is_full(5)
    slots.take(5, 6)
    assert slots.is_full(5.9)


def test_the_keys_of_a_client_share_its_limits_and_clients_do_not() -> None:
    """Two keys of one client draw on one window; another client has one of its own."""
    desk = Desk(Settings(rpm=2))
    assert number(desk.create(who="main"), "X-RateLimit-Remaining") == 1
    assert number(desk.create(who="second"), "X-RateLimit-Remaining") == 0
    assert desk.create(who="main").status == desk.create(who="second").status == 429
    assert number(desk.create(who="other"), "X-RateLimit-Remaining") == 1


def test_the_window_is_asked_before_the_slots() -> None:
    """Where both are full, the window refuses."""
    desk = Desk(Settings(rpm=1, concurrency=1, processing_seconds=3600))
    desk.made()
    assert answer(desk.create())[1] == "Rate limit exceeded"
    desk.clock.sleep(60)
    assert answer(desk.create())[1] == "Too many concurrent jobs"


@pytest.mark.parametrize("fraction", [0.0, 0.25, 0.999])
def test_retry_after_and_reset_agree_at_any_fraction_of_a_second(fraction: float) -> None:
    """Whoever waits for either is admitted, and neither is a second too long."""
    desk = Desk(Settings(rpm=1))
    desk.clock.sleep(fraction)
    desk.made()
    desk.clock.sleep(12.5)
    refused = desk.create()
    later, at = number(refused, "Retry-After"), number(refused, "X-RateLimit-Reset")
    assert later == math.ceil(START + fraction + 60 - desk.clock.now())
    assert at == math.ceil(START + fraction + 60)
    assert abs(at - (desk.clock.now() + later)) < 1
    desk.clock.sleep(later)
    assert desk.create().status == 201


def test_a_201_says_its_own_minute() -> None:
    """Reset on a 201 is a minute from now, to the whole second below."""
    desk = Desk()
    desk.clock.sleep(0.75)
    response = desk.create(SUNSET)
    assert number(response, "X-RateLimit-Reset") == START + 60
    assert header(response.headers, "Retry-After") is None
    assert data(response)["created_at"] == "2026-04-08T12:00:00Z"
