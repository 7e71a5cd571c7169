"""The comparison of a case's results from two servers: which of the two is right."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from luma_conformance.audit.changes import alike
from luma_conformance.model import Outcome, Result, Standing

_RIGHT: Final = (Outcome.PASS, Outcome.WARNING)


def add_standing(result: Result, other: Result) -> Result:
    """Return a result with its standing beside another server's; its verdict does not change."""
    return replace(result, standing=_find_standing(result, other))


def _find_standing(result: Result, other: Result) -> Standing:
    one, two = result.verdict.outcome, other.verdict.outcome
    if Outcome.NOT_JUDGED in (one, two):
        return Standing.UNCOMPARED
    if one in _RIGHT and two in _RIGHT:
        return Standing.BOTH_RIGHT
    if one in _RIGHT or two in _RIGHT:
        return Standing.ONLY_THIS if one in _RIGHT else Standing.ONLY_OTHER
    return Standing.ALIKE if _fail_alike(result, other) else Standing.DIFFERENTLY


def _fail_alike(result: Result, other: Result) -> bool:
    """Return whether both failed at the same step with the same answer, apart from ids, times and URLs."""
    if len(result.exchanges) != len(other.exchanges) or not result.exchanges:
        return not result.exchanges and not other.exchanges
    return alike(result.exchanges[-1], other.exchanges[-1])
