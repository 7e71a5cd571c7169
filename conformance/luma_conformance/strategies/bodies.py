"""Strategies for requests that are accepted: every model and type, every combination of options the page allows."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from hypothesis import strategies as st

from luma_conformance.rules import facts
from luma_conformance.strategies.material import VIDEO_TYPE, Material

Body = dict[str, Any]
Bodies = st.SearchStrategy[Body]

KINDS: Final = facts.TYPES
"""The five generation types of the page."""

LONG_PROMPTS: Final = (
    "a" * 5999,
    "a" * 6000,
    "é" * 3000,
    "夜明けの港" * 400,
    "🌅" * 1500,  # beyond the BMP
    "e\u0301" * 2000,  # combining marks
)
"""Prompts of up to 6000 characters in any unit, bytes too, and of far more in the escapes of JSON."""

_PROMPTS: Final = st.one_of(
    st.sampled_from(("A sunset over the ocean", "x", "🌅", "ה־ים בזריחה", "line one\nline two", *LONG_PROMPTS)),
    st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=24).map(lambda text: f"a{text}"),
)


def prompts() -> st.SearchStrategy[str]:
    """Return prompts of 1 to 6000 characters in many scripts ("Prompt too short", "Prompt too long")."""
    return _PROMPTS


@cache
def images(material: Material) -> Bodies:
    """Return references to an image that loads: by URL, or inline in each accepted format."""
    inline = st.sampled_from([{"data": data, "media_type": media_type} for media_type, data in material.images])
    if material.image_url is None:
        return inline
    hosted = [{"url": material.image_url}]
    if material.image_type is not None:
        hosted.append({"url": material.image_url, "media_type": material.image_type})
    return st.sampled_from(hosted) | inline


@cache
def source_videos(material: Material) -> Bodies:
    """Return references to a source video: by URL with its media type, or a completed generation."""
    choices: list[Body] = []
    if material.video_url is not None:
        choices.append({"url": material.video_url, "media_type": VIDEO_TYPE})
    if material.completed_video is not None:
        choices.append({"generation_id": material.completed_video})
    return st.sampled_from(choices)


@cache
def plain_requests(kind: str, material: Material) -> Bodies:
    """Return accepted requests of a type without any video option; faults are added to them."""
    optional: dict[str, st.SearchStrategy[Any]] = {"user_id": st.sampled_from((None, "user-42", "u" * 256))}
    if kind in facts.IMAGE_TYPES:
        required: dict[str, st.SearchStrategy[Any]] = {
            "prompt": prompts(),
            **({"type": st.just(kind)} if kind != facts.DEFAULT_TYPE else {}),
        }
        optional |= {"model": st.sampled_from(("uni-1", "uni-1-max"))}
        optional |= {"output_format": st.sampled_from((None, *facts.OUTPUT_FORMATS)), "web_search": st.booleans()}
        if kind == "image":
            optional["type"] = st.just(kind)
        else:
            required["source"] = _image_sources(material)
        return st.fixed_dictionaries(required, optional=optional)
    required = {"model": st.just("ray-3.2"), "type": st.just(kind), "prompt": prompts()}
    if kind != "video":
        required["source"] = source_videos(material)
    if kind == "video_reframe":
        required["aspect_ratio"] = st.sampled_from(facts.VIDEO_RATIOS)
    optional["style"] = st.just("auto")
    return st.fixed_dictionaries(required, optional=optional)


@cache
def valid(kind: str, material: Material = Material()) -> Bodies:
    """Return requests of a type that the page gives no reason to refuse, with options that go together."""
    if kind == "image":
        return _valid_images(material)
    if kind == "image_edit":
        refs = st.lists(images(material), max_size=facts.MAX_EDIT_REFERENCES)
        ratios = st.sampled_from((None, *facts.IMAGE_RATIOS))
        return _add_options(plain_requests(kind, material), {"image_ref": refs, "aspect_ratio": ratios})
    options = {"video": _create_options, "video_edit": _edit_options, "video_reframe": _reframe_options}[kind]
    extra: dict[str, st.SearchStrategy[Any]] = {"video": st.none() | options(material)}
    if kind == "video_reframe":
        return _add_options(plain_requests(kind, material), extra).map(_make_landscape_at_1080p)
    extra["aspect_ratio"] = st.sampled_from((None, *facts.VIDEO_RATIOS))
    return _add_options(plain_requests(kind, material), extra)


@cache
def valid_requests(material: Material = Material()) -> Bodies:
    """Return accepted requests of every model and type the material serves.

    >>> from hypothesis import given
    >>> from luma_conformance import Accepted, predict, valid_requests
    >>> @given(valid_requests())
    ... def test_nothing_is_wrong_with_them(body):
    ...     assert isinstance(predict(body), Accepted)
    >>> test_nothing_is_wrong_with_them()
    """
    return st.sampled_from(available_kinds(material)).flatmap(lambda kind: valid(kind, material))


def available_kinds(material: Material) -> tuple[str, ...]:
    """Return the types the material is sufficient for: editing and reframing need a source video."""
    return KINDS if material.missing("video-source") is None else (*facts.IMAGE_TYPES, "video")


def _add_options(bodies: Bodies, optional: dict[str, st.SearchStrategy[Any]]) -> Bodies:
    return st.builds(lambda body, more: {**body, **more}, bodies, st.fixed_dictionaries({}, optional=optional))


@cache
def _image_sources(material: Material) -> Bodies:
    if material.completed_image is None:
        return images(material)
    return images(material) | st.just({"generation_id": material.completed_image})


def _valid_images(material: Material) -> Bodies:
    refs = {"image_ref": st.lists(images(material), max_size=facts.MAX_IMAGE_REFERENCES), "source": st.none()}
    styled = {"style": st.just("auto"), "aspect_ratio": st.sampled_from((None, *facts.IMAGE_RATIOS))}
    manga = {"style": st.just("manga")}
    portrait = {"aspect_ratio": st.sampled_from((None, *facts.PORTRAIT_RATIOS))}
    drawn = st.builds(
        lambda body, style: {**body, **style},
        plain_requests("image", material),
        st.fixed_dictionaries(manga, optional=portrait),
    )
    return _add_options(_add_options(plain_requests("image", material), styled) | drawn, refs)


def _create_options(material: Material) -> Bodies:
    resolution, anchor = st.sampled_from(facts.RESOLUTIONS), images(material)
    off: dict[str, st.SearchStrategy[Any]] = {"hdr": st.just(value=False), "exr_export": st.just(value=False)}
    short: dict[str, st.SearchStrategy[Any]] = {"resolution": resolution, "duration": st.just("5s"), **off}
    choices = [
        st.fixed_dictionaries({}, optional={**short, "duration": st.sampled_from(facts.DURATIONS)}),
        st.fixed_dictionaries({}, optional={**short, "loop": st.booleans()}),
        st.fixed_dictionaries({"start_frame": anchor}, optional={**short, "loop": st.booleans()}),
        st.fixed_dictionaries({"end_frame": anchor}, optional={**short, "start_frame": anchor}),
    ]
    if material.completed_video is not None:
        prior = st.just({"generation_id": material.completed_video})
        choices.append(st.fixed_dictionaries({"start_frame": prior}, optional={**short, "loop": st.booleans()}))
        choices.append(st.fixed_dictionaries({"end_frame": prior}, optional={**short, "loop": st.just(value=False)}))
    if "hdr-access" in material.offers:
        choices.append(hdr_options())
    return st.one_of(choices)


@cache
def hdr_options() -> Bodies:
    """Return video options with HDR: 720p or 1080p, 5 s, with or without EXR, no loop."""
    required = {"hdr": st.just(value=True)}
    resolution, duration = st.sampled_from(("720p", "1080p")), st.just("5s")
    return st.fixed_dictionaries(
        required,
        optional={
            "resolution": resolution, "duration": duration, "exr_export": st.booleans(), "loop": st.just(value=False)
        },
    )  # fmt: skip


def _edit_options(material: Material) -> Bodies:
    resolution = {"resolution": st.sampled_from(facts.RESOLUTIONS)}
    return st.one_of(
        st.fixed_dictionaries({}, optional={**resolution, "start_frame": images(material)}),
        st.fixed_dictionaries({"edit": edits(material)}, optional=resolution),
    )


@cache
@st.composite
def edits(draw: st.DrawFn, material: Material) -> Body:
    """Draw a video.edit block: automatic or manual, with or without guide frames."""
    chosen: Body = draw(st.sampled_from(({"auto_controls": True}, {"auto_controls": False}, {})))
    edit = dict(chosen)
    if edit.get("auto_controls") is not True:
        edit["strength"] = draw(st.sampled_from(facts.STRENGTHS))
        edit |= draw(st.fixed_dictionaries({}, optional={"controls": controls()}))
    if draw(st.booleans()):
        edit |= draw(guide_frames(material))
    return edit


@cache
def controls() -> Bodies:
    """Return video.edit.controls with at least one signal."""
    share, enabled = st.sampled_from((0, 0.5, 1)), st.booleans()
    signals: dict[str, Bodies] = {
        "depth": st.fixed_dictionaries({"enabled": enabled}, optional={"blur": share}),
        "face": st.fixed_dictionaries({"enabled": enabled}),
        "pose": st.fixed_dictionaries(
            {"enabled": enabled}, optional={"strength": st.sampled_from(("precise", "coarse"))}
        ),
    }
    return st.sampled_from(tuple(signals)).flatmap(lambda name: st.fixed_dictionaries({name: signals[name]}))


@cache
@st.composite
def guide_frames(draw: st.DrawFn, material: Material, *, at_least: int = 1) -> Body:
    """Draw keyframes and keyframe_indexes: of equal length, the indexes distinct and within the shortest clip."""
    indexes = draw(st.lists(st.integers(0, 119), min_size=at_least, max_size=5, unique=True))
    return {"keyframes": [draw(images(material)) for _ in indexes], "keyframe_indexes": indexes}


def _reframe_options(_: Material) -> Bodies:
    norm, extent = st.sampled_from((-2.0, 0, 0.25, 2.0)), st.sampled_from((0.1, 1, 2.0))
    position = st.fixed_dictionaries({"x_norm": norm, "y_norm": norm, "w_norm": extent, "h_norm": extent})
    return st.fixed_dictionaries(
        {}, optional={"resolution": st.sampled_from(facts.RESOLUTIONS), "source_position": position}
    )


def _make_landscape_at_1080p(body: Body) -> Body:
    upright = body["aspect_ratio"] in facts.VERTICAL_REFRAME_RATIOS
    if upright and (body.get("video") or {}).get("resolution") == "1080p":
        return {**body, "aspect_ratio": "16:9"}
    return body
