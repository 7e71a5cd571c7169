"""One writer at a time: a file of a run is locked while the run lasts."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from luma_conformance.errors import InputError
from luma_conformance.reading.regular_file import check_regular

try:
    import fcntl
except ImportError:  # on Windows, where a file that is open cannot be removed
    fcntl = None  # type: ignore[assignment]

_HELD: Final = (errno.EAGAIN, errno.EACCES)


def hold(path: Path) -> Callable[[], None]:
    """Return what lets go of a file that this run alone may write until then; raise InputError where another has it.

    The lock is on a file beside it, which need not be there yet and may be replaced. The system lets go of it however
    the process ends. Where a file system knows no locks, there is none.
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
        if not _lock(descriptor):
            os.close(descriptor)
            raise InputError(f"{path} is being written by another run; wait for its end, or name another file")
        if _is_still_there(descriptor, lock):
            return lambda: _release(descriptor, lock)
        os.close(descriptor)  # the other run removed it between our two calls


def _lock(descriptor: int) -> bool:
    if fcntl is None:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in _HELD
    return True


def _is_still_there(descriptor: int, lock: Path) -> bool:
    with suppress(OSError):
        return os.path.samestat(os.fstat(descriptor), os.stat(lock))
    return False


def _release(descriptor: int, lock: Path) -> None:
    with suppress(OSError):
        lock.unlink()
    with suppress(OSError):
        os.close(descriptor)
