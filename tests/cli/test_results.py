"""The commands that take results: their output, their exit statuses, and files that are none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from luma_conformance.cli.main import main
from luma_conformance.errors import Exit
from luma_conformance.report.jsonl import read, written
from luma_conformance.report.result import Results

from tests.report import samples


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mixed.jsonl").write_text(written(samples.MIXED))
    Path("clean.jsonl").write_text(written(samples.CLEAN))


def test_report_renders_the_formats_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    """Several runs are one page; the paths are printed."""
    assert main(["report", "mixed.jsonl", "clean.jsonl", "--into", "out"]) == Exit.CONFORMANT

    assert capsys.readouterr().out.split() == ["out/report.html", "out/summary.md"]
    assert "2 runs: 1 conformant, 1 not conformant" in Path("out/report.html").read_text()


def test_report_does_not_write_over_what_it_reads(capsys: pytest.CaptureFixture[str]) -> None:
    """A folder of results keeps its results."""
    Path("results.jsonl").write_text(written(samples.MIXED))

    assert main(["report", "results.jsonl", "--format", "jsonl"]) == Exit.USAGE
    assert "results.jsonl would be overwritten; name another folder with --into" in capsys.readouterr().err


def test_compare_says_what_changed_and_fails_on_regressions(capsys: pytest.CaptureFixture[str]) -> None:
    """OLD against NEW: the status is 1 where something got worse, and what is fixed or lost is told too."""
    worse = Results(samples.RUN, (replace(samples.FAILED, case=samples.PASSED.case),), samples.ENDING)
    Path("worse.jsonl").write_text(written(worse))

    assert main(["compare", "clean.jsonl", "worse.jsonl"]) == Exit.NOT_CONFORMANT
    assert "1 regression\n\nregression: 1\n  create/201/control\n" in capsys.readouterr().out
    assert main(["compare", "clean.jsonl", "clean.jsonl", "worse.jsonl"]) == Exit.NOT_CONFORMANT
    assert main(["compare", "clean.jsonl", "worse.jsonl", "--fail-on", "none"]) == Exit.CONFORMANT
    assert main(["compare", "mixed.jsonl", "clean.jsonl"]) == Exit.CONFORMANT
    assert main(["compare", "mixed.jsonl", "clean.jsonl", "--fail-on", "coverage"]) == Exit.NOT_CONFORMANT


def test_a_folder_stands_for_the_results_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    """The folder that --luma-report named can be given as it is."""
    Path("run").mkdir()
    Path("run/results.jsonl").write_text(written(samples.CLEAN))

    assert main(["compare", "run", "clean.jsonl"]) == Exit.CONFORMANT
    assert "nothing changed" in capsys.readouterr().out


def test_merge_makes_one_file_of_parts(capsys: pytest.CaptureFixture[str]) -> None:
    """The merged file reads as one run, and the exit status is its own."""
    assert main(["merge", "whole.jsonl", "mixed.jsonl", "clean.jsonl"]) == Exit.NOT_CONFORMANT

    assert capsys.readouterr().out == "wrote whole.jsonl: Not conformant: 2 of 5 cases fail, in 2 sections\n"
    assert len(read(Path("whole.jsonl").read_bytes(), "whole.jsonl").verdicts) == 6
    assert main(["merge", "whole.jsonl", "clean.jsonl"]) == Exit.USAGE
    assert "whole.jsonl is there already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"\xff\xfe", "bad.jsonl:1: is not a line of JSON"),
        (b"{}\n", "bad.jsonl:1: is not a file of results; `pytest --luma-report DIR` writes DIR/results.jsonl"),
        (None, "bad.jsonl: cannot be read: No such file or directory"),
    ],
)
def test_a_file_that_is_none_is_one_message(
    content: bytes | None, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is wrong, and where, without a traceback, whichever command reads it."""
    if content is not None:
        Path("bad.jsonl").write_bytes(content)

    for command in (["report"], ["merge", "out.jsonl"], ["compare", "clean.jsonl"]):
        assert main([*command, "bad.jsonl"]) == Exit.USAGE
        assert capsys.readouterr().err.startswith(f"luma-conformance: {why}")


def test_an_unknown_format_is_told_with_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    """A misspelt format is a usage error."""
    assert main(["report", "clean.jsonl", "--format", "hmtl"]) == Exit.USAGE
    assert "'hmtl': no such format; there are badge, ctrf, html, jsonl, md" in capsys.readouterr().err
