"""A server written by hand on asyncio's streams, whose rules are a table.

It differs: answers in chunks, after an interim answer, with an odd reason, header names in mixed case, odd white space
and fields nobody asked for; connections that close after twenty answers, without a word; JSON with everything escaped
that may be, its members in another order and more of them; ids in capitals, times with an offset; a clock for each
client, advanced with a key of that client; jobs that are done when they are first looked at; URLs in the older style,
with the second in which they expire; what can be seen in a body is looked at before the key, quota is used by all that
comes after that, and of several faults the one is named whose text comes first in the alphabet. White space around a
prompt does not count. Much that the page leaves open is refused: a video block for an image, unknown ratios on edits, a
strength beside automatic controls, options that do not go together on edits too.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import json
import re
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, Final

JUDGED = 511
FAULTS = {
    "urls never expire": "presigned-url-expiry",
    "ids are not echoed": "request-tracing",
    "a quota that counts down by two": "rate_limit",
}

EAST: Final = timezone(timedelta(hours=2))
IMAGE_TYPES: Final = {"image", "image_edit"}
VIDEO_TYPES: Final = {"video", "video_edit", "video_reframe"}
PAGE_RATIOS: Final = ["1:1", "1:2", "1:3", "16:9", "2:1", "2:3", "3:1", "3:2", "9:16"]
RAY_RATIOS: Final = sorted(("9:16", "3:4", "1:1", "4:3", "16:9", "21:9"))
REASONS: Final = {
    "content_moderated": "Generation output was flagged by our content moderation system.",
    "generation_failed": "Generation failed",
    "budget_exhausted": "Insufficient balance to complete this generation.",
    "output_not_found": "Output artifacts not found",
    "image_too_large": "Das Bild ist zu groß",
    "unsupported_format": "Unsupported input",
    "corrupt_input": "Corrupt input",
    "invalid_request": "Invalid request",
    "rate_limited": "Rate limited upstream",
}
CDN: Final = "https://cdn.streams.example.org/in"
KNOWN: Final[Mapping[str, tuple[str, ...]]] = {
    f"{CDN}/a": ("image", "1200", "800"),
    f"{CDN}/b": ("video",),
    f"{CDN}/c": ("422", "{}: failed to fetch URL (HTTP 404)"),
    f"{CDN}/d": ("application",),
    f"{CDN}/e": ("413", "{}: image exceeds 50 MB limit"),
    f"{CDN}/f": ("image", "9000", "6000"),
    f"{CDN}/g": ("502", "{}: fetch proxy unavailable"),
    f"{CDN}/h": ("503", "Media URL ingestion is unavailable (fetch proxy not configured)"),
}
"""What each URL leads to: a kind of medium with its sides, or a status and a detail."""

GIF: Final = b"GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff!\xf9\4\1\0\0\0\0,\0\0\0\0\1\0\1\0\0\2\2D\1\0;"
MOVIE: Final = b"\0\0\0\x14ftypiso5\0\0\0\1iso5\0\0\0\x08free"


class No(Exception):
    """A refusal: status, detail, headers."""


@dataclass
class Client:
    """A client with its own clock."""

    quota: int = 90
    room: int = 12
    broke: bool = False
    barred: str = ""
    offset: float = 0.0
    calls: list[float] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)

    @property
    def now(self) -> float:
        """Its time."""
        return time.time() + self.offset


@dataclass(eq=False)
class Job:
    """A generation; it is done at once, unless its prompt says that it waits."""

    client: Client
    type: str
    model: str
    fate: str = "completed"
    id: str = field(default_factory=lambda: str(uuid.uuid1()).upper())
    born: float = 0.0

    def __post_init__(self) -> None:
        self.born = self.client.now
        self.client.jobs.append(self)

    @property
    def kind(self) -> str:
        """What it makes."""
        return "image" if self.type in IMAGE_TYPES else "video"


class Body:
    """A request's body, in which null is the same as absent."""

    def __init__(self, raw: dict[str, Any]) -> None:
        self.raw = without_nulls(raw)
        self.model: str = self.raw.get("model", "uni-1")
        self.type: str = self.raw.get("type", "image")
        self.ratio: str | None = self.raw.get("aspect_ratio")
        self.video: dict[str, Any] = self.raw.get("video", {})
        self.edit: dict[str, Any] = self.video.get("edit", {})
        self.source: dict[str, Any] | None = self.raw.get("source")
        self.references: list[dict[str, Any]] = self.raw.get("image_ref", [])
        self.prompt: str = self.raw.get("prompt", "").strip()
        self.frames = {name: self.video[name] for name in ("start_frame", "end_frame") if name in self.video}
        self.priors = [name for name, frame in self.frames.items() if "generation_id" in frame]

    def has(self, name: str) -> bool:
        """Return whether a video option is on."""
        return self.video.get(name) is True

    def long(self) -> bool:
        """Return whether the video is to take ten seconds."""
        return self.video.get("duration") == "10s"

    def refs(self) -> Iterator[tuple[str, dict[str, Any], str]]:
        """Yield each reference that is used: its path, its members, and the kind of medium."""
        kind = "image" if self.type in IMAGE_TYPES else "video"
        if self.source is not None and self.type not in {"image", "video"}:
            yield "source", self.source, kind
        if kind == "image":
            for index, ref in enumerate(self.references):
                yield f"image_ref[{index}]", ref, "image"
        if self.type in {"video", "video_edit"}:
            for name, frame in self.frames.items():
                yield f"video.{name}", frame, "video" if name in self.priors and self.type == "video" else "image"
        if self.type == "video_edit":
            for index, ref in enumerate(self.edit.get("keyframes", [])):
                yield f"video.edit.keyframes[{index}]", ref, "image"


def without_nulls(value: Any) -> Any:
    """Return a value without the members of its objects that are null."""
    if isinstance(value, dict):
        return {name: without_nulls(one) for name, one in value.items() if one is not None}
    return [without_nulls(one) for one in value] if isinstance(value, list) else value


def no_source(body: Body) -> bool:
    """Return whether there is no source."""
    return body.source is None


def untyped(body: Body) -> bool:
    """Return whether a video that is sent or hosted is not said to be one."""
    source = body.source or {}
    return bool(source.keys() & {"url", "data"}) and not source.get("media_type", "").startswith("video/")


def indexes(body: Body) -> list[int]:
    """Return the indexes of the guide frames."""
    found: list[int] = body.edit.get("keyframe_indexes", [])
    return found


def half(body: Body) -> bool:
    """Return whether only one of the two lists is there."""
    return ("keyframes" in body.edit) != ("keyframe_indexes" in body.edit)


Rule = tuple[str, Callable[[Body], object], str]
RULES: Final[Sequence[Rule]] = (
    (
        "image",
        lambda b: b.ratio and b.ratio not in PAGE_RATIOS,
        "Invalid aspect_ratio '{b.ratio}'. Valid: " + ", ".join(PAGE_RATIOS),
    ),
    (
        "video video_reframe",
        lambda b: b.ratio and b.ratio not in RAY_RATIOS,
        "Invalid aspect_ratio '{b.ratio}'. Valid: " + ", ".join(RAY_RATIOS),
    ),
    (
        "image_edit video_edit",
        lambda b: b.ratio and b.ratio not in {*PAGE_RATIOS, *RAY_RATIOS},
        "No such aspect_ratio",
    ),
    (
        "image image_edit",
        lambda b: b.video,
        "video is for video models",
    ),
    (
        "image",
        lambda b: len(b.references) > 9,
        "image supports up to 9 reference images",
    ),
    (
        "image_edit",
        lambda b: len(b.references) > 8,
        "image_edit supports up to 8 reference images (source occupies one slot)",
    ),
    (
        "image_edit",
        no_source,
        "source is required for type 'image_edit'",
    ),
    (
        "video_edit video_reframe",
        no_source,
        "source is required for type 'video_edit' or 'video_reframe' — provide source.generation_id (UUID of "
        "a prior generation) or source.url / source.data with source.media_type='video/mp4'",
    ),
    (
        "image",
        lambda b: b.source is not None,
        "source is only valid for type 'image_edit', 'video_edit' / 'video_reframe' with "
        "source.generation_id, or 'video_edit' / 'video_reframe' with a video source.url / source.data",
    ),
    (
        "video",
        lambda b: b.source is not None and "generation_id" not in b.source,
        "source is only valid for type 'image_edit', 'video_edit' / 'video_reframe' with "
        "source.generation_id, or 'video_edit' / 'video_reframe' with a video source.url / source.data",
    ),
    (
        "video",
        lambda b: b.source is not None and "generation_id" in b.source,
        "source.generation_id is only valid for type 'image_edit', 'video_edit', or 'video_reframe'",
    ),
    (
        "video_edit video_reframe",
        untyped,
        "source.media_type must be a video/* type (e.g. 'video/mp4') when providing source.url / source.data "
        "on type='{b.type}'",
    ),
    (
        "video_edit",
        lambda b: b.references,
        "image_ref is not supported for type 'video_edit'",
    ),
    (
        "video_edit",
        lambda b: b.has("loop"),
        "video.loop is only valid for type 'video'",
    ),
    (
        "video_edit",
        lambda b: "end_frame" in b.video,
        "video.end_frame has no meaning in an edit",
    ),
    (
        "video",
        lambda b: "edit" in b.video,
        "video.edit is only valid for type 'video_edit'",
    ),
    (
        "video_edit",
        lambda b: b.edit.get("auto_controls") and "controls" in b.edit,
        "video.edit.auto_controls=true cannot be combined with video.edit.controls (auto mode derives the "
        "schedule and ignores manual per-signal controls)",
    ),
    (
        "video_edit",
        lambda b: b.edit.get("auto_controls") and "strength" in b.edit,
        "video.edit.strength is manual",
    ),
    (
        "video_edit",
        half,
        "video.edit.keyframes and video.edit.keyframe_indexes must both be provided or both omitted",
    ),
    (
        "video_edit",
        lambda b: not half(b) and len(indexes(b)) != len(b.edit.get("keyframes", [])),
        "video.edit.keyframe_indexes must have the same length as video.edit.keyframes",
    ),
    (
        "video_edit",
        lambda b: any(one < 0 for one in indexes(b)),
        "video.edit.keyframe_indexes must be non-negative",
    ),
    (
        "video_edit",
        lambda b: len({*indexes(b)}) < len(indexes(b)),
        "video.edit.keyframe_indexes must be unique",
    ),
    (
        "video_edit",
        lambda b: len(indexes(b)) > 64 or b.edit.get("keyframes") == [],
        "1 to 64 keyframes, please",
    ),
    (
        "video_edit",
        lambda b: "start_frame" in b.video and "keyframes" in b.edit,
        "video.start_frame and video.edit.keyframes are mutually exclusive — use video.start_frame for the "
        "single-anchor case (frame at index 0), or video.edit.keyframes + keyframe_indexes for multi-anchor /"
        " arbitrary positions",
    ),
    (
        "video video_edit",
        lambda b: "source_position" in b.video,
        "video.source_position is only valid for type 'video_reframe'",
    ),
    (
        "video video_edit",
        lambda b: b.has("hdr") and b.video.get("resolution") == "540p",
        "resolution '540p' is not supported with hdr=true",
    ),
    (
        "video video_edit",
        lambda b: b.has("hdr") and b.video.get("resolution") == "360p",
        "resolution '360p' is not supported with hdr=true",
    ),
    (
        "video video_edit",
        lambda b: b.has("hdr") and b.long(),
        "duration '10s' is not supported with hdr=true",
    ),
    (
        "video video_edit",
        lambda b: b.long() and b.frames,
        "duration '10s' is not supported with start_frame / end_frame",
    ),
    (
        "video",
        lambda b: b.has("loop") and b.long(),
        "loop is not supported with duration '10s'",
    ),
    (
        "video",
        lambda b: b.has("loop") and b.has("hdr"),
        "loop is not supported with hdr=true",
    ),
    (
        "video",
        lambda b: b.has("loop") and {*b.frames} - {*b.priors} >= {"end_frame"},
        "loop is not supported with end_frame (no seamless start↔end match)",
    ),
    (
        "video video_edit",
        lambda b: b.has("exr_export") and not b.has("hdr"),
        "exr_export requires hdr=true",
    ),
    (
        "video",
        lambda b: b.priors and b.has("hdr"),
        "HDR is not supported with video extend",
    ),
    (
        "video",
        lambda b: "end_frame" in b.priors and b.has("loop"),
        "loop is only supported with forward video extend",
    ),
    (
        "video",
        lambda b: b.priors and len(b.frames) == 2,
        "generation-ref keyframes are only supported for video extend (a single start_frame OR end_frame "
        "generation reference); interpolate-from-generation is not yet available",
    ),
    (
        "video_reframe",
        lambda b: not b.ratio,
        "aspect_ratio (the target shape) is required for type 'video_reframe'",
    ),
    (
        "video_reframe",
        lambda b: b.frames,
        "video.start_frame / video.end_frame are not supported for type 'video_reframe'",
    ),
    (
        "video_reframe",
        lambda b: b.has("loop"),
        "video.loop is not supported for type 'video_reframe'",
    ),
    (
        "video_reframe",
        lambda b: b.has("hdr") or b.has("exr_export"),
        "HDR / exr_export are not supported for type 'video_reframe'",
    ),
    (
        "video_reframe",
        lambda b: "edit" in b.video,
        "video.edit is not supported for type 'video_reframe'",
    ),
    (
        "video_reframe",
        lambda b: b.video.get("resolution") == "1080p" and b.ratio in {"9:16", "3:4"},
        "1080p resolution is not yet available for vertical reframe (aspect_ratio '{b.ratio}', type "
        "'video_reframe') — coming soon. Use a landscape aspect_ratio at 1080p, or resolution '720p' / "
        "'540p'.",
    ),
)
"""For which types, when it is wrong, and what is said."""


def complaints(body: Body) -> list[tuple[str, int]]:
    """Return all that can be seen to be wrong in a body, in alphabetical order, each with its status."""
    found = [] if 1 <= len(body.prompt) <= 6000 else ["Prompt must be between 1 and 6000 characters"]
    types = {"uni-1": IMAGE_TYPES, "uni-1-max": IMAGE_TYPES, "ray-3.2": VIDEO_TYPES}.get(body.model)
    statuses = {}
    if types is None:
        found.append(f"Unknown model: {body.model}")
    elif body.type not in types:
        found.append(f"Type '{body.type}' is not supported for model '{body.model}'")
    else:
        found += (text.replace("{b.ratio}", body.ratio or "").replace("{b.type}", body.type)
                  for kinds, wrong, text in RULES if body.type in kinds.split() and wrong(body))  # fmt: skip
        found += (text for path, ref, _ in body.refs() for text in ill_formed(path, ref))
        portrait = ["1:2", "1:3", "2:3", "9:16"]
        if (body.type, body.raw.get("style")) == ("image", "manga") and body.ratio and body.ratio not in portrait:
            valid = ", ".join(portrait)
            text = f"aspect_ratio='{body.ratio}' is not allowed when style='manga'. Valid aspect_ratio: {valid}"
            statuses[text] = 422
            found.append(text)
    return [(text, statuses.get(text, 400)) for text in sorted(found)]


def ill_formed(path: str, ref: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the members of one reference."""
    match sorted(ref.keys() & {"url", "data", "generation_id", "file_id"}):
        case []:
            yield f"{path}: provide either 'url' or 'data', not neither"
        case [_]:
            if "data" in ref and "media_type" not in ref:
                yield f"{path}: 'media_type' is required with 'data'"
        case several:
            both = {*several} >= {"data", "url"}
            yield f"{path}: provide either 'url' or 'data', not both" if both else f"{path}: provide one of {several}"


TYPES: Final[Mapping[str, Callable[[Any], bool]]] = {
    r"prompt|model|type|aspect_ratio|style|output_format|user_id": lambda v: isinstance(v, str),
    r"web_search|video\.(loop|hdr|exr_export)|video\.edit\.auto_controls": lambda v: isinstance(v, bool),
    r"image_ref|video\.edit\.(keyframes|keyframe_indexes)": lambda v: isinstance(v, list),
    r"source|video|video\.(edit|start_frame|end_frame|source_position)": lambda v: isinstance(v, dict),
    r"image_ref\[\d+\]|video\.edit\.(controls|keyframes\[\d+\])": lambda v: isinstance(v, dict),
    r"video\.edit\.keyframe_indexes\[\d+\]": lambda v: type(v) is int,
    r"video\.(resolution|duration|edit\.strength)": lambda v: isinstance(v, str),
    r".*\.(url|data|media_type|generation_id|file_id)": lambda v: isinstance(v, str),
    r"video\.source_position\.[xywh]_norm": lambda v: type(v) in {int, float},
}  # fmt: skip
"""Which paths have values of which kind; what matches none may be anything."""


def misfits(value: Any, path: str = "") -> Iterator[str]:
    """Yield the paths of the values that are not of their kind."""
    if value is None and path and "[" not in path.rpartition(".")[2]:
        return
    if not all(right(value) for pattern, right in TYPES.items() if path and re.fullmatch(pattern, path)):
        yield path
    elif isinstance(value, dict):
        for name, one in value.items():
            yield from misfits(one, f"{path}.{name}".lstrip("."))
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from misfits(one, f"{path}[{index}]")


class Service:
    """What the server knows."""

    def __init__(self, fault: str) -> None:
        self.fault = fault
        main = Client()
        self.main = main
        self.keys: dict[str, Client] = {
            "one": main,
            "two": main,
            "foreign": Client(),
            "poor": Client(broke=True),
            "suspended": Client(barred="suspended"),
            "deactivated": Client(barred="deactivated"),
            "rare": Client(quota=2),
            "few": Client(room=3),
        }
        self.jobs: dict[str, Job] = {}
        self.samples = [self.keep(Job(main, "image", "uni-1-max")), self.keep(Job(main, "video", "ray-3.2"))]

    def keep(self, job: Job) -> Job:
        self.jobs[job.id] = job
        return job

    def client(self, headers: Mapping[str, str]) -> Client:
        credentials = headers.get("authorization", "")
        if not credentials.startswith("Bearer luma-api-"):
            raise No(401, "Missing or invalid API key")
        name = credentials.removeprefix("Bearer luma-api-test-streams-")
        if name in {"revoked", "expired"}:
            raise No(401, f"API key has {'been ' * (name == 'revoked')}{name}")
        if name not in self.keys:
            raise No(401, "Invalid API key")
        return self.keys[name]

    def post(self, headers: Mapping[str, str], content: bytes) -> tuple[int, object, dict[str, str]]:
        body = self.read(content)
        for text, status in complaints(body):
            raise No(status, text)
        client = self.client(headers)
        if client.barred:
            raise No(403, f"API client is {client.barred}")
        told = self.count(client)
        if (
            sum(job.fate in {"queued", "processing"} and job.born > client.now - 3600 for job in client.jobs)
            >= client.room
        ):
            raise No(429, "Too many concurrent jobs", {"Retry-After": "60"})
        for path, ref, kind in body.refs():
            self.load(client, path, ref, kind)
        if client.broke:
            raise No(402, "Insufficient balance. Please add funds to continue.")
        word = body.prompt.partition("fate: ")[2]
        fate = word if word in {*REASONS, "queued", "processing"} else "completed"
        job = self.keep(Job(client, body.type, body.model, fate))
        return 201, self.picture(job, "queued", ""), told

    def read(self, content: bytes) -> Body:
        try:
            value = json.loads(content.decode("utf-8"), parse_constant=refuse_constant)
        except (ValueError, RecursionError):
            raise No(400, "This is not JSON") from None
        if not isinstance(value, dict):
            raise No(400, "An object is needed")
        for path in misfits(value):
            raise No(400, f"Wrong kind of value: {path}")
        if value.get("prompt") is None:
            raise No(400, "A prompt is needed")
        return Body(value)

    def count(self, client: Client) -> dict[str, str]:
        now = client.now
        client.calls = [call for call in client.calls if now - call < 60]
        told = {"X-RateLimit-Limit": str(client.quota)}
        if len(client.calls) >= client.quota:
            wait = client.calls[0] + 60 - now
            told |= {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(now + wait))}
            raise No(429, "Rate limit exceeded", told | {"Retry-After": str(max(1, int(wait)))})
        client.calls += [now] * (2 if self.fault == "a quota that counts down by two" else 1)
        left = max(0, client.quota - len(client.calls))
        return told | {"X-RateLimit-Remaining": str(left), "X-RateLimit-Reset": str(int(now + 60))}

    def load(self, client: Client, path: str, ref: Mapping[str, Any], kind: str) -> None:
        if "file_id" in ref:
            raise No(404, "File not found")
        if "generation_id" in ref:
            job = self.jobs.get(ref["generation_id"].upper())
            if job is None or job.client is not client or job.kind != kind or job.fate != "completed":
                raise No(404, f"{path}: no such {kind} generation")
        elif "data" in ref:
            try:
                data = base64.b64decode(ref["data"], validate=True)
            except (binascii.Error, ValueError):
                raise No(422, f"{path}: invalid base64 data") from None
            if len(data) > 50 << 20:
                raise No(413, f"{path}: {kind} exceeds 50 MB limit")
            if kind == "image":
                fit(path, measure(data))
        else:
            fetch(path, ref["url"], kind)

    def get(self, headers: Mapping[str, str], name: str, base: str) -> tuple[int, object, dict[str, str]]:
        client = self.client(headers)
        job = self.jobs.get(name.upper())
        if job is None or job.client is not client:
            raise No(404, "Generation not found")
        state = "failed" if job.fate in REASONS else job.fate
        return 200, self.picture(job, state, base), {}

    def picture(self, job: Job, state: str, base: str) -> dict[str, object]:
        failed = state == "failed"
        until = int(job.client.now + 3600)
        url = f"{base}/out/{job.id}?AWSAccessKeyId=AK&Expires={until}&Signature={seal(job, until)}"
        return {
            "progress": 1.0 if state == "completed" else 0.0,
            "failure_code": job.fate if failed else None,
            "failure_reason": REASONS[job.fate] if failed else None,
            "output": [{"layer": None, "url": url, "type": job.kind}] if state == "completed" else [],
            "created_at": datetime.fromtimestamp(int(job.born), EAST).isoformat(),
            "model": job.model,
            "state": state,
            "type": job.type,
            "id": job.id,
            "links": {"self": f"/v1/generations/{job.id}"},
        }

    def stored(self, name: str, query: str) -> tuple[int, bytes, str]:
        job = self.jobs.get(name)
        until = re.search(r"Expires=(\d+)", query)
        if job is None or until is None or f"Signature={seal(job, int(until[1]))}" not in query:
            return 403, b"<Error/>", "application/xml"
        if job.client.now >= int(until[1]) and self.fault != "urls never expire":
            return 403, b"<Error><Message>Request has expired</Message></Error>", "application/xml"
        return (200, GIF, "image/gif") if job.kind == "image" else (200, MOVIE, "video/mp4")


def refuse_constant(name: str) -> object:
    """Raise, because JSON has no such number."""
    raise ValueError(name)


def seal(job: Job, until: int) -> str:
    """Return the signature of a URL."""
    return hashlib.blake2s(f"{job.id} {until} streams".encode()).hexdigest()


def fetch(path: str, url: str, kind: str) -> None:
    """Check what a URL leads to."""
    match KNOWN.get(url):
        case None:
            raise No(422, f"{path}: failed to fetch URL")
        case (status, text) if status.isdigit():
            raise No(int(status), text.format(path))
        case (found, *sides):
            if found != kind:
                raise No(422, f"{path}: content-type is not {'an image' if kind == 'image' else 'a video'}")
            if sides:
                fit(path, (int(sides[0]), int(sides[1])))


def fit(path: str, sides: tuple[int, int] | None) -> None:
    """Check the sides of an image."""
    if sides is None:
        raise No(422, f"{path}: these bytes are no image")
    if sides[0] > 8000 or sides[1] > 8000:
        raise No(
            413, f"{path}: image is {sides[0]}x{sides[1]}px but each side must be <= 8000px. Resize and try again."
        )


HEADS: Final = {
    rb"\x89PNG\r\n\x1a\n.{8}(?P<w>.{4})(?P<h>.{4})": (0, "big"),
    rb"GIF8[79]a(?P<w>..)(?P<h>..)": (0, "little"),
    rb"RIFF.{4}WEBPVP8X.{8}(?P<w>...)(?P<h>...)": (1, "little"),
    rb"RIFF.{4}WEBPVP8 .{10}(?P<w>..)(?P<h>..)": (0, "little"),
    rb"\xff\xd8(?:\xff[\xc4\xdb\xdd\xe0-\xfe](?:.{2})(?s:.*?))*?\xff[\xc0-\xc2]...(?P<h>..)(?P<w>..)": (0, "big"),
}
"""How images begin, where their sides stand, what is to be added to them, and which byte comes first."""


def measure(data: bytes) -> tuple[int, int] | None:
    """Return the sides of an image, or nothing where the bytes are none."""
    start = data[:65536]
    for pattern, (more, order) in HEADS.items():
        if found := re.match(pattern, start, re.DOTALL):
            wide, high = (int.from_bytes(found[side], "big" if order == "big" else "little") for side in "wh")
            return wide + more, high + more
    if start[:4] == b"RIFF" and start[8:16] == b"WEBPVP8L":
        bits = int.from_bytes(start[21:25], "little")
        return (bits & 16383) + 1, (bits >> 14 & 16383) + 1
    return None


class Connection:
    """Speaks HTTP on one connection."""

    def __init__(self, service: Service, base: str) -> None:
        self.service = service
        self.base = base

    async def run(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            for _ in range(20):  # a server may close a connection on which nothing is going on, and need not say so
                if not await self.exchange(reader, writer):
                    break
                await writer.drain()
        writer.close()

    async def exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *fields = head.strip("\r\n").split("\r\n")
        method, target, version = line.split(" ")
        headers: dict[str, str] = {}
        for one in fields:
            name, _, value = one.partition(":")
            headers.setdefault(name.lower(), value.strip(" \t"))
        if headers.get("expect", "").lower() == "100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if headers.get("transfer-encoding", "").lower() == "chunked":
            content = await unchunk(reader)
        else:
            content = await reader.readexactly(int(headers.get("content-length", 0)))
        path, _, query = target.partition("?")
        if path.startswith("/out/"):
            status, data, kind = self.service.stored(path[5:], query)
            writer.write(plain(status, data if method == "GET" else b"", kind, len(data)))
        else:
            writer.write(self.answer(method, path, headers, content))
        return version == "HTTP/1.1" and headers.get("connection", "").lower() != "close"

    def answer(self, method: str, path: str, headers: Mapping[str, str], content: bytes) -> bytes:
        try:
            status, body, more = self.route(method, path, headers, content)
        except No as no:
            status, detail, *rest = no.args
            body, more = {"detail": detail}, rest[0] if rest else {}
        echo = headers.get("x-request-id", str(uuid.uuid4()))
        if self.service.fault == "ids are not echoed":
            echo = str(uuid.uuid4())
        return dressed(status, body, {"x-REQUEST-id": echo, "X-Api-Version": "2026-04-01", **more})

    def route(
        self, method: str, path: str, headers: Mapping[str, str], content: bytes
    ) -> tuple[int, object, dict[str, str]]:
        match method, path.split("/")[1:]:
            case "POST", ["v1", "generations"]:
                return self.service.post(headers, content)
            case "GET", ["v1", "generations", name]:
                return self.service.get(headers, name, self.base)
            case "POST", ["admin", "wait"]:
                client = self.service.client(headers)
                client.offset += json.loads(content)["for"]
                return 200, {"now": client.now}, {}
            case _, ["v1", "generations", *_]:
                self.service.client(headers)
                raise No(404, "Generation not found")
        raise No(404, "Not here")


async def unchunk(reader: asyncio.StreamReader) -> bytes:
    """Return a body that came in chunks."""
    parts = []
    while size := int((await reader.readline()).partition(b";")[0], 16):
        parts.append(await reader.readexactly(size))
        await reader.readline()
    while (await reader.readline()).strip():
        pass
    return b"".join(parts)


def escaped(body: object) -> bytes:
    """Return JSON in which all is escaped that may be."""
    text = json.dumps(body, ensure_ascii=True, separators=(" ,\t", " :\n"))
    return f" {text} \n".replace("/", r"\/").replace("é", r"\u00e9").encode()


def dressed(status: int, body: object, more: Mapping[str, str]) -> bytes:
    """Return an answer in odd clothes, all of them legal."""
    data = escaped(body)
    fields = ["Via:1.1 gateway", 'cONTENT-tYPE:\tApplication/JSON ; charset="UTF-8"', "Transfer-Encoding:chunked"]
    fields += [f"{name}: \t{value} " for name, value in more.items()]
    fields += ["Set-Cookie: a=b; Path=/", "Set-Cookie: c=d", "X-Empty:"]
    head = "\r\n".join([f"HTTP/1.1 {status} So It Is", *fields, "", ""]).encode("latin-1")
    chunks = [data[:7], data[7:8], data[8:]]
    pieces = b"".join(b"%X;part=%d\r\n%s\r\n" % (len(one), n, one) for n, one in enumerate(chunks) if one)
    return b"HTTP/1.1 103 Early Hints\r\nLink: </docs>\r\n\r\n" + head + pieces + b"0\r\nX-Digest: none\r\n\r\n"


def plain(status: int, data: bytes, kind: str, length: int) -> bytes:
    """Return an answer of the storage."""
    return f"HTTP/1.1 {status} \r\ncontent-length:{length}\r\ncontent-type:{kind}\r\n\r\n".encode() + data


def profile(service: Service) -> str:
    """Return what the server offers."""
    key = "luma-api-test-streams-"
    keys = {
        "main": "one", "second": "two", "other": "foreign", "revoked": "revoked", "expired": "expired",
        "unfunded": "poor", "suspended": "suspended", "deactivated": "deactivated", "low-rpm": "rare",
        "low-concurrency": "few",
    }  # fmt: skip
    roles = ("image", "video", "missing", "pdf", "oversized", "oversized-pixels", "proxy-down", "ingestion-off")
    media = dict(zip(roles, KNOWN, strict=True))
    lines = ["[keys]"] + [f'{role}-key = {{test_key = "{key}{name}"}}' for role, name in keys.items()]
    lines += [
        "[media]",
        f'unreachable-url = "{CDN}/nothing"',
        *(f'{role}-url = "{url}"' for role, url in media.items()),
    ]
    lines += ["[prompts]"] + [
        f'{fate.replace("_", "-")}-prompt = "A prompt with a fate: {fate}"'
        for fate in (*REASONS, "queued", "processing")
    ]
    image, video = (job.id for job in service.samples)
    lines += ["[generations]", f'completed-image = "{image}"', f'completed-video = "{video}"']
    lines += ["[offers]", "large-uploads = true", "hdr-access = true"]
    lines += ["[clock]", 'advance = "/admin/wait"', "body = '{\"for\": {seconds}}'", 'scope = "client"', ""]
    return "\n".join(lines)


@contextmanager
def start(port: int = 0, fault: str = "") -> Iterator[tuple[str, str]]:
    """Run the server; yield its base URL and its profile."""
    service = Service(fault)
    loop = asyncio.new_event_loop()
    with socket.create_server(("127.0.0.1", port), backlog=128) as listener:
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await Connection(service, base).run(reader, writer)

        server = loop.run_until_complete(asyncio.start_server(serve, sock=listener, limit=1 << 20))
        thread = threading.Thread(target=loop.run_forever)
        thread.start()
        try:
            yield base, profile(service)
        finally:
            loop.call_soon_threadsafe(server.close)
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            for task in asyncio.all_tasks(loop):
                task.cancel()
            loop.run_until_complete(asyncio.sleep(0.01))
            loop.close()
