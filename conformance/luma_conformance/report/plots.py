"""Charts as inline SVG, coloured by the page's style sheet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from luma_conformance.model import Outcome
from luma_conformance.report.result import JUDGED, Results
from luma_conformance.shown import one_line

LEFT, TOP, HEIGHT, STEP, BAR = 44, 30, 140, 58, 34
"""Pixels: left of the first bar, above and in the chart, from bar to bar, and of a bar."""


def draw_outcomes(runs: Mapping[int, Results]) -> str:
    """Return a bar for each run of one target, by its number: as high as its cases, the failing ones at the bottom."""
    most = max((sum(results.counts.values()) for results in runs.values()), default=0) or 1
    width, bottom = LEFT + STEP * len(runs), TOP + HEIGHT
    drawn = ['<text x="0" y="12">cases</text>']
    for share in (0, 0.5, 1):
        y = bottom - HEIGHT * share
        drawn.append(f'<line class="grid" x1="{LEFT - 6}" x2="{width}" y1="{y:g}" y2="{y:g}"/>')
        drawn.append(f'<text x="{LEFT - 10}" y="{y + 4:g}" text-anchor="end">{round(most * share):,}</text>')
    for place, (number, results) in enumerate(runs.items()):
        x = LEFT + STEP * place + (STEP - BAR) / 2
        drawn += _draw_bar(results, x, HEIGHT / most)
        middle, day = x + BAR / 2, escape(one_line(results.run.started[5:10]))
        drawn.append(f'<text x="{middle:g}" y="{bottom + 17}" text-anchor="middle">run {number}</text>')
        drawn.append(f'<text x="{middle:g}" y="{bottom + 33}" text-anchor="middle">{day}</text>')
    label = "cases by verdict, run by run"
    return (
        f'<svg viewBox="0 0 {width} {bottom + 40}" width="{width}" height="{bottom + 40}" role="img" '
        f'aria-label="{label}"><title>{label}</title>{"".join(drawn)}</svg>'
    )


def format_duration(seconds: float) -> str:
    """Return a time as text, in a unit that suits its length."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.3g} ms" if seconds < 0.1 else f"{seconds * 1000:.0f} ms"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"


def _draw_bar(results: Results, x: float, scale: float) -> Iterator[str]:
    order: Sequence[Outcome] = (*JUDGED, Outcome.NOT_JUDGED)
    y = float(TOP + HEIGHT)
    # A single failure among hundreds must still be seen; what it takes is taken from the largest.
    heights = {one: max(2.0, results.counts[one] * scale) for one in order if results.counts[one]}
    if heights:
        largest = max(heights, key=lambda one: heights[one])
        heights[largest] -= sum(heights.values()) - sum(results.counts.values()) * scale
    for outcome, height in heights.items():
        count = results.counts[outcome]
        y -= height
        drawn = f'<rect class="{outcome}" x="{x:g}" y="{y:.1f}" width="{BAR}" height="{height:.1f}">'
        yield f"{drawn}<title>{count:,} {outcome}</title></rect>"
