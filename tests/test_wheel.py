"""The wheel as a stranger gets it: built, installed into a fresh environment, used from an empty directory."""

from __future__ import annotations

import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from luma_conformance.catalogue import files as casefiles
from luma_conformance.rules import RULES
from luma_conformance.strategies import KINDS

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Builds the wheel and returns the folder of commands of a fresh environment it is installed in."""
    folder = tmp_path_factory.mktemp("wheel")
    _run(sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(ROOT))
    venv.create(folder / "venv", with_pip=True)
    commands = folder / "venv" / ("Scripts" if sys.platform == "win32" else "bin")
    (wheel,) = folder.glob("*.whl")
    _run(str(commands / "python"), "-m", "pip", "install", "--quiet", f"{wheel}[schema]")
    return commands


def test_the_installed_kit_replays_its_catalogue_from_an_empty_directory(installed: Path, tmp_path: Path) -> None:
    """`pytest --pyargs luma_conformance` judges every case on the embedded reference."""
    output = _run(
        str(installed / "pytest"), "--pyargs", "luma_conformance", "-q", "-p", "no:cacheprovider", cwd=tmp_path
    )

    counted = re.search(r"judged      (\d+): \1 passed, 0 failed, 0 deviating", output)
    assert counted is not None, output
    assert int(counted[1]) > len(casefiles.own()) + len(KINDS) + len(RULES)
    assert "not judged  0" in output


def test_the_installed_command_lists_and_shows_cases(installed: Path, tmp_path: Path) -> None:
    """The catalogue and the reference's profile are inside the wheel."""
    command = str(installed / "luma-conformance")

    assert "create/400-keyframes/negative-index" in _run(command, "list", cwd=tmp_path)
    shown = _run(command, "show", "create/400-keyframes/negative-index", "--curl", cwd=tmp_path)
    assert "curl -sS -i -X POST http://127.0.0.1:8080/v1/generations" in shown
    assert "no problems" in _run(command, "check", cwd=tmp_path)


def _run(*command: str, cwd: Path | None = None) -> str:
    ended = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout
