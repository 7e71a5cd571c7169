"""What a client did in a scenario, as the server and the shell saw it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from luma_conformance.clients.scenario import Reply, Route
from luma_conformance.model import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A request, and the reply to it.

    `number` counts the requests of a route from 1. `arrived` is when the first byte of the request was there and `read`
    when its last was; `answered` is just before the last byte of the reply was written, or the connection closed: Unix
    seconds. So a client that waits n seconds never arrives before `answered + n`, however slow the machine is.
    `abandoned`: the client closed the connection before the reply was whole. The URL of a request to the storage host
    is absolute, that of a request to the API is a path.
    """

    route: Route
    number: int
    request: Request
    reply: Reply
    connection: int
    arrived: float
    read: float
    answered: float
    output_url: str | None = None
    abandoned: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Conduct:
    """All that a client did with a task.

    `given` is what it was told, by the names of the environment variables; `status` its exit status, 0 for success, or
    None if it was stopped at its deadline after `seconds`. `output` is what it printed, `written` the file it wrote.
    """

    given: Mapping[str, str]
    seen: tuple[Seen, ...]
    status: int | None
    output: str
    written: bytes | None
    seconds: float

    def of(self, route: Route) -> tuple[Seen, ...]:
        """Return the requests of a route, in order."""
        return tuple(one for one in self.seen if one.route is route)
