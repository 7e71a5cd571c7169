"""The marks of programs tell an answer of the client's own, and one that was not finished, from any other."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from luma_conformance.recording.marks import find_answerer, find_damage

MARKED: tuple[tuple[Mapping[str, object], str], ...] = (
    ({"_fromCache": "disk"}, "answered by the client itself: _fromCache"),
    ({"_fetchType": "Memory Cache"}, "answered by the client itself: _fetchType"),
    ({"_is_cached": 1}, "answered by the client itself: _is_cached"),
    ({"response": {"_fetchedViaServiceWorker": True}}, "answered by the client itself: _fetchedViaServiceWorker"),
    ({"response": {"_transferSize": 0}}, "answered by the client itself: nothing was transferred"),
    ({"response": {"statusText": "Internal Redirect"}}, "answered by the client itself: an internal redirect"),
    ({"_error": "net::ERR_ABORTED"}, "not finished: _error"),
    ({"response": {"_failureText": "aborted"}}, "not finished: _failureText"),
    ({"request": {"_wasCancelled": "yes"}}, "not finished: _wasCancelled"),
    ({"_charlesStatus": "FAILED"}, "not finished: _charlesStatus"),
    ({"_timed_out": True}, "not finished: _timed_out"),
    ({"response": {"_transferSize": 0, "_error": "net::ERR_ABORTED"}}, "not finished: _error"),
)
PLAIN: tuple[Mapping[str, object], ...] = (
    {"_fromCache": None, "_error": "", "_charlesStatus": "COMPLETE"},
    {"_fetchType": "Network Load", "_cacheLookup": "miss", "_error_count": 0},
    {"_initiator": {"type": "script"}, "_priority": "High", "_resourceType": "fetch", "_connectionId": "7"},
    {"response": {"_transferSize": 412, "_fetchedViaServiceWorker": False, "_error": None}},
    {"timings": {"_blocked_queueing": 1.2}, "response": {"_transferSize": -1}},
    {"response": None, "request": "GET"},
    {"_cacheControl": "no-store", "_cache_time": 3600, "_score_cache": 100},
)


@pytest.mark.parametrize(("entry", "why"), MARKED)
def test_a_mark_is_recognised_by_its_words(entry: Mapping[str, object], why: str) -> None:
    """Whoever wrote it, a name or a value that speaks of a cache, or of a failure, is a mark."""
    assert find_answerer(entry) == why


@pytest.mark.parametrize("entry", PLAIN)
def test_what_says_that_nothing_was_wrong_is_no_mark(entry: Mapping[str, object]) -> None:
    """A mark that is not set, or that denies what it is about, and any other member, mark nothing."""
    assert find_answerer(entry) is None


def test_a_body_that_is_called_cut_is_damaged() -> None:
    """A comment, or a member, that says so tells that a body is not whole; any other does not."""
    assert find_damage({"text": "{", "comment": "Response was truncated"}) is not None
    assert find_damage({"text": "{", "_truncated": 1}) is not None
    assert find_damage({"text": "{}", "comment": "decoded", "_truncated": False, "size": 2}) is None
