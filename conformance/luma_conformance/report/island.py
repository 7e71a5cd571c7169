"""The data behind the list of cases in a page of HTML, as JSON that is safe in a script element."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Final

from luma_conformance.judge.causes import Cause
from luma_conformance.judge.judged import Judged
from luma_conformance.model import Outcome
from luma_conformance.report.links import page_link
from luma_conformance.report.result import JUDGED, Results
from luma_conformance.shown import one_line

OUTCOMES: Final = (*JUDGED, Outcome.NOT_JUDGED)
"""The worst first, and last what says nothing."""


def render_island(runs: Sequence[Results], causes: Sequence[Cause]) -> str:
    """Return the data: a row for each case, the worst first, with a cell for each run; and the rows of each cause."""
    sections = {section: number for number, section in enumerate(list_sections(runs))}
    cells: dict[str, list[object]] = {}
    cases: dict[str, list[object]] = {}
    differences: dict[tuple[str, ...], int] = {}
    now = {judged.case: judged for results in runs for judged in results.verdicts}
    for index, judged in sorted(_list_verdicts(runs), key=lambda one: _rank(now[one[1].case])):
        if judged.case not in cases:
            place = one_line(f"{judged.file}:{judged.line}") if judged.file else ""
            cases[judged.case] = [
                one_line(judged.case), one_line(judged.title), sections[judged.section],
                place, one_line(judged.operation), cells.setdefault(judged.case, [None] * len(runs)),
            ]  # fmt: skip
        cells[judged.case][index] = _make_cell(judged, differences)
    rows = {case: number for number, case in enumerate(cases)}
    data = {
        "noun": runs[-1].run.noun,
        "outcomes": [[outcome, runs[-1].run.names[outcome]] for outcome in OUTCOMES],
        "sections": [[one_line(section), page_link(section)] for section in sections],
        "runs": [one_line(f"{results.run.name}, {format_moment(results.run.started)}") for results in runs],
        "causes": [[one_line(cause.title), sorted(rows[case] for case in cause.cases)] for cause in causes],
        "differences": list(differences),
        "links": {one[-1]: page_link(one[-1]) for one in differences},
        "cases": list(cases.values()),
    }
    return (
        json.dumps(data, separators=(",", ":")).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    )


def list_sections(runs: Sequence[Results]) -> Iterable[str]:
    """Return the sections that runs have verdicts on, each once."""
    return dict.fromkeys(judged.section for results in runs for judged in results.verdicts)


def format_moment(text: str) -> str:
    """Return a time as a reader wants to see it."""
    return text.replace("T", " ").replace("Z", " UTC")


def _list_verdicts(runs: Sequence[Results]) -> Iterable[tuple[int, Judged]]:
    return ((index, judged) for index, results in enumerate(runs) for judged in results.verdicts)


def _rank(judged: Judged) -> tuple[int, bool, bool]:
    return OUTCOMES.index(judged.verdict), judged.severity != "must", not judged.flaky


def _make_cell(judged: Judged, differences: dict[tuple[str, ...], int]) -> object:
    """Return a verdict's cell in the list; for a pass without notes, only the index of its outcome.

    Each kind of difference is in `differences` once, and told by its number there.
    """
    number = OUTCOMES.index(judged.verdict)
    if judged.verdict is Outcome.PASS and not judged.notes and not judged.flaky:
        return number
    cell: dict[str, object] = {"v": number}
    for name in ("flaky", "severity", "reason", "expected", "actual", "request_id"):
        if (text := getattr(judged, name)) and (name != "actual" or judged.expected):
            cell[name] = one_line(text)
    for name in ("curl", "explanation"):
        if text := getattr(judged, name):
            cell[name] = "\n".join(map(one_line, text.split("\n")))
    if judged.timeline:
        cell["timeline"] = [
            [one.began, one.ended, one_line(one.asked), one_line(one.told), one.is_fault] for one in judged.timeline
        ]
    if judged.notes:
        cell["notes"] = [one_line(note) for note in judged.notes]
    if judged.differences:
        cell["differences"] = [
            differences.setdefault((*map(one_line, (one.facet, one.where, one.why, one.rests_on)),), len(differences))
            for one in judged.differences
        ]
    return cell
