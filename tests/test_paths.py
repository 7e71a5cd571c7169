"""Field paths as the API spells them: parsed, got, put, unset."""

from __future__ import annotations

import copy

import pytest

from luma_conformance.model import ABSENT
from luma_conformance.paths import MAX_LENGTH, PathError, get, parse, put, unset

DOCUMENT = {"prompt": "A sunset", "image_ref": [{"url": "a"}, {"url": "b"}], "video": {"edit": None}}


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("prompt", ("prompt",)),
        ("image_ref[2].url", ("image_ref", 2, "url")),
        ("video.edit.keyframe_indexes[0]", ("video", "edit", "keyframe_indexes", 0)),
        ("a[0][12]", ("a", 0, 12)),
        ("X-Luma-Thing", ("X-Luma-Thing",)),
    ],
)
def test_a_path_is_names_and_indexes(text: str, steps: tuple[str | int, ...]) -> None:
    """Names are joined by dots, indexes stand in brackets."""
    assert parse(text) == steps


@pytest.mark.parametrize(
    "text",
    ["", ".", "a.", ".a", "a..b", "a[", "a[]", "a[-1]", "a[01]", "a[x]", "a b", "a\n", "a.0", "$.a", "a[1]b", "ä"],
)
def test_an_invalid_path_is_refused(text: str) -> None:
    """A text the API would not spell is refused with an example of one it would."""
    with pytest.raises(PathError, match=r"is not a field path; they look like image_ref\[2\].url"):
        parse(text)


@pytest.mark.parametrize("text", ["a" + ".a" * 5_000, f"a[{'9' * 5_000}]"], ids=["steps", "digits"])
def test_a_path_has_a_bound(text: str) -> None:
    """A path without end is refused before anything recurses or overflows on it."""
    with pytest.raises(PathError, match=f"at most {MAX_LENGTH} characters"):
        parse(text)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("prompt", "A sunset"),
        ("image_ref[1].url", "b"),
        ("video.edit", None),
        ("video.edit.deeper", ABSENT),
        ("image_ref[2]", ABSENT),
        ("image_ref.url", ABSENT),
        ("prompt[0]", ABSENT),
        ("nothing", ABSENT),
    ],
)
def test_get_returns_the_value_or_absent(path: str, found: object) -> None:
    """What is not there is ABSENT, which null is not."""
    assert get(DOCUMENT, path) == found


@pytest.mark.parametrize(
    ("document", "path", "value", "changed"),
    [
        ({"a": 1}, "a", 2, {"a": 2}),
        ({}, "a.b.c", 1, {"a": {"b": {"c": 1}}}),
        ({"a": None}, "a.b", 1, {"a": {"b": 1}}),
        ({"a": [1, 2]}, "a[0]", 3, {"a": [3, 2]}),
        ({"a": [1]}, "a[1]", 2, {"a": [1, 2]}),
        ({}, "a[0].url", "x", {"a": [{"url": "x"}]}),
        ({"a": 1}, "a", None, {"a": None}),
    ],
)
def test_put_returns_the_changed_document(document: object, path: str, value: object, changed: object) -> None:
    """Missing parents are made, a list grows by one at its end, and null is a value."""
    assert put(document, path, value) == changed


@pytest.mark.parametrize("path", ["image_ref[3]", "image_ref.url", "prompt.text", "prompt[0]", "new[1]"])
def test_put_refuses_a_path_that_does_not_fit(path: str) -> None:
    """A name in a list, an index in an object, a step into a text and a gap in a list are refused, path named."""
    with pytest.raises(PathError, match="does not fit the document"):
        put(DOCUMENT, path, 1)


@pytest.mark.parametrize(
    ("path", "left"),
    [
        ("prompt", {"image_ref": DOCUMENT["image_ref"], "video": {"edit": None}}),
        ("image_ref[0]", {**DOCUMENT, "image_ref": [{"url": "b"}]}),
        ("image_ref[1].url", {**DOCUMENT, "image_ref": [{"url": "a"}, {}]}),
        ("video.edit", {**DOCUMENT, "video": {}}),
    ],
)
def test_unset_returns_the_document_without_it(path: str, left: object) -> None:
    """A member or an element is removed, and everything around it stays."""
    assert unset(DOCUMENT, path) == left


@pytest.mark.parametrize("path", ["nothing", "image_ref[2]", "image_ref[0].data", "prompt.a"])
def test_unset_refuses_what_is_not_there(path: str) -> None:
    """A case that takes away nothing is an error, not a copy of the control."""
    with pytest.raises(PathError, match="is not in the document, so it cannot be unset"):
        unset(DOCUMENT, path)


def test_documents_are_not_changed() -> None:
    """Neither put nor unset changes the document it is given."""
    before = copy.deepcopy(DOCUMENT)

    put(DOCUMENT, "image_ref[0].url", "z")
    unset(DOCUMENT, "image_ref[0].url")

    assert before == DOCUMENT
