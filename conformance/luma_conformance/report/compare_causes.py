"""What became of the causes from one run to another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from luma_conformance.judge.causes import Cause, Key, find_causes
from luma_conformance.judge.judged import Judged
from luma_conformance.model import Facet, Outcome
from luma_conformance.report.result import Results, count_noun

KINDS: Final = ("new", "grown", "smaller", "gone", "uncovered", "hidden")
"""What can become of a cause, in the order a reader wants to see it.

Behind an answer that is another altogether, a crash for one, nobody sees whether a header is still missing: such a
cause is hidden, not gone; and where the crash is mended it is uncovered, not new.
"""


def compare_causes(old: Results, new: Results) -> Mapping[str, tuple[str, ...]]:
    """Return the causes that changed, each in a line, by what became of them.

    Only cases that both runs judged count: what is judged for the first time may have been wrong before.
    """
    verdicts: list[dict[str, Judged]] = [
        {one.case: one for one in run.verdicts if one.verdict is not Outcome.NOT_JUDGED} for run in (old, new)
    ]
    both = verdicts[0].keys() & verdicts[1].keys()
    found: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for key, sides in _pair(_find_known_too(old), _find_known_too(new)).items():
        cases = [both.intersection(case for one in causes for case in one.cases) for causes in sides]
        before, after = map(len, cases)
        best = min((*sides[1], *sides[0]), key=lambda cause: cause.key != key)
        if before and after and before != after:
            kind = "grown" if before < after else "smaller"
            found[kind].append(f"{best.title}: {before:,} → {count_noun(after, 'case')}")
        elif before and not after:
            kind = "hidden" if _is_hidden(cases[0], verdicts[1]) else "gone"
            found[kind].append(f"{best.title}: {best.extent}")
        elif after and not before:
            kind = "uncovered" if best.facet is not Facet.STATUS and _is_hidden(cases[1], verdicts[0]) else "new"
            found[kind].append(f"{best.title}: {best.extent}")
    return {kind: tuple(lines) for kind, lines in found.items()}


def _pair(old: Sequence[Cause], new: Sequence[Cause]) -> Mapping[Key, tuple[list[Cause], list[Cause]]]:
    """Return the causes of both runs by what they have in common.

    One of the two may have too few of a kind to make them one cause: they are parts of the other's.
    """
    keys = sorted({cause.key for cause in (*new, *old)}, key=len)
    pairs: dict[Key, tuple[list[Cause], list[Cause]]] = defaultdict(lambda: ([], []))
    for side, causes in enumerate((old, new)):
        for cause in causes:
            pairs[next(key for key in keys if cause.key[: len(key)] == key)][side].append(cause)
    return pairs


def _is_hidden(cases: Iterable[str], verdicts: Mapping[str, Judged]) -> bool:
    """Return whether all of these cases have an answer that is another altogether, or none."""
    return all(
        verdicts[case].verdict in (Outcome.FAIL, Outcome.DEVIATION)
        and (not verdicts[case].differences or Facet.STATUS in verdicts[case].facets)
        for case in cases
    )


def _find_known_too(run: Results) -> tuple[Cause, ...]:
    """Return the causes of a run's wrong answers, whether they are known deviations or not."""
    return find_causes(
        replace(one, verdict=Outcome.FAIL) if one.verdict is Outcome.DEVIATION else one for one in run.verdicts
    )
