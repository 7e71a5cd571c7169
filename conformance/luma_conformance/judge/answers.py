"""Judging answers: against the expectation of a step, and against the expectations about every response.

The result depends only on the exchanges. Judging does not stop at the first difference; all of them are reported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from luma_conformance.matching import Matcher, Members, Scene, show
from luma_conformance.model import Case, Exchange, Facet, Holding, Mismatch, Repeat, Response, Step, fields
from luma_conformance.reading.strict_json import parse_json

FINAL_STATES = ("completed", "failed")
"""The states a generation does not leave ("Handling async failures in code")."""

_NOT_JSON = object()


@dataclass(frozen=True, slots=True)
class EveryResponse:
    """The expectations about every response."""

    holdings: tuple[Holding, ...]

    def on(self, method: str, response: Response, detail: object) -> Iterator[Holding]:
        """Yield the expectations about a response to a method."""
        for holding in self.holdings:
            if (
                (holding.operation is None or holding.operation.startswith(f"{method} "))
                and (holding.status is None or response.status in holding.status)
                and (holding.detail is None or holding.detail == detail)
            ):
                yield holding


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What is wrong with the answers to one step, and notes on what is unusual but allowed."""

    mismatches: tuple[Mismatch, ...] = ()
    notes: tuple[str, ...] = ()


def body_of(response: Response) -> object:
    """Return the JSON value of a response's body, or a value equal to no other if it is not JSON in UTF-8."""
    try:
        # Between systems, JSON is UTF-8 without a byte order mark (RFC 8259, 8.1). Of bytes, Python would read UTF-16
        # and others too, and hide that clients in other languages cannot.
        return parse_json(response.body.decode("utf-8"))
    except ValueError:
        return _NOT_JSON


def member_of(response: Response, name: str) -> object:
    """Return a member of a response's JSON body, or None."""
    return _member(body_of(response), name)


def detail_of(response: Response) -> object:
    """Return the `detail` member of a response's body, or None."""
    return member_of(response, "detail")


def is_awaited(repeat: Repeat, response: Response) -> bool:
    """Return whether an answer is the one a step is repeated for."""
    if repeat.until_status is not None:
        return response.status == repeat.until_status
    return repeat.until_state is not None and member_of(response, "state") == repeat.until_state


def is_settled(repeat: Repeat, response: Response) -> bool:
    """Return whether repeating is of no use: the awaited answer has come, or a different final state."""
    if is_awaited(repeat, response):
        return True
    return repeat.until_state is not None and member_of(response, "state") in FINAL_STATES


def judge_step(
    case: Case,
    number: int,
    exchanges: Sequence[Exchange],
    saved: Mapping[str, object],
    every: EveryResponse,
) -> Judgement:
    """Return what is wrong with the answers to a step, whose `number` counts from 1.

    The last exchange is the one the step waited for.
    """
    step = case.steps[number - 1]
    found: list[Mismatch] = []
    notes: list[str] = []
    for exchange in exchanges[:-1]:
        found += _check_meanwhile(step, exchange, every, saved, case.section)
    last = exchanges[-1]
    scene = Scene(saved=saved, sent=fields(last.request.headers))
    body = body_of(last.response)
    if step.repeat is not None and not is_awaited(step.repeat, last.response):
        why = _describe_missed(step.repeat, len(exchanges), last.response)
        found.append(Mismatch(facet=Facet.SEQUENCE, where="repeat", why=why, rests_on=case.section))
    found += _check_expected(step, last.response, body, scene, case.section, notes)
    found += _check_every_response(last, body, scene, every)
    mismatches = tuple(replace(mismatch, step=number) for mismatch in dict.fromkeys(found))
    return Judgement(mismatches=mismatches, notes=tuple(notes))


def _check_meanwhile(
    step: Step, exchange: Exchange, every: EveryResponse, saved: Mapping[str, object], section: str
) -> Iterator[Mismatch]:
    assert step.repeat is not None
    response = exchange.response
    if response.status not in step.repeat.meanwhile:
        why = f"expected {_one_of(step.repeat.meanwhile)} meanwhile, got {response.status}"
        yield Mismatch(facet=Facet.STATUS, where="status", why=why, rests_on=section)
    scene = Scene(saved=saved, sent=fields(exchange.request.headers))
    yield from _check_every_response(exchange, body_of(response), scene, every)


def find_always_wrong(exchange: Exchange, every: EveryResponse) -> tuple[Mismatch, ...]:
    """Return what is wrong with an answer whatever its request was about: a crash, or what every response must have."""
    response = exchange.response
    found = []
    if response.status >= 500:
        why = f"expected an answer below 500, got {response.status}"
        found.append(Mismatch(facet=Facet.STATUS, where="status", why=why, rests_on="Error response format"))
    scene = Scene(sent=fields(exchange.request.headers))
    return (*found, *_check_every_response(exchange, body_of(response), scene, every))


def _check_expected(
    step: Step, response: Response, body: object, scene: Scene, section: str, notes: list[str]
) -> Iterator[Mismatch]:
    expect = step.expect
    if response.status not in expect.status:
        got = f"expected {_one_of(expect.status)}, got {response.status}"
        yield Mismatch(facet=Facet.STATUS, where="status", why=got, rests_on=section)
    if expect.detail is not None:
        detail = body.get("detail") if isinstance(body, dict) else None
        why = expect.detail.explain(detail, scene)
        if why and expect.wording_may_vary and isinstance(detail, str) and detail:
            notes.append(f"detail is worded {show(detail)}, which the page allows")
        elif why:
            yield Mismatch(facet=Facet.DETAIL, where="detail", why=why, rests_on=section)
    yield from _check_headers(fields(response.headers), expect.headers, expect.absent_headers, scene, section)
    if expect.body is not None:
        why = _explain_body(expect.body, body, response, scene)
        worded = bool(why) and _differs_in_wording_only(expect.body, body, scene)
        if worded and expect.wording_may_vary:
            notes.append(f"failure_reason is worded {show(_member(body, 'failure_reason'))}, which the page allows")
        elif why and worded:
            why = why.removeprefix("failure_reason: ")
            yield Mismatch(facet=Facet.BODY, where="failure_reason", why=why, rests_on=section)
        elif why:
            yield Mismatch(facet=Facet.BODY, where="body", why=why, rests_on=section)


def _check_every_response(exchange: Exchange, body: object, scene: Scene, every: EveryResponse) -> Iterator[Mismatch]:
    if not exchange.request.url.startswith("/"):
        return  # an output file: storage answers, not the API
    response = exchange.response
    answered = fields(response.headers)
    for holding in every.on(exchange.request.method, response, _member(body, "detail")):
        yield from _check_headers(answered, holding.headers, holding.absent_headers, scene, holding.section)
        if holding.body is not None and (why := _explain_body(holding.body, body, response, scene)):
            yield Mismatch(facet=Facet.BODY, where="body", why=why, rests_on=holding.section)


def _check_headers(
    answered: Mapping[str, str], expected: Mapping[str, Matcher], absent: Sequence[str], scene: Scene, section: str
) -> Iterator[Mismatch]:
    for name, matcher in expected.items():
        value = answered.get(name.lower())
        if value is None:
            yield Mismatch(facet=Facet.HEADERS, where=name, why="is missing", rests_on=section)
        elif why := matcher.explain(value, scene):
            yield Mismatch(facet=Facet.HEADERS, where=name, why=why, rests_on=section)
    for name in absent:
        if (value := answered.get(name.lower())) is not None:
            why = f"does not belong here, got {show(value)}"
            yield Mismatch(facet=Facet.HEADERS, where=name, why=why, rests_on=section)


def _explain_body(matcher: Matcher, body: object, response: Response, scene: Scene) -> str | None:
    if body is _NOT_JSON:
        return f"{_describe_fault(response.body)}: {show(response.body.decode('utf-8', 'replace'))}"
    return matcher.explain(body, scene)


def _describe_fault(raw: bytes) -> str:
    try:
        parse_json(raw)
    except ValueError:
        return "is not JSON"
    return "is not JSON in UTF-8 without a byte order mark, which is what systems exchange (RFC 8259)"


def _differs_in_wording_only(matcher: Matcher, body: object, scene: Scene) -> bool:
    """Return whether the body would match if its failure_reason were the expected one."""
    reason = _member(body, "failure_reason")
    if not (isinstance(matcher, Members) and isinstance(reason, str) and reason):
        return False
    others = Members({name: value for name, value in matcher.expected.items() if name != "failure_reason"})
    return others.explain(body, scene) is None


def _member(body: object, name: str) -> object:
    return body.get(name) if isinstance(body, dict) else None


def _one_of(statuses: tuple[int, ...]) -> str:
    return " or ".join(str(status) for status in statuses)


def _describe_missed(repeat: Repeat, times: int, last: Response) -> str:
    awaited = repeat.until_state or repeat.until_status
    state = member_of(last, "state")
    answer = f"{last.status} {show(state)}" if state else f"{last.status}"
    return f"never came to {awaited} in {times} requests; the last answer was {answer}"
