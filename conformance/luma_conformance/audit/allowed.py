"""The answers the page allows to a recorded request, when nobody knows what the server knew.

A recording tells neither the state of the key nor what a server found behind a URL. So an answer that a key or a
limit may cause, or media that do not load, is allowed with its documented text, and what a server refuses for what
the recording does not hold is not judged.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from luma_conformance.catalogue.catalogue import Catalogue
from luma_conformance.judge.answers import detail_of
from luma_conformance.judge.expected import OPEN_STATUSES, expect_answer, find_heading
from luma_conformance.matching import Exactly, Is, Matcher, Members, OneOf
from luma_conformance.model import Ask, Case, Expectation, Place, Request, Step, header
from luma_conformance.recording.entry import REQUEST_BODY, REQUEST_HEADERS, Entry
from luma_conformance.rules import (
    Accepted,
    MediaFact,
    Prediction,
    Problem,
    Rejected,
    Unspecified,
    Violation,
    inline_only,
    predict,
)

KEYED: Final = (401, 402, 403, 429)
"""What a key, a balance or a limit may cause, whatever the body is."""
STORED: Final = "luma-conformance:"
"""What stands in the kit's own recordings for media and bodies that were not kept."""

_NOT_JSON: Final = "the body is not JSON"
_SILENT: Final = "the page does not say what such a request gets"
_UNTOLD: Final = "the recording does not hold a text of the request"
_HELD: Final = "a generation, or inline media, that the recording does not hold"
_GATEWAY: Final = (502, 503)
_HTTP_STATUS: Final = re.compile(r"\(HTTP (\d{3})\)")
_PIXELS: Final = re.compile(r"\b(\d{1,6})x(\d{1,6})px")
_URL_PROBLEMS: Final = tuple(problem for problem in Problem if problem not in (Problem.BAD_BASE64, Problem.UNDECIDED))
_LOADS: Final = MediaFact()
_BAD_BASE64: Final = MediaFact(problem=Problem.BAD_BASE64)
_HEAVY: Final = MediaFact(bytes=1 << 40)
_ERROR: Final = Members({"detail": Is("text")})


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """The answers a request may get, and where the page says so.

    `refused` has the rules that the request breaks. `unsettled` is why a refusal with another text is not wrong either;
    `left_open` is why any orderly answer is right.
    """

    expect: Expectation
    section: str
    title: str
    refused: tuple[Violation, ...] = ()
    unsettled: str | None = None
    left_open: str | None = None


def make_case(entry: Entry, allowance: Allowance) -> Case:
    """Return a recorded request as a case that expects any of the answers allowed."""
    request = entry.exchange.request
    return Case(
        id="recorded",
        title=allowance.title,
        section=allowance.section,
        operation=f"{request.method} {request.url}",
        place=Place(entry.place, 1),
        steps=(Step(ask=Ask(method=request.method, url=request.url), expect=allowance.expect),),
    )


class Page:
    """The page's answers by method and status, looked up for recorded requests."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._texts: dict[tuple[str, int], tuple[Matcher, ...]] = {}
        self._sections: dict[tuple[str, int], str] = {}
        for case in catalogue:
            for step in case.steps:
                status, detail = step.expect.status, step.expect.detail
                choices = detail.choices if isinstance(detail, OneOf) else (detail,)
                texts = [choice for choice in choices if isinstance(choice, Exactly)]
                if len(status) == 1 and texts:
                    known = (step.ask.method, status[0])
                    self._texts[known] = tuple(dict.fromkeys((*self._texts.get(known, ()), *texts)))
                    self._sections.setdefault(known, case.section)

    def allowance(self, entry: Entry) -> Allowance:
        """Return the answers that an entry's request, a create or a poll, may get."""
        return self._allow_create(entry) if entry.exchange.request.method == "POST" else self._allow_poll(entry)

    def _allow_poll(self, entry: Entry) -> Allowance:
        status = entry.exchange.response.status
        if status == 429:  # the guide has a limit for all requests, and documents no text for it
            return Allowance(
                expect=Expectation(status=(429,), body=_ERROR), section="Rate limiting", title="too many requests"
            )
        if (
            known := self._find_known("GET", status) or (self._find_known("POST", status) if status in KEYED else None)
        ) is None:
            found = Expectation(status=(200, 401, 404))
            return Allowance(expect=found, section="200 — OK (success)", title="a generation, or why it is not shown")
        return known

    def _allow_create(self, entry: Entry) -> Allowance:
        response = entry.exchange.response
        prediction, can_be_refused = _predict(entry)
        refused = prediction.violations if isinstance(prediction, Rejected) else ()
        if response.status in KEYED and (known := self._find_known("POST", response.status)) is not None:
            return Allowance(expect=known.expect, section=known.section, title=known.title, refused=refused)
        if isinstance(prediction, Unspecified):
            return _allow_unspecified(prediction, is_lost=REQUEST_BODY in entry.unknown)
        text = detail_of(response)
        detail = text if isinstance(text, str) else ""
        if isinstance(prediction, Rejected) and prediction.allows(response.status, detail):
            return _make_allowance(prediction, response.status, refused)
        if response.status == 201:
            return _make_allowance(prediction, 201, refused)
        loading, is_open = _find_loading_failures(json.loads(entry.exchange.request.body), detail)
        everything = tuple(dict.fromkeys((*refused, *loading)))
        if refused or any(violation.status == response.status for violation in loading):
            prediction = Rejected(violations=everything)
        reason = can_be_refused or ("a media reference whose loading the page does not settle" if is_open else None)
        return _make_allowance(prediction, response.status, refused, reason)

    def _find_known(self, method: str, status: int) -> Allowance | None:
        texts = self._texts.get((method, status))
        if texts is None:
            return None
        detail = texts[0] if len(texts) == 1 else OneOf(texts)
        heading = self._sections[method, status]
        return Allowance(expect=Expectation(status=(status,), detail=detail), section=heading, title="a refusal")


def _make_allowance(
    prediction: Prediction, status: int, refused: tuple[Violation, ...], reason: str | None = None
) -> Allowance:
    title = "the request breaks no rule" if isinstance(prediction, Accepted) else "the request breaks a rule"
    expect = expect_answer(prediction, status)
    if status not in expect.status:
        expect = replace(expect, body=None)  # the status says it is no 201; that its shape differs follows from that
    return Allowance(expect=expect, section=find_heading(prediction), title=title, refused=refused, unsettled=reason)


def _allow_unspecified(prediction: Unspecified, *, is_lost: bool) -> Allowance:
    is_refused = prediction.reason == _NOT_JSON or prediction.broken
    statuses = (*(OPEN_STATUSES[1:] if is_refused else OPEN_STATUSES), *_GATEWAY)
    title = f"not said: {prediction.reason}"
    silent = None if is_lost else _UNTOLD if prediction.reason == _UNTOLD else _SILENT
    return Allowance(
        expect=Expectation(status=statuses), section=find_heading(prediction), title=title, left_open=silent
    )


def _predict(entry: Entry) -> tuple[Prediction, str | None]:
    """Return the prediction for a body, and why a server may refuse it for reasons the recording cannot show."""
    if (reason := _find_unreadable(entry)) is not None:
        return Unspecified(reason=reason), None
    try:
        body = _parse(entry.exchange.request)
    except _Ambiguous as error:
        return Unspecified(reason=str(error)), None
    except (ValueError, RecursionError):
        return Unspecified(reason=_NOT_JSON), None
    parts = list(_find_references(body))
    if any(_is_stored(value) for part in parts for name, value in part.items() if name != "data"):
        return Unspecified(reason=_UNTOLD), None
    doubt = _HELD if any(map(_is_held_elsewhere, parts)) else None
    if header(entry.exchange.request.headers, "Content-Type") is None:
        doubt = "a Content-Type that the recording does not show"
    return predict(body, media=_presume), doubt


def _find_unreadable(entry: Entry) -> str | None:
    """Return why a body is not JSON that the page covers, or None."""
    request = entry.exchange.request
    if REQUEST_BODY in entry.unknown or request.body.startswith(STORED.encode()):
        return "the recording does not hold the request's body"
    kind = header(request.headers, "Content-Type")
    if kind is None:
        return None if REQUEST_HEADERS in entry.unknown else "the request has no Content-Type"
    if kind.partition(";")[0].strip().lower() != "application/json":
        return "the request is of another Content-Type than JSON"
    return None


class _Ambiguous(Exception):
    """A body about which JSON parsers differ, with the reason."""


def _parse(request: Request) -> object:
    def members(pairs: list[tuple[str, object]]) -> dict[str, object]:
        found = dict(pairs)
        if len(found) < len(pairs):
            raise _Ambiguous("the body has a member twice")
        return found

    def constant(name: str) -> object:
        raise _Ambiguous(f"the body has {name}, which some parsers take for a number")

    if request.body[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in request.body[:4]:
        raise _Ambiguous("the body is not in UTF-8")
    return json.loads(request.body, object_pairs_hook=members, parse_constant=constant)


def _find_references(body: object) -> Iterator[Mapping[str, object]]:
    """Yield every value in a body that may be a media reference."""
    waiting = [body]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield value
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value


def _is_held_elsewhere(reference: Mapping[str, object]) -> bool:
    return reference.get("generation_id") is not None or _is_stored(reference.get("data"))


def _is_stored(data: object) -> bool:
    return isinstance(data, str) and data.startswith(STORED)


def _presume(reference: Mapping[str, object]) -> MediaFact:
    """Return facts that presume every URL loads: the recording does not hold the media."""
    return _LOADS if _is_stored(reference.get("data")) else inline_only(reference)


def _find_loading_failures(body: object, detail: str) -> tuple[tuple[Violation, ...], bool]:
    """Return the refusals for media problems a server may have found, and whether the page leaves one of them open."""
    found: list[Violation] = []
    is_open = False
    for fact in _list_facts(detail):
        prediction = predict(body, media=lambda reference, fact=fact: _apply_failure(reference, fact))  # type: ignore[misc]
        if isinstance(prediction, Rejected):
            found += prediction.violations
        is_open = is_open or isinstance(prediction, Unspecified)
    return tuple(found), is_open


def _list_facts(detail: str) -> Iterator[MediaFact]:
    """Yield the facts that would explain a refusal, with the numbers taken from the answer."""
    status, pixels = _HTTP_STATUS.search(detail), _PIXELS.search(detail)
    for problem in _URL_PROBLEMS:
        number = int(status[1]) if status else 404
        yield MediaFact(problem=problem, http_status=number if problem is Problem.HTTP_ERROR else None)
    yield _BAD_BASE64
    yield _HEAVY
    if pixels:
        yield MediaFact(width=int(pixels[1]), height=int(pixels[2]))


def _apply_failure(reference: Mapping[str, object], fact: MediaFact) -> MediaFact:
    """Return the given failure if this reference can have it, or else the presumed fact."""
    data = reference.get("data")
    if reference.get("url") is not None:
        may = fact is not _BAD_BASE64
    elif _is_stored(data):
        may = fact.problem in (None, Problem.BAD_BASE64)
    else:  # the length of inline data is known, the size of the image is not
        may = (
            isinstance(data, str)
            and fact.width is not None
            and inline_only(reference).problem is not Problem.BAD_BASE64
        )
    return fact if may else _presume(reference)
