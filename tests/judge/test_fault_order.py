"""The order of answers: what observations imply, and where they contradict each other."""

from __future__ import annotations

from luma_conformance.judge.fault_order import Observation, Order, find_reversals

RULES = ("a", "b", "c", "d")


def order(*pairs: str) -> Order:
    """Return the order of observations written "ab": a was answered for, b was not."""
    return Order.of([Observation(first=pair[0], then=pair[1]) for pair in pairs], RULES)


def test_levels_follow_from_the_pairs() -> None:
    """A rule that nothing comes before is on the first level; a rule never observed is on none."""
    assert order("ab", "bc", "ac").levels == (("a",), ("b",), ("c",))
    assert order("ac", "bc").levels == (("a", "b"), ("c",))


def test_a_pair_that_follows_from_two_others_is_left_out() -> None:
    """Only the shortest steps are listed."""
    assert order("ab", "bc", "ac").steps == (("a", "b"), ("b", "c"))


def test_a_pair_answered_either_way_orders_nothing() -> None:
    """A server that names now one fault, now the other, has no order for the two."""
    found = order("ab", "ba", "ac")

    assert found.contested == (("a", "b"),)
    assert not found.is_before("a", "b")
    assert found.levels == (("a", "b"), ("c",))


def test_a_cycle_is_reported_and_does_not_hide_the_rest() -> None:
    """Three rules each before the next are reported as a ring, and what comes after them still does."""
    found = order("ab", "bc", "ca", "ad", "bd")

    assert len(found.cycles) == 1
    assert set(found.cycles[0]) == {"a", "b", "c"}
    assert found.levels[-1] == ("d",)


def test_a_total_order_has_no_cycle() -> None:
    """The legal variation: nothing to report."""
    found = order("ab", "ac", "ad", "bc", "bd", "cd")

    assert found.cycles == ()
    assert found.contested == ()
    assert found.levels == (("a",), ("b",), ("c",), ("d",))


def test_reversals_are_the_pairs_in_the_opposite_order() -> None:
    """A pair that was not seen before, or is contested now, is not reversed."""
    assert find_reversals(order("ab", "cd", "bc"), order("ba", "cd", "ad", "bc", "cb")) == (("b", "a"),)


def test_an_observation_may_be_made_often() -> None:
    """Many requests with the same two faults are one observation, with their number."""
    found = order("ab", "ab")

    assert found.observations == (Observation(first="a", then="b"),)
    assert found.counts == {("a", "b"): 2}
