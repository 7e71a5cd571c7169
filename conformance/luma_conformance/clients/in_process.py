"""A client that is a Python function, judged in this process on virtual time: what takes minutes takes moments.

Its timeouts run in real time, so a reply that is slow in a scenario never takes too long here.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import functools
import inspect
import io
import os
import ssl
import threading
import traceback
import warnings
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from luma_conformance.clients import files
from luma_conformance.clients.command import find_deadline, go_directly, make_folder, read_written
from luma_conformance.clients.conduct import Conduct
from luma_conformance.clients.explain import describe
from luma_conformance.clients.scenario import Scenario
from luma_conformance.clients.server import Server, serve
from luma_conformance.clients.verdict import judge
from luma_conformance.clients.virtual_time import SleptTooLong, VirtualTime
from luma_conformance.errors import InputError
from luma_conformance.judge.deviations import Deviations
from luma_conformance.judge.judged import Judged
from luma_conformance.reading.document import nearest
from luma_conformance.redaction.redactor import Redactor

MAX_REAL: Final = 30.0
"""Seconds of real time after which a client that does not end is ended."""
MAX_VIRTUAL: Final = 900.0
"""Seconds that a client may sleep in a scenario; they cost nothing, so that only one that never gives up is ended."""
_AGAIN: Final = 0.5
"""Seconds until a client that goes on is ended once more."""

Client = Callable[[Mapping[str, str]], object]
"""A client: called with its task, by the names of the environment variables of a command."""


def client_scenarios(*patterns: str) -> tuple[str, ...]:
    """Return the ids of the scenarios for clients: of all, or of those that some globs match.

    >>> from luma_conformance import client_scenarios
    >>> client_scenarios("429/retry-after-?")
    ('429/retry-after-1', '429/retry-after-2', '429/retry-after-5')
    """
    known = files.own()
    named = {one.id for pattern in patterns for one in files.select(known, pattern)}
    return tuple(one.id for one in known if not patterns or one.id in named)


def judge_client(client: Client, scenario: str) -> Judged:
    """Return the verdict on a Python function in a scenario, played on virtual time.

    The function is called with its task, a mapping of what a command finds in its environment, which is set too. It
    fails by raising an exception, with `sys.exit`, or by returning a number other than 0 as its exit status; anything
    else that it returns counts as printed. It may be a coroutine function.

    >>> from luma_conformance import judge_client
    >>> def client(task):
    ...     raise NotImplementedError(task["LUMA_TASK"])
    >>> judge_client(client, "429/retry-after-1").verdict
    <Outcome.NOT_JUDGED: 'not-judged'>
    """
    found = next((one for one in files.own() if one.id == scenario), None)
    if found is None:
        raise InputError(f"there is no scenario {scenario}; {nearest(scenario, client_scenarios())}")
    conduct = play_in_process(client, found)
    again = f"judge_client({getattr(client, '__name__', 'client')}, {scenario!r})"
    return describe(found, conduct, judge(found, conduct), scrub=Redactor().show, again=again, deviations=Deviations())


def play_in_turn(
    client: Client, scenarios: Iterable[Scenario], timeout: float | None = None
) -> Iterator[tuple[Scenario, Conduct]]:
    """Yield each scenario with what a Python function did; what tells the time is replaced once for all of them."""
    with VirtualTime():
        for one in scenarios:
            yield one, play_in_process(client, one, timeout=timeout)


def play_in_process(client: Client, scenario: Scenario, *, timeout: float | None = None) -> Conduct:
    """Return what a Python function did in a scenario; `timeout` and all that it waits is in virtual seconds."""
    with (
        make_folder() as folder,
        VirtualTime(limit=timeout or max(MAX_VIRTUAL, find_deadline(scenario))) as virtual,
        serve(scenario, virtual) as server,
    ):
        virtual.watch(server.is_busy)
        written = Path(folder) / "output.png"
        given = {**server.given, "LUMA_OUTPUT": str(written)}
        began = virtual.now()
        with _environment(given), _certificates_read_once():
            status, output = _call(client, given, server)
        seconds = virtual.now() - began
        content = read_written(written)
    return Conduct(given=given, seen=server.seen, status=status, output=output, written=content, seconds=seconds)


@contextlib.contextmanager
def _certificates_read_once() -> Iterator[None]:
    """Give every client the same TLS context: httpx reads all certificates for each that is made, and none is used."""
    before = ssl.create_default_context
    ssl.create_default_context = _once(before)
    try:
        yield
    finally:
        ssl.create_default_context = before


@functools.cache
def _once(create: Callable[..., ssl.SSLContext]) -> Callable[..., ssl.SSLContext]:
    return functools.cache(create)


@contextlib.contextmanager
def _environment(given: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables, and put back what was there."""
    new = {**go_directly(os.environ), **given}
    before = {name: os.environ.pop(name, None) for name in (*new, "LUMA_GENERATION_ID")}
    os.environ.update(new)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def _call(client: Client, given: Mapping[str, str], server: Server) -> tuple[int | None, str]:
    """Return the exit status that a call comes to, None if it had to be ended, and what was printed."""
    printed, watch = io.StringIO(), _Watch(server)
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            with watch:
                returned = client(given)
                if inspect.iscoroutine(returned):
                    returned = _run_coroutine(returned)
            status: int | None = 0
            if type(returned) is int:  # a main function, whose program ends with `sys.exit(main())`
                status = returned
            elif returned is not None:
                printed.write(f"{returned}\n")
        except (SleptTooLong, _Ended) as ended:
            status = None
            _free(ended)
        except SystemExit as end:
            status = _read_status(end, printed)
        except Exception:  # noqa: BLE001  whatever a client raises is its way to fail
            status = 1
            printed.write(traceback.format_exc())
    return None if watch.is_overrun else status, printed.getvalue()


def _free(ended: BaseException | None) -> None:
    """Free what a client held when it was ended; that its connections are not closed is no fault of its own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        while ended is not None:
            traceback.clear_frames(ended.__traceback__)
            ended = ended.__context__


def _run_coroutine(coroutine: Coroutine[Any, Any, object]) -> object:
    return asyncio.run(coroutine)


def _read_status(end: SystemExit, printed: io.StringIO) -> int:
    """Return the exit status of a SystemExit, as the interpreter has it: a text is printed."""
    if end.code is None or isinstance(end.code, int):
        return end.code or 0
    printed.write(f"{end.code}\n")
    return 1


class _Ended(BaseException):
    """Raised in a client that asks without end, or goes on for too long."""


@dataclass(slots=True)
class _Watch:
    """Ends what this thread does inside, if the server has been asked too often, or too much real time has passed.

    `is_overrun` tells the first from what the thread made of it: to a client it looks like a lost connection.
    """

    server: Server
    is_overrun: bool = False
    caller: int = field(default_factory=threading.get_ident)
    is_over: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    thread: threading.Thread = field(init=False)

    def __enter__(self) -> None:
        self.thread = threading.Thread(target=self._watch, daemon=True)
        self.thread.start()

    def __exit__(self, *_: object) -> None:
        with self.lock:
            self.is_over.set()
        self.is_overrun = self.server.is_overrun.is_set()
        self.server.is_overrun.set()  # wakes the watching thread
        self.thread.join()

    def _watch(self) -> None:
        self.server.is_overrun.wait(MAX_REAL)
        while not self.is_over.is_set():
            with self.lock:
                if not self.is_over.is_set():
                    raised = ctypes.py_object(_Ended)
                    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self.caller), raised)
            self.server.hang_up()  # what waits for an answer is woken
            self.is_over.wait(_AGAIN)
