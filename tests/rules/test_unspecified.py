"""What the page leaves open is unspecified, with a reason, even beside a fault the page does describe."""

from __future__ import annotations

import pytest

from luma_conformance.rules import Accepted, Kind, MediaFact, Problem, Rejected, Unspecified, inline_only, predict
from tests.rules.bodies import FINE, ID, PRIOR, SUNSET, TINY_PNG, TYPED_VIDEO, edit, image, ray, restyle, video

PNG = {"data": TINY_PNG, "media_type": "image/png"}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (None, "the body is not an object"),
        ([], "the body is not an object"),
        ({}, "prompt is missing"),
        ({"prompt": None}, "prompt is not a string"),
        (image(seed=1), "seed is not a field the page knows"),
        (image(type="layering"), "type is not a value the page knows"),
        (image(type=["image"]), "type is not a value the page knows"),
        (image(model=None), "model is not a string"),
        (image(model=""), "model is not a value"),
        (image(model="a\nb"), "model is not a value"),
        (image(aspect_ratio="it's"), "aspect_ratio is not a value"),
        (image(style="noir"), "style is not a value"),
        (image(output_format="gif"), "output_format is not a value"),
        (image(web_search="yes"), "web_search is not a boolean"),
        (image(user_id="x" * 257), "user_id is longer"),
        (image(image_ref=[FINE, None]), "image_ref[1] is not an object"),
        (image(image_ref=[{"url": "http://example.com/a.jpg"}]), "image_ref[0].url is not an https URL"),
        (image(image_ref=[{"file_id": ID}]), "image_ref[0].file_id is not a field"),
        (restyle(source={"generation_id": "not-a-uuid"}), "source.generation_id is not a UUID"),
        (video(resolution="360p"), "video.resolution is not a value"),
        (video(duration="7s"), "video.duration is not a value"),
        (video(keyframes=[FINE]), "video.keyframes is not a field"),
        (video(guide_frame=FINE), "video.guide_frame is not a field"),
        (video(loop=1), "video.loop is not a boolean"),
        (edit(keyframes=[FINE], keyframe_indexes=[True]), "video.edit.keyframe_indexes[0] is not an integer"),
        (image(image_ref={}), "image_ref is not an array"),
        (edit(controls={"depth": {"blur": "0.5"}}), "video.edit.controls.depth.blur is not a number"),
        (edit(controls={"depth": {"blur": 1.5}}), "video.edit.controls.depth.blur is out of range"),
        (ray("video_reframe", video={"source_position": {"x_norm": 0}}), "video.source_position.y_norm is missing"),
    ],
)
def test_a_body_of_another_shape_is_unspecified(body: object, reason: str) -> None:
    """A body that does not have the shape the page presumes is unspecified, and the reason names the field."""
    prediction = predict(body)
    assert isinstance(prediction, Unspecified)
    assert prediction.reason.startswith(reason)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"prompt": " \n"}, id="blank prompt"),
        pytest.param({"prompt": "\U0001f30a" * 4000}, id="6000 characters or UTF-16 units"),
        pytest.param({"prompt": "a" * 6000 + " "}, id="6000 when trimmed"),
        pytest.param({"prompt": "\ud800"}, id="half a surrogate pair"),
        pytest.param(restyle(aspect_ratio="4:3"), id="foreign ratio on image_edit"),
        pytest.param(ray("video_edit", aspect_ratio="2:1"), id="foreign ratio on video_edit"),
        pytest.param(restyle(style="manga"), id="manga on an edit"),
        pytest.param(ray("video", web_search=True), id="web search on video"),
        pytest.param(ray("video", output_format="png"), id="output format on video"),
        pytest.param(ray("video", image_ref=[FINE]), id="references on video"),
        pytest.param(ray("video_reframe", image_ref=[FINE]), id="references on reframe"),
        pytest.param(ray("video_edit", image_ref=[]), id="no references, said aloud, on video_edit"),
        pytest.param(image(image_ref=[FINE] * 10), id="ten references"),
        pytest.param(image(video={}), id="video options on an image"),
        pytest.param(image(type="video", video={"loop": True}), id="video options on an image model"),
        pytest.param(ray("video_edit", video={"end_frame": FINE}), id="end frame on an edit"),
        pytest.param(ray("video_edit", video={"duration": "5s"}), id="duration on an edit"),
        pytest.param(ray("video_edit", video={"loop": False}), id="loop false on an edit"),
        pytest.param(ray("video_reframe", video={"hdr": False}), id="hdr false on a reframe"),
        pytest.param(ray("video_edit", video={"hdr": True, "resolution": "540p"}), id="540p HDR edit"),
        pytest.param(ray("video_edit", video={"exr_export": True}), id="EXR edit without HDR"),
        pytest.param(video(hdr=True, start_frame=FINE), id="HDR with an anchor"),
        pytest.param(edit(), id="empty edit"),
        pytest.param(edit(auto_controls=True, controls={}), id="empty controls"),
        pytest.param(edit(keyframes=[], keyframe_indexes=[]), id="empty keyframes"),
        pytest.param(edit(auto_controls=True, strength="flex_1"), id="auto controls and strength"),
        pytest.param(edit(keyframes=[FINE] * 65, keyframe_indexes=list(range(65))), id="65 keyframes"),
        pytest.param(edit(keyframes=[FINE], keyframe_indexes=[120]), id="an index beyond the clip"),
        pytest.param(image(prompt="\ufeff"), id="a prompt of a byte order mark"),
        pytest.param(image(prompt="\u3000\n"), id="a prompt of other blanks"),
        pytest.param(image(prompt="a\0b"), id="a prompt with a control character"),
        pytest.param(image(prompt="é" * 3001), id="a prompt of more than 6000 bytes"),
        pytest.param(image(user_id="é" * 129), id="a user_id of more than 256 bytes"),
        pytest.param(image(user_id="a\0"), id="a user_id with a control character"),
        pytest.param(image(image_ref=[{}]), id="a reference to nothing"),
        pytest.param(restyle(source={**FINE, **PRIOR}), id="url and generation_id"),
        pytest.param(image(image_ref=[PRIOR]), id="generation as a reference"),
        pytest.param(ray("video_edit", video={"start_frame": PRIOR}), id="generation as a guide frame"),
        pytest.param(image(image_ref=[TYPED_VIDEO]), id="video as a reference"),
        pytest.param(ray("video_edit", source={**TYPED_VIDEO, "media_type": "Video/MP4"}), id="capital letters"),
        pytest.param(image(image_ref=[{**PNG, "data": "aGk="}]), id="inline data that is no image"),
        pytest.param(image(image_ref=[{**PNG, "data": TINY_PNG.rstrip("=")}]), id="missing padding"),
        pytest.param(image(image_ref=[{**PNG, "data": f"data:image/png;base64,{TINY_PNG}"}]), id="a data: URI"),
    ],
)
def test_a_body_on_which_the_page_is_silent_is_unspecified(body: object) -> None:
    """A body that runs into something the page leaves open is unspecified, and stays so beside a fault."""
    assert isinstance(predict(body), Unspecified)
    if isinstance(body, dict) and body["prompt"] == SUNSET:
        assert isinstance(predict({**body, "prompt": ""}), Unspecified)


@pytest.mark.parametrize(
    ("body", "broken"),
    [
        (image(prompt="", image_ref=[{}]), ("prompt-empty",)),
        (image(model="ray-3.2", output_format="png"), ("unsupported-type",)),
        (image(type="image_edit", model="ray-3.2", source=FINE, web_search=True), ("unsupported-type",)),
        (image(model="ray-3.2", image_ref=[FINE], style="manga", aspect_ratio="9:16"), ("unsupported-type",)),
        (image(type="video", video={"hdr": True, "resolution": "540p"}), ("unsupported-type",)),
        (ray("video", image_ref=[{**FINE, "data": TINY_PNG}], prompt=""), ("prompt-empty",)),
        (ray("video_edit", source=None, video={"end_frame": FINE, "loop": True}), ("source-video-missing",)),
        (edit(keyframes=[], keyframe_indexes=[0, 0]), ()),
        (ray("video_edit", video={"hdr": True, "resolution": "540p"}), ()),
        (image(prompt=" " * 7000), ()),
        (restyle(style="manga", image_ref=[{"url": FINE["url"], **PNG}]), ("reference-url-and-data",)),
        ({"prompt": "", "unheard_of": 1}, ()),
    ],
)  # fmt: skip
def test_a_rule_about_another_field_than_what_is_open_is_broken_all_the_same(
    body: object, broken: tuple[str, ...]
) -> None:
    """What a body breaks whatever is said of the open field is told; nothing that it may turn out not to break."""
    prediction = predict(body)

    assert isinstance(prediction, Unspecified)
    assert prediction.broken == broken


@pytest.mark.parametrize(
    ("body", "fact"),
    [
        pytest.param(
            restyle(source=PRIOR), MediaFact(problem=Problem.UNREACHABLE), id="a generation that is not there"
        ),
        pytest.param(restyle(source=PNG), MediaFact(problem=Problem.NOT_AN_IMAGE), id="inline data of another kind"),
        pytest.param(restyle(source=FINE), MediaFact(problem=Problem.BAD_BASE64), id="a URL's base64"),
        pytest.param(restyle(source=FINE), MediaFact(problem=Problem.HTTP_ERROR), id="an HTTP error without a status"),
        pytest.param(restyle(source=FINE), MediaFact(problem=Problem.UNDECIDED), id="a lookup that does not know"),
        pytest.param(ray("video_edit", source=TYPED_VIDEO), MediaFact(bytes=60 * 1024 * 1024), id="a 60 MB video"),
        pytest.param(ray("video_edit", source=TYPED_VIDEO), MediaFact(problem=Problem.NOT_AN_IMAGE), id="not a video"),
        pytest.param(
            edit(keyframes=[FINE], keyframe_indexes=[0]), MediaFact(width=9000, height=1), id="a guide frame too wide"
        ),
    ],
)
def test_media_the_page_does_not_mention_are_unspecified(body: object, fact: MediaFact) -> None:
    """What a lookup finds is unspecified where the page has no text for it in that place."""
    assert isinstance(predict(body, media=lambda _: fact), Unspecified)


@pytest.mark.parametrize(
    "body",
    [
        image(aspect_ratio=None, output_format=None, source=None, video=None, user_id=None),
        image(style="auto", type="image", web_search=False),
        ray("video", style="auto", web_search=False),
        image(image_ref=[], output_format="jpeg", user_id="u" * 256, web_search=True),
        restyle(aspect_ratio="16:9"),
        ray("video_edit", aspect_ratio="21:9", video={"resolution": "540p", "hdr": False}),
        video(),
        image(prompt="line one\n\tline two — \u202eהים"),
        video(loop=False, hdr=False, exr_export=False, resolution="1080p", duration="10s"),
        image(image_ref=[PNG] * 9),
        ray("video_edit", source={"data": "AAAA", "media_type": "video/mp4"}),
    ],
)
def test_documented_values_are_accepted(body: object) -> None:
    """Documented fields at documented values, and an explicit null where the schema allows it, are accepted."""
    assert predict(body) == Accepted()


def test_a_prompt_is_judged_where_all_units_of_length_agree() -> None:
    """A prompt that is too long, or short enough, in every unit is judged, whatever the alphabet."""
    assert isinstance(predict({"prompt": "é" * 6001}), Rejected)
    assert predict({"prompt": "é" * 3000}) == Accepted()


@pytest.mark.parametrize(
    ("ref", "problem"),
    [
        (FINE, None),
        (PRIOR, None),
        (PNG, None),
        ({"data": "/9j/", "media_type": "image/jpeg"}, None),
        ({"data": "UklGRgAAAABXRUJQ", "media_type": "image/webp"}, None),
        ({"data": "not-valid-base64!!!", "media_type": "image/png"}, Problem.BAD_BASE64),
        ({"data": "é", "media_type": "image/png"}, Problem.BAD_BASE64),
        ({"data": "aGk=\n", "media_type": "image/png"}, Problem.UNDECIDED),
        ({"data": "aGk=", "media_type": "image/png"}, Problem.UNDECIDED),
    ],
)
def test_inline_data_is_judged_by_its_base64(ref: dict[str, object], problem: Problem | None) -> None:
    """The default lookup tells good base64 from bad, and leaves open what only some decoders accept."""
    assert inline_only(ref).problem is problem


def test_inline_data_has_its_decoded_length() -> None:
    """The length the cap is about is the decoded one."""
    assert inline_only({"data": "R0lGODlh", "media_type": "image/gif"}).bytes == 6


@pytest.mark.parametrize(
    ("body", "right"),
    [
        pytest.param(restyle(source=PRIOR), Kind.IMAGE, id="source of an image edit"),
        pytest.param(ray("video_edit"), Kind.VIDEO, id="source of a video edit"),
        pytest.param(ray("video_reframe"), Kind.VIDEO, id="source of a reframe"),
        pytest.param(video(start_frame=PRIOR), Kind.VIDEO, id="forward extend"),
        pytest.param(video(end_frame=PRIOR), Kind.VIDEO, id="backward extend"),
        pytest.param(restyle(source=FINE), Kind.IMAGE, id="hosted source of an image edit"),
        pytest.param(image(image_ref=[FINE]), Kind.IMAGE, id="hosted reference"),
        pytest.param(video(start_frame=FINE), Kind.IMAGE, id="hosted frame"),
        pytest.param(ray("video_edit", source=TYPED_VIDEO), Kind.VIDEO, id="hosted source video"),
    ],
)
def test_a_medium_is_judged_where_it_is_of_the_kind_its_field_asks_for(body: dict[str, object], right: Kind) -> None:
    """The right kind is accepted, and refused for other faults; of the wrong or an unknown kind nothing is said."""
    (wrong,) = set(Kind) - {right}
    faulty = {**body, "prompt": ""}

    assert predict(body, media=lambda _: MediaFact(kind=right)) == Accepted()
    assert isinstance(predict(faulty, media=lambda _: MediaFact(kind=right)), Rejected)
    for one in (body, faulty):
        assert isinstance(predict(one, media=lambda _: MediaFact(kind=wrong)), Unspecified)
        assert isinstance(predict(one, media=lambda _: MediaFact(problem=Problem.UNDECIDED)), Unspecified)


@pytest.mark.parametrize("body", [image(source=PRIOR), ray("video", source=PRIOR)], ids=["image", "video"])
def test_a_generation_where_none_belongs_is_refused_whatever_it_made(body: object) -> None:
    """A source of generation_id on the wrong type is refused for its place, unless the id itself is unknown."""
    for kind in Kind:
        assert isinstance(predict(body, media=lambda _, kind=kind: MediaFact(kind=kind)), Rejected)  # type: ignore[misc]
    assert isinstance(predict(body, media=lambda _: MediaFact(problem=Problem.UNDECIDED)), Unspecified)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(image(image_ref=[{**PNG, "media_type": "image/jpeg"}]), id="a PNG declared a JPEG"),
        pytest.param(ray("video_edit", source={**PNG, "media_type": "video/mp4"}), id="a PNG declared a video"),
    ],
)
def test_inline_data_that_is_not_what_it_is_declared_to_be_is_unspecified(body: object) -> None:
    """What a server does with a media_type that contradicts the bytes is not said."""
    assert isinstance(predict(body), Unspecified)
