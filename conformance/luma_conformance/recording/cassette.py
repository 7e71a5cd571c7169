"""Records what a target answers, case by case and example by example, and answers from such a recording.

A recording is a HAR file. What HAR has no member for is in each entry's note: whose exchange it is, the client's times,
a fingerprint of the request, and, for a generated example, the example itself as a Python literal.
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from luma_conformance.errors import ExchangeError, InputError, NotRecorded
from luma_conformance.model import Case, Exchange, Request, Response
from luma_conformance.recording.entry import About, Entry
from luma_conformance.recording.har import Writer, about, entries
from luma_conformance.target.channel import Channel

FORMAT: Final = 1
OUTDATED: Final = "recorded for another version of this case"
_TRACING: Final = "x-request-id"
_AGE: Final = re.compile(r"(\d+)\s*([dhm])")
_SECONDS: Final = {"d": 86_400, "h": 3600, "m": 60}


@dataclass(frozen=True, slots=True, kw_only=True)
class Storing:
    """What becomes of things before they are stored: no secret is left in them, and nothing the kit has itself.

    `unfold` undoes `fold`, of which an example stays plain data.
    """

    request: Callable[[Request], Request]
    response: Callable[[Response], Response]
    fold: Callable[[object], object]
    unfold: Callable[[object], object]


def version_of(case: Case | None) -> str:
    """Returns a digest of what a case sends: another expectation of the same requests is the same version.

    A property has none: what it sends is in its examples.
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


def parse_age(text: str) -> float:
    """Returns the seconds of an age like 30d, 12h or 90m; raises ValueError."""
    if (found := _AGE.fullmatch(text.strip())) is None:
        raise ValueError("an age is a whole number of days, hours or minutes: 30d, 12h, 90m")
    return int(found[1]) * _SECONDS[found[2]]


class Recorder:
    """A Channel and Tape that writes each exchange of another channel to a file before it hands it on.

    The exchanges of an example are written together when it is over, so that a file has whole examples only.
    """

    def __init__(self, channel: Channel, writer: Writer, base_url: str, storing: Storing, run: About) -> None:
        """Records what goes through `channel`; `run` is kept with every exchange: what was asked by, and when."""
        self._channel, self._writer, self._base_url, self._storing = channel, writer, base_url, storing
        self._run = dict(run)
        self._note: dict[str, object] = {}
        self._examples = self._number = 0
        self._held: list[tuple[Exchange, dict[str, object]]] | None = None
        self._example: object = None

    def begin(self, item: str, case: Case | None = None) -> None:
        """Says whose the exchanges that follow are."""
        self.close()
        self._note = {"item": item, "version": version_of(case), "take": uuid.uuid4().hex[:12], **self._run}
        self._examples = self._number = 0

    def step(self, number: int) -> None:
        """Says which step of the case follows."""
        self._note["step"] = number

    def open(self, example: object) -> None:
        """Holds what follows until the example is over."""
        self._example, self._held = example, []
        self._examples += 1

    def close(self) -> None:
        """Writes the exchanges of the example that is over."""
        held, self._held = self._held or [], None
        for exchange, note in held[:1]:
            self._write(exchange, {**note, "literal": repr(self._storing.fold(self._example))})
        for exchange, note in held[1:]:
            self._write(exchange, note)

    def examples(self) -> Iterator[object] | None:
        """Returns None: what is recorded is tried first."""
        return None

    def exchange(self, request: Request, *, at_once: bool = False) -> Exchange:
        """Returns what a request came to, and keeps it; an exchange that broke is kept too, with how."""
        try:
            exchange = self._channel.exchange(request, at_once=at_once)
        except ExchangeError as error:
            now = time.time()
            self._keep(Exchange(request=request, response=Response(status=0), sent=now, received=now), str(error))
            raise
        self._keep(exchange)
        return exchange

    def sleep(self, seconds: float, role: str) -> None:
        """Lets time pass for the client whose key has that role."""
        self._channel.sleep(seconds, role)

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
        }
        kept = replace(exchange, request=stored, response=self._storing.response(exchange.response))
        if self._held is not None:
            self._held.append((kept, note))
        else:
            self._write(kept, note)

    def _write(self, exchange: Exchange, note: Mapping[str, object]) -> None:
        self._writer.add(exchange, self._base_url, note)


@dataclass(kw_only=True)
class _Take:
    """The exchanges of one item in one run: those of no example, and those of each."""

    version: str
    at: float
    loose: list[Entry] = field(default_factory=list)
    literals: dict[int, str] = field(default_factory=dict)
    examples: dict[int, list[Entry]] = field(default_factory=dict)


class Player:
    """A Channel and Tape that answers from a recording, and sends nothing."""

    def __init__(self, path: Path, storing: Storing, leak: Callable[[str], object]) -> None:
        """Reads a recording of the kit's own; raises InputError for any other file, and for one with a key in it.

        `leak` returns what in a text looks like a key, and where, or None.
        """
        self.about: About = about(path)
        if self.about.get("format") != FORMAT:
            hint = "`luma-conformance audit` judges recordings of other makers"
            raise InputError(f"{path} is no recording of `pytest --luma-record`; {hint}")
        self._storing = storing
        self._takes: dict[str, _Take] = {}
        self._playing: deque[Entry] = deque()
        self._take = _Take(version="", at=0.0)
        newest: dict[str, object] = {}
        for entry in entries(path):
            if (found := _leaked(entry, leak)) is not None:
                raise InputError(f"{entry.place}: {found}; take the key out, or record again, and replace the key")
            self._add(entry, newest)

    @property
    def oldest(self) -> float:
        """When the oldest of the recordings that count was made, in Unix time; now where there is none."""
        return min((take.at for take in self._takes.values()), default=time.time())

    def begin(self, item: str, case: Case | None = None) -> None:
        """Goes to an item's exchanges; raises NotRecorded."""
        take = self._takes.get(item)
        if take is None:
            raise NotRecorded("not recorded")
        if take.version != version_of(case):
            raise NotRecorded(OUTDATED)
        self._take, self._playing = take, deque(take.loose)

    def step(self, number: int) -> None:
        """Does nothing: the exchanges are in order."""

    def open(self, example: object) -> None:
        """Does nothing: `examples` goes to their exchanges."""

    def close(self) -> None:
        """Does nothing."""

    def examples(self) -> Iterator[object] | None:
        """Yields what was tried, in order, going to the exchanges of each."""
        return self._examples()

    def exchange(self, request: Request, *, at_once: bool = False) -> Exchange:
        """Returns the next exchange of the item; raises NotRecorded where it is not this request's."""
        if not self._playing:
            raise NotRecorded("not recorded")
        entry = self._playing.popleft()
        note, recorded = entry.note, entry.exchange
        if note["request"] != fingerprint(self._storing.request(request)):
            raise NotRecorded(OUTDATED)
        if "broken" in note:
            raise ExchangeError(str(note["broken"]))
        traced = [header for header in recorded.request.headers if header[0].lower() == _TRACING]
        others = [header for header in request.headers if header[0].lower() != _TRACING]
        sent, received = _number(note["sent"]), _number(note["received"])
        asked = replace(request, headers=(*others, *traced))
        return Exchange(request=asked, response=recorded.response, sent=sent, received=received)

    def sleep(self, seconds: float, role: str) -> None:
        """Lets no time pass: the recording has the times."""

    def _examples(self) -> Iterator[object]:
        for number, literal in self._take.literals.items():
            self._playing = deque(self._take.examples[number])
            yield self._storing.unfold(_data(literal, self._take.examples[number][0].place))

    def _add(self, entry: Entry, newest: dict[str, object]) -> None:
        """Takes in an entry; of an item that was recorded twice, the later recording counts."""
        note = entry.note
        try:
            item, number = str(note["item"]), note.get("example")
            at, *_ = _number(note["at"]), _number(note["sent"]), _number(note["received"])
            if not (isinstance(note["request"], str) and isinstance(number, int | None)):
                raise ValueError
            if newest.get(item) != note["take"]:
                newest[item] = note["take"]
                self._takes[item] = _Take(version=str(note["version"]), at=at)
            take = self._takes[item]
            if number is None:
                take.loose.append(entry)
                return
            if "literal" in note:
                take.literals[number] = str(note["literal"])
            take.examples.setdefault(number, []).append(entry)
        except (KeyError, ValueError):
            raise InputError(f"{entry.place}: its note is not one of `pytest --luma-record`; record again") from None


def _data(literal: str, place: str) -> object:
    """Returns the data a literal stands for; raises InputError for anything that is more than data."""
    try:
        return ast.literal_eval(literal)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        raise InputError(f"{place}: its example is no data; record again") from None


def _leaked(entry: Entry, leak: Callable[[str], object]) -> object:
    """Returns what in an entry looks like a key, or None."""
    request, response = entry.exchange.request, entry.exchange.response
    fields = (f"{name}: {value}" for name, value in (*request.headers, *response.headers))
    bodies = (body.decode("utf-8", "replace") for body in (request.body, response.body))
    return leak("\n".join([request.url, *fields, *bodies, json.dumps(dict(entry.note))]))


def fingerprint(stored: Request) -> str:
    """Returns a digest of a request as it is stored, its key and X-Request-Id left out."""
    return _digest(f"{stored.method} {stored.url}\n", stored.body)


def _digest(text: str, raw: bytes = b"") -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass") + raw).hexdigest()[:16]


def _number(value: object) -> float:
    if isinstance(value, int | float):
        return float(value)
    raise ValueError
