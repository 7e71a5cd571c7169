"""Workers of one run that use the same client: each keeps to its share of the limit, on a clock that is a number."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from itertools import count, cycle, islice

import pytest

from luma_conformance.model import Request, Response
from luma_conformance.target.channel import Passing
from luma_conformance.target.pacing import Pacing, Traffic
from tests.target.test_pacing import START, WRONG, Limited, create

LATENCY = 0.1


@dataclass
class Crowd:
    """A clock that threads share: one runs at a time, and when it sleeps the one that wakes first goes on."""

    time: float = START
    turn: threading.Condition = field(default_factory=threading.Condition)
    waiting: list[tuple[float, int]] = field(default_factory=list)
    running: tuple[float, int] | None = None
    numbers: Iterator[int] = field(default_factory=count)

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        with self.turn:
            mine = (self.time + seconds, next(self.numbers))
            heappush(self.waiting, mine)
            self._go_on()
            self.turn.wait_for(lambda: self.running == mine)

    def run(self, works: Iterable[Callable[[], object]]) -> None:
        """Do all these works, which begin at once, and return when they have ended."""
        starts = [(self.time, next(self.numbers), work) for work in works]
        self.waiting = [(time, number) for time, number, _ in starts]
        heapify(self.waiting)
        threads = [threading.Thread(target=self._work, args=start, daemon=True) for start in starts]
        for thread in threads:
            thread.start()
        with self.turn:
            self._go_on()
        for thread in threads:
            thread.join(timeout=60)
            assert not thread.is_alive()

    def _work(self, time: float, number: int, work: Callable[[], object]) -> None:
        with self.turn:
            self.turn.wait_for(lambda: self.running == (time, number))
        try:
            work()
        finally:
            with self.turn:
                self._go_on()

    def _go_on(self) -> None:
        if self.waiting:
            self.running = heappop(self.waiting)
            self.time = self.running[0]
            self.turn.notify_all()


@dataclass
class Far:
    """A server that is half the latency away, and used by others too where `others` says when."""

    server: Limited
    crowd: Crowd
    statuses: list[int] = field(default_factory=list)

    def send(self, request: Request) -> Response:
        self.crowd.sleep(LATENCY / 2)
        response = self.server(request)
        self.crowd.sleep(LATENCY / 2)
        self.statuses.append(response.status)
        return response


def run_workers(
    server: Limited, workers: int, requests: Iterable[Request], total: int, per_minute: int | None = None
) -> Far:
    """Have workers send so many requests, each the next when it is free, and return what they were answered."""
    crowd = Crowd()
    server.time = crowd.now
    far = Far(server, crowd)
    chosen = islice(cycle(requests), total)

    def work(number: int) -> None:
        passing = Passing(transport=far, clock=crowd)
        traffic = Traffic(transport=far, passing=passing, worker=number, workers=workers, per_minute=per_minute)
        pacing = Pacing(traffic=traffic, shared=workers > 1)
        for request in chosen:
            pacing.send(request)

    crowd.run([lambda number=number: work(number) for number in range(workers)])  # type: ignore[misc]
    return far


@pytest.mark.parametrize(("workers", "limit"), [(1, 30), (2, 30), (8, 30), (7, 30), (8, 8), (3, 100)])
def test_workers_are_never_refused_for_a_limit_they_could_have_kept(workers: int, limit: int) -> None:
    """However many workers there are, none sends a request that the others have left no room for."""
    far = run_workers(Limited(limit=limit), workers, [create()], total=4 * limit)

    assert set(far.statuses) == {201}


def test_sharing_a_limit_takes_no_longer_than_the_limit_does() -> None:
    """240 requests at 30 a minute are seven waits for a window, and one more if the last shares are uneven."""
    far = run_workers(Limited(limit=30), 8, [create()], total=240)

    assert len(far.statuses) == 240
    assert far.crowd.time - START < 8 * 60 + 10


def test_requests_that_are_refused_anyway_use_no_share_where_they_use_no_quota() -> None:
    """Most cases are such: eight workers send them without a wait once an answer shows that they are free."""
    far = run_workers(Limited(limit=30, validates_first=True), 8, [create(), *[WRONG] * 20], total=336)

    assert set(far.statuses) == {201, 400}
    assert far.crowd.time - START < 30


def test_each_worker_learns_from_one_refusal_that_refused_requests_use_quota() -> None:
    """Nothing else tells it where others use the same client: after that it counts them, and is not refused again."""
    far = run_workers(Limited(limit=30, refused_count=True), 8, [create(), create(), WRONG], total=320)

    assert far.statuses.count(429) <= 8
    assert 429 not in far.statuses[-160:]


def test_the_limit_of_a_profile_is_for_all_workers_together() -> None:
    """Ten a minute are ten, though the target would admit more."""
    far = run_workers(Limited(limit=1000), 4, [create()], total=40, per_minute=10)

    assert far.crowd.time - START >= 3 * 60
