"""The order in which the reference names faults: one of the orders the page allows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from luma_conformance.rules import Rejected, Violation

PRECEDENCE: Final = (
    "prompt-empty",
    "prompt-too-long",
    "unknown-model",
    "unsupported-type",
    # source and image_ref: where they belong, whether they are there, how many
    "source-generation-misplaced",
    "source-on-image",
    "source-on-video",
    "source-image-missing",
    "source-video-missing",
    "image-ref-on-video-edit",
    "edit-references-too-many",
    # the shape of each reference
    "reference-url-and-data",
    "reference-data-untyped",
    "source-video-untyped",
    # reframe, edit and extend, before the options any video may have
    "reframe-ratio-missing",
    "reframe-frames",
    "reframe-loop",
    "reframe-hdr",
    "reframe-edit",
    "reframe-vertical-1080p",
    "edit-off-video-edit",
    "source-position-off-reframe",
    "auto-with-manual-controls",
    "start-frame-with-keyframes",
    "keyframes-half-given",
    "keyframes-lengths-differ",
    "keyframe-index-negative",
    "keyframe-index-duplicate",
    "extend-with-second-frame",
    "extend-hdr",
    "extend-loop-backward",
    "loop-off-video",
    "540p-with-hdr",
    "10s-with-hdr",
    "10s-with-frame",
    "loop-with-10s",
    "loop-with-hdr",
    "loop-with-end-frame",
    "exr-without-hdr",
    "aspect-ratio-invalid",
    "manga-not-portrait",
    # after rate limit, concurrency and balance: what loading media finds
    "ingestion-off",
    "proxy-down",
    "base64-invalid",
    "url-unreachable",
    "url-http-error",
    "url-not-an-image",
    "image-too-heavy",
    "video-too-heavy",
    "image-too-wide",
)
_RANK: Final = {rule: rank for rank, rule in enumerate(PRECEDENCE)}
_FIRST_LOADING: Final = _RANK["ingestion-off"]


@dataclass(frozen=True, slots=True)
class Answer:
    """The status and text of an answer; `loading` marks faults found only by loading media, after the limits."""

    status: int
    detail: str
    loading: bool


def choose_answer(rejected: Rejected) -> Answer:
    """Return the answer to a refused body: that of the violation that comes first in PRECEDENCE."""
    first = min(rejected.violations, key=lambda violation: _RANK[violation.rule])
    return Answer(first.status, _word(first), _RANK[first.rule] >= _FIRST_LOADING)


def _word(violation: Violation) -> str:
    if violation.details:
        return violation.details[0]
    if violation.detail_like is not None:
        return violation.detail_like.replace("{field}", violation.path)
    return f"{violation.path}: video exceeds the size limit"
