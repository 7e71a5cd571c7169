"""The player: each case and generated example gets the answers it got when it was recorded."""

from __future__ import annotations

import ast
import json
import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from luma_conformance.errors import ExchangeError, InputError, NotRecorded
from luma_conformance.model import Case, Exchange, Request
from luma_conformance.recording.entry import About, Entry
from luma_conformance.recording.har import read_about, read_entries
from luma_conformance.recording.recorder import FORMAT, Storing, fingerprint, version_of
from luma_conformance.target.channel import PREPARATION
from luma_conformance.target.server_time import TimeDoubts

OUTDATED: Final = "recorded for another version of this case"
_TRACING: Final = "x-request-id"


@dataclass(kw_only=True)
class _Take:
    """The exchanges of one item in one run: those outside examples, and those of each example.

    `prepared` has what filled the roles that the kit filled itself.
    """

    version: str
    at: float
    prepared: Mapping[str, str] = field(default_factory=dict)
    loose: list[Entry] = field(default_factory=list)
    literals: dict[int, str] = field(default_factory=dict)
    examples: dict[int, list[Entry]] = field(default_factory=dict)


class Player:
    """A Channel that answers from a recording, and sends nothing."""

    def __init__(
        self,
        path: Path,
        storing: Storing,
        leak: Callable[[str], object],
        learn: Callable[[Exchange], None] = lambda _: None,
    ) -> None:
        """Read a recording made by the kit; raise InputError for any other file, and for one that holds a key.

        `leak` returns what in a text looks like a key, and where, or None. `learn` is called with every exchange.
        """
        self.about: About = read_about(path)
        if self.about.get("format") != FORMAT:
            hint = "`luma-conformance audit` judges recordings of other makers"
            raise InputError(f"{path} is not a recording of `pytest --luma-record`; {hint}")
        self._storing = storing
        self._takes: dict[str, _Take] = {}
        self._playing: deque[Entry] = deque()
        self._take = _Take(version="", at=0.0)
        self._doubts: object = None
        newest: dict[str, object] = {}
        for entry in read_entries(path):
            if (found := _find_leak(entry, leak)) is not None:
                raise InputError(f"{entry.place}: {found}; take the key out, or record again, and replace the key")
            learn(entry.exchange)
            self._add(entry, newest)

    def missing(self, role: str, why: str, channel: object = None) -> str | None:
        """Return why the kit could not fill a role itself when it recorded, or None; see `Preparation`."""
        if self.might_fill(role):
            return None
        tried = self._takes.get(PREPARATION + role, _Take(version="", at=0.0))
        failed = [_evaluate(tried.literals[number], tried.examples[number][0].place) for number in tried.literals]
        return next((str(text) for texts in failed if isinstance(texts, list) for text in texts), why)

    def might_fill(self, role: str) -> bool:
        """Return whether the kit filled a role itself when it recorded."""
        return any(role in take.prepared for take in self._takes.values())

    def value(self, role: str) -> str:
        """Return what filled a role when the current item was recorded; raise NotRecorded."""
        if role not in self._take.prepared:
            raise NotRecorded(f"recorded without {role}")
        return self._take.prepared[role]

    def withdraw(self, role: str, why: str) -> None:
        """Do nothing: what was recorded with a role is replayed with it."""

    @property
    def oldest(self) -> float:
        """When the oldest recorded item was recorded, in Unix time; now if there is none."""
        return min((take.at for take in self._takes.values()), default=time.time())

    def begin_item(self, item: str, case: Case | None = None) -> None:
        """Go to an item's exchanges; raise NotRecorded."""
        take = self._takes.get(item)
        if take is None:
            raise NotRecorded("not recorded")
        if take.version != version_of(case):
            raise NotRecorded(OUTDATED)
        self._take, self._playing = take, deque(take.loose)

    def begin_step(self, number: int) -> None:
        """Do nothing: the exchanges are in order."""

    def begin_example(self, example: object) -> None:
        """Do nothing: `recorded_examples` goes to their exchanges."""

    def end_example(self) -> None:
        """Do nothing."""

    def recorded_examples(self) -> Iterator[object] | None:
        """Yield the recorded examples in order, going to the exchanges of each."""
        return self._examples()

    def exchange(self, request: Request, *, at_once: bool = False) -> Exchange:
        """Return the item's next exchange; raise NotRecorded if it was recorded for another request."""
        if not self._playing:
            raise NotRecorded("not recorded")
        entry = self._playing.popleft()
        note, recorded = entry.note, entry.exchange
        self._doubts = note.get("doubts")
        if note["request"] != fingerprint(self._storing.request(request)):
            raise NotRecorded(OUTDATED)
        if "broken" in note:
            raise ExchangeError(str(note["broken"]))
        traced = [header for header in recorded.request.headers if header[0].lower() == _TRACING]
        others = [header for header in request.headers if header[0].lower() != _TRACING]
        sent, received = _read_number(note["sent"]), _read_number(note["received"])
        asked = replace(request, headers=(*others, *traced))
        return Exchange(request=asked, response=recorded.response, sent=sent, received=received)

    def sleep(self, seconds: float, role: str) -> None:
        """Let no time pass: the recording holds the times."""

    def find_time_doubts(self) -> TimeDoubts:
        """Return why the recorded times could not be relied on when the last exchange was recorded."""
        noted = self._doubts if isinstance(self._doubts, Mapping) else {}
        told = {name: str(noted[name]) for name in ("clients", "clock", "urls") if name in noted}
        return TimeDoubts(**told)

    def _examples(self) -> Iterator[object]:
        for number, literal in self._take.literals.items():
            self._playing = deque(self._take.examples[number])
            yield self._storing.unfold(_evaluate(literal, self._take.examples[number][0].place))

    def _add(self, entry: Entry, newest: dict[str, object]) -> None:
        """Add an entry; if an item was recorded twice, the later recording counts."""
        note = entry.note
        try:
            item, number = str(note["item"]), note.get("example")
            at, *_ = _read_number(note["at"]), _read_number(note["sent"]), _read_number(note["received"])
            if not (isinstance(note["request"], str) and isinstance(number, int | None)):
                raise ValueError
            if newest.get(item) != note["take"]:
                newest[item] = note["take"]
                prepared = _read_texts(note.get("prepared"))
                self._takes[item] = _Take(version=str(note["version"]), at=at, prepared=prepared)
            take = self._takes[item]
            if number is None:
                take.loose.append(entry)
                return
            if "literal" in note:
                take.literals[number] = str(note["literal"])
            take.examples.setdefault(number, []).append(entry)
        except (KeyError, ValueError, OverflowError):
            raise InputError(f"{entry.place}: its note is not one of `pytest --luma-record`; record again") from None


def _evaluate(literal: str, place: str) -> object:
    """Return the value of a literal; raise InputError for anything but plain data."""
    try:
        return ast.literal_eval(literal)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        raise InputError(f"{place}: its example is not plain data; record again") from None


def _find_leak(entry: Entry, leak: Callable[[str], object]) -> object:
    """Return what looks like a key in an entry, or None."""
    request, response = entry.exchange.request, entry.exchange.response
    fields = (f"{name}: {value}" for name, value in (*request.headers, *response.headers))
    bodies = (body.decode("utf-8", "replace") for body in (request.body, response.body))
    return leak("\n".join([request.url, *fields, *bodies, json.dumps(dict(entry.note))]))


def _read_texts(value: object) -> dict[str, str]:
    return {str(name): str(text) for name, text in value.items()} if isinstance(value, Mapping) else {}


def _read_number(value: object) -> float:
    if isinstance(value, int | float) and math.isfinite(number := float(value)):
        return number
    raise ValueError
