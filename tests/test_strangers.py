"""Strangers: faithful servers of other makes are accused of nothing, and what is wrong with one is found."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from luma_conformance.judge.judged import Judged
from luma_conformance.model import Outcome
from luma_conformance.report.result import Conclusion, Results
from tests.kit import results, run_apart
from tests.strangers import NAMES, stranger

ACCUSED = {Outcome.FAIL, Outcome.DEVIATION, Outcome.WARNING}
FAULTS = [(name, fault) for name in NAMES for fault in stranger(name).FAULTS]


def judge(pytester: pytest.Pytester, url: str, profile: str, *arguments: str) -> Results:
    """Return the results of a run, in a process of its own, on a server with this profile."""
    pytester.makefile(".toml", profile=profile)
    options = ("--base-url", url, "--luma-profile", "profile.toml", "--luma-report", "out")
    run_apart(pytester, "--pyargs", "luma_conformance", *options, *arguments)
    return results(pytester.path / "out")


@pytest.mark.slow
@pytest.mark.strangers
@pytest.mark.parametrize("name", NAMES)
def test_a_faithful_stranger_is_not_accused(name: str, pytester: pytest.Pytester, table: Callable[[str], None]) -> None:
    """The gate profile finds nothing on a faithful server, and judges all that the server offers."""
    with stranger(name).start() as (url, profile):
        found = judge(pytester, url, profile)

    table(f"{name:<18} {found.coverage} judged")
    assert [_say(one) for one in found.verdicts if one.verdict in ACCUSED] == []
    assert found.conclusion is Conclusion.CONFORMANT
    assert found.judged >= stranger(name).JUDGED


@pytest.mark.slow
@pytest.mark.strangers
@pytest.mark.parametrize(("name", "fault"), FAULTS)
def test_a_strangers_mistake_is_found(name: str, fault: str, pytester: pytest.Pytester) -> None:
    """A stranger that makes a mistake fails the case or property that is about it."""
    with stranger(name).start(fault=fault) as (url, profile):
        found = judge(pytester, url, profile, "-k", stranger(name).FAULTS[fault])

    assert found.conclusion is Conclusion.NOT_CONFORMANT


@pytest.mark.parametrize("name", NAMES)
def test_a_stranger_shares_no_code(name: str) -> None:
    """A stranger imports nothing of the kit, and nothing of another stranger."""
    assert [one for one in _imported(name) if one.partition(".")[0] in {"", "luma_conformance", "tests"}] == []


@pytest.mark.parametrize("name", NAMES)
def test_each_stranger_can_be_wrong(name: str) -> None:
    """Each has a mistake to make, so that silence about it is worth something."""
    assert stranger(name).FAULTS


def _say(found: Judged) -> str:
    """Return what a server is accused of."""
    return f"{found.case}: {found.explanation or f'expected {found.expected}, got {found.actual}'}"


def _imported(name: str) -> Iterator[str]:
    spec = importlib.util.find_spec(f"tests.strangers.{name}")
    assert spec is not None
    assert spec.origin is not None
    for node in ast.walk(ast.parse(Path(spec.origin).read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")
