"""The channel: exchanges carry the time of the client that sent them, and waiting is asked for where it can be."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import pytest

from luma_conformance.errors import CouldNotJudge
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


def clock(seconds: float, role: str) -> Request:
    """Return the request that advances the time of a role's key, which has the role's name here."""
    return Request(method="POST", url="/clock", headers=of(role).headers, body=json.dumps(seconds).encode())


def channel(wall: Wall, told: list[str] | None = None, *, asked: bool = False) -> LiveChannel:
    """Return a channel on the wall clock, whose time is advanced by request or waited for."""
    announce = None if told is None else told.append
    passing = Passing(transport=wall, clock=wall, ask=clock if asked else None, announce=announce)
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


def test_a_long_wait_is_announced() -> None:
    """A short wait is silent; a long one is announced before it begins."""
    told: list[str] = []
    way = channel(Wall(), told)

    way.sleep(2, "a")
    way.sleep(60, "a")

    assert way.exchange(of("a")).sent == 162.0
    assert told == ["waiting 60 s"]


def test_a_target_whose_clock_refuses_cannot_be_judged() -> None:
    """What the profile calls a clock has to be one."""
    with pytest.raises(CouldNotJudge, match="the clock at /clock, which the profile names, answered 404"):
        channel(Wall(status=404), asked=True).sleep(60, "a")
