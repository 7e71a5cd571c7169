"""The command `compare`: two runs, two recordings, a recording and a server, and what cannot be compared."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from luma_conformance.cli.main import main
from luma_conformance.errors import Exit
from luma_conformance.recording.entry import Entry
from luma_conformance.recording.har import Writer
from luma_conformance.report.compare_formats import WRITERS
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
    """OLD against NEW: the status is 1 where something got worse; fixed and lost cases are listed too."""
    worse = Results(samples.RUN, (replace(samples.FAILED, case=samples.PASSED.case),), samples.ENDING)
    Path("worse.jsonl").write_text(format_results(worse))

    assert main(["compare", "clean.jsonl", "worse.jsonl"]) == Exit.NOT_CONFORMANT
    assert "regression: 1\n  create/201/control\n" in capsys.readouterr().out
    assert main(["compare", "clean.jsonl", "clean.jsonl", "worse.jsonl"]) == Exit.NOT_CONFORMANT
    assert main(["compare", "clean.jsonl", "worse.jsonl", "--fail-on", "none"]) == Exit.CONFORMANT
    assert main(["compare", "mixed.jsonl", "clean.jsonl"]) == Exit.CONFORMANT
    assert main(["compare", "mixed.jsonl", "clean.jsonl", "--fail-on", "coverage"]) == Exit.NOT_CONFORMANT


def test_a_folder_can_be_given_for_the_results_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    """The folder that --luma-report named can be given as it is."""
    Path("run").mkdir()
    Path("run/results.jsonl").write_text(format_results(samples.CLEAN))

    assert main(["compare", "run", "clean.jsonl"]) == Exit.CONFORMANT
    assert "nothing changed" in capsys.readouterr().out


def recorded(name: str, *entries: Entry) -> str:
    """Write a recording and return its name."""
    with Writer(Path(name), {}) as writer:
        for one in entries:
            writer.add(one.exchange, "https://a", one.note)
    return name


def test_fail_on_sets_the_exit_status_of_compared_recordings(capsys: Output) -> None:
    """By default breaking changes are status 1; lost requests, any change, or none, when asked; nothing shared is 6."""
    old = recorded("a.har", entry(), entry(asked="1"))
    new = recorded("b.har", entry({**MADE, "extra": "luma-api-0123456789"}), entry(asked="2"))
    broken = recorded("c.har", entry(status=500), entry(asked="1"))
    other = recorded("d.har", entry(url="/v1/generations/x"))

    assert main(["compare", old, old]) == 0
    assert capsys.readouterr().out == (
        "The same: nothing changed\nold  a.har, 2 exchanges, 2 compared\nnew  a.har, 2 exchanges, 2 compared\n"
    )
    assert main(["compare", old, new]) == 0
    assert capsys.readouterr().out == (
        "Less can be compared: 1 only in the older, 1 additive, 1 only in the newer\n"
        "old  a.har, 2 exchanges, 1 compared\n"
        "new  b.har, 2 exchanges, 1 compared\n"
        "\n"
        "only in the older: 1\n"
        "  POST /v1/generations\n"
        "      there → not there\n"
        "      a.har:entry 2\n"
        "\n"
        "additive: 1\n"
        "  POST /v1/generations: extra\n"
        "      not there → there\n"
        "      a.har:entry 1, b.har:entry 1\n"
        "\n"
        "only in the newer: 1\n"
        "  POST /v1/generations\n"
        "      not there → there\n"
        "      b.har:entry 2\n"
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


@pytest.mark.parametrize("format_", ["text", "json", "md", "html"])
def test_no_secret_of_a_recording_is_shown(capsys: Output, format_: str) -> None:
    """Keys in what has changed are printed in no format, and nothing commands the terminal."""
    old = recorded("a.har", entry({"detail": "No"}), entry())
    key = "luma-api-0123456789"
    new = recorded("b.har", entry({"detail": f"Invalid: {key} \x1b[2J"}), entry({**MADE, key: 1}), entry(url=f"/{key}"))

    main(["compare", old, new, "--format", format_])

    output = capsys.readouterr().out
    assert output.count("luma-api-REDACTED") == 3
    assert "0123456789" not in output
    assert "\x1b" not in output


def test_recordings_are_compared_in_every_format(capsys: Output) -> None:
    """JSON, Markdown and HTML say of recordings what the text says."""
    old, new = recorded("a.har", entry(), entry(asked="1")), recorded("b.har", entry(status=500), entry(asked="1"))

    written = {name: (main(["compare", old, new, "--format", name]), capsys.readouterr().out) for name in WRITERS}

    assert {status for status, _ in written.values()} == {Exit.NOT_CONFORMANT}
    assert "- `POST /v1/generations: status`: `200 → 500` (a.har:entry 1, b.har:entry 1)" in written["md"][1]
    assert "generations: status</bdi><br>a.har:entry 1, b.har:entry 1<td>200 → 500" in written["html"][1]
    data = json.loads(written["json"][1])
    assert data["exit"] == Exit.NOT_CONFORMANT
    assert data["comparisons"][0]["counts"]["breaking"] == 1
    assert data["comparisons"][0]["changes"] == [
        {
            "kind": "breaking", "severity": "regressions", "where": "POST /v1/generations: status",
            "before": "200", "after": "500", "title": "", "place": "a.har:entry 1, b.har:entry 1", "times": 1,
        }
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ("clean.jsonl a.har", "clean.jsonl holds verdicts and a.har answers; judge these first, `luma-conformance"),
        ("a.har clean.jsonl", "clean.jsonl holds verdicts and a.har answers; judge these first, `luma-conformance"),
        (
            "other.har clean.jsonl",
            "other.har answers; `luma-conformance audit other.har` judges these, and a recording",
        ),
        ("clean.jsonl packets.pcap", "packets.pcap answers; `luma-conformance audit packets.pcap` judges these"),
        ("a.har packets.pcap", "packets.pcap holds packets, not exchanges"),
        ("a.har -", "standard input is not compared"),
        ("http://127.0.0.1:9 http://127.0.0.1:8", "record it first, `luma-conformance run http://127.0.0.1:9"),
        ("clean.jsonl http://127.0.0.1:9", "clean.jsonl holds verdicts, not requests to send again; judge the server"),
        ("http://127.0.0.1:9 a.har", "http://127.0.0.1:9 is a server, and only NEW can be one"),
        ("a.har a.har --profile p.toml", "--profile and --spend are for a server, and none is compared here"),
        ("a.har a.har --spend 1", "--profile and --spend are for a server, and none is compared here"),
        ("a.har none.har", "none.har cannot be read: No such file"),
        ("a.har a.har --fail-on breaking", "invalid choice: 'breaking'"),
        ("clean.jsonl mixed.jsonl -o mixed.jsonl", "mixed.jsonl would be overwritten; name another with --output"),
    ],
)
def test_files_that_cannot_be_compared_are_refused_in_one_line(capsys: Output, arguments: str, why: str) -> None:
    """The line says what each of the two is, and what can be done instead."""
    recorded("a.har", entry())
    Path("other.har").write_text('{"log": {"creator": {"name": "WebInspector"}, "entries": []}}')
    Path("packets.pcap").write_bytes(b"\xd4\xc3\xb2\xa1")

    assert why in complaint(capsys, "compare", *arguments.split())


def test_a_comparison_can_be_written_to_a_file(capsys: Output) -> None:
    """With --output the comparison is in the file instead of on the screen."""
    recorded("a.har", entry())

    for arguments in (["a.har", "a.har", "--format", "md"], ["clean.jsonl", "clean.jsonl", "--format", "html"]):
        assert main(["compare", *arguments]) == Exit.CONFORMANT
        text = capsys.readouterr().out
        assert main(["compare", *arguments, "-o", "out.txt"]) == Exit.CONFORMANT
        assert capsys.readouterr().out == ""
        assert Path("out.txt").read_text() == text
