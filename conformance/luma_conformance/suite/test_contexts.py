"""What the page does not name does not matter: every rule beside all that has no say in it."""

from __future__ import annotations

from itertools import chain

import pytest

from luma_conformance.properties.in_context import alternate, choose, try_trials
from luma_conformance.properties.luma_target import LumaTarget, not_judged
from luma_conformance.strategies import FAULTS, KINDS, available_kinds
from luma_conformance.strategies.beside_open import list_open
from luma_conformance.strategies.contexts import BREACHES, list_large, list_trials
from luma_conformance.strategies.together import list_accepted


@pytest.mark.parametrize("rule", [rule for rule, breach in BREACHES.items() if breach.kinds])
def test_nothing_beside_a_rule_changes_it(rule: str, luma_target: LumaTarget) -> None:
    """A rule is broken, and narrowly kept, in every way beside every feature that has no say, with the same answer."""
    material, strength = luma_target.material, luma_target.fuzzing.strength
    if (why := FAULTS[rule].missing(material)) is not None:
        not_judged(why)
    sides = (False, True) if luma_target.is_free else (False,)
    subjects = chain(*(list_trials(rule, material, keeps=keeps, strength=strength) for keeps in sides))
    trials = alternate([trial for subject in subjects for trial in choose(luma_target, subject)])
    trials += list_large(rule, material) if luma_target.is_free else ()
    trials += choose(luma_target, [*list_open(rule, material, strength=strength)]) if luma_target.is_free else []
    try_trials(luma_target, trials)


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_goes_together_is_judged_alike(kind: str, luma_target: LumaTarget) -> None:
    """Each feature of a type, and each pair that goes together and stands beside no rule, leaves a request accepted."""
    luma_target.skip_unless_free()
    material, strength = luma_target.material, luma_target.fuzzing.strength
    if kind not in available_kinds(material):
        not_judged(str(material.missing("video-source")))
    trials = list_accepted(kind, material, strength=strength)
    try_trials(luma_target, choose(luma_target, trials), counted=False)
