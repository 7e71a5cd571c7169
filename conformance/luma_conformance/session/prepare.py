"""Completed generations of the kit's own making, for cases and properties whose target has none ready."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from luma_conformance.catalogue.roles import MAIN_KEY
from luma_conformance.errors import ExchangeError
from luma_conformance.judge.answers import FINAL_STATES, detail_of, member_of
from luma_conformance.judge.play import bind
from luma_conformance.model import GENERATIONS_PATH, Ask, Auth, Exchange, Request, Response
from luma_conformance.recording.recorder import PREPARATION
from luma_conformance.target.channel import Channel
from luma_conformance.target.spending import Spending

PATIENCE: Final = 300.0
"""Seconds of polling after which a generation that has not ended is given up."""
EVERY: Final = 2.0
"""Seconds between two polls, as the page recommends."""
RECENT: Final = 3600.0
"""Seconds for which a generation that was seen is taken to be there: the page does not say how long one is kept."""

_MAIN: Final = Auth(role=MAIN_KEY)
_PROMPT: Final = "A sunset over the ocean"
_BODIES: Final[Mapping[str, Mapping[str, str]]] = {
    "completed-image": {"prompt": _PROMPT},
    "completed-video": {"prompt": _PROMPT, "model": "ray-3.2", "type": "video"},
}


@dataclass(slots=True, kw_only=True)
class Prepared:
    """A Preparation that makes generations where that is free or allowed: each when first needed, and tried once.

    `now` is the time of the main key's client, `token` that key. `made` counts the generations by role, also those that
    did not complete.
    """

    spending: Spending
    token: str
    now: Callable[[], float]
    announce: Callable[[str], None]
    scrub: Callable[[str], str]
    patience: float = PATIENCE
    made: Counter[str] = field(default_factory=Counter, init=False)
    _ids: dict[str, str] = field(default_factory=dict, init=False)
    _seen: dict[str, float] = field(default_factory=dict, init=False)
    _failed: dict[str, str] = field(default_factory=dict, init=False)

    def missing(self, role: str, why: str, channel: Channel) -> str | None:
        """Return why there is no completed generation of a role, or None; make one if there is none yet."""
        if role not in _BODIES:
            return why
        if role in self._ids and self.now() - self._seen[role] >= RECENT:
            self._look_again(role, channel)
        if role in self._ids or role in self._failed:
            return self._failed.get(role)
        if not self.spending.allows(1):
            return why if self.spending.limit == 0 else f"{why}, and --luma-spend does not allow to make one"
        self.announce(f"making a {role.replace('-', ' ')}, of which the profile names none")
        channel.begin_item(PREPARATION + role)
        failed: list[str] = []
        channel.begin_example(failed)
        try:
            self._make(role, channel)
        except (_NotMadeError, ExchangeError) as error:
            failed += [self.scrub(f"{why}, and making one failed: {error}")]
            self._failed[role] = failed[0]
        finally:
            channel.end_example()
        return self._failed.get(role)

    def value(self, role: str) -> str:
        """Return the id of the generation of a role."""
        return self._ids[role]

    def as_data(self) -> dict[str, object]:
        """Return what a recording stores with every item: the ids that its requests may have in them."""
        return {"prepared": dict(self._ids)} if self._ids else {}

    def _make(self, role: str, channel: Channel) -> None:
        ask = Ask(method="POST", url=GENERATIONS_PATH, auth=_MAIN, body=_BODIES[role])
        created = channel.exchange(self._bind(ask))
        if 200 <= created.response.status < 300:
            self.made[role] += 1
        if created.response.status != 201:
            raise _NotMadeError(f"the target answered {_describe(created.response)}")
        name = member_of(created.response, "id")
        if not (isinstance(name, str) and name and name.isprintable()):
            raise _NotMadeError("the answer has no id")
        last = self._poll(name, created, channel)
        if (state := member_of(last.response, "state")) != "completed":
            raise _NotMadeError(_describe_state(state, last, last.received - created.sent))
        self._ids[role], self._seen[role] = name, self.now()

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
        poll = channel.exchange(self._look_up(self._ids[role]))
        if poll.response.status == 404:
            del self._ids[role]
        self._seen[role] = self.now()

    def _look_up(self, name: str) -> Request:
        return self._bind(Ask(method="GET", url=f"{GENERATIONS_PATH}/{{name}}", auth=_MAIN), name)

    def _bind(self, ask: Ask, name: str = "") -> Request:
        return bind(ask, lambda _: name, lambda _: self.token, "luma-preparation")


class _NotMadeError(Exception):
    """A generation did not complete; the text says what the target answered."""


def _describe(response: Response) -> str:
    detail = detail_of(response)
    return f"{response.status} {detail[:200]}" if isinstance(detail, str) else str(response.status)


def _describe_state(state: object, last: Exchange, seconds: float) -> str:
    if last.response.status != 200:
        return f"polling it was answered {_describe(last.response)}"
    if state != "failed":
        return f"after {seconds:.0f} s its state was {str(state)[:40]!r}"
    code, reason = (str(member_of(last.response, name))[:200] for name in ("failure_code", "failure_reason"))
    return f"the generation failed with {code}: {reason}"


def describe_made(made: Mapping[str, int]) -> str:
    """Return which generations the kit made, in words: "a completed image and 2 completed videos"."""
    kinds = ((role.replace("-", " "), count) for role, count in sorted(made.items()) if count)
    return " and ".join(f"a {kind}" if count == 1 else f"{count} {kind}s" for kind, count in kinds)
