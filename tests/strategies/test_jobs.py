"""The contexts of limits and jobs: which of them meet, counted."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest

from luma_conformance.report.result import describe_covered
from luma_conformance.rules import Accepted
from luma_conformance.strategies import Material
from luma_conformance.strategies.jobs import (
    BACK,
    ENDS,
    MEANTIME,
    OF_WINDOWS,
    OVER,
    SENDERS,
    STAYS,
    USERS,
    Row,
    describe,
    list_counted,
    list_ends,
    list_features,
    list_requests,
    name_features,
    plain_bodies,
)

KINDS = [*plain_bodies(Material())]
FEATURES = name_features(KINDS, Material())
JOBS = [row for rows in list_ends(KINDS, [*ENDS, *STAYS], features=FEATURES) for row in rows]
REQUESTS = [row for rows in list_requests(KINDS) for row in rows]


def pairs(rows: Sequence[Row], first: str, second: str) -> set[tuple[str, str]]:
    """Return the values of two factors that occur in one row."""
    return {(row.get(first, ""), row.get(second, "")) for row in rows}


def test_there_is_a_request_for_each_model_and_type() -> None:
    """The requests of all kinds are accepted; without a source video there are none that need one."""
    material = Material()

    bodies = [{"prompt": "a lighthouse", **body} for body in plain_bodies(material).values()]
    assert {type(material.predict(body)) for body in bodies} == {Accepted}
    assert len(KINDS) == 7
    assert [*plain_bodies(Material(video_url=None))] == [kind for kind in KINDS if kind not in KINDS[5:]]


def test_every_kind_of_job_ends_in_every_way() -> None:
    """Each model and type meets each end, and each of both is polled and not, whoever the user is and whoever sends."""
    assert len(pairs(JOBS, "kind", "end")) == len(JOBS) == 84
    for name, values in (("polled", ("", "polled")), ("user", USERS), ("sender", SENDERS)):
        for other, count in (("kind", 7), ("end", 12)):
            assert len(pairs(JOBS, other, name)) == count * len(values), (other, name)
    assert {row["meantime"] for row in JOBS} == {*MEANTIME}


def test_further_turns_bring_further_contexts() -> None:
    """In seven turns each kind that ends in each way meets every sender, every user, and is polled and not."""
    jobs = [row for rows in list_ends(KINDS, [*ENDS, *STAYS], 7) for row in rows]

    for name, values in (("polled", ("", "polled")), ("user", USERS), ("sender", SENDERS)):
        assert len({(row["kind"], row["end"], row[name]) for row in jobs}) == 84 * len(values)
    over = [row for rows in list_requests(KINDS, 24) for row in rows if "kind" in row and row["at"] == OVER]
    assert len(pairs(over, "kind", "meantime")) == 7 * len(OF_WINDOWS)
    assert len(pairs(over, "kind", "sender")) == 7 * len(SENDERS)


def test_every_feature_of_a_request_comes_alone_and_with_others() -> None:
    """In a full window and in one with room again each feature comes alone, and in a full one beside several kinds."""
    for at in (OVER, BACK):
        alone = [row for row in REQUESTS if row["at"] == at and len(row) == 2 and "kind" not in row]
        assert len(alone) == len(USERS) + len(SENDERS) + len(OF_WINDOWS) - 3
    over = [row for row in REQUESTS if row["at"] == OVER]
    assert {row.get("kind", KINDS[0]) for row in over} == {*KINDS}
    for name, values in (("user", USERS[1:]), ("sender", SENDERS), ("meantime", OF_WINDOWS)):
        assert {row.get(name, "") for row in over} >= {*values}
        assert {row.get(name, "") for row in REQUESTS if row["at"] == BACK} >= {*values[1:]}
    assert len(REQUESTS) == 58


def test_the_count_that_a_run_prints() -> None:
    """A run on a target that offers everything counts each row, and each kind with each end."""
    counted = sum(len(rows) for rows in list_counted(KINDS, FEATURES)) + len(REQUESTS)

    told = describe_covered({"limits": counted, "jobs": len(JOBS), "lives": len(KINDS) * len([*ENDS, *STAYS])})
    assert told == "84 of jobs, 91 of limits, 84 of lives"


def test_every_feature_is_legal_and_met() -> None:
    """Each field and form of a medium goes with the kinds that have it, and each is beside some job and request."""
    material = Material()

    for kind, body in plain_bodies(material).items():
        for patch in list_features(kind, material).values():
            assert type(material.predict({"prompt": "a lighthouse", **body, **patch})) is Accepted, (kind, patch)
    wanted = {what for own in FEATURES.values() for what in own}
    assert {row["with"] for row in JOBS if "with" in row} == wanted
    assert {row["with"] for rows in list_counted(KINDS, FEATURES) for row in rows if "with" in row} == wanted


def test_a_window_is_not_waited_for_before_it_is_full_again() -> None:
    """Before each request that comes back there is one that is refused."""
    for rows in list_requests(KINDS):
        assert all(row["at"] == OVER for row, following in pairwise(rows) if following["at"] == BACK)


def test_every_kind_counts_alone_and_with_a_user() -> None:
    """Each model and type is counted twice."""
    assert [
        sum(row["kind"] == kind and "end" not in row for rows in list_counted(KINDS) for row in rows) for kind in KINDS
    ] == [2] * 7


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({}, "an image request"),
        ({"kind": "video", "end": "rate_limited"}, "a video that fails with rate_limited"),
        ({"end": "queued", "user": "user-1"}, "an image that stays queued, with another user_id"),
        ({"meantime": MEANTIME[1], "at": OVER}, "an image request, after a poll of its own job"),
    ],
)
def test_a_context_is_told_in_words(row: Row, words: str) -> None:
    """What is usual is not told."""
    assert describe(row) == words
