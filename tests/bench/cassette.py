"""Measures what loading and replaying a recording costs, vcrpy on the same exchanges beside it.

`python tests/bench/cassette.py`. Replay is the lookup alone, without an HTTP client, of requests spread evenly over
the recording. By its defaults vcrpy does not look at bodies; it is given the cheapest matchers that tell them apart.
"""

from __future__ import annotations

import gc
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import vcr  # type: ignore[import-untyped]
from vcr.cassette import Cassette  # type: ignore[import-untyped]
from vcr.persisters.filesystem import FilesystemPersister  # type: ignore[import-untyped]
from vcr.serializers import yamlserializer  # type: ignore[import-untyped]

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from conformance import har, vcrfile
from conformance.cassette import FORMAT, Player, Recorder, Storing
from conformance.channel import Channel
from conformance.model import Exchange, Request, Response

BASE = "https://agents.lumalabs.ai"
AS_IT_IS = Storing(request=lambda one: one, response=lambda one: one, fold=lambda one: one, unfold=lambda one: one)
REPLAYED = 100


class Answering:
    """A channel that answers every request alike."""

    def exchange(self, request: Request, *, at_once: bool = False) -> Exchange:
        """Returns a refusal."""
        answer = Response(status=400, headers=HEADERS, body=b'{"detail": "Unknown model: super-model-v9"}')
        return Exchange(request=request, response=answer, sent=1775649600.0, received=1775649600.1)

    def sleep(self, seconds: float, role: str) -> None:
        """Lets no time pass."""


HEADERS = (
    ("Content-Type", "application/json"),
    ("X-Request-Id", "550e8400-e29b-41d4-a716-446655440000"),
    ("X-API-Version", "2026-04-01"),
    ("Date", "Wed, 08 Apr 2026 12:00:00 GMT"),
)


def requests(count: int) -> list[Request]:
    """Returns so many different requests."""
    asked = (("Authorization", "Bearer $KEY"), ("Content-Type", "application/json"), ("X-Request-Id", "luma-1"))
    bodies = (json.dumps({"prompt": f"A sunset, {number}", "model": "super-model-v9"}) for number in range(count))
    return [Request(method="POST", url="/v1/generations", headers=asked, body=body.encode()) for body in bodies]


def record(path: Path, asked: list[Request]) -> None:
    """Writes a recording of ours, one item a request."""
    channel: Channel = Answering()
    with har.Writer(path, {"format": FORMAT}) as writer:
        recorder = Recorder(channel, writer, BASE, AS_IT_IS, {})
        for number, request in enumerate(asked):
            recorder.begin(f"item-{number}")
            recorder.exchange(request)


def as_vcr(entries: Iterator[har.Entry]) -> tuple[list[Any], list[Any]]:
    """Returns the requests and responses of a recording as vcrpy has them."""
    asked, answered = [], []
    for entry in entries:
        request, response = entry.exchange.request, entry.exchange.response
        url, headers = entry.base_url + request.url, dict(request.headers)
        asked.append(vcr.request.Request(request.method, url, request.body, headers))
        lists = {name: [value] for name, value in response.headers}
        status = {"code": response.status, "message": "Bad Request"}
        answered.append({"status": status, "headers": lists, "body": {"string": response.body}})
    return asked, answered


def timed(run: Callable[[], object], times: int = 5) -> float:
    """Returns the median time of a run, in seconds."""
    taken = []
    for _ in range(times):
        gc.collect()
        start = time.perf_counter()
        run()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def ours(path: Path, asked: list[Request]) -> tuple[float, float]:
    """Returns the seconds our recording takes to load, and a request to be answered from it."""
    player = Player(path, AS_IT_IS, lambda _: None)

    def replay() -> None:
        for number in range(0, len(asked), len(asked) // REPLAYED):
            player.begin(f"item-{number}")
            player.exchange(asked[number])

    return timed(lambda: Player(path, AS_IT_IS, lambda _: None)), timed(replay) / REPLAYED


def theirs(path: Path) -> tuple[float, float]:
    """Returns the same of vcrpy."""
    match_on = (vcr.matchers.method, vcr.matchers.uri, vcr.matchers.raw_body)
    played = Cassette.load(path=str(path), allow_playback_repeats=True, match_on=match_on)
    spread = played.requests[:: len(played.requests) // REPLAYED]

    def replay() -> None:
        for request in spread:
            played.play_response(request)

    return timed(lambda: Cassette.load(path=str(path))), timed(replay, times=1) / REPLAYED


def main() -> None:
    """Prints load and replay costs at 300 and 3,000 exchanges."""
    print("exchanges   load, ms: ours   vcrpy   its cassette read by ours     replay, us a request: ours    vcrpy")
    with tempfile.TemporaryDirectory() as folder:
        for count in (300, 3000):
            recording, cassette = Path(folder) / f"{count}.har", Path(folder) / f"{count}.yaml"
            asked = requests(count)
            record(recording, asked)
            vcr_requests, responses = as_vcr(har.entries(recording))
            both = {"requests": vcr_requests, "responses": responses}
            FilesystemPersister.save_cassette(cassette, both, serializer=yamlserializer)
            read = timed(lambda file=cassette: list(vcrfile.entries(file)))  # type: ignore[misc]
            (load, replay), (their_load, their_replay) = ours(recording, asked), theirs(cassette)
            print(
                f"{count:>9}   {load * 1e3:14.0f} {their_load * 1e3:7.0f} {read * 1e3:27.0f}"
                f" {replay * 1e6:30.0f} {their_replay * 1e6:8.0f}"
            )


if __name__ == "__main__":
    main()
