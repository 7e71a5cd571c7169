"""The result of a run as a badge: as JSON for a shields.io endpoint badge, and as an SVG picture."""

from __future__ import annotations

import json
from html import escape
from typing import Final

from luma_conformance.model import Outcome
from luma_conformance.report.result import Conclusion, Results, count_noun

LABEL: Final = "Luma Agents API"
_COLORS: Final = {
    Conclusion.CONFORMANT: ("yellowgreen", "#6b7a12"),
    Conclusion.NOT_CONFORMANT: ("red", "#b3261e"),
    Conclusion.INCOMPLETE: ("lightgrey", "#5f6368"),
    Conclusion.COULD_NOT_JUDGE: ("lightgrey", "#5f6368"),
}
_WHOLE: Final = ("brightgreen", "#2b7a0b")
"""The color of a run that judged all that the target offers, and found it right."""
_CHARACTER: Final = 6.6
"""Pixels an average character takes, 11 pixels high."""


def describe(results: Results) -> str:
    """Return the text of the badge."""
    flaky = sum(map(len, results.flaky.values()))
    also = f", {flaky:,} flaky" if flaky else ""
    if results.conclusion is Conclusion.NOT_CONFORMANT:
        return f"{results.counts[Outcome.FAIL]:,} failing, {results.coverage} judged{also}"
    if results.is_whole:
        return f"conformant, {results.coverage}"
    if results.conclusion is Conclusion.CONFORMANT:
        known = results.counts[Outcome.DEVIATION]
        found = "" if flaky else f", {count_noun(known, 'known deviation')}" if known else ", all pass"
        return f"{results.coverage} {'own cases ' * results.is_own}judged{found}{also}"
    if results.conclusion is Conclusion.INCOMPLETE:
        return f"incomplete, {results.coverage}"
    is_ended = results.ending is not None and results.ending.stop is not None
    return f"too little judged, {results.coverage}" if results.unmet and not is_ended else str(results.conclusion)


def _choose_color(results: Results) -> tuple[str, str]:
    """Return the color by its name at shields.io, and as CSS."""
    return _WHOLE if results.is_whole else _COLORS[results.conclusion]


def render_endpoint(results: Results) -> str:
    """Return the JSON of an endpoint badge (https://shields.io/badges/endpoint-badge)."""
    color, _ = _choose_color(results)
    data = {"schemaVersion": 1, "label": LABEL, "message": describe(results), "color": color}
    return json.dumps(data, indent=2) + "\n"


def render_svg(results: Results) -> str:
    """Return the badge as SVG."""
    _, color = _choose_color(results)
    left, right = (round(len(text) * _CHARACTER) + 14 for text in (LABEL, describe(results)))
    title = escape(f"{LABEL}: {describe(results)}")
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" aria-label="{title}">
  <title>{title}</title>
  <clipPath id="r"><rect width="{left + right}" height="20" rx="3"/></clipPath>
  <g clip-path="url(#r)">
    <rect width="{left}" height="20" fill="#3c4043"/>
    <rect x="{left}" width="{right}" height="20" fill="{color}"/>
  </g>
  <g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle">
    <text x="{left / 2}" y="14">{escape(LABEL)}</text>
    <text x="{left + right / 2}" y="14">{escape(describe(results))}</text>
  </g>
</svg>
"""
