"""Signals that end a run: one asks it to end in good order, and none may interrupt the writing of its results."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import pytest

_ENDING: Final = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def holding() -> Iterator[list[int]]:
    """Hold back the signals that end a process; yield the list of those that came."""
    came: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield came  # it gets none
        return
    before = {number: signal.signal(number, lambda got, _: came.append(got)) for number in _ENDING}
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


def end_orderly() -> Callable[[], None]:
    """Have SIGTERM end the run as Ctrl-C does, with a summary; return the function that undoes it."""
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        return lambda: None  # somebody else has a use for it
    signal.signal(signal.SIGTERM, _exit)

    def undo() -> None:
        if signal.getsignal(signal.SIGTERM) is _exit:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)

    return undo


def _exit(number: int, _: object) -> None:
    pytest.exit(f"ended by {signal.Signals(number).name}")
