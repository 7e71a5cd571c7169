"""Attempts to have a run be green for nothing, each with the exit status it comes to instead, and what it says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field

import pytest

from luma_conformance.errors import Exit
from luma_conformance.model import Request, Response
from luma_conformance.reference.asgi import serving
from tests import miniatures
from tests.kit import THINGS, response, run_apart, run_inside
from tests.miniatures import Handle

NO_TESTS = pytest.ExitCode.NO_TESTS_COLLECTED
UNSET = "*the value is empty; is the variable that should hold it set?*"
MISSING = "could not judge: 3 of 3 selected cases came to no verdict; did a plugin*"
WRONG = miniatures.another_detail("Unknown model: super-model-v9", "no such model")
MARKED = """
import pytest

def pytest_collection_modifyitems(items):
    for item in items:
        item.add_marker(pytest.mark.{})
"""
PROPERTY = """
import pytest
from luma_conformance.strategies import near_misses

{mark}
def test_prompt(luma_target):
    luma_target.for_all(near_misses("prompt-empty", luma_target.material), lambda pair: luma_target.check(pair[1]))
"""
MAIN_KEY = '[keys]\nmain-key = {test_key = "luma-api-test-main"}\n'
KNOWN = """
[[deviation]]
cases = "*"
facet = "detail"
answer = {}
reason = "we know"
"""


def answer(status: int, body: object) -> Callable[[Handle], Handle]:
    """Return what makes a server give one answer to everything."""

    def wrap(_: Handle) -> Handle:
        def handle(request: Request) -> Response:
            return response(status, body, (("Content-Type", "application/json"),))

        return handle

    return wrap


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """A run of three cases, with what is to make it green, and what it comes to: `says` is a line of its output.

    `first` are the options of a run before it, `server` wraps the reference that it judges, `files` are beside it.
    """

    name: str
    status: int
    says: str
    options: tuple[str, ...] = ()
    first: tuple[str, ...] | None = None
    server: Callable[[Handle], Handle] | None = None
    conftest: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)
    apart: bool = False


ATTEMPTS = (
    # options and variables that are empty
    Attempt(name="an empty --base-url", status=4, says=UNSET, options=("--base-url", "")),
    Attempt(name="a blank --base-url", status=4, says=UNSET, options=("--base-url", " \t")),
    Attempt(name="an empty PYTEST_BASE_URL", status=4, says=UNSET, environ={"PYTEST_BASE_URL": ""}, apart=True),
    Attempt(name="an empty -o base_url", status=4, says=UNSET, options=("-o", "base_url=")),
    Attempt(name="workers, and no URL", status=4, says=UNSET, options=("-n", "2", "--base-url", "")),
    Attempt(
        name="cassette: alone",
        status=4,
        says="*cassette: names no file; write cassette:run.har; is the variable*",
        options=("--base-url", "cassette:"),
    ),
    Attempt(
        name="an empty --luma-against", status=4, says=f"*--luma-against: {UNSET[1:]}", options=("--luma-against=",)
    ),
    Attempt(
        name="a profile's variable is empty",
        status=4,
        says="*keys.main-key: environment variable LUMA_KEY is empty; fill it, or unset it*",
        options=("--luma-profile", "p.toml"),
        files={"p.toml": '[keys]\nmain-key = {env = "LUMA_KEY"}\n'},
        environ={"LUMA_KEY": ""},
    ),
    # selections
    Attempt(name="-k of nothing", status=NO_TESTS, says="*3 deselected*", options=("-k", "nothing")),
    Attempt(name="-m of nothing", status=NO_TESTS, says="*3 deselected*", options=("-m", "luma(status=418)")),
    Attempt(
        name="everything deselected", status=NO_TESTS, says="*3 deselected*", options=("--deselect", "things.yaml")
    ),
    Attempt(
        name="PYTEST_ADDOPTS that selects nothing",
        status=NO_TESTS,
        says="*3 deselected*",
        environ={"PYTEST_ADDOPTS": "-k nothing"},
    ),
    Attempt(
        name="addopts that selects nothing",
        status=NO_TESTS,
        says="*3 deselected*",
        options=("-o", "addopts=-k nothing"),
    ),
    Attempt(
        name="--lf where nothing failed",
        status=NO_TESTS,
        says="*3 deselected*",
        first=("-p", "cacheprovider"),
        options=("-p", "cacheprovider", "--lf", "--lfnf=none"),
        apart=True,
    ),
    Attempt(
        name="a folder without cases",
        status=NO_TESTS,
        says="*no tests ran*",
        options=("empty",),
        files={"empty/a.txt": ""},
    ),
    Attempt(
        name="a report of a run that selects nothing, over a green one",
        status=NO_TESTS,
        says="*3 deselected*",
        first=("--luma-report=report",),
        options=("--luma-report=report", "-k", "nothing"),
    ),
    # runs that do not judge
    Attempt(name="--collect-only", status=0, says="*3 tests collected*", options=("--collect-only",)),
    Attempt(name="--setup-only", status=6, says=MISSING, options=("--setup-only",)),
    Attempt(name="--setup-plan", status=6, says=MISSING, options=("--setup-plan",)),
    # plugins left out
    Attempt(name="nobody counts", status=4, says="*leave out -p no:luma-run*", options=("-p", "no:luma-run")),
    Attempt(
        name="nobody knows the URL",
        status=4,
        says="stopped: pytest-base-url, which says what to judge, is switched off*",
        options=("-p", "no:pytest_base_url.plugin"),
        environ={"PYTEST_BASE_URL": "http://127.0.0.1:9"},
    ),
    # conftests and markers
    Attempt(
        name="failures expected by a marker",
        status=1,
        says="judged *1 failed*",
        server=WRONG,
        conftest=MARKED.format("xfail"),
    ),
    Attempt(
        name="cases not run, by a marker",
        status=6,
        says="*3  skipped: *not now*",
        server=WRONG,
        conftest=MARKED.format("skip(reason='not now')"),
    ),
    Attempt(
        name="cases not run, by xfail",
        status=6,
        says="could not judge: not one case was judged*",
        server=WRONG,
        conftest=MARKED.format("xfail(run=False)"),
    ),
    Attempt(
        name="a property that is expected to fail",
        status=1,
        says="judged      1 of *: 0 passed, 1 failed*",
        server=miniatures.another_detail("Prompt must be between 1 and 6000 characters", "no"),
        options=("test_property.py", "--luma-fuzz", "20"),
        files={"test_property.py": PROPERTY.format(mark="@pytest.mark.xfail")},
    ),
    Attempt(
        name="exceptions swallowed",
        status=1,
        says="judged *1 failed*",
        server=WRONG,
        conftest="""
            import pytest

            @pytest.hookimpl(wrapper=True)
            def pytest_runtest_call(item):
                try:
                    yield
                except BaseException:
                    pass
        """,
    ),
    Attempt(
        name="a property's exceptions swallowed",
        status=1,
        says="judged      1 of *: 0 passed, 1 failed*",
        server=miniatures.another_detail("Prompt must be between 1 and 6000 characters", "no"),
        options=("test_property.py", "--luma-fuzz", "20"),
        files={"test_property.py": PROPERTY.format(mark="")},
        conftest="""
            import pytest

            @pytest.hookimpl(wrapper=True, tryfirst=True)
            def pytest_runtest_call(item):
                try:
                    yield
                except BaseException:
                    pass
        """,
    ),
    Attempt(
        name="reports made to pass",
        status=1,
        says="judged *1 failed*",
        server=WRONG,
        conftest="""
            import pytest

            @pytest.hookimpl(wrapper=True)
            def pytest_runtest_makereport(item, call):
                report = yield
                report.outcome, report.longrepr = "passed", None
                return report
        """,
    ),
    Attempt(
        name="reports replaced",
        status=6,
        says=MISSING,
        server=WRONG,
        conftest="""
            import pytest

            @pytest.hookimpl(wrapper=True, tryfirst=True)
            def pytest_runtest_makereport(item, call):
                yield
                call.excinfo = None
                return pytest.TestReport.from_item_and_call(item, call)
        """,
    ),
    Attempt(
        name="cases taken over",
        status=6,
        says=MISSING,
        conftest="def pytest_runtest_protocol(item):\n    return True\n",
    ),
    Attempt(
        name="the exit status set",
        status=1,
        says="judged *1 failed*",
        server=WRONG,
        conftest="def pytest_sessionfinish(session):\n    session.exitstatus = 0\n",
    ),
    # targets
    Attempt(
        name="a server that refuses every key",
        status=6,
        says="could not judge: *",
        server=answer(401, {"detail": "Invalid API key"}),
    ),
    Attempt(
        name="a server that knows no path",
        status=6,
        says="could not judge: *",
        server=answer(404, {"detail": "Not Found"}),
    ),
    Attempt(name="a server of pages", status=6, says="could not judge: *", server=answer(200, b"<html>")),
    Attempt(
        name="a profile without keys",
        status=6,
        says="could not judge: *main-key*",
        options=("--luma-profile", "p.toml"),
        files={"p.toml": ""},
    ),
    # recordings
    Attempt(
        name="a recording of other cases",
        status=6,
        says="could not judge: not one case was judged*",
        first=("-k", "empty", "--luma-record", "r.har"),
        options=("-k", "unknown", "--base-url", "cassette:r.har"),
    ),
    Attempt(
        name="a recording that is too old",
        status=6,
        says="could not judge: *--luma-max-age allows 0 days*",
        first=("--luma-record", "r.har"),
        options=("--base-url", "cassette:r.har", "--luma-max-age", "0d"),
    ),
    Attempt(
        name="an empty recording",
        status=4,
        says="stopped: *r.har*",
        options=("--base-url", "cassette:r.har"),
        files={"r.har": ""},
    ),
    # known deviations
    Attempt(
        name="every wrong answer is known",
        status=4,
        says="*k.toml:5: any answer of all cases is known to be wrong*",
        server=WRONG,
        options=("--luma-deviations", "k.toml"),
        files={"k.toml": KNOWN.format('"{any}"')},
    ),
    Attempt(
        name="a wrong answer is known, another is not",
        status=1,
        says="judged *1 failed*",
        server=WRONG,
        options=("--luma-deviations", "k.toml"),
        files={"k.toml": KNOWN.format('["400  nothing", "404  {any}"]')},
    ),
    # case files
    Attempt(
        name="a case file of no cases",
        status=4,
        says="*nothing.yaml:*",
        options=("nothing.yaml",),
        files={"nothing.yaml": THINGS.partition("section:")[0]},
    ),
)


@pytest.mark.parametrize("attempt", ATTEMPTS, ids=lambda attempt: attempt.name)
def test_no_attempt_is_green(attempt: Attempt, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is conformant because nobody looked; the exit status and a line say what happened."""
    pytester.makefile(".yaml", things=THINGS)
    if attempt.conftest:
        pytester.makeconftest(attempt.conftest)
    for name, text in attempt.files.items():
        pytester.path.joinpath(name).parent.mkdir(exist_ok=True)
        pytester.path.joinpath(name).write_text(text)
    run = run_apart if attempt.apart else run_inside
    if attempt.first is not None:
        assert run(pytester, *attempt.first).ret == Exit.CONFORMANT
    for name, value in attempt.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("LUMA_AGENTS_API_KEY", "luma-api-test-main")

    with ExitStack() as stack:
        url = stack.enter_context(serving(wrap=attempt.server)) if attempt.server is not None else None
        result = run(pytester, *attempt.options, *(("--base-url", url) if url is not None else ()))

    assert result.ret == attempt.status
    pytest.LineMatcher([*result.outlines, *result.errlines]).fnmatch_lines([attempt.says])
    result.stdout.no_fnmatch_line("judged      [1-9]*: [1-9]* passed, 0 failed*")
    for badge in pytester.path.glob("report/badge.svg"):
        assert "could not judge" in badge.read_text()
