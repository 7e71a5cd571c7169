"""The command `compare`: two runs, two recordings, a recording and a server, and what cannot be compared."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from luma_conformance.cli.main import main
from luma_conformance.errors import Exit
from luma_conformance.recording.entry import Entry
from luma_conformance.recording.har import Writer
from luma_conformance.report.jsonl import format_results
from luma_conformance.report.result import Results

from tests.audit.test_changes import MADE, entry
from tests.cli.commands import Output, complaint
from tests.report import samples


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mixed.jsonl").write_text(format_results(samples.MIXED))
    Path("clean.jsonl").write_text(format_results(samples.CLEAN))


def test_compare_says_what_changed_and_fails_on_regressions(capsys: pytest.CaptureFixture[str]) -> None:
    """OLD against NEW: the status is 1 where something got worse, and what is fixed or lost is told too."""
    worse = Results(samples.RUN, (replace(samples.FAILED, case=samples.PASSED.case),), samples.ENDING)
    Path("worse.jsonl").write_text(format_results(worse))

    assert main(["compare", "clean.jsonl", "worse.jsonl"]) == Exit.NOT_CONFORMANT
    assert "1 regression\n\nregression: 1\n  create/201/control\n" in capsys.readouterr().out
    assert main(["compare", "clean.jsonl", "clean.jsonl", "worse.jsonl"]) == Exit.NOT_CONFORMANT
    assert main(["compare", "clean.jsonl", "worse.jsonl", "--fail-on", "none"]) == Exit.CONFORMANT
    assert main(["compare", "mixed.jsonl", "clean.jsonl"]) == Exit.CONFORMANT
    assert main(["compare", "mixed.jsonl", "clean.jsonl", "--fail-on", "coverage"]) == Exit.NOT_CONFORMANT


def test_a_folder_stands_for_the_results_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    """The folder that --luma-report named can be given as it is."""
    Path("run").mkdir()
    Path("run/results.jsonl").write_text(format_results(samples.CLEAN))

    assert main(["compare", "run", "clean.jsonl"]) == Exit.CONFORMANT
    assert "nothing changed" in capsys.readouterr().out


def recorded(name: str, *entries: Entry) -> str:
    """Writes a recording, and returns its name."""
    with Writer(Path(name), {}) as writer:
        for one in entries:
            writer.add(one.exchange, "https://a", one.note)
    return name


def test_recordings_fail_on_what_is_asked_for(capsys: Output) -> None:
    """By default breaking changes are status 1; lost requests, any change, or none, when asked; nothing shared is 6."""
    old = recorded("a.har", entry(), entry(asked="1"))
    new = recorded("b.har", entry({**MADE, "extra": "luma-api-0123456789"}), entry(asked="2"))
    broken = recorded("c.har", entry(status=500), entry(asked="1"))
    other = recorded("d.har", entry(url="/v1/generations/x"))

    assert main(["compare", old, old]) == 0
    assert capsys.readouterr().out == "compared    2 exchanges; 2 the same\n"
    assert main(["compare", old, new]) == 0
    assert capsys.readouterr().out == (
        "additive  body     POST /v1/generations: extra is new\n"
        "                   a.har:entry 1, b.har:entry 1\n"
        "compared    1 exchange; 0 the same\n"
        "additive    1\n"
        "not paired  1 only in a.har\n"
        "not paired  1 only in b.har\n"
    )
    assert main(["compare", old, new, "--fail-on", "any"]) == 1
    assert main(["compare", old, new, "--fail-on", "coverage"]) == 1
    assert main(["compare", new, new, "--fail-on", "coverage"]) == 0
    assert main(["compare", old, old, broken]) == 1
    assert main(["compare", old, broken]) == 1
    assert main(["compare", old, broken, "--fail-on", "none"]) == 0
    assert main(["compare", old, other]) == 6
    assert "no request of the one is in the other" in capsys.readouterr().err
    assert main(["compare", old, "none.har"]) == 4


def test_no_secret_of_a_recording_is_shown(capsys: Output) -> None:
    """Keys in what has changed are not printed."""
    old = recorded("a.har", entry({"detail": "No"}))
    new = recorded("b.har", entry({"detail": "Invalid: luma-api-0123456789 \x1b[2J"}))

    main(["compare", old, new])

    output = capsys.readouterr().out
    assert "luma-api-REDACTED" in output
    assert "0123456789" not in output
    assert "\x1b" not in output


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ("clean.jsonl a.har", "clean.jsonl holds results and a.har a recording; two files of results, two recordings"),
        ("a.har clean.jsonl", "a.har holds a recording and clean.jsonl results; two files of results, two recordings"),
        ("clean.jsonl http://127.0.0.1:9", "clean.jsonl holds verdicts, not requests to send again; judge the server"),
        ("http://127.0.0.1:9 a.har", "http://127.0.0.1:9 is a server, and only NEW can be one"),
        ("a.har a.har --format html", "recordings are compared as text; --format html is for files of results"),
        ("a.har a.har --profile p.toml", "--profile and --spend are for a server, and none is compared here"),
        ("a.har a.har --spend 1", "--profile and --spend are for a server, and none is compared here"),
        ("a.har none.har", "none.har cannot be read: No such file"),
        ("a.har a.har --fail-on breaking", "invalid choice: 'breaking'"),
        ("clean.jsonl mixed.jsonl -o mixed.jsonl", "mixed.jsonl would be overwritten; name another with --output"),
    ],
)
def test_what_cannot_be_compared_is_told_in_a_line(capsys: Output, arguments: str, why: str) -> None:
    """The line says what each of the two is, and what can be done instead."""
    recorded("a.har", entry())

    assert why in complaint(capsys, "compare", *arguments.split())


def test_a_comparison_is_written_where_it_is_told(capsys: Output) -> None:
    """With --output a file has what else is printed."""
    recorded("a.har", entry())

    for arguments in (["a.har", "a.har"], ["clean.jsonl", "clean.jsonl", "--format", "html"]):
        assert main(["compare", *arguments]) == Exit.CONFORMANT
        text = capsys.readouterr().out
        assert main(["compare", *arguments, "-o", "out.txt"]) == Exit.CONFORMANT
        assert capsys.readouterr().out == ""
        assert Path("out.txt").read_text() == text
