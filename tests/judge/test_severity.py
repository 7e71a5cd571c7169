"""The severity of a difference, and what leniency lets pass."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from luma_conformance.catalogue import files as casefiles
from luma_conformance.judge.answers import EveryResponse, judge_step
from luma_conformance.judge.severity import apply_leniency, worst_severity
from luma_conformance.matching import Exactly, Members
from luma_conformance.model import (
    Ask,
    Case,
    Exchange,
    Expectation,
    Facet,
    Mismatch,
    Outcome,
    Place,
    Request,
    Response,
    Result,
    Severity,
    Step,
    Verdict,
)
from luma_conformance.session.open import Options, open_session


def mismatch(facet: Facet, where: str) -> Mismatch:
    """Return a difference in a facet."""
    return Mismatch(facet=facet, where=where, why="differs", step=1, rests_on="Error response format")


@pytest.mark.parametrize(
    ("facet", "where", "severity"),
    [
        (Facet.STATUS, "status", Severity.MUST),
        (Facet.HEADERS, "Retry-After", Severity.MUST),
        (Facet.BODY, "body", Severity.MUST),
        (Facet.SEQUENCE, "repeat", Severity.MUST),
        (Facet.DETAIL, "detail", Severity.SHOULD),
        (Facet.BODY, "failure_reason", Severity.SHOULD),
    ],
)
def test_what_clients_branch_on_is_graded_must(facet: Facet, where: str, severity: Severity) -> None:
    """Status, failure code, headers and order are musts; the two texts for people are shoulds."""
    assert mismatch(facet, where).severity is severity


def test_the_worst_difference_decides_the_severity() -> None:
    """One must among shoulds makes a must; without a difference there is no severity."""
    worded, missing = mismatch(Facet.DETAIL, "detail"), mismatch(Facet.HEADERS, "X-API-Version")

    assert worst_severity((worded, missing)) is Severity.MUST
    assert worst_severity((worded,)) is Severity.SHOULD
    assert worst_severity(()) is None


def failed(*mismatches: Mismatch, status: int = 400, body: object = None) -> Result:
    """Return a failed case whose last answer has this body."""
    (case, *_) = casefiles.own().matching("create/400-unknown-model/page-example")
    response = Response(status=status, body=json.dumps(body).encode())
    exchange = Exchange(request=Request(method="POST", url="/v1/generations"), response=response, sent=0, received=0)
    return Result(case=case, verdict=Verdict(outcome=Outcome.FAIL, mismatches=mismatches), exchanges=(exchange,))


@pytest.mark.parametrize(
    ("result", "outcome"),
    [
        (failed(mismatch(Facet.DETAIL, "detail"), body={"detail": "what?"}), Outcome.WARNING),
        (failed(mismatch(Facet.BODY, "failure_reason"), body={"failure_reason": "what?"}), Outcome.WARNING),
        (failed(mismatch(Facet.DETAIL, "detail"), body={"detail": ""}), Outcome.FAIL),
        (failed(mismatch(Facet.DETAIL, "detail"), body={"detail": ["what?"]}), Outcome.FAIL),
        (
            failed(mismatch(Facet.DETAIL, "detail"), body={"detail": "source is required for type 'image_edit'"}),
            Outcome.FAIL,
        ),
        (
            failed(mismatch(Facet.DETAIL, "detail"), mismatch(Facet.STATUS, "status"), body={"detail": "what?"}),
            Outcome.FAIL,
        ),
    ],
)
def test_leniency_lets_another_wording_pass_and_nothing_more(result: Result, outcome: Outcome) -> None:
    """No text, no text at all, the text of another error or another status stay failures."""
    assert apply_leniency(result, casefiles.own()).verdict.outcome is outcome


def test_a_failure_with_a_reason_of_its_own_stays_one() -> None:
    """Leniency does not soften a deviation that is known otherwise."""
    result = failed(mismatch(Facet.DETAIL, "detail"), body={"detail": "what?"})
    known = replace(result, verdict=replace(result.verdict, reason="a different wrong answer from the known one"))

    assert apply_leniency(known, casefiles.own()) == known


def test_another_failure_reason_is_a_difference_in_wording() -> None:
    """Where only failure_reason differs the difference is of wording; another failure_code is not."""
    expect = Expectation(
        status=(200,),
        body=Members({"failure_code": Exactly("budget_exhausted"), "failure_reason": Exactly("Out of credits")}),
    )
    ask = Ask(method="GET", url="/v1/generations/x")
    case = Case(
        id="a/b", title="t", section="s", operation="o", place=Place("f", 1), steps=(Step(ask=ask, expect=expect),)
    )

    def severities(body: dict[str, str]) -> list[tuple[str, Severity]]:
        response = Response(status=200, body=json.dumps(body).encode())
        exchange = Exchange(request=Request(method="GET", url=ask.url), response=response, sent=0, received=0)
        found = judge_step(case, 1, (exchange,), {}, EveryResponse(()))
        return [(one.where, one.severity) for one in found.mismatches]

    assert severities({"failure_code": "budget_exhausted", "failure_reason": "No money"}) == [
        ("failure_reason", Severity.SHOULD)
    ]
    assert severities({"failure_code": "other", "failure_reason": "Out of credits"}) == [("body", Severity.MUST)]


def test_leniency_does_not_end_a_case_at_another_wording() -> None:
    """A case of several steps goes on after another wording, so that what is wrong later is still found."""
    session = open_session(Options(lenient=True))
    step = Step(
        ask=Ask(method="POST", url="/v1/generations", body={"prompt": ""}),
        expect=Expectation(status=(400,), detail=Exactly("an empty prompt")),
    )
    later = replace(step, expect=Expectation(status=(422,)))
    case = Case(id="a/b", title="t", section="s", operation="o", place=Place("f", 1), steps=(step, step))

    worded = session.run(case)
    wrong = session.run(replace(case, steps=(step, later)))

    assert (worded.verdict.outcome, worded.verdict.mismatches[0].step, len(worded.exchanges)) == (Outcome.FAIL, 1, 1)
    assert (wrong.verdict.outcome, wrong.verdict.mismatches[0].facet) == (Outcome.FAIL, Facet.STATUS)
    assert wrong.verdict.mismatches[0].step == 2
