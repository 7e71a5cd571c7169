"""A command run for a scenario: what it is told, how it is stopped, and what is kept of it."""

from __future__ import annotations

import errno
import os
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from luma_conformance.clients.command import MAX_OUTPUT, check_command, find_deadline, run_command
from luma_conformance.clients.conduct import Conduct
from luma_conformance.clients.scenario import Route, Task
from luma_conformance.errors import InputError
from tests.clients.scripted import BUSY, scenario

ASK = """
import json, os, sys, time, urllib.request
def ask(method, path, body=None):
    headers = {"Authorization": f"Bearer {os.environ['LUMA_AGENTS_API_KEY']}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(os.environ["LUMA_BASE_URL"] + path, data, headers, method=method)
    return json.loads(urllib.request.urlopen(request).read())
"""


def run_python(source: str, /, task: Task = Task.CREATE, timeout: float = 30.0, **more: object) -> Conduct:
    """Return what a program in Python did."""
    command = [sys.executable, "-c", ASK + textwrap.dedent(source)]
    return run_command(command, scenario(task=task), timeout=timeout, **more)  # type: ignore[arg-type]


def is_alive(pid: int) -> bool:
    """Return whether a process runs; one that ended and that nobody waits for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_command_is_told_its_task_and_what_it_does_is_kept() -> None:
    """Status, output, file and requests are in the conduct; both streams of output are, in their order."""
    found = run_python(
        """
        made = ask("POST", "/generations", {"prompt": os.environ["LUMA_PROMPT"]})
        print(made["id"], flush=True)
        print("warning: nothing", file=sys.stderr)
        open(os.environ["LUMA_OUTPUT"], "wb").write(b"bytes")
        sys.exit(3)
        """
    )
    assert found.status == 3
    assert found.output.splitlines()[1] == "warning: nothing"
    assert found.written == b"bytes"
    assert [str(one.route) for one in found.seen] == ["create"]
    assert found.seen[0].reply.response.body.decode().count(found.output.split()[0]) == 1
    assert found.given["LUMA_TASK"] == "create"
    assert "LUMA_GENERATION_ID" not in found.given
    assert not Path(found.given["LUMA_OUTPUT"]).exists()
    assert 0 < found.seconds < 30


def test_nothing_of_this_machine_goes_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy of the user's is not asked for the server that judges, and hosts it is not for are kept."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "example.com")
    monkeypatch.setenv("LUMA_GENERATION_ID", "left over")
    found = run_python("ask('POST', '/generations', {'prompt': 'a'}); print(dict(os.environ))")
    assert found.status == 0, found.output
    assert "'NO_PROXY': 'example.com,127.0.0.1'" in found.output
    assert "left over" not in found.output


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize("ending", ["time.sleep(600)", "pass"])
def test_what_a_command_has_started_ends_with_it(ending: str, tmp_path: Path) -> None:
    """At the deadline, and when it ends and leaves something behind, its children are killed too."""
    pids = tmp_path / "pids"
    found = run_python(
        f"""
        import subprocess
        child = subprocess.Popen(["sh", "-c", "sleep 600 & echo $! > {pids}; wait"])
        while not os.path.exists("{pids}") or not open("{pids}").read().endswith("\\n"):
            time.sleep(0.01)
        {ending}
        """,
        timeout=3.0,
    )
    assert found.status == (0 if ending == "pass" else None)
    deadline = time.monotonic() + 10
    while is_alive(int(pids.read_text())) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not is_alive(int(pids.read_text()))


def test_a_folder_that_cannot_be_removed_costs_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that a client has left behind may still write there."""
    left = []

    def refuse(path: str, **_: object) -> None:
        left.append(path)
        raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY), path)

    with monkeypatch.context() as patched:
        patched.setattr(os, "rmdir", refuse)
        found = run_python("pass")
    for folder in {*left}:
        os.rmdir(folder)

    assert found.status == 0
    assert left


def test_a_command_is_stopped_when_the_run_is() -> None:
    """Whoever runs several clients can end all of them at once."""
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    found = run_python("time.sleep(600)", timeout=600.0, stop=stop)
    assert found.status is None
    assert found.seconds < 300


def test_a_command_that_asks_without_end_is_stopped() -> None:
    """A client that hammers is stopped long before its deadline."""
    found = run_python(
        """
        while True:
            try:
                ask("GET", "/generations")
            except Exception:
                pass
        """,
        timeout=600.0,
    )
    assert found.status is None
    assert len(found.seen) == 500


def test_long_output_is_cut_in_the_middle() -> None:
    """Its beginning and its end are kept, in any encoding; the client never waits for somebody to read."""
    found = run_python(
        "sys.stdout.buffer.write(b'first' + b'\\xff' * 1_000_000 + b'last'); sys.stdout.flush(); os._exit(0)"
    )
    assert found.output.startswith("first�")
    assert found.output.endswith("�last")
    assert "… 900,009 bytes …" in found.output
    assert len(found.output) < MAX_OUTPUT + 100


def test_a_command_killed_by_a_signal_has_failed() -> None:
    """Its status is not 0, nor is it taken for one that was stopped."""
    assert run_python("os.kill(os.getpid(), 9)").status == -9


def test_the_deadline_leaves_room_for_what_a_scenario_makes_a_client_wait() -> None:
    """It grows with that, unless the user says what it is."""
    assert find_deadline(scenario()) == 30
    assert find_deadline(scenario({Route.CREATE: (BUSY,)}, patience=20)) == 90
    assert find_deadline(scenario(patience=20), 5.0) == 5


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("no-such-program", "the command 'no-such-program' is not found: it is not on the PATH"),
        ("./client.py", r"\./client\.py is not executable: name what runs it, as in `python \./client\.py`"),
        ("./nothing/client.py", "not found: there is no such file"),
        ("client.sh", r"client\.sh is in this folder, which is not on the PATH: write \./client\.sh"),
        ("./folder", r"\./folder is a folder, not a command"),
    ],
)
def test_a_command_that_cannot_be_started_is_told_with_what_would_help(
    command: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sentence says what is wrong, before any scenario is played."""
    monkeypatch.chdir(tmp_path)
    Path("client.py").write_text("print()")
    Path("client.sh").write_text("#!/bin/sh\n")
    Path("client.sh").chmod(0o755)
    Path("folder").mkdir()
    with pytest.raises(InputError, match=message):
        check_command([command])


@pytest.mark.skipif(os.name != "posix", reason="about programs without #!")
def test_a_program_that_the_system_cannot_run_is_told(tmp_path: Path) -> None:
    """What is executable, but no program, needs one that runs it."""
    script = tmp_path / "client"
    script.write_text("echo")
    script.chmod(0o755)
    check_command([str(script)])
    with pytest.raises(InputError, match=r"cannot be started: Exec format error; name what runs it, as in `bash FILE`"):
        run_command([str(script)], scenario())
