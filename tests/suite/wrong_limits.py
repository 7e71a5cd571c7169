"""Limits that are wrong in one thing, and one that is not, each put in the place of the reference's own."""

from __future__ import annotations

import math
import random
from collections import deque
from dataclasses import replace
from typing import Any

from luma_conformance.model import Request, Response
from luma_conformance.reference import Service
from luma_conformance.reference.limits import Refusal, SlidingWindow
from tests.miniatures import Handle, Wrong, on_answers


def renumbered(name: str, by: int, *, status: int) -> Wrong:
    """Add to the number in a header of the answers of that status."""

    def change(_: Request, response: Response) -> Response:
        if response.status != status:
            return response
        headers = tuple((key, str(int(value) + by) if key == name else value) for key, value in response.headers)
        return replace(response, headers=headers)

    return on_answers(change)


def behind(handle: Handle) -> Service:
    """Return the service a handler belongs to."""
    service = handle.__self__  # type: ignore[attr-defined]
    assert isinstance(service, Service)
    return service


def _replacing(attribute: str, replaced: dict[str, Any]) -> Wrong:
    def wrap(handle: Handle) -> Handle:
        for client in behind(handle)._clients.values():
            counted = getattr(client, attribute)
            for name, function in replaced.items():
                setattr(counted, name, function.__get__(counted))
        return handle

    return wrap


def with_limiter(**replaced: Any) -> Wrong:
    """Replace members of the reference's sliding windows."""
    return _replacing("window", replaced)


def fixed(window: Any, now: float) -> Refusal | None:
    """Count by the minute of the clock, as a fixed window does."""
    window._admitted = deque(moment for moment in window._admitted if moment // 60 == now // 60)
    if len(window._admitted) < window.limit:
        return None
    opens = (now // 60 + 1) * 60
    return Refusal(max(1, math.ceil(opens - now)), math.ceil(opens))


def shorter(window: Any, now: float) -> Refusal | None:
    """Let a request go after 55 s."""
    window._admitted = deque(moment for moment in window._admitted if moment > now - 55)
    if len(window._admitted) < window.limit:
        return None
    opens = window._admitted[0] + 55
    return Refusal(max(1, math.ceil(opens - now)), math.ceil(opens))


def counting_refusals(window: Any, now: float) -> Refusal | None:
    """Count refused requests too, the oldest giving way."""
    refused = SlidingWindow.refuse(window, now)
    if refused is not None:
        window._admitted.append(now)
    return refused


def with_slots(**replaced: Any) -> Wrong:
    """Replace members of the reference's counters of concurrent jobs."""
    return _replacing("slots", replaced)


def freed_after_a_minute(slots: Any, now: float, end: float) -> None:
    """Free a slot after a minute, whatever its job does."""
    slots._ends.append(min(end, now + 60))


def never_freed(slots: Any, now: float) -> bool:
    """Wait for a poll that does not come."""
    return bool(len(slots._ends) >= slots._limit)


def jittery(seed: int) -> Wrong:
    """Take up to 0.3 s each way, never the same: legal, and what a network does."""

    def wrap(handle: Handle) -> Handle:
        clock, drawn = behind(handle).clock, random.Random(seed)  # noqa: S311  chance, not secrecy

        def answer(request: Request) -> Response:
            clock.sleep(drawn.uniform(0, 0.3))
            response = handle(request)
            clock.sleep(drawn.uniform(0, 0.3))
            return response

        return answer

    return wrap
