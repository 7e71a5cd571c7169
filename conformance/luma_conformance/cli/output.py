"""The output of commands, written to a file or to standard output."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from luma_conformance.errors import InputError
from luma_conformance.reading.regular_file import replace_text

STANDARD_OUTPUT: Final = Path("-")
"""How standard output is named on the command line."""


def is_standard(output: Path | None) -> bool:
    """Return whether `--output` means standard output: it was left out, or it is `-`."""
    return output is None or output == STANDARD_OUTPUT


def write_text(text: str, output: Path | None, inputs: Iterable[Path] = ()) -> None:
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
