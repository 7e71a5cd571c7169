"""The score: which parts of the suite accuse which miniature, what each adds, and how few would do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from luma_conformance.miniatures.miniature import Miniature


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What the suite said of a miniature.

    That is the parts that accuse it, the text of the first and how many requests that sends to the reference, the parts
    that saw another answer than the reference's and let it pass, and the seconds of CPU time all of it took.
    """

    miniature: Miniature
    accused_by: tuple[str, ...]
    text: str = ""
    seconds: float = 0.0
    requests: int = 0
    let_pass: tuple[str, ...] = ()

    @property
    def is_killed(self) -> bool:
        """Whether a wrong service was accused."""
        return bool(self.accused_by) and not self.miniature.is_legal


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """The findings of a run, counted."""

    findings: tuple[Finding, ...]

    @property
    def wrong(self) -> tuple[Finding, ...]:
        """The findings on services that are wrong, and not equivalent to the reference."""
        return tuple(one for one in self.findings if not one.miniature.is_legal and one.miniature.equivalent is None)

    @property
    def killed(self) -> tuple[Finding, ...]:
        """The wrong services that were accused."""
        return tuple(one for one in self.wrong if one.is_killed)

    @property
    def survivors(self) -> tuple[Finding, ...]:
        """The wrong services that were not."""
        return tuple(one for one in self.wrong if not one.is_killed)

    @property
    def equivalents(self) -> tuple[Finding, ...]:
        """The services that cannot be told from the reference by what the page says."""
        return tuple(one for one in self.findings if one.miniature.equivalent is not None)

    @property
    def variants(self) -> tuple[Finding, ...]:
        """The findings on legal variants."""
        return tuple(one for one in self.findings if one.miniature.is_legal)

    @property
    def false_alarms(self) -> tuple[Finding, ...]:
        """The legal services that were accused, among them those that are equivalent to the reference."""
        return tuple(one for one in (*self.variants, *self.equivalents) if one.accused_by)

    def reaches(self, percent: float) -> bool:
        """Return whether so much of what is wrong was found, and nothing else accused."""
        return 100 * len(self.killed) >= percent * len(self.wrong) and not self.false_alarms

    def by_area(self) -> Mapping[str, tuple[int, int]]:
        """Return how many of how many wrong services were killed, by area."""
        killed, wrong = (Counter(str(one.miniature.area) for one in group) for group in (self.killed, self.wrong))
        return {area: (killed[area], count) for area, count in wrong.items()}

    def matrix(self) -> Mapping[str, Mapping[str, int]]:
        """Return how many services of each area each section of the suite accuses."""
        return self._count_by(section_of)

    def summary(self) -> Mapping[str, Mapping[str, int]]:
        """Return the matrix with one column for all sections of a folder, and one for all properties."""
        return self._count_by(lambda part: part.partition("/")[0])

    def _count_by(self, group: Callable[[str], str]) -> Mapping[str, Mapping[str, int]]:
        rows: dict[str, Counter[str]] = {}
        for one in self.killed:
            rows.setdefault(str(one.miniature.area), Counter()).update({group(part) for part in one.accused_by})
        return rows

    def alone(self) -> Mapping[str, int]:
        """Return, for each part that alone accuses some service, how many it does."""
        return Counter(one.accused_by[0] for one in self.killed if len(one.accused_by) == 1)


def section_of(part: str) -> str:
    """Return the section of a case, or the subject of a property."""
    return part.partition("[")[0].rpartition("/")[0]


def find_smallest(findings: Iterable[Finding], costs: Mapping[str, int], order: Sequence[str]) -> tuple[str, ...]:
    """Return few parts that accuse all that these findings do, in the order of the suite.

    The set is greedy: each step takes the part that accuses the most services not yet accused, of equals the one whose
    requests cost least, and of these the first of the suite. `costs` has the parts that may be chosen.
    """
    rank = {part: number for number, part in enumerate(order)}
    left = [found for one in findings if (found := frozenset(one.accused_by) & costs.keys())]
    chosen: list[str] = []
    while left:
        counts = Counter(part for one in left for part in one)
        best = min(counts, key=lambda part: (-counts[part], costs[part], rank.get(part, len(rank))))
        chosen.append(best)
        left = [one for one in left if best not in one]
    return tuple(sorted(chosen, key=lambda part: rank.get(part, len(rank))))
