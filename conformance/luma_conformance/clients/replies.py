"""Which reply each request of a client gets while a scenario is played; knows no socket and no clock.

What a task needs is answered by the scenario's scripts. All else is answered as the API would, so that a client which
does not speak it learns why, and takes no reply away from the script.
"""

from __future__ import annotations

import json
import re
import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final

from luma_conformance.clients.evidence import read_member
from luma_conformance.clients.scenario import DATE, GENERATION_ID, OUTPUT_URL, UNIX_TIME, Reply, Route, Scenario, Task
from luma_conformance.model import GENERATIONS_PATH, Headers, Request, Response, header
from luma_conformance.rules import Rejected, predict

API_VERSION: Final = ("X-API-Version", "2026-04-01")
_JSON: Final = ("Content-Type", "application/json")
_XML: Final = ("Content-Type", "application/xml")
_LATER: Final = re.compile(f"{re.escape(UNIX_TIME)[:-2]}([+-]\\d+)?}}|{re.escape(DATE)[:-2]}([+-]\\d+)?}}")
ANOTHER_OUTPUT: Final = b"This is not the first output."
"""The file behind the URL of any output but the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A request's route, its number there, and the reply to it; `output_url` is the first that the reply names."""

    route: Route
    number: int
    reply: Reply
    output_url: str | None = None


@dataclass(frozen=True, slots=True)
class _Issued:
    """An output URL that a reply named: whether it is expired, and the number of its output, from 0."""

    is_expired: bool
    number: int


class Replies:
    """The replies of one playing of a scenario: `storage` is the origin of the storage host."""

    def __init__(self, scenario: Scenario, *, storage: str, key: str, generation_id: str) -> None:
        self._scenario, self._storage, self._key = scenario, storage, key
        self._numbers: Counter[Route] = Counter()
        self._scripted: Counter[Route] = Counter()
        self._generations = {generation_id} if scenario.task is Task.DOWNLOAD else set()
        self._failed: dict[str, Reply] = {}
        self._issued: dict[str, _Issued] = {}

    def answer(self, request: Request, now: float, *, at_storage: bool) -> Answer:
        """Return the answer to a request, whose URL is absolute where it went to the storage host."""
        route, reply, generation = self._at_storage(request) if at_storage else self._at_api(request)
        self._numbers[route] += 1
        if reply is None:
            script = self._scenario.scripts[route]
            used = self._scripted[route]
            self._scripted[route] += 1
            reply = script.first[used] if used < len(script.first) else script.then
        if route is Route.POLL and read_member(reply.response.body, "state") == "failed":
            self._failed[generation] = reply
        if reply.creates:
            generation = str(uuid.uuid4())
            self._generations.add(generation)
        reply, url = self._fill(reply, generation, now + reply.delay)
        if not at_storage:
            reply = replace(reply, response=_trace(reply.response, request))
        return Answer(route=route, number=self._numbers[route], reply=reply, output_url=url)

    def _at_api(self, request: Request) -> tuple[Route, Reply | None, str]:
        """Return the route of a request to the API, the reply if the script has none, and the generation's id."""
        path = request.url.partition("?")[0]
        polls = path.startswith(f"{GENERATIONS_PATH}/")
        if not polls and path != GENERATIONS_PATH:
            return Route.OTHER, _refuse(404, "Not found"), ""
        if request.method != ("GET" if polls else "POST"):
            return Route.OTHER, _refuse(405, "Method not allowed"), ""
        scheme, _, token = (header(request.headers, "Authorization") or "").partition(" ")
        if scheme != "Bearer" or token.strip() != self._key:
            known = scheme == "Bearer" and token.startswith("luma-api-")
            return Route.OTHER, _refuse(401, "Invalid API key" if known else "Missing or invalid API key"), ""
        return self._look_up(path.removeprefix(f"{GENERATIONS_PATH}/")) if polls else self._create(request.body)

    def _look_up(self, generation: str) -> tuple[Route, Reply | None, str]:
        if generation not in self._generations:
            return Route.OTHER, _refuse(404, "Generation not found"), ""
        # What has failed stays failed, and takes no more of the script.
        return Route.POLL, self._failed.get(generation), generation

    def _create(self, body: bytes) -> tuple[Route, Reply | None, str]:
        try:
            asked = json.loads(body)
        except (ValueError, RecursionError):
            return Route.OTHER, _refuse(400, "Request body is not valid JSON"), ""
        prediction = predict(asked)
        if isinstance(prediction, Rejected):
            first = prediction.violations[0]
            return Route.OTHER, _refuse(first.status, next(iter(first.details), first.detail_like or first.rule)), ""
        if not isinstance(asked, dict) or not isinstance(asked.get("prompt"), str):
            return Route.OTHER, _refuse(400, "Request is not supported"), ""
        return Route.CREATE, None, ""

    def _at_storage(self, request: Request) -> tuple[Route, Reply | None, str]:
        issued = self._issued.get(request.url)
        if issued is None:
            return Route.OTHER, _deny("SignatureDoesNotMatch", "The signature does not match."), ""
        if request.method not in ("GET", "HEAD"):
            return Route.OTHER, _deny("AccessDenied", "Access Denied"), ""
        route = Route.DOWNLOAD if request.method == "GET" else Route.OTHER
        if issued.is_expired:
            return route, _deny("AccessDenied", "Request has expired"), ""
        if route is Route.OTHER:
            return route, replace(self._scenario.scripts[Route.DOWNLOAD].then, says="200, for HEAD"), ""
        return route, _another_output() if issued.number else None, ""

    def _fill(self, reply: Reply, generation: str, now: float) -> tuple[Reply, str | None]:
        """Return a reply with what stood open in it, and the URL of the first output that it names."""
        body = reply.response.body.decode("utf-8", "surrogateescape").replace(GENERATION_ID, generation)
        first, number = None, 0
        while OUTPUT_URL in body:
            url = self._issue(generation, _Issued(reply.is_expired, number))
            body = body.replace(OUTPUT_URL, url, 1)
            first, number = first or url, number + 1
        headers = tuple((name, _fill_times(value, now)) for name, value in reply.response.headers)
        filled = replace(reply.response, headers=headers, body=body.encode("utf-8", "surrogateescape"))
        return replace(reply, response=filled), first

    def _issue(self, generation: str, issued: _Issued) -> str:
        path = f"/generations/{generation}/output-{issued.number}.png"
        signed = f"X-Amz-Expires=3600&X-Amz-Signature={uuid.uuid4().hex}"
        url = f"{self._storage}{path}?{signed}"
        self._issued[url] = issued
        return url


def _trace(response: Response, request: Request) -> Response:
    """Return a response with the headers that every response of the API has."""
    given = header(request.headers, "X-Request-Id") or str(uuid.uuid4())
    names = {"x-request-id", API_VERSION[0].lower()}
    kept: Headers = tuple(one for one in response.headers if one[0].lower() not in names)
    return replace(response, headers=(*kept, ("X-Request-Id", given), API_VERSION))


def _fill_times(value: str, now: float) -> str:
    """Return the value of a header with times in the place of what stands for them."""

    def fill(found: re.Match[str]) -> str:
        moment = int(now) + int(found[1] or found[2] or 0)
        is_date = found[0].startswith(DATE[:-1])
        return format_datetime(datetime.fromtimestamp(moment, UTC), usegmt=True) if is_date else str(moment)

    return _LATER.sub(fill, value)


def _refuse(status: int, detail: str) -> Reply:
    body: Mapping[str, str] = {"detail": detail}
    response = Response(status=status, headers=(_JSON,), body=json.dumps(body).encode())
    return Reply(says=f"{status} {detail}", response=response)


def _deny(code: str, message: str) -> Reply:
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return Reply(says=f"403 {message}", response=Response(status=403, headers=(_XML,), body=body.encode()))


def _another_output() -> Reply:
    response = Response(status=200, headers=(("Content-Type", "image/png"),), body=ANOTHER_OUTPUT)
    return Reply(says="200, a file that is not the first output", response=response)
