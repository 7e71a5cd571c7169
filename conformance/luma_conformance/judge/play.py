"""Playing a case against a target: bind placeholders, send the steps, save the values later steps need.

It stops at the first wrong answer. It does no I/O of its own: requests and waiting go through the target's channel.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from luma_conformance import paths
from luma_conformance.catalogue.grammar import find_placeholders, match_placeholder
from luma_conformance.catalogue.media import LARGE_NAMES, supply, write
from luma_conformance.catalogue.roles import KEYS, MAIN_KEY, ROLES, is_supplied
from luma_conformance.errors import ExchangeError, NotRecorded
from luma_conformance.judge.answers import EveryResponse, body_of, is_settled, judge_step
from luma_conformance.judge.lent import JOBS_KEY, find_doubt, find_wait
from luma_conformance.judge.patience import Patience
from luma_conformance.judge.preparation import NoPreparation, Preparation
from luma_conformance.judge.rate_limit import WINDOW
from luma_conformance.judge.severity import worst_severity
from luma_conformance.model import (
    ABSENT,
    Ask,
    Auth,
    Case,
    Exchange,
    Facet,
    Mismatch,
    Outcome,
    Request,
    Response,
    Result,
    Severity,
    Step,
    Verdict,
)
from luma_conformance.target.channel import Channel
from luma_conformance.target.profile import Profile

PLAIN_PROMPT: Final = "A sunset over the ocean"
"""A prompt that any target accepts."""

_UNQUOTED = frozenset(string.ascii_letters + string.digits + "-._~{}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Whatever is judged: how to reach it, what its profile offers, and what the kit prepares on it itself.

    `run` begins every X-Request-Id. `patience` says how long its generations are polled for, and remembers those that
    did not end.
    """

    channel: Channel
    profile: Profile
    run: str
    preparation: Preparation = field(default_factory=NoPreparation)
    patience: Patience = field(default_factory=Patience)

    def missing(self, role: str) -> str | None:
        """Return why a role is not offered, or None; what can be prepared is prepared first, between two items."""
        why = self.profile.missing(role)
        return None if why is None else self.preparation.missing(role, why, self.channel)

    def might_offer(self, role: str) -> bool:
        """Return whether a role may turn out to be offered; nothing is prepared, and nothing is sent."""
        return self.profile.missing(role) is None or self.preparation.might_fill(role)

    def key_role(self, role: str) -> str:
        """Return the role whose key is sent for a role: its own, or that of the key which serves in its place."""
        return role if role in self.profile.keys else self.preparation.value(role)

    def token(self, role: str) -> str:
        """Return the API key of a role."""
        return self.profile.keys[self.key_role(role)].token

    def value(self, name: str) -> str:
        """Return what a placeholder stands for: what the kit supplies, the profile offers or the kit has prepared."""
        if is_supplied(name):
            return supply(name)
        return self.profile.values[name] if name in self.profile.values else self.preparation.value(name)


def find_unmet_need(case: Case, target: Target) -> str | None:
    """Return why a case cannot be judged on a target, or None.

    A role it needs is not offered, or not of its kind, or it needs a generation to end such as one that did not.
    """
    needs = (role for role in case.needs if role not in _find_spared(case, target))
    missing = next((why for role in needs if (why := target.missing(role))), None)
    return missing or _find_misuse(case, target.profile) or target.patience.find_unmet(case)


def _find_spared(case: Case, target: Target) -> tuple[str, ...]:
    """Return the role a case can do without if another key serves: to fill its slots, any prompt's job may do."""
    lent = JOBS_KEY in case.needs and JOBS_KEY not in target.profile.keys
    return ("processing-prompt",) if lent and "processing-prompt" not in target.profile.values else ()


def _find_misuse(case: Case, profile: Profile) -> str | None:
    """Return which role of somebody's own a case takes for a key or for a text, where the profile has it otherwise."""
    own = {role for role in case.needs if role not in ROLES}
    for ask in (step.ask for step in case.steps if own):
        if ask.auth.role in own and ask.auth.role not in profile.keys:
            return f"{ask.auth.role} is sent as a key, and the profile has none of that name under [keys]"
        for name in (*find_placeholders(ask.body), *find_placeholders(ask.url.split("/"))):
            if name in own and name not in profile.values:
                return f"{name} is sent as a text, and the profile has none of that name under [values]"
    return None


def play(case: Case, target: Target, every: EveryResponse, *, exact: bool = True) -> Result:
    """Return the result of a case on a target that offers all it needs; a case that was not recorded is not judged.

    The case ends with the first step that differs or, unless `exact`, with the first that differs in more than wording.
    """
    try:
        target.channel.begin_item(case.id, case)
        result = _weigh(_play(case, target, every, exact=exact), target)
    except NotRecorded as error:
        return Result(case=case, verdict=Verdict(outcome=Outcome.NOT_JUDGED, reason=str(error)))
    if result.verdict.outcome is Outcome.FAIL and (doubt := _find_time_doubt(result, target)) is not None:
        return replace(result, verdict=Verdict(outcome=Outcome.NOT_JUDGED, reason=doubt))
    return result


def _find_time_doubt(result: Result, target: Target) -> str | None:
    """Return why the time that a failed case let pass may not have passed at the target, or None."""
    steps = result.case.steps
    waits = any(step.wait for step in steps)
    if not waits and not any(step.repeat is not None and step.repeat.every for step in steps):
        return None
    if waits:
        _poll_again(result, target)
    doubts = target.channel.find_time_doubts()
    of_several = len({step.ask.auth.role for step in steps if step.ask.url.startswith("/")}) > 1
    return doubts.clock or (doubts.urls if waits else None) or (doubts.clients if of_several else None)


def _poll_again(result: Result, target: Target) -> None:
    """Send the last poll of a case again, because its answer tells what time it is after the wait; it costs nothing."""
    for exchange in reversed(result.exchanges):
        request = exchange.request
        if request.method == "GET" and request.url.startswith("/") and exchange.response.status == 200:
            try:
                target.channel.exchange(request)
            except (ExchangeError, NotRecorded):
                return  # then it tells nothing
            return


def _weigh(result: Result, target: Target) -> Result:
    """Return the result, or, if another key served and its answers prove nothing, one that is not judged."""
    for role in result.case.needs:
        if role in KEYS and role not in target.profile.keys and (doubt := find_doubt(role, result)) is not None:
            reason = f"{target.key_role(role)} cannot serve as {role}: {doubt}"
            target.preparation.withdraw(role, reason)
            return replace(result, verdict=Verdict(outcome=Outcome.NOT_JUDGED, reason=reason))
    return result


def _play(case: Case, target: Target, every: EveryResponse, *, exact: bool) -> Result:
    played = _Progress(case, target)
    for number, step in enumerate(case.steps, start=1):
        target.channel.begin_step(number)
        try:
            exchanges = played.step(step)
        except ExchangeError as error:
            broken = Mismatch(
                facet=Facet.SEQUENCE, where="exchange", why=str(error), step=number, rests_on=case.section
            )
            return played.result(mismatches=(broken,))
        judgement = judge_step(case, number, exchanges, played.saved, every)
        played.notes += judgement.notes
        if not exact and worst_severity(judgement.mismatches) is Severity.SHOULD:
            played.keep_wording(judgement.mismatches)
        elif judgement.mismatches:
            return played.result(mismatches=judgement.mismatches)
        if unsaved := played.save(number, step, exchanges[-1].response):
            return played.result(mismatches=(unsaved,))
    return played.result()


def bind(ask: Ask, value: Callable[[str], object], token: Callable[[str], str], request_id: str) -> Request:
    """Return the request a case describes, with every placeholder replaced by its value."""

    def value_or_name(name: str) -> object:
        return f"{{{name}}}" if name in LARGE_NAMES else value(name)  # `write` puts in what has 70 MB

    body = b"" if ask.body is ABSENT else write(fill(ask.body, value_or_name))
    typed = [("Content-Type", "application/json")] if body else []
    traced = [("X-Request-Id", request_id)] if ask.url.startswith("/") else []
    own = [*_authorization(ask.auth, token), *typed, *traced]
    names = {name.lower() for name in ask.headers}
    headers = [(name, text) for name, text in own if name.lower() not in names]
    headers += [(name, text) for name, text in ask.headers.items() if text is not None]
    return Request(method=ask.method, url=_fill_url(ask.url, value), headers=tuple(headers), body=body)


def fill(document: object, value: Callable[[str], object]) -> object:
    """Return JSON data with every `"{name}"` replaced by the value of that name."""
    if isinstance(document, dict):
        return {name: fill(member, value) for name, member in document.items()}
    if isinstance(document, list):
        return [fill(element, value) for element in document]
    name = match_placeholder(document)
    return document if name is None else value(name)


def _fill_url(url: str, value: Callable[[str], object]) -> str:
    if "{" not in url:
        return url
    quoted = _one_segment if url.startswith("/") else str
    named = ((segment, match_placeholder(segment)) for segment in url.split("/"))
    return "/".join(segment if name is None else quoted(str(value(name))) for segment, name in named)


def _one_segment(text: str) -> str:
    """Return a text as one segment of a path, so that an id the target made cannot lead elsewhere."""
    quoted = (chr(byte) if chr(byte) in _UNQUOTED else f"%{byte:02X}" for byte in text.encode())
    return "%2E" * len(text) if text in (".", "..") else "".join(quoted)


def _authorization(auth: Auth, token: Callable[[str], str]) -> tuple[tuple[str, str], ...]:
    credentials = token(auth.role) if auth.role is not None else auth.token
    return () if credentials is None else (("Authorization", f"{auth.scheme} {credentials}".strip()),)


class _Progress:
    """A case being played: the values its steps saved, and every exchange so far."""

    def __init__(self, case: Case, target: Target) -> None:
        self.saved: dict[str, object] = {}
        self.notes: tuple[str, ...] = ()
        self._case, self._target = case, target
        self._role = MAIN_KEY
        self._made: object = None
        self._exchanges: list[Exchange] = []
        self._worded: tuple[tuple[Mismatch, ...], tuple[Exchange, ...]] | None = None

    def step(self, step: Step) -> list[Exchange]:
        """Send one step, repeatedly if it says so, and return its exchanges."""
        if (role := step.ask.auth.role) is not None:  # an output file has no key: time passes for its owner
            self._role = self._target.key_role(role)
        if step.wait:
            self._target.channel.sleep(step.wait, self._role)
        exchanges = [self._send(step)]
        if step.ask.method == "POST":
            self._made = step.ask.body
        if (repeat := step.repeat) is None:
            return exchanges
        patience = self._target.patience
        while (
            not patience.is_over(repeat, exchanges)
            and not is_settled(repeat, exchanges[-1].response)
            and exchanges[-1].response.status in repeat.meanwhile
        ):
            if repeat.every:
                self._target.channel.sleep(repeat.every, self._role)
            exchanges.append(self._send(step))
        patience.note(repeat, self._made, exchanges)
        return exchanges

    def save(self, number: int, step: Step, response: Response) -> Mismatch | None:
        """Save the values the step names; return a mismatch if the answer lacks one."""
        body = body_of(response) if step.save else None
        for name, path in step.save.items():
            found = paths.get(body, path)
            if not (isinstance(found, str) and found and found.isprintable()):
                why = f"has no printable text at {path}, which a later step needs"
                rests_on = self._case.section
                return Mismatch(facet=Facet.BODY, where="body", why=why, step=number, rests_on=rests_on)
            self.saved[name] = found
        return None

    def keep_wording(self, mismatches: tuple[Mismatch, ...]) -> None:
        """Keep the first differences in wording, and the exchanges up to them."""
        self._worded = self._worded or (mismatches, tuple(self._exchanges))

    def result(self, mismatches: tuple[Mismatch, ...] = ()) -> Result:
        """Return the result of the case; without other differences, those in wording count."""
        exchanges = tuple(self._exchanges)
        if not mismatches and self._worded:
            mismatches, exchanges = self._worded
        outcome = Outcome.FAIL if mismatches else Outcome.PASS
        verdict = Verdict(outcome=outcome, mismatches=mismatches, notes=self.notes)
        return Result(case=self._case, verdict=verdict, exchanges=exchanges)

    def _send(self, step: Step) -> Exchange:
        target = self._target
        request_id = f"{target.run}-{self._case.slug}-{len(self._exchanges) + 1}"
        request = bind(step.ask, self._value, target.token, request_id)
        awaits_429 = 429 in (*step.expect.status, *(step.repeat.meanwhile if step.repeat else ()))
        exchange = target.channel.exchange(request, at_once=awaits_429)
        began = self._exchanges[0].sent if self._exchanges else exchange.sent
        lent = step.ask.auth.role if step.ask.auth.role not in target.profile.keys else None
        while awaits_429 and lent is not None and exchange.sent - began < WINDOW:
            if (seconds := find_wait(lent, exchange.response)) is None:
                break
            target.channel.sleep(seconds, self._role)
            exchange = target.channel.exchange(request, at_once=True)
        self._exchanges.append(exchange)
        return exchange

    def _value(self, name: str) -> object:
        if name in _find_spared(self._case, self._target):
            return PLAIN_PROMPT
        return self.saved[name] if name in self.saved else self._target.value(name)


def make_lookup(values: Mapping[str, str], supply: Callable[[str], str]) -> Callable[[str], str]:
    """Return the lookup of placeholders: first the values the kit supplies, then those of a profile."""
    return lambda name: supply(name) if is_supplied(name) else values[name]
