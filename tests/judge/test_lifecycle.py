"""The life of a generation in polls: which output URLs are too old to be fresh."""

from __future__ import annotations

import pytest

from luma_conformance.judge.lifecycle import judge_life_cycle
from luma_conformance.model import Exchange, Request
from tests.kit import exchange, response

FACTS = {"id": "g", "type": "image", "model": "uni-1", "created_at": "2026-01-01T00:00:00Z"}
CREATED = exchange(
    response(201, {**FACTS, "state": "queued"}), Request(method="POST", url="/v1/generations", body=b"{}")
)


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
