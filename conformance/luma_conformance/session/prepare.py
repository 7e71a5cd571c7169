"""What the kit prepares itself where a profile does not give it: completed generations, and keys with a small limit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from luma_conformance.catalogue.roles import MAIN_KEY
from luma_conformance.errors import ExchangeError
from luma_conformance.judge.answers import FINAL_STATES, detail_of, member_of
from luma_conformance.judge.lent import JOBS_KEY, MOST_JOBS, MOST_REQUESTS, RPM_KEY
from luma_conformance.judge.play import PLAIN_PROMPT, bind
from luma_conformance.matching import whole_number
from luma_conformance.model import GENERATIONS_PATH, Ask, Auth, Exchange, Request, Response, header
from luma_conformance.shown import Scrub, clip, quote
from luma_conformance.target.channel import PREPARATION, Channel
from luma_conformance.target.pacing import PATIENCE
from luma_conformance.target.profile import Profile
from luma_conformance.target.spending import Spending

EVERY: Final = 2.0
"""Seconds between two polls, as the page recommends."""
RECENT: Final = 3600.0
"""Seconds for which a generation that was seen is taken to be there: the page does not say how long one is kept."""

SERVING: Final = ("other-key", MAIN_KEY)
"""The keys that may serve as one with a small limit; that of another client first, for the rest of the run needs main.
"""

_MAIN: Final = Auth(role=MAIN_KEY)
_BODIES: Final[Mapping[str, Mapping[str, str]]] = {
    "completed-image": {"prompt": PLAIN_PROMPT},
    "completed-video": {"prompt": PLAIN_PROMPT, "model": "ray-3.2", "type": "video"},
}
_ROLES: Final = (*_BODIES, RPM_KEY, JOBS_KEY)
_COSTS: Final[Mapping[str, int]] = {RPM_KEY: MOST_REQUESTS + 2, JOBS_KEY: MOST_JOBS + 1}
"""Generations a target accepts at most where a key serves: what the cases create, and one to see a limit, or an end."""


@dataclass(slots=True, kw_only=True)
class Prepared:
    """A Preparation that makes generations where that is free or allowed: each when first needed, and tried once.

    It lets a key of the profile serve as one with a small limit, if its limit is small enough to be used up.
    `now` is the time of the main key's client. `made` counts the generations that completed, by role.
    """

    spending: Spending
    profile: Profile
    now: Callable[[], float]
    announce: Callable[[str], None]
    scrub: Scrub
    patience: float = PATIENCE
    made: Counter[str] = field(default_factory=Counter, init=False)
    _filled: dict[str, str] = field(default_factory=dict, init=False)
    _limits: dict[str, int] = field(default_factory=dict, init=False)
    _stuck: str | None = field(default=None, init=False)
    _seen: dict[str, float] = field(default_factory=dict, init=False)
    _failed: dict[str, str] = field(default_factory=dict, init=False)

    def missing(self, role: str, why: str, channel: Channel) -> str | None:
        """Return why there is nothing to fill a role with, or None; try to make it if that was not tried yet."""
        if role not in _ROLES:
            return why
        if role in self._seen and role in self._filled and self.now() - self._seen[role] >= RECENT:
            self._look_again(role, channel)
        if role in self._filled or role in self._failed:
            return self._failed.get(role)
        if not self.spending.allows(_COSTS.get(role, 1)):
            return why if self.spending.limit == 0 else f"{why}, and --luma-spend does not allow what it takes"
        if role == JOBS_KEY and not self._do_jobs_end(channel):
            return why
        failed: list[str] = []
        channel.begin_item(PREPARATION + role)
        channel.begin_example(failed)
        try:
            self._make(role, channel) if role in _BODIES else self._choose_key(role, channel)
        except (_NotMadeError, ExchangeError) as error:
            tried = "making one failed: " if role in _BODIES else ""
            failed.append(self.scrub(f"{why}, and {tried}{error}"))
        finally:
            channel.end_example()
        if failed:
            self._failed[role] = failed[0]
        return self._failed.get(role)

    def might_fill(self, role: str) -> bool:
        """Return whether a role is filled, or may be when it is needed."""
        return role in _ROLES and role not in self._failed and self.spending.limit != 0

    def value(self, role: str) -> str:
        """Return the id of the generation of a role, or the role whose key serves in its place."""
        return self._filled[role]

    def withdraw(self, role: str, why: str) -> None:
        """Fill a role no more, for that reason."""
        self._filled.pop(role, None)
        self._failed[role] = why

    def as_data(self) -> dict[str, object]:
        """Return what a recording stores with every item: what its requests may have in them."""
        return {"prepared": dict(self._filled)} if self._filled else {}

    def _do_jobs_end(self, channel: Channel) -> bool:
        """Return whether jobs end on the target: if they fill all slots, the rest of the run needs these again."""
        why = self.profile.missing("completed-image")
        return why is None or self.missing("completed-image", why, channel) is None

    def _choose_key(self, role: str, channel: Channel) -> None:
        """Choose a key to serve as one with a small limit; a limit on jobs is announced nowhere, so any is tried."""
        serving = [key for key in SERVING if key in self.profile.keys]
        for key in serving:
            if role == RPM_KEY and key not in self._limits:
                self._create("completed-image", key, channel)
            if role == JOBS_KEY or 1 <= self._limits.get(key, 0) <= MOST_REQUESTS:
                self._filled[role] = key
                self.announce(f"{key} serves as {role}, of which the profile names none")
                return
        told = (f"{key} announces {self._limits.get(key) or 'no'} requests a minute" for key in serving)
        raise _NotMadeError(f"{' and '.join(told)}, where at most {MOST_REQUESTS} can be used up")

    def _create(self, role: str, key: str, channel: Channel) -> Exchange:
        ask = Ask(method="POST", url=GENERATIONS_PATH, auth=Auth(role=key), body=_BODIES[role])
        exchange = channel.exchange(self._bind(ask))
        if (limit := whole_number(header(exchange.response.headers, "X-RateLimit-Limit"))) is not None:
            self._limits[key] = limit
        return exchange

    def _make(self, role: str, channel: Channel) -> None:
        if self._stuck is not None:
            raise _NotMadeError(f"{self._stuck} did not end within {self.patience:.0f} s either")
        self.announce(f"making a {role.replace('-', ' ')}, of which the profile names none")
        created = self._create(role, MAIN_KEY, channel)
        if created.response.status != 201:
            raise _NotMadeError(f"the target answered {_describe(created.response)}")
        name = member_of(created.response, "id")
        if not (isinstance(name, str) and name and name.isprintable()):
            raise _NotMadeError("the answer has no id")
        last = self._poll(name, created, channel)
        if (state := member_of(last.response, "state")) != "completed":
            if last.response.status == 200 and state not in FINAL_STATES:
                self._stuck = f"a generation for {role}"
            raise _NotMadeError(_describe_state(state, last, last.received - created.sent))
        self.made[role] += 1
        self._filled[role], self._seen[role] = name, self.now()

    def _poll(self, name: str, created: Exchange, channel: Channel) -> Exchange:
        """Poll until a generation has ended or patience is over, and return the last poll."""
        poll = channel.exchange(self._look_up(name))
        while (
            poll.response.status == 200
            and member_of(poll.response, "state") not in FINAL_STATES
            and poll.received - created.received < self.patience
        ):
            channel.sleep(EVERY, MAIN_KEY)
            poll = channel.exchange(self._look_up(name))
        return poll

    def _look_again(self, role: str, channel: Channel) -> None:
        """Forget a generation that the target does not know any more; a server may drop old ones."""
        channel.begin_item(PREPARATION + role)
        with suppress(ExchangeError):
            if channel.exchange(self._look_up(self._filled[role])).response.status == 404:
                del self._filled[role]
        self._seen[role] = self.now()

    def _look_up(self, name: str) -> Request:
        return self._bind(Ask(method="GET", url=f"{GENERATIONS_PATH}/{{name}}", auth=_MAIN), name)

    def _bind(self, ask: Ask, name: str = "") -> Request:
        return bind(ask, lambda _: name, lambda role: self.profile.keys[role].token, "luma-preparation")


class _NotMadeError(Exception):
    """There is nothing to fill a role with; the text says what the target answered."""


def _describe(response: Response) -> str:
    detail = detail_of(response)
    return f"{response.status} {clip(detail, 200)}" if isinstance(detail, str) else str(response.status)


def _describe_state(state: object, last: Exchange, seconds: float) -> str:
    if last.response.status != 200:
        return f"polling it was answered {_describe(last.response)}"
    if state != "failed":
        return f"after {seconds:.0f} s its state was {quote(str(state), 40)}"
    code, reason = (clip(str(member_of(last.response, name)), 200) for name in ("failure_code", "failure_reason"))
    return f"the generation failed with {code}: {reason}"
