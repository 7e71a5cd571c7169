"""The exit statuses, one table for `pytest` and `luma-conformance`."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """How a run ended; up to 5 the words are pytest's."""

    CONFORMANT = 0
    NOT_CONFORMANT = 1
    INTERRUPTED = 2
    INTERNAL = 3
    USAGE = 4
    COULD_NOT_JUDGE = 6
    SPENT = 7
