"""Validation, on generated requests: the answer is one that the page's rules allow for the body."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st

from luma_conformance.properties.luma_target import LumaTarget, not_judged
from luma_conformance.rules import RULES
from luma_conformance.strategies import FAULTS, KINDS, Body, available_kinds, faulty, hostile, near_misses, valid
from luma_conformance.strategies.legal import list_legal
from luma_conformance.strategies.spelling import PLAINLY, SPELLINGS, Spelling

A_RULE = 0.05
LARGE = 0.001
SHARED = 0.05
"""Shares of the examples: for one rule, for one whose requests are 70 MB, and for one of the types."""


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_page_lets_pass_is_accepted(kind: str, luma_target: LumaTarget) -> None:
    """A request of any model and type whose options go together is a 201, with each legal value of each field."""
    luma_target.skip_unless_free()
    if kind not in available_kinds(luma_target.material):
        not_judged(str(luma_target.material.missing("video-source")))
    every = list_legal(kind, luma_target.material)
    luma_target.for_all(valid(kind, luma_target.material), luma_target.check, SHARED, always=every)


@pytest.mark.parametrize("rule", [rule.id for rule in RULES])
def test_a_rule_holds_and_ends_where_the_page_says(rule: str, luma_target: LumaTarget) -> None:
    """A request that just keeps a rule is accepted, and the smallest change is refused with that rule's text."""
    fault = FAULTS[rule]
    if (why := fault.missing(luma_target.material)) is not None:
        not_judged(why)

    def try_pair(pair: tuple[Body, Body]) -> None:
        near, broken = pair
        luma_target.check_kept(rule, near)
        luma_target.check(broken)

    luma_target.for_all(
        near_misses(rule, luma_target.material), try_pair, LARGE if "large-uploads" in fault.needs else A_RULE
    )


def test_faults_together_get_an_answer_of_one_of_them(luma_target: LumaTarget) -> None:
    """A request with one to three faults gets the answer to one of them, whichever the server checks first."""

    def try_one(drawn: Body | tuple[Body, Spelling]) -> None:
        body, spelling = drawn if isinstance(drawn, tuple) else (drawn, PLAINLY)  # older recordings have bodies alone
        luma_target.check(body, spelling)

    luma_target.for_all(st.tuples(faulty(luma_target.material), st.sampled_from(SPELLINGS)), try_one, share=0.5)


def test_odd_values_get_an_orderly_answer(luma_target: LumaTarget) -> None:
    """Nulls, wrong types and extremes in any field are accepted, or refused in the shape of all errors."""
    luma_target.skip_unless_free()
    luma_target.for_all(hostile(luma_target.material), luma_target.check, share=0.25)
