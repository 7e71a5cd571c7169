"""The one door to files that a user names: opened only if they are files, and replaced as a whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final, Literal, TextIO, cast

_OTHERS: Final = (
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)


def open_file(path: Path, mode: Literal["rb", "r+b", "xb"] = "rb", *, buffering: int = -1) -> BinaryIO:
    """Return a file opened as bytes; raise OSError, before anything is read, for what is no file."""
    return open(path, mode, buffering, opener=_open)


def open_text(path: Path, mode: Literal["x", "a"]) -> TextIO:
    """Return a file opened for UTF-8 text; raise OSError for what is no file."""
    return cast("TextIO", open(path, mode, encoding="utf-8", newline="\n", opener=_open))


def check_regular(path: Path) -> None:
    """Raise OSError for what is there and no file: it is not even opened, which a device might take for a command."""
    with suppress(FileNotFoundError):
        _check(os.stat(path).st_mode)


def create_text(path: Path, text: str) -> None:
    """Write a new file whole: where that fails, there is none; raise FileExistsError where there is one, or OSError."""
    new = open_text(path, "x")
    try:
        with new:
            new.write(text)
    except BaseException:
        with suppress(OSError):
            os.unlink(path)
        raise


def replace_text(path: Path, text: str) -> None:
    """Write a file whole: where that fails, what was there before stays; raise OSError."""
    file = Path(os.path.realpath(path))  # a link stays a link
    check_regular(file)
    descriptor, name = tempfile.mkstemp(prefix=f".{file.name[:50]}.", dir=file.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as new:
            new.write(text)
        os.chmod(name, _find_mode(file))
        os.replace(name, file)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise


class Growing:
    """A file that grows by whole pieces, each of which is in it or not at all; `end` follows the last of them.

    It is never empty in between: a piece is written over the old end, and the new end with it.
    """

    def __init__(self, path: Path, mode: Literal["r+b", "xb"], offset: int = 0, end: bytes = b"") -> None:
        """Open a file whose next piece begins at `offset`; raise OSError."""
        self._file = open_file(path, mode, buffering=0)
        self._opened = os.fstat(self._file.fileno())
        self._path = os.path.abspath(path)  # the current folder may become another
        self._offset, self._end = offset, end
        self._size = self._file.seek(0, os.SEEK_END)

    def add(self, piece: bytes) -> None:
        """Write a piece before returning; raise OSError where that fails, and the file is as it was.

        Where that cannot be mended either, the file ends after the last whole piece, or in the one that failed.
        """
        try:
            self._put(piece + self._end)
        except OSError:
            with suppress(OSError):
                self._cut(self._offset)  # first, as it takes no space
                self._put(self._end if self._offset else b"")
            raise
        self._offset += len(piece)

    def close(self) -> None:
        """Close the file, which is whole already; raise OSError, also where it is no longer where it was begun."""
        self._file.close()
        with suppress(FileNotFoundError):
            if os.path.samestat(self._opened, os.stat(self._path)):
                return
        raise OSError(errno.ENOENT, "it was removed, moved or replaced while the run lasted")

    def _put(self, text: bytes) -> None:
        size = self._offset + len(text)
        self._size = max(self._size, size)
        self._file.seek(self._offset)
        rest = memoryview(text)
        while rest:
            rest = rest[self._file.write(rest) :]
        if self._size > size:  # a file that was cut off may have had more after `offset`
            self._cut(size)

    def _cut(self, size: int) -> None:
        self._file.truncate(size)
        self._size = size


def _find_mode(file: Path) -> int:
    """Return the permissions of a file, or those a new one gets."""
    try:
        return stat.S_IMODE(os.stat(file).st_mode)
    except FileNotFoundError:
        os.umask(mask := os.umask(0o077))
        return 0o666 & ~mask


def _open(name: str, flags: int) -> int:
    check_regular(Path(name))
    # What is put in the file's place in between is not waited for: opening a pipe would last until somebody writes.
    descriptor = os.open(name, flags | getattr(os, "O_NONBLOCK", 0), 0o666)
    try:
        _check(os.fstat(descriptor).st_mode)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _check(mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(mode):
        kind = next((words for is_one, words in _OTHERS if is_one(mode)), "something else")
        raise OSError(errno.EINVAL, f"it is {kind}, not a file")
