"""Several parts of one run, by shard or by machine, as one result."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from luma_conformance.errors import InputError
from luma_conformance.judge.judged import Judged
from luma_conformance.model import Outcome
from luma_conformance.report.result import Ending, Results, add_covered, add_rule_counts
from luma_conformance.shown import NOTHING

MAX_NAMED = 5
"""Cases an error names."""


def merge(parts: Sequence[Results], names: Sequence[str]) -> Results:
    """Return the parts as one result; raise InputError unless they have the same target, build and catalogue.

    A case in several parts counts once: judged rather than not judged. Parts that come to different verdicts on it
    are not parts of one run, and are refused.
    """
    first = parts[0].run
    for part, name in zip(parts[1:], names[1:], strict=True):
        for what in ("target", "label", "catalogue"):
            here, there = getattr(part.run, what), getattr(first, what)
            if here != there:
                raise InputError(
                    f"{name}: its {what} is {here or 'unknown'}, that of {names[0]} is {there or 'unknown'}; "
                    "`luma-conformance compare` compares results that are not parts of one run"
                )
    verdicts: dict[str, Judged] = {}
    contradicted: list[str] = []
    for judged in (judged for part in parts for judged in part.verdicts):
        known = verdicts.get(judged.case)
        if known is None or known.verdict is Outcome.NOT_JUDGED:
            verdicts[judged.case] = judged
        elif judged.verdict not in (known.verdict, Outcome.NOT_JUDGED):
            contradicted.append(judged.case)
    if contradicted:
        more = f" and {len(contradicted) - MAX_NAMED} more" if len(contradicted) > MAX_NAMED else ""
        raise InputError(
            f"the parts contradict each other on {', '.join(contradicted[:MAX_NAMED])}{more}; --merge takes the parts "
            "of one run, in which a case has one verdict: leave out what was run again"
        )
    run = replace(
        first,
        started=min((part.run.started for part in parts if part.run.started), default=NOTHING),
        offers=tuple(dict.fromkeys(role for part in parts for role in part.run.offers)),
        total=max(part.run.total for part in parts),
        selected=len(verdicts) + sum(part.untried for part in parts),
        own=max(part.run.own for part in parts),
        required={wanted: number for part in parts for wanted, number in part.run.required.items()},
    )
    return Results(run, tuple(verdicts.values()), _merge_endings(parts))


def _merge_endings(parts: Sequence[Results]) -> Ending | None:
    """Return the ending of the whole, with its counts added up; None, cut off, if any part has none."""
    endings = [part.ending for part in parts if part.ending is not None]
    if len(endings) < len(parts):
        return None
    stopped = next((ending for ending in endings if ending.stop is not None), None)
    return Ending(
        ended=max(ending.ended for ending in endings),
        complete=all(ending.complete for ending in endings),
        status=stopped.status if stopped else max(ending.status for ending in endings),
        stop=stopped.stop if stopped else None,
        spent=sum(ending.spent for ending in endings),
        made=dict(sum((Counter(ending.made) for ending in endings), Counter())),
        rules=add_rule_counts(ending.rules for ending in endings),
        covered=add_covered(ending.covered for ending in endings),
        observed=tuple(sorted({what for ending in endings for what in ending.observed})),
    )
