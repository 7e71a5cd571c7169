"""The check of a run's known deviations against its cases."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import pytest

from luma_conformance.catalogue import files as catalogue_files
from luma_conformance.errors import Exit, InputError
from luma_conformance.judge.deviations import Deviation
from luma_conformance.pytest_plugin.items import CaseItem
from luma_conformance.pytest_plugin.run import Run, property_id, uses_target
from luma_conformance.pytest_plugin.sessions import halt, read_deviations

_PROPERTIES: Final = "properties/"


def find_ids(items: Iterable[pytest.Item]) -> Iterator[str]:
    """Yield the ids of the cases and properties among some items."""
    for item in items:
        if isinstance(item, CaseItem):
            yield item.case.id
        elif uses_target(item):
            yield property_id(item)


def check_deviations(session: pytest.Session, items: list[pytest.Item]) -> None:
    """End a run if its known deviations cannot be read, or if an entry matches no case."""
    ids = [*find_ids(items)]
    if not ids:
        return
    try:
        known = read_deviations(session.config)
    except InputError as error:
        halt(session, Exit.USAGE, str(error))
        return
    unknown = known.find_unmatched([*ids, *(case.id for case in catalogue_files.own())])
    # An entry for a property is not wrong if no property is selected: nothing is known about it.
    properties = any(not isinstance(item, CaseItem) and uses_target(item) for item in items)
    unknown = tuple(entry for entry in unknown if properties or not _is_of_properties(entry))
    if unknown:
        listed = "\n".join(f"{entry.place}: no case matches {' or '.join(map(repr, entry.cases))}" for entry in unknown)
        halt(session, Exit.USAGE, f"{listed}; `luma-conformance list` lists every case")


def add_stale(run: Run, config: pytest.Config) -> None:
    """Add a failure for each entry that no case shows any more to the results of a run that went to its end.

    In a run without properties, nothing is known of what a glob that covers them all lists.
    """
    if run.tally.stop is None:
        ids = {*(case.id for case in catalogue_files.own()), *run.left_out}
        ids |= set() if run.tally.has_properties else {_PROPERTIES}
        for judged in run.tally.find_stale(read_deviations(config), ids):
            run.keep(judged, instead=True)


def _is_of_properties(entry: Deviation) -> bool:
    return all(one.startswith(_PROPERTIES) for one in entry.cases)
