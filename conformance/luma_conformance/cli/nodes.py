"""Cases named on the command line of `run`, as pytest's node ids."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from luma_conformance.arguments import RECORDING, is_http_url
from luma_conformance.catalogue import files as casefiles
from luma_conformance.cli.find import advise, split_path
from luma_conformance.errors import InputError
from luma_conformance.model import Case


def list_nodes(word: str) -> Iterator[str]:
    """Yield pytest's node ids for the cases a word names; raise InputError if it names none."""
    if (case := casefiles.find_own(word)) is not None:
        yield f"{casefiles.specs().parent / case.place.file}::{case.slug}"
        return
    if found := casefiles.own().matching(word):
        for file, cases in groupby(found, key=lambda case: case.place.file):
            yield from _whole_or_each(casefiles.specs().parent / file, list(cases))
        return
    if (own := split_path(word)) is not None:
        path, slug = own
        yield f"{path}::{slug}" if slug else str(path)
        return
    if split_path(word.partition("::")[0]) is not None:
        yield word  # a node id of pytest
        return
    if is_http_url(word) or word.startswith(RECORDING):
        raise InputError(f"{word} says what is judged, which stands first: run {word} CASES")
    if word.endswith((".har", ".json")):
        raise InputError(f"{word}: there is no such file; a recording is judged as {RECORDING}{word}")
    catalogue = casefiles.own()
    near = advise(word, [*catalogue.sections, *(case.id for case in catalogue)])
    raise InputError(f"{word!r} is not a URL (http://host:port), a case or a file{near}")


def _whole_or_each(file: Path, cases: list[Case]) -> Iterator[str]:
    """Yield the file if all of its cases are chosen, or else a node id for each case."""
    section = casefiles.own().sections[cases[0].section_id]
    if len(cases) == len(section.cases):
        yield str(file)
    else:
        yield from (f"{file}::{case.slug}" for case in cases)
