"""The result of a run as one value: its verdicts, its ending, and the conclusion.

Secrets are removed from its texts before it is made, so all of them can be shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Final, NewType

from luma_conformance.errors import Exit
from luma_conformance.judge.judged import Judged
from luma_conformance.model import Outcome
from luma_conformance.report.floor import find_shortfall
from luma_conformance.shown import NOTHING, Shown

SCHEMA: Final = 2
"""The version of the result format, in the first line of every file of results."""

JUDGED: Final = (Outcome.FAIL, Outcome.DEVIATION, Outcome.WARNING, Outcome.PASS)
"""The outcomes of a case that was judged, the worst first."""

NAMES: Final = {
    Outcome.PASS: "pass",
    Outcome.FAIL: "fail",
    Outcome.DEVIATION: "known deviation",
    Outcome.WARNING: "worded otherwise",
    Outcome.NOT_JUDGED: "not judged",
}
CLIENT: Final = "client"

Report = NewType("Report", str)
"""The text of a report: of verdicts, whose texts all may be shown, and the kit's own words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run: its target, the build of it, the server it is compared with, and the versions involved.

    `label` is what the user calls the build. `catalogue` is a digest of the kit's case files, `transcribed` the day
    they were written from the page, `started` ISO 8601, UTC. `total` counts the cases that there are
    for it, `selected` those that were to be tried, `own` those that are not the kit's; all are 0 if not known.
    `required` says what it has to judge at least: each requirement, and the number of cases it asks for. `kind` is
    CLIENT where the target is a client, and its cases are scenarios.
    """

    target: Shown = NOTHING
    label: Shown = NOTHING
    against: Shown = NOTHING
    kit: Shown = NOTHING
    pytest: Shown = NOTHING
    python: Shown = NOTHING
    catalogue: Shown = NOTHING
    transcribed: Shown = NOTHING
    profile: Shown = NOTHING
    offers: tuple[Shown, ...] = ()
    started: Shown = NOTHING
    total: int = 0
    selected: int = 0
    own: int = 0
    required: Mapping[str, int] = field(default_factory=dict)
    kind: Shown = NOTHING

    @property
    def noun(self) -> str:
        """What the run judges one of at a time."""
        return "scenario" if self.kind == CLIENT else "case"

    @property
    def names(self) -> Mapping[Outcome, str]:
        """The outcomes in words."""
        return {**NAMES, Outcome.WARNING: "not as advised"} if self.kind == CLIENT else NAMES

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

    `rules` has how often generated requests broke each rule, or narrowly kept it and were accepted, `covered` in how
    many contexts rules were judged, by kind. `made` has the completed generations that the kit made itself, by role.
    """

    ended: Shown = NOTHING
    complete: bool = True
    status: int = 0
    stop: Shown | None = None
    spent: int = 0
    made: Mapping[str, int] = field(default_factory=dict)
    rules: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    covered: Mapping[str, int] = field(default_factory=dict)
    observed: tuple[Shown, ...] = ()


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
    def total(self) -> int:
        """How many cases there are for the run, whatever was selected; as many as were tried, if that is not known."""
        return max(self.run.total, len(self.verdicts))

    @property
    def coverage(self) -> str:
        """How many cases were judged of how many there are, as in "255 of 512"."""
        return f"{self.judged:,} of {self.total:,}"

    @property
    def unselected(self) -> int:
        """How many cases were left out by whoever started the run."""
        return max(0, self.run.total - max(self.run.selected, len(self.verdicts)))

    @property
    def untried(self) -> int:
        """How many of the selected cases have no verdict, because the run ended before."""
        return self.total - self.unselected - len(self.verdicts)

    @property
    def is_own(self) -> bool:
        """Whether none of the cases there are is the kit's."""
        return 0 < self.run.total <= self.run.own

    @property
    def complete(self) -> bool:
        """Return whether every selected case was tried."""
        return self.ending is not None and self.ending.complete

    @cached_property
    def unmet(self) -> tuple[str, ...]:
        """What the run had to judge at least and did not, each in a sentence."""
        found = (find_shortfall(*one, self.total, self.verdicts) for one in self.run.required.items())
        return tuple(sentence for sentence in found if sentence is not None)

    @property
    def conclusion(self) -> Conclusion:
        """The conclusion: any failure decides it, and a run that judged nothing, or too little, is not conformant."""
        if self.counts[Outcome.FAIL]:
            return Conclusion.NOT_CONFORMANT
        if self.ending is not None and self.ending.stop is not None:
            return Conclusion.COULD_NOT_JUDGE
        if not self.complete:
            return Conclusion.INCOMPLETE
        return Conclusion.CONFORMANT if self.judged and not self.unmet else Conclusion.COULD_NOT_JUDGE

    @property
    def is_whole(self) -> bool:
        """Whether all that the target offers of the kit's catalogue was judged, and is right to the letter."""
        return (
            self.conclusion is Conclusion.CONFORMANT
            and self.run.own < self.run.total == len(self.verdicts)
            and all((one.verdict is Outcome.PASS and not one.flaky) or one.lacks for one in self.verdicts)
        )

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
        failed = self.counts[Outcome.FAIL]
        if self.conclusion is Conclusion.NOT_CONFORMANT:
            sections = len({one.section for one in self.verdicts if one.verdict is Outcome.FAIL})
            wrong = f"{count_noun(failed, self.run.noun)} {'fails' if failed == 1 else 'fail'}"
            return f"Not conformant: {wrong}, in {count_noun(sections, 'section')}; {self.coverage} judged"
        if self.conclusion is Conclusion.INCOMPLETE:
            return f"Incomplete: the run broke off after {self.coverage} {self.run.noun}s, none of which fails"
        if self.conclusion is Conclusion.COULD_NOT_JUDGE:
            stop = self.ending.stop if self.ending else None
            why = stop or "; ".join(self.unmet) or f"not one {self.run.noun} was judged, which is not conformance"
            return f"Could not judge{' enough' * (bool(self.unmet) and stop is None)}: {why}"
        return self._describe_conformance()

    def _describe_conformance(self) -> str:
        """Return what a conformant run is: of all there is, of all that the target offers, or of what was judged."""
        known = self.counts[Outcome.DEVIATION]
        but = f", but for {count_noun(known, 'known deviation')}" if known else ""
        if self.is_own:
            return f"Conformant as far as judged: {self.coverage} own cases, and none of the page's{but}"
        extent = " as far as judged"
        if self.is_whole:
            extent = "" if self.judged == self.total else " in all that the target offers"
        return f"Conformant{extent}: {self.coverage} {self.run.noun}s, each as the page says{but}"

    @property
    def remarks(self) -> tuple[str, ...]:
        """The remarks on the headline: an early end, cases not judged, deviations and different wordings."""
        stop = self.ending.stop if self.ending else None
        counted = {
            "not judged": self.counts[Outcome.NOT_JUDGED],
            "not selected": self.unselected,
            "not tried": self.untried,
            self.run.names[Outcome.WARNING]: self.counts[Outcome.WARNING],
        }
        found = []
        if not self.complete:
            found.append(f"the run was ended: {stop}" if stop else "the results are incomplete: the run broke off")
        if self.conclusion is not Conclusion.COULD_NOT_JUDGE or stop is not None:
            found += self.unmet
        found += [f"{count_noun(count, self.run.noun)} {what}" for what, count in counted.items() if count]
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


def add_covered(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Return in how many contexts rules were judged, by kind, in all of some counts."""
    total: Counter[str] = Counter()
    for one in counts:
        total.update(one)
    return dict(total)


def describe_covered(covered: Mapping[str, int]) -> str:
    """Return in how many contexts rules were judged, in words."""
    features, places = covered.get("features", 0), covered.get("places", 0)
    parts = [f"{features:,} rules × features, {places:,} checks of media × places × forms"] if features + places else []
    parts += [f"{count:,} of {kind}" for kind, count in sorted(covered.items()) if kind not in ("features", "places")]
    return ", ".join(parts)


def count_noun(number: int, noun: str) -> str:
    """Return a number with its noun, which is in the plural unless the number is 1."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def describe_made(made: Mapping[str, int]) -> str:
    """Return which generations the kit made, in words: "a completed image and 2 completed videos"."""
    kinds = ((role.replace("-", " "), count) for role, count in sorted(made.items()) if count)
    return " and ".join(f"a {kind}" if count == 1 else f"{count} {kind}s" for kind, count in kinds)
