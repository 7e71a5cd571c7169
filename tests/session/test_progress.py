"""The line of a run, on a clock that is a number: what a terminal shows, and what a log keeps."""

from __future__ import annotations

import io
import re

import pytest

from luma_conformance.session.progress import Progress, describe_time, show_on, show_on_stderr
from tests.verdicts import SHOW


class Screen(io.StringIO):
    """A stream, and the clock of the one who writes to it."""

    time = 0.0

    def now(self) -> float:
        return self.time

    def on_terminal(self, width: int = 80) -> Progress:
        """Return a Progress for which this is a terminal."""
        return Progress(self, SHOW, width=lambda: width, now=self.now)

    def in_log(self) -> Progress:
        """Return a Progress for which this is a log."""
        return Progress(self, SHOW, now=self.now)

    def lines(self) -> list[str]:
        """Return the texts written so far, without what moves the cursor, and forget them."""
        texts = re.sub(r"\x1b(\[\w|\w)|\r", "\n", self.getvalue()).split("\n")
        self.seek(0)
        self.truncate()
        return [text.removeprefix("luma: ") for text in texts if text]


def test_a_terminal_shows_each_state_and_is_left_as_it_was() -> None:
    """The line stands below the cursor, whose place is saved and restored, and is cut to the width."""
    screen = Screen()
    progress = screen.on_terminal(width=20)

    progress.show("waiting 61 s for the rate limit")
    progress.show("")

    assert screen.getvalue() == (
        "\x1bD\x1b[A\x1b7\x1b[B\r\x1b[Kluma: waiting 61 s \x1b8\x1bD\x1b[A\x1b7\x1b[B\r\x1b[K\x1b8"
    )


def test_nothing_shown_is_not_taken_away() -> None:
    """Where nothing takes long a terminal gets not one byte."""
    screen = Screen()
    progress = screen.on_terminal()
    progress.begin("a")
    progress.tick()
    progress.show("")
    progress.end()
    progress.close()
    assert screen.closed or screen.getvalue() == ""


def test_a_log_gets_a_line_now_and_then() -> None:
    """The first wait is told at once, others half a minute after the last line at the earliest."""
    screen = Screen()
    progress = screen.in_log()
    for second in range(70):
        screen.time = float(second)
        progress.show(f"waiting {70 - second} s")
    progress.show("")
    assert screen.lines() == ["waiting 70 s", "waiting 40 s", "waiting 10 s"]


def test_what_takes_long_is_shown_with_what_is_left_of_it() -> None:
    """After two seconds on a terminal, twice a second; the time left is that of the examples so far."""
    screen = Screen()
    progress = screen.on_terminal(width=200)
    progress.begin("test_faults")
    for number in range(1, 12):
        screen.time = number * 0.3
        progress.count(number, 100)
        progress.tick()
    assert screen.lines() == [
        "example 7 of 100, 7 requests, about 33 s left: test_faults",
        "example 9 of 100, 9 requests, about 31 s left: test_faults",
        "example 11 of 100, 11 requests, about 30 s left: test_faults",
    ]
    progress.end()
    assert screen.lines() == []


def test_a_case_shows_how_long_it_has_been() -> None:
    """It has no examples, and so no time left; the next thing begins from nothing."""
    screen = Screen()
    progress = screen.on_terminal()
    progress.begin("downloads")
    screen.time = 2.5
    progress.tick()
    progress.begin("next")
    screen.time = 3.0
    progress.tick()
    assert screen.lines() == ["1 request, 2 s so far: downloads"]


def test_a_log_gets_progress_every_half_minute() -> None:
    """And none of what is over before."""
    screen = Screen()
    progress = screen.in_log()
    for name, seconds in (("short", 29), ("long", 65)):
        progress.begin(name)
        for _ in range(seconds):
            screen.time += 1
            progress.tick()
    assert screen.lines() == ["30 requests, 30 s so far: long", "60 requests, 60 s so far: long"]


def test_a_line_that_stays_stands_alone() -> None:
    """What is said is not written over, and takes the line that is shown away first."""
    screen = Screen()
    progress = screen.on_terminal()
    progress.show("waiting 9 s")
    progress.say("about 7 min")
    assert screen.getvalue().endswith("\x1b[K\x1b8\nluma: about 7 min\n")


def test_examples_beyond_those_asked_for_show_no_time_left() -> None:
    """Shrinking takes as many as it needs."""
    screen = Screen()
    progress = screen.on_terminal()
    progress.begin("p")
    screen.time = 3.0
    progress.count(12, 10)
    progress.tick()
    assert screen.lines() == ["example 12, 1 request, 3 s so far: p"]


@pytest.mark.parametrize("broken", ["closed", "pipe"])
def test_a_stream_that_cannot_be_written_to_disturbs_nothing(broken: str) -> None:
    """Without anybody to read it the run goes on."""

    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError if broken == "pipe" else ValueError("I/O operation on closed file")

    progress = Progress(Gone(), SHOW)
    progress.say("a")
    progress.show("b")
    progress.close()
    show_on(None, SHOW).say("a")


def test_what_is_no_terminal_is_a_log(capsys: pytest.CaptureFixture[str]) -> None:
    """A stream that a program put in the place of standard error is written to in whole lines."""
    progress = show_on_stderr(SHOW)
    progress.show("waiting 9 s")
    progress.show("waiting 8 s")
    progress.show("")
    assert capsys.readouterr().err == "\nluma: waiting 9 s\n"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (99, "99 s"), (100, "2 min"), (7200, "2.0 h"), (36_000, "10 h"), (5400, "90 min")],
)
def test_times_are_said_in_their_unit(seconds: float, text: str) -> None:
    """Seconds, minutes or hours."""
    assert describe_time(seconds) == text
