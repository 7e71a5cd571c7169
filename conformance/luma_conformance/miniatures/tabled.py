"""Operators on the table of rules: each takes the table and returns one that is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

from luma_conformance.miniatures.breaks import FORMS, Form
from luma_conformance.miniatures.contexts import Context
from luma_conformance.miniatures.controls import CONTROLS
from luma_conformance.miniatures.miniature import ROOMY, Area, Asked, Body, Draft, Make, Miniature, Witness, create
from luma_conformance.miniatures.places import heavy_forms, media_forms
from luma_conformance.model import Request, Response
from luma_conformance.reference.media import Loader, media_facts
from luma_conformance.reference.service import Service
from luma_conformance.rules import RULES, Accepted, Prediction, Rejected, Rule, Unspecified, predict
from luma_conformance.rules.facts import DEFAULT_TYPE
from luma_conformance.rules.rule import Fault, Find
from luma_conformance.rules.subject import Subject
from luma_conformance.rules.table import predict_by

BY_ID: Final[Mapping[str, Rule]] = {rule.id: rule for rule in RULES}
Choose = Callable[[Asked], Sequence[Rule]]


@dataclass(kw_only=True)
class Tabled(Service):
    """A service that answers each request by the table that `choose` returns for it."""

    choose: Choose

    def handle(self, request: Request) -> Response:
        """Return the answer, and remember the request for the table."""
        self._asked = request
        return super().handle(request)

    def _predict(self, body: object, loader: Loader) -> Prediction:
        asked = Asked(request=self._asked, body=body if isinstance(body, dict) else {})
        prediction = predict_by(table := self.choose(asked), body, loader)
        if table is not RULES and isinstance(prediction, Unspecified) and not prediction.broken:
            right = predict_by(RULES, body, loader)
            if isinstance(right, Unspecified) and right.broken:
                return Accepted()  # what is open beside the rule that is overlooked does not stop it either
        return prediction


def by_table(choose: Choose) -> Make:
    """Return what makes a service that answers by another table."""
    return lambda clock: Tabled(clock=clock, settings=ROOMY, choose=choose).handle


def without(rule: str) -> tuple[Rule, ...]:
    """Return the table without one rule."""
    return tuple(one for one in RULES if one.id != rule)


def altered(rule: Rule) -> tuple[Rule, ...]:
    """Return the table with one rule altered."""
    return tuple(rule if one.id == rule.id else one for one in RULES)


@cache
def forms() -> tuple[Form, ...]:
    """Return every form of breaking a rule."""
    return (*FORMS, *media_forms())


@cache
def first_form(rule: str) -> Form | None:
    """Return the first form of a rule; None where it takes 70 MB."""
    return next((form for form in forms() if form.rule == rule), None)


def witness_of(body: Body) -> Witness:
    """Return the witness that a body is."""
    return lambda: (create(body),)


def _rule_witness(rule: str) -> Witness:
    form = first_form(rule)
    if form is not None:
        return witness_of(form.body)
    make = next(make for one, _, make in heavy_forms() if one == rule)
    return lambda: (create(make()),)


def _wrong_about(
    rule: Rule,
    name: str,
    says: str,
    make: Make,
    *,
    area: Area,
    where: Callable[[Asked], bool] = lambda _: True,
    witness: Witness | None = None,
) -> Miniature:
    """Return a miniature that is wrong about one rule, in the requests that break it, `where` that holds."""
    return Miniature(
        name=name,
        says=says,
        heading=rule.heading,
        area=area,
        make=make,
        touches=lambda asked: rule.id in asked.broken and where(asked),
        witness=witness or _rule_witness(rule.id),
    )


def never_checked(rules: Sequence[Rule]) -> Iterator[Miniature]:
    """Yield a service for each rule that does not know it."""
    for rule in rules:
        make = by_table(lambda _, table=without(rule.id): table)
        yield _wrong_about(rule, f"rules/{rule.id}/never", f"It never checks {rule.id}.", make, area=Area.RULES)


def another_text(rules: Sequence[Rule]) -> Iterator[Miniature]:
    """Yield a service for each promised text that says the text of the next rule instead."""
    texts = [rule for rule in rules if rule.detail is not None and not rule.wording_may_vary]
    for rule in texts:
        following = texts[texts.index(rule) + 1 :] + texts
        other = next(one for one in following if one.detail != rule.detail and "{" not in (one.detail or ""))
        yield _with_text(rule, other.detail or "", "another", f"says the text of {other.id} for {rule.id}")


def another_word(rules: Sequence[Rule]) -> Iterator[Miniature]:
    """Yield services for each promised text that has one word wrong: in its middle, its last, or its case."""
    for rule in rules:
        if rule.detail is None or rule.wording_may_vary:
            continue
        words = rule.detail.split(" ")
        middle = [index for index, word in enumerate(words) if word.isalpha()]
        index = middle[len(middle) // 2] if middle else 0
        changed = [*words[:index], f"{words[index]}s", *words[index + 1 :]]
        yield _with_text(rule, " ".join(changed), "word", f"has one word wrong in the text of {rule.id}")
        last = rule.detail[:-1] if rule.detail.endswith(".") else f"{rule.detail}."
        yield _with_text(rule, last, "full-stop", f"ends the text of {rule.id} with a full stop too many or too few")


def _with_text(rule: Rule, text: str, name: str, says: str) -> Miniature:
    make = by_table(lambda _, table=altered(replace(rule, detail=text)): table)
    return _wrong_about(rule, f"texts/{rule.id}/{name}", f"It {says}.", make, area=Area.TEXTS)


_SWAPPED: Final = {400: (422,), 422: (400,), 413: (400, 422), 502: (503, 422), 503: (502, 500)}


def another_status(rules: Sequence[Rule]) -> Iterator[Miniature]:
    """Yield services for each rule that answer it with a neighbouring status."""
    for rule in rules:
        for status in _SWAPPED[rule.status]:
            make = by_table(lambda _, table=altered(replace(rule, status=status)): table)
            says = f"It answers {rule.id} with status {status}."
            yield _wrong_about(rule, f"statuses/{rule.id}/{status}", says, make, area=Area.STATUSES)


def skipped_in_forms(known: Iterable[Form]) -> Iterator[Miniature]:
    """Yield a service for each form of a rule that overlooks it in that form."""
    known = [*known]
    for form in known:
        if sum(one.rule == form.rule for one in known) < 2:
            continue
        rule = BY_ID[form.rule]
        is_medium = rule.status in (413, 502, 503) or rule.id.startswith(("url-", "base64", "reference-"))
        yield _skipped(
            rule,
            f"forms/{rule.id}/{form.name}",
            f"It overlooks {rule.id} in the form {form.name}.",
            lambda asked, form=form: form.has(asked.body),
            witness_of(form.body),
            area=Area.MEDIA if is_medium else Area.BOUNDARIES,
        )


def _skipped(
    rule: Rule, name: str, says: str, where: Callable[[Asked], bool], witness: Witness, area: Area = Area.CONTEXTS
) -> Miniature:
    """Return a miniature that does not check a rule `where` that holds."""
    table = without(rule.id)

    def choose(asked: Asked) -> Sequence[Rule]:
        try:
            return table if where(asked) else RULES
        except (AttributeError, LookupError, TypeError):  # members of other types than the rule speaks of
            return RULES

    return _wrong_about(rule, name, says, by_table(choose), area=area, where=where, witness=witness)


def skipped_in_contexts(contexts: Sequence[Context]) -> Iterator[Miniature]:
    """Yield a service for each rule and each context legal beside it that skips the rule there."""
    for rule in RULES:
        for context in contexts:
            drafts = _find_drafts(rule.id, context)
            if drafts is None:
                continue
            yield _skipped(
                rule,
                f"contexts/{rule.id}/not-{context.name}",
                f"It does not check {rule.id} {context.words}.",
                context.holds,
                lambda draft=drafts[0]: (draft.write(),),
            )


def only_in_contexts(contexts: Sequence[Context]) -> Iterator[Miniature]:
    """Yield a service for each rule that checks it in one context only; the contexts take turns."""
    for number, rule in enumerate(RULES):
        turned = [*contexts[number % len(contexts) :], *contexts[: number % len(contexts)]]
        found = ((one, _find_drafts(rule.id, one)) for one in turned)
        context, drafts = next(((one, drafts) for one, drafts in found if drafts), (None, None))
        if context is None or drafts is None:
            continue
        yield _skipped(
            rule,
            f"contexts/{rule.id}/only-{context.name}",
            f"It checks {rule.id} only {context.words}.",
            lambda asked, context=context: not context.holds(asked),
            lambda draft=drafts[1]: (draft.write(),),
        )


@cache
def _find_drafts(rule: str, context: Context) -> tuple[Draft, Draft] | None:
    """Return requests that break only this rule, in this context and without it; None if there are none.

    The first form that allows it is taken: a context may be at odds with one form of a rule and legal beside another.
    """
    for form in (one for one in forms() if one.rule == rule):
        draft = Draft(body=form.body)
        within, outside = context.add(draft), context.drop(draft)
        seen = [Asked(request=one.write(), body=one.body) for one in (within, outside)]
        if not context.holds(seen[0]) or context.holds(seen[1]):
            continue
        if _breaks_only(rule, outside.body) and (
            _breaks_only(rule, within.body) or _is_open(rule, within.body, context)
        ):
            return within, outside
    return None


def _breaks_only(rule: str, body: Body) -> bool:
    prediction = predict(body, media=media_facts)
    return isinstance(prediction, Rejected) and {one.rule for one in prediction.violations} == {rule}


def _is_open(rule: str, body: Body, context: Context) -> bool:
    """Return whether a body breaks only this rule beside a context of its type, but may be told something else."""
    prediction = predict(body, media=media_facts)
    if not isinstance(prediction, Unspecified) or prediction.broken != (rule,):
        return False
    control = context.add(Draft(body=CONTROLS[str(body.get("type", DEFAULT_TYPE))]))
    return isinstance(predict(control.body, media=media_facts), Accepted)


def refinding(rule: str, find: Callable[[Find, Subject], Iterable[Fault]]) -> Make:
    """Return what makes a service whose rule finds other faults than it should; `find` is given the right finder."""
    right = BY_ID[rule]
    wrong = replace(right, find=lambda subject: tuple(find(right.find, subject)))
    return by_table(lambda _, table=altered(wrong): table)
