"""The files that reports name: by where they are in the project, or in the installed package; never absolute."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from luma_conformance.catalogue.files import specs
from luma_conformance.report.result import Results
from luma_conformance.shown import Scrub

_PACKAGE = Path(__file__).resolve().parents[1]


def name_file(path: Path, root: Path) -> str:
    """Return the name of a file in reports: relative to the project's root, or to where the package is installed."""
    path = path.resolve()
    if path.is_relative_to(root.resolve()):
        return path.relative_to(root.resolve()).as_posix()
    for folder, name in ((specs(), f"{_PACKAGE.name}/specs"), (_PACKAGE, _PACKAGE.name)):
        if path.is_relative_to(folder):
            return f"{name}/{path.relative_to(folder).as_posix()}"
    try:
        return Path(os.path.relpath(path, root)).as_posix()
    except ValueError:  # on another drive
        return path.name


def keep_annotatable(results: Results, root: Path, repository: str | None, scrub: Scrub) -> Results:
    """Return results whose verdicts name only files of the repository, as GitHub finds them there."""
    top = Path(repository).resolve() if repository else root.resolve()
    find = _finder(root.resolve(), top)
    return replace(results, verdicts=tuple(replace(one, file=scrub(find(one.file))) for one in results.verdicts))


def _finder(root: Path, top: Path) -> Callable[[str], str]:
    found: dict[str, str] = {"": ""}

    def find(name: str) -> str:
        if name not in found:
            path = (root / name).resolve()
            inside = path.is_relative_to(top) and path.is_file() and "site-packages" not in path.parts
            found[name] = path.relative_to(top).as_posix() if inside else ""
        return found[name]

    return find
