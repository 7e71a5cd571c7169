"""The cases as an ordered, immutable collection: by id, by glob, or by the `detail` text they expect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from itertools import chain
from operator import itemgetter
from typing import Final

from luma_conformance.catalogue.grammar import Section
from luma_conformance.matching import Exactly, Like, Matcher, OneOf
from luma_conformance.model import Case, Holding

MAX_DETAIL: Final = 1_000
"""Characters beyond which a text is not looked for: that of no error is as long, and looking takes long."""

_Text = tuple[int, Case]
"""A case that expects a `detail`, with its number."""


@dataclass(frozen=True)
class Catalogue:
    """Every case, by section file in name order, and the expectations about every response."""

    sections: Mapping[str, Section]

    def __iter__(self) -> Iterator[Case]:
        return (case for section in self.sections.values() for case in section.cases)

    def __len__(self) -> int:
        return sum(len(section.cases) for section in self.sections.values())

    @property
    def holdings(self) -> tuple[Holding, ...]:
        """The expectations about every response."""
        return tuple(holding for section in self.sections.values() for holding in section.holdings)

    @cached_property
    def _by_id(self) -> Mapping[str, Case]:
        return {case.id: case for case in self}

    def get(self, case_id: str) -> Case | None:
        """Return the case with an id, or None."""
        return self._by_id.get(case_id)

    def matching(self, pattern: str) -> tuple[Case, ...]:
        """Return the cases whose id equals `pattern`, lies below it, or matches it as a glob."""
        below = (pattern.rstrip("/") + "/", f"{pattern}#")
        return tuple(
            case for case in self if case.id == pattern or case.id.startswith(below) or fnmatchcase(case.id, pattern)
        )

    def find_by_detail(self, status: int, detail: str) -> tuple[Case, ...]:
        """Return the cases that expect a `detail` text, those with the given status first."""
        if len(detail) > MAX_DETAIL:
            return ()
        exact, alike = self._by_detail
        found = exact.get(detail, []) + [one for template, one in alike if template.matches(detail)]
        cases = dict(sorted(found, key=itemgetter(0)))
        return tuple(sorted(cases.values(), key=lambda case: case.status != status))

    @cached_property
    def _by_detail(self) -> tuple[Mapping[str, list[_Text]], list[tuple[Like, _Text]]]:
        """The cases that expect a `detail`: by its text, and with its template."""
        exact: dict[str, list[_Text]] = {}
        alike: list[tuple[Like, _Text]] = []
        for number, case in enumerate(self):
            for matcher in chain.from_iterable(_list_texts(step.expect.detail) for step in case.steps):
                if isinstance(matcher, Like):
                    alike.append((matcher, (number, case)))
                elif isinstance(matcher.expected, str):
                    exact.setdefault(matcher.expected, []).append((number, case))
        return exact, alike


def _list_texts(matcher: Matcher | None) -> Iterator[Exactly | Like]:
    """Yield the texts and templates that a matcher lets choose from."""
    if isinstance(matcher, OneOf):
        yield from chain.from_iterable(map(_list_texts, matcher.choices))
    elif isinstance(matcher, Exactly | Like):
        yield matcher
