"""The channel: exchanges carry the time of the client that sent them, and waiting is asked for where it can be."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from luma_conformance.errors import CouldNotJudge, ExchangeError
from luma_conformance.model import Request, Response
from luma_conformance.target.channel import LiveChannel, Passing


@dataclass
class Wall:
    """A clock that is a number, and a transport that takes a second for an answer."""

    time: float = 100.0
    status: int = 200
    heard: list[Request] = field(default_factory=list)

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds

    def send(self, request: Request) -> Response:
        self.heard.append(request)
        self.time += 1
        return Response(status=self.status)


def of(key: str) -> Request:
    """Return a request with a key."""
    return Request(method="GET", url="/v1/generations/x", headers=(("Authorization", f"Bearer {key}"),))


def clock(seconds: int, authorization: str) -> Request:
    """Return the request that advances the time of a key's client."""
    headers = (("Authorization", authorization),)
    return Request(method="POST", url="/clock", headers=headers, body=json.dumps(seconds).encode())


def channel(wall: Wall, told: list[str] | None = None, *, asked: bool = False, shared: bool = False) -> LiveChannel:
    """Return a channel on the wall clock, whose time is advanced by request or waited for."""
    show = None if told is None else told.append
    same = {"Bearer a2": "Bearer a"}
    ask = clock if asked else None
    passing = Passing(transport=wall, clock=wall, ask=ask, shared=shared, show=show, same=same)
    return LiveChannel(transport=wall, patient=wall, passing=passing)


def test_an_exchange_is_timed_around_its_request() -> None:
    """Sent is before the transport is given the request, received after it has answered."""
    exchange = channel(Wall()).exchange(of("a"))

    assert (exchange.sent, exchange.received) == (100.0, 101.0)


def test_advanced_time_passes_for_one_client_only() -> None:
    """A minute more for one key is not a minute more for another."""
    wall = Wall()
    way = channel(wall, asked=True)

    way.sleep(60, "a")

    assert way.exchange(of("a")).sent == 161.0
    assert way.exchange(of("b")).sent == 102.0
    assert wall.heard[0].body == b"60"


def test_time_advanced_on_a_shared_clock_passes_for_all() -> None:
    """A minute more for one key is a minute more for every other, and for requests without a key."""
    wall = Wall()
    way = channel(wall, asked=True, shared=True)

    way.sleep(60, "a")

    assert way.exchange(of("b")).sent == 161.0
    assert way.exchange(Request(method="GET", url="http://files.test/x")).sent == 162.0


def test_two_keys_of_one_client_have_one_time() -> None:
    """What is advanced with one of its keys passes for the other."""
    way = channel(Wall(), asked=True)

    way.sleep(60, "a2")

    assert way.exchange(of("a")).sent == 161.0


def test_time_passes_for_the_client_that_sends_a_request() -> None:
    """Waiting on behalf of a request advances the clock of its key's client."""
    wall = Wall()
    passing = channel(wall, asked=True).passing

    passing.wait(30, of("b"))

    assert (passing.now(of("a")), passing.now(of("b"))) == (101.0, 131.0)


def test_a_clock_is_asked_for_whole_seconds() -> None:
    """Less than a second is waited for; of more, as much passes as the clock was asked for, not less than wanted."""
    wall = Wall()
    way = channel(wall, asked=True)

    way.sleep(0.25, "a")
    way.sleep(12.3, "a")

    assert [request.body for request in wall.heard] == [b"13"]
    assert way.exchange(of("a")).sent == 100.25 + 1 + 13


def test_a_clock_that_breaks_is_no_answer_of_the_api() -> None:
    """A clock that hangs up ends the run as one that refuses does, and is no failure of the case that waits."""

    class Broken(Wall):
        def send(self, request: Request) -> Response:
            raise ExchangeError("connection reset")

    with pytest.raises(CouldNotJudge, match="which the profile names, gave no answer: connection reset") as raised:
        channel(Broken(), asked=True).sleep(60, "a")
    assert not isinstance(raised.value, ExchangeError)


def test_a_long_wait_is_counted_down() -> None:
    """A short wait is silent; of a long one every second is shown, and nothing any more when it is over."""
    told: list[str] = []
    way = channel(Wall(), told)

    way.sleep(2, "a")
    way.sleep(60.5, "a")

    assert way.exchange(of("a")).sent == 162.5
    assert told[0] == "waiting 61 s as the case demands"
    assert told[-2:] == ["waiting 1 s as the case demands", ""]
    assert len(told) == 62


def test_a_wait_that_costs_no_time_is_not_shown() -> None:
    """Where the target's clock is advanced, nobody waits."""
    told: list[str] = []

    channel(Wall(), told, asked=True).sleep(60, "a")

    assert told == []


def test_a_target_whose_clock_refuses_cannot_be_judged() -> None:
    """What the profile calls a clock has to be one."""
    with pytest.raises(CouldNotJudge, match="the clock at /clock, which the profile names, answered 404"):
        channel(Wall(status=404), asked=True).sleep(60, "a")


@dataclass
class Telling(Wall):
    """A server with a clock for each client, that lets in a key which should open nothing as one of client `a`."""

    ahead: int = 0

    def send(self, request: Request) -> Response:
        if request.url == "/clock":
            self.ahead += int(request.body)
        now = datetime.fromtimestamp(self.time + self.ahead, UTC)
        return Response(status=201, body=json.dumps({"created_at": now.isoformat()}).encode())


@pytest.mark.parametrize("known", [{"Bearer a"}, None])
def test_what_a_key_that_opens_nothing_is_answered_tells_no_clients_time(known: set[str] | None) -> None:
    """Whose key it is nobody knows, so that letting it in shows nothing about clocks, and stays a finding."""
    told: list[str] = []
    wall = Telling()
    passing = Passing(transport=wall, clock=wall, ask=clock, known=known, announce=told.append)
    for key in ("a", "expired"):
        passing.send(of(key))
        passing.sleep(3600, "a")
        passing.send(of(key))

    doubted = passing.find_doubts().clients is not None
    assert (doubted, bool(told)) == (known is None, known is None)
