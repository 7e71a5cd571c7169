"""The standard streams: opened where a shell has closed them, discarded where they cannot be written."""

from __future__ import annotations

import os
import sys


def open_standard_streams() -> None:
    """Open what a shell has closed, lest a file of ours gets its number; pytest, which `run` starts, needs them too."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # noqa: FBT003  opened as the lowest free
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "w" if number else "r", closefd=False))


def discard_output() -> None:
    """Discard what could not be written: Python would try again at its end, and fail with a status of its own."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
