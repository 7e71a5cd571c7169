"""A server as somebody might write it in an afternoon: limits, jobs, presigned URLs, right or wrong in one thing.

It shares nothing with the reference. Its time is a number that passes when somebody sleeps, so that nothing is waited
for, and moves on a little with every request.
"""

from __future__ import annotations

import json
import math
import uuid
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from hypothesis import Phase, settings

from luma_conformance.judge.play import Target
from luma_conformance.model import Headers, Request, Response, header
from luma_conformance.properties.fuzzing import Fuzzing
from luma_conformance.properties.luma_target import LumaTarget, begin
from luma_conformance.session.session import Session
from luma_conformance.target.channel import LiveChannel, Passing
from luma_conformance.target.profile import Key, Profile
from luma_conformance.target.spending import Spending
from tests.verdicts import SHOW

SERVER, CLIENT, NONE = "server", "client", None
KEYS = ("main-key", "other-key", "low-rpm-key", "low-concurrency-key")
FILES = "https://files.test/"
STAYS, FAILS = "stay queued", "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unshrunk(Fuzzing):
    """Fuzzing that stops at the first example that fails: here it matters only whether there is one."""

    def settings(self, share: float) -> settings:
        """Return Hypothesis' settings for a property that takes a share of the examples."""
        return settings(Fuzzing.settings(self, share), phases=[Phase.explicit, Phase.generate])


@dataclass(kw_only=True)
class SmallServer:
    """A server, the clock of the machine it runs on, and what is wrong with it.

    `scope` is for whom its clock is advanced: all, one client, or nobody: it has no clock. `dead`: the clock answers
    and moves nothing. `unreached` names what the clock does not move, `ahead` says how far it is ahead of ours.
    `frozen` is the time at which it stands between advances.
    """

    scope: str | None
    dead: bool = False
    unreached: str = ""
    wrong: str = ""
    ahead: float = 0.3
    latency: float = 0.004
    job: float = 1.0
    frozen: float | None = None
    time: float = 1_790_000_000.25
    advanced: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    counted: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)

    def now(self) -> float:
        """Return the time by our clock."""
        return self.time

    def sleep(self, seconds: float) -> None:
        """Let time pass everywhere."""
        self.time += seconds

    def send(self, request: Request) -> Response:
        """Answer a request; half of the latency is on the way there."""
        self.time += self.latency / 2
        response = self.answer(request)
        self.time += self.latency / 2
        return response

    def time_of(self, client: str, what: str = "") -> float:
        """Return what time it is for a client, or for something of its that the clock may not reach."""
        moved = not self.dead and not (what and what == self.unreached)
        runs = self.time if self.frozen is None else self.frozen
        return runs + self.ahead + (self.advanced["all" if self.scope == SERVER else client] if moved else 0)

    def answer(self, request: Request) -> Response:
        client = (header(request.headers, "Authorization") or "").removeprefix("Bearer ")
        if request.url.startswith(FILES):
            return self.serve(request.url)
        if request.url == "/admin/clock":
            if self.scope is None:
                return say(404, {"detail": "Not Found"})
            self.advanced["all" if self.scope == SERVER else client] += json.loads(request.body)["seconds"]
            return say(200, {})
        if request.method == "POST":
            return self.create(client, json.loads(request.body))
        job = self.jobs.get(request.url.rpartition("/")[2])
        return say(404, {"detail": "Generation not found"}) if job is None else say(200, self.view(job))

    def create(self, client: str, body: dict[str, Any]) -> Response:
        if not body["prompt"]:
            return say(400, {"detail": "Prompt must be between 1 and 6000 characters"})
        now = self.time_of(client)
        limit = 3 if client == "low-rpm-key" else 1000
        since = now - now % 60 - 0.001 if self.wrong == "fixed window" else now - 60
        window = self.counted[client] = [moment for moment in self.counted[client] if moment > since]
        if len(window) >= limit:
            opens = since + 120 if self.wrong == "fixed window" else window[0] + 60
            wait = max(1, math.ceil(opens - now)) - (5 if self.wrong == "lying Retry-After" else 0)
            retry = ("Retry-After", str(max(1, wait)))
            return say(429, {"detail": "Rate limit exceeded"}, (retry, *rates(limit, 0, math.ceil(opens))))
        if client == "low-concurrency-key" and self.runs(client, now):
            return say(429, {"detail": "Too many concurrent jobs"}, (("Retry-After", "60"),))
        window.append(now)
        made = datetime.fromtimestamp(self.time_of(client, "created_at"), UTC)
        job = {"id": str(uuid.uuid4()), "client": client, "at": now, "prompt": body["prompt"]}
        job |= {"created_at": made.isoformat(timespec="seconds"), "model": body.get("model", "uni-1")}
        job["type"] = body.get("type", "image")
        self.jobs[job["id"]] = job
        headers = rates(limit, limit - len(window), math.floor(now) + 60)
        return say(201, {**self.view(job), "state": "queued", "output": []}, headers)

    def runs(self, client: str, now: float) -> bool:
        own = [job for job in self.jobs.values() if job["client"] == client]
        if self.wrong == "slot never free":
            return bool(own)
        kept = {STAYS, FAILS} if self.wrong == "failed job keeps its slot" else {STAYS}
        return any(now - job["at"] < (3600 if job["prompt"] in kept else self.job) for job in own)

    def view(self, job: Mapping[str, Any]) -> dict[str, Any]:
        """Return a generation as it is now."""
        over = self.time_of(job["client"]) - job["at"] >= self.job and job["prompt"] != STAYS
        failed = over and job["prompt"] == FAILS
        told = {name: job[name] for name in ("id", "type", "created_at", "model")}
        output = [{"type": job["type"].partition("_")[0], "url": self.sign(job)}] if over and not failed else []
        state = "failed" if failed else "completed" if over else "queued"
        failure = ("generation_failed", "It did not work") if failed else (None, None)
        told |= {"failure_code": failure[0], "failure_reason": failure[1]}
        return {**told, "state": state, "output": output}

    def sign(self, job: Mapping[str, Any]) -> str:
        now = job["at"] if self.wrong == "stale URL" else self.time_of(job["client"], "urls")
        return f"{FILES}{job['id']}?X-Amz-Date={datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%SZ}&X-Amz-Expires=3600"

    def serve(self, url: str) -> Response:
        job = self.jobs[url.removeprefix(FILES).partition("?")[0]]
        signed = datetime.strptime(url.partition("X-Amz-Date=")[2][:16], "%Y%m%dT%H%M%S%z").timestamp()
        age = self.time_of(job["client"], "urls") - signed
        return Response(status=200 if age < 3600 or self.wrong == "URL for ever" else 403)


def say(status: int, body: object, headers: Headers = ()) -> Response:
    """Return a response with a JSON body."""
    return Response(status=status, headers=headers, body=json.dumps(body).encode())


def rates(limit: int, left: int, reset: int) -> Headers:
    """Return the three headers of the rate limit."""
    names = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
    return tuple(zip(names, map(str, (limit, left, reset)), strict=True))


def advance(seconds: int, authorization: str) -> Request:
    """Return the request that advances the small server's clock."""
    body = json.dumps({"seconds": seconds}).encode()
    return Request(method="POST", url="/admin/clock", headers=(("Authorization", authorization),), body=body)


def judge_small(server: SmallServer, *, profile: str | None = "", examples: int = 30) -> LumaTarget:
    """Return a small server as properties see it; `profile` says the scope of its clock where it says another."""
    scope = server.scope if profile == "" else profile
    spending = Spending(server, limit=None)
    ask = None if scope is None else advance
    passing = Passing(transport=spending, clock=server, ask=ask, shared=scope == SERVER)
    offered = Profile(
        name="a profile",
        keys={role: Key(token=role, source="a test") for role in KEYS},
        values={"queued-prompt": STAYS, "generation-failed-prompt": FAILS, "completed-image": _make_completed(server)},
        offers=frozenset({"fast-clock"} if ask else ()),
    )
    session = Session(
        shown="a small server",
        base_url="http://127.0.0.1:1",
        target=Target(
            channel=LiveChannel(transport=passing, patient=passing, passing=passing), profile=offered, run="t"
        ),
        spending=spending,
        scrub=SHOW,
    )
    return begin(session, Unshrunk(examples=examples, real_time=ask is None))


def _make_completed(server: SmallServer) -> str:
    created = server.create("main-key", {"prompt": "A lighthouse"})
    name = str(json.loads(created.body)["id"])
    server.jobs[name]["at"] -= 2
    return name
