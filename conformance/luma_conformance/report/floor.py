"""The least that a run has to judge: a number of cases, a share of all there are, or those that need a role."""

from __future__ import annotations

import re
from collections.abc import Iterable
from math import ceil

from luma_conformance.judge.judged import Judged
from luma_conformance.model import Outcome


def count_required(wanted: str, total: int, needs: Iterable[Iterable[str]]) -> int:
    """Return how many cases a requirement asks for, of so many in all, whose roles are `needs`; 0 for a role of none.

    `wanted` is what `luma_conformance.arguments.requirement` lets pass: `250`, `90%` or `completed-video`.
    """
    if wanted.endswith("%"):
        from fractions import Fraction  # no other run needs it

        return ceil(Fraction(wanted[:-1]) * total / 100)
    return int(wanted) if wanted.isdecimal() else sum(wanted in roles for roles in needs)


def find_shortfall(wanted: str, number: int, total: int, verdicts: Iterable[Judged]) -> str | None:
    """Return why a run judged less than the `number` of cases that a requirement asks for, in a sentence, or None.

    Of the cases that need a role, those that also need another which is not offered are not asked for.
    """
    is_role = re.match("[a-z]", wanted) is not None
    concerned = [one for one in verdicts if not is_role or wanted in one.needs]
    judged = sum(one.verdict is not Outcome.NOT_JUDGED for one in concerned)
    if not is_role:
        asked = f"{number:,}" if wanted.isdecimal() else f"{wanted} ({number:,})"
        return None if judged >= number else f"{judged:,} of {total:,} cases were judged, and {asked} are required"
    spared = sum(one.lacks not in (None, wanted) for one in concerned)
    if judged and judged + spared >= number:
        return None
    unjudged = [one for one in concerned if one.verdict is Outcome.NOT_JUDGED and one.lacks in (None, wanted)]
    why = next((f": {one.reason}" for one in unjudged if one.reason), "")
    return f"{judged:,} of the {number:,} cases that need {wanted} were judged, and all are required{why}"
