"""Pipes, devices, folders, sockets and links in circles, given where a file is wanted: one line, and status 4."""

from __future__ import annotations

from pathlib import Path

import pytest

from luma_conformance.cli import main as cli
from luma_conformance.errors import Exit
from tests.reading.test_regular_file import KINDS, make

COMMANDS = (
    ["report", "{}"],
    ["report", "{}", "--merge"],
    ["compare", "{}", "{}"],
    ["check", "{}"],
    ["list", "{}"],
    ["show", "{}"],
    ["audit", "{}"],
    ["profile", "{}"],
    ["precedence", "--against", "{}"],
    ["client", "--deviations", "{}", "--", "true"],
    ["client", "--scenarios", "{}", "--", "true"],
    ["client", "--report", "{}.jsonl", "--", "true"],
)


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


TAKE_FOLDERS = ("check", "list", "client")
"""Commands that a folder may be given."""


@pytest.mark.parametrize(
    ("words", "kind"),
    [(words, kind) for words in COMMANDS for kind in KINDS if kind != "folder" or words[0] not in TAKE_FOLDERS],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_what_is_no_file_is_refused_by_every_command(
    words: list[str], kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is named in a line or a few, and nothing is read, so that nothing hangs."""
    make(kind, "x")
    make(kind, "x.jsonl")

    status = cli.main([word.format("x") for word in words])

    said = capsys.readouterr()
    assert status == (Exit.NOT_CONFORMANT if words[0] == "check" and kind != "circle" else Exit.USAGE)
    assert "x" in said.err + said.out
    assert len(said.err.splitlines()) <= 4


@pytest.mark.parametrize("kind", ["pipe", "socket", "folder", "circle"])
def test_output_that_is_no_file_is_not_written(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What stands where --output would be stays, and is named."""
    place = make(kind)
    assert cli.main(["profile", "--init", str(place)]) == Exit.USAGE
    assert "x" in capsys.readouterr().err


def test_patterns_do_not_follow_links_in_circles(capsys: pytest.CaptureFixture[str]) -> None:
    """Two links to their own folder would be 2 to the 40 paths."""
    Path("one").symlink_to(".")
    Path("two").symlink_to(".")

    assert cli.main(["audit", "**/*.har"]) == Exit.USAGE
    assert "as a pattern it fits none" in capsys.readouterr().err
