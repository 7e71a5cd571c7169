"""Why an exchange of a recording, or what several show together, is not judged: it never accuses a server."""

from __future__ import annotations

from collections.abc import Iterable

from luma_conformance.audit.keeping import Kept
from luma_conformance.audit.passing import Passed
from luma_conformance.audit.replaced import holds_replaced, is_hidden
from luma_conformance.model import header
from luma_conformance.recording.entry import REQUEST_BODY, RESPONSE_BODY, RESPONSE_HEADERS, TIMES, Entry
from luma_conformance.shown import clip


def find_obstacle(entry: Entry) -> str | None:
    """Return why an exchange with the API cannot be judged, or None."""
    request, response = entry.exchange.request, entry.exchange.response
    if entry.unanswered is not None:
        return entry.unanswered
    if response.status == 0:
        return "no answer was recorded"
    if response.status == 304:
        return "304: the body is in the browser's cache"
    polls = request.url.partition("?")[0] != "/v1/generations"
    if 300 <= response.status < 400 and _leads_to_tls(entry):
        return "a redirect to the same server's TLS, before the API"
    if request.method != ("GET" if polls else "POST"):
        return f"the page does not cover {clip(request.method, 20)} {'of a generation' if polls else '/v1/generations'}"
    return None


def _leads_to_tls(entry: Entry) -> bool:
    target = header(entry.exchange.response.headers, "Location") or ""
    return entry.base_url.lower().startswith("http://") and target.lower().startswith("https://")


def matters(part: str, entry: Entry) -> bool:
    """Return whether something is left unjudged of an exchange because a part of it is lost as a whole."""
    if part == REQUEST_BODY:
        return entry.exchange.request.method == "POST"
    return part == RESPONSE_BODY or (part == RESPONSE_HEADERS and not entry.exchange.response.headers)


def find_doubt_of_time(trace: Iterable[Kept], passed: list[Passed], key: str) -> str | None:
    """Return why it is not known what time it was for a client, or None."""
    if len({kept.process for kept in trace}) > 1:
        return "recorded by several runs or workers, each on its own clock"
    if any(one.key not in (key, None) for one in passed):
        return "the clock was moved for another client, and maybe for all"
    return None


def find_doubt_of_life(named: str, firsts: list[Entry], polls: list[Entry]) -> str | None:
    """Return why exchanges may be of several generations, or in another order, or None."""
    entries = [*firsts, *polls]
    if is_hidden(named):
        return "its id seems to be replaced"
    if any(holds_replaced(entry.exchange.response.body) for entry in entries):
        return "a text of an answer seems to be replaced"
    if len(firsts) > 1:
        return "several answers say that they created it"
    return _find_doubt_of_order(firsts, polls)


def _find_doubt_of_order(firsts: list[Entry], polls: list[Entry]) -> str | None:
    entries = [*firsts, *polls]
    untimed = [entry for entry in entries if TIMES in entry.unknown]
    if len(untimed) not in (0, len(entries)):
        return "some of its exchanges have no times"
    if untimed and firsts and any(read_number(poll) < read_number(firsts[0]) for poll in polls):
        return "the file has a poll of it before its beginning, and no times"
    if len(entries) > 1 and not untimed and len({entry.exchange.sent for entry in entries}) == 1:
        return "its exchanges all have the same time"
    return None


def read_number(entry: Entry) -> int:
    """Return the number of an entry in its file."""
    return int(entry.place.rpartition(" ")[2])
