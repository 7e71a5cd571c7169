"""The cases as one ordered, immutable collection: by id, glob, section, status, needs, or the text they expect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property

from luma_conformance.catalogue.grammar import Section
from luma_conformance.matching import Scene
from luma_conformance.model import Case, Holding


@dataclass(frozen=True)
class Catalogue:
    """Every case, by section file in name order, and what holds on every response."""

    sections: Mapping[str, Section]

    def __iter__(self) -> Iterator[Case]:
        return (case for section in self.sections.values() for case in section.cases)

    def __len__(self) -> int:
        return sum(len(section.cases) for section in self.sections.values())

    @property
    def holdings(self) -> tuple[Holding, ...]:
        """What holds on every response it applies to."""
        return tuple(holding for section in self.sections.values() for holding in section.holdings)

    @cached_property
    def _by_id(self) -> Mapping[str, Case]:
        return {case.id: case for case in self}

    def get(self, case_id: str) -> Case | None:
        """Returns the case of an id, or None."""
        return self._by_id.get(case_id)

    def matching(self, pattern: str) -> tuple[Case, ...]:
        """Returns the cases whose id is, lies below, or matches as a glob, `pattern`."""
        prefix = pattern.rstrip("/") + "/"
        return tuple(
            case for case in self if case.id == pattern or case.id.startswith(prefix) or fnmatchcase(case.id, pattern)
        )

    def find_by_detail(self, status: int, detail: str) -> tuple[Case, ...]:
        """Returns the cases that expect a `detail` text, those of the same status first."""
        scene = Scene()
        found = [
            case
            for case in self
            if any(step.expect.detail and step.expect.detail.explain(detail, scene) is None for step in case.steps)
        ]
        return tuple(sorted(found, key=lambda case: case.status != status))
