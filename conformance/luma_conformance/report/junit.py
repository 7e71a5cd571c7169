"""A run as JUnit XML, for commands that pytest, which has its own, does not run."""

from __future__ import annotations

from typing import Final
from xml.sax.saxutils import escape, quoteattr

from luma_conformance.judge.judged import Judged
from luma_conformance.model import Outcome
from luma_conformance.report.result import Results
from luma_conformance.shown import one_line

SUITE: Final = "luma-agents-conformance"


def render(results: Results) -> str:
    """Return the results as a suite: a failure fails, what was not judged or is a known deviation is skipped."""
    skipped = results.counts[Outcome.NOT_JUDGED] + results.counts[Outcome.DEVIATION]
    members = {
        "name": SUITE,
        "tests": len(results.verdicts),
        "failures": results.counts[Outcome.FAIL],
        "errors": 0,
        "skipped": skipped,
        "time": f"{sum(one.seconds for one in results.verdicts):.3f}",
        "timestamp": results.run.started,
    }
    cases = "".join(map(_render_case, results.verdicts))
    suite = f"<testsuite {_list_attributes(members)}>\n{cases}</testsuite>"
    return f'<?xml version="1.0" encoding="utf-8"?>\n<testsuites>\n{suite}\n</testsuites>\n'


def _render_case(judged: Judged) -> str:
    group, _, slug = judged.case.rpartition("/")
    members = {
        "classname": group.replace("/", "."),
        "name": slug,
        "time": f"{judged.seconds:.3f}",
        "file": judged.file,
        "line": judged.line,
    }
    return f"<testcase {_list_attributes(members)}>{_render_outcome(judged)}</testcase>\n"


def _render_outcome(judged: Judged) -> str:
    text = escape("\n".join(map(one_line, (judged.explanation or "").split("\n"))))
    message = quoteattr(one_line(judged.reason or judged.actual or judged.title))
    if judged.verdict is Outcome.FAIL:
        return f"<failure message={message}>{text}</failure>"
    if judged.verdict in (Outcome.NOT_JUDGED, Outcome.DEVIATION):
        return f"<skipped message={message}/>"
    return f"<system-out>{text}</system-out>" if text else ""


def _list_attributes(members: dict[str, object]) -> str:
    return " ".join(f"{name}={quoteattr(one_line(str(value)))}" for name, value in members.items())
