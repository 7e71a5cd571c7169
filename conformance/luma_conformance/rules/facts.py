"""The page's enumerations and limits, as plain constants."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

# 400 — Unknown model: these three, for every account; the first is what an absent `model` means.
MODELS: Final = ("uni-1", "uni-1-max", "ray-3.2")
DEFAULT_MODEL: Final = "uni-1"

# 400 — Unsupported generation type for this model: image models make images, Ray makes videos.
IMAGE_TYPES: Final = ("image", "image_edit")
VIDEO_TYPES: Final = ("video", "video_edit", "video_reframe")
TYPES: Final = (*IMAGE_TYPES, *VIDEO_TYPES)
DEFAULT_TYPE: Final = "image"
TYPES_BY_MODEL: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {"uni-1": IMAGE_TYPES, "uni-1-max": IMAGE_TYPES, "ray-3.2": VIDEO_TYPES}
)

# 400 — Invalid aspect ratio: nine for images, six for Ray. The image list stands in the order the page prints.
IMAGE_RATIOS: Final = ("1:1", "1:2", "1:3", "16:9", "2:1", "2:3", "3:1", "3:2", "9:16")
VIDEO_RATIOS: Final = ("9:16", "3:4", "1:1", "4:3", "16:9", "21:9")
RATIOS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "image": IMAGE_RATIOS,
        "image_edit": IMAGE_RATIOS,
        "video": VIDEO_RATIOS,
        "video_edit": VIDEO_RATIOS,
        "video_reframe": VIDEO_RATIOS,
    }
)
VERTICAL_REFRAME_RATIOS: Final = ("9:16", "3:4")

# 422 — Manga style with a non-portrait aspect ratio: the only four that go with manga, in the order the page prints.
PORTRAIT_RATIOS: Final = ("1:2", "1:3", "2:3", "9:16")

# What the request schema enumerates and the page's era knows; anything else is outside the page.
STYLES: Final = ("auto", "manga")
OUTPUT_FORMATS: Final = ("png", "jpeg")
RESOLUTIONS: Final = ("540p", "720p", "1080p")
DEFAULT_RESOLUTION: Final = "720p"
DURATIONS: Final = ("5s", "10s")
DEFAULT_DURATION: Final = "5s"
STRENGTHS: Final = tuple(f"{kind}_{level}" for kind in ("adhere", "flex", "reimagine") for level in (1, 2, 3))
IMAGE_MEDIA_TYPES: Final = ("image/jpeg", "image/png", "image/webp", "image/gif")

MAX_PROMPT: Final = 6000
MAX_EDIT_REFERENCES: Final = 8
MAX_IMAGE_REFERENCES: Final = 9
MAX_KEYFRAMES: Final = 64
MAX_IMAGE_BYTES: Final = 50 * 1024 * 1024
MAX_VIDEO_BYTES: Final = 200 * 1024 * 1024
MAX_SIDE: Final = 8000
MAX_USER_ID: Final = 256

# Machine-readable codes: each failure code, and whether the same request may be sent again.
FAILURE_CODES: Final[Mapping[str, bool]] = MappingProxyType(
    {
        "content_moderated": False,
        "generation_failed": True,
        "budget_exhausted": False,
        "output_not_found": True,
        "image_too_large": False,
        "unsupported_format": False,
        "corrupt_input": False,
        "invalid_request": False,
        "rate_limited": True,
    }
)

# Quick reference: each error status of POST /v1/generations, and whether the same request may be sent again.
RETRYABLE_STATUSES: Final[Mapping[int, bool]] = MappingProxyType(
    {400: False, 401: False, 402: False, 403: False, 413: False, 422: False, 429: True, 502: True, 503: True}
)
