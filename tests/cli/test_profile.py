"""The command `profile`: it writes a profile once, and says what one offers."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from luma_conformance.catalogue.roles import ROLES, TAKEN_FOR_GRANTED
from luma_conformance.cli.main import main
from luma_conformance.reference import profile_path
from luma_conformance.survey import survey
from luma_conformance.survey.claims import unasked
from tests.answering import answering
from tests.cli.commands import Output, complaint, printed, ran
from tests.kit import free_port
from tests.survey.vendor import KEYS, Vendor

SECRET = "luma-api-0123456789abcdef0123456789abcdef"


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
    assert [role for _, role, _ in lines] == [*ROLES, "video-source"]
    assert [role for state, role, _ in lines if state == "offered"] == [
        "main-key",
        "image-url",
        *TAKEN_FOR_GRANTED,
    ]
    assert ["missing", "other-key", "environment variable NO_KEY is not set"] in lines
    assert ["missing", "second-key", "the profile names no second-key"] in lines
    assert ["missing", "video-source", "video-url or completed-video"] in lines
    assert len({line.index(text) for line, (_, _, text) in zip(output.out.splitlines(), lines, strict=True)}) == 1
    assert output.err == f"{2 + len(TAKEN_FOR_GRANTED)} of {len(ROLES)} roles offered\n"
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


@pytest.fixture
def vendor(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Yield the URL of a mock that takes a secret key; there is a profile of it, with a claim that is not true."""
    monkeypatch.setenv("MY_KEY", SECRET)
    monkeypatch.setenv("MY_OTHER", "k-second")
    monkeypatch.setenv("LUMA_AGENTS_API_KEY", SECRET)
    monkeypatch.setattr(survey, "ask_offer", lambda _, role: unasked(role))  # one of them takes 70 MB
    with answering(Vendor(keys={**KEYS, SECRET: "us"})) as url:
        (folder / "luma-profile.toml").write_text(
            f'base_url = "{url}"\n[keys]\nmain-key = {{env = "MY_KEY"}}\nother-key = {{env = "MY_OTHER"}}  # ours\n'
        )
        yield url


def test_a_url_is_asked(capsys: Output, vendor: str, folder: Path) -> None:
    """With a key in the environment, and no file: what is true, what is found, what is missing, in groups."""
    found = printed(capsys, "profile", vendor)

    assert found.startswith(f"target  {vendor}, no profile\n\noffered (1)\n  main-key ")
    assert "\nnot claimed, but true (" in found
    assert re.search(r"\n  image-url +accepted\n", found)
    assert re.search(r"\n  other-key +the profile names no other-key\n", found)
    assert printed(capsys, "profile", vendor, "-o", "new.toml") == found
    written = (folder / "new.toml").read_text()
    assert tomllib.loads(written)["base_url"] == vendor
    assert tomllib.loads(written)["keys"] == {"main-key": {"env": "LUMA_AGENTS_API_KEY"}}
    assert SECRET not in found + written


@pytest.mark.parametrize("arguments", [["--ask"], ["luma-profile.toml", "--ask"], ["--base-url", "URL"], ["URL"]])
def test_a_claim_that_is_not_true_is_exit_status_1(
    capsys: Output, vendor: str, folder: Path, arguments: list[str]
) -> None:
    """However the server and the file are named; the file is not touched."""
    before = (folder / "luma-profile.toml").read_text()
    words = [vendor if word == "URL" else word for word in arguments]
    words += ["--profile", "luma-profile.toml"] if arguments == ["URL"] else []

    assert main(["profile", *words]) == 1

    output = capsys.readouterr()
    assert re.search(r"\nclaimed, but not true \(1\)\n  other-key +sees what main-key made\n", output.out)
    assert output.err == "--output FILE writes the corrected profile\n"
    assert (folder / "luma-profile.toml").read_text() == before


def test_the_corrected_profile_is_written_where_that_was_said(capsys: Output, vendor: str, folder: Path) -> None:
    """Over the profile with --write, elsewhere only where nothing is, or onto standard output."""
    file, before = folder / "luma-profile.toml", (folder / "luma-profile.toml").read_text()

    assert "luma-profile.toml exists already" in complaint(capsys, "profile", "--ask", "-o", "luma-profile.toml")
    assert main(["profile", "--ask", "-o", "-"]) == 1
    assert '#other-key = {env = "MY_OTHER"}  # ours\n' in capsys.readouterr().out
    assert file.read_text() == before
    assert main(["profile", "--ask", "--write"]) == 1
    assert "not true: sees what main-key made\n#other-key" in file.read_text()
    assert main(["profile", "--ask"]) == 0
    assert SECRET not in file.read_text() + capsys.readouterr().out


def test_what_was_found_is_also_json(capsys: Output, vendor: str) -> None:
    """For a script: the target, and a finding for each role."""
    assert main(["profile", "--ask", "--format", "json"]) == 1
    found = json.loads(capsys.readouterr().out)

    assert found["base_url"] == vendor
    assert {"role": "other-key", "finding": "false", "text": "sees what main-key made"} in found["claims"]
    assert {*ROLES} <= {claim["role"] for claim in found["claims"]}


def test_what_cannot_be_meant_is_refused(capsys: Output, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line, before anything is asked."""
    (folder / "luma-profile.toml").write_text('[keys]\nmain-key = {env = "MY_KEY"}\n')
    url = f"http://127.0.0.1:{free_port()}"

    assert "has no base_url" in complaint(capsys, "profile", "--ask")
    assert "argument FILE|URL: the value is empty" in complaint(capsys, "profile", "")
    assert "are both URLs" in complaint(capsys, "profile", url, "--base-url", url)
    assert "--write needs a profile" in complaint(capsys, "profile", url, "--write")
    assert "name one of them" in complaint(capsys, "profile", "--base-url", url, "--write", "-o", "x.toml")
    assert "nothing is corrected" in complaint(capsys, "profile", "--write")
    assert "--init goes with a file alone" in complaint(capsys, "profile", url, "--init")
    monkeypatch.setenv("LUMA_AGENTS_API_KEY", SECRET)
    assert ran(["profile", url]) == 6
    assert "nothing listens at 127.0.0.1" in capsys.readouterr().err


def test_a_profile_that_has_a_base_url_says_how_to_ask_there(capsys: Output, vendor: str) -> None:
    """What is listed offline stays offline."""
    assert main(["profile"]) == 0
    assert f"luma-conformance profile luma-profile.toml --ask asks {vendor}\n" in capsys.readouterr().err
