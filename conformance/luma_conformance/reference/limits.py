"""The two limits on POST /v1/generations, as counters of one client; the time is a parameter."""

from __future__ import annotations

import heapq
import math
from collections import deque
from dataclasses import dataclass
from typing import Final

WINDOW: Final = 60.0
"""Length of the sliding window in seconds."""
ACTIVE_TTL: Final = 3600.0
"""Seconds after which a job no longer counts as active, whatever its state."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """When a refused request may be sent again: in how many seconds, and at which Unix time."""

    retry_after: int
    reset: int


class SlidingWindow:
    """Admits a request while fewer than `limit` were admitted in the last 60 seconds.

    A request exactly 60 seconds old is no longer counted.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._admitted: deque[float] = deque()

    def refuse(self, now: float) -> Refusal | None:
        """Return when to send again if the window is full, or None."""
        while self._admitted and self._admitted[0] <= now - WINDOW:
            self._admitted.popleft()
        if len(self._admitted) < self.limit:
            return None
        opens = self._admitted[0] + WINDOW
        return Refusal(max(1, math.ceil(opens - now)), math.ceil(opens))

    def admit(self, now: float) -> int:
        """Count a request and return how many more the window has room for."""
        self._admitted.append(now)
        return self.limit - len(self._admitted)


class Slots:
    """The slots for concurrent jobs; one is free again when its job ends, whether it is polled or not."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._ends: list[float] = []

    def is_full(self, now: float) -> bool:
        """Return whether every slot is taken."""
        while self._ends and self._ends[0] <= now:
            heapq.heappop(self._ends)
        return len(self._ends) >= self._limit

    def take(self, now: float, end: float) -> None:
        """Take a slot until `end`, or until the job is too old to count."""
        heapq.heappush(self._ends, min(end, now + ACTIVE_TTL))
