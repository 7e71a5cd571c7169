"""A client that is a command, run once for a scenario: in a process group of its own, and ended whole at a deadline."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from luma_conformance.clients.conduct import Conduct
from luma_conformance.clients.scenario import Scenario
from luma_conformance.clients.server import Server, serve
from luma_conformance.errors import InputError
from luma_conformance.reading.regular_file import open_file

BASE_DEADLINE: Final = 30.0
"""Seconds a client gets for a scenario in which it need not wait."""
SLACK: Final = 3.0
"""How many times as long as a scenario makes it wait a client may take for that."""
MAX_OUTPUT: Final = 100_000
"""Bytes of what a client prints that are kept: the first half, and the last."""
MAX_WRITTEN: Final = 10_000_000
"""Bytes of the file a client writes that are read."""
_LOOK: Final = 0.02
"""Seconds between two looks whether a client has ended."""
_LINGER: Final = 1.0
"""Seconds in which the end of what was printed arrives."""


def find_deadline(scenario: Scenario, timeout: float | None = None) -> float:
    """Return after how many seconds a client is stopped: `timeout`, or what leaves a slow machine room."""
    return BASE_DEADLINE + SLACK * scenario.patience if timeout is None else timeout


def check_command(command: Sequence[str]) -> None:
    """Raise InputError if a command cannot be started, with what would help."""
    program = command[0]
    if shutil.which(program) is not None:
        return
    file = Path(program)
    if os.path.isdir(file):  # which, unlike Path's, takes a name that is too long for one of nothing
        raise InputError(f"{program} is a folder, not a command")
    if not os.path.isfile(file):
        where = "there is no such file" if file.parent != Path() else "it is not on the PATH"
        raise InputError(f"the command {program!r} is not found: {where}")
    if os.access(file, os.X_OK):
        raise InputError(f"{program} is in this folder, which is not on the PATH: write ./{program}")
    raise InputError(f"{program} is not executable: name what runs it, as in `python {program}`, or chmod +x {program}")


def run_command(
    command: Sequence[str],
    scenario: Scenario,
    *,
    timeout: float | None = None,
    environ: Mapping[str, str] | None = None,
    stop: threading.Event | None = None,
) -> Conduct:
    """Return what a command did in a scenario; it is ended at its deadline, or once `stop` is set.

    Raise InputError if it cannot be started.
    """
    with serve(scenario) as server, make_folder() as folder:
        written = Path(folder) / "output.png"
        given = {**server.given, "LUMA_OUTPUT": str(written)}
        began = time.monotonic()
        status, output = _run(command, _make_environment(os.environ if environ is None else environ, given), _Limits(
            end=began + find_deadline(scenario, timeout), server=server, stop=stop or threading.Event()
        ))  # fmt: skip
        seconds = time.monotonic() - began
        content = read_written(written)
    return Conduct(given=given, seen=server.seen, status=status, output=output, written=content, seconds=seconds)


def make_folder() -> tempfile.TemporaryDirectory[str]:
    """Return a folder for what a client writes; what it has left running there may keep it from being removed."""
    return tempfile.TemporaryDirectory(prefix="luma-client-", ignore_cleanup_errors=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Limits:
    """When a client is stopped: at a time of the monotonic clock, if it asks too often, or when the run ends."""

    end: float
    server: Server
    stop: threading.Event

    @property
    def are_crossed(self) -> bool:
        return time.monotonic() >= self.end or self.server.is_overrun.is_set() or self.stop.is_set()


def _make_environment(environ: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """Return an environment with what a client is told, in which nothing of this machine goes through a proxy."""
    kept = {name: value for name, value in environ.items() if name != "LUMA_GENERATION_ID"}
    return {**kept, **go_directly(environ), **given}


def go_directly(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that keep what is sent to this machine from a proxy, with the exceptions there are."""
    return {name: ",".join(filter(None, (environ.get(name), "127.0.0.1"))) for name in ("NO_PROXY", "no_proxy")}


def _run(command: Sequence[str], environ: Mapping[str, str], limits: _Limits) -> tuple[int | None, str]:
    """Return the exit status of a command, None if it was stopped, and what it printed."""
    try:
        process = subprocess.Popen(  # noqa: S603  what the user typed
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environ,
            start_new_session=True,
        )
    except OSError as error:
        hint = "; name what runs it, as in `bash FILE`" if error.strerror == "Exec format error" else ""
        raise InputError(f"{command[0]} cannot be started: {error.strerror}{hint}") from None
    assert process.stdout is not None
    printed = _Printed()
    reader = threading.Thread(target=printed.read, args=(process.stdout,), daemon=True)
    reader.start()
    try:
        status = _wait(process, limits)
    finally:
        _kill_group(process)
        process.wait()
        reader.join(_LINGER)
    return status, printed.text


def _wait(process: subprocess.Popen[bytes], limits: _Limits) -> int | None:
    while not limits.are_crossed:
        with suppress(subprocess.TimeoutExpired):
            return process.wait(_LOOK)
    return None


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and all that it has started, also what it left behind when it ended."""
    if os.name != "posix":
        process.kill()
        return
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


@dataclass(slots=True)
class _Printed:
    """What a client prints: the beginning and the end of it."""

    head: bytearray = field(default_factory=bytearray)
    tail: bytearray = field(default_factory=bytearray)
    left_out: int = 0

    def read(self, stream: IO[bytes]) -> None:
        """Read to the end, so that the client never waits for somebody to read."""
        half = MAX_OUTPUT // 2
        with stream, suppress(OSError, ValueError):
            while piece := stream.read1(65_536):  # type: ignore[attr-defined]  # a buffered pipe
                room = half - len(self.head)
                self.head += piece[:room]
                self.tail += piece[room:]
                self.left_out += max(0, len(self.tail) - half)
                del self.tail[:-half]

    @property
    def text(self) -> str:
        """What was printed, with a note of how much was left out."""
        between = f"\n… {self.left_out:,} bytes …\n".encode() if self.left_out else b""
        return (bytes(self.head) + between + bytes(self.tail)).decode("utf-8", "replace")


def read_written(path: Path) -> bytes | None:
    """Return the beginning of the file a client was to write; None where it wrote none."""
    try:
        with open_file(path) as file:
            return file.read(MAX_WRITTEN)
    except OSError:
        return None
