"""The concurrent-job limit proved on wrong servers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from luma_conformance.properties.luma_target import LumaTarget
from luma_conformance.properties.nonconformance import NonConformance
from luma_conformance.reference.limits import SlidingWindow
from luma_conformance.suite import test_concurrency as concurrency
from luma_conformance.suite import test_life_cycle as life_cycle
from luma_conformance.suite import test_rate_limit as rate_limit
from tests import miniatures
from tests.miniatures import Handle, Wrong, right
from tests.suite.target_on import target_on
from tests.suite.wrong_limits import behind, freed_after_a_minute, never_freed, with_slots


def test_a_slot_freed_too_early_is_caught() -> None:
    """A server that admits a job while all slots' jobs still run is caught."""
    with pytest.raises(NonConformance, match="still running"):
        concurrency.test_a_running_job_keeps_its_slot(target_on(with_slots(take=freed_after_a_minute)))


def test_a_slot_freed_only_when_polled_is_caught() -> None:
    """A server that keeps a slot until somebody asks about its job is caught."""
    with pytest.raises(NonConformance, match="not free"):
        concurrency.test_a_job_that_is_over_gives_its_slot_back_without_a_poll(
            target_on(with_slots(is_full=never_freed))
        )


@pytest.mark.parametrize("legal", [right, miniatures.with_extras], ids=["none", "extras"])
def test_a_legal_concurrency_limit_is_not_accused(legal: Wrong) -> None:
    """The reference's own slots, extras or not, are right."""
    luma_target = target_on(legal)

    concurrency.test_a_running_job_keeps_its_slot(luma_target)
    concurrency.test_a_job_that_is_over_gives_its_slot_back_without_a_poll(luma_target)


def over_at_once(handle: Handle) -> Handle:
    """Let jobs be over as soon as they are accepted, and five requests a minute come: legal."""
    for client in behind(handle)._clients.values():
        client.window = SlidingWindow(5)
    return with_slots(take=lambda slots, now, end: None)(handle)


def test_jobs_that_are_over_before_they_take_the_slots_are_not_judged() -> None:
    """Where the rate limit comes before the slots are taken, the server is not accused of it."""
    with pytest.raises(pytest.skip.Exception, match="over too soon"):
        concurrency.test_a_job_that_is_over_gives_its_slot_back_without_a_poll(target_on(over_at_once))


def refusing_to_create(handle: Handle) -> Handle:
    """Have no slot free: jobs of other programs hold them."""
    return with_slots(is_full=lambda slots, now: True)(handle)


@pytest.mark.parametrize(
    "judged",
    [
        life_cycle.test_a_generation_moves_forward_and_tells_what_its_state_demands,
        life_cycle.test_ids_that_are_not_ones_own_cannot_be_told_apart,
    ],
)
def test_a_life_that_a_limit_keeps_from_beginning_is_not_judged(judged: Callable[[LumaTarget], None]) -> None:
    """A generation that was refused for a limit has no life to judge."""
    with pytest.raises(pytest.skip.Exception, match="limit came in the way"):
        judged(target_on(refusing_to_create))


def test_properties_that_need_a_client_alone_are_not_judged_with_workers() -> None:
    """With -n against a server, no worker sees every request of a key's client, or all the time that passes for it."""
    luma_target = target_on(right)
    luma_target.fuzzing = replace(luma_target.fuzzing, alone=False)
    luma_target.session = replace(luma_target.session, remote=True)

    for judged in (
        rate_limit.test_the_window_slides_and_its_headers_tell_the_truth,
        concurrency.test_a_running_job_keeps_its_slot,
        life_cycle.test_a_generation_moves_forward_and_tells_what_its_state_demands,
        life_cycle.test_an_output_url_lasts_an_hour_and_a_new_poll_makes_another,
    ):
        with pytest.raises(pytest.skip.Exception, match="without -n"):
            judged(luma_target)
