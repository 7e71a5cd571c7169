"""Two recordings compared: what breaks a client, what does not, and what is no change at all."""

from __future__ import annotations

from typing import Any

import pytest

from luma_conformance.audit.changes import alike, compare_recordings
from luma_conformance.errors import Exit
from luma_conformance.model import Headers, Request
from luma_conformance.recording.entry import RESPONSE_BODY, RESPONSE_HEADERS, Entry
from luma_conformance.report.compare import Comparison, FailOn
from tests import kit

HEADERS: Headers = (
    ("Date", "Wed, 08 Apr 2026 12:00:00 GMT"),
    ("Content-Type", "application/json"),
    ("X-Request-Id", "550e8400-e29b-41d4-a716-446655440000"),
    ("X-RateLimit-Remaining", "28"),
)
LATER: Headers = (
    ("content-type", "application/json; charset=utf-8"),
    ("x-request-id", "another"),
    ("x-ratelimit-remaining", "3"),
    ("server", "nginx"),
)
MADE: dict[str, Any] = {
    "id": "d290f1ee-6c54-4b01-90e6-d701748f0851",
    "created_at": "2026-04-08T12:00:00Z",
    "state": "completed",
    "output": [{"type": "image", "url": "https://storage.example/a.png?X-Amz-Signature=1"}],
    "failure_code": None,
}
AGAIN: dict[str, Any] = {
    "id": "00000000-0000-0000-0000-000000000000",
    "created_at": "2026-05-01T00:00:00.123+00:00",
    "state": "completed",
    "output": [{"type": "image", "url": "https://other.example/b.png"}, {"type": "image", "url": "https://c.d/e"}],
    "failure_code": None,
}


def entry(
    body: object = MADE,
    *,
    status: int = 200,
    headers: Headers = HEADERS,
    url: str = "/v1/generations",
    asked: str = "{}",
    **more: Any,
) -> Entry:
    """Return an entry with this answer."""
    request = Request(method="POST", url=url, body=asked.encode())
    exchange = kit.exchange(kit.response(status, body, headers), request)
    return Entry(exchange=exchange, base_url="https://a", place="a.har:entry 1", **more)


def compare(old: list[Entry], new: list[Entry]) -> Comparison:
    """Return the comparison of two recordings."""
    return compare_recordings(old, new, names=("a.har", "b.har"))


def changed(old: Entry, new: Entry) -> list[tuple[str, str]]:
    """Return the kind of each change, and where it is, with what was there and what is."""
    found = [(change, change.where.removeprefix("POST /v1/generations: ")) for change in compare([old], [new]).changes]
    return [(f"{change.kind}", f"{where}: {change}") for change, where in found]


def test_ids_times_and_other_noise_are_not_changes() -> None:
    """Ids, times, URLs, dates, rate numbers, the server's own headers and how many outputs there are say nothing."""
    assert changed(entry(), entry(AGAIN, headers=LATER)) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"status": 400}, {"status": 422}, [("breaking", "status: 400 → 422")]),
        ({"body": MADE}, {"body": {**MADE, "extra": 1}}, [("additive", "extra: not there → there")]),
        ({"body": {**MADE, "extra": 1}}, {"body": MADE}, [("breaking", "extra: there → not there")]),
        (
            {"body": {"a": [{"b": 1}]}},
            {"body": {"a": [{"b": "1"}]}},
            [("breaking", "a[0].b: a number → a text")],
        ),
        ({"body": {"a": True}}, {"body": {"a": 1}}, [("breaking", "a: a boolean → a number")]),
        ({"body": {"a": {}}}, {"body": {"a": []}}, [("breaking", "a: an object → a list")]),
        ({"body": {"a": None}}, {"body": {"a": "x"}}, [("other value", 'a: null → "x"')]),
        ({"body": {"detail": "No"}}, {"body": {"detail": "Yes"}}, [("worded otherwise", 'detail: "No" → "Yes"')]),
        ({"body": {}}, {"body": b"<html>"}, [("breaking", "the body: an object → no JSON")]),
        ({"body": b"<html>"}, {"body": b"<body>"}, []),
        (
            {"headers": HEADERS},
            {"headers": HEADERS[:3]},
            [("breaking", "header x-ratelimit-remaining: there → not there")],
        ),
        (
            {"headers": HEADERS[:3]},
            {"headers": HEADERS},
            [("additive", "header x-ratelimit-remaining: not there → there")],
        ),
        (
            {"headers": (*HEADERS, ("X-API-Version", "1"))},
            {"headers": (*HEADERS, ("X-API-Version", "2"))},
            [("other value", 'header x-api-version: "1" → "2"')],
        ),
        ({"body": {**MADE, "state": "queued", "output": []}}, {"body": MADE}, []),
        (
            {"body": {"detail": "No"}, "status": 400},
            {"body": {"detail": "Yes"}, "status": 422},
            [("breaking", "status: 400 → 422"), ("worded otherwise", 'detail: "No" → "Yes"')],
        ),
        ({"status": 0}, {}, []),
        ({"body": {}, "unknown": {RESPONSE_BODY: "is lost"}}, {}, []),
        ({"headers": (), "unknown": {RESPONSE_HEADERS: "are lost"}}, {}, []),
    ],
)
def test_changes_are_graded_by_their_effect_on_clients(
    old: dict[str, Any], new: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    """Taken away or of another type is breaking, new is additive, other words and values are neither."""
    assert changed(entry(**old), entry(**new)) == expected


def test_requests_without_notes_are_paired_by_method_path_and_body() -> None:
    """Method, path without ids, and body pair requests, those alike in order; ids in bodies do not part them."""
    one = [entry(status=201, asked='{"a": "d290f1ee-6c54-4b01-90e6-d701748f0851"}'), entry(status=429), entry()]
    two = [entry(status=429), entry(), entry(status=201, asked='{"a": "00000000-0000-0000-0000-000000000000"}')]

    assert (compare(one, two).unchanged, compare(one, two).changes) == (3, ())
    unpaired = compare(one, [*two[:2], entry(asked='{"b": 1}')]).changes
    assert [(change.kind, f"{change}") for change in unpaired] == [
        ("only in the older", "there → not there"),
        ("only in the newer", "not there → there"),
    ]


def test_notes_pair_the_requests_of_the_latest_recording() -> None:
    """Where the kit's own recorder noted whose exchanges they are, item, example and number pair them."""

    def noted(status: int, item: str, number: int, take: str) -> Entry:
        return entry(status=status, note={"item": item, "number": number, "take": take})

    before = [
        noted(500, "a", 1, "old"),
        noted(201, "a", 1, "new"),
        noted(400, "b", 1, "new"),
        noted(400, "b", 2, "new"),
    ]
    after = [noted(401, "b", 1, "x"), noted(201, "a", 1, "y")]

    comparison = compare(before, after)

    assert [(change.kind, change.where, f"{change}") for change in comparison.changes] == [
        ("breaking", "POST /v1/generations: status", "400 → 401"),
        ("only in the older", "b", "there → not there"),
    ]
    assert (comparison.unchanged, comparison.old.size) == (1, "3 exchanges, 2 compared")


def test_changes_are_sorted_by_kind_and_merged() -> None:
    """Changes stand by their kind, each with the first pair that shows it and how many pairs do."""
    old = [entry(asked=str(number)) for number in range(4)]
    new = [
        entry({**MADE, "extra": 1}, asked="0"),
        entry({**MADE, "extra": 1}, asked="1"),
        entry(status=500, asked="2"),
        entry(asked="3"),
    ]

    comparison = compare(old, new)

    assert [(change.kind, change.times, change.place) for change in comparison.changes] == [
        ("breaking", 1, "a.har:entry 1, a.har:entry 1"),
        ("additive", 2, "a.har:entry 1, a.har:entry 1"),
    ]


def test_a_step_that_is_repeated_is_compared_by_its_last_request() -> None:
    """How many requests fill a limit depends on earlier ones, so only the refusal is compared."""

    def filled(*statuses: int) -> list[Entry]:
        return [
            entry(status=status, note={"item": "a/full", "step": 1, "number": number, "take": "x"})
            for number, status in enumerate(statuses, start=1)
        ]

    found = compare(filled(201, 201, 429), filled(201, 429))

    assert [change.kind for change in found.changes] == ["only in the older"]
    assert (found.unchanged, found.new.size) == (2, "2 exchanges, 2 compared")


@pytest.mark.parametrize(
    ("old", "new", "failing"),
    [
        ([entry()], [entry(status=500)], {FailOn.REGRESSIONS, FailOn.COVERAGE, FailOn.ANY}),
        ([entry(), entry()], [entry()], {FailOn.COVERAGE, FailOn.ANY}),
        ([entry()], [entry({**MADE, "extra": 1})], {FailOn.ANY}),
        ([entry({"detail": "No"})], [entry({"detail": "Yes"})], {FailOn.ANY}),
        ([entry()], [entry(), entry()], set()),
        ([entry()], [entry(AGAIN)], set()),
    ],
)
def test_fail_on_sets_the_exit_status(old: list[Entry], new: list[Entry], failing: set[FailOn]) -> None:
    """What breaks clients, requests that are gone, or any change: each takes in the one before; none is never red."""
    comparison = compare(old, new)

    assert {fail_on for fail_on in FailOn if comparison.exit_status(fail_on) == Exit.NOT_CONFORMANT} == failing


@pytest.mark.parametrize("fail_on", FailOn)
def test_recordings_that_share_no_request_are_not_compared(fail_on: FailOn) -> None:
    """Whatever is a failure: the status is "could not judge"."""
    comparison = compare([entry()], [entry(url="/v1/generations/x")])

    assert comparison.exit_status(fail_on) == Exit.COULD_NOT_JUDGE
    assert comparison.headline == "Nothing to compare: 1 only in the older, 1 only in the newer"


def test_answers_are_alike_but_for_noise() -> None:
    """Ids, times and URLs do not part two answers; a member does."""
    assert alike(entry().exchange, entry(AGAIN).exchange)
    assert not alike(entry().exchange, entry({**MADE, "extra": 1}).exchange)
