"""One writer at a time: a file of a run is locked while the run lasts."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
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
_LONGEST: Final = 200
"""Bytes of a name that leave room for what is added to it: a name may have 255."""


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
    lock = real.with_name(_name_lock(real.name))
    while True:
        descriptor = _open(lock, path)
        failure = _lock(descriptor)
        if failure is not None and failure.errno in _HELD:
            os.close(descriptor)
            advice = "wait for its end, or name another file"
            raise InputError(f"{path} is being written by another run, or is named twice; {advice}")
        if _is_still_there(descriptor, lock):
            if failure is not None:
                said = scrub(f"{path} is not locked ({failure.strerror}); let no other run write it")
                with suppress(OSError):
                    print(said, file=sys.stderr, flush=True)
            return lambda: _release(descriptor, lock)
        os.close(descriptor)  # the other run removed it between our two calls


def _name_lock(name: str) -> str:
    """Return the name of the lock of a file; one that is too long for a file system is told from others by a digest."""
    whole = os.fsencode(name)
    return f".{name if len(whole) <= _LONGEST else sha256(whole).hexdigest()}.lock"


def _open(lock: Path, path: Path) -> int:
    try:
        return os.open(lock, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
    except OSError as error:
        within = f"; its lock is to be {lock.name}" if os.path.lexists(lock) else ""
        raise InputError(f"{path} cannot be written: {error.strerror}{within}") from None


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
            if _is_still_there(descriptor, lock):  # or it is another run's by now
                lock.unlink()
    with suppress(OSError):
        os.close(descriptor)
    if sys.platform == "win32":
        with suppress(OSError):  # another run has opened it
            lock.unlink()
