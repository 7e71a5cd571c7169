"""One writer at a time."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import types
from contextlib import suppress
from pathlib import Path

import pytest

from luma_conformance.errors import InputError
from luma_conformance.reading import lock
from luma_conformance.reading.lock import hold
from luma_conformance.reading.regular_file import replace_text
from luma_conformance.redaction.redactor import Redactor
from tests.verdicts import SHOW


def test_a_file_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    """The second is told so, by whatever name it calls the file; when the first has let go, nothing is left."""
    (tmp_path / "link.har").symlink_to("run.har")
    let_go = hold(tmp_path / "run.har", SHOW)
    other = hold(tmp_path / "other.har", SHOW)

    with pytest.raises(InputError, match=r"link\.har is being written by another run, or is named twice; wait for its"):
        hold(tmp_path / "link.har", SHOW)
    let_go()
    hold(tmp_path / "link.har", SHOW)()
    other()

    assert [path.name for path in tmp_path.iterdir()] == ["link.har"]


@pytest.mark.parametrize("letter", ["a", "字", "😀"])
def test_files_of_long_names_have_locks_of_their_own(tmp_path: Path, letter: str) -> None:
    """A name may be as long as the file system allows; what it begins with does not say which file it is."""
    longest = letter * (250 // len(letter.encode()))
    letting_go = [hold(tmp_path / f"{longest}{ending}", SHOW) for ending in (".har", ".svg", "")]
    for let_go in letting_go:
        let_go()
    replace_text(tmp_path / f"{longest}.svg", "x")

    assert [path.name for path in tmp_path.iterdir()] == [f"{longest}.svg"]


def test_a_lock_that_is_gone_is_not_taken_from_the_next_run(tmp_path: Path) -> None:
    """Somebody has removed the lock of the first run; its end leaves the lock of the second where it is."""
    let_go = hold(tmp_path / "x", SHOW)
    (tmp_path / ".x.lock").unlink()
    other = hold(tmp_path / "x", SHOW)
    let_go()

    with pytest.raises(InputError, match="another run"):
        hold(tmp_path / "x", SHOW)
    other()


def test_what_stands_in_the_place_of_a_lock_is_named(tmp_path: Path) -> None:
    """The file itself could be written."""
    (tmp_path / ".x.lock").mkdir()
    with pytest.raises(InputError, match=r"x cannot be written: Is a directory; its lock is to be \.x\.lock"):
        hold(tmp_path / "x", SHOW)


def test_what_a_killed_process_held_is_free(tmp_path: Path) -> None:
    """The lock's file may lie about, but it holds nobody up."""
    program = (
        "import sys; from pathlib import Path; from luma_conformance.reading.lock import hold\n"
        "hold(Path(sys.argv[1]), str); print(flush=True); input()"
    )
    words = [sys.executable, "-c", program, str(tmp_path / "x")]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(InputError, match="another run"):
            hold(tmp_path / "x", SHOW)
        os.kill(other.pid, signal.SIGKILL)

    hold(tmp_path / "x", SHOW)()
    assert not [*tmp_path.iterdir()]


def test_a_file_that_cannot_be_held_is_an_input_error(tmp_path: Path) -> None:
    """There is no such folder."""
    with pytest.raises(InputError, match="cannot be written: No such file"):
        hold(tmp_path / "none" / "x", SHOW)


def test_a_file_system_without_locks_is_said_to_be_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The run goes on, as nothing is known against it."""

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", refuse)
    hold(tmp_path / "x", SHOW)()

    assert (
        capsys.readouterr().err == f"{tmp_path / 'x'} is not locked (No locks available); let no other run write it\n"
    )
    assert not [*tmp_path.iterdir()]


def test_what_is_said_of_a_lock_holds_no_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A key may be in the path, and standard error may be full."""
    monkeypatch.setattr(lock, "_lock", lambda _: OSError(errno.ENOLCK, "No locks available"))
    path = tmp_path / "luma-api-0f9e8d7c6b5a4f3e2d1c0b9a"
    hold(path, Redactor({path.name: "$MINE"}).show)()
    assert "$MINE is not locked" in capsys.readouterr().err

    with suppress(OSError), open("/dev/full", "w") as full:  # which fails once more as it is closed
        monkeypatch.setattr(sys, "stderr", full)
        let_go = hold(path, SHOW)
    let_go()
    assert not [*tmp_path.iterdir()]


def test_files_are_held_on_windows_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There the system's own call refuses at once, and a file is removed once nobody has it open."""
    held: set[tuple[int, int]] = set()

    def locking(descriptor: int, mode: int, count: int) -> None:
        assert (mode, count) == (2, 1)
        found = os.fstat(descriptor)
        if (found.st_dev, found.st_ino) in held:
            raise PermissionError(errno.EACCES, "Permission denied")
        held.add((found.st_dev, found.st_ino))

    removed: list[Path] = []

    def unlink(path: Path) -> None:
        removed.append(path)
        held.clear()

    windows = types.SimpleNamespace(locking=locking, LK_NBLCK=2)
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(lock, "msvcrt", windows, raising=False)
    monkeypatch.setattr(Path, "unlink", unlink)

    let_go = hold(tmp_path / "x", SHOW)
    with pytest.raises(InputError, match="another run"):
        hold(tmp_path / "x", SHOW)
    let_go()

    assert removed == [tmp_path / ".x.lock"]
    hold(tmp_path / "x", SHOW)()
