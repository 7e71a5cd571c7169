"""The whole table in page order, and the few lines that run it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from luma_conformance.rules.content import CONTENT_RULES
from luma_conformance.rules.loading import LOADING_RULES
from luma_conformance.rules.media import MediaLookup, inline_only
from luma_conformance.rules.prediction import Accepted, Prediction, Rejected, Unspecified, Violation
from luma_conformance.rules.request import REQUEST_RULES
from luma_conformance.rules.rule import Rule
from luma_conformance.rules.shape import find_misfit
from luma_conformance.rules.subject import Subject, read_body
from luma_conformance.rules.unspecified import find_open_questions, is_in_doubt
from luma_conformance.rules.video import VIDEO_RULES

RULES: Final[tuple[Rule, ...]] = (*REQUEST_RULES, *VIDEO_RULES, *CONTENT_RULES, *LOADING_RULES)
"""Every rule the page states about the body of POST /v1/generations, in the order of its headings.

>>> from luma_conformance import RULES
>>> RULES[0].id, RULES[0].status, RULES[0].detail
('unknown-model', 400, 'Unknown model: {model}')
"""

_ACCEPTED: Final = Accepted()


def predict(body: object, *, media: MediaLookup = inline_only) -> Prediction:
    """Return how the page answers a POST /v1/generations with this parsed JSON body.

    `media` is called once for each media reference a server may load. Rests on everything under "Synchronous errors on
    POST /v1/generations" that depends on the body: 201, 400, 413, 422, 502 and 503. The key, the balance and the limits
    are not considered.

    >>> from luma_conformance import predict
    >>> predict({"prompt": "a lighthouse at dawn"})
    Accepted()
    >>> predict({"prompt": "a lighthouse", "model": "uni-9"}).violations[0].details
    ('Unknown model: uni-9',)
    >>> predict({"prompt": 5}).reason
    'prompt is not a string'
    """
    return predict_by(RULES, body, media)


def predict_by(rules: Sequence[Rule], body: object, media: MediaLookup) -> Prediction:
    """Return what `predict` does, by another table: that of a server which is wrong on purpose."""
    misfit = find_misfit(body)
    if misfit is not None or not isinstance(body, dict):
        return Unspecified(reason=misfit or "the body is not an object")
    subject = read_body(body, media)
    violations, questions = find_violations(rules, subject), find_open_questions(subject)
    if questions:
        sure = (one.rule for one in violations if not is_in_doubt(one.path, questions))
        return Unspecified(reason=questions[0].reason, broken=tuple(dict.fromkeys(sure)))
    return Rejected(violations=violations) if violations else _ACCEPTED


def find_violations(rules: Sequence[Rule], subject: Subject) -> tuple[Violation, ...]:
    """Return the answers to the faults of a body, without those that the page ranks below another one present."""
    found = [(rule, faults) for rule in rules if (faults := rule.find(subject))]
    broken = {rule.id for rule, _ in found}
    standing = [(rule, faults) for rule, faults in found if broken.isdisjoint(rule.outranked_by)]
    return tuple(rule.answer(fault) for rule, faults in standing for fault in faults)
