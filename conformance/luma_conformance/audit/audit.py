"""The judgement of recorded exchanges: each answer, the rate limit of each key, the life cycle of each generation.

What a recording does not hold is not judged, and counted with the reason: it never accuses a server.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from luma_conformance.audit.allowed import STORED, Allowance, Page, make_case
from luma_conformance.audit.keeping import Shelf
from luma_conformance.audit.passing import Passed, find_passed, let_pass
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
from luma_conformance.shown import clip

_API: Final = re.compile(r"/v1/generations(/[^/?#]+)?")
HIDDEN: Final = re.compile(r"(?i)redacted|filtered|dummy|x{4}|\*{3}|<[^>]*>|…|\.\.\.")
"""What people put where a secret was; it may stand for more than one."""
RETRY_AFTER: Final = "Retry-After"
LIMIT: Final = "X-RateLimit-Limit"
REMAINING: Final = "X-RateLimit-Remaining"
RESET: Final = "X-RateLimit-Reset"
_EARLIEST: Final = 1_500_000_000
"""A Unix time before there was such an API."""
TRACING: Final = "Request tracing"
LIFE: Final = "Handling async failures in code"
RATES: Final = "Rate limiting"


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
    refused: list[tuple[str, tuple[Violation, ...]]] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)
    judged: int = 0
    found: int = 0
    seen: int = 0
    not_judged: Counter[str] = field(default_factory=Counter)
    first_places: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._page = Page(self.catalogue)
        self._every = EveryResponse(self.catalogue.holdings)
        self._shelf = Shelf()
        self._traces: dict[tuple[str, str], list[Entry]] = defaultdict(list)
        self._created: dict[tuple[str, object], Entry] = {}
        self._polls: dict[tuple[str, object], list[Entry]] = defaultdict(list)
        self._missing: list[Finding] = []
        self._names: set[str] = set()
        self._made: dict[str, tuple[str, int]] = {}
        self._passed: list[Passed] = []

    def add(self, entry: Entry) -> None:
        """Judge one exchange of a file."""
        self.seen += 1
        if not self._is_api(entry):
            if (passed := find_passed(entry, _read_key(entry))) is not None:
                self._passed.append(passed)
            return
        self.found += 1
        self.hosts.add(entry.base_url)
        if (why := _find_obstacle(entry)) is not None:
            self._pass_over(why, entry.place)
            return
        self.judged += 1
        for part, loss in entry.unknown.items():
            if _matters(part, entry):
                self._pass_over(f"the {part}: {loss}", entry.place)
        self._names |= fields(entry.exchange.response.headers).keys()
        self._note_request_id(entry)
        allowance = self._page.allowance(entry)
        mismatches = self._find_mismatches(entry, allowance)
        if mismatches:
            found = Finding(entry=entry, section=allowance.section, allowance=allowance, mismatches=mismatches)
            is_filtered = RESPONSE_HEADERS in entry.unknown and not self.is_complete
            (self._missing if is_filtered else self.findings).append(found)
        elif allowance.refused:
            self.refused.append((entry.place, self._shelf.share(allowance.refused)))
        facets = {mismatch.facet for mismatch in mismatches}
        # What is reported with the answer already is not reported again.
        self._keep(
            entry,
            for_limits=not facets & {Facet.STATUS, Facet.HEADERS},
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
        self.findings[first:] = sorted(self.findings[first:], key=lambda finding: _read_number(finding.entry))
        self._missing, self._passed, self._names, self._made = [], [], set(), {}
        self._shelf, self._traces, self._created, self._polls = Shelf(), defaultdict(list), {}, defaultdict(list)

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
        return standing

    def _add_unfiltered(self, finding: Finding) -> None:
        """Add a finding, without the headers that no answer of the file has: they may have been filtered out."""
        gone = [one for one in finding.mismatches if one.why == "is missing" and one.where.lower() not in self._names]
        for mismatch in gone:
            why = f"{mismatch.where}: no answer of the file has it, as if it had been filtered out (or use --complete)"
            self._pass_over(why, finding.entry.place)
        standing = tuple(one for one in finding.mismatches if one not in gone)
        if standing:
            self.findings.append(replace(finding, mismatches=standing))

    def _note_request_id(self, entry: Entry) -> None:
        """Note a request id that the server made; two that are equal, on different answers, are a finding."""
        request, response = entry.exchange.request, entry.exchange.response
        made = header(response.headers, "X-Request-Id")
        if made is None or header(request.headers, "X-Request-Id") is not None or HIDDEN.search(made):
            return
        said = hash((request.url, response.status, response.body))
        first, what = self._made.setdefault(made, (entry.place, said))
        if what == said:
            return
        if REQUEST_HEADERS in entry.unknown and not self.is_complete:
            self._pass_over("equal request ids: the client may have sent them, in headers that are gone", entry.place)
            return
        repeated = f"the generated request id is that of another answer, {first}"
        self.findings.append(Finding(entry=entry, section=TRACING, what=repeated))

    def _keep(self, entry: Entry, *, for_limits: bool, for_lives: bool) -> None:
        """Keep of an exchange what the limits and the lives of its file are judged by."""
        kept: Entry | None = None
        status, method = entry.exchange.response.status, entry.exchange.request.method
        if for_limits and status in (201, 429):
            key = _read_key(entry)
            if TIMES in entry.unknown:
                self._pass_over("rate limit over time: the recording does not tell the times", entry.place)
            elif key is None:
                self._pass_over("rate limit over time: the recording does not show whose key it was", entry.place)
            else:
                kept = self._shelf.shrink(entry)
                self._traces[kept.base_url, key].append(kept)
        if not for_lives or RESPONSE_BODY in entry.unknown:
            return
        if status == 201:
            body = body_of(entry.exchange.response)
            kept = kept or self._shelf.shrink(entry)
            if isinstance(body, dict) and REQUEST_BODY not in kept.unknown:
                self._created.setdefault((kept.base_url, body.get("id")), kept)
        elif method == "GET" and status in (200, 404):
            life = entry.exchange.request.url.partition("?")[0].rpartition("/")[2]
            self._polls[entry.base_url, life].append(self._shelf.shrink(entry))

    def _judge_limits(self) -> Iterator[Finding]:
        for (base_url, key), trace in self._traces.items():
            passed = [one for one in self._passed if base_url.startswith(one.base_url)]
            if (why := _find_doubt_of_time(trace, passed, key)) is not None:
                self._pass_over(f"rate limit over time: {why}", trace[0].place)
                continue
            trace.sort(key=lambda entry: entry.exchange.sent)
            # A recording may lack requests of the client: other programs, and its other keys, share its quota.
            report = judge_rate_limit(let_pass([entry.exchange for entry in trace], passed), since=math.inf)
            for contradiction in report.contradictions:
                shown = tuple(trace[index] for index in contradiction.exchanges)
                yield Finding(entry=shown[-1], section=RATES, what=contradiction.what, shown_by=shown)

    def _judge_lives(self) -> Iterator[Finding]:
        for life in dict.fromkeys((*self._created, *self._polls)):
            first = self._created.get(life)
            yield from _judge_life(first, [poll for poll in self._polls.get(life, ()) if _is_own(poll, first)])


def _find_doubt_of_time(trace: list[Entry], passed: list[Passed], key: str) -> str | None:
    """Return why it is not known what time it was for a client, or None."""
    if len({entry.note.get("process") for entry in trace}) > 1:
        return "recorded by several runs or workers, each on its own clock"
    if any(one.key not in (key, None) for one in passed):
        return "the clock was moved for another client, and maybe for all"
    return None


def _judge_life(first: Entry | None, polls: list[Entry]) -> Iterator[Finding]:
    later = sorted(polls, key=lambda entry: entry.exchange.sent)
    exchanges = [entry.exchange for entry in later]
    entries = later if first is None else [first, *later]
    oddities = judge_polls(exchanges) if first is None else judge_life_cycle(first.exchange, exchanges)
    for oddity in oddities:
        entry = entries[oddity.exchange]
        if "url is that of an earlier poll" in oddity.what and HIDDEN.search(
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


def _find_obstacle(entry: Entry) -> str | None:
    """Return why an exchange with the API cannot be judged, or None."""
    request, response = entry.exchange.request, entry.exchange.response
    if entry.unanswered is not None:
        return entry.unanswered
    if response.status == 0:
        return "no answer was recorded"
    if response.status == 304:
        return "304: the body is in the browser's cache"
    polls = request.url.partition("?")[0] != "/v1/generations"
    if request.method != ("GET" if polls else "POST"):
        return f"the page does not cover {clip(request.method, 20)} {'of a generation' if polls else '/v1/generations'}"
    return None


def _matters(part: str, entry: Entry) -> bool:
    """Return whether something is left unjudged of an exchange because a part of it is lost as a whole."""
    if part == REQUEST_BODY:
        return entry.exchange.request.method == "POST"
    return part == RESPONSE_BODY or (part == RESPONSE_HEADERS and not entry.exchange.response.headers)


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
        # The page does not say what comes back for an empty id, or for several.
        return len(sent) > 1 or sent[0].strip() == "" or HIDDEN.search(sent[0]) is not None
    return False


def _read_key(entry: Entry) -> str | None:
    """Return the Authorization header of a request, which identifies its key; None if it was removed."""
    shown = header(entry.exchange.request.headers, "Authorization")
    return None if shown is None or HIDDEN.search(shown) else shown


def _list_host_names(base_url: str) -> tuple[str, ...]:
    """Return the names of a base URL's host: with its port, and without."""
    authority = base_url.partition("://")[2].partition("/")[0].rpartition("@")[2].lower()
    return authority, re.sub(r":\d*$", "", authority)


def _read_number(entry: Entry) -> int:
    return int(entry.place.rpartition(" ")[2])
