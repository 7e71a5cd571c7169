"""Conducts made by hand: what a client did in a scenario of the kit's own, request by request, at which times."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

from luma_conformance.clients.answers import draw_output
from luma_conformance.clients.conduct import Conduct, Seen
from luma_conformance.clients.evidence import read_member
from luma_conformance.clients.files import own
from luma_conformance.clients.scenario import End, Reply, Route, Scenario, Task
from luma_conformance.clients.verdict import Found, judge
from luma_conformance.model import Headers, Request, Response

KEY = "luma-api-conformance-0123456789abcdef"
PROMPT = "A lighthouse at dawn"
BEARER = ("Authorization", f"Bearer {KEY}")
FILE = draw_output()
STORAGE = "http://127.0.0.1:2"
LONG_AGO = "11111111-1111-4111-8111-111111111111"
EXPIRED = Response(status=403, headers=(("Content-Type", "application/xml"),), body=b"<Error>expired</Error>")

SCENARIOS = {one.id: one for one in own()}


@dataclass
class Acting:
    """A client in a scenario: each method adds what it does next."""

    scenario: Scenario
    seen: list[Seen] = field(default_factory=list)
    numbers: Counter[Route] = field(default_factory=Counter)
    made: int = 0
    url: str = ""

    def post(self, at: float, body: object = None, **changes: Any) -> Acting:
        """Submit at a time; the prompt is that of the task unless another body is given."""
        data = json.dumps({"prompt": PROMPT} if body is None else body).encode()
        return self.ask(Route.CREATE, at, Request(method="POST", url="/v1/generations", body=data), **changes)

    def poll(self, at: float, **changes: Any) -> Acting:
        """Poll the latest generation; one that has failed stays so."""
        request = Request(method="GET", url=f"/v1/generations/{self.generation}")
        replies = [one.reply for one in self.seen if one.request.url == request.url]
        failed = [one for one in replies if read_member(one.response.body, "state") == "failed"]
        return self.ask(Route.POLL, at, request, reply=failed[0] if failed else None, **changes)

    def fetch(self, at: float, url: str | None = None, **changes: Any) -> Acting:
        """Download the first output of the latest poll, or another URL."""
        return self.ask(Route.DOWNLOAD, at, Request(method="GET", url=url or self.url), keyed=False, **changes)

    def look(self, path: str, at: float) -> Acting:
        """Ask the API for what no task needs."""
        reply = Reply(says="404 Not found", response=Response(status=404, headers=(), body=b'{"detail":"Not found"}'))
        return self.ask(Route.OTHER, at, Request(method="GET", url=path), reply=reply)

    @property
    def generation(self) -> str:
        """The id of the latest generation."""
        return LONG_AGO if self.scenario.task is Task.DOWNLOAD else f"{self.made:08d}-0000-4000-8000-000000000000"

    def ask(
        self,
        route: Route,
        at: float,
        request: Request,
        *,
        headers: Headers = (),
        keyed: bool = True,
        takes: float = 0.01,
        abandoned: bool = False,
        reply: Reply | None = None,
    ) -> Acting:
        """Add a request that arrives at a time, and is answered so many seconds later as the scenario says."""
        expired = [one.output_url for one in self.seen if one.reply.is_expired]
        if route is Route.DOWNLOAD and request.url in expired:
            reply = Reply(says="403 expired", response=EXPIRED)
        if reply is None:
            script = self.scenario.scripts[route]
            used = sum(one.route is route for one in self.seen)
            if route is Route.DOWNLOAD:
                used -= sum(one.request.url in expired for one in self.seen)
            reply = script.first[used] if used < len(script.first) else script.then
        self.made += reply.creates
        self.numbers[route] += 1
        filled, url = self._fill(reply)
        self.seen.append(
            Seen(
                route=route,
                number=self.numbers[route],
                request=replace(request, headers=headers or ((BEARER,) if keyed else ())),
                reply=filled,
                connection=1,
                arrived=1000 + at,
                read=1000 + at,
                answered=1000 + at + takes,
                output_url=url,
                abandoned=abandoned,
            )
        )
        self.url = url or self.url
        return self

    def _fill(self, reply: Reply) -> tuple[Reply, str | None]:
        body, number = reply.response.body.replace(b"{generation-id}", self.generation.encode()), 0
        first = None
        while b"{output-url}" in body:
            url = f"{STORAGE}/{self.generation}/{len(self.seen)}-{number}.png?X-Amz-Signature=a"
            body, first, number = body.replace(b"{output-url}", url.encode(), 1), first or url, number + 1
        return replace(reply, response=replace(reply.response, body=body)), first

    def ends(
        self, status: int | None, output: str | None = None, *, wrote: bytes | None = None, after: float = 0.5
    ) -> Conduct:
        """Return the conduct; without an `output` what a good client prints: ids, and texts of errors."""
        seen = tuple(sorted(self.seen, key=lambda one: one.arrived))
        last = max((one.answered for one in seen), default=1000.0)
        first = min((one.arrived for one in seen), default=1000.0)
        given = {
            "LUMA_BASE_URL": "http://127.0.0.1:1/v1",
            "LUMA_AGENTS_API_KEY": KEY,
            "LUMA_TASK": str(self.scenario.task),
            "LUMA_PROMPT": PROMPT,
            "LUMA_GENERATION_ID": LONG_AGO,
        }
        return Conduct(
            given=given,
            seen=seen,
            status=status,
            output="\n".join(map(_print_well, seen)) if output is None else output,
            written=wrote,
            seconds=last - first + after,
        )


def _print_well(seen: Seen) -> str:
    if seen.reply.end is not End.WHOLE or seen.route is Route.DOWNLOAD:
        return ""
    return seen.reply.response.body.decode()


def act(scenario: str) -> Acting:
    """Return a client at the beginning of a scenario of the kit's own."""
    return Acting(SCENARIOS[scenario])


def found(scenario: str, conduct: Conduct) -> Found:
    """Return the verdict on a conduct in a scenario of the kit's own."""
    return judge(SCENARIOS[scenario], conduct)
