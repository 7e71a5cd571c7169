"""A Python function judged in this process: how it fails, how it is ended, and that nothing is left behind."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import ssl
import sys
import time
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from itertools import pairwise
from urllib.parse import urlsplit

import pytest

from luma_conformance.clients.conduct import Conduct
from luma_conformance.clients.in_process import Client, client_scenarios, judge_client, play_in_process
from luma_conformance.clients.scenario import Route, Task
from luma_conformance.errors import InputError
from luma_conformance.model import Outcome
from tests.clients.scripted import BUSY, PICTURE, PROCESSING, ask, scenario

TaskGiven = Mapping[str, str]


def create(task: TaskGiven) -> str:
    """Return the id of a generation, submitted again after each refusal that says for how long to wait."""
    while True:
        status, body, headers = ask(f"{task['LUMA_BASE_URL']}/generations", task, {"prompt": task["LUMA_PROMPT"]})
        if status == 201:
            return str(json.loads(body)["id"])
        if status != 429:
            raise RuntimeError(json.loads(body)["detail"])
        time.sleep(int(dict(headers)["Retry-After"]))


def generate(task: TaskGiven) -> None:
    """Write the first output of a generation to a file."""
    generation = create(task)
    view = {"state": "queued"}
    while view["state"] not in ("completed", "failed"):
        time.sleep(3)
        view = json.loads(ask(f"{task['LUMA_BASE_URL']}/generations/{generation}", task)[1])
    with open(task["LUMA_OUTPUT"], "wb") as file, urllib.request.urlopen(view["output"][0]["url"]) as found:  # type: ignore[index]  # noqa: S310
        file.write(found.read())


def hammer(task: TaskGiven) -> None:
    """Ask without end, whatever happens."""
    while True:
        with suppress(Exception):
            ask(f"{task['LUMA_BASE_URL']}/generations", task, {"prompt": "a"})


def _hammer_and_shrug(task: TaskGiven) -> None:
    with suppress(OSError):
        while True:
            ask(f"{task['LUMA_BASE_URL']}/generations", task, {"prompt": "a"})


def _hold_and_hammer(task: TaskGiven) -> None:
    """Ask without end, beside a connection that nobody closes."""
    address = urlsplit(task["LUMA_BASE_URL"])
    _mine = socket.create_connection((str(address.hostname), address.port or 80))
    hammer(task)


def _sleep_long(task: TaskGiven) -> None:
    time.sleep(10**6)


def _sleep_without_end(task: TaskGiven) -> None:
    while True:
        time.sleep(5)


def play(client: Client, task: Task = Task.CREATE) -> Conduct:
    """Return what a function did after two refusals of a minute."""
    busy = (BUSY,) * 2
    return play_in_process(client, scenario({Route.CREATE: busy, Route.POLL: (PROCESSING,) * 20}, task, patience=120))


def test_a_task_of_minutes_takes_moments_and_its_waits_are_seen() -> None:
    """Times are those of the virtual clock, on both sides of the connection."""
    found = play(generate, Task.GENERATE)
    assert found.status == 0, found.output
    assert found.written == PICTURE
    assert 65 < found.seconds < 100
    first, second, *_ = found.of(Route.CREATE)
    assert 1 <= second.arrived - first.answered < 20
    polls = found.of(Route.POLL)
    assert len(polls) == 21
    assert all(3 <= later.arrived - one.answered < 20 for one, later in pairwise(polls))


@pytest.mark.parametrize(
    ("client", "status", "printed"),
    [
        (create, 0, "-"),
        (lambda task: print(create(task)), 0, "-"),
        (lambda task: print("oops", file=sys.stderr), 0, "oops"),
        (lambda task: sys.exit(f"failed: {task['LUMA_TASK']}"), 1, "failed: create"),
        (lambda task: sys.exit(3), 3, ""),
        (lambda task: sys.exit(), 0, ""),
        (lambda task: 4, 4, ""),
        (lambda task: 1 / 0, 1, "ZeroDivisionError: division by zero"),
        (lambda task: os.environ["LUMA_GENERATION_ID"], 1, "KeyError"),
        (lambda task: os.environ["LUMA_TASK"], 0, "create"),
    ],
)
def test_what_a_function_prints_returns_or_raises_is_as_of_a_command(
    client: Client, status: int, printed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An exception is a failure with its text printed; the environment is a command's, and is put back."""
    monkeypatch.setenv("LUMA_GENERATION_ID", "left over")
    before = dict(os.environ)
    found = play(client)
    assert (found.status, printed in found.output) == (status, True)
    assert dict(os.environ) == before


def test_a_coroutine_function_is_a_client_too() -> None:
    """Its waits are virtual as well, those of several tasks at once."""

    async def client(task: TaskGiven) -> str:
        await asyncio.gather(asyncio.sleep(600), asyncio.sleep(900))
        return await asyncio.to_thread(create, task)

    found = play_in_process(client, scenario(task=Task.CREATE, patience=900))
    assert found.status == 0, found.output
    assert 900 <= found.seconds < 960


@pytest.mark.parametrize(
    "client",
    [hammer, _hammer_and_shrug, _hold_and_hammer, _sleep_long, _sleep_without_end],
    ids=["hammers", "hammers until it is cut off", "holds a connection", "sleeps for ever", "sleeps without end"],
)
def test_a_function_that_does_not_end_is_ended(client: Client) -> None:
    """It is not taken for one that failed, the next is not ended with it, and what it left open warns of nothing."""
    assert play(client).status is None
    assert play(create).status == 0


@pytest.mark.parametrize("one", client_scenarios("429/retry-after-?", "429/thrice"))
def test_a_function_is_judged_in_the_scenarios_that_are_named(one: str) -> None:
    """Globs name them; each is played on its own."""
    judged = judge_client(create, one)
    assert (judged.case, judged.verdict) == (one, Outcome.PASS), judged.explanation


def test_an_unknown_scenario_is_told_with_the_nearest() -> None:
    """Also where it would be a glob: one scenario is judged at a time."""
    assert len(client_scenarios()) > 90
    with pytest.raises(InputError, match="there is no scenario 429/nothing-"):
        client_scenarios("429/nothing-*")
    with pytest.raises(InputError, match="there is no scenario 429/retry-after-3; did you mean"):
        judge_client(create, "429/retry-after-3")


def test_a_wrong_function_is_told_what_it_did() -> None:
    """The explanation has its requests, what it printed, and how to see it again."""

    def impatient(task: TaskGiven) -> None:
        for _ in range(2):
            status, body, _ = ask(f"{task['LUMA_BASE_URL']}/generations", task, {"prompt": task["LUMA_PROMPT"]})
            print(json.loads(body).get("id"), status)

    judged = judge_client(impatient, "429/retry-after-60")
    assert judged.verdict is Outcome.FAIL
    assert judged.explanation is not None
    assert "the client did   the second POST came " in judged.explanation
    assert "429 Rate limit exceeded, Retry-After: 60" in judged.explanation
    assert "printed          None 429" in judged.explanation
    assert "again            judge_client(impatient, '429/retry-after-60')" in judged.explanation
    assert judged.timeline[0].asked == "POST /v1/generations"


def test_clients_that_speak_no_tls_share_what_they_read_for_it() -> None:
    """A context is made once however many clients ask for it, and anew when nothing is judged."""
    made: list[ssl.SSLContext] = []
    before = ssl.create_default_context
    for _ in range(2):
        play(lambda task: made.append(ssl.create_default_context()))

    assert made[0] is made[1]
    assert ssl.create_default_context is before
