"""What a generated request may be answered with, in the words a case file has for it."""

from __future__ import annotations

from typing import Any

import pytest

from luma_conformance.judge.answers import EveryResponse
from luma_conformance.judge.expected import (
    build_case,
    expect_not_found,
    expect_unauthorized,
    judge_answer,
    write_case_file,
)
from luma_conformance.judge.explain import describe_expected
from luma_conformance.model import Ask, Auth, Case
from luma_conformance.rules import Accepted, Prediction, predict
from tests.kit import exchange, read_cases, response

MODEL: dict[str, Any] = {"prompt": "A sunset", "model": "super-model-v9"}
TWICE: dict[str, Any] = {"prompt": "", "style": "manga", "aspect_ratio": "1:1"}
OPEN: dict[str, Any] = {"prompt": "A sunset", "unheard_of": True}


def wrong(case: Case, status: int, detail: object) -> list[str]:
    """Return the mismatches of an answer."""
    body = {"state": "queued"} if status == 201 else {"detail": detail}
    answer = exchange(response(status, body))
    return [mismatch.where for mismatch in judge_answer(answer, case, EveryResponse(())).mismatches]


def answered(body: dict[str, Any], status: int, detail: object = "x") -> list[str]:
    """Return the mismatches of an answer to a body."""
    return wrong(build_case(body, predict(body), status), status, detail)


@pytest.mark.parametrize(
    ("body", "status", "detail", "differs"),
    [
        ({"prompt": "A sunset"}, 201, None, []),
        ({"prompt": "A sunset"}, 400, "x", ["status", "body"]),
        (MODEL, 400, "Unknown model: super-model-v9", []),
        (MODEL, 400, "no such model", ["detail"]),
        (MODEL, 422, "Unknown model: super-model-v9", ["status"]),
        (MODEL, 201, None, ["status", "detail"]),
        (TWICE, 400, "Prompt must be between 1 and 6000 characters", []),
        (TWICE, 422, "Prompt must be between 1 and 6000 characters", ["detail"]),
    ],
)
def test_an_answer_is_one_the_oracle_allows(
    body: dict[str, Any], status: int, detail: object, differs: list[str]
) -> None:
    """Accepted is a 201; rejected is any of the violated rules, text and status from the same one."""
    assert answered(body, status, detail) == differs


def test_what_is_broken_beside_what_is_open_is_not_accepted() -> None:
    """A body that breaks a rule for sure may be refused for anything else, but gets no 201."""
    crossed = {"prompt": "A sunset", "model": "ray-3.2", "output_format": "png"}

    assert answered(crossed, 400, "output_format is for images") == []
    assert answered(crossed, 422, "Type 'image' is not supported for model 'ray-3.2'") == []
    assert answered(crossed, 201) == ["status", "detail"] or answered(crossed, 201) == ["status"]
    assert build_case(crossed, predict(crossed), 201).section == "400 — Unsupported generation type for this model"


@pytest.mark.parametrize("status", [201, 400, 404, 422, 451])
def test_any_orderly_answer_is_allowed_where_the_page_is_silent(status: int) -> None:
    """Accepted, or any 4xx that says what is wrong."""
    assert answered(OPEN, status) == []


@pytest.mark.parametrize(
    ("status", "detail"), [(429, "x"), (500, "x"), (502, "x"), (503, "x"), (400, ["x"]), (200, "x")]
)
def test_a_disorderly_answer_is_refused_where_the_page_is_silent(status: int, detail: object) -> None:
    """No crash, no gateway error where nothing is fetched, no other shape, no other success."""
    assert answered(OPEN, status, detail) != []


@pytest.mark.parametrize(
    "where", [{"source": {"url": "https://a.test/x"}}, {"image_ref": [{"url": "https://a.test/x"}]}]
)
def test_where_something_is_fetched_the_proxy_may_be_down(where: dict[str, Any]) -> None:
    """A body the page leaves open that refers to a URL may be answered 502 or 503, and still not 500."""
    body = {**OPEN, **where}

    assert answered(body, 502, "source: fetch proxy unavailable") == []
    assert answered(body, 503) == []
    assert answered(body, 500) != []


def test_allowed_statuses_are_shown_as_ranges() -> None:
    """A reader is not given fifty numbers."""
    case = build_case(OPEN, predict(OPEN), 500)

    assert describe_expected(case.steps[0].expect, case) == "201 or 400–428 or 430–451  (a generated request)"


@pytest.mark.parametrize(
    ("prediction", "status", "detail", "differs"),
    [
        (Accepted(), 401, "Invalid API key", []),
        (Accepted(), 401, "Who are you?", ["detail"]),
        (Accepted(), 400, "Unknown model: super-model-v9", ["status", "detail"]),
        (predict(MODEL), 400, "Unknown model: super-model-v9", []),
        (predict(MODEL), 201, None, ["status", "detail"]),
        (predict(OPEN), 404, "x", []),
        (predict(OPEN), 201, None, ["status"]),
    ],
)
def test_an_invalid_key_is_refused_for_the_key_or_the_body(
    prediction: Prediction, status: int, detail: object, differs: list[str]
) -> None:
    """Which is looked at first is open where the body is wrong too; accepted it never is."""
    ask = Ask(method="POST", url="/v1/generations", auth=Auth(token="luma-api-x"), body={})

    assert (
        wrong(expect_unauthorized(ask, "Invalid API key", prediction, status), status, detail)[: len(differs)]
        == differs
    )


@pytest.mark.parametrize(
    ("detail", "differs"),
    [
        ("API key has expired", []),
        ("Missing or invalid API key", []),
        ("Invalid API key", ["detail"]),
        ("Generation not found", ["detail"]),
    ],
)
def test_a_poll_with_an_invalid_key_has_one_of_two_texts(detail: str, differs: list[str]) -> None:
    """The section on polls prints one text for every key, and says that it is the same as on submitting."""
    ask = Ask(method="GET", url="/v1/generations/x", auth=Auth(token="luma-api-x"))

    assert wrong(expect_unauthorized(ask, "API key has expired", Accepted(), 401), 401, detail) == differs


@pytest.mark.parametrize(
    "case",
    [
        build_case(MODEL, predict(MODEL), 400),
        build_case(TWICE, predict(TWICE), 400),
        expect_not_found(Ask(method="GET", url="/v1/generations/x")),
    ],
    ids=["one rule", "several", "lookup"],
)
def test_a_printed_case_file_reads_as_the_same_case(case: Case) -> None:
    """What is printed for pasting is a case file, with the same request and the same statuses."""
    (kept,) = read_cases(write_case_file(case))

    assert kept.steps[0].ask.body == case.steps[0].ask.body
    assert kept.steps[0].ask.url == case.steps[0].ask.url
    assert kept.steps[0].expect.status == case.steps[0].expect.status
