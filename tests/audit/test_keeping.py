"""What an audit keeps of a long recording: little of each exchange, and all that later checks need."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator

import pytest

from luma_conformance.audit.audit import Audit
from luma_conformance.catalogue import files as casefiles
from luma_conformance.model import Exchange, Request, Response
from luma_conformance.recording.entry import Entry

HOST = "https://agents.lumalabs.ai"
KEYED = (("Authorization", "Bearer luma-api-a-key-0001"), ("Content-Type", "application/json"))
ANSWERED = (("Content-Type", "application/json"), ("X-API-Version", "2026-04-01"), ("Server", "nginx/1.27"))
LIMITS = (("X-RateLimit-Limit", "30"), ("X-RateLimit-Remaining", "29"))
ID = "7c9e6679-7425-40de-944b-e07fc1f90ae7"


def entry(number: int, method: str, status: int, asked: object, said: object) -> Entry:
    """Return an exchange of a recording, a minute and a bit after the one before."""
    at = 1_700_000_000 + 61.5 * number
    path = "/v1/generations" if method == "POST" else f"/v1/generations/{ID}"
    traced = ("X-Request-Id", f"request-{number}")
    reset = (*LIMITS, ("X-RateLimit-Reset", str(int(at + 60)))) if status == 201 else ()
    request = Request(method=method, url=path, headers=(*KEYED, traced), body=json.dumps(asked).encode())
    response = Response(status=status, headers=(*ANSWERED, *reset, traced), body=json.dumps(said).encode())
    exchange = Exchange(request=request, response=response, sent=at, received=at + 0.1)
    return Entry(exchange=exchange, base_url=HOST, place=f"traffic.har:entry {number + 1}")


def generation(**facts: object) -> dict[str, object]:
    """Return what an answer says of a generation."""
    made: dict[str, object] = {"id": ID, "type": "image", "model": "uni-1", "created_at": "2026-04-08T12:00:00Z"}
    return {**made, "state": "queued", "output": [], "failure_reason": None, "failure_code": None, **facts}


def refused(count: int) -> Iterator[Entry]:
    """Yield requests for an unknown model, each with a long prompt of its own."""
    for number in range(count):
        asked = {"model": "x", "prompt": f"{number} " + "lighthouse " * 100}
        yield entry(number, "POST", 400, asked, {"detail": "Unknown model: x"})


def polled(count: int) -> Iterator[Entry]:
    """Yield a request for a generation, and polls of it that all say the same."""
    yield entry(0, "POST", 201, {"prompt": "a lighthouse " * 100}, generation())
    for number in range(1, count):
        yield entry(number, "GET", 200, None, generation(state="processing"))


@pytest.mark.parametrize(("entries", "most"), [(refused, 800), (polled, 800)], ids=["refused", "polled"])
def test_a_longer_recording_takes_little_more_memory(entries, most: int) -> None:  # type: ignore[no-untyped-def]
    """Some hundred bytes are kept of an exchange that is over two thousand bytes long; of later ones, fewer."""
    catalogue = casefiles.own()
    grown = []
    for count in (50, 450):
        audit = Audit(catalogue=catalogue)
        for one in entries(20):  # what is read once, and kept for every audit
            audit.add(one)
        audit = Audit(catalogue=catalogue)
        tracemalloc.start()
        for one in entries(count):
            audit.add(one)
        grown.append(tracemalloc.get_traced_memory()[0])
        tracemalloc.stop()
        audit.end()
        assert (audit.judged, audit.findings) == (count, [])

    assert (grown[1] - grown[0]) / 400 < most


@pytest.mark.parametrize(("exported", "found"), [(True, 0), (False, 1)])
def test_the_output_of_an_exported_video_may_be_of_another_type(exported: bool, found: int) -> None:  # noqa: FBT001
    """An EXR comes beside a video in a way of its own; of any other video, an image is no output."""
    asked = {"model": "ray-3.2", "type": "video", "prompt": "a", "video": {"hdr": True, "exr_export": exported}}
    made = {"type": "video", "model": "ray-3.2"}
    audit = Audit(catalogue=casefiles.own())
    audit.add(entry(0, "POST", 201, asked, generation(**made)))
    output = [{"type": "image", "url": "https://storage.example/a.exr?X-Amz-Signature=1"}]
    audit.add(entry(1, "GET", 200, None, generation(**made, state="completed", output=output)))
    audit.end()

    assert [one.what for one in audit.findings] == ['the output of a video is of type "image"'] * found
