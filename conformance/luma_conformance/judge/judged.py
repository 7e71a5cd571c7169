"""A verdict as people get it: one value, from which the terminal, JUnit and every report are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from luma_conformance.model import Mismatch, Outcome
from luma_conformance.shown import NOTHING, Shown

_WORST_FIRST: Final = (Outcome.FAIL, Outcome.DEVIATION, Outcome.WARNING, Outcome.PASS, Outcome.NOT_JUDGED)
_TRIED: Final = {
    Outcome.PASS: "passed",
    Outcome.FAIL: "failed",
    Outcome.DEVIATION: "deviated as known",
    Outcome.WARNING: "passed with another wording",
}
TASK: Final = "LUMA_TASK="
"""How the operation of a scenario for clients begins; its task follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A request of a client under test and its reply, in seconds after its first request arrived.

    `began` is when it arrived, `ended` when it was answered. `is_fault` tells what a scenario is about from the rest.
    """

    began: float
    ended: float
    asked: Shown
    told: Shown
    is_fault: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference(Mismatch):
    """A mismatch as people get it: each text of it may be shown."""

    where: Shown
    why: Shown
    rests_on: Shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One case or property and what it came to; every text in it is safe to show.

    `section` is the page's heading, `step` says which of several steps went wrong, `nearest` names the catalogue entry
    whose text the server sent instead. `show` and `curl` are commands that send the request again, `exchange` is a
    digest of what was sent and answered, `seconds` real time. `standing` compares the target with a second server.
    `known` has the places of the known deviations that explain something of it. `attempts` has what each attempt came
    to, of a case that was tried more than once.
    `known` has the places of the known deviations that explain something of it. `needs` has the roles a case needs;
    `lacks` is the one that the target does not offer, where that is why it was not judged.

    Of a property, `explanation` is what it found, in full; `rules` counts how often generated requests broke each rule,
    and how often they narrowly kept it and were accepted; `covered` counts the contexts in which answers were right, by
    kind: `features` beside rules, `places` and forms of media, `requests` and `jobs` at limits, `lives` of generations;
    `observed` says what was seen of what the page leaves open. Of a client, `timeline` has its requests.
    """

    case: Shown
    title: Shown
    section: Shown
    verdict: Outcome
    file: Shown = NOTHING
    line: int = 0
    operation: Shown = NOTHING
    severity: Shown | None = None
    reason: Shown | None = None
    step: Shown | None = None
    expected: Shown | None = None
    actual: Shown | None = None
    nearest: Shown | None = None
    differences: tuple[Difference, ...] = ()
    erratum: Shown | None = None
    show: Shown | None = None
    curl: Shown | None = None
    request_id: Shown | None = None
    exchange: Shown | None = None
    explanation: Shown | None = None
    standing: Shown | None = None
    rules: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    covered: Mapping[str, int] = field(default_factory=dict)
    observed: tuple[Shown, ...] = ()
    notes: tuple[Shown, ...] = ()
    known: tuple[Shown, ...] = ()
    attempts: tuple[Outcome, ...] = ()
    needs: tuple[Shown, ...] = ()
    lacks: Shown | None = None
    timeline: tuple[Moment, ...] = ()
    seconds: float = 0.0

    @property
    def facets(self) -> tuple[str, ...]:
        """What the answer differs in, each once."""
        return tuple(dict.fromkeys(difference.facet for difference in self.differences))

    @property
    def is_of_client(self) -> bool:
        """Whether it is about what a client did, and not about what a server said."""
        return self.operation.startswith(TASK)

    @property
    def flaky(self) -> str:
        """How the attempts at the case differ; empty if there was one, or if all of them came to the same."""
        tried = [outcome for outcome in self.attempts if outcome is not Outcome.NOT_JUDGED]
        other = next((outcome for outcome in tried if outcome is not tried[0]), None)
        return f"{_TRIED[tried[0]]} at first, {_TRIED[other]} when tried again" if other is not None else ""


def combine(attempts: Sequence[Judged], *, flaky_ok: bool) -> Judged:
    """Return one verdict from those on the attempts at a case: the worst, because a right answer hides no wrong one.

    If `flaky_ok`, a failure does not count beside another attempt that was judged; what was found still does.
    """
    if len(attempts) == 1:
        return attempts[0]
    outcomes = tuple(outcome for one in attempts for outcome in one.attempts or (one.verdict,))
    verdict = min(outcomes, key=_WORST_FIRST.index)
    found = next(one for one in attempts if verdict in (one.verdict, *one.attempts))
    if flaky_ok and verdict is Outcome.FAIL:
        others = (one for one in outcomes if one not in (Outcome.FAIL, Outcome.NOT_JUDGED))
        verdict = min(others, key=_WORST_FIRST.index, default=verdict)
    return replace(found, verdict=verdict, attempts=outcomes)
