"""400 — Bad Request, second part: the video options, each by itself and in combination."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from luma_conformance.rules import facts
from luma_conformance.rules.rule import Fault, Rule, at
from luma_conformance.rules.subject import Edit, Subject

_COMBINATIONS: Final = "400 — Incompatible video option combinations"
_EXTEND: Final = "400 — Video extend constraints"
_KEYFRAMES: Final = "400 — Invalid video.edit.keyframes / keyframe_indexes"
_REFRAME: Final = "400 — Video reframe-only constraints"


def _reframes(subject: Subject) -> bool:
    return subject.type == "video_reframe"


def _has_edit(subject: Subject) -> bool:
    return subject.video.edit is not None


def _auto_and_manual(subject: Subject) -> bool:
    edit = subject.video.edit
    return edit is not None and edit.auto_controls is True and bool(edit.controls)


def _indexes(edit: Edit | None) -> tuple[int, ...]:
    return () if edit is None or edit.keyframe_indexes is None else edit.keyframe_indexes


def _one_array_only(subject: Subject) -> bool:
    edit = subject.video.edit
    return edit is not None and (edit.keyframes is None) != (edit.keyframe_indexes is None)


def _lengths_differ(subject: Subject) -> bool:
    edit = subject.video.edit
    if edit is None or edit.keyframes is None or edit.keyframe_indexes is None:
        return False
    return len(edit.keyframes) != len(edit.keyframe_indexes)


def _negative_index(subject: Subject) -> bool:
    return min(_indexes(subject.video.edit), default=0) < 0


def _duplicate_index(subject: Subject) -> bool:
    indexes = _indexes(subject.video.edit)
    return len(set(indexes)) != len(indexes)


def _anchored_twice(subject: Subject) -> bool:
    edit = subject.video.edit
    return subject.video.start_frame is not None and edit is not None and edit.keyframes is not None


def _extends(subject: Subject) -> bool:
    """Return whether this is a video extend: type video with exactly one generation reference among its frames."""
    return subject.type == "video" and len(subject.video.generation_frames) == 1


def _extends_backward(subject: Subject) -> bool:
    end = subject.video.end_frame
    return _extends(subject) and end is not None and end.generation_id is not None


def _extends_in_hdr(subject: Subject) -> bool:
    # The advice is to "drop HDR/EXR", so EXR without HDR may be refused in these words, or in those of its own row.
    dynamic = subject.video.hdr is True or subject.video.exr_export is True
    return dynamic and subject.type == "video" and bool(subject.video.generation_frames)


def _loops_to_an_end(subject: Subject) -> bool:
    ends = subject.video.loop is True and subject.video.end_frame is not None
    return ends and not (_extends_backward(subject) and len(subject.video.frames) == 1)


def _refers_beyond_extend(subject: Subject) -> bool:
    return subject.type == "video" and len(subject.video.frames) > 1 and bool(subject.video.generation_frames)


def _hdr_or_exr_on_reframe(subject: Subject) -> Sequence[Fault]:
    if _reframes(subject) and (subject.video.hdr or subject.video.exr_export):
        return (Fault(path="video.hdr" if subject.video.hdr else "video.exr_export"),)
    return ()


def _vertical_1080p(subject: Subject) -> Sequence[Fault]:
    vertical = subject.aspect_ratio in facts.VERTICAL_REFRAME_RATIOS
    if not (_reframes(subject) and subject.video.resolution == "1080p" and vertical):
        return ()
    # The page prints one text for both shapes, with 9:16 in it.
    named = dict.fromkeys((subject.aspect_ratio, "9:16"))
    return (Fault(path="video.resolution", values=tuple({"ratio": ratio} for ratio in named)),)


_ONE_TYPE_ONLY: Final = (
    # Only making a video can loop. Reframe has a text of its own for the same option, which would never be seen if
    # this row came first there; so it does not.
    Rule(
        id="loop-off-video",
        heading="400 — video.loop on a video_edit request",
        status=400,
        detail="video.loop is only valid for type 'video'",
        find=at("video.loop", lambda s: s.edits_video and s.video.loop is True),
        outranked_by=("reframe-loop",),
    ),
    # Edit conditioning belongs to edits. On reframe as above: its own text would never be seen.
    Rule(
        id="edit-off-video-edit",
        heading="400 — video.edit on a video (create) request",
        status=400,
        detail="video.edit is only valid for type 'video_edit'",
        find=at("video.edit", lambda s: s.type in ("video", "video_reframe") and _has_edit(s)),
        outranked_by=("reframe-edit",),
    ),
    Rule(
        id="auto-with-manual-controls",
        heading="400 — video.edit.auto_controls: true combined with video.edit.controls",
        status=400,
        detail=(
            "video.edit.auto_controls=true cannot be combined with video.edit.controls (auto mode derives the "
            "schedule and ignores manual per-signal controls)"
        ),
        find=at("video.edit.auto_controls", _auto_and_manual),
    ),
)

# Guide frames and their positions are parallel arrays. The page does not say which mistake is named first.
_GUIDE_FRAMES: Final = (
    Rule(
        id="keyframes-half-given",
        heading=_KEYFRAMES,
        status=400,
        detail="video.edit.keyframes and video.edit.keyframe_indexes must both be provided or both omitted",
        find=at("video.edit", _one_array_only),
    ),
    Rule(
        id="keyframes-lengths-differ",
        heading=_KEYFRAMES,
        status=400,
        detail="video.edit.keyframe_indexes must have the same length as video.edit.keyframes",
        find=at("video.edit.keyframe_indexes", _lengths_differ),
    ),
    Rule(
        id="keyframe-index-negative",
        heading=_KEYFRAMES,
        status=400,
        detail="video.edit.keyframe_indexes must be non-negative",
        find=at("video.edit.keyframe_indexes", _negative_index),
    ),
    Rule(
        id="keyframe-index-duplicate",
        heading=_KEYFRAMES,
        status=400,
        detail="video.edit.keyframe_indexes must be unique",
        find=at("video.edit.keyframe_indexes", _duplicate_index),
    ),
    # One anchor or several, not both ways of saying it.
    Rule(
        id="start-frame-with-keyframes",
        heading="400 — video.start_frame combined with video.edit.keyframes",
        status=400,
        detail=(
            "video.start_frame and video.edit.keyframes are mutually exclusive — use video.start_frame for the "
            "single-anchor case (frame at index 0), or video.edit.keyframes + keyframe_indexes for multi-anchor / "
            "arbitrary positions"
        ),
        find=at("video.start_frame", _anchored_twice),
    ),
    Rule(
        id="source-position-off-reframe",
        heading="400 — video.source_position set on a non-reframe type",
        status=400,
        detail="video.source_position is only valid for type 'video_reframe'",
        find=at("video.source_position", lambda s: s.type in ("video", "video_edit") and s.video.source_position),
    ),
)

# The page limits these rows to no type. `unspecified` leaves open the pairs that nothing else refuses on video_edit.
_OPTION_PAIRS: Final = (
    Rule(
        id="540p-with-hdr",
        heading=_COMBINATIONS,
        status=400,
        detail="resolution '540p' is not supported with hdr=true",
        find=at("video.resolution", lambda s: s.video.resolution == "540p" and s.video.hdr is True),
    ),
    Rule(
        id="10s-with-hdr",
        heading=_COMBINATIONS,
        status=400,
        detail="duration '10s' is not supported with hdr=true",
        find=at("video.duration", lambda s: s.video.duration == "10s" and s.video.hdr is True),
    ),
    Rule(
        id="10s-with-frame",
        heading=_COMBINATIONS,
        status=400,
        detail="duration '10s' is not supported with start_frame / end_frame",
        find=at("video.duration", lambda s: s.video.duration == "10s" and bool(s.video.frames)),
    ),
    Rule(
        id="loop-with-10s",
        heading=_COMBINATIONS,
        status=400,
        detail="loop is not supported with duration '10s'",
        find=at("video.loop", lambda s: s.video.loop is True and s.video.duration == "10s"),
    ),
    Rule(
        id="loop-with-hdr",
        heading=_COMBINATIONS,
        status=400,
        detail="loop is not supported with hdr=true",
        find=at("video.loop", lambda s: s.video.loop is True and s.video.hdr is True),
    ),
    # A backward extend that loops has a text of its own, which would never be seen if this row spoke of it too.
    Rule(
        id="loop-with-end-frame",
        heading=_COMBINATIONS,
        status=400,
        detail="loop is not supported with end_frame (no seamless start↔end match)",
        find=at("video.loop", _loops_to_an_end),
    ),
    # On reframe another text names exr_export too; which one comes first without hdr is not said.
    Rule(
        id="exr-without-hdr",
        heading=_COMBINATIONS,
        status=400,
        detail="exr_export requires hdr=true",
        find=at("video.exr_export", lambda s: s.video.exr_export is True and s.video.hdr is not True),
    ),
)

_EXTENDING: Final = (
    Rule(
        id="extend-hdr",
        heading=_EXTEND,
        status=400,
        detail="HDR is not supported with video extend",
        find=at("video.hdr", _extends_in_hdr),
    ),
    Rule(
        id="extend-loop-backward",
        heading=_EXTEND,
        status=400,
        detail="loop is only supported with forward video extend",
        find=at("video.loop", lambda s: s.video.loop is True and _extends_backward(s)),
    ),
    # A generation reference stands alone: beside any other frame it is no extend but an interpolation.
    Rule(
        id="extend-with-second-frame",
        heading=_EXTEND,
        status=400,
        detail=(
            "generation-ref keyframes are only supported for video extend (a single start_frame OR end_frame "
            "generation reference); interpolate-from-generation is not yet available"
        ),
        find=at("video", _refers_beyond_extend),
    ),
)

_REFRAMING: Final = (
    Rule(
        id="reframe-ratio-missing",
        heading=_REFRAME,
        status=400,
        detail="aspect_ratio (the target shape) is required for type 'video_reframe'",
        find=at("aspect_ratio", lambda s: _reframes(s) and s.aspect_ratio is None),
    ),
    Rule(
        id="reframe-frames",
        heading=_REFRAME,
        status=400,
        detail="video.start_frame / video.end_frame are not supported for type 'video_reframe'",
        find=at("video", lambda s: _reframes(s) and bool(s.video.frames)),
    ),
    Rule(
        id="reframe-loop",
        heading=_REFRAME,
        status=400,
        detail="video.loop is not supported for type 'video_reframe'",
        find=at("video.loop", lambda s: _reframes(s) and s.video.loop is True),
    ),
    Rule(
        id="reframe-hdr",
        heading=_REFRAME,
        status=400,
        detail="HDR / exr_export are not supported for type 'video_reframe'",
        find=_hdr_or_exr_on_reframe,
    ),
    Rule(
        id="reframe-edit",
        heading=_REFRAME,
        status=400,
        detail="video.edit is not supported for type 'video_reframe'",
        find=at("video.edit", lambda s: _reframes(s) and _has_edit(s)),
    ),
    Rule(
        id="reframe-vertical-1080p",
        heading=_REFRAME,
        status=400,
        detail=(
            "1080p resolution is not yet available for vertical reframe (aspect_ratio '{ratio}', type "
            "'video_reframe') — coming soon. Use a landscape aspect_ratio at 1080p, or resolution '720p' / '540p'."
        ),
        find=_vertical_1080p,
    ),
)

VIDEO_RULES: Final = (*_ONE_TYPE_ONLY, *_GUIDE_FRAMES, *_OPTION_PAIRS, *_EXTENDING, *_REFRAMING)
