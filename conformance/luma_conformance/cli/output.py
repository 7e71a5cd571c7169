"""The one door of the commands: all that they print or write passes the redactor here, whole, before it is cut."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Final

from luma_conformance.errors import InputError
from luma_conformance.reading.regular_file import replace_text
from luma_conformance.redaction.redactor import Redactor, find_keys, safe_text
from luma_conformance.shown import Shown

if TYPE_CHECKING:
    from luma_conformance.report.result import Report

STANDARD_OUTPUT: Final = Path("-")
"""How standard output is named on the command line."""

_REDACTOR: Final[ContextVar[Redactor]] = ContextVar("redactor")


def redactor() -> Redactor:
    """Return the redactor of this command, which knows the keys in the environment and what was added since."""
    if (found := _REDACTOR.get(None)) is None:
        found = begin(os.environ)
    return found


def begin(environ: Mapping[str, str]) -> Redactor:
    """Have this command know the keys in the environment, and none that another command in this process was given."""
    found = Redactor(find_keys(environ))
    _REDACTOR.set(found)
    return found


def show(text: str) -> Shown:
    """Return a text as it may be printed, bounded."""
    return redactor().show(text)


def scrub(text: str) -> Shown:
    """Return a text without secrets, in full."""
    return redactor().scrub(text)


def say(text: str = "", *, end: str = "\n") -> None:
    """Print a text, whose length is the caller's business, on standard output."""
    print(safe_text(scrub(text)), end=end)


def say_painted(text: str) -> None:
    """Print a text with our colours in it, made of verdicts: what a terminal obeys in these is escaped already."""
    print(scrub(text))


def warn(text: str, *, end: str = "\n") -> None:
    """Print a text on standard error; where that cannot be written, nobody can be told, and the command goes on."""
    with suppress(OSError):
        print(show(text), end=end, file=sys.stderr, flush=True)


def clear_line() -> None:
    """Remove from the terminal what `warn` has printed on a line that did not end."""
    print("\033[K", end="", file=sys.stderr, flush=True)


def is_standard(output: Path | None) -> bool:
    """Return whether `--output` means standard output: it was left out, or it is `-`."""
    return output is None or output == STANDARD_OUTPUT


def write_text(text: Shown | Report, output: Path | None, inputs: Iterable[Path] = ()) -> None:
    """Write a text to `--output`.

    Raise InputError if the file cannot be written, or is one of the files the text was made from.
    """
    if output is None or is_standard(output):
        print(text, end="")
        return
    if any(path.exists() and output.exists() and path.samefile(output) for path in inputs):
        raise InputError(f"{output} would be overwritten; name another with --output")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        if output.is_char_device():  # /dev/null
            output.write_text(text, encoding="utf-8", newline="\n")
        else:
            replace_text(output, text)
    except OSError as error:
        raise InputError(f"{output} cannot be written: {error.strerror}") from None
