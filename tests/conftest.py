"""What the kit's own tests need: a CI job is not told of the runs inside them, and what they measure is printed."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from luma_conformance.reference.asgi import serving
from tests.kit import THINGS, Run, run_inside

TABLE = "table"
"""The property under which a test puts a row into the table that its file's name heads in the output."""


@pytest.fixture
def table(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Return a function that adds a row to the table of the test's file, printed at the end of the run."""

    def add(row: str) -> None:
        request.node.user_properties.append((f"{TABLE} {request.node.path.stem}", row))

    return add


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the tables that tests have put together, from workers too."""
    tables: dict[str, list[str]] = {}
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, row in report.user_properties if report.when == "call" else ():
            if name.startswith(f"{TABLE} "):
                tables.setdefault(name.removeprefix(f"{TABLE} test_"), []).append(str(row))
    for name, rows in sorted(tables.items()):
        terminalreporter.section(name)
        for row in sorted(rows):
            terminalreporter.write_line(row)


def pytest_configure() -> None:
    """Have what the tests start obey SIGINT and SIGHUP, though they were started in the background, without them."""
    for number in (signal.SIGINT, getattr(signal, "SIGHUP", signal.SIGINT)):
        if signal.getsignal(number) is signal.SIG_IGN and threading.current_thread() is threading.main_thread():
            signal.signal(number, lambda *_: None)  # in another program it is then the default again


@pytest.fixture(autouse=True)
def _outside_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Yield the URL of a reference that is served to the tests of one module."""
    with serving() as served:
        yield served


@pytest.fixture
def run(pytester: pytest.Pytester) -> Run:
    """Return a function that runs pytest, the kit installed, in a project that has one case file."""
    pytester.makefile(".yaml", things=THINGS)
    return partial(run_inside, pytester)
