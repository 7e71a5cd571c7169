"""Covering arrays: few rows in which each value of each factor occurs, or each pair of values.

Kept libraries make such arrays too, but not under a constraint that is an oracle about whole rows. Of the pairs beside
one rule allpairspy 2.5 leaves out 625, for it gives up a row it cannot complete, in twice the time this takes;
covertable 3.2, with the oracle as a condition on all factors, does not end in three minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import combinations
from typing import Any

Row = tuple[int, ...]
"""The index of a value for each factor."""
Target = tuple[tuple[int, int], ...]
"""Values that are to occur in one row, each as the number of its factor and its index."""


def cover(
    sizes: Sequence[int],
    targets: dict[Target, Any],
    starts: Sequence[Row],
    is_legal: Callable[[Row], bool],
    turn: int = 0,
    weak: Collection[int] = (),
) -> Iterator[Row]:
    """Yield legal rows that together meet all targets, which are equally long.

    Targets that are met are taken out, and so is one that makes each of `starts`, rows that are legal, illegal; the
    caller may take out others meanwhile. `turn` chooses among values that are equally good: with another one, other
    values meet in a row. In a row with a value of the first factor that is `weak`, nothing is met but what has it.
    """
    excluded: dict[Row, set[tuple[int, int]]] = {start: set() for start in starts}
    while targets:
        seed = next(iter(targets))
        for start in starts:
            if start[0] in weak and start[0] != dict(seed).get(0):
                continue
            if excluded[start].isdisjoint(seed) and _allows(start, seed, is_legal, excluded[start]):
                barred = {*excluded[start], *((0, value) for value in weak)}
                full = _fill(_put(start, seed), seed, sizes, targets, barred, turn)
                row = full if is_legal(full) else _repair(start, seed, full, targets, is_legal, excluded[start])
                break
        else:
            del targets[seed]
            continue
        for met in combinations(enumerate(row), len(seed)):
            if row[0] not in weak or met[0][0] == 0:
                targets.pop(met, None)
        yield row
        turn += 1


def list_targets(sizes: Sequence[int], strength: int) -> Iterator[Target]:
    """Yield each value of each factor, or for strength 2 each pair of values of two factors."""
    values = [[(factor, value) for value in range(size)] if size > 1 else [] for factor, size in enumerate(sizes)]
    if strength == 1:
        # One value of each factor after another, so that the first rows have something of everything.
        yield from ((own[-1 - n],) for n in range(max(map(len, values), default=0)) for own in values if n < len(own))
    else:
        yield from ((one, other) for first, second in combinations(values, 2) for one in first for other in second)


def _put(row: Row, target: Iterable[tuple[int, int]]) -> Row:
    changed = list(row)
    for factor, value in target:
        changed[factor] = value
    return tuple(changed)


def _fill(
    start: Row,
    seed: Target,
    sizes: Sequence[int],
    targets: dict[Target, Any],
    excluded: set[tuple[int, int]],
    turn: int,
) -> Row:
    """Return the row with a value for every other factor: each time the one that meets most open targets."""
    chosen = dict(seed)
    for factor, size in enumerate(sizes):
        if factor in chosen or size < 2:
            continue
        first = _mix(turn, factor)
        values = [(first + step) % size for step in range(size)]
        values = [value for value in values if (factor, value) not in excluded] or [start[factor]]
        if len(seed) == 1:
            best = next((value for value in values if ((factor, value),) in targets), values[0])
        else:
            best = max(values, key=lambda value: _count_met((factor, value), chosen, targets))
        chosen[factor] = best
    return _put(start, tuple(chosen.items()))


def _mix(turn: int, factor: int) -> int:
    """Return a number that looks drawn by chance, so that factors do not go in step."""
    return ((turn + 1) * 0x9E3779B1 ^ (factor + 1) * 0x85EBCA6B) % 0x7FFFFFFF >> 3


def _count_met(own: tuple[int, int], chosen: dict[int, int], targets: dict[Target, Any]) -> int:
    return sum(((own, other) if own < other else (other, own)) in targets for other in chosen.items())


def _allows(start: Row, seed: Target, is_legal: Callable[[Row], bool], excluded: set[tuple[int, int]]) -> bool:
    """Return whether a target goes with the start; a single value that does not is added to `excluded`."""
    if is_legal(_put(start, seed)):
        return True
    if len(seed) == 1:
        excluded.update(seed)
    return False


def _repair(
    start: Row,
    seed: Target,
    wanted: Row,
    targets: dict[Target, Any],
    is_legal: Callable[[Row], bool],
    excluded: set[tuple[int, int]],
) -> Row:
    """Return as much of the wanted row as goes with the seed, or other values that are still to be met.

    Values that do not even go with the start are added to `excluded`. The factors with most to be met come first.
    """
    left: dict[int, list[int]] = {}
    if len(seed) == 1:
        for ((factor, value),) in targets:
            left.setdefault(factor, []).append(value)

    def add(row: Row, more: Sequence[tuple[int, int]]) -> Row:
        """Return the row with all of these values if that is legal, or what can be had, half by half."""
        if not more or is_legal(trial := _put(row, more)):
            return trial if more else row
        if len(more) > 1:
            half = len(more) // 2
            return add(add(row, more[:half]), more[half:])
        ((factor, first),) = more
        for value in dict.fromkeys((first, *left.get(factor, ()))):
            own = (factor, value)
            if own in excluded:
                continue
            if value != first and is_legal(trial := _put(row, (own,))):
                return trial
            if not is_legal(_put(start, (own,))):
                excluded.add(own)
        return row

    row, fixed = _put(start, seed), {factor for factor, _ in seed}
    open_factors = sorted({*range(len(row))} - fixed, key=lambda one: -len(left.get(one, ())))
    return add(row, [(one, wanted[one]) for one in open_factors if wanted[one] != row[one]])
