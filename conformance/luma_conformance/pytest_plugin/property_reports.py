"""Properties in pytest: the value of the fixture `luma_target`, and the verdict of a test that used it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from luma_conformance.errors import ConformanceError, Exit, SpendExhausted
from luma_conformance.judge.judged import Judged
from luma_conformance.model import Outcome, Severity
from luma_conformance.properties.luma_target import LumaTarget, begin
from luma_conformance.properties.nonconformance import NonConformance
from luma_conformance.pytest_plugin.forecast import choose_fuzzing
from luma_conformance.pytest_plugin.places import name_file
from luma_conformance.pytest_plugin.run import CASE_PROPERTY, SESSION, guard, property_id, run_of, subject_of
from luma_conformance.pytest_plugin.sessions import account, halt, session_of
from luma_conformance.pytest_plugin.tally import GENERATED

_ENDED = "Skipped: not judged: the run was ended"


def target_for(request: pytest.FixtureRequest) -> LumaTarget:
    """Return the value of the fixture for the property that requests it."""
    config, item = request.config, request.node
    guard(config)
    fuzzing = choose_fuzzing(config)
    item.user_properties.append((CASE_PROPERTY, property_id(item)))
    name = f"{item.path.name}::{item.name}"
    return begin(session_of(item), fuzzing, name, property_id(item), run_of(config).progress)


def judge_property(item: pytest.Function, report: pytest.TestReport, call: pytest.CallInfo[None]) -> Judged | None:
    """Return a property's verdict, and put it into its report, with an explanation instead of a traceback.

    End a run that cannot go on. There is no verdict during set-up and teardown, unless the test was skipped.
    """
    error = None if call.excinfo is None else call.excinfo.value
    if isinstance(error, NonConformance):
        report.longrepr = str(error)
    elif isinstance(error, ConformanceError):
        halt(item.session, Exit.SPENT if isinstance(error, SpendExhausted) else Exit.COULD_NOT_JUDGE, str(error))
        report.outcome, report.longrepr = "skipped", (str(item.path), 0, _ENDED)
    if SESSION in item.config.stash:
        account(item)
    if report.when != "call" and not report.skipped:
        return None
    complaint = _grade(item, report)
    outcome = {"passed": Outcome.PASS, "failed": Outcome.FAIL, "skipped": Outcome.NOT_JUDGED}[report.outcome]
    if complaint is not None and outcome is Outcome.NOT_JUDGED:
        outcome = Outcome.DEVIATION
    judged = _describe(item, outcome, error)
    return replace(judged, reason=complaint or _find_skip_reason(report), seconds=round(report.duration, 4))


def _describe(item: pytest.Function, outcome: Outcome, error: BaseException | None) -> Judged:
    """Return the verdict of a property with everything that it found."""
    _, scrub = guard(item.config)
    target = item.funcargs.get("luma_target")
    found = Judged(case="", title="", section="", verdict=outcome)
    if isinstance(error, NonConformance) and error.judged is not None:
        found = error.judged
    if isinstance(target, LumaTarget):
        rules = {rule: (target.broken[rule], target.kept[rule]) for rule in target.broken | target.kept}
        known = tuple(str(entry.place) for entry in target.known)
        found = replace(found, rules=rules, observed=target.observed, known=known)
        if outcome is Outcome.PASS and target.worded is not None:
            outcome, found = Outcome.WARNING, replace(found, notes=(target.worded,))
    failed = outcome is Outcome.FAIL
    _, line, _ = item.location
    return replace(
        found,
        case=property_id(item),
        title=(item.function.__doc__ or item.name).strip().splitlines()[0],
        section=f"Property: {subject_of(item.path).replace('_', ' ')}",
        verdict=outcome,
        file=name_file(item.path, item.config.rootpath),
        line=(line or 0) + 1,
        operation=GENERATED,
        severity=found.severity or (Severity.MUST if failed else None),
        explanation=scrub(_explain(error)) if failed and error is not None else None,
    )


def _grade(item: pytest.Function, report: pytest.TestReport) -> str | None:
    """Return why a property that passed is a deviation or a failure, and change its report; None if it is neither."""
    target = item.funcargs.get("luma_target")
    if not isinstance(target, LumaTarget) or not (report.passed or hasattr(report, "wasxfail")):
        return None
    deviations, known = target.session.deviations, tuple(target.known)
    if (complaint := deviations.find_complaint(target.case_id, known, wrong=False)) is not None:
        report.outcome, report.longrepr = "failed", complaint
        return complaint
    if not known:
        return None
    reason = "; ".join(entry.words for entry in known)
    report.outcome, report.longrepr = "skipped", reason
    report.wasxfail = f"known deviation: {reason}"
    return reason


def _find_skip_reason(report: pytest.TestReport) -> str | None:
    if report.skipped and isinstance(report.longrepr, tuple):
        return report.longrepr[2].removeprefix("Skipped: ").removeprefix("not judged: ")
    return None


def _explain(error: BaseException) -> str:
    """Return the explanation of a property's failure; for any other exception, only the first line of its text.

    Pytest breaks long values over several lines, in which no redactor could find a secret.
    """
    if isinstance(error, NonConformance):
        return str(error)
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
