"""The frozen values the other modules exchange: requests, exchanges, cases, verdicts.

This module knows no file format, network or clock; of the package it imports only `matching`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple, Protocol

from luma_conformance.matching import Matcher

Headers = tuple[tuple[str, str], ...]
"""Header fields in the order they are sent; names are compared without regard to case."""


class Absent(StrEnum):
    """The type of ABSENT, which stands for a missing value where `None` would be JSON's null."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT

GENERATIONS_PATH: Final = "/v1/generations"
"""The path a generation is created at; a generation is looked up one segment below it."""


def fields(headers: Headers) -> dict[str, str]:
    """Return the value of each header by its name in lower case, repeated fields joined by a comma and a space."""
    joined: dict[str, str] = {}
    for name, value in headers:
        lowered = name.lower()
        joined[lowered] = f"{joined[lowered]}, {value}" if lowered in joined else value
    return joined


def header(headers: Headers, name: str) -> str | None:
    """Return the value of a header, repeated fields joined by a comma and a space, or None."""
    lowered, length = name.lower(), len(name)
    values = [value for key, value in headers if len(key) == length and key.lower() == lowered]
    return ", ".join(values) if values else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request as it is sent.

    `url` is a path on the target (`/v1/generations`), or the absolute URL of an output file. Over HTTP, head and body
    leave in so many `pieces`, a moment apart, and a body with the header Transfer-Encoding, `chunked`, in chunks of
    `chunk` bytes, or in one.

    >>> from luma_conformance import Request
    >>> Request(method="GET", url="/v1/generations/7c9e6679-7425-40de-944b-e07fc1f90ae7").body
    b''
    """

    method: str
    url: str
    headers: Headers = ()
    body: bytes = b""
    pieces: int = 1
    chunk: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A response as it was received; the body is whole, and its content coding is removed.

    `version` is that of HTTP.

    >>> from luma_conformance import Response
    >>> headers = (("Content-Type", "application/json"),)
    >>> Response(status=404, headers=headers, body=b'{"detail": "Generation not found"}').status
    404
    """

    status: int
    headers: Headers = ()
    body: bytes = b""
    version: str = "1.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request, its response, and the times they were sent and received, in seconds of the target's clock.

    >>> from luma_conformance import Exchange, Request, Response
    >>> request = Request(method="GET", url="/v1/generations/7c9e6679-7425-40de-944b-e07fc1f90ae7")
    >>> exchange = Exchange(request=request, response=Response(status=200), sent=12.0, received=12.5)
    >>> exchange.received - exchange.sent
    0.5
    """

    request: Request
    response: Response
    sent: float
    received: float


class Transport(Protocol):
    """Anything that sends requests to a target."""

    def send(self, request: Request) -> Response:
        """Send one request and return its response; raise ExchangeError if none comes."""
        ...


class Clock(Protocol):
    """The target's time: real for a live target, virtual for the embedded reference."""

    def now(self) -> float:
        """Return Unix time in seconds."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let `seconds` of the target's time pass."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Auth:
    """The Authorization header of a request: the key of a `role`, or a `token` as it is; without either, no header."""

    role: str | None = None
    token: str | None = None
    scheme: str = "Bearer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A request as a case describes it, with placeholders.

    `body` is JSON data or ABSENT. A header of value None is not sent, even if the kit would send it by default.
    """

    method: str
    url: str
    auth: Auth = Auth(role="main-key")
    headers: Mapping[str, str | None] = field(default_factory=dict)
    body: object = ABSENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """The answer a step expects; a part that is None is not checked."""

    status: tuple[int, ...]
    detail: Matcher | None = None
    headers: Mapping[str, Matcher] = field(default_factory=dict)
    absent_headers: tuple[str, ...] = ()
    body: Matcher | None = None
    wording_may_vary: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """Send again until an answer has this status or generation state, every `every` seconds, `at_most` times in all."""

    until_status: int | None = None
    until_state: str | None = None
    every: float = 0.0
    at_most: int = 1
    meanwhile: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One request of a case and its expected answer.

    `wait` is the time in seconds before the request; `save` maps names to paths in the answer.
    """

    ask: Ask
    expect: Expectation
    save: Mapping[str, str] = field(default_factory=dict)
    repeat: Repeat | None = None
    wait: float = 0.0


class Place(NamedTuple):
    """A place in a case file; lines count from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One request, or a few steps, with the expected answers.

    `id` never changes: it is the name of the file and the case's slug, `create/400-keyframes/negative-index`, or, in a
    file outside any catalogue, `my-cases.yaml#negative-index`. `section` is the heading of the page the case rests on.
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
        return self.id[max(self.id.rfind("/"), self.id.rfind("#")) + 1 :]

    @property
    def section_id(self) -> str:
        """The part of the id that all cases of a file share: `create/400-keyframes`, or `my-cases.yaml`."""
        return self.id[: -len(self.slug) - 1]

    @property
    def status(self) -> int:
        """The status the case is about: that of its last step."""
        return self.steps[-1].expect.status[0]

    @property
    def cost(self) -> int:
        """The number of generations a conforming target accepts, at most, when the case is run."""
        return sum(step.repeat.at_most if step.repeat else 1 for step in self.steps if _may_create(step))


def _may_create(step: Step) -> bool:
    statuses = (*step.expect.status, *(step.repeat.meanwhile if step.repeat else ()))
    return step.ask.method == "POST" and 201 in statuses


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """An expectation about every response of an operation, some statuses or one `detail`; None means any."""

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
    """The part of an answer a mismatch is about; of a client, what it must do, or only should."""

    STATUS = "status"
    DETAIL = "detail"
    HEADERS = "headers"
    BODY = "body"
    SEQUENCE = "sequence"
    CONDUCT = "conduct"
    ADVICE = "advice"


class Severity(StrEnum):
    """How much a difference matters: clients branch on a MUST; a SHOULD is wording for people to read."""

    MUST = "must"
    SHOULD = "should"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mismatch:
    """One difference between an answer and the page; `step` counts from 1, `rests_on` is a heading of the page."""

    facet: Facet
    where: str
    why: str
    rests_on: str
    step: int = 1

    @property
    def severity(self) -> Severity:
        """SHOULD for `detail` and `failure_reason`, which are written for people, and for advice; MUST for all else."""
        worded = self.facet in (Facet.DETAIL, Facet.ADVICE) or self.where == "failure_reason"
        return Severity.SHOULD if worded else Severity.MUST


class Outcome(StrEnum):
    """The outcome of a case."""

    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    WARNING = "warning"
    DEVIATION = "deviation"
    NOT_JUDGED = "not-judged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The outcome of a case, the reason for it, and notes on what is unusual but allowed.

    `known` has the places of the known deviations that explain something of it.
    """

    outcome: Outcome
    mismatches: tuple[Mismatch, ...] = ()
    reason: str | None = None
    known: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class Standing(StrEnum):
    """How two servers compare on a case."""

    BOTH_RIGHT = "both right"
    ONLY_THIS = "only the target right"
    ONLY_OTHER = "only the other right"
    ALIKE = "both wrong, alike"
    DIFFERENTLY = "both wrong, differently"
    UNCOMPARED = "not judged on both"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A case, its verdict, the exchanges behind it, and the comparison with a second server, if there is one."""

    case: Case
    verdict: Verdict
    exchanges: tuple[Exchange, ...] = ()
    standing: Standing | None = None
