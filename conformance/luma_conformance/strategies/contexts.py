"""Every rule in every context that must not change it: requests that break it, or just keep it, beside all else.

A verdict may not depend on what the page gives no say: another optional field, the spelling of the JSON, which of
several equal things is at fault. For each rule and type these are the factors of a covering array, in which each value
of each factor occurs beside the rule; the oracle drops what would change the answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import combinations, compress, islice
from typing import Any, Final
from zlib import crc32

from luma_conformance.catalogue.roles import MAIN_KEY
from luma_conformance.model import ABSENT
from luma_conformance.rules import RULES, Accepted, Rejected
from luma_conformance.strategies.bodies import Body, available_kinds
from luma_conformance.strategies.breaches import FIELD_BREACHES, Breach, Ways
from luma_conformance.strategies.covering import Row, Target, cover, list_targets
from luma_conformance.strategies.envelope import Sent, find_role
from luma_conformance.strategies.features import Factor, Feature, Patch, factors_of, plain_body
from luma_conformance.strategies.material import Material
from luma_conformance.strategies.places import MEDIA_BREACHES
from luma_conformance.strategies.spelling import Spelling, reorder

BREACHES: Final[Mapping[str, Breach]] = {rule.id: {**FIELD_BREACHES, **MEDIA_BREACHES}[rule.id] for rule in RULES}
"""How to break and keep each rule of `luma_conformance.rules.RULES`, by the rule's id."""
NO_RULE: Final = "no rule"
"""Stands for a rule in requests that keep to all of them."""


MOST: Final = 6
"""How many values of a field are due beside a rule that is kept; where it is broken, each is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A request that breaks a rule in one way, or just keeps it, beside features that must not change its answer.

    Each feature comes with the fields it sets. `row` has the index of its way and of each of its features.
    """

    rule: str
    kind: str
    keeps: bool
    way: str
    features: tuple[tuple[Feature, Patch], ...]
    row: Row = field(repr=False)
    subject: Subject = field(repr=False)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its features."""
        return tuple(feature.name for feature, _ in self.features)

    @property
    def spelling(self) -> Spelling:
        """How its JSON is spelt."""
        given = [feature for feature, _ in self.features]
        return (
            "".join(one.blanks for one in given),
            "".join(one.escapes for one in given),
            "".join(one.fractions for one in given),
        )

    @property
    def sent(self) -> Sent:
        """How it is sent: the names of the variations of its envelope."""
        return tuple(name for feature, _ in self.features for name in feature.sent)

    def make_body(self) -> Body | None:
        """Return the request, its members in their order; None where two of its parts exclude each other."""
        own = self.subject.ways[self.way]
        body = dict(_plain_body(self.kind, self.subject.material))
        for fields in (*(patch for _, patch in self.features), own):
            for path, value in fields.items():
                if not _put(body, path, value):
                    return None
        order = "".join(feature.order for feature, _ in self.features)
        ordered: Body = reorder(body, order, own) if order else body
        return ordered

    def alone(self) -> Trial:
        """Return the trial without any feature."""
        return self.keep(lambda _: False)

    def keep(self, choose: Callable[[Feature], bool]) -> Trial:
        """Return the trial with some of its features."""
        return replace(self, features=tuple(one for one in self.features if choose(one[0])))

    def simplify(self) -> Iterator[tuple[str, Trial]]:
        """Yield the trials that lack one thing this one has, each with the name of that thing."""
        for place, (feature, _) in enumerate(self.features):
            yield feature.name, replace(self, features=(*self.features[:place], *self.features[place + 1 :]))
        if (plainest := next(iter(self.subject.ways))) != self.way:
            yield self.way, replace(self, way=plainest)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Subject:
    """A rule broken, or kept, in requests of one type: the ways to do so, and what may stand beside them."""

    rule: str
    kind: str
    keeps: bool
    ways: Ways
    factors: Sequence[Factor]
    material: Material

    def plan(self, strength: int = 1) -> Plan:
        """Return the plan of trials in which each way and each feature occurs, or with strength 2 each pair."""
        sizes = [len(self._meant), *map(len, self.factors)]
        listed = list_targets(sizes, strength) if self._meant else ()
        targets = {one: self._name(one) for one in listed if self._is_due(one)}
        return Plan(targets=targets, trials=self.list_trials(targets), found=[])

    def list_trials(self, targets: dict[Target, Any]) -> Iterator[Trial]:
        """Yield trials in which all targets occur that may, and take these out; see `covering.cover`."""
        names, due = self._meant, self._due
        bare = 1 + sum(not all(one.has_no_say for one in factor) for factor in self.factors)
        plainly = (0,) * (1 + len(self.factors) - bare)
        found: dict[Row, bool] = {}

        def is_legal(row: Row) -> bool:
            said = row[:bare]  # how a request is written has no say in what the rules predict
            if said not in found:
                trial = self._at(names, (*said, *plainly))
                found[said] = trial is not None and self.answer(trial) == due[trial.way]
            return found[said]

        sizes = [len(names), *map(len, self.factors)]
        weak = {number for number, way in enumerate(names) if not self.shows(way)}
        weak = set() if len(weak) == len(names) else weak
        # Ways that set the same fields leave room for the same features: one of each will do to start from.
        order = sorted(range(len(names)), key=lambda number: (number not in weak, -number))
        alike = {frozenset(self.ways[names[number]]): number for number in order}
        starts = [(number, *(0 for _ in self.factors)) for number in sorted(alike.values())]
        for row in cover(sizes, targets, starts, is_legal, self._turn, weak):
            trial = self._at(names, row)
            assert trial is not None
            yield trial

    @property
    def _due(self) -> Mapping[str, frozenset[str] | None]:
        """The rules that each way breaks."""
        return _find_due(self)

    @property
    def _meant(self) -> Sequence[str]:
        """The ways that do what they are for."""
        return _find_meant(self)

    @property
    def _turn(self) -> int:
        return _find_turn(self.rule, self.kind, self.keeps)

    def answer(self, trial: Trial) -> frozenset[str] | None:
        """Return the rules that a trial breaks, or None where the page does not settle it."""
        if (body := trial.make_body()) is None:
            return None
        # What a key may refer to of another key's is only known where no generation is referred to.
        material = self.material if find_role(trial.sent) == MAIN_KEY else _without_generations(self.material)
        prediction = material.predict(body)
        if isinstance(prediction, Accepted):
            return frozenset()
        if not isinstance(prediction, Rejected):
            return None
        return frozenset(violation.rule for violation in prediction.violations)

    def _is_due(self, target: Target) -> bool:
        """Return whether a target has to occur.

        That a field is as it is, is no context. Where a rule is kept, of a field with many values only some are due.
        """
        ((factor, value), *more) = target
        if more or not factor:
            return True
        many = -(-len(self.factors[factor - 1]) // MOST) if self.keeps else 1
        return value > 0 and value % many == self._turn % many

    def _name(self, target: Target) -> frozenset[str]:
        """Return the names of the features and ways of a target; a place, or that a field is as it is, has none."""
        names = [self.factors[factor - 1][value].name for factor, value in target if factor and value]
        if self.rule in FIELD_BREACHES:
            names += [self._meant[value] for factor, value in target if not factor]
        return frozenset(names) if len(names) == len(target) else frozenset()

    def allows(self, target: Target) -> bool:
        """Return whether a target goes together with the first way and nothing else."""
        row = [0] * (len(self.factors) + 1)
        for factor, value in target:
            row[factor] = value
        trial = self._at(self._meant, row) if self._meant else None
        return trial is not None and self.answer(trial) == self._due[trial.way]

    def shows(self, way: str) -> bool:
        """Return whether a way is about the rule alone, so that a server which overlooks the rule answers otherwise."""
        return self.keeps or self._due[way] == frozenset({self.rule})

    def sets(self, way: str, feature: Feature) -> bool:
        """Return whether a way sets a field that a feature sets too."""
        return any(_overlap(one, other) for one in feature.patches[0] for other in self.ways[way])

    def _at(self, names: Sequence[str], row: Sequence[int]) -> Trial | None:
        """Return the trial of a row, or None where a feature sets a field that the way sets too."""
        way = names[row[0]]
        turn = sum(compress(row[1:], _find_set(self)))
        own, chosen = self.ways[way], []
        for factor, value in zip(self.factors, row[1:], strict=True):
            if value:
                patch = factor[value].patches[turn % len(factor[value].patches)]
                if any(_overlap(one, other) for one in patch for other in own):
                    return None
                chosen.append((factor[value], patch))
        return self.try_way(way, tuple(chosen), tuple(row))

    def try_way(self, way: str, features: tuple[tuple[Feature, Patch], ...] = (), row: Row = ()) -> Trial:
        """Return the trial of a way beside some features."""
        return Trial(
            rule=self.rule, kind=self.kind, keeps=self.keeps, way=way, features=features, row=row, subject=self
        )


def list_subjects(rule: str, material: Material, *, keeps: bool) -> Iterator[Subject]:
    """Yield the subjects of a rule, one for each type it concerns and the material is enough for."""
    for kind in available_kinds(material):
        if rule == NO_RULE:
            ways: Ways = {"in order": {}}
        elif kind in BREACHES[rule].kinds:
            listed = BREACHES[rule].kept if keeps else BREACHES[rule].broken
            ways = listed(kind, material)
        else:
            continue
        if ways:
            yield Subject(
                rule=rule, kind=kind, keeps=keeps, ways=ways, factors=_factors(kind, material), material=material
            )


def list_large(rule: str, material: Material) -> Iterator[Trial]:
    """Yield the trials that narrowly keep a rule with a body of 70 MB, each beside nothing else."""
    for kind in available_kinds(material):
        ways = BREACHES[rule].large_kept(kind, material)
        subject = Subject(rule=rule, kind=kind, keeps=True, ways=ways, factors=(), material=material)
        for way in ways:
            yield subject.try_way(way)


@dataclass(slots=True, kw_only=True)
class Plan:
    """The trials of a subject: what still has to occur, with its name, those to come, and those found so far."""

    targets: dict[Target, frozenset[str]]
    trials: Iterator[Trial]
    found: list[Trial]

    def take(self, others: Iterable[Plan]) -> None:
        """Find one more trial; what is shown in it, by name, does not have to occur in others."""
        strength = len(next(iter(self.targets)))
        for trial in islice(self.trials, 1):
            self.found.append(trial)
            if not trial.subject.shows(trial.way):
                continue
            met = {*map(frozenset, combinations((trial.way, *trial.names), strength))}
            for other in others:
                for target in [one for one, name in other.targets.items() if name in met]:
                    del other.targets[target]

    def count_own(self, others: Iterable[Plan]) -> tuple[int, int]:
        """Return how many trials it takes at least, for what has to occur in no other's, and for all."""
        shared = set().union(*(other.targets.values() for other in others if other is not self)) - {frozenset()}
        all_names = Counter(factor for ((factor, _), *_) in self.targets)
        own = Counter(factor for ((factor, _), *_), name in self.targets.items() if name not in shared)
        return max(own.values(), default=0), max(all_names.values(), default=0)


@cache
def list_trials(rule: str, material: Material, *, keeps: bool, strength: int) -> tuple[tuple[Trial, ...], ...]:
    """Return the trials of each subject of a rule, in which each feature occurs, or with strength 2 each pair.

    Each check of a medium occurs at each place. What several types have does not have to occur in each of them, but
    each type has a trial.
    """
    subjects = [*list_subjects(rule, material, keeps=keeps)]
    plans = [subject.plan(strength) for subject in subjects]
    while left := [plan for plan in plans if plan.targets]:
        # The type that needs most trials for itself comes first: they have room for what the others could have too.
        plan = max(left, key=lambda one: one.count_own(left)) if strength == 1 else left[0]
        plan.take([one for one in left if one is not plan])
    return tuple(
        tuple(plan.found or subject.list_trials({((0, 0),): None}))
        for subject, plan in zip(subjects, plans, strict=True)
    )


@cache
def _find_set(subject: Subject) -> Sequence[bool]:
    """Return which of its factors set fields."""
    return [any(factor[-1].patches) for factor in subject.factors]


@cache
def _find_due(subject: Subject) -> Mapping[str, frozenset[str] | None]:
    return {way: subject.answer(subject.try_way(way)) for way in subject.ways}


@cache
def _find_meant(subject: Subject) -> Sequence[str]:
    due = {way: broken for way, broken in _find_due(subject).items() if broken is not None}
    return [way for way, broken in due.items() if (not broken if subject.keeps else subject.rule in broken)]


@cache
def _find_turn(*subject: object) -> int:
    return crc32(" ".join(map(str, subject)).encode()) % 9973


@cache
def _factors(kind: str, material: Material) -> tuple[Factor, ...]:
    return tuple(factor for factor in factors_of(kind, material) if len(factor) > 1)


@cache
def _without_generations(material: Material) -> Material:
    return replace(material, completed_image=None, completed_video=None)


@cache
def _plain_body(kind: str, material: Material) -> Mapping[str, Any]:
    return plain_body(kind, material)


@cache
def _overlap(one: str, other: str) -> bool:
    return one == other or one.startswith(f"{other}.") or other.startswith(f"{one}.")


def _put(body: Body, path: str, value: object) -> bool:
    """Set a field of a body, or unset it; return False where an empty object or null stands in its way."""
    *steps, name = path.split(".")
    for step in steps:
        if step in body and not body[step]:
            return False
        body[step] = dict(body.get(step) or {})
        body = body[step]
    if value is ABSENT:
        body.pop(name, None)
    else:
        body[name] = value
    return True
