"""The clocks a reference runs on: virtual time, which passes only when a caller sleeps, and real time."""

from __future__ import annotations

import time
from typing import Final

START: Final = 1_775_649_600.0
"""2026-04-08T12:00:00Z, the time of the page's examples, as Unix time."""


class VirtualClock:
    """A clock that stands still until `sleep` is called.

    >>> from luma_conformance import VirtualClock
    >>> clock = VirtualClock(start=0.0)
    >>> clock.sleep(60)
    >>> clock.now()
    60.0
    """

    def __init__(self, start: float = START) -> None:
        self._now = start

    def now(self) -> float:
        """Return Unix time in seconds."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass at once."""
        self._now += seconds


class WallClock:
    """Real time.

    >>> from luma_conformance import Service, WallClock
    >>> service = Service(clock=WallClock())
    """

    def now(self) -> float:
        """Return Unix time in seconds."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Wait for `seconds`."""
        time.sleep(seconds)
