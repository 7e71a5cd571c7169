"""Judging a trace of one client's requests against the rate limit: the sliding 60 s window and its headers.

The judgement is sound under latency. A request was counted at some instant between sent and received, and nobody knows
which; so every number the server may have seen lies between a lower bound, where each request is placed to keep the
number small, and an upper bound, where each is placed to make it large. An answer is a contradiction only if it lies
outside both, that is, if no placement of the requests explains it. The bounds may be loose, never too tight: a right
server is never accused, and a wrong one may go unnoticed where answers were slow.

Each bound takes two bisections in sorted times, so a trace of n exchanges takes n log n.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, combinations
from typing import Final

from luma_conformance.judge.answers import detail_of
from luma_conformance.matching import whole_number
from luma_conformance.model import Exchange, fields

WINDOW: Final = 60.0
"""Length of the sliding window in seconds ("Rate limiting")."""
ROUNDING: Final = 1.0
"""Seconds: the page leaves rounding below a second open, so every time may be off by less than this."""
RPM: Final = "Rate limit exceeded"
CONCURRENCY: Final = "Too many concurrent jobs"
_RATE: Final = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradiction:
    """Something no placement of the requests in time explains, and the indexes of the exchanges that show it.

    >>> from luma_conformance import Contradiction
    >>> Contradiction(what="x-ratelimit-limit is missing, negative or no whole number", exchanges=(3,)).exchanges
    (3,)
    """

    what: str
    exchanges: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimitReport:
    """The contradictions in a trace, and what it shows of the points the page leaves open, if it has refusals.

    >>> from luma_conformance import judge_rate_limit
    >>> judge_rate_limit([])
    RateLimitReport(contradictions=(), observed=())
    """

    contradictions: tuple[Contradiction, ...]
    observed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Event:
    """An exchange as the limiter sees it; `kind` is created, rpm, concurrency, refused or other.

    `use` is what decides whether it uses quota: the kind or, where it was refused otherwise, the status.
    """

    index: int
    kind: str
    use: str
    sent: float
    received: float
    limit: int | None
    remaining: int | None
    reset: int | None
    retry_after: int | None
    stray: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Counting:
    """One reading of what the page does not say: which refused requests use quota."""

    uses: frozenset[str]
    words: str


_CREATED: Final = "created"
_LIMITS: Final = frozenset({"rpm", "concurrency"})
_OTHERWISE: Final = frozenset({"400", "401", "402", "403", "413", "422", "502", "503", "another status"})

# The page gives no answer to whether a refused request counts. So each of these is tried, and then every other choice
# among the refusals there are: a server may count before one of its checks and after another. A trace is contradictory
# only if it contradicts all of them.
_COUNTINGS: Final = (
    _Counting(frozenset({_CREATED}), "refused requests use no quota"),
    _Counting(frozenset({_CREATED, *_LIMITS}), "requests refused with 429 use quota, others do not"),
    _Counting(frozenset({_CREATED, *_OTHERWISE}), "requests refused otherwise than with 429 use quota"),
    _Counting(frozenset({_CREATED, *_LIMITS, *_OTHERWISE}), "all refused requests use quota"),
)
_MOST_WORK: Final = 500_000
"""Requests times readings: above it the refusals otherwise than with 429 are taken to count alike."""


def judge_rate_limit(trace: Iterable[Exchange], *, since: float | None = None) -> RateLimitReport:
    """Return what contradicts the documented rate limit in one client's exchanges, in the order they were sent.

    `since`, in seconds of the trace's clock, is the time from which the trace has every request of the client; None
    means always, infinity never. Rests on "429 — Requests-per-minute (RPM) limit exceeded", "Rate limiting" and the
    header table of the rate-limit guide.

    >>> from luma_conformance import Exchange, InProcess, Request, judge_rate_limit
    >>> reference = InProcess()
    >>> key = ("Authorization", "Bearer luma-api-test-low-rpm")  # 3 requests a minute
    >>> request = Request(method="POST", url="/v1/generations", headers=(key,), body=b'{"prompt": "a lighthouse"}')
    >>> now = reference.clock.now()
    >>> trace = [Exchange(request=request, response=reference.send(request), sent=now, received=now) for _ in range(4)]
    >>> [exchange.response.status for exchange in trace]
    [201, 201, 201, 429]
    >>> judge_rate_limit(trace).contradictions
    ()
    >>> judge_rate_limit([trace[0], trace[3]]).contradictions[0].exchanges  # refused after one of three
    (0, 1)
    """
    events = [_read_event(index, exchange) for index, exchange in enumerate(trace)]
    always = (*_check_headers(events), *_check_clock(events, since))
    creates = [event for event in events if event.kind != "other"]
    found = {counting: tuple(_Window(creates, counting, since).contradictions()) for counting in _COUNTINGS}
    if all(found.values()):
        for counting in _list_further_countings(creates):
            found[counting] = tuple(_Window(creates, counting, since).contradictions())
            if not found[counting]:
                break
    # If no counting fits, the one with the fewest contradictions is probably meant; its contradictions say the most.
    fewest = min(found.values(), key=len)
    surviving = [counting.words for counting, wrong in found.items() if not wrong]
    return RateLimitReport(contradictions=always + fewest, observed=_summarize(events, surviving))


def _list_further_countings(creates: Sequence[_Event]) -> Iterator[_Counting]:
    """Yield the choices among the refusals of a trace that no row of _COUNTINGS makes."""
    seen = {event.use for event in creates} - {_CREATED}
    units = [frozenset({use}) for use in sorted(seen)]
    if 2 ** len(units) * len(creates) > _MOST_WORK:
        units = [*(unit for unit in units if unit <= _LIMITS), _OTHERWISE]
    tried = {counting.uses & seen for counting in _COUNTINGS}
    for count in range(1, len(units)):
        for chosen in combinations(units, count):
            uses = frozenset().union(*chosen)
            if uses & seen not in tried:
                words = f"of the refused requests these use quota: {', '.join(sorted(uses & seen))}"
                yield _Counting(uses | {_CREATED}, words)


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
    use = kind if kind != "refused" else f"{status}" if f"{status}" in _OTHERWISE else "another status"
    numbers = [whole_number(answered.get(name)) for name in (*_RATE, "retry-after")]
    stray = tuple(name for name in (*_RATE, "retry-after") if name in answered)
    return _Event(
        index, kind, use, exchange.sent, exchange.received, numbers[0], numbers[1], numbers[2], numbers[3], stray
    )


def _check_headers(events: Sequence[_Event]) -> Iterator[Contradiction]:
    """Yield the headers that are missing, of the wrong form, or not allowed on the answer."""
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
    # "Concurrent job limit exceeded": the X-RateLimit headers are about requests a minute only. Retry-After is a
    # standard header (RFC 9110, section 10.2.3), and the page does not forbid it on other answers.
    for name in event.stray:
        if name not in expected and not (event.kind == "other" and name == "retry-after"):
            yield f"{name} does not belong on this answer"
    # The same section: its Retry-After is always 60.
    if event.kind == "concurrency" and event.retry_after not in (None, 60):
        yield f"Retry-After of the concurrent-job limit is 60, got {event.retry_after}"
    # "Requests-per-minute (RPM) limit exceeded": Retry-After is at least 1, and Remaining is 0.
    if event.kind == "rpm" and event.retry_after == 0:
        yield "Retry-After is at least 1, got 0"
    if event.kind == "rpm" and event.remaining not in (None, 0):
        yield f"X-RateLimit-Remaining of a refusal is 0, got {event.remaining}"


def _check_clock(events: Sequence[_Event], since: float | None) -> Iterator[Contradiction]:
    """Yield two answers whose Reset cannot both be right, however far the server's clock is ahead of ours."""
    # The page calls Reset the time at which the oldest request leaves the window, and the rate-limit guide shows the
    # time of counting plus 60 s on a 201. So both readings are tried, and a trace has to contradict both.
    readings = (_Origins(events, since).of_oldest, lambda event: (event.sent, event.received))
    found = [_find_two_times(events, reading) for reading in readings]
    if all(found):
        what = "X-RateLimit-Reset tells of two different times: it is 60 s from a 201, and Retry-After from a refusal"
        yield Contradiction(what=what, exchanges=found[-1])


def _find_two_times(events: Sequence[_Event], find_origin: Callable[[_Event], tuple[float, float]]) -> tuple[int, ...]:
    """Return two answers that contradict each other, if Reset on a 201 is 60 s from an instant between two bounds."""
    # Reset is the server's clock at some instant, plus 60 s on a 201 and plus Retry-After on a refusal. So the server's
    # clock is ahead of ours by `reset - ahead - instant`, and the instant lies between two bounds. As it is one clock,
    # all these intervals overlap: the highest lower end is below the lowest upper end. Example: sent and received at
    # 100, Reset 161 on a 201: ahead by 0 to 2 s, since Reset may be rounded either way. On a refusal Reset and
    # Retry-After are both rounded, hence twice the slack.
    latest: tuple[float, int] | None = None
    earliest: tuple[float, int] | None = None
    for event in events:
        if event.reset is None or event.kind not in ("created", "rpm"):
            continue
        ahead, slack, (first, last) = WINDOW, ROUNDING, (event.sent, event.received)
        if event.kind == "created":
            first, last = find_origin(event)
        elif event.retry_after is None:
            continue
        else:
            ahead, slack = float(event.retry_after), 2 * ROUNDING
        low, high = event.reset - ahead - slack - last, event.reset - ahead + slack - first
        latest = max(latest or (low, event.index), (low, event.index))
        earliest = min(earliest or (high, event.index), (high, event.index))
    if latest is not None and earliest is not None and latest[0] >= earliest[0]:
        return tuple(sorted({latest[1], earliest[1]}))
    return ()


class _Origins:
    """When the oldest request in the window was counted, at the time of another: between which two instants."""

    def __init__(self, events: Sequence[_Event], since: float | None) -> None:
        self._since = since
        # Refused requests may use quota, so any may be the oldest; those that were created are in it for certain.
        creates = sorted((event for event in events if event.kind != "other"), key=lambda event: event.received)
        self._received = [event.received for event in creates]
        self._first_sent = _least_from([event.sent for event in creates])
        created = sorted((event for event in events if event.kind == "created"), key=lambda event: event.sent)
        self._sent = [event.sent for event in created]
        self._first_received = _least_from([event.received for event in created])

    def of_oldest(self, event: _Event) -> tuple[float, float]:
        """Return the bounds for a request that was admitted, which is in the window itself."""
        left = event.sent - WINDOW - ROUNDING  # what was answered before this is out of the window for certain
        inside = bisect_right(self._received, left)
        first = left if self._since is not None and left < self._since else min(event.sent, self._first_sent[inside])
        certain = bisect_right(self._sent, event.received - WINDOW + ROUNDING)
        return first, min(event.received, self._first_received[certain])


def _least_from(numbers: Sequence[float]) -> list[float]:
    """Return for each number the least of it and those after it, and infinity for the end."""
    return [*accumulate(reversed(numbers), min, initial=math.inf)][::-1]


class _Window:
    """The sliding window under one counting: bounds on the number of requests in it at each request."""

    def __init__(self, creates: Sequence[_Event], counting: _Counting, since: float | None) -> None:
        self._creates = creates
        self._uses = counting.uses
        self._since = since
        counted = [event for event in creates if event.use in counting.uses]
        self._by_sent = sorted(counted, key=lambda event: event.sent)
        self._by_received = sorted(counted, key=lambda event: event.received)
        self._sent = [event.sent for event in self._by_sent]
        self._received = [event.received for event in self._by_received]
        self._limit = next((event.limit for event in creates if event.limit is not None), None)

    def contradictions(self) -> Iterator[Contradiction]:
        """Yield every answer that no placement explains."""
        if self._limit is None:
            return
        for event in self._creates:
            if event.kind == "created":
                yield from self._check_admission(event, self._limit)
            elif event.kind == "rpm":
                yield from self._check_refusal(event, self._limit)
        yield from self._check_waits(self._limit)

    def _count_certain(self, event: _Event) -> int:
        """Return a lower bound of the requests in the window: those that are in it wherever they are placed."""
        # Answered before this one was sent: counted before this one for certain.
        done = bisect_right(self._received, event.sent) - self._count_own(event, counts=event.received <= event.sent)
        # Sent so early that they may be 60 s old, less rounding, when this one is counted as late as possible. All of
        # them are taken from `done`, even those that are not part of it: that can only lower the bound.
        left = bisect_right(self._sent, event.received - WINDOW + ROUNDING)
        return max(0, done - left)

    def _count_possible(self, event: _Event) -> int:
        """Return an upper bound of the other requests in the window, more than any limit if the trace began late."""
        if self._since is not None and event.sent - WINDOW - ROUNDING < self._since:
            return 10**9
        # Sent before this one was answered: may have been counted before it. Of exchanges that take no time, as on a
        # virtual clock, the order of sending decides.
        begun = bisect_left(self._sent, event.received) if event.received > event.sent else self._count_before(event)
        begun -= self._count_own(event, counts=event.received > event.sent)
        # Answered more than 60 s, and rounding, before this one was sent: out of the window for certain.
        return begun - bisect_right(self._received, event.sent - WINDOW - ROUNDING)

    def _count_before(self, event: _Event) -> int:
        """Return how many requests were sent before an exchange that took no time, by order at equal times."""
        upto = bisect_right(self._sent, event.sent)
        while upto and self._by_sent[upto - 1].sent == event.sent and self._by_sent[upto - 1].index >= event.index:
            upto -= 1
        return upto

    def _count_own(self, event: _Event, *, counts: bool) -> int:
        if not counts or event.use not in self._uses:
            return 0
        if event.received > event.sent:
            return 1
        # Of several exchanges at one instant, this one and those after it are not before it.
        upto = bisect_right(self._sent, event.sent)
        return upto - self._count_before(event)

    def _check_admission(self, event: _Event, limit: int) -> Iterator[Contradiction]:
        # "Rate limiting": a request is admitted if fewer than `limit` are in the window, and Remaining is what is left
        # after it. With a limit of 3 and one or two earlier requests in the window, Remaining is 1 or 0.
        certain, possible = self._count_certain(event), self._count_possible(event)
        if certain >= limit:
            what = f"admitted although at least {certain} of {limit} requests were less than 60 s old"
            yield Contradiction(what=what, exchanges=(*self._latest_before(event, limit), event.index))
        elif event.remaining is not None and not limit - possible - 1 <= event.remaining <= limit - certain - 1:
            low, high = max(0, limit - possible - 1), limit - certain - 1
            between = f"{high}" if low == high else f"{low} to {high}"
            what = f"X-RateLimit-Remaining is {event.remaining} where the window of 60 s leaves {between} of {limit}"
            yield Contradiction(what=what, exchanges=(*self._latest_before(event, 3), event.index))

    def _check_refusal(self, event: _Event, limit: int) -> Iterator[Contradiction]:
        # The converse: a request is refused only if `limit` requests may be in the window.
        possible = self._count_possible(event)
        if possible < limit:
            what = f"refused although at most {possible} of {limit} requests were 60 s old or less"
            yield Contradiction(what=what, exchanges=(*self._latest_before(event, 3), event.index))
            return
        if event.retry_after is None or (found := self._find_wait(event, limit)) is None:
            return
        low, high, oldest = found
        # A server may count down between whole seconds: from its time, rounded down, to the end, rounded up.
        if not low - ROUNDING < event.retry_after < max(high, 1) + 2 * ROUNDING:
            wait = _format_span(low, high)
            what = f"Retry-After is {event.retry_after}, and the oldest request leaves the window in {wait} s"
            yield Contradiction(what=what, exchanges=(oldest, event.index))

    def _find_wait(self, event: _Event, limit: int) -> tuple[float, float, int] | None:
        """Return between how many seconds after a refusal the oldest request leaves the window, and its index."""
        if self._count_possible(event) >= 10**9:
            return None
        # The page's header table: Retry-After counts the seconds until the oldest request leaves the window. `oldest`
        # is the first that may still be in it, `certain` the first that is in it for certain; the one is neither
        # earlier than the former nor later than the latter.
        oldest = bisect_right(self._received, event.sent - WINDOW - ROUNDING)
        certain = bisect_right(self._sent, event.received - WINDOW + ROUNDING)
        if oldest >= len(self._received) or certain >= len(self._sent):
            return None
        # The wait is shortest if that one was counted when sent and this one when answered, and longest the other way
        # round. Example: one request at 0, refused between 50.0 and 50.2: 9.8 to 10 s, so 9 and 10 are allowed.
        low = self._by_received[oldest].sent + WINDOW - event.received
        # If refusals use quota, more than `limit` may be in the window, and several have to leave before there is room.
        last = max(certain, self._count_before(event) - limit)
        high = self._by_sent[last].received + WINDOW - event.sent
        return low, high, self._by_sent[certain].index

    def _check_waits(self, limit: int) -> Iterator[Contradiction]:
        """Yield refusals that come again although the client waited for as long as the refusal before asked."""
        for event, following in zip(self._creates, self._creates[1:], strict=False):
            if event.kind != "rpm" or following.kind != "rpm" or event.retry_after is None:
                continue
            if self._since is not None and event.received < self._since:
                continue  # a request of the client that the trace does not have may have taken the place
            waited = following.sent - event.received  # the least it can have been for the server
            # Retry-After may have been rounded down, unless it is no less than the wait can have been. Example: the
            # oldest request at 0, refused at 20 with Retry-After 40 and again at 60: it had to be admitted.
            found = self._find_wait(event, limit)
            slack = ROUNDING if found is None or event.retry_after < found[1] else 0
            if waited >= event.retry_after + slack and "rpm" not in self._uses:
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
