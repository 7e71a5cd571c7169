"""The cases and properties that there are for a run, whatever was selected of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from luma_conformance.catalogue import files as catalogue_files
from luma_conformance.errors import InputError
from luma_conformance.model import Case
from luma_conformance.report.floor import count_required
from luma_conformance.report.result import Run
from luma_conformance.suite import PROPERTIES


@dataclass(kw_only=True)
class Scope:
    """What was collected or could have been: the case files that pytest was to read, and all cases of those it read.

    `files` says of each whether it was read, `properties` of each whether it is the kit's.
    A run with any case or property of the kit's has the kit's whole catalogue before it; one with none has only its
    own files and modules.
    """

    files: dict[Path, bool] = field(default_factory=dict)
    cases: dict[str, Case] = field(default_factory=dict)
    properties: dict[str, bool] = field(default_factory=dict)
    selected: int = 0

    def add_cases(self, file: Path, cases: Iterable[Case]) -> None:
        """Add the cases of a file that was read."""
        self.files[file] = True
        self.cases |= {case.id: case for case in cases}

    def end(self, selected: int) -> None:
        """Keep how many cases are selected, and read the files that pytest passed over, as --lf does."""
        self.selected = selected
        for file in [file for file, was_read in self.files.items() if not was_read]:
            with suppress(InputError):  # pytest would have said what is wrong with it, had it read the file
                self.add_cases(file, catalogue_files.load_file(file).cases)

    def describe(self, run: Run, required: Collection[str]) -> Run:
        """Return a run's description with how many cases there are, and how many each requirement asks for."""
        own, total = self._count()
        return replace(run, total=total, selected=self.selected, own=own, required=self.count_required(required))

    def count_required(self, required: Collection[str]) -> dict[str, int]:
        """Return how many cases each requirement asks for; 0 for a role that no case needs."""
        if not required:
            return {}  # without reading the whole catalogue for a run of a few cases
        _, total = self._count()
        needs = [case.needs for case in self.every_case]
        return {wanted: count_required(wanted, total, needs) for wanted in required}

    @property
    def every_case(self) -> tuple[Case, ...]:
        """The cases that were read, and all of the kit's if any of these is selected from."""
        kits = {case.id: case for case in catalogue_files.own()} if self._has_kits else {}
        return (*{**kits, **self.cases}.values(),)

    @property
    def _has_kits(self) -> bool:
        return any(self.properties.values()) or any(map(catalogue_files.is_own, self.cases.values()))

    def _count(self) -> tuple[int, int]:
        """Return how many cases and properties are not the kit's, and how many there are in all."""
        theirs = sum(self.properties.values())
        own = sum(not catalogue_files.is_own(case) for case in self.cases.values()) + len(self.properties) - theirs
        return own, own + (catalogue_files.CASES + max(PROPERTIES, theirs) if self._has_kits else 0)
