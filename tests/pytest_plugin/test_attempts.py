"""Cases that plugins have tried again: a right answer hides no wrong one."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from xml.etree import ElementTree as ET

import pytest

from luma_conformance.errors import Exit
from luma_conformance.judge.judged import Judged, combine
from luma_conformance.model import Outcome, Request, Response
from luma_conformance.reference.inprocess import InProcess
from luma_conformance.report.jsonl import format_verdict, from_data, parse_results
from luma_conformance.report.result import Results
from tests.kit import THINGS, run_inside
from tests.verdicts import SHOW, judge_as

PASS, FAIL, WARNING, KNOWN, NOT = (
    Outcome.PASS, Outcome.FAIL, Outcome.WARNING, Outcome.DEVIATION, Outcome.NOT_JUDGED
)  # fmt: skip
FLAKY = "failed at first, passed when tried again"
When = Callable[[Request], bool]
TWICE = """
    from _pytest.runner import runtestprotocol

    def pytest_runtest_protocol(item, nextitem):
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        for _ in range(2):
            item._initrequest()
            runtestprotocol(item, nextitem=None)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True
"""
"""A plugin that tries everything twice, and logs both."""
LAST_ONLY = """
    from _pytest.runner import call_and_report

    def pytest_runtest_protocol(item, nextitem):
        for number in range(3):
            item._initrequest()
            setup = call_and_report(item, "setup", log=False)
            call = call_and_report(item, "call", log=False)
            teardown = call_and_report(item, "teardown", log=False, nextitem=nextitem)
            if not call.failed:
                break
        for report in (setup, call, teardown):
            item.ihook.pytest_runtest_logreport(report=report)
        return True
"""
"""A plugin that logs the last attempt only, as flaky does."""
IN_MAKEREPORT = """
    import pytest

    @pytest.hookimpl(wrapper=True, {order}=True)
    def pytest_runtest_makereport(item, call):
        report = yield
        if report.when == "call" and report.failed:
            report.outcome = "retried"
            item.ihook.pytest_runtest_logreport(report=report)
            item.ihook.pytest_runtest_teardown(item=item, nextitem=None)
            item._initrequest()
            pytest.CallInfo.from_call(lambda: item.ihook.pytest_runtest_setup(item=item), when="setup")
            again = pytest.CallInfo.from_call(lambda: item.ihook.pytest_runtest_call(item=item), when="call")
            new = pytest.TestReport.from_item_and_call(item, again)
            report.outcome, report.longrepr = new.outcome, new.longrepr
        return report

    def pytest_report_teststatus(report):
        return ("retried", "R", "RETRIED") if report.outcome == "retried" else None
"""
"""A plugin that tries again while a report is made, and gives the report the last outcome, as pytest-retry does."""
PLUGINS = {
    "pytest-rerunfailures": ("", ("-p", "pytest_rerunfailures", "--reruns", "2")),
    "twice": (TWICE, ()),
    "last only": (LAST_ONLY, ()),
    "in makereport, inside": (IN_MAKEREPORT.format(order="trylast"), ()),
    "in makereport, outside": (IN_MAKEREPORT.format(order="tryfirst"), ()),
}
PROMPT = """
    from luma_conformance.strategies import near_misses

    def test_prompts(luma_target):
        pairs = near_misses("prompt-empty", luma_target.material)
        luma_target.for_all(pairs, lambda pair: luma_target.check(pair[1]))
"""


@dataclass
class First:
    """The reference in process, but wrong about the first, or every, answer where `when` says so."""

    when: When = lambda request: b"super-model" in request.body
    always: bool = False
    seen: bool = False

    def patch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        real = InProcess.send

        def send(reference: InProcess, request: Request) -> Response:
            answer = real(reference, request)
            if not self.when(request) or (self.seen and not self.always):
                return answer
            self.seen = True
            return replace(answer, body=b'{"detail": "at first"}')

        monkeypatch.setattr(InProcess, "send", send)


@pytest.fixture
def first(monkeypatch: pytest.MonkeyPatch) -> First:
    """Return the reference, wrong about its first answer to one of three cases."""
    found = First()
    found.patch(monkeypatch)
    return found


def judge(pytester: pytest.Pytester, plugin: str, *options: str) -> tuple[pytest.RunResult, Results]:
    """Run three cases with a plugin that has some of them tried again."""
    if plugin == "pytest-rerunfailures":
        pytest.importorskip("pytest_rerunfailures")
    more, own = PLUGINS[plugin]
    pytester.makefile(".yaml", things=THINGS)
    pytester.makeconftest(more)
    result = run_inside(pytester, *own, "--luma-report=report", "--junitxml=out.xml", *options)
    return result, parse_results((pytester.path / "report/results.jsonl").read_bytes(), "results.jsonl", SHOW)


def read_report(pytester: pytest.Pytester) -> tuple[dict[str, object], dict[str, str]]:
    """Return the flaky case in CTRF, and its properties in JUnit."""
    tests = json.loads((pytester.path / "report/ctrf.json").read_text())["results"]["tests"]
    (flaky,) = [test for test in tests if test.get("flaky")]
    last = ET.parse(pytester.path / "out.xml").findall(".//testcase")[-1]  # noqa: S314
    return flaky, {one.get("name", ""): one.get("value", "") for one in last.iter("property")}


@pytest.mark.parametrize("plugin", PLUGINS)
def test_a_wrong_first_answer_is_red_and_shown_as_flaky(pytester: pytest.Pytester, first: First, plugin: str) -> None:
    """In all that is written, with what was wrong at first."""
    result, results = judge(pytester, plugin)

    assert result.ret == Exit.NOT_CONFORMANT
    result.stdout.fnmatch_lines(
        ["  the server said  400  at first", "judged      3 of *: 2 passed, 1 failed*", f"flaky       1: {FLAKY}"]
    )
    assert [(one.case, one.verdict, one.flaky) for one in results.verdicts if one.flaky] == [
        ("things.yaml#unknown-model", FAIL, FLAKY)
    ]
    ctrf, junit = read_report(pytester)
    assert (ctrf["status"], ctrf["flaky"], ctrf["retries"]) == ("failed", True, 1)
    assert "at first" in str(ctrf["message"])
    assert junit["luma_flaky"] == FLAKY
    assert ET.parse(pytester.path / "out.xml").findall(".//failure")  # noqa: S314
    assert json.loads((pytester.path / "report/badge.json").read_text())["message"].endswith(", 1 flaky")
    for name in ("report.html", "summary.md"):
        assert FLAKY in (pytester.path / "report" / name).read_text()


@pytest.mark.parametrize("plugin", PLUGINS)
def test_flaky_cases_may_be_let_pass_but_are_still_shown(pytester: pytest.Pytester, first: First, plugin: str) -> None:
    """--luma-flaky-ok takes the red away, and nothing else."""
    result, results = judge(pytester, plugin, "--luma-flaky-ok")

    assert result.ret == Exit.CONFORMANT
    result.stdout.fnmatch_lines(
        [
            "judged      3 of *: 3 passed, 0 failed*",
            f"flaky       1: {FLAKY}",
            '*#unknown-model: detail: *got "at first"',
        ]
    )
    (flaky,) = [one for one in results.verdicts if one.flaky]
    assert (flaky.verdict, flaky.actual) == (PASS, "400  at first")
    ctrf, junit = read_report(pytester)
    assert (ctrf["status"], ctrf["retries"]) == ("passed", 1)
    assert junit["luma_flaky"] == FLAKY
    assert json.loads((pytester.path / "report/badge.json").read_text())["message"].endswith(", 1 flaky")
    assert FLAKY in (pytester.path / "report/report.html").read_text()
    assert "400  at first" in (pytester.path / "report/summary.md").read_text()


@pytest.mark.parametrize("plugin", PLUGINS)
def test_what_fails_each_time_is_not_flaky(pytester: pytest.Pytester, first: First, plugin: str) -> None:
    """It is red, whatever may be flaky."""
    first.always = True
    result, results = judge(pytester, plugin, "--luma-flaky-ok")

    assert result.ret == Exit.NOT_CONFORMANT
    assert not results.flaky
    result.stdout.fnmatch_lines(["judged      3 of *: 2 passed, 1 failed*"])


@pytest.mark.parametrize("plugin", PLUGINS)
def test_what_passes_each_time_is_not_flaky(pytester: pytest.Pytester, plugin: str) -> None:
    """Trying again is no fault."""
    result, results = judge(pytester, plugin)

    assert result.ret == Exit.CONFORMANT
    assert not results.flaky


@pytest.mark.parametrize("plugin", PLUGINS)
def test_a_property_is_flaky_as_a_case_is(pytester: pytest.Pytester, first: First, plugin: str) -> None:
    """What it found at first is kept."""
    pytester.makepyfile(test_prompts=PROMPT)

    first.when = lambda request: b'"prompt": ""' in request.body
    result, results = judge(pytester, plugin, "test_prompts.py", "--luma-fuzz", "20")

    assert result.ret == Exit.NOT_CONFORMANT
    (judged,) = results.verdicts
    assert judged.flaky == FLAKY
    assert judged.explanation


def test_without_a_verdict_on_both_nothing_is_flaky() -> None:
    """A case that was not judged when tried again keeps what it came to."""
    judged = combine([_judged(FAIL), _judged(NOT)], flaky_ok=True)

    assert (judged.verdict, judged.flaky) == (FAIL, "")


@pytest.mark.parametrize(
    ("outcomes", "verdict", "allowed", "flaky"),
    [
        ([FAIL, PASS], FAIL, PASS, FLAKY),
        ([PASS, FAIL], FAIL, PASS, "passed at first, failed when tried again"),
        ([NOT, FAIL, FAIL, WARNING], FAIL, WARNING, "failed at first, passed with another wording when tried again"),
        ([KNOWN, PASS], KNOWN, KNOWN, "deviated as known at first, passed when tried again"),
        ([NOT, PASS], PASS, PASS, ""),
        ([FAIL, FAIL], FAIL, FAIL, ""),
    ],
)
def test_the_worst_attempt_counts(outcomes: list[Outcome], verdict: Outcome, allowed: Outcome, flaky: str) -> None:
    """Unless it is allowed, and then the worst of the others does; it survives being written and read."""
    attempts = [_judged(outcome) for outcome in outcomes]

    for flaky_ok, expected in ((False, verdict), (True, allowed)):
        judged = combine(attempts, flaky_ok=flaky_ok)
        assert (judged.verdict, judged.attempts, judged.flaky) == (expected, tuple(outcomes), flaky)
        assert from_data(json.loads(format_verdict(judged)), "f", SHOW).attempts == judged.attempts
        assert combine([combine(attempts[:-1], flaky_ok=flaky_ok), attempts[-1]], flaky_ok=flaky_ok) == judged


def _judged(outcome: Outcome) -> Judged:
    return judge_as(case="a", title="t", section="s", verdict=outcome, reason=outcome)
