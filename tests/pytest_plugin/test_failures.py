"""What a run says of a target that is wrong: one explanation for each cause, and which options say more or less."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from luma_conformance.catalogue.files import specs
from luma_conformance.judge import explain
from luma_conformance.judge.evidence import WHOLE
from luma_conformance.model import Request, Response
from luma_conformance.reference.asgi import serving
from tests import miniatures
from tests.kit import Run, run_inside
from tests.miniatures import Wrong, on_answers

NO_VERSION = miniatures.without_header("X-API-Version", on=lambda response: True)


@on_answers
def another_envelope(_: Request, answer: Response) -> Response:
    """Say `error` for `detail`."""
    said = miniatures.detail_of(answer)
    return answer if said is None else replace(answer, body=json.dumps({"error": said}).encode())


@on_answers
def crashes_instead_of_refusing(_: Request, answer: Response) -> Response:
    """Answer 500 where the reference answers 400: a validator that raises."""
    return replace(answer, status=500, headers=(), body=b"Traceback") if answer.status == 400 else answer


def wrong_in_three_things(handle: miniatures.Handle) -> miniatures.Handle:
    """Leave out a header everywhere, answer 422 for 400, and word one text otherwise."""
    other_words = miniatures.another_detail("Unknown model: super-model-v9", "no such model")
    other_status = on_answers(lambda _, answer: replace(answer, status=422) if answer.status == 400 else answer)
    return NO_VERSION(other_status(other_words(handle)))


@pytest.fixture
def against(run: Run) -> Callable[..., pytest.RunResult]:
    """Return a function that runs pytest against the reference, wrong in some things."""

    def against(wrong: Wrong, *arguments: str) -> pytest.RunResult:
        with serving(wrap=wrong) as url:
            return run("--base-url", url, *arguments)

    return against


def test_of_equal_failures_few_commands_are_made(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is wrong about everything does not cost far more than one that is right."""
    made: list[Request] = []
    usual = explain.curl

    def count(request: Request, *more: Any) -> str:
        made.append(request)
        return usual(request, *more)

    monkeypatch.setattr(explain, "curl", count)
    with serving(wrap=NO_VERSION) as url:
        found = run_inside(pytester, str(specs() / "create/400-aspect-ratio.yaml"), "--base-url", url)

    assert found.parseoutcomes()["failed"] > 2 * WHOLE
    assert len(made) == WHOLE


def test_what_is_wrong_everywhere_is_explained_once(against: Callable[..., pytest.RunResult]) -> None:
    """A header that every answer lacks is one cause, explained by one case, with the ids of the others."""
    result = against(NO_VERSION)

    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(
        [
            "*= CAUSES =*",
            "1. X-API-Version is missing: 3 cases (must)",
            "things.yaml#control  *  things.yaml:*",
            "                   X-API-Version: is missing  [[]*",
            "  also             things.yaml#empty things.yaml#unknown-model",
            "",
            "*= Luma Agents API conformance =*",
            "cause       1. X-API-Version is missing: 3 cases",
        ]
    )
    assert str(result.stdout).count("the page says") == 1
    for said in ("*FAILURES*", "FAILED *", "2. *", "*Traceback*"):
        result.stdout.no_fnmatch_line(said)


@pytest.mark.parametrize(
    ("wrong", "cause"),
    [
        (another_envelope, "1. detail is missing: 2 cases (must)"),
        (crashes_instead_of_refusing, "1. answers 500  Traceback: 2 cases (must)"),
        (miniatures.accepts_everything, "1. accepts what the page refuses with 400: 400 — Invalid things: 2 cases *"),
    ],
)
def test_each_kind_of_fault_is_one_cause(against: Callable[..., pytest.RunResult], wrong: Wrong, cause: str) -> None:
    """What else is wrong with such answers follows from it, and is not told as another cause."""
    result = against(wrong)

    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(["*= CAUSES =*", cause])
    result.stdout.no_fnmatch_line("2. *")


def test_three_faults_are_three_causes_in_the_order_of_their_weight(against: Callable[..., pytest.RunResult]) -> None:
    """What is wrong in most cases is first, and a wording is last."""
    lines = against(wrong_in_three_things).outlines

    assert [line for line in lines if line[:3] in ("1. ", "2. ", "3. ", "4. ")] == [
        "1. X-API-Version is missing: 3 cases, 1 by that alone (must)",
        "2. 422 instead of 400: 400 — Invalid things: 2 cases, 0 by that alone (must)",
        '3. says "no such model" instead of "Unknown model: super-model-v9": 1 case, 0 by that alone (should)',
    ]


def test_v_shows_every_failure(against: Callable[..., pytest.RunResult]) -> None:
    """With -v each case is explained, and has a line with its id to paste; the summary has the causes too."""
    result = against(NO_VERSION, "-v")

    assert str(result.stdout).count("the page says") == 3
    result.stdout.fnmatch_lines(
        [
            "*= FAILURES =*",
            "cause       1. X-API-Version is missing: 3 cases",
            "FAILED things.yaml#control - X-API-Version: is missing",
        ]
    )
    for said in ("*= CAUSES =*", "FAILED things.yaml::*"):
        result.stdout.no_fnmatch_line(said)


def test_tb_no_explains_nothing(against: Callable[..., pytest.RunResult]) -> None:
    """Whoever wants no explanation gets the causes of the summary alone."""
    result = against(NO_VERSION, "--tb=no")

    result.stdout.fnmatch_lines(["cause       1. X-API-Version is missing: 3 cases"])
    result.stdout.no_fnmatch_line("*the page says*")


@pytest.mark.parametrize("asked", ["-rf", "-rA"])
def test_a_short_summary_that_is_asked_for_has_a_line_for_each_case(
    against: Callable[..., pytest.RunResult], asked: str
) -> None:
    """-rf lists what failed, by the difference and an id to paste; nothing is explained twice."""
    result = against(NO_VERSION, asked)

    assert str(result.stdout).count("the page says") == 1
    result.stdout.fnmatch_lines(
        [f"FAILED things.yaml#{slug} - X-API-Version: is missing" for slug in ("control", "empty", "unknown-model")]
    )
    result.stdout.no_fnmatch_line("*Traceback*")


@pytest.mark.parametrize("asked", ["-ra", "-rx"])
def test_a_short_summary_of_other_outcomes_has_no_such_lines(
    against: Callable[..., pytest.RunResult], asked: str
) -> None:
    """-ra stands in many projects' settings, and hundreds of lines after the causes would hide them."""
    against(NO_VERSION, asked).stdout.no_fnmatch_line("FAILED *")


@pytest.mark.slow
def test_workers_leave_the_same_causes(against: Callable[..., pytest.RunResult]) -> None:
    """With -n 2 the causes are those of one process."""
    result = against(wrong_in_three_things, "-n", "2")

    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(["*= CAUSES =*", "1. X-API-Version is missing: 3 cases, 1 by that alone (must)"])
    assert str(result.stdout).count("the page says") == 3


def test_failures_of_other_tests_are_shown_as_ever(
    pytester: pytest.Pytester, against: Callable[..., pytest.RunResult]
) -> None:
    """A test of somebody's own beside the cases keeps its place in pytest's output."""
    pytester.makepyfile(test_own="def test_own():\n    assert 1 + 1 == 3\n")

    result = against(NO_VERSION)

    result.assert_outcomes(failed=4)
    result.stdout.fnmatch_lines(["*= CAUSES =*", "*= FAILURES =*", "*test_own*", "FAILED test_own.py::test_own - *"])


def test_what_both_sides_say_is_coloured_on_a_terminal(against: Callable[..., pytest.RunResult]) -> None:
    """As a diff has them: the page green, the server red; and not a colour where the output is no terminal."""
    other_words = miniatures.another_detail("Unknown model: super-model-v9", "no such model")
    coloured, plain = against(other_words, "--color=yes"), against(other_words)

    assert "\x1b[32m  the page says    400  Unknown model: super-model-v9" in coloured.stdout.str()
    assert "\x1b[31m  the server said  400  no such model" in coloured.stdout.str()
    assert "\x1b[" not in plain.stdout.str()
