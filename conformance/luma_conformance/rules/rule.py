"""The form of a row of the table, and the code that turns its faults into answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from luma_conformance.rules.prediction import Violation
from luma_conformance.rules.subject import OPEN_FIELD, Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One place where a body breaks a rule.

    `values` fills the placeholders of the rule's text; with more than one set of values the page allows more than one
    text.
    """

    path: str
    values: tuple[Mapping[str, object], ...] = field(default=({},))


Find = Callable[[Subject], Sequence[Fault]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One row of the table: under this heading, the page answers these faults with this status and this text.

    `detail` is the text with named placeholders, or None if the page fixes only the status. The answer is not allowed
    when a rule in `outranked_by` is broken too.
    """

    id: str
    heading: str
    status: int
    detail: str | None
    find: Find
    outranked_by: tuple[str, ...] = ()
    wording_may_vary: bool = False

    def answer(self, fault: Fault) -> Violation:
        """Return the answer this row gives to one fault."""
        template = self.detail or ""
        texts = tuple(template.format_map(values) for values in fault.values) if template else ()
        is_open = OPEN_FIELD in template and fault.values[0]["field"] == OPEN_FIELD
        return Violation(
            rule=self.id,
            status=self.status,
            details=() if is_open else texts,
            detail_like=texts[0] if is_open else None,
            path=fault.path,
            wording_may_vary=self.wording_may_vary,
        )


def at(path: str, broken: Callable[[Subject], bool]) -> Find:
    """Return a finder for a rule about one field: one fault at `path` if `broken` holds."""
    found = (Fault(path=path),)

    def find(subject: Subject) -> Sequence[Fault]:
        return found if broken(subject) else ()

    return find
