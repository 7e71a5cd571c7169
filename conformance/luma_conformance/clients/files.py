"""Finding and reading scenario files: the kit's own, or anyone else's."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Final

from luma_conformance.catalogue import strict_yaml
from luma_conformance.catalogue.files import own as own_catalogue
from luma_conformance.catalogue.files import specs
from luma_conformance.clients.grammar import Everywhere, read_everywhere, read_scenarios
from luma_conformance.clients.scenario import Scenario
from luma_conformance.errors import CatalogueError, InputError, Problem
from luma_conformance.reading.document import nearest
from luma_conformance.reading.regular_file import open_file

SCHEMA: Final = "client-scenario.schema.json"
"""The name of the schema; a file that names it in its first line declares itself a scenario file."""
EVERY_SCENARIO: Final = "every-scenario.yaml"
"""The file with what holds in every scenario."""


@lru_cache(maxsize=1)
def own() -> tuple[Scenario, ...]:
    """Return the kit's own scenarios, which are read once."""
    return load([specs() / "clients"], below=specs().parent)


def load(paths: Iterable[Path], *, below: Path | None = None) -> tuple[Scenario, ...]:
    """Return the scenarios of files and folders; raise CatalogueError with every problem of all of them.

    Messages show file names relative to `below`. A file's scenarios are called after it: `429/retry-after-2`.
    """
    everywhere = _read_everywhere(below)
    found: dict[str, Scenario] = {}
    problems: list[Problem] = []
    listed = {file.resolve(): file for path in paths for file in _list_files(path)}
    for file in listed.values():
        shown = _show(file, below)
        try:
            read = read_scenarios(strict_yaml.read(file, shown), file.stem, own_catalogue(), everywhere)
        except CatalogueError as error:
            problems.extend(error.problems)
            continue
        for one in read:
            if (other := found.setdefault(one.id, one)) is not one:
                problems.append(Problem(shown, one.place.line, 0, f"{one.id} is in {other.place} too; rename a file"))
    if problems:
        raise CatalogueError(tuple(problems))
    return tuple(found.values())


def select(scenarios: Iterable[Scenario], pattern: str) -> tuple[Scenario, ...]:
    """Return the scenarios whose id equals `pattern`, lies below it, or matches it as a glob; raise InputError."""
    scenarios = tuple(scenarios)
    below = pattern.rstrip("/") + "/"
    found = tuple(one for one in scenarios if one.id.startswith(below) or fnmatchcase(one.id, pattern))
    if not found:
        raise InputError(f"there is no scenario {pattern}; {nearest(pattern, (one.id for one in scenarios))}")
    return found


def _read_everywhere(below: Path | None) -> Everywhere:
    file = specs() / "clients" / EVERY_SCENARIO
    return read_everywhere(strict_yaml.read(file, _show(file, below)))


def _show(file: Path, below: Path | None) -> str:
    return file.relative_to(below).as_posix() if below and file.is_relative_to(below) else str(file)


def _list_files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(file for file in path.rglob("*.yaml") if is_scenario_file(file))
    if not path.exists():
        raise InputError(f"{path}: there is no such file or folder")
    return [path]


def is_scenario_file(path: Path) -> bool:
    """Return whether a file declares itself a scenario file, and is not that of what holds in every one."""
    try:
        with open_file(path) as file:
            return path.name != EVERY_SCENARIO and SCHEMA.encode() in file.readline(500)
    except OSError:
        return False
