"""The README as a stranger reads it: what it names exists, and its blocks are what they say."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from luma_conformance.cli import main as cli
from luma_conformance.session.deviations_file import load_deviations

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """Returns the code blocks of a language."""
    return re.findall(rf"(?ms)^```{language}\n(.*?)^```", README)


def commands() -> Iterator[list[str]]:
    """Yields every command line of the console blocks, split into words, comments left out."""
    for block in blocks("console"):
        for line in re.findall(r"(?m)^\$ (.*)$", block):
            for part in line.partition("  #")[0].split("&&"):
                yield shlex.split(part)


@pytest.fixture(scope="module")
def options() -> set[str]:
    """Returns the options that pytest knows with the kit installed."""
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "--help"], capture_output=True, text=True, check=True, cwd="/"
    )
    return set(re.findall(r"--[a-z][a-z-]+", ran.stdout))


def test_every_option_it_names_exists(options: set[str]) -> None:
    """An option of pytest's or ours that the README names anywhere is one."""
    named = set(re.findall(r"(?<![\w-])--luma-[a-z-]+", README))

    assert len(named) > 12
    assert named - options == set()


def test_every_option_of_ours_is_named(options: set[str]) -> None:
    """No option has to be found by reading --help."""
    ours = {option for option in options if option.startswith("--luma-")}

    assert {option for option in ours if option not in README} == set()


def test_every_command_it_shows_is_understood(capsys: pytest.CaptureFixture[str]) -> None:
    """Each `luma-conformance` command line parses, its options included."""
    shown = [words for words in commands() if Path(words[0]).name == "luma-conformance"]

    assert len(shown) >= 6
    for words in shown:
        parsed = cli.parse(words[1 : words.index(">")] if ">" in words else words[1:])
        assert callable(parsed.command)
    assert capsys.readouterr().err == ""


def test_every_command_there_is_is_named() -> None:
    """The command's own list is in the README."""
    listed = [*cli.build()[1].choices]

    assert len(listed) >= 10
    assert [name for name in listed if f"luma-conformance {name}" not in README] == []


def test_its_python_is_python() -> None:
    """Python blocks parse; those that are not sessions run as they stand."""
    for block in blocks("python"):
        if block.startswith(">>>"):
            continue
        ast.parse(block)
        names: dict[str, object] = {}
        exec(compile(block, "README.md", "exec"), names)  # noqa: S102  our own text
        assert any(name.startswith("test_") for name in names)


def test_its_workflow_is_one() -> None:
    """The GitHub workflow is YAML with steps, each of which uses or runs something."""
    (workflow,) = blocks("yaml")
    steps = yaml.safe_load(workflow)["jobs"]["conformance"]["steps"]

    assert all({"uses", "run"} & step.keys() for step in steps)
    assert any("pytest --pyargs luma_conformance" in step.get("run", "") for step in steps)


def test_its_deviations_are_a_file_of_deviations(tmp_path: Path) -> None:
    """The entry it shows is accepted as it stands."""
    (shown,) = blocks("toml")
    file = tmp_path / "deviations.toml"
    file.write_text(shown)

    assert len(load_deviations(file)) == 1


def test_its_links_lead_somewhere() -> None:
    """A link into the repository leads to a file that is there."""
    inside = [link for link in re.findall(r"\]\(([^)]+)\)", README) if "://" not in link]

    assert len(inside) > 4
    assert [link for link in inside if not (ROOT / link.partition("#")[0]).exists()] == []
