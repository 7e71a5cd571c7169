"""The judgement of recorded exchanges: each answer, the rate limit of each key, the life cycle of each generation.

What a recording does not hold is not judged, and counted with the reason: it never accuses a server.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from luma_conformance.audit.allowed import STORED, Allowance, Page, make_case
from luma_conformance.audit.compact import CompactList, CompactTable, in_order
from luma_conformance.audit.doubts import (
    find_doubt_of_life,
    find_doubt_of_time,
    find_obstacle,
    matters,
    read_number,
)
from luma_conformance.audit.keeping import Kept, keep
from luma_conformance.audit.passing import Passed, find_passed, let_pass
from luma_conformance.audit.replaced import find_replaced, is_hidden
from luma_conformance.catalogue.catalogue import Catalogue
from luma_conformance.judge.answers import EveryResponse, body_of, detail_of, judge_step
from luma_conformance.judge.lifecycle import find_incoherence, judge_life_cycle, judge_polls
from luma_conformance.judge.rate_limit import judge_rate_limit
from luma_conformance.model import Facet, Mismatch, Response, fields, header
from luma_conformance.recording.entry import (
    REQUEST_BODY,
    REQUEST_HEADERS,
    RESPONSE_BODY,
    RESPONSE_HEADERS,
    TIMES,
    Entry,
    Unread,
)
from luma_conformance.rules import Violation

_API: Final = re.compile(r"/v1/generations(/[^/?#]+)?")
RETRY_AFTER: Final = "Retry-After"
LIMIT: Final = "X-RateLimit-Limit"
REMAINING: Final = "X-RateLimit-Remaining"
RESET: Final = "X-RateLimit-Reset"
_PARTS: Final = 64
"""Into so many parts generations are put, of which one at a time is unpacked."""
_EARLIEST: Final = 1_500_000_000
"""A Unix time before there was such an API."""
TRACING: Final = "Request tracing"
LIFE: Final = "Handling async failures in code"
RATES: Final = "Rate limiting"
_OF_TEXTS: Final = (Facet.STATUS, Facet.DETAIL, Facet.BODY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What is wrong at an entry: in the answer itself (`mismatches`), or beside other entries of the file (`what`)."""

    entry: Entry
    section: str
    allowance: Allowance | None = None
    mismatches: tuple[Mismatch, ...] = ()
    what: str | None = None
    shown_by: tuple[Entry, ...] = ()


@dataclass(kw_only=True)
class Audit:
    """An audit of recordings, file by file; it keeps only what later checks of the same file need.

    `is_complete`: nothing was filtered out of the files, so that a header that no answer has is missing. `first_places`
    has the place of the first exchange that was not judged for a reason.
    """

    catalogue: Catalogue
    host: str | None = None
    is_complete: bool = False
    findings: list[Finding] = field(default_factory=list)
    refused: CompactList[tuple[str, tuple[Violation, ...]]] = field(default_factory=CompactList)
    hosts: set[str] = field(default_factory=set)
    judged: int = 0
    found: int = 0
    seen: int = 0
    not_judged: Counter[str] = field(default_factory=Counter)
    first_places: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._page = Page(self.catalogue)
        self._every = EveryResponse(self.catalogue.holdings)
        self._begin()

    def _begin(self) -> None:
        self._traces: dict[tuple[str, str], CompactList[Kept]] = defaultdict(CompactList)
        self._lives: tuple[CompactList[tuple[str, Kept]], ...] = tuple(CompactList() for _ in range(_PARTS))
        self._missing: list[Finding] = []
        self._names: set[str] = set()
        self._passed: list[Passed] = []
        self._made, self._told = CompactTable(), CompactTable()

    def add(self, entry: Entry) -> None:
        """Judge one exchange of a file."""
        self.seen += 1
        if not self._is_api(entry):
            if (passed := find_passed(entry, _read_key(entry))) is not None:
                self._passed.append(passed)
            return
        self.found += 1
        self.hosts.add(entry.base_url)
        if (why := find_obstacle(entry) or self._find_repetition(entry)) is not None:
            self._pass_over(why, entry.place)
            return
        self.judged += 1
        for part, loss in entry.unknown.items():
            if matters(part, entry):
                self._pass_over(f"the {part}: {loss}", entry.place)
        self._names |= fields(entry.exchange.response.headers).keys()
        self._note_request_id(entry)
        allowance = self._page.allowance(entry)
        if allowance.left_open is not None:
            self._pass_over(f"the status and the text of an answer: {allowance.left_open}", entry.place)
        mismatches = self._find_mismatches(entry, allowance)
        if mismatches:
            found = Finding(entry=entry, section=allowance.section, allowance=allowance, mismatches=mismatches)
            is_filtered = RESPONSE_HEADERS in entry.unknown and not self.is_complete
            (self._missing if is_filtered else self.findings).append(found)
        elif allowance.refused:
            self.refused.append((entry.place, allowance.refused))
        facets = {mismatch.facet for mismatch in mismatches}
        has_headers = RESPONSE_HEADERS not in entry.unknown or bool(entry.exchange.response.headers)
        # What is reported with the answer already is not reported again.
        self._keep(
            entry,
            for_limits=has_headers and not facets & {Facet.STATUS, Facet.HEADERS},
            for_lives=not facets & {Facet.STATUS, Facet.BODY},
        )

    def add_unread(self, unread: Unread) -> None:
        """Count an entry that could not be read, if it may be of the API."""
        self.seen += 1
        if unread.is_api:
            self.found += 1
            self._pass_over(f"an entry that cannot be read: {unread.why}", unread.place)

    def _pass_over(self, why: str, place: str) -> None:
        self.not_judged[why] += 1
        self.first_places.setdefault(why, place)

    def end(self) -> None:
        """Judge what a whole file shows, then forget its exchanges."""
        first = len(self.findings)
        for finding in self._missing:
            self._add_unfiltered(finding)
        self.findings += [*self._judge_limits(), *self._judge_lives()]
        self.findings[first:] = sorted(self.findings[first:], key=lambda finding: read_number(finding.entry))
        self._begin()

    def _is_api(self, entry: Entry) -> bool:
        if self.host is not None and self.host.lower() not in _list_host_names(entry.base_url):
            return False
        found = _API.fullmatch(entry.exchange.request.url.partition("?")[0])
        return found is not None and entry.exchange.request.method not in ("OPTIONS", "HEAD")

    def _find_mismatches(self, entry: Entry, allowance: Allowance) -> tuple[Mismatch, ...]:
        response = entry.exchange.response
        found = judge_step(make_case(entry, allowance), 1, (entry.exchange,), {}, self._every).mismatches
        standing = tuple(mismatch for mismatch in found if not _is_excused(entry, mismatch))
        refusal = {mismatch.facet for mismatch in standing} & {Facet.STATUS, Facet.DETAIL}
        if refusal and allowance.unsettled and 400 <= response.status < 500 and isinstance(detail_of(response), str):
            standing = tuple(mismatch for mismatch in standing if mismatch.facet not in refusal)
            self._pass_over(f"the text of a refusal, which may be for {allowance.unsettled}", entry.place)
        named = {mismatch.where for mismatch in standing}
        standing += tuple(one for one in _find_number_mismatches(response) if one.where not in named)
        if response.status in (200, 201) and RESPONSE_BODY not in entry.unknown:
            standing += _find_state_mismatches(entry, standing)
        return self._leave_out_replaced(entry, standing)

    def _leave_out_replaced(self, entry: Entry, standing: tuple[Mismatch, ...]) -> tuple[Mismatch, ...]:
        """Return mismatches without those that a text may have caused that was put where another was; count these."""
        caused: list[Mismatch] = []
        of_texts = [mismatch for mismatch in standing if mismatch.facet in _OF_TEXTS]
        if of_texts and (why := find_replaced(entry.exchange)) is not None:
            self._pass_over(f"the status and the text of an answer: {why}", entry.place)
            caused += of_texts
        for mismatch in standing:
            if mismatch.where == "X-Request-Id" and _is_id_replaced(entry):
                self._pass_over("X-Request-Id: the value seems to be replaced", entry.place)
                caused.append(mismatch)
        return tuple(mismatch for mismatch in standing if mismatch not in caused)

    def _add_unfiltered(self, finding: Finding) -> None:
        """Add a finding, without the headers that no answer of the file has: they may have been filtered out."""
        gone = [one for one in finding.mismatches if one.why == "is missing" and one.where.lower() not in self._names]
        for mismatch in gone:
            why = f"{mismatch.where}: no answer of the file has it, as if it had been filtered out (or use --complete)"
            self._pass_over(why, finding.entry.place)
        standing = tuple(one for one in finding.mismatches if one not in gone)
        if standing:
            self.findings.append(replace(finding, mismatches=standing))

    def _find_repetition(self, entry: Entry) -> str | None:
        """Return that an exchange is in the file already, as files that were put together have it, or None."""
        request, response = entry.exchange.request, entry.exchange.response
        is_timed = TIMES not in entry.unknown
        made = header(response.headers, "X-Request-Id")
        if not is_timed and (made is None or header(request.headers, "X-Request-Id") is not None):
            return None  # polls may well be alike
        said = (request.url, hash(request.body), response.status, hash(response.body))
        told = hash((*said, made, entry.exchange.sent if is_timed else None))
        return None if self._told.add(told) is None else "an exchange that is in the file twice"

    def _note_request_id(self, entry: Entry) -> None:
        """Note a request id that the server made; two that are equal, on different answers, are a finding."""
        request, response = entry.exchange.request, entry.exchange.response
        made = header(response.headers, "X-Request-Id")
        if made is None or header(request.headers, "X-Request-Id") is not None or is_hidden(made):
            return
        said = hash((request.url, response.status, response.body))
        before = self._made.add(hash(made), said, read_number(entry))
        if before is None or before[0] == said:
            return
        if REQUEST_HEADERS in entry.unknown and not self.is_complete:
            self._pass_over("equal request ids: the client may have sent them, in headers that are gone", entry.place)
            return
        first = f"{entry.place.rpartition(' ')[0]} {before[1]}"
        repeated = f"the generated request id is that of another answer, {first}"
        self.findings.append(Finding(entry=entry, section=TRACING, what=repeated))

    def _keep(self, entry: Entry, *, for_limits: bool, for_lives: bool) -> None:
        """Keep of an exchange what the limits and the lives of its file are judged by."""
        status, method = entry.exchange.response.status, entry.exchange.request.method
        if for_limits and status in (201, 429):
            key = _read_key(entry)
            if TIMES in entry.unknown:
                self._pass_over("rate limit over time: the recording does not tell the times", entry.place)
            elif key is None:
                self._pass_over("rate limit over time: the recording does not show whose key it was", entry.place)
            else:
                self._traces[entry.base_url, key].append(keep(entry))
        if not for_lives or RESPONSE_BODY in entry.unknown:
            return
        if status == 201:
            body, kept = body_of(entry.exchange.response), keep(entry)
            if isinstance(body, dict) and REQUEST_BODY not in kept.unknown:
                self._keep_life(str(body.get("id")), kept)
        elif method == "GET" and status in (200, 404):
            self._keep_life(entry.exchange.request.url.partition("?")[0].rpartition("/")[2], keep(entry))

    def _keep_life(self, name: str, kept: Kept) -> None:
        self._lives[hash(name) % _PARTS].append((name, kept))

    def _judge_limits(self) -> Iterator[Finding]:
        for (base_url, key), trace in self._traces.items():
            passed = [one for one in self._passed if base_url.startswith(one.base_url)]
            if (why := find_doubt_of_time(trace, passed, key)) is not None:
                self._pass_over(f"rate limit over time: {why}", next(iter(trace)).place)
                continue
            yield from _judge_limit(trace, passed)

    def _judge_lives(self) -> Iterator[Finding]:
        doubts = []
        for part in self._lives:
            for name, firsts, later in _group_lives(part):
                if (why := find_doubt_of_life(name, firsts, later)) is not None:
                    first = (*firsts, *later)[0]
                    doubts.append((not firsts, read_number(first), why, first.place))
                else:
                    yield from _judge_life(firsts, later)
        # The first of a reason is of the first generation, of those that the file shows from their beginning.
        for _, _, why, place in sorted(doubts):
            self._pass_over(f"the life of a generation: {why}", place)


def _judge_limit(trace: CompactList[Kept], passed: Iterable[Passed]) -> Iterator[Finding]:
    exchanges = (kept.restore().exchange for kept in in_order(trace, _read_time))
    # A recording may lack requests of the client: other programs, and its other keys, share its quota.
    found = judge_rate_limit(let_pass(exchanges, passed), since=math.inf).contradictions
    if not found:
        return
    indexes = {index for one in found for index in one.exchanges}
    kept_in_order = enumerate(in_order(trace, _read_time))
    entries = {index: kept.restore() for index, kept in kept_in_order if index in indexes}
    for one in found:
        shown = tuple(entries[index] for index in one.exchanges)
        yield Finding(entry=shown[-1], section=RATES, what=one.what, shown_by=shown)


def _read_time(kept: Kept) -> float:
    return kept.sent


def _group_lives(part: Iterable[tuple[str, Kept]]) -> Iterator[tuple[str, list[Entry], list[Entry]]]:
    """Yield the id of each generation, the answers that say that they created it, and its polls."""
    lives: dict[tuple[str, str], tuple[list[Entry], list[Entry]]] = defaultdict(lambda: ([], []))
    for name, kept in part:
        firsts, polls = lives[kept.base_url, name]
        (firsts if kept.status == 201 else polls).append(kept.restore())
    for (_, name), (firsts, polls) in lives.items():
        yield name, firsts, polls


def _judge_life(firsts: list[Entry], polls: list[Entry]) -> Iterator[Finding]:
    first = firsts[0] if firsts else None
    later = sorted((poll for poll in polls if _is_own(poll, first)), key=lambda entry: entry.exchange.sent)
    exchanges = [entry.exchange for entry in later]
    entries = later if first is None else [first, *later]
    oddities = judge_polls(exchanges) if first is None else judge_life_cycle(first.exchange, exchanges)
    for oddity in oddities:
        entry = entries[oddity.exchange]
        if "url is that of an earlier poll" in oddity.what and is_hidden(
            entry.exchange.response.body.decode("utf-8", "replace")
        ):
            continue  # the part of the URL that differed was a secret, which was removed
        yield Finding(entry=entry, section=LIFE, what=oddity.what, shown_by=(entries[0], entry))


def _is_own(poll: Entry, first: Entry | None) -> bool:
    """Return whether a poll shows a generation's state, or should because it uses the key that created it."""
    if poll.exchange.response.status == 200 or first is None:
        return poll.exchange.response.status == 200
    key = _read_key(poll)
    return poll.exchange.response.status == 404 and key is not None and key == _read_key(first)


def _find_number_mismatches(response: Response) -> Iterator[Mismatch]:
    """Yield the headers whose numbers cannot be right, whatever the time is and whose key it was."""
    numbers = {
        name: int(value)
        for name in (RETRY_AFTER, LIMIT, REMAINING, RESET)
        if (value := header(response.headers, name) or "").isascii() and value.isdigit() and len(value) < 16
    }
    found = {}
    if numbers.get(RETRY_AFTER) == 0:
        found[RETRY_AFTER] = "is 0, and the least is 1"
    if numbers.get(REMAINING, 0) > numbers.get(LIMIT, math.inf):
        found[REMAINING] = f"is {numbers[REMAINING]}, which is more than the limit of {numbers[LIMIT]}"
    if numbers.get(RESET, _EARLIEST) < _EARLIEST:
        found[RESET] = f"is {numbers[RESET]}, which is no Unix time of these years"
    for name, why in found.items():
        yield Mismatch(facet=Facet.HEADERS, where=name, why=why, step=1, rests_on=RATES)


def _find_state_mismatches(entry: Entry, standing: tuple[Mismatch, ...]) -> tuple[Mismatch, ...]:
    """Return what contradicts the state in an answer's body, unless the body has the wrong shape already."""
    body = body_of(entry.exchange.response)
    if not isinstance(body, dict) or any(mismatch.facet is Facet.BODY for mismatch in standing):
        return ()
    return tuple(
        Mismatch(facet=Facet.BODY, where="body", why=why, step=1, rests_on=LIFE) for why in find_incoherence(body)
    )


def _is_excused(entry: Entry, mismatch: Mismatch) -> bool:
    """Return whether a mismatch is due to something the recording does not hold."""
    if mismatch.facet in (Facet.DETAIL, Facet.BODY):
        response = entry.exchange.response
        left_out = RESPONSE_BODY in entry.unknown or response.body.startswith(STORED.encode())
        return left_out or str(detail_of(response)).startswith(STORED)
    if mismatch.facet is Facet.HEADERS and RESPONSE_HEADERS in entry.unknown and not entry.exchange.response.headers:
        return True
    if mismatch.where == "X-Request-Id" and mismatch.why != "is missing":
        sent = [value for name, value in entry.exchange.request.headers if name.lower() == "x-request-id"]
        if not sent:
            return REQUEST_HEADERS in entry.unknown
        return len(sent) > 1 or sent[0].strip() == ""  # the page does not say what comes back for these
    return False


def _is_id_replaced(entry: Entry) -> bool:
    ids = (header(part.headers, "X-Request-Id") for part in (entry.exchange.request, entry.exchange.response))
    return any(one is not None and is_hidden(one) for one in ids)


def _read_key(entry: Entry) -> str | None:
    """Return the Authorization header of a request, which identifies its key; None if it was removed."""
    shown = header(entry.exchange.request.headers, "Authorization")
    return None if shown is None or is_hidden(shown) else shown


def _list_host_names(base_url: str) -> tuple[str, ...]:
    """Return the names of a base URL's host: with its port, and without."""
    authority = base_url.partition("://")[2].partition("/")[0].rpartition("@")[2].lower()
    return authority, re.sub(r":\d*$", "", authority)
