"""What a target's answers tell of its clocks, and whether that agrees with what the profile says of them.

Some answers tell the server's time: `created_at` and X-RateLimit-Reset of a created generation, X-Amz-Date of an output
URL, Date. How far it is ahead of ours is unknown but constant, so all that tell it, less what their clock was advanced
by, have to agree. They are held against several suppositions at once: that the clock is one for all clients, that each
client has its own, that advancing moves nothing. Where only one of them is left, it is true.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from luma_conformance.matching import whole_number
from luma_conformance.model import Request, Response, header

WINDOW: Final = 60.0
"""Seconds after a request is counted that it leaves the rate limit's window."""
RESET: Final = "X-RateLimit-Reset"
CREATED: Final = "created_at"
DATE: Final = "Date"
URLS: Final = "X-Amz-Date"
_WRITE: Final = 'write [clock] scope = "{scope}" in the profile'
_SLACK: Final = 0.05
"""Seconds by which a time told with fractions may be off."""
_CREATED_AT: Final = re.compile(rb'"created_at"\s*:\s*"([^"]{10,40})"')
_AMZ_DATE: Final = re.compile(rb"X-Amz-Date=(\d{8}T\d{6}Z)")

Telling = tuple[str, float, float]
"""What tells the server's time, and the earliest and the latest Unix time it may then have been."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """When an answer came: between `sent` and `received` on a clock of ours that nobody advances.

    `total` is by how many seconds the target's clock had been advanced for anybody, `own` for this client.
    """

    sent: float
    received: float
    total: float
    own: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeDoubts:
    """Why the time kept for a target may not be the one that passed there, or None where nothing shows that.

    `clients` is about the time of one client beside another's, `clock` about any time that was advanced, `urls` about
    the age of output URLs.
    """

    clients: str | None = None
    clock: str | None = None
    urls: str | None = None


NO_DOUBTS: Final = TimeDoubts()


@dataclass(slots=True)
class _Overlap:
    """What is common to intervals."""

    low: float = -math.inf
    high: float = math.inf

    def add(self, low: float, high: float) -> None:
        self.low, self.high = max(self.low, low), min(self.high, high)

    def __bool__(self) -> bool:
        return self.low <= self.high


@dataclass(slots=True)
class _Suppositions:
    """Whether what was told fits one clock for all, one for each client, and a clock that no request moves."""

    server: _Overlap = field(default_factory=_Overlap)
    client: _Overlap = field(default_factory=_Overlap)
    unmoved: _Overlap = field(default_factory=_Overlap)

    def add(self, low: float, high: float, moment: Moment) -> None:
        self.server.add(low - moment.total, high - moment.total)
        self.client.add(low - moment.own, high - moment.own)
        self.unmoved.add(low, high)

    @property
    def moves(self) -> bool:
        """Whether the clock is seen to move as it is advanced, for all or for one."""
        return not self.unmoved and bool(self.server or self.client)

    @property
    def is_dead(self) -> bool:
        """Whether the clock is seen not to move at all when it is advanced."""
        return bool(self.unmoved) and not self.server and not self.client


@dataclass(slots=True)
class _Witness:
    """One thing that tells the server's time, of a clock that runs on between advances, and of one that stands."""

    running: _Suppositions = field(default_factory=_Suppositions)
    standing: _Suppositions = field(default_factory=_Suppositions)

    def add(self, low: float, high: float, moment: Moment) -> None:
        # If the server's clock runs, what is constant is how far it is ahead of ours; if it stands, the time itself.
        self.running.add(low - moment.received, high - moment.sent, moment)
        self.standing.add(low, high, moment)

    @property
    def stands(self) -> bool:
        """Whether the clock is seen to move as it is advanced, and at no other time."""
        running = self.running
        return self.standing.moves and not (running.server or running.client or running.unmoved)


@dataclass(slots=True, kw_only=True)
class ServerTime:
    """What all answers of a run have told."""

    _witnesses: dict[str, _Witness] = field(default_factory=dict, init=False)

    def note(self, request: Request, response: Response, moment: Moment) -> bool:
        """Note what an answer tells, and return whether it tells anything."""
        told = list(_read_times(request, response))
        for name, low, high in told:
            self._witnesses.setdefault(name, _Witness()).add(low, high, moment)
        return bool(told)

    def find_doubts(self, *, shared: bool) -> TimeDoubts:
        """Return what is to be doubted; `shared`: the profile says that the clock is one for all clients."""
        if not self._witnesses:
            return NO_DOUBTS
        running = {name: witness.running for name, witness in self._witnesses.items()}
        moving = {name: told for name, told in running.items() if told.moves}
        dead = [name for name, told in running.items() if told.is_dead]
        urls = f"the clock the profile names does not move {URLS} of output URLs" if URLS in dead else None
        clock = None
        name = RESET if RESET in running else CREATED  # created_at may be real where the limiter's clock is not
        if not moving and name in dead:
            clock = f"the clock the profile names answers, and {name} shows that no time passes"
        if stands := [name for name, witness in self._witnesses.items() if witness.stands]:
            clock = f"{stands[0]} shows that time stands still at the target between two advances"
        return TimeDoubts(clients=_find_scope_doubt(moving, shared=shared), clock=clock, urls=urls)


def _find_scope_doubt(moving: Mapping[str, _Suppositions], *, shared: bool) -> str | None:
    for_all = [name for name, told in moving.items() if not told.client]
    for_one = [name for name, told in moving.items() if not told.server]
    if shared and for_one and not for_all:
        return f"{for_one[0]} shows that each client has a clock of its own; {_WRITE.format(scope='client')}"
    if not shared and for_all and not for_one:
        return f"{for_all[0]} shows that one clock is for all clients; {_WRITE.format(scope='server')}"
    return None


def _read_times(request: Request, response: Response) -> Iterator[Telling]:
    """Yield what an answer tells of the time at which it was made."""
    status, headers = response.status, response.headers
    if status in (201, 429) and (reset := whole_number(header(headers, RESET))) is not None:
        yield from _read_reset(reset, None if status == 201 else whole_number(header(headers, "Retry-After")), status)
    if status == 201 and (found := _CREATED_AT.search(response.body)) is not None:
        yield from _read_iso(CREATED, found[1].decode("ascii", "replace"))
    if status == 200 and request.method == "GET" and (found := _AMZ_DATE.search(response.body)) is not None:
        yield from _read_iso(URLS, found[1].decode())
    if (date := header(headers, DATE)) is not None:
        try:
            told = parsedate_to_datetime(date).timestamp()
        except (ValueError, OverflowError):
            return
        yield DATE, told - _SLACK, told + 1 + _SLACK


def _read_reset(reset: int, retry_after: int | None, status: int) -> Iterator[Telling]:
    if status == 201:
        # It is when this request leaves the window or when the oldest one does, which is up to as old as the window.
        yield RESET, reset - WINDOW - 1, reset + 1
    elif retry_after is not None:  # both are rounded, either way
        yield RESET, reset - retry_after - 2, reset - retry_after + 2


def _read_iso(name: str, text: str) -> Iterator[Telling]:
    try:
        told = datetime.fromisoformat(text)
        moment = (told if told.tzinfo is not None else told.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return
    # A time in whole seconds may have been cut off or rounded.
    whole = 0.0 if "." in text else 1.0
    yield name, moment - whole / 2 - _SLACK, moment + whole + _SLACK
