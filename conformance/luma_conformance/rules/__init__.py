"""The page's validation rules as a table, and what they predict for a request body.

The rules are written from the error-handling page alone, so that `specs/`, which is transcribed from the same page, can
be checked against them. This package does no I/O, reads no clock and uses no randomness. The page's enumerations are in
`facts`.
"""

from __future__ import annotations

from luma_conformance.rules.media import Kind, MediaFact, MediaLookup, Problem, inline_only
from luma_conformance.rules.prediction import Accepted, Prediction, Rejected, Unspecified, Violation
from luma_conformance.rules.rule import Rule
from luma_conformance.rules.table import RULES, predict

__all__ = (
    "RULES",
    "Accepted",
    "Kind",
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
