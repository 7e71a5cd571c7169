"""Runs that something ends early, by real signals to real processes: none of what they leave behind is green."""

from __future__ import annotations

import json

import pytest

from luma_conformance.errors import Exit
from luma_conformance.report.jsonl import parse_results
from luma_conformance.report.result import Conclusion
from tests.kit import THINGS, run_apart
from tests.verdicts import SHOW

pytestmark = pytest.mark.slow

CONFTEST = """
import os
import signal

import pytest

import luma_conformance.pytest_plugin.publisher as publisher
from luma_conformance.reference.inprocess import InProcess

places = {places}

def hit(place):
    if place in places:
        places.remove(place)
        {act}

real_send, real_render = InProcess.send, publisher.render

def send(self, request):
    if b"super-model" in request.body:
        hit("case")
    return real_send(self, request)

def render(*arguments):
    hit("writing")
    return real_render(*arguments)

InProcess.send, publisher.render = send, render

def pytest_collection_modifyitems():
    hit("collection")

def pytest_keyboard_interrupt():
    hit("handler")

def pytest_runtest_logreport(report):
    if report.when == "teardown" and report.nodeid.endswith("unknown-model"):
        hit("last")

def pytest_sessionfinish():
    hit("finish")
"""
PROPERTY = """
import os
import signal

from luma_conformance.strategies import near_misses

def test_prompt(luma_target):
    def judge(pair):
        luma_target.check(pair[1])
        os.kill(os.getpid(), signal.SIGINT)

    luma_target.for_all(near_misses("prompt-empty", luma_target.material), judge)
"""
KILL = "os.kill(os.getpid(), signal.{})"


def judge(pytester: pytest.Pytester, *arguments: str, places: list[str] | None = None, act: str = "pass") -> int:
    """Run three cases in a process of its own; check that all it leaves behind is valid, and says incomplete."""
    pytester.makefile(".yaml", things=THINGS)
    pytester.makeconftest(CONFTEST.format(places=places or [], act=act))
    result = run_apart(pytester, "--luma-report=report", "--luma-fuzz", "20", *arguments)

    folder = pytester.path / "report"
    results = parse_results((folder / "results.jsonl").read_bytes(), "results.jsonl", SHOW)
    assert results.conclusion is Conclusion.INCOMPLETE
    assert results.exit_status is Exit.COULD_NOT_JUDGE
    if results.ending is not None:
        assert results.ending.status
        ctrf = json.loads((folder / "ctrf.json").read_text())
        assert ctrf["results"]["summary"]["extra"]["conclusion"] == "incomplete"
        assert "Incomplete" in (folder / "summary.md").read_text()
        assert "Incomplete" in (folder / "report.html").read_text()
        assert json.loads((folder / "badge.json").read_text())["color"] == "lightgrey"
        assert "incomplete" in (folder / "badge.svg").read_text()
        if results.verdicts:
            result.stdout.fnmatch_lines(["incomplete: *"])
    return int(result.ret)


@pytest.mark.parametrize(
    "places",
    [
        ["collection"],
        ["collection", "handler"],
        ["case"],
        ["case", "handler"],
        ["case", "handler", "finish"],
        ["case", "handler", "writing"],
        ["last"],
        ["finish"],
        ["finish", "writing"],
        ["writing"],
    ],
    ids=" ".join,
)
def test_ctrl_c_is_never_green(pytester: pytest.Pytester, places: list[str]) -> None:
    """One, two or three of them, wherever they come."""
    assert judge(pytester, places=places, act=KILL.format("SIGINT")) != 0


def test_ctrl_c_in_a_property_is_not_green(pytester: pytest.Pytester) -> None:
    """The property has no verdict."""
    pytester.makepyfile(PROPERTY)

    assert judge(pytester, "test_ctrl_c_in_a_property_is_not_green.py") == Exit.INTERRUPTED


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
@pytest.mark.parametrize("place", ["collection", "case"])
def test_other_signals_end_a_run_in_good_order(pytester: pytest.Pytester, name: str, place: str) -> None:
    """To be asked to end, or to lose the terminal, is as good as Ctrl-C; no lock is left."""
    assert judge(pytester, places=[place], act=KILL.format(name)) == Exit.INTERRUPTED
    assert not [*pytester.path.rglob(".*.lock")]


@pytest.mark.parametrize(
    ("act", "status"),
    [
        ("pytest.exit('enough', returncode=0)", Exit.INTERRUPTED),
        ("os._exit(0)", 0),  # nobody can help that; what it leaves behind is cut off, and so incomplete
        ("pytest.fail('Timeout >1.0s')", Exit.NOT_CONFORMANT),
    ],
)
def test_whatever_else_ends_a_run_early_is_not_green(pytester: pytest.Pytester, act: str, status: int) -> None:
    """Another plugin ends the run, or kills it, or the case."""
    assert judge(pytester, places=["case"], act=act) == status


def test_a_worker_that_dies_makes_a_run_incomplete(pytester: pytest.Pytester) -> None:
    """The case it was at came to no verdict."""
    assert judge(pytester, "-n", "2", "--max-worker-restart=0", places=["case"], act="os._exit(1)") != 0
