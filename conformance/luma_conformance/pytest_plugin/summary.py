"""The terminal summary of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

import pytest

from luma_conformance.errors import Exit
from luma_conformance.judge.judged import Judged
from luma_conformance.model import Outcome, Standing
from luma_conformance.pytest_plugin.failures import MAX_FOUND, explain
from luma_conformance.pytest_plugin.tally import Tally
from luma_conformance.report.result import Ending, Results, count_noun, describe_covered, describe_made
from luma_conformance.session.open import EMBEDDED

MAX_CAUSES: Final = 10
MAX_UNREACHED: Final = 5
MAX_FLAKY: Final = 10
_UNLIKE: Final = (Standing.ONLY_THIS, Standing.ONLY_OTHER, Standing.DIFFERENTLY)
"""The standings in which two servers differ: their cases are listed."""


def write_summary(terminal: pytest.TerminalReporter, tally: Tally) -> None:
    """Write the summary of a run that has ended."""
    results = tally.results
    assert results is not None
    assert results.ending is not None
    terminal.section("Luma Agents API conformance")
    for name, text in (("target", results.run.target), ("build", results.run.label)):
        if text:
            terminal.write_line(f"{name:<12}{text}")
    _write_counts(terminal, results)
    _write_flaky(terminal, results)
    if results.counts[Outcome.FAIL]:
        _write_causes(terminal, results)
    if results.run.against:
        _write_standings(terminal, results)
    for what in results.ending.observed:
        terminal.write_line(f"observed    {what}")
    for line in _format_rules(results.ending, every=terminal.verbosity > 0):
        terminal.write_line(line, yellow=line.startswith("unreached"))
    _write_costs(terminal, results.ending)
    if results.counts[Outcome.FAIL] and results.run.target == EMBEDDED:
        terminal.write_line("again       serve the reference before you paste a curl line: luma-conformance serve")
    _write_ending(terminal, tally)


def _write_ending(terminal: pytest.TerminalReporter, tally: Tally) -> None:
    """Write why the run did not go to its end, if it did not."""
    for sentence in tally.results.unmet if tally.results is not None else ():
        terminal.write_line(f"required    {sentence}", red=True, bold=True)
    if tally.stop is not None:
        words = "could not judge" if tally.stop[0] == Exit.COULD_NOT_JUDGE else "stopped"
        terminal.write_line(f"{words}: {tally.stop[1]}", red=True, bold=True)
    elif tally.results is not None and not tally.results.complete:
        terminal.write_line(f"incomplete: {tally.describe_missing()}", red=True, bold=True)


def _write_costs(terminal: pytest.TerminalReporter, ending: Ending) -> None:
    if made := ending.made:
        words = f"{describe_made(made)}, for the cases that need one"
        terminal.write_line(f"made        {words}: {count_noun(sum(made.values()), 'generation')}")
    if spent := ending.spent:
        terminal.write_line(f"spent       {count_noun(spent, 'accepted generation')}")


def _write_counts(terminal: pytest.TerminalReporter, results: Results) -> None:
    if not results.verdicts:
        return
    outcomes = results.counts
    failed = outcomes[Outcome.FAIL]
    counts = f"judged      {results.coverage}: {outcomes[Outcome.PASS]} passed, {failed} failed"
    counts += f", {outcomes[Outcome.DEVIATION]} deviating"
    if warned := outcomes[Outcome.WARNING]:
        counts += f", {warned} worded otherwise"
    terminal.write_line(counts, red=failed > 0, green=results.is_whole, yellow=not failed and not results.is_whole)
    if noted := sum(bool(one.notes) and one.verdict is Outcome.PASS for one in results.verdicts):
        terminal.write_line(f"worded      {noted} of the passed with another wording, where the page lets it vary")
    terminal.write_line(f"not judged  {results.total - results.judged}")
    reasons: Counter[str] = Counter(
        one.reason for one in results.verdicts if one.reason and one.verdict is Outcome.NOT_JUDGED
    )
    reasons |= Counter({"not selected": results.unselected, "not tried, because the run ended": results.untried})
    for reason, count in reasons.most_common():
        terminal.write_line(f"            {count:>4}  {reason}")


def _write_flaky(terminal: pytest.TerminalReporter, results: Results) -> None:
    for words, cases in results.flaky.items():
        terminal.write_line(f"flaky       {len(cases)}: {words}", red=any(one.verdict is Outcome.FAIL for one in cases))
        for one in cases[:MAX_FLAKY]:
            terminal.write_line(f"            {one.case}{_describe_first(one)}")
        if len(cases) > MAX_FLAKY:
            terminal.write_line(f"            … and {len(cases) - MAX_FLAKY:,} more")


def _describe_first(judged: Judged) -> str:
    """Return what was wrong with a case that is let pass; of one that is not, the causes say it."""
    if judged.verdict is Outcome.FAIL:
        return ""
    found = "; ".join(f"{one.where}: {one.why}" for one in judged.differences)
    return f": {(found or explain(judged).partition(chr(10))[0])[:MAX_FOUND]}"


def _write_standings(terminal: pytest.TerminalReporter, results: Results) -> None:
    terminal.write_line(f"against     {results.run.against}")
    for standing in Standing:
        cases = [one.case for one in results.verdicts if one.standing == standing.value]
        if cases:
            terminal.write_line(f"            {len(cases):>4}  {standing}", yellow=standing in _UNLIKE)
        for case in sorted(cases) if standing in _UNLIKE else ():
            terminal.write_line(f"                  {case}")


def _write_causes(terminal: pytest.TerminalReporter, results: Results) -> None:
    from luma_conformance.judge.causes import find_causes  # a run in which all pass has none

    causes = find_causes(results.verdicts)
    for number, cause in enumerate(causes[:MAX_CAUSES]):
        label = ("cause " if len(causes) == 1 else "causes") if not number else ""
        terminal.write_line(f"{label:<12}{number + 1}. {cause.title}: {cause.extent}", red=True)
    if len(causes) > MAX_CAUSES:
        terminal.write_line(f"{'':<12}… and {len(causes) - MAX_CAUSES:,} more")


def _format_rules(ending: Ending, *, every: bool) -> Iterator[str]:
    """Yield lines that say how often generated requests broke the rules, or narrowly kept them; `every` names each."""
    unreached = [rule for rule, (broken, _) in ending.rules.items() if not broken]
    reached = len(ending.rules) - len(unreached)
    if ending.rules:
        yield f"rules       {reached} of {len(ending.rules)} broken by generated requests"
    if ending.covered:
        yield f"contexts    {describe_covered(ending.covered)}"
    if unreached and len(unreached) <= MAX_UNREACHED:
        yield f"unreached   {', '.join(unreached)}"
    if every and ending.rules:
        yield "            broken / narrowly kept and accepted"
        cells = [f"{rule:<28}{broken:>5} /{kept:>4}" for rule, (broken, kept) in ending.rules.items()]
        yield from (f"            {cell}" for cell in cells)
