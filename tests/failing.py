"""Files whose writing fails, as on a disk that is full."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import BinaryIO

import pytest

from luma_conformance.reading import regular_file
from luma_conformance.reading.regular_file import open_file


class Failing:
    """A growing file: after some writes and closes that are `allowed`, the next fails, or all that follow.

    A write that fails has written half.
    """

    def __init__(self, file: BinaryIO, allowed: int, *, lasting: bool) -> None:
        self._file, self._left, self._lasting = file, allowed, lasting

    def fileno(self) -> int:
        return self._file.fileno()

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def truncate(self, size: int) -> int:
        return self._file.truncate(size)  # to make a file shorter takes no space

    def write(self, data: memoryview) -> int:
        self._left -= 1
        if self._left == -1:
            self._file.write(data[: len(data) // 2])
        self._fail()
        return self._file.write(data)

    def close(self) -> None:
        self._file.close()
        self._left -= 1
        self._fail()

    def _fail(self) -> None:
        if self._left == -1 or (self._lasting and self._left < 0):
            raise OSError(errno.ENOSPC, "No space left on device")


def fail_writing(monkeypatch: pytest.MonkeyPatch, allowed: int, *, lasting: bool, suffix: str = "") -> None:
    """Make the writing of growing files whose names end so fail after some writes."""

    def open_failing(path: Path, mode: str = "rb", *, buffering: int = -1) -> object:
        file = open_file(path, mode, buffering=buffering)  # type: ignore[arg-type]
        return Failing(file, allowed, lasting=lasting) if path.name.endswith(suffix) else file

    monkeypatch.setattr(regular_file, "open_file", open_failing)
