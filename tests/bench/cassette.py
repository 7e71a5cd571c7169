"""Measures recordings: loading, and replaying case by case, vcrpy on the same exchanges beside it.

Run: python tests/bench/cassette.py [EXCHANGES]
"""

from __future__ import annotations

import http.client
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import vcr  # type: ignore[import-untyped]
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from luma_conformance.catalogue import files as casefiles
from luma_conformance.model import Case, Outcome
from luma_conformance.recording.har import read_entries
from luma_conformance.session.open import Options, open_session

HOST = "reference.invalid"
SAMPLE = 100


def cases(count: int) -> Iterator[Case]:
    """Yield cases of one small request each, again and again under other ids."""
    small = [case for case in casefiles.own() if len(case.steps) == 1 and "large-uploads" not in case.needs]
    small = [case for case in small if "fast-clock" not in case.needs and case.steps[0].ask.url.startswith("/v1")]
    for number in range(count):
        case = small[number % len(small)]
        yield replace(case, id=f"{case.id}-{number}")


def record(file: Path, count: int) -> None:
    """Record so many exchanges of the embedded reference."""
    session = open_session(Options(record=file))
    for case in cases(count):
        session.run(case)
    session.close()


def ours(file: Path, count: int) -> tuple[float, float]:
    """Return the seconds it takes to load, and to replay each case once, judged."""
    start = time.perf_counter()
    session = open_session(Options(target=f"cassette:{file}"))
    loaded = time.perf_counter()
    outcomes = [session.run(case).verdict.outcome for case in cases(count)]
    assert set(outcomes) == {Outcome.PASS}
    return loaded - start, time.perf_counter() - loaded


def theirs(file: Path, cassette: Path) -> tuple[float, float]:
    """Return the same of vcrpy, which compares no answer; it replays a hundred, spread evenly."""
    found = list(read_entries(file))
    cassette.write_text(yaml.dump({"version": 1, "interactions": [_interaction(entry.exchange) for entry in found]}))
    start = time.perf_counter()
    with vcr.use_cassette(str(cassette), record_mode="none", match_on=("method", "path", "body")):
        loaded = time.perf_counter()
        for entry in found[:: len(found) // SAMPLE]:
            request = entry.exchange.request
            connection = http.client.HTTPConnection(HOST)
            connection.request(request.method, request.url, request.body or None, dict(request.headers))
            connection.getresponse().read()
    return loaded - start, (time.perf_counter() - loaded) * len(found) / SAMPLE


def _interaction(exchange) -> dict[str, object]:  # type: ignore[no-untyped-def]
    request, response = exchange.request, exchange.response
    return {
        "request": {
            "method": request.method,
            "uri": f"http://{HOST}{request.url}",
            "body": request.body.decode() or None,
            "headers": {name: [value] for name, value in request.headers},
        },
        "response": {
            "status": {"code": response.status, "message": ""},
            "headers": {name: [value] for name, value in response.headers},
            "body": {"string": response.body.decode()},
        },
    }


def main(most: int) -> None:
    """Print load and replay times of a tenth, and of all."""
    for count in (most // 10, most):
        with TemporaryDirectory() as folder:
            file = Path(folder) / "run.har"
            record(file, count)
            for name, (load, replay) in (("ours", ours(file, count)), ("vcrpy", theirs(file, Path(folder) / "c.yaml"))):
                print(
                    f"{count:>6} exchanges  {name:<6} load {load * 1e3:7.0f} ms ({load / count * 1e6:6.0f} us each)   "
                    f"replay {replay / count * 1e3:6.2f} ms a case",
                    flush=True,
                )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3000)
