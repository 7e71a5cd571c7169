"""Trying requests in their contexts, and finding out what of a context changes an answer that it must not change."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice, zip_longest
from typing import Final

from luma_conformance.catalogue.roles import MAIN_KEY
from luma_conformance.judge.answers import detail_of
from luma_conformance.model import Exchange
from luma_conformance.properties.asking import replaces_added
from luma_conformance.properties.luma_target import LumaTarget
from luma_conformance.properties.nonconformance import NonConformance
from luma_conformance.rules import RULES, Accepted, Prediction, Unspecified
from luma_conformance.strategies.bodies import Body
from luma_conformance.strategies.contexts import Trial
from luma_conformance.strategies.envelope import Sent, drop_declined, find_role, write_headers
from luma_conformance.strategies.places import MEDIA_BREACHES
from luma_conformance.strategies.spelling import Spelling

Spelt = tuple[Body, Spelling] | tuple[Body, Spelling, Sent]
"""A body, how its JSON is spelt, and how it is sent if that is in no plain way."""
Example = tuple[str, str, tuple[str, ...], Spelt, tuple[tuple[str, Spelt], ...]]
"""A trial as plain data: its rule, its way, its features, its request; and the same without one thing, by its name."""

FEW: Final = 20
"""Requests a minute that a client must have for some of them to be spent on contexts."""
_TEXTS: Final = [re.compile(re.sub(r"\\\{\w+\\\}", ".*", re.escape(rule.detail))) for rule in RULES if rule.detail]
"""The texts of rules, whatever stands for their placeholders."""
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

    luma_target.run(search, lambda example: judge_example(luma_target, example), total=len(trials))
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


def alternate(trials: Sequence[Trial]) -> list[Trial]:
    """Return trials so that refused and accepted requests come by turns, as long as there are both."""
    broken, kept = ([one for one in trials if one.keeps == keeps] for keeps in (False, True))
    pairs = zip_longest(broken, kept)
    return [one for pair in pairs for one in pair if one is not None]


def _try(luma_target: LumaTarget, trial: Trial, without: Sequence[tuple[str, Trial]] = ()) -> None:
    trial = trial.keep(lambda feature: all(_may_vary(luma_target, name) for name in feature.sent))
    example: Example = (
        trial.rule,
        trial.way,
        trial.names,
        _spelt(trial),
        tuple((name, _spelt(one)) for name, one in without),
    )
    luma_target.begin_example(example)
    try:
        judge_example(luma_target, example)
    finally:
        luma_target.session.target.channel.end_example()


def _spelt(trial: Trial) -> Spelt:
    body = trial.make_body()
    assert body is not None
    return (body, trial.spelling, trial.sent) if trial.sent else (body, trial.spelling)


def _may_vary(luma_target: LumaTarget, name: str) -> bool:
    """Return whether a request may be sent in this way: neither a gateway nor another property is in its way.

    Where workers share a target, one of them may be counting the requests of another client.
    """
    if (role := find_role([name])) != MAIN_KEY:
        return not luma_target.is_shared and _has_room(luma_target, role)
    if not luma_target.session.added:
        return True
    plain = luma_target.request(body=b"", content_type="")
    return not replaces_added(luma_target, write_headers(plain, [name]))


def _has_room(luma_target: LumaTarget, role: str) -> bool:
    """Return whether the limits of a key's client leave room for a request, and for those of others."""
    if (traffic := luma_target.session.traffic) is None:
        return True
    request = luma_target.request(body=b"", role=role)
    usage, now = traffic.usage(request), traffic.passing.now(request)
    return not usage.is_full and usage.quota.next_slot(now) <= now and (usage.quota.limit or FEW) >= FEW


def judge_example(luma_target: LumaTarget, example: Example) -> None:
    """Send an example, and check its answer; if it is wrong, say without which part of its context it is right."""
    rule, way, names, request, without = example
    try:
        prediction, declined = _check(luma_target, *request)
    except NonConformance as found:
        needed = [name for name, other in without if _is_right(luma_target, other)]
        heading, _, rest = str(found).partition("\n")
        told = "\n".join([heading, *_explain(rule, way, names, needed), rest])
        raise NonConformance(told, found.judged) from None
    if isinstance(prediction, Accepted):
        luma_target.kept[rule] += 1
    if not isinstance(prediction, Unspecified):
        luma_target.contexts |= {(rule, name) for name in names if name not in declined}
    if rule in MEDIA_BREACHES:
        luma_target.places.add((rule, way))


def _check(luma_target: LumaTarget, body: Body, spelling: Spelling, sent: Sent = ()) -> tuple[Prediction, Sent]:
    """Send a request and check its answer; return the prediction, and what of its envelope the target declined.

    What is declined is not wrong: the request is sent again without it.
    """
    prediction = luma_target.material.predict(body)
    if not luma_target.may_send(prediction):
        return prediction, sent
    exchange = luma_target.send(body, spelling, sent)
    kept = drop_declined(sent, exchange.response.status)
    if kept != sent and not luma_target.is_right(body, prediction, exchange) and not _is_about_body(exchange):
        exchange = luma_target.send(body, spelling, kept)
    else:
        kept = sent
    luma_target.check_against(body, prediction, exchange)
    return prediction, tuple(name for name in sent if name not in kept)


def _is_about_body(exchange: Exchange) -> bool:
    """Return whether a refusal has a text that the page gives for what is wrong with a body."""
    detail = detail_of(exchange.response)
    return isinstance(detail, str) and any(text.fullmatch(detail) for text in _TEXTS)


def _is_right(luma_target: LumaTarget, request: Spelt) -> bool:
    try:
        _check(luma_target, *request)
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
