"""The oracle: the page's validation rules as a table, and what they predict of a request body.

Written from the error-handling page alone, so that `specs/`, transcribed from the same page, can be confronted with
it. This package does no I/O, reads no clock and draws no random number; the page's enumerations are in `facts`.
"""

from __future__ import annotations

from luma_conformance.rules.media import MediaFact, MediaLookup, Problem, inline_only
from luma_conformance.rules.prediction import Accepted, Prediction, Rejected, Unspecified, Violation
from luma_conformance.rules.rule import Rule
from luma_conformance.rules.table import RULES, predict

__all__ = (
    "RULES",
    "Accepted",
    "MediaFact",
    "MediaLookup",
    "Prediction",
    "Problem",
    "Rejected",
    "Rule",
    "Unspecified",
    "Violation",
    "inline_only",
    "predict",
)
