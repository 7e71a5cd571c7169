"""The slots proved on servers that keep or free them by more than the jobs that hold them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from luma_conformance.model import Request, Response
from luma_conformance.properties.nonconformance import NonConformance
from luma_conformance.suite import test_every_end as every_end
from tests import miniatures
from tests.miniatures import Handle, Wrong, on_answers, right
from tests.suite.target_on import target_on
from tests.suite.wrong_creates import asked, body_of, created, ending, polled
from tests.suite.wrong_limits import behind, freed_after_a_minute, jittery, never_freed, with_slots

LONG = 10**12


def freed(client: Any, end: float) -> None:
    """Free one slot that is taken until then, if there is one."""
    if end in client.slots._ends:
        client.slots._ends.remove(end)


def kept_until_polled(handle: Handle) -> Handle:
    """Keep the slot of a video that is completed until it is polled, or is too old."""
    keeps = ending(lambda body, one, end: one.created + 3600 if body.get("type") == "video" else end)

    def then(service: Any, client: Any, generation: Any) -> None:
        if generation is not None and generation.type == "video" and generation.ends is not None:
            freed(client, generation.created + 3600)

    return polled(then)(keeps(handle))


def all_freed_by_one(handle: Handle) -> Handle:
    """Free every slot when one job ends."""
    for client in behind(handle)._clients.values():
        slots = client.slots

        def is_full(now: float, slots: Any = slots) -> bool:
            if slots._ends and slots._ends[0] <= now:
                slots._ends.clear()
            return bool(len(slots._ends) >= slots._limit)

        slots.is_full = is_full  # type: ignore[method-assign]
    return handle


def freed_by_a_poll(service: Any, client: Any, generation: Any) -> None:
    """Free the slot of a job that is polled."""
    if generation is not None and generation.ends is not None:
        freed(client, generation.ends)


def freed_by_others(service: Any, client: Any, request: Request, _: Any) -> None:
    """Free somebody's slot when another client's job is created."""
    slots = service._clients["low-concurrency"].slots
    if client.name == "main" and slots._ends:
        slots._ends.pop()


def taken_by_refusals(service: Any, client: Any, request: Request) -> None:
    """Let a request that is refused take a slot."""
    if body_of(request).get("prompt") == "":
        client.slots.take(service._read_clock(client), LONG)


def freed_when_processing(service: Any, client: Any, request: Request) -> None:
    """Free the slots of jobs as soon as they are processing."""
    now = service._read_clock(client)
    for one in service._generations.values():
        if one.client == client.name and one.ends is None and one.state(now) == "processing":
            freed(client, one.created + 3600)


@on_answers
def with_rates(request: Request, response: Response) -> Response:
    """Tell of the window when a request is refused for the slots beside a user_id."""
    if response.status != 429 or not body_of(request).get("user_id"):
        return response
    return replace(response, headers=(*response.headers, ("X-RateLimit-Remaining", "7")))


def kept(until: float, *, kind: str = "", code: str | None = None, stays: bool = False) -> Wrong:
    """Keep the slots of some jobs for so many seconds."""

    def change(body: Any, one: Any, end: float) -> float:
        meant = body.get("type", "image") == kind and (one.ends is None) == stays
        return float(one.created + until) if meant and one.failure == code else end

    return ending(change)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        pytest.param(
            kept(LONG, kind="video_edit", code="corrupt_input"), "video_edit that fails with corrupt_input", id="failed"
        ),
        pytest.param(kept(3600, kind="image_edit"), "image_edit that is completed", id="an hour"),
        pytest.param(kept(LONG, kind="video_reframe", stays=True), "an hour after a video_reframe", id="too old"),
        pytest.param(asked(freed_when_processing), "beside an image that stays processing", id="freed when processing"),
        pytest.param(with_rates, "beside .*: X-RateLimit-Remaining: does not belong here", id="rate headers"),
        pytest.param(kept_until_polled, "a video that is completed", id="until polled"),
        pytest.param(all_freed_by_one, "admitted beside", id="all by one"),
        pytest.param(ending(lambda body, one, end: 0 if body.get("model") == "uni-1-max" else end), "max", id="none"),
        pytest.param(ending(lambda _, one, end: 0 if one.failure else end), "that fails with", id="failing take none"),
        pytest.param(ending(lambda body, _, end: 0 if body.get("user_id") else end), "beside", id="user_id"),
        pytest.param(polled(freed_by_a_poll), "beside", id="freed by a poll"),
        pytest.param(with_slots(is_full=never_freed), "refused", id="never freed"),
        pytest.param(with_slots(take=freed_after_a_minute), "beside", id="freed after a minute"),
        pytest.param(created(freed_by_others), "another client's", id="freed by others"),
        pytest.param(asked(taken_by_refusals), "a refused request of its own", id="taken by a refusal"),
    ],
)
def test_a_slot_that_depends_on_more_than_its_job_is_caught(wrong: Wrong, said: str) -> None:
    """A slot that some jobs do not take or do not give back is caught, and the context is named."""
    with pytest.raises(NonConformance, match=said):
        every_end.test_every_end_of_a_job_frees_its_slot_and_no_other(target_on(wrong))


def one_set_of_slots(handle: Handle) -> Handle:
    """Let two clients share their slots."""
    clients = behind(handle)._clients
    clients["low-rpm"].slots = clients["low-concurrency"].slots
    return handle


def one_window(handle: Handle) -> Handle:
    """Let two clients share their window."""
    clients = behind(handle)._clients
    clients["low-concurrency"].window = clients["low-rpm"].window
    return handle


@pytest.mark.parametrize(
    ("wrong", "said"), [(one_set_of_slots, "no job of this client has run"), (one_window, "of 3 requests|leaves")]
)
def test_clients_that_share_a_limit_are_caught(wrong: Wrong, said: str) -> None:
    """One client at its limit must not stop another."""
    with pytest.raises(NonConformance, match=f"beside a client at its limit.*({said})"):
        every_end.test_a_client_at_its_limit_stops_no_other(target_on(wrong))


def test_jobs_that_take_more_slots_are_observed() -> None:
    """A model and type that always takes two slots is said to, and not accused."""

    def before(service: Any, client: Any, request: Request) -> None:
        now, slots = service._read_clock(client), client.slots
        slots.is_full(now)
        slots._limit = 3 if body_of(request).get("model") == "uni-1-max" else 4

    def after(service: Any, client: Any, request: Request, generation: Any) -> None:
        if generation.model == "uni-1-max":
            client.slots._ends.append(max(client.slots._ends, key=lambda end: end == generation.ends))
            client.slots._ends.sort()

    luma_target = target_on(lambda handle: created(after)(asked(before)(handle)))
    every_end.test_every_end_of_a_job_frees_its_slot_and_no_other(luma_target)

    heavy = ("image of uni-1-max: 2 slots", "image_edit of uni-1-max: 2 slots")
    assert luma_target.observed == (f"jobs that take more than one slot: {', '.join(heavy)}",)


@pytest.mark.parametrize(
    "legal",
    [
        pytest.param(right, id="none"),
        pytest.param(ending(lambda _, one, end: end + 55), id="free a little later"),
        pytest.param(jittery(1), id="slow and uneven"),
        pytest.param(miniatures.with_extras, id="extras"),
        pytest.param(miniatures.of_another_make, id="another make"),
    ],
)
def test_a_legal_slot_is_not_accused(legal: Wrong) -> None:
    """How soon a slot is free is open."""
    every_end.test_every_end_of_a_job_frees_its_slot_and_no_other(target_on(legal))
    every_end.test_a_client_at_its_limit_stops_no_other(target_on(legal))
