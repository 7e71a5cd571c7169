"""What changed between two runs, or two recordings, as one value; and the comparison of two runs, case by case."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import groupby
from typing import Final, NewType

from luma_conformance.errors import Exit
from luma_conformance.judge.causes import blank
from luma_conformance.judge.judged import Judged
from luma_conformance.model import Outcome
from luma_conformance.report.compare_causes import KINDS, compare_causes
from luma_conformance.report.result import Conclusion, Results, count_noun
from luma_conformance.shown import Scrub

THERE: Final = "there"
NOT_THERE: Final = "not there"


class Kind(StrEnum):
    """What happened to a case of a run or an answer of a recording, in the order a reader wants to see it."""

    REGRESSION = "regression"
    BREAKING = "breaking"
    LOST = "no longer judged"
    ONLY_OLD = "only in the older"
    STILL_FAILING = "still failing"
    NEW = "new case"
    GAINED = "judged for the first time"
    ADDITIVE = "additive"
    VALUE = "other value"
    WORDING = "worded otherwise"
    ONLY_NEW = "only in the newer"
    FIXED = "fixed"


class FailOn(StrEnum):
    """The changes that make a comparison fail; each takes in those before it, but `none`."""

    REGRESSIONS = "regressions"
    COVERAGE = "coverage"
    ANY = "any"
    NONE = "none"


SEVERITIES: Final[Mapping[Kind, FailOn]] = {
    Kind.REGRESSION: FailOn.REGRESSIONS,
    Kind.BREAKING: FailOn.REGRESSIONS,
    Kind.LOST: FailOn.COVERAGE,
    Kind.ONLY_OLD: FailOn.COVERAGE,
    Kind.ADDITIVE: FailOn.ANY,
    Kind.VALUE: FailOn.ANY,
    Kind.WORDING: FailOn.ANY,
    Kind.ONLY_NEW: FailOn.NONE,
    Kind.FIXED: FailOn.NONE,
}
"""The severity of a kind; of the others it is ANY where the newer verdict is a failure, else NONE."""

_ORDER: Final = {kind: number for number, kind in enumerate(Kind)}
_STRICTNESS: Final = {fail_on: number for number, fail_on in enumerate(FailOn)}
_NEWS: Final = (Kind.REGRESSION, Kind.BREAKING, Kind.FIXED, Kind.LOST, Kind.ONLY_OLD)
"""What a headline counts first, because it is for these that something got better or worse."""
_NOUNS: Final = (Kind.REGRESSION, Kind.NEW)
_WRONG: Final = (Outcome.FAIL, Outcome.DEVIATION)
_UNJUDGED: Final = (Conclusion.INCOMPLETE, Conclusion.COULD_NOT_JUDGE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change: where it is, what was there before and after, and the least `--fail-on` it is a failure for.

    Of runs, `where` is a case and `title` its title. Of recordings, `where` is a part of the answers to an operation,
    or the case or operation of a request that only one of the two has; `place` is where the change is first seen, and
    `times` how often.
    """

    kind: Kind
    severity: FailOn
    where: str
    before: str
    after: str
    title: str = ""
    place: str = ""
    times: int = 1

    def __str__(self) -> str:
        return self.after if self.before == self.after else f"{self.before} → {self.after}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two things compared: the target or file, when it was judged, and how large it is."""

    target: str
    started: str = ""
    size: str = ""

    def __str__(self) -> str:
        return ", ".join(part for part in (self.target or "no target", self.started, self.size) if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What changed from an older to a newer run or recording, the worst first, and how much did not.

    `cautions` are what a reader has to know before the numbers. Two recordings without a common request, or two runs
    that judged no case in common, are not `comparable`; a newer run that broke off, or judged nothing, is not
    `conclusive`. Of runs, the causes are what is wrong, known or not, in the cases that both judged: in one of the two
    only, or in more or fewer cases than before.
    """

    old: Side
    new: Side
    changes: tuple[Change, ...]
    unchanged: int
    cautions: tuple[str, ...] = ()
    new_causes: tuple[str, ...] = ()
    gone_causes: tuple[str, ...] = ()
    grown_causes: tuple[str, ...] = ()
    smaller_causes: tuple[str, ...] = ()
    uncovered_causes: tuple[str, ...] = ()
    hidden_causes: tuple[str, ...] = ()
    comparable: bool = True
    conclusive: bool = True

    @property
    def by_kind(self) -> Mapping[Kind, tuple[Change, ...]]:
        """The changes of each kind there is, in the order of the kinds."""
        return {kind: tuple(changes) for kind, changes in groupby(self.changes, lambda change: change.kind)}

    @property
    def headline(self) -> str:
        """Whether it got better or worse, and the number of changes of each kind, in a line."""
        kinds = sorted(self.by_kind.items(), key=lambda item: (*_NEWS, item[0]).index(item[0]))
        found = ", ".join(_count_changes(kind, changes) for kind, changes in kinds)
        if not self.comparable:
            return f"Nothing to compare{f': {found}' if found else ''}"
        return f"{self._verdict}: {found or 'nothing changed'}"

    @property
    def about_causes(self) -> tuple[str, ...]:
        """How many causes are new, grown, smaller, gone, …, and each of them, in a line; empty where there are none."""
        named: Mapping[str, tuple[str, ...]] = {kind: getattr(self, f"{kind}_causes") for kind in KINDS}
        if not any(named.values()):
            return ()
        first, *more = (f"{len(causes):,} {what}" for what, causes in named.items() if causes)
        count, what = first.split(" ")
        noun = f"cause{'s' * (count != '1')}"
        head = ", ".join([f"{count} new {noun}" if what == "new" else f"{count} {noun} {what}", *more])
        return (head, *(f"{what}: {cause}" for what, causes in named.items() for cause in causes))

    def _weigh(self) -> str:
        lost, won = (len(self.by_kind.get(kind, ())) for kind in (Kind.REGRESSION, Kind.FIXED))
        return "Mostly worse" if lost > 2 * won else "Mostly better" if won > 2 * lost else "Better and worse"

    @property
    def _verdict(self) -> str:
        """The first words somebody reads who reads no further."""
        kinds = self.by_kind
        worse = bool({Kind.REGRESSION, Kind.BREAKING} & {*kinds} or self.new_causes or self.grown_causes)
        better = bool(Kind.FIXED in kinds or self.gone_causes or self.smaller_causes)
        less = "less is judged" if Kind.LOST in kinds else "less can be compared" if Kind.ONLY_OLD in kinds else ""
        if worse or (better and self.conclusive):
            words = self._weigh() if worse and better else "Worse" if worse else "Better"
            return f"{words}, {'and' if worse else 'but'} {less}" if less else words
        if not self.conclusive:
            return "Cannot say"
        if less:
            return less.capitalize()
        if kinds.keys() & {Kind.NEW, Kind.GAINED}:
            failing = any(one.severity is FailOn.ANY for kind in (Kind.NEW, Kind.GAINED) for one in kinds.get(kind, ()))
            return f"More is judged{', and some of it fails' if failing else ''}"
        if Kind.ADDITIVE in kinds or Kind.VALUE in kinds:
            return "Changed, but nothing breaks"
        return "The same but for words" if Kind.WORDING in kinds else "The same"

    def exit_status(self, fail_on: FailOn) -> Exit:
        """Return the exit status: of the changes the user wants to fail on, or of a newer run that says too little."""
        if not self.comparable:
            return Exit.COULD_NOT_JUDGE
        if fail_on is FailOn.NONE:
            return Exit.CONFORMANT
        if any(_STRICTNESS[change.severity] <= _STRICTNESS[fail_on] for change in self.changes):
            return Exit.NOT_CONFORMANT
        return Exit.CONFORMANT if self.conclusive else Exit.COULD_NOT_JUDGE

    def scrub(self, scrub: Scrub) -> ShownComparison:
        """Return the comparison with every text that may come from a file scrubbed, so that it may be written."""
        old, new = (replace(side, target=scrub(side.target)) for side in (self.old, self.new))
        changes = (
            replace(
                one, where=scrub(one.where), before=scrub(one.before), after=scrub(one.after), place=scrub(one.place)
            )
            for one in self.changes
        )
        return ShownComparison(replace(self, old=old, new=new, changes=tuple(changes)))


ShownComparison = NewType("ShownComparison", Comparison)
"""A comparison whose texts may be shown."""


def in_order(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Return changes in the order of their kinds; those of one kind keep theirs."""
    return tuple(sorted(changes, key=lambda change: _ORDER[change.kind]))


def compare_results(old: Results, new: Results) -> Comparison:
    """Return what changed from one run to another, case by case."""
    before: dict[str, Judged] = {judged.case: judged for judged in old.verdicts}
    after: dict[str, Judged] = {judged.case: judged for judged in new.verdicts}
    cases = dict.fromkeys([*after, *before])
    changes = in_order(_changes(cases, before, after))
    then, now = (
        {case for case, one in those.items() if one.verdict is not Outcome.NOT_JUDGED} for those in (before, after)
    )
    return Comparison(
        old=_side(old),
        new=_side(new),
        changes=changes,
        unchanged=len(cases) - len(changes),
        cautions=(*_cautions(old, new), *_count_lost(len(then - now), old, new)),
        comparable=not then.isdisjoint(now),
        conclusive=new.conclusion not in _UNJUDGED,
        **{f"{kind}_causes": causes for kind, causes in compare_causes(old, new).items()},
    )


def classify(old: Judged | None, new: Judged | None) -> Kind | None:
    """Return what happened to a case, or None if it is unchanged.

    The verdicts decide; the wording counts only between two verdicts that are not failures.
    """
    then, now = (judged is not None and judged.verdict is not Outcome.NOT_JUDGED for judged in (old, new))
    if old is None or new is None or not (then and now):
        if then or now:
            return Kind.LOST if then else Kind.NEW if old is None else Kind.GAINED
        return None
    if new.verdict in _WRONG:
        known = (Outcome.FAIL,) if new.verdict is Outcome.FAIL else _WRONG
        return Kind.STILL_FAILING if old.verdict in known else Kind.REGRESSION
    if old.verdict in _WRONG:
        return Kind.FIXED
    return Kind.WORDING if _wording(old) != _wording(new) else None


def _changes(cases: Iterable[str], before: Mapping[str, Judged], after: Mapping[str, Judged]) -> Iterator[Change]:
    for case in cases:
        old, new = before.get(case), after.get(case)
        latest = new or old
        if latest is None or (kind := classify(old, new)) is None:
            continue
        then, now = old.verdict if old else NOT_THERE, new.verdict if new else NOT_THERE
        if old and new and then is now:
            then, now = _describe(old) or then, _describe(new) or now
        elif new and (text := _describe(new)):
            now = f"{now}: {text}"
        otherwise = FailOn.ANY if latest.verdict is Outcome.FAIL else FailOn.NONE
        severity = SEVERITIES.get(kind, otherwise)
        yield Change(kind=kind, severity=severity, where=case, before=then, after=now, title=latest.title)


def _count_changes(kind: Kind, changes: Sequence[Change]) -> str:
    counted = count_noun(len(changes), kind) if kind in _NOUNS else f"{len(changes):,} {kind}"
    failing = sum(one.severity is FailOn.ANY for one in changes) if kind in (Kind.NEW, Kind.GAINED) else 0
    return f"{counted} ({failing:,} {'fails' if failing == 1 else 'fail'})" if failing else counted


def _wording(judged: Judged) -> object:
    """Return what differs between two wordings: nothing where a case passes without a note.

    What a client did is told with times, which are never the same.
    """
    texts = (*judged.notes, judged.actual if judged.verdict is Outcome.WARNING else None)
    return tuple(blank(text) if text else text for text in texts) if judged.is_of_client else texts


def _describe(judged: Judged) -> str:
    """Return what is wrong with an answer, in a line; an empty text where nothing is."""
    if judged.verdict is Outcome.PASS and not judged.notes:
        return ""
    shown = ("status", "detail") if judged.actual else ()
    parts = [f"{one.where}: {one.why}" for one in judged.differences if one.facet not in shown]
    if judged.actual and len(parts) < len(judged.differences):
        parts.insert(0, judged.actual)
    return "; ".join([*parts, *judged.notes]) or judged.reason or (judged.explanation or "").partition("\n")[0]


def _side(results: Results) -> Side:
    size = f"{results.coverage} cases judged"
    return Side(target=results.run.name, started=results.run.started, size=size)


def _count_lost(lost: int, old: Results, new: Results) -> Iterator[str]:
    if lost:
        verb = "is" if lost == 1 else "are"
        yield f"{count_noun(lost, 'case')} {verb} no longer judged: {new.coverage} now, {old.coverage} before"


def _cautions(old: Results, new: Results) -> Iterator[str]:
    for name, results in (("the older", old), ("the newer", new)):
        if results.conclusion in _UNJUDGED:
            yield f"{name} run is no whole run: {results.headline}"
        elif not results.complete:
            yield f"{name} run is incomplete: cases may be missing because it broke off"
    if old.run.server == new.run.server and old.run.target != new.run.target:
        then, now = (results.run.target.partition(", ")[2] or "none" for results in (old, new))
        yield f"two profiles: {then}, and {now}"
    elif old.run.target != new.run.target:
        yield f"two targets: {old.run.target or 'none'}, and {new.run.target or 'none'}"
    if old.run.catalogue != new.run.catalogue:
        yield "two catalogues: a case may ask for something else than it did"
