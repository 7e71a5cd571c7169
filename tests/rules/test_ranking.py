"""When several rules are broken, each of their answers is allowed, except those the page ranks below another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from luma_conformance.rules import Kind, MediaFact, Problem, Rejected, predict
from tests.rules import bodies
from tests.rules.bodies import (
    FINE,
    NOWHERE,
    PDF,
    PRIOR,
    TYPED_VIDEO,
    URL_VIDEO,
    edit,
    image,
    ray,
    restyle,
    video,
    without,
)

BAD_DATA = {"data": "not-valid-base64!!!", "media_type": "image/png"}
REFRAME = without(ray("video_reframe"), "aspect_ratio")


def broken(body: object) -> list[str]:
    """Return the ids of the rules whose answers are allowed."""
    prediction = predict(body, media=bodies.look_up)
    assert isinstance(prediction, Rejected), prediction
    return [violation.rule for violation in prediction.violations]


@pytest.mark.parametrize(
    ("body", "allowed"),
    [
        pytest.param(ray("video_reframe", video={"loop": True}), ["reframe-loop"], id="loop on reframe"),
        pytest.param(
            ray("video_reframe", video={"edit": {"strength": "flex_1"}}), ["reframe-edit"], id="edit on reframe"
        ),
        pytest.param(video(end_frame=PRIOR, loop=True), ["extend-loop-backward"], id="backward extend that loops"),
        pytest.param(ray("video", source=PRIOR), ["source-generation-misplaced"], id="generation source on video"),
        pytest.param(ray("video", source=FINE), ["source-on-video"], id="hosted source on video"),
        pytest.param(ray("video", source=TYPED_VIDEO), ["source-on-video"], id="source video on video"),
        pytest.param(image(model="m", aspect_ratio="4:3"), ["unknown-model"], id="ratio of an unknown model"),
        pytest.param(image(type="video", aspect_ratio="7:3"), ["unsupported-type"], id="ratio of an impossible pair"),
        pytest.param(
            image(image_ref=[{**NOWHERE, "data": "!", "media_type": "image/png"}]),
            ["reference-url-and-data"],
            id="form before loading",
        ),
        pytest.param(image(image_ref=[{"data": "!"}]), ["reference-data-untyped"], id="form before decoding"),
        pytest.param(ray("video_edit", source=NOWHERE), ["source-video-untyped"], id="media type before fetching"),
    ],
)
def test_where_the_page_settles_the_order_one_answer_is_allowed(body: object, allowed: list[str]) -> None:
    """Where an example, or a text never seen otherwise, settles the order, that answer alone is allowed."""
    assert broken(body) == allowed


@pytest.mark.parametrize(
    ("body", "allowed"),
    [
        pytest.param({"prompt": "", "model": "m"}, ["unknown-model", "prompt-empty"], id="model and prompt"),
        pytest.param(image(source=PRIOR), ["source-generation-misplaced", "source-on-image"], id="generation on image"),
        pytest.param(without(REFRAME, "source"), ["source-video-missing", "reframe-ratio-missing"], id="bare reframe"),
        pytest.param(
            edit(keyframes=[FINE], keyframe_indexes=[-1, -1]),
            ["keyframes-lengths-differ", "keyframe-index-negative", "keyframe-index-duplicate"],
            id="three mistakes in one array",
        ),
        pytest.param(
            image(style="manga", aspect_ratio="4:3"), ["aspect-ratio-invalid", "manga-not-portrait"], id="manga and 4:3"
        ),
        pytest.param(
            video(hdr=True, resolution="540p", start_frame=PRIOR), ["540p-with-hdr", "extend-hdr"], id="extend in HDR"
        ),
        pytest.param(
            video(end_frame=PRIOR, start_frame=FINE, loop=True),
            ["loop-with-end-frame", "extend-loop-backward", "extend-with-second-frame"],
            id="looping interpolation",
        ),
        pytest.param(
            video(start_frame=PRIOR, end_frame=PRIOR, hdr=True),
            ["extend-hdr", "extend-with-second-frame"],
            id="interpolation in HDR",
        ),
        pytest.param(
            ray("video_reframe", video={"exr_export": True}), ["exr-without-hdr", "reframe-hdr"], id="exr on reframe"
        ),
        pytest.param(
            ray("video_edit", video={"loop": True, "hdr": True}), ["loop-off-video", "loop-with-hdr"], id="loop on edit"
        ),
        pytest.param(
            ray("video_reframe", video={"hdr": True, "resolution": "540p"}),
            ["540p-with-hdr", "reframe-hdr"],
            id="HDR at 540p on reframe",
        ),
        pytest.param({"prompt": "", "image_ref": [BAD_DATA]}, ["prompt-empty", "base64-invalid"], id="400 and 422"),
        pytest.param(
            image(image_ref=[NOWHERE, BAD_DATA]), ["base64-invalid", "url-unreachable"], id="two bad references"
        ),
        pytest.param(image(source=NOWHERE), ["source-on-image", "url-unreachable"], id="a source that is not wanted"),
        pytest.param(
            ray("video_edit", image_ref=[PDF]),
            ["image-ref-on-video-edit", "url-not-an-image"],
            id="unwanted references",
        ),
        pytest.param(
            restyle(source=FINE, image_ref=[NOWHERE, *[FINE] * 8]),
            ["edit-references-too-many", "url-unreachable"],
            id="one of too many",
        ),
    ],
)
def test_elsewhere_every_broken_rule_may_be_answered(body: object, allowed: list[str]) -> None:
    """Where the page says nothing of the order, each broken rule may be the one that answers, in page order here."""
    assert broken(body) == allowed


def test_every_bad_element_may_be_named() -> None:
    """Any of several faulty references may be the one that is named."""
    prediction = predict(image(image_ref=[{"data": "x"}, FINE, {"data": "y"}]))
    assert isinstance(prediction, Rejected)
    assert [violation.path for violation in prediction.violations] == ["image_ref[0]", "image_ref[2]"]
    assert prediction.allows(400, "image_ref[2]: 'media_type' is required with 'data'")
    assert not prediction.allows(400, "image_ref[1]: 'media_type' is required with 'data'")


def test_media_are_looked_up_only_where_a_server_may_load_them() -> None:
    """A reference that is refused before loading is never looked up."""
    asked: list[Any] = []

    def note(ref: Any) -> Any:
        asked.append(ref)
        return bodies.look_up(ref)

    predict(ray("video_edit", source=FINE, image_ref=[{"data": "x"}, NOWHERE]), media=note)
    assert asked == [NOWHERE]


@pytest.mark.parametrize("body", [image(source=TYPED_VIDEO), ray("video", source=TYPED_VIDEO)])
def test_a_video_as_a_source_that_is_not_wanted_may_be_called_no_image(body: object) -> None:
    """A server that loads media first finds no image there; what is an image may not be called none."""
    prediction = predict(body, media=_look_up_kind)
    assert isinstance(prediction, Rejected)
    assert prediction.allows(422, "source: content-type is not an image")
    for right in (image(source=FINE), ray("video", source=FINE)):
        other = predict(right, media=_look_up_kind)
        assert isinstance(other, Rejected)
        assert not other.allows(422, "source: content-type is not an image")


def test_an_unwanted_url_that_is_not_known_may_be_a_422_of_any_kind() -> None:
    """Where nobody knows what an unwanted URL leads to, a server that fetches it first may say what it found."""
    prediction = predict(image(source=FINE), media=lambda _: MediaFact(problem=Problem.UNDECIDED))
    assert isinstance(prediction, Rejected)
    assert [violation.status for violation in prediction.violations] == [400, 422]
    assert prediction.allows(422, "source: failed to fetch URL (HTTP 404)")
    assert not prediction.allows(400, "source: failed to fetch URL (HTTP 404)")


def _look_up_kind(ref: Mapping[str, object]) -> MediaFact:
    return MediaFact(kind=Kind.VIDEO if ref["url"] == URL_VIDEO["url"] else Kind.IMAGE)
