"""The command `report`: which files it writes where, its exit statuses, and files that are no results."""

from __future__ import annotations

from pathlib import Path

import pytest

from luma_conformance.cli.main import main
from luma_conformance.errors import Exit
from luma_conformance.report.jsonl import format_results, parse_results
from tests.report import samples
from tests.verdicts import SHOW


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mixed.jsonl").write_text(format_results(samples.MIXED))
    Path("clean.jsonl").write_text(format_results(samples.CLEAN))


def test_report_renders_the_formats_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    """Several runs are one page; the paths are printed."""
    assert main(["report", "mixed.jsonl", "clean.jsonl", "--output", "out"]) == Exit.CONFORMANT

    assert capsys.readouterr().out.split() == ["out/report.html", "out/summary.md"]
    assert "the latest of 2 runs" in Path("out/report.html").read_text()


def test_one_file_goes_to_standard_output_or_to_output(capsys: pytest.CaptureFixture[str]) -> None:
    """One format is printed, or written to a file whose name may say the format; several are files in a folder."""
    assert main(["report", "mixed.jsonl", "--format", "md"]) == Exit.CONFORMANT
    markdown = capsys.readouterr().out
    assert "Not conformant" in markdown
    assert main(["report", "mixed.jsonl", "--format", "md", "-o", "-"]) == Exit.CONFORMANT
    assert capsys.readouterr().out == markdown

    for name, start in {
        "a.html": "<!doctype html>", "b/c.md": "## ", "d.jsonl": '{"schema":2', "e.json": "{", "f.svg": "<svg",
        "badge.json": '{\n  "schemaVersion"', "g.toml": "# Wrong answers",
    }.items():  # fmt: skip
        assert main(["report", "mixed.jsonl", "-o", name]) == Exit.CONFORMANT
        assert capsys.readouterr().out == f"{name}\n"
        assert Path(name).read_text().lower().startswith(start.lower()), name

    assert main(["report", "mixed.jsonl", "--format", "deviations", "-o", "known.yaml"]) == Exit.CONFORMANT
    assert capsys.readouterr().out == "known.yaml\n"
    assert Path("known.yaml").read_text().startswith("# Wrong answers")

    assert main(["report", "mixed.jsonl", "--format", "badge,md"]) == Exit.CONFORMANT
    assert capsys.readouterr().out.split() == ["badge.json", "badge.svg", "summary.md"]
    assert main(["report", "mixed.jsonl", "--format", "badge,md", "-o", "-"]) == Exit.USAGE
    assert "badge.json, badge.svg, summary.md are 3 files and do not fit in one" in capsys.readouterr().err


def test_report_does_not_write_over_what_it_reads(capsys: pytest.CaptureFixture[str]) -> None:
    """A folder of results keeps its results, and so does a file."""
    Path("results.jsonl").write_text(format_results(samples.MIXED))

    for arguments in (["--format", "jsonl", "-o", "."], ["-o", "results.jsonl"]):
        assert main(["report", "results.jsonl", *arguments]) == Exit.USAGE
        assert "results.jsonl would be overwritten; name another with --output" in capsys.readouterr().err


def test_merge_makes_one_result_of_parts(capsys: pytest.CaptureFixture[str]) -> None:
    """The merged file reads as one run, in any format, and the exit status is its own."""
    merge = ["report", "--merge", "mixed.jsonl", "clean.jsonl"]
    assert main([*merge, "--output", "whole.jsonl"]) == Exit.NOT_CONFORMANT

    output = capsys.readouterr()
    assert (output.out, output.err) == ("whole.jsonl\n", "Not conformant: 2 cases fail, in 2 sections; 5 of 6 judged\n")
    assert len(parse_results(Path("whole.jsonl").read_bytes(), "whole.jsonl", SHOW).verdicts) == 6
    assert main([*merge, "--format", "md"]) == Exit.NOT_CONFORMANT
    assert "Not conformant: 2 cases fail" in capsys.readouterr().out
    assert main(["report", "--merge", "clean.jsonl", "-o", "alone.jsonl"]) == Exit.CONFORMANT


def test_deviations_are_drafted_from_one_run(capsys: pytest.CaptureFixture[str]) -> None:
    """A draft has an entry for a wrong answer, and is printed unless a file is named; two runs make none."""
    assert main(["report", "mixed.jsonl", "--format", "deviations"]) == Exit.CONFORMANT
    assert capsys.readouterr().out.count("[[deviation]]") == 1
    assert main(["report", "mixed.jsonl", "clean.jsonl", "--format", "deviations"]) == Exit.USAGE
    assert "deviations holds one run, not 2" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"\xff\xfe", "bad.jsonl:1: is not a line of JSON"),
        (b"{}\n", "bad.jsonl:1: is not a file of results; `pytest --luma-report DIR` writes DIR/results.jsonl"),
        (None, "bad.jsonl: cannot be read: No such file or directory"),
    ],
)
def test_a_file_without_results_is_refused_in_one_message(
    content: bytes | None, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is wrong, and where, without a traceback, whichever command reads it."""
    if content is not None:
        Path("bad.jsonl").write_bytes(content)

    for command in (["report"], ["report", "--merge"], ["compare", "clean.jsonl"]):
        assert main([*command, "bad.jsonl"]) == Exit.USAGE
        assert capsys.readouterr().err.startswith(f"luma-conformance: {why}")


def test_an_unknown_format_is_refused_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    """A misspelt format is a usage error."""
    assert main(["report", "clean.jsonl", "--format", "hmtl"]) == Exit.USAGE
    known = "badge, ctrf, deviations, html, jsonl, junit, md"
    assert f"'hmtl': no such format; there are {known}" in capsys.readouterr().err


def test_a_report_can_be_labelled_and_say_what_changed_since(capsys: pytest.CaptureFixture[str]) -> None:
    """--label and --since are for one run; of several each is compared with the one before it."""
    arguments = ["--format", "md", "--label", "2.4.1", "--since", "mixed.jsonl"]

    assert main(["report", "clean.jsonl", *arguments]) == Exit.CONFORMANT
    written = capsys.readouterr().out
    assert "Build: 2.4.1" in written
    assert "**Since the last run: Less is judged: 4 no longer judged**" in written
    assert main(["report", "clean.jsonl", "mixed.jsonl", *arguments]) == Exit.USAGE
    assert "are for one run" in capsys.readouterr().err
