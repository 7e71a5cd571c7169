"""The catalogue as a collection: order, look-up by id and pattern, and by the text a case expects."""

from __future__ import annotations

import pytest

from luma_conformance.catalogue.catalogue import Catalogue
from luma_conformance.catalogue.grammar import read_all
from luma_conformance.catalogue.strict_yaml import parse

KEYFRAMES = """\
section: 400 — Invalid keyframes
operation: POST /v1/generations
accepted: {model: ray-3.2}
status: 400
cases:
  - {id: negative-index, title: t, set: {a: 1}, detail: must be non-negative}
  - {id: unknown-model, title: t, set: {a: 1}, detail_like: "Unknown model: {name}"}
"""
LIMIT = """\
section: 429 — Too many
operation: POST /v1/generations
status: 429
cases:
  - {id: negative-index, title: t, request: {body: {}}, detail: must be non-negative}
  - {id: any-text, title: t, request: {body: {}}}
"""
HOLDS = """\
section: Every response
holds:
  - {id: request-id, title: t}
"""


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    """Return two files of cases and one with expectations about every response."""
    files = {"create/400-keyframes": KEYFRAMES, "create/429-limit": LIMIT, "every-response": HOLDS}
    return Catalogue(read_all({name: parse(text, f"{name}.yaml") for name, text in files.items()}))


def test_a_catalogue_lists_its_cases_in_order(catalogue: Catalogue) -> None:
    """Cases come file by file, the control of each first."""
    ids = [case.id for case in catalogue]

    assert len(catalogue) == len(ids) == 5
    assert ids[:2] == ["create/400-keyframes/control", "create/400-keyframes/negative-index"]
    assert [holding.id for holding in catalogue.holdings] == ["request-id"]


def test_a_case_is_found_by_its_id(catalogue: Catalogue) -> None:
    """An id is matched exactly; part of one matches nothing."""
    found = catalogue.get("create/429-limit/any-text")

    assert found is not None
    assert found.slug == "any-text"
    assert catalogue.get("create/429-limit") is None


@pytest.mark.parametrize(
    ("pattern", "count"),
    [
        ("create/400-keyframes/control", 1),
        ("create/400-keyframes", 3),
        ("create/", 5),
        ("*/negative-index", 2),
        ("create/4?0-*/unknown-model", 1),
        ("create/400", 0),
        ("CREATE", 0),
        ("", 0),
    ],
)
def test_a_pattern_matches_an_id_a_folder_or_a_glob(catalogue: Catalogue, pattern: str, count: int) -> None:
    """A whole id, whatever lies below a path, or a glob over whole ids; case matters."""
    assert len(catalogue.matching(pattern)) == count


@pytest.mark.parametrize(
    ("status", "detail", "ids"),
    [
        (400, "must be non-negative", ["create/400-keyframes/negative-index", "create/429-limit/negative-index"]),
        (429, "must be non-negative", ["create/429-limit/negative-index", "create/400-keyframes/negative-index"]),
        (422, "Unknown model: x", ["create/400-keyframes/unknown-model"]),
        (400, "must be positive", []),
    ],
)
def test_cases_are_found_by_the_detail_they_expect(
    catalogue: Catalogue, status: int, detail: str, ids: list[str]
) -> None:
    """Cases of the same status come first; a case that expects no text expects none in particular."""
    assert [case.id for case in catalogue.find_by_detail(status, detail)] == ids
