"""Every rule in every context that must not change it: requests that break it, or just keep it, beside all else.

A verdict may not depend on what the page gives no say: another optional field, the spelling of the JSON, which of
several equal things is at fault. For each rule and type these are the factors of a covering array, in which each value
of each factor occurs beside the rule; the oracle drops what would change the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import chain, combinations
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

    def list_trials(
        self, strength: int = 1, wanted: Iterable[Target] = (), tried: Collection[frozenset[str]] = ()
    ) -> Iterator[Trial]:
        """Yield trials in which each way and each feature occurs, with strength 2 each pair, or only what is wanted.

        What is in `tried` does not have to occur again: features and ways, or pairs of them, by name. There is a trial
        at least.
        """
        due = {way: self.answer(self._try(way)) for way in self.ways}
        names = [way for way, broken in due.items() if broken is not None and self._is_meant(broken)]
        bare = 1 + sum(not all(one.has_no_say for one in factor) for factor in self.factors)
        found: dict[Row, bool] = {}

        def is_legal(row: Row) -> bool:
            said = row[:bare]  # how a request is written has no say in what the rules predict
            if said not in found:
                trial = self._at(names, (*said, *row[bare:]))
                found[said] = trial is not None and self.answer(trial) == due[trial.way]
            return found[said]

        sizes = [len(names), *map(len, self.factors)]
        # Ways that set the same fields leave room for the same features: one of each will do to start from.
        alike = {frozenset(self.ways[way]): number for number, way in reversed([*enumerate(names)])}
        starts = [(number, *(0 for _ in self.factors)) for number in sorted(alike.values())]
        turn = crc32(f"{self.rule} {self.kind} {self.keeps}".encode()) % 9973
        due_targets = [one for one in list_targets(sizes, strength) if self._is_due(one, names, tried, turn)]
        for row in cover(sizes, wanted or due_targets or [((0, 0),)], starts, is_legal, turn):
            trial = self._at(names, row)
            assert trial is not None
            yield trial

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

    def _is_due(self, target: Target, ways: Sequence[str], tried: Collection[frozenset[str]], turn: int) -> bool:
        """Return whether a target has to occur.

        That a field is as it is, is no context. Where a rule is kept, of a field with many values only some are due.
        """
        if len(target) == 1:
            ((factor, value),) = target
            many = -(-len(self.factors[factor - 1]) // MOST) if factor else 1
            if factor and (value == 0 or (self.keeps and value % many != turn % many)):
                return False
        return self._name(target, ways) not in tried

    def _name(self, target: Target, ways: Sequence[str]) -> frozenset[str]:
        """Return the names of the features and ways of a target; a place, or that a field is as it is, has none."""
        names = [self.factors[factor - 1][value].name for factor, value in target if factor and value]
        if self.rule in FIELD_BREACHES:
            names += [ways[value] for factor, value in target if not factor]
        return frozenset(names) if len(names) == len(target) else frozenset()

    def allows(self, target: Target) -> bool:
        """Return whether a target goes together with the first way and nothing else."""
        row = [0] * (len(self.factors) + 1)
        for factor, value in target:
            row[factor] = value
        trial = self._at([*self.ways], row)
        return trial is not None and self.answer(trial) == self.answer(self._try(next(iter(self.ways))))

    def _is_meant(self, broken: frozenset[str]) -> bool:
        return not broken if self.keeps else self.rule in broken

    def _at(self, names: Sequence[str], row: Sequence[int]) -> Trial | None:
        """Return the trial of a row, or None where a feature sets a field that the way sets too."""
        way = names[row[0]]
        turn = sum(value for factor, value in zip(self.factors, row[1:], strict=True) if any(factor[-1].patches))
        own, chosen = self.ways[way], []
        for factor, value in zip(self.factors, row[1:], strict=True):
            if value:
                patch = factor[value].patches[turn % len(factor[value].patches)]
                if any(_overlap(one, other) for one in patch for other in own):
                    return None
                chosen.append((factor[value], patch))
        return self._try(way, tuple(chosen), tuple(row))

    def _try(self, way: str, features: tuple[tuple[Feature, Patch], ...] = (), row: Row = ()) -> Trial:
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


def list_large(rule: str, material: Material, *, keeps: bool) -> Iterator[Trial]:
    """Yield the trials of a rule whose bodies have 70 MB, each beside nothing else."""
    for kind in available_kinds(material):
        breach = BREACHES[rule]
        ways = (breach.large_kept if keeps else breach.large)(kind, material)
        subject = Subject(rule=rule, kind=kind, keeps=keeps, ways=ways, factors=(), material=material)
        for way in ways:
            yield Trial(rule=rule, kind=kind, keeps=keeps, way=way, features=(), row=(), subject=subject)


@cache
def list_trials(rule: str, material: Material, *, keeps: bool, strength: int = 1) -> tuple[tuple[Trial, ...], ...]:
    """Return the trials of each subject of a rule, in which each feature occurs, or with strength 2 each pair.

    Each check of a medium occurs at each place. What several types have does not have to occur in each of them.
    """
    listed: list[tuple[Trial, ...]] = []
    tried: set[frozenset[str]] = set()
    for subject in list_subjects(rule, material, keeps=keeps):
        listed.append(tuple(subject.list_trials(strength, tried=tried)))
        tried |= {frozenset(one) for trial in listed[-1] for one in combinations((trial.way, *trial.names), strength)}
    return tuple(listed)


@cache
def list_accepted(kind: str, material: Material, strength: int = 1) -> tuple[Trial, ...]:
    """Return trials that keep to all rules, with each feature, and each pair that occurs in no trial of a rule.

    What is about a request's envelope goes with everything, and of fields with many values only some are paired.
    """
    (plain,) = (one for one in list_subjects(NO_RULE, material, keeps=True) if one.kind == kind)
    sides = ((rule, keeps) for rule in BREACHES for keeps in (False, True))
    listed = chain(*(list_trials(rule, material, keeps=keeps, strength=strength) for rule, keeps in sides))
    found = [*plain.list_trials(strength)]
    sizes = [1 if factor[-1].sent else len(factor) for factor in plain.factors]
    pairs = [pair for pair in list_targets([1, *sizes], 2) if all(sizes[f - 1] <= MOST or v % 2 for f, v in pair)]
    tried = [trial for trials in listed for trial in trials if trial.kind == kind]
    return (*found, *plain.list_trials(wanted=_leave_out(pairs, [*tried, *found]) or [()]))


def _leave_out(pairs: Iterable[Target], trials: Iterable[Trial]) -> list[Target]:
    met: set[Target] = set()
    for trial in trials:
        met.update(combinations(enumerate(trial.row), 2))
    return [pair for pair in pairs if pair not in met]


@cache
def _factors(kind: str, material: Material) -> tuple[Factor, ...]:
    return tuple(factor for factor in factors_of(kind, material) if len(factor) > 1)


@cache
def _without_generations(material: Material) -> Material:
    return replace(material, completed_image=None, completed_video=None)


@cache
def _plain_body(kind: str, material: Material) -> Mapping[str, Any]:
    return plain_body(kind, material)


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
