"""A user's text file, read whole; one sentence says why it cannot be read."""

from __future__ import annotations

from pathlib import Path

from luma_conformance.errors import Problem, Unreadable
from luma_conformance.reading.regular_file import open_file


def read_text(path: Path, kind: str, max_bytes: int, name: str | None = None) -> str:
    """Return the text of a UTF-8 file without its byte order mark; raise Unreadable.

    Messages call the file `name`, and say that it should be `kind`, such as `a profile`.
    """
    name = name or str(path)
    try:
        with open_file(path) as file:
            raw = file.read(max_bytes + 1)
    except OSError as error:
        raise Unreadable(Problem(name, 0, 0, f"cannot be read: {error.strerror}")) from error
    if len(raw) > max_bytes:
        raise Unreadable(Problem(name, 0, 0, f"is too big; {kind} has at most {max_bytes} bytes"))
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise Unreadable(Problem(name, line, 0, "is not UTF-8 text; save the file as UTF-8")) from None
