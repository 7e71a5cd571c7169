"""Legal requests, one of each type, and ways to change them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from luma_conformance.miniatures.miniature import Body
from luma_conformance.miniatures.pictures import encode, mp4, png
from luma_conformance.reference.cards import CLIENTS, COMPLETED_IMAGE, COMPLETED_VIDEO, FAILS, STAYS

IMAGE_URL: Final = "https://media.test/image.png"
VIDEO_URL: Final = "https://media.test/video.mp4"
BY_URL: Final[Body] = {"url": IMAGE_URL}
BY_DATA: Final[Body] = {"data": encode(png()), "media_type": "image/png"}
PRIOR_IMAGE: Final[Body] = {"generation_id": COMPLETED_IMAGE}
PRIOR_VIDEO: Final[Body] = {"generation_id": COMPLETED_VIDEO}
HOSTED_VIDEO: Final[Body] = {"url": VIDEO_URL, "media_type": "video/mp4"}
INLINE_VIDEO: Final[Body] = {"data": encode(mp4()), "media_type": "video/mp4"}

STAYING: Final = tuple(STAYS)
"""The prompts whose generation stays queued, and in processing."""
FAILING: Final = tuple(FAILS)
"""The prompts whose generation fails."""

SLOTS: Final = CLIENTS["low-concurrency"].concurrency or 0
"""How many jobs the client with few slots may have at once."""

PROMPT: Final = "A harbour at first light"
IMAGE: Final[Body] = {"prompt": PROMPT}
IMAGE_EDIT: Final[Body] = {"type": "image_edit", "prompt": PROMPT, "source": BY_URL}
VIDEO: Final[Body] = {"model": "ray-3.2", "type": "video", "prompt": PROMPT}
VIDEO_EDIT: Final[Body] = {"model": "ray-3.2", "type": "video_edit", "prompt": PROMPT, "source": PRIOR_VIDEO}
REFRAME: Final[Body] = {
    "model": "ray-3.2",
    "type": "video_reframe",
    "prompt": PROMPT,
    "source": PRIOR_VIDEO,
    "aspect_ratio": "16:9",
}
CONTROLS: Final[Mapping[str, Body]] = {
    "image": IMAGE,
    "image_edit": IMAGE_EDIT,
    "video": VIDEO,
    "video_edit": VIDEO_EDIT,
    "video_reframe": REFRAME,
}


def give(body: Body, **fields: Any) -> Body:
    """Return a body with fields set; `__` in a name stands for a step into an object, as in `video__loop`."""
    for name, value in fields.items():
        body = put(body, name.replace("__", "."), value)
    return body


def put(body: Body, path: str, value: object) -> Body:
    """Return a body with the value at a path set, and the objects on the way made."""
    first, _, rest = path.partition(".")
    if not rest:
        return {**body, first: value}
    return {**body, first: put(body.get(first) or {}, rest, value)}


def look(body: Body, path: str) -> Any:
    """Return the value at a path, or None where there is none."""
    found: Any = body
    for name in path.split("."):
        if not isinstance(found, dict):
            return None
        found = found.get(name)
    return found
