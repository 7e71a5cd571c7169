"""How what the kit does grows with how much there is: whole processes at a hundredth, a tenth and all of it.

What is linear costs as much for each of the last as of the first, wherever it began.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from luma_conformance.model import Exchange, Request, Response
from luma_conformance.reference.clock import VirtualClock
from luma_conformance.reference.service import Service
from luma_conformance.reference.settings import Settings
from tests.bench.measuring import BARE, KIT, PYTEST, Cost, run, seconds, show_table, tell
from tests.bench.peers.cases import write_all
from tests.bench.server import serving

EXCHANGES = 100_000
CASES = 30_000
KEY = (("Authorization", "Bearer luma-api-test-main"),)
_COMMAND = (sys.executable, "-m", "luma_conformance")
_HOST = "https://agents.lumalabs.ai"


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Something done with a folder of so many cases or exchanges."""

    name: str
    command: Sequence[str]
    variables: Mapping[str, str] = field(default_factory=dict)
    statuses: tuple[int, ...] = (0,)


def measure(share: int = 1) -> Iterator[str]:
    """Yield a table for recorded exchanges, and one for cases; `share` divides how many there are."""
    with tempfile.TemporaryDirectory() as folder, serving() as url:
        yield _tabulate(Path(folder), EXCHANGES // share, "exchanges", write_recordings, _AUDITS)
        yield _tabulate(Path(folder), CASES // share, "cases", lambda at, n: write_all(at, n, url), list_runs(url))


_AUDITS = (
    Work(name="audit, HAR", command=(*_COMMAND, "audit", "traffic.har")),
    Work(name="audit, cassette", command=(*_COMMAND, "audit", "traffic.yaml")),
    Work(name="audit --client, HAR", command=(*_COMMAND, "audit", "--client", "traffic.har"), statuses=(0, 1)),
    Work(name="compare two HAR files", command=(*_COMMAND, "compare", "traffic.har", "traffic.har")),
)


def list_runs(url: str) -> tuple[Work, ...]:
    """Return the work of judging cases on a server, each after what it needs."""
    judge = (*PYTEST, *KIT, "cases")
    live = {**BARE, "LUMA_AGENTS_API_KEY": "luma-api-bench"}
    return (
        Work(name="collect", command=(*judge, "--collect-only", "-q"), variables=live),
        Work(name="judge", command=(*judge, "--base-url", url), variables=live),
        Work(name="judge, record", command=(*judge, "--base-url", url, "--luma-record", "run.har"), variables=live),
        Work(name="replay the recording", command=(*judge, "--base-url", "cassette:run.har"), variables=BARE),
        Work(name="judge, report", command=(*judge, "--base-url", url, "--luma-report", "new"), variables=live),
        Work(name="compare two results", command=(*_COMMAND, "compare", "new", "new")),
    )


def _tabulate(folder: Path, most: int, noun: str, write: Callable[[Path, int], object], works: Iterable[Work]) -> str:
    counts = (most // 100, most // 10, most)
    costs: dict[str, list[Cost]] = {work.name: [] for work in works}
    for count in counts:
        (within := folder / f"{noun}{count}").mkdir()
        write(within, count)
        for work in works:
            tell(f"scaling: {count:,} {noun}: {work.name}")
            costs[work.name].append(run(work.command, cwd=within, env=work.variables, statuses=work.statuses))
    head = [f"CPU seconds, {noun}", *(f"{count:,}" for count in counts), "µs each", "then", "ratio", "MiB", "then"]
    return show_table(head, [describe_growth(name, counts, found) for name, found in costs.items()])


def describe_growth(name: str, counts: Sequence[int], costs: Sequence[Cost]) -> list[str]:
    """Return a row: the costs, what each costs from the first count to the second and to the last, and the memory."""
    first, then = ((costs[one + 1].cpu - costs[one].cpu) / (counts[one + 1] - counts[one]) * 1e6 for one in (0, 1))
    growth = [f"{first:.0f}", f"{then:.0f}", f"{then / first:.2f}"]
    return [name, *(seconds(cost.cpu) for cost in costs), *growth, *(f"{cost.peak:.0f}" for cost in costs[1:])]


def write_recordings(folder: Path, count: int) -> None:
    """Write a HAR file as of a proxy, and a cassette as of vcrpy, of the same exchanges."""
    with (folder / "traffic.har").open("w") as har, (folder / "traffic.yaml").open("w") as cassette:
        har.write('{"log": {"version": "1.2", "creator": {"name": "proxy", "version": "1"}, "entries": [')
        cassette.write("version: 1\ninteractions:\n")
        for number, exchange in enumerate(make_traffic(count)):
            har.write((",\n" if number else "") + json.dumps(_to_entry(exchange)))
            cassette.write(yaml.dump([_to_interaction(exchange)], Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper)))
        har.write("]}}")


def make_traffic(count: int) -> Iterator[Exchange]:
    """Yield exchanges with the reference, seven seconds apart: of ten, two create, four poll, four are refused."""
    clock = VirtualClock()
    handle = Service(clock=clock, settings=Settings()).handle
    name = ""
    for number in range(count):
        clock.sleep(7)
        turn = number % 5
        body = {"prompt": f"A lighthouse at dusk, number {number}", "model": "uni-1" if turn == 0 else "uni-9"}
        if turn in (1, 2):
            request = Request(method="GET", url=f"/v1/generations/{name}", headers=KEY)
        else:
            headers = (*KEY, ("Content-Type", "application/json"))
            request = Request(method="POST", url="/v1/generations", headers=headers, body=json.dumps(body).encode())
        sent = clock.now()
        response: Response = handle(request)
        name = json.loads(response.body)["id"] if turn == 0 else name
        yield Exchange(request=request, response=response, sent=sent, received=sent + 0.05)


def _to_entry(exchange: Exchange) -> dict[str, Any]:
    request, response = exchange.request, exchange.response
    posted = {"postData": {"mimeType": "application/json", "text": request.body.decode()}} if request.body else {}
    return {
        "startedDateTime": datetime.fromtimestamp(exchange.sent, UTC).isoformat(),
        "time": 50,
        "request": {
            "method": request.method,
            "url": _HOST + request.url,
            "headers": [{"name": name, "value": value} for name, value in request.headers],
            "bodySize": len(request.body),
            **posted,
        },
        "response": {
            "status": response.status,
            "headers": [{"name": name, "value": value} for name, value in response.headers],
            "content": {"size": len(response.body), "mimeType": "application/json", "text": response.body.decode()},
        },
    }


def _to_interaction(exchange: Exchange) -> dict[str, Any]:
    request, response = exchange.request, exchange.response
    return {
        "request": {
            "method": request.method,
            "uri": _HOST + request.url,
            "body": request.body.decode() or None,
            "headers": {name: [value] for name, value in request.headers},
        },
        "response": {
            "status": {"code": response.status, "message": ""},
            "headers": {name: [value] for name, value in response.headers},
            "body": {"string": response.body.decode()},
        },
    }
