"""Small charts as inline SVG, coloured by the page's style sheet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from math import log10
from statistics import median

from luma_conformance.matching import one_line
from luma_conformance.model import Outcome
from luma_conformance.report.result import JUDGED, Results

WIDTH = 160
HEIGHT = 12
LEAST = 0.001
"""Where the scale of times begins, in seconds."""


def draw_shares(counts: Mapping[Outcome, int]) -> str:
    """Return a bar in which each outcome is as wide as its share of the cases."""
    total = sum(counts.values())
    left, bars = 0.0, []
    for outcome in (*JUDGED, Outcome.NOT_JUDGED):
        # A single failure among thousands must still be visible.
        width = max(3.0, WIDTH * counts[outcome] / total) if counts.get(outcome) else 0.0
        width = min(width, WIDTH - left)
        if width:
            bars.append(f'<rect class="{outcome}" x="{left:.1f}" width="{width:.1f}" height="{HEIGHT}"/>')
        left += width
    words = ", ".join(f"{counts[outcome]:,} {outcome}" for outcome in (*JUDGED, Outcome.NOT_JUDGED) if counts[outcome])
    return _wrap_svg(WIDTH, HEIGHT, words, "".join(bars))


def draw_times(seconds: Sequence[float], longest: float) -> str:
    """Return some times as a line from the fastest to the slowest with a mark at the median.

    The scale is logarithmic, from a millisecond to `longest`: the times of one page differ by a factor of thousands.
    """
    if not seconds:
        return ""
    decades = log10(max(longest, 10 * LEAST) / LEAST)

    def place(moment: float) -> float:
        return 5 + (WIDTH - 10) * min(1.0, log10(max(moment, LEAST) / LEAST) / decades)

    middle, most = median(seconds), max(seconds)
    drawn = (
        f'<line class="whisker" x1="{place(min(seconds)):.1f}" y1="6" x2="{place(most):.1f}" y2="6"/>'
        f'<circle class="median" cx="{place(middle):.1f}" cy="6" r="4"/>'
    )
    return _wrap_svg(WIDTH, HEIGHT, f"median {format_duration(middle)}, slowest {format_duration(most)}", drawn)


def draw_trend(runs: Sequence[Results]) -> str:
    """Return a line chart of the share of judged cases that pass, run by run; a run that judged nothing is a gap."""
    width, height, step = 640, 160, 640 / max(len(runs), 2)
    points = [(step * (index + 0.5), _compute_share(results)) for index, results in enumerate(runs)]
    drawn = [f'<line class="grid" x1="0" x2="{width}" y1="{y}" y2="{y}"/>' for y in (20, 75, 130)]
    line: list[str] = []
    for number, ((x, share), results) in enumerate(zip(points, runs, strict=True), start=1):
        day = escape(one_line(results.run.started[:10]))
        drawn.append(f'<text x="{x:.1f}" y="152" text-anchor="middle">Run {number}, {day}</text>')
        if share is None:
            continue
        y = 130 - 110 * share
        line.append(f"{x:.1f},{y:.1f}")
        drawn.append(f'<circle class="median" cx="{x:.1f}" cy="{y:.1f}" r="4"/>')
        drawn.append(f'<text x="{x:.1f}" y="{y - 8:.1f}" text-anchor="middle">{_format_percent(share)}</text>')
    drawn.insert(3, f'<polyline class="line" points="{" ".join(line)}"/>')
    return _wrap_svg(width, height, "share of judged cases that pass, run by run", "".join(drawn))


def format_duration(seconds: float) -> str:
    """Return a time as text, in a unit that suits its length."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.3g} ms" if seconds < 0.1 else f"{seconds * 1000:.0f} ms"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"


def _compute_share(results: Results) -> float | None:
    good = results.counts[Outcome.PASS] + results.counts[Outcome.WARNING]
    return good / results.judged if results.judged else None


def _format_percent(share: float) -> str:
    """Return a share in percent, rounded down so that only the whole is 100 %."""
    return f"{int(share * 1000) / 10:g} %"


def _wrap_svg(width: float, height: float, words: str, drawn: str) -> str:
    label = escape(words)
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" aria-label="{label}">'
        f"<title>{label}</title>{drawn}</svg>"
    )
