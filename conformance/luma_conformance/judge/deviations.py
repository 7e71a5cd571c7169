"""Known deviations: wrong answers that somebody has looked at, so that only new ones fail a run.

An entry describes one answer of some cases. It fails the run when the answer changes, becomes right, or it expires.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Final

from luma_conformance.model import Facet, Mismatch, Outcome, Place, Result

LINE: Final = (Facet.STATUS, Facet.DETAIL)
"""The facets shown together, as one line with status and detail; an entry for one of them covers both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """A known wrong answer of the cases that a glob matches; `expires` is its last valid day, in ISO 8601."""

    cases: str
    facet: Facet
    answer: str
    reason: str
    place: Place
    link: str | None = None
    owner: str | None = None
    expires: str | None = None

    def matches(self, case_id: str) -> bool:
        """Return whether this entry lists a case."""
        return case_id == self.cases or fnmatchcase(case_id, self.cases)

    def knows(self, facet: Facet, answer: str) -> bool:
        """Return whether a wrong answer is the one this entry describes."""
        return answer == self.answer and (facet is self.facet or (facet in LINE and self.facet in LINE))

    @property
    def words(self) -> str:
        """The reason, with the owner, the link and the expiry date."""
        more = [text for text in (self.owner, self.link, self.expires and f"until {self.expires}") if text]
        return f"{self.reason} ({', '.join(more)})" if more else self.reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviations:
    """The known deviations of a run, and the day it runs, `today`, in ISO 8601."""

    entries: tuple[Deviation, ...] = ()
    today: str = ""

    def of(self, case_id: str) -> tuple[Deviation, ...]:
        """Return the entries that list a case."""
        return tuple(entry for entry in self.entries if entry.matches(case_id))

    def is_expired(self, entry: Deviation) -> bool:
        """Return whether an entry's last day is over."""
        return entry.expires is not None and entry.expires < self.today

    def find_covering(
        self, case_id: str, mismatches: Iterable[Mismatch], shown: Callable[[Mismatch], str]
    ) -> tuple[Deviation, ...]:
        """Return the entries that together explain all mismatches of a case; none if any mismatch is unknown."""
        entries = [entry for entry in self.of(case_id) if not self.is_expired(entry)]
        found: dict[Deviation, None] = {}
        for mismatch in mismatches:
            known = [entry for entry in entries if entry.knows(mismatch.facet, shown(mismatch))]
            if not known:
                return ()
            found |= dict.fromkeys(known)
        return tuple(found)

    def find_unmatched(self, case_ids: Iterable[str]) -> tuple[Deviation, ...]:
        """Return the entries that list none of the given cases."""
        ids = tuple(case_ids)
        return tuple(entry for entry in self.entries if not any(map(entry.matches, ids)))

    def find_complaint(self, case_id: str, used: Sequence[Deviation], *, wrong: bool) -> str | None:
        """Return what to do about the entries that list a case but do not fit its answer, or None."""
        left = [entry for entry in self.of(case_id) if entry not in used]
        if not left:
            return None
        return "; ".join(f"{entry.place}: {self._describe_complaint(entry, wrong=wrong)}" for entry in left)

    def _describe_complaint(self, entry: Deviation, *, wrong: bool) -> str:
        if wrong and self.is_expired(entry):
            return f"expired on {entry.expires}: have it fixed, or agree on another date"
        if wrong:
            return f"a different wrong answer from the known one, {entry.answer!r}"
        return "stale: the answer is right now; remove the entry, or narrow its glob"


def grade(result: Result, deviations: Deviations, shown: Callable[[Mismatch], str]) -> Result:
    """Return a result whose known wrong answers count as a deviation; an entry that does not fit makes it a failure."""
    verdict, case_id = result.verdict, result.case.id
    if verdict.outcome is Outcome.NOT_JUDGED or not deviations.of(case_id):
        return result
    used = deviations.find_covering(case_id, verdict.mismatches, shown)
    complaint = deviations.find_complaint(case_id, used, wrong=bool(verdict.mismatches) and not used)
    if complaint is not None:
        return replace(result, verdict=replace(verdict, outcome=Outcome.FAIL, reason=complaint))
    reason = "; ".join(entry.words for entry in used)
    return replace(result, verdict=replace(verdict, outcome=Outcome.DEVIATION, reason=reason))
