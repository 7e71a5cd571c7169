"""The faults, one for each rule: a request that just keeps the rule, and the smallest change that breaks it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Final

from hypothesis import strategies as st

from luma_conformance.model import ABSENT
from luma_conformance.rules import facts
from luma_conformance.strategies.bodies import (
    KINDS,
    Bodies,
    Body,
    available_kinds,
    controls,
    guide_frames,
    images,
    source_videos,
)
from luma_conformance.strategies.fault import Change, Fault, Value, just
from luma_conformance.strategies.material import Material

OFF: Final = (False, ABSENT)
_UNTYPED: Final = "https://example.com/source.mp4"  # refused before anything is fetched
_SOURCE_POSITION: Final = {"x_norm": 0, "y_norm": 0, "w_norm": 1, "h_norm": 1}
_EDIT_BLOCKS: Final = ({"auto_controls": True}, {"strength": "flex_1"})
YES: Final = just(True)  # noqa: FBT003
_CREATE, _EDIT, _REFRAME = ("video",), ("video_edit",), ("video_reframe",)
_SHORT: Final = just("5s", ABSENT)


def _prior_generations(material: Material) -> st.SearchStrategy[Any]:
    return st.just({"generation_id": material.completed_video})


def _inline(data: str) -> Value:
    return just({"data": data, "media_type": "image/png"})


def _keyframes(material: Material) -> Bodies:
    return guide_frames(material)


def _three_keyframes(material: Material) -> Bodies:
    return guide_frames(material, at_least=3)


def _set_in_edit(body: Body, **members: object) -> Body:
    return {**body, "video": {**(body.get("video") or {}), "edit": {**_get_edit(body), **members}}}


def _get_edit(body: Body) -> Body:
    return dict((body.get("video") or {}).get("edit") or {})


def _drop_one_array(draw: st.DrawFn, body: Body) -> Body:
    edit = _get_edit(body) or {"keyframes": [], "keyframe_indexes": [0]}
    edit.pop(draw(st.sampled_from(("keyframes", "keyframe_indexes"))), None)
    return {**body, "video": {**(body.get("video") or {}), "edit": edit}}


def _change_indexes(change: Callable[[st.DrawFn, list[int]], list[int]]) -> Change:
    def changed(draw: st.DrawFn, body: Body) -> Body:
        indexes = [*_get_edit(body).get("keyframe_indexes", [0])]
        return _set_in_edit(body, keyframe_indexes=change(draw, indexes))

    return changed


def _change_length(draw: st.DrawFn, indexes: list[int]) -> list[int]:
    free = next(index for index in range(120) if index not in indexes)
    return draw(st.sampled_from([[*indexes, free], indexes[:-1]] if len(indexes) > 1 else [[*indexes, free]]))


def _make_one_negative(draw: st.DrawFn, indexes: list[int]) -> list[int]:
    place = draw(st.integers(0, len(indexes) - 1))
    return [*indexes[:place], draw(st.integers(-1000, -1)), *indexes[place + 1 :]]


def _repeat_one(draw: st.DrawFn, indexes: list[int]) -> list[int]:
    if len(indexes) < 2:
        return indexes * 2
    # The first again at the end: not beside its twin, and not in order.
    one, other = sorted(draw(st.lists(st.integers(0, len(indexes) - 1), min_size=2, max_size=2, unique=True)))
    return [*indexes[:other], indexes[one], *indexes[other + 1 :]]


def _choose_invalid_ratio(draw: st.DrawFn, body: Body) -> Body:
    valid = facts.IMAGE_RATIOS if body.get("type", "image") in facts.IMAGE_TYPES else facts.VIDEO_RATIOS
    known = (*facts.IMAGE_RATIOS, *facts.VIDEO_RATIOS, "5:4", "16:10", "1:1.0", "16x9", "auto", "9:21")
    return {**body, "aspect_ratio": draw(st.sampled_from([ratio for ratio in known if ratio not in valid]))}


def _choose_other_type(draw: st.DrawFn, body: Body) -> Body:
    model = body.get("model", facts.DEFAULT_MODEL)
    others = [kind for kind in KINDS if kind not in facts.TYPES_BY_MODEL.get(model, ())]
    return {**body, "type": draw(st.sampled_from(others))}


def _frames(material: Material) -> st.SearchStrategy[Any]:
    return st.builds(lambda name, frame: {name: frame}, st.sampled_from(("start_frame", "end_frame")), images(material))


_REFERENCE_KINDS: Final = ("image", "image_edit")
_REFERENCES: Final = {"image_ref": lambda m: st.lists(images(m), min_size=1, max_size=3)}
_BOTH: Final = {"url": "https://example.com/a.png", "data": "iVBORw0KGgo=", "media_type": "image/png"}


def _spoil_reference(spoilt: Body) -> Change:
    def changed(draw: st.DrawFn, body: Body) -> Body:
        refs = [*(body.get("image_ref") or [spoilt])]
        refs[draw(st.integers(0, len(refs) - 1))] = spoilt
        return {**body, "image_ref": refs}

    return changed


def _media_fault(rule: str, role: str) -> Fault:
    def spoil(material: Material) -> st.SearchStrategy[Any]:
        good = images(material)
        return st.builds(lambda before: [*before, {"url": material.trouble[role]}], st.lists(good, max_size=2))

    return Fault(rule=rule, kinds=_REFERENCE_KINDS, near=_REFERENCES, broken={"image_ref": spoil}, needs=(role,))


def _large_videos(material: Material) -> st.SearchStrategy[Any]:
    assert material.large_video is not None
    return st.just({"data": material.large_video(), "media_type": "video/mp4"})


def _exactly(count: int) -> Value:
    return lambda m: st.lists(images(m), min_size=count, max_size=count)


_HDR: Final[Mapping[str, Value]] = {"video.hdr": YES, "video.resolution": just("720p", "1080p", ABSENT)}
_HDR_NEEDS: Final = ("hdr-access",)
_PRIOR_NEEDS: Final = ("completed-video",)

_REQUEST_FAULTS: Final = (
    Fault(
        rule="unknown-model", kinds=KINDS, broken={"model": just("super-model-v9", "uni-2", "UNI-1", "ray-3.1", "x")}
    ),
    Fault(rule="unsupported-type", kinds=KINDS, change=_choose_other_type),
    Fault(rule="source-video-missing", kinds=(*_EDIT, *_REFRAME), broken={"source": just(ABSENT, None)}),
    Fault(
        rule="source-generation-misplaced",
        kinds=("image", "video"),
        broken={"source": _prior_generations},
        needs=_PRIOR_NEEDS,
    ),
    Fault(
        rule="source-video-untyped",
        kinds=(*_EDIT, *_REFRAME),
        near={"source": source_videos},
        broken={"source": just({"url": _UNTYPED}, {"url": _UNTYPED, "media_type": "image/png"})},
    ),
    Fault(
        rule="image-ref-on-video-edit",
        kinds=_EDIT,
        broken={"image_ref": lambda m: st.lists(images(m), min_size=1, max_size=2)},
    ),
    Fault(rule="aspect-ratio-invalid", kinds=("image", *_CREATE, *_REFRAME), change=_choose_invalid_ratio),
    Fault(rule="prompt-empty", kinds=KINDS, near={"prompt": just("x", "🌅", ".")}, broken={"prompt": just("")}),
    Fault(
        rule="prompt-too-long",
        kinds=KINDS,
        near={"prompt": just("a" * 6000, "a" * 5999)},
        broken={"prompt": just("a" * 6001, "a" * 7000, "é" * 6001, "🌅" * 6001)},
    ),
    Fault(rule="reference-url-and-data", kinds=_REFERENCE_KINDS, near=_REFERENCES, change=_spoil_reference(_BOTH)),
    Fault(
        rule="reference-data-untyped",
        kinds=_REFERENCE_KINDS,
        near=_REFERENCES,
        change=_spoil_reference({"data": "iVBORw0KGgo="}),
    ),
    Fault(
        rule="edit-references-too-many",
        kinds=("image_edit",),
        near={"image_ref": _exactly(8)},
        broken={"image_ref": _exactly(9)},
    ),
    Fault(rule="source-on-image", kinds=("image",), near={"source": just(ABSENT, None)}, broken={"source": images}),
    Fault(rule="source-on-video", kinds=_CREATE, near={"source": just(ABSENT, None)}, broken={"source": images}),
    Fault(rule="source-image-missing", kinds=("image_edit",), broken={"source": just(ABSENT, None)}),
    Fault(
        rule="manga-not-portrait",
        kinds=("image",),
        near={"style": just("manga"), "aspect_ratio": just(*facts.PORTRAIT_RATIOS)},
        broken={
            "style": just("manga"),
            "aspect_ratio": just(*(ratio for ratio in facts.IMAGE_RATIOS if ratio not in facts.PORTRAIT_RATIOS)),
        },
    ),
)

_OPTION_FAULTS: Final = (
    Fault(
        rule="540p-with-hdr",
        kinds=_CREATE,
        near=_HDR,
        broken={"video.hdr": YES, "video.resolution": just("540p")},
        needs=_HDR_NEEDS,
    ),
    Fault(
        rule="10s-with-hdr",
        kinds=_CREATE,
        near={**_HDR, "video.duration": _SHORT},
        broken={"video.hdr": YES, "video.duration": just("10s")},
        needs=_HDR_NEEDS,
    ),
    Fault(
        rule="10s-with-frame",
        kinds=_CREATE,
        near={"video.start_frame": images, "video.duration": _SHORT},
        broken={"video.start_frame": images, "video.duration": just("10s")},
    ),
    Fault(
        rule="loop-with-10s",
        kinds=_CREATE,
        near={"video.loop": YES, "video.duration": _SHORT},
        broken={"video.loop": YES, "video.duration": just("10s")},
    ),
    Fault(
        rule="loop-with-hdr",
        kinds=_CREATE,
        near={**_HDR, "video.loop": just(*OFF)},
        broken={"video.hdr": YES, "video.loop": YES},
        needs=_HDR_NEEDS,
    ),
    Fault(
        rule="loop-with-end-frame",
        kinds=_CREATE,
        near={"video.start_frame": images, "video.loop": YES},
        broken={"video.loop": YES, "video.end_frame": images},
    ),
    Fault(
        rule="exr-without-hdr",
        kinds=_CREATE,
        near={"video.hdr": YES, "video.exr_export": YES},
        broken={"video.hdr": just(*OFF), "video.exr_export": YES},
        needs=_HDR_NEEDS,
    ),
    Fault(
        rule="extend-hdr",
        kinds=_CREATE,
        near={"video.start_frame": _prior_generations},
        broken={"video.start_frame": _prior_generations, "video.hdr": YES},
        needs=(*_PRIOR_NEEDS, *_HDR_NEEDS),
    ),
    Fault(
        rule="extend-loop-backward",
        kinds=_CREATE,
        near={"video.end_frame": _prior_generations},
        broken={"video.end_frame": _prior_generations, "video.loop": YES},
        needs=_PRIOR_NEEDS,
    ),
    Fault(
        rule="extend-with-second-frame",
        kinds=_CREATE,
        near={"video.start_frame": _prior_generations},
        broken={
            "video.start_frame": _prior_generations,
            "video.end_frame": lambda m: images(m) | _prior_generations(m),
        },
        needs=_PRIOR_NEEDS,
    ),
    Fault(
        rule="source-position-off-reframe",
        kinds=(*_CREATE, *_EDIT),
        broken={"video.source_position": just(_SOURCE_POSITION)},
    ),
)

_EDIT_FAULTS: Final = (
    Fault(rule="loop-off-video", kinds=_EDIT, broken={"video.loop": YES}),
    Fault(rule="edit-off-video-edit", kinds=_CREATE, broken={"video.edit": just(*_EDIT_BLOCKS)}),
    Fault(
        rule="auto-with-manual-controls",
        kinds=_EDIT,
        near={"video.edit.auto_controls": YES},
        broken={"video.edit.auto_controls": YES, "video.edit.controls": lambda _: controls()},
    ),
    Fault(rule="keyframes-half-given", kinds=_EDIT, near={"video.edit": _keyframes}, change=_drop_one_array),
    Fault(
        rule="keyframes-lengths-differ",
        kinds=_EDIT,
        near={"video.edit": _keyframes},
        change=_change_indexes(_change_length),
    ),
    Fault(
        rule="keyframe-index-negative",
        kinds=_EDIT,
        near={"video.edit": _keyframes},
        change=_change_indexes(_make_one_negative),
    ),
    Fault(
        rule="keyframe-index-duplicate",
        kinds=_EDIT,
        near={"video.edit": _three_keyframes},
        change=_change_indexes(_repeat_one),
    ),
    Fault(
        rule="start-frame-with-keyframes",
        kinds=_EDIT,
        near={"video.start_frame": images},
        broken={"video.start_frame": images, "video.edit": _keyframes},
    ),
)

_REFRAME_FAULTS: Final = (
    Fault(rule="reframe-ratio-missing", kinds=_REFRAME, broken={"aspect_ratio": just(ABSENT, None)}),
    Fault(rule="reframe-frames", kinds=_REFRAME, broken={"video": _frames}),
    Fault(rule="reframe-loop", kinds=_REFRAME, broken={"video.loop": YES}),
    Fault(
        rule="reframe-hdr",
        kinds=_REFRAME,
        broken={"video": just({"hdr": True}, {"exr_export": True}, {"hdr": True, "exr_export": True})},
    ),
    Fault(rule="reframe-edit", kinds=_REFRAME, broken={"video.edit": just(*_EDIT_BLOCKS)}),
    Fault(
        rule="reframe-vertical-1080p",
        kinds=_REFRAME,
        near={"aspect_ratio": just("1:1", "16:9", "4:3", "21:9"), "video.resolution": just("1080p")},
        broken={"aspect_ratio": just(*facts.VERTICAL_REFRAME_RATIOS), "video.resolution": just("1080p")},
    ),
)

_MEDIA_FAULTS: Final = (
    _media_fault("image-too-heavy", "oversized-url"),
    _media_fault("image-too-wide", "oversized-pixels-url"),
    Fault(
        rule="video-too-heavy",
        kinds=(*_REFRAME, *_EDIT),  # the catalogue has an edit: of the few that are sent the first is another
        broken={"source": _large_videos},
        needs=("large-uploads",),
    ),
    Fault(
        rule="base64-invalid",
        kinds=_REFERENCE_KINDS,
        near=_REFERENCES,
        broken={
            "image_ref": lambda _: st.sampled_from(("not-valid-base64!!!", "....", "%%%%", "💾💾")).map(
                lambda data: [{"data": data, "media_type": "image/png"}]
            )
        },
    ),
    _media_fault("url-unreachable", "unreachable-url"),
    _media_fault("url-http-error", "missing-url"),
    _media_fault("url-not-an-image", "pdf-url"),
    _media_fault("proxy-down", "proxy-down-url"),
    _media_fault("ingestion-off", "ingestion-off-url"),
)

FAULTS: Final[Mapping[str, Fault]] = MappingProxyType(
    {
        fault.rule: fault
        for fault in (*_REQUEST_FAULTS, *_OPTION_FAULTS, *_EDIT_FAULTS, *_REFRAME_FAULTS, *_MEDIA_FAULTS)
    }
)
"""How to break each rule of `luma_conformance.rules.RULES`, by the rule's id."""


@st.composite
def near_misses(draw: st.DrawFn, rule: str, material: Material = Material()) -> tuple[Body, Body]:
    """Draw two requests that differ in one respect: the first just keeps a rule, the second breaks it.

    >>> from hypothesis import given
    >>> from luma_conformance import Accepted, near_misses, predict
    >>> @given(near_misses("prompt-too-long"))
    ... def test_a_limit_has_two_sides(pair):
    ...     kept, broken = pair
    ...     assert isinstance(predict(kept), Accepted)
    ...     assert predict(broken).violations[0].rule == "prompt-too-long"
    >>> test_a_limit_has_two_sides()
    """
    fault = FAULTS[rule]
    near = draw(fault.bodies(material))
    return near, fault.apply(draw, near, material)


@st.composite
def two_faults(draw: st.DrawFn, first: str, second: str, material: Material = Material()) -> Body:
    """Draw a request with two faults.

    One fault may undo the other; `predict` says which rules the request breaks.
    """
    one, other = FAULTS[first], FAULTS[second]
    kind = draw(
        st.sampled_from([kind for kind in available_kinds(material) if kind in one.kinds and kind in other.kinds])
    )
    return other.apply(draw, one.apply(draw, draw(one.bodies_of(kind, material)), material), material)


@st.composite
def faulty(draw: st.DrawFn, material: Material = Material()) -> Body:
    """Draw a request with one to three faults.

    One fault may undo another; `predict` says what may be answered.

    >>> from hypothesis import given
    >>> from luma_conformance import Rejected, faulty, predict
    >>> @given(faulty())
    ... def test_what_they_are_refused_with(body):
    ...     prediction = predict(body)
    ...     if isinstance(prediction, Rejected):
    ...         assert {violation.status for violation in prediction.violations} <= {400, 413, 422, 502, 503}
    >>> test_what_they_are_refused_with()
    """
    first, *others = draw(_lists_of_faults(material))
    body = first.apply(draw, draw(first.bodies(material)), material)
    for fault in others:
        body = fault.apply(draw, body, material)
    return body


@cache
def _lists_of_faults(material: Material) -> st.SearchStrategy[list[Fault]]:
    small = [fault for fault in FAULTS.values() if "large-uploads" not in fault.needs]
    return st.lists(st.sampled_from([fault for fault in small if not fault.missing(material)]), min_size=1, max_size=3)
