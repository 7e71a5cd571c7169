"""Virtual time: sleeping costs nothing, all clocks agree, and afterwards nothing is replaced."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import ModuleType
from typing import Any

import anyio
import pytest
import trio
import uvloop

from luma_conformance.clients.virtual_time import SleptTooLong, VirtualTime

REAL = (time.sleep, asyncio.sleep, trio.sleep, time.time, time.monotonic, time.perf_counter, time.monotonic_ns)
CLIENT = """
import time
from asyncio import sleep as pause
from time import monotonic, sleep, time as now

def wait(seconds):
    began = now(), monotonic(), time.perf_counter(), time.time_ns() / 1e9, time.monotonic_ns() / 1e9
    sleep(seconds)
    ended = now(), monotonic(), time.perf_counter(), time.time_ns() / 1e9, time.monotonic_ns() / 1e9
    return [round(end - begin) for begin, end in zip(began, ended)]
"""


def names() -> tuple[Callable[..., Any], ...]:
    """Return what the names of REAL lead to now."""
    return (time.sleep, asyncio.sleep, trio.sleep, time.time, time.monotonic, time.perf_counter, time.monotonic_ns)


@pytest.fixture(autouse=True)
def nothing_stays() -> Iterator[None]:
    """Check after each test that everything is as it was."""
    yield
    assert names() == REAL


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return a module that has taken its sleep and its clocks in several ways."""
    module = ModuleType("a_client")
    monkeypatch.setitem(__import__("sys").modules, "a_client", module)
    exec(CLIENT, vars(module))  # noqa: S102
    return module


def test_however_a_module_got_hold_of_sleep_and_clocks_they_agree(client: ModuleType) -> None:
    """An hour passes at once, on every clock, whether a name was imported or is looked up."""
    with VirtualTime() as virtual_time:
        passed = client.wait(3600)

    assert passed == [3600] * 5
    assert virtual_time.waits == [3600]
    assert client.sleep is time.sleep
    assert client.pause is asyncio.sleep


def test_a_module_that_is_imported_meanwhile_keeps_nothing(client: ModuleType) -> None:
    """What a module takes while time is virtual is put back with the rest."""
    with VirtualTime():
        exec(CLIENT, vars(client))  # noqa: S102
        assert client.sleep is not REAL[0]

    assert client.sleep is REAL[0]
    assert client.pause is REAL[1]


def test_one_block_in_another_shares_its_time() -> None:
    """The inner block notes its own sleeps only, and nothing is put back before the outer one ends."""
    with VirtualTime() as outer:
        time.sleep(5)
        with VirtualTime() as inner:
            time.sleep(7)
        time.sleep(11)

    assert (outer.waits, inner.waits) == ([5, 7, 11], [7])


def test_a_failure_leaves_nothing_replaced() -> None:
    """An exception in the block passes through it, and all is put back."""
    with pytest.raises(ZeroDivisionError), VirtualTime():
        time.sleep(1 / 0)


def test_blocks_of_several_threads_leave_nothing_replaced() -> None:
    """Blocks that begin and end in any order, in threads of their own, each work, and the last puts all back."""
    together = threading.Barrier(4)
    waits: list[list[float]] = []

    def test(index: int) -> None:
        together.wait()
        with VirtualTime() as virtual_time:
            for _ in range(50):
                time.sleep(100 + index)
        waits.append([wait for wait in virtual_time.waits if wait == 100 + index])

    threads = [threading.Thread(target=test, args=(index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(map(len, waits)) == [50] * 4


def test_a_thread_that_was_running_before_keeps_real_time() -> None:
    """It sees no jump, while one that begins inside the block does."""
    ask, told = threading.Event(), threading.Event()
    seen: dict[str, float] = {}

    def read(name: str) -> None:
        ask.wait(10)
        seen[name] = time.time()
        told.set()

    older = threading.Thread(target=read, args=("older",))
    older.start()
    with VirtualTime() as virtual_time:
        time.sleep(5000)
        ask.set()
        older.join()
        newer = threading.Thread(target=read, args=("newer",))
        newer.start()
        newer.join()
        now = virtual_time.now()

    assert round((now - seen["older"]) / 100) == 50
    assert round((now - seen["newer"]) / 100) == 0


def test_tasks_sleep_side_by_side() -> None:
    """Of three tasks the one that sleeps longest says how much time passes."""

    async def client() -> float:
        began = time.monotonic()
        await asyncio.gather(asyncio.sleep(10), asyncio.sleep(20), anyio.sleep(15))
        return time.monotonic() - began

    with VirtualTime() as virtual_time:
        assert round(asyncio.run(client())) == 20

    assert sorted(virtual_time.waits) == [10, 15, 20]


def test_a_timeout_falls_due_while_a_task_sleeps() -> None:
    """A deadline of 30 seconds ends a wait of 60 after 30."""

    async def client() -> float:
        began = asyncio.get_running_loop().time()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.sleep(60), 30)
        return asyncio.get_running_loop().time() - began

    with VirtualTime():
        assert round(asyncio.run(client())) == 30


def test_no_time_passes_while_a_server_owes_an_answer() -> None:
    """An answer that is on its way comes before a timeout of five seconds, though another task sleeps for a minute."""
    owed = threading.Event()
    owed.set()

    async def ask() -> str:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[str] = loop.create_future()

        def serve() -> None:
            for _ in range(1000):
                sum(range(1000))
            loop.call_soon_threadsafe(answer.set_result, "answered")
            owed.clear()

        threading.Thread(target=serve).start()
        return await asyncio.wait_for(answer, 5)

    async def client() -> str:
        slept, answered = await asyncio.gather(asyncio.sleep(60, "slept"), ask())
        return f"{answered}, {slept}"

    with VirtualTime() as virtual_time:
        virtual_time.watch(owed.is_set)
        assert asyncio.run(client()) == "answered, slept"


def test_without_a_sleeper_a_loop_waits_in_real_time() -> None:
    """A timeout alone is no reason to let time pass: what it guards may be real work."""

    async def client() -> int:
        return await asyncio.wait_for(asyncio.to_thread(sum, range(100_000)), 3600)

    with VirtualTime() as virtual_time:
        before = virtual_time.now()
        assert asyncio.run(client()) == 4_999_950_000
        assert virtual_time.now() - before < 1800


@pytest.mark.parametrize("run", [trio.run, lambda main: asyncio.Runner(loop_factory=uvloop.new_event_loop).run(main())])
def test_other_loops_do_not_wait_either(run: Callable[..., object]) -> None:
    """Under trio and uvloop the time passes at once, by anyio too."""

    async def client() -> None:
        await anyio.sleep(600)

    with VirtualTime() as virtual_time:
        began = time.monotonic()
        run(client)
        assert round(time.monotonic() - began) == 600

    assert virtual_time.waits == [600]


def test_what_is_no_time_to_sleep_is_refused_as_ever() -> None:
    """Wrong arguments of `sleep` raise what Python raises, and a zero sleep is no wait."""
    with VirtualTime() as virtual_time:
        with pytest.raises(ValueError, match="non-negative"):
            time.sleep(-1)
        with pytest.raises(TypeError):
            time.sleep("1")  # type: ignore[arg-type]
        time.sleep(0)
        asyncio.run(asyncio.sleep(0))
        with pytest.raises(ValueError, match="time does not go back: -5"):
            virtual_time.sleep(-5)

    assert virtual_time.waits == []


def test_the_test_itself_can_let_time_pass() -> None:
    """Time that the test lets pass is not the client's waiting."""
    with VirtualTime() as virtual_time:
        began = time.time()
        virtual_time.sleep(3600)
        assert round(time.time() - began) == 3600

    assert virtual_time.waits == []


def test_a_client_that_never_gives_up_is_ended() -> None:
    """Beyond the limit sleeping raises what no `except Exception` catches, and says how long it was."""

    def poll_for_ever() -> None:
        while True:
            with suppress(Exception):
                time.sleep(5)

    said = r"has slept 13 times, 65 s of .* limit is 60 s: does it ever give up\?"
    with pytest.raises(SleptTooLong, match=said), VirtualTime(limit=60):
        poll_for_ever()


def test_a_mock_of_the_tests_own_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a test has replaced `time.sleep` itself, its replacement is called."""
    slept: list[float] = []
    with monkeypatch.context() as patch:
        patch.setattr(time, "sleep", slept.append)
        with VirtualTime() as virtual_time:
            time.sleep(9)

    assert (slept, virtual_time.waits) == ([9], [])


def test_a_clock_that_another_tool_has_replaced_is_set_ahead_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a tool has frozen the time, it is frozen that much later, and the tool's clock is put back."""

    def frozen() -> float:
        return 1000.0

    with monkeypatch.context() as patch:
        patch.setattr(time, "time", frozen)
        with VirtualTime() as virtual_time:
            time.sleep(60)
            assert time.time() == virtual_time.now() == 1060
        assert time.time is frozen


def test_it_says_what_it_does() -> None:
    """Its repr tells whether sleeping is replaced, and what was slept."""
    with VirtualTime() as virtual_time:
        time.sleep(2)
        assert repr(virtual_time) == "<VirtualTime: sleeping is replaced; waits=[2]>"

    assert repr(virtual_time) == "<VirtualTime: over, nothing is replaced; waits=[2]>"
