"""Judging a trace of one client's jobs against the concurrent-job limit: a job holds a slot from submission to its end.

A trace shows neither the limit nor the instants at which jobs end, so the limit is bounded from both sides. A job that
was admitted while others ran for certain shows that the limit is at least so many. A job that was refused although only
so many others can have run shows that the limit is at most so many. The trace is a contradiction only if the first
number is above the second: no limit explains it. As in `rate_limit`, latency loosens a bound and never tightens it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from luma_conformance.judge.answers import FINAL_STATES, detail_of, member_of
from luma_conformance.judge.rate_limit import CONCURRENCY, Contradiction
from luma_conformance.model import Exchange

TTL: Final = 3600.0
"""Seconds for which a job is tracked at most ("Concurrent job limit exceeded", and the rate-limit guide)."""
GRACE: Final = 60.0
"""Seconds a slot may take to become free after its job ends: the wait a refusal asks for. The real time is unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """An admitted request.

    The job ran for certain from `received` to `ran_at`, when the last poll was sent that found it unfinished. It was
    over by `over_at`, when the first poll was answered that found it finished.
    """

    index: int
    sent: float
    received: float
    ran_at: float
    over_at: float


def judge_job_limit(trace: Sequence[Exchange], *, since: float | None = None) -> tuple[Contradiction, ...]:
    """Return what contradicts a limit of concurrent jobs in one client's exchanges, in the order they were sent.

    All jobs must count the same against the limit. `since`, in seconds of the trace's clock, is the time from which the
    trace has every request of the client; None means always. Rests on "429 — Concurrent job limit exceeded".

    >>> from luma_conformance import Exchange, InProcess, Request, judge_job_limit
    >>> reference = InProcess()
    >>> key = ("Authorization", "Bearer luma-api-test-low-concurrency")  # 2 jobs at a time
    >>> request = Request(method="POST", url="/v1/generations", headers=(key,), body=b'{"prompt": "a lighthouse"}')
    >>> now = reference.clock.now()
    >>> trace = [Exchange(request=request, response=reference.send(request), sent=now, received=now) for _ in range(3)]
    >>> [exchange.response.status for exchange in trace]
    [201, 201, 429]
    >>> judge_job_limit(trace)
    ()
    >>> judge_job_limit(trace[2:])[0].what
    'refused although no job of this client has run for 60 s'
    """
    jobs = list(_read_jobs(trace))
    # The limit is at least the number of jobs that ran together for certain: a new one and those beside it.
    admitted = [(len(running) + 1, running, job.index) for job in jobs for running in [_find_running(jobs, job)]]
    # The limit is at most the number of jobs that can have held a slot when another was refused. A refusal says nothing
    # if a job from before the trace, which it does not show, may still have held one.
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
        polls = [poll for poll in trace if _is_poll(poll, member_of(exchange.response, "id"))]
        ran = [poll.sent for poll in polls if member_of(poll.response, "state") not in FINAL_STATES]
        over = [poll.received for poll in polls if member_of(poll.response, "state") in FINAL_STATES]
        # A job counts for an hour at most, whatever becomes of it: at the earliest from when it was sent, at the latest
        # from when it was answered.
        pruned = exchange.received + TTL
        yield _Job(
            index=index,
            sent=exchange.sent,
            received=exchange.received,
            ran_at=min(max(ran, default=-math.inf), exchange.sent + TTL),
            over_at=min([*over, pruned]),
        )


def _find_running(jobs: Sequence[_Job], new: _Job) -> tuple[int, ...]:
    """Return the indexes of the jobs that ran for certain when a new one was admitted, whenever that was."""
    # A job was admitted at some instant from `sent` to `received`. An earlier one ran at all of these instants if it
    # was answered before the first and found unfinished by a poll sent after the last. Example: A answered at 1, B sent
    # at 5 and answered at 6, a poll of A sent at 7 says processing: A and B ran together. Had the poll been sent at
    # 5.5, A may have ended before B was admitted.
    return tuple(
        job.index
        for job in jobs
        if job.index < new.index and job.received <= new.sent and job.ran_at >= new.received
    )  # fmt: skip


def _count_possible(jobs: Sequence[_Job], refusal: Exchange, index: int) -> int:
    """Return how many jobs may have held a slot when the request with an index was refused."""
    # A job may have held a slot if it was submitted before this one was answered, and was over, with the time its slot
    # may take to become free, only after this one was sent. Example: A was found completed at 10, a request sent at 69
    # is refused: A may still have held its slot. A refusal sent at 71 has no such excuse.
    begun = [job for job in jobs if job.index < index or job.sent < refusal.received]
    return sum(job.over_at + GRACE > refusal.sent for job in begun)


def _is_refusal(exchange: Exchange) -> bool:
    return exchange.response.status == 429 and detail_of(exchange.response) == CONCURRENCY


def _is_poll(exchange: Exchange, name: object) -> bool:
    request = exchange.request
    return request.method == "GET" and exchange.response.status == 200 and request.url.rpartition("/")[2] == name
