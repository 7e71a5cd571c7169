"""A verdict as people get it: one value, from which the terminal, JUnit and every report are written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from luma_conformance.model import Mismatch, Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One case or property and what it came to; every text in it is safe to show.

    `section` is the page's heading, `step` says which of several steps went wrong, `nearest` names the catalogue entry
    whose text the server sent instead. `show` and `curl` are commands that send the request again, `exchange` is a
    digest of what was sent and answered, `seconds` real time. `standing` compares the target with a second server.

    Of a property, `explanation` is what it found, in full; `rules` counts how often generated requests broke each rule,
    and how often they narrowly kept it and were accepted; `observed` says what was seen of what the page leaves open.
    """

    case: str
    title: str
    section: str
    verdict: Outcome
    file: str = ""
    line: int = 0
    operation: str = ""
    severity: str | None = None
    reason: str | None = None
    step: str | None = None
    expected: str | None = None
    actual: str | None = None
    nearest: str | None = None
    differences: tuple[Mismatch, ...] = ()
    erratum: str | None = None
    show: str | None = None
    curl: str | None = None
    request_id: str | None = None
    exchange: str | None = None
    explanation: str | None = None
    standing: str | None = None
    rules: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    observed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def facets(self) -> tuple[str, ...]:
        """What the answer differs in, each once."""
        return tuple(dict.fromkeys(difference.facet for difference in self.differences))
