"""Requests that refer to a prior generation: the rules about such references broken and kept, in each way there is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from luma_conformance.rules import Accepted, Rejected
from luma_conformance.strategies.bodies import Body, available_kinds
from luma_conformance.strategies.contexts import BREACHES, list_subjects
from luma_conformance.strategies.features import Patch, factors_of, plain_body
from luma_conformance.strategies.material import Material


@dataclass(frozen=True, slots=True, kw_only=True)
class Chained:
    """A request that refers to a prior generation, and what it is: the rule it is about, and how."""

    what: str
    body: Body


def list_chained(material: Material) -> Iterator[Chained]:
    """Yield the requests that refer to the generations of a material: what breaks a rule, and what the page lets pass.

    A rule is broken in each way, and kept in one, if by more than an option that is off.
    """
    seen: list[Body] = []
    for one in (*_list_plain(material), *_list_ways(material)):
        if one.body not in seen:
            seen.append(one.body)
            yield one


def _list_ways(material: Material) -> Iterator[Chained]:
    for rule in BREACHES:
        for keeps in (False, True):
            for subject in list_subjects(rule, material, keeps=keeps):
                ways = [way for way, patch in subject.ways.items() if _refers(patch) and False not in patch.values()]
                for way in ways[:1] if keeps else ways:
                    body = subject.try_way(way).make_body()
                    if body is not None and _is_meant(material, body, rule, keeps=keeps):
                        yield Chained(what=f"{rule}: {way}", body=body)


def _list_plain(material: Material) -> Iterator[Chained]:
    """Yield requests of each type with a generation wherever one may stand by itself."""
    for kind in available_kinds(material):
        for feature in (one for factor in factors_of(kind, material) for one in factor):
            for patch in filter(_refers, feature.patches):
                body = plain_body(kind, material)
                for path, value in patch.items():
                    *steps, name = path.split(".")
                    inner = body
                    for step in steps:
                        inner = inner.setdefault(step, {})
                    inner[name] = value
                if material.predict(body) == Accepted():
                    yield Chained(what=f"{kind}: {feature.name}", body=body)


def _refers(patch: Patch) -> bool:
    return any(isinstance(value, dict) and "generation_id" in value for value in patch.values())


def _is_meant(material: Material, body: Body, rule: str, *, keeps: bool) -> bool:
    prediction = material.predict(body)
    if keeps:
        return isinstance(prediction, Accepted)
    return isinstance(prediction, Rejected) and rule in {one.rule for one in prediction.violations}
