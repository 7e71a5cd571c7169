"""How each rule about fields is broken, and narrowly kept, in every way that is another way to get it wrong.

Beside `faults`, which draws, this lists: the first, a middle and the last element of short and long lists, each value
of an enumeration, each place. `places` has the rules about media.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from luma_conformance.model import ABSENT
from luma_conformance.rules import facts
from luma_conformance.strategies.features import OFF, ON, Patch, image_forms, mix_images, video_forms
from luma_conformance.strategies.material import Material

Ways = Mapping[str, Patch]
"""Ways to break a rule or to keep it, by name."""
Listed = Callable[[str, Material], Ways]


def nothing(_: str, __: Material) -> Ways:
    """Return no ways."""
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """A rule, the types it concerns, and the ways to break it and to keep it narrowly, for a type and a material.

    Those in `large_kept` are bodies of 70 MB, and tried once each.
    """

    rule: str
    kinds: tuple[str, ...]
    broken: Listed
    kept: Listed = nothing
    large_kept: Listed = nothing


def set_each(path: str, *values: object) -> Listed:
    """Return the ways that set one field to one value after another."""
    return lambda _, __: {f"{path} {_show(value)}": {path: value} for value in values}


def _both(*listed: Listed) -> Listed:
    return lambda kind, material: {name: patch for one in listed for name, patch in one(kind, material).items()}


def _with(patch: Patch, listed: Listed) -> Listed:
    """Return ways with more fields set in each."""
    return lambda kind, material: {name: {**patch, **own} for name, own in listed(kind, material).items()}


def _in_each(listed: Listed) -> Listed:
    """Return ways that are tried in requests of each type, and not of one of them: what is listed depends on it."""
    return lambda kind, material: {f"{kind}: {name}": patch for name, patch in listed(kind, material).items()}


def _show(value: object) -> str:
    text = "absent" if value is ABSENT else repr(value)
    return text if len(text) <= 40 else f"{text[:24]}… ({len(value) if isinstance(value, str) else len(text)})"


def _forms(path: str) -> Listed:
    """Return the ways that set a field to each form of an image that loads."""
    return lambda _, material: {f"{path} {name}": {path: one} for name, one in image_forms(material).items()}


def _prior(path: str) -> Listed:
    def listed(_: str, material: Material) -> Ways:
        video = material.completed_video
        return {f"{path} by generation": {path: {"generation_id": video}}} if video is not None else {}

    return listed


def _sourced(_: str, material: Material) -> Ways:
    priors = {"an image": material.completed_image, "a video": material.completed_video}
    return {f"source {name}": {"source": {"generation_id": one}} for name, one in priors.items() if one is not None}


def _untyped_videos(_: str, material: Material) -> Ways:
    url, data = material.video_url or "https://example.com/source.mp4", "AAAAGGZ0eXBpc29tAAACAGlzb21tcDQy"
    wrong = ("image/png", "application/octet-stream", "video", "xvideo/mp4", "mp4")
    ways: dict[str, Patch] = {"source by URL": {"source": {"url": url}}}
    ways |= {f"source by URL as {one}": {"source": {"url": url, "media_type": one}} for one in wrong}
    # A name that ends like a video's declares nothing, and it is said before anything is fetched.
    ways |= {"source by URL of a .mov": {"source": {"url": "https://example.com/source.mov"}}}
    ways |= {"source inline": {"source": {"data": data}}}
    return ways | {f"source inline as {one}": {"source": {"data": data, "media_type": one}} for one in wrong[:2]}


def _typed_videos(_: str, material: Material) -> Ways:
    return {f"source {name}": {"source": one} for name, one in video_forms(material).items()}


def _lists(path: str, *counts: int) -> Listed:
    return lambda _, m: {f"{path} of {count}": {path: mix_images(m, count, count)} for count in counts}


def _other_types(kind: str, _: Material) -> Ways:
    if kind in facts.IMAGE_TYPES:
        return {f"type {other}": {"type": other} for other in facts.VIDEO_TYPES} | {
            f"{kind} with model ray-3.2": {"model": "ray-3.2"}
        }
    models = {"no model": ABSENT, **{f"model {one}": one for one in ("uni-1", "uni-1-max")}}
    return {f"type {other}": {"type": other} for other in facts.IMAGE_TYPES} | {
        f"{kind} with {name}": {"model": model} for name, model in models.items()
    }


def _invalid_ratios(kind: str, _: Material) -> Ways:
    made_up = ("5:4", "1:1.000000000", "16x9 & <b>", "auto", "01:1")
    turn = facts.TYPES.index(kind)
    some = (made_up[turn], made_up[(turn + 2) % len(made_up)])
    known = dict.fromkeys((*facts.IMAGE_RATIOS, *facts.VIDEO_RATIOS, *some))
    return {f"aspect_ratio {one}": {"aspect_ratio": one} for one in known if one not in facts.RATIOS[kind]}


def _guides(keyframes: Any, indexes: Any) -> Patch:
    given = {"video.edit.keyframes": keyframes, "video.edit.keyframe_indexes": indexes}
    return {path: value for path, value in given.items() if value is not ABSENT}


def _half_given(_: str, material: Material) -> Ways:
    counts = (1, 3, facts.MAX_KEYFRAMES)
    only = {f"{count} keyframes alone": _guides(mix_images(material, count), ABSENT) for count in counts}
    return {**only, **{f"{count} indexes alone": _guides(ABSENT, [*range(count)]) for count in counts}}


def _lengths(*pairs: tuple[int, int]) -> Listed:
    def listed(_: str, material: Material) -> Ways:
        return {
            f"{frames} keyframes and {indexes} indexes": _guides(
                mix_images(material, frames, indexes), [*range(indexes)]
            )
            for frames, indexes in pairs
        }

    return listed


def _indexes(*lists: tuple[str, list[int]]) -> Listed:
    def listed(_: str, material: Material) -> Ways:
        return {name: _guides(mix_images(material, len(indexes)), indexes) for name, indexes in lists}

    return listed


def _spoil(where: int, value: int, count: int) -> tuple[str, list[int]]:
    """Return a list of so many indexes, one of which is another, and its name."""
    indexes = [1 + (5 * place + 3) % 118 for place in range(count)]
    indexes[where] = value
    place = {0: "the first", count - 1: "the last"}.get(where, f"number {where + 1}")
    return f"index {value} as {place} of {count}", indexes


def _repeat(one: int, other: int, count: int) -> tuple[str, list[int]]:
    """Return a list of so many indexes, one of which stands at another place too, and its name."""
    indexes = [1 + (5 * place + 3) % 118 for place in range(count)]
    indexes[other] = indexes[one]
    return f"index {one + 1} repeated as {other + 1} of {count}", indexes


def _anchored(_: str, material: Material) -> Ways:
    forms = image_forms(material)
    counts = (1, 3, facts.MAX_KEYFRAMES)
    return {
        f"start_frame {name} beside {count} guide frames": {
            "video.start_frame": one,
            **_guides(mix_images(material, count), [*range(count)]),
        }
        for place, (name, one) in enumerate(forms.items())
        for count in (counts[place % 3],)
    }


def _second_frames(_: str, material: Material) -> Ways:
    prior = {"generation_id": material.completed_video}
    images = image_forms(material)
    ends = {f"end_frame {name}": {"video.start_frame": prior, "video.end_frame": one} for name, one in images.items()}
    starts = {
        f"start_frame {name}": {"video.start_frame": one, "video.end_frame": prior} for name, one in images.items()
    }
    both = {"both frames by generation": {"video.start_frame": prior, "video.end_frame": prior}}
    return {**ends, **starts, **both} if material.completed_video is not None else {}


def _controls(_: str, __: Material) -> Ways:
    signals = ("depth", "face", "normals", "pose", "trajectory")
    each: dict[str, Any] = {name: {name: {"enabled": name != "face"}} for name in signals}
    each["every signal"] = {name: {"enabled": True} for name in signals}
    return {
        f"auto_controls beside {name}": {"video.edit.auto_controls": True, "video.edit.controls": controls}
        for name, controls in each.items()
    }


def _edit_blocks(_: str, material: Material) -> Ways:
    return {
        "edit automatic": {"video.edit.auto_controls": True},
        **{f"edit by strength {one}": {"video.edit.strength": one} for one in facts.STRENGTHS},
        "edit not automatic": {"video.edit.auto_controls": False},
        "edit by controls": {"video.edit.controls": {"pose": {"enabled": True}}},
        "edit by guide frames": _guides(mix_images(material, 2), [0, 60]),
    }


def _iterate(*rows: Breach) -> Mapping[str, Breach]:
    return {row.rule: row for row in rows}


_LONG: Final = facts.MAX_KEYFRAMES
_POSITIONS: Final = (
    {"x_norm": 0, "y_norm": 0, "w_norm": 1, "h_norm": 1},
    {"x_norm": -2.0, "y_norm": 0.25, "w_norm": 0.1, "h_norm": 2},
)
_FULL: Final = facts.MAX_PROMPT
_CREATE, _EDIT, _REFRAME = ("video",), ("video_edit",), ("video_reframe",)
_HDR: Final[Patch] = {"video.hdr": True}
_LOOP: Final[Patch] = {"video.loop": True}
_ANY_FRAME: Final[Listed] = lambda _, m: {  # noqa: E731
    f"{path} inline": {path: mix_images(m, 1, len(path))[0]} for path in ("video.start_frame", "video.end_frame")
}
_FRAMES: Final = _both(_forms("video.start_frame"), _forms("video.end_frame"))
_NOTHING: Final = set_each("source", ABSENT, None)

FIELD_BREACHES: Final = _iterate(
    Breach(
        rule="unknown-model",
        kinds=facts.TYPES,
        broken=set_each(
            "model", "super-model-v9", "uni-2 & <b>{0}</b> %s", "UNI-1", "Ray-3.2", "ray-3.20", "uni-1-ma",
            f"uni-1-max-{'2' * 54}", "x", "ray-3x2", "uni_1",
        ),
    ),
    Breach(rule="unsupported-type", kinds=("image", *facts.VIDEO_TYPES), broken=_other_types),
    Breach(rule="source-video-missing", kinds=(*_EDIT, *_REFRAME), broken=_in_each(_NOTHING)),
    Breach(rule="source-generation-misplaced", kinds=("image", "video"), broken=_in_each(_sourced)),
    Breach(
        rule="source-video-untyped",
        kinds=(*_EDIT, *_REFRAME),
        broken=_in_each(_untyped_videos),
        kept=_in_each(_typed_videos),
    ),
    Breach(
        rule="image-ref-on-video-edit", kinds=_EDIT, broken=_lists("image_ref", 1, 2, 9),
    ),
    Breach(rule="aspect-ratio-invalid", kinds=("image", *_CREATE, *_REFRAME), broken=_in_each(_invalid_ratios)),
    Breach(rule="prompt-empty", kinds=facts.TYPES, broken=set_each("prompt", "")),
    Breach(
        rule="prompt-too-long",
        kinds=facts.TYPES,
        broken=set_each(
            "prompt", "a" * (_FULL + 1), "é" * (_FULL + 1), "🌅" * (_FULL + 1), "a" + " \n" * _FULL + "a",
            "a" + " b" * _FULL,
            "a" + '"' * (_FULL - 1) + "a",
        ),
        kept=set_each("prompt", "a" * _FULL, "a" * (_FULL - 1), "a" + '"' * (_FULL - 2) + "a",
                      "a" + "\n/" * (_FULL // 2 - 1) + "a", "a" + "\\" * (_FULL - 3) + "a"),
    ),
    Breach(
        rule="edit-references-too-many",
        kinds=("image_edit",),
        broken=_lists("image_ref", 9, 10, 12, 20),
        kept=_lists("image_ref", 8, 7),
    ),
    Breach(rule="source-on-image", kinds=("image",), broken=_forms("source"), kept=_NOTHING),
    Breach(rule="source-on-video", kinds=_CREATE, broken=_forms("source"), kept=_NOTHING),
    Breach(rule="source-image-missing", kinds=("image_edit",), broken=_NOTHING),
    Breach(
        rule="manga-not-portrait",
        kinds=("image",),
        broken=_with(
            {"style": "manga"},
            set_each("aspect_ratio", *(one for one in facts.IMAGE_RATIOS if one not in facts.PORTRAIT_RATIOS)),
        ),
        kept=_with({"style": "manga"}, set_each("aspect_ratio", *facts.PORTRAIT_RATIOS, None)),
    ),
    Breach(rule="loop-off-video", kinds=_EDIT, broken=set_each("video.loop", ON)),
    Breach(rule="edit-off-video-edit", kinds=_CREATE, broken=_edit_blocks),
    Breach(
        rule="auto-with-manual-controls",
        kinds=_EDIT,
        broken=_controls,
        kept=_both(
            set_each("video.edit.auto_controls", ON),
            lambda kind, m: {f"not {name}": {**patch, "video.edit.auto_controls": False}
                             for name, patch in _controls(kind, m).items()},
        ),
    ),
    Breach(rule="keyframes-half-given", kinds=_EDIT, broken=_half_given, kept=_lengths((1, 1), (5, 5))),
    Breach(
        rule="keyframes-lengths-differ",
        kinds=_EDIT,
        broken=_lengths((1, 2), (2, 1), (3, 2), (4, 5), (1, 5), (5, 1), (_LONG, _LONG - 1), (_LONG - 1, _LONG)),
        kept=_lengths((1, 1), (2, 2), (5, 5), (_LONG, _LONG)),
    ),
    Breach(
        rule="keyframe-index-negative",
        kinds=_EDIT,
        broken=_indexes(
            _spoil(0, -1, 1), _spoil(0, -1, 5), _spoil(2, -1, 5), _spoil(4, -1, 5), _spoil(_LONG - 1, -1, _LONG),
            _spoil(0, -1000, _LONG), _spoil(1, -24, 2), ("all indexes negative", [-1, -2, -3]),
        ),
        kept=_indexes(_spoil(0, 0, 1), _spoil(0, 0, 5), _spoil(4, 0, 5), _spoil(_LONG - 1, 0, _LONG)),
    ),
    Breach(
        rule="keyframe-index-duplicate",
        kinds=_EDIT,
        broken=_indexes(
            _repeat(0, 1, 2), _repeat(0, 1, 5), _repeat(0, 4, 5), _repeat(3, 4, 5), _repeat(1, 3, 5),
            _repeat(0, _LONG - 1, _LONG), _repeat(_LONG - 2, _LONG - 1, _LONG), ("index 0 twice", [0, 0]),
            ("index 0 at both ends", [0, 50, 0]), ("one index three times", [7, 7, 7]),
        ),
        kept=_indexes(("descending indexes", [119, 60, 0]), ("indexes beside each other", [5, 4, 6])),
    ),
    Breach(rule="start-frame-with-keyframes", kinds=_EDIT, broken=_anchored, kept=_forms("video.start_frame")),
    Breach(
        rule="source-position-off-reframe",
        kinds=(*_CREATE, *_EDIT),
        broken=_in_each(set_each("video.source_position", *_POSITIONS)),
    ),
    Breach(
        rule="540p-with-hdr",
        kinds=_CREATE,
        broken=_with(_HDR, set_each("video.resolution", "540p")),
        kept=_both(
            _with(_HDR, set_each("video.resolution", "720p", "1080p")),
            _with({"video.hdr": False}, set_each("video.resolution", "540p")),
        ),
    ),
    Breach(
        rule="10s-with-hdr",
        kinds=_CREATE,
        broken=_with(_HDR, set_each("video.duration", "10s")),
        kept=_both(
            _with(_HDR, set_each("video.duration", "5s")),
            _with({"video.hdr": False}, set_each("video.duration", "10s")),
        ),
    ),
    Breach(
        rule="10s-with-frame",
        kinds=_CREATE,
        broken=_with(
            {"video.duration": "10s"}, _both(_FRAMES, _prior("video.start_frame"), _prior("video.end_frame"))
        ),
        kept=_with({"video.duration": "5s"}, _ANY_FRAME),
    ),
    Breach(
        rule="loop-with-10s",
        kinds=_CREATE,
        broken=_with(_LOOP, set_each("video.duration", "10s")),
        kept=_both(
            _with(_LOOP, set_each("video.duration", "5s")),
            _with({"video.loop": False}, set_each("video.duration", "10s")),
        ),
    ),
    Breach(
        rule="loop-with-hdr",
        kinds=_CREATE,
        broken=_with(_HDR, set_each("video.loop", ON)),
        kept=_both(
            _with(_HDR, set_each("video.loop", OFF)), _with({"video.hdr": False}, set_each("video.loop", ON))
        ),
    ),
    Breach(
        rule="loop-with-end-frame",
        kinds=_CREATE,
        broken=_with(_LOOP, _forms("video.end_frame")),
        kept=_both(
            _with(_LOOP, _forms("video.start_frame")), _with({"video.loop": False}, _ANY_FRAME)
        ),
    ),
    Breach(
        rule="exr-without-hdr",
        kinds=_CREATE,
        broken=_with({"video.exr_export": True}, set_each("video.hdr", ABSENT, OFF)),
        kept=_both(
            _with({"video.exr_export": True}, set_each("video.hdr", ON)),
            _with({"video.exr_export": False}, set_each("video.hdr", OFF, ABSENT)),
        ),
    ),
    Breach(
        rule="extend-hdr",
        kinds=_CREATE,
        broken=_with(_HDR, _both(_prior("video.start_frame"), _prior("video.end_frame"))),
        kept=_with({"video.hdr": False}, _both(_prior("video.start_frame"), _prior("video.end_frame"))),
    ),
    Breach(
        rule="extend-loop-backward",
        kinds=_CREATE,
        broken=_with(_LOOP, _prior("video.end_frame")),
        kept=_both(_with(_LOOP, _prior("video.start_frame")), _with({"video.loop": False}, _prior("video.end_frame"))),
    ),
    Breach(rule="extend-with-second-frame", kinds=_CREATE, broken=_second_frames),
    Breach(rule="reframe-ratio-missing", kinds=_REFRAME, broken=set_each("aspect_ratio", ABSENT, None)),
    Breach(rule="reframe-frames", kinds=_REFRAME, broken=_FRAMES),
    Breach(rule="reframe-loop", kinds=_REFRAME, broken=set_each("video.loop", ON)),
    Breach(
        rule="reframe-hdr",
        kinds=_REFRAME,
        broken=_both(
            set_each("video.hdr", ON),
            set_each("video.exr_export", ON),
            lambda _, __: {"hdr and exr_export": {"video.hdr": True, "video.exr_export": True}},
        ),
    ),
    Breach(rule="reframe-edit", kinds=_REFRAME, broken=_edit_blocks),
    Breach(
        rule="reframe-vertical-1080p",
        kinds=_REFRAME,
        broken=_with({"video.resolution": "1080p"}, set_each("aspect_ratio", *facts.VERTICAL_REFRAME_RATIOS)),
        kept=_both(
            _with({"video.resolution": "1080p"}, set_each("aspect_ratio", "1:1", "4:3", "16:9", "21:9")),
            _with({"video.resolution": "720p"}, set_each("aspect_ratio", "9:16", "3:4")),
            _with({"video.resolution": "540p"}, lambda _, __: {
                f"aspect_ratio {one} at 540p": {"aspect_ratio": one} for one in ("9:16", "3:4")
            }),
        ),
    ),
)  # fmt: skip
"""The rules about fields, by id."""
