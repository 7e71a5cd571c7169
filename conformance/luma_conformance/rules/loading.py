"""413, 422, 502 and 503: what loading the media finds, and the ratios of manga style, which is a 422 too.

The page does not say whether these come before or after the 400s, except where `subject` leaves a reference unloaded;
where both apply, both are allowed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from luma_conformance.rules import facts
from luma_conformance.rules.media import Kind, Problem
from luma_conformance.rules.rule import Fault, Find, Rule
from luma_conformance.rules.subject import Load, Subject

_TOO_LARGE: Final = "413 — Payload Too Large"


def _is_source_video(subject: Subject, load: Load) -> bool:
    return subject.edits_video and load.reference.path == "source"


def _heavy_image(subject: Subject) -> Sequence[Fault]:
    heavy = [load for load in subject.transferred if (load.fact.bytes or 0) > facts.MAX_IMAGE_BYTES]
    return [_name(load) for load in heavy if not _is_source_video(subject, load)]


def _heavy_video(subject: Subject) -> Sequence[Fault]:
    heavy = [load for load in subject.transferred if (load.fact.bytes or 0) > facts.MAX_IMAGE_BYTES]
    return [
        Fault(path=load.reference.path)
        for load in heavy
        if _is_source_video(subject, load)
        and (load.reference.data is not None or (load.fact.bytes or 0) > facts.MAX_VIDEO_BYTES)
    ]


def _wide_image(subject: Subject) -> Sequence[Fault]:
    sized = [(load, load.fact.width, load.fact.height) for load in subject.transferred]
    return [
        _name(load, width=width, height=height)
        for load, width, height in sized
        if width is not None and height is not None and max(width, height) > facts.MAX_SIDE
        if not _is_source_video(subject, load)
    ]


def _landscape_manga(subject: Subject) -> Sequence[Fault]:
    ratio = subject.aspect_ratio
    if subject.manga and subject.type == "image" and ratio is not None and ratio not in facts.PORTRAIT_RATIOS:
        return (Fault(path="aspect_ratio", values=({"ratio": ratio},)),)
    return ()


def _with(problem: Problem) -> Find:
    def find(subject: Subject) -> Sequence[Fault]:
        failed = [load for load in subject.failed if load.fact.problem is problem]
        return [_name(load, http_status=load.fact.http_status) for load in failed]

    return find


def _name(load: Load, **values: object) -> Fault:
    return Fault(path=load.reference.path, values=({"field": load.reference.named, **values},))


_find_no_image: Final = _with(Problem.NOT_AN_IMAGE)


def _not_an_image(subject: Subject) -> Sequence[Fault]:
    """Return what is no image where images belong, and what may be called so where nothing belongs.

    That is a video, and a URL of which nobody knows what it leads to: the wording may vary, so any 422 is allowed.
    """
    perhaps = [
        _name(load)
        for load in subject.unwanted
        if load.fact.kind is Kind.VIDEO or load.fact.problem is Problem.UNDECIDED
    ]
    return [*_find_no_image(subject), *perhaps]


LOADING_RULES: Final = (
    # More than 50 MB once decoded or fetched.
    Rule(
        id="image-too-heavy",
        heading=_TOO_LARGE,
        status=413,
        detail="{field}: image exceeds 50 MB limit",
        find=_heavy_image,
    ),
    # The page puts inline source videos under the 50 MB cap too, with no text that speaks of a video.
    Rule(
        id="video-too-heavy",
        heading=_TOO_LARGE,
        status=413,
        detail=None,
        find=_heavy_video,
    ),
    Rule(
        id="image-too-wide",
        heading=_TOO_LARGE,
        status=413,
        detail="{field}: image is {width}x{height}px but each side must be <= 8000px. Resize and try again.",
        find=_wide_image,
    ),
    Rule(
        id="manga-not-portrait",
        heading="422 — Manga style with a non-portrait aspect ratio",
        status=422,
        detail="aspect_ratio='{ratio}' is not allowed when style='manga'. Valid aspect_ratio: 1:2, 1:3, 2:3, 9:16",
        find=_landscape_manga,
    ),
    Rule(
        id="base64-invalid",
        heading="422 — Invalid base64 data",
        status=422,
        detail="{field}: invalid base64 data",
        find=_with(Problem.BAD_BASE64),
    ),
    Rule(
        id="url-unreachable",
        heading="422 — URL fetch failure — unreachable host",
        status=422,
        detail="{field}: failed to fetch URL",
        find=_with(Problem.UNREACHABLE),
    ),
    Rule(
        id="url-http-error",
        heading="422 — URL fetch failure — 404 or other HTTP error",
        status=422,
        detail="{field}: failed to fetch URL (HTTP {http_status})",
        find=_with(Problem.HTTP_ERROR),
    ),
    # The text comes from the fetch proxy, and the page says its wording may vary.
    Rule(
        id="url-not-an-image",
        heading="422 — URL fetch failure — not an image",
        status=422,
        detail="{field}: content-type is not an image",
        find=_not_an_image,
        wording_may_vary=True,
    ),
    Rule(
        id="proxy-down",
        heading="502 — Bad Gateway",
        status=502,
        detail="{field}: fetch proxy unavailable",
        find=_with(Problem.PROXY_DOWN),
    ),
    Rule(
        id="ingestion-off",
        heading="503 — Service Unavailable",
        status=503,
        detail="Media URL ingestion is unavailable (fetch proxy not configured)",
        find=_with(Problem.INGESTION_OFF),
    ),
)
