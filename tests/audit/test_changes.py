"""Two recordings compared: what breaks a client, what does not, and what is no change at all."""

from __future__ import annotations

from typing import Any

import pytest
from luma_conformance.audit.changes import Severity, compare
from luma_conformance.model import Headers, Request
from luma_conformance.recording.entry import RESPONSE_BODY, Entry

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
    """Returns an entry with this answer."""
    request = Request(method="POST", url=url, body=asked.encode())
    exchange = kit.exchange(kit.response(status, body, headers), request)
    return Entry(exchange=exchange, base_url="https://a", place="a.har:entry 1", **more)


def changed(old: Entry, new: Entry) -> list[tuple[str, str]]:
    """Returns the severity of each change, and what it is."""
    return [(str(change.severity), change.what) for change in compare([old], [new]).changes]


def test_noise_is_no_change() -> None:
    """Ids, times, URLs, dates, rate numbers, the server's own headers and how many outputs there are say nothing."""
    assert changed(entry(), entry(AGAIN, headers=LATER)) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"status": 400}, {"status": 422}, [("breaking", "400 is now 422")]),
        ({"body": MADE}, {"body": {**MADE, "extra": 1}}, [("additive", "extra is new")]),
        ({"body": {**MADE, "extra": 1}}, {"body": MADE}, [("breaking", "extra is gone")]),
        (
            {"body": {"a": [{"b": 1}]}},
            {"body": {"a": [{"b": "1"}]}},
            [("breaking", "a[0].b was a number and is a text")],
        ),
        ({"body": {"a": True}}, {"body": {"a": 1}}, [("breaking", "a was a boolean and is a number")]),
        ({"body": {"a": {}}}, {"body": {"a": []}}, [("breaking", "a was an object and is a list")]),
        ({"body": {"a": None}}, {"body": {"a": "x"}}, [("other", 'a was null and is "x"')]),
        ({"body": {"detail": "No"}}, {"body": {"detail": "Yes"}}, [("other", 'detail was "No" and is "Yes"')]),
        ({"body": {}}, {"body": b"<html>"}, [("breaking", "the body was an object and is no JSON")]),
        ({"body": b"<html>"}, {"body": b"<body>"}, []),
        ({"headers": HEADERS}, {"headers": HEADERS[:3]}, [("breaking", "x-ratelimit-remaining is gone")]),
        ({"headers": HEADERS[:3]}, {"headers": HEADERS}, [("additive", "x-ratelimit-remaining is new")]),
        (
            {"headers": (*HEADERS, ("X-API-Version", "1"))},
            {"headers": (*HEADERS, ("X-API-Version", "2"))},
            [("other", 'x-api-version was "1" and is "2"')],
        ),
        ({"body": {**MADE, "state": "queued", "output": []}}, {"body": MADE}, []),
        (
            {"body": {"detail": "No"}, "status": 400},
            {"body": {"detail": "Yes"}, "status": 422},
            [("breaking", "400 is now 422"), ("other", 'detail was "No" and is "Yes"')],
        ),
        ({"status": 0}, {}, []),
        ({"body": {}, "unknown": frozenset({RESPONSE_BODY})}, {}, []),
    ],
)
def test_a_change_is_what_it_does_to_a_client(
    old: dict[str, Any], new: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    """Taken away or of another type is breaking, new is additive, other words and values are neither."""
    assert changed(entry(**old), entry(**new)) == expected


def test_requests_without_notes_are_paired_by_what_they_are() -> None:
    """Method, path without ids, and body pair requests, those alike in order; ids in bodies do not part them."""
    one = [entry(status=201, asked='{"a": "d290f1ee-6c54-4b01-90e6-d701748f0851"}'), entry(status=429), entry()]
    two = [entry(status=429), entry(), entry(status=201, asked='{"a": "00000000-0000-0000-0000-000000000000"}')]

    assert compare(one, two).same == 3
    assert compare(one, [*two[:2], entry(asked='{"b": 1}')]).only_before == 1


def test_notes_pair_requests_of_the_last_take() -> None:
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

    assert [(change.what, len(pairs)) for change, pairs in comparison.changes.items()] == [("400 is now 401", 1)]
    assert (comparison.compared, comparison.same, comparison.only_before, comparison.only_after) == (2, 1, 1, 0)


def test_the_worst_comes_first_and_the_same_change_is_one() -> None:
    """Changes stand by severity, each with all the pairs that show it."""
    old = [entry(asked=str(number)) for number in range(4)]
    new = [
        entry({**MADE, "extra": 1}, asked="0"),
        entry({**MADE, "extra": 1}, asked="1"),
        entry(status=500, asked="2"),
        entry(asked="3"),
    ]

    comparison = compare(old, new)

    assert [change.severity for change in comparison.changes] == [Severity.BREAKING, Severity.ADDITIVE]
    assert [len(pairs) for pairs in comparison.changes.values()] == [1, 2]


def test_a_step_that_is_repeated_is_compared_by_its_last_request() -> None:
    """How many requests it takes to fill a limit depends on what was before; what is judged is the refusal."""

    def filled(*statuses: int) -> list[Entry]:
        return [
            entry(status=status, note={"item": "a/full", "step": 1, "number": number, "take": "x"})
            for number, status in enumerate(statuses, start=1)
        ]

    found = compare(filled(201, 201, 429), filled(201, 429))

    assert dict(found.changes) == {}
    assert (found.compared, found.only_before) == (2, 1)
