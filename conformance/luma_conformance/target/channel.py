"""The timed channel to a target: requests go out, exchanges come back with times on the sending client's clock.

It has no I/O of its own: a Transport sends requests, and time passes by a Clock, or by a request that advances the
target's clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, Protocol

from luma_conformance.errors import CouldNotJudge
from luma_conformance.model import Case, Clock, Exchange, Request, Transport, header

LONG: Final = 5.0
"""Waits of at least this many seconds of real time are announced."""

TimeRequest = Callable[[float, str], Request]
"""A function that returns the request which lets some seconds pass for the client of a role's key."""


class Channel(Protocol):
    """A target as cases and properties use it: send requests, let time pass.

    Its callers name the item that exchanges belong to, so that a recorder can store them and a player find them again.
    """

    def exchange(self, request: Request, *, at_once: bool = False) -> Exchange:
        """Send a request, `at_once` whatever rate limits say, and return the exchange; raise ExchangeError."""
        ...

    def sleep(self, seconds: float, role: str) -> None:
        """Let time pass for the client whose key has that role."""
        ...

    def begin_item(self, item: str, case: Case | None = None) -> None:
        """Begin the exchanges of a case or a property; raise NotRecorded."""
        ...

    def begin_step(self, number: int) -> None:
        """Begin a step of the case, counted from 1."""
        ...

    def begin_example(self, example: object) -> None:
        """Begin the exchanges of a generated example, a Python literal; it may grow until it ends."""
        ...

    def end_example(self) -> None:
        """End the example."""
        ...

    def recorded_examples(self) -> Iterator[object] | None:
        """Return the examples of the item's recording, each ready to be tried again; None to draw new ones."""
        ...


@dataclass(slots=True, kw_only=True)
class Passing:
    """How time passes for a target: by a request to its clock if it has one, or else by waiting.

    How far each client's clock was advanced, in seconds, is kept by its Authorization header.
    """

    transport: Transport
    clock: Clock
    ask: TimeRequest | None = None
    announce: Callable[[str], None] | None = None
    _ahead: dict[str, float] = field(default_factory=dict, init=False, repr=False)

    def now(self, request: Request) -> float:
        """Return the time, in Unix seconds, of the client that sends a request."""
        return self.clock.now() + self._ahead.get(_client(request), 0.0)

    def sleep(self, seconds: float, role: str) -> None:
        """Let time pass for the client whose key has that role; raise CouldNotJudge if the target refuses."""
        if self.ask is None:
            if seconds >= LONG and self.announce is not None:
                self.announce(f"waiting {seconds:.0f} s")
            self.clock.sleep(seconds)
            return
        request = self.ask(seconds, role)
        response = self.transport.send(request)
        if response.status >= 300:
            raise CouldNotJudge(f"the clock at {request.url}, which the profile names, answered {response.status}")
        client = _client(request)
        self._ahead[client] = self._ahead.get(client, 0.0) + seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveChannel:
    """A Channel to a target that answers now; `patient` is the transport that waits for rate limits."""

    transport: Transport
    patient: Transport
    passing: Passing

    def exchange(self, request: Request, *, at_once: bool = False) -> Exchange:
        """Send a request and return the exchange; raise ExchangeError if no answer comes."""
        sent = self.passing.now(request)
        response = (self.transport if at_once else self.patient).send(request)
        return Exchange(request=request, response=response, sent=sent, received=self.passing.now(request))

    def sleep(self, seconds: float, role: str) -> None:
        """Let time pass for the client whose key has that role."""
        self.passing.sleep(seconds, role)

    def begin_item(self, item: str, case: Case | None = None) -> None:
        """Do nothing: nothing is kept."""

    def begin_step(self, number: int) -> None:
        """Do nothing: nothing is kept."""

    def begin_example(self, example: object) -> None:
        """Do nothing: nothing is kept."""

    def end_example(self) -> None:
        """Do nothing: nothing is kept."""

    def recorded_examples(self) -> Iterator[object] | None:
        """Return None: there is no recording."""
        return None


def _client(request: Request) -> str:
    return header(request.headers, "Authorization") or ""
