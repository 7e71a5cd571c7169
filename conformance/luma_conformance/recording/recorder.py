"""The recorder: keeps what a target answers, case by case and example by example.

A recording is a HAR file. Data that HAR has no member for is in each entry's note: the item it belongs to, the client's
times, a fingerprint of the request, and, for a generated example, the example itself as a Python literal.
"""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from luma_conformance.errors import ExchangeError
from luma_conformance.model import Case, Exchange, Request, Response
from luma_conformance.recording.entry import About
from luma_conformance.recording.har import Writer
from luma_conformance.target.channel import Channel
from luma_conformance.target.server_time import TimeDoubts

FORMAT: Final = 1
"""The version of the notes in a recording."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Storing:
    """The conversions before storing: they remove secrets, and abbreviate media that the kit has itself.

    `unfold` reverses `fold`; a folded example is still plain data.
    """

    request: Callable[[Request], Request]
    response: Callable[[Response], Response]
    fold: Callable[[object], object]
    unfold: Callable[[object], object]


def version_of(case: Case | None) -> str:
    """Return a digest of the requests of a case; changing only what it expects does not change the version.

    A property has no version: its requests depend on its examples.
    """
    if case is None:
        return ""
    steps = [
        [
            *(step.ask.method, step.ask.url, repr(step.ask.auth), dict(step.ask.headers), str(step.ask.body)),
            *(dict(step.save), repr(step.repeat), step.wait),
        ]
        for step in case.steps
    ]
    return _digest(json.dumps(steps, sort_keys=True))


class Recorder:
    """A Channel that writes each exchange of another channel to a file before it hands it on.

    The exchanges of an example are written together when it is over, so that a file has whole examples only.
    """

    def __init__(
        self, channel: Channel, writer: Writer, base_url: str, storing: Storing, run: Callable[[], About]
    ) -> None:
        """Record the exchanges of `channel`; data about the run, as it is when an item begins, is stored with each."""
        self._channel, self._writer, self._base_url, self._storing = channel, writer, base_url, storing
        self._run = run
        self._note: dict[str, object] = {}
        self._examples = self._number = 0
        self._held: list[tuple[Exchange, dict[str, object]]] | None = None
        self._example: object = None

    def begin_item(self, item: str, case: Case | None = None) -> None:
        """Note which item the following exchanges belong to."""
        self.end_example()
        self._note = {"item": item, "version": version_of(case), "take": uuid.uuid4().hex[:12], **self._run()}
        self._examples = self._number = 0

    def begin_step(self, number: int) -> None:
        """Note which step of the case follows."""
        self._note["step"] = number

    def begin_example(self, example: object) -> None:
        """Hold back the following exchanges until the example has ended."""
        self._example, self._held = example, []
        self._examples += 1

    def end_example(self) -> None:
        """Write the exchanges of the example that has ended."""
        held, self._held = self._held or [], None
        for exchange, note in held[:1]:
            self._write(exchange, {**note, "literal": repr(self._storing.fold(self._example))})
        for exchange, note in held[1:]:
            self._write(exchange, note)

    def recorded_examples(self) -> Iterator[object] | None:
        """Return None: a run that is being recorded draws its own examples."""
        return None

    def exchange(self, request: Request, *, at_once: bool = False) -> Exchange:
        """Return the exchange of a request, and record it; an exchange that broke is recorded too, with its error."""
        try:
            exchange = self._channel.exchange(request, at_once=at_once)
        except ExchangeError as error:
            now = time.time()
            self._keep(Exchange(request=request, response=Response(status=0), sent=now, received=now), str(error))
            raise
        self._keep(exchange)
        return exchange

    def sleep(self, seconds: float, role: str) -> None:
        """Let time pass for the client whose key has that role."""
        self._channel.sleep(seconds, role)

    def find_time_doubts(self) -> TimeDoubts:
        """Return why the times of exchanges cannot be relied on."""
        return self._channel.find_time_doubts()

    def _keep(self, exchange: Exchange, broken: str | None = None) -> None:
        self._number += 1
        stored = self._storing.request(exchange.request)
        note = {
            **self._note,
            "number": self._number,
            "sent": exchange.sent,
            "received": exchange.received,
            "at": int(time.time()),
            "request": fingerprint(stored),
            **({"example": self._examples} if self._held is not None else {}),
            **({"broken": broken} if broken is not None else {}),
            **({"doubts": doubts} if (doubts := _list_doubts(self._channel.find_time_doubts())) else {}),
        }
        kept = replace(exchange, request=stored, response=self._storing.response(exchange.response))
        if self._held is not None:
            self._held.append((kept, note))
        else:
            self._write(kept, note)

    def _write(self, exchange: Exchange, note: Mapping[str, object]) -> None:
        self._writer.add(exchange, self._base_url, note)


def _list_doubts(doubts: TimeDoubts) -> dict[str, str]:
    found = {"clients": doubts.clients, "clock": doubts.clock, "urls": doubts.urls}
    return {name: why for name, why in found.items() if why is not None}


def fingerprint(stored: Request) -> str:
    """Return a digest of a request as it is stored, without its key and X-Request-Id."""
    return _digest(f"{stored.method} {stored.url}\n", stored.body)


def _digest(text: str, raw: bytes = b"") -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass") + raw).hexdigest()[:16]
