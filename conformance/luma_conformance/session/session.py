"""Opens what a run judges, and judges cases on it: the one place where the edges are put together."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from pathlib import Path

from luma_conformance.catalogue import files as casefiles
from luma_conformance.catalogue.media import supply
from luma_conformance.catalogue.roles import MAIN_KEY
from luma_conformance.errors import CouldNotJudge, InputError, ProfileError
from luma_conformance.judge.answers import EveryResponse
from luma_conformance.judge.deviations import LINE, Deviations, graded
from luma_conformance.judge.explain import answered, answered_last, explain, told
from luma_conformance.judge.play import Target, offered, play, unmet
from luma_conformance.judge.severity import lenient
from luma_conformance.model import Case, Clock, Exchange, Mismatch, Outcome, Request, Result, Transport, Verdict
from luma_conformance.redaction.redactor import Overhearing, Redactor, printable
from luma_conformance.target.bounds import Bounds
from luma_conformance.target.channel import LiveChannel, Passing
from luma_conformance.target.http import HttpTransport, RealClock, is_loopback
from luma_conformance.target.pacing import Pacing
from luma_conformance.target.preflight import preflight
from luma_conformance.target.profile import Key, Profile, bare_profile, load_profile, parse_profile
from luma_conformance.target.spending import Spending

CASSETTE = "cassette:"
"""How a base URL begins that names the file of a recording."""
WELL_KNOWN = "/.well-known/luma-conformance.toml"
"""Where a server on this machine may publish its own profile, test keys only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the user asked to have judged, and how.

    `timeout` is in seconds, `spend` in accepted generations; not `exact`: another wording is a warning. `record` is the
    file that keeps the exchanges; `max_age` is how old a recording may be, in seconds. `redactor` is
    what the run writes through; the target's secrets are added to it.
    """

    base_url: str | None = None
    profile: Path | None = None
    spend: int = 0
    timeout: float = 30.0
    exact: bool = True
    announce: Callable[[str], None] = print
    record: Path | None = None
    max_age: float | None = None
    redactor: Redactor = field(default_factory=Redactor)
    deviations: Deviations = field(default_factory=Deviations)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """One target under judgement, and what it takes to judge it; to be closed."""

    shown: str
    base_url: str
    main_key: Key
    target: Target
    spending: Spending
    scrub: Callable[[str], str]
    close: Callable[[], None]
    profile: str | None = None
    remote: bool = False
    recorded: bool = False
    exact: bool = True
    deviations: Deviations = field(default_factory=Deviations)
    every: EveryResponse = field(default_factory=lambda: EveryResponse(casefiles.own().holdings))

    @classmethod
    def begin(cls, wanted: Wanted) -> Judging:
        """Opens the target and makes sure it can be judged; raises InputError or CouldNotJudge."""
        if (wanted.base_url or "").startswith(CASSETTE):
            return cls._played(wanted)
        profile = load_profile(wanted.profile, os.environ) if wanted.profile is not None else None
        given = str(wanted.profile) if wanted.profile is not None else None
        base_url = wanted.base_url or (profile.base_url if profile else None)
        if base_url is None:
            return replace(cls._embedded(profile, wanted), profile=given)
        transport = HttpTransport(base_url, bounds=Bounds(total=wanted.timeout))
        try:
            return replace(cls._live(base_url, transport, profile, wanted), profile=given)
        except BaseException:
            transport.close()
            raise

    @classmethod
    def _played(cls, wanted: Wanted) -> Judging:
        from luma_conformance.session.tape import play

        if wanted.profile is not None or wanted.record is not None:
            other = "--luma-profile" if wanted.profile is not None else "--luma-record"
            raise InputError(f"{other} does not go with a recording, which has its profile in it and is not recorded")
        if wanted.base_url == CASSETTE:
            raise InputError(f"{CASSETTE} names no file; write {CASSETTE}run.har")
        return play(Path(str(wanted.base_url).removeprefix(CASSETTE)), wanted)

    @classmethod
    def _embedded(cls, profile: Profile | None, wanted: Wanted) -> Judging:
        from luma_conformance.reference import InProcess, Settings, profile_path

        # Its time stands still unless told to pass, so nothing leaves the main client's window or slots.
        transport = InProcess(Settings(rpm=10**9, concurrency=10**9))
        profile = profile or load_profile(profile_path(), {})
        if why := profile.missing(MAIN_KEY):
            raise CouldNotJudge(f"there is no key to ask the embedded reference with: {why}")
        spending = Spending(transport, limit=None)
        target = _target(spending, transport.clock, profile)
        return cls._of("the embedded reference, in process", InProcess.base_url, target, spending, profile, wanted)

    @classmethod
    def _live(cls, base_url: str, transport: HttpTransport, profile: Profile | None, wanted: Wanted) -> Judging:
        loopback = is_loopback(base_url)
        if profile is None and loopback:
            profile = _published(transport)
        profile = profile or bare_profile(os.environ)
        if why := profile.missing(MAIN_KEY):
            preflight(transport, None)
            raise CouldNotJudge(f"there is no key to ask {base_url} with: {why}")
        heard = Overhearing(transport, wanted.redactor)
        spending = Spending(heard, limit=None if loopback else wanted.spend)
        target = _target(spending, RealClock(), profile, wanted.announce)
        shown = f"{base_url}, {profile.name}"
        judging = cls._of(shown, base_url, target, spending, profile, wanted, transport.close)
        judging.check()
        return replace(judging, remote=True)

    @classmethod
    def _of(
        cls,
        shown: str,
        base_url: str,
        target: Target,
        spending: Spending,
        profile: Profile,
        wanted: Wanted,
        close: Callable[[], None] = lambda: None,
    ) -> Judging:
        redactor = wanted.redactor
        redactor.add(profile.secrets)
        judging = Judging(
            shown=shown,
            base_url=base_url,
            main_key=profile.keys[MAIN_KEY],
            target=target,
            spending=spending,
            scrub=lambda text: printable(redactor.scrub(text)),
            close=close,
            exact=wanted.exact,
            deviations=wanted.deviations,
        )
        if wanted.record is None:
            return judging
        from luma_conformance.session.tape import record

        return record(judging, profile, wanted.record, redactor)

    def run(self, case: Case) -> Result:
        """Returns what a case comes to; raises CouldNotJudge when the target went away meanwhile."""
        reason = unmet(case, self.target) or self._unaffordable(case)
        if reason is not None:
            return Result(case=case, verdict=Verdict(outcome=Outcome.NOT_JUDGED, reason=reason))
        result = play(case, self.target, self.every, exact=self.exact)
        if any(mismatch.where == "exchange" for mismatch in result.verdict.mismatches):
            self.check()
        last = answered_last(result)
        result = graded(result, self.deviations, lambda mismatch: self.told(mismatch, last))
        return result if self.exact else lenient(result, casefiles.own())

    def told(self, mismatch: Mismatch, exchange: Exchange | None) -> str:
        """Returns what is wrong with an answer, in the words by which a deviation is known."""
        if mismatch.facet in LINE and exchange is not None:
            return answered(exchange.response, self.scrub)
        return ": ".join(told(mismatch, self.scrub))

    def check(self) -> None:
        """Makes sure the target can be judged at all; raises CouldNotJudge. A recording always can."""
        if self.recorded:
            return
        try:
            preflight(self.spending, f"Bearer {self.main_key.token}", key=self.main_key.source)
        except CouldNotJudge as error:
            raise CouldNotJudge(self.scrub(str(error))) from None

    @property
    def spent(self) -> int:
        """How many generations somebody is charged for."""
        return 0 if self.spending.limit is None else self.spending.spent

    @property
    def overspent(self) -> str | None:
        """Why the run must end: the target accepted more than the user allowed; or None."""
        if not self.spending.exhausted:
            return None
        return (
            f"the target accepted {self.spending.spent} generation(s) and --luma-spend allows {self.spending.limit}; "
            "the last one was expected to be refused"
        )

    def explain(self, result: Result) -> str:
        """Returns why a case failed, for a person, without secrets."""
        return explain(result, casefiles.own(), self.base_url, self.scrub, self.profile)

    def _unaffordable(self, case: Case) -> str | None:
        if case.cost == 0 or self.spending.allows(case.cost):
            return None
        return "would cost money: more generations than --luma-spend allows"


def _target(
    transport: Transport, clock: Clock, profile: Profile, announce: Callable[[str], None] | None = None
) -> Target:
    ask = _time_request(profile) if profile.clock is not None else None
    passing = Passing(transport=transport, clock=clock, ask=ask, announce=announce)
    patient = transport
    if announce is not None:
        main = _MainClock(clock, passing)
        patient = Pacing(transport, main, announce=announce, per_minute=profile.requests_per_minute)
    return Target(
        channel=LiveChannel(transport=transport, patient=patient, passing=passing),
        value=offered(profile.values, supply),
        token=lambda role: profile.keys[role].token,
        missing=profile.missing,
        run=f"luma-{uuid.uuid4().hex[:8]}",
    )


def _published(transport: Transport) -> Profile | None:
    """Returns the profile a server on this machine publishes, or None; it may hold test keys, never read a variable."""
    try:
        response = transport.send(Request(method="GET", url=WELL_KNOWN))
        if response.status != HTTPStatus.OK:
            return None
        return parse_profile(response.body.decode(), f"the profile it publishes at {WELL_KNOWN}", {})
    except (ProfileError, UnicodeDecodeError):
        return None  # preflight says what is wrong with a target, if anything is


@dataclass(frozen=True, slots=True)
class _MainClock:
    """The time of the main key's client, to wait by for its rate limit."""

    clock: Clock
    passing: Passing

    def now(self) -> float:
        return self.clock.now()

    def sleep(self, seconds: float) -> None:
        self.passing.sleep(seconds, MAIN_KEY)


def _time_request(profile: Profile) -> Callable[[float, str], Request]:
    """Returns what makes the requests by which a target's time passes, as its profile says."""

    def request(seconds: float, role: str) -> Request:
        assert profile.clock is not None
        authorization = ("Authorization", f"Bearer {profile.keys[role].token}")
        headers = (authorization, ("Content-Type", "application/json"))
        return Request(method="POST", url=profile.clock.path, headers=headers, body=profile.clock.filled(seconds))

    return request
