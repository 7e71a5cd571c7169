"""The wheel as a stranger gets it: installed without extras into a fresh environment, used from other projects."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from luma_conformance.catalogue import files as casefiles

ROOT = Path(__file__).resolve().parents[1]
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("wheel")]

OURS = ("specs", "rules", "reference", "target", "suite", "cli", "model", "report", "paths")
WORDS = ("luma", "target", "reference", "recording", "report", "profile", "case", "clock", "scrub")
CLASHES = {
    "packages": {
        "conformance/__init__.py": "",
        **{f"{name}/__init__.py": "" for name in OURS},
        "tests/test_y.py": f"import conformance, {', '.join(OURS)}\n\ndef test_y(): pass\n",
    },
    "folders, fixtures and a marker": {
        "conformance/x.py": "",
        "conftest.py": "import pytest\n"
        + "".join(f"\n@pytest.fixture\ndef {name}(): return 'our own {name}'\n" for name in WORDS),
        "pytest.ini": "[pytest]\nmarkers =\n    luma: needs the real service\naddopts = --strict-markers\n",
        "tests/test_y.py": "import pytest, conformance.x\n\n@pytest.mark.luma\n"
        + f"def test_y({', '.join(WORDS)}):\n"
        + "".join(f"    assert {name} == 'our own {name}'\n" for name in WORDS),
    },
}
"""Projects that have names of their own which the kit could take from them, or they from the kit."""

SNIPPET = """
import luma_conformance
from luma_conformance import InProcess, LumaTarget, Request, judge_rate_limit, predict, valid_requests

reveal_type(predict({}))
reveal_type(valid_requests())
reveal_type(InProcess().send(Request(method="GET", url="/")))
reveal_type(judge_rate_limit([]).contradictions)
reveal_type(LumaTarget.check)
print(luma_conformance.predicts)
"""
SEEN = (
    "luma_conformance.rules.prediction.Accepted | luma_conformance.rules.prediction.Rejected | "
    "luma_conformance.rules.prediction.Unspecified",
    "SearchStrategy[dict[str, Any]]",
    "luma_conformance.model.Response",
    "tuple[luma_conformance.judge.rate_limit.Contradiction, ...]",
    "def (self: luma_conformance.properties.luma_target.LumaTarget, body: dict[str, Any]",
)
"""What mypy reveals of each line of the snippet, among other things."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """A wheel, and the folder of commands of an environment it is installed in."""

    wheel: Path
    commands: Path

    def run(self, command: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Return the ended process of a command of the environment, run in a folder."""
        return run([str(self.commands / command), *arguments], cwd)

    def pytest(self, *arguments: str, cwd: Path) -> str:
        """Return the output of `python -m pytest`; fail unless every test passed."""
        ended = self.run("python", "-m", "pytest", "-p", "no:cacheprovider", *arguments, cwd=cwd)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout


def install(folder: Path) -> Installed:
    """Return the wheel of this repository, built and installed below a folder."""
    commands = folder / "venv" / ("Scripts" if sys.platform == "win32" else "bin")
    succeed([sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(ROOT)], folder)
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "venv")  # its own pip would take longer than all the rest
    succeed(
        [sys.executable, "-m", "pip", "--python", str(commands / "python"), "install", "--quiet", str(wheel)], folder
    )
    return Installed(wheel=wheel, commands=commands)


def succeed(command: list[str], cwd: Path) -> str:
    """Return the output of a command; fail unless it succeeded."""
    ended = run(command, cwd)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def run(command: list[str], cwd: Path) -> subprocess.CompletedProcess[str]:
    """Return the ended process of a command that inherits nothing from the run that starts it."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "PYTHON"))}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Return the wheel installed in a fresh environment without extras."""
    return install(tmp_path_factory.mktemp("wheel"))


def project(folder: Path, files: dict[str, str]) -> Path:
    """Return a folder with these files in it."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_the_wheel_has_the_package_and_the_catalogue_and_nothing_else(installed: Installed) -> None:
    """Types are marked, the catalogue and the data files are inside, tests and tools are not."""
    names = zipfile.ZipFile(installed.wheel).namelist()
    files = [name.removeprefix("luma_conformance/") for name in names if name.startswith("luma_conformance/")]

    assert {name.partition("/")[0] for name in names} == {"luma_conformance", "luma_agents_conformance-0.1.0.dist-info"}
    assert {"py.typed", "specs/openapi.yaml", "specs/result.schema.json", "report/page.css"} <= {*files}
    assert {"reference/profile.toml", "target/profile-template.toml", "suite/test_validation.py"} <= {*files}
    assert {name for name in files if name.endswith(".yaml")} >= {
        f"specs/{file.relative_to(casefiles.specs()).as_posix()}" for file in casefiles.specs().rglob("*.yaml")
    }
    assert {f"starters/{file.name}" for file in (ROOT / "docs" / "clients").iterdir() if file.is_file()} <= {*files}
    assert [name for name in files if name.startswith(("tests", "docs")) or name.endswith(".pyc")] == []


def test_the_installed_command_lists_scenarios_and_writes_a_client(installed: Installed, tmp_path: Path) -> None:
    """The starters and the scenarios are found where they are installed."""
    command = str(installed.commands / "luma-conformance")

    assert "429/retry-after-2" in succeed([command, "client", "--list"], tmp_path)
    succeed([command, "client", "--init", "curl"], tmp_path)
    assert (tmp_path / "curl.sh").read_text().startswith("#!/usr/bin/env bash")


def test_the_installed_command_lists_and_shows_cases(installed: Installed, tmp_path: Path) -> None:
    """The catalogue and the reference's profile are found where they are installed."""
    command = str(installed.commands / "luma-conformance")

    assert "create/400-keyframes/negative-index" in succeed([command, "list"], tmp_path)
    shown = succeed([command, "show", "create/400-keyframes/negative-index", "--curl"], tmp_path)
    assert "curl -sS -i -X POST http://127.0.0.1:8080/v1/generations" in shown
    assert "no problems" in succeed([command, "check"], tmp_path)


def test_without_extras_all_but_the_schema_is_judged(installed: Installed, tmp_path: Path) -> None:
    """The catalogue and the properties need no extra; those of the schema are not judged, and say what they need."""
    output = installed.pytest(
        "--pyargs", "luma_conformance", "-q", "-rs", "-k", "unknown-model or test_schema",
        cwd=tmp_path,
    )  # fmt: skip

    assert "needs schemathesis: pip install 'luma-agents-conformance[schema]'" in output.replace("\n", " ")
    assert " 0 failed" in output
    assert "create/400-unknown-model" not in output


def test_without_extras_serving_says_what_to_install(installed: Installed, tmp_path: Path) -> None:
    """`luma-conformance serve` ends with one sentence and status 4."""
    ended = installed.run("luma-conformance", "serve", cwd=tmp_path)

    assert (ended.returncode, ended.stdout) == (4, "")
    needs = "serving the reference needs uvicorn: pip install 'luma-agents-conformance[serve]'"
    assert ended.stderr == f"luma-conformance: {needs}\n"


@pytest.mark.parametrize("clash", CLASHES)
def test_a_project_keeps_its_own_names(clash: str, installed: Installed, tmp_path: Path) -> None:
    """A project's own tests pass with the kit installed, and so do the kit's from within the project."""
    here = project(tmp_path / "p", CLASHES[clash])

    assert "1 passed" in installed.pytest("-q", "tests", cwd=here)
    judged = installed.pytest("--pyargs", "luma_conformance", "-k", "unknown-model", cwd=here)
    assert re.search(r"judged      (\d+) of \d+: \1 passed, 0 failed", judged)


def test_types_reach_a_users_type_checker(installed: Installed, tmp_path: Path) -> None:
    """Strict mypy finds the types of public names in the installed wheel, and refuses a misspelt name."""
    file = project(tmp_path, {"snippet.py": SNIPPET}) / "snippet.py"
    python = str(installed.commands / "python")

    seen = run([sys.executable, "-m", "mypy", "--strict", "--python-executable", python, str(file)], tmp_path)

    revealed = [line.partition('"')[2] for line in seen.stdout.splitlines() if "Revealed type" in line]
    assert [one for one, expected in zip(revealed, SEEN, strict=True) if expected not in one] == []
    assert re.findall("error: (.*)", seen.stdout) == [
        'Module has no attribute "predicts"; maybe "predict"?  [attr-defined]'
    ]
