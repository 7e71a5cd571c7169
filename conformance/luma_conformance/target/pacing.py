"""Keeping within the limits of a live target: waiting for its rate limit as announced, and polling for a free slot."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from luma_conformance.model import GENERATIONS_PATH, Request, Response, Transport, header
from luma_conformance.reading.strict_json import parse_json
from luma_conformance.target.channel import LONG, Passing
from luma_conformance.target.usage import LONGEST, Quota, Usage, is_about_jobs, retry_after

TRIES: Final = 3
"""How many times, at least, a request that was answered 429 is sent again."""
FIRST: Final = 0.2
SELDOM: Final = 2.0
"""Seconds between the first two looks at the generations whose end is waited for, and later ones: jobs of a mock take a
second, those of the live API minutes."""
PATIENCE: Final = 300.0
"""Seconds one generation may take, if the user does not say otherwise."""


@dataclass(kw_only=True)
class Traffic:
    """A Transport that notes what each client uses of its limits; it never waits.

    `roles` has the role of each Authorization header, for messages; `per_minute` is the user's own limit for each key.
    `count` and `seconds` are those of all exchanges so far. Of several `workers` of the run, which use the same
    clients, it serves number `worker`.
    """

    transport: Transport
    passing: Passing
    roles: Mapping[str, str] = field(default_factory=dict)
    per_minute: int | None = None
    worker: int = 0
    workers: int = 1
    count: int = 0
    seconds: float = 0.0
    _usage: dict[str, Usage] = field(default_factory=dict)

    def send(self, request: Request) -> Response:
        """Send a request at once, and note what its answer shows of the limits."""
        began = self.passing.clock.now()
        response = self.transport.send(request)
        self.count += 1
        self.seconds += self.passing.clock.now() - began
        self.usage(request).note(request, self.passing.now(request), response)
        return response

    def usage(self, request: Request) -> Usage:
        """Return the use of the limits by the client that sends a request."""
        key = header(request.headers, "Authorization") or ""
        if (usage := self._usage.get(key)) is None:
            role = self.roles.get(key, "a key that is no role's")
            quota = Quota(own=self.per_minute, worker=self.worker, workers=self.workers)
            usage = self._usage[key] = Usage(role=role, quota=quota)
        return usage

    def usage_of(self, role: str) -> Usage | None:
        """Return the use of the limits by the client of a role's key; None if nothing was sent with it."""
        return next((usage for usage in self._usage.values() if usage.role == role), None)


@dataclass(kw_only=True)
class Pacing:
    """A Transport that waits for the limits of each client; cases about 429 bypass it, and send by the Traffic.

    `patience` is how many seconds are waited for one of the kit's own generations to end. `show` is called with a text
    while it waits. `shared`: other workers of the run use the same clients, and their jobs may end at any time.
    """

    traffic: Traffic
    patience: float = PATIENCE
    shared: bool = False
    show: Callable[[str], object] = str

    def send(self, request: Request) -> Response:
        """Wait for the client's limits, send, and send again after a 429, which has created nothing."""
        usage = self.traffic.usage(request)
        if request.method == "POST" and not usage.given_up:
            self._wait_ahead(request, usage)
        response = self.traffic.send(request)
        tries, waited = 0, 0.0
        while response.status == 429 and not usage.given_up:
            about_jobs = request.method == "POST" and is_about_jobs(response)
            seconds = retry_after(response)
            if seconds is None and not (about_jobs and usage.jobs):
                break
            if waited >= self.patience if about_jobs and usage.jobs else tries >= TRIES and waited >= LONGEST:
                usage.given_up = True  # it would be the same with every request to come
                break
            if about_jobs:
                longest = seconds or LONGEST
                waited += self._await_slot(request, usage, min(longest, 2.0**tries) if self.shared else longest)
            else:
                usage.quota.limits_all |= not _may_create(request)
                waited += self._wait(request, seconds or 0.0, _describe_limit(usage))
                self._wait_ahead(request, usage)  # what others may do by then, a worker's own share may not allow yet
            tries += 1
            response = self.traffic.send(request)
        return response

    def _await_slot(self, request: Request, usage: Usage, longest: float) -> float:
        """Wait until one of the client's generations ends, or as long as it takes those of others; return how long."""
        if usage.jobs:
            return self._await_end(request, usage, min(longest, self.patience))
        return self._wait(request, longest, f"for somebody else's jobs with {usage.role} to end: too many run at once")

    def _wait_ahead(self, request: Request, usage: Usage) -> None:
        """Wait for what the request is known to lack, so that it need not be refused first."""
        if usage.is_full and _may_create(request):
            self._await_end(request, usage, self.patience)
        now = self.traffic.passing.now(request)
        seconds = usage.quota.next_slot(now) - now
        if seconds > 0 and not (usage.quota.spares_refused and not _may_create(request)):
            self._wait(request, seconds, _describe_limit(usage))

    def _await_end(self, request: Request, usage: Usage, longest: float) -> float:
        """Poll the client's generations until one has ended, `longest` seconds at most; return the time it took."""
        passing = self.traffic.passing
        waited, pause = 0.0, FIRST if passing.ask is None else 1.0  # a clock is advanced by whole seconds
        while not self._find_ended(request, usage):
            usage.slots = max(usage.slots or 0, len(usage.jobs))
            if waited >= longest:
                break
            if waited >= LONG:
                which = f"one of the {len(usage.jobs)} running generations of {usage.role}"
                self.show(f"waiting for {which} to end: too many concurrent jobs ({waited:.0f} s so far)")
            passing.wait(pause, request)
            waited, pause = waited + pause, min(1.2 * pause, SELDOM)
        self.show("")
        return max(waited, FIRST)

    def _find_ended(self, request: Request, usage: Usage) -> bool:
        """Poll the client's generations, the oldest first, until one is over; return whether one is."""
        authorization = ("Authorization", header(request.headers, "Authorization") or "")
        for name in [*usage.jobs]:
            headers = (authorization, ("X-Request-Id", "luma-conformance-pacing"))
            self.traffic.send(Request(method="GET", url=f"{GENERATIONS_PATH}/{name}", headers=headers))
            if name not in usage.jobs:
                return True
        return not usage.jobs

    def _wait(self, request: Request, seconds: float, why: str) -> float:
        """Wait, and return how long."""
        if seconds > 0:
            self.traffic.passing.wait(seconds, request, why)
        return max(seconds, 0.0)


def _describe_limit(usage: Usage) -> str:
    quota = usage.quota
    known = [limit for limit in (quota.limit, quota.own) if limit is not None]
    return f"for the rate limit of {usage.role}{f', {min(known)} a minute' if known else ''}"


def _may_create(request: Request) -> bool:
    """Return whether the page lets a request pass, so that it needs a slot."""
    from luma_conformance.rules import Rejected, predict  # few targets have limits that matter

    try:
        return not isinstance(predict(parse_json(request.body)), Rejected)
    except ValueError:
        return False
