"""Clients to begin with, one for each way to write one: `luma-conformance client --init LANGUAGE`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from luma_conformance.cli.output import say
from luma_conformance.cli.parser import PROGRAM, did_you_mean
from luma_conformance.errors import Exit, InputError
from luma_conformance.reading.regular_file import create_text

_RUN_BY: Final = {".py": "python", ".mjs": "node", ".sh": "bash"}
_ALSO: Final = {"python": "python-sync", "node": "fetch", "javascript": "fetch", "bash": "curl", "shell": "curl"}
"""What a language may be called too."""


def write_starter(language: str) -> Exit:
    """Write the starter of a language into the current folder; raise InputError if there is none, or it is there."""
    starters = {file.stem.replace("_", "-"): file for file in _list_starters()}
    if language == "list":
        say("\n".join(starters))
        return Exit.CONFORMANT
    name = _ALSO.get(language.lower(), language.lower())
    if name not in starters:
        advice = did_you_mean(name, [*starters, *_ALSO]) or f"; there are {', '.join(starters)}"
        raise InputError(f"there is no starter for {language!r}{advice}")
    source = starters[name]
    written = Path(source.name)
    try:
        create_text(written, source.read_text(encoding="utf-8"))
    except FileExistsError:
        raise InputError(f"{written} is there already; nothing was written") from None
    except OSError as error:
        raise InputError(f"{written} cannot be written: {error.strerror}") from None
    say(f"{written} is written; to judge it: {PROGRAM} client -- {_RUN_BY[source.suffix]} {written}")
    return Exit.CONFORMANT


def _list_starters() -> list[Path]:
    """Return the starters: of the installed package, or of a clone."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "starters", package.parents[1] / "docs" / "clients"):
        if folder.is_dir():
            return sorted(file for file in folder.iterdir() if file.suffix in _RUN_BY)
    raise InputError("the starters were not installed with the kit")
