"""Judges a trace of one client's jobs against the concurrent-job limit: a job holds a slot from submit to its end.

Neither the limit nor the moments at which jobs end are told, so the limit is bounded from both sides: who was admitted
beside how many that surely ran, and who was refused although how few can have run. A trace is condemned only where the
two bounds cross.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from luma_conformance.judge.answers import FINAL_STATES, body_of, detail_of
from luma_conformance.judge.rate_limit import CONCURRENCY, Contradiction
from luma_conformance.model import Exchange

TTL: Final = 3600.0
"""Seconds a job is tracked at most ("Concurrent job limit exceeded", and the rate-limit guide)."""
GRACE: Final = 60.0
"""Seconds a slot may take to be free after its job's end: what a refusal asks to wait. How long it takes is unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """An admitted request; it surely ran from `received` to `ran_at`, and was over at `over_at` at the latest."""

    index: int
    sent: float
    received: float
    ran_at: float
    over_at: float


def judge_jobs(trace: Sequence[Exchange], *, since: float | None = None) -> tuple[Contradiction, ...]:
    """Returns what contradicts one limit of concurrent jobs in one client's creates and polls, in order of sending.

    All creates ask for jobs of one weight. `since`, in seconds of the trace's clock, is from when the trace has every
    request of the client; None: always. Rests on "429 — Concurrent job limit exceeded".
    """
    jobs = list(_read_jobs(trace))
    admitted = [(len(running) + 1, running, job.index) for job in jobs for running in [_find_running(jobs, job)]]
    refused = [
        (_count_possible(jobs, exchange, index), index)
        for index, exchange in enumerate(trace)
        if _is_refusal(exchange) and (since is None or exchange.sent - TTL - GRACE >= since)
    ]
    if not refused:
        return ()
    most, refusal = min(refused)
    if most == 0:
        what = f"refused although no job of this client has run for {GRACE:.0f} s"
        return (Contradiction(what=what, exchanges=(refusal,)),)
    if not admitted:
        return ()
    least, running, index = max(admitted)
    if least <= most:
        return ()
    what = f"admitted beside {least - 1} running jobs, and refused when at most {most} can have run"
    return (Contradiction(what=what, exchanges=tuple(sorted({*running, index, refusal}))),)


def _read_jobs(trace: Sequence[Exchange]) -> Iterator[_Job]:
    for index, exchange in enumerate(trace):
        if exchange.request.method != "POST" or exchange.response.status != 201:
            continue
        polls = [poll for poll in trace if _is_poll(poll, _member(exchange, "id"))]
        ran = [poll.sent for poll in polls if _member(poll, "state") not in FINAL_STATES]
        over = [poll.received for poll in polls if _member(poll, "state") in FINAL_STATES]
        pruned = exchange.received + TTL
        yield _Job(
            index=index,
            sent=exchange.sent,
            received=exchange.received,
            ran_at=min(max(ran, default=-math.inf), exchange.sent + TTL),
            over_at=min([*over, pruned]),
        )


def _find_running(jobs: Sequence[_Job], new: _Job) -> tuple[int, ...]:
    """Returns the jobs, by index, that ran whenever a new one was admitted."""
    return tuple(
        job.index
        for job in jobs
        if job.index < new.index and job.received <= new.sent and job.ran_at >= new.received
    )  # fmt: skip


def _count_possible(jobs: Sequence[_Job], refusal: Exchange, index: int) -> int:
    """Returns how many jobs may have held a slot when a request, of that index, was refused."""
    begun = [job for job in jobs if job.index < index or job.sent < refusal.received]
    return sum(job.over_at + GRACE > refusal.sent for job in begun)


def _is_refusal(exchange: Exchange) -> bool:
    return exchange.response.status == 429 and detail_of(exchange.response) == CONCURRENCY


def _is_poll(exchange: Exchange, name: object) -> bool:
    asked = exchange.request
    return asked.method == "GET" and exchange.response.status == 200 and asked.url.rpartition("/")[2] == name


def _member(exchange: Exchange, name: str) -> object:
    body = body_of(exchange.response)
    return body.get(name) if isinstance(body, dict) else None
