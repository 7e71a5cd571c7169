"""Scenarios made by hand, for tests of what plays them, and a client of few lines."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping

from luma_conformance.clients.scenario import Expectation, Reply, Route, Scenario, Script, Task
from luma_conformance.model import Headers, Place, Response, Severity

JSON = ("Content-Type", "application/json")
PICTURE = b"\x89PNG\r\n\x1a\n and the rest of a picture"


def answer(status: int, body: object, *headers: tuple[str, str]) -> Response:
    """Return a response with a body of JSON."""
    return Response(status=status, headers=(JSON, *headers), body=json.dumps(body).encode())


def view(state: str, *urls: str, code: str | None = None) -> dict[str, object]:
    """Return what the API says of a generation in a state."""
    output = [{"type": "image", "url": url} for url in urls]
    return {"id": "{generation-id}", "type": "image", "state": state, "output": output, "failure_code": code}


CREATED = Reply(says="201", response=answer(201, view("queued")), creates=True)
PROCESSING = Reply(says="200 processing", response=answer(200, view("processing")))
COMPLETED = Reply(says="200 completed", response=answer(200, view("completed", "{output-url}")))
FILE = Reply(says="200", response=Response(status=200, headers=(("Content-Type", "image/png"),), body=PICTURE))
BUSY = Reply(
    says="429 Rate limit exceeded",
    response=answer(429, {"detail": "Rate limit exceeded"}, ("Retry-After", "1")),
    is_fault=True,
)
WAITS = Expectation(
    severity=Severity.MUST,
    check="wait",
    arguments={"least": 1},
    because="wait for Retry-After before the next request",
    section="429 — Rate Limited",
    place=Place("specs/clients/429.yaml", 12),
)


def scenario(
    scripts: Mapping[Route, tuple[Reply, ...]] | None = None,
    task: Task = Task.GENERATE,
    *,
    slug: str = "made/by-hand",
    patience: float = 0.0,
    expectations: tuple[Expectation, ...] = (WAITS,),
) -> Scenario:
    """Return a scenario in which all is well once the replies given for each route have been used."""
    usual = {Route.CREATE: CREATED, Route.POLL: COMPLETED, Route.DOWNLOAD: FILE}
    given = scripts or {}
    return Scenario(
        id=slug,
        title="the client gets what it asked for",
        section="429 — Rate Limited",
        place=Place("specs/clients/429.yaml", 8),
        task=task,
        scripts={route: Script(first=given.get(route, ()), then=then) for route, then in usual.items()},
        expectations=expectations,
        patience=patience,
    )


def ask(url: str, given: Mapping[str, str], body: object = None, headers: Headers = ()) -> tuple[int, bytes, Headers]:
    """Return the answer to a request with the key a client is given: a POST if there is a body."""
    key = ("Authorization", f"Bearer {given['LUMA_AGENTS_API_KEY']}")
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, dict((JSON, key, *headers)))  # noqa: S310  of this machine
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Lenient())
    with opener.open(request, timeout=10) as response:
        return response.status, response.read(), tuple(response.headers.items())


class _Lenient(urllib.request.HTTPErrorProcessor):
    """Every status is an answer."""

    def http_response(self, request: object, response: object) -> object:
        return response
