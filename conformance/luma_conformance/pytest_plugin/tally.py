"""The verdicts of a run as they arrive, and the results that every report is written from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import luma_conformance
from luma_conformance.catalogue import files as catalogue_files
from luma_conformance.errors import Exit
from luma_conformance.judge.deviations import Deviations
from luma_conformance.judge.judged import Judged, combine
from luma_conformance.model import Outcome
from luma_conformance.report.result import Ending, Results, Run, add_covered, add_rule_counts
from luma_conformance.shown import Scrub, Shown, join

GENERATED: Final = "generated requests"
"""What a property is of, where a case is of an operation."""
OR: Final = " — or — "


def now() -> str:
    """Return the time, in ISO 8601, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


class Tally:
    """The verdicts of one run so far, and why it was stopped, if it was.

    `flaky_ok`: a case that fails and, tried again, passes, does not fail the run. `selected` has the ids of the cases
    that are to be judged.
    """

    def __init__(self, scrub: Scrub, *, flaky_ok: bool = False) -> None:
        self._scrub = scrub
        self.flaky_ok = flaky_ok
        self.selected: set[str] = set()
        self.run: Run | None = None
        self.stop: tuple[int, Shown] | None = None
        self.spent = 0
        self.made: Counter[str] = Counter()
        self.results: Results | None = None
        self._verdicts: dict[str, Judged] = {}

    def begin(self, run: Run) -> None:
        """Keep the description of the run; the first one counts."""
        self.run = self.run or run

    def add(self, judged: Judged) -> Judged:
        """Add a verdict, and return the one that counts for its case, with those of earlier attempts at it."""
        earlier = self._verdicts.get(judged.case)
        if earlier is not None:
            known = earlier.attempts or (earlier.verdict,)
            if len(judged.attempts) <= len(known) or judged.attempts[: len(known)] != known:
                judged = combine([earlier, judged], flaky_ok=self.flaky_ok)
        self._verdicts[judged.case] = judged
        return judged

    def replace(self, judged: Judged) -> Judged:
        """Put a verdict in the place of the one on its case, unless that is a failure, and return what counts."""
        if self._verdicts[judged.case].verdict is not Outcome.FAIL:
            self._verdicts[judged.case] = judged
        return self._verdicts[judged.case]

    @property
    def missing(self) -> set[str]:
        """The cases that are to be judged and of which nothing has been heard yet."""
        return self.selected - self._verdicts.keys()

    def halt(self, status: Exit, message: str) -> None:
        """Keep why the run stops; the first reason counts."""
        self.stop = self.stop or (int(status), self._scrub(message))

    def add_failed_write(self, message: str) -> None:
        """Keep what could not be written, which the run ends with, after the reason for which it stopped before."""
        told = self._scrub(message)
        before = self.stop[1] if self.stop is not None else told
        # The same disk is often full again when the file is closed.
        self.stop = (int(Exit.USAGE), before if told in before else join("; ", (before, told)))

    def as_data(self) -> dict[str, object]:
        """Return what an xdist worker sends to the controller at its end; its verdicts come with reports."""
        selected = sorted(self.selected)
        return {"stop": self.stop, "spent": self.spent, "made": dict(self.made), "selected": selected}

    def merge(self, data: Mapping[str, object]) -> None:
        """Add what a worker sent."""
        self.spent += int(str(data["spent"]))
        if isinstance(made := data["made"], dict):
            self.made.update(made)
        if isinstance(selected := data["selected"], list | tuple):
            self.selected.update(map(str, selected))
        stop = data["stop"]
        if isinstance(stop, tuple | list):
            self.halt(Exit(int(stop[0])), str(stop[1]))

    def forgive(self, given: int) -> int:
        """Return the exit status that pytest would have given if no attempt at a case had failed that passed later."""
        failing = any(judged.verdict is Outcome.FAIL for judged in self._verdicts.values())
        flaky = any(judged.flaky for judged in self._verdicts.values())
        return Exit.CONFORMANT if flaky and not failing else given

    def exit_status(self, given: int, *, complete: bool = True, interrupted: bool = False) -> int:
        """Return the run's exit status; `given` is pytest's, which may be 0 whatever happened."""
        if self.stop is not None:
            return self.stop[0]
        outcomes = {judged.verdict for judged in self._verdicts.values()}
        if given != Exit.CONFORMANT:
            return given
        if Outcome.FAIL in outcomes:
            return Exit.NOT_CONFORMANT
        if interrupted:
            return Exit.INTERRUPTED
        if not complete or self.missing:
            self.halt(Exit.COULD_NOT_JUDGE, self.describe_missing())
        elif not outcomes - {Outcome.NOT_JUDGED}:
            self.halt(Exit.COULD_NOT_JUDGE, "not one case was judged, which is not conformance")
        elif self.run is not None and Results(self.run, tuple(self._verdicts.values())).unmet:
            return Exit.COULD_NOT_JUDGE
        return self.stop[0] if self.stop is not None else given

    def describe_missing(self) -> str:
        """Return what keeps a run that was not stopped from being complete."""
        if not self.missing:
            return "the run was interrupted, or a part of it broke off"
        share = f"{len(self.missing):,} of {len(self.selected):,} selected cases came to no verdict"
        return f"{share}; did a plugin, a conftest or a signal keep them from it?"

    def find_stale(self, deviations: Deviations, cases: Iterable[str]) -> tuple[Judged, ...]:
        """Return a failure for each entry of known deviations that no case shows any more, though all were judged.

        An entry that lists a case by its id fails with that case; this is about those with a glob. `cases` has all
        ids that there are, also of cases that were not selected.
        """
        judged = {case for case, one in self._verdicts.items() if one.verdict is not Outcome.NOT_JUDGED}
        used = {place for one in self._verdicts.values() for place in one.known}
        found = []
        for entry in deviations.entries:
            listed = [case for case in {*cases, *self._verdicts} if entry.matches(case)]
            if str(entry.place) in used or any(map(entry.names, listed)) or not judged.issuperset(listed):
                continue
            why = f"{entry.place}: stale: every answer of {' and '.join(entry.cases)} is right now; remove the entry"
            case = min(listed, default=None)
            if case is not None:
                found.append(replace(self._verdicts[case], verdict=Outcome.FAIL, reason=self._scrub(why)))
        return tuple(found)

    @property
    def has_properties(self) -> bool:
        """Whether a property has been judged, and not only cases of files."""
        return any(one.operation == GENERATED for one in self._verdicts.values())

    def end(self, status: int, *, complete: bool, label: str = "") -> Results:
        """Keep and return the results of the run, which ends with this exit status."""
        verdicts = tuple(self._verdicts.values())
        stopped, stop = self.stop or (status, None)
        ending = Ending(
            ended=self._scrub(now()),
            complete=complete,
            status=stopped,
            stop=stop,
            spent=self.spent,
            made=self.made,
            rules=_count_rules(verdicts),
            covered=add_covered(judged.covered for judged in verdicts),
            observed=tuple(map(self._scrub, _find_observed(verdicts))),
        )
        run = self.run or Run(
            label=self._scrub(label),
            kit=self._scrub(luma_conformance.__version__),
            catalogue=self._scrub(catalogue_files.digest()),
            transcribed=self._scrub(catalogue_files.TRANSCRIBED),
            started=ending.ended,
        )
        self.results = Results(run, verdicts, ending)
        return self.results


def _count_rules(verdicts: tuple[Judged, ...]) -> dict[str, tuple[int, int]]:
    """Return how often generated requests broke each rule, or narrowly kept it and were accepted; empty if never."""
    counts = add_rule_counts(judged.rules for judged in verdicts)
    if not counts:
        return {}
    from luma_conformance.rules import RULES

    return {rule.id: counts.get(rule.id, (0, 0)) for rule in RULES}


def _find_observed(verdicts: tuple[Judged, ...]) -> tuple[str, ...]:
    """Return what was observed where the page leaves a choice: what explains all properties, or else what differs."""
    seen = [judged.observed for judged in verdicts if judged.observed]
    if not seen:
        return ()
    common = [one for one in seen[0] if all(one in found for found in seen)]
    if common:
        return (OR.join(common),)
    return (f"not the same in every property: {'; and '.join(dict.fromkeys(OR.join(found) for found in seen))}",)
