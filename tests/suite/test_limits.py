"""The limits proved on wrong servers, and on legal ones: what two clients see tells which is which."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from luma_conformance.properties.luma_target import LumaTarget
from luma_conformance.properties.nonconformance import NonConformance
from luma_conformance.suite import test_limits as limits
from luma_conformance.suite import test_rate_limit as rate_limit
from tests import miniatures
from tests.miniatures import Handle, Wrong, right
from tests.suite.target_on import target_on
from tests.suite.wrong_limits import (
    behind,
    counting_refusals,
    fixed,
    jittery,
    renumbered,
    shorter,
    with_limiter,
)

pytestmark = pytest.mark.slow


def one_window_for_all(handle: Handle) -> Handle:
    """Count the requests of two clients in one window."""
    clients = behind(handle)._clients
    clients["low-concurrency"].window = clients["low-rpm"].window
    return handle


def counting_before_the_slots(handle: Handle) -> Handle:
    """Count a request once the window has room for it, whether a slot is free or not: legal."""
    service = behind(handle)
    check = service._check_limits

    def counted(client: Any) -> None:
        if client.window.refuse(service._read_clock(client)) is None and client.slots.is_full(
            service._read_clock(client)
        ):
            client.window.admit(service._read_clock(client))
        check(client)

    service._check_limits = counted  # type: ignore[method-assign]
    return handle


def limits_before_validation(handle: Handle) -> Handle:
    """Check the limits before the body: legal."""
    service = behind(handle)
    valid = service._validate

    def limited_first(client, request, loader):  # type: ignore[no-untyped-def]
        service._check_limits(client)
        return valid(client, request, loader)

    service._validate = limited_first  # type: ignore[method-assign]
    return handle


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        pytest.param(with_limiter(refuse=fixed), "Retry-After is", id="fixed window"),
        pytest.param(with_limiter(refuse=shorter), "Retry-After is 55", id="window of 55 s"),
        pytest.param(renumbered("Retry-After", -1, status=429), "Retry-After", id="Retry-After one short"),
        pytest.param(renumbered("X-RateLimit-Remaining", 1, status=201), "Remaining is", id="Remaining one too many"),
        pytest.param(one_window_for_all, "X-RateLimit-", id="one window for all clients"),
    ],
)
def test_wrong_limits_are_caught_whatever_clients_do(wrong: Wrong, said: str) -> None:
    """A server wrong in one limit is caught by what some client sees, and the requests that show it are listed."""
    with pytest.raises(NonConformance, match=rf"(?s){said}.*#\d+ +\+"):
        limits.test_clients_keep_to_their_limits_and_to_no_others(target_on(wrong, examples=100))


@pytest.mark.parametrize(
    "legal",
    [
        pytest.param(right, id="the reference"),
        pytest.param(with_limiter(refuse=counting_refusals), id="refusals count"),
        pytest.param(limits_before_validation, id="limits before validation"),
        pytest.param(counting_before_the_slots, id="counted before the slots"),
        pytest.param(miniatures.with_extras, id="extras"),
    ],
)
def test_legal_limits_are_not_accused_whatever_clients_do(legal: Wrong) -> None:
    """What the page leaves open is left open."""
    limits.test_clients_keep_to_their_limits_and_to_no_others(target_on(legal, examples=50))


def in_real_time(luma_target: LumaTarget) -> LumaTarget:
    """Return the same target without a clock to advance; what is waited is the test's virtual time."""
    target = luma_target.session.target
    profile = replace(target.profile, offers=target.profile.offers - {"fast-clock"})
    target = replace(target, profile=profile)
    luma_target.session = replace(luma_target.session, target=target)
    luma_target.fuzzing = replace(luma_target.fuzzing, real_time=True)
    return luma_target


@pytest.mark.parametrize("seed", range(6))
def test_latency_and_jitter_are_not_held_against_a_server(seed: int) -> None:
    """A right server behind a slow and uneven network is right in real time, and on a clock that is advanced."""
    rate_limit.test_the_window_slides_and_its_headers_tell_the_truth(in_real_time(target_on(jittery(seed))))
    limits.test_clients_keep_to_their_limits_and_to_no_others(target_on(jittery(seed), examples=20))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda handle: jittery(1)(with_limiter(refuse=shorter)(handle)),
        lambda handle: renumbered("Retry-After", -5, status=429)(jittery(1)(handle)),
    ],
    ids=["window of 55 s", "Retry-After five short"],
)
def test_latency_and_jitter_do_not_hide_a_wrong_server(wrong: Wrong) -> None:
    """What is wrong by more than latency and rounding explain is found behind the same network."""
    with pytest.raises(NonConformance):
        rate_limit.test_the_window_slides_and_its_headers_tell_the_truth(in_real_time(target_on(wrong)))
