"""Several runs in a page of HTML: a table of them, a chart for each target, and what comes and goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from luma_conformance.report import plots
from luma_conformance.report.compare import Comparison
from luma_conformance.report.history import find_unsteady, group_by_target
from luma_conformance.report.html_frame import escape_id, escape_text, fold
from luma_conformance.report.island import OUTCOMES, format_moment
from luma_conformance.report.result import Conclusion, Results, count_noun

TONES: Final = {Conclusion.CONFORMANT: "pass", Conclusion.NOT_CONFORMANT: "fail"}
MAX_UNSTEADY: Final = 50
"""Cases that come and go that are listed; the rest are counted."""


def render_history(runs: Sequence[Results], changes: Mapping[int, Comparison]) -> str:
    """Return the table of runs, the newest first, and what has to be seen of all runs of a target at once."""
    several = len(group_by_target(runs)) > 1
    what = "Build and target" if several else "Build and profile"
    rows = "".join(
        _render_run(index, runs[index], changes.get(index), several=several) for index in reversed(range(len(runs)))
    )
    table = (
        f"<table class=stack><thead><tr><th>Run<th>{what}<th>Began<th>Result<th>Since the run before</thead>"
        f"<tbody>{rows}</tbody></table>"
    )
    shown = (_render_target(target, {index: runs[index] for index in found}) for target, found in _list(runs))
    return f'<section aria-labelledby="runs"><h2 id="runs">Runs</h2>{table}{"".join(shown)}</section>'


def _list(runs: Sequence[Results]) -> Sequence[tuple[str, Sequence[int]]]:
    return [(target, indexes) for target, indexes in group_by_target(runs).items() if len(indexes) > 1]


def _render_run(index: int, results: Results, change: Comparison | None, *, several: bool) -> str:
    run = results.run
    where = run.target if several else run.target.partition(", ")[2] or run.target
    words = [f"<strong>{escape_id(run.label)}</strong>"] if run.label else []
    build = "<br>".join([*words, f"<span class=quiet>{escape_id(where or 'no target')}</span>"])
    result = "; ".join([results.headline, *results.remarks])
    tone = TONES.get(results.conclusion, "not-judged")
    since = "–" if change is None else "<br>".join(map(escape_text, (change.headline, *change.about_causes[:1])))
    return (
        f"<tr><th scope=row class=nowrap>Run {index + 1}<td>{build}"
        f"<td>{escape_text(format_moment(run.started))}<td><span class='word {tone}'>"
        f"{results.conclusion}</span><br>{escape_text(result.partition(': ')[2] or result)}<td>{since}"
    )


def _render_target(target: str, runs: Mapping[int, Results]) -> str:
    """Return the chart of one target's runs, and the cases that come and go; runs of others are never joined to it."""
    outcomes = [one for one in OUTCOMES if any(results.counts[one] for results in runs.values())]
    legend = "".join(f"<li class={outcome}>{runs[max(runs)].run.names[outcome]}" for outcome in outcomes)
    chart = plots.draw_outcomes({index + 1: results for index, results in runs.items()})
    figure = (
        f"<figure><figcaption>Cases by verdict: {escape_id(target or 'no target')}</figcaption>"
        f"<ul class=legend>{legend}</ul><div class=wide>{chart}</div></figure>"
    )
    return figure + _render_unsteady(list(runs.values()))


def _render_unsteady(runs: Sequence[Results]) -> str:
    found = find_unsteady(runs)
    if not found:
        return ""
    rows = "".join(
        f"<li>{escape_id(case)}: {escape_text(verdicts)}" for case, verdicts in [*found.items()][:MAX_UNSTEADY]
    )
    more = f"<li>… and {len(found) - MAX_UNSTEADY:,} more" if len(found) > MAX_UNSTEADY else ""
    words = f"{count_noun(len(found), 'case')} changed more than once: what comes and goes may not be the build's doing"
    return fold(words, f"<ul>{rows}{more}</ul>")
