"""Keeping within a live target's rate limit: wait when the target says so, and announce it."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from typing import Final

from luma_conformance.matching import whole_number
from luma_conformance.model import Clock, Request, Response, Transport, header

WINDOW: Final = 60.0
"""Seconds for which a request counts against the rate limit."""
LONGEST: Final = 120
"""Seconds; if a target asks for a longer wait, the kit does not wait."""
TRIES: Final = 3
"""How many times a request that was answered 429 is sent again."""


def retry_after(response: Response) -> float | None:
    """Return the seconds a 429 asks to wait, or None if it does not say, or gives no reasonable time."""
    if response.status != 429:
        return None
    seconds = whole_number(header(response.headers, "Retry-After"))
    return float(seconds) if seconds is not None and 1 <= seconds <= LONGEST else None


class Pacing:
    """A Transport that waits for rate limits, separately for each key; cases about 429 bypass it.

    `per_minute` limits the generations requested with one key; `announce` is called with a text before every wait.
    """

    def __init__(
        self,
        transport: Transport,
        clock: Clock,
        announce: Callable[[str], None],
        *,
        per_minute: int | None = None,
    ) -> None:
        self._transport, self._clock, self._announce = transport, clock, announce
        self._per_minute = per_minute
        self._free_at: dict[str, float] = {}
        self._sent: dict[str, deque[float]] = {}

    def send(self, request: Request) -> Response:
        """Wait for the key's limit, send, and send again after a 429, which has created nothing."""
        if request.method == "POST":
            self._wait(self._find_next_slot(_find_key(request)) - self._clock.now(), "to stay within the rate limit")
        response = self._send_now(request)
        for _ in range(TRIES):
            seconds = retry_after(response)
            if seconds is None:
                break
            self._wait(seconds, "because the target answered 429")
            response = self._send_now(request)
        return response

    def _send_now(self, request: Request) -> Response:
        response = self._transport.send(request)
        if request.method == "POST":
            self._record(request, response)
        return response

    def _record(self, request: Request, response: Response) -> None:
        key, now = _find_key(request), self._clock.now()
        if self._per_minute is not None:
            self._sent.setdefault(key, deque(maxlen=self._per_minute)).append(now)
        left = whole_number(header(response.headers, "X-RateLimit-Remaining"))
        free_at = whole_number(header(response.headers, "X-RateLimit-Reset"))
        if left is not None:
            self._free_at.pop(key, None)
        if left == 0 and free_at is not None and free_at - now <= LONGEST:
            self._free_at[key] = float(free_at)

    def _find_next_slot(self, key: str) -> float:
        """Return the Unix time at which the next generation may be requested with a key."""
        sent = self._sent.get(key, ())
        room_at = sent[0] + WINDOW if sent and len(sent) == self._per_minute else 0.0
        return max(room_at, self._free_at.get(key, 0.0))

    def _wait(self, seconds: float, why: str) -> None:
        if seconds > 0:
            self._announce(f"waiting {math.ceil(seconds)} s {why}")
            self._clock.sleep(seconds)


def _find_key(request: Request) -> str:
    return header(request.headers, "Authorization") or ""
