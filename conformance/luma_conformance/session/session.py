"""One target being judged: runs its cases, and scrubs every text about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from luma_conformance.catalogue import files as catalogue_files
from luma_conformance.catalogue.roles import MAIN_KEY
from luma_conformance.errors import CouldNotJudge
from luma_conformance.judge.answers import EveryResponse
from luma_conformance.judge.controls import Controls
from luma_conformance.judge.deviations import LINE, Deviations, grade
from luma_conformance.judge.explain import (
    add_command,
    deciding_exchange,
    describe,
    describe_answer,
    outline,
    show_command,
    shown_mismatch,
)
from luma_conformance.judge.judged import Judged
from luma_conformance.judge.play import Target, find_unmet_need, play
from luma_conformance.judge.severity import apply_leniency
from luma_conformance.model import Case, Exchange, Headers, Mismatch, Outcome, Result, Verdict
from luma_conformance.session.prepare import Prepared
from luma_conformance.shown import Scrub
from luma_conformance.target.pacing import Traffic
from luma_conformance.target.preflight import preflight
from luma_conformance.target.spending import Spending

COSTS: Final = "would cost money: more generations than --luma-spend allows"


@dataclass(slots=True, kw_only=True)
class Session:
    """One target, with everything that judging it takes; to be closed.

    `shown` is the target's name, `profile` the file given to the run. `hide` has `scrub` replace
    more secrets, each by what is shown instead, until others are hidden. `recorded`: the answers come from a recording.
    `remote`: another process answers, whose clients several workers may share. `added` has the headers, as they may be
    shown, that each request gets on its way. `lenient`: a different wording is a warning. `prepared` is what the kit
    makes on the target itself, `traffic` what was sent to a live target, and what that used of its limits; both None
    for a recording.
    """

    shown: str
    base_url: str
    target: Target
    spending: Spending
    scrub: Scrub
    hide: Callable[[Mapping[str, str]], None] = lambda _: None
    close: Callable[[], None] = lambda: None
    profile: str | None = None
    remote: bool = False
    added: Headers = ()
    recorded: bool = False
    lenient: bool = False
    deviations: Deviations = field(default_factory=Deviations)
    prepared: Prepared | None = None
    traffic: Traffic | None = None
    controls: Controls = field(default_factory=Controls)
    every: EveryResponse = field(default_factory=lambda: EveryResponse(catalogue_files.own_holdings()))

    def run(self, case: Case) -> Result:
        """Return the result of a case; raise CouldNotJudge if the target went away meanwhile."""
        reason = find_unmet_need(case, self.target) or self._find_cost_limit(case)
        if reason is not None:
            return Result(case=case, verdict=Verdict(outcome=Outcome.NOT_JUDGED, reason=reason))
        result = play(case, self.target, self.every, exact=not self.lenient)
        if any(mismatch.where == "exchange" for mismatch in result.verdict.mismatches):
            self.check()
        self.controls.note(result)
        if (doubt := self.controls.find_doubt(result)) is not None:
            return replace(result, verdict=Verdict(outcome=Outcome.NOT_JUDGED, reason=doubt))
        last = deciding_exchange(result)
        result = grade(result, self.deviations, lambda mismatch: self.describe_answer(mismatch, last))
        return apply_leniency(result, catalogue_files.own()) if self.lenient else result

    def describe(self, result: Result, seconds: float = 0.0, file: str | None = None) -> Judged:
        """Return the verdict on a case with its evidence, safe to show; `seconds` is how long it took.

        `file` is what reports call the file of the case, where that is not what its own messages call it.
        """
        show_it = show_command(result.case, self.profile, is_own=catalogue_files.is_own(result.case))
        return describe(result, catalogue_files.own, self.scrub, show_it, seconds, file)

    def add_command(self, judged: Judged, result: Result) -> Judged:
        """Return the verdict on a case with the command that sends its request again."""
        return add_command(judged, result, self.base_url, self.scrub, self.added)

    def outline(self, result: Result, seconds: float = 0.0, file: str | None = None) -> Judged:
        """Return the verdict without evidence, for a case that passed in a run without a report."""
        return outline(result, self.scrub, seconds, file)

    def describe_answer(self, mismatch: Mismatch, exchange: Exchange | None) -> str:
        """Return what is wrong with an answer, in the words that entries of known deviations use."""
        if mismatch.facet in LINE and exchange is not None:
            return describe_answer(exchange.response, self.scrub)
        shown = shown_mismatch(mismatch, self.scrub)
        return f"{shown.where}: {shown.why}"

    def check(self) -> None:
        """Make sure the target can be judged at all; raise CouldNotJudge. A recording always can."""
        if self.recorded:
            return
        key = self.target.profile.keys[MAIN_KEY]
        try:
            preflight(self.spending, f"Bearer {key.token}", key=key.source)
        except CouldNotJudge as error:
            raise type(error)(self.scrub(str(error))) from None

    @property
    def spent(self) -> int:
        """How many accepted generations are charged for."""
        return 0 if self.spending.limit is None else self.spending.spent

    @property
    def made(self) -> Counter[str]:
        """How many generations the kit made for cases that need one, by role."""
        return Counter() if self.prepared is None else self.prepared.made

    @property
    def overspent(self) -> str | None:
        """Why the run must end: the target accepted more than the user allowed; or None."""
        if not self.spending.exhausted:
            return None
        return (
            f"the target accepted {self.spending.spent} generation(s) and --luma-spend allows {self.spending.limit}; "
            "the last one was expected to be refused"
        )

    def _find_cost_limit(self, case: Case) -> str | None:
        return None if case.cost == 0 or self.spending.allows(case.cost) else COSTS
