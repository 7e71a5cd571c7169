"""Deliberately wrong servers, each the reference but for one thing, and legal variations that are not wrong.

Each takes the reference's `handle` and returns another.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import count

from luma_conformance.model import Headers, Request, Response, header
from luma_conformance.reference import media_facts
from luma_conformance.rules import Rejected, predict
from luma_conformance.strategies import Body

Handle = Callable[[Request], Response]
Wrong = Callable[[Handle], Handle]


def on_answers(change: Callable[[Request, Response], Response]) -> Wrong:
    """Return a wrapper that changes the answers."""
    return lambda handle: lambda request: change(request, handle(request))


def on_requests(change: Callable[[Request], Request]) -> Wrong:
    """Return a wrapper that lets the server see another request than was sent."""
    return lambda handle: lambda request: handle(change(request))


def right(handle: Handle) -> Handle:
    """Leave the reference as it is."""
    return handle


def without_header(name: str, *, on: Callable[[Response], bool]) -> Wrong:
    """Leave one header out of some responses."""

    def change(_: Request, response: Response) -> Response:
        kept = tuple((key, value) for key, value in response.headers if key.lower() != name.lower())
        return replace(response, headers=kept) if on(response) else response

    return on_answers(change)


def another_detail(detail: str, instead: str) -> Wrong:
    """Say another text wherever the reference says this one."""

    def change(_: Request, response: Response) -> Response:
        wrong = detail_of(response) == detail
        return replace(response, body=json.dumps({"detail": instead}).encode()) if wrong else response

    return on_answers(change)


def another_status(status: int, instead: int, detail: str) -> Wrong:
    """Answer another status wherever the reference answers this one with this text."""

    def change(_: Request, response: Response) -> Response:
        wrong = response.status == status and detail_of(response) == detail
        return replace(response, status=instead) if wrong else response

    return on_answers(change)


@on_answers
def with_extras(_: Request, response: Response) -> Response:
    """Add a header and a body member to every JSON answer, and send headers in another order and case: all legal."""
    headers: Headers = tuple((name.upper(), value) for name, value in reversed(response.headers))
    body = response.body
    if body.startswith(b"{"):
        body = json.dumps({"trace": "abc", **json.loads(body)}).encode()
    return replace(response, headers=(("X-Served-By", "edge-7"), *headers), body=body)


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
    """Publish no profile, as any server but the reference: legal."""
    gone = Response(status=404, headers=(("Content-Type", "application/json"),), body=b'{"detail": "Not found"}')
    return lambda request: gone if request.url.startswith("/.well-known/") else handle(request)


@on_answers
def accepts_everything(_: Request, response: Response) -> Response:
    """Accept whatever is refused with 400: a server that forgot to validate, and would charge for it."""
    if response.status != 400:
        return response
    return replace(response, status=201, body=json.dumps(ACCEPTED).encode())


def detail_of(response: Response) -> object:
    """Return the `detail` of a JSON answer, or None."""
    if not response.body.startswith(b"{"):
        return None
    return json.loads(response.body).get("detail")


def on_body(change: Callable[[Body], Body]) -> Wrong:
    """Let a server see another body than was sent: how to make it overlook something."""

    def changed(request: Request) -> Request:
        try:
            body = json.loads(request.body)
        except (ValueError, RecursionError):
            return request
        if request.method != "POST" or not isinstance(body, dict):
            return request
        return replace(request, body=json.dumps(change(body)).encode())

    return on_requests(changed)


@on_answers
def in_another_order(request: Request, response: Response) -> Response:
    """Answer for the last violated rule instead of the first: legal, the page ranks few of them."""
    try:
        prediction = predict(json.loads(request.body), media=media_facts)
    except (ValueError, RecursionError):
        return response
    if response.status not in (400, 413, 422, 502, 503) or not isinstance(prediction, Rejected):
        return response
    last = prediction.violations[-1]
    detail = last.details[-1] if last.details else (last.detail_like or "{field}").replace("{field}", last.path)
    return replace(response, status=last.status, body=json.dumps({"detail": detail}).encode())


def answering(status: int, body: bytes, when: Callable[[Request], bool]) -> Wrong:
    """Answer this where `when` says so."""
    return on_answers(lambda request, answer: replace(answer, status=status, body=body) if when(request) else answer)


def of_another_make(handle: Handle) -> Handle:
    """Answer as a faithful server of another make does where the page leaves a choice: legal.

    Its ids are in upper case and its times have an offset, a generation has two outputs, JSON is laid out another way,
    a counter goes out in a header and in the body, request ids are bare, and texts the page prints once are as printed.
    """
    answers = count()

    def answer(request: Request) -> Response:
        asked = replace(request, url=request.url.lower()) if request.url.startswith("/v1/") else request
        response = handle(asked)
        if not response.body.startswith(b"{") or not request.url.startswith("/v1/"):
            return response
        body = _say_otherwise(request, response.status, json.loads(response.body)) | {"answer": next(answers)}
        headers = [field for field in response.headers if field[0] != "Content-Type"]
        headers += [("content-type", "Application/JSON ; charset=UTF-8"), ("X-Answer", f"{next(answers)}")]
        if header(request.headers, "X-Request-Id") is None:
            headers = [(name, value.replace("-", "") if name == "X-Request-Id" else value) for name, value in headers]
        text = json.dumps(dict(reversed(body.items())), indent=2, ensure_ascii=True)
        return replace(response, headers=tuple(headers), body=text.encode())

    return answer


def _say_otherwise(request: Request, status: int, body: Body) -> Body:
    if "id" in body:
        made = body["created_at"].removesuffix("Z")
        made += "+00:00" if request.method == "POST" else ".125000+00:00"
        outputs = [{**one, "url": one["url"] + part} for one in body["output"] for part in ("", "&part=2")]
        return {**body, "id": body["id"].upper(), "created_at": made, "output": outputs}
    if request.method == "GET" and status == 401:
        return {**body, "detail": "Missing or invalid API key"}
    detail = str(body["detail"]).replace("(aspect_ratio '3:4'", "(aspect_ratio '9:16'")
    if detail.startswith("HDR / exr_export") and "hdr" not in (json.loads(request.body).get("video") or {}):
        detail = "exr_export requires hdr=true"
    return {**body, "detail": detail.replace("on type='video_reframe'", "on type='video_edit'")}
