"""400 — Bad Request, first part: the model, the type, and where `source` and `image_ref` are allowed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from luma_conformance.rules import facts
from luma_conformance.rules.rule import Fault, Rule, at
from luma_conformance.rules.subject import Subject


def _unknown_model(subject: Subject) -> Sequence[Fault]:
    if subject.model in facts.MODELS:
        return ()
    return (Fault(path="model", values=({"model": subject.model},)),)


def _unsupported_type(subject: Subject) -> Sequence[Fault]:
    # The pair is judged after the default model is filled in: the page's first example sends no model.
    if subject.type in facts.TYPES_BY_MODEL.get(subject.model, facts.TYPES):
        return ()
    return (Fault(path="type", values=({"type": subject.type, "model": subject.model},)),)


def _untyped_source_video(subject: Subject) -> Sequence[Fault]:
    source = subject.source
    if source is None or not subject.edits_video or (source.url is None and source.data is None):
        return ()
    if source.media_type is not None and source.media_type.startswith("video/"):
        return ()
    # The page prints one text for both types, with 'video_edit' in it.
    named = dict.fromkeys((subject.type, "video_edit"))
    return (Fault(path="source.media_type", values=tuple({"type": kind} for kind in named)),)


def _has_generation_source(subject: Subject) -> bool:
    return subject.source is not None and subject.source.generation_id is not None


REQUEST_RULES: Final = (
    Rule(
        id="unknown-model",
        heading="400 — Unknown model",
        status=400,
        detail="Unknown model: {model}",
        find=_unknown_model,
    ),
    Rule(
        id="unsupported-type",
        heading="400 — Unsupported generation type for this model",
        status=400,
        detail="Type '{type}' is not supported for model '{model}'",
        find=_unsupported_type,
    ),
    # Editing or reframing a video needs a video to start from.
    Rule(
        id="source-video-missing",
        heading="400 — source missing on video_edit or video_reframe",
        status=400,
        detail=(
            "source is required for type 'video_edit' or 'video_reframe' — provide source.generation_id (UUID of a "
            "prior generation) or source.url / source.data with source.media_type='video/mp4'"
        ),
        find=at("source", lambda s: s.edits_video and s.source is None),
    ),
    # The sentence forbids it on `video`, and names the types it is for, so `image` breaks it too.
    Rule(
        id="source-generation-misplaced",
        heading="400 — source.generation_id set on the wrong request type",
        status=400,
        detail="source.generation_id is only valid for type 'image_edit', 'video_edit', or 'video_reframe'",
        find=at("source.generation_id", lambda s: s.type in ("image", "video") and _has_generation_source(s)),
    ),
    # A hosted or inline source video declares itself a video before anything is fetched.
    Rule(
        id="source-video-untyped",
        heading="400 — source.url or source.data on video_edit / video_reframe without a video media_type",
        status=400,
        detail=(
            "source.media_type must be a video/* type (e.g. 'video/mp4') when providing source.url / source.data "
            "on type='{type}'"
        ),
        find=_untyped_source_video,
    ),
    Rule(
        id="image-ref-on-video-edit",
        heading="400 — image_ref set on video_edit",
        status=400,
        detail="image_ref is not supported for type 'video_edit'",
        find=at("image_ref", lambda s: s.type == "video_edit" and bool(s.image_ref)),
    ),
)
