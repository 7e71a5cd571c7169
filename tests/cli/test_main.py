"""The command as a newcomer meets it: its help, how it ends, and that no bad input is a traceback."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from luma_conformance.catalogue import files as casefiles
from luma_conformance.cli.main import MODULES, build, main, parse
from tests.cli.commands import GOOD, NEGATIVE, Output, bash, complaint, ran


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


COMMANDS = [
    "run",
    "list",
    "show",
    "check",
    "serve",
    "profile",
    "client",
    "audit",
    "compare",
    "report",
    "precedence",
    "miniatures",
    "ledger",
    "drift",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_each_help_says_what_the_command_is_for(capsys: Output, command: str) -> None:
    """Help ends well, stays on one screen, and ends with an example that is understood."""
    assert ran([command, "--help"]) == 0
    text = capsys.readouterr().out
    lines = text.splitlines()
    assert lines[0].startswith(f"usage: luma-conformance {command} ")
    assert len(lines) <= 40
    assert all(len(line) <= 100 for line in lines)
    examples = re.findall(r"(?m)^  luma-conformance (.*)$", text[text.index("\nexample") :])
    assert examples
    for example in examples:
        assert parse(shlex.split(example)).command is not None
        assert example.split()[0] == command


def test_the_help_lists_every_command(capsys: Output) -> None:
    """The first screen has each command with its purpose, the exit statuses and the command to begin with."""
    assert ran(["--help"]) == 0
    text = capsys.readouterr().out
    assert [*build()[1].choices] == COMMANDS == re.findall(r"(?m)^  (\w+)  +\S", text)
    assert "luma-conformance run http://127.0.0.1:8080" in text
    assert len(text.splitlines()) <= 24


def test_a_command_has_one_parser_however_it_is_found() -> None:
    """The table of modules names every command, each in the module that adds it."""
    assert [*MODULES] == COMMANDS
    for word in MODULES:
        alone = build(word)[1].choices
        assert {MODULES[one] for one in alone} == {MODULES[word]}
        assert alone[word].format_help() == build()[1].choices[word].format_help()


def test_the_command_that_starts_a_run_imports_no_other() -> None:
    """Nobody waits, before pytest has even started, for what only another command needs."""
    program = (
        "import sys; from luma_conformance.cli.main import MODULES, parse; parse(['run', 'http://127.0.0.1:9'])\n"
        "print(*(name for name in sys.modules if name.startswith('luma_conformance.')))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    imported = {name.removeprefix("luma_conformance.") for name in done.stdout.split()}
    assert {name for name in imported if name.startswith("cli.")} == {"cli.main", "cli.output", "cli.parser", "cli.run"}
    assert {name.partition(".")[0] for name in imported} == {
        "arguments", "cli", "errors", "reading", "redaction", "shown",
    }  # fmt: skip


def test_without_arguments_the_help_is_shown(capsys: Output) -> None:
    """Nothing asked is a wrong argument, answered with the help."""
    assert main([]) == 4
    output = capsys.readouterr()
    assert output.out == ""
    assert "list the cases" in output.err
    assert "pytest --pyargs luma_conformance" in output.err


def test_the_version_is_the_installed_one(capsys: Output) -> None:
    """The command, and the package run as a module, say which version they are."""
    assert ran(["--version"]) == 0
    said = capsys.readouterr().out
    assert said == f"luma-conformance {version('luma-agents-conformance')}\n"
    assert bash("luma-conformance --version").stdout == said


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ("lst", "there is no command 'lst'; did you mean list?"),
        ("differ a b", "there is no command 'differ'; there are run, list, "),
        ("--verison", "unrecognized arguments: --verison; did you mean --version?"),
        ("list --sttus 400", "unrecognized arguments: --sttus; did you mean --status?"),
        ("list --stat 400", "unrecognized arguments: --stat; did you mean --status?"),
        ("report a --into b", "unrecognized arguments: --into"),
        ("list --status abc", "'abc' is not a whole number from 100 to 599"),
        ("list --status 999", "'999' is not a whole number from 100 to 599"),
        ("list --needs nothing", "argument --needs: 'nothing' is not a role; see"),
        ("list --needs low-rpm", "'low-rpm' is not a role; near it: low-rpm-key;"),
        ("show", "required: ID"),
        (f"show {NEGATIVE} --step 0", "'0' is not a whole number from 1"),
        (f"show {NEGATIVE} --curl --body", "not allowed with"),
        (f"show {NEGATIVE} --base-url localhost", "'localhost' is not a URL like http://127.0.0.1:8080"),
        (f"show {NEGATIVE} --base-url http://[", "'http://[' is not a URL"),
        ("serve --port 70000", "'70000' is not a whole number from 0 to 65535"),
        ("serve --port x", "'x' is not a whole number"),
        ("serve --rpm 0", "'0' is not a whole number from 1"),
        ("serve --concurrency 1.5", "'1.5' is not a whole number"),
        ("serve --queued-seconds soon", "'soon' is not a number of seconds"),
        ("serve --processing-seconds nan", "'nan' is not a number of seconds"),
        ("serve --processing-seconds inf", "'inf' is not a number of seconds"),
        ("serve --url-seconds -1", "'-1' is not a whole number"),
        ("serve --queued-seconds -1", "'-1' is not a number of seconds"),
        ("serve now", "unrecognized arguments: now"),
    ],
)
def test_a_wrong_argument_is_refused_in_one_line(capsys: Output, arguments: str, why: str) -> None:
    """The line says what is wrong and where help is."""
    line = complaint(capsys, *arguments.split())
    assert why in line
    assert line.endswith("--help\n")


@pytest.mark.parametrize(
    ("script", "out", "err"),
    [
        ("luma-conformance list | head -1; echo ${PIPESTATUS[0]}", r"201  async/.*\n0\n", r"(\d+ cases;.*\n)?"),
        (f"luma-conformance show {NEGATIVE} | true; echo ${{PIPESTATUS[0]}}", r"0\n", ""),
        (f"luma-conformance show {NEGATIVE} --body >&-; echo $?", r"0\n", ""),
        (f"PYTHONIOENCODING=ascii luma-conformance show {NEGATIVE}", r"(?s).*400 \\u2014 Invalid.*", ""),
        pytest.param(
            "luma-conformance list create/400-keyframes >/dev/full; echo $?",
            r"4\n",
            r"(11 cases;.*\n)?luma-conformance: cannot go on: .*No space left on device\n",
            marks=pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device"),
        ),
    ],
)
def test_a_closed_full_or_ascii_output_causes_no_traceback(script: str, out: str, err: str) -> None:
    """A reader that has seen enough, a closed or full output and a terminal without em dashes are no tracebacks."""
    done = bash(script)
    assert re.fullmatch(out, done.stdout)
    assert re.fullmatch(err, done.stderr)


def test_an_interrupted_command_ends_as_pytest_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C anywhere else has the status of the kit's table."""

    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(casefiles, "own", interrupted)
    assert main(["list"]) == 2


def test_the_command_is_installed() -> None:
    """The package brings the script."""
    found = shutil.which("luma-conformance", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    assert found is not None


def test_escapes_in_a_file_do_not_reach_the_terminal(capsys: Output, folder: Path) -> None:
    """A name in a profile or a case file is shown, its escapes too, and none of them is obeyed."""
    (folder / "p.toml").write_text('"a\\u001b[31m" = 1\n')
    (folder / "c.yaml").write_text(GOOD + '"b\\e[31m": 1\n')

    statuses = [ran(["profile", "p.toml"]), ran(["check", "c.yaml"])]

    output = capsys.readouterr()
    assert statuses == [4, 1]
    assert "\x1b" not in output.out + output.err
    assert "a\\u001b[31m" in output.err
    assert "b\\u001b[31m" in output.out
