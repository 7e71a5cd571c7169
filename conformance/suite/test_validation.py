"""Validation, on generated requests: the answer is one the oracle allows for that very body."""

from __future__ import annotations

import pytest

from conformance.properties import Luma, not_judged
from conformance.rules import RULES
from conformance.strategies import FAULTS, KINDS, Body, faulty, hostile, near_misses, served, valid

A_RULE = 0.1
LARGE = 0.06
"""Shares of the examples: of one rule, and of one whose requests are 70 MB."""


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_page_lets_pass_is_accepted(kind: str, luma: Luma) -> None:
    """A request of any model and type whose options go together is a 201."""
    luma.needs_free()
    if kind not in served(luma.material):
        not_judged(str(luma.material.missing("video-source")))
    luma.every(valid(kind, luma.material), luma.confront)


@pytest.mark.parametrize("rule", [rule.id for rule in RULES])
def test_a_rule_holds_and_ends_where_the_page_says(rule: str, luma: Luma) -> None:
    """A request that only just keeps a rule is accepted, and one step further it is refused with that rule's text."""
    fault = FAULTS[rule]
    if (why := fault.missing(luma.material)) is not None:
        not_judged(why)

    def try_pair(pair: tuple[Body, Body]) -> None:
        near, broken = pair
        luma.keep(rule, near)
        luma.confront(broken)

    luma.every(near_misses(rule, luma.material), try_pair, LARGE if "large-uploads" in fault.needs else A_RULE)


def test_faults_together_get_an_answer_of_one_of_them(luma: Luma) -> None:
    """A request with one to three faults is answered for one of them, whichever the server looks at first."""
    luma.every(faulty(luma.material), luma.confront, share=3)


def test_odd_values_get_an_orderly_answer(luma: Luma) -> None:
    """Nulls, wrong types and extremes in any field are accepted or refused in the shape all errors share."""
    luma.needs_free()
    luma.every(hostile(luma.material), luma.confront, share=2)
