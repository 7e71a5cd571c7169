"""The expected answer to a generated request, as predicted by the rules, and the request as a case to keep."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from luma_conformance.catalogue.media import abbreviate, encode
from luma_conformance.judge.answers import EveryResponse, Judgement, judge_step
from luma_conformance.matching import Exactly, Is, Like, Matcher, Members, OneOf
from luma_conformance.model import ABSENT, GENERATIONS_PATH, Ask, Auth, Case, Exchange, Expectation, Place, Step
from luma_conformance.rules import RULES, Accepted, Prediction, Rejected, Unspecified, Violation

CREATE_OPERATION: Final = f"POST {GENERATIONS_PATH}"
MAX_NAMED: Final = 2_000
"""Characters of JSON that fit on a command line."""
LOOKUP_OPERATION: Final = "GET /v1/generations/{generation_id}"
OPEN_STATUSES: Final = (201, *range(400, 429), *range(430, 452))
"""Allowed for a body the page says nothing about: 201, unless it breaks a rule too, or any 4xx but the rate limit's."""
FETCHING: Final = (502, 503)
"""Also allowed if such a body contains a URL: the fetch proxy may be down or switched off."""
NO_KEY: Final = "Missing or invalid API key"

_HEADINGS: Final = {rule.id: rule.heading for rule in RULES}
_TEXT: Final = Is("text")
_MAIN: Final = Ask(method="GET", url="").auth


def expect_answer(prediction: Prediction, status: int, body: object = None) -> Expectation:
    """Return what a body with that prediction may be answered with.

    If several statuses are allowed, only the answers with `status` are returned, provided there are any.
    """
    if isinstance(prediction, Accepted):
        return Expectation(status=(201,), body=Members({"state": Exactly("queued")}))
    if not isinstance(prediction, Rejected):
        statuses = (*OPEN_STATUSES, *FETCHING) if _contains_url(body) else OPEN_STATUSES
        statuses = tuple(one for one in statuses if one != 201 or not prediction.broken)
        return Expectation(status=statuses, body=Members({"detail": _TEXT}) if status >= 400 else None)
    allowed = tuple(v for v in prediction.violations if v.status == status) or prediction.violations
    texts = [matcher for violation in allowed for matcher in _matchers(violation)]
    return Expectation(
        status=tuple(dict.fromkeys(violation.status for violation in allowed)),
        detail=texts[0] if len(texts) == 1 else OneOf(tuple(texts)),
        wording_may_vary=any(violation.wording_may_vary for violation in allowed),
    )


def find_heading(prediction: Prediction) -> str:
    """Return the heading of the page that an answer to the body rests on."""
    if isinstance(prediction, Rejected):
        return _HEADINGS[prediction.violations[0].rule]
    if isinstance(prediction, Unspecified) and prediction.broken:
        return _HEADINGS[prediction.broken[0]]
    return "201 — Created (success)" if isinstance(prediction, Accepted) else "Error response format"


def judge_answer(exchange: Exchange, case: Case, every: EveryResponse) -> Judgement:
    """Return what is wrong with the answer to a generated request."""
    return judge_step(case, 1, (exchange,), {}, every)


def build_case(body: object, prediction: Prediction, status: int) -> Case:
    """Return a generated request as a case, with the answers it may get."""
    ask = Ask(method="POST", url=GENERATIONS_PATH, body=body)
    return _case(ask, find_heading(prediction), expect_answer(prediction, status, body))


def expect_not_found(ask: Ask) -> Case:
    """Return a poll for an id that does not exist as a case; an id that is not a UUID is one too."""
    return _case(
        ask, "404 — Generation does not exist", Expectation(status=(404,), detail=Exactly("Generation not found"))
    )


def expect_unauthorized(ask: Ask, detail: str, prediction: Prediction, status: int) -> Case:
    """Return a request with an invalid key as a case: refused, and with 401 if its body is acceptable.

    The page does not say whether the key or the body of a request is checked first.
    """
    # The section on polls prints one text for every key, and says that it is the same as on submitting.
    texts = (detail,) if ask.method == "POST" else tuple(dict.fromkeys((detail, NO_KEY)))
    matchers = tuple(map(Exactly, texts))
    expect = Expectation(status=(401,), detail=matchers[0] if len(matchers) == 1 else OneOf(matchers))
    if status != 401 and not isinstance(prediction, Accepted):
        allowed = expect_answer(prediction, status, ask.body)
        others = tuple(other for other in allowed.status if other not in (201, 401))
        expect = replace(allowed, status=(401, *others))
    return _case(ask, "401 — Unauthorized", expect)


def expect_refused(ask: Ask, status: int, detail: str, heading: str) -> Case:
    """Return a request as a case that is refused with one text."""
    return _case(ask, heading, Expectation(status=(status,), detail=Exactly(detail)))


def write_case_file(case: Case) -> str:
    """Return a case file with this one case, ready to paste; its data is JSON, which is valid YAML."""
    step = case.steps[0]
    statuses = list(step.expect.status)
    lines = [
        "# yaml-language-server: $schema=case-file.schema.json",
        f"section: {_to_json(case.section)}",
        f"operation: {case.operation}",
        *([f"needs: {_to_json(needs)}"] if (needs := _list_needs(case)) else []),
        "cases:",
        "  - id: fuzzed",
        f"    title: {case.title}",
        f"    status: {_to_json(statuses if len(statuses) > 1 else statuses[0])}",
    ]
    if step.expect.detail is not None:
        lines.append(f"    detail: {_to_json(_write_matcher(step.expect.detail))}")
    if step.expect.wording_may_vary:
        lines.append("    wording: may-vary")
    return "\n".join([*lines, "    request:", *_write_request(step.ask)])


def name_body(body: bytes) -> str | None:
    """Return a body as short JSON from which `luma-conformance show` makes these very bytes; None where it cannot."""
    try:
        named = json.dumps(abbreviate(json.loads(body)))
    except ValueError:
        return None
    return named if len(named) <= MAX_NAMED and encode(json.loads(named)) == body else None


def _list_needs(case: Case) -> list[str]:
    """Return what a target must offer for a case, uploads counted in."""
    large = "over-50-mb}" in json.dumps(abbreviate(case.steps[0].ask.body), default=str)
    return [*case.needs, *(["large-uploads"] if large else [])]


def _case(ask: Ask, heading: str, expect: Expectation) -> Case:
    return Case(
        id="fuzzed/request",
        title="a generated request",
        section=heading,
        operation=CREATE_OPERATION if ask.method == "POST" else LOOKUP_OPERATION,
        place=Place("(generated)", 1),
        steps=(Step(ask=ask, expect=expect),),
        needs=() if ask.auth.role in (None, _MAIN.role) else (ask.auth.role,),
    )


def _write_request(ask: Ask) -> Iterator[str]:
    """Yield the members of a request as case files write them, without those its operation implies."""
    if ask.method != "POST":
        yield f"      path: {_to_json(ask.url)}"
    if ask.auth == Auth():
        yield "      auth: none"
    elif ask.auth != _MAIN:
        given = {"key": ask.auth.role} if ask.auth.role is not None else {"token": ask.auth.token}
        yield f"      auth: {_to_json({**given, 'scheme': ask.auth.scheme})}"
    if ask.body is not ABSENT:
        yield "      body: " + _to_json(abbreviate(ask.body))


def _contains_url(body: object) -> bool:
    """Return whether a body contains a media reference by URL, at any depth."""
    if isinstance(body, dict):
        return isinstance(body.get("url"), str) or any(map(_contains_url, body.values()))
    return isinstance(body, list) and any(map(_contains_url, body))


def _matchers(violation: Violation) -> tuple[Matcher, ...]:
    if violation.details:
        return tuple(Exactly(text) for text in violation.details)
    return (Like.of(violation.detail_like),) if violation.detail_like is not None else (_TEXT,)


def _write_matcher(matcher: Matcher) -> object:
    """Return a matcher as case files write it."""
    if isinstance(matcher, OneOf):
        return {"$one_of": [_write_matcher(choice) for choice in matcher.choices]}
    if isinstance(matcher, Like):
        return {"$like": matcher.template}
    return matcher.expected if isinstance(matcher, Exactly) else {"$is": "text"}


def _to_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=not _is_encodable(value))


def _is_encodable(value: object) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
