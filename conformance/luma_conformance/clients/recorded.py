"""What a client did in a recording, judged by what the page tells clients: with the words that scenarios use.

A recording holds many tasks, and maybe not all that the client sent. So only what two or three requests show by
themselves is judged; nothing follows from what is not there.
"""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import pairwise
from typing import Final, NamedTuple

from luma_conformance.audit.compact import CompactList, in_order
from luma_conformance.audit.keeping import Kept, keep_parts
from luma_conformance.audit.replaced import is_hidden
from luma_conformance.clients.checks import NOUNS
from luma_conformance.clients.conduct import Seen
from luma_conformance.clients.evidence import (
    PERSISTENT,
    has_same_body,
    is_in_progress,
    is_same_request,
    read_json,
    read_member,
    read_retry_after,
)
from luma_conformance.clients.scenario import Reply, Route
from luma_conformance.judge.answers import FINAL_STATES
from luma_conformance.judge.rate_limit import CONCURRENCY
from luma_conformance.model import GENERATIONS_PATH, Severity, header
from luma_conformance.recording.entry import REQUEST_BODY, RESPONSE_BODY, TIMES, Entry
from luma_conformance.shown import clip

REFUSED: Final = (400, 401, 402, 403, 404, 413, 422)
"""The statuses that the page calls not retryable."""
OF_THE_KEY: Final = (401, 402, 403, 404, 429)
"""The statuses that another key may not get for the same request."""
SOON: Final = 60.0
"""Seconds within which the same request after a refusal is a repetition; later, a user may have done something."""
EARLY: Final = 0.05
"""Seconds by which the times of a recording may be wrong."""
FASTEST: Final = 0.5
FAST: Final = 1.0
"""Mean seconds between the polls of a generation below which a client has no pause, and too short a one."""
MOST_KEPT: Final = 10_000
"""Bytes of a request's body that are kept to be compared; of a longer one its digest."""
HOUR: Final = 3600.0
"""Seconds for which an output's URL works."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slip:
    """Something that a client did and should not have done; `section` is of the page, `saw` what was seen."""

    place: str
    severity: Severity
    section: str
    because: str
    saw: str


class _Poll(NamedTuple):
    place: str
    arrived: float
    is_timed: bool


@dataclass(slots=True)
class _Running:
    """The polls of a generation that found that it was not over: how many there are, and two of them."""

    count: int = 0
    first: _Poll | None = None
    last: _Poll | None = None

    def add(self, poll: _Poll) -> None:
        """Add a poll that was sent after the others."""
        self.count += 1
        self.first, self.last = self.first or poll, poll


@dataclass(slots=True)
class _Trace:
    """The requests with one key, and when its generations were found to be over."""

    creates: CompactList[Kept] = field(default_factory=CompactList)
    polls: CompactList[Kept] = field(default_factory=CompactList)
    ends: list[float] = field(default_factory=list)


@dataclass(slots=True)
class Recorded:
    """The requests of the clients in one file, to be judged when it ends."""

    not_judged: Counter[str] = field(default_factory=Counter)
    first_places: dict[str, str] = field(default_factory=dict)
    musts: int = 0
    shoulds: int = 0
    _traces: dict[tuple[str, str | None], _Trace] = field(default_factory=lambda: defaultdict(_Trace))
    _downloads: CompactList[Kept] = field(default_factory=CompactList)
    _urls: dict[int, float | None] = field(default_factory=dict)

    def add(self, entry: Entry) -> None:
        """Note a request, and the answer."""
        if entry.unanswered is not None or entry.exchange.response.status == 0:
            return
        request, response = entry.exchange.request, entry.exchange.response
        path = request.url.partition("?")[0]
        if path == GENERATIONS_PATH or path.startswith(f"{GENERATIONS_PATH}/"):
            trace = self._traces[entry.base_url, header(request.headers, "Authorization")]
            (trace.creates if request.method == "POST" else trace.polls).append(_keep(entry))
            if request.method != "POST" and read_member(response.body, "state") in FINAL_STATES:
                trace.ends.append(entry.exchange.received)
            for url in filter(_is_shown, _list_urls(entry)):
                self._urls[hash(url)] = None if TIMES in entry.unknown else entry.exchange.received
        elif hash(request.url) in self._urls:
            self._downloads.append(_keep(entry))

    def end(self) -> Iterator[Slip]:
        """Yield what the clients of a file did wrong, in the order of its entries, and forget the file."""
        slips = sorted(self._judge(), key=lambda slip: int(slip.place.rpartition(" ")[2]))
        self.musts += sum(slip.severity is Severity.MUST for slip in slips)
        self.shoulds += sum(slip.severity is Severity.SHOULD for slip in slips)
        self._traces.clear()
        self._urls.clear()
        self._downloads = CompactList()
        yield from slips

    def _judge(self) -> Iterator[Slip]:
        for trace in self._traces.values():
            ends = sorted(trace.ends)
            yield from self._judge_route(trace.creates, ends)
            yield from self._judge_route(trace.polls, ends)
            yield from self._judge_polls(trace.polls)
        yield from self._judge_downloads()

    def _judge_route(self, entries: CompactList[Kept], ends: Sequence[float]) -> Iterator[Slip]:
        alike = 1
        for (fault, entry), (following, later) in pairwise(_in_order(entries)):
            yield from self._judge_retry(fault, entry, following, later, ends)
            alike = alike + 1 if following.reply.is_fault and _is_again(fault, following) else 1
            if alike == PERSISTENT + 1:
                saw = f"it is number {alike} of the same, each answered {following.reply.says}"
                yield _slip(later.place, "Handling async failures in code", _ENDS, saw)

    def _judge_retry(
        self, fault: Seen, entry: Entry, following: Seen, later: Entry, ends: Sequence[float]
    ) -> Iterator[Slip]:
        status, is_timed = fault.reply.response.status, TIMES not in entry.unknown
        if status not in (*REFUSED, 429):
            return
        if status in OF_THE_KEY and not _is_shown(header(fault.request.headers, "Authorization")):
            self._pass_over(
                "what a client did after an error: the recording does not show whose key it was", entry.place
            )
            return
        gap = following.arrived - fault.answered if is_timed else 0.0
        said = read_member(fault.reply.response.body, "detail")
        if said == CONCURRENCY and bisect_left(ends, fault.answered) < bisect_right(ends, following.arrived):
            return  # a job has ended meanwhile, which is what the page says to wait for
        if status == 429:
            yield from self._judge_wait(fault, entry, later, gap, is_timed=is_timed)
        elif -EARLY <= gap <= SOON and REQUEST_BODY not in later.unknown and is_same_request(fault, following):
            yield _slip_again(fault, entry, later, gap, is_timed=is_timed)

    def _judge_wait(self, fault: Seen, entry: Entry, later: Entry, gap: float, *, is_timed: bool) -> Iterator[Slip]:
        wait = read_retry_after(fault)
        if not is_timed:
            self._pass_over("whether a client waited for Retry-After: the recording has no times", entry.place)
        elif wait is not None and -EARLY <= gap < wait - EARLY:
            came = f"a {NOUNS[fault.route]} came {max(gap, 0.0):.2g} s after the answer; Retry-After was {wait}"
            yield _slip(later.place, "429 — Too Many Requests", _WAITS, f"{came} ({entry.place})")

    def _pass_over(self, why: str, place: str) -> None:
        self.not_judged[why] += 1
        self.first_places.setdefault(why, place)

    def _judge_polls(self, entries: CompactList[Kept]) -> Iterator[Slip]:
        lives: dict[str, _Running] = defaultdict(_Running)
        for seen, entry in _in_order(entries):
            if RESPONSE_BODY not in entry.unknown:
                running = lives[seen.request.url]
                if is_in_progress(seen):
                    running.add(_Poll(place=entry.place, arrived=seen.arrived, is_timed=TIMES not in entry.unknown))
        for running in lives.values():
            if running.count < 3 or running.first is None or running.last is None:
                continue
            if not running.first.is_timed:
                self._pass_over("how fast a client polls: the recording has no times", running.first.place)
                continue
            pace = (running.last.arrived - running.first.arrived) / (running.count - 1)
            if pace < FAST - EARLY:
                severity = Severity.MUST if pace < FASTEST - EARLY else Severity.SHOULD
                least = FASTEST if severity is Severity.MUST else FAST
                saw = f"{running.count} polls came {pace:.2g} s apart on average, not {least:g} s or more"
                yield _slip(running.last.place, "Error handling checklist", _PACES, saw, severity)

    def _judge_downloads(self) -> Iterator[Slip]:
        refused: dict[str, str] = {}
        for seen, entry in _in_order(self._downloads):
            url = entry.exchange.request.url
            if (named := header(entry.exchange.request.headers, "Authorization")) is not None:
                scheme = clip(named.partition(" ")[0], 10) if " " in named else "no"
                carried = f"a download carried an Authorization header to the storage host, of {scheme} scheme"
                yield _slip(entry.place, "401 — Unauthorized", _KEYS, carried)
            if url in refused:
                again = f"it sent the same download again after {seen.reply.says} ({refused[url]})"
                yield _slip(entry.place, _EXPIRES, _FRESH, again, Severity.SHOULD)
            elif (given := self._urls[hash(url)]) is not None and seen.arrived - given > HOUR:
                age = f"{(seen.arrived - given) / 60:.0f} minutes"
                yield _slip(entry.place, _EXPIRES, _FRESH, f"it used a URL that was {age} old", Severity.SHOULD)
            if seen.reply.response.status == 403:
                refused[url] = entry.place


# These are the reasons that scenarios give: a test compares them.
_NEVER: Final = "This answer is not retryable. Something has to change first, or the request is refused again."
_CHECK: Final = "Check the id and the key."
_WAITS: Final = "A request before the seconds of Retry-After have passed is refused again."
_PACES: Final = "Poll every 2 to 5 seconds."
_KEYS: Final = (
    "The key belongs in the Authorization header of the API. The storage host needs none, and a URL ends up in logs."
)
_FRESH: Final = "A signature that has expired does not come back."
_ENDS: Final = "A client tries a few times, polls until the generation is over, and then ends."
_EXPIRES: Final = "What happens when a URL expires"
_LOST: Final = "404 — Generation does not exist"


def _slip_again(fault: Seen, entry: Entry, later: Entry, gap: float, *, is_timed: bool) -> Slip:
    """Return the slip of a request that was refused and is sent again."""
    after = f" {max(gap, 0.0):.2g} s" if is_timed else ""
    saw = f"it sent the same {NOUNS[fault.route]} again{after} after {fault.reply.says} ({entry.place})"
    if fault.reply.response.status == 404:
        return _slip(later.place, _LOST, _CHECK, saw, Severity.SHOULD)
    # Without times, it may be another run of a program, which its user has started again.
    return _slip(later.place, "Quick reference", _NEVER, saw, Severity.MUST if is_timed else Severity.SHOULD)


def _slip(place: str, section: str, because: str, saw: str, severity: Severity = Severity.MUST) -> Slip:
    return Slip(place=place, severity=severity, section=section, because=because, saw=saw)


def _is_again(one: Seen, other: Seen) -> bool:
    """Return whether a request was tried again with the same answer."""
    return one.reply.says == other.reply.says and has_same_body(one, other) and one.request.url == other.request.url


def _in_order(entries: CompactList[Kept]) -> Iterator[tuple[Seen, Entry]]:
    for kept in in_order(entries, lambda kept: kept.sent):
        entry = kept.restore()
        yield _to_seen(entry), entry


def _to_seen(entry: Entry) -> Seen:
    exchange = entry.exchange
    status, detail = exchange.response.status, read_json(exchange.response.body)
    text = detail.get("detail", "") if isinstance(detail, dict) else ""
    reply = Reply(says=clip(f"{status} {text}".strip(), 80), response=exchange.response, is_fault=status >= 400)
    route = Route.CREATE if exchange.request.method == "POST" else Route.POLL
    return Seen(
        route=route,
        number=1,
        request=exchange.request,
        reply=reply,
        connection=1,
        arrived=exchange.sent,
        read=exchange.sent,
        answered=exchange.received,
    )


def _is_shown(text: str | None) -> bool:
    """Return whether a key or a URL is there as it was: what stands for it otherwise may stand for more than one."""
    return text is not None and not is_hidden(text)


def _keep(entry: Entry) -> Kept:
    """Keep what the client's conduct is judged by; a long body as its digest."""
    request = entry.exchange.request
    said = read_json(entry.exchange.response.body)
    kept = {name: said[name] for name in ("state", "detail") if name in said} if isinstance(said, dict) else {}
    asked = request.body if len(request.body) <= MOST_KEPT else sha256(request.body).hexdigest().encode()
    return keep_parts(entry, asked, ("retry-after",), json.dumps(kept).encode())


def _list_urls(entry: Entry) -> Iterator[str]:
    body = read_json(entry.exchange.response.body)
    output = body.get("output") if isinstance(body, dict) else None
    for one in output if isinstance(output, list) else ():
        if isinstance(one, dict) and isinstance(url := one.get("url"), str):
            yield url
