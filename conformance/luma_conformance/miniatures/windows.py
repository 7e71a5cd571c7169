"""Operators on the window of the rate limit, and on what the headers tell of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from luma_conformance.miniatures.answers import on_kind, revalue
from luma_conformance.miniatures.controls import IMAGE
from luma_conformance.miniatures.kinds import KINDS
from luma_conformance.miniatures.limits import JOBS, RATE, Limited, rate
from luma_conformance.miniatures.miniature import Make, Miniature, Wait, Witness, create, serve
from luma_conformance.model import Request
from luma_conformance.reference.limits import Refusal, SlidingWindow


class _Fixed(SlidingWindow):
    """Counts by the minute of the clock."""

    def refuse(self, now: float) -> Refusal | None:
        while self._admitted and math.floor(self._admitted[0] / 60) < math.floor(now / 60):
            self._admitted.popleft()
        if len(self._admitted) < self.limit:
            return None
        opens = (math.floor(now / 60) + 1) * 60
        return Refusal(max(1, math.ceil(opens - now)), math.ceil(opens))


def _lasting(seconds: float, told: float | None = None) -> type[SlidingWindow]:
    """Return a window of another length; what it tells is of that length too unless `told` has another."""

    class Lasting(SlidingWindow):
        def refuse(self, now: float) -> Refusal | None:
            while self._admitted and self._admitted[0] <= now - seconds:
                self._admitted.popleft()
            if len(self._admitted) < self.limit:
                return None
            opens = self._admitted[0] + (seconds if told is None else told)
            return Refusal(max(1, math.ceil(opens - now)), math.ceil(opens))

    return Lasting


class _Emptied(SlidingWindow):
    """Is empty once its oldest request has aged out."""

    def refuse(self, now: float) -> Refusal | None:
        before = len(self._admitted)
        refused = super().refuse(now)
        if len(self._admitted) < before:
            self._admitted.clear()
        return refused


class _Once(SlidingWindow):
    """Forgets everything once it has refused a request."""

    def refuse(self, now: float) -> Refusal | None:
        refused = super().refuse(now)
        if refused is not None:
            self._admitted.clear()
        return refused


class _Newest(SlidingWindow):
    """Opens when its newest request ages out."""

    def refuse(self, now: float) -> Refusal | None:
        while self._admitted and self._admitted[-1] <= now - 60:
            self._admitted.popleft()
        return super().refuse(now) if not self._admitted else self._full(now)

    def _full(self, now: float) -> Refusal | None:
        if len(self._admitted) < self.limit:
            return None
        opens = self._admitted[-1] + 60
        return Refusal(max(1, math.ceil(opens - now)), math.ceil(opens))


class _Held(SlidingWindow):
    """Counts refused requests too, and tells when the oldest ages out: to wait that long is not enough."""

    def refuse(self, now: float) -> Refusal | None:
        refused = super().refuse(now)
        if refused is not None:
            self._admitted.append(now)
        return refused


def _limit_of(change: Callable[[int], int]) -> Callable[[int], SlidingWindow]:
    """Return a window that admits another number of requests than it announces."""

    class Other(SlidingWindow):
        def refuse(self, now: float) -> Refusal | None:
            announced, self.limit = self.limit, change(self.limit)
            try:
                return super().refuse(now)
            finally:
                self.limit = announced

    return Other


def _window(kind: Callable[[int], SlidingWindow]) -> Make:
    class Windowed(Limited):
        def window(self, limit: int) -> SlidingWindow:
            return kind(limit)

    return serve(Windowed)


_EQUIVALENT: Final = {
    "61-seconds": "times are told in whole seconds, and how they are rounded is not said: another may be rounded up",
    "held": "whether refused requests count is not said, and Retry-After tells when the oldest ages out, as documented",
}


def windows() -> Iterator[Miniature]:
    """Yield services with another kind of window."""
    one = create(IMAGE, "low-rpm")

    def mid() -> Iterable[Request | Wait]:
        return [one, Wait(30), one, one, Wait(31), one, one, one]

    def late() -> Iterable[Request | Wait]:
        return [Wait(50), one, one, one, Wait(20), one]

    three = rate({}, {}, {}, {}, {})
    rows: tuple[tuple[str, str, Callable[[int], SlidingWindow], Witness], ...] = (
        ("one-more", "admits one request more than it announces", _limit_of(lambda limit: limit + 1), three),
        ("one-less", "admits one request less than it announces", _limit_of(lambda limit: limit - 1), three),
        ("double", "admits twice as many requests as it announces", _limit_of(lambda limit: 2 * limit), rate(*[{}] * 7)),
        ("by-minute", "counts by the minute of the clock", _Fixed, late),
        ("59-seconds", "has a window of 59 seconds", _lasting(59), lambda: [*three(), Wait(59), create(IMAGE, "low-rpm")]),
        ("61-seconds", "has a window of 61 seconds", _lasting(61), lambda: [*three(), Wait(60), create(IMAGE, "low-rpm")]),
        ("30-seconds", "has a window of 30 seconds", _lasting(30), lambda: [*three(), Wait(30), create(IMAGE, "low-rpm")]),
        ("120-seconds", "has a window of two minutes", _lasting(120), lambda: [*three(), Wait(60), create(IMAGE, "low-rpm")]),
        ("90-told-60", "has a window of 90 seconds and tells of 60", _lasting(90, 60), lambda: [*three(), Wait(61), create(IMAGE, "low-rpm")]),
        ("10-told-60", "has a window of 10 seconds and tells of 60", _lasting(10, 60), lambda: [*three(), Wait(11), create(IMAGE, "low-rpm")]),
        ("emptied", "forgets all requests when the oldest ages out", _Emptied, mid),
        ("once", "forgets all requests once it has refused one", _Once, three),
        ("newest", "opens when the newest request ages out", _Newest, mid),
        ("held", "counts refused requests, so that waiting as told is not enough", _Held, lambda: [*three(), Wait(30), *three(), Wait(30), create(IMAGE, "low-rpm")]),
    )  # fmt: skip
    for name, says, kind, witness in rows:
        yield RATE.derive(name, f"It {says}.", _window(kind), witness, equivalent=_EQUIVALENT.get(name))


_REFUSED: Final = "429-rate"
_CREATED: Final = "created"
_FULL: Final = "429-jobs"
_TOLD: Final[tuple[tuple[str, str, str, str, Callable[[int], object]], ...]] = (
    ("retry-short", _REFUSED, "Retry-After", "is one second short", lambda value: max(1, value - 1)),
    ("retry-half", _REFUSED, "Retry-After", "is half of what it should be", lambda value: max(1, value // 2)),
    ("retry-60", _REFUSED, "Retry-After", "is always 60", lambda _: 60),
    ("retry-1", _REFUSED, "Retry-After", "is always 1", lambda _: 1),
    ("retry-zero", _REFUSED, "Retry-After", "is always 0", lambda _: 0),
    ("retry-long", _REFUSED, "Retry-After", "is ten seconds long", lambda value: value + 10),
    ("retry-fraction", _REFUSED, "Retry-After", "has a fraction", lambda value: value + 0.5),
    ("retry-milliseconds", _REFUSED, "Retry-After", "is in milliseconds", lambda value: value * 1000),
    ("reset-early", _REFUSED, "X-RateLimit-Reset", "is five seconds early on a refusal", lambda value: value - 5),
    ("reset-late", _REFUSED, "X-RateLimit-Reset", "is a minute late on a refusal", lambda value: value + 60),
    ("reset-milliseconds", _REFUSED, "X-RateLimit-Reset", "is in milliseconds on a refusal", lambda value: value * 1000),
    ("reset-relative", _REFUSED, "X-RateLimit-Reset", "counts from now on a refusal", lambda _: 60),
    ("remaining-one", _REFUSED, "X-RateLimit-Remaining", "is 1 on a refusal", lambda _: 1),
    ("remaining-minus", _REFUSED, "X-RateLimit-Remaining", "is -1 on a refusal", lambda _: -1),
    ("limit-one-more", _REFUSED, "X-RateLimit-Limit", "is one more on a refusal", lambda value: value + 1),
    ("created-limit", _CREATED, "X-RateLimit-Limit", "is one more than what is kept", lambda value: value + 1),
    ("created-limit-30", _CREATED, "X-RateLimit-Limit", "is always 30", lambda _: 30),
    ("created-remaining", _CREATED, "X-RateLimit-Remaining", "does not count the request itself", lambda value: value + 1),
    ("created-remaining-less", _CREATED, "X-RateLimit-Remaining", "counts the request twice", lambda value: max(0, value - 1)),
    ("created-remaining-fixed", _CREATED, "X-RateLimit-Remaining", "never changes", lambda _: 2),
    ("created-reset-now", _CREATED, "X-RateLimit-Reset", "is the time of the request", lambda value: value - 60),
    ("created-reset-hour", _CREATED, "X-RateLimit-Reset", "is an hour away", lambda value: value + 3540),
    ("created-reset-milliseconds", _CREATED, "X-RateLimit-Reset", "is in milliseconds", lambda value: value * 1000),
    ("created-reset-relative", _CREATED, "X-RateLimit-Reset", "counts from now", lambda _: 60),
    ("jobs-59", _FULL, "Retry-After", "is 59 where there are too many jobs", lambda _: 59),
    ("jobs-30", _FULL, "Retry-After", "is 30 where there are too many jobs", lambda _: 30),
    ("jobs-1", _FULL, "Retry-After", "is 1 where there are too many jobs", lambda _: 1),
    ("jobs-600", _FULL, "Retry-After", "is 600 where there are too many jobs", lambda _: 600),
)  # fmt: skip


def _spread() -> Iterable[Request | Wait]:
    one = create(IMAGE, "low-rpm")
    return [one, Wait(20), one, one, one]


def told_wrongly() -> Iterator[Miniature]:
    """Yield services whose headers about the limits do not tell the truth."""
    for name, kind, told, says, change in _TOLD:
        found = next(one for one in KINDS if one.name == kind)
        yield (JOBS if kind == _FULL else RATE).derive(
            f"told-{name}",
            f"Its {told} {says}.",
            on_kind(found, revalue(told, lambda value, change=change: str(change(int(value))))),
            _spread if kind == _REFUSED else found.witness,
            heading=found.heading,
            touches=found.touches,
        )


def window_operators() -> Iterator[Miniature]:
    """Yield every service that is wrong about the window."""
    yield from windows()
    yield from told_wrongly()
