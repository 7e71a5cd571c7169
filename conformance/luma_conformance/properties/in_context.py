"""Trying requests in their contexts, and finding out what of a context changes an answer that it must not change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from luma_conformance.properties.luma_target import LumaTarget
from luma_conformance.properties.nonconformance import NonConformance
from luma_conformance.rules import Accepted
from luma_conformance.strategies.bodies import Body
from luma_conformance.strategies.contexts import Trial
from luma_conformance.strategies.places import MEDIA_BREACHES
from luma_conformance.strategies.spelling import Spelling

Spelt = tuple[Body, Spelling]
"""A body, and how its JSON is spelt."""
Example = tuple[str, str, tuple[str, ...], Spelt, tuple[tuple[str, Spelt], ...]]
"""A trial as plain data: its rule, its way, its features, its request; and the same without one thing, by its name."""

_LABEL: Final = 17


def try_trials(luma_target: LumaTarget, trials: Sequence[Trial], *, counted: bool = True) -> None:
    """Send trials and check each answer; raise NonConformance with the least context that shows what is wrong.

    `counted`: the contexts are those of one rule alone, and are counted.
    """

    def search(_: object) -> None:
        for trial in trials:
            try:
                _try(luma_target, trial)
            except NonConformance:
                if luma_target.is_free and (least := _shrink(luma_target, trial)).features != trial.features:
                    _try(luma_target, least, (*least.simplify(),))
                raise

    luma_target.run(search, lambda example: _judge(luma_target, example), total=len(trials))
    if not counted:
        luma_target.contexts.clear()
        luma_target.places.clear()


def choose(luma_target: LumaTarget, trials: Sequence[Trial]) -> tuple[Trial, ...]:
    """Return those of the trials of one rule and type that a run tries."""
    return tuple(islice(trials, luma_target.fuzzing.limit_contexts(free=luma_target.is_free)))


def _shrink(luma_target: LumaTarget, trial: Trial) -> Trial:
    """Return the trial with as little in its context as still shows that something is wrong."""
    due = trial.subject.answer(trial)

    def fails(one: Trial) -> bool:
        if trial.subject.answer(one) != due:
            return False
        try:
            _try(luma_target, one)
        except NonConformance:
            return True
        return False

    if fails(plain := trial.alone()):
        return plain
    shrinking = True
    while shrinking:
        shrinking = False
        for _, simpler in trial.simplify():
            if fails(simpler):
                trial, shrinking = simpler, True
                break
    return trial


def _try(luma_target: LumaTarget, trial: Trial, without: Sequence[tuple[str, Trial]] = ()) -> None:
    example: Example = (
        trial.rule,
        trial.way,
        trial.names,
        _spelt(trial),
        tuple((name, _spelt(one)) for name, one in without),
    )
    luma_target.begin_example(example)
    try:
        _judge(luma_target, example)
    finally:
        luma_target.session.target.channel.end_example()


def _spelt(trial: Trial) -> Spelt:
    body = trial.make_body()
    assert body is not None
    return body, trial.spelling


def _judge(luma_target: LumaTarget, example: Example) -> None:
    """Send a request, and check its answer; if it is wrong, say without which part of its context it is right."""
    rule, way, names, request, without = example
    try:
        prediction = luma_target.check(*request)
    except NonConformance as found:
        needed = [name for name, other in without if _is_right(luma_target, other)]
        heading, _, rest = str(found).partition("\n")
        told = "\n".join([heading, *_explain(rule, way, names, needed), rest])
        raise NonConformance(told, found.judged) from None
    if isinstance(prediction, Accepted):
        luma_target.kept[rule] += 1
    luma_target.contexts |= {(rule, name) for name in names}
    if rule in MEDIA_BREACHES:
        luma_target.places.add((rule, way))


def _is_right(luma_target: LumaTarget, request: Spelt) -> bool:
    try:
        luma_target.check(*request)
    except NonConformance:
        return False
    return True


def _explain(rule: str, way: str, names: tuple[str, ...], needed: Sequence[str]) -> Iterator[str]:
    """Yield lines that say what was tried, and what of its context makes the difference."""
    yield f"  {'tried':<{_LABEL}}{rule}: {way}"
    if others := [name for name in names if name not in needed]:
        yield f"  {'beside':<{_LABEL}}{', '.join(others)}"
    for name in needed:
        yield f"  {'right without':<{_LABEL}}{name}"
