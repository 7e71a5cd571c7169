"""A rehearsal: what each case and property sends to the reference, to know which of them a miniature answers otherwise.

A run on the reference always sends the same, so an item on whose requests a miniature gives the reference's answers
passes there too, and need not be played.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from luma_conformance.miniatures.miniature import Asked, Handle, Miniature, read_json
from luma_conformance.model import GENERATIONS_PATH, Case, Clock, Exchange, Request, Response
from luma_conformance.reference.clock import VirtualClock
from luma_conformance.reference.media import media_facts
from luma_conformance.reference.origin import ORIGIN
from luma_conformance.rules import Accepted, Rejected, predict
from luma_conformance.target.channel import Channel
from luma_conformance.target.server_time import TimeDoubts

HEAVY: Final = 1_000_000
"""Bytes of a body above which a request is not sent to a miniature only to see whether its answer differs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A request with the reference's answer, the seconds that passed before it, and the example it belongs to."""

    asked: Asked
    waited: float
    example: int | None


@dataclass(slots=True, kw_only=True)
class Tape:
    """What an item sent to the reference, and the examples it tried."""

    events: list[Event] = field(default_factory=list)
    examples: list[object] = field(default_factory=list)

    @property
    def is_heavy(self) -> bool:
        """Whether it has a body that takes long to read."""
        return any(len(event.asked.request.body) > HEAVY for event in self.events)

    @property
    def can_repeat_an_answer(self) -> bool:
        """Whether its examples may have in them what the reference answered: something was created for one."""
        return any(event.asked.answer.status == 201 for event in self.events if event.example is not None)

    def find_differences(self, miniature: Miniature) -> set[int | None] | None:
        """Return the examples in which a miniature answers otherwise; None is what belongs to none.

        Without any, nothing differs. Where the miniature does not say what it touches, its answers are compared; after
        the first that differs all may, and None is returned for every example.
        """
        if miniature.touches is not None:
            return {event.example for event in self.events if miniature.touches(event.asked)}
        is_concerned = miniature.concerns is None or any(miniature.concerns(event.asked) for event in self.events)
        return set() if not is_concerned or self.is_heavy or self._is_same(miniature) else None

    def _is_same(self, miniature: Miniature) -> bool:
        clock = VirtualClock()
        handle = miniature.make(clock)
        for event in self.events:
            if event.waited:
                clock.sleep(event.waited)
            if handle(event.asked.request) != event.asked.answer:
                return False
        return True


@dataclass(slots=True, kw_only=True)
class Direct:
    """A Transport that calls a handler; the URLs of outputs lead back to it."""

    handle: Handle

    def send(self, request: Request) -> Response:
        """Return the answer."""
        if request.url.startswith(ORIGIN):
            local = request.url.removeprefix(ORIGIN)
            request = Request(method=request.method, url=local, headers=request.headers, body=request.body)
        return self.handle(request)


@dataclass(slots=True, kw_only=True)
class Taping:
    """A handler that keeps what passes it on a tape; `clock` is that of the service behind it."""

    handle: Handle
    clock: Clock
    tape: Tape = field(default_factory=Tape)
    example: int | None = None
    _last: float | None = None

    def __call__(self, request: Request) -> Response:
        now = self.clock.now()
        waited = 0.0 if self._last is None else now - self._last
        self._last = now
        answer = self.handle(request)
        body = read_json(request.body)
        creates = request.method == "POST" and request.url.startswith(GENERATIONS_PATH)
        asked = Asked(request=request, body=body, broken=find_broken(body) if creates else frozenset(), answer=answer)
        self.tape.events.append(Event(asked=asked, waited=waited, example=self.example))
        return answer


def find_broken(body: object) -> frozenset[str]:
    """Return the rules that a body breaks, as far as the page says."""
    prediction = predict(body, media=media_facts)
    if isinstance(prediction, Rejected):
        return frozenset(one.rule for one in prediction.violations)
    return frozenset() if isinstance(prediction, Accepted) else frozenset(prediction.broken)


@dataclass(slots=True, kw_only=True)
class Rehearsed:
    """A Channel that notes the examples of a property, or gives it those to try."""

    channel: Channel
    taping: Taping | None = None
    given: list[object] | None = None

    def exchange(self, request: Request, *, at_once: bool = False) -> Exchange:
        """Send a request and return the exchange."""
        return self.channel.exchange(request, at_once=at_once)

    def sleep(self, seconds: float, role: str) -> None:
        """Let time pass for the client whose key has that role."""
        self.channel.sleep(seconds, role)

    def find_time_doubts(self) -> TimeDoubts:
        """Return why the times of exchanges cannot be relied on."""
        return self.channel.find_time_doubts()

    def begin_item(self, item: str, case: Case | None = None) -> None:
        """Do nothing: a rehearsal has one item."""

    def begin_step(self, number: int) -> None:
        """Do nothing."""

    def begin_example(self, example: object) -> None:
        """Note an example, which may grow until it ends."""
        if self.taping is not None:
            self.taping.example = len(self.taping.tape.examples)
            self.taping.tape.examples.append(example)

    def end_example(self) -> None:
        """Keep the example as it is now."""
        if self.taping is not None and self.taping.example is not None:
            examples = self.taping.tape.examples
            examples[-1] = copy.deepcopy(examples[-1])
            self.taping.example = None

    def recorded_examples(self) -> Iterator[object] | None:
        """Return the examples to try; None to draw new ones."""
        return None if self.given is None else iter(self.given)
