"""Request bodies to vary, and the media their URLs stand for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from luma_conformance.rules import MediaFact, Problem, inline_only

Body = dict[str, Any]

ID = "d290f1ee-6c54-4b01-90e6-d701748f0851"
FINE = {"url": "https://example.com/photo.jpg"}
PRIOR = {"generation_id": ID}
SUNSET = "A sunset over the ocean"
URL_VIDEO = {"url": "https://example.com/source.mp4"}
TYPED_VIDEO = {**URL_VIDEO, "media_type": "video/mp4"}

FACTS = {
    "https://example.com/heavy.jpg": MediaFact(bytes=52_428_801),
    "https://example.com/full.jpg": MediaFact(bytes=52_428_800, width=8000, height=8000),
    "https://example.com/wide.jpg": MediaFact(bytes=1, width=9000, height=6000),
    "https://example.com/huge.mp4": MediaFact(bytes=400 * 1024 * 1024),
    "https://nonexistent-domain-12345.com/image.jpg": MediaFact(problem=Problem.UNREACHABLE),
    "https://example.com/deleted-image.jpg": MediaFact(problem=Problem.HTTP_ERROR, http_status=404),
    "https://example.com/document.pdf": MediaFact(problem=Problem.NOT_AN_IMAGE),
    "https://example.com/proxy-down.jpg": MediaFact(problem=Problem.PROXY_DOWN),
    "https://example.com/ingestion-off.jpg": MediaFact(problem=Problem.INGESTION_OFF),
}
HEAVY, FULL, WIDE, HUGE, NOWHERE, GONE, PDF, PROXY, OFF = ({"url": url} for url in FACTS)
TINY_PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def look_up(ref: Mapping[str, object]) -> MediaFact:
    """Return the facts of the URLs above, and those of the default lookup for everything else."""
    return FACTS.get(str(ref.get("url"))) or inline_only(ref)


def image(**fields: Any) -> Body:
    """Return an accepted image request with these fields."""
    return {"prompt": SUNSET, **fields}


def ray(kind: str, **fields: Any) -> Body:
    """Return an accepted Ray request of a type; edits and reframes start from a prior generation."""
    needs: Body = {} if kind == "video" else {"source": PRIOR}
    if kind == "video_reframe":
        needs["aspect_ratio"] = "16:9"
    return {"model": "ray-3.2", "type": kind, "prompt": SUNSET, **needs, **fields}


def restyle(**fields: Any) -> Body:
    """Return an accepted image edit with these fields."""
    return {"type": "image_edit", "prompt": SUNSET, "source": FINE, **fields}


def video(**options: Any) -> Body:
    """Return a video request with these options."""
    return ray("video", video=options)


def edit(**options: Any) -> Body:
    """Return a video edit with this video.edit block."""
    return ray("video_edit", video={"edit": options})


def without(body: Body, name: str) -> Body:
    """Return the body without one top-level field."""
    return {key: value for key, value in body.items() if key != name}
