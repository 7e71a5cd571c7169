"""Finding and reading case files: the kit's own catalogue, or anyone else's."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from luma_conformance.catalogue import strict_yaml as yamlfile
from luma_conformance.catalogue.catalogue import Catalogue
from luma_conformance.catalogue.grammar import Section, read_all, read_section
from luma_conformance.errors import CatalogueError, InputError, Problem
from luma_conformance.reading.document import Source

SCHEMA = "case-file.schema.json"
"""The name of the schema; a file that names it in its first line declares itself a case file."""

_PACKAGE = Path(__file__).resolve().parents[1]


def specs() -> Path:
    """Return the folder of the kit's own catalogue: inside the installed package, or beside it in a checkout."""
    inside = _PACKAGE / "specs"
    return inside if inside.is_dir() else _PACKAGE.parents[1] / "specs"


def is_case_file(path: Path) -> bool:
    """Return whether a file declares itself a case file."""
    try:
        with path.open("rb") as file:
            return SCHEMA.encode() in file.readline(500)
    except OSError:
        return False


def section_name(path: Path) -> str:
    """Return the first part of the ids of a file's cases: its path in its catalogue, such as `create/400-keyframes`.

    The catalogue's folder is the nearest folder above the file that contains the schema; elsewhere it is the file's own
    name.
    """
    path = path.absolute()
    for folder in path.parents:
        if (folder / SCHEMA).is_file():
            return path.relative_to(folder).with_suffix("").as_posix()
    return path.stem


def load_file(path: Path, shown: str | None = None) -> Section:
    """Return the section in a file; raise CatalogueError with every problem of the file."""
    return read_section(yamlfile.read(path, shown), section_name(path))


def load(paths: Iterable[Path], *, below: Path | None = None) -> Catalogue:
    """Return the cases of files and folders; raise CatalogueError with every problem of all of them.

    Messages show file names relative to `below`.
    """
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
    """Return the kit's own catalogue, which is read once."""
    root = specs()
    return load([root], below=root.parent)


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
    if not path.is_file():
        raise InputError(f"{path}: there is no such file or folder")
    return [path]
