"""The predicted answer to a body: accepted, rejected with one of these answers, or unspecified."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One answer the page gives to a body.

    `rule` is the id of a row of RULES and `path` the field at fault. `details` are the allowed texts. If it is empty,
    `detail_like` is the text with `{field}` in place of the part the page does not fix; if that is None too, the page
    fixes only the status. With `wording_may_vary` the page prints a text but does not promise it.

    >>> from luma_conformance import predict
    >>> (violation,) = predict({"prompt": "a lighthouse", "style": "manga", "aspect_ratio": "1:1"}).violations
    >>> violation.rule, violation.status, violation.path
    ('manga-not-portrait', 422, 'aspect_ratio')
    >>> violation.allows(422, "manga is portrait")
    False
    """

    rule: str
    status: int
    details: tuple[str, ...]
    detail_like: str | None
    path: str
    wording_may_vary: bool = False

    def allows(self, status: int, detail: str) -> bool:
        """Return whether this violation allows an answer."""
        if status != self.status:
            return False
        if self.details:
            return self.wording_may_vary or detail in self.details
        return self.detail_like is None or self.wording_may_vary or _fills(detail, self.detail_like)


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The page gives no reason to refuse the body: the answer is 201.

    >>> from luma_conformance import Accepted, predict
    >>> predict({"prompt": "a lighthouse", "aspect_ratio": "16:9"}) == Accepted()
    True
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """The body is refused, with any one of these answers.

    They are in page order, without those that the page ranks below another one present.

    >>> from luma_conformance import predict
    >>> rejected = predict({"prompt": "", "model": "uni-9"})
    >>> [violation.rule for violation in rejected.violations]
    ['unknown-model', 'prompt-empty']
    >>> rejected.allows(400, "Unknown model: uni-9")
    True
    """

    violations: tuple[Violation, ...]

    def allows(self, status: int, detail: str) -> bool:
        """Return whether one of the violations allows an answer."""
        return any(violation.allows(status, detail) for violation in self.violations)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unspecified:
    """The page does not say how the body is answered; `reason` says what it leaves open.

    `broken` has the ids of rules that the body breaks whatever is said of that: such a body is not accepted, though the
    answer may be about what is left open.

    >>> from luma_conformance import predict
    >>> predict(["a lighthouse"]).reason
    'the body is not an object'
    >>> predict({"prompt": "", "video": {"loop": True}}).broken
    ('prompt-empty',)
    """

    reason: str
    broken: tuple[str, ...] = ()


Prediction = Accepted | Rejected | Unspecified
"""What `predict` returns.

>>> from luma_conformance import Prediction, predict
>>> isinstance(predict({"prompt": "a lighthouse"}), Prediction)
True
"""


def _fills(detail: str, like: str) -> bool:
    before, _, after = like.partition("{field}")
    return len(detail) > len(before) + len(after) and detail.startswith(before) and detail.endswith(after)
