"""The command `profile`: it writes a profile once, and says what one offers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from luma_conformance.catalogue.roles import ROLES
from luma_conformance.cli.main import main
from luma_conformance.reference import profile_path
from tests.cli.commands import Output, complaint, printed


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_profile_is_written_once(capsys: Output, folder: Path) -> None:
    """The template can be read back; what is there is never overwritten."""
    assert "wrote luma-profile.toml; fill it in" in printed(capsys, "profile", "--init")
    text = (folder / "luma-profile.toml").read_text()
    assert "[keys]" in text
    (folder / "luma-profile.toml").write_text("# mine\n")
    assert "luma-profile.toml exists already" in complaint(capsys, "profile", "--init")
    assert (folder / "luma-profile.toml").read_text() == "# mine\n"
    assert "--luma-profile 'my own.toml'" in printed(capsys, "profile", "my own.toml", "--init")
    assert "no/such.toml cannot be written: No such file" in complaint(capsys, "profile", "no/such.toml", "--init")


def test_a_profile_says_what_it_offers(capsys: Output, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each role is offered or missing, with why; no secret is shown."""
    monkeypatch.setenv("MY_KEY", "canary-1234")
    monkeypatch.delenv("NO_KEY", raising=False)
    (folder / "luma-profile.toml").write_text(
        '[keys]\nmain-key = {env = "MY_KEY"}\nother-key = {env = "NO_KEY"}\n[media]\nimage-url = "https://a.test/i"\n'
    )
    assert main(["profile"]) == 0
    output = capsys.readouterr()
    lines = [re.split(" {2,}", line) for line in output.out.splitlines()]
    assert [role for _, role, _ in lines] == list(ROLES)
    assert [role for state, role, _ in lines if state == "offered"] == ["main-key", "image-url"]
    assert ["missing", "other-key", "environment variable NO_KEY is not set"] in lines
    assert ["missing", "second-key", "the profile names no second-key"] in lines
    assert len({line.index(text) for line, (_, _, text) in zip(output.out.splitlines(), lines, strict=True)}) == 1
    assert output.err == f"2 of {len(ROLES)} roles offered\n"
    assert "canary" not in output.out


def test_the_references_own_profile_offers_all(capsys: Output) -> None:
    """The worked example lacks nothing."""
    found = printed(capsys, "profile", str(profile_path()))
    assert {line.split()[0] for line in found.splitlines()} == {"offered"}


def test_a_bad_profile_is_reported_with_its_line(capsys: Output, folder: Path) -> None:
    """A missing file, bad TOML, a folder and a wrong name are one line each."""
    assert "`luma-conformance profile --init` writes one" in complaint(capsys, "profile")
    (folder / "bad.toml").write_text("a = 1\nb =\n")
    assert "bad.toml:2: is not TOML" in complaint(capsys, "profile", "bad.toml")
    (folder / "bad.toml").write_text("[keys]\nmian-key = 1\n")
    assert 'bad.toml:2: unknown key in [keys] "mian-key"; did you mean main-key?' in complaint(
        capsys, "profile", "bad.toml"
    )
    assert "Is a directory" in complaint(capsys, "profile", ".")
