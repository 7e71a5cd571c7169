"""Requests that break a rule beside what the page leaves open: they are not accepted, whatever they are told."""

from __future__ import annotations

from collections.abc import Iterator

from luma_conformance.catalogue.roles import MAIN_KEY
from luma_conformance.rules import Unspecified
from luma_conformance.strategies.bodies import Body
from luma_conformance.strategies.contexts import MOST, Subject, Trial, list_subjects, list_trials
from luma_conformance.strategies.envelope import find_role
from luma_conformance.strategies.features import Feature, Patch
from luma_conformance.strategies.material import Material


def list_open(rule: str, material: Material, *, strength: int) -> Iterator[Trial]:
    """Yield trials that break a rule for sure, with each feature that stands in no request whose answer is known."""
    tried = list_trials(rule, material, keeps=False, strength=strength)
    known = {name for trials in tried for trial in trials for name in trial.names}
    for subject in list_subjects(rule, material, keeps=False):
        yield from _pack(subject, known)


def _pack(subject: Subject, known: set[str]) -> Iterator[Trial]:
    """Yield trials of a subject with as many of the features in each as go together, and add these to the known."""
    for way in subject.ways:
        while features := _gather(subject, way, known):
            known |= {feature.name for feature, _ in features}
            yield subject.try_way(way, tuple(features))


def _gather(subject: Subject, way: str, known: set[str]) -> list[tuple[Feature, Patch]]:
    """Return a feature of each factor that is not known yet, as long as the rule is broken beside them.

    Of fields with many values some are enough.
    """
    found: list[tuple[Feature, Patch]] = []
    for factor in subject.factors:
        for feature in factor[1 :: 2 if len(factor) > MOST else 1]:
            if feature.name in known or find_role(feature.sent) != MAIN_KEY or subject.sets(way, feature):
                continue
            more = [*found, (feature, feature.patches[0])]
            body = subject.try_way(way, tuple(more)).make_body()
            if body is not None and _is_open(subject, body):
                found = more
                break
    return found


def _is_open(subject: Subject, body: Body) -> bool:
    """Return whether a body breaks a rule for sure, and nothing else, beside what is open."""
    prediction = subject.material.predict(body)
    return isinstance(prediction, Unspecified) and prediction.broken == (subject.rule,)
