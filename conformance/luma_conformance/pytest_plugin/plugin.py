"""The pytest plugin: collects case files, registers the markers, and attaches verdicts to reports.

It is loaded in every project of an environment the kit is installed in, so it imports nothing but pytest until it meets
a case file.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Collection, Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from luma_conformance.arguments import KEYS_ARE_READ, find_key
from luma_conformance.errors import InputError
from luma_conformance.pytest_plugin import client_fixtures
from luma_conformance.pytest_plugin.options import add_options
from luma_conformance.pytest_plugin.run import GUARD, NAME, SCRUBBED, Run, guard, is_ours, run_of, uses_target

if TYPE_CHECKING:
    from luma_conformance.properties.luma_target import LumaTarget
    from luma_conformance.pytest_plugin.items import CaseFile

PACKAGE = "luma_conformance"
SHOWN_BY_CI = ("GITHUB_STEP_SUMMARY", "GITHUB_ACTIONS")

MARKERS = (
    "luma(status, section, operation): a case of the Luma Agents API's catalogue, "
    "as in -m 'luma(status=429)' or -m 'luma(operation=\"get\")' or -m 'luma(section=\"create/400-keyframes\")'",
    "smoke: one of the few cases of that catalogue that find the most with one request each and create nothing",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options; raise UsageError where the command line holds a key, which pytest's own messages would show."""
    _refuse_keys(sys.argv[1:])
    add_options(parser)


def pytest_load_initial_conftests(args: list[str]) -> None:
    """Raise UsageError where an argument holds a key that came from a variable of pytest's, or from its settings."""
    _refuse_keys(args)


def _refuse_keys(words: Sequence[str], what: str = "an argument") -> None:
    if (name := find_key(words, os.environ)) is not None:
        raise pytest.UsageError(f"{what} holds the key in {name}, which would be shown; {KEYS_ARE_READ}")


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers and the run; raise UsageError for a wrong profile, header or certificate."""
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    config.pluginmanager.register(client_fixtures)
    shown = config.getoption("luma_report") is not None or any(os.environ.get(name) for name in SHOWN_BY_CI)
    blank = not hasattr(config, "workerinput") and _has_blank_base_url(config)
    run = Run(config, wants_report=shown, blank_base_url=blank)
    if config.pluginmanager.register(run, NAME) is None:
        raise pytest.UsageError(f"without {NAME} nobody counts the verdicts: leave out -p no:{NAME}")
    if PACKAGE in config.args and config.getoption("pyargs"):
        from luma_conformance.catalogue.files import specs

        config.args.append(
            str(specs())
        )  # beside the package if the install is editable; if it is inside, pytest still collects it only once
    if any(config.getoption(name) for name in ("luma_profile", "luma_header", "luma_client_cert")):
        _learn_secrets(config)


def _has_blank_base_url(config: pytest.Config) -> bool:
    """Return whether a base URL was given but is blank; pytest-base-url makes no difference to one that was not."""
    given = [getattr(config.known_args_namespace, "base_url", None)]
    for text in config.getoption("override_ini") or ():
        name, _, value = text.partition("=")
        given += [value] if name.strip() == "base_url" else []
    return any(one is not None and not one.strip() for one in given)


def _learn_secrets(config: pytest.Config) -> None:
    """Have the run's redactor know what must not be shown; raise UsageError where an option or the profile is wrong."""
    from luma_conformance.pytest_plugin.sessions import read_gateway
    from luma_conformance.target.profile import load_profile

    redactor, scrub = guard(config)
    profile = config.getoption("luma_profile")
    try:
        if profile is not None:
            redactor.add(load_profile(profile, os.environ).secrets)
        redactor.add(read_gateway(config).secrets)
    except InputError as error:
        raise pytest.UsageError(scrub(str(error))) from None


@pytest.hookimpl(wrapper=True)
def pytest_report_header(config: pytest.Config) -> Generator[None, list[str | list[str]], list[str | list[str]]]:
    """Hide keys in the lines above a run: pytest-base-url shows the base URL before anybody has refused it."""
    lines = yield
    folders = (str(config.rootpath), str(config.inipath or ""))
    if not config.getoption("base_url", None) and find_key(folders, os.environ) is None:
        return lines
    from luma_conformance.pytest_plugin.scrubbing import hide_user

    scrub = guard(config)[1]
    return [
        hide_user(scrub(one)) if isinstance(one, str) else [hide_user(scrub(each)) for each in one] for one in lines
    ]


def pytest_collection_modifyitems(session: pytest.Session, items: list[pytest.Item]) -> None:
    """End a run whose known deviations are wrong or list no case; raise UsageError for a key in the id of a test."""
    try:
        _refuse_keys([item.nodeid for item in items], "the id of a test or case")
    except pytest.UsageError:
        items.clear()  # with --collect-only pytest lists them all the same
        raise
    if session.config.getoption("luma_deviations") is not None:
        from luma_conformance.pytest_plugin.deviations import check_deviations

        check_deviations(session, items)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Keep which cases are to be judged; end a run that requires the cases of a role which none needs."""
    if session.config.getoption("collectonly"):
        return
    if any(map(uses_target, session.items)):
        from luma_conformance.pytest_plugin.deviations import find_ids

        run_of(session.config).tally.selected.update(find_ids(session.items))
    if session.config.getoption("luma_require") and session.items:
        from luma_conformance.pytest_plugin.sessions import check_requirements

        check_requirements(session)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> CaseFile | None:
    """Collect a YAML file that declares itself a case file by naming the schema in its first line."""
    if file_path.suffix != ".yaml":
        return None
    from luma_conformance.catalogue.files import is_case_file

    if not is_case_file(file_path):
        return None
    from luma_conformance.pytest_plugin.items import CaseFile

    guard(parent.config)
    return CaseFile.from_parent(parent, path=file_path)


@pytest.fixture
def luma_target(request: pytest.FixtureRequest) -> LumaTarget:
    """Return the target: `luma_target.for_all(strategy, luma_target.check)`; a test that uses it counts as a case."""
    from luma_conformance.pytest_plugin.property_reports import target_for

    return target_for(request)


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Keep which cases a run with known deviations leaves out: nothing is known of those."""
    if items and items[0].config.getoption("luma_deviations") is not None:
        from luma_conformance.pytest_plugin.deviations import find_ids

        run_of(items[0].config).left_out.update(find_ids(items))


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Note the verdict of each attempt at a case or a property, before any other plugin makes something of it."""
    began = time.perf_counter()
    try:
        result = yield
    except BaseException as error:
        _note(item, error, began)
        raise
    _note(item, None, began)
    return result


def _note(item: pytest.Item, error: BaseException | None, began: float) -> None:
    if is_ours(item):
        from luma_conformance.pytest_plugin.attempts import note_called

        note_called(item, error, time.perf_counter() - began)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Attach the verdict to the report of a case or a property, and remove secrets from every report."""
    report = yield
    if ours := is_ours(item):
        _add_verdict(item, report, None if call.excinfo is None else call.excinfo.value)
    _scrub(item.config, report, ours=ours, known=item.stash.get(SCRUBBED, ()))
    if GUARD in item.config.stash:
        item.stash[SCRUBBED] = report.user_properties
    return report


def _add_verdict(item: pytest.Item, report: pytest.TestReport, error: BaseException | None) -> None:
    from luma_conformance.pytest_plugin.attempts import attach_attempts, note_skipped

    if isinstance(item, pytest.Function):
        from luma_conformance.pytest_plugin.property_reports import adapt_report

        adapt_report(item, report, error)
    if report.when == "setup" and report.skipped:
        note_skipped(item, report)
        attach_attempts(item, report)
    elif report.when == "call":
        attach_attempts(item, report)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Add to the results the known deviations that are stale."""
    config = session.config
    if config.getoption("luma_deviations") is None or hasattr(config, "workerinput") or not run_of(config).is_used:
        return
    from luma_conformance.pytest_plugin.deviations import add_stale

    add_stale(run_of(config), config)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Generator[None]:
    """Show what is wrong with the target cause by cause."""
    run = run_of(terminalreporter.config)
    if not run.is_used or run.tally.results is None:
        return (yield)
    from luma_conformance.pytest_plugin.failures import replacing_failures

    with replacing_failures(terminalreporter, run.tally.results):
        yield


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable(
    report: pytest.TestReport | pytest.CollectReport,
) -> Generator[None, dict[str, Any] | None, dict[str, Any] | None]:
    """Send the verdict with a report that a worker sends."""
    if not hasattr(report, "luma_judged"):
        return (yield)
    from luma_conformance.pytest_plugin.carried import detach

    carried = detach(report)
    data = yield
    return data if data is None else {**data, **carried}


@pytest.hookimpl(wrapper=True)
def pytest_report_from_serializable(
    config: pytest.Config, data: dict[str, Any]
) -> Generator[None, pytest.TestReport | pytest.CollectReport | None, pytest.TestReport | pytest.CollectReport | None]:
    """Restore the verdict of a report that came from a worker."""
    if "luma_judged" not in data:
        return (yield)
    from luma_conformance.pytest_plugin.carried import attributes_from

    attributes = attributes_from(data, guard(config)[1])
    report = yield
    if report is not None:
        vars(report).update(attributes)
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Remove secrets and control characters from the report of a collected file."""
    report = yield
    _scrub(collector.config, report, ours=True)
    return report


def _scrub(
    config: pytest.Config,
    report: pytest.TestReport | pytest.CollectReport,
    *,
    ours: bool,
    known: Collection[tuple[str, object]] = (),
) -> None:
    """Remove secrets from a report; from a report of ours also control characters."""
    if GUARD in config.stash:
        from luma_conformance.pytest_plugin.scrubbing import scrub_report

        redactor, scrub = guard(config)
        scrub_report(report, scrub if ours else redactor.scrub, known)
