"""What the oracle says of a body: accepted, rejected with one of these answers, or unspecified."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One answer the page gives to a body.

    `rule` is the id of the row of RULES, `path` the field at fault. `details` are the texts allowed; where it is
    empty, `detail_like` is the text with the hole `{field}` for the part the page does not fix, and where that is
    None too, the page fixes the status alone. `wording_may_vary`: the page prints a text but does not promise it.
    """

    rule: str
    status: int
    details: tuple[str, ...]
    detail_like: str | None
    path: str
    wording_may_vary: bool = False

    def allows(self, status: int, detail: str) -> bool:
        """Tells whether an answer is this one."""
        if status != self.status:
            return False
        if self.details:
            return self.wording_may_vary or detail in self.details
        return self.detail_like is None or self.wording_may_vary or _fills(detail, self.detail_like)


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The page gives no reason to refuse the body: 201."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """The body is refused with any one of these answers; they stand in page order, less those the page outranks."""

    violations: tuple[Violation, ...]

    def allows(self, status: int, detail: str) -> bool:
        """Tells whether an answer is one of those allowed."""
        return any(violation.allows(status, detail) for violation in self.violations)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unspecified:
    """The page does not say how the body is answered, for this reason."""

    reason: str


Prediction = Accepted | Rejected | Unspecified


def _fills(detail: str, like: str) -> bool:
    before, _, after = like.partition("{field}")
    return len(detail) > len(before) + len(after) and detail.startswith(before) and detail.endswith(after)
