"""What became of the causes from one run to another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from luma_conformance.judge.causes import Cause, Key, find_causes
from luma_conformance.model import Outcome
from luma_conformance.report.result import Results, count_noun

KINDS: Final = ("new", "grown", "shrunk", "gone")
"""What can become of a cause, in the order a reader wants to see it."""


def compare_causes(old: Results, new: Results) -> Mapping[str, tuple[str, ...]]:
    """Return the causes that changed, each in a line, by what became of them.

    Only cases that both runs judged count: what is judged for the first time may have been wrong before.
    """
    both = _list_judged(old) & _list_judged(new)
    found: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for key, sides in _pair(_find_known_too(old), _find_known_too(new)).items():
        before, after = (len(both.intersection(case for one in causes for case in one.cases)) for causes in sides)
        best = min((*sides[1], *sides[0]), key=lambda cause: cause.key != key)
        if before and after and before != after:
            found["grown" if before < after else "shrunk"].append(
                f"{best.title}: {before:,} → {count_noun(after, 'case')}"
            )
        elif bool(before) is not bool(after):
            found["new" if after else "gone"].append(f"{best.title}: {best.extent}")
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


def _list_judged(run: Results) -> set[str]:
    return {one.case for one in run.verdicts if one.verdict is not Outcome.NOT_JUDGED}


def _find_known_too(run: Results) -> tuple[Cause, ...]:
    """Return the causes of a run's wrong answers, whether they are known deviations or not."""
    return find_causes(
        replace(one, verdict=Outcome.FAIL) if one.verdict is Outcome.DEVIATION else one for one in run.verdicts
    )
