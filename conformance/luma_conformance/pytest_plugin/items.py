"""Case files and cases as pytest sees them: a file is a collector, a case is an item."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, cast

import pytest

from luma_conformance.catalogue.files import load_file, own
from luma_conformance.errors import CatalogueError, ConformanceError, Exit, InputError, SpendExhausted
from luma_conformance.judge.deviations import Deviations
from luma_conformance.model import Case, Outcome, Result
from luma_conformance.properties.found import Found, NonConformance, property_id
from luma_conformance.pytest_plugin.plugin import JUDGING, REPORTER, RIVAL, RUN, Run, guard
from luma_conformance.pytest_plugin.reporter import HEADER, LINE
from luma_conformance.session.against import against

if TYPE_CHECKING:
    from luma_conformance.properties.luma_target import LumaTarget
    from luma_conformance.session.session import Judging, Wanted


class CaseFile(pytest.File):
    """One section file."""

    def collect(self) -> Iterator[CaseItem]:
        """Yields the cases of the file in order, the control first."""
        section = load_file(self.path, _shown(self.path, self.config.invocation_params.dir))
        for case in section.cases:
            yield CaseItem.from_parent(self, name=case.slug, case=case)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:
        """Returns every problem of the file, one a line."""
        if isinstance(excinfo.value, CatalogueError):
            _run(self.config).count().halt(Exit.USAGE, "a case file is wrong; see its problems above")
            return str(excinfo.value)
        return str(super().repr_failure(excinfo))


class CaseItem(pytest.Item):
    """One case of the catalogue."""

    def __init__(self, *, case: Case, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.case = case
        section, _, _ = case.id.rpartition("/")
        operation = "get" if case.operation.startswith("GET") else "create"
        self.add_marker(pytest.mark.luma(status=case.status, section=section, operation=operation))

    def __repr__(self) -> str:
        return f"<{self.name}: {self.case.title}>"

    def runtest(self) -> None:
        """Plays the case and raises its explanation where the target is wrong; skips what is not judged."""
        judging = judging_of(self)
        began = time.perf_counter()
        try:
            result = judging.run(self.case)
        except SpendExhausted as error:
            _stop(self, Exit.SPENT, str(error))
        except ConformanceError as error:
            _stop(self, Exit.COULD_NOT_JUDGE, str(error))
        if self.config.getoption("luma_against"):
            result = against(result, self._rival())
        self._record(result, judging, time.perf_counter() - began)
        _account(self, judging)
        if result.verdict.outcome is Outcome.NOT_JUDGED:
            pytest.skip(f"not judged: {result.verdict.reason}")
        if result.verdict.outcome is Outcome.DEVIATION:
            pytest.xfail(f"known deviation: {result.verdict.reason}")
        if result.verdict.outcome is Outcome.FAIL:
            raise NonConformance(judging.explain(result))

    def _rival(self) -> Result:
        """Returns what the case comes to on the server this run compares with."""
        rival = judging_of(self, RIVAL)
        try:
            result = rival.run(self.case)
        except ConformanceError as error:
            _stop(self, Exit.COULD_NOT_JUDGE, f"{self.config.getoption('luma_against')}: {error}")
        _account(self, rival)
        return result

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:
        """Returns the explanation; pytest's own traceback only for a bug of ours."""
        if isinstance(excinfo.value, NonConformance):
            return str(excinfo.value)
        return str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, int, str]:
        """Returns the case's file, line (from 0) and full id."""
        return self.path, self.case.place.line - 1, self.case.id

    def _record(self, result: Result, judging: Judging, seconds: float) -> None:
        verdict = result.verdict
        if _reported(self.config):
            from luma_conformance.pytest_plugin.publishing import case_line

            self.user_properties.append((LINE, case_line(result, judging, seconds)))
        self.user_properties += [("luma_case", self.case.id), ("luma_section", self.case.section)]
        self.user_properties.append(("luma_verdict", verdict.outcome.value))
        if verdict.reason:
            self.user_properties.append(("luma_reason", verdict.reason))
        if result.standing is not None:
            self.user_properties.append(("luma_against", result.standing.value))
        if verdict.notes:
            self.user_properties.append(("luma_note", judging.scrub("; ".join(verdict.notes))))
        if verdict.mismatches:
            facets = dict.fromkeys(mismatch.facet.value for mismatch in verdict.mismatches)
            self.user_properties.append(("luma_facets", ", ".join(facets)))


def judging_of(item: pytest.Item, which: pytest.StashKey[Judging] = JUDGING) -> Judging:
    """Returns the run's target, or the one it compares with, opened at its first use; ends the run where it cannot."""
    judging = item.config.stash.get(which, None)
    if judging is None:
        from luma_conformance.session.session import Judging

        try:
            judging = Judging.begin(_wanted(item.config) if which is JUDGING else _rival(item.config))
        except InputError as error:
            _stop(item, Exit.USAGE, str(error))
        except ConformanceError as error:
            _stop(item, Exit.COULD_NOT_JUDGE, str(error))
        item.config.stash[which] = judging
        if which is RIVAL:
            _run(item.config).count().rival = judging.shown
            return judging
        _run(item.config).count().target = judging.shown
        if _reported(item.config):
            from luma_conformance.pytest_plugin.publishing import header_line

            item.user_properties.append((HEADER, header_line(judging)))
    return judging


def report_property(item: pytest.Function, report: pytest.TestReport, call: pytest.CallInfo[None]) -> None:
    """Puts a property's verdict, and the explanation instead of a traceback, into its report; ends a run that must."""
    error = None if call.excinfo is None else call.excinfo.value
    if isinstance(error, NonConformance):
        report.longrepr = str(error)
    elif isinstance(error, ConformanceError):
        _halt(item, Exit.SPENT if isinstance(error, SpendExhausted) else Exit.COULD_NOT_JUDGE, str(error))
        report.outcome, report.longrepr = "skipped", (str(item.path), 0, "Skipped: not judged: the run was ended")
    if (judging := item.config.stash.get(JUDGING, None)) is not None:
        _account(item, judging)
    if report.when != "call" and not report.skipped:
        return
    reason = _grade(item, report)
    outcome = {"passed": Outcome.PASS, "failed": Outcome.FAIL, "skipped": Outcome.NOT_JUDGED}[report.outcome]
    if reason is not None:
        outcome = Outcome.DEVIATION if report.skipped else Outcome.FAIL
        report.user_properties.append(("luma_reason", reason))
    elif report.skipped and isinstance(report.longrepr, tuple):
        reason = report.longrepr[2].removeprefix("Skipped: ").removeprefix("not judged: ")
        report.user_properties.append(("luma_reason", reason))
    note = getattr(item.funcargs.get("luma_target"), "worded", None)
    if outcome is Outcome.PASS and note is not None:
        outcome = Outcome.WARNING
        report.user_properties.append(("luma_note", note))
    report.user_properties.append(("luma_verdict", outcome.value))
    if _reported(item.config):
        from luma_conformance.pytest_plugin.publishing import property_line

        found = Found(outcome=outcome, reason=reason, note=note, error=error, seconds=report.duration)
        report.user_properties.append((LINE, property_line(item, found)))


def _grade(item: pytest.Function, report: pytest.TestReport) -> str | None:
    """Makes a property that passed deviate where known answers were met, or fail where they were not; says why."""
    under_way = cast("LumaTarget | None", item.funcargs.get("luma_target"))
    if under_way is None or not report.passed:
        return None
    deviations, known = under_way.judging.deviations, tuple(under_way.known)
    if (complaint := deviations.complaint(under_way.case_id, known, wrong=False)) is not None:
        report.outcome, report.longrepr = "failed", complaint
        return complaint
    if not known:
        return None
    reason = "; ".join(entry.words for entry in known)
    report.outcome, report.longrepr = "skipped", reason
    report.wasxfail = f"known deviation: {reason}"
    return reason


def check_deviations(session: pytest.Session, items: list[pytest.Item]) -> None:
    """Ends a run whose known deviations cannot be read, or list none of the cases there are."""
    cases = [item.case.id for item in items if isinstance(item, CaseItem)]
    properties = [property_id(item) for item in items if "luma_target" in getattr(item, "fixturenames", ())]
    if not cases and not properties:
        return
    try:
        known = deviations_of(session.config)
    except InputError as error:
        _end(session, str(error))
        return
    unknown = known.unknown([*cases, *properties, *(case.id for case in own())])
    # Where no property is selected, an entry for one is not wrong, it is not asked.
    unknown = tuple(entry for entry in unknown if properties or not entry.cases.startswith("properties/"))
    if unknown:
        listed = "\n".join(f"{entry.place}: no case matches {entry.cases!r}" for entry in unknown)
        _end(session, f"{listed}; `luma-conformance list` lists every case")


def deviations_of(config: pytest.Config) -> Deviations:
    """Returns the known deviations of a run; raises InputError where their file is wrong."""
    from luma_conformance.session.deviations_file import load_deviations

    path = config.getoption("luma_deviations")
    return Deviations(entries=load_deviations(path) if path else (), today=date.today().isoformat())


def _end(session: pytest.Session, message: str) -> None:
    _run(session.config).count().halt(Exit.USAGE, guard(session.config)[1](message))
    session.shouldstop = "the run was ended; the summary says why"


def _stop(item: pytest.Item, status: Exit, message: str) -> NoReturn:
    """Ends the run after this item, which is left unjudged; the summary says why, once."""
    _halt(item, status, message)
    pytest.skip("not judged: the run was ended")


def _halt(item: pytest.Item, status: Exit, message: str) -> None:
    _run(item.config).count().halt(status, guard(item.config)[1](message))
    item.session.shouldstop = "the run was ended; the summary says why"


def _account(item: pytest.Item, judging: Judging) -> None:
    """Tells the summary what was spent, and ends the run where it is more than allowed."""
    stashed = (item.config.stash.get(key, None) for key in (JUDGING, RIVAL))
    _run(item.config).count().spent = sum(one.spent for one in stashed if one is not None)
    if (why := judging.overspent) is not None:
        _halt(item, Exit.SPENT, why)


def _wanted(config: pytest.Config) -> Wanted:
    from luma_conformance.session.session import Wanted

    return Wanted(
        base_url=config.getoption("base_url", None),
        profile=config.getoption("luma_profile"),
        spend=_allowed(config),
        timeout=config.getoption("luma_timeout"),
        exact=config.getoption("luma_wording") == "exact",
        announce=_run(config).announce,
        record=_recording(config),
        max_age=config.getoption("luma_cassette_max_age"),
        redactor=guard(config)[0],
        deviations=deviations_of(config),
    )


def _rival(config: pytest.Config) -> Wanted:
    """Returns the server a run compares with, as a target of its own; nothing is recorded of it."""
    profile = config.getoption("luma_against_profile")
    return replace(_wanted(config), base_url=config.getoption("luma_against"), profile=profile, record=None)


def _allowed(config: pytest.Config) -> int:
    """Returns how many generations one target of this process may accept: two that are compared have half each."""
    spend = share(config.getoption("luma_spend"), getattr(config, "workerinput", None))
    return spend // 2 if config.getoption("luma_against") else spend


def share(spend: int, worker: Mapping[str, object] | None) -> int:
    """Returns what of the allowed spending is this process's: under xdist each worker has its part."""
    if worker is None:
        return spend
    count, number = int(str(worker["workercount"])), int(str(worker["workerid"]).removeprefix("gw"))
    return spend // count + (number < spend % count)


def _reported(config: pytest.Config) -> bool:
    return bool(config.pluginmanager.has_plugin(REPORTER))


def _run(config: pytest.Config) -> Run:
    run = config.pluginmanager.get_plugin(RUN)
    assert isinstance(run, Run)
    return run


def _shown(path: Path, start: Path) -> str:
    return path.relative_to(start).as_posix() if path.is_relative_to(start) else str(path)


def _recording(config: pytest.Config) -> Path | None:
    """Returns the file to record in; each worker has its own, and they are gathered at the end."""
    path: Path | None = config.getoption("luma_record")
    worker = getattr(config, "workerinput", None)
    if path is None or worker is None:
        return path
    from luma_conformance.session.tape import part

    return part(path, worker["workerid"])
