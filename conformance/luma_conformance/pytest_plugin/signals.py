"""Signals that end a run: some ask it to end in good order, and none may interrupt the writing of its results."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

_ASKING: Final = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
"""Signals that ask a process to end: by whoever started it, and by a terminal that is closed."""
_ENDING: Final = (signal.SIGINT, *_ASKING)


@contextmanager
def holding() -> Iterator[list[int]]:
    """Hold back the signals that end a process; yield the list of those that came."""
    came: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield came  # it gets none
        return
    heard = [number for number in _ENDING if signal.getsignal(number) is not signal.SIG_IGN]  # as under nohup
    before = {number: signal.signal(number, lambda got, _: came.append(got)) for number in heard}
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


def _exit(number: int, _: object) -> None:
    # Not pytest.exit: while a file is collected, pytest takes that for an error of the file.
    raise KeyboardInterrupt(f"ended by {signal.Signals(number).name}")


def end_orderly(end: Callable[[int, object], None] = _exit) -> Callable[[], None]:
    """Have the signals that ask a process to end call `end`, which raises; return what undoes it.

    By default the run ends as with Ctrl-C, with a summary.
    """
    if threading.current_thread() is not threading.main_thread():
        return lambda: None  # it gets none
    ours = [number for number in _ASKING if signal.getsignal(number) is signal.SIG_DFL]  # or somebody has a use for it
    for number in ours:
        signal.signal(number, end)

    def undo() -> None:
        for number in ours:
            if signal.getsignal(number) is end:
                signal.signal(number, signal.SIG_DFL)

    return undo
