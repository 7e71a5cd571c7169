"""Several runs in the order they were given: which are of the same target, and what came and went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from luma_conformance.model import Outcome
from luma_conformance.report.compare import Comparison, compare_results
from luma_conformance.report.result import Results

_WRONG = (Outcome.FAIL, Outcome.DEVIATION)


def group_by_target(runs: Sequence[Results]) -> Mapping[str, Sequence[int]]:
    """Return the indexes of the runs of each server, with whatever profile."""
    found: dict[str, list[int]] = {}
    for index, results in enumerate(runs):
        found.setdefault(results.run.server, []).append(index)
    return found


def find_latest(runs: Sequence[Results]) -> Sequence[int]:
    """Return the index of the last run of each target."""
    return [indexes[-1] for indexes in group_by_target(runs).values()]


def compare_with_earlier(runs: Sequence[Results], since: Results | None = None) -> Mapping[int, Comparison]:
    """Return what changed in each run that has an earlier one of the same target, by its index.

    `since` is a run before the first.
    """
    found: dict[int, Comparison] = {}
    for indexes in group_by_target(runs).values():
        found |= {new: compare_results(runs[old], runs[new]) for old, new in pairwise(indexes)}
    return found if since is None else {0: compare_results(since, runs[0]), **found}


def find_unsteady(runs: Sequence[Results]) -> Mapping[str, str]:
    """Return the cases that went wrong and right again, or the other way round, of runs of one target.

    With each are its verdicts, run by run. A run that did not judge a case says nothing of it.
    """
    verdicts = [{one.case: one.verdict for one in results.verdicts} for results in runs]
    found: dict[str, str] = {}
    for case in dict.fromkeys(case for run in verdicts for case in run):
        seen = [run.get(case, Outcome.NOT_JUDGED) for run in verdicts]
        wrong = [verdict in _WRONG for verdict in seen if verdict is not Outcome.NOT_JUDGED]
        if sum(one is not other for one, other in pairwise(wrong)) > 1:
            found[case] = ", ".join(seen)
    return found
