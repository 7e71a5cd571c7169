"""Causes: one wrong behaviour of a target, however many verdicts it turns red, worst and most frequent first."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from luma_conformance.judge.judged import Judged
from luma_conformance.model import Facet, Mismatch, Outcome, Severity

FEW: Final = 5
"""How many sections or texts may be wrong in the same way before they are one cause."""
MAX_TITLE: Final = 160
"""Characters of a cause's title."""

Key = tuple[str, ...]

_TEXT: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
_VARIABLE: Final = re.compile(r"'[^']*'|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|https?://[^\s'\"]+|\d+")
_LINE: Final = (Facet.STATUS, Facet.DETAIL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One wrong behaviour: what it is, the cases it turns red, and how many of them it turns red alone.

    `example` is the verdict that shows it best: the one with the fewest other differences.
    """

    title: str
    severity: Severity
    cases: tuple[str, ...]
    alone: int
    example: Judged

    @property
    def extent(self) -> str:
        """How many cases it turns red: `250 cases, 130 by that alone`."""
        cases = f"{len(self.cases):,} case{'s' * (len(self.cases) != 1)}"
        return cases if self.alone == len(self.cases) else f"{cases}, {self.alone:,} by that alone"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Finding:
    """One difference of one verdict. `wide` is the key it shares with others if there are many of its kind.

    `follows`: the answer was another than the expected one altogether, so the difference may be no fault of its own.
    """

    key: Key
    title: str
    severity: Severity
    wide: Key | None = None
    wide_title: str = ""
    follows: bool = False


def find_causes(verdicts: Iterable[Judged]) -> tuple[Cause, ...]:
    """Return the causes of the failures among some verdicts: must before should, then those of most cases first."""
    failing = {judged.case: judged for judged in verdicts if judged.verdict is Outcome.FAIL}
    found = {case: list(_find(judged)) for case, judged in failing.items()}
    keys = _choose_keys([one for findings in found.values() for one in findings])
    grouped: dict[Key, dict[str, _Finding]] = defaultdict(dict)
    for case, findings in found.items():
        for one in findings:
            if one.key in keys:
                grouped[keys[one.key]].setdefault(case, one)
    _merge_places(grouped)
    of_case = Counter(case for cases in grouped.values() for case in cases)
    causes = [_make_cause(key, cases, of_case, failing) for key, cases in grouped.items()]
    return tuple(sorted(causes, key=lambda cause: (cause.severity is not Severity.MUST, -len(cause.cases))))


def blank(text: str) -> str:
    """Return a text without what varies from answer to answer: ids, numbers, quoted values, URLs."""
    return _VARIABLE.sub("…", text)


def _choose_keys(findings: Iterable[_Finding]) -> Mapping[Key, Key]:
    """Return the key of the cause each finding belongs to; findings that only follow from others have none."""
    findings = list(findings)
    independent = {one.key for one in findings if not one.follows}
    alike: dict[Key, set[Key]] = defaultdict(set)
    for one in findings:
        if one.wide is not None and one.key in independent:
            alike[one.wide].add(one.key)
    wide = {key: wide for wide, keys in alike.items() if len(keys) > FEW for key in keys}
    return {key: wide.get(key, key) for key in independent}


def _merge_places(grouped: dict[Key, dict[str, _Finding]]) -> None:
    """Merge what is wrong with a header in some cases into what is wrong with the same header in those and others."""
    headers = [key for key in grouped if key[0] == Facet.HEADERS]
    for key in headers:
        wider = (one for one in headers if one[1] == key[1] and one != key and one in grouped)
        if any(len(grouped[one]) > len(grouped[key]) and grouped[key].keys() <= grouped[one].keys() for one in wider):
            del grouped[key]


def _make_cause(
    key: Key, cases: Mapping[str, _Finding], of_case: Mapping[str, int], failing: Mapping[str, Judged]
) -> Cause:
    best = min(cases, key=lambda case: (of_case[case], len(failing[case].differences), case.startswith("properties/")))
    first = cases[best]
    title = first.title if key == first.key else first.wide_title
    return Cause(
        title=title if len(title) <= MAX_TITLE else f"{title[:MAX_TITLE]}…",
        severity=Severity.MUST if any(one.severity is Severity.MUST for one in cases.values()) else Severity.SHOULD,
        cases=tuple(cases),
        alone=sum(of_case[case] == 1 for case in cases),
        example=failing[best],
    )


def _find(judged: Judged) -> Iterator[_Finding]:
    """Yield what a failing verdict says is wrong, each kind once."""
    status = next((one for one in judged.differences if one.facet is Facet.STATUS), None)
    for one in judged.differences:
        if one.facet is Facet.STATUS:
            yield _name_status(one, judged)
        elif one.facet is Facet.DETAIL or one.why == "detail: is missing":
            yield _name_detail(one, judged, status)
        else:
            yield _name_other(one, follows=status is not None)
    if not judged.differences:
        what = (judged.explanation or judged.reason or judged.title).partition("\n")[0]
        yield _Finding(key=("finding", blank(what)), title=what, severity=Severity.MUST)


def _name_status(one: Mismatch, judged: Judged) -> _Finding:
    expected, _, got = one.why.removeprefix("expected ").partition(", got ")
    answer = judged.actual or got
    if got.startswith("5"):
        return _Finding(key=("answers", blank(answer)), title=f"answers {answer}", severity=Severity.MUST)
    if expected.startswith("2") and got.startswith("4"):
        title = f"refuses what the page accepts: {answer}"
        return _Finding(key=("refuses", blank(answer)), title=title, severity=Severity.MUST)
    what = f"accepts what the page refuses with {expected}" if got.startswith("2") else f"{got} instead of {expected}"
    return _Finding(
        key=("status", expected, got, judged.section),
        title=f"{what}: {judged.section}",
        severity=Severity.MUST,
        wide=("status", expected, got),
        wide_title=what,
    )


def _name_detail(one: Mismatch, judged: Judged, status: Mismatch | None) -> _Finding:
    expected, _, got = one.why.partition(", got ")
    if got in ("", "null"):
        return _Finding(
            key=("detail", "missing"), title="detail is missing", severity=Severity.MUST, follows=status is not None
        )
    said = f"{got} instead of {expected.removeprefix('expected ')}"
    another = status is not None and (
        judged.nearest is not None or not status.why.partition(", got ")[2].startswith("4")
    )
    return _Finding(
        key=("detail", blank(expected), blank(got)),
        title=f"says {said}",
        severity=one.severity,
        wide=("detail",),
        wide_title="detail is worded otherwise",
        follows=another,
    )


def _name_other(one: Mismatch, *, follows: bool) -> _Finding:
    words = _TEXT.sub("…", one.why.partition(", got ")[0])
    titles = {
        "is missing": f"{one.where} is missing",
        "expected the value that was sent, …": f"{one.where} is not echoed",
        "does not belong here": f"{one.where} is sent where it does not belong",
    }
    shown = one.why if one.where in ("body", "exchange", "repeat") else f"{one.where}: {one.why}"
    place = one.where if one.facet is Facet.HEADERS else ""
    return _Finding(
        key=(one.facet, place, blank(words)), title=titles.get(words, shown), severity=one.severity, follows=follows
    )
