"""The verdicts on every attempt at a case, however often plugins have it tried, and whatever they make of its reports.

An attempt is noted where the case is called, because plugins that try again show only some of the reports, or change
them: pytest-rerunfailures shows all, flaky the last, pytest-retry the first with the outcome of the last.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest

from luma_conformance.judge.explain import outline
from luma_conformance.judge.judged import Judged, combine
from luma_conformance.model import Outcome, Result, Verdict
from luma_conformance.pytest_plugin.carried import attach
from luma_conformance.pytest_plugin.items import CaseItem
from luma_conformance.pytest_plugin.property_reports import describe_skipped, judge_property
from luma_conformance.pytest_plugin.run import guard

_ATTEMPTS: Final = pytest.StashKey[list[Judged]]()
_REPORT: Final = pytest.StashKey[pytest.TestReport]()
_ENDING: Final = (KeyboardInterrupt, SystemExit, pytest.exit.Exception)
"""What ends the run in the middle of a case, which is not judged then."""


def note_called(item: pytest.Item, error: BaseException | None, seconds: float) -> None:
    """Note the verdict on a case or property that was called, raised this and took so long."""
    if isinstance(error, _ENDING):
        return
    if isinstance(item, CaseItem):
        _note(item, item.judged)
    elif isinstance(item, pytest.Function):
        _note(item, judge_property(item, error, seconds))


def note_skipped(item: pytest.Item, report: pytest.TestReport) -> None:
    """Note that a case was skipped before it was called, by a marker or another plugin."""
    scrub = guard(item.config)[1]
    reason = scrub(getattr(report, "wasxfail", None) or _read_reason(report))
    if isinstance(item, CaseItem):
        result = Result(case=item.case, verdict=Verdict(outcome=Outcome.NOT_JUDGED))
        _note(item, replace(outline(result, scrub), reason=reason))
    elif isinstance(item, pytest.Function):
        _note(item, describe_skipped(item, reason))


def attach_attempts(item: pytest.Item, report: pytest.TestReport) -> None:
    """Attach the verdict on all attempts so far to a report."""
    if found := item.stash.get(_ATTEMPTS, None):
        item.stash[_REPORT] = report
        attach(item, report, combine(found, flaky_ok=item.config.getoption("luma_flaky_ok")))


def _note(item: pytest.Item, judged: Judged | None) -> None:
    if judged is None:
        return
    item.stash.setdefault(_ATTEMPTS, []).append(judged)
    if (report := item.stash.get(_REPORT, None)) is not None:
        attach_attempts(item, report)


def _read_reason(report: pytest.TestReport) -> str:
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else "for no reason given"
    text = reason.removeprefix("Skipped: ")
    return text.removeprefix("not judged: ") if text.startswith("not judged: ") else f"skipped: {text}"
