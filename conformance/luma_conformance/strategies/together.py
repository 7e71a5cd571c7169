"""Requests in which the values of a type's options meet, two by two, and that are accepted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Final

from luma_conformance.strategies.bodies import Body
from luma_conformance.strategies.contexts import BREACHES, MOST, NO_RULE, Subject, Trial, list_subjects, list_trials
from luma_conformance.strategies.covering import Target, list_targets
from luma_conformance.strategies.features import Factor, Feature
from luma_conformance.strategies.legal import list_legal
from luma_conformance.strategies.material import Material


@cache
def list_accepted(kind: str, material: Material, *, strength: int) -> tuple[Trial, ...]:
    """Return trials that keep to all rules, with each feature, and each pair of options that no other request has.

    A pair is shown by a request that is accepted, not by one that breaks a rule: that is refused whatever is beside it.
    What a user writes, and how a request is written, goes with everything: it only takes turns.
    """
    (plain,) = (one for one in list_subjects(NO_RULE, material, keeps=True) if one.kind == kind)
    found = [*plain.plan(strength).trials]
    kept = (one for rule in BREACHES for one in list_trials(rule, material, keeps=True, strength=strength))
    tried = [*found, *(trial for trials in kept for trial in trials if trial.kind == kind)]
    bodies = [*(trial.make_body() for trial in tried), *list_legal(kind, material)]
    return (*found, *plain.list_trials(dict.fromkeys(_leave_out(plain, [one for one in bodies if one is not None]))))


def list_pairs(plain: Subject) -> Iterator[Target]:
    """Yield the pairs of options; of fields with many values, some."""
    sizes = [len(factor) if _is_option(factor) else 1 for factor in plain.factors]
    for pair in list_targets([1, *sizes], 2):
        if all(value and (sizes[factor - 1] <= MOST or value % 2) for factor, value in pair):
            yield pair


def _leave_out(plain: Subject, bodies: Sequence[Body]) -> Iterator[Target]:
    """Yield the pairs of options that none of these bodies has."""

    @cache
    def find_having(factor: int, value: int) -> frozenset[int]:
        feature = plain.factors[factor - 1][value]
        return frozenset(place for place, body in enumerate(bodies) if has_feature(body, feature))

    for one, other in list_pairs(plain):
        if find_having(*one).isdisjoint(find_having(*other)):
            yield one, other


def has_feature(body: Body, feature: Feature) -> bool:
    """Return whether a body has the values of a feature, in one of its forms."""
    return any(all(_look(body, path) == value for path, value in patch.items()) for patch in feature.patches)


def _look(body: Body, path: str) -> object:
    found: object = body
    for name in path.split("."):
        if not isinstance(found, dict) or name not in found:
            return _NOTHING
        found = found[name]
    return found


_NOTHING: Final = object()


def _is_option(factor: Factor) -> bool:
    """Return whether a factor is a field with values of the API's own, and not what a user writes."""
    return not factor[-1].has_no_say and not {"prompt", "user_id"} & {*factor[-1].patches[0]} and not factor[-1].sent
