"""What changed between two runs, or two recordings, as one value; and the comparison of two runs, case by case."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import groupby
from typing import Final

from luma_conformance.errors import Exit
from luma_conformance.judge.causes import Cause, find_causes
from luma_conformance.judge.judged import Judged
from luma_conformance.model import Outcome
from luma_conformance.report.result import Conclusion, Results, count_noun

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
    `conclusive`. Of runs, `new_causes` and `gone_causes` are what is wrong in one of them only, known or not, each with
    its extent.
    """

    old: Side
    new: Side
    changes: tuple[Change, ...]
    unchanged: int
    cautions: tuple[str, ...] = ()
    new_causes: tuple[str, ...] = ()
    gone_causes: tuple[str, ...] = ()
    comparable: bool = True
    conclusive: bool = True

    @property
    def by_kind(self) -> Mapping[Kind, tuple[Change, ...]]:
        """The changes of each kind there is, in the order of the kinds."""
        return {kind: tuple(changes) for kind, changes in groupby(self.changes, lambda change: change.kind)}

    @property
    def headline(self) -> str:
        """The number of changes of each kind, in a line."""
        found = [
            count_noun(len(changes), kind) if kind in _NOUNS else f"{len(changes):,} {kind}"
            for kind, changes in self.by_kind.items()
        ]
        return ", ".join(found) or ("nothing changed" if self.comparable else "nothing to compare")

    @property
    def about_causes(self) -> tuple[str, ...]:
        """The number of new and gone causes, and each of them, in a line; empty where there are none."""
        if not self.new_causes and not self.gone_causes:
            return ()
        head = f"{count_noun(len(self.new_causes), 'new cause')}, {len(self.gone_causes):,} gone"
        return (
            head,
            *(f"new: {cause}" for cause in self.new_causes),
            *(f"gone: {cause}" for cause in self.gone_causes),
        )

    def exit_status(self, fail_on: FailOn) -> Exit:
        """Return the exit status: of the changes the user wants to fail on, or of a newer run that says too little."""
        if not self.comparable:
            return Exit.COULD_NOT_JUDGE
        if fail_on is FailOn.NONE:
            return Exit.CONFORMANT
        if any(_STRICTNESS[change.severity] <= _STRICTNESS[fail_on] for change in self.changes):
            return Exit.NOT_CONFORMANT
        return Exit.CONFORMANT if self.conclusive else Exit.COULD_NOT_JUDGE

    def scrub(self, scrub: Callable[[str], str]) -> Comparison:
        """Return the comparison with every text that may come from a file scrubbed."""
        old, new = (replace(side, target=scrub(side.target)) for side in (self.old, self.new))
        changes = (
            replace(
                one, where=scrub(one.where), before=scrub(one.before), after=scrub(one.after), place=scrub(one.place)
            )
            for one in self.changes
        )
        return replace(self, old=old, new=new, changes=tuple(changes))


def in_order(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Return changes in the order of their kinds; those of one kind keep theirs."""
    return tuple(sorted(changes, key=lambda change: _ORDER[change.kind]))


def compare_results(old: Results, new: Results) -> Comparison:
    """Return what changed from one run to another, case by case."""
    before = {judged.case: judged for judged in old.verdicts}
    after = {judged.case: judged for judged in new.verdicts}
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
        new_causes=tuple(_find_causes_of_one(new, old)),
        gone_causes=tuple(_find_causes_of_one(old, new)),
        comparable=not then.isdisjoint(now),
        conclusive=new.conclusion not in _UNJUDGED,
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


def _find_causes_of_one(run: Results, other: Results) -> Iterator[str]:
    """Yield the causes that another run has not, though it has judged cases of theirs."""
    judged = {one.case for one in other.verdicts if one.verdict is not Outcome.NOT_JUDGED}
    there = _find_causes(other)
    for cause in _find_causes(run):
        if not judged.isdisjoint(cause.cases) and not any(map(cause.is_like, there)):
            yield f"{cause.title}: {cause.extent}"


def _find_causes(run: Results) -> tuple[Cause, ...]:
    """Return the causes of a run's wrong answers, whether they are known deviations or not."""
    return find_causes(
        replace(one, verdict=Outcome.FAIL) if one.verdict is Outcome.DEVIATION else one for one in run.verdicts
    )


def _wording(judged: Judged) -> object:
    """Return what differs between two wordings: nothing where a case passes without a note."""
    return (judged.notes, judged.actual if judged.verdict is Outcome.WARNING else None)


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
    return Side(target=results.run.target, started=results.run.started, size=size)


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
    if old.run.target != new.run.target:
        yield f"two targets: {old.run.target or 'none'}, and {new.run.target or 'none'}"
    if old.run.catalogue != new.run.catalogue:
        yield "two catalogues: a case may ask for something else than it did"
