"""What one client has used of its limits, learnt from what the kit sent and what was answered.

Nothing here reads a clock: times are given, and are those of the client, which an advanced clock moves too. Times the
server tells are only ever compared with each other: its clock may be far from ours.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from heapq import merge
from itertools import islice, takewhile
from typing import Final

from luma_conformance.matching import whole_number
from luma_conformance.model import Request, Response, header
from luma_conformance.reading.strict_json import parse_json

WINDOW: Final = 60.0
"""Seconds for which a request counts against the rate limit."""
LONGEST: Final = 120
"""Seconds; if a target asks for a longer wait, the kit does not wait."""
_KEPT: Final = 10_000
"""How many requests are remembered: enough for any limit worth waiting for."""
_TELLING: Final = 2
"""Accepted requests after which what remains of a limit must have gone down."""
_OVER: Final = ("completed", "failed")


def retry_after(response: Response) -> float | None:
    """Return the seconds a 429 asks to wait, or None if it does not say, or gives no reasonable time."""
    if response.status != 429:
        return None
    seconds = whole_number(header(response.headers, "Retry-After"))
    return float(seconds) if seconds is not None and 1 <= seconds <= LONGEST else None


def take_share(total: int, worker: int, workers: int) -> int:
    """Return the share that one of the workers of a run, numbered from 0, has of a number."""
    return total // workers + (worker < total % workers)


def is_about_jobs(response: Response) -> bool:
    """Return whether a 429 is about too many jobs at once: it says so, or it has no sign of the rate limit."""
    detail = str(read_member(response, "detail")).lower()
    if "concurren" in detail or "job" in detail:
        return True
    return "rate limit" not in detail and whole_number(header(response.headers, "X-RateLimit-Remaining")) != 0


def read_member(response: Response, name: str) -> object:
    """Return a member of a response's JSON body, or None."""
    try:
        body = parse_json(response.body)
    except ValueError:
        return None
    return body.get(name) if isinstance(body, dict) else None


@dataclass(slots=True, kw_only=True)
class Quota:
    """The requests of the last minute, and how many more the rate limit leaves room for.

    `limit` is what the target announced, `own` what the profile sets. `refused_count`: whether a refused request uses
    quota, which the page leaves open; it is learnt from X-RateLimit-Remaining, and the latest evidence wins.
    `limits_all`: a request that is refused anyway was refused for the limit instead. Of several `workers` of a run that
    use the same client, number `worker` has a share of the limit, and keeps to it without knowing of the others; only
    where there are more workers than requests a minute is that too much.
    """

    own: int | None = None
    worker: int = 0
    workers: int = 1
    limit: int | None = None
    refused_count: bool | None = None
    limits_all: bool = False
    _accepted: deque[float] = field(default_factory=lambda: deque(maxlen=_KEPT))
    _refused: deque[float] = field(default_factory=lambda: deque(maxlen=_KEPT))
    _taken: int = 0
    _least: int | None = None
    _others: int = 0
    _others_until: float = 0.0
    _opens: float = 0.0
    _resets: float = 0.0

    @property
    def is_kept(self) -> bool | None:
        """Whether a limit is kept: a mock that only repeats an example never has less left. None if that is open."""
        if self.limit is None or self._least is None or self._taken < _TELLING:
            return None
        return self._least < self.limit - 1

    @property
    def spares_refused(self) -> bool:
        """Whether a request that is sure to be refused may be sent though the window is full."""
        return self.refused_count is False and self.own is None and not self.limits_all

    def note(self, now: float, response: Response) -> None:
        """Note a request for a generation that was answered at `now`."""
        self._forget(now)
        left = whole_number(header(response.headers, "X-RateLimit-Remaining"))
        if left is not None and (limit := whole_number(header(response.headers, "X-RateLimit-Limit"))):
            self.limit = limit
        if response.status == 429 and not is_about_jobs(response):
            self._note_full(now, response)
            return
        (self._accepted if response.status < 300 else self._refused).append(now)
        if left is not None:
            self._taken += response.status < 300
            self._least = min(left, self._least if self._least is not None else left)
            self._opens = 0.0
            self._resets = now + (_until_reset(response, now) or 0.0) if left == 0 else 0.0
            if self.limit is not None:
                self._reconcile(max(0, self.limit - left), now)

    def next_slot(self, now: float) -> float:
        """Return when the next generation may be requested; that is not after `now` if it may be at once."""
        self._forget(now)
        slot = 0.0
        if self.own is not None:
            slot = self._leaves(len(self._accepted) + len(self._refused) - self._share(self.own), refused=True)
        if self.limit is not None:
            refused, share = self.refused_count is True, self._share(self.limit)
            # What the other workers may use is no less for being used; only what goes beyond it is somebody else's.
            others = max(0, self._others - (self.limit - share)) if now < self._others_until else 0
            used = len(self._accepted) + (len(self._refused) if refused else 0) + others
            full_until = self._leaves(used - share, refused=refused)
            # Reset tells when the oldest request of all workers leaves the window; then there is room for one of them.
            is_told = self._resets > now and self.workers == 1
            slot = max(slot, min(full_until, self._resets) if is_told else full_until)
        elif self._resets:
            slot = max(slot, self._resets)
        return max(slot, self._opens)

    def _note_full(self, now: float, response: Response) -> None:
        """Note an answer that says the window is full."""
        self._opens = now + (retry_after(response) or _until_reset(response, now) or 0.0)
        if self.limit is None or len(self._accepted) >= (share := self._share(self.limit)):
            return
        # Of several workers, one whose share is not used up does not know how much the refused requests of all are.
        if self._refused and (self.workers > 1 or share <= len(self._accepted) + len(self._refused)):
            self.refused_count = True

    def _share(self, limit: int) -> int:
        return max(1, take_share(limit, self.worker, self.workers))

    def _reconcile(self, used: int, now: float) -> None:
        """Believe the target in how much of the limit is used: by us, or by others who share the client."""
        if self._refused:
            total = len(self._accepted) + len(self._refused)
            # A request about to leave the window may have left the server's already.
            leaving = sum(1 for times in (self._accepted, self._refused) for _ in _older(times, now - WINDOW + 2))
            if used >= total and self.workers == 1:
                self.refused_count = True
            elif used < total - leaving:
                self.refused_count = False
        while len(self._accepted) > max(used, 1):
            self._accepted.popleft()
        counted = len(self._accepted) + (len(self._refused) if self.refused_count else 0)
        self._others, self._others_until = max(0, used - counted), now + WINDOW

    def _leaves(self, excess: int, *, refused: bool) -> float:
        """Return when so many requests, and one more, have left the window; 0 if none has to."""
        if excess < 0:
            return 0.0
        times = merge(self._accepted, self._refused) if refused else self._accepted
        last = next(islice(times, excess, None), None)
        return last + WINDOW if last is not None else self._others_until

    def _forget(self, now: float) -> None:
        for times in (self._accepted, self._refused):
            while times and times[0] <= now - WINDOW:
                times.popleft()


@dataclass(slots=True, kw_only=True)
class Usage:
    """One client's use of both limits.

    `role` is shown for its key. `jobs` are the ids of its generations that are not known to be over, oldest first.
    `slots` is how many ran when one more was refused. `given_up`: it was refused whatever was waited for.
    """

    role: str
    quota: Quota
    jobs: dict[str, None] = field(default_factory=dict)
    slots: int | None = None
    given_up: bool = False

    def note(self, request: Request, now: float, response: Response) -> None:
        """Note what an answer shows: a generation was begun, is over, or was refused for a limit."""
        if request.method == "POST":
            self.quota.note(now, response)
            self.given_up = self.given_up and response.status == 429
            if response.status < 300 and isinstance(name := read_member(response, "id"), str) and name.isprintable():
                self.jobs[name] = None
        elif (name := request.url.rpartition("/")[2]) in self.jobs:
            gone = 400 <= response.status < 500 and response.status != 429
            if gone or read_member(response, "state") in _OVER:
                del self.jobs[name]

    @property
    def is_full(self) -> bool:
        """Whether one more generation would be refused, as far as is known."""
        return self.slots is not None and len(self.jobs) >= self.slots


def _older(times: deque[float], than: float) -> takewhile[float]:
    return takewhile(lambda time: time <= than, times)


def _until_reset(response: Response, now: float) -> float | None:
    """Return how many seconds after its answer the target's window opens, by its own clock if it shows it, or None."""
    reset = whole_number(header(response.headers, "X-RateLimit-Reset"))
    try:
        shown = parsedate_to_datetime(header(response.headers, "Date") or "").timestamp()
    except (ValueError, OverflowError):
        shown = now
    seconds = None if reset is None else reset - shown
    # One more, as both are in whole seconds, and a request that comes too early is refused.
    return seconds + 1 if seconds is not None and 0 < seconds <= LONGEST else None
