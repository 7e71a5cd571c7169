"""How properties are fuzzed: how many examples each takes, and whether they are the same every time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from hypothesis import settings

EXAMPLES: Final[Mapping[str, int]] = {"gate": 20, "deep": 5000}
"""How many examples a whole property takes; one of a rule's near misses takes a twentieth."""
AWAY: Final = 2
"""How many contexts are tried of each rule, for each type it concerns, where requests are not free."""
EACH: Final = 5
"""If a run is given a number of examples, a rule is tried in so many fewer contexts for each type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fuzzing:
    """How many examples a property takes, and whether they are the same every time.

    `gate` repeats the same requests; `deep` draws new ones and keeps those that failed. `alone` is false where other
    workers of the run judge the same target.
    """

    profile: str = "gate"
    examples: int | None = None
    real_time: bool = False
    alone: bool = True

    def count(self, share: float) -> int:
        """Return the number of examples of a property that takes a share of them."""
        return max(1, round((self.examples or EXAMPLES[self.profile]) * share))

    @property
    def strength(self) -> int:
        """How many features of a context are tried together beside each rule: one, or in `deep` each pair."""
        return 2 if self.profile == "deep" else 1

    def limit_contexts(self, *, free: bool) -> int | None:
        """Return the most contexts of a rule, in requests of one type, that are tried; None for all.

        The first ones have most in them. Where requests are not `free`, only those are sent that break a rule.
        """
        limits = [AWAY] if not free else []
        limits += [max(1, self.examples // EACH)] if self.examples is not None else []
        return min(limits, default=None)

    def settings(self, share: float) -> settings:
        """Return Hypothesis' settings for a property that takes a share of the examples."""
        from hypothesis import HealthCheck, Phase, Verbosity, settings  # a run of cases alone does without

        count = self.count(share)
        always = settings(
            max_examples=count,
            deadline=None,
            report_multiple_bugs=False,
            verbosity=Verbosity.quiet,
            suppress_health_check=list(HealthCheck),
        )
        if self.profile == "gate":
            return settings(always, derandomize=True, database=None, phases=set(Phase) - {Phase.explain, Phase.reuse})
        return settings(always, derandomize=False, phases=set(Phase) - {Phase.explain})
