"""Each judge of time on a server with one clock, with a clock for each client, and with none, right and wrong."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from luma_conformance.catalogue.files import own
from luma_conformance.judge.answers import EveryResponse
from luma_conformance.judge.play import play
from luma_conformance.model import Outcome
from luma_conformance.properties.luma_target import LumaTarget
from luma_conformance.properties.nonconformance import NonConformance
from luma_conformance.suite import test_concurrency as concurrency
from luma_conformance.suite import test_every_end as every_end
from luma_conformance.suite import test_every_poll as every_poll
from luma_conformance.suite import test_every_request as every_request
from luma_conformance.suite import test_life_cycle as life_cycle
from luma_conformance.suite import test_limits as limits
from luma_conformance.suite import test_rate_limit as rate_limit
from tests.kit import case_of
from tests.suite.small_server import CLIENT, NONE, SERVER, SmallServer, judge_small

Judge = Callable[[LumaTarget], None]

ANYWHERE: tuple[Judge, ...] = (
    rate_limit.test_the_window_slides_and_its_headers_tell_the_truth,
    life_cycle.test_a_generation_moves_forward_and_tells_what_its_state_demands,
)
WITH_A_CLOCK: tuple[Judge, ...] = (
    limits.test_clients_keep_to_their_limits_and_to_no_others,
    concurrency.test_a_running_job_keeps_its_slot,
    concurrency.test_a_job_that_is_over_gives_its_slot_back_without_a_poll,
    life_cycle.test_an_output_url_lasts_an_hour_and_a_new_poll_makes_another,
    every_end.test_every_end_of_a_job_frees_its_slot_and_no_other,
    every_end.test_a_client_at_its_limit_stops_no_other,
    every_poll.test_every_generation_ends_as_it_should_and_stays_so,
    every_poll.test_the_url_of_every_poll_lasts_its_own_hour,
    every_request.test_every_model_and_type_uses_the_window,
    every_request.test_nothing_but_the_client_counts_in_the_window,
)
JUDGED = [
    *((judge, scope) for judge in (*ANYWHERE, *WITH_A_CLOCK) for scope in (SERVER, CLIENT)),
    *((judge, NONE) for judge in ANYWHERE),
]
"""Each judge of time, with each kind of clock that it can do with."""
WRONG = {
    "fixed window": (ANYWHERE[0], WITH_A_CLOCK[0], WITH_A_CLOCK[9]),
    "lying Retry-After": (ANYWHERE[0], WITH_A_CLOCK[0], WITH_A_CLOCK[9]),
    "slot never free": (WITH_A_CLOCK[0], WITH_A_CLOCK[2], WITH_A_CLOCK[4]),
    "failed job keeps its slot": (WITH_A_CLOCK[0], WITH_A_CLOCK[4]),
    "stale URL": (ANYWHERE[1], WITH_A_CLOCK[6]),
    "URL for ever": (WITH_A_CLOCK[3], WITH_A_CLOCK[7]),
}


def find_reason(judge: Judge, luma_target: LumaTarget) -> str | None:
    """Return why a property was not judged, or None if it was and found nothing."""
    try:
        judge(luma_target)
    except pytest.skip.Exception as skipped:
        return str(skipped)
    return None


def judge_twice(judge: Judge, luma_target: LumaTarget) -> None:
    """Judge again what is not judged at first: a URL that never changes is told from real time by earlier ones."""
    if find_reason(judge, luma_target) is not None:
        judge(luma_target)


@pytest.mark.parametrize(("judge", "scope"), JUDGED)
@pytest.mark.parametrize("ahead", [0.3, 7200.9], ids=["", "two hours ahead"])
def test_a_right_server_is_not_accused_whatever_its_clock(judge: Judge, scope: str | None, ahead: float) -> None:
    """Nothing is found, and nothing is left unjudged."""
    judge(judge_small(SmallServer(scope=scope, ahead=ahead)))


@pytest.mark.parametrize(
    ("wrong", "judge", "scope"),
    [(wrong, judge, scope) for wrong, judges in WRONG.items() for judge, scope in JUDGED if judge in judges],
)
def test_a_wrong_server_is_caught_whatever_its_clock(wrong: str, judge: Judge, scope: str | None) -> None:
    """A fault in time is found with one clock, with one for each client, and by waiting."""
    luma_target = judge_small(SmallServer(scope=scope, wrong=wrong), examples=120)

    with pytest.raises(NonConformance):
        judge_twice(judge, luma_target)


@pytest.mark.parametrize(
    ("truth", "profile", "said"),
    [
        (CLIENT, SERVER, 'each client has a clock of its own; write [clock] scope = "client"'),
        (SERVER, CLIENT, 'one clock is for all clients; write [clock] scope = "server"'),
    ],
)
def test_a_wrong_scope_is_told_and_not_held_against_the_server(truth: str, profile: str, said: str) -> None:
    """Where the profile says for whom time passes, and is wrong, what looks wrong is not judged, with the fix."""
    with pytest.raises(pytest.skip.Exception, match=re.escape(said)):
        limits.test_clients_keep_to_their_limits_and_to_no_others(
            judge_small(SmallServer(scope=truth), profile=profile, examples=90)
        )


@pytest.mark.parametrize("judge", [*ANYWHERE, *WITH_A_CLOCK])
@pytest.mark.parametrize("scope", [SERVER, CLIENT])
def test_a_clock_that_moves_nothing_is_told(judge: Judge, scope: str) -> None:
    """No time passes, although the clock says so: nothing is found, and what cannot be judged says why."""
    luma_target = judge_small(SmallServer(scope=scope, dead=True))
    luma_target.send({"prompt": "A lighthouse"})

    reason = find_reason(judge, luma_target)

    assert reason is None or re.search("X-RateLimit-Reset shows that no time passes|does not move X-Amz-Date", reason)


@pytest.mark.parametrize("judge", [*ANYWHERE, *WITH_A_CLOCK])
@pytest.mark.parametrize("unreached", ["created_at", "urls"])
def test_a_clock_that_does_not_reach_everything_is_no_fault(judge: Judge, unreached: str) -> None:
    """Files on another host keep that host's time, and `created_at` may be real: neither is found."""
    reason = find_reason(judge, judge_small(SmallServer(scope=SERVER, unreached=unreached)))

    assert reason is None or "does not move X-Amz-Date of output URLs" in reason


@pytest.mark.parametrize("judge", [*ANYWHERE, *WITH_A_CLOCK])
def test_a_clock_that_stands_between_advances_is_no_fault(judge: Judge) -> None:
    """A server on frozen time, and so slow that ours runs away from it, is not accused."""
    server = SmallServer(scope=SERVER, latency=0.4)
    server.frozen = server.time

    reason = find_reason(judge, judge_small(server))

    assert reason is None or "time stands still at the target between two advances" in reason


@pytest.mark.parametrize("scope", [SERVER, CLIENT, NONE])
@pytest.mark.parametrize(
    ("case_id", "wrong", "reached"),
    [
        ("urls/fresh-url/differs", "stale URL", True),
        ("urls/presigned-url-expiry/expires", "URL for ever", True),
        ("urls/presigned-url-expiry/expires", "stale URL", True),
        ("urls/fresh-url/differs", "", False),
        ("urls/presigned-url-expiry/expires", "", False),
    ],
)
def test_a_case_that_waits_is_judged_by_the_time_that_passed(
    scope: str | None, case_id: str, wrong: str, *, reached: bool
) -> None:
    """A right server passes and a wrong one fails; where files keep another time, the case is not judged."""
    unreached = "" if reached else "urls"
    case = case_of(own(), case_id)

    right = judge_small(SmallServer(scope=scope)).session.target
    other = judge_small(SmallServer(scope=scope, wrong=wrong, unreached=unreached)).session.target
    assert play(case, right, EveryResponse(())).verdict.outcome is Outcome.PASS

    play(case, other, EveryResponse(()))  # URLs that never change and URLs of real time differ by those before them
    verdict = play(case, other, EveryResponse(())).verdict

    assert verdict.outcome is (Outcome.FAIL if wrong else Outcome.PASS if scope is NONE else Outcome.NOT_JUDGED), (
        verdict
    )
