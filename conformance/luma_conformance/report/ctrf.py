"""A run as a CTRF report (https://ctrf.io), which dashboards and chat bots of many test tools read."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import Final

from luma_conformance.judge.evidence import summarize
from luma_conformance.judge.judged import Judged
from luma_conformance.model import Outcome
from luma_conformance.report.result import Results

SPEC: Final = "0.0.0"
"""The version of CTRF's specification, which has not been numbered yet."""

_STATUS: Final = {
    Outcome.PASS: "passed",
    Outcome.FAIL: "failed",
    Outcome.NOT_JUDGED: "skipped",
    Outcome.DEVIATION: "other",
    Outcome.WARNING: "passed",
}


def render(results: Results) -> str:
    """Return the report as JSON text."""
    tests = [_convert(judged) for judged in results.verdicts]
    statuses = [test["status"] for test in tests]
    start = _read_milliseconds(results.run.started)
    stop = _read_milliseconds(results.ending.ended) if results.ending else start
    report = {
        "reportFormat": "CTRF",
        "specVersion": SPEC,
        "generatedBy": f"luma-agents-conformance {results.run.kit}".strip(),
        "results": {
            "tool": {"name": "luma-agents-conformance", "version": results.run.kit},
            "summary": {
                "tests": len(tests),
                **{status: statuses.count(status) for status in ("passed", "failed", "skipped", "pending", "other")},
                "flaky": sum(bool(judged.flaky) for judged in results.verdicts),
                "start": start,
                "stop": max(start, stop),
                "extra": {
                    "conclusion": str(results.conclusion),
                    "headline": results.headline,
                    "judged": results.judged,
                    "total": results.total,
                    "remarks": list(results.remarks),
                },
            },
            "tests": tests,
            "environment": {
                **({"buildName": results.run.label} if results.run.label else {}),
                "extra": {"target": results.run.target, "catalogue": results.run.catalogue},
            },
        },
    }
    return json.dumps(report, separators=(",", ":")) + "\n"


def _convert(judged: Judged) -> dict[str, object]:
    test: dict[str, object] = {
        "name": judged.case,
        "status": _STATUS[judged.verdict],
        "rawStatus": str(judged.verdict),
        "duration": round(judged.seconds * 1000),
        "suite": [judged.section or "(none)"],
        "type": "conformance",
        "tags": [*judged.facets, *([judged.severity] if judged.severity else [])],
        "extra": {"title": judged.title, "operation": judged.operation},
    }
    if judged.file:
        test |= {"filePath": judged.file, "line": judged.line}
    if message := _describe(judged):
        test["message"] = message
    if judged.attempts:
        test |= {"retries": len(judged.attempts) - 1, "flaky": bool(judged.flaky)}
    if judged.curl:
        test["snippet"] = judged.curl
    return test


def _describe(judged: Judged) -> str | None:
    if judged.verdict is Outcome.PASS and not judged.flaky:
        return None
    if judged.flaky:
        return f"{judged.flaky}: {_describe(replace(judged, attempts=(), verdict=Outcome.FAIL))}"
    if judged.reason or judged.explanation:
        return judged.reason or judged.explanation
    if judged.expected is None and judged.differences:
        return summarize(judged)
    differences = "; ".join(f"{one.where}: {one.why}" for one in judged.differences)
    return f"expected {judged.expected}, got {judged.actual}; {differences}"


def _read_milliseconds(moment: str) -> int:
    """Return a time in ISO 8601 as milliseconds since 1970; 0 if it is not one."""
    try:
        return round(datetime.fromisoformat(moment).timestamp() * 1000)
    except ValueError:
        return 0
