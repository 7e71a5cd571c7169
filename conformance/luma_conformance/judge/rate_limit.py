"""Judges a trace of one client's requests against the rate limit's semantics: the sliding 60 s window and its headers.

Sound under latency: a request was counted at some moment between sent and received, and a trace is condemned only
where no such moments describe_contradiction it. Every check is one bisection, so a trace of n exchanges takes n log n.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from luma_conformance.judge.answers import detail_of
from luma_conformance.matching import show, whole_number
from luma_conformance.model import Exchange, fields

WINDOW: Final = 60.0
"""Seconds of the sliding window ("Rate limiting")."""
ROUNDING: Final = 1.0
"""Seconds: the page leaves sub-second rounding open, so a time is off by less than this."""
RPM: Final = "Rate limit exceeded"
CONCURRENCY: Final = "Too many concurrent jobs"
_RATE: Final = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradiction:
    """What no placement of the requests in time explains, and the exchanges (by index) that show it."""

    what: str
    exchanges: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What is wrong with a trace, and which answers to what the page leaves open describe_contradiction it, if it has refusals."""

    contradictions: tuple[Contradiction, ...]
    observed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Event:
    """An exchange as the limiter sees it; `kind` is created, rpm, concurrency, refused or other."""

    index: int
    kind: str
    sent: float
    received: float
    limit: int | None
    remaining: int | None
    reset: int | None
    retry_after: int | None
    stray: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Counting:
    """One answer to what the page does not say: which refused requests use quota."""

    kinds: frozenset[str]
    words: str


_COUNTINGS: Final = (
    _Counting(frozenset({"created"}), "refused requests use no quota"),
    _Counting(frozenset({"created", "rpm", "concurrency"}), "requests refused with 429 use quota, others do not"),
    _Counting(frozenset({"created", "refused"}), "requests refused otherwise than with 429 use quota"),
    _Counting(frozenset({"created", "rpm", "concurrency", "refused"}), "all refused requests use quota"),
)


def judge_trace(trace: Sequence[Exchange], *, since: float | None = None) -> Report:
    """Returns what contradicts the documented limiter in one client's exchanges, given in the order they were sent.

    `since`, in seconds of the trace's clock, is from when the trace has every request of the client; None: always,
    infinity: never.
    Rests on "429 — Requests-per-minute (RPM) limit exceeded", "Rate limiting" and the rate-limit guide's header table.
    """
    events = [_read_event(index, exchange) for index, exchange in enumerate(trace)]
    always = (*_check_headers(events), *_check_clock(events))
    creates = [event for event in events if event.kind != "other"]
    found = [tuple(_Window(creates, counting, since).contradictions()) for counting in _COUNTINGS]
    fewest = min(found, key=len)
    surviving = [counting.words for counting, wrong in zip(_COUNTINGS, found, strict=True) if not wrong]
    return Report(contradictions=always + fewest, observed=_summarize(events, surviving))


def describe_contradiction(trace: Sequence[Exchange], contradiction: Contradiction) -> str:
    """Returns a contradiction for a person: what it is, and the exchanges that show it, timed from the first."""
    lines = [contradiction.what]
    for index in contradiction.exchanges:
        exchange, answered = trace[index], fields(trace[index].response.headers)
        start = trace[0].sent
        times = f"+{exchange.sent - start:.1f} s … +{exchange.received - start:.1f} s"
        named = [f"{name} {show(answered[name.lower()])}" for name in _SHOWN if name.lower() in answered]
        lines.append(f"  #{index + 1:<4} {times:<22} {exchange.response.status}  {', '.join(named)}")
    return "\n".join(lines)


_SHOWN: Final = ("Retry-After", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")


def _read_event(index: int, exchange: Exchange) -> _Event:
    answered = fields(exchange.response.headers)
    status = exchange.response.status
    kind = "refused"
    if exchange.request.method != "POST":
        kind = "other"
    elif status == 201:
        kind = "created"
    elif status == 429:
        kind = {RPM: "rpm", CONCURRENCY: "concurrency"}.get(str(detail_of(exchange.response)), "other")
    numbers = [whole_number(answered.get(name)) for name in (*_RATE, "retry-after")]
    stray = tuple(name for name in (*_RATE, "retry-after") if name in answered)
    return _Event(index, kind, exchange.sent, exchange.received, numbers[0], numbers[1], numbers[2], numbers[3], stray)


def _check_headers(events: Sequence[_Event]) -> Iterator[Contradiction]:
    """Yields the headers that are missing, of the wrong form, or where they do not belong."""
    first: _Event | None = None
    for event in events:
        for what in _check_headers_of(event):
            yield Contradiction(what=what, exchanges=(event.index,))
        if event.kind in ("created", "rpm") and event.limit is not None:
            first = first or event
            if event.limit != first.limit:
                what = f"X-RateLimit-Limit was {first.limit} and is {event.limit}: it does not change"
                yield Contradiction(what=what, exchanges=(first.index, event.index))


def _check_headers_of(event: _Event) -> Iterator[str]:
    expected = {"created": _RATE, "rpm": (*_RATE, "retry-after"), "concurrency": ("retry-after",)}.get(event.kind, ())
    values = dict(
        zip((*_RATE, "retry-after"), (event.limit, event.remaining, event.reset, event.retry_after), strict=True)
    )
    for name in expected:
        if values[name] is None:
            yield f"{name} is missing, negative or no whole number"
    for name in event.stray:
        if name not in expected and not (event.kind == "other" and name == "retry-after"):
            yield f"{name} does not belong on this answer"
    if event.kind == "concurrency" and event.retry_after not in (None, 60):
        yield f"Retry-After of the concurrent-job limit is 60, got {event.retry_after}"
    if event.kind == "rpm" and event.retry_after == 0:
        yield "Retry-After is at least 1, got 0"
    if event.kind == "rpm" and event.remaining not in (None, 0):
        yield f"X-RateLimit-Remaining of a refusal is 0, got {event.remaining}"


def _check_clock(events: Sequence[_Event]) -> Iterator[Contradiction]:
    """Yields the two answers whose Reset cannot both be right, whatever the server's clock is ahead of ours."""
    latest: tuple[float, int] | None = None
    earliest: tuple[float, int] | None = None
    for event in events:
        if event.reset is None or event.kind not in ("created", "rpm"):
            continue
        ahead, slack = WINDOW, ROUNDING
        if event.kind == "rpm":
            if event.retry_after is None:
                continue
            ahead, slack = float(event.retry_after), 2 * ROUNDING
        low, high = event.reset - ahead - slack - event.received, event.reset - ahead + slack - event.sent
        latest = max(latest or (low, event.index), (low, event.index))
        earliest = min(earliest or (high, event.index), (high, event.index))
    if latest is not None and earliest is not None and latest[0] >= earliest[0]:
        what = "X-RateLimit-Reset tells of two different times: it is 60 s from a 201, and Retry-After from a refusal"
        yield Contradiction(what=what, exchanges=tuple(sorted({latest[1], earliest[1]})))


class _Window:
    """The sliding window under one counting: how many requests can, and must, be in it at each request."""

    def __init__(self, creates: Sequence[_Event], counting: _Counting, since: float | None) -> None:
        self._creates = creates
        self._kinds = counting.kinds
        self._since = since
        counted = [event for event in creates if event.kind in counting.kinds]
        self._by_sent = sorted(counted, key=lambda event: event.sent)
        self._by_received = sorted(counted, key=lambda event: event.received)
        self._sent = [event.sent for event in self._by_sent]
        self._received = [event.received for event in self._by_received]
        self._limit = next((event.limit for event in creates if event.limit is not None), None)

    def contradictions(self) -> Iterator[Contradiction]:
        """Yields every answer that no placement explains."""
        if self._limit is None:
            return
        for event in self._creates:
            if event.kind == "created":
                yield from self._check_admission(event, self._limit)
            elif event.kind == "rpm":
                yield from self._check_refusal(event, self._limit)
        yield from self._check_waits()

    def _count_certain(self, event: _Event) -> int:
        """Returns how many earlier requests are in the window wherever they are placed."""
        done = bisect_right(self._received, event.sent) - self._count_own(event, event.received <= event.sent)
        left = bisect_right(self._sent, event.received - WINDOW + ROUNDING)
        return max(0, done - left)

    def _count_possible(self, event: _Event) -> int:
        """Returns how many other requests may be in the window, or more than any limit where the trace began late."""
        if self._since is not None and event.sent - WINDOW - ROUNDING < self._since:
            return 10**9
        begun = bisect_left(self._sent, event.received) if event.received > event.sent else self._count_before(event)
        begun -= self._count_own(event, event.received > event.sent)
        return begun - bisect_right(self._received, event.sent - WINDOW - ROUNDING)

    def _count_before(self, event: _Event) -> int:
        """Returns how many requests were sent before an exchange that took no time, by order where times are equal."""
        upto = bisect_right(self._sent, event.sent)
        while upto and self._by_sent[upto - 1].sent == event.sent and self._by_sent[upto - 1].index >= event.index:
            upto -= 1
        return upto

    def _count_own(self, event: _Event, counts: bool) -> int:  # noqa: FBT001
        if not counts or event.kind not in self._kinds:
            return 0
        if event.received > event.sent:
            return 1
        # Of exchanges at one moment, those that come later are not before this one either.
        upto = bisect_right(self._sent, event.sent)
        return upto - self._count_before(event)

    def _check_admission(self, event: _Event, limit: int) -> Iterator[Contradiction]:
        surely, possibly = self._count_certain(event), self._count_possible(event)
        if surely >= limit:
            what = f"admitted although at least {surely} of {limit} requests were less than 60 s old"
            yield Contradiction(what=what, exchanges=(*self._latest_before(event, limit), event.index))
        elif event.remaining is not None and not limit - possibly - 1 <= event.remaining <= limit - surely - 1:
            low, high = max(0, limit - possibly - 1), limit - surely - 1
            between = f"{high}" if low == high else f"{low} to {high}"
            what = f"X-RateLimit-Remaining is {event.remaining} where the window of 60 s leaves {between} of {limit}"
            yield Contradiction(what=what, exchanges=(*self._latest_before(event, 3), event.index))

    def _check_refusal(self, event: _Event, limit: int) -> Iterator[Contradiction]:
        possibly = self._count_possible(event)
        if possibly < limit:
            what = f"refused although at most {possibly} of {limit} requests were 60 s old or less"
            yield Contradiction(what=what, exchanges=(*self._latest_before(event, 3), event.index))
            return
        if event.retry_after is None or possibly >= 10**9:
            return
        oldest = bisect_right(self._received, event.sent - WINDOW - ROUNDING)
        certain = bisect_right(self._sent, event.received - WINDOW + ROUNDING)
        if oldest >= len(self._received) or certain >= len(self._sent):
            return
        low = self._by_received[oldest].sent + WINDOW - event.received
        # Where refusals use quota, more may be in the window than the limit: room for one then comes later.
        last = max(certain, self._count_before(event) - limit)
        high = self._by_sent[last].received + WINDOW - event.sent
        if not low - ROUNDING < event.retry_after < max(high, 1) + ROUNDING:
            what = f"Retry-After is {event.retry_after}, and the oldest request leaves the window in {_format_span(low, high)} s"
            yield Contradiction(what=what, exchanges=(self._by_sent[certain].index, event.index))

    def _check_waits(self) -> Iterator[Contradiction]:
        """Yields refusals that come although what an earlier refusal asked for, and more than rounding, was waited."""
        for event, following in zip(self._creates, self._creates[1:], strict=False):
            if event.kind != "rpm" or following.kind != "rpm" or event.retry_after is None:
                continue
            if self._since is not None and event.received < self._since:
                continue  # another request of the client's may have taken the place
            waited = following.sent - event.received
            if waited >= event.retry_after + ROUNDING and "rpm" not in self._kinds:
                what = f"refused again after {waited:.1f} s although Retry-After was {event.retry_after}"
                yield Contradiction(what=what, exchanges=(event.index, following.index))

    def _latest_before(self, event: _Event, count: int) -> tuple[int, ...]:
        upto = self._count_before(event)
        return tuple(sorted(earlier.index for earlier in self._by_sent[max(0, upto - count) : upto]))


def _format_span(low: float, high: float) -> str:
    return f"{low:.1f}" if low == high else f"{low:.1f} to {high:.1f}"


def _summarize(events: Sequence[_Event], surviving: Sequence[str]) -> tuple[str, ...]:
    refused = {event.kind for event in events} & {"rpm", "refused", "concurrency"}
    return tuple(surviving) if refused else ()
