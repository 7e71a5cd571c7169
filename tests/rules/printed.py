"""The page's answers to bodies, one row each: the body, the answer as printed, a near twin without the fault."""

from __future__ import annotations

from dataclasses import dataclass

from tests.rules.bodies import (
    FINE,
    FULL,
    GONE,
    HEAVY,
    NOWHERE,
    OFF,
    PDF,
    PRIOR,
    PROXY,
    TINY_PNG,
    TYPED_VIDEO,
    URL_VIDEO,
    WIDE,
    Body,
    edit,
    image,
    ray,
    restyle,
    video,
    without,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """One answer of the page: the rule, a body that breaks it alone, the answer, and an accepted near twin."""

    rule: str
    body: Body
    detail: str
    twin: Body
    status: int = 400
    of: str = ""

    @property
    def name(self) -> str:
        """The rule, and the example where it has several."""
        return f"{self.rule} {self.of}".rstrip()


MISPLACED_SOURCE = (
    "source is only valid for type 'image_edit', 'video_edit' / 'video_reframe' with source.generation_id, or "
    "'video_edit' / 'video_reframe' with a video source.url / source.data"
)
NINE = "1:1, 1:2, 1:3, 16:9, 2:1, 2:3, 3:1, 3:2, 9:16"
PROMPT = "Prompt must be between 1 and 6000 characters"
MANGA = {"style": "manga"}
TWO = [FINE, FINE]

REQUEST = (
    Printed(
        rule="unknown-model",
        body=image(model="super-model-v9"),
        detail="Unknown model: super-model-v9",
        twin=image(model="uni-1-max"),
    ),
    Printed(
        rule="unsupported-type",
        of="on an image model",
        body=image(type="video"),
        detail="Type 'video' is not supported for model 'uni-1'",
        twin=image(type="video", model="ray-3.2"),
    ),
    Printed(
        rule="unsupported-type",
        of="on a video model",
        body=image(model="ray-3.2", type="image"),
        detail="Type 'image' is not supported for model 'ray-3.2'",
        twin=image(model="uni-1", type="image"),
    ),
    Printed(
        rule="source-video-missing",
        body=without(ray("video_edit"), "source"),
        detail="source is required for type 'video_edit' or 'video_reframe' \u2014 provide source.generation_id "
        "(UUID of a prior generation) or source.url / source.data with source.media_type='video/mp4'",
        twin=ray("video_edit"),
    ),
    Printed(
        rule="source-generation-misplaced",
        body=ray("video", source=PRIOR),
        detail="source.generation_id is only valid for type 'image_edit', 'video_edit', or 'video_reframe'",
        twin=ray("video_edit"),
    ),
    Printed(
        rule="source-video-untyped",
        body=ray("video_edit", source=URL_VIDEO),
        detail="source.media_type must be a video/* type (e.g. 'video/mp4') when providing source.url / source.data on "
        "type='video_edit'",
        twin=ray("video_edit", source=TYPED_VIDEO),
    ),
    Printed(
        rule="image-ref-on-video-edit",
        body=ray("video_edit", image_ref=[{"url": "https://example.com/style.jpg"}]),
        detail="image_ref is not supported for type 'video_edit'",
        twin=ray("video_edit"),
    ),
)

VIDEO = (
    Printed(
        rule="loop-off-video",
        body=ray("video_edit", video={"loop": True}),
        detail="video.loop is only valid for type 'video'",
        twin=video(loop=True),
    ),
    Printed(
        rule="edit-off-video-edit",
        body=video(edit={"strength": "flex_2"}),
        detail="video.edit is only valid for type 'video_edit'",
        twin=edit(strength="flex_2"),
    ),
    Printed(
        rule="auto-with-manual-controls",
        body=edit(auto_controls=True, controls={"pose": {"enabled": True}}),
        detail="video.edit.auto_controls=true cannot be combined with video.edit.controls (auto mode derives "
        "the schedule and ignores manual per-signal controls)",
        twin=edit(auto_controls=False, controls={"pose": {"enabled": True}}),
    ),
    Printed(
        rule="keyframes-half-given",
        body=edit(keyframes=[FINE]),
        detail="video.edit.keyframes and video.edit.keyframe_indexes must both be provided or both omitted",
        twin=edit(keyframes=[FINE], keyframe_indexes=[0]),
    ),
    Printed(
        rule="keyframes-lengths-differ",
        body=edit(keyframes=TWO, keyframe_indexes=[0]),
        detail="video.edit.keyframe_indexes must have the same length as video.edit.keyframes",
        twin=edit(keyframes=TWO, keyframe_indexes=[0, 1]),
    ),
    Printed(
        rule="keyframe-index-negative",
        body=edit(keyframes=[FINE], keyframe_indexes=[-1]),
        detail="video.edit.keyframe_indexes must be non-negative",
        twin=edit(keyframes=[FINE], keyframe_indexes=[119]),
    ),
    Printed(
        rule="keyframe-index-duplicate",
        body=edit(keyframes=TWO, keyframe_indexes=[7, 7]),
        detail="video.edit.keyframe_indexes must be unique",
        twin=edit(keyframes=TWO, keyframe_indexes=[8, 7]),
    ),
    Printed(
        rule="start-frame-with-keyframes",
        body=ray("video_edit", video={"start_frame": FINE, "edit": {"keyframes": [FINE], "keyframe_indexes": [0]}}),
        detail="video.start_frame and video.edit.keyframes are mutually exclusive \u2014 use video.start_frame for the "
        "single-anchor case (frame at index 0), or video.edit.keyframes + keyframe_indexes for multi-anchor "
        "/ arbitrary positions",
        twin=ray("video_edit", video={"start_frame": FINE}),
    ),
    Printed(
        rule="source-position-off-reframe",
        body=video(source_position={"x_norm": 0, "y_norm": 0.5, "w_norm": 1, "h_norm": 2}),
        detail="video.source_position is only valid for type 'video_reframe'",
        twin=ray("video_reframe", video={"source_position": {"x_norm": -2, "y_norm": 0, "w_norm": 1, "h_norm": 1}}),
    ),
    Printed(
        rule="540p-with-hdr",
        body=video(resolution="540p", hdr=True),
        detail="resolution '540p' is not supported with hdr=true",
        twin=video(resolution="720p", hdr=True),
    ),
    Printed(
        rule="10s-with-hdr",
        body=video(duration="10s", hdr=True),
        detail="duration '10s' is not supported with hdr=true",
        twin=video(duration="5s", hdr=True),
    ),
    Printed(
        rule="10s-with-frame",
        body=video(duration="10s", start_frame=FINE),
        detail="duration '10s' is not supported with start_frame / end_frame",
        twin=video(duration="5s", start_frame=FINE),
    ),
    Printed(
        rule="loop-with-10s",
        body=video(duration="10s", loop=True),
        detail="loop is not supported with duration '10s'",
        twin=video(duration="10s", loop=False),
    ),
    Printed(
        rule="loop-with-hdr",
        body=video(loop=True, hdr=True),
        detail="loop is not supported with hdr=true",
        twin=video(loop=True, hdr=False),
    ),
    Printed(
        rule="loop-with-end-frame",
        body=video(loop=True, end_frame=FINE),
        detail="loop is not supported with end_frame (no seamless start\u2194end match)",
        twin=video(loop=True, start_frame=FINE),
    ),
    Printed(
        rule="exr-without-hdr",
        body=video(exr_export=True),
        detail="exr_export requires hdr=true",
        twin=video(exr_export=True, hdr=True),
    ),
    Printed(
        rule="extend-hdr",
        body=video(start_frame=PRIOR, hdr=True),
        detail="HDR is not supported with video extend",
        twin=video(start_frame=PRIOR),
    ),
    Printed(
        rule="extend-loop-backward",
        body=video(end_frame=PRIOR, loop=True),
        detail="loop is only supported with forward video extend",
        twin=video(start_frame=PRIOR, loop=True),
    ),
    Printed(
        rule="extend-with-second-frame",
        body=video(start_frame=PRIOR, end_frame=PRIOR),
        detail="generation-ref keyframes are only supported for video extend (a single start_frame OR end_frame "
        "generation reference); interpolate-from-generation is not yet available",
        twin=video(start_frame=FINE, end_frame=FINE),
    ),
    Printed(
        rule="reframe-ratio-missing",
        body=without(ray("video_reframe"), "aspect_ratio"),
        detail="aspect_ratio (the target shape) is required for type 'video_reframe'",
        twin=ray("video_reframe"),
    ),
    Printed(
        rule="reframe-frames",
        body=ray("video_reframe", video={"end_frame": FINE}),
        detail="video.start_frame / video.end_frame are not supported for type 'video_reframe'",
        twin=video(end_frame=FINE),
    ),
    Printed(
        rule="reframe-loop",
        body=ray("video_reframe", video={"loop": True}),
        detail="video.loop is not supported for type 'video_reframe'",
        twin=ray("video_reframe", video={}),
    ),
    Printed(
        rule="reframe-hdr",
        body=ray("video_reframe", video={"hdr": True}),
        detail="HDR / exr_export are not supported for type 'video_reframe'",
        twin=ray("video_edit", video={"hdr": True}),
    ),
    Printed(
        rule="reframe-edit",
        body=ray("video_reframe", video={"edit": {"strength": "adhere_1"}}),
        detail="video.edit is not supported for type 'video_reframe'",
        twin=edit(strength="adhere_1"),
    ),
    Printed(
        rule="reframe-vertical-1080p",
        body=ray("video_reframe", aspect_ratio="9:16", video={"resolution": "1080p"}),
        detail="1080p resolution is not yet available for vertical reframe (aspect_ratio '9:16', type 'video_reframe') "
        "\u2014 coming soon. Use a landscape aspect_ratio at 1080p, or resolution '720p' / '540p'.",
        twin=ray("video_reframe", aspect_ratio="1:1", video={"resolution": "1080p"}),
    ),
)

CONTENT = (
    Printed(
        rule="aspect-ratio-invalid",
        body=image(aspect_ratio="4:3"),
        detail=f"Invalid aspect_ratio '4:3'. Valid: {NINE}",
        twin=image(aspect_ratio="3:2"),
    ),
    Printed(rule="prompt-empty", body={"prompt": ""}, detail=PROMPT, twin={"prompt": "a"}),
    Printed(rule="prompt-too-long", body={"prompt": "a" * 6001}, detail=PROMPT, twin={"prompt": "a" * 6000}),
    Printed(
        rule="reference-url-and-data",
        body=image(image_ref=[{**FINE, "data": "iVBORw0KGgo...", "media_type": "image/jpeg"}]),
        detail="image_ref[0]: provide either 'url' or 'data', not both",
        twin=image(image_ref=[FINE]),
    ),
    Printed(
        rule="edit-references-too-many",
        body=restyle(image_ref=[FINE] * 9),
        detail="image_edit supports up to 8 reference images (source occupies one slot)",
        twin=restyle(image_ref=[FINE] * 8),
    ),
    Printed(
        rule="source-on-image",
        body=image(type="image", source=FINE),
        detail=MISPLACED_SOURCE,
        twin=restyle(source=FINE),
    ),
    Printed(
        rule="source-image-missing",
        body=image(type="image_edit"),
        detail="source is required for type 'image_edit'",
        twin=restyle(),
    ),
    Printed(
        rule="reference-data-untyped",
        body=image(image_ref=[{"data": "iVBORw0KGgo..."}]),
        detail="image_ref[0]: 'media_type' is required with 'data'",
        twin=image(image_ref=[{"data": TINY_PNG, "media_type": "image/png"}]),
    ),
)

LOADING = (
    Printed(
        rule="image-too-heavy",
        of="source",
        body=restyle(source=HEAVY),
        status=413,
        detail="source: image exceeds 50 MB limit",
        twin=restyle(source=FULL),
    ),
    Printed(
        rule="image-too-heavy",
        of="reference",
        body=image(image_ref=[FINE, FINE, HEAVY]),
        status=413,
        detail="image_ref[2]: image exceeds 50 MB limit",
        twin=image(image_ref=[FINE, FINE, FULL]),
    ),
    Printed(
        rule="image-too-wide",
        body=restyle(source=WIDE),
        status=413,
        detail="source: image is 9000x6000px but each side must be <= 8000px. Resize and try again.",
        twin=restyle(source=FULL),
    ),
    Printed(
        rule="manga-not-portrait",
        body=image(aspect_ratio="1:1", **MANGA),
        status=422,
        detail="aspect_ratio='1:1' is not allowed when style='manga'. Valid aspect_ratio: 1:2, 1:3, 2:3, 9:16",
        twin=image(aspect_ratio="2:3", **MANGA),
    ),
    Printed(
        rule="base64-invalid",
        body=image(image_ref=[{"data": "not-valid-base64!!!", "media_type": "image/png"}]),
        status=422,
        detail="image_ref[0]: invalid base64 data",
        twin=image(image_ref=[{"data": TINY_PNG, "media_type": "image/png"}]),
    ),
    Printed(
        rule="url-unreachable",
        body=image(image_ref=[NOWHERE]),
        status=422,
        detail="image_ref[0]: failed to fetch URL",
        twin=image(image_ref=[FINE]),
    ),
    Printed(
        rule="url-http-error",
        body=restyle(source=GONE),
        status=422,
        detail="source: failed to fetch URL (HTTP 404)",
        twin=restyle(source=FINE),
    ),
    Printed(
        rule="url-not-an-image",
        body=image(image_ref=[PDF]),
        status=422,
        detail="image_ref[0]: content-type is not an image",
        twin=image(image_ref=[FINE]),
    ),
    Printed(
        rule="proxy-down",
        body=restyle(source=PROXY),
        status=502,
        detail="source: fetch proxy unavailable",
        twin=restyle(source={"data": TINY_PNG, "media_type": "image/png"}),
    ),
    Printed(
        rule="ingestion-off",
        body=image(image_ref=[OFF]),
        status=503,
        detail="Media URL ingestion is unavailable (fetch proxy not configured)",
        twin=image(image_ref=[{"data": TINY_PNG, "media_type": "image/png"}]),
    ),
)

PRINTED = (*REQUEST, *VIDEO, *CONTENT, *LOADING)
