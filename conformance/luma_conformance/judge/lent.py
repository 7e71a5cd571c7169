"""Keys that serve in place of the ones with a small limit: what their answers prove, and what they leave open.

A key with a limit that is small enough to be used up may show that limit as well as a key made for it. But it has
another limit too, which may come first; its jobs end, and free their slots; and the window slides while it is filled.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from luma_conformance.judge.answers import detail_of
from luma_conformance.judge.rate_limit import CONCURRENCY, RPM, WINDOW
from luma_conformance.model import Outcome, Response, Result

RPM_KEY: Final = "low-rpm-key"
JOBS_KEY: Final = "low-concurrency-key"
MOST_REQUESTS: Final = 60
"""A limit that the cases about it reach, and that costs no more than a minute of waiting afterwards."""
MOST_JOBS: Final = 21
"""The jobs that the cases about their limit create at most."""
JOB: Final = 1.0
"""Seconds after which another job may have ended, so that it is worth asking again."""
_OTHER: Final[Mapping[str, str]] = {RPM_KEY: CONCURRENCY, JOBS_KEY: RPM}
"""For each key, the text of the limit that it is not about."""


def find_wait(role: str, response: Response) -> float | None:
    """Return how long to wait where the limit that a key is not about came first, or None."""
    if response.status != 429 or detail_of(response) != _OTHER.get(role):
        return None
    # A window that opens for one request at a time would never let the slots be filled: it must be empty.
    return JOB if role == RPM_KEY else WINDOW + 1


def find_doubt(role: str, result: Result) -> str | None:
    """Return why a failure proves nothing, because another key served in place of the role's; or None."""
    if result.verdict.outcome is not Outcome.FAIL or not result.exchanges:
        return None
    first, last = result.exchanges[0], result.exchanges[-1]
    if find_wait(role, last.response) is not None:
        return f"its other limit came first: {detail_of(last.response)}"
    if last.response.status != 201:
        return None
    if role == JOBS_KEY:
        return "its jobs end too soon, or it has room for too many, to fill its slots"
    if last.sent - first.received >= WINDOW - 1:
        return "its window could not be filled within a minute"
    return None
