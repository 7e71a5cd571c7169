"""Deliberately wrong servers, each the reference but for one thing, and legal variations that are not wrong.

Each takes the reference's `handle` and returns another.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

from luma_conformance.model import Headers, Request, Response
from luma_conformance.reference import media_facts
from luma_conformance.rules import Rejected, predict
from luma_conformance.strategies import Body

Handle = Callable[[Request], Response]
Wrong = Callable[[Handle], Handle]


def without_header(name: str, *, on: Callable[[Response], bool]) -> Callable[[Handle], Handle]:
    """Leaves one header out of some responses."""

    def wrap(handle: Handle) -> Handle:
        def answer(request: Request) -> Response:
            response = handle(request)
            kept = tuple((key, value) for key, value in response.headers if key.lower() != name.lower())
            return replace(response, headers=kept) if on(response) else response

        return answer

    return wrap


def another_detail(detail: str, instead: str) -> Callable[[Handle], Handle]:
    """Says another text wherever the reference says this one."""

    def wrap(handle: Handle) -> Handle:
        def answer(request: Request) -> Response:
            response = handle(request)
            if detail_of(response) != detail:
                return response
            return replace(response, body=json.dumps({"detail": instead}).encode())

        return answer

    return wrap


def another_status(status: int, instead: int, detail: str) -> Callable[[Handle], Handle]:
    """Answers another status wherever the reference answers this one with this text."""

    def wrap(handle: Handle) -> Handle:
        def answer(request: Request) -> Response:
            response = handle(request)
            wrong = response.status == status and detail_of(response) == detail
            return replace(response, status=instead) if wrong else response

        return answer

    return wrap


def with_extras(handle: Handle) -> Handle:
    """Adds a header and a body member to every JSON answer, and sends headers in another order and case: all legal."""

    def answer(request: Request) -> Response:
        response = handle(request)
        headers: Headers = tuple((name.upper(), value) for name, value in reversed(response.headers))
        body = response.body
        if body.startswith(b"{"):
            body = json.dumps({"trace": "abc", **json.loads(body)}).encode()
        return replace(response, headers=(("X-Served-By", "edge-7"), *headers), body=body)

    return answer


ACCEPTED: dict[str, object] = {
    "id": "5e0d1c1a-7a3d-4f6e-9d52-3f6a3d0b2c11",
    "type": "image",
    "state": "queued",
    "model": "uni-1",
    "created_at": "2026-04-08T12:00:00Z",
    "output": [],
    "failure_reason": None,
    "failure_code": None,
}


def without_profile(handle: Handle) -> Handle:
    """Publishes no profile, as any server but the reference: legal."""
    gone = Response(status=404, headers=(("Content-Type", "application/json"),), body=b'{"detail": "Not found"}')
    return lambda request: gone if request.url.startswith("/.well-known/") else handle(request)


def accepts_everything(handle: Handle) -> Handle:
    """Accepts whatever is refused with 400: a server that forgot to validate, and would charge for it."""

    def answer(request: Request) -> Response:
        response = handle(request)
        if response.status != 400:
            return response
        return replace(response, status=201, body=json.dumps(ACCEPTED).encode())

    return answer


def detail_of(response: Response) -> object:
    """Returns the `detail` of a JSON answer, or None."""
    if not response.body.startswith(b"{"):
        return None
    return json.loads(response.body).get("detail")


def on_body(change: Callable[[Body], Body]) -> Wrong:
    """Lets a server see another body than was sent: how to make it overlook something."""

    def wrap(handle: Handle) -> Handle:
        def answer(request: Request) -> Response:
            try:
                body = json.loads(request.body)
            except (ValueError, RecursionError):
                return handle(request)
            if request.method != "POST" or not isinstance(body, dict):
                return handle(request)
            return handle(replace(request, body=json.dumps(change(body)).encode()))

        return answer

    return wrap


def in_another_order(handle: Handle) -> Handle:
    """Answers for the last violated rule instead of the first: legal, the page ranks few of them."""

    def answer(request: Request) -> Response:
        response = handle(request)
        try:
            prediction = predict(json.loads(request.body), media=media_facts)
        except (ValueError, RecursionError):
            return response
        if response.status not in (400, 413, 422, 502, 503) or not isinstance(prediction, Rejected):
            return response
        last = prediction.violations[-1]
        detail = last.details[-1] if last.details else (last.detail_like or "{field}").replace("{field}", last.path)
        return replace(response, status=last.status, body=json.dumps({"detail": detail}).encode())

    return answer


def answering(status: int, body: bytes, when: Callable[[Request], bool]) -> Wrong:
    """Answers this where `when` says so."""

    def wrap(handle: Handle) -> Handle:
        def answer(request: Request) -> Response:
            response = handle(request)
            return replace(response, status=status, body=body) if when(request) else response

        return answer

    return wrap
