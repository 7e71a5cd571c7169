"""Pacing, on a clock that is a number: when it waits, for how long, and what it says."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import pytest

from luma_conformance.model import Request, Response, header
from luma_conformance.target.channel import Passing, TimeRequest
from luma_conformance.target.pacing import Pacing, Traffic

START = 1000.0


def create(key: str = "a", body: object = None) -> Request:
    """Return a request for a generation with a key."""
    raw = json.dumps({"prompt": "A lighthouse"} if body is None else body).encode()
    return Request(method="POST", url="/v1/generations", headers=(("authorization", f"Bearer {key}"),), body=raw)


WRONG = create(body={"prompt": ""})
POLL = Request(method="GET", url="/v1/generations/1", headers=(("Authorization", "Bearer a"),))
ACCEPTED = Response(status=201)
FULL = Response(status=429, body=b'{"detail": "Too many concurrent jobs"}', headers=(("Retry-After", "60"),))


def refused(*seconds: object) -> Response:
    """Return the 429 of a full window, with this Retry-After in seconds."""
    return Response(
        status=429,
        headers=tuple(("Retry-After", str(number)) for number in seconds),
        body=b'{"detail": "Rate limit exceeded"}',
    )


@dataclass
class World:
    """A target, its clock, and what the user is shown; `answer` says what a request gets, `sleeps` what was waited."""

    answer: Callable[[Request], Response]
    time: float = START
    per_minute: int | None = None
    clock: TimeRequest | None = None
    patience: float = 300.0
    shared: bool = False
    sent: list[tuple[str, float]] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    sleeps: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        passing = Passing(transport=self, clock=self, ask=self.clock, show=self.shown.append)
        roles = {"Bearer a": "main-key", "Bearer b": "other-key"}
        self.traffic = Traffic(transport=self, passing=passing, roles=roles, per_minute=self.per_minute)
        self.pacing = Pacing(traffic=self.traffic, patience=self.patience, shared=self.shared, show=self.shown.append)

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.sleeps.append(seconds)
        self.time += seconds

    def send(self, request: Request) -> Response:
        self.sent.append((request.method, self.time))
        return self.answer(request)

    def statuses(self, requests: Iterable[Request]) -> list[int]:
        """Send each request and return the statuses."""
        return [self.pacing.send(request).status for request in requests]

    @property
    def posts(self) -> list[float]:
        """When generations were asked for."""
        return [time for method, time in self.sent if method == "POST"]


def answering(*answers: Response) -> Callable[[Request], Response]:
    """Return what gives these answers one after the other."""
    given = iter(answers)
    return lambda request: next(given)


@dataclass
class Limited:
    """A server with a rate limit and slots, as the page describes them; `ahead` is how far its clock is from ours."""

    limit: int = 10**6
    slots: int = 10**6
    lasts: float = 1.0
    refused_count: bool = False
    validates_first: bool = False
    ahead: float = 0.0
    time: Callable[[], float] = float
    window: list[float] = field(default_factory=list)
    begun: dict[str, float] = field(default_factory=dict)
    refusals: int = 0

    def __call__(self, request: Request) -> Response:
        now = self.time()
        self.window = [time for time in self.window if time > now - 60]
        if request.method == "GET":
            over = self.begun[request.url.rpartition("/")[2]] + self.lasts <= now
            return Response(status=200, body=json.dumps({"state": "completed" if over else "processing"}).encode())
        wrong = json.loads(request.body).get("prompt") == ""
        if wrong and self.validates_first:
            self.window += [now] * self.refused_count
            return Response(status=400)
        if len(self.window) >= self.limit:
            self.refusals += 1
            seconds = max(1, int(self.window[0] + 60 - now + 0.999))
            headers = (*self._headers(0, now + seconds), ("Retry-After", str(seconds)))
            return Response(status=429, headers=headers, body=b'{"detail": "Rate limit exceeded"}')
        if wrong:
            self.window += [now] * self.refused_count
            return Response(status=400)
        if sum(began + self.lasts > now for began in self.begun.values()) >= self.slots:
            self.refusals += 1
            return FULL
        self.window.append(now)
        name = f"job-{len(self.begun)}"
        self.begun[name] = now
        body = json.dumps({"id": name, "state": "queued"}).encode()
        return Response(status=201, headers=self._headers(self.limit - len(self.window), now + 60), body=body)

    def _headers(self, left: int, reset: float) -> tuple[tuple[str, str], ...]:
        told = (("X-RateLimit-Limit", str(self.limit)), ("x-ratelimit-remaining", str(left)))
        return (*told, ("X-RateLimit-Reset", str(int(reset + self.ahead))))


def world_of(server: Limited, **how: float) -> World:
    """Return a world around a server, on its clock."""
    world = World(server, patience=how.get("patience", 300.0))
    server.time = world.now
    return world


@pytest.mark.parametrize("ahead", [0.0, 30.0, -30.0, 10**8, -(10**8)])
@pytest.mark.parametrize(
    ("refused_count", "validates_first", "windows"),
    [(True, False, 9), (False, False, 4), (False, True, 3)],
)
def test_a_run_of_many_requests_keeps_to_the_limit_and_loses_no_time(
    *, refused_count: bool, validates_first: bool, windows: int, ahead: float
) -> None:
    """Wherever the server's clock stands and whatever it counts, it takes what the limit allows, and refuses little."""
    server = Limited(limit=10, refused_count=refused_count, validates_first=validates_first, ahead=ahead)
    world = world_of(server)

    world.statuses([create(), WRONG, WRONG] * 30)

    # A clock that is half a minute behind announces a reset half a minute early, and there is no Date to tell.
    assert server.refusals <= (windows if ahead == -30.0 else 1)
    assert world.time - START <= (windows - 1) * 60 * 1.1


def test_a_full_window_delays_only_the_next_generation_with_the_key() -> None:
    """Polls do not wait, nor do the generations of another client."""
    servers = {"Bearer a": Limited(limit=2), "Bearer b": Limited(limit=2)}
    world = World(lambda request: servers[request.headers[0][1]](request))
    for server in servers.values():
        server.time = world.now
    lookup = Request(method="GET", url="/v1/generations/job-0", headers=create().headers)
    world.statuses([create(), create(), create("b"), lookup, create()])
    assert world.sent == [*[("POST", 1000)] * 3, ("GET", 1000), ("POST", 1060)]


def test_a_wait_is_counted_down_and_says_for_which_limit() -> None:
    """The text names the limit and the role of the key, never the key, and goes away at the end."""
    world = world_of(Limited(limit=2))
    world.statuses([create()] * 3)
    assert world.shown[0] == "waiting 60 s for the rate limit of main-key, 2 a minute"
    assert world.shown[-2:] == ["waiting 1 s for the rate limit of main-key, 2 a minute", ""]


def test_requests_of_others_with_the_same_key_are_reckoned_with() -> None:
    """What Remaining lacks beyond our own requests was used by somebody else, and leaves within a minute."""
    server = Limited(limit=10)
    world = world_of(server)
    server.window = [START - 20] * 7

    world.statuses([create()] * 12)

    assert server.refusals == 0
    assert world.time - START <= 120


def test_a_window_that_opens_at_once_is_believed() -> None:
    """A server that counts by the minute of its clock says after the turn that hardly anything is used."""
    left = {"at": START, "count": 0}

    def fixed(request: Request) -> Response:
        if world.time // 60 != left["at"] // 60:
            left.update(at=world.time, count=0)
        left["count"] += 1
        remaining = 5 - int(left["count"])
        assert remaining >= 0, "refused"
        reset = int(world.time // 60 * 60 + 60)
        told = (
            ("X-RateLimit-Limit", "5"),
            ("X-RateLimit-Remaining", str(remaining)),
            ("X-RateLimit-Reset", str(reset)),
        )
        return Response(status=201, headers=told)

    world = World(fixed)
    world.statuses([create()] * 20)
    assert world.time - START <= 3 * 60


@pytest.mark.parametrize("reset", [999, 1000, 1121, "soon", 10**30, "", -5])
def test_an_unreasonable_reset_is_not_waited_for(reset: object) -> None:
    """A reset that is over, absurd or unreadable is none; alone it says nothing of how many requests are allowed."""
    told = (("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", str(reset)))
    world = World(answering(Response(status=201, headers=told), ACCEPTED))
    world.statuses([create(), create()])
    assert world.posts == [1000, 1000]


def test_a_reset_without_a_limit_is_waited_for_by_the_server_s_own_clock() -> None:
    """Date says what time it is there."""
    told = (
        ("X-RateLimit-Remaining", "0"),
        ("X-RateLimit-Reset", "1444456812"),
        ("Date", "Sat, 10 Oct 2015 06:00:00 GMT"),
    )
    world = World(answering(Response(status=201, headers=told), ACCEPTED))
    world.statuses([create(), create()])
    assert world.posts == [1000, 1013]


def test_a_refusal_is_waited_out() -> None:
    """The request goes again after the time the target asked for, generation or not."""
    world = World(answering(refused(7), ACCEPTED, refused(3), ACCEPTED))
    assert world.statuses([create(), POLL]) == [201, 201]
    assert [time for _, time in world.sent] == [1000, 1007, 1007, 1010]


def test_a_target_that_keeps_refusing_is_given_up_once() -> None:
    """After a while its 429 is the answer, and later requests are not waited for, until one is let through."""
    world = World(lambda request: refused(1))
    assert world.statuses([create()]) == [429]
    assert 100 <= world.time - START <= 130
    first = len(world.sent)
    assert world.statuses([create()] * 5) == [429] * 5
    assert len(world.sent) == first + 5
    world.answer = answering(ACCEPTED, refused(1), ACCEPTED)
    assert world.statuses([create()] * 2) == [201, 201]


@pytest.mark.parametrize("status", [201, 400, 500, 502, 503])
def test_nothing_but_a_429_is_sent_again(status: int) -> None:
    """A 502 may have cost money."""
    world = World(answering(Response(status=status, headers=(("Retry-After", "1"),)), ACCEPTED))
    assert world.statuses([create()]) == [status]
    assert world.posts == [1000]


def test_the_user_s_own_limit_is_kept_to() -> None:
    """Two a minute with one key: the third waits until the first is a minute old."""
    world = World(answering(*[ACCEPTED] * 5), per_minute=2)
    world.statuses([create("a"), create("b"), create("a")])
    world.time += 20
    world.statuses([create("a"), POLL])
    assert [time for _, time in world.sent] == [1000, 1000, 1000, 1060, 1060]


def test_a_clock_that_is_advanced_empties_the_window() -> None:
    """With an own limit and such a clock there is one wait for each full window, which takes and shows nothing."""
    advanced: list[int] = []

    def clock(seconds: int, authorization: str) -> Request:
        advanced.append(seconds)
        return Request(method="PUT", url="/clock", headers=create().headers)

    world = World(lambda request: ACCEPTED, per_minute=10, clock=clock)
    world.statuses([create()] * 50)
    assert advanced == [60] * 4
    assert (world.time, world.shown) == (START, [])


@pytest.mark.parametrize(("slots", "lasts"), [(5, 1.0), (1, 3.0), (3, 20.0), (10, 0.0)])
def test_too_many_jobs_are_answered_by_polling_one_s_own(slots: int, lasts: float) -> None:
    """The next one is asked for as soon as a job has ended, and once the slots are known nothing is refused."""
    server = Limited(slots=slots, lasts=lasts)
    world = world_of(server)

    assert world.statuses([create()] * 40) == [201] * 40

    assert server.refusals <= 1
    assert world.time - START <= 40 / slots * (lasts * 1.25 + 0.2)


def test_what_is_sure_to_be_refused_waits_for_no_slot() -> None:
    """A request that the page refuses needs none."""
    world = world_of(Limited(slots=1, lasts=30.0))
    world.statuses([create(), create(), WRONG, WRONG])
    assert world.posts[-4] == START
    assert world.posts[-3] == world.posts[-1] >= START + 30


def test_a_long_wait_for_a_slot_is_shown() -> None:
    """It says what is waited for, and how long it has been."""
    world = world_of(Limited(slots=1, lasts=8.0))
    world.statuses([create(), create()])
    which = "one of the 1 running generations of main-key"
    said = [f"waiting for {which} to end: too many concurrent jobs ({seconds} s so far)" for seconds in (5, 6, 8)]
    assert world.shown == [*said, ""]


def test_slots_taken_by_others_are_waited_for_as_the_target_asks() -> None:
    """None of our own runs, so there is nothing to poll."""
    world = World(answering(FULL, ACCEPTED))
    assert world.statuses([create()]) == [201]
    assert world.posts == [1000, 1060]
    assert world.shown[0] == "waiting 60 s for somebody else's jobs with main-key to end: too many run at once"


def test_slots_taken_by_other_workers_are_asked_for_again_before_long() -> None:
    """Their jobs are as short as ours, and nobody tells when they end; each time it takes twice as long."""
    world = World(answering(*[FULL] * 7, ACCEPTED), shared=True)
    assert world.statuses([create()]) == [201]
    assert world.posts == [1000, 1001, 1003, 1007, 1015, 1031, 1063, 1123]


def test_jobs_of_another_client_are_not_polled() -> None:
    """Slots are each client's own."""
    world = World(answering(Response(status=201, body=b'{"id": "x"}'), FULL, ACCEPTED))
    world.statuses([create("b"), create("a")])
    assert [method for method, _ in world.sent] == ["POST"] * 3


def test_one_s_own_jobs_that_do_not_end_are_waited_for_as_long_as_patience_lasts() -> None:
    """Then the 429 is the answer, at once for whatever comes after."""
    world = world_of(Limited(slots=2, lasts=10**9), patience=30)
    assert world.statuses([create()] * 3) == [201, 201, 429]
    assert 30 <= world.time - START <= 35
    assert world.statuses([create()] * 3) == [429] * 3
    assert world.time - START <= 35


def test_a_job_that_is_gone_has_no_slot() -> None:
    """A generation that cannot be found any more is over."""
    answers = (Response(status=201, body=b'{"id": "x"}'), FULL, Response(status=404), ACCEPTED)
    world = World(answering(*answers))
    assert world.statuses([create(), create()]) == [201, 201]
    assert world.time == START


def test_jobs_polled_by_a_case_are_known_to_be_over() -> None:
    """Traffic sees every answer, also of what is sent at once."""
    world = world_of(Limited())
    world.traffic.send(create())
    usage = world.traffic.usage(create())
    assert list(usage.jobs) == ["job-0"]
    world.time += 5
    world.traffic.send(Request(method="GET", url="/v1/generations/job-0", headers=create().headers))
    assert (list(usage.jobs), usage.role, header(create().headers, "Authorization")) == ([], "main-key", "Bearer a")
