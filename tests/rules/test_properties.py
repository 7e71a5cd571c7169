"""Statements about predictions for any JSON value."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from luma_conformance.rules import RULES, Accepted, MediaFact, Problem, Rejected, Unspecified, predict
from tests.kit import same_examples
from tests.rules.printed import PRINTED

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FIELDS = ("prompt", "model", "type", "aspect_ratio", "style", "image_ref", "source", "video", "user_id")
LOOSE = st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=4)
BODIES = [row.body for row in PRINTED] + [row.twin for row in PRINTED]
FACTS = st.builds(
    MediaFact,
    bytes=st.none() | st.integers(0, 10**9),
    width=st.none() | st.integers(0, 20_000),
    height=st.none() | st.integers(0, 20_000),
    problem=st.none() | st.sampled_from(Problem),
    http_status=st.none() | st.integers(400, 599),
)
RUNS = same_examples(60)


def merged(left: Any, right: Any) -> Any:
    """Return the fields of two bodies in one, merging objects field by field."""
    if isinstance(left, dict) and isinstance(right, dict):
        return {**left, **{name: merged(left.get(name), value) for name, value in right.items()}}
    return right


@RUNS
@given(body=JSON | LOOSE, base=st.sampled_from(BODIES))
def test_any_value_has_a_prediction(body: Any, base: dict[str, Any]) -> None:
    """Every value has a prediction, the same one twice, and is left unchanged."""
    mixed = merged(base, body) if isinstance(body, dict) else body
    before = copy.deepcopy(mixed)
    prediction = predict(mixed)
    assert prediction == predict(mixed)
    assert repr(mixed) == repr(before)
    assert isinstance(prediction, Accepted | Rejected | Unspecified)


@RUNS
@given(left=st.sampled_from(BODIES), right=st.sampled_from(BODIES), fact=FACTS)
def test_mixed_faults_are_answered_in_page_order(left: dict[str, Any], right: dict[str, Any], fact: MediaFact) -> None:
    """Mixing two bodies of the page, with any media, gives answers in page order, each with the status of its rule."""
    prediction = predict(merged(left, right), media=lambda _: fact)
    if isinstance(prediction, Rejected):
        order = {rule.id: (position, rule.status) for position, rule in enumerate(RULES)}
        positions = [order[violation.rule][0] for violation in prediction.violations]
        assert positions == sorted(positions)
        assert prediction.violations
        for violation in prediction.violations:
            assert violation.status == order[violation.rule][1]
            assert all("{" not in detail for detail in violation.details)
            assert "None" not in "".join(violation.details)
