"""Causes: one wrong behaviour of a target, however many verdicts it turns red, worst and most frequent first."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any, Final

from luma_conformance.judge.deviations import LINE
from luma_conformance.judge.evidence import MAX_EXPECTED, is_whole, stem
from luma_conformance.judge.judged import Difference, Judged
from luma_conformance.model import Facet, Outcome, Severity
from luma_conformance.shown import LEFT_OUT, NOTHING, Shown, cut, fill, partition

FEW: Final = 5
"""How many sections or texts may be wrong in the same way before they are one cause."""
MAX_TITLE: Final = 160
"""Characters of a cause's title."""

Key = tuple[str, ...]

_TEXT: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
_VARIABLE: Final = re.compile(r"'[^']*'|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|https?://[^\s'\"]+|\d+")
_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?")
_PLACES: Final = {
    r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}": "{id}",
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)": "{time}",
    r"https?://[^\s\"']+": "{url}",
    r"luma-[0-9a-f]{8}-[\w-]+": "{any}",
}
"""What varies from run to run, and the placeholder that known deviations have for it; last, our own request id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One wrong behaviour: what it is, the cases it turns red, and how many of them it turns red alone.

    `example` is the verdict that shows it best: the one with the fewest other differences. `facet` and `answers` are
    what an entry of known deviations says of it, with placeholders for what varies. `key` begins with that of a cause
    that takes it in where there are many of its kind.
    """

    key: Key
    title: Shown
    severity: Severity
    cases: tuple[str, ...]
    alone: int
    example: Judged
    facet: Facet
    answers: tuple[str, ...]

    @property
    def extent(self) -> str:
        """How many cases it turns red: `250 cases, 130 by that alone`."""
        noun = "scenario" if self.example.is_of_client else "case"
        cases = f"{len(self.cases):,} {noun}{'s' * (len(self.cases) != 1)}"
        return cases if self.alone == len(self.cases) else f"{cases}, {self.alone:,} by that alone"

    def is_like(self, other: Cause) -> bool:
        """Return whether this is the other cause, of another run, whichever of the two takes in more of its kind."""
        common = min(len(self.key), len(other.key))
        return self.key[:common] == other.key[:common]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Finding:
    """One difference of one verdict. `wide` is the key it shares with others if there are many of its kind.

    `answer` is what is wrong, in the words of known deviations. `follows`: the answer was another than the expected one
    altogether, so the difference may be no fault of its own.
    """

    key: Key
    title: Shown
    severity: Severity
    facet: Facet
    answer: str
    wide: Key | None = None
    wide_title: Shown = NOTHING
    follows: bool = False


MANY: Final = 9
"""Findings of a kind that follow from a wrong status, for one that stands alone: if there are more, they all follow."""


def find_causes(verdicts: Iterable[Judged]) -> tuple[Cause, ...]:
    """Return the causes of the failures among some verdicts: must before should, then those of most cases first."""
    failing: dict[str, Judged] = {judged.case: judged for judged in verdicts if judged.verdict is Outcome.FAIL}
    found = _part_followers({case: list(_find(judged)) for case, judged in failing.items()})
    keys = _choose_keys(found)
    grouped: dict[Key, dict[str, list[_Finding]]] = defaultdict(lambda: defaultdict(list))
    for case, findings in found.items():
        first = next((keys[one.key] for one in findings if one.key in keys), None)
        for one in findings:
            if (home := keys.get(one.key, first)) is not None:
                grouped[home][case].append(one)
    of_case = Counter(case for cases in grouped.values() for case in cases)
    causes = [_make_cause(key, cases, of_case, failing) for key, cases in grouped.items()]
    return tuple(sorted(causes, key=lambda cause: (cause.severity is not Severity.MUST, -len(cause.cases))))


def blank(text: str) -> str:
    """Return a text without what varies from answer to answer: ids, numbers, quoted values, URLs."""
    return _VARIABLE.sub("…", text)


def _part_followers(found: Mapping[str, list[_Finding]]) -> Mapping[str, list[_Finding]]:
    """Return findings, those that follow from a wrong status under a key of their own if nearly all of their kind do.

    What a server leaves out of answers that it should not give is then no second fault, though one case shows it alone.
    """
    kinds = Counter((one.key, one.follows) for findings in found.values() for one in findings)
    mostly = {key for (key, follows), times in kinds.items() if follows and times > MANY * kinds[key, False]}

    def part(one: _Finding) -> _Finding:
        return replace(one, key=("follows", *one.key)) if one.follows and one.key in mostly else one

    return {case: [part(one) for one in findings] for case, findings in found.items()}


def _choose_keys(found: Mapping[str, list[_Finding]]) -> Mapping[Key, Key]:
    """Return the key of the cause that findings belong to, by their own; those that only follow have none."""
    cases: dict[Key, set[str]] = defaultdict(set)
    alike: dict[Key, set[Key]] = defaultdict(set)
    independent = {one.key for findings in found.values() for one in findings if not one.follows}
    for case, findings in found.items():
        for one in findings:
            if one.key in independent:
                cases[one.key].add(case)
                alike[one.wide or one.key].add(one.key)
    wide = {key: wide for wide, keys in alike.items() if len(keys) > FEW for key in keys}
    of_header: dict[Key, list[Key]] = defaultdict(list)
    for key in cases:
        of_header[key[:2] if key[0] == Facet.HEADERS else key].append(key)
    wider = {key: _find_wider(key, keys, cases) for keys in of_header.values() for key in keys}
    return {key: wide.get(key, wider[key]) for key in independent}


def _find_wider(key: Key, alike: Iterable[Key], cases: Mapping[Key, set[str]]) -> Key:
    """Return the key of what is wrong with the same header in the same cases and others, or else the key itself."""
    return max((one for one in alike if cases[key] <= cases[one]), key=lambda one: len(cases[one]))


def _make_cause(
    key: Key, cases: Mapping[str, list[_Finding]], of_case: Mapping[str, int], failing: Mapping[str, Judged]
) -> Cause:
    best = min(
        cases,
        key=lambda case: (
            not is_whole(failing[case]), of_case[case], len(failing[case].differences), _is_of_property(case)
        ),
    )  # fmt: skip
    own = [one for findings in cases.values() for one in findings if key in (one.key, one.wide)]
    title = own[0].title if key == own[0].key else own[0].wide_title
    return Cause(
        key=key,
        title=cut(title, MAX_TITLE),
        severity=Severity.MUST if any(one.severity is Severity.MUST for one in own) else Severity.SHOULD,
        cases=tuple(sorted(cases, key=_is_of_property)),  # a case is sooner understood
        alone=sum(of_case[case] == 1 for case in cases),
        example=failing[best],
        facet=own[0].facet,
        answers=tuple(_list_answers(one for findings in cases.values() for one in findings)),
    )


def _is_of_property(case: str) -> bool:
    return case.startswith("properties/")


def _list_answers(findings: Iterable[_Finding]) -> Iterator[str]:
    """Yield what is wrong with the answers, each kind once, with placeholders for what varies."""
    kinds: dict[Key, list[str]] = defaultdict(list)
    for one in findings:
        kinds[("line",) if one.facet in LINE else one.key].append(one.answer)
    for texts in kinds.values():
        yield from generalize(texts)


def generalize(texts: Iterable[str]) -> Sequence[str]:
    """Return texts with placeholders for what varies; many different ones become one, of what they have in common."""
    different = list(dict.fromkeys(_replace_known(text) for text in texts))
    if len(different) <= FEW:
        return different
    start = _find_common_start(different)
    end = _find_common_start([text[len(start) :][::-1] for text in different])[::-1]
    return [f"{start}{{any}}{end}"]


def _find_common_start(texts: Sequence[str]) -> str:
    alike = takewhile(lambda characters: len(set(characters)) == 1, zip(*texts, strict=False))
    return "".join(characters[0] for characters in alike)


def _replace_known(text: str) -> str:
    echoed = "expected the value that was sent, "
    start, found, _ = text.partition(echoed)
    if found:
        return f"{start}{echoed}{{any}}"
    text = LEFT_OUT.sub("{any}", text)
    for pattern, placeholder in _PLACES.items():
        text = re.sub(pattern, placeholder, text)
    return text


def _find(judged: Judged) -> Iterator[_Finding]:
    """Yield what a failing verdict says is wrong, each kind once."""
    status = next((one for one in judged.differences if one.facet is Facet.STATUS), None)
    for one in judged.differences:
        if one.facet is Facet.STATUS:
            yield _name_status(one, judged)
        elif one.facet in (Facet.CONDUCT, Facet.ADVICE):
            yield _name_conduct(one)
        elif one.facet is Facet.DETAIL or one.why == "detail: is missing":
            yield _name_detail(one, judged, status)
        else:
            yield _name_other(one, follows=status is not None)
    if not judged.differences:
        what = partition(judged.explanation or judged.reason or judged.title, "\n")[0]
        yield _Finding(
            key=("finding", blank(what)), title=what, severity=Severity.MUST, facet=Facet.SEQUENCE, answer=what
        )


def _find_expected(text: Shown) -> Shown:
    return text if not text.startswith("expected ") else partition(text, "expected ")[2]


def _name_status(one: Difference, judged: Judged) -> _Finding:
    before, _, got = partition(one.why, ", got ")
    expected, answer = _find_expected(before), judged.actual or got
    named: dict[str, Any] = {"severity": Severity.MUST, "facet": Facet.STATUS, "answer": answer}
    if got.startswith("5"):
        return _Finding(key=("answers", blank(stem(answer))), title=fill("answers {}", answer), **named)
    if expected.startswith("2") and got.startswith("4"):
        return _Finding(
            key=("refuses", blank(stem(answer))), title=fill("refuses what the page accepts: {}", answer), **named
        )
    wrong = fill("accepts what the page refuses with {}", expected)
    what = wrong if got.startswith("2") else fill("{} instead of {}", got, expected)
    key = ("status", expected, got)
    return _Finding(
        key=(*key, judged.section), title=fill("{}: {}", what, judged.section), wide=key, wide_title=what, **named
    )


def _name_detail(one: Difference, judged: Judged, status: Difference | None) -> _Finding:
    expected, _, got = partition(one.why, ", got ")
    answer = (judged.actual or NOTHING) if one.facet is Facet.DETAIL else fill("{}: {}", one.where, one.why)
    if got in ("", "null"):
        return _Finding(
            key=("no detail",), title=fill("detail is missing"), severity=Severity.MUST, facet=one.facet,
            answer=answer, follows=status is not None,
        )  # fmt: skip
    refused_otherwise = status is not None and status.why.partition(", got ")[2].startswith("4")
    return _Finding(
        key=("detail", blank(expected[:MAX_EXPECTED]), blank(stem(got))),
        title=fill("says {} instead of {}", got, _find_expected(expected)),
        severity=one.severity,
        facet=one.facet,
        answer=answer,
        wide=("detail",),
        wide_title=fill("detail is worded otherwise"),
        follows=status is not None and (judged.nearest is not None or not refused_otherwise),
    )


def _name_conduct(one: Difference) -> _Finding:
    return _Finding(
        key=(one.facet, one.where),
        title=one.where,
        severity=one.severity,
        facet=one.facet,
        answer=_NUMBER.sub("{number}", f"{one.where}: {one.why}"),
    )


def _name_other(one: Difference, *, follows: bool) -> _Finding:
    words = _TEXT.sub("…", one.why.partition(", got ")[0])[:MAX_EXPECTED]
    titles = {
        "is missing": fill("{} is missing", one.where),
        "expected the value that was sent, …": fill("{} is not echoed", one.where),
        "does not belong here": fill("{} is sent where it does not belong", one.where),
    }
    unplaced = one.where in ("body", "exchange", "repeat", "property")
    return _Finding(
        key=(one.facet, one.where if one.facet is Facet.HEADERS else "", blank(words)),
        title=titles.get(words, one.why if unplaced else fill("{}: {}", one.where, one.why)),
        severity=one.severity,
        facet=one.facet,
        answer=f"{one.where}: {one.why}",
        follows=follows,
    )
