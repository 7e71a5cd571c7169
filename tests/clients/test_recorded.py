"""What a client did in a recording is judged by what the page tells clients, and nothing else is."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from luma_conformance.cli.main import main
from luma_conformance.clients import files
from luma_conformance.clients.conduct import Conduct
from luma_conformance.clients.in_process import play_in_process
from luma_conformance.clients.recorded import Recorded, Slip
from luma_conformance.clients.verdict import judge
from luma_conformance.judge.rate_limit import CONCURRENCY
from luma_conformance.model import Exchange, Headers, Request, Response, Severity
from luma_conformance.recording.entry import TIMES, Entry
from tests.clients.programs import faulty

KEY = "Bearer luma-api-recorded-key-0001"
URL = "https://storage.example.com/out.png?X-Amz-Signature=1"
POST, GET = "/v1/generations", "/v1/generations/d290f1ee-6c54-4b01-90e6-d701748f0851"
Said = tuple[float, str, int, object]
"""When a request was sent, its URL, the status of the answer, and what it said."""

FOX = {"prompt": "a fox"}
PROCESSING = {"state": "processing"}
COMPLETED = {"state": "completed", "output": [{"type": "image", "url": URL}]}


def entries(*said: Said, key: str | None = KEY, is_timed: bool = True) -> Iterator[Entry]:
    """Yield recorded exchanges, each answered a tenth of a second after it was sent."""
    for number, (at, url, status, what) in enumerate(said, start=1):
        asked: Headers = (("Authorization", key),) if key is not None else ()
        body = json.dumps(FOX).encode() if url == POST else b""
        headers: Headers = (("Retry-After", str(what)),) if status == 429 else ()
        told = {"detail": CONCURRENCY if what == 60 else "Rate limit exceeded"} if status == 429 else what
        exchange = Exchange(
            request=Request(method="POST" if url == POST else "GET", url=url, headers=asked, body=body),
            response=Response(status=status, headers=headers, body=json.dumps(told).encode()),
            sent=at,
            received=at + 0.1,
        )
        unknown = {} if is_timed else {TIMES: "a cassette has none"}
        yield Entry(exchange=exchange, base_url="https://a", place=f"a.har:entry {number}", unknown=unknown)


def judged(*said: Said, key: str | None = KEY, is_timed: bool = True) -> list[Slip]:
    """Return what the client of a recording did wrong."""
    recorded = Recorded()
    for one in entries(*said, key=key, is_timed=is_timed):
        recorded.add(one)
    return [*recorded.end()]


WRONG: dict[str, tuple[tuple[Said, ...], str]] = {
    "a refused request again": (((0, POST, 400, {}), (1, POST, 400, {})),
                                "it sent the same POST again 0.9 s after 400 ("),
    "a refused poll again": (((0, GET, 404, {"detail": "x"}), (1, GET, 404, {"detail": "x"})),
                             "it sent the same poll again 0.9 s after 404 x (a.har:entry 1)"),
    "too early": (((0, POST, 429, 12), (3, POST, 201, {})),
                  "a POST came 2.9 s after the answer; Retry-After was 12 (a.har:entry 1)"),
    "too early for a slot": (((0, POST, 429, 60), (5, GET, 200, PROCESSING), (6, POST, 201, {})), "came 5.9 s after"),
    "polls without a pause": (tuple((n * 0.2, GET, 200, PROCESSING) for n in range(5)), "came 0.2 s apart"),
    "polls too fast": (tuple((n * 0.8, GET, 200, PROCESSING) for n in range(5)), "came 0.8 s apart"),
    "the key at the storage host": (((0, GET, 200, COMPLETED), (1, URL, 200, "")),
                                    "carried an Authorization header to the storage host"),
    "without an end": (tuple((n * 10.0, POST, 502, {"detail": "x"}) for n in range(12)), "it is number 11 of the same"),
}  # fmt: skip


ADVISED = ("polls too fast", "a refused poll again")
"""Mistakes in what the page advises, and does not demand."""


@pytest.mark.parametrize("name", WRONG)
def test_a_mistake_of_a_client_is_found(name: str) -> None:
    """Each mistake is one slip, in the words of the page's advice."""
    said, saw = WRONG[name]

    (slip,) = judged(*said)

    assert saw in slip.saw
    assert slip.severity is (Severity.SHOULD if name in ADVISED else Severity.MUST)


@pytest.mark.parametrize("name", WRONG)
def test_a_mistake_is_told_as_scenarios_tell_it(name: str) -> None:
    """A finding that a scenario can make too has its reason, as strong a word, and a section of the page."""
    (slip,) = judged(*WRONG[name][0])

    demands = [demand for scenario in files.own() for demand in scenario.expectations]
    assert (slip.severity, slip.because) in {(demand.severity, demand.because) for demand in demands}
    assert slip.section in {*(demand.section for demand in demands), "Quick reference"}


RIGHT: dict[str, tuple[tuple[Said, ...], str | None, bool]] = {
    "a changed request": (((0, POST, 400, {}), (1, GET, 200, PROCESSING)), KEY, True),
    "the same request minutes later": (((0, POST, 402, {}), (300, POST, 201, {})), KEY, True),
    "in time": (((0, POST, 429, 12), (12.1, POST, 201, {})), KEY, True),
    "a poll meanwhile": (((0, POST, 429, 60), (3, GET, 200, PROCESSING), (60.1, POST, 201, {})), KEY, True),
    "retries of a 502": (tuple((n * 6.0, POST, 502, {}) for n in range(5)), KEY, True),
    "polls every two seconds": (tuple((n * 2.0, GET, 200, PROCESSING) for n in range(40)), KEY, True),
    "two quick polls": (((0, GET, 200, PROCESSING), (0.2, GET, 200, PROCESSING)), KEY, True),
    "polls without times": (tuple((0.0, GET, 200, PROCESSING) for _ in range(9)), KEY, False),
    "a refusal of a key that is hidden": (((0, POST, 401, {}), (1, POST, 401, {})), "REDACTED", True),
    "a wait of a key that is not there": (((0, POST, 429, 12), (3, POST, 201, {})), None, True),
    "two of the same at once": (((0, POST, 400, {}), (0, POST, 400, {})), KEY, True),
    "a slot that is free again": (
        ((0, POST, 429, 60), (5, GET, 200, {"state": "failed"}), (6, POST, 201, {})), KEY, True,
    ),
    "a download without a key": (((0, GET, 200, COMPLETED), (1, URL, 200, "")), None, True),
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT)
def test_what_is_allowed_or_not_shown_is_no_mistake(name: str) -> None:
    """A conforming client has no slip, and neither has one of which the recording does not show enough."""
    said, key, is_timed = RIGHT[name]

    assert judged(*said, key=key, is_timed=is_timed) == []


def test_an_expired_url_that_is_used_again_is_found() -> None:
    """A URL that was refused, or that is more than an hour old, is not used again."""
    said: tuple[Said, ...] = ((0, GET, 200, COMPLETED), (10, URL, 403, ""), (11, URL, 403, ""), (4000, URL, 403, ""))

    saws = [slip.saw for slip in judged(*said, key=None)]

    assert saws == [
        "it sent the same download again after 403 (a.har:entry 2)",
        "it sent the same download again after 403 (a.har:entry 3)",
    ]
    assert [slip.saw for slip in judged(said[0], said[3], key=None)] == ["it used a URL that was 67 minutes old"]


def test_a_repetition_without_times_is_a_should() -> None:
    """Where a recording does not tell the times, a program may have been run twice."""
    (slip,) = judged((0, POST, 400, {}), (0, POST, 400, {}), is_timed=False)

    assert slip.severity is Severity.SHOULD


def test_the_command_says_what_the_client_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`audit --client` prints each slip, counts them, and ends with 1 for a must."""
    monkeypatch.chdir(tmp_path)
    listed = [
        {
            "startedDateTime": f"2026-11-26T12:00:0{number}Z",
            "time": 40,
            "request": {"method": "POST", "url": f"https://agents.lumalabs.ai{POST}", "bodySize": 19,
                        "headers": [{"name": "Content-Type", "value": "application/json"}],
                        "postData": {"text": '{"prompt": "a fox"}'}},
            "response": {"status": 422, "content": {"size": 0}, "bodySize": -1,
                         "headers": [{"name": "X-Request-Id", "value": "a"}]},
        }
        for number in (1, 2)
    ]  # fmt: skip
    Path("a.har").write_text(json.dumps({"log": {"entries": listed}}))

    assert main(["audit", "--client", "a.har"]) == 1

    said = capsys.readouterr().out
    assert "the client did   it sent the same POST again 0.96 s after 422 (a.har:entry 1)" in said
    assert "client      1 must and 0 shoulds broken" in said


SCENARIOS = {one.id: one for one in files.own()}
PLAYED = {
    "repeats-400": "refused/400-prompt",
    "repeats-401": "refused/401-revoked",
    "repeats-402": "refused/402-no-funds",
    "repeats-404": "polling/not-found",
    "repeats-422": "refused/422-base64",
    "hammers-429": "429/retry-after-5",
    "waits-half": "429/retry-after-5",
    "caps-the-wait-at-a-second": "429/concurrent-60",
}
"""Mistakes of a program that a recording shows as well as a scenario, and the scenarios that catch them."""


def record(habits: faulty.Habits, scenario: str) -> tuple[Conduct, list[Slip]]:
    """Return what a program does in a scenario, and what a recording of it shows to be wrong."""
    conduct = play_in_process(lambda environ: sys.exit(faulty.do(habits, environ)), SCENARIOS[scenario])
    recorded = Recorded()
    for number, seen in enumerate(conduct.seen, start=1):
        exchange = Exchange(
            request=seen.request, response=seen.reply.response, sent=seen.arrived, received=seen.answered
        )
        recorded.add(Entry(exchange=exchange, base_url="https://a", place=f"a.har:entry {number}"))
    return conduct, [*recorded.end()]


@pytest.mark.parametrize("mistake", PLAYED)
def test_a_recording_of_a_program_shows_what_its_scenario_finds(mistake: str) -> None:
    """The recording of a faulty program shows its mistake, for a reason and with a strength that the scenario has."""
    conduct, slips = record(faulty.MISTAKES[mistake], PLAYED[mistake])

    broken = judge(SCENARIOS[PLAYED[mistake]], conduct).broken
    assert slips
    assert {(slip.severity, slip.because) for slip in slips} <= {
        (one.expectation.severity, one.expectation.because) for one in broken
    }


@pytest.mark.parametrize("scenario", [*dict.fromkeys(PLAYED.values()), "502/thrice", "polling/long-processing"])
def test_a_recording_of_a_right_program_shows_nothing(scenario: str) -> None:
    """The same program without a mistake has no slip."""
    _, slips = record(faulty.RIGHT, scenario)

    assert slips == []
