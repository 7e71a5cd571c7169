"""Limits that are wrong in one thing, and one that is not, each put in the place of the reference's own."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import replace
from typing import Any

from luma_conformance.model import Request, Response
from luma_conformance.reference.limits import Refusal, SlidingWindow

from tests.miniatures import Handle, Wrong


def renumbered(name: str, by: int, *, status: int) -> Wrong:
    """Adds to the number in a header of the answers of that status."""

    def wrap(handle: Handle) -> Handle:
        def answer(request: Request) -> Response:
            response = handle(request)
            if response.status != status:
                return response
            headers = tuple((key, str(int(value) + by) if key == name else value) for key, value in response.headers)
            return replace(response, headers=headers)

        return answer

    return wrap


def with_limiter(**replaced: Any) -> Wrong:
    """Replaces members of the reference's sliding windows."""

    def wrap(handle: Handle) -> Handle:
        service = handle.__self__  # type: ignore[attr-defined]
        for client in service._clients.values():
            for name, function in replaced.items():
                setattr(client.window, name, function.__get__(client.window))
        return handle

    return wrap


def fixed(window: Any, now: float) -> Refusal | None:
    """Counts by the minute of the clock, as a fixed window does."""
    window._admitted = deque(moment for moment in window._admitted if moment // 60 == now // 60)
    if len(window._admitted) < window.limit:
        return None
    opens = (now // 60 + 1) * 60
    return Refusal(max(1, math.ceil(opens - now)), math.ceil(opens))


def shorter(window: Any, now: float) -> Refusal | None:
    """Lets a request go after 55 s."""
    window._admitted = deque(moment for moment in window._admitted if moment > now - 55)
    if len(window._admitted) < window.limit:
        return None
    opens = window._admitted[0] + 55
    return Refusal(max(1, math.ceil(opens - now)), math.ceil(opens))


def counting_refusals(window: Any, now: float) -> Refusal | None:
    """Counts refused requests too, the oldest giving way."""
    refused = SlidingWindow.refuse(window, now)
    if refused is not None:
        window._admitted.append(now)
    return refused


def with_slots(**replaced: Any) -> Wrong:
    """Replaces members of the reference's counters of concurrent jobs."""

    def wrap(handle: Handle) -> Handle:
        service = handle.__self__  # type: ignore[attr-defined]
        for client in service._clients.values():
            for name, function in replaced.items():
                setattr(client.slots, name, function.__get__(client.slots))
        return handle

    return wrap


def freed_after_a_minute(slots: Any, now: float, end: float) -> None:
    """Gives a slot back after a minute, whatever its job does."""
    slots._ends.append(min(end, now + 60))


def never_freed(slots: Any, now: float) -> bool:
    """Waits for a poll that does not come."""
    return bool(len(slots._ends) >= slots._limit)
