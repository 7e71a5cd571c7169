"""Cases and properties as items to be judged on miniatures, rehearsed once on the reference."""

from __future__ import annotations

import inspect
import itertools
import pkgutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from typing import Any, Final

import pytest

from luma_conformance import suite
from luma_conformance.catalogue import files as catalogue_files
from luma_conformance.catalogue.catalogue import Catalogue
from luma_conformance.errors import ConformanceError, InputError
from luma_conformance.judge.answers import EveryResponse
from luma_conformance.judge.explain import failure_text
from luma_conformance.miniatures.miniature import ROOMY, Handle, Make, Miniature
from luma_conformance.model import Case, Clock, Outcome
from luma_conformance.properties.fuzzing import Fuzzing
from luma_conformance.properties.luma_target import begin
from luma_conformance.properties.nonconformance import NonConformance
from luma_conformance.reference.clock import VirtualClock
from luma_conformance.reference.service import Service, profile_path
from luma_conformance.session.open import Options, open_in_process
from luma_conformance.session.rehearsal import Direct, Rehearsed, Tape, Taping
from luma_conformance.session.session import Session
from luma_conformance.target.profile import Profile, load_profile

RUN: Final = "rehearsal"
"""How request ids of a rehearsal begin: they are the same every time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A case or a property; `judge` returns what is wrong with the target of a session, or None."""

    id: str
    is_case: bool
    judge: Callable[[Session], str | None]
    cost: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """A part with its tape, and the seconds it took on the reference.

    `redraws`: its examples have in them what the reference answered, so that they suit no other service.
    """

    part: Part
    tape: Tape
    seconds: float
    redraws: bool = False

    def examples(self, differing: set[int | None] | None) -> list[object] | None:
        """Return the examples to try on a service that differs in these; None to draw new ones."""
        if self.redraws or not self.tape.examples:
            return None
        if differing is None or None in differing:
            return self.tape.examples
        return [self.tape.examples[index] for index in sorted(index for index in differing if index is not None)]

    @property
    def requests(self) -> int:
        """How many requests it sends to the reference."""
        return len(self.tape.events)

    @property
    def is_dear(self) -> bool:
        """Whether it is left out once something else accuses: all that is not a case with small bodies."""
        return not self.part.is_case or self.tape.is_heavy


def sort_by_price(rehearsals: Iterable[Rehearsal]) -> list[Rehearsal]:
    """Return parts in the order they are asked in: first cases, then properties, of both the cheap before the dear."""
    return sorted(rehearsals, key=lambda one: (not one.part.is_case, one.tape.is_heavy, one.redraws, one.requests))


def list_parts(catalogue: Catalogue) -> Iterator[Part]:
    """Yield every case of a catalogue and every property of the suite."""
    for case in catalogue:
        yield Part(id=case.id, is_case=True, judge=partial(_judge_case, case), cost=case.cost)
    for module in sorted(one.name for one in pkgutil.iter_modules(suite.__path__) if one.name.startswith("test_")):
        try:
            loaded = import_module(f"{suite.__name__}.{module}")
        except pytest.skip.Exception:  # an extra that is not installed
            continue
        for name, function in vars(loaded).items():
            if name.startswith("test_") and inspect.isfunction(function):
                yield from _list_properties(module, name, function)


def _list_properties(module: str, name: str, function: Callable[..., object]) -> Iterator[Part]:
    marks = [mark for mark in getattr(function, "pytestmark", ()) if mark.name == "parametrize"]
    for values in itertools.product(*(_read_parameters(mark) for mark in marks)):
        given = {key: value for one in values for key, value in one.items()}
        label = f"[{'-'.join(str(value) for value in given.values())}]" if given else ""
        subject = module.removeprefix("test_")
        item = f"properties/{subject}/{name}{label}"
        yield Part(
            id=item, is_case=False, judge=partial(_judge_property, function, given, f"{module}.py::{name}{label}", item)
        )


def _read_parameters(mark: pytest.Mark) -> list[Mapping[str, object]]:
    names = mark.args[0]
    keys = [one.strip() for one in names.split(",")] if isinstance(names, str) else list(names)
    found: list[Mapping[str, object]] = []
    for value in mark.args[1]:
        row = getattr(value, "values", value)
        row = row if len(keys) > 1 or row is not value else (row,)
        found.append(dict(zip(keys, row, strict=True)))
    return found


def _judge_case(case: Case, session: Session) -> str | None:
    result = session.run(case)
    if result.verdict.outcome is not Outcome.FAIL:
        return None
    return failure_text(session.add_command(session.describe(result), result), case.id, str(case.place))


def _judge_property(
    function: Callable[..., object], given: Mapping[str, object], name: str, item: str, session: Session
) -> str | None:
    try:
        function(luma_target=begin(session, Fuzzing(), name, item), **given)
    except NonConformance as error:
        return str(error)
    except (pytest.skip.Exception, pytest.xfail.Exception):
        return None
    return None


def rehearse(
    parts: Sequence[Part], stage: Stage, say: Callable[[int, int, str], None] = lambda *_: None
) -> tuple[Rehearsal, ...]:
    """Return parts with what each sends to the reference, sorted by price; raise InputError where that fails one."""
    found = []
    for number, part in enumerate(parts, start=1):
        say(number, len(parts), part.id)
        began = time.perf_counter()
        tape = stage.rehearse(part)
        seconds = time.perf_counter() - began
        redraws = tape.can_repeat_an_answer and stage.play(part, _make_other, tape.examples) is not None
        found.append(Rehearsal(part=part, tape=tape, seconds=seconds, redraws=redraws))
    return tuple(sort_by_price(found))


def _make_other(clock: Clock) -> Handle:
    """Make the reference with other ids than it otherwise draws."""
    return Service(clock=clock, settings=ROOMY, seed=1).handle


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What all sessions share: the reference's profile, and what is expected of every response."""

    profile: Profile
    every: EveryResponse

    @classmethod
    def of(cls, catalogue: Catalogue) -> Stage:
        """Return the stage for a catalogue."""
        holdings = catalogue.holdings or catalogue_files.own().holdings
        return cls(profile=load_profile(profile_path(), {}), every=EveryResponse(holdings))

    def rehearse(self, part: Part) -> Tape:
        """Return what a part sends to the reference; raise InputError if the reference fails it."""
        clock = VirtualClock()
        taping = Taping(handle=Service(clock=clock, settings=ROOMY).handle, clock=clock)
        session = self._open(Direct(handle=taping), clock, lambda channel: Rehearsed(channel=channel, taping=taping))
        if (wrong := part.judge(session)) is not None:
            raise InputError(f"the reference itself fails {part.id}, so no miniature can be judged by it:\n{wrong}")
        return taping.tape

    def play(self, part: Part, make: Make, examples: list[object] | None) -> str | None:
        """Return what a part finds wrong with a service, or None; only these examples are tried, or new ones drawn."""
        clock = VirtualClock()
        direct = Direct(handle=make(clock))
        session = self._open(direct, clock, lambda channel: Rehearsed(channel=channel, given=examples))
        return judged(part, session)

    def _open(self, direct: Direct, clock: VirtualClock, wrap: Callable[[Any], Rehearsed]) -> Session:
        session = open_in_process(direct, clock, self.profile, Options(announce=lambda _: None))
        session.every = self.every
        session.target = replace(session.target, channel=wrap(session.target.channel), run=RUN)
        return session


def judged(part: Part, session: Session) -> str | None:
    """Return what a part finds wrong, or None; a target that cannot be judged at all is never green."""
    try:
        return part.judge(session)
    except ConformanceError as error:
        return f"could not be judged: {error}"
    except Exception as error:  # noqa: BLE001  pytest would show it, in red
        return f"the suite broke on it: {type(error).__name__}: {error}"


Verdict = tuple[Rehearsal, str | None]
"""A part that was played on a miniature, and what it finds wrong."""


def find_verdicts(
    miniature: Miniature, rehearsals: Sequence[Rehearsal], stage: Stage, *, thorough: bool = False
) -> Iterator[Verdict]:
    """Yield the verdicts of parts in which a miniature answers otherwise than the reference, in the order of the parts.

    Every case with small bodies is asked; what is dearer only where nothing accuses, or the judgement is `thorough`.
    """
    accused = False
    for rehearsal in rehearsals:
        if accused and rehearsal.is_dear and not thorough:
            return
        differing = rehearsal.tape.find_differences(miniature)
        if differing is not None and not differing:
            continue
        text = stage.play(rehearsal.part, miniature.make, rehearsal.examples(differing))
        accused = accused or text is not None
        yield rehearsal, text
