"""Which of two faults a server names: the order its answers imply, its contradictions, and changes between orders.

The page settles little of this order, so nothing here is right or wrong; it is information.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from graphlib import CycleError, TopologicalSorter

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Observation:
    """One request with two faults: the rule whose answer came, and the rule whose answer did not."""

    first: str
    then: str


@dataclass(frozen=True, kw_only=True)
class Order:
    """The order that observations imply.

    `rules` is in the page's order, which decides where the observations do not. `counts` says how often each pair was
    observed.
    """

    observations: tuple[Observation, ...]
    rules: tuple[str, ...]
    counts: Mapping[Pair, int] = field(default_factory=dict)

    @classmethod
    def of(cls, observations: Iterable[Observation], rules: Sequence[str]) -> Order:
        """Return the order that observations imply; the same observation may occur many times."""
        counts: dict[Pair, int] = {}
        for seen in observations:
            counts[seen.first, seen.then] = counts.get((seen.first, seen.then), 0) + 1
        distinct = sorted(Observation(first=first, then=then) for first, then in counts)
        return cls(observations=tuple(distinct), rules=tuple(rules), counts=counts)

    @property
    def contested(self) -> tuple[Pair, ...]:
        """The pairs that were answered both ways, each once, in the page's order."""
        found = [(one, other) for one, other in self.counts if (other, one) in self.counts]
        return tuple(sorted((pair for pair in found if self._rank(pair[0]) < self._rank(pair[1])), key=self._place))

    @cached_property
    def cycles(self) -> tuple[tuple[str, ...], ...]:
        """Rings of three or more rules in which each comes before the next and the last before the first."""
        return self._sorted[1]

    @cached_property
    def levels(self) -> tuple[tuple[str, ...], ...]:
        """The rules by level: each one on a level comes after some rule on the level before."""
        return self._sorted[0]

    @cached_property
    def steps(self) -> tuple[Pair, ...]:
        """The pairs that imply all others: a pair that follows from two others is left out."""
        after = {rule: set(self._after(rule)) for rule in self.rules}
        shortest = [
            (rule, other)
            for rule in self.rules
            for other in after[rule]
            if not any(other in after[between] for between in after[rule] - {other})
        ]
        return tuple(sorted(shortest, key=self._place))

    def is_before(self, first: str, then: str) -> bool:
        """Return whether one rule was answered before another, and never the other way round."""
        return (first, then) in self.counts and (then, first) not in self.counts

    def _after(self, rule: str) -> Iterator[str]:
        return (other for other in self.rules if self.is_before(rule, other) and (rule, other) not in self._cyclic)

    @cached_property
    def _cyclic(self) -> frozenset[Pair]:
        return frozenset(pair for cycle in self.cycles for pair in zip(cycle, (*cycle[1:], cycle[0]), strict=True))

    @cached_property
    def _sorted(self) -> tuple[tuple[tuple[str, ...], ...], tuple[tuple[str, ...], ...]]:
        """Return the levels, and the cycles that were broken to get them."""
        edges = {rule: {other for other in self.rules if self.is_before(other, rule)} for rule in self.rules}
        cycles: list[tuple[str, ...]] = []
        while True:
            try:
                TopologicalSorter(edges).prepare()
            except CycleError as error:
                ring = tuple(error.args[1][:-1])
                cycles.append(ring)
                for one, other in zip(ring, (*ring[1:], ring[0]), strict=True):
                    edges[other].discard(one)
            else:
                return self._levels(edges), tuple(cycles)

    def _levels(self, edges: Mapping[str, set[str]]) -> tuple[tuple[str, ...], ...]:
        seen = {rule for pair in self.counts for rule in pair}
        sorter = TopologicalSorter({rule: before for rule, before in edges.items() if rule in seen})
        sorter.prepare()
        levels: list[tuple[str, ...]] = []
        while sorter.is_active():
            ready = sorter.get_ready()
            sorter.done(*ready)
            levels.append(tuple(sorted(ready, key=self._rank)))
        return tuple(levels)

    def _rank(self, rule: str) -> int:
        return self.rules.index(rule) if rule in self.rules else len(self.rules)

    def _place(self, pair: Pair) -> tuple[int, int]:
        return self._rank(pair[0]), self._rank(pair[1])


def find_reversals(old: Order, new: Order) -> tuple[Pair, ...]:
    """Return the pairs whose order was reversed; the rule that now comes first is first."""
    turned = [(one, other) for one, other in new.counts if new.is_before(one, other) and old.is_before(other, one)]
    return tuple(sorted(turned, key=new._place))
