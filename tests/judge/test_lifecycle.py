"""The life of a generation in polls, whose URLs grow old, and lookups that must look alike."""

from __future__ import annotations

import pytest

from luma_conformance.judge.lifecycle import judge_indistinguishable, judge_life_cycle
from luma_conformance.model import Exchange, Request
from tests.kit import exchange, response

FACTS = {"id": "g", "type": "image", "model": "uni-1", "created_at": "2026-01-01T00:00:00Z"}
CREATED = exchange(
    response(201, {**FACTS, "state": "queued"}), Request(method="POST", url="/v1/generations", body=b"{}")
)
UNKNOWN, FOREIGN = "an unknown id", "another client's id"


def poll(url: str, sent: float, received: float) -> Exchange:
    """Return a poll that found the generation completed, its output at a URL."""
    body = {**FACTS, "state": "completed", "output": [{"type": "image", "url": url}]}
    return exchange(response(200, body), Request(method="GET", url="/v1/generations/g"), sent=sent, received=received)


@pytest.mark.parametrize(
    ("polls", "wrong"),
    [
        ([("https://a", 10.0, 10.0), ("https://a", 10.9, 10.9)], []),
        ([("https://a", 10.0, 10.6), ("https://a", 11.2, 11.3)], []),
        ([("https://a", 10.0, 10.2), ("https://a", 11.4, 11.5)], [2]),
        ([("https://a", 10.0, 10.0), ("https://a", 10.7, 10.7), ("https://a", 11.3, 11.3)], [3]),
        ([("https://a", 10.0, 10.0), ("https://b", 10.5, 10.5), ("https://a", 70.0, 70.0)], [3]),
        ([("https://a", 10.0, 10.0), ("https://b", 70.0, 70.0)], []),
        ([("https://a", 10.0, 15.0), ("https://a", 10.1, 14.0)], []),
    ],
    ids=["one second", "perhaps one second", "another second", "a chain", "an old one again", "fresh", "overlapping"],
)
def test_a_url_is_fresh_unless_a_second_has_passed_for_certain(
    polls: list[tuple[str, float, float]], wrong: list[int]
) -> None:
    """Presigned URLs tell their time in whole seconds: two of one second may be equal."""
    found = judge_life_cycle(CREATED, [poll(*one) for one in polls])

    assert [oddity.exchange for oddity in found] == wrong
    assert all("every poll makes a fresh one" in oddity.what for oddity in found)


VIDEO_FACTS = {**FACTS, "type": "video", "model": "ray-3.2"}
VIDEO_CREATED = exchange(
    response(201, {**VIDEO_FACTS, "state": "queued"}),
    Request(method="POST", url="/v1/generations", body=b'{"model": "ray-3.2", "type": "video"}'),
)
FAILED = {"state": "failed", "failure_code": "corrupt_input", "failure_reason": "Not a video.", "output": []}
VIDEO = {"type": "video", "url": "https://a.test/1"}
DONE = {"state": "completed", "output": [VIDEO]}


@pytest.mark.parametrize(
    ("polls", "said"),
    [
        ([FAILED, {**FAILED, "failure_code": "rate_limited"}], ["failure_code was"]),
        ([DONE, {**DONE, "output": [{**VIDEO, "url": f"https://a.test/{n}"} for n in (2, 3)]}], ["it had 1"]),
        ([{**DONE, "output": [{**VIDEO, "type": "image"}]}], ["the output of a video is of type"]),
        ([FAILED, FAILED], []),
        ([FAILED, {**FAILED, "failure_reason": "It is not a video."}], []),
        ([DONE, {**DONE, "output": [{**VIDEO, "url": "https://a.test/2"}]}], []),
    ],
)
def test_what_a_generation_ended_with_stays(polls: list[dict[str, object]], said: list[str]) -> None:
    """Code and outputs are the same at each later poll, and the outputs are of what was asked for; words may vary."""
    lookup = Request(method="GET", url="/v1/generations/g")
    found = judge_life_cycle(VIDEO_CREATED, [exchange(response(200, {**VIDEO_FACTS, **one}), lookup) for one in polls])

    assert [one.what.startswith(start) for one, start in zip(found, said, strict=True)] == [True] * len(said)


def lookup(label: str, *headers: tuple[str, str], status: int = 404, **members: object) -> tuple[str, Exchange]:
    """Return a lookup of an id: not found, with headers, and members beside the usual."""
    return label, exchange(response(status, {"detail": "Generation not found", **members}, headers))


@pytest.mark.parametrize(
    ("told", "what"),
    [
        (lookup(FOREIGN, status=403), "status: 403, not 404"),
        (lookup(FOREIGN, owner="b"), "body"),
        (lookup(FOREIGN, ("ETag", '"a"')), "headers"),
    ],
)
def test_what_tells_an_id_apart_each_time_is_found(told: tuple[str, Exchange], what: str) -> None:
    """A status, a member or a header that only the one id gets gives it away, however often it is asked."""
    for lookups in ([lookup(UNKNOWN), told], [lookup(UNKNOWN), told, lookup(UNKNOWN), told]):
        found = judge_indistinguishable(lookups)
        assert [oddity.exchange for oddity in found] == [*range(1, len(lookups), 2)]
        assert what in found[0].what


def test_what_differs_between_answers_about_one_id_tells_nothing() -> None:
    """A counter in a header or a member, and a header that is only sometimes there, are no difference between ids."""
    cold = ("X-Cold", "1")
    lookups = [
        lookup(UNKNOWN, ("X-Trace", "1"), cold, trace=1),
        lookup(FOREIGN, ("X-Trace", "2"), trace=2),
        lookup(UNKNOWN, ("X-Trace", "3"), trace=3),
        lookup(FOREIGN, ("X-Trace", "4"), trace=4),
    ]

    assert judge_indistinguishable(lookups) == ()
    assert judge_indistinguishable(lookups[:2]) != ()


def test_a_status_that_changes_for_one_id_is_found() -> None:
    """An id that is sometimes forbidden and sometimes not found is told apart where it is forbidden."""
    lookups = [lookup(UNKNOWN), lookup(FOREIGN, status=403), lookup(UNKNOWN), lookup(FOREIGN)]

    assert [oddity.exchange for oddity in judge_indistinguishable(lookups)] == [1]
