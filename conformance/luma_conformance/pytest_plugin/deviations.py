"""The check of a run's known deviations against its cases."""

from __future__ import annotations

import pytest

from luma_conformance.catalogue import files as catalogue_files
from luma_conformance.errors import Exit, InputError
from luma_conformance.judge.deviations import Deviation
from luma_conformance.pytest_plugin.items import CaseItem
from luma_conformance.pytest_plugin.run import Run, property_id
from luma_conformance.pytest_plugin.sessions import halt, read_deviations


def check_deviations(session: pytest.Session, items: list[pytest.Item]) -> None:
    """End a run if its known deviations cannot be read, or if an entry matches no case."""
    cases = [item.case.id for item in items if isinstance(item, CaseItem)]
    properties = [property_id(item) for item in items if "luma_target" in getattr(item, "fixturenames", ())]
    if not cases and not properties:
        return
    try:
        known = read_deviations(session.config)
    except InputError as error:
        halt(session, Exit.USAGE, str(error))
        return
    unknown = known.find_unmatched([*cases, *properties, *(case.id for case in catalogue_files.own())])
    # An entry for a property is not wrong if no property is selected: nothing is known about it.
    unknown = tuple(entry for entry in unknown if properties or not _is_of_properties(entry))
    if unknown:
        listed = "\n".join(f"{entry.place}: no case matches {' or '.join(map(repr, entry.cases))}" for entry in unknown)
        halt(session, Exit.USAGE, f"{listed}; `luma-conformance list` lists every case")


def add_stale(run: Run, config: pytest.Config) -> None:
    """Add a failure for each entry that no case shows any more to the results of a run that went to its end."""
    if run.tally.stop is None:
        ids = [case.id for case in catalogue_files.own()]
        for judged in run.tally.find_stale(read_deviations(config), ids):
            run.keep(judged)


def _is_of_properties(entry: Deviation) -> bool:
    return all(one.startswith("properties/") for one in entry.cases)
