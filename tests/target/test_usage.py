"""What answers show of a client's limits."""

from __future__ import annotations

import pytest

from luma_conformance.model import Response
from luma_conformance.target.usage import Quota, is_about_jobs, retry_after


def refused(*seconds: object, detail: str = "Rate limit exceeded", left: str | None = None) -> Response:
    """Return a 429 with this Retry-After in seconds."""
    told = () if left is None else (("X-RateLimit-Remaining", left),)
    headers = (*(("Retry-After", str(number)) for number in seconds), *told)
    return Response(status=429, headers=headers, body=f'{{"detail": "{detail}"}}'.encode())


def accepted(limit: int, left: int) -> Response:
    """Return a 201 that announces the limit."""
    return Response(status=201, headers=(("X-RateLimit-Limit", str(limit)), ("X-RateLimit-Remaining", str(left))))


@pytest.mark.parametrize(
    ("response", "seconds"),
    [
        (refused(1), 1.0),
        (refused(120), 120.0),
        (refused(0), None),
        (refused(121), None),
        (refused(-1), None),
        (refused("1.5"), None),
        (refused("Wed, 21 Oct 2026 07:28:00 GMT"), None),
        (refused("٣"), None),
        (refused(10**30), None),
        (refused(1, 2), None),
        (refused(), None),
        (Response(status=503, headers=(("Retry-After", "1"),)), None),
    ],
)
def test_a_retry_after_is_a_whole_number_of_bearable_seconds(response: Response, seconds: float | None) -> None:
    """Anything else is not waited for."""
    assert retry_after(response) == seconds


@pytest.mark.parametrize(
    ("response", "about_jobs"),
    [
        (refused(60, detail="Too many concurrent jobs"), True),
        (refused(60, detail="Concurrent generation capacity reached (limit=10 weight units)"), True),
        (refused(60, detail="Too many concurrent jobs", left="0"), True),
        (refused(60, detail="Slow down"), True),
        (refused(60, detail="Slow down", left="7"), True),
        (refused(12, detail="Slow down", left="0"), False),
        (refused(12), False),
        (refused(12, detail="RATE LIMIT hit"), False),
        (Response(status=429, body=b"<html>"), True),
    ],
)
def test_a_429_says_which_limit_it_is_about(response: Response, about_jobs: bool) -> None:  # noqa: FBT001
    """By its text, or else by the header that only the rate limit has."""
    assert is_about_jobs(response) is about_jobs


def test_whether_refused_requests_use_quota_is_learnt_from_what_remains() -> None:
    """Three refused and one accepted: four are used, or one is; the latest answer counts."""
    quota = Quota()
    for now in (0.0, 1.0, 2.0):
        quota.note(now, Response(status=400))
    quota.note(3.0, accepted(30, 26))
    assert (quota.limit, quota.refused_count) == (30, True)
    quota.note(4.0, accepted(30, 28))
    assert quota.refused_count is False


def test_a_limit_of_which_nothing_is_ever_used_is_an_example() -> None:
    """A mock that repeats an example has the same left after each request; a server that counts has less."""
    example, kept = Quota(), Quota()
    for number in range(2):
        assert example.is_kept is kept.is_kept is None
        example.note(float(number), accepted(30, 29))
        kept.note(float(number), accepted(30, 29 - number))
    assert (example.is_kept, kept.is_kept) == (False, True)


def test_an_absurd_announcement_changes_nothing() -> None:
    """A limit of nothing, or more left than there is, is not believed to be a limit to wait for."""
    quota = Quota()
    quota.note(0.0, accepted(0, 0))
    assert quota.next_slot(0.0) <= 0.0
    quota.note(1.0, accepted(5, 9))
    assert quota.next_slot(1.0) <= 1.0
    quota.note(2.0, Response(status=201, headers=(("X-RateLimit-Limit", "many"), ("X-RateLimit-Remaining", "0"))))
    assert quota.next_slot(2.0) <= 61.0
