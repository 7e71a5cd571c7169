"""The one door to files: what is no file is refused unopened, and what is written is whole or was never there."""

from __future__ import annotations

import errno
import io
import os
import socket
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from luma_conformance.reading import regular_file
from luma_conformance.reading.regular_file import (
    Growing,
    check_regular,
    create_text,
    open_file,
    open_text,
    replace_text,
)
from tests.failing import fail_writing

KINDS = ("pipe", "socket", "folder", "device", "circle")


def make(kind: str, name: str = "x") -> Path:
    """Return a path that leads to something of a kind, and to no file."""
    path = Path(name)
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(name)
    elif kind == "folder":
        path.mkdir()
    elif kind == "circle":
        path.symlink_to(path.name)
    else:
        path.symlink_to("/dev/zero")
    return path


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "use",
    [
        open_file,
        lambda path: open_file(path, "r+b"),
        lambda path: open_text(path, "a"),
        lambda path: replace_text(path, "new"),
        lambda path: create_text(path, "new"),
        lambda path: Growing(path, "r+b"),
        check_regular,
    ],
    ids=["read", "change", "append", "replace", "create", "grow", "check"],
)
def test_what_is_no_file_is_neither_read_nor_written(use: Callable[[Path], object], kind: str) -> None:
    """Pipes, sockets, folders, devices and links in circles: an OSError with words, at once."""
    with pytest.raises(OSError, match=r"\[Errno \d+\] \w") as refused:
        use(make(kind))

    assert refused.value.strerror


def test_a_pipe_that_takes_the_place_of_a_file_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is opened is looked at again, and opening it does not block."""
    monkeypatch.setattr(regular_file, "check_regular", lambda _: None)

    with pytest.raises(OSError, match="a pipe, not a file"):
        open_file(make("pipe"))


def test_files_and_links_to_files_are_read_and_replaced() -> None:
    """A link stays a link, and the permissions stay; a new file has those of any new file."""
    Path("file").write_text("old")
    Path("file").chmod(0o640)
    Path("link").symlink_to("file")

    with open_file(Path("link")) as file:
        assert file.read() == b"old"
    replace_text(Path("link"), "new")
    replace_text(Path("fresh"), "text\n")

    assert Path("link").is_symlink()
    assert Path("file").read_text() == "new"
    assert stat.S_IMODE(Path("file").stat().st_mode) == 0o640
    Path("usual").touch()
    assert Path("fresh").stat().st_mode == Path("usual").stat().st_mode


@pytest.mark.parametrize("call", ["fdopen", "chmod", "replace"])
def test_a_file_that_cannot_be_replaced_stays_as_it_was(call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever step fails, the old text is there, and nothing beside it."""
    Path("file").write_text("old")

    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(OSError, match="No space"):
        replace_text(Path("file"), "new")

    assert {path.name: path.read_text() for path in Path().iterdir()} == {"file": "old"}


def test_a_file_that_is_there_is_not_created_again() -> None:
    """It stays as it is."""
    create_text(Path("file"), "old\n")

    with pytest.raises(FileExistsError):
        create_text(Path("file"), "new")
    assert Path("file").read_text() == "old\n"


def test_a_file_that_cannot_be_written_whole_is_not_created(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of it would look like all of it, and be in the way of the next try."""

    class Full(io.StringIO):
        def close(self) -> None:
            super().close()
            raise OSError(errno.ENOSPC, "No space left on device")

    def begin(path: Path, mode: str) -> Full:
        open_text(path, "x").close()
        return Full()

    monkeypatch.setattr(regular_file, "open_text", begin)
    with pytest.raises(OSError, match="No space"):
        create_text(Path("file"), "text")
    assert not [*Path().iterdir()]


@pytest.mark.parametrize("lasting", [0, 1])
@pytest.mark.parametrize("allowed", range(8))
def test_a_growing_file_has_whole_pieces_only(allowed: int, lasting: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever write fails, before it or in its middle, once or for good: no piece is in the file in part."""
    fail_writing(monkeypatch, allowed, lasting=bool(lasting))
    added = []
    growing = Growing(Path("file"), "xb", end=b"")
    for number in range(6):
        piece = b"%d234567\n" % number
        try:
            growing.add(piece)
        except OSError:
            continue
        added.append(piece)
    with suppress(OSError):
        growing.close()
    assert Path("file").read_bytes() == b"".join(added)


def test_a_growing_file_always_ends_with_its_end() -> None:
    """A piece takes the place of the old end; what a file that was cut off had beyond is gone."""
    Path("file").write_bytes(b"head[" + b"x" * 100)
    growing = Growing(Path("file"), "r+b", 5, b"]")

    growing.add(b"1")
    growing.add(b",2")
    growing.close()

    assert Path("file").read_bytes() == b"head[1,2]"
