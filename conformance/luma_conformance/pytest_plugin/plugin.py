"""The pytest plugin: options, collection of case files, markers, the summary and the exit status.

It is loaded in every project of an environment the kit is installed in, so it imports nothing but pytest until it meets
a case file.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import warnings
from argparse import ArgumentTypeError
from collections.abc import Callable, Generator, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import pytest

if TYPE_CHECKING:
    from luma_conformance.properties.luma_target import LumaTarget
    from luma_conformance.pytest_plugin.items import CaseFile
    from luma_conformance.pytest_plugin.summary import Tally
    from luma_conformance.redaction.redactor import Redactor
    from luma_conformance.session.session import Judging

RUN = "luma-run"
REPORTER = "luma-reporter"
JUDGING: pytest.StashKey[Judging] = pytest.StashKey()
RIVAL: pytest.StashKey[Judging] = pytest.StashKey()
REDACTOR: pytest.StashKey[Redactor] = pytest.StashKey()

SHOWN_BY_CI = ("GITHUB_STEP_SUMMARY", "GITHUB_ACTIONS")

MARKER = (
    "luma(status, section, operation): a case of the Luma Agents API's catalogue, "
    "as in -m 'luma(status=429)' or -m 'luma(operation=\"get\")' or -m 'luma(section=\"create/400-keyframes\")'"
)


def _age(text: str) -> float:
    from luma_conformance.recording.cassette import parse_age

    return parse_age(text)


def _formats(text: str) -> tuple[str, ...]:
    from luma_conformance.errors import InputError
    from luma_conformance.report.formats import parsed

    try:
        return parsed(text)
    except InputError as error:
        raise ArgumentTypeError(str(error)) from None


def _whole(least: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if (number := int(text)) < least:
            raise ValueError
        return number

    read.__name__ = f"whole number of at least {least}"
    return read


def _seconds(text: str) -> float:
    number = float(text)
    if not 0 < number < 86_400:
        raise ValueError
    return number


_seconds.__name__, _age.__name__ = "number of seconds", "age like 30d, 12h or 90m"


_OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "--luma-profile": {
        "metavar": "FILE",
        "type": Path,
        "help": "what the target offers: keys by role, media, prompts; `luma-conformance profile --init` writes one",
    },
    "--luma-spend": {
        "metavar": "N",
        "type": _whole(0),
        "default": 0,
        "help": "off loopback, be charged for at most N generations (default 0: nothing is sent that may be accepted)",
    },
    "--luma-timeout": {
        "metavar": "SECONDS",
        "type": _seconds,
        "default": 30.0,
        "help": "total time one exchange may take, body included (default 30)",
    },
    "--luma-against": {
        "metavar": "URL",
        "help": "send each case to this server too, and say where only one of the two is right",
    },
    "--luma-against-profile": {"metavar": "FILE", "type": Path, "help": "what that server offers"},
    "--luma-wording": {
        "choices": ("exact", "lenient"),
        "default": "exact",
        "help": "whether a text for people that differs from the page's is a failure (exact) or a warning (lenient)",
    },
    "--luma-deviations": {
        "metavar": "FILE",
        "type": Path,
        "help": "wrong answers that are known, and so not red; `luma-conformance deviations --from RESULTS` drafts one",
    },
    "--luma-report": {
        "metavar": "DIR",
        "type": Path,
        "help": "write the results there: results.jsonl as they come, report.html and others at the end",
    },
    "--luma-report-format": {
        "metavar": "LIST",
        "type": _formats,
        "help": "only these formats, with commas between: jsonl, html, md, ctrf, badge (default: all)",
    },
    "--luma-record": {
        "metavar": "FILE",
        "type": Path,
        "help": "keep every exchange in a HAR file, without secrets; --base-url cassette:FILE judges from it, offline",
    },
    "--luma-cassette-max-age": {
        "metavar": "AGE",
        "type": _age,
        "help": "how old a recording may be: 30d, 12h, 90m; an older one is not judged",
    },
    "--luma-fuzz": {
        "choices": ("gate", "deep"),
        "default": "gate",
        "help": "how properties are tried: the same requests every time (gate), or ever new ones, remembered (deep)",
    },
    "--luma-fuzz-examples": {
        "metavar": "N",
        "type": _whole(1),
        "help": "examples a property takes (default: gate 100, deep 5000); a single rule takes a tenth",
    },
    "--luma-real-time": {
        "action": "store_true",
        "help": "judge the rate limit of a target without a clock to advance by waiting: about two minutes",
    },
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the options; --base-url is pytest-base-url's."""
    group = parser.getgroup(
        "luma", "Luma Agents API conformance (judges --base-url; without one, the embedded reference)"
    )
    for name, attributes in _OPTIONS.items():
        group.addoption(name, **attributes)


def pytest_configure(config: pytest.Config) -> None:
    """Registers the marker and the run, and refuses a bad profile at once."""
    config.addinivalue_line("markers", MARKER)
    run = Run(config)
    config.pluginmanager.register(run, RUN)
    _report(config, run)
    if "luma_conformance" in config.args and config.getoption("pyargs"):
        from luma_conformance.catalogue.files import specs

        config.args.append(str(specs()))  # beside the package in an editable install; inside it, pytest takes it once
    profile = config.getoption("luma_profile")
    if profile is not None:
        from luma_conformance.errors import InputError
        from luma_conformance.target.profile import load_profile

        redactor, scrub = guard(config)
        try:
            redactor.add(load_profile(profile, os.environ).secrets)
        except InputError as error:
            raise pytest.UsageError(scrub(str(error))) from None


def pytest_collection_modifyitems(session: pytest.Session, items: list[pytest.Item]) -> None:
    """Ends a run whose known deviations are wrong or list no case."""
    if session.config.getoption("luma_deviations") is not None:
        from luma_conformance.pytest_plugin.items import check_deviations

        check_deviations(session, items)


def guard(config: pytest.Config) -> tuple[Redactor, Callable[[str], str]]:
    """Returns the run's redactor, and what makes a text fit to be shown; all that pytest writes from here on is."""
    from luma_conformance.redaction.redactor import Redactor, find_keys, printable

    if (redactor := config.stash.get(REDACTOR, None)) is None:
        from luma_conformance.pytest_plugin.scrubbing import scrub_log_records

        redactor = config.stash[REDACTOR] = Redactor(find_keys(os.environ))
        config.add_cleanup(scrub_log_records(redactor.scrub))
    scrub = redactor.scrub
    return redactor, lambda text: printable(scrub(text))


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> CaseFile | None:
    """Collects a YAML file that declares itself a case file by naming the schema in its first line."""
    if file_path.suffix != ".yaml":
        return None
    from luma_conformance.catalogue.files import is_case_file

    if not is_case_file(file_path):
        return None
    from luma_conformance.pytest_plugin.items import CaseFile

    guard(parent.config)
    return CaseFile.from_parent(parent, path=file_path)


@pytest.fixture
def luma_target(request: pytest.FixtureRequest) -> Iterator[LumaTarget]:
    """Gives a property the target: `luma_target.for_all(strategy, luma_target.check)`; it counts as a case."""
    from luma_conformance.properties.found import property_id
    from luma_conformance.properties.luma_target import Fuzzing, begin
    from luma_conformance.pytest_plugin.items import judging_of

    guard(request.config)
    fuzzing = Fuzzing(
        profile=request.config.getoption("luma_fuzz"),
        examples=request.config.getoption("luma_fuzz_examples"),
        real_time=request.config.getoption("luma_real_time"),
        alone=not hasattr(request.config, "workerinput"),
    )
    request.node.user_properties.append(("luma_case", request.node.nodeid))
    name = f"{request.node.path.name}::{request.node.name}"
    under_way = begin(judging_of(request.node), fuzzing, name, property_id(request.node))
    yield under_way
    request.node.user_properties.append(("luma_observed", json.dumps(under_way.observed)))
    rules = {"fired": under_way.broken, "kept": under_way.kept}
    request.node.user_properties.append(("luma_rules", json.dumps(rules)))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Says what a property came to: its explanation instead of a traceback; and takes secrets out of any report."""
    report = yield
    judged = any(name == "luma_case" for name, _ in item.user_properties)
    if isinstance(item, pytest.Function) and judged:
        from luma_conformance.pytest_plugin.items import report_property

        report_property(item, report, call)
    _scrub(item.config, report, ours=judged or item.get_closest_marker("luma") is not None)
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Takes secrets, and what a terminal would obey, out of what is said of a file."""
    report = yield
    _scrub(collector.config, report, ours=True)
    return report


def _scrub(config: pytest.Config, report: pytest.TestReport | pytest.CollectReport, *, ours: bool) -> None:
    """Takes secrets out of a report of a run that has any; out of one of ours also what commands a terminal."""
    if REDACTOR in config.stash:
        from luma_conformance.pytest_plugin.scrubbing import scrub_report

        redactor, scrub = guard(config)
        scrub_report(report, scrub if ours else redactor.scrub)


class Run:
    """One pytest run's count of verdicts, its summary and its exit status.

    Verdicts arrive as reports, under xdist from the workers; what stops a run arrives from the items, or when a worker
    goes down.
    """

    def __init__(self, config: pytest.Config) -> None:
        self.tally: Tally | None = None
        self._config = config
        self._workers: set[str] = set()
        remote = config.getoption("base_url", None) or config.getoption("luma_profile")
        self._terminal = _terminal() if remote else None

    def announce(self, text: str) -> None:
        """Says on the terminal what the run waits for."""
        if self._terminal is not None:
            self._terminal.write(f"\nluma: {text} ")

    def count(self) -> Tally:
        """Returns the tally, begun at its first use."""
        if self.tally is None:
            from luma_conformance.pytest_plugin.summary import Tally

            guard(self._config)
            self.tally = Tally()
        return self.tally

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        facts = {name: str(value) for name, value in report.user_properties}
        if "luma_verdict" in facts and (report.when == "call" or report.skipped):
            self.count().add(facts)
        if report.when == "teardown" and "luma_rules" in facts:
            self.count().cover(json.loads(facts["luma_rules"]))
            self.count().observe(json.loads(facts["luma_observed"]))

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        if any(item.get_closest_marker("luma") for item in session.items[-1:]):
            gc.freeze()  # thousands of cases live to the end; looking at each again and again costs a run some 5 %

    @pytest.hookimpl(tryfirst=True)
    def pytest_warning_recorded(self, warning_message: warnings.WarningMessage) -> None:
        if REDACTOR in self._config.stash:
            from luma_conformance.pytest_plugin.scrubbing import scrub_warning

            scrub_warning(warning_message, guard(self._config)[1])

    @pytest.hookimpl(tryfirst=True)
    def pytest_internalerror(self, excrepr: object) -> None:
        if REDACTOR in self._config.stash:
            from luma_conformance.pytest_plugin.scrubbing import scrub_internal_error

            scrub_internal_error(excrepr, guard(self._config)[1])

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: object) -> None:
        output = getattr(node, "workeroutput", None) or {}
        if "luma" in output:
            self.count().hear(output["luma"])
        self._workers.add(getattr(node, "workerinput", {}).get("workerid", ""))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.tally is None:
            return
        for key in (JUDGING, RIVAL):
            if (judging := self._config.stash.get(key, None)) is not None:
                judging.close()  # what is recorded is whole before anybody reads it
        if hasattr(self._config, "workeroutput"):
            self._config.workeroutput["luma"] = self.tally.tell()
            return
        if (record := self._config.getoption("luma_record")) is not None and self._workers:
            self._gather(record, self.tally)
        session.exitstatus = self.tally.exit_status(int(session.exitstatus))

    def _gather(self, record: Path, tally: Tally) -> None:
        from luma_conformance.errors import Exit, InputError
        from luma_conformance.session.tape import gather

        try:
            gather(record, self._workers)
        except InputError as error:
            tally.halt(Exit.USAGE, f"{error}; what the workers recorded is beside it")

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.tally is not None:
            self.tally.write(terminalreporter)

    def pytest_unconfigure(self) -> None:
        if self._terminal is not None:
            self._terminal.close()


def _report(config: pytest.Config, run: Run) -> None:
    """Registers what writes reports, where anybody reads them: a folder is named, or a CI job shows them."""
    if config.getoption("luma_report") is None and not any(os.environ.get(name) for name in SHOWN_BY_CI):
        return
    from luma_conformance.pytest_plugin.reporter import Reporter

    config.pluginmanager.register(Reporter(config, run), REPORTER)


def _terminal() -> TextIO | None:
    """Returns a copy of standard error from before pytest captures it, or None where there is no such file.

    Not standard output: an xdist worker has none, and a report may be piped from it.
    """
    try:
        return os.fdopen(os.dup(sys.stderr.fileno()), "w", buffering=1, errors="replace")
    except (OSError, ValueError):
        return None
