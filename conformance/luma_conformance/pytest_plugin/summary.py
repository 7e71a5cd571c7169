"""Counts verdicts, says what they come to, and decides the exit status: silence is not conformance (law 3)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

import pytest

from luma_conformance.errors import Exit
from luma_conformance.model import Outcome, Standing

OR: Final = " — or — "
_UNLIKE: Final = (Standing.ONLY_THIS, Standing.ONLY_OTHER, Standing.DIFFERENTLY)
"""Where two servers are not alike: these cases are listed."""


class Tally:
    """The verdicts of one run so far, and what stopped it, if anything did."""

    def __init__(self) -> None:
        self.target = ""
        self.rival = ""
        self.stop: tuple[int, str] | None = None
        self.spent = 0
        self._outcomes: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()
        self._noted = 0
        self._fired: Counter[str] = Counter()
        self._kept: Counter[str] = Counter()
        self._observed: list[tuple[str, ...]] = []
        self._standings: dict[str, list[str]] = {}

    def add(self, facts: Mapping[str, str]) -> None:
        """Counts one verdict, from the properties of its report."""
        self._outcomes[facts["luma_verdict"]] += 1
        self._noted += "luma_note" in facts
        if (standing := facts.get("luma_against")) is not None:
            self._standings.setdefault(standing, []).append(facts["luma_case"])
        if "luma_reason" in facts:
            self._reasons[facts["luma_reason"]] += 1

    def cover(self, rules: Mapping[str, Mapping[str, int]]) -> None:
        """Adds up how often each rule was broken, and narrowly kept and accepted, by generated requests."""
        self._fired.update(rules["fired"])
        self._kept.update(rules["kept"])

    def observe(self, explanations: Iterable[str]) -> None:
        """Keeps which answers to what the page leaves open explain what one property saw."""
        if found := tuple(explanations):
            self._observed.append(found)

    def halt(self, status: Exit, message: str) -> None:
        """Keeps why the run stops; the first reason counts."""
        self.stop = self.stop or (int(status), message)

    def tell(self) -> dict[str, object]:
        """Returns what an xdist worker tells the controller at its end; verdicts travel as reports."""
        return {"target": self.target, "rival": self.rival, "stop": self.stop, "spent": self.spent}

    def hear(self, told: Mapping[str, object]) -> None:
        """Takes in what a worker told."""
        self.target = self.target or str(told["target"])
        self.rival = self.rival or str(told["rival"])
        self.spent += int(str(told["spent"]))
        stop = told["stop"]
        if isinstance(stop, tuple | list):
            self.halt(Exit(int(stop[0])), str(stop[1]))

    @property
    def rules(self) -> dict[str, tuple[int, int]]:
        """How often each rule was broken, and narrowly kept and accepted, by generated requests, if any were sent."""
        if not self._fired:
            return {}
        from luma_conformance.rules import RULES

        return {rule.id: (self._fired[rule.id], self._kept[rule.id]) for rule in RULES}

    @property
    def observed(self) -> tuple[str, ...]:
        """What was seen of what the page leaves open: what explains all properties, else each one's own."""
        if not self._observed:
            return ()
        common = [one for one in self._observed[0] if all(one in found for found in self._observed)]
        return (OR.join(common),) if common else tuple(dict.fromkeys(OR.join(found) for found in self._observed))

    @property
    def judged(self) -> int:
        """How many cases were judged."""
        return sum(self._outcomes.values()) - self._outcomes[Outcome.NOT_JUDGED]

    def exit_status(self, given: int) -> int:
        """Returns the run's exit status; `given` is pytest's own."""
        if self.stop is not None:
            return self.stop[0]
        if given == Exit.CONFORMANT and self.judged == 0:
            self.halt(Exit.COULD_NOT_JUDGE, "not one case was judged, which is not conformance")
            return Exit.COULD_NOT_JUDGE
        return given

    def write(self, terminal: pytest.TerminalReporter) -> None:
        """Writes the summary."""
        terminal.section("Luma Agents API conformance")
        if self.target:
            terminal.write_line(f"target      {self.target}")
        if sum(self._outcomes.values()):
            self._write_counts(terminal)
        if self._standings:
            self._write_standings(terminal)
        for what in self.observed:
            terminal.write_line(f"observed    {what}")
        if self._fired:
            self._write_coverage(terminal)
        if self.spent:
            terminal.write_line(f"spent       {self.spent} accepted generation{'s' * (self.spent != 1)}")
        if self.stop is not None:
            words = "could not judge" if self.stop[0] == Exit.COULD_NOT_JUDGE else "stopped"
            terminal.write_line(f"{words}: {self.stop[1]}", red=True, bold=True)

    def _write_counts(self, terminal: pytest.TerminalReporter) -> None:
        passed, failed = self._outcomes[Outcome.PASS], self._outcomes[Outcome.FAIL]
        deviating, unjudged = self._outcomes[Outcome.DEVIATION], self._outcomes[Outcome.NOT_JUDGED]
        counts = f"judged      {self.judged}: {passed} passed, {failed} failed, {deviating} deviating"
        if warned := self._outcomes[Outcome.WARNING]:
            counts += f", {warned} worded otherwise"
        terminal.write_line(counts, red=failed > 0, green=failed == 0 and self.judged > 0)
        if self._noted:
            terminal.write_line(
                f"worded      {self._noted} passed with another wording, where the page lets the wording vary"
            )
        terminal.write_line(f"not judged  {unjudged}")
        for reason, count in self._reasons.most_common():
            terminal.write_line(f"            {count:>4}  {reason}")

    def _write_standings(self, terminal: pytest.TerminalReporter) -> None:
        terminal.write_line(f"against     {self.rival}")
        for standing in Standing:
            if cases := self._standings.get(standing):
                terminal.write_line(f"            {len(cases):>4}  {standing}", yellow=standing in _UNLIKE)
                for case in sorted(cases) if standing in _UNLIKE else ():
                    terminal.write_line(f"                  {case}")

    def _write_coverage(self, terminal: pytest.TerminalReporter) -> None:
        from luma_conformance.rules import RULES

        terminal.write_line("rules       broken / narrowly kept and accepted, by generated requests")
        cells = [f"{rule.id:<28}{self._fired[rule.id]:>5} /{self._kept[rule.id]:>4}" for rule in RULES]
        half = (len(cells) + 1) // 2
        for row in range(half):
            terminal.write_line("            " + "   ".join(cells[row::half]))
        if unreached := [rule.id for rule in RULES if not self._fired[rule.id]]:
            terminal.write_line(f"unreached   {', '.join(unreached)}", yellow=True)
