"""Lookups that must look alike: what tells an id apart, and what only differs from answer to answer."""

from __future__ import annotations

import pytest

from luma_conformance.judge.lifecycle import judge_indistinguishable
from luma_conformance.model import Exchange
from tests.kit import exchange, response

UNKNOWN, FOREIGN = "an unknown id", "another client's id"


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
