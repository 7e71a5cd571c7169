"""Case files as pytest's collectors, and cases as its items."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from luma_conformance.catalogue.files import load_file, smoke, specs
from luma_conformance.errors import CatalogueError, ConformanceError, Exit, find_status
from luma_conformance.judge.explain import failure_text
from luma_conformance.judge.judged import Judged
from luma_conformance.model import Case, Outcome, Result
from luma_conformance.properties.nonconformance import NonConformance
from luma_conformance.pytest_plugin.places import name_file
from luma_conformance.pytest_plugin.run import OTHER_SESSION, guard, run_of
from luma_conformance.pytest_plugin.sessions import account, session_of, stop


class CaseFile(pytest.File):
    """One section file."""

    is_case_file = True

    def collect(self) -> Iterator[CaseItem]:
        """Yield the cases of the file in order, the control first."""
        section = load_file(self.path, _display_path(self.path, self.config.invocation_params.dir))
        run_of(self.config).scope.add_cases(self.path, section.cases)
        file = name_file(self.path, self.config.rootpath)
        for case in section.cases:
            yield CaseItem.from_parent(self, name=case.slug, case=case, file=file)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:
        """Return every problem of the file, one a line."""
        if isinstance(excinfo.value, CatalogueError):
            run_of(self.config).tally.halt(Exit.USAGE, "a case file is wrong; see its problems above")
            return str(excinfo.value)
        return str(super().repr_failure(excinfo))


class CaseItem(pytest.Item):
    """One case of the catalogue; `file` is what reports call the file that it is in."""

    def __init__(self, *, case: Case, file: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.case, self.file = case, file
        self.judged: Judged | None = None
        operation = "get" if case.operation.startswith("GET") else "create"
        self.add_marker(pytest.mark.luma(status=case.status, section=case.section_id, operation=operation))
        if case.id in smoke() and self.path.is_relative_to(specs()):
            self.add_marker(pytest.mark.smoke)

    def __repr__(self) -> str:
        return f"<{self.name}: {guard(self.config)[1](self.case.title)}>"

    def _initrequest(self) -> None:
        """Prepare for another attempt, as pytest-retry asks every item to, though only functions have fixtures."""

    def runtest(self) -> None:
        """Judge the case: raise NonConformance if the target is wrong, and skip if it cannot be judged."""
        self.judged = None
        session = session_of(self)
        began = time.perf_counter()
        result = self._play()
        passed, run = result.verdict.outcome is Outcome.PASS, run_of(self.config)
        describe = session.outline if passed and not run.wants_report else session.describe
        judged = describe(result, time.perf_counter() - began, self.file)
        self.judged = judged = session.add_command(judged, result) if run.evidence.wants_command(judged) else judged
        account(self)
        if judged.verdict is Outcome.NOT_JUDGED:
            pytest.skip(f"not judged: {judged.reason}")
        if judged.verdict is Outcome.DEVIATION:
            pytest.xfail(f"known deviation: {judged.reason}")
        if judged.verdict is Outcome.FAIL:
            raise NonConformance(failure_text(judged, judged.case, f"{judged.file}:{judged.line}"), judged)

    def _play(self) -> Result:
        """Return the result of the case, compared with the other server if there is one."""
        try:
            result = session_of(self).run(self.case)
        except ConformanceError as error:
            stop(self, find_status(error), str(error))
        if (other := self.config.stash.get(OTHER_SESSION, None)) is None:
            return result
        from luma_conformance.session.against import add_standing

        try:
            return add_standing(result, other.run(self.case))
        except ConformanceError as error:
            stop(self, find_status(error), f"{self.config.getoption('luma_against')}: {error}")

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:
        """Return the explanation of a failure, or a known deviation; only a bug in the kit shows pytest's traceback.

        That takes pytest a tenth of a second or more, which hundreds of known deviations would add up.
        """
        if isinstance(excinfo.value, NonConformance | pytest.xfail.Exception):
            return str(excinfo.value)
        return str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return the case's file, line (from 0) and full id."""
        return self.path, self.case.place.line - 1, self.case.id


def _display_path(path: Path, start: Path) -> str:
    """Return a case file's path for messages, relative to the catalogue's folder or to where pytest started."""
    catalogue = specs()
    if path.is_relative_to(catalogue):
        return path.relative_to(catalogue.parent).as_posix()
    try:
        return Path(os.path.relpath(path, start)).as_posix()
    except ValueError:  # on another drive
        return str(path)
