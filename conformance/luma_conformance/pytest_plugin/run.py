"""One pytest run: its verdicts as they arrive, the report, the summary and the exit status.

It is loaded in every project of an environment the kit is installed in, so it imports nothing but pytest and the
errors until there is something to guard or a verdict.
"""

from __future__ import annotations

import gc
import os
import sys
import warnings
from collections.abc import Collection, Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO

import pytest

from luma_conformance.errors import Exit, InputError

if TYPE_CHECKING:
    from luma_conformance.judge.evidence import Evidence
    from luma_conformance.judge.judged import Judged
    from luma_conformance.pytest_plugin.forecast import Forecast
    from luma_conformance.pytest_plugin.publisher import Publisher
    from luma_conformance.pytest_plugin.scope import Scope
    from luma_conformance.pytest_plugin.tally import Tally
    from luma_conformance.redaction.redactor import Redactor
    from luma_conformance.session.progress import Progress
    from luma_conformance.session.session import Session
    from luma_conformance.shown import Scrub, Shown

NAME: Final = "luma-run"
SESSION: pytest.StashKey[Session] = pytest.StashKey()
OTHER_SESSION: pytest.StashKey[Session] = pytest.StashKey()
"""The target a run judges, and the one that --luma-against compares it with."""
GUARD: pytest.StashKey[tuple[Redactor, Scrub]] = pytest.StashKey()
"""What `guard` returns, once there is something to guard."""
SCRUBBED: pytest.StashKey[Collection[tuple[str, object]]] = pytest.StashKey()
"""The properties of an item's last report, in which there is no secret."""

CASE_PROPERTY: Final = "luma_case"
"""The name of the property that marks a report as one of a property test; JUnit shows it."""
_BLANK: Final = "luma_blank_base_url"
_SUITE: Final = ("luma_conformance", "suite")
_CUT_SHORT: Final = (pytest.ExitCode.INTERRUPTED, pytest.ExitCode.INTERNAL_ERROR)


def run_of(config: pytest.Config) -> Run:
    """Return the run that `pytest_configure` registered."""
    run = config.pluginmanager.get_plugin(NAME)
    assert isinstance(run, Run)
    return run


def guard(config: pytest.Config) -> tuple[Redactor, Scrub]:
    """Return the run's redactor and a function that makes texts safe to show, and bounds them.

    Log records are scrubbed from now on.
    """
    if (pair := config.stash.get(GUARD, None)) is None:
        from luma_conformance.pytest_plugin.scrubbing import scrub_log_records
        from luma_conformance.redaction.redactor import Redactor, find_keys

        redactor = Redactor(find_keys(os.environ))
        pair = config.stash[GUARD] = redactor, redactor.show
        config.add_cleanup(scrub_log_records(redactor.scrub))
    return pair


def read_label(config: pytest.Config) -> Shown:
    """Return what the user calls the build that is judged, fit to be shown."""
    return guard(config)[1](config.getoption("luma_label") or "")


def property_id(item: pytest.Item) -> str:
    """Return the id of a property: its node id, or for one of ours an id that is the same in every installation."""
    return f"properties/{subject_of(item.path)}/{item.name}" if is_kits(item) else item.nodeid


def is_kits(item: pytest.Item) -> bool:
    """Return whether a property is one of the kit's: of the installed package, or of a clone of its repository."""
    return item.path.parent.parts[-2:] == _SUITE


def subject_of(path: Path) -> str:
    """Return the subject of a module of properties, by its file name."""
    return path.stem.removeprefix("test_")


class Run:
    """The plugin that collects a run's verdicts, which arrive as attributes of reports, with xdist from its workers.

    `left_out` has the ids of cases that were deselected, if there are known deviations to hold against them.
    `blank_base_url`: one was given, but is empty.
    `wants_report`: somebody reads a report, because a path is given or a CI job shows a summary.
    """

    def __init__(self, config: pytest.Config, *, wants_report: bool, blank_base_url: bool = False) -> None:
        self.wants_report = wants_report
        self.blank_base_url = getattr(config, "workerinput", {}).get(_BLANK, blank_base_url)
        self.is_used = False
        self.left_out: set[str] = set()
        self._config = config
        self._workers: set[str] = set()
        self._broken = self._went_to_its_end = self._others_fail = False
        self._tally: Tally | None = None
        self._scope: Scope | None = None
        self._evidence: Evidence | None = None
        self._controls = not hasattr(config, "workerinput") and not config.getoption("collectonly")
        self.progress: Progress | None = None
        self._forecast: Forecast | None = None
        self._publisher: Publisher | None = None
        record, report = config.getoption("luma_record"), config.getoption("luma_report")
        if record or report or config.getoption("luma_profile"):
            guard(config)  # in workers too: a file may fail before there is a verdict
        if self._controls and (record or report):
            self._end_orderly()  # already: what is locked or begun here is to be ended
        if record is not None and self._controls:
            self._hold(record)
        if report is not None:
            self._publish()

    @property
    def tally(self) -> Tally:
        """The verdicts so far; the tally is created when first used."""
        if self._tally is None:
            from luma_conformance.pytest_plugin.tally import Tally

            self._tally = Tally(guard(self._config)[1], flaky_ok=self._config.getoption("luma_flaky_ok"))
            self.is_used = True
            if not hasattr(self._config, "workerinput"):
                self._end_orderly()
        return self._tally

    @property
    def scope(self) -> Scope:
        """The cases that there are for the run; created when the first is met."""
        if self._scope is None:
            from luma_conformance.pytest_plugin.scope import Scope

            self._scope = Scope()
        return self._scope

    @property
    def evidence(self) -> Evidence:
        """What is kept of the verdicts of this process."""
        if self._evidence is None:
            from luma_conformance.judge.evidence import Evidence

            self._evidence = Evidence()
        return self._evidence

    def announce(self, text: str) -> None:
        """Show on the terminal what whoever runs this should know."""
        if self.progress is not None:
            self.progress.say(text)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self, nodeid: str) -> None:
        if self.progress is not None:
            self.progress.begin(nodeid.rpartition("::")[2])

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> Generator[None, object, object]:
        if self.progress is not None:
            self.progress.show("")
        if hasattr(report, "context") and GUARD in self._config.stash:  # made from one that was scrubbed
            from luma_conformance.pytest_plugin.scrubbing import scrub_subtest

            scrub_subtest(report, guard(self._config)[0].scrub)
        judged = getattr(report, "luma_judged", None)
        if (run := getattr(report, "luma_run", None)) is not None:
            self.tally.begin(run)
            self._publish()
        if judged is not None:
            from luma_conformance.pytest_plugin.failures import set_outcome

            set_outcome(report, self.keep(judged))
        elif report.failed:
            self._broken = self._broken or _is_ours(report)
            self._others_fail = True
        return (yield)

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """Keep which files and properties there are, before --lf or a node id leaves some of them out."""
        if getattr(collector, "is_case_file", False):
            self.scope.files.setdefault(collector.path, False)
        report = yield
        for node in report.result or ():
            if isinstance(node, pytest.Function) and "luma_target" in node.fixturenames:
                self.scope.properties[property_id(node)] = is_kits(node)
        return report

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        if any(item.get_closest_marker("luma") for item in session.items[-1:]):
            gc.freeze()  # thousands of cases live to the end; traversing them in every collection costs a run about 5 %
        if not session.config.getoption("collectonly") and any(map(uses_target, session.items)):
            self.scope.end(sum(map(uses_target, session.items)))
            self._begin_progress(session.items)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        result = yield
        self._went_to_its_end = True  # a second Ctrl-C close upon the first leaves pytest's exit status at 0
        return result

    @pytest.hookimpl(tryfirst=True)
    def pytest_warning_recorded(self, warning_message: warnings.WarningMessage) -> None:
        if GUARD in self._config.stash:
            from luma_conformance.pytest_plugin.scrubbing import scrub_warning

            scrub_warning(warning_message, guard(self._config)[1])

    @pytest.hookimpl(tryfirst=True)
    def pytest_internalerror(self, excrepr: object) -> None:
        if GUARD in self._config.stash:
            from luma_conformance.pytest_plugin.scrubbing import scrub_internal_error

            scrub_internal_error(excrepr, guard(self._config)[1])

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        if GUARD in self._config.stash:
            from luma_conformance.pytest_plugin.scrubbing import scrub_interruption

            scrub_interruption(excinfo, guard(self._config)[1])

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        node.workerinput[_BLANK] = self.blank_base_url

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: object) -> None:
        output = getattr(node, "workeroutput", None) or {}
        self._broken = self._broken or not output  # it died
        if "luma" in output:
            self.tally.merge(output["luma"])
            self.left_out.update(output["luma"]["left_out"])
        self._workers.add(getattr(node, "workerinput", {}).get("workerid", ""))

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, object, object]:
        try:
            return (yield)
        except KeyboardInterrupt:
            self._went_to_its_end = False
            if not self.is_used:
                raise
            return None  # so that there is a summary, which says that the run was interrupted
        except OSError as error:
            if not self.is_used or isinstance(error, BrokenPipeError):
                raise
            self.tally.add_failed_write(f"a report of pytest or another plugin cannot be written: {error}")
            return None
        finally:
            from luma_conformance.pytest_plugin.signals import holding

            with holding() as came:
                self._finish(session, came)

    def _finish(self, session: pytest.Session, came: Sequence[int]) -> None:
        """Close what is open, and write the results: as incomplete if a signal that ends a run, in `came`, comes."""
        for key in (SESSION, OTHER_SESSION):
            if (judged := self._config.stash.get(key, None)) is not None:
                try:
                    judged.close()  # so that a recording is complete before anybody reads it
                except InputError as error:
                    self.tally.add_failed_write(str(error))
        if hasattr(self._config, "workeroutput"):
            if self.is_used:
                self._config.workeroutput["luma"] = {**self.tally.as_data(), "left_out": sorted(self.left_out)}
            return
        if not self.is_used and self._publisher is None and not self._is_required():
            return
        if (record := self._config.getoption("luma_record")) is not None and self._workers:
            self._gather(record)
        given = session.exitstatus
        session.exitstatus = self._end(session, int(given))
        if came:
            self._went_to_its_end = False
            session.exitstatus = self._end(session, int(given))
        if self._publisher is not None:
            session.exitstatus = self._publisher.append_summary(self.tally, int(session.exitstatus))

    def _end(self, session: pytest.Session, given: int) -> int:
        """Write the results of the run, to which pytest gives this exit status; return the status it has."""
        if given == Exit.NOT_CONFORMANT and self.tally.flaky_ok and not self._others_fail:
            given = self.tally.forgive(given)
        went_on = self._went_to_its_end and not (session.shouldstop or session.shouldfail) and given not in _CUT_SHORT
        complete = went_on and not self._broken and not self.tally.missing and self.tally.stop is None
        if self.is_used or self._is_required():
            status = self.tally.exit_status(given, complete=complete, interrupted=not went_on)
        else:
            status = given or (Exit.CONFORMANT if went_on else Exit.INTERRUPTED)
        results = self.tally.end(status, complete=complete, label=read_label(self._config))
        return status if self._publisher is None else self._publisher.end(results, self.tally, status)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.is_used and self._tally is not None:
            from luma_conformance.pytest_plugin.failures import hide_failures
            from luma_conformance.pytest_plugin.summary import write_summary

            hide_failures(terminalreporter)
            write_summary(terminalreporter, self._tally)
        if self._publisher is not None:
            self._publisher.show(terminalreporter, annotated=os.environ.get("GITHUB_ACTIONS") == "true")

    def pytest_unconfigure(self) -> None:
        if self.progress is not None:
            self.progress.close()

    def _is_required(self) -> bool:
        """Return whether something has to be judged, so that a run of other tests alone cannot pass."""
        return self._controls and bool(self._config.getoption("luma_require"))

    def _begin_progress(self, items: Sequence[pytest.Item]) -> None:
        """Begin to show how the run goes; of xdist's workers, which have no terminal, only the first says anything."""
        from luma_conformance.pytest_plugin.forecast import Forecast
        from luma_conformance.session.progress import show_on

        worker = getattr(self._config, "workerinput", {}).get("workerid")
        self.progress = show_on(
            _copy_terminal() if worker in (None, "gw0") else None, guard(self._config)[1], interactive=worker is None
        )
        self._forecast = Forecast(items)
        self.progress.on_tick = self._foresee

    def _foresee(self) -> None:
        """Say about how long the run will take, once that is known."""
        session = self._config.stash.get(SESSION, None)
        if self._forecast is not None and session is not None and (said := self._forecast.say(self._config, session)):
            self._forecast = None
            self.announce(said)

    def _end_orderly(self) -> None:
        from luma_conformance.pytest_plugin.signals import end_orderly

        self._config.add_cleanup(end_orderly())

    def _hold(self, record: Path) -> None:
        """Keep other runs from writing the recording; raise UsageError where one does."""
        from luma_conformance.reading.lock import hold

        try:
            self._config.add_cleanup(hold(record, guard(self._config)[1]))
        except InputError as error:
            raise pytest.UsageError(guard(self._config)[1](f"--luma-record: {error}")) from None

    def _publish(self) -> None:
        """Begin the report where one is wanted; raise UsageError where it cannot be written."""
        if self.wants_report and self._controls and self._publisher is None:
            from luma_conformance.pytest_plugin.publisher import begin_report

            self._publisher = begin_report(self._config, guard(self._config)[1])

    def keep(self, judged: Judged, *, instead: bool = False) -> Judged:
        """Add a verdict to the tally and to the report, as one of several attempts or `instead` of them; return it."""
        kept = self.tally.replace(judged) if instead else self.tally.add(judged)
        if self._publisher is not None:
            self._publisher.add(self.tally.run, kept)
        return kept

    def _gather(self, record: Path) -> None:
        from luma_conformance.session.record import gather

        try:
            gather(record, self._workers)
        except InputError as error:
            self.tally.add_failed_write(f"{error}; what the workers recorded is beside it")


def _is_ours(report: pytest.TestReport) -> bool:
    return "luma" in report.keywords or any(name == CASE_PROPERTY for name, _ in report.user_properties)


def uses_target(item: pytest.Item) -> bool:
    """Return whether an item is a case, or a property that says that it is one."""
    return "luma_target" in getattr(item, "fixturenames", ()) or item.get_closest_marker("luma") is not None


def is_ours(item: pytest.Item) -> bool:
    """Return whether an item is a case or a property; some requests the fixture only when it runs."""
    return uses_target(item) or any(name == CASE_PROPERTY for name, _ in item.user_properties)


def _copy_terminal() -> TextIO | None:
    """Return a copy of standard error, made before pytest captures it; None if it is not a file.

    Not standard output: an xdist worker has none, and a report may be piped from it.
    """
    try:
        return os.fdopen(os.dup(sys.stderr.fileno()), "w", buffering=1, errors="replace")
    except (OSError, ValueError):
        return None
