"""One writer at a time: a file of a run is locked while the run lasts."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from luma_conformance.errors import InputError
from luma_conformance.reading.regular_file import check_regular
from luma_conformance.shown import Scrub

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_HELD: Final = (errno.EAGAIN, errno.EACCES)


def hold(path: Path, scrub: Scrub) -> Callable[[], None]:
    """Return what lets go of a file that this run alone may write until then; raise InputError where another has it.

    The lock is on a file beside it, which need not be there yet and may be replaced. The system lets go of it however
    the process ends. Where a file system knows no locks, there is none, and standard error says so;
    `scrub` makes that fit to be shown.
    """
    real = Path(os.path.realpath(path))
    try:
        check_regular(real)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}") from None
    lock = real.with_name(f".{real.name[:200]}.lock")
    while True:
        try:
            descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
        except OSError as error:
            raise InputError(f"{path} cannot be written: {error.strerror}") from None
        failure = _lock(descriptor)
        if failure is not None and failure.errno in _HELD:
            os.close(descriptor)
            raise InputError(f"{path} is being written by another run; wait for its end, or name another file")
        if _is_still_there(descriptor, lock):
            if failure is not None:
                with suppress(OSError):
                    print(
                        scrub(f"{path} is not locked ({failure.strerror}); let no other run write it"),
                        file=sys.stderr,
                        flush=True,
                    )
            return lambda: _release(descriptor, lock)
        os.close(descriptor)  # the other run removed it between our two calls


def _lock(descriptor: int) -> OSError | None:
    """Return why a file cannot be locked, or None."""
    try:
        if sys.platform == "win32":
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error
    return None


def _is_still_there(descriptor: int, lock: Path) -> bool:
    with suppress(OSError):
        return os.path.samestat(os.fstat(descriptor), os.stat(lock))
    return False


def _release(descriptor: int, lock: Path) -> None:
    if sys.platform != "win32":  # where a file that is open cannot be removed
        with suppress(OSError):
            lock.unlink()
    with suppress(OSError):
        os.close(descriptor)
    if sys.platform == "win32":
        with suppress(OSError):  # another run has opened it
            lock.unlink()
