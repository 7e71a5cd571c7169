"""Both limits together: clients create, poll, wait and finish in any order, and each trace is judged."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Final

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from luma_conformance.judge.answers import body_of
from luma_conformance.judge.explain import describe_trace
from luma_conformance.judge.job_limit import GRACE, TTL, judge_job_limit
from luma_conformance.judge.rate_limit import Contradiction, judge_rate_limit
from luma_conformance.model import Exchange, Request
from luma_conformance.properties.luma_target import LumaTarget, not_judged
from luma_conformance.properties.machine import Machine, run_machine

RPM_KEY: Final = "low-rpm-key"
JOBS_KEY: Final = "low-concurrency-key"
OVER: Final = TTL + GRACE + 1
"""Seconds after which nothing a client did before counts any more."""
PROMPT: Final = "A sunset over the ocean"


class Clients(Machine):
    """Two clients with different small limits on one server; time passes separately for each."""

    def __init__(self) -> None:
        super().__init__()
        self.traces: defaultdict[str, list[Exchange]] = defaultdict(list)
        self.jobs: list[tuple[str, str]] = []
        self.begun: set[str] = set()
        self.failed = False

    @rule(role=st.sampled_from((RPM_KEY, JOBS_KEY)), count=st.integers(1, 4))
    def create(self, role: str, count: int) -> None:
        """Create generations, one after another."""
        self.steps.append(("create", role, count))
        for _ in range(count):
            self._ask(role, PROMPT)

    @rule()
    def create_one_that_stays(self) -> None:
        """Create a generation that keeps its slot."""
        self.steps.append(("create_one_that_stays",))
        self._ask(JOBS_KEY, self.luma_target.value("queued-prompt") or PROMPT)

    @precondition(lambda self: not self.failed)
    @rule()
    def create_one_that_fails(self) -> None:
        """Create a generation that fails, see it fail, and create another once the slot has to be free; once a run."""
        self.steps.append(("create_one_that_fails",))
        self.failed = True
        self._ask(JOBS_KEY, self.luma_target.value("generation-failed-prompt") or PROMPT)
        self.luma_target.sleep(GRACE, JOBS_KEY)
        if self.jobs:
            self._poll(*self.jobs[-1])
        self.luma_target.sleep(GRACE + 1, JOBS_KEY)
        self._ask(JOBS_KEY, PROMPT)

    @rule(role=st.sampled_from((RPM_KEY, JOBS_KEY)))
    def ask_wrongly(self, role: str) -> None:
        """Send a request that is refused whatever the limits; whether it uses quota is open."""
        self.steps.append(("ask_wrongly", role))
        self._ask(role, "")

    @precondition(lambda self: self.jobs)
    @rule(which=st.integers(0, 9))
    def poll(self, which: int) -> None:
        """Poll one of the last jobs."""
        self.steps.append(("poll", which))
        self._poll(*self.jobs[-1 - which % len(self.jobs)])

    @rule(role=st.sampled_from((RPM_KEY, JOBS_KEY)), seconds=st.sampled_from((1, 10, 20, 40, 54, 56, 58, 59, 60, 61)))
    def wait(self, role: str, seconds: int) -> None:
        """Let time pass for one of the clients."""
        self.steps.append(("wait", role, seconds))
        self._begin(role)
        self.luma_target.sleep(seconds, role)

    @rule()
    def finish(self) -> None:
        """Let enough time pass for every job to be over, whether it is polled or not."""
        self.steps.append(("finish",))
        self._begin(JOBS_KEY)
        self.luma_target.sleep(OVER, JOBS_KEY)

    def check_end(self) -> None:
        """Poll the last jobs once more, and judge each client's trace as a whole."""
        for role, name in self.jobs[-10:]:
            self._poll(role, name)
        for trace in self.traces.values():
            since = trace[0].sent - OVER
            report = judge_rate_limit(trace, since=since)
            self.luma_target.observe(report.observed)
            self._refute(trace, (*report.contradictions, *judge_job_limit(trace, since=since)))

    def _refute(self, trace: list[Exchange], contradictions: tuple[Contradiction, ...]) -> None:
        if contradictions:
            smallest = min(contradictions, key=lambda found: len(found.exchanges))
            self.luma_target.fail(describe_trace(smallest, trace), trace[smallest.exchanges[-1]])

    def _poll(self, role: str, name: str) -> None:
        headers = (
            ("Authorization", f"Bearer {self.luma_target.session.target.token(role)}"),
            ("X-Request-Id", "limits"),
        )
        lookup = Request(method="GET", url=f"/v1/generations/{name}", headers=headers)
        self.traces[role].append(self.luma_target.exchange(lookup))

    def _ask(self, role: str, prompt: str) -> None:
        self._begin(role)
        body = json.dumps({"prompt": prompt}).encode()
        exchange = self.luma_target.exchange(self.luma_target.request(body=body, role=role), at_once=True)
        self.traces[role].append(exchange)
        created = body_of(exchange.response)
        if exchange.response.status == 201 and isinstance(created, dict):
            self.jobs.append((role, str(created.get("id"))))

    def _begin(self, role: str) -> None:
        """Let enough time pass for a client's earlier requests and jobs to be over, once."""
        if role not in self.begun:
            self.begun.add(role)
            self.luma_target.sleep(OVER, role)


def test_clients_keep_to_their_limits_and_to_no_others(luma_target: LumaTarget) -> None:
    """Whatever two clients do, each is admitted or refused because of its own requests and jobs only."""
    luma_target.skip_unless_free()
    for role in (RPM_KEY, JOBS_KEY, "fast-clock"):
        if (why := luma_target.session.target.profile.missing(role)) is not None:  # keys of two clients: no others
            not_judged(why)
    if luma_target.is_shared:
        not_judged("workers share these keys' clients; run the limits without -n")
    run_machine(luma_target, Clients, share=0.1, steps=14)
