"""Properties in pytest: the value of the fixture `luma_target`, and the verdict of a test that used it."""

from __future__ import annotations

from dataclasses import replace
from unittest import SkipTest

import pytest

from luma_conformance.errors import ConformanceError, find_status
from luma_conformance.judge.judged import Judged
from luma_conformance.model import Outcome, Severity
from luma_conformance.properties.luma_target import LumaTarget, begin
from luma_conformance.properties.nonconformance import NonConformance
from luma_conformance.pytest_plugin.forecast import choose_fuzzing
from luma_conformance.pytest_plugin.places import name_file
from luma_conformance.pytest_plugin.run import CASE_PROPERTY, SESSION, guard, property_id, run_of, subject_of
from luma_conformance.pytest_plugin.sessions import account, halt, session_of
from luma_conformance.pytest_plugin.tally import GENERATED
from luma_conformance.shown import NOTHING, Shown

_ENDED = "the run was ended"


def target_for(request: pytest.FixtureRequest) -> LumaTarget:
    """Return the value of the fixture for the property that requests it."""
    config, item = request.config, request.node
    guard(config)
    fuzzing = choose_fuzzing(config)
    if CASE_PROPERTY not in dict(item.user_properties):  # it may be tried again
        item.user_properties.append((CASE_PROPERTY, property_id(item)))
    name = f"{item.path.name}::{item.name}"
    return begin(session_of(item), fuzzing, name, property_id(item), run_of(config).progress)


def judge_property(item: pytest.Function, error: BaseException | None, seconds: float) -> Judged:
    """Return the verdict on a property that was called, by what it raised; end a run that cannot go on."""
    if isinstance(error, ConformanceError):
        _halt(item, error)
    if SESSION in item.config.stash:
        account(item)
    outcome, reason = _grade(item, error)
    shown = None if reason is None else guard(item.config)[1](reason)
    return replace(_describe(item, outcome, error), reason=shown, seconds=round(seconds, 4))


def describe_skipped(item: pytest.Function, reason: Shown) -> Judged:
    """Return the verdict on a property that was skipped before it was called."""
    return replace(_describe(item, Outcome.NOT_JUDGED, None), reason=reason)


def adapt_report(item: pytest.Function, report: pytest.TestReport, error: BaseException | None) -> None:
    """Put an explanation into a property's report instead of a traceback, and what is known of its answers."""
    if isinstance(error, NonConformance):
        report.longrepr = str(error)
    elif isinstance(error, ConformanceError):
        if report.when != "call":
            _halt(item, error)
        report.outcome, report.longrepr = "skipped", (str(item.path), 0, f"Skipped: not judged: {_ENDED}")
    elif report.when == "call" and (error is None or isinstance(error, pytest.xfail.Exception)):
        outcome, reason = _grade(item, error)
        if outcome is Outcome.FAIL:
            report.outcome, report.longrepr = "failed", reason
        elif outcome is Outcome.DEVIATION:
            report.outcome, report.longrepr = "skipped", reason
            report.wasxfail = f"known deviation: {reason}"


def _halt(item: pytest.Function, error: ConformanceError) -> None:
    halt(item.session, find_status(error), str(error))


def _describe(item: pytest.Function, outcome: Outcome, error: BaseException | None) -> Judged:
    """Return the verdict of a property with everything that it found."""
    _, scrub = guard(item.config)
    target = item.funcargs.get("luma_target")
    found = Judged(case=NOTHING, title=NOTHING, section=NOTHING, verdict=outcome)
    if isinstance(error, NonConformance) and error.judged is not None:
        found = error.judged
    if isinstance(target, LumaTarget):
        rules = {rule: (target.broken[rule], target.kept[rule]) for rule in target.broken | target.kept}
        known = tuple(scrub(str(entry.place)) for entry in target.known)
        observed = tuple(map(scrub, target.observed))
        found = replace(found, rules=rules, covered=target.count_covered(), observed=observed, known=known)
        if outcome is Outcome.PASS and target.worded is not None:
            outcome, found = Outcome.WARNING, replace(found, notes=(scrub(target.worded),))
    failed = outcome is Outcome.FAIL
    _, line, _ = item.location
    return replace(
        found,
        case=scrub(property_id(item)),
        title=scrub((item.function.__doc__ or item.name).strip().splitlines()[0]),
        section=scrub(f"Property: {subject_of(item.path).replace('_', ' ')}"),
        verdict=outcome,
        file=scrub(name_file(item.path, item.config.rootpath)),
        line=(line or 0) + 1,
        operation=scrub(GENERATED),
        severity=found.severity or (scrub(Severity.MUST) if failed else None),
        explanation=scrub(_explain(error)) if failed and error is not None else None,
    )


def _grade(item: pytest.Function, error: BaseException | None) -> tuple[Outcome, str | None]:
    """Return what a property that raised this comes to, and why."""
    if isinstance(error, ConformanceError):
        return Outcome.NOT_JUDGED, _ENDED
    if isinstance(error, pytest.skip.Exception | SkipTest):
        return Outcome.NOT_JUDGED, str(error).removeprefix("not judged: ")
    if error is not None and not isinstance(error, pytest.xfail.Exception):
        return Outcome.FAIL, None
    target = item.funcargs.get("luma_target")
    known = tuple(target.known) if isinstance(target, LumaTarget) else ()
    if isinstance(target, LumaTarget):
        complaint = target.session.deviations.find_complaint(target.case_id, known, wrong=False)
        if complaint is not None:
            return Outcome.FAIL, complaint
    if known:
        return Outcome.DEVIATION, "; ".join(entry.words for entry in known)
    return (Outcome.PASS, None) if error is None else (Outcome.NOT_JUDGED, str(error))


def _explain(error: BaseException) -> str:
    """Return the explanation of a property's failure; for any other exception, only the first line of its text.

    Pytest breaks long values over several lines, in which no redactor could find a secret.
    """
    if isinstance(error, NonConformance):
        return str(error)
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
