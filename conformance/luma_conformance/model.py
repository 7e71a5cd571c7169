"""The frozen values every other module speaks: requests, exchanges, cases, verdicts.

This module knows no file format, no network and no clock; it may not import anything of ours but `matching`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol

from luma_conformance.matching import Matcher

Headers = tuple[tuple[str, str], ...]
"""Header fields in wire order; names compare without regard to case."""


class Absent(StrEnum):
    """The one value that stands for "not there", where `None` would be JSON's null."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT

GENERATIONS_PATH: Final = "/v1/generations"
"""The path a generation is created at; a generation is looked up one segment below it."""


def fields(headers: Headers) -> dict[str, str]:
    """Returns the value of each header by name in lower case, repeated fields joined by a comma and a space."""
    joined: dict[str, str] = {}
    for name, value in headers:
        lowered = name.lower()
        joined[lowered] = f"{joined[lowered]}, {value}" if lowered in joined else value
    return joined


def header(headers: Headers, name: str) -> str | None:
    """Returns the value of a header, repeated fields joined by a comma and a space, or None."""
    lowered, length = name.lower(), len(name)
    values = [value for key, value in headers if len(key) == length and key.lower() == lowered]
    return ", ".join(values) if values else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as it is sent.

    `url` is a path on the target (`/v1/generations`), or an absolute URL for an output file.
    """

    method: str
    url: str
    headers: Headers = ()
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """One response as it came back, body whole and decoded from its content coding."""

    status: int
    headers: Headers = ()
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request, its response, and when they were sent and received, in seconds of the target's clock."""

    request: Request
    response: Response
    sent: float
    received: float


class Transport(Protocol):
    """The one door to a target."""

    def send(self, request: Request) -> Response:
        """Sends one request and returns its response; raises ExchangeError when there is none to return."""
        ...


class Clock(Protocol):
    """Time as a parameter: real for a live target, virtual for the embedded reference."""

    def now(self) -> float:
        """Returns Unix time in seconds."""
        ...

    def sleep(self, seconds: float) -> None:
        """Lets `seconds` of the target's time pass."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Auth:
    """How a request presents a key: whose (`role`) or which (`token`), under which scheme; neither: no such header."""

    role: str | None = None
    token: str | None = None
    scheme: str = "Bearer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A request as a case describes it, before placeholders are bound.

    `body` is JSON data or ABSENT; a header of value None is withheld although the kit would send it.
    """

    method: str
    url: str
    auth: Auth = Auth(role="main-key")
    headers: Mapping[str, str | None] = field(default_factory=dict)
    body: object = ABSENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What must come back; what is None is not asked."""

    status: tuple[int, ...]
    detail: Matcher | None = None
    headers: Mapping[str, Matcher] = field(default_factory=dict)
    absent_headers: tuple[str, ...] = ()
    body: Matcher | None = None
    wording_may_vary: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """Send again until the answer has this status or this generation state; `every` is in seconds."""

    until_status: int | None = None
    until_state: str | None = None
    every: float = 0.0
    at_most: int = 1
    meanwhile: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One request of a case and what must come back; `wait` is in seconds, `save` maps names to paths in the answer."""

    ask: Ask
    expect: Expectation
    save: Mapping[str, str] = field(default_factory=dict)
    repeat: Repeat | None = None
    wait: float = 0.0


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A place in a case file; lines count from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One request, or a few steps, and what must come back.

    `id` is stable: the section file and the case's own slug. `section` is the page's heading it rests on.
    """

    id: str
    title: str
    section: str
    operation: str
    place: Place
    steps: tuple[Step, ...]
    needs: tuple[str, ...] = ()
    erratum: str | None = None

    @property
    def slug(self) -> str:
        """The case's own part of its id."""
        return self.id.rpartition("/")[2]

    @property
    def status(self) -> int:
        """The status the case is about: that of its last step."""
        return self.steps[-1].expect.status[0]

    @property
    def cost(self) -> int:
        """How many generations a conforming target accepts, at most, when the case is run."""
        return sum(step.repeat.at_most if step.repeat else 1 for step in self.steps if _may_create(step))


def _may_create(step: Step) -> bool:
    statuses = (*step.expect.status, *(step.repeat.meanwhile if step.repeat else ()))
    return step.ask.method == "POST" and 201 in statuses


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What holds on every response of an operation, of some statuses, of one `detail`; what is None does not narrow."""

    id: str
    title: str
    section: str
    place: Place
    operation: str | None = None
    status: tuple[int, ...] | None = None
    detail: str | None = None
    headers: Mapping[str, Matcher] = field(default_factory=dict)
    absent_headers: tuple[str, ...] = ()
    body: Matcher | None = None


class Facet(StrEnum):
    """What a mismatch is about."""

    STATUS = "status"
    DETAIL = "detail"
    HEADERS = "headers"
    BODY = "body"
    SEQUENCE = "sequence"


class Severity(StrEnum):
    """What the page makes of a difference: what it says to branch on is a must, wording for people a should."""

    MUST = "must"
    SHOULD = "should"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mismatch:
    """One way in which an answer differs from the page; `step` counts from 1, `rests_on` is a heading of the page."""

    facet: Facet
    where: str
    why: str
    step: int
    rests_on: str

    @property
    def severity(self) -> Severity:
        """What the page makes of it: `detail` and `failure_reason` are for people, all else is to branch on."""
        worded = self.facet is Facet.DETAIL or self.where == "failure_reason"
        return Severity.SHOULD if worded else Severity.MUST


class Outcome(StrEnum):
    """What a case came to."""

    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    WARNING = "warning"
    DEVIATION = "deviation"
    NOT_JUDGED = "not-judged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a case came to, why, and what was noticed without being wrong."""

    outcome: Outcome
    mismatches: tuple[Mismatch, ...] = ()
    reason: str | None = None
    notes: tuple[str, ...] = ()


class Standing(StrEnum):
    """How two servers stand to each other on a case."""

    BOTH_RIGHT = "both right"
    ONLY_THIS = "only the target right"
    ONLY_OTHER = "only the other right"
    ALIKE = "both wrong, alike"
    DIFFERENTLY = "both wrong, differently"
    UNCOMPARED = "not judged on both"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A case, its verdict, the exchanges it rests on, and how the target stands to another server, if one was asked."""

    case: Case
    verdict: Verdict
    exchanges: tuple[Exchange, ...] = ()
    standing: Standing | None = None
