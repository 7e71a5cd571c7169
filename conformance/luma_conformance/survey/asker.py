"""Questions to a target, one request at a time, by somebody who does not yet believe its profile."""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from luma_conformance.catalogue.roles import MAIN_KEY
from luma_conformance.judge.answers import FINAL_STATES, member_of
from luma_conformance.judge.explain import describe_answer
from luma_conformance.judge.play import bind
from luma_conformance.matching import whole_number
from luma_conformance.model import GENERATIONS_PATH, Case, Request, Response, header
from luma_conformance.session.session import Session
from luma_conformance.shown import Shown, cut
from luma_conformance.target.preflight import PROBE

PROMPT: Final = "A sunset over the ocean"
PATIENCE: Final = 60.0
"""Seconds for which a generation is polled that does not end, on a target whose time cannot be advanced."""
SHORT: Final = 2.0
"""The same, after one that did not end."""
_NOTHING: Final = PROBE.rpartition("/")[2]
POLL: Final = 0.5
LEAP: Final = 60
"""Seconds between two polls: on real time, and where time is advanced."""


@dataclass(slots=True, kw_only=True)
class Asker:
    """Asks one target.

    `fast`: its clock has been seen to move time. `limits` has what keys announced, by role; `longest` is how long a
    generation took that ended; `ours` is the id of one of main-key's client, and
    `patience` how long one is polled, in seconds. `fetched` is the role of a URL that was refused for what it serves.
    """

    session: Session
    fast: bool = False
    limits: dict[str, int] = field(default_factory=dict)
    longest: float = 0.0
    ours: str | None = None
    fetched: str | None = None
    patience: float = field(default_factory=lambda: PATIENCE)
    _stray: Response | None = field(default=None, init=False)
    _count: int = field(default=0, init=False)

    def allows(self, count: int = 1) -> bool:
        """Return whether so many generations may be accepted: it is free, or within what the user allows."""
        return self.session.spending.allows(count)

    def look_up(self, name: str, role: str = MAIN_KEY, *, token: str | None = None) -> Response:
        """Return the answer to a lookup of a generation, which costs nothing."""
        return self._send("GET", f"{GENERATIONS_PATH}/{name}", token or self.session.target.token(role))

    def look_up_nothing(self, role: str) -> Response:
        """Return the answer to a lookup, with a role's key, of a generation that does not exist."""
        return self.look_up(_NOTHING, role)

    def look_up_with_stray_key(self) -> Response:
        """Return the answer to a lookup with a key that nobody made; it is asked once."""
        if self._stray is None:
            self._stray = self.look_up(_NOTHING, token=f"luma-api-{uuid.uuid4().hex}")
        return self._stray

    def generate(self) -> str | None:
        """Return the id of a generation of main-key's client, made if need be and allowed; or None."""
        if self.ours is None and self.allows():
            self.ours = name_of(self.create({"prompt": PROMPT}))
        return self.ours

    def create(self, body: Mapping[str, object], role: str = MAIN_KEY, *, at_once: bool = False) -> Response:
        """Return the answer to a request for a generation; note the limit it announces."""
        token = self.session.target.token(role)
        return self._note(role, self._send("POST", GENERATIONS_PATH, token, json.dumps(body).encode(), at_once=at_once))

    def play(self, case: Case) -> Response:
        """Return the answer to the one request of a case."""
        target = self.session.target
        request = bind(case.steps[0].ask, target.value, target.token, self._next_id())
        return self._note(MAIN_KEY, target.channel.exchange(request).response)

    def fetch(self, url: str) -> Response:
        """Return the answer to a request for a file, which gets no key."""
        return self.session.target.channel.exchange(Request(method="GET", url=url)).response

    def settle(self, name: str) -> Response:
        """Return the last answer of polling a generation until it ends, or for as long as there is patience."""
        waited, step = 0.0, LEAP if self.fast else POLL
        while True:
            response = self.look_up(name)
            if response.status != 200 or member_of(response, "state") in FINAL_STATES:
                self.longest = max(self.longest, waited)
                return response
            if waited >= self.patience * step / POLL:
                self.patience = min(self.patience, SHORT)  # where one does not end, others hardly will
                return response
            self.sleep(step)
            waited += step

    def sleep(self, seconds: float) -> None:
        """Let time pass for main-key's client: by the clock only if that has been seen to move it."""
        if self.fast or self.session.target.profile.clock is None:
            self.session.target.channel.sleep(seconds, MAIN_KEY)
        else:
            time.sleep(seconds)

    def describe(self, response: Response) -> Shown:
        """Return an answer in one line, fit to be shown."""
        return self.session.scrub(re.sub(r"  +", " ", describe_answer(response, self.session.scrub)))

    def show(self, value: object) -> Shown:
        """Return a value of the target's, fit to be shown."""
        return cut(self.session.scrub(f"{value}"), 80)

    def _send(self, method: str, url: str, token: str, body: bytes = b"", *, at_once: bool = False) -> Response:
        typed = (("Content-Type", "application/json"),) if body else ()
        headers = (("Authorization", f"Bearer {token}"), *typed, ("X-Request-Id", self._next_id()))
        request = Request(method=method, url=url, headers=headers, body=body)
        return self.session.target.channel.exchange(request, at_once=at_once).response

    def _next_id(self) -> str:
        self._count += 1
        return f"{self.session.target.run}-profile-{self._count}"

    def _note(self, role: str, response: Response) -> Response:
        if (limit := whole_number(header(response.headers, "X-RateLimit-Limit"))) is not None:
            self.limits[role] = limit
        return response


def name_of(created: Response) -> str | None:
    """Return the id of a generation that was created, or None."""
    name = member_of(created, "id")
    return name if created.status == 201 and isinstance(name, str) and name and name.isprintable() else None
