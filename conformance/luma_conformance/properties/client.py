"""A client whose every request is kept, each with the context it was sent in, for the judges of limits."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, NoReturn

from luma_conformance.catalogue.roles import MAIN_KEY
from luma_conformance.judge.answers import detail_of, find_always_wrong, member_of
from luma_conformance.judge.explain import describe_trace
from luma_conformance.judge.rate_limit import CONCURRENCY, RPM, Contradiction
from luma_conformance.model import Exchange, Headers, Request, Response
from luma_conformance.properties.asking import NOBODYS
from luma_conformance.properties.luma_target import LumaTarget
from luma_conformance.properties.made_ids import check_made
from luma_conformance.strategies import jobs
from luma_conformance.strategies.jobs import Row, describe, list_features, plain_bodies

PROMPT: Final = "A sunset over the ocean"
SOON: Final = 5.0
"""Seconds in which another client's job may fail."""
_SENT: Final[Mapping[str, Headers]] = {
    jobs.CLOSED: (("Connection", "close"),),
    jobs.AGENT: (("User-Agent", "another-client/1.0"), ("x-stainless-retry-count", "1")),
    jobs.ADDRESS: (("X-Forwarded-For", "203.0.113.7"),),
    jobs.TYPED: (("Content-Type", "application/json; charset=utf-8"),),
}
_PROMPTS: Final = (f"{PROMPT}, seen for long{' and longer' * 60}", PROMPT, "null", PROMPT)
"""Prompts that nothing depends on: among the usual ones a long one, and a word that a server may take for no value."""
TRACED: Final = 3
"""Of so many requests one has an X-Request-Id, if nothing is said of it: ids that are made have to differ."""


@dataclass(kw_only=True)
class Client:
    """The client of a key: its exchanges in order, and by their place the context of each in words."""

    luma_target: LumaTarget
    role: str
    trace: list[Exchange] = field(default_factory=list)
    contexts: dict[int, str] = field(default_factory=dict)
    _last: str = field(default="", init=False)
    _made: set[str] = field(default_factory=set, init=False)

    def create(self, row: Row, context: str = "") -> Exchange:
        """Ask for a generation in a context, after what comes before it there."""
        self._let_happen(row.get("meantime", ""))
        material, kind = self.luma_target.material, row.get("kind") or "image"
        body: dict[str, Any] = {"prompt": self.prompt_of(row), **plain_bodies(material)[kind]}
        if row.get("with"):
            body |= list_features(kind, material)[row["with"]]
        if row.get("user"):
            body["user_id"] = row["user"]
        return self._ask(body, row.get("sender", ""), context or describe(row))

    def prompt_of(self, row: Row) -> str:
        """Return the prompt of a job that ends as the row says."""
        end = row.get("end") or jobs.COMPLETED
        named = None if end == jobs.COMPLETED else self.luma_target.value(f"{end.replace('_', '-')}-prompt")
        return named or _PROMPTS[len(self.trace) % len(_PROMPTS)]

    def poll(self, job: Exchange) -> Exchange:
        """Poll one of the client's jobs, for which there is no limit that it could reach here."""
        return self._poll(_id_of(job.response))

    def _poll(self, generation_id: str) -> Exchange:
        request = make_lookup(self.luma_target, generation_id, self.role)
        if len(self.trace) % TRACED:
            request = _without(request, "X-Request-Id")
        polled = self.luma_target.exchange(request, at_once=True)
        check_made(self.luma_target, polled, "a poll")
        self.trace.append(polled)
        if polled.response.status == 429 and (detail := detail_of(polled.response)) in (RPM, CONCURRENCY):
            context = next(reversed(self.contexts.values()), "a request")
            self.luma_target.fail(f"a poll after {context}: expected 200, got 429 {detail}  [Rate limiting]", polled)
        return polled

    def sleep(self, seconds: float) -> None:
        """Let time pass for the client."""
        self.luma_target.sleep(seconds, self.role)

    def check_answers(self) -> None:
        """Raise NonConformance where an answer lacks in its context what others have."""
        named = enumerate(self.trace)
        check_alike(self.luma_target, [(self.contexts.get(number, "a poll"), exchange) for number, exchange in named])

    def refute(self, contradictions: Sequence[Contradiction], heading: str, context: str = "") -> None:
        """Raise NonConformance with the first contradiction and the context of its request, if there is any."""
        if contradictions:
            first = min(contradictions, key=lambda found: (found.exchanges[-1], len(found.exchanges)))
            self.accuse(first, heading, context or self._describe(first.exchanges[-1]))

    def _describe(self, index: int) -> str:
        """Return the context of an exchange, and that of the one before: what was wrong with it may show only now."""
        before = [self.contexts[one] for one in self.contexts if one < index]
        return f"{self.contexts.get(index, '')} (before it: {before[-1]})" if before else self.contexts.get(index, "")

    def accuse(self, found: Contradiction, heading: str, context: str) -> NoReturn:
        """Raise NonConformance: in what context what is wrong, and the exchanges that show it."""
        what, _, rows = describe_trace(found, self.trace).partition("\n")
        text = f"{context}: {what}  [{heading}]\n{rows}"
        self.luma_target.fail(self.luma_target.session.scrub(text), self.trace[found.exchanges[-1]])

    def _ask(self, body: Mapping[str, Any], sender: str, context: str) -> Exchange:
        number = len(self.trace)
        request_id = "limits" if sender == jobs.TRACED_ALIKE else f"limits-{number}"
        request = self.luma_target.request(body=_encode(body), role=self.role, request_id=request_id)
        for name, text in _SENT.get(sender, ()):
            request = replace(request, headers=(*_without(request, name).headers, (name, text)))
        if sender == jobs.UNTRACED or (sender != jobs.TRACED_ALIKE and number % TRACED):
            request = _without(request, "X-Request-Id")
        exchange = self.luma_target.exchange(request, at_once=True)
        check_made(self.luma_target, exchange, context)
        self.trace.append(exchange)
        self.contexts[number] = context
        if exchange.response.status == 201:
            self._last = self._check_new(exchange, context)
        return exchange

    def _check_new(self, created: Exchange, context: str) -> str:
        """Return the id of a generation; raise NonConformance if an earlier one has it: nothing was created."""
        name = _id_of(created.response)
        if name in self._made and name != "None":
            what = "201 with the id of an earlier generation, so that none was created"
            self.luma_target.fail(f"{context}: {what}  [201 — Created (success)]", created)
        self._made.add(name)
        return name

    def _let_happen(self, what: str) -> None:
        """Let something happen that has no effect on the client's limits."""
        target, refused = self.luma_target, {"prompt": ""}
        if what in (jobs.OWN_REFUSAL, jobs.OWN_MISFIT):
            misfit = {"prompt": PROMPT, "style": "manga", "aspect_ratio": "1:1"}
            self._ask(refused if what == jobs.OWN_REFUSAL else misfit, "", what)
        elif what in jobs.OWN_TROUBLE:
            if (url := target.material.trouble.get(jobs.OWN_TROUBLE[what])) is not None:
                self._ask({"prompt": PROMPT, "image_ref": [{"url": url}]}, "", what)
        elif what == jobs.OWN_LOOKUP:
            self._poll(NOBODYS)
        elif what == jobs.NOBODYS_REQUEST:
            target.exchange(_without(target.request(body=_encode({"prompt": PROMPT})), "Authorization"), at_once=True)
        elif what == jobs.OTHERS_FAILURE:
            failing = target.value("generation-failed-prompt") or PROMPT
            job = target.exchange(target.request(body=_encode({"prompt": failing})))
            target.sleep(SOON, MAIN_KEY)
            target.exchange(make_lookup(target, _id_of(job.response), MAIN_KEY))
        elif what in (jobs.OTHERS_REQUEST, jobs.OTHERS_REFUSAL):
            body = refused if what == jobs.OTHERS_REFUSAL else {"prompt": PROMPT}
            target.exchange(target.request(body=_encode(body)))
        elif what and self._last:
            if what == jobs.OWN_POLL:
                self._poll(self._last)
            else:
                target.exchange(make_lookup(target, self._last, MAIN_KEY))


def check_alike(luma_target: LumaTarget, named: Sequence[tuple[str, Exchange]]) -> None:
    """Raise NonConformance where an answer is wrong whatever was asked, and others to the like are not.

    What is wrong with all of them has nothing to do with their contexts: cases of the catalogue find it.
    """
    found = [(who, one, find_always_wrong(one, luma_target.session.every)) for who, one in named]
    usual: dict[tuple[str, int], set[str]] = {}
    for _, one, wrong in found:
        kind, wheres = (one.request.method, one.response.status), {mismatch.where for mismatch in wrong}
        usual[kind] = usual.get(kind, wheres) & wheres
    for who, one, wrong in found:
        for mismatch in wrong:
            if mismatch.where not in usual[one.request.method, one.response.status]:
                luma_target.fail(f"{who}: {mismatch.where}: {mismatch.why}", one)


def make_lookup(luma_target: LumaTarget, generation_id: str, role: str) -> Request:
    """Return the poll of a generation with the key of a role."""
    headers = (("Authorization", f"Bearer {luma_target.session.target.token(role)}"), ("X-Request-Id", "lookup"))
    return Request(method="GET", url=f"/v1/generations/{generation_id}", headers=headers)


def _id_of(created: Response) -> str:
    return str(member_of(created, "id"))


def _encode(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body).encode()


def _without(request: Request, name: str) -> Request:
    return replace(request, headers=tuple(pair for pair in request.headers if pair[0] != name))
