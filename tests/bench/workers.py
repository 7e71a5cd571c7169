"""Eight workers on a server that takes 100 ms an answer: how much longer than an eighth of all answers they take.

Not pinned to one core. The bare server refuses generated cases; the reference, behind the same delay, is judged whole.
"""

from __future__ import annotations

import asyncio
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from luma_conformance.reference.asgi import Message, Receive, Send, application
from luma_conformance.reference.clock import WallClock
from luma_conformance.reference.service import Service
from luma_conformance.reference.settings import Settings
from tests.bench.measuring import BARE, KIT, PYTEST, ROOT, run, seconds, show_table, started, tell
from tests.bench.peers.cases import write_all
from tests.bench.server import count_requests, serving

DELAY = 0.1
WORKERS = 8
CASES = 800
GOAL = 1.3
_SPREAD = ("-p", "xdist.plugin", "-n", str(WORKERS))


def measure() -> Iterator[str]:
    """Yield the table."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        with serving("--delay", str(DELAY)) as url:
            write_all(Path(folder), CASES, url)
            command = [*PYTEST, *KIT, *_SPREAD, "--base-url", url, "cases"]
            tell(f"workers: {CASES} cases")
            cost = run(command, cwd=Path(folder), env={**BARE, "LUMA_AGENTS_API_KEY": "luma-api-bench"})
            rows.append((f"{CASES} generated cases", count_requests(url), cost.wall))
        with slow_reference() as url:
            tell("workers: the gate")
            command = [*PYTEST, *KIT, *_SPREAD, "--pyargs", "luma_conformance", "--base-url", url]
            cost = run(command, cwd=Path(folder), env=BARE)
            rows.append(("the gate on the reference", count_requests(url), cost.wall))
    yield show_table(
        [f"-n {WORKERS}, {DELAY * 1000:.0f} ms an answer", "requests", "seconds", "ideal", "x ideal", "goal"],
        [
            (name, f"{count:,}", seconds(wall), seconds(ideal), f"{wall / ideal:.2f}", f"{GOAL}")
            for name, count, wall in rows
            for ideal in [count * DELAY / WORKERS]
        ],
    )


def slow_reference() -> AbstractContextManager[str]:
    """Serve the reference with the delay, in a process of its own, and yield its URL."""
    return started([sys.executable, "-m", "tests.bench.workers"], cwd=ROOT)


def serve() -> None:
    """Serve the reference with the delay; a GET of `/count` says how many requests there were."""
    import uvicorn

    answer = application(Service(clock=WallClock(), settings=Settings()).handle)
    count = 0

    async def delayed(scope: Message, receive: Receive, send: Send) -> None:
        nonlocal count
        if scope["path"] == "/count":
            headers = [(b"content-type", b"text/plain")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": str(count).encode()})
            return
        count += 1
        await asyncio.sleep(DELAY)
        await answer(scope, receive, send)

    listening = socket.create_server(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
    uvicorn.Server(uvicorn.Config(delayed, lifespan="off", log_level="critical")).run(sockets=[listening])


if __name__ == "__main__":
    serve()
