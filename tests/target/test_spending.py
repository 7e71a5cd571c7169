"""Spending: what counts, what is allowed, and when it ends."""

from __future__ import annotations

import pytest

from luma_conformance.errors import ExchangeError, SpendExhausted
from luma_conformance.model import Request, Response
from luma_conformance.target.spending import Spending
from tests.kit import CREATE, Fixed

POLL = Request(method="GET", url="/v1/generations/1")


def target(status: int) -> Fixed:
    """Return a target that answers every request with one status."""
    return Fixed(Response(status=status))


@pytest.mark.parametrize(
    ("request_", "status", "spent"),
    [
        (CREATE, 201, 1),
        (CREATE, 200, 1),
        (CREATE, 202, 1),
        (Request(method="POST", url="/v1/generations/?x=1"), 201, 1),
        (CREATE, 400, 0),
        (CREATE, 402, 0),
        (CREATE, 429, 0),
        (CREATE, 500, 0),
        (POLL, 200, 0),
        (Request(method="POST", url="/_reference/clock"), 200, 0),
    ],
)
def test_an_accepted_generation_counts(request_: Request, status: int, spent: int) -> None:
    """A success under a wrong status costs as much; polls and refusals cost nothing."""
    spending = Spending(target(status), 5)
    assert spending.send(request_).status == status
    assert spending.spent == spent


def test_remaining_spending_is_the_limit_minus_what_was_spent() -> None:
    """The limit itself is allowed, one more is not."""
    spending = Spending(target(201), 2)
    spending.send(CREATE)
    assert (spending.allows(0), spending.allows(1), spending.allows(2)) == (True, True, False)
    spending.send(CREATE)
    assert (spending.allows(0), spending.allows(1), spending.exhausted) == (True, False, False)


def test_no_generation_is_requested_once_the_budget_is_spent() -> None:
    """It is handed back to be judged; then no generation is asked for, while polls go on."""
    accepting = target(201)
    spending = Spending(accepting, 0)
    assert not spending.exhausted
    assert spending.send(CREATE).status == 201
    assert spending.exhausted
    with pytest.raises(SpendExhausted, match="accepted 1 generation, and --luma-spend allows 0"):
        spending.send(CREATE)
    spending.send(POLL)
    assert accepting.heard == [CREATE, POLL]


def test_refusals_go_on_without_a_limit_to_spend() -> None:
    """A budget of nothing stops nothing that costs nothing."""
    spending = Spending(target(400), 0)
    for _ in range(3):
        spending.send(CREATE)
    assert not spending.exhausted


def test_without_a_limit_all_is_allowed_and_counted() -> None:
    """What runs on this machine costs nothing."""
    spending = Spending(target(201), None)
    for _ in range(3):
        spending.send(CREATE)
    assert (spending.spent, spending.exhausted, spending.allows(10**9)) == (3, False, True)


def test_a_broken_exchange_is_passed_on_and_not_counted() -> None:
    """What nobody answered, nobody is known to have accepted."""
    spending = Spending(Fixed(ExchangeError("no")), 0)
    with pytest.raises(ExchangeError):
        spending.send(CREATE)
    assert spending.spent == 0
