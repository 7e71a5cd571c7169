"""Confronts an answer with what the oracle allows for a body, and writes the body as a case to keep."""

from __future__ import annotations

import json
from typing import Final

from conformance.judge import EveryResponse, Judgement, judge_step
from conformance.matching import Exactly, Is, Like, Matcher, Members, OneOf
from conformance.model import Ask, Case, Exchange, Expectation, Place, Step
from conformance.rules import RULES, Accepted, Prediction, Rejected, Violation

CREATE: Final = "POST /v1/generations"
OPEN_STATUSES: Final = (201, *range(400, 429), *range(430, 452))
"""What may answer a body the page says nothing about: accepted, or refused with any 4xx but the rate limit's."""

_HEADINGS: Final = {rule.id: rule.heading for rule in RULES}
_TEXT: Final = Is("text")


def expected(prediction: Prediction, status: int) -> Expectation:
    """Returns what a body of that prediction may be answered with, of all allowed answers those of the status given."""
    if isinstance(prediction, Accepted):
        return Expectation(status=(201,), body=Members({"state": Exactly("queued")}))
    if not isinstance(prediction, Rejected):
        return Expectation(status=OPEN_STATUSES, body=Members({"detail": _TEXT}) if status >= 400 else None)
    allowed = tuple(v for v in prediction.violations if v.status == status) or prediction.violations
    texts = [matcher for violation in allowed for matcher in _matchers(violation)]
    return Expectation(
        status=tuple(dict.fromkeys(violation.status for violation in allowed)),
        detail=texts[0] if len(texts) == 1 else OneOf(tuple(texts)),
        wording_may_vary=any(violation.wording_may_vary for violation in allowed),
    )


def section(prediction: Prediction) -> str:
    """Returns the heading of the page an answer rests on."""
    if isinstance(prediction, Rejected):
        return _HEADINGS[prediction.violations[0].rule]
    return "201 — Created (success)" if isinstance(prediction, Accepted) else "Error response format"


def judged(exchange: Exchange, case: Case, every: EveryResponse) -> Judgement:
    """Returns what is wrong with the answer to a generated request."""
    return judge_step(case, 1, (exchange,), {}, every)


def as_case(body: object, prediction: Prediction, status: int) -> Case:
    """Returns a generated request as a case, with what it may be answered."""
    ask = Ask(method="POST", url="/v1/generations", body=body)
    return Case(
        id="fuzzed/request",
        title="a generated request",
        section=section(prediction),
        operation=CREATE,
        place=Place("(generated)", 1),
        steps=(Step(ask=ask, expect=expected(prediction, status)),),
    )


def as_yaml(case: Case) -> str:
    """Returns a case file with this one case, ready to be pasted: its data is JSON, which YAML is a superset of."""
    step = case.steps[0]
    statuses = list(step.expect.status)
    lines = [
        "# yaml-language-server: $schema=case-file.schema.json",
        f"section: {_json(case.section)}",
        f"operation: {case.operation}",
        "cases:",
        "  - id: fuzzed",
        f"    title: {case.title}",
        f"    status: {_json(statuses if len(statuses) > 1 else statuses[0])}",
    ]
    if step.expect.detail is not None:
        lines.append(f"    detail: {_json(_written(step.expect.detail))}")
    if step.expect.wording_may_vary:
        lines.append("    wording: may-vary")
    return "\n".join([*lines, "    request:", "      body: " + _json(step.ask.body)])


def _matchers(violation: Violation) -> tuple[Matcher, ...]:
    if violation.details:
        return tuple(Exactly(text) for text in violation.details)
    return (Like.of(violation.detail_like),) if violation.detail_like is not None else (_TEXT,)


def _written(matcher: Matcher) -> object:
    """Returns a matcher of ours as case files write it."""
    if isinstance(matcher, OneOf):
        return {"$one_of": [_written(choice) for choice in matcher.choices]}
    if isinstance(matcher, Like):
        return {"$like": matcher.template}
    return matcher.expected if isinstance(matcher, Exactly) else {"$is": "text"}


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=not _encodable(value))


def _encodable(value: object) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
