"""The answers that scenarios are made of: what the catalogue documents for a case, and what every task needs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from hashlib import shake_256
from typing import Final

from luma_conformance.catalogue.media import frame_png
from luma_conformance.clients.documented import Answer
from luma_conformance.clients.evidence import read_member
from luma_conformance.clients.scenario import GENERATION_ID, OUTPUT_URL, Reply, Route
from luma_conformance.matching import whole_number
from luma_conformance.model import GENERATIONS_PATH, Case, Headers, Request, Response, header

JSON: Final = ("Content-Type", "application/json")
BY_SERVER: Final = ("X-Request-Id", "X-API-Version")
"""The headers that the server gives every answer itself."""
RESET: Final = "X-RateLimit-Reset"

_SIDE: Final = 128
_QUOTA: Final[Headers] = (("X-RateLimit-Limit", "30"), ("X-RateLimit-Remaining", "28"), (RESET, "{now+60}"))


def tell_generation(state: str) -> dict[str, object]:
    """Return a generation in a state, with an output if it is completed."""
    outputs = [{"type": "image", "url": OUTPUT_URL}] if state == "completed" else []
    return {
        "id": GENERATION_ID, "type": "image", "state": state, "model": "uni-1", "created_at": "2026-04-08T12:00:00Z",
        "output": outputs, "failure_reason": None, "failure_code": None,
    }  # fmt: skip


def answer_json(status: int, data: object, headers: Headers = ()) -> Response:
    """Return a response with JSON data."""
    return Response(status=status, headers=(JSON, *headers), body=write_json(data))


def write_json(data: object) -> bytes:
    """Return JSON as the API's framework is likely to write it: without white space."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()


def answer_state(route: Route, state: str) -> Response:
    """Return the answer of a submission or a poll that all is well with."""
    created = route is Route.CREATE
    return answer_json(201 if created else 200, tell_generation(state), _QUOTA if created else ())


@cache
def draw_output() -> bytes:
    """Return the file of an output: a picture that no text mode or encoding lets pass unchanged."""
    noise = shake_256(b"output").digest(_SIDE * _SIDE * 3)
    rows = b"".join(b"\0" + noise[row * _SIDE * 3 :][: _SIDE * 3] for row in range(_SIDE))
    return frame_png(_SIDE, _SIDE, rows)


def answer_well(route: Route) -> Reply:
    """Return the reply to a request of a route when all is well."""
    if route is Route.DOWNLOAD:
        response = Response(status=200, headers=(("Content-Type", "image/png"),), body=draw_output())
        return Reply(says="200, the file", response=response)
    state = "queued" if route is Route.CREATE else "completed"
    response = answer_state(route, state)
    return Reply(says=f"{response.status} {state}", response=response, creates=route is Route.CREATE)


def answer_as_documented(case: Case) -> Response | None:
    """Return the answer a case of the catalogue ends with, or None if it is no error and no failure."""
    about = Request(method="GET", url=f"{GENERATIONS_PATH}/{GENERATION_ID}")
    response = Answer(case=case, number=len(case.steps)).respond(about, now=0.0)
    is_error = response.status >= 400 and case.steps[-1].expect.detail is not None
    if not is_error and read_member(response.body, "state") != "failed":
        return None
    kept = tuple(one for one in response.headers if one[0] not in BY_SERVER)
    return set_reset(replace(response, headers=kept))


def set_reset(response: Response) -> Response:
    """Return a response whose X-RateLimit-Reset, if it has one, fits its Retry-After.

    It is a second later, because it has no fractions: who waits for it waits no less.
    """
    if header(response.headers, RESET) is None:
        return response
    wait = whole_number(header(response.headers, "Retry-After")) or 1
    others = tuple(one for one in response.headers if one[0].lower() != RESET.lower())
    return replace(response, headers=(*others, (RESET, f"{{now+{wait + 1}}}")))


def change_headers(response: Response, changes: Mapping[str, str | None]) -> Response:
    """Return a response with headers set, or left out where the value is None."""
    names = {name.lower() for name in changes}
    kept = tuple(one for one in response.headers if one[0].lower() not in names)
    return set_reset(replace(response, headers=(*kept, *((name, v) for name, v in changes.items() if v is not None))))
