"""Virtual time for a client under test: inside a `with`, its sleeping costs nothing and all its clocks agree.

Sleeping sets the time ahead, and all that tells the time is ahead by as much. Real time goes on, so a client that
sleeps in a way not known here is slow, but not wrong. Blocks that overlap share one time, and the last to end puts
everything back.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from types import TracebackType
from typing import Any, Final, Self
from weakref import WeakKeyDictionary, WeakSet

LIMIT: Final = 6 * 3600.0
"""Seconds that a client may sleep in all; one that polls for ever would keep its test for as long as it runs."""

_TESTING: Final = frozenset({"_pytest", "execnet", "hypothesis", "luma_conformance", "pluggy", "pytest", "xdist"})
"""Packages that measure the tests, or tell the virtual time themselves: they read real clocks."""
_SPARED: Final = sys.stdlib_module_names - {"time", "asyncio"} | _TESTING
"""Packages in which no name is replaced: threads and queues wait in real time."""
_OURS: Final = frozenset({"luma_conformance"})
_CLOCKS: Final = {
    "time": 1, "monotonic": 1, "perf_counter": 1, "time_ns": 1e9, "monotonic_ns": 1e9, "perf_counter_ns": 1e9,
}  # fmt: skip
"""What tells the time in the module `time`, and by how much each moves in a second."""
_MOMENT: Final = 0.001
"""Seconds between two looks at whether an answer that is on its way has come."""


class SleptTooLong(BaseException):
    """Ends a client that would sleep for ever; as no Exception, it passes what the client does with errors."""


class VirtualTime:
    """Time that passes at once where a client sleeps, from the beginning of a `with` to its end.

    For that long `time.sleep`, `asyncio.sleep` and `trio.sleep` are replaced wherever a module has them, and with them
    what sleeps by them, such as anyio, tenacity and urllib3. `time.time`, `time.monotonic` and `time.perf_counter` are
    ahead by what was slept; `datetime.now` is not. Tasks of asyncio sleep side by side, and its timeouts fall due.
    Threads that were already running, and pytest, keep real time.

    `waits` has the length of each sleep. A client that sleeps for more than `limit` seconds in all is ended.

    >>> import time
    >>> from luma_conformance import VirtualTime
    >>> with VirtualTime() as virtual_time:
    ...     began = time.monotonic()
    ...     time.sleep(3600)
    ...     print(int(time.monotonic() - began))
    3600
    >>> virtual_time.waits
    [3600]
    """

    def __init__(self, limit: float = LIMIT) -> None:
        self.waits: list[float] = []
        self.servers: list[Callable[[], bool]] = []
        self._limit = limit

    def __repr__(self) -> str:
        state = "sleeping is replaced" if self in _TIMELINE.active else "over, nothing is replaced"
        return f"<VirtualTime: {state}; waits={self.waits}>"

    def __enter__(self) -> Self:
        _TIMELINE.begin(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        _TIMELINE.end(self)

    def now(self) -> float:
        """Return Unix time in seconds, ahead by what was slept."""
        return _TIMELINE.read() + _TIMELINE.ahead

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass at once; this is the test's own waiting, which `waits` leaves out."""
        _TIMELINE.advance(seconds)

    def watch(self, is_busy: Callable[[], bool]) -> None:
        """Let no time pass for tasks of asyncio, until the block ends, while `is_busy` says that an answer is owed."""
        self.servers.append(is_busy)

    def note(self, seconds: float) -> None:
        """Note a sleep of the client; raise SleptTooLong where it has become too much."""
        self.waits.append(seconds)
        if (total := sum(self.waits)) > self._limit:
            raise SleptTooLong(
                f"the client under test has slept {len(self.waits)} times, {total:,.0f} s of virtual time in all, "
                f"and the limit is {self._limit:,.0f} s: does it ever give up? (Its datetime.now() is not moved.)"
            )


@dataclass(slots=True)
class _Timeline:
    """The one virtual time of the process, and all that is replaced while a block is active."""

    ahead: float = 0.0
    read: Callable[[], float] = time.time
    active: list[VirtualTime] = field(default_factory=list)
    elsewhere: WeakSet[threading.Thread] = field(default_factory=WeakSet)
    sleepers: WeakKeyDictionary[asyncio.AbstractEventLoop, int] = field(default_factory=WeakKeyDictionary)
    selectors: list[Any] = field(default_factory=list)
    replaced: dict[Callable[..., Any], Callable[..., Any]] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def begin(self, block: VirtualTime) -> None:
        """Begin a block; the first replaces what sleeps and what tells the time."""
        with self.lock:
            if not self.active:
                self.elsewhere = WeakSet(threading.enumerate())
                self.read = time.time
                self.replaced = _find_replacements()
                _replace(self.replaced, sparing=_SPARED)
            self.elsewhere.discard(threading.current_thread())
            self.active.append(block)

    def end(self, block: VirtualTime) -> None:
        """End a block; the last puts everything back, also where a module has got it meanwhile."""
        with self.lock:
            self.active.remove(block)
            if self.active:
                return
            _replace({new: old for old, new in self.replaced.items()}, sparing=_OURS)
            for selector in self.selectors:
                del selector.select
            self.selectors.clear()
            self.ahead = 0.0

    def is_virtual_for(self, caller: str) -> bool:
        """Return whether code of a module, in this thread, is on virtual time."""
        return (
            bool(self.active)
            and caller.partition(".")[0] not in _TESTING
            and threading.current_thread() not in self.elsewhere
        )

    def advance(self, seconds: float) -> None:
        """Let time pass; raise ValueError where it would go back."""
        if not seconds >= 0:
            raise ValueError(f"time does not go back: {seconds}")
        with self.lock:
            self.ahead += seconds

    def note(self, seconds: float) -> None:
        """Note a sleep in every active block."""
        for block in tuple(self.active):
            block.note(seconds)

    def watch_loop(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Have a loop pass virtual time when it is idle and a task sleeps; return False where a loop cannot."""
        selector = getattr(loop, "_selector", None)  # neither public nor ever changed; uvloop has none
        if selector is None:
            return False
        if selector not in self.selectors:
            selector.select = self._select_virtually(loop, selector.select)
            self.selectors.append(selector)
        return True

    def _select_virtually(self, loop: asyncio.AbstractEventLoop, select: Callable[..., Any]) -> Callable[..., Any]:
        def pass_time(timeout: float | None = None) -> Any:
            # The loop asks for events until its next timer is due. Nothing else can happen before that, if no answer
            # is on its way: then the timer is due now. A server is asked before the last look at what has arrived,
            # so that an answer is either still owed or seen.
            while timeout is not None and timeout > 0 and self.sleepers.get(loop):
                is_owed = any(is_busy() for block in tuple(self.active) for is_busy in block.servers)
                if found := select(_MOMENT if is_owed else 0):
                    return found
                if not is_owed:
                    self.advance(timeout)
                    return found
            return select(timeout)

        return pass_time


_TIMELINE: Final = _Timeline()


def _find_replacements() -> dict[Callable[..., Any], Callable[..., Any]]:
    """Return what is replaced, and by what.

    Clocks that another tool has replaced are wrapped. A `time.sleep` that a test has replaced itself stays.
    """
    clocks = {getattr(time, name): _make_clock(getattr(time, name), unit) for name, unit in _CLOCKS.items()}
    sleep: Any = time.sleep
    sleeps = {sleep: _make_sleep(sleep)} if getattr(sleep, "__self__", None) is time else {}
    trio = sys.modules.get("trio")
    others = {trio.sleep: _make_trio_sleep(trio.sleep)} if trio is not None else {}
    return {**clocks, **sleeps, asyncio.tasks.sleep: _make_async_sleep(asyncio.tasks.sleep), **others}


def _replace(new: dict[Callable[..., Any], Callable[..., Any]], *, sparing: frozenset[str]) -> None:
    """Replace functions wherever a module has them, under whatever name, but in some packages."""
    by_identity = {id(old): replacement for old, replacement in new.items()}
    for name, module in tuple(sys.modules.items()):
        if name.partition(".")[0] in sparing or not isinstance(names := getattr(module, "__dict__", None), dict):
            continue
        if by_identity.keys().isdisjoint(map(id, tuple(names.values()))):
            continue  # as in almost all of them, and found out at the speed of C
        for key, value in tuple(names.items()):
            if id(value) in by_identity:
                names[key] = by_identity[id(value)]


def _make_clock(read: Callable[[], Any], unit: float) -> Callable[[], Any]:
    @wraps(read)
    def read_virtually() -> Any:
        if not _TIMELINE.is_virtual_for(sys._getframe(1).f_globals.get("__name__", "")):
            return read()
        return read() + _TIMELINE.ahead if unit == 1 else read() + int(_TIMELINE.ahead * unit)

    return read_virtually


def _is_wait(seconds: Any) -> bool:
    """Return whether to sleep so long is to wait for an end; what is no number raises TypeError, as sleeping does."""
    return bool(0 < seconds < threading.TIMEOUT_MAX)


def _make_sleep(sleep: Callable[[float], None]) -> Callable[[float], None]:
    @wraps(sleep)
    def sleep_virtually(seconds: float, /) -> None:
        caller = sys._getframe(1).f_globals.get("__name__", "")
        if not (_TIMELINE.is_virtual_for(caller) and _is_wait(seconds)):
            return sleep(seconds)
        _TIMELINE.note(seconds)
        return _TIMELINE.advance(seconds)

    return sleep_virtually


def _make_async_sleep(sleep: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(sleep)
    async def sleep_virtually(delay: float, result: Any = None) -> Any:
        if not (_TIMELINE.is_virtual_for("") and _is_wait(delay)):
            return await sleep(delay, result)
        _TIMELINE.note(delay)
        loop, sleepers = asyncio.get_running_loop(), _TIMELINE.sleepers
        if not _TIMELINE.watch_loop(loop):
            _TIMELINE.advance(delay)
            return await sleep(0, result)
        sleepers[loop] = sleepers.get(loop, 0) + 1
        try:
            return await sleep(delay, result)
        finally:
            sleepers[loop] -= 1

    return sleep_virtually


def _make_trio_sleep(sleep: Callable[[float], Any]) -> Callable[[float], Any]:
    @wraps(sleep)
    async def sleep_virtually(seconds: float) -> Any:
        if not (_TIMELINE.is_virtual_for("") and _is_wait(seconds)):
            return await sleep(seconds)
        _TIMELINE.note(seconds)
        _TIMELINE.advance(seconds)
        return await sleep(0)  # others get their turn

    return sleep_virtually
