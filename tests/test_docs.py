"""The README and `docs/` as a stranger reads them: every block runs, and every name in them exists."""

from __future__ import annotations

import doctest
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from glob import glob
from pathlib import Path

import pytest
import yaml

from luma_conformance import judge_client
from luma_conformance.cli import main as cli
from luma_conformance.cli.run import pytest_arguments
from luma_conformance.errors import Exit
from luma_conformance.reference.asgi import serving
from luma_conformance.session.deviations_file import load_deviations
from luma_conformance.target.profile import load_profile
from tests import miniatures
from tests.clients.programs import faulty
from tests.kit import ONLY_OURS, run_inside

ROOT = Path(__file__).resolve().parents[1]
TEXTS = {
    page.relative_to(ROOT).as_posix(): page.read_text(encoding="utf-8")
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
}
EVERYTHING = "\n".join(TEXTS.values())
LIVE = "https://agents.lumalabs.ai"
CASSETTE = """\
interactions:
- request: {body: '{"model": "super-model-v9"}', headers: {Content-Type: [application/json]}, method: POST,
    uri: 'https://agents.lumalabs.ai/v1/generations'}
  response:
    body: {string: '{"detail": "Unknown model: super-model-v9"}'}
    headers: {Content-Type: [application/json], X-API-Version: ['2026-04-01'], X-Request-Id: [3f1c]}
    status: {code: 400, message: Bad Request}
version: 1
"""


@dataclass(frozen=True)
class Block:
    """One fenced block of a page."""

    page: str
    language: str
    text: str


BLOCKS = [
    Block(page, language, text)
    for page, content in TEXTS.items()
    for language, text in re.findall(r"(?ms)^```(\w+)\n(.*?)^```", content)
]


def blocks(language: str) -> dict[str, str]:
    """Return the blocks of a language by their page and first line."""
    found = [block for block in BLOCKS if block.language == language]
    return {f"{block.page}: {_name(block)}": block.text for block in found}


def _name(block: Block) -> str:
    """Return the first line of a block, or of the first test in it."""
    test = re.search(r"(?m)^def (test_\w+)", block.text)
    return test[1] if test else block.text.strip().splitlines()[0]


def _commands() -> dict[str, list[str]]:
    """Return every command line of the console blocks, split into words, comments left out."""
    lines = [line for text in blocks("console").values() for line in re.findall(r"(?m)^\$ (.*)$", text)]
    parts = [part.strip() for line in lines for part in re.split(r"\s{2,}#", line)[0].split("&&")]
    return {part: shlex.split(part.removesuffix("&")) for part in parts}


COMMANDS = _commands()
OURS = {line: words[1:] for line, words in COMMANDS.items() if words[0] == "luma-conformance"}
RUNS = {
    line: pytest_arguments(words[2:]) if words[0] == "luma-conformance" else words[1:]
    for line, words in COMMANDS.items()
    if (words[0] == "pytest" or words[:2] == ["luma-conformance", "run"]) and LIVE not in words
}
CLIENTS = {line: words for line, words in OURS.items() if words[0] == "client" and {"--", "--function"} & {*words}}
OTHERS = {
    line: words
    for line, words in OURS.items()
    if words[0] not in ("run", "serve", "precedence", "drift") and line not in CLIENTS
}
"""What is run whole: `serve` runs until it is stopped, `precedence` sends a thousand requests, a client takes long, and
`drift` needs a copy of the page, which is not ours to keep."""
FAILURES = {name.partition(":")[0]: text for name, text in blocks("text").items()}
"""The failure that a page shows, by the page."""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, url: str) -> Path:
    """Return a folder with the files the pages speak of, made by a run of the kit on a reference."""
    folder = tmp_path_factory.mktemp("project")
    command = [sys.executable, "-m", "pytest", *pytest_arguments([url, "create/400-unknown-model/page-example"])]
    made = ["--luma-record", "run.har", "--luma-report", "report", "-p", "no:cacheprovider"]
    subprocess.run([*command, *made], cwd=folder, check=True, capture_output=True, env=None)
    for copy in ("traffic.har", "before.har", "after.har"):
        shutil.copy(folder / "run.har", folder / copy)
    for copy in ("last-week", "monday", "tuesday", "shard-1", "shard-2"):
        shutil.copytree(folder / "report", folder / copy)
    (folder / "tests" / "cassettes").mkdir(parents=True)
    (folder / "tests" / "cassettes" / "create.yaml").write_text(CASSETTE)
    shutil.copy(ROOT / "conformance/luma_conformance/reference/profile.toml", folder / "luma-profile.toml")
    shutil.copytree(ROOT / "docs" / "clients", folder, dirs_exist_ok=True)
    shutil.copy(folder / "luma-agents.toml", folder / "deviations.toml")
    shutil.copy(folder / "fetch.mjs", folder / "client.mjs")
    return folder


@pytest.fixture
def project(pytester: pytest.Pytester, files: Path) -> Path:
    """Return a copy of that folder, as the current one."""
    shutil.copytree(files, pytester.path, dirs_exist_ok=True)
    return pytester.path


def here(words: list[str], url: str) -> list[str]:
    """Return the words of a command with the reference in place of the servers, as a shell would expand them."""
    served = [re.sub(r"http://127\.0\.0\.1:\d+", url, word) for word in words]
    return [name for word in served for name in (sorted(glob(word)) if "*" in word and "/" in word else [word])]


@pytest.mark.slow
@pytest.mark.parametrize("line", RUNS)
def test_every_run_they_show_is_green_on_the_reference(
    line: str, pytester: pytest.Pytester, project: Path, url: str
) -> None:
    """Each `pytest` and each `luma-conformance run` judges something, and all of it passes."""
    words = here(RUNS[line], url)
    if "-k" in words:
        words[words.index("-k") + 1] += " and page-example"
    elif "-m" not in words:
        words += ["-k", "page-example or negative-index or not_ones_own"]  # one of each kind

    ended = run_inside(pytester, *words)

    assert ended.ret == Exit.CONFORMANT
    ended.stdout.fnmatch_lines(["judged      [1-9]*: * passed, 0 failed, 0 deviating"])


@pytest.mark.slow
@pytest.mark.parametrize("line", OTHERS)
def test_every_other_command_they_show_does_its_work(
    line: str, project: Path, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each command that is shown succeeds in a project that has the files it names."""
    if "--init" in line or "--output luma-profile.toml" in line:  # neither overwrites
        for file in ("luma-profile.toml", "python_sync.py"):
            (project / file).unlink()

    assert cli.main(here(OTHERS[line], url)) == Exit.CONFORMANT, capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("line", CLIENTS)
def test_every_client_they_show_is_judged(
    line: str, project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each client that is shown is run and right, in one scenario."""
    for word, tool in (("node", "node"), ("bash", "jq")):
        if word in CLIENTS[line] and shutil.which(tool) is None:
            pytest.skip(f"needs {tool}")
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    words = [word for word in CLIENTS[line][1:] if word not in ("--scenario", "429/*")]

    assert cli.main(["client", "--scenario", "accepted/created", *words]) == Exit.CONFORMANT, capsys.readouterr().out
    assert "judged      1 of" in capsys.readouterr().out


@pytest.mark.parametrize("line", OURS)
def test_every_command_they_show_is_understood(line: str) -> None:
    """Each command line parses, its options included."""
    assert callable(cli.parse(OURS[line]).command)


@pytest.mark.parametrize("block", [name for name, text in blocks("python").items() if "def test_" in text])
def test_every_test_they_show_passes(block: str, pytester: pytest.Pytester) -> None:
    """Python blocks with tests in them pass as they stand, on the embedded reference."""
    text = blocks("python")[block]
    pytester.makepyfile(text)

    outcomes = run_inside(pytester, *(("-p", "respx.plugin") if "respx_mock" in text else ())).parseoutcomes()

    assert outcomes.keys() == {"passed"}


@pytest.mark.parametrize("block", [name for name, text in blocks("python").items() if text.startswith(">>>")])
def test_every_session_they_show_prints_what_they_say(block: str, url: str) -> None:
    """Interactive sessions run against a served reference."""
    text = blocks("python")[block].replace("http://127.0.0.1:8080", url)
    session = doctest.DocTestParser().get_doctest(text, {}, block, None, 0)

    assert doctest.DocTestRunner(verbose=False).run(session).failed == 0


@pytest.mark.parametrize("block", blocks("toml"))
def test_every_file_they_show_is_read(block: str, tmp_path: Path) -> None:
    """A TOML block is a file of known deviations or a profile."""
    file = tmp_path / "shown.toml"
    file.write_text(blocks("toml")[block])

    variables = dict.fromkeys(("GATEWAY_TOKEN", "GATEWAY_SESSION"), "a-token")
    assert load_deviations(file) if "[[deviation]]" in blocks("toml")[block] else load_profile(file, variables)


def test_the_workflow_they_show_is_valid() -> None:
    """The GitHub workflow is YAML with steps, each of which uses or runs something; one runs the kit."""
    (workflow,) = blocks("yaml").values()
    steps = yaml.safe_load(workflow)["jobs"]["conformance"]["steps"]

    assert all({"uses", "run"} & step.keys() for step in steps)
    assert any("luma-conformance run" in step.get("run", "") for step in steps)


def test_the_failure_they_show_is_a_real_one(pytester: pytest.Pytester) -> None:
    """A server that words one error otherwise fails with these very lines, the run's own id left out."""
    text = "video.edit.keyframe_indexes must be non-negative"
    wrong = miniatures.another_detail(text, "keyframe_indexes[0] must be >= 0")
    with serving(wrap=wrong) as url:
        ended = run_inside(pytester, *pytest_arguments([url, "create/400-keyframes/negative-index"]))

    assert ended.ret == Exit.NOT_CONFORMANT
    printed = mask(str(ended.stdout))
    for page in ("README.md", "docs/judge-a-server.md"):
        assert [line for line in mask(FAILURES[page]).splitlines() if line not in printed] == []


def test_the_failure_of_a_client_they_show_is_a_real_one() -> None:
    """A client that takes seconds for milliseconds fails with these very lines, but for times and ids."""
    wrong = faulty.MISTAKES["waits-milliseconds"]
    judged = judge_client(lambda task: faulty.do(wrong, task), "429/retry-after-2")
    assert judged.explanation is not None
    shown, found = (mask(text).splitlines()[:-1] for text in (FAILURES["docs/clients.md"], judged.explanation))

    assert shown == found


def mask(text: str) -> str:
    """Return a text without what differs from run to run, nor the width of its columns."""
    return re.sub(r"luma-[0-9a-f]{8}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d+\.\d+|(?<=  ) +", "", text)


def test_every_option_they_name_exists_and_every_option_is_named() -> None:
    """The pages name our options of pytest, all of them and no others."""
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "--help"],
        capture_output=True,
        text=True,
        check=True,
        cwd="/",
        env={**ONLY_OURS, "PATH": ""},
    )
    there = {option for option in re.findall(r"--[a-z][a-z-]+", ran.stdout) if option.startswith("--luma-")}

    assert set(re.findall(r"(?<![\w-])--luma-[a-z-]+", EVERYTHING)) == there


def test_every_command_is_named() -> None:
    """The table of commands has every command there is."""
    _, commands = cli.build()

    assert [name for name in commands.choices if f"luma-conformance {name}" not in TEXTS["docs/commands.md"]] == []


@pytest.mark.parametrize("page", TEXTS)
def test_every_link_leads_somewhere(page: str) -> None:
    """A link into the repository leads to a file that is there, and to a heading that it has."""
    wrong = []
    for link in re.findall(r"\]\(([^)]+)\)", TEXTS[page]):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        headings = re.findall(r"(?m)^#+ (.*)$", target.read_text(encoding="utf-8")) if target.is_file() else []
        slugs = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
        if not target.exists() or (anchor and anchor not in slugs):
            wrong.append(link)

    assert wrong == []


def test_the_first_page_is_short() -> None:
    """The README is a first page: at most 150 lines."""
    assert len(TEXTS["README.md"].splitlines()) <= 150
