"""The pytest plugin: options, collection of case files, the marker, and the verdicts on their way to the run.

It is loaded in every project of an environment the kit is installed in, so it imports nothing but pytest until it meets
a case file.
"""

from __future__ import annotations

import os
from argparse import ArgumentTypeError
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from luma_conformance.pytest_plugin.run import CASE_PROPERTY, NAME, REDACTOR, Run, guard

if TYPE_CHECKING:
    from luma_conformance.properties.luma_target import LumaTarget
    from luma_conformance.pytest_plugin.items import CaseFile

PACKAGE = "luma_conformance"
SHOWN_BY_CI = ("GITHUB_STEP_SUMMARY", "GITHUB_ACTIONS")

MARKER = (
    "luma(status, section, operation): a case of the Luma Agents API's catalogue, "
    "as in -m 'luma(status=429)' or -m 'luma(operation=\"get\")' or -m 'luma(section=\"create/400-keyframes\")'"
)


def _age(text: str) -> float:
    from luma_conformance.recording.player import parse_age

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
    """Register the marker and the run, and refuse a bad profile at once."""
    config.addinivalue_line("markers", MARKER)
    shown = config.getoption("luma_report") is not None or any(os.environ.get(name) for name in SHOWN_BY_CI)
    config.pluginmanager.register(Run(config, wants_report=shown), NAME)
    if PACKAGE in config.args and config.getoption("pyargs"):
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
    """End a run whose known deviations are wrong or list no case."""
    if session.config.getoption("luma_deviations") is not None:
        from luma_conformance.pytest_plugin.deviations import check_deviations

        check_deviations(session, items)


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


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Attach the verdict to the report of a case or a property, and take secrets out of any report."""
    report = yield
    judged = getattr(item, "judged", None) if report.when == "call" else None
    is_property = isinstance(item, pytest.Function) and any(name == CASE_PROPERTY for name, _ in item.user_properties)
    if is_property:
        from luma_conformance.pytest_plugin.property_reports import judge_property

        judged = judge_property(cast(pytest.Function, item), report, call)
    is_ours = is_property or item.get_closest_marker("luma") is not None
    if is_ours and judged is not None:
        from luma_conformance.pytest_plugin.carried import attach

        attach(item, report, judged)
    _scrub(item.config, report, ours=is_ours)
    return report


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
    data: dict[str, Any],
) -> Generator[None, pytest.TestReport | pytest.CollectReport | None, pytest.TestReport | pytest.CollectReport | None]:
    """Give a report that came from a worker its verdict again."""
    if "luma_judged" not in data:
        return (yield)
    from luma_conformance.pytest_plugin.carried import attributes_from

    attributes = attributes_from(data)
    report = yield
    if report is not None:
        vars(report).update(attributes)
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Take secrets, and what a terminal would obey, out of what is said of a file."""
    report = yield
    _scrub(collector.config, report, ours=True)
    return report


def _scrub(config: pytest.Config, report: pytest.TestReport | pytest.CollectReport, *, ours: bool) -> None:
    """Take secrets out of a report of a run that has any; out of one of ours also what commands a terminal."""
    if REDACTOR in config.stash:
        from luma_conformance.pytest_plugin.scrubbing import scrub_report

        redactor, scrub = guard(config)
        scrub_report(report, scrub if ours else redactor.scrub)
