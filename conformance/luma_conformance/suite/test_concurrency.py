"""The concurrent-job limit: a job holds its slot while it runs and no longer, whether it is polled or not."""

from __future__ import annotations

import json
from typing import Final

from luma_conformance.judge.answers import FINAL_STATES, body_of, detail_of
from luma_conformance.judge.rate_limit import CONCURRENCY, RPM
from luma_conformance.model import Exchange, Request
from luma_conformance.properties.luma_target import LumaTarget, not_judged

KEY: Final = "low-concurrency-key"
MANY: Final = 50
"""Jobs; a client with room for more than this has no small limit."""
OVER: Final = 3661.0
"""Seconds after which no job is active any more: an hour, and the minute that a refusal asks to wait."""


def test_a_running_job_keeps_its_slot(luma_target: LumaTarget) -> None:
    """While polls show that the jobs are running, another one is refused, however late it comes."""
    _ready(luma_target)
    if (why := luma_target.session.target.missing("queued-prompt")) is not None:
        not_judged(why)
    jobs = _fill(luma_target, luma_target.session.target.value("queued-prompt"))
    for seconds in (1.0, 60.0, 600.0):
        luma_target.sleep(seconds, KEY)
        again = _create(luma_target, "A sunset over the ocean")
        running = [job for job in jobs if _state(luma_target, job) not in FINAL_STATES]
        if again.response.status == 201 and len(running) == len(jobs):
            luma_target.fail(
                f"admitted while all {len(jobs)} jobs were still running  [429 — Concurrent job limit exceeded]", again
            )


def test_a_job_that_is_over_gives_its_slot_back_without_a_poll(luma_target: LumaTarget) -> None:
    """When jobs are over, as many are admitted again, even if none was polled."""
    _ready(luma_target)
    jobs = _fill(luma_target, "A sunset over the ocean")
    luma_target.sleep(OVER, KEY)
    for number in range(1, len(jobs) + 1):
        again = _create(luma_target, "A sunset over the ocean")
        if again.response.status != 201:
            what = f"{number} of {len(jobs)} slots not free {OVER:.0f} s later, unpolled"
            luma_target.fail(f"{what}  [429 — Concurrent job limit exceeded]", again)


def _ready(luma_target: LumaTarget) -> None:
    luma_target.skip_unless_free()
    for role in (KEY, "fast-clock"):  # a key of its own: no other may serve, whose client does more than this
        if (why := luma_target.session.target.profile.missing(role)) is not None:
            not_judged(why)
    if luma_target.is_shared:
        not_judged("workers share this key's client; run the limits without -n")


def _fill(luma_target: LumaTarget, prompt: str) -> list[Exchange]:
    """Wait until no job is running, then create jobs until one is refused; return the admitted ones."""
    luma_target.sleep(OVER, KEY)
    jobs: list[Exchange] = []
    while len(jobs) < MANY:
        exchange = _create(luma_target, prompt)
        if exchange.response.status != 201:
            break
        jobs.append(exchange)
    if exchange.response.status == 201:
        not_judged(f"{KEY} has room for {MANY} jobs and more")
    if detail_of(exchange.response) == RPM:
        not_judged(f"the rate limit of {KEY} came first: it is tighter, or jobs are over too soon to take the slots")
    if detail_of(exchange.response) != CONCURRENCY or not jobs:
        luma_target.fail(f"expected 429 {CONCURRENCY} once the slots of {KEY} are taken", exchange)
    return jobs


def _create(luma_target: LumaTarget, prompt: str) -> Exchange:
    return luma_target.exchange(
        luma_target.request(body=json.dumps({"prompt": prompt}).encode(), role=KEY), at_once=True
    )


def _state(luma_target: LumaTarget, job: Exchange) -> object:
    created = body_of(job.response)
    name = created.get("id") if isinstance(created, dict) else ""
    headers = (("Authorization", f"Bearer {luma_target.session.target.token(KEY)}"), ("X-Request-Id", "slots"))
    body = body_of(luma_target.exchange(Request(method="GET", url=f"/v1/generations/{name}", headers=headers)).response)
    return body.get("state") if isinstance(body, dict) else None
