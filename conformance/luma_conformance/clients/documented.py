"""The answers that the catalogue documents, as responses: each case's own, ready to be given to a client under test."""

from __future__ import annotations

import itertools
import json
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from luma_conformance.catalogue import files
from luma_conformance.errors import InputError
from luma_conformance.judge.answers import EveryResponse
from luma_conformance.matching import Exactly, Like, Matcher, Members, OneOf
from luma_conformance.model import ABSENT, Case, Request, Response, Step, header
from luma_conformance.reference.cards import COMPLETED_VIDEO, REASONS
from luma_conformance.rules.facts import DEFAULT_MODEL, DEFAULT_TYPE

STORAGE: Final = "https://storage.example.com"
"""Where the page's example of an output URL leads."""

_EXAMPLE_ID: Final = uuid.UUID(COMPLETED_VIDEO)
_CREATED: Final = "2026-04-08T12:00:00Z"
"""The id and the time of the page's examples."""
_HOLE: Final = re.compile(r"\{([a-z_-]+)\}")
_FILES: Final = {"image": ("output.png", "image/png", b"\x89PNG\r\n\x1a\n"), "video": ("output.mp4", "video/mp4", b"")}
_EXPIRED: Final = b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"
_SERIAL: Final = itertools.count(1)
"""Makes each output URL differ from all before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The documented answer to a step of a case; `number` counts the steps from 1."""

    case: Case
    number: int

    @property
    def step(self) -> Step:
        """The step that is answered."""
        return self.case.steps[self.number - 1]

    def respond(self, request: Request, now: float, count: int = 0) -> Response:
        """Return the response to a request at a Unix time, after `count` responses like it.

        It echoes the request's X-Request-Id, and a poll is about the generation whose id is in its path.
        """
        status = self.step.expect.status[0]
        if not self.step.ask.url.startswith("/"):
            return _answer_download(status, _find_media(self._made()["type"]))
        detail = self._detail() if status >= 400 else None
        body = self._generation(request, count) if detail is None else {"detail": detail}
        headers = tuple(self._headers(request, detail, now, count))
        return Response(
            status=status, headers=headers, body=json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        )

    def _detail(self) -> str:
        expect = self.step.expect
        if isinstance(expect.detail, Like):
            return _HOLE.sub(lambda hole: self._fill(hole[1]), expect.detail.template)
        found = _example(expect.detail)
        return "Request is refused" if found is ABSENT else str(found)  # where any text conforms

    def _fill(self, hole: str) -> str:
        """Return what the case's own request has for the hole of a template."""
        body = self.step.ask.body
        assert isinstance(body, dict)
        if hole == "field":
            return next((f"video.{frame}" for frame in ("start_frame", "end_frame") if frame in body["video"]), hole)
        return f"'{body['type']}'" if hole == "type" else str(body["aspect_ratio"])

    def _headers(self, request: Request, detail: str | None, now: float, count: int) -> Iterator[tuple[str, str]]:
        expect, method = self.step.expect, self.step.ask.method
        wanted: dict[str, Matcher] = {}
        for holding in EveryResponse(files.own().holdings).on(method, Response(status=expect.status[0]), detail):
            wanted |= holding.headers
        wait = 12 if detail else 60
        examples = {
            "Content-Type": "application/json",
            "X-Request-Id": header(request.headers, "X-Request-Id") or str(uuid.uuid4()),
            "Retry-After": str(wait),
            "X-RateLimit-Limit": "30",
            "X-RateLimit-Remaining": str(max(0, 28 - count)),
            "X-RateLimit-Reset": str(int(now) + wait),
        }
        for name, matcher in {**wanted, **expect.headers}.items():
            fixed = _example(matcher)
            yield name, examples[name] if fixed is ABSENT or name == "X-Request-Id" else str(fixed)

    def _generation(self, request: Request, count: int) -> dict[str, object]:
        body = self.step.expect.body
        expected = body.expected if isinstance(body, Members) else {}
        said = {name: value for name, matcher in expected.items() if (value := _example(matcher)) is not ABSENT}
        found = {**self._made(), "state": self._state(), **said}
        is_failed, media = found["state"] == "failed", _find_media(found["type"])
        code = found.get("failure_code") or "generation_failed"
        about = request.url.partition("?")[0].rpartition("/")[2] if request.method == "GET" else ""
        generation = about or str(uuid.UUID(int=_EXAMPLE_ID.int + count))
        return {
            "id": generation,
            "type": found["type"],
            "state": found["state"],
            "model": found["model"],
            "created_at": _CREATED,
            "output": [{"type": media, "url": _make_url(generation, media)}] if found["state"] == "completed" else [],
            "failure_reason": (found.get("failure_reason") or REASONS[str(code)]) if is_failed else None,
            "failure_code": code if is_failed else None,
        }

    def _made(self) -> dict[str, object]:
        """Return type and model of the generation that an answer is about, as the case has asked for it."""
        asked = [step.ask.body for step in self.case.steps[: self.number] if step.ask.method == "POST"]
        body: Mapping[str, object] = asked[-1] if asked and isinstance(asked[-1], dict) else {}
        return {"type": body.get("type", DEFAULT_TYPE), "model": body.get("model", DEFAULT_MODEL)}

    def _state(self) -> str:
        """Return the state where the step does not expect one: what it waits for, or else that of a new generation."""
        if self.step.repeat is not None and self.step.repeat.until_state is not None:
            return self.step.repeat.until_state
        return "completed" if "{completed-" in self.step.ask.url else "queued"


def find_answer(case_id: str) -> Answer:
    """Return the answer that a case is about, that of its last step; raise InputError, with the nearest id."""
    __tracebackhide__ = True  # of pytest: what is wrong is the line that names the case
    catalogue = files.own()
    if (case := catalogue.get(case_id)) is not None:
        return Answer(case=case, number=len(case.steps))
    if cases := catalogue.matching(case_id):
        raise InputError(f"{case_id!r} is no case but a section; its cases: {', '.join(case.id for case in cases)}")
    near = get_close_matches(case_id, [case.id for case in catalogue], n=1, cutoff=0.5)
    advice = f"did you mean {near[0]}?" if near else "`luma-conformance list` lists every case"
    raise InputError(f"no case is called {case_id!r}; {advice}")


def _example(matcher: Matcher | None) -> object:
    """Return the value that a matcher names, the first of several, or ABSENT where it leaves the value open."""
    if isinstance(matcher, Exactly):
        return matcher.expected
    return _example(matcher.choices[0]) if isinstance(matcher, OneOf) else ABSENT


def _find_media(kind: object) -> str:
    return "video" if str(kind).startswith("video") else "image"


def _make_url(generation: str, media: str) -> str:
    query = f"X-Amz-Expires=3600&X-Amz-Signature={next(_SERIAL):064x}"
    return f"{STORAGE}/generations/{generation}/{_FILES[media][0]}?{query}"


def _answer_download(status: int, media: str) -> Response:
    _, content_type, body = _FILES[media]
    if status >= 400:
        content_type, body = "application/xml", _EXPIRED
    return Response(status=status, headers=(("Content-Type", content_type),), body=body)
