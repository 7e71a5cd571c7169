"""The timed channel to a target: requests go out, exchanges come back with times on the sending client's clock.

It has no I/O of its own: a Transport sends requests, and time passes by a Clock, or by a request that advances the
target's clock.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from luma_conformance.errors import CouldNotJudge, ExchangeError
from luma_conformance.model import Case, Clock, Exchange, Request, Response, Transport, header
from luma_conformance.target.server_time import Moment, ServerTime, TimeDoubts

LONG: Final = 5.0
"""Waits of at least this many seconds of real time are shown."""

PREPARATION: Final = "preparation/"
"""The beginning of the items in which the kit fills a role itself; their example is a list of why that failed."""

TimeRequest = Callable[[int, str], Request]
"""A function that returns the request which lets whole seconds pass for the client of an Authorization header."""


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

    def find_time_doubts(self) -> TimeDoubts:
        """Return why the times of exchanges cannot be relied on."""
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
    """The time of each client of a target, and how it passes: by a request to the target's clock, or by waiting.

    It is the one place that knows what time it is for a client, whom its Authorization header identifies. `shared`: the
    target has one clock, so that time advanced for one client passes for all. `authorize` returns the header of a role,
    `same` the header that stands for a client that has several; of a header that is not among the `known` nobody knows
    whose it is, so that what it is answered tells no client's time. As a Transport, it notes what answers tell of it.
    `show` is called with a text while a long wait lasts, and with an empty one when it is over; a wait that takes no
    real time is not shown. `announce` is called with what the user should know.
    """

    transport: Transport
    clock: Clock
    ask: TimeRequest | None = None
    shared: bool = False
    announce: Callable[[str], None] | None = None
    show: Callable[[str], None] | None = None
    authorize: Callable[[str], str] = "Bearer {}".format
    same: Mapping[str, str] = field(default_factory=dict)
    known: Collection[str] | None = None
    _ahead: dict[str, int] = field(default_factory=dict, init=False, repr=False)
    _total: int = field(default=0, init=False, repr=False)
    _told: ServerTime = field(default_factory=ServerTime, init=False, repr=False)
    _doubted: bool = field(default=False, init=False, repr=False)

    def now(self, request: Request) -> float:
        """Return the time, in Unix seconds, of the client that sends a request."""
        ahead = self._total if self.shared else self._ahead.get(self._client(request), 0) if self._ahead else 0
        return self.clock.now() + ahead

    def send(self, request: Request) -> Response:
        """Send a request and return its response; raise ExchangeError if none comes."""
        if self.ask is None:
            return self.transport.send(request)
        sent = self.clock.now()
        response = self.transport.send(request)
        self._note(request, response, sent)
        return response

    def find_doubts(self) -> TimeDoubts:
        """Return why time has not passed as it is kept here, and what to write into the profile."""
        return self._told.find_doubts(shared=self.shared)

    def sleep(self, seconds: float, role: str) -> None:
        """Let time pass for the client whose key has that role; raise CouldNotJudge if the target refuses."""
        self._let_pass(seconds, lambda: self.authorize(role), "as the case demands")

    def wait(self, seconds: float, request: Request, why: str = "") -> None:
        """Let time pass for the client that sends a request; raise CouldNotJudge if the target refuses."""
        self._let_pass(seconds, lambda: _authorization(request), why)

    def _let_pass(self, seconds: float, authorization: Callable[[], str], why: str = "") -> None:
        # A clock may take whole seconds only, and may round others either way. So less than a second is waited for, and
        # of longer times the next whole second is asked for: more may pass than was wanted, never less.
        if self.ask is None or seconds < 1:
            self._count_down(seconds, why)
        else:
            self._advance(math.ceil(seconds), authorization())

    def _count_down(self, seconds: float, why: str) -> None:
        """Wait, and show what is left of a long wait every second."""
        if seconds < LONG or self.show is None:
            self.clock.sleep(seconds)
            return
        left = seconds
        while left > 0:
            self.show(f"waiting {math.ceil(left)} s {why}".rstrip())
            self.clock.sleep(min(1.0, left))
            left -= 1.0
        self.show("")

    def _advance(self, seconds: int, authorization: str) -> None:
        assert self.ask is not None
        request = self.ask(seconds, authorization)
        where = f"the clock at {request.url}, which the profile names,"
        try:
            response = self.transport.send(request)
        except ExchangeError as error:  # what breaks here is no answer of the API
            raise CouldNotJudge(f"{where} gave no answer: {error}") from None
        if response.status >= 300:
            raise CouldNotJudge(f"{where} answered {response.status}")
        client = self._client(request)
        self._ahead[client] = self._ahead.get(client, 0) + seconds
        self._total += seconds

    def _note(self, request: Request, response: Response, sent: float) -> None:
        if self.known is not None and _authorization(request) not in self.known:
            return
        own = self._ahead.get(self._client(request), 0)
        moment = Moment(sent=sent, received=self.clock.now(), total=self._total, own=own)
        if not self._told.note(request, response, moment) or self._doubted or self.announce is None:
            return
        doubts = self.find_doubts()
        if (doubt := doubts.clients or doubts.clock) is not None:
            self._doubted = True
            self.announce(doubt)

    def _client(self, request: Request) -> str:
        authorization = _authorization(request)
        return self.same.get(authorization, authorization)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveChannel:
    """A Channel to a target that answers now; `patient` is the transport that waits for rate limits.

    `tick` is called before every exchange, so that a run can show that it goes on.
    """

    transport: Transport
    patient: Transport
    passing: Passing
    tick: Callable[[], None] = lambda: None

    def exchange(self, request: Request, *, at_once: bool = False) -> Exchange:
        """Send a request and return the exchange; raise ExchangeError if no answer comes."""
        self.tick()
        sent = self.passing.now(request)
        response = (self.transport if at_once else self.patient).send(request)
        return Exchange(request=request, response=response, sent=sent, received=self.passing.now(request))

    def sleep(self, seconds: float, role: str) -> None:
        """Let time pass for the client whose key has that role."""
        self.passing.sleep(seconds, role)

    def find_time_doubts(self) -> TimeDoubts:
        """Return why the times of exchanges cannot be relied on."""
        return self.passing.find_doubts()

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


def _authorization(request: Request) -> str:
    return header(request.headers, "Authorization") or ""
