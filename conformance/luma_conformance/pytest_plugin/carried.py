"""Verdicts attached to pytest's reports where cases are judged, and sent with them by xdist's workers.

A report has its verdict as the attribute `luma_judged`; the first report of a process also has the target, as
`luma_run`. JUnit knows neither of the two, so it gets properties.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import pytest

from luma_conformance.judge.evidence import is_whole, summarize
from luma_conformance.judge.judged import Judged
from luma_conformance.model import Outcome
from luma_conformance.pytest_plugin.run import CASE_PROPERTY, SCRUBBED, SESSION, guard, run_of
from luma_conformance.pytest_plugin.sessions import describe_run
from luma_conformance.shown import NOTHING, Scrub, Shown, fill, join

_RUN: Final = "luma_run"
_JUDGED: Final = "luma_judged"
_PROPERTIES: Final = (
    "luma_section", "luma_verdict", "luma_reason", "luma_against", "luma_note", "luma_facets", "luma_flaky",
)  # fmt: skip
"""The properties that JUnit gets beside the name of the case."""
_TOLD_BY_JUNIT: Final = (Outcome.PASS, Outcome.FAIL, Outcome.NOT_JUDGED)
_SENT: Final = pytest.StashKey[bool]()


def attach(item: pytest.Item, report: pytest.TestReport, judged: Judged) -> None:
    """Attach a verdict to a report, and the target to the first report of a process that has one."""
    if judged.verdict is Outcome.NOT_JUDGED and SESSION in item.config.stash:
        lack = item.config.stash[SESSION].target.profile.find_lack(judged.reason)
        judged = replace(judged, lacks=None if lack is None else guard(item.config)[1](lack))
    judged = vars(report)[_JUDGED] = run_of(item.config).evidence.keep(judged)
    if report.failed and judged.differences and not is_whole(judged):
        report.longrepr = summarize(judged)
    if SESSION in item.config.stash and not item.config.stash.get(_SENT, False):
        item.config.stash[_SENT] = True
        vars(report)[_RUN] = describe_run(item.config)
    properties = _junit_properties(judged, known=CASE_PROPERTY in dict(item.user_properties))
    for owner in (report, item):  # JUnit reads the properties from the teardown's report
        kept = [one for one in owner.user_properties if one[0] not in _PROPERTIES]  # less those of earlier attempts
        owner.user_properties[:] = [*kept, *properties]
    item.stash[SCRUBBED] = [*item.stash.get(SCRUBBED, ()), *properties]


def detach(report: pytest.TestReport | pytest.CollectReport) -> dict[str, str]:
    """Remove the attributes that `attach` added to a report, and return them as text that can be sent."""
    from luma_conformance.report import jsonl  # a run without workers sends nothing

    attributes = vars(report)
    data = {}
    if _RUN in attributes:
        data[_RUN] = jsonl.format_header(attributes.pop(_RUN))
    if _JUDGED in attributes:
        data[_JUDGED] = jsonl.format_verdict(attributes.pop(_JUDGED))
    return data


def attributes_from(data: dict[str, Any], scrub: Scrub) -> dict[str, object]:
    """Remove what `detach` returned from a report's data, and return it as values again."""
    from luma_conformance.report import jsonl

    read: dict[str, Callable[[object, str, Scrub], object]] = {_RUN: jsonl.run_from_data, _JUDGED: jsonl.from_data}
    return {name: make(json.loads(data.pop(name)), "a worker", scrub) for name, make in read.items() if name in data}


def _junit_properties(judged: Judged, *, known: bool) -> list[tuple[str, Shown]]:
    """Return a verdict's properties for JUnit; `known`: the name of the case is among the properties already."""
    properties = {
        CASE_PROPERTY: NOTHING if known else judged.case,
        "luma_section": judged.section,
        "luma_verdict": NOTHING if judged.verdict in _TOLD_BY_JUNIT else fill(judged.verdict.value),
        "luma_reason": judged.reason,
        "luma_against": judged.standing,
        "luma_note": join("; ", judged.notes),
        "luma_facets": fill(", ".join(judged.facets)),
        "luma_flaky": fill(judged.flaky),
    }
    return [(name, text) for name, text in properties.items() if text]
