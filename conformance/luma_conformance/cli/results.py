"""Results files read for the commands."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from luma_conformance.cli.output import scrub
from luma_conformance.errors import InputError
from luma_conformance.reading.regular_file import open_file
from luma_conformance.recording.opening import SUFFIXES
from luma_conformance.report.jsonl import parse_results

if TYPE_CHECKING:
    from luma_conformance.report.result import Results

MAX_BYTES: Final = 500_000_000
"""The largest results file that is read, in bytes."""
_HEAD: Final = 100_000
"""Bytes by which a large file that is something else is found out."""
RESULTS: Final = "results.jsonl"
WRITTEN_BY: Final = f"a {RESULTS} that `pytest --luma-report DIR` wrote, or its folder"


def read_results(path: Path) -> Results:
    """Return the results in a file, or in a folder as a run wrote it; raise InputError."""
    file = path / RESULTS if path.is_dir() else path
    try:
        with open_file(file) as opened:
            if os.fstat(opened.fileno()).st_size > MAX_BYTES:
                raise InputError(f"{file}: is larger than any file of results, {MAX_BYTES:,} bytes")
            head = opened.read(_HEAD)
            return parse_results(head + (opened.read() if head[:1] == b"{" else b""), str(file), scrub)
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror}") from None


def holds_results(path: Path) -> bool:
    """Return whether a file or folder holds results, judged by its name or first bytes; raise InputError."""
    if path.is_dir():
        return (path / RESULTS).exists() or not any(one.name.endswith(SUFFIXES) for one in path.rglob("*"))
    if path.suffix == ".jsonl":
        return True
    try:
        with open_file(path) as file:
            return file.read(10).startswith(b'{"schema"')
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
