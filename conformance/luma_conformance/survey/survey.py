"""What a target offers, asked of the target itself: which claims of its profile are true, and what it leaves out.

What is wrong with an answer, a header or a word, is for the cases to judge; here it only matters whether the target can
be asked with a key, a URL or a prompt what the profile says that it can.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from luma_conformance.catalogue.roles import EITHER, GENERATIONS, MAIN_KEY, MEDIA, OFFERS, ROLES
from luma_conformance.errors import ExchangeError
from luma_conformance.model import Request
from luma_conformance.session.open import WELL_KNOWN, Options, open_session
from luma_conformance.session.session import Session
from luma_conformance.survey import ask_keys, ask_time
from luma_conformance.survey.ask_media import NOWHERE, ask_media, ask_offer
from luma_conformance.survey.asker import Asker
from luma_conformance.survey.claims import Claim, Finding, unclear
from luma_conformance.target.profile import BARE, FAST_CLOCK, ClockAdvance, Profile

EXAMPLES: Final[Mapping[str, str]] = {
    "image-url": "https://example.com/photo.jpg",
    "video-url": "https://example.com/source.mp4",
    "missing-url": "https://example.com/deleted-image.jpg",
    "pdf-url": "https://example.com/document.pdf",
    "unreachable-url": NOWHERE,
}
"""The page's own examples, which a mock may know, and a host that cannot exist."""
_MADE: Final = "the profile names none; where creating is free, a run makes its own"


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """All that was found: the target as it is shown, its base URL, the text of a profile it publishes, the claims."""

    shown: str
    base_url: str
    published: str | None
    claims: tuple[Claim, ...]


def survey(options: Options, notify: Callable[[str], None] = lambda _: None) -> Findings:
    """Return what was found at a target; raise InputError, or CouldNotJudge where there is nothing to ask."""
    profiles: list[Profile] = []

    def note(claimed: Profile, published: Profile | None, *, loopback: bool) -> Profile:
        profiles.append(claimed)
        return _widen(claimed, published) if loopback else claimed

    session = open_session(replace(options, widen=note))
    try:
        published = None
        if session.profile is None and profiles[0].name != BARE:
            published = session.spending.send(Request(method="GET", url=WELL_KNOWN)).body.decode()
        claims = Survey(session=session, claimed=profiles[0], notify=notify).ask()
        return Findings(shown=session.shown, base_url=session.base_url, published=published, claims=claims)
    finally:
        session.close()


def _widen(claimed: Profile, published: Profile | None) -> Profile:
    """Return a profile with what may be true beside it: what the target publishes, and a few examples."""
    more = published or claimed
    return replace(
        claimed,
        keys={**more.keys, **claimed.keys},
        values={**EXAMPLES, **more.values, **claimed.values},
        offers=claimed.offers | more.offers | {"large-uploads", "hdr-access"},
        clock=claimed.clock or more.clock,
    )


@dataclass(slots=True, kw_only=True)
class Survey:
    """Asks a session's target for every role; `claimed` is what its profile says, `notify` hears of each question."""

    session: Session
    claimed: Profile
    notify: Callable[[str], None]
    _asker: Asker = field(init=False)

    def __post_init__(self) -> None:
        self._asker = Asker(session=self.session)

    def ask(self) -> tuple[Claim, ...]:
        """Return what was found, in the order of the roles; raise CouldNotJudge if the target goes away meanwhile."""
        found = {claim.role: claim for claim in self._ask_all()}
        found |= {name: _choose(name, [found[role] for role in any_of]) for name, any_of in EITHER.items()}
        return tuple(found.pop(role) for role in ROLES if role in found) + tuple(found.values())

    def _ask_all(self) -> Iterator[Claim]:
        """Yield every claim; what others build on comes first, what keeps a slot of main-key's client last."""
        yield from (self._put(role, ask_time.ask_generation) for role in GENERATIONS)
        yield (clock := self._put(FAST_CLOCK, ask_time.ask_clock))
        if clock.finding is Finding.TRUE and self.claimed.clock is not None:
            yield ask_time.ask_scope(self._asker, self.claimed.clock.scope)
        for role in ("revoked-key", "expired-key", "suspended-key", "deactivated-key"):
            yield self._put(role, ask_keys.ask_refused_key)
        yield from (self._put(role, ask_keys.ask_neighbour) for role in ("second-key", "other-key"))
        yield self._put("unfunded-key", ask_keys.ask_unfunded)
        yield self._put(MAIN_KEY, ask_keys.ask_main)
        yield from (self._put(role, ask_media) for role in MEDIA)
        yield from (self._put(role, ask_offer) for role in OFFERS if role != FAST_CLOCK)
        yield self._put("low-rpm-key", ask_keys.ask_low_rpm)
        yield self._put("low-concurrency-key", ask_keys.ask_low_concurrency)
        yield from (self._put(role, ask_keys.ask_own) for role in self.claimed.roles)
        yield from self._ask_prompts()

    def _ask_prompts(self) -> Iterator[Claim]:
        failing = ask_time.Prompts(asker=self._asker, notify=self.notify)
        for role in failing.begin(ask_time.FAILING):
            yield self._put(role, lambda _, role: failing.tell_failure(role))
        staying = ask_time.Prompts(asker=self._asker, notify=self.notify)
        roles = [*staying.begin(ask_time.STAYING)]
        if staying.begun:
            staying.wait()
        yield from (self._put(role, lambda _, role: staying.tell_stay(role)) for role in roles)

    def _put(self, role: str, ask: Callable[[Asker, str], Claim]) -> Claim:
        """Return the claim about a role, asked where the profile, or what it was widened by, has it."""
        why = self.claimed.missing(role)
        if self.session.target.profile.missing(role) is not None:
            return self._describe_missing(role)
        self.notify(role)
        try:
            claim = ask(self._asker, role)
        except ExchangeError as error:
            self.session.check()
            claim = unclear(role, f"asking broke: {error}")
        if why is None:
            return claim
        if claim.finding is not Finding.TRUE:
            return self._describe_missing(role)
        return replace(claim, finding=Finding.FOUND, value=self._spell(role))

    def _describe_missing(self, role: str) -> Claim:
        why = (self.claimed.missing(role) or "").removeprefix(f"{role}: ")
        return Claim(role=role, finding=Finding.MISSING, text=_MADE if role in GENERATIONS else why)

    def _spell(self, role: str) -> str:
        """Return what a profile says of a role that was found, in TOML."""
        profile = self.session.target.profile
        if role == FAST_CLOCK:
            return _spell_clock(profile.clock)
        if role in profile.keys:
            return f'{{test_key = "{profile.keys[role].token}"}}'
        return json.dumps(profile.values[role]) if role in profile.values else "true"


def _choose(name: str, claims: Sequence[Claim]) -> Claim:
    """Return the claim about what any one of several roles offers."""
    for finding in (Finding.TRUE, Finding.UNCLEAR, Finding.FOUND, Finding.UNASKED):
        if given := [claim.role for claim in claims if claim.finding is finding]:
            return Claim(role=name, finding=finding, text=" or ".join(given))
    return Claim(role=name, finding=Finding.MISSING, text=f"neither {' nor '.join(claim.role for claim in claims)}")


def _spell_clock(clock: ClockAdvance | None) -> str:
    """Return the members of a profile's [clock]; JSON's strings are TOML's too."""
    assert clock is not None
    texts = {
        "advance": clock.path, "body": clock.body, "method": clock.method, "scope": clock.scope, "key": clock.key,
    }  # fmt: skip
    return "\n".join(f"{name} = {json.dumps(text)}" for name, text in texts.items() if text)
