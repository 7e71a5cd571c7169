"""Two runs compared, case by case: what got worse, what got better, and what is no longer looked at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from luma_conformance.errors import Exit
from luma_conformance.judge.judged import Judged
from luma_conformance.model import Outcome
from luma_conformance.report.result import Conclusion, Results, count_noun


class Change(StrEnum):
    """What became of a case between two runs, in the order a reader wants them."""

    REGRESSION = "regression"
    LOST = "no longer judged"
    STILL_FAILING = "still failing"
    NEW = "new case"
    GAINED = "judged for the first time"
    WORDING = "worded otherwise"
    FIXED = "fixed"
    UNCHANGED = "unchanged"


class FailOn(StrEnum):
    """What makes a comparison fail: a regression, also lost coverage, also anything that is wrong, or nothing."""

    REGRESSIONS = "regressions"
    COVERAGE = "coverage"
    ANY = "any"
    NONE = "none"


_NOUNS: Final = (Change.REGRESSION, Change.NEW)
_WRONG: Final = (Outcome.FAIL, Outcome.DEVIATION)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One case in two runs; `old` or `new` is None where it is in only one of them."""

    case: str
    change: Change
    old: Judged | None
    new: Judged | None

    @property
    def latest(self) -> Judged:
        """The verdict of the newer run, else of the older."""
        judged = self.new or self.old
        assert judged is not None
        return judged

    @property
    def words(self) -> str:
        """What was, and what is."""
        then, now = (_said(judged) for judged in (self.old, self.new))
        if self.old is not None and self.new is not None and self.old.verdict is self.new.verdict:
            return now if then == now else f"{then} → {now}"
        names = [judged.verdict if judged else "not there" for judged in (self.old, self.new)]
        return f"{names[0]} → {names[1]}" + (f": {now}" if now else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two runs, and what became of each case of either, grouped by change."""

    old: Results
    new: Results
    changes: Mapping[Change, tuple[Compared, ...]]

    @property
    def headline(self) -> str:
        """What changed, in a line."""
        found = [
            count_noun(len(cases), change) if change in _NOUNS else f"{len(cases):,} {change}"
            for change, cases in self.changes.items()
            if cases and change is not Change.UNCHANGED
        ]
        return ", ".join(found) or "nothing changed"

    @property
    def cautions(self) -> Iterator[str]:
        """What a reader has to know before the numbers."""
        for name, results in (("the older", self.old), ("the newer", self.new)):
            if results.conclusion in (Conclusion.INCOMPLETE, Conclusion.COULD_NOT_JUDGE):
                yield f"{name} run is no whole run: {results.headline}"
            elif not results.complete:
                yield f"{name} run is incomplete: cases may be missing because it broke off"
        if self.old.run.target != self.new.run.target:
            yield f"two targets: {self.old.run.target or 'none'}, and {self.new.run.target or 'none'}"
        if self.old.run.catalogue != self.new.run.catalogue:
            yield "two catalogues: a case may ask for something else than it did"

    def exit_status(self, fail_on: FailOn) -> Exit:
        """Return the exit status: what the user asked to fail on, or a newer run that says too little to pass."""
        if fail_on is FailOn.NONE:
            return Exit.CONFORMANT
        if any(self._fails(compared, fail_on) for found in self.changes.values() for compared in found):
            return Exit.NOT_CONFORMANT
        unjudged = self.new.conclusion in (Conclusion.INCOMPLETE, Conclusion.COULD_NOT_JUDGE)
        return Exit.COULD_NOT_JUDGE if unjudged else Exit.CONFORMANT

    def _fails(self, compared: Compared, fail_on: FailOn) -> bool:
        if compared.change is Change.REGRESSION:
            return True
        if compared.change is Change.LOST:
            return fail_on is not FailOn.REGRESSIONS
        worse = compared.change is Change.WORDING or compared.latest.verdict is Outcome.FAIL
        return fail_on is FailOn.ANY and worse


def compare(old: Results, new: Results) -> Comparison:
    """Return what became of each case from one run to another."""
    before = {judged.case: judged for judged in old.verdicts}
    after = {judged.case: judged for judged in new.verdicts}
    found: dict[Change, list[Compared]] = {change: [] for change in Change}
    for case in dict.fromkeys([*after, *before]):
        was, now = before.get(case), after.get(case)
        change = changed(was, now)
        found[change].append(Compared(case=case, change=change, old=was, new=now))
    return Comparison(old=old, new=new, changes={change: tuple(cases) for change, cases in found.items()})


def changed(old: Judged | None, new: Judged | None) -> Change:
    """Return what became of a case; the verdict decides, and the wording only between two that are not failures."""
    if (uncovered := _coverage(old, new)) is not None:
        return uncovered
    assert old is not None
    assert new is not None
    if new.verdict in _WRONG:
        known = (Outcome.FAIL,) if new.verdict is Outcome.FAIL else _WRONG
        return Change.STILL_FAILING if old.verdict in known else Change.REGRESSION
    if old.verdict in _WRONG:
        return Change.FIXED
    return Change.WORDING if _worded(old) != _worded(new) else Change.UNCHANGED


def _coverage(old: Judged | None, new: Judged | None) -> Change | None:
    """Return what became of a case that only one of two runs judged, or none; None where both did."""
    then, now = (judged is not None and judged.verdict is not Outcome.NOT_JUDGED for judged in (old, new))
    if then and now:
        return None
    if then:
        return Change.LOST
    if now:
        return Change.NEW if old is None else Change.GAINED
    return Change.UNCHANGED


def _worded(judged: Judged) -> object:
    """Return what tells one wording from another: nothing where a case passes and nothing was noted."""
    return (judged.notes, judged.actual if judged.verdict is Outcome.WARNING else None)


def _said(judged: Judged | None) -> str:
    """Return what was wrong with an answer, in a line; nothing where nothing was."""
    if judged is None or (judged.verdict is Outcome.PASS and not judged.notes):
        return ""
    shown = ("status", "detail") if judged.actual else ()
    told = [f"{one.where}: {one.why}" for one in judged.differences if one.facet not in shown]
    if judged.actual and len(told) < len(judged.differences):
        told.insert(0, judged.actual)
    return "; ".join([*told, *judged.notes]) or judged.reason or (judged.explanation or "").partition("\n")[0]
