"""Standard output and error that cannot be written: each command ends as documented, without a traceback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from subprocess import run

import pytest

from luma_conformance.cli import main as cli
from luma_conformance.report.jsonl import format_header
from luma_conformance.report.result import Run as Judged
from tests.audit.damaged import speak, to_har
from tests.cli.commands import bash

CASE = "create/400-unknown-model"
COMMANDS = {
    "list": "list",
    "show": f"show {CASE}/unknown-for-video",
    "check": "check",
    "profile": "profile p.toml",
    "client": "client --scenario 429/retry-after-1 -- true",
    "audit": "audit a.har",
    "compare": "compare a.har a.har",
    "report": "report ok.jsonl --format md",
    "precedence": "precedence unknown-model unsupported-type",
    "miniatures": "miniatures --list",
    "ledger": "ledger",
    "drift": "drift page.txt",
    "run": f"run {CASE} -p no:cacheprovider",
    "serve": "serve --host 192.0.2.1",
    "help": "--help",
    "wrong": "list --no-such-option",
    "nobody": "client --init nobody",
    "body": f"show {CASE}/unknown-for-video --body",
}
"""A command line for each command, with something to say on one of the streams."""
ENDS = {
    "full output": ">/dev/full",
    "full error": "2>/dev/full",
    "both full": ">/dev/full 2>&1",
    "closed output": ">&-",
    "closed error": "2>&-",
    "both closed": ">&- 2>&-",
    "broken pipe": "| true",
    "both broken": "2>&1 | true",
}
"""What a shell can do to them."""
TRIED_ALL = ("run", "list", "client")
"""Commands that are tried with each of these: pytest's, and two of ours."""
FEW = ("both full", "both closed")


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("ok.jsonl").write_text(format_header(Judged()) + "\n")
    Path("a.har").write_text(json.dumps(to_har(speak())))
    Path("p.toml").write_text('[keys]\nmain-key = {test_key = "luma-api-test-main"}\n')
    Path("page.txt").write_text("Error handling\n")


def test_each_command_is_tried() -> None:
    """Those that are new have to be, too."""
    assert {*cli.build()[1].choices} <= {line.split()[0] for line in COMMANDS.values()}


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_a_stream_that_cannot_be_written_ends_no_command_in_a_traceback(command: str) -> None:
    """The status is the usual one, or 4 where the output is lost; of a broken pipe none is wrong but pytest's 1."""
    usual = bash(f"luma-conformance {COMMANDS[command]}").returncode
    odd = {}
    for name in ENDS if command in TRIED_ALL else FEW:
        end = ENDS[name]
        ended = bash(f"luma-conformance {COMMANDS[command]} {end}; exit ${{PIPESTATUS[0]}}")
        said = ended.stdout + ended.stderr
        lost = (4,) if "broken" not in name else (0, 1) if command == "run" else (0,)
        if ended.returncode not in (usual, *lost) or "Traceback" in said or "Exception" in said:
            odd[name] = (ended.returncode, usual, said[-2000:])
    assert odd == {}


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a folder of a disk that is full; nothing can be added to the empty file `out` in it."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], check=False, capture_output=True).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        (disk / "out").touch()
        with suppress(OSError), (disk / "rest").open("wb", buffering=0) as rest:
            for _ in range(1_000):
                rest.write(bytes(1_000))
        yield disk
    finally:
        run(["umount", disk], check=True)


@pytest.mark.slow
@pytest.mark.parametrize("command", ["run --help", "list --help", "--version", "list", COMMANDS["run"]])
def test_a_full_disk_ends_a_command_with_a_sentence(full_disk: Path, command: str) -> None:
    """It fails only where there is something to write, whereas /dev/full fails even where there is nothing."""
    ended = bash(f"luma-conformance {command} >{full_disk / 'out'}")

    assert ended.returncode == 4
    assert ended.stderr.splitlines()[-1] == "luma-conformance: cannot go on: [Errno 28] No space left on device"
    assert "Traceback" not in ended.stderr
