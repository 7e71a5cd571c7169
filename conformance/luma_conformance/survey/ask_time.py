"""Questions about time: finished generations, the clock, and prompts that decide what becomes of a generation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from luma_conformance.catalogue.roles import FAILURE_CODES, MAIN_KEY
from luma_conformance.errors import CouldNotJudge, ExchangeError
from luma_conformance.judge.answers import FINAL_STATES, member_of
from luma_conformance.model import Response
from luma_conformance.session.open import check_session_clock
from luma_conformance.survey.ask_media import tell_acceptance
from luma_conformance.survey.asker import PATIENCE, PROMPT, Asker, name_of
from luma_conformance.survey.claims import Claim, Finding, false, true, unasked, unclear
from luma_conformance.target.profile import CLIENT, SERVER

SCOPE: Final = "clock.scope"
"""The name of the claim about whose time a clock moves, which is no role."""
FAILING: Final = {f"{code.replace('_', '-')}-prompt": code for code in FAILURE_CODES}
STAYING: Final = {"queued-prompt": "queued", "processing-prompt": "processing"}

LEAST: Final = 5.0
"""Seconds for which a generation is left alone, at least, that is to stay as it is."""
_AT_ONCE: Final = 3
"""Generations waited for at the same time, fewer than any target is likely to allow."""
_POLLS: Final = 3
"""Lookups of a generation that is to stay: in some mocks it goes on by being looked at."""
_AHEAD: Final = 100
_STILL: Final = 600
"""Seconds by which a clock is moved: to see whether it does, and whether a generation stays as it is."""
_OTHERS: Final = ("other-key", "low-rpm-key", "low-concurrency-key")
"""Keys of other clients than main-key's."""


def ask_generation(asker: Asker, role: str) -> Claim:
    """Return whether main-key's client has a completed generation of the id the profile has."""
    name = asker.session.target.profile.values[role]
    answer = asker.look_up(name)
    kind, state = asker.show(member_of(answer, "type")), asker.show(member_of(answer, "state"))
    if answer.status != 200:
        return false(role, f"main-key's client has none of that id: {asker.describe(answer)}")
    if state != "completed" or not kind.startswith("video" if role == "completed-video" else "image"):
        return false(role, f"it is of type {kind} and in state {state}")
    asker.ours = asker.ours or name
    return true(role, f"a completed generation of type {kind}")


def ask_clock(asker: Asker, role: str) -> Claim:
    """Return whether the clock answers, and moves time."""
    try:
        check_session_clock(asker.session)
    except CouldNotJudge as error:
        return false(role, str(error))
    if not asker.allows(2):
        return unclear(role, "it answers; whether it moves time was not asked, which would cost money")
    passed = _watch(asker, MAIN_KEY)
    if passed is None:
        return unclear(role, "it answers; whether it moves time cannot be told without a created_at")
    if passed < _AHEAD:
        return false(role, f"it answers, and created_at moves by {passed:.0f} s where {_AHEAD} s were to pass")
    asker.fast = True
    return true(role, "it answers and moves time")


def ask_scope(asker: Asker, scope: str) -> Claim:
    """Return whether the clock moves the time of all clients, or of one, as its scope says."""
    missing = asker.session.target.profile.missing
    other = next((one for one in _OTHERS if missing(one) is None and asker.look_up_nothing(one).status == 404), None)
    if other is None:
        return unclear(SCOPE, f'"{scope}" was not asked: there is no key of another client')
    passed = _watch(asker, other) if asker.allows(2) else None
    if passed is None:
        return unclear(SCOPE, f'"{scope}" cannot be told')
    seen = SERVER if passed >= _AHEAD else CLIENT
    moves = "moves the time of other clients too" if seen == SERVER else "does not move the time of other clients"
    finding = Finding.TRUE if seen == scope else Finding.FALSE
    return Claim(role=SCOPE, finding=finding, text=f"it {moves}", value=None if seen == scope else f'"{seen}"')


def _watch(asker: Asker, role: str) -> float | None:
    """Return how far the time of a key's client moves while main-key's is moved; None if it cannot be told."""
    before = _read_time(asker.create({"prompt": PROMPT}, role, at_once=True))
    asker.session.target.channel.sleep(_AHEAD, MAIN_KEY)
    after = _read_time(asker.create({"prompt": PROMPT}, role, at_once=True))
    # Times in whole seconds may have lost a part of one.
    return None if before is None or after is None else after - before + 1


def _read_time(created: Response) -> float | None:
    """Return when a generation was created, in Unix seconds, as its answer says; None if it does not."""
    try:
        return datetime.fromisoformat(str(member_of(created, "created_at"))).timestamp()
    except ValueError:
        return None


@dataclass(slots=True, kw_only=True)
class Prompts:
    """Asks for prompts, of whose generations a few are begun at a time."""

    asker: Asker
    notify: Callable[[str], None]
    _jobs: dict[str, Response] = field(default_factory=dict, init=False)
    _broken: dict[str, str] = field(default_factory=dict, init=False)

    def begin(self, roles: Iterable[str]) -> Iterator[str]:
        """Yield the prompts as each may be looked at, having begun the generations of a few."""
        waiting = [*roles]
        while waiting:
            some, waiting = waiting[:_AT_ONCE], waiting[_AT_ONCE:]
            for role in some:
                self._begin(role)
            yield from some

    def wait(self) -> None:
        """Let so much time pass that an ordinary generation would have ended."""
        still = _STILL if self.asker.fast else min(max(LEAST, 3 * self.asker.longest), PATIENCE)
        self.asker.sleep(still)

    def tell_failure(self, role: str) -> Claim:
        """Return whether the generation of a prompt fails with its code."""
        if isinstance(name := self._find_job(role), Claim):
            return name
        answer = self.asker.settle(name)
        state, code = (self.asker.show(member_of(answer, name)) for name in ("state", "failure_code"))
        if state not in FINAL_STATES:
            return unclear(role, f"its generation does not end; it is in state {state}")
        if state == "failed" and code == FAILING[role]:
            return true(role, f"fails with {code}")
        return false(role, f"fails with {code}" if state == "failed" else f"its generation ends as {state}")

    def tell_stay(self, role: str) -> Claim:
        """Return whether the generation of a prompt is still in the state it is to stay in."""
        if isinstance(name := self._find_job(role), Claim):
            return name
        for _ in range(_POLLS):
            state = self.asker.show(member_of(self.asker.look_up(name), "state"))
        return true(role, f"stays {state}") if state == STAYING[role] else false(role, f"its generation is {state}")

    def _begin(self, role: str) -> None:
        profile = self.asker.session.target.profile
        if profile.missing(role) is None and self.asker.allows():
            self.notify(role)
            try:
                self._jobs[role] = self.asker.create({"prompt": profile.values[role]})
            except ExchangeError as error:
                self._broken[role] = str(error)

    def _find_job(self, role: str) -> str | Claim:
        """Return the id of a prompt's generation, or the claim where there is none."""
        if role in self._broken:
            return unclear(role, f"asking broke: {self._broken[role]}")
        if role not in self._jobs:
            return unasked(role)
        return name_of(self._jobs[role]) or tell_acceptance(self.asker, role, self._jobs[role])

    @property
    def begun(self) -> bool:
        """Whether any generation was begun."""
        return bool(self._jobs)
