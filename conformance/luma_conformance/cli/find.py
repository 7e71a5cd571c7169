"""Cases named on the command line: by an id of the kit's own catalogue, or by a case file of the user's."""

from __future__ import annotations

import os
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

from luma_conformance.catalogue import files as casefiles
from luma_conformance.errors import InputError
from luma_conformance.model import Case


def find_cases(pattern: str) -> tuple[Case, ...]:
    """Return the cases a pattern names; raise InputError, with similar names, if there is none.

    The kit's own catalogue comes first: a folder of the user's that is called `create` is written `./create`.
    """
    catalogue = casefiles.own()
    if found := catalogue.matching(pattern):
        return found
    if (own := split_path(pattern)) is not None:
        return _cases_in(*own)
    near = advise(pattern, [*catalogue.sections, *(case.id for case in catalogue)])
    raise InputError(f"no case matches {pattern!r}{near or '; `luma-conformance list` lists every case'}")


def split_path(word: str) -> tuple[Path, str] | None:
    """Return the file or folder that `PATH` or `PATH#SLUG` names, and the slug; None where there is no such path."""
    if not word or "\0" in word:
        return None
    path, _, slug = word.rpartition("#")
    for there, rest in ((word, ""), (path, slug)):
        if there and os.path.exists(there):  # which, unlike Path's, takes a name that is too long
            return Path(there), rest
    return None


def _cases_in(path: Path, slug: str) -> tuple[Case, ...]:
    """Return the cases in a file or folder, or the one with a slug."""
    cases = tuple(casefiles.load([path], below=Path.cwd(), own_roles=None))
    if not cases:
        raise InputError(f"no case files in {path}; the first line of a case file names {casefiles.SCHEMA}")
    found = tuple(case for case in cases if slug in ("", case.slug))
    if not found:
        near = advise(slug, [case.slug for case in cases])
        raise InputError(f"{path} has no case {slug!r}{near or f'; `luma-conformance list {path}` lists its cases'}")
    return found


def advise(name: str, known: Iterable[str]) -> str:
    """Return advice: the shortest three names that contain one, or else the most similar."""
    known = list(known)
    inside = sorted((other for other in known if name and name.lower() in other.lower()), key=len)
    near = inside[:3] or get_close_matches(name, known, n=3, cutoff=0.5)
    return f"; near it: {', '.join(near)}" if near else ""
