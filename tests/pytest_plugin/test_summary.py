"""What properties saw of what the page leaves open, taken together."""

from __future__ import annotations

import pytest
from luma_conformance.pytest_plugin.summary import Tally


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        ([], ()),
        ([()], ()),
        ([("a", "b")], ("a — or — b",)),
        ([("a", "b"), ("a",)], ("a",)),
        ([("a",), ("a", "b"), ()], ("a",)),
        ([("a",), ("b",)], ("a", "b")),
        ([("a", "b"), ("b", "c"), ("a", "c")], ("a — or — b", "b — or — c", "a — or — c")),
    ],
)
def test_observations_are_what_explains_them_all(seen: list[tuple[str, ...]], told: tuple[str, ...]) -> None:
    """Each property narrows it down; where nothing explains all of them, each is told."""
    tally = Tally()
    for explanations in seen:
        tally.observe(explanations)

    assert tally.observed == told
