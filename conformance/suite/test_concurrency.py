"""The concurrent-job limit: a job holds its slot as long as it runs, and no longer, polled or not."""

from __future__ import annotations

import json
from typing import Final

from conformance.judge import FINAL_STATES, body_of, detail_of
from conformance.limiter import CONCURRENCY
from conformance.model import Exchange, Request
from conformance.properties import Luma, not_judged

KEY: Final = "low-concurrency-key"
MANY: Final = 50
"""Jobs; a client with room for more has no small limit."""
OVER: Final = 3661.0
"""Seconds after which no job is active any more: an hour, and the minute a refusal asks to wait."""


def test_a_running_job_keeps_its_slot(luma: Luma) -> None:
    """While polls say that the jobs are not over, another one is refused, however long it waits."""
    _ready(luma)
    if (why := luma.judging.target.missing("queued-prompt")) is not None:
        not_judged(why)
    jobs = _fill(luma, luma.judging.target.value("queued-prompt"))
    for seconds in (1.0, 60.0, 600.0):
        luma.sleep(seconds, KEY)
        again = _create(luma, "A sunset over the ocean")
        running = [job for job in jobs if _state(luma, job) not in FINAL_STATES]
        if again.response.status == 201 and len(running) == len(jobs):
            luma.fail(
                f"admitted while all {len(jobs)} jobs were still running  [429 — Concurrent job limit exceeded]", again
            )


def test_a_job_that_is_over_gives_its_slot_back_without_a_poll(luma: Luma) -> None:
    """Once jobs are over, as many are admitted again although nobody has asked about them."""
    _ready(luma)
    jobs = _fill(luma, "A sunset over the ocean")
    luma.sleep(OVER, KEY)
    for number in range(1, len(jobs) + 1):
        again = _create(luma, "A sunset over the ocean")
        if again.response.status != 201:
            what = f"{number} of {len(jobs)} slots not free {OVER:.0f} s later, unpolled"
            luma.fail(f"{what}  [429 — Concurrent job limit exceeded]", again)


def _ready(luma: Luma) -> None:
    luma.needs_free()
    for role in (KEY, "fast-clock"):
        if (why := luma.judging.target.missing(role)) is not None:
            not_judged(why)
    if luma.shared:
        not_judged("workers share this key's client; run the limits without -n")


def _fill(luma: Luma, prompt: str) -> list[Exchange]:
    """Returns the jobs it takes to be refused, after whatever was running is over."""
    luma.sleep(OVER, KEY)
    jobs: list[Exchange] = []
    while len(jobs) < MANY:
        exchange = _create(luma, prompt)
        if exchange.response.status != 201:
            break
        jobs.append(exchange)
    if exchange.response.status == 201:
        not_judged(f"{KEY} has room for {MANY} jobs and more")
    if detail_of(exchange.response) != CONCURRENCY or not jobs:
        luma.fail(f"expected 429 {CONCURRENCY} once the slots of {KEY} are taken", exchange)
    return jobs


def _create(luma: Luma, prompt: str) -> Exchange:
    return luma.exchange(luma.request(body=json.dumps({"prompt": prompt}).encode(), role=KEY), at_once=True)


def _state(luma: Luma, job: Exchange) -> object:
    created = body_of(job.response)
    name = created.get("id") if isinstance(created, dict) else ""
    headers = (("Authorization", f"Bearer {luma.judging.target.token(KEY)}"), ("X-Request-Id", "slots"))
    body = body_of(luma.exchange(Request(method="GET", url=f"/v1/generations/{name}", headers=headers)).response)
    return body.get("state") if isinstance(body, dict) else None
