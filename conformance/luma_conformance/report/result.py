"""The result of a run as one value: its verdicts, its ending, and the conclusion.

Secrets are removed from its texts before it is made, so all of them can be shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Final

from luma_conformance.errors import Exit
from luma_conformance.judge.judged import Judged
from luma_conformance.model import Outcome

SCHEMA: Final = 1
"""The version of the result format, in the first line of every file of results."""

JUDGED: Final = (Outcome.FAIL, Outcome.DEVIATION, Outcome.WARNING, Outcome.PASS)
"""The outcomes of a case that was judged, the worst first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run: its target, the build of it, the server it is compared with, and the versions involved.

    `label` is what the user calls the build. `catalogue` is a digest of the kit's case files, `transcribed` the day
    they were written from the page, `started` ISO 8601, UTC.
    """

    target: str = ""
    label: str = ""
    against: str = ""
    kit: str = ""
    pytest: str = ""
    python: str = ""
    catalogue: str = ""
    transcribed: str = ""
    profile: str = ""
    offers: tuple[str, ...] = ()
    started: str = ""

    @property
    def server(self) -> str:
        """The target without its profile: the same server may be judged with more keys, or fewer."""
        return self.target.partition(", ")[0]

    @property
    def name(self) -> str:
        """The build and the target, in words."""
        target = self.target or "no target"
        return f"{self.label} at {target}" if self.label else target


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a run ended: `complete` if every selected case was tried; `stop` is why it was stopped early.

    `rules` has how often generated requests broke each rule, or narrowly kept it and were accepted. `made` has the
    completed generations that the kit made itself, by role.
    """

    ended: str = ""
    complete: bool = True
    status: int = 0
    stop: str | None = None
    spent: int = 0
    made: Mapping[str, int] = field(default_factory=dict)
    rules: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    observed: tuple[str, ...] = ()


class Conclusion(StrEnum):
    """The conclusion of a run, in the words used by all formats."""

    CONFORMANT = "conformant"
    NOT_CONFORMANT = "not conformant"
    INCOMPLETE = "incomplete"
    COULD_NOT_JUDGE = "could not judge"


@dataclass(frozen=True)
class Results:
    """One run: its verdicts in the order they came, at most one a case; `ending` is None if the file was cut off."""

    run: Run
    verdicts: tuple[Judged, ...] = ()
    ending: Ending | None = None

    @cached_property
    def counts(self) -> Counter[Outcome]:
        """How many cases came to each outcome."""
        return Counter(judged.verdict for judged in self.verdicts)

    @property
    def judged(self) -> int:
        """How many cases were judged."""
        return sum(self.counts[outcome] for outcome in JUDGED)

    @cached_property
    def flaky(self) -> dict[str, list[Judged]]:
        """The cases whose attempts differ, by how they do."""
        found: dict[str, list[Judged]] = {}
        for one in self.verdicts:
            if one.flaky:
                found.setdefault(one.flaky, []).append(one)
        return found

    @property
    def complete(self) -> bool:
        """Return whether every selected case was tried."""
        return self.ending is not None and self.ending.complete

    @property
    def conclusion(self) -> Conclusion:
        """The conclusion: any failure decides it, and a run without judged cases is not conformant."""
        if self.counts[Outcome.FAIL]:
            return Conclusion.NOT_CONFORMANT
        if self.ending is not None and self.ending.stop is not None:
            return Conclusion.COULD_NOT_JUDGE
        if not self.complete:
            return Conclusion.INCOMPLETE
        return Conclusion.CONFORMANT if self.judged else Conclusion.COULD_NOT_JUDGE

    @property
    def exit_status(self) -> Exit:
        """The exit status of a command that only looks at these results: the run's own where it was stopped."""
        if self.ending is not None and self.ending.stop is not None:
            return Exit(self.ending.status)
        statuses = {Conclusion.CONFORMANT: Exit.CONFORMANT, Conclusion.NOT_CONFORMANT: Exit.NOT_CONFORMANT}
        return statuses.get(self.conclusion, Exit.COULD_NOT_JUDGE)

    @property
    def headline(self) -> str:
        """The result in a sentence for somebody who reads no further."""
        judged, failed = self.judged, self.counts[Outcome.FAIL]
        if self.conclusion is Conclusion.NOT_CONFORMANT:
            cases = f"{failed:,} of {count_noun(judged, 'case')} {'fails' if failed == 1 else 'fail'}"
            sections = len({one.section for one in self.verdicts if one.verdict is Outcome.FAIL})
            return f"Not conformant: {cases}, in {count_noun(sections, 'section')}"
        if self.conclusion is Conclusion.INCOMPLETE:
            return f"Incomplete: the run broke off after {count_noun(judged, 'case')}, none of which fails"
        if self.conclusion is Conclusion.COULD_NOT_JUDGE:
            stop = self.ending.stop if self.ending else None
            return f"Could not judge: {stop or 'not one case was judged, which is not conformance'}"
        known = self.counts[Outcome.DEVIATION]
        but = f", but for {count_noun(known, 'known deviation')}" if known else ""
        return f"Conformant: {'the one case' if judged == 1 else f'all {judged:,} cases'} judged as the page says{but}"

    @property
    def remarks(self) -> tuple[str, ...]:
        """The remarks on the headline: an early end, cases not judged, deviations and different wordings."""
        unjudged, warned = self.counts[Outcome.NOT_JUDGED], self.counts[Outcome.WARNING]
        stop = self.ending.stop if self.ending else None
        found = []
        if not self.complete:
            found.append(f"the run was ended: {stop}" if stop else "the results are incomplete: the run broke off")
        if unjudged:
            found.append(f"{count_noun(unjudged, 'case')} not judged")
        if warned:
            found.append(f"{count_noun(warned, 'case')} worded otherwise")
        found += [f"{len(cases):,} flaky: {words}" for words, cases in self.flaky.items()]
        if self.conclusion is Conclusion.NOT_CONFORMANT and (known := self.counts[Outcome.DEVIATION]):
            found.append(count_noun(known, "known deviation"))
        return tuple(found)


def add_rule_counts(counts: Iterable[Mapping[str, tuple[int, int]]]) -> dict[str, tuple[int, int]]:
    """Return how often each rule was broken, and narrowly kept, in all of some counts."""
    total: dict[str, tuple[int, int]] = {}
    for rule, (broken, kept) in (item for one in counts for item in one.items()):
        before = total.get(rule, (0, 0))
        total[rule] = (before[0] + broken, before[1] + kept)
    return total


def count_noun(number: int, noun: str) -> str:
    """Return a number with its noun, which is in the plural unless the number is 1."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def describe_made(made: Mapping[str, int]) -> str:
    """Return which generations the kit made, in words: "a completed image and 2 completed videos"."""
    kinds = ((role.replace("-", " "), count) for role, count in sorted(made.items()) if count)
    return " and ".join(f"a {kind}" if count == 1 else f"{count} {kind}s" for kind, count in kinds)
