"""The command `client`: what it prints and writes, how it exits, and what stops it."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from luma_conformance.cli.main import main
from luma_conformance.model import Outcome
from luma_conformance.report import jsonl
from luma_conformance.report.result import Results
from tests.cli.commands import COMMAND, Output, complaint, ran
from tests.verdicts import SHOW

CLIENT = '''
"""A client that creates generations; PAUSE is what it takes for Retry-After, TRIES how often it tries."""
import json, os, sys, time, urllib.error, urllib.request

def create():
    headers = {"Authorization": f"Bearer {os.environ['LUMA_AGENTS_API_KEY']}", "Content-Type": "application/json"}
    body = json.dumps({"prompt": os.environ["LUMA_PROMPT"]}).encode()
    request = urllib.request.Request(os.environ["LUMA_BASE_URL"] + "/generations", body, headers)
    with urllib.request.urlopen(request) as answer:
        return json.loads(answer.read())["id"]

for attempt in range(TRIES):
    try:
        sys.exit(print(create()))
    except urllib.error.HTTPError as error:
        print(json.loads(error.read())["detail"])
        print(os.environ.get("A_KEY", ""))
        if error.code != 429 and not REPEATS:
            break
        time.sleep(PAUSE if PAUSE is not None else int(error.headers["Retry-After"] or 6))
    except ConnectionError:
        if not REPEATS:
            raise
sys.exit(1)
'''
Write = Callable[..., list[str]]


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Return a function that writes a client into the current folder, and returns the command of it."""
    monkeypatch.chdir(tmp_path)

    def write(*, tries: int = 3, pause: float | None = None, repeats: bool = False) -> list[str]:
        settings = f"TRIES, PAUSE, REPEATS = {tries}, {pause}, {repeats}\n"
        Path("client.py").write_text(settings + CLIENT)
        return ["--", sys.executable, "client.py"]

    return write


def judge(capsys: Output, *arguments: str) -> tuple[int, str]:
    """Return the exit status of the command, and what it printed."""
    status = ran(["client", *arguments])
    return status, capsys.readouterr().out


def read_results(folder: str = "report") -> Results:
    """Return the results in a report."""
    return jsonl.parse_results(Path(folder, "results.jsonl").read_bytes(), "results.jsonl", SHOW)


def test_a_right_client_passes(client: Write, capsys: Output) -> None:
    """The gate is open, and it is said how much of all there is was judged."""
    status, text = judge(capsys, "--scenario", "429/retry-after-1", "--scenario", "refused/402-no-funds", *client())
    assert status == 0
    assert re.search(r"judged      2 of \d+: 2 passed, 0 failed, 0 deviating, 0 not as advised\n", text)
    assert re.search(r"\n +\d+  not selected", text)
    assert "\x1b" not in text


def test_a_wrong_client_is_told_the_causes_and_then_each_scenario(client: Write, capsys: Output) -> None:
    """The command in the explanation judges it in that scenario again."""
    command = client(pause=0.1)
    status, text = judge(capsys, "--scenario", "429/retry-after-[12]", *command)
    assert status == 1
    assert re.match(r"1\. .*: 2 scenarios \(must\)\n   as the second POST came 0\.\d+ s after the answer", text)
    assert text.index("   429/retry-after-1 429/retry-after-2\n") < text.index("\n429/retry-after-1 ")
    assert re.search(r"  timeline +0\.00 s  POST /v1/generations  429 Rate limit exceeded, Retry-After: 1\n", text)
    assert "judged      2 of " in text
    again = re.findall(r"  again            luma-conformance (client --scenario 429/retry-after-1 -- .*)\n", text)
    assert again == [f"client --scenario 429/retry-after-1 -- {shlex.join(command[1:])}"]
    assert ran(shlex.split(again[0])) == 1


def test_what_a_client_only_should_do_is_told_and_lets_it_pass(client: Write, capsys: Output) -> None:
    """The page advises a pause after a 502."""
    status, text = judge(capsys, "--scenario", "502/once", *client(pause=0.1, repeats=True))
    assert status == 0
    assert "  the page says    " in text
    assert " (should; 502" in text
    assert ": 0 passed, 0 failed, 0 deviating, 1 not as advised" in text


def test_what_may_have_cost_money_is_told_apart(client: Write, capsys: Output) -> None:
    """A second submission after a connection that closed demands nothing of the client, and is never left out."""
    status, text = judge(capsys, "--scenario", "broken-create/dropped", *client(repeats=True))
    assert status == 0
    assert re.search(r"(?m)^may cost    broken-create/dropped: POST number 2 may have created, and charged for", text)
    assert re.search(r"(?m)^observed    broken-create/dropped: ", text)


def test_a_command_that_sends_nothing_is_given_up_at_once(client: Write, capsys: Output) -> None:
    """One sentence says why nothing could be judged, with the command's own words."""
    client()
    usage = [sys.executable, "-c", "import sys; sys.exit('usage: nothing')"]
    status, text = judge(capsys, "--jobs", "1", "--", *usage)
    assert status == 6
    assert text.count("could not judge: ") == 1
    assert "it sent nothing to the address in LUMA_BASE_URL" in text.splitlines()[-1]
    assert "usage: nothing" in text.splitlines()[-1]
    assert re.search(r"\n +3  it sent nothing", text)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--list", "--jobs", "0"], "is not a whole number from 1 to 64"),
        ([], "no command is given; it stands after two dashes: luma-conformance client -- node client.js"),
        (["--", "no-such-program"], "the command 'no-such-program' is not found"),
        (["--scenario", "429/retry-after-3", "--", "ls"], "there is no scenario 429/retry-after-3; .*429/retry-after-"),
        (["--scenario", "429/retry-after-60", "--", "ls"], "--patient plays them"),
        (["--deviations", "nothing.toml", "--", "ls"], "nothing.toml"),
        (["--report", "report.pdf", "--", "ls"], r"--report: no format has the ending of report\.pdf"),
        (["--scenarios", "nothing.yaml", "--", "ls"], "nothing.yaml: there is no such file"),
        (["--init", "pyton"], "there is no starter for 'pyton'; did you mean python"),
        (["--function", "client.py"], "'client.py' names no function; write MODULE:NAME or FILE.py:NAME"),
        (["--function", "nothing.py:main"], "nothing.py cannot be imported: FileNotFoundError"),
        (["--function", "json:dump_s"], "json has no function 'dump_s'; did you mean dumps"),
        (["--function", "json:dumps", "--", "ls"], "a command and --function are both given"),
        (["--senario", "a", "--", "ls"], "did you mean --scenario"),
        (["--timeout", "0", "--", "ls"], "is not a number of seconds"),
    ],
)
def test_a_wrong_argument_is_told_in_one_line(
    arguments: list[str], message: str, client: Write, capsys: Output
) -> None:
    """It says what is wrong, and nothing is played."""
    client()
    assert re.search(message, complaint(capsys, "client", *arguments))


def test_the_scenarios_are_listed_with_those_that_take_long(capsys: Output) -> None:
    """Each has its task, id and title."""
    status, text = judge(capsys, "--list", "--scenario", "429/retry-after-?", "--scenario", "429/retry-after-60")
    assert status == 0
    assert [line.split()[:2] for line in text.splitlines()] == [
        ["create", f"429/retry-after-{seconds}"] for seconds in (1, 2, 5, 60)
    ]
    assert text.splitlines()[-1].endswith("(waits 60 s: --patient)")


def test_a_function_is_judged_in_this_process(client: Write, capsys: Output) -> None:
    """What takes long for a command takes it no time, so that nothing is left out."""
    client()
    source = "import time\nTRIES, PAUSE, REPEATS = 3, None, False\n" + CLIENT
    head, _, body = source.partition("for attempt in")
    indented = "".join(f"    {line}\n" for line in f"for attempt in{body}".splitlines())
    Path("mine.py").write_text(f"{head}\ndef main(task):\n{indented}")
    chosen = ("--scenario", "429/retry-after-60", "--scenario", "refused/402-no-funds", "--report", "report")
    status, text = judge(capsys, *chosen, "--function", "mine.py:main")
    assert status == 0, text
    assert "judged      2 of " in text
    assert read_results().run.target == "mine.py:main"
    Path("mine.py").write_text(Path("mine.py").read_text().replace("PAUSE, REPEATS = 3, None", "PAUSE, REPEATS = 3, 1"))
    status, text = judge(capsys, *chosen, "--function", "mine.py:main")
    assert status == 1
    assert "again            luma-conformance client --scenario 429/retry-after-60 --function mine.py:main\n" in text


def test_what_takes_long_is_left_out_and_said_to_be(client: Write, capsys: Output) -> None:
    """Whoever wants it asks for it."""
    status, text = judge(capsys, "--scenario", "429/retry-after-1", "--scenario", "429/retry-after-60", *client())
    assert status == 0
    assert text.startswith("left out: 1 scenario in which a client waits for 12 s to 60 s; --patient plays them too\n")
    assert "judged      1 of " in text


def test_results_are_written_in_every_format(client: Write, capsys: Output) -> None:
    """They are read again by the other commands; JUnit has a test for each scenario."""
    chosen = ("--scenario", "429/retry-after-1", "--scenario", "refused/402-no-funds")
    judge(capsys, *chosen, "--report", "report", "--label", "2.1", *client(pause=0.1))
    found = read_results()
    assert found.run.kind == "client"
    assert found.run.name == f"2.1 at {sys.executable} client.py"
    assert {one.case: one.verdict for one in found.verdicts} == {
        "429/retry-after-1": Outcome.FAIL,
        "refused/402-no-funds": Outcome.PASS,
    }
    suite = ElementTree.parse("report/junit.xml").getroot()[0]  # noqa: S314  written here
    assert {one.get("name"): [child.tag for child in one] for one in suite} == {
        "retry-after-1": ["failure"],
        "402-no-funds": [],
    }
    page = Path("report/report.html").read_text()
    assert "Not conformant: 1 scenario fails, in 1 section; 2 of " in page
    assert "the client did" in page
    assert "- the client did" not in Path("report/summary.md").read_text()
    status, text = judge(capsys, *chosen, "--report", "report", "--label", "2.2", *client())
    assert status == 0
    assert "since       the last run" in text
    assert "1 fixed" in text
    text = judge(capsys, "--scenario", "429/without-end", "--report", "report", *client())[1]
    text = judge(capsys, "--scenario", "429/without-end", "--report", "report", *client())[1]
    assert re.search(r"since       the last run.*: The same", text)
    assert "worded" not in text
    assert main(["compare", "report", "report"]) == 0


def test_known_deviations_are_drafted_and_no_longer_red(client: Write, capsys: Output) -> None:
    """Once a reason is written the gate is open; it closes again when the client is mended and the entry is stale."""
    command = client(pause=0.1)
    chosen = ("--scenario", "429/retry-after-[12]", "--report", "report")
    assert judge(capsys, *chosen, *command)[0] == 1
    assert main(["report", "report", "--format", "deviations", "--output", "known.toml"]) == 0
    known = Path("known.toml")
    known.write_text(re.sub(r'reason = ".*"', 'reason = "the SDK does so"', known.read_text()))
    status, text = judge(capsys, *chosen, "--deviations", "known.toml", *command)
    assert (status, "0 failed, 2 deviating" in text) == (0, True)
    status, text = judge(capsys, *chosen, "--deviations", "known.toml", *client())
    assert (status, "stale: " in text) == (1, True)
    known.write_text(known.read_text().replace("429/retry-after-1", "429/nothing").replace("retry-after-2", "none"))
    assert "known.toml:6: no scenario matches" in complaint(
        capsys, "client", *chosen, "--deviations", "known.toml", *client()
    )


def test_a_key_of_the_users_is_shown_nowhere(client: Write, capsys: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the key in the environment nor one that the client prints is on the screen or in a file."""
    secret = "luma-api-0123456789abcdef0123456789abcdef"
    monkeypatch.setenv("LUMA_AGENTS_API_KEY", secret)
    monkeypatch.setenv("A_KEY", secret)
    status, text = judge(capsys, "--scenario", "429/retry-after-1", "--report", "report", *client(pause=0.1))
    assert status == 1
    written = [file.read_text() for file in Path("report").iterdir()]
    assert len(written) >= 6
    assert not [one for one in (text, *written) if secret in one]
    assert "$A_KEY" in text or "$LUMA_AGENTS_API_KEY" in text


@pytest.mark.skipif(os.name != "posix", reason="about signals")
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_run_that_is_interrupted_says_what_it_knows(ending: int, client: Write, tmp_path: Path) -> None:
    """The clients that run are ended too, and the results are incomplete."""
    client()
    Path("slow.py").write_text(
        "import contextlib, os, time\n"
        "with contextlib.suppress(FileExistsError):\n"
        "    with open('pid', 'x') as first:  # of two that start at once\n"
        "        print(os.getpid(), file=first)\n"
        "    time.sleep(600)\n" + Path("client.py").read_text()
    )
    chosen = (
        "--scenario",
        "429/retry-after-[12]",
        "--jobs",
        "2",
        "--report",
        "report",
        "--",
        sys.executable,
        "slow.py",
    )
    run = subprocess.Popen([*COMMAND, "client", *chosen], stdout=subprocess.PIPE, text=True)
    while not (Path("pid").exists() and '"case"' in _read("report/results.jsonl")):
        assert run.poll() is None
        time.sleep(0.05)
    run.send_signal(ending)
    text, _ = run.communicate(timeout=60)
    assert run.returncode == 2
    assert "interrupted: 1 scenario had not ended" in text
    assert "judged      1 of " in text
    found = read_results()
    assert found.ending is not None
    assert (found.ending.complete, found.ending.status, len(found.verdicts)) == (False, 2, 1)
    with pytest.raises(ProcessLookupError):
        os.kill(int(Path("pid").read_text()), 0)


def _read(path: str) -> str:
    return Path(path).read_text() if Path(path).exists() else ""


def test_scenarios_of_ones_own_are_played_instead_of_the_kits(client: Write, capsys: Output) -> None:
    """They are named by their file, and none of the page's is said to be judged."""
    schema = "# yaml-language-server: $schema=client-scenario.schema.json\n"
    Path("mine.yaml").write_text(
        f"""{schema}section: 429 — Too Many Requests
task: create
scenarios:
  - id: once
    title: the client waits
    create:
      - {{answer: create/429-rpm/window-full, headers: {{Retry-After: "1"}}}}
    expect:
      - must: {{wait: create, for: retry-after}}
        because: It is too early.
"""
    )
    status, text = judge(capsys, "--scenarios", "mine.yaml", *client(pause=0.1))
    assert status == 1
    assert re.search(r"\nmine/once +mine\.yaml:5\n", f"\n{text}")
    assert "luma-conformance client --scenario mine/once --scenarios mine.yaml -- " in text


@pytest.mark.parametrize(
    ("language", "file", "by"),
    [("python", "python_sync.py", "python"), ("node", "fetch.mjs", "node"), ("curl", "curl.sh", "bash")],
)
def test_a_starter_is_written_once(language: str, file: str, by: str, client: Write, capsys: Output) -> None:
    """It says how to judge it, and nothing of the user's is overwritten."""
    client()
    status, text = judge(capsys, "--init", language)
    assert status == 0
    assert text == f"{file} is written; to judge it: luma-conformance client -- {by} {file}\n"
    assert "LUMA_TASK" in Path(file).read_text()
    assert f"{file} is there already" in complaint(capsys, "client", "--init", language)


def test_the_results_of_a_client_keep_to_their_schema(client: Write, capsys: Output) -> None:
    """Every line of a file of results, the timeline included, is as the published schema has it."""
    import jsonschema

    from luma_conformance.catalogue.files import specs

    judge(capsys, "--scenario", "429/retry-after-1", "--report", "report", *client(pause=0.1))
    schema = json.loads((specs() / "result.schema.json").read_text())
    lines = Path("report/results.jsonl").read_text().splitlines()
    for line in lines:
        jsonschema.validate(json.loads(line), schema)
    assert '"timeline"' in lines[1]
    assert read_results().verdicts[0].timeline[0].told == "429 Rate limit exceeded, Retry-After: 1"
