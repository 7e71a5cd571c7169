"""How much of a run's wrong answers is kept: the first of each kind whole, of the others what is different in each.

One fault may fail every case of the catalogue; five hundred times the same answer, request and explanation would make
reports that nobody can open. So the size of what a run writes does not depend on how wrong the target is.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Hashable, Iterator
from dataclasses import replace
from string import ascii_letters, digits
from typing import Final

from luma_conformance.judge.judged import Difference, Judged
from luma_conformance.model import Facet, Outcome
from luma_conformance.shown import LEFT_OUT, NOTHING, Shown, cut, fill, join, partition, split

WHOLE: Final = 3
"""Wrong answers of a kind whose evidence is kept whole."""
MOST: Final = 15_000
"""Characters of such evidence in all."""
MAX_EXPLANATION: Final = 4_000
"""Characters of the explanation of one."""
MAX_TEXT: Final = 32
"""Characters of the server's text that are kept of the others."""
MAX_EXPECTED: Final = 80
"""Characters of what was expected that are kept of the others."""
MAX_DIFFERENCES: Final = 6
"""Differences that are kept of the others."""
MAX_SUMMARY: Final = 50
"""Characters of the line that stands for an explanation."""

_GOT: Final = ", got "
_WORD: Final = f"{ascii_letters}{digits}-_"
_SENT: Final = "expected the value that was sent, "
_NAMING: Final = frozenset({Facet.STATUS, Facet.DETAIL})
"""The facets in which what the server said is part of what is wrong."""
_ALIKE: Final = (Outcome.PASS, Outcome.NOT_JUDGED)


class Evidence:
    """What is kept of the verdicts of a run, as they come."""

    def __init__(self) -> None:
        self._times: Counter[Hashable] = Counter()
        self._kept = 0

    def wants_command(self, judged: Judged) -> bool:
        """Return whether the command that sends a request again would be kept, as far as is known before it is made."""
        return judged.verdict not in _ALIKE and self._times[_find_kind(judged)] < WHOLE

    def keep(self, judged: Judged) -> Judged:
        """Return a verdict with the evidence that is kept of it; itself, where that is all."""
        if judged.verdict in _ALIKE and not judged.flaky:  # what failed at first is told as a failure is
            if not judged.exchange:
                return judged
            # The command in `show` tells the rest.
            return replace(judged, expected=None, actual=_cut_text(judged.actual) if judged.actual else None, curl=None)
        judged = replace(judged, explanation=cut(judged.explanation, MAX_EXPLANATION)) if judged.explanation else judged
        kind = _find_kind(judged)
        self._times[kind] += 1
        if self._times[kind] > WHOLE:
            return shorten(judged)
        size = sum(map(_measure, _list_texts(judged)))
        if self._kept + size > MOST:
            return shorten(judged)
        self._kept += size
        return judged


def shorten(judged: Judged) -> Judged:
    """Return a verdict without what the command in `show` shows again, its other texts cut."""
    first = cut(partition(judged.explanation or NOTHING, "\n")[0], MAX_EXPECTED)
    return replace(
        judged,
        expected=None,
        actual=_cut_text(judged.actual) if judged.actual and not _NAMING.isdisjoint(judged.facets) else None,
        erratum=None,
        curl=None,
        request_id=None,
        exchange=None,
        explanation=first if first and not judged.differences else None,
        notes=tuple(map(_cut_text, judged.notes[:1])),
        differences=tuple(_shorten_difference(one) for one in judged.differences[:MAX_DIFFERENCES]),
    )


def stem(text: Shown) -> str:
    """Return the part of a server's text that is kept of every wrong answer, by which causes are told apart.

    It ends with a whole word: half an id would not be known for one.
    """
    kept = _cut_text(text)
    start = LEFT_OUT.sub("", kept)
    return start if start == kept else start.rstrip(_WORD)


def is_whole(judged: Judged) -> bool:
    """Return whether all evidence of a wrong answer was kept."""
    return (
        judged.expected is not None or judged.curl is not None or (not judged.show and judged.explanation is not None)
    )


def summarize(judged: Judged) -> str:
    """Return what is different in a verdict whose explanation was not kept, in a short line."""
    told = [f"{one.where}: {one.why}" for one in judged.differences]
    first, *others = told or [judged.reason or judged.explanation or judged.title]
    what = first if len(first) <= MAX_SUMMARY else f"{first[:MAX_SUMMARY]}…"
    return f"{what} (and {len(others)} more)" if others else what


def _find_kind(judged: Judged) -> Hashable:
    return judged.verdict, judged.reason, frozenset(map(_find_kind_of, judged.differences))


def _find_kind_of(difference: Difference) -> Hashable:
    if difference.facet is Facet.STATUS:
        return difference.facet, difference.why.partition(_GOT)[2]
    return difference.facet, difference.where if difference.facet is Facet.HEADERS else ""


def _list_texts(judged: Judged) -> Iterator[str]:
    yield from filter(None, (judged.expected, judged.actual, judged.curl, judged.explanation, judged.erratum))
    yield from (one.why for one in judged.differences)
    yield from judged.notes


def _shorten_difference(one: Difference) -> Difference:
    *before, text = split(one.why, _GOT)
    expected = join(_GOT, before)
    if expected.startswith(_SENT):  # both are new in every answer
        return replace(one, why=fill('expected the value that was sent, "…", got another'))
    why = join(_GOT, (cut(expected, MAX_EXPECTED), _cut_text(text))) if before else cut(one.why, MAX_EXPECTED)
    return replace(one, where=cut(one.where, MAX_TEXT), why=why)


def _cut_text(text: Shown) -> Shown:
    """Return a text, or the start of one that is long, or takes much room in a file of JSON."""
    most, start = MAX_TEXT, LEFT_OUT.sub("", text)
    while most > 1 and _measure(start[:most]) > MAX_TEXT + 4:
        most //= 2
    return cut(text, most)


def _measure(text: str) -> int:
    return len(json.dumps(text))
