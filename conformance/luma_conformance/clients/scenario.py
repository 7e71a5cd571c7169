"""A scenario: a task for a client, what the server does while the client is at it, and what a conforming client does.

The values here are plain: `grammar` reads them from YAML, `server` plays them, `verdict` judges what a client did.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from luma_conformance.model import Place, Response, Severity

GENERATION_ID: Final = "{generation-id}"
"""Stands in a reply for the id of the generation that the request is about."""
OUTPUT_URL: Final = "{output-url}"
"""Stands in a reply for a presigned URL on the storage host; each reply, and each output in it, gets one of its own."""
UNIX_TIME: Final = "{now}"
DATE: Final = "{date}"
"""Stand in a header for the time of the reply, in Unix seconds or as an HTTP date; `{now+60}` is a minute later."""


class Task(StrEnum):
    """What a client is asked to do, as `LUMA_TASK` names it."""

    CREATE = "create"
    GENERATE = "generate"
    DOWNLOAD = "download"


class Route(StrEnum):
    """What a request is for; OTHER is anything that no task needs."""

    CREATE = "create"
    POLL = "poll"
    DOWNLOAD = "download"
    OTHER = "other"


class End(StrEnum):
    """How a reply ends: whole, without a byte of it, or in the middle of its body."""

    WHOLE = "whole"
    DROPPED = "dropped"
    CUT = "cut"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the server does with one request.

    `says` is a line for people. `delay` is the time in seconds before the first byte, `spread` the time its body takes.
    `is_fault` tells what a scenario is about from what every task needs. `creates`: a generation exists afterwards,
    though the client may not learn of it. `is_expired`: the output URL in it is refused from the beginning.
    """

    says: str
    response: Response
    delay: float = 0.0
    spread: float = 0.0
    end: End = End.WHOLE
    is_fault: bool = False
    creates: bool = False
    is_expired: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """The replies to the requests of one route: `first`, in order, and then `then` for all that follow."""

    first: tuple[Reply, ...]
    then: Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """Something a conforming client does: `severity` MUST or SHOULD, `because` in our words, `section` of the page.

    `check` is the name of one of the checks of `verdict`, `arguments` what it takes.
    """

    severity: Severity
    check: str
    arguments: Mapping[str, object]
    because: str
    section: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A task, the scripts of the server, and what is expected of the client; `id` is `FILE/SLUG`.

    `patience` is how many seconds a conforming client may have to wait in all. `silent` says what the page leaves open
    in a scenario that demands little and observes much; it is empty in all others.
    """

    id: str
    title: str
    section: str
    place: Place
    task: Task
    scripts: Mapping[Route, Script]
    expectations: tuple[Expectation, ...]
    patience: float = 0.0
    silent: str = ""
