"""The command `run`: which pytest it starts, what it refuses, and that it ends as pytest does."""

from __future__ import annotations

from pathlib import Path

import pytest

from luma_conformance.catalogue.files import own, specs
from luma_conformance.cli.run import pytest_arguments
from luma_conformance.errors import InputError
from luma_conformance.reference.asgi import serving
from luma_conformance.suite import PROPERTIES
from tests.cli.commands import GOOD, NEGATIVE, bash

ALL = ["--assert=plain", "--pyargs", "luma_conformance"]
KEYFRAMES = str(specs() / "create" / "400-keyframes.yaml")
LOCAL = "http://127.0.0.1:8080"
TOTAL = len([*own()]) + PROPERTIES
"""Cases and properties of the kit."""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a working folder with a case file of the user's."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text(GOOD)
    return tmp_path


@pytest.mark.parametrize(
    ("given", "passed"),
    [
        ([], ALL),
        ([LOCAL], [*ALL, "--base-url", LOCAL]),
        (["cassette:run.har"], [*ALL, "--base-url", "cassette:run.har"]),
        (["p.toml", "-x"], [*ALL, "--luma-profile", "p.toml", "-x"]),
        (["-k", "create"], [*ALL, "-k", "create"]),
        ([LOCAL, "-k", "create", "--lf"], [*ALL, "--base-url", LOCAL, "-k", "create", "--lf"]),
        ([LOCAL, "create/400-keyframes"], ["--rootdir=.", KEYFRAMES, "--base-url", LOCAL]),
        ([NEGATIVE, "-x"], ["--rootdir=.", f"{KEYFRAMES}::negative-index", "-x"]),
        (["create/400-key*/control"], ["--rootdir=.", f"{KEYFRAMES}::control"]),
        (["mine.yaml"], ["--rootdir=.", "mine.yaml"]),
        ([LOCAL, "mine.yaml#control"], ["--rootdir=.", "mine.yaml::control", "--base-url", LOCAL]),
        (["mine.yaml::control"], ["--rootdir=.", "mine.yaml::control"]),
    ],
)
def test_each_argument_becomes_one_of_pytest(given: list[str], passed: list[str]) -> None:
    """A target, then cases by their ids or files, then pytest's own arguments, which stay as they are."""
    assert pytest_arguments(given) == passed


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ([""], "the URL is empty; is the variable that should hold it set?"),
        (["localhost:8080"], "'localhost:8080' is not a URL .http://host:port., a case or a file"),
        ([LOCAL, "negative-index"], f"a case or a file; near it: {NEGATIVE}"),
        (["run.har"], "run.har: there is no such file; a recording is judged as cassette:run.har"),
        (["none.yaml"], "'none.yaml' is not a URL"),
        (["mine.yaml", LOCAL], f"{LOCAL} says what is judged, which stands first: run {LOCAL} CASES"),
    ],
)
def test_an_argument_that_names_nothing_is_refused(given: list[str], why: str) -> None:
    """An empty variable is no reason to judge the embedded reference, and a misspelt id leads to the right one."""
    with pytest.raises(InputError, match=why):
        pytest_arguments(given)


@pytest.mark.slow
def test_the_exit_status_is_pytests(folder: Path) -> None:
    """The exit status is pytest's, with this kit's statuses; a recording is judged without its server."""
    with serving() as url:
        done = bash(f"luma-conformance run {url} {NEGATIVE} --luma-record run.har; echo status $?")
    assert f"judged      1 of {TOTAL}: 1 passed" in done.stdout
    assert done.stdout.endswith("status 0\n")
    again = bash(f"luma-conformance run cassette:run.har {NEGATIVE}; echo status $?")
    assert f"judged      1 of {TOTAL}: 1 passed" in again.stdout
    assert bash(f"luma-conformance run http://127.0.0.1:9 {NEGATIVE}; echo $?").stdout.endswith("\n6\n")
    assert bash(f"luma-conformance run {NEGATIVE} -k nothing; echo $?").stdout.endswith("\n5\n")
    assert {path.name for path in folder.iterdir()} - {".pytest_cache"} == {"mine.yaml", "run.har"}
