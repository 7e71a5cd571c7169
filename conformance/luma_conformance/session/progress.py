"""What a run shows while it goes on: one line that is rewritten on a terminal, a line now and then in a log.

On a terminal the line stands below the cursor, which stays where it was, so that whoever writes there is not disturbed.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable
from typing import Final, TextIO

from luma_conformance.shown import NOTHING, Scrub, one_line

PATIENT: Final = 2.0
"""Seconds after which something that goes on is shown on a terminal."""
REDRAWN: Final = 0.5
"""Seconds between two states of the line on a terminal."""
LOGGED: Final = 30.0
"""Seconds, at least, between two lines in a log, and before the first about something that is not a wait."""

_BELOW: Final = "\x1bD\x1b[A\x1b7\x1b[B\r\x1b[K{}\x1b8"
"""Make room below the cursor, save its place, go down, write there, and go back."""


class Progress:
    """The line of a run; without a stream, and what makes texts fit for it, nothing is shown.

    `width` returns the columns of the terminal; it is None if the stream is a log. `now` is only asked for differences.
    `on_tick` is called with every request.
    """

    def __init__(
        self,
        stream: TextIO | None,
        scrub: Scrub = lambda _: NOTHING,
        *,
        width: Callable[[], int] | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream, self._scrub, self._width, self._now = stream, scrub, width, now
        self._name = ""
        self._shown = False
        self._began = self._due = now()
        self._logged = self._began - LOGGED
        self._requests = self._number = 0
        self._total: int | None = None
        self._noun = ""
        self.on_tick: Callable[[], None] = lambda: None

    def say(self, text: str) -> None:
        """Write a line that stays."""
        self.show("")
        self._write(f"\nluma: {self._scrub(text)}\n")

    def show(self, text: str) -> None:
        """Show what the run waits for, as long as it does; an empty text takes it away."""
        if self._width is not None:
            if text or self._shown:
                line = f"luma: {one_line(self._scrub(text))}" if text else ""
                self._write(_BELOW.format(line[: max(self._width() - 1, 0)]))
            self._shown = bool(text)
            self._due = self._now() + REDRAWN
        elif text and self._now() >= self._logged + LOGGED:
            self._logged = self._now()
            self._write(f"\nluma: {self._scrub(text)}\n")

    def begin(self, name: str) -> None:
        """Begin something that may take long."""
        self.end()
        self._name, self._began = name, self._now()
        self._requests = self._number = 0
        self._total = None
        self._due = self._began + (PATIENT if self._width is not None else LOGGED)

    def end(self) -> None:
        """End it."""
        self._name = ""
        if self._shown:
            self.show("")

    def count(self, number: int, total: int | None, noun: str = "example") -> None:
        """Note how far it is: at the `number`th of `total` examples, counted from 1."""
        self._number, self._total, self._noun = number, total, noun

    def tick(self) -> None:
        """Note a request, and show how far it is if it is time to."""
        self._requests += 1
        self.on_tick()
        if self._stream is not None and self._name and (now := self._now()) >= self._due:
            self._due = now + (REDRAWN if self._width is not None else LOGGED)
            self.show(self._describe(now - self._began))

    def close(self) -> None:
        """Take the line away, and close the stream."""
        self.show("")
        if self._stream is not None:
            with contextlib.suppress(OSError):
                self._stream.close()
        self._stream = None

    def _describe(self, elapsed: float) -> str:
        parts = [f"{self._requests} request{'s' * (self._requests != 1)}", f"{describe_time(elapsed)} so far"]
        if self._total is not None and self._number > self._total:  # a search may try more than it was to
            parts.insert(0, f"{self._noun} {self._number}")
        elif self._total is not None:
            parts.insert(0, f"{self._noun} {self._number} of {self._total}")
            if self._number > 1:
                left = elapsed / (self._number - 1) * (self._total - self._number + 1)
                parts[-1] = f"about {describe_time(left)} left"
        return f"{', '.join(parts)}: {self._name}"  # last, as the end is what a narrow terminal cuts off

    def _write(self, text: str) -> None:
        if self._stream is None:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):  # whoever reads it went away; the run goes on
            self._stream = None


def show_on(stream: TextIO | None, scrub: Scrub, *, interactive: bool = True) -> Progress:
    """Return a Progress for a stream: for a terminal, unless that is shared with others, or for a log."""
    try:
        file = -1 if stream is None else stream.fileno()
    except (OSError, ValueError):
        file = -1  # a stream that a program put in the place of a file
    if file < 0 or not interactive or not os.isatty(file):
        return Progress(stream, scrub)
    return Progress(stream, scrub, width=lambda: _measure(file))


def show_on_stderr(scrub: Scrub) -> Progress:
    """Return a Progress for standard error, which a program may lack."""
    return show_on(sys.stderr, scrub)


def _measure(file: int) -> int:
    """Return the width of a terminal, or what is usual where it tells none, or went away."""
    try:
        return os.get_terminal_size(file).columns or 80
    except OSError:
        return 80


def describe_time(seconds: float) -> str:
    """Return a time in the unit a person would say it in."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 100 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds >= 10 * 3600 else f"{seconds / 3600:.1f} h"
