"""Case files and cases as pytest sees them: a file is a collector, a case is an item."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from conformance.casefiles import load_file
from conformance.errors import CatalogueError, ConformanceError, InputError, SpendExhausted
from conformance.exits import Exit
from conformance.model import Case, Outcome, Result
from conformance.plugin import JUDGING, RUN, Run, guard

if TYPE_CHECKING:
    from conformance.judging import Judging, Wanted


class NonConformance(Exception):
    """Carries the explanation of a failed case to pytest's report."""


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
        try:
            result = judging.run(self.case)
        except SpendExhausted as error:
            _stop(self, Exit.SPENT, str(error))
        except ConformanceError as error:
            _stop(self, Exit.COULD_NOT_JUDGE, str(error))
        self._record(result, judging)
        _account(self, judging)
        if result.verdict.outcome is Outcome.NOT_JUDGED:
            pytest.skip(f"not judged: {result.verdict.reason}")
        if result.verdict.outcome is Outcome.FAIL:
            raise NonConformance(judging.explain(result))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:
        """Returns the explanation; pytest's own traceback only for a bug of ours."""
        if isinstance(excinfo.value, NonConformance):
            return str(excinfo.value)
        return str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, int, str]:
        """Returns the case's file, line (from 0) and full id."""
        return self.path, self.case.place.line - 1, self.case.id

    def _record(self, result: Result, judging: Judging) -> None:
        verdict = result.verdict
        self.user_properties += [("luma_case", self.case.id), ("luma_section", self.case.section)]
        self.user_properties.append(("luma_verdict", verdict.outcome.value))
        if verdict.reason:
            self.user_properties.append(("luma_reason", verdict.reason))
        if verdict.notes:
            self.user_properties.append(("luma_note", judging.scrub("; ".join(verdict.notes))))
        if verdict.mismatches:
            facets = dict.fromkeys(mismatch.facet.value for mismatch in verdict.mismatches)
            self.user_properties.append(("luma_facets", ", ".join(facets)))


def judging_of(item: pytest.Item) -> Judging:
    """Returns the run's target, opened at its first use; ends the run where it cannot be judged."""
    judging = item.config.stash.get(JUDGING, None)
    if judging is None:
        from conformance.judging import Judging

        try:
            judging = Judging.begin(_wanted(item.config))
        except InputError as error:
            _stop(item, Exit.USAGE, str(error))
        except ConformanceError as error:
            _stop(item, Exit.COULD_NOT_JUDGE, str(error))
        item.config.stash[JUDGING] = judging
        _run(item.config).count().target = judging.shown
    return judging


def report_property(item: pytest.Item, report: pytest.TestReport, call: pytest.CallInfo[None]) -> None:
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
    outcomes = {"passed": Outcome.PASS, "failed": Outcome.FAIL, "skipped": Outcome.NOT_JUDGED}
    report.user_properties.append(("luma_verdict", outcomes[report.outcome].value))
    if report.skipped and isinstance(report.longrepr, tuple):
        reason = report.longrepr[2].removeprefix("Skipped: ").removeprefix("not judged: ")
        report.user_properties.append(("luma_reason", reason))


def _stop(item: pytest.Item, status: Exit, message: str) -> NoReturn:
    """Ends the run after this item, which is left unjudged; the summary says why, once."""
    _halt(item, status, message)
    pytest.skip("not judged: the run was ended")


def _halt(item: pytest.Item, status: Exit, message: str) -> None:
    _run(item.config).count().halt(status, guard(item.config)[1](message))
    item.session.shouldstop = "the run was ended; the summary says why"


def _account(item: pytest.Item, judging: Judging) -> None:
    """Tells the summary what was spent, and ends the run where it is more than allowed."""
    _run(item.config).count().spent = judging.spent
    if (why := judging.overspent) is not None:
        _halt(item, Exit.SPENT, why)


def _wanted(config: pytest.Config) -> Wanted:
    from conformance.judging import Wanted

    return Wanted(
        base_url=config.getoption("base_url", None),
        profile=config.getoption("luma_profile"),
        spend=share(config.getoption("luma_spend"), getattr(config, "workerinput", None)),
        timeout=config.getoption("luma_timeout"),
        announce=_run(config).announce,
        record=_recording(config),
        max_age=config.getoption("luma_cassette_max_age"),
        redactor=guard(config)[0],
    )


def share(spend: int, worker: Mapping[str, object] | None) -> int:
    """Returns what of the allowed spending is this process's: under xdist each worker has its part."""
    if worker is None:
        return spend
    count, number = int(str(worker["workercount"])), int(str(worker["workerid"]).removeprefix("gw"))
    return spend // count + (number < spend % count)


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
    from conformance.taping import part

    return part(path, worker["workerid"])
