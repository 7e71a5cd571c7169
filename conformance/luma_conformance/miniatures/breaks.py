"""Bodies that break one rule of the page each, and nothing else: every form in which a rule can be broken.

They are written from the page and its field list; each form says how to recognize itself.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from luma_conformance.miniatures.controls import (
    BY_DATA,
    BY_URL,
    CONTROLS,
    HOSTED_VIDEO,
    IMAGE,
    IMAGE_EDIT,
    PRIOR_IMAGE,
    PRIOR_VIDEO,
    REFRAME,
    VIDEO,
    VIDEO_EDIT,
    give,
    look,
)
from luma_conformance.miniatures.miniature import Body
from luma_conformance.miniatures.pictures import encode, mp4, png
from luma_conformance.rules import facts


@dataclass(frozen=True, slots=True)
class Form:
    """One form of breaking a rule: its name, a body that has it, and whether another body has it too."""

    rule: str
    name: str
    body: Body
    has: Callable[[Body], bool]


def _is(path: str, value: object) -> Callable[[Body], bool]:
    return lambda body: bool(look(body, path) == value)


def _given(path: str) -> Callable[[Body], bool]:
    return lambda body: look(body, path) is not None


def _has_key(path: str, key: str) -> Callable[[Body], bool]:
    return lambda body: isinstance(found := look(body, path), dict) and key in found


def _by_type(rule: str, bodies: dict[str, Body]) -> Iterator[Form]:
    for kind, body in bodies.items():
        yield Form(rule, kind, body, _is("type", kind) if "type" in body else _untyped)


def _untyped(body: Body) -> bool:
    return bool(body.get("type", "image") == "image")


def _models() -> Iterator[Form]:
    rows: tuple[tuple[str, str, Callable[[str], bool]], ...] = (
        ("any", "super-model-v9", lambda name: name.partition("-")[0] not in ("uni", "ray")),
        ("beginning", "ray-3", lambda name: any(known.startswith(name) for known in facts.MODELS)),
        ("longer", "ray-3.2-max", lambda name: any(name.startswith(known) for known in facts.MODELS)),
        ("caps", "UNI-1", lambda name: name.lower() in facts.MODELS),
        ("family", "uni-2", lambda name: name.partition("-")[0] in ("uni", "ray")),
    )
    for label, model, test in rows:
        yield Form("unknown-model", label, give(IMAGE, model=model), lambda body, test=test: isinstance(body.get("model"), str) and test(body["model"]))  # fmt: skip
    yield Form("unknown-model", "on-video", give(VIDEO, model="ray-4"), lambda body: body.get("type") == "video")


def _pairs() -> Iterator[Form]:
    for model in facts.MODELS:
        for kind in facts.TYPES:
            if kind in facts.TYPES_BY_MODEL[model]:
                continue
            body = {**CONTROLS[kind], "type": kind, "model": model}
            if kind == "video_reframe":
                body["aspect_ratio"] = "16:9"
            yield Form("unsupported-type", f"{model}-{kind}", body, _pair(model, kind))
    for kind in facts.VIDEO_TYPES:
        body = {name: value for name, value in CONTROLS[kind].items() if name != "model"}
        yield Form("unsupported-type", f"default-model-{kind}", body, lambda body, kind=kind: "model" not in body and body.get("type") == kind)  # fmt: skip


def _pair(model: str, kind: str) -> Callable[[Body], bool]:
    return lambda body: body.get("model") == model and body.get("type", "image") == kind


def _sources() -> Iterator[Form]:
    without = {kind: {k: v for k, v in body.items() if k != "source"} for kind, body in CONTROLS.items()}
    yield from _by_type("source-video-missing", {k: without[k] for k in ("video_edit", "video_reframe")})
    yield Form("source-image-missing", "left-out", without["image_edit"], lambda body: "source" not in body)
    yield Form("source-image-missing", "null", {**without["image_edit"], "source": None}, lambda body: "source" in body)
    rule = "source-generation-misplaced"
    yield Form(rule, "video", give(VIDEO, source=PRIOR_VIDEO), _is("type", "video"))
    for name, source in (("url", BY_URL), ("data", BY_DATA)):
        yield Form("source-on-image", name, give(IMAGE, source=source), _has_key("source", name))
    typed = give(IMAGE, source=BY_URL, type="image")
    yield Form("source-on-image", "type-given", typed, _given("type"))
    for name, source in (("url", BY_URL), ("data", BY_DATA)):
        yield Form("source-on-video", name, give(VIDEO, source=source), _has_key("source", name))


def _untyped_videos() -> Iterator[Form]:
    rule, video = "source-video-untyped", encode(mp4())
    for kind, control in (("video_edit", VIDEO_EDIT), ("video_reframe", REFRAME)):
        for way, value in (("url", HOSTED_VIDEO["url"]), ("data", video)):
            for named, media_type in (("missing", None), ("image", "image/png")):
                source = {way: value} | ({"media_type": media_type} if media_type else {})
                yield Form(rule, f"{kind}-{way}-{named}", give(control, source=source), _untyped_video(kind, way, media_type))  # fmt: skip


def _untyped_video(kind: str, way: str, media_type: str | None) -> Callable[[Body], bool]:
    def has(body: Body) -> bool:
        found = look(body, "source.media_type")
        same = (found is None) == (media_type is None)
        return body.get("type") == kind and look(body, f"source.{way}") is not None and same

    return has


def _edits() -> Iterator[Form]:
    for name, refs in (("url", [BY_URL]), ("data", [BY_DATA]), ("two", [BY_URL, BY_URL])):
        yield Form("image-ref-on-video-edit", name, give(VIDEO_EDIT, image_ref=refs), _first_ref(name, len(refs)))
    yield Form("loop-off-video", "video_edit", give(VIDEO_EDIT, video__loop=True), _is("type", "video_edit"))
    for name, edit in _EDITS.items():
        yield Form("edit-off-video-edit", name, give(VIDEO, video__edit=edit), _has_key("video.edit", name))
    for signal in ("depth", "face", "normals", "pose", "trajectory"):
        edit = {"auto_controls": True, "controls": {signal: {"enabled": True}}}
        yield Form("auto-with-manual-controls", signal, give(VIDEO_EDIT, video__edit=edit), _has_key("video.edit.controls", signal))  # fmt: skip
    for name, control in (("video", VIDEO), ("video_edit", VIDEO_EDIT)):
        yield Form("source-position-off-reframe", name, give(control, video__source_position=POSITION), _is("type", name))  # fmt: skip


POSITION: Final = {"x_norm": 0.0, "y_norm": 0.25, "w_norm": 1.0, "h_norm": 0.5}
_EDITS: Final[dict[str, Any]] = {
    "strength": {"strength": "flex_2"},
    "auto_controls": {"auto_controls": True},
    "controls": {"controls": {"pose": {"enabled": True}}},
}


def _first_ref(name: str, count: int) -> Callable[[Body], bool]:
    def has(body: Body) -> bool:
        refs = body.get("image_ref") or [{}]
        return len(refs) == count and (count > 1 or name in refs[0])

    return has


def guided(indexes: list[int] | None, count: int | None = None) -> Body:
    """Return an edit with guide frames at these indexes; `count` frames, or one for each index."""
    edit: dict[str, Any] = {} if indexes is None else {"keyframe_indexes": indexes}
    if count != 0:
        edit["keyframes"] = [BY_URL] * (len(indexes or ()) if count is None else count)
    return give(VIDEO_EDIT, video__edit=edit)


def _guides() -> Iterator[Form]:
    def indexes(body: Body) -> list[int]:
        return look(body, "video.edit.keyframe_indexes") or []

    def frames(body: Body) -> int:
        return len(look(body, "video.edit.keyframes") or ())

    half, lengths = "keyframes-half-given", "keyframes-lengths-differ"
    yield Form(half, "indexes-only", guided([0, 8], 0), lambda body: not frames(body))
    yield Form(half, "frames-only", guided(None, 2), lambda body: not indexes(body))
    yield Form(lengths, "fewer-frames", guided([0, 8], 1), lambda b: frames(b) < len(indexes(b)))
    yield Form(lengths, "fewer-indexes", guided([0], 2), lambda b: frames(b) > len(indexes(b)))
    negative, double = "keyframe-index-negative", "keyframe-index-duplicate"
    yield Form(negative, "only", guided([-1]), lambda body: len(indexes(body)) == 1)
    yield Form(negative, "last", guided([0, 8, -3]), lambda body: indexes(body)[0] >= 0)
    yield Form(negative, "first", guided([-5, 8]), lambda body: indexes(body)[0] < 0 < len(indexes(body)) - 1)
    yield Form(double, "neighbours", guided([4, 4]), lambda body: _neighbours(indexes(body)))
    yield Form(double, "apart", guided([4, 9, 4]), lambda body: not _neighbours(indexes(body)))
    yield Form(double, "zero", guided([0, 0]), lambda body: indexes(body).count(0) > 1)
    start = give(guided([8]), video__start_frame=BY_URL)
    yield Form("start-frame-with-keyframes", "url", start, _has_key("video.start_frame", "url"))
    inline = give(guided([8]), video__start_frame=BY_DATA)
    yield Form("start-frame-with-keyframes", "data", inline, _has_key("video.start_frame", "data"))


def _neighbours(indexes: list[int]) -> bool:
    return any(one == other for one, other in itertools.pairwise(indexes))


def _combinations() -> Iterator[Form]:
    rows: tuple[tuple[str, str, dict[str, Any], str], ...] = (
        ("540p-with-hdr", "plain", {"resolution": "540p", "hdr": True}, "video.hdr"),
        ("10s-with-hdr", "plain", {"duration": "10s", "hdr": True}, "video.hdr"),
        ("10s-with-frame", "start", {"duration": "10s", "start_frame": BY_URL}, "video.start_frame"),
        ("10s-with-frame", "end", {"duration": "10s", "end_frame": BY_URL}, "video.end_frame"),
        ("10s-with-frame", "generation", {"duration": "10s", "start_frame": PRIOR_VIDEO}, "video.start_frame.generation_id"),
        ("loop-with-10s", "plain", {"loop": True, "duration": "10s"}, "video.loop"),
        ("loop-with-hdr", "plain", {"loop": True, "hdr": True}, "video.loop"),
        ("loop-with-end-frame", "url", {"loop": True, "end_frame": BY_URL}, "video.end_frame.url"),
        ("loop-with-end-frame", "data", {"loop": True, "end_frame": BY_DATA}, "video.end_frame.data"),
        ("exr-without-hdr", "hdr-left-out", {"exr_export": True}, ""),
        ("exr-without-hdr", "hdr-false", {"exr_export": True, "hdr": False}, "video.hdr"),
        ("extend-hdr", "forward", {"hdr": True, "start_frame": PRIOR_VIDEO}, "video.start_frame"),
        ("extend-hdr", "backward", {"hdr": True, "end_frame": PRIOR_VIDEO}, "video.end_frame"),
        ("extend-loop-backward", "plain", {"loop": True, "end_frame": PRIOR_VIDEO}, "video.end_frame"),
    )  # fmt: skip
    for rule, name, video, path in rows:
        has = _given(path) if path else (lambda body: look(body, "video.hdr") is None)
        yield Form(rule, name, give(VIDEO, video=video), has)
    second = "extend-with-second-frame"
    for name, start, end in (
        ("image-then-generation", BY_URL, PRIOR_VIDEO),
        ("generation-then-image", PRIOR_VIDEO, BY_URL),
        ("two-generations", PRIOR_VIDEO, PRIOR_VIDEO),
    ):
        body = give(VIDEO, video={"start_frame": start, "end_frame": end})
        yield Form(second, name, body, _frames(start, end))


def _frames(start: Body, end: Body) -> Callable[[Body], bool]:
    def has(body: Body) -> bool:
        found = [look(body, f"video.{name}.generation_id") is not None for name in ("start_frame", "end_frame")]
        return found == [one is PRIOR_VIDEO for one in (start, end)]

    return has


def _reframes() -> Iterator[Form]:
    bare = {name: value for name, value in REFRAME.items() if name != "aspect_ratio"}
    missing = "reframe-ratio-missing"
    yield Form(missing, "left-out", bare, lambda body: "aspect_ratio" not in body)
    yield Form(missing, "null", {**bare, "aspect_ratio": None}, lambda body: "aspect_ratio" in body)
    for name in ("start_frame", "end_frame"):
        body = give(REFRAME, video={name: BY_URL})
        yield Form("reframe-frames", name, body, _given(f"video.{name}"))
    yield Form("reframe-loop", "plain", give(REFRAME, video__loop=True), _given("video.loop"))
    for name, video in (("hdr", {"hdr": True}), ("hdr-and-exr", {"hdr": True, "exr_export": True})):
        both = "exr_export" in video
        has = _given("video.exr_export") if both else (lambda body: look(body, "video.exr_export") is None)
        yield Form("reframe-hdr", name, give(REFRAME, video=video), has)
    for name, edit in _EDITS.items():
        body = give(REFRAME, video__edit=edit)
        yield Form("reframe-edit", name, body, _has_key("video.edit", name))
    for ratio in facts.VERTICAL_REFRAME_RATIOS:
        body = give(REFRAME, aspect_ratio=ratio, video__resolution="1080p")
        name = ratio.replace(":", "-")
        yield Form("reframe-vertical-1080p", name, body, _is("aspect_ratio", ratio))


def _contents() -> Iterator[Form]:
    every = sorted({*facts.IMAGE_RATIOS, *facts.VIDEO_RATIOS})
    for kind, control, legal in (
        ("image", IMAGE, facts.IMAGE_RATIOS),
        ("video", VIDEO, facts.VIDEO_RATIOS),
        ("video_reframe", REFRAME, facts.VIDEO_RATIOS),
    ):
        yield Form(
            "aspect-ratio-invalid",
            f"{kind}-unheard-of",
            give(control, aspect_ratio="5:4"),
            lambda body, kind=kind: body.get("type", "image") == kind and body.get("aspect_ratio") not in every,
        )
        for ratio in [one for one in every if one not in legal]:
            yield Form("aspect-ratio-invalid", f"{kind}-{ratio.replace(':', '-')}", give(control, aspect_ratio=ratio), _ratio_on(kind, ratio))  # fmt: skip
    yield from _by_type("prompt-empty", {kind: {**body, "prompt": ""} for kind, body in CONTROLS.items()})
    yield from _by_type("prompt-too-long", {kind: {**body, "prompt": "a" * 6001} for kind, body in CONTROLS.items()})
    for name, refs, test in (("nine", 9, lambda count: count == 9), ("more", 12, lambda count: count > 9)):
        body = give(IMAGE_EDIT, image_ref=[BY_URL] * refs)
        yield Form("edit-references-too-many", name, body, _count(test))
    mixed = give(IMAGE_EDIT, source=PRIOR_IMAGE, image_ref=[BY_DATA] * 9)
    yield Form("edit-references-too-many", "by-data", mixed, _inline_refs)
    for ratio in [one for one in facts.IMAGE_RATIOS if one not in facts.PORTRAIT_RATIOS]:
        body = give(IMAGE, style="manga", aspect_ratio=ratio)
        yield Form("manga-not-portrait", ratio.replace(":", "-"), body, _is("aspect_ratio", ratio))
    body = give(IMAGE, style="manga", aspect_ratio="1:1", model="uni-1-max")
    yield Form("manga-not-portrait", "uni-1-max", body, _is("model", "uni-1-max"))


def _inline_refs(body: Body) -> bool:
    return any("data" in one for one in body.get("image_ref") or ())


def _count(test: Callable[[int], bool]) -> Callable[[Body], bool]:
    return lambda body: test(len(body.get("image_ref") or ()))


def _ratio_on(kind: str, ratio: str) -> Callable[[Body], bool]:
    return lambda body: body.get("type", "image") == kind and body.get("aspect_ratio") == ratio


FORMS: Final[tuple[Form, ...]] = (
    *_models(), *_pairs(), *_sources(), *_untyped_videos(), *_edits(), *_guides(), *_combinations(), *_reframes(),
    *_contents(),
)  # fmt: skip
"""Every form of every rule that is not about a medium; those are in `places`."""

INLINE_HEAVY: Final = 52_428_801


def heavy_image() -> Body:
    """Return an inline image of one byte more than 50 MB."""
    return {"data": encode(png(size=INLINE_HEAVY)), "media_type": "image/png"}


def heavy_video() -> Body:
    """Return an inline video of one byte more than 50 MB."""
    return {"data": encode(mp4(INLINE_HEAVY)), "media_type": "video/mp4"}
