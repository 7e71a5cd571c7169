"""A disk that is full, files that another run writes: one sentence, status 4, and what was written stays whole."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from luma_conformance.errors import Exit
from luma_conformance.pytest_plugin import publisher
from luma_conformance.reading.lock import hold
from luma_conformance.reading.regular_file import replace_text
from luma_conformance.recording import har
from tests.failing import fail_writing
from tests.kit import Run
from tests.verdicts import SHOW


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    """Check that no lock and no half-written file stays."""
    yield
    assert not [*Path().rglob(".*.lock"), *Path().rglob(".results*"), *Path().rglob(".report*")]


@pytest.mark.parametrize("allowed", range(6))
def test_a_recording_that_cannot_be_written_ends_the_run(
    run: Run, allowed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Head, each of three entries, or the close: what is there can be read."""
    fail_writing(monkeypatch, allowed, lasting=True, suffix=".har")

    ended = run("--luma-record", "run.har")

    assert ended.ret == (Exit.USAGE if allowed < 5 else Exit.CONFORMANT)
    if allowed < 5:
        ended.stdout.fnmatch_lines(["*run.har cannot be written: No space left on device"])
    ended.stdout.no_fnmatch_line("*Traceback*")
    assert "INTERNALERROR" not in ended.stdout.str() + ended.stderr.str()
    assert len([*har.read_entries(Path("run.har"))] if allowed else [0][1:]) == min(max(allowed - 1, 0), 3)


@pytest.mark.parametrize("lasting", [0, 1])
@pytest.mark.parametrize("allowed", range(6))
def test_results_that_cannot_be_written_are_said_to_be_missing(
    run: Run, allowed: int, lasting: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Header, verdicts, footer or close: the lines before it are there and none after, and all other formats are."""
    fail_writing(monkeypatch, allowed, lasting=bool(lasting), suffix=".jsonl")

    ended = run("--luma-report", "out")

    assert ended.ret == (Exit.USAGE if allowed < 6 else Exit.CONFORMANT)
    ended.stdout.fnmatch_lines(["*the report is not whole: out/results.jsonl cannot be written: No space left*"])
    assert "INTERNALERROR" not in ended.stdout.str() + ended.stderr.str()
    lines = Path("out/results.jsonl").read_text()
    assert lines.count("\n") == min(allowed, 5)
    assert not lines or lines.endswith("}\n")
    assert "html" in Path("out/report.html").read_text()


@pytest.mark.parametrize("name", ["badge.json", "badge.svg", "ctrf.json", "report.html", "summary.md"])
def test_each_other_format_can_fail(run: Run, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is named; the others are written."""

    def fail(file: Path, text: str) -> None:
        if file.name == name:
            raise OSError(errno.EDQUOT, "Disk quota exceeded")
        replace_text(file, text)

    monkeypatch.setattr(publisher, "replace_text", fail)
    ended = run("--luma-report", "out")

    assert ended.ret == Exit.USAGE
    ended.stdout.fnmatch_lines([f"*the report is not whole: out/{name} cannot be written: Disk quota exceeded"])
    assert len([*Path("out").iterdir()]) == 5


@pytest.mark.parametrize("option", ["--junitxml=/dev/full", "--junitxml=things.yaml/junit.xml"])
def test_a_report_of_pytest_that_cannot_be_written_ends_the_run_in_order(run: Run, option: str) -> None:
    """Pytest itself would end in a traceback, with the status of a target that is wrong."""
    ended = run("--luma-report", "out", option)

    assert ended.ret == Exit.USAGE
    ended.stdout.fnmatch_lines(["*a report of pytest or another plugin cannot be written: *"])
    assert "Traceback" not in ended.stdout.str() + ended.stderr.str()
    assert "report.html" in [file.name for file in Path("out").iterdir()]


@pytest.mark.parametrize("arguments", [["--luma-record", "out/results.jsonl"], ["--luma-report", "out"]])
def test_a_second_run_into_the_same_files_is_refused(run: Run, arguments: list[str]) -> None:
    """It says so before it sends or removes anything."""
    Path("out").mkdir()
    Path("out/results.jsonl").write_text("the first run's")
    let_go = hold(Path("out/results.jsonl"), SHOW)

    ended = run(*arguments)
    let_go()

    assert ended.ret == Exit.USAGE
    ended.stderr.fnmatch_lines(["*out/results.jsonl is being written by another run, or is named twice; wait*"])
    assert Path("out/results.jsonl").read_text() == "the first run's"


REMOVING = """
import os

def pytest_runtest_logfinish():
    if os.path.exists(os.environ["FILE"]):
        os.rename(os.environ["FILE"], "elsewhere")
"""


@pytest.mark.parametrize(("option", "file"), [("--luma-record", "run.har"), ("--luma-report", "results.jsonl")])
def test_a_file_that_goes_while_it_is_written_is_told(
    run: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, option: str, file: str
) -> None:
    """The verdicts are right, but nobody will find what was written; a file that was cleared away is not a report."""
    pytester.makeconftest(REMOVING)
    monkeypatch.setenv("FILE", file)

    ended = run(option, file)

    assert ended.ret == Exit.USAGE
    ended.stdout.fnmatch_lines([f"*{file} cannot be written: it was removed, moved or replaced while the run lasted"])


@pytest.mark.slow
def test_workers_of_one_run_share_its_recording(run: Run) -> None:
    """With -n 2 there is one recording of all."""
    ended = run("--luma-record", "run.har", "--luma-report", "out", "-n", "2")

    assert ended.ret == Exit.CONFORMANT
    assert len([*har.read_entries(Path("run.har"))]) == 3


FAULTY = """
import os

import pytest

from tests.failing import fail_writing

if os.environ.get("PYTEST_XDIST_WORKER") == "gw0":
    fail_writing(pytest.MonkeyPatch(), int(os.environ["ALLOWED"]), lasting=True, suffix=".gw0.har")
"""


@pytest.mark.slow
@pytest.mark.parametrize("allowed", range(5))
def test_the_part_of_one_worker_that_cannot_be_written_ends_the_run(
    run: Run, allowed: int, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sentence and status 4; the recording has all that was written before, and all of the other worker."""
    pytester.makeconftest(FAULTY)
    monkeypatch.setenv("ALLOWED", str(allowed))

    ended = run("--luma-record", "run.har", "-n", "2", "-v")

    said = ended.stdout.str() + ended.stderr.str()
    if ended.ret == Exit.CONFORMANT:  # this worker had no case, or one only
        assert allowed > 0
        return
    assert ended.ret == Exit.USAGE
    assert said.count("run.gw0.har cannot be written: No space left on device") == 1
    assert "Traceback" not in said
    assert "INTERNALERROR" not in said
    recorded = {str(entry.note["item"]).rpartition("#")[2] for entry in har.read_entries(Path("run.har"))}
    assert recorded == {*re.findall(r"PASSED things\.yaml::(\S+)", said)}
    assert not [*Path().glob("run.gw*.har")]
