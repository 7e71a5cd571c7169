"""Legal requests: each is accepted, and between them they have every legal value of every optional field."""

from __future__ import annotations

from functools import cache
from itertools import product
from typing import Any

import pytest

from luma_conformance import paths
from luma_conformance.model import ABSENT
from luma_conformance.properties.fuzzing import Fuzzing
from luma_conformance.properties.luma_target import begin
from luma_conformance.rules import Accepted, facts
from luma_conformance.session.open import Options, open_session
from luma_conformance.strategies import KINDS, Body, Material
from luma_conformance.strategies.legal import list_legal


@cache
def material() -> Material:
    """Return what the reference offers."""
    return begin(open_session(Options()), Fuzzing()).material


@cache
def legal(kind: str) -> tuple[Body, ...]:
    """Return the requests of a type."""
    return tuple(list_legal(kind, material()))


def values(kind: str, path: str) -> list[Any]:
    """Return the values of a field in the requests of a type, with those in which it is left out."""
    return [paths.get(body, path) for body in legal(kind)]


@pytest.mark.parametrize("kind", KINDS)
def test_each_is_accepted(kind: str) -> None:
    """The rules find nothing in any of them, and they are few."""
    assert {type(material().predict(body)) for body in legal(kind)} == {Accepted}
    assert len(legal(kind)) <= 72


@pytest.mark.parametrize(
    ("kind", "path", "legal_values"),
    [
        ("image", "aspect_ratio", (ABSENT, None, *facts.IMAGE_RATIOS)),
        ("image", "output_format", (ABSENT, None, *facts.OUTPUT_FORMATS)),
        ("image", "style", (ABSENT, *facts.STYLES)),
        ("image_edit", "aspect_ratio", (ABSENT, None, *facts.IMAGE_RATIOS)),
        ("image_edit", "model", (ABSENT, "uni-1", "uni-1-max")),
        ("video", "video.duration", (ABSENT, *facts.DURATIONS)),
        ("video", "video.loop", (ABSENT, False, True)),
        ("video_edit", "video.edit.strength", (ABSENT, *facts.STRENGTHS)),
        ("video_edit", "video.resolution", (ABSENT, *facts.RESOLUTIONS)),
        ("video_reframe", "video.resolution", (ABSENT, *facts.RESOLUTIONS)),
    ],
)
def test_each_value_of_a_field_occurs(kind: str, path: str, legal_values: tuple[object, ...]) -> None:
    """No value that the page names is left out, nor that the field is."""
    assert [value for value in legal_values if value not in values(kind, path)] == []


@pytest.mark.parametrize(("kind", "most"), [("image", 9), ("image_edit", 8)])
def test_each_number_of_references_occurs(kind: str, most: int) -> None:
    """From none to the most there may be."""
    assert {len(value) for value in values(kind, "image_ref") if value is not ABSENT} == {*range(most + 1)}


@pytest.mark.parametrize("kind", ["video", "video_edit", "video_reframe"])
def test_each_ratio_meets_each_resolution(kind: str) -> None:
    """Only one pair is refused, and in a reframe alone: no other may be."""
    met = {*zip(values(kind, "aspect_ratio"), values(kind, "video.resolution"), strict=True)}
    refused = {*product(facts.VERTICAL_REFRAME_RATIOS, ["1080p"])} if kind == "video_reframe" else set()

    assert {*product(facts.VIDEO_RATIOS, facts.RESOLUTIONS)} - met == refused


@pytest.mark.parametrize("kind", ["video_edit", "video_reframe"])
def test_a_source_video_comes_in_each_form(kind: str) -> None:
    """By URL, inline and by generation."""
    assert {next(iter(source)) for source in values(kind, "source")} == {"url", "data", "generation_id"}


def test_what_is_not_offered_is_not_asked_for() -> None:
    """Without URLs and generations there are requests all the same, and none refers to either."""
    bare = Material(image_url=None, video_url=None)

    for kind in ("image", "image_edit", "video"):
        made = [*list_legal(kind, bare)]
        assert made
        assert "https" not in str(made)
