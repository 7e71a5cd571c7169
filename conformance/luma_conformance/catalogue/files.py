"""Finding and reading case files: the kit's own catalogue, or anyone else's."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from functools import cache, lru_cache
from pathlib import Path

from luma_conformance.catalogue import strict_yaml as yamlfile
from luma_conformance.catalogue.catalogue import Catalogue
from luma_conformance.catalogue.grammar import Section, read_all, read_section
from luma_conformance.errors import CatalogueError, InputError, Problem
from luma_conformance.model import Case, Holding
from luma_conformance.reading.document import Source
from luma_conformance.reading.regular_file import open_file

SCHEMA = "case-file.schema.json"
"""The name of the schema; a file that names it in its first line declares itself a case file."""
EVERY_RESPONSE = "every-response.yaml"
"""The file that, with the schema, makes a folder a catalogue: the kit's own, or a copy of it."""
TRANSCRIBED = "2026-11-23"
"""The day on which the kit's own catalogue was written from the page."""

CASES = 442
"""How many cases the kit's own catalogue has; a test counts them, so that a run of a few need not read all of them."""

_PACKAGE = Path(__file__).resolve().parents[1]


def specs() -> Path:
    """Return the folder of the kit's own catalogue: inside the installed package, or beside it in a checkout."""
    inside = _PACKAGE / "specs"
    return inside if inside.is_dir() else _PACKAGE.parents[1] / "specs"


def is_case_file(path: Path) -> bool:
    """Return whether a file declares itself a case file."""
    try:
        with open_file(path) as file:
            return SCHEMA.encode() in file.readline(500)
    except OSError:
        return False


def section_name(path: Path, shown: str | None = None) -> str:
    """Return what the ids of a file's cases begin with.

    In a catalogue it is the file's place there, `create/400-keyframes`; anywhere else the path by which the file is
    `shown`. A folder that only has the schema, for an editor to find, is no catalogue.
    """
    file = path.absolute()
    for folder in file.parents:
        if (folder / SCHEMA).is_file() and (folder / EVERY_RESPONSE).is_file():
            return file.relative_to(folder).with_suffix("").as_posix()
    return shown or str(path)


def load_file(path: Path, shown: str | None = None) -> Section:
    """Return the section in a file, whatever own roles it needs; raise CatalogueError with its problems.

    The place of a case is `shown` as its file, except in the kit's own catalogue, whose files have their path there.
    """
    if path.is_relative_to(specs()):
        return _load_own(path)
    return read_section(yamlfile.read(path, shown), section_name(path, shown), None)


@cache
def _load_own(path: Path) -> Section:
    """Return the section in a file of the kit's own catalogue, which is read once."""
    shown = path.relative_to(specs().parent).as_posix()
    return read_section(yamlfile.read(path, shown), section_name(path), None)


def load(paths: Iterable[Path], *, below: Path | None = None, own_roles: Collection[str] | None = ()) -> Catalogue:
    """Return the cases of files and folders; raise CatalogueError with every problem of all of them.

    Messages show file names relative to `below`. `own_roles` are those a profile declares; None stands for any.
    """
    sources: dict[str, Source] = {}
    files: dict[str, Path] = {}
    problems: list[Problem] = []
    for path in paths:
        for file in _case_files(path):
            shown = file.relative_to(below).as_posix() if below and file.is_relative_to(below) else str(file)
            name = section_name(file, shown)
            if name in files and files[name] != file.resolve():
                problems.append(Problem(shown, 1, 1, f"its ids would be those of {files[name]}; rename one of the two"))
                continue
            files[name] = file.resolve()
            try:
                sources[name] = yamlfile.read(file, shown)
            except CatalogueError as error:
                problems.extend(error.problems)
    try:
        sections = read_all(sources, own_roles)
    except CatalogueError as error:
        problems.extend(error.problems)
    if problems:
        raise CatalogueError(tuple(problems))
    return Catalogue(sections)


@lru_cache(maxsize=1)
def own() -> Catalogue:
    """Return the kit's own catalogue, which is read once; raise CatalogueError with every problem of all its files."""
    root = specs()
    return load([root], below=root.parent)


def own_holdings() -> tuple[Holding, ...]:
    """Return what the kit's own catalogue expects of every response; no other file of it is read."""
    return load_file(specs() / EVERY_RESPONSE).holdings


def find_own(case_id: str) -> Case | None:
    """Return the kit's own case with an id, or None; only the file that it would be in is read."""
    return _own_cases(case_id.rpartition("/")[0]).get(case_id)


def is_own(case: Case) -> bool:
    """Return whether a case is one of the kit's own by its id."""
    return case.id in _own_cases(case.section_id)


@cache
def _own_cases(section: str) -> Mapping[str, Case]:
    file = specs() / f"{section}.yaml"
    if not is_case_file(file) or section_name(file) != section:
        return {}
    return {case.id: case for case in load_file(file).cases}


@lru_cache(maxsize=1)
def smoke() -> frozenset[str]:
    """Return the ids of the few cases of the kit's own that find the most without creating anything."""
    return frozenset((specs() / "smoke.txt").read_text(encoding="utf-8").split())


@lru_cache(maxsize=1)
def digest() -> str:
    """Return a digest of the kit's own case files; it is the same for the same catalogue."""
    root = specs()
    contents = hashlib.sha256()
    for file in _case_files(root):
        contents.update(f"{file.relative_to(root).as_posix()}\n".encode())
        contents.update(file.read_bytes())
    return contents.hexdigest()[:16]


def _case_files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(file for file in path.rglob("*.yaml") if is_case_file(file))
    if not path.exists():
        raise InputError(f"{path}: there is no such file or folder")
    return [path]
