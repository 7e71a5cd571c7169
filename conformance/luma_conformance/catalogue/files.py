"""Finds and reads case files: the kit's own catalogue, or anybody's."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from luma_conformance.catalogue import strict_yaml as yamlfile
from luma_conformance.catalogue.catalogue import Catalogue
from luma_conformance.catalogue.grammar import Section, read_all, read_section
from luma_conformance.catalogue.problems import Source
from luma_conformance.errors import CatalogueError, InputError, Problem

SCHEMA = "case-file.schema.json"
"""A file whose first line names this schema declares itself a case file."""

_PACKAGE = Path(__file__).resolve().parents[1]


def specs() -> Path:
    """Returns the folder of the kit's own catalogue: inside the installed package, or beside it in a checkout."""
    inside = _PACKAGE / "specs"
    return inside if inside.is_dir() else _PACKAGE.parents[1] / "specs"


def is_case_file(path: Path) -> bool:
    """Tells whether a file declares itself a case file."""
    try:
        with path.open("rb") as file:
            return SCHEMA.encode() in file.readline(500)
    except OSError:
        return False


def section_name(path: Path) -> str:
    """Returns what the ids of a file's cases begin with: its place in its catalogue, `create/400-keyframes`.

    The catalogue's folder is the nearest one above that holds the schema; a file elsewhere goes by its own name.
    """
    path = path.absolute()
    for folder in path.parents:
        if (folder / SCHEMA).is_file():
            return path.relative_to(folder).with_suffix("").as_posix()
    return path.stem


def load_file(path: Path, shown: str | None = None) -> Section:
    """Returns the section a file holds; raises CatalogueError with every problem it has."""
    return read_section(yamlfile.read(path, shown), section_name(path))


def load(paths: Iterable[Path], *, below: Path | None = None) -> Catalogue:
    """Returns the cases of files and folders, shown relative to `below`; raises CatalogueError with all problems."""
    sources: dict[str, Source] = {}
    files: dict[str, Path] = {}
    problems: list[Problem] = []
    for path in paths:
        for file in _case_files(path):
            shown = file.relative_to(below).as_posix() if below and file.is_relative_to(below) else str(file)
            name = section_name(file)
            if name in files and files[name] != file.resolve():
                problems.append(Problem(shown, 1, 1, f"its ids would be those of {files[name]}; rename one of the two"))
                continue
            files[name] = file.resolve()
            try:
                sources[name] = yamlfile.read(file, shown)
            except CatalogueError as error:
                problems.extend(error.problems)
    try:
        sections = read_all(sources)
    except CatalogueError as error:
        problems.extend(error.problems)
    if problems:
        raise CatalogueError(tuple(problems))
    return Catalogue(sections)


@lru_cache(maxsize=1)
def own() -> Catalogue:
    """Returns the kit's own catalogue, read once."""
    root = specs()
    return load([root], below=root.parent)


@lru_cache(maxsize=1)
def digest() -> str:
    """Returns a digest of the kit's own case files: of the same catalogue, the same."""
    root = specs()
    contents = hashlib.sha256()
    for file in _case_files(root):
        contents.update(f"{file.relative_to(root).as_posix()}\n".encode())
        contents.update(file.read_bytes())
    return contents.hexdigest()[:16]


def _case_files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(file for file in path.rglob("*.yaml") if is_case_file(file))
    if not path.is_file():
        raise InputError(f"{path}: there is no such file or folder")
    return [path]
