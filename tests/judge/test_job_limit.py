"""The concurrent-job limit, judged on traces written down here: when two bounds cross, and when they do not."""

from __future__ import annotations

import pytest

from luma_conformance.judge.job_limit import judge_job_limit
from luma_conformance.judge.rate_limit import CONCURRENCY
from luma_conformance.model import Exchange, Request
from tests import kit

Line = tuple[float, str, str]
"""When, in seconds; who: the job that is created or polled; what came back: 201, 429 or a state."""


def trace(*lines: Line, takes: float = 0.0) -> list[Exchange]:
    """Return the exchanges of a few lines, each of which takes some seconds."""
    return [exchange(when, job, answer, takes) for when, job, answer in lines]


def exchange(when: float, job: str, answer: str, takes: float) -> Exchange:
    """Return one exchange."""
    status = int(answer) if answer.isdecimal() else 200
    body = {201: {"id": job, "state": "queued"}, 429: {"detail": CONCURRENCY}}.get(status, {"state": answer})
    request = Request(method="POST" if status != 200 else "GET", url=f"/v1/generations/{job}")
    return kit.exchange(kit.response(status, body), request, sent=when, received=when + takes)


def said(*lines: Line, takes: float = 0.0, since: float | None = None) -> list[str]:
    """Return the mismatches of a trace."""
    return [found.what for found in judge_job_limit(trace(*lines, takes=takes), since=since)]


def test_admitting_a_job_while_the_only_slot_is_taken_is_a_contradiction() -> None:
    """Refused beside one job, so the limit is one; admitted beside one that polls show running later, so it is not."""
    found = judge_job_limit(trace((0, "a", "201"), (1, "b", "429"), (70, "c", "201"), (71, "a", "processing")))

    assert [one.what for one in found] == ["admitted beside 1 running jobs, and refused when at most 1 can have run"]
    assert found[0].exchanges == (0, 1, 2)


FREE = "refused although no job of this client has run for 60 s"


@pytest.mark.parametrize(
    ("lines", "since", "mismatches"),
    [
        pytest.param(
            [(0, "a", "201"), (1, "b", "429"), (65, "a", "processing"), (70, "c", "201")], None, [],
            id="the old job may have ended by the time the new one is admitted",
        ),
        pytest.param([(0, "a", "201"), (5, "a", "completed"), (66, "b", "429")], None, [FREE], id="idle for a minute"),
        pytest.param([(0, "a", "201"), (5, "a", "completed"), (64, "b", "429")], None, [], id="release takes a minute"),
        pytest.param([(0, "a", "201"), (3659, "b", "429")], None, [], id="a job may run for an hour"),
        pytest.param([(0, "a", "201"), (3661, "b", "429")], None, [FREE], id="no job runs for over an hour"),
        pytest.param([(100, "b", "429")], 0.0, [], id="jobs from before the trace may run"),
        pytest.param([(100, "b", "429")], None, [FREE], id="nothing came before the trace"),
    ],
)  # fmt: skip
def test_a_refusal_is_a_contradiction_only_where_no_job_can_run(
    lines: list[Line], since: float | None, mismatches: list[str]
) -> None:
    """A minute after the last job can have ended, a refusal has no reason left."""
    assert said(*lines, since=since) == mismatches


@pytest.mark.parametrize("takes", [0.5, 3.0])
def test_latency_excuses_what_it_explains(takes: float) -> None:
    """Requests under way together may have been served in either order."""
    assert said((0, "a", "201"), (1, "b", "429"), (2, "c", "201"), (2, "a", "processing"), takes=takes) == []


def test_a_limit_of_several_is_bounded_by_how_many_run() -> None:
    """Three run and a fourth is refused: admitting a third beside two is right."""
    lines = [(0, "a", "201"), (0, "b", "201"), (0, "c", "201"), (1, "d", "429"), (2, "a", "failed")]
    assert said(*lines, (62, "e", "201"), (63, "b", "queued"), (63, "c", "queued")) == []
