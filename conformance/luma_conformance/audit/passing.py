"""The time that this kit let pass on a target by requests to its clock, in another program's recording of a run."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Final

from luma_conformance.model import Exchange, header
from luma_conformance.recording.entry import Entry

CLOCK: Final = "/_reference/clock"
"""The path of the reference's clock; other targets have clocks elsewhere, to which the kit alone sends requests."""
_KIT: Final = "luma-conformance/"
_NUMBER: Final = re.compile(r"(?<![\w.-])\d{1,9}(?:\.\d+)?(?![\w.])")


@dataclass(frozen=True, slots=True)
class Passed:
    """Seconds that passed at a moment of a recording, for the client with a key, or for all."""

    base_url: str
    at: float
    seconds: float
    key: str | None


def find_passed(entry: Entry, key: str | None) -> Passed | None:
    """Return the time that a request to a target's clock let pass, or None for any other request."""
    request, response = entry.exchange.request, entry.exchange.response
    path = re.sub(r"^[a-z]+://[^/]*", "", request.url)
    is_ours = (header(request.headers, "User-Agent") or "").startswith(_KIT)
    is_elsewhere = not path.startswith("/v1/") and "X-Amz" not in path
    is_clock = path.partition("?")[0].endswith(CLOCK) or (is_ours and is_elsewhere)
    if entry.note or not is_clock or not 200 <= response.status < 300:
        return None
    numbers = _NUMBER.findall(request.body.decode("utf-8", "replace") or path)
    if len(numbers) != 1:
        return None
    base_url = re.sub(r"^([a-z]+://[^/]*).*", r"\1", entry.base_url)
    return Passed(base_url, entry.exchange.received, float(numbers[0]), key)


def let_pass(exchanges: Iterable[Exchange], passed: Iterable[Passed]) -> Iterator[Exchange]:
    """Yield exchanges whose times are those of the target's clock."""
    moments = sorted(passed, key=lambda one: one.at)
    times = [one.at for one in moments]
    ahead = [0.0, *accumulate(one.seconds for one in moments)]
    for exchange in exchanges:
        yield _shift(exchange, ahead[bisect_right(times, exchange.sent)])


def _shift(exchange: Exchange, seconds: float) -> Exchange:
    return (
        replace(exchange, sent=exchange.sent + seconds, received=exchange.received + seconds) if seconds else exchange
    )
