"""Long lists and tables in little memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luma_conformance.audit.compact import CompactList, CompactTable, in_order

Pair = tuple[float, int]


def listed(numbers: list[float]) -> CompactList[Pair]:
    """Return a list of numbers, each with its index."""
    found: CompactList[Pair] = CompactList()
    for index, number in enumerate(numbers):
        found.append((number, index))
    return found


@pytest.mark.parametrize("count", [0, 1, 31, 32, 33, 64, 100])
def test_a_list_has_what_was_added(count: int) -> None:
    """Items come back in order, as often as they are asked for, and from any index on; so do none."""
    items = [(0.5, index) for index in range(count)]
    found = listed([0.5] * count)

    assert (len(found), [*found], [*found]) == (count, items, items)
    assert [[*found.since(first)] for first in range(count + 1)] == [items[first:] for first in range(count + 1)]


@given(st.lists(st.floats(-5, 5).map(round), max_size=300))
def test_items_are_sorted_as_a_list_is(numbers: list[float]) -> None:
    """Equal ones stay as they stand, wherever the list is long enough to be put into parts."""
    expected = sorted(((number, index) for index, number in enumerate(numbers)), key=lambda pair: pair[0])

    assert [*in_order(listed(numbers), lambda pair: pair[0])] == expected


def test_a_table_has_the_first_row_of_each_key() -> None:
    """A row is added where there is none with its key, of which any number of 64 bits is one."""
    table = CompactTable()
    keys = [0, 1, -1, 2**63 - 1, -(2**63), 2048, 4096, 10**15]

    assert [table.add(key, index, -index) for index, key in enumerate(keys)] == [None] * len(keys)
    assert [table.add(key, 7, 7) for key in keys] == [(index, -index) for index in range(len(keys))]


def test_a_table_may_have_keys_alone() -> None:
    """A row without numbers tells that its key was there."""
    table = CompactTable()

    assert [table.add(key) for key in (5, 6, 5)] == [None, None, ()]


def note_texts() -> object:
    """Return a list of a thousand texts, of which a part is alike."""
    found: CompactList[str] = CompactList()
    for number in range(1000):
        found.append(f"a text of which little is new {number}" * 10)
    return found


def note_rows() -> object:
    """Return a table of a thousand rows."""
    found = CompactTable()
    for number in range(1000):
        found.add(hash(f"request {number}"), number)
    return found


@pytest.mark.parametrize(("make", "most"), [(note_texts, 100), (note_rows, 400)])
def test_little_memory_is_taken(make: Callable[[], object], most: int) -> None:
    """A text of 340 letters takes a quarter of that, a row less than it does in a dict, however few there are."""
    tracemalloc.start()
    kept = make()
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()

    assert kept is not None
    assert taken / 1000 < most
