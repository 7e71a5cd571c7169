"""Long lists and tables in little memory, for what an audit keeps until a file ends.

All of it stays in memory: a recording holds keys and signatures, which are not written to another file. Items are best
plain values, named tuples among them: a frozen value takes six times as long to pack.
"""

from __future__ import annotations

import pickle
import zlib
from array import array
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import chain, islice, pairwise
from typing import Final, Generic, TypeVar

_BLOCK: Final = 32
"""Items that are compressed together: the more, the smaller, and the more are unpacked at once."""
_FASTEST: Final = 1
_PARTS: Final = 64
"""Into so many parts a list is put that is not in order."""
_BUCKETS: Final = 2048

_Item = TypeVar("_Item")


class CompactList(Generic[_Item]):
    """A list that only grows: its items are compressed in blocks, and each is unpacked anew when it is read."""

    def __init__(self) -> None:
        self._blocks: list[bytes] = []
        self._last: list[_Item] = []

    def __len__(self) -> int:
        return len(self._blocks) * _BLOCK + len(self._last)

    def __iter__(self) -> Iterator[_Item]:
        return self.since(0)

    def append(self, item: _Item) -> None:
        """Add an item at the end."""
        self._last.append(item)
        if len(self._last) == _BLOCK:
            self._blocks.append(zlib.compress(pickle.dumps(self._last, pickle.HIGHEST_PROTOCOL), _FASTEST))
            self._last = []

    def since(self, first: int) -> Iterator[_Item]:
        """Yield the items from the one with an index on."""
        blocks = chain(map(_unpack, self._blocks[first // _BLOCK :]), [self._last])
        return islice(chain.from_iterable(blocks), first % _BLOCK, None)


def in_order(items: CompactList[_Item], key: Callable[[_Item], float]) -> Iterator[_Item]:
    """Yield the items of a list sorted by a number, equal ones as they stand; few of them are unpacked at a time."""
    keys = array("d", map(key, items))
    if all(one <= other for one, other in pairwise(keys)):
        yield from items
        return
    bounds = sorted(keys)[:: len(keys) // _PARTS + 1]
    parts: list[CompactList[_Item]] = [CompactList() for _ in bounds]
    for item in items:
        parts[bisect_right(bounds, key(item)) - 1].append(item)
    for part in parts:
        yield from sorted(part, key=key)


def _unpack(block: bytes) -> list[_Item]:
    found: list[_Item] = pickle.loads(zlib.decompress(block))  # noqa: S301  # made by the list itself
    return found


class CompactTable:
    """Rows of numbers, one for each key; all of them, and keys, have at most 64 bits, which take 8 bytes."""

    def __init__(self) -> None:
        self._buckets: dict[int, tuple[array[int], array[int]]] = defaultdict(lambda: (array("q"), array("q")))

    def add(self, key: int, *row: int) -> tuple[int, ...] | None:
        """Add a row, unless there is one with this key, and return that; rows are equally long."""
        keys, rows = self._buckets[key % _BUCKETS]
        if key in keys:
            at = keys.index(key) * len(row)
            return tuple(rows[at : at + len(row)])
        keys.append(key)
        rows.extend(row)
        return None
