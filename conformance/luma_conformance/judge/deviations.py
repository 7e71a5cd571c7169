"""Known deviations: wrong answers that somebody has looked at, so that only new ones fail a run.

An entry describes one wrong behaviour: the cases that show it, and what is wrong with their answers. It fails the run
when an answer changes, when none of its cases shows the behaviour any more, or when it expires.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Final

from luma_conformance.model import Facet, Mismatch, Outcome, Place, Result

PLACEHOLDERS: Final = {
    "{id}": r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}",
    "{time}": r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)",
    "{number}": r"\d+(?:\.\d+)?",
    "{url}": r"https?://[^\s\"']+",
    "{any}": r".*",
}
"""What may stand in an entry for the part of an answer that varies, and the pattern of what it stands for."""

LINE: Final = (Facet.STATUS, Facet.DETAIL)
"""The facets shown together, as one line with status and detail; an entry for one of them covers both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """A known wrong behaviour of the cases that some globs match; `expires` is its last valid day, in ISO 8601.

    `answers` has what is wrong with the answers, with placeholders for what varies.
    """

    cases: tuple[str, ...]
    facet: Facet
    answers: tuple[str, ...]
    reason: str
    place: Place
    link: str | None = None
    owner: str | None = None
    expires: str | None = None

    def matches(self, case_id: str) -> bool:
        """Return whether this entry lists a case."""
        return any(case_id == one or fnmatchcase(case_id, one) for one in self.cases)

    def names(self, case_id: str) -> bool:
        """Return whether this entry lists a case by its id, so that it has to show the behaviour."""
        return case_id in self.cases

    def knows(self, facet: Facet, answer: str) -> bool:
        """Return whether something wrong with an answer is what this entry describes."""
        alike = facet is self.facet or (facet in LINE and self.facet in LINE) or len(self.answers) > 1
        return alike and any(answer == one or _compile(one).fullmatch(answer) for one in self.answers)

    @property
    def words(self) -> str:
        """The reason, with the owner, the link and the expiry date."""
        more = [text for text in (self.owner, self.link, self.expires and f"until {self.expires}") if text]
        return f"{self.reason} ({', '.join(more)})" if more else self.reason


@lru_cache(maxsize=1024)
def _compile(answer: str) -> re.Pattern[str]:
    """Return the pattern of an answer with placeholders."""
    parts = re.split(f"({'|'.join(map(re.escape, PLACEHOLDERS))})", answer)
    return re.compile("".join(PLACEHOLDERS.get(part, re.escape(part)) for part in parts), re.DOTALL)


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

    def find_shown(
        self, case_id: str, mismatches: Iterable[Mismatch], shown: Callable[[Mismatch], str]
    ) -> tuple[tuple[Deviation, ...], bool]:
        """Return the entries that know something wrong with a case, and whether they explain all of it."""
        entries = [entry for entry in self.of(case_id) if not self.is_expired(entry)]
        found: dict[Deviation, None] = {}
        whole = True
        for mismatch in mismatches:
            known = [entry for entry in entries if entry.knows(mismatch.facet, shown(mismatch))]
            whole = whole and bool(known)
            found |= dict.fromkeys(known)
        return tuple(found), whole and bool(found)

    def find_unmatched(self, case_ids: Iterable[str]) -> tuple[Deviation, ...]:
        """Return the entries that list none of the given cases."""
        ids = tuple(case_ids)
        return tuple(entry for entry in self.entries if not any(map(entry.matches, ids)))

    def find_complaint(self, case_id: str, used: Sequence[Deviation], *, wrong: bool) -> str | None:
        """Return what to do about the entries that list a case but do not fit its answer, or None."""
        left = [entry for entry in self.of(case_id) if entry not in used and self._is_due(entry, case_id, wrong=wrong)]
        if not left:
            return None
        return "; ".join(f"{entry.place}: {self._describe_complaint(entry, wrong=wrong)}" for entry in left)

    def _is_due(self, entry: Deviation, case_id: str, *, wrong: bool) -> bool:
        """Return whether it is worth saying that an entry does not fit the answer of a case.

        One that lists the case by a glob may list others for its sake, unless the answer is wrong in another way.
        """
        return entry.names(case_id) or (wrong and (entry.cases != ("*",) or self.is_expired(entry)))

    def _describe_complaint(self, entry: Deviation, *, wrong: bool) -> str:
        if wrong and self.is_expired(entry):
            return f"expired on {entry.expires}: have it fixed, or agree on another date"
        if wrong:
            return f"a different wrong answer from the known one, {' or '.join(map(repr, entry.answers))}"
        left = "the entry" if len(entry.cases) == 1 else "the case from the entry"
        return f"stale: the answer is right now; remove {left}"


def grade(result: Result, deviations: Deviations, shown: Callable[[Mismatch], str]) -> Result:
    """Return a result whose known wrong answers count as a deviation; an entry that does not fit makes it a failure."""
    verdict, case_id = result.verdict, result.case.id
    if verdict.outcome is Outcome.NOT_JUDGED or not deviations.of(case_id):
        return result
    used, whole = deviations.find_shown(case_id, verdict.mismatches, shown)
    verdict = replace(verdict, known=tuple(str(entry.place) for entry in used))
    complaint = deviations.find_complaint(case_id, used if whole else (), wrong=bool(verdict.mismatches) and not whole)
    if complaint is not None:
        verdict = replace(verdict, outcome=Outcome.FAIL, reason=complaint)
    elif whole:
        reason = "; ".join(entry.words for entry in used)
        verdict = replace(verdict, outcome=Outcome.DEVIATION, reason=reason)
    return replace(result, verdict=verdict)
