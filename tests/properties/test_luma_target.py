"""How properties try their examples."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st

from tests.miniatures import right
from tests.suite.target_on import target_on


def test_what_every_run_tries_comes_first_and_in_order() -> None:
    """The examples that do not depend on what is drawn are tried once each, as they are listed, before any other."""
    tried: list[int] = []

    target_on(right, examples=20).for_all(st.integers(0, 9), tried.append, always=[30, 10, 20])

    assert tried[:3] == [30, 10, 20]
    assert len(tried) > 3
    assert set(tried[3:]) <= {*range(10)}


def test_the_first_that_fails_ends_a_property() -> None:
    """Where an example that every run tries fails, none after it is tried, and none is drawn."""
    tried: list[int] = []

    def fail_on_ten(number: int) -> None:
        tried.append(number)
        assert number != 10

    with pytest.raises(AssertionError):
        target_on(right).for_all(st.integers(0, 9), fail_on_ten, always=[30, 10, 20])

    assert tried == [30, 10]
