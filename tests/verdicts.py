"""Verdicts for tests: made of texts that no redactor has seen, as the package's own types would not have it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

from luma_conformance.judge.judged import Difference, Judged, Moment
from luma_conformance.redaction.redactor import Redactor
from luma_conformance.report.compare import Comparison, ShownComparison
from luma_conformance.report.result import Ending, Run
from luma_conformance.shown import Scrub

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Value = TypeVar("Value", bound=DataclassInstance)

SHOW: Final[Scrub] = Redactor().show
"""What makes a text fit to be shown, and knows no secret."""
SCRUB: Final[Scrub] = Redactor().scrub
"""What removes secrets, and knows none."""

judge_as: Callable[..., Judged] = Judged
differs: Callable[..., Difference] = Difference
make_moment: Callable[..., Moment] = Moment
make_run: Callable[..., Run] = Run
make_ending: Callable[..., Ending] = Ending
as_shown: Callable[[Comparison], ShownComparison] = ShownComparison


def alter(value: Value, **members: Any) -> Value:
    """Return a value with other members."""
    return replace(value, **members)
