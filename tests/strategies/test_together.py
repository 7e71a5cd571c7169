"""Options that go together: each pair of their values is in a request that is accepted."""

from __future__ import annotations

import pytest

from luma_conformance.rules import Accepted
from luma_conformance.strategies import KINDS
from luma_conformance.strategies.contexts import MOST, NO_RULE, list_subjects
from luma_conformance.strategies.legal import list_legal
from luma_conformance.strategies.together import has_feature, list_accepted, list_pairs
from tests.strategies.test_contexts import SMALL, list_all, material


@pytest.mark.parametrize("kind", KINDS)
def test_each_feature_and_each_pair_of_options_is_accepted(kind: str) -> None:
    """Of each type each feature is in some accepted request; no pair of options that goes together is left out."""
    accepted = list_accepted(kind, material(), strength=1)
    kept = [trial for rule in SMALL for trial in list_all(rule, keeps=True) if trial.kind == kind]
    bodies = [*(trial.make_body() or {} for trial in [*kept, *accepted]), *list_legal(kind, material())]
    (plain,) = (one for one in list_subjects(NO_RULE, material(), keeps=True) if one.kind == kind)
    pairs = [pair for pair in list_pairs(plain) if plain.allows(pair)]

    assert all(material().predict(body) == Accepted() for body in bodies)
    assert {name for trial in accepted for name in trial.names} >= {
        factor[value].name
        for number, factor in enumerate(plain.factors, start=1)
        for value in range(1, len(factor))
        if len(factor) <= MOST and plain.allows(((number, value),))
    }
    assert len(pairs) > 60
    for pair in pairs:
        one, other = (plain.factors[factor - 1][value] for factor, value in pair)
        assert any(has_feature(body, one) and has_feature(body, other) for body in bodies), (one.name, other.name)


def test_a_pair_counts_only_where_it_is_accepted() -> None:
    """A strength beside a signal, which the page lets pass, is in accepted requests: each of both."""
    edits = [(body.get("video") or {}).get("edit") or {} for body in list_legal("video_edit", material())]
    met = {(edit["strength"], *edit["controls"]) for edit in edits if {"strength", "controls"} <= {*edit}}

    assert {(f"flex_{number}", "face") for number in (1, 2, 3)} <= met
    assert len({pair for pair in met if len(pair) == 2}) == 9 * 5
