"""A server of the standard library alone: `http.server`, a thread for each connection, HTTP/1.0, real time.

It differs: each connection is closed after one answer; ids of version 7, times with milliseconds and `Z`; no clock that
anybody could advance; output on a storage server of its own, on another port, each URL with a nonce; everything belongs
to the key, not to its client: generations, quota, slots; a slot is free again a moment after its job has ended; only
accepted requests use quota, which is looked at last; a body with an unknown member is malformed, and so is a null that
nobody documents. Every fault is looked for, and the last is named: media come after the fields and before the shape of
the references, as the page's own examples want it. An image that cannot be decoded fails when it is processed. A prompt
is measured in UTF-16 units, base64 may lack its padding, and the hexadecimal digits of an id are small.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import secrets
import struct
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

JUDGED = 505
FAULTS = {
    "lookups without a version": "200-ok",
    "a failed job has no code": "failure-codes",
    "a wait of half a minute for a slot": "429-concurrency",
}

Body = dict[str, Any]
RATIOS = {
    "image": ("1:1", "1:2", "1:3", "16:9", "2:1", "2:3", "3:1", "3:2", "9:16"),
    "video": ("1:1", "16:9", "21:9", "3:4", "4:3", "9:16"),
}
RATIOS["video_reframe"] = RATIOS["video"]
MODELS = {
    "uni-1": {"image", "image_edit"},
    "uni-1-max": {"image", "image_edit"},
    "ray-3.2": {"video", "video_edit", "video_reframe"},
}
CODES = {
    "content_moderated": "Generation output was flagged by our content moderation system.",
    "generation_failed": "Generation failed",
    "budget_exhausted": "Insufficient balance to complete this generation.",
    "output_not_found": "Output artifacts not found",
    "image_too_large": "Input image too large to process",
    "unsupported_format": "Format of input not supported",
    "corrupt_input": "Input could not be decoded",
    "invalid_request": "Request refused by the model",
    "rate_limited": "Provider is rate limiting",
}
REF = dict.fromkeys(("url", "data", "media_type", "generation_id", "file_id"), str)
NUMBER = (int, float)
SCHEMA: Mapping[str, Any] = {
    "prompt": str,
    "model": str,
    "type": str,
    "aspect_ratio": (str, None),
    "style": {"auto", "manga"},
    "output_format": ({"png", "jpeg"}, None),
    "web_search": bool,
    "user_id": (str, None),
    "image_ref": [REF],
    "source": (REF, None),
    "video": (
        {
            "resolution": {"360p", "540p", "720p", "1080p"},
            "duration": {"5s", "10s"},
            "loop": bool,
            "hdr": bool,
            "exr_export": bool,
            "start_frame": (REF, None),
            "end_frame": (REF, None),
            "source_position": (dict.fromkeys(("x_norm", "y_norm", "w_norm", "h_norm"), NUMBER), None),
            "edit": (
                {
                    "auto_controls": (bool, None),
                    "strength": (
                        {f"{word}_{step}" for word in ("adhere", "flex", "reimagine") for step in (1, 2, 3)},
                        None,
                    ),
                    "controls": (dict, None),
                    "keyframes": ([REF], None),
                    "keyframe_indexes": ([int], None),
                },
                None,
            ),
        },
        None,
    ),
}
"""The types of the members: a type, allowed values, members, one type for all elements, or several of these."""

WEB = "https://pictures.example.net"
FOUND: Mapping[str, tuple[int, str]] = {
    f"{WEB}/lake.png": (200, "image"),
    f"{WEB}/walk.mp4": (200, "video"),
    f"{WEB}/missing.png": (422, "{0}: failed to fetch URL (HTTP 404)"),
    f"{WEB}/paper.pdf": (422, "{0}: content-type is not an image"),
    f"{WEB}/huge.tiff": (413, "{0}: image exceeds 50 MB limit"),
    f"{WEB}/wide.png": (413, "{0}: image is 9000x6000px but each side must be <= 8000px. Resize and try again."),
    f"{WEB}/proxy/down.png": (502, "{0}: fetch proxy unavailable"),
    f"{WEB}/proxy/none.png": (503, "Media URL ingestion is unavailable (fetch proxy not configured)"),
}
PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
Answer = tuple[int, object, dict[str, str]]


@dataclass
class Key:
    """An API key, and what was asked with it."""

    per_minute: int = 100_000
    slots: int = 500
    refusal: str = ""
    balance: bool = True
    accepted: list[float] = field(default_factory=list)


@dataclass
class Job:
    """A generation."""

    key: Key
    type: str
    model: str
    lasts: float
    ending: str
    created: float = field(default_factory=time.time)
    id: str = ""

    def __post_init__(self) -> None:
        number = int(self.created * 1000) << 80 | secrets.randbits(76)
        number = number & ~(0xF << 76) | 7 << 76
        self.id = str(uuid.UUID(int=number & ~(0xC << 60) | 8 << 60))

    @property
    def made(self) -> str:
        """The kind of medium it makes."""
        return self.type.partition("_")[0]

    def state(self, now: float) -> str:
        """Return its state."""
        age = now - self.created
        if self.ending == "queued" or age < self.lasts / 3:
            return "queued"
        if self.ending == "processing" or age < self.lasts:
            return "processing"
        return "failed" if self.ending in CODES else "completed"

    def busy(self, now: float) -> bool:
        """Return whether it has a slot: it gives it back a moment after its end, and after an hour at the latest."""
        return now < self.created + 3600 and self.state(now - 0.15) in {"queued", "processing"}


class World:
    """What all threads share."""

    def __init__(self, fault: str) -> None:
        self.fault = fault
        self.lock = threading.Lock()
        self.storage = ""
        self.urls: dict[str, tuple[float, Job]] = {}
        main = Key()
        self.keys = {
            "luma-api-test-threads-a": main,
            "luma-api-test-threads-b": Key(),
            "luma-api-test-threads-c": Key(),
            "luma-api-test-threads-revoked": Key(refusal="API key has been revoked"),
            "luma-api-test-threads-expired": Key(refusal="API key has expired"),
            "luma-api-test-threads-suspended": Key(refusal="API client is suspended"),
            "luma-api-test-threads-deactivated": Key(refusal="API client is deactivated"),
            "luma-api-test-threads-broke": Key(balance=False),
            "luma-api-test-threads-calm": Key(per_minute=5),
            "luma-api-test-threads-lone": Key(slots=1),
        }
        self.samples = [Job(main, "image", "uni-1", 0.0, ""), Job(main, "video", "ray-3.2", 0.0, "")]
        self.jobs = {job.id: job for job in self.samples}

    def shown(self, job: Job) -> dict[str, object]:
        """Return a generation as an answer shows it."""
        now = time.time()
        state = job.state(now)
        made = datetime.fromtimestamp(job.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        output = []
        if state == "completed":
            nonce = secrets.token_hex(16)
            self.urls[nonce] = now + 3600, job
            tail = "mp4" if job.made == "video" else "png"
            url = f"{self.storage}/{job.id}.{tail}?X-Amz-Expires=3600&X-Amz-Signature={nonce}"
            output = [{"url": url, "type": job.made}]
        failed = state == "failed"
        return {
            "created_at": made,
            "failure_code": job.ending if failed and self.fault != "a failed job has no code" else None,
            "failure_reason": CODES[job.ending] if failed else None,
            "id": job.id,
            "model": job.model,
            "output": output,
            "state": state,
            "type": job.type,
        }

    def create(self, key: Key, body: object) -> Answer:
        """Answer a request to create."""
        wrong = malformed(body, SCHEMA, "")
        if wrong:
            return refusal(400, wrong)
        assert isinstance(body, dict)
        fine = {name: value for name, value in body.items() if value is not None}
        faults = self.faults(key, fine)
        if faults:
            return refusal(*faults[-1])
        if not key.balance:
            return refusal(402, "Insufficient balance. Please add funds to continue.")
        now = time.time()
        running = sum(job.key is key and job.busy(now) for job in self.jobs.values())
        if running >= key.slots:
            wait = "30" if self.fault == "a wait of half a minute for a slot" else "60"
            return refusal(429, "Too many concurrent jobs", {"Retry-After": wait})
        key.accepted = [moment for moment in key.accepted if moment > now - 60]
        limit = {"X-RateLimit-Limit": str(key.per_minute)}
        if len(key.accepted) >= key.per_minute:
            rest = key.accepted[0] + 60 - now
            limit |= {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(round(now + rest))}
            return refusal(429, "Rate limit exceeded", limit | {"Retry-After": str(max(1, round(rest)))})
        key.accepted.append(now)
        left = str(key.per_minute - len(key.accepted))
        limit |= {"X-RateLimit-Remaining": left, "X-RateLimit-Reset": str(round(now + 60))}
        job = Job(key, fine.get("type", "image"), fine.get("model", "uni-1"), 0.3, ending(fine))
        self.jobs[job.id] = job
        return 201, self.shown(job), limit

    def faults(self, key: Key, body: Body) -> list[tuple[int, str]]:
        """Return all that is wrong with a body, what is to be named last."""
        model, kind = body.get("model", "uni-1"), body.get("type", "image")
        units = len(body.get("prompt", "").encode("utf-16-le", "surrogatepass")) // 2
        found = [] if 1 <= units <= 6000 else [(400, "Prompt must be between 1 and 6000 characters")]
        if model not in MODELS:
            return [*found, (400, f"Unknown model: {model}")]
        if kind not in MODELS[model]:
            return [*found, (400, f"Type '{kind}' is not supported for model '{model}'")]
        references = [*refs(body, kind)]
        found[:0] = [one for path, ref, made in references for one in self.lost(key, path, ref, made)]
        found += [
            (400, text)
            for text in {"video_edit": edit, "video_reframe": reframe, "video": video}.get(kind, image)(body)
        ]
        found += [one for path, ref, made in references for one in unreadable(path, ref, made)]
        found += [(400, text) for path, ref, _ in references for text in misshapen(path, ref)]
        return found + manga(body, kind) + [(400, text) for text in misplaced(body, kind)]

    def lost(self, key: Key, path: str, ref: Body, made: str) -> Iterator[tuple[int, str]]:
        """Yield what is wrong with the generation or the file that is referred to."""
        if "file_id" in ref:
            yield 422, f"{path}: file not found"
        if "generation_id" in ref:
            job = self.jobs.get(ref["generation_id"])
            if job is None or job.key is not key or job.made != made or job.state(time.time()) != "completed":
                yield 422, f"{path}: generation not found, or no {made}"


def ending(body: Body) -> str:
    """Return what becomes of a generation: a prompt may say so, and an image that is none is corrupt."""
    word = body["prompt"].removeprefix("please end as ")
    if word in {*CODES, "queued", "processing"}:
        return str(word)
    kind = body.get("type", "image")
    opaque = any(
        "data" in ref and made == "image" and not sides(decoded(ref["data"]) or b"")
        for _, ref, made in refs(body, kind)
    )
    return "corrupt_input" if opaque else "completed"


def malformed(value: object, schema: Any, path: str) -> str:
    """Return what is wrong with the types of a body, or nothing."""
    name = path or "body"
    if isinstance(schema, tuple):
        found = [
            malformed(value, one, path) if one is not None else f"{name} is not null" * (value is not None)
            for one in schema
        ]
        return "" if "" in found else found[0]
    if isinstance(schema, set):
        return (
            "" if isinstance(value, str) and value in schema else f"{name} must be one of {', '.join(sorted(schema))}"
        )
    if isinstance(schema, list):
        if not isinstance(value, list):
            return f"{name} must be a list"
        return next(filter(None, (malformed(one, schema[0], f"{path}[{n}]") for n, one in enumerate(value))), "")
    if isinstance(schema, Mapping):
        return malformed_members(value, schema, path)
    right = isinstance(value, schema) and (schema is bool or not isinstance(value, bool))
    return "" if right else f"{name} must be of type {schema.__name__}"


def malformed_members(value: object, schema: Mapping[str, Any], path: str) -> str:
    """Return what is wrong with an object's members, or nothing."""
    if not isinstance(value, dict):
        return f"{path or 'body'} must be an object"
    if not path and "prompt" not in value:
        return "prompt is required"
    for name, one in value.items():
        full = f"{path}.{name}".lstrip(".")
        if name not in schema:
            return f"{full} is not a known member".encode("ascii", "replace").decode()
        if wrong := malformed(one, schema[name], full):
            return wrong
    return ""


def refs(body: Body, kind: str) -> Iterator[tuple[str, Body, str]]:
    """Yield the references that matter for a type: path, members, and the kind of medium."""
    made = "video" if kind.startswith("video") else "image"
    if "source" in body and kind not in {"image", "video"}:
        yield "source", body["source"], made
    if made == "image":
        yield from ((f"image_ref[{n}]", ref, "image") for n, ref in enumerate(body.get("image_ref", ())))
        return
    options = body.get("video", {})
    for name in ("start_frame", "end_frame"):
        if options.get(name) is not None and kind != "video_reframe":
            frame = options[name]
            yield f"video.{name}", frame, "video" if "generation_id" in frame else "image"
    if kind == "video_edit":
        frames = (options.get("edit") or {}).get("keyframes") or ()
        yield from ((f"video.edit.keyframes[{n}]", ref, "image") for n, ref in enumerate(frames))


def misshapen(path: str, ref: Body) -> Iterator[str]:
    """Yield what is wrong with the members of a reference."""
    ways = ref.keys() & {"url", "data", "generation_id", "file_id"}
    if "data" in ref and "media_type" not in ref:
        yield f"{path}: 'media_type' is required with 'data'"
    if not ways:
        yield f"{path}: provide either 'url' or 'data', not neither"
    elif ways >= {"url", "data"}:
        yield f"{path}: provide either 'url' or 'data', not both"
    elif len(ways) > 1:
        yield f"{path}: {' and '.join(sorted(ways))} exclude each other"


def misplaced(body: Body, kind: str) -> Iterator[str]:
    """Yield what is wrong with the presence and the number of references."""
    references = body.get("image_ref", ())
    if references and kind in {"video", "video_edit", "video_reframe"}:
        yield f"image_ref is not supported for type '{kind}'"
    if kind == "image_edit" and len(references) > 8:
        yield "image_edit supports up to 8 reference images (source occupies one slot)"
    if kind == "image" and len(references) > 9:
        yield "at most 9 reference images are supported"
    yield from unsourced(kind) if body.get("source") is None else missourced(body["source"], kind)


def unsourced(kind: str) -> Iterator[str]:
    """Yield what is wrong where there is no source."""
    if kind == "image_edit":
        yield "source is required for type 'image_edit'"
    if kind in {"video_edit", "video_reframe"}:
        yield (
            "source is required for type 'video_edit' or 'video_reframe' — provide source.generation_id (UUID of a"
            " prior generation) or source.url / source.data with source.media_type='video/mp4'"
        )


def missourced(source: Body, kind: str) -> Iterator[str]:
    """Yield what is wrong where there is a source."""
    if kind in {"image", "video"}:
        yield (
            "source is only valid for type 'image_edit', 'video_edit' / 'video_reframe' with source.generation_id, or"
            " 'video_edit' / 'video_reframe' with a video source.url / source.data"
        )
    if kind == "video" and "generation_id" in source:
        yield "source.generation_id is only valid for type 'image_edit', 'video_edit', or 'video_reframe'"
    hosted = kind in {"video_edit", "video_reframe"} and source.keys() & {"url", "data"}
    if hosted and not source.get("media_type", "").startswith("video/"):
        yield (
            "source.media_type must be a video/* type (e.g. 'video/mp4') when providing source.url / source.data"
            f" on type='{kind}'"
        )


def shape(body: Body, kind: str) -> Iterator[str]:
    """Yield what is wrong with the aspect ratio."""
    ratio = body.get("aspect_ratio")
    if ratio is not None and ratio not in RATIOS[kind]:
        yield f"Invalid aspect_ratio '{ratio}'. Valid: {', '.join(RATIOS[kind])}"


def manga(body: Body, kind: str) -> list[tuple[int, str]]:
    """Return what is wrong with the ratio of a manga."""
    ratio = body.get("aspect_ratio")
    if kind != "image" or body.get("style") != "manga" or ratio in {None, "1:2", "1:3", "2:3", "9:16"}:
        return []
    return [(422, f"aspect_ratio='{ratio}' is not allowed when style='manga'. Valid aspect_ratio: 1:2, 1:3, 2:3, 9:16")]


def image(body: Body) -> Iterator[str]:
    """Yield what is wrong with the fields of an image."""
    if body.get("type", "image") == "image":
        yield from shape(body, "image")


def video(body: Body) -> Iterator[str]:
    """Yield what is wrong with the fields of a new video."""
    yield from shape(body, "video")
    options = body.get("video") or {}
    frames = {name: options[name] for name in ("start_frame", "end_frame") if options.get(name) is not None}
    prior = [name for name, frame in frames.items() if "generation_id" in frame]
    long, hdr, loop = options.get("duration") == "10s", options.get("hdr"), options.get("loop")
    if options.get("edit") is not None:
        yield "video.edit is only valid for type 'video_edit'"
    if options.get("source_position") is not None:
        yield "video.source_position is only valid for type 'video_reframe'"
    yield from ranges(options)
    if long and frames:
        yield "duration '10s' is not supported with start_frame / end_frame"
    if loop and long:
        yield "loop is not supported with duration '10s'"
    if loop and hdr:
        yield "loop is not supported with hdr=true"
    if loop and "end_frame" in frames and "end_frame" not in prior:
        yield "loop is not supported with end_frame (no seamless start↔end match)"
    if loop and prior == ["end_frame"]:
        yield "loop is only supported with forward video extend"
    if prior and hdr:
        yield "HDR is not supported with video extend"
    if prior and len(frames) == 2:
        yield (
            "generation-ref keyframes are only supported for video extend (a single start_frame OR end_frame generation"
            " reference); interpolate-from-generation is not yet available"
        )


def ranges(options: Body) -> Iterator[str]:
    """Yield what high dynamic range does not go with."""
    if options.get("hdr"):
        if options.get("duration") == "10s":
            yield "duration '10s' is not supported with hdr=true"
        if options.get("resolution") in {"360p", "540p"}:
            yield f"resolution '{options['resolution']}' is not supported with hdr=true"
    elif options.get("exr_export"):
        yield "exr_export requires hdr=true"


def edit(body: Body) -> Iterator[str]:
    """Yield what is wrong with the fields of an edit."""
    options = body.get("video") or {}
    block = options.get("edit") or {}
    if options.get("source_position") is not None:
        yield "video.source_position is only valid for type 'video_reframe'"
    if options.get("loop"):
        yield "video.loop is only valid for type 'video'"
    frames, indexes = block.get("keyframes"), block.get("keyframe_indexes")
    if options.get("start_frame") is not None and frames is not None:
        yield (
            "video.start_frame and video.edit.keyframes are mutually exclusive — use video.start_frame for the"
            " single-anchor case (frame at index 0), or video.edit.keyframes + keyframe_indexes for multi-anchor /"
            " arbitrary positions"
        )
    if indexes is not None and len(set(indexes)) < len(indexes):
        yield "video.edit.keyframe_indexes must be unique"
    if indexes is not None and min(indexes, default=0) < 0:
        yield "video.edit.keyframe_indexes must be non-negative"
    if (frames is None) != (indexes is None):
        yield "video.edit.keyframes and video.edit.keyframe_indexes must both be provided or both omitted"
    elif frames is not None and indexes is not None and len(frames) != len(indexes):
        yield "video.edit.keyframe_indexes must have the same length as video.edit.keyframes"
    if block.get("auto_controls") and block.get("controls") is not None:
        yield (
            "video.edit.auto_controls=true cannot be combined with video.edit.controls (auto mode derives the schedule"
            " and ignores manual per-signal controls)"
        )


def reframe(body: Body) -> Iterator[str]:
    """Yield what is wrong with the fields of a reframe."""
    options, ratio = body.get("video") or {}, body.get("aspect_ratio")
    if ratio is None:
        yield "aspect_ratio (the target shape) is required for type 'video_reframe'"
    yield from shape(body, "video_reframe")
    if options.get("resolution") == "1080p" and ratio in {"9:16", "3:4"}:
        yield (
            f"1080p resolution is not yet available for vertical reframe (aspect_ratio '{ratio}', type 'video_reframe')"
            " — coming soon. Use a landscape aspect_ratio at 1080p, or resolution '720p' / '540p'."
        )
    if options.get("edit") is not None:
        yield "video.edit is not supported for type 'video_reframe'"
    if options.get("hdr") or options.get("exr_export"):
        yield "HDR / exr_export are not supported for type 'video_reframe'"
    if options.get("loop"):
        yield "video.loop is not supported for type 'video_reframe'"
    if options.get("start_frame") is not None or options.get("end_frame") is not None:
        yield "video.start_frame / video.end_frame are not supported for type 'video_reframe'"


def unreadable(path: str, ref: Body, made: str) -> Iterator[tuple[int, str]]:
    """Yield what is wrong with the medium that a reference brings or leads to."""
    if "url" in ref:
        status, text = FOUND.get(ref["url"], (422, "{0}: failed to fetch URL"))
        if status != 200:
            yield status, text.format(path)
        elif text != made:
            yield 422, f"{path}: content-type is not {'an image' if made == 'image' else 'a video'}"
    if "data" in ref:
        data = decoded(ref["data"])
        if data is None:
            yield 422, f"{path}: invalid base64 data"
        elif len(data) > 52_428_800:
            yield 413, f"{path}: image exceeds 50 MB limit"
        elif made == "image" and max(size := sides(data) or (0, 0)) > 8000:
            yield (
                413,
                f"{path}: image is {size[0]}x{size[1]}px but each side must be <= 8000px. Resize and try again.",
            )


def decoded(text: str) -> bytes | None:
    """Return what base64, in either alphabet and perhaps without its padding, stands for."""
    letters = re.sub(r"\s+", "", text).rstrip("=").translate({ord("-"): "+", ord("_"): "/"})
    try:
        return base64.b64decode(letters + "=" * (-len(letters) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def sides(data: bytes) -> tuple[int, int] | None:
    """Return width and height of an image, from its first bytes."""
    try:
        if data.startswith(b"\x89PNG\r\n\x1a\n"):
            return struct.unpack(">II", data[16:24])
        if data[:6] in {b"GIF87a", b"GIF89a"}:
            return struct.unpack("<HH", data[6:10])
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return webp(data)
        if data.startswith(b"\xff\xd8"):
            return jpeg(data)
    except struct.error:
        pass
    return None


def webp(data: bytes) -> tuple[int, int] | None:
    """Return width and height of a WebP image."""
    if data[12:16] == b"VP8 ":
        width, height = struct.unpack("<HH", data[26:30])
        return width & 0x3FFF, height & 0x3FFF
    if data[12:16] == b"VP8L":
        (bits,) = struct.unpack("<I", data[21:25])
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if data[12:16] == b"VP8X":
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    return None


def jpeg(data: bytes) -> tuple[int, int] | None:
    """Return width and height of a JPEG image."""
    at = 2
    while at < len(data):
        _, marker, length = struct.unpack(">BBH", data[at : at + 4])
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        at += 2 + length
    return None


def refusal(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Answer:
    """Return an answer that refuses."""
    return status, {"detail": detail}, dict(headers or {})


class Api(BaseHTTPRequestHandler):
    """Answers the API's requests."""

    world: ClassVar[World]

    def do_GET(self) -> None:
        self.answer(*self.routed(b""))

    def do_POST(self) -> None:
        self.answer(*self.routed(self.rfile.read(int(self.headers.get("Content-Length") or 0))))

    def routed(self, body: bytes) -> Answer:
        path = urlsplit(self.path).path
        prefix, found, last = path.rpartition("/v1/generations")
        if prefix or not found or not re.fullmatch("(/.*)?", last):
            return refusal(404, "There is nothing here")
        if (self.command == "POST") != (last == ""):
            return refusal(405, "Method not allowed")
        key = self.key()
        if isinstance(key, str):
            return refusal(401, key, {"WWW-Authenticate": 'Bearer realm="threads"'})
        with self.world.lock:
            return self.created(key, body) if self.command == "POST" else self.found(key, last[1:])

    def key(self) -> Key | str:
        match = re.fullmatch(r"Bearer (luma-api-\S+)", self.headers.get("Authorization", ""))
        if not match:
            return "Missing or invalid API key"
        key = self.world.keys.get(match[1])
        if key is None:
            return "Invalid API key"
        return key.refusal if key.refusal.startswith("API key") else key

    def created(self, key: Key, body: bytes) -> Answer:
        if key.refusal:
            return refusal(403, key.refusal)
        try:
            value = json.loads(body)
        except (ValueError, RecursionError):
            return refusal(400, "The body is not JSON")
        return self.world.create(key, value)

    def found(self, key: Key, name: str) -> Answer:
        job = self.world.jobs.get(name) if UUID.fullmatch(name) else None
        if job is None or job.key is not key:
            return refusal(404, "Generation not found")
        return 200, self.world.shown(job), {}

    def answer(self, status: int, body: object, headers: Mapping[str, str]) -> None:
        data = json.dumps(body, indent=2, ensure_ascii=False).encode("utf-8", "backslashreplace")
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        heard = self.headers.get("X-Request-Id") if hasattr(self, "headers") else None
        self.send_header("X-Request-Id", heard or str(uuid.uuid1()))
        if status != 200 or self.world.fault != "lookups without a version":
            self.send_header("X-API-Version", "2026-04-01")
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        self.answer(*refusal(code, message or HTTPStatus(code).phrase))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


class Storage(BaseHTTPRequestHandler):
    """Gives out what was made to whoever has a URL that has not expired."""

    world: ClassVar[World]

    def do_GET(self) -> None:
        self.give(body=True)

    def do_HEAD(self) -> None:
        self.give(body=False)

    def give(self, *, body: bool) -> None:
        (signed,) = parse_qs(urlsplit(self.path).query).get("X-Amz-Signature", [""])[:1]
        until, job = self.world.urls.get(signed, (0.0, None))
        if job is None or time.time() >= until or job.id not in self.path:
            self.send_error(403)
            return
        data = PNG if job.made == "image" else b"\0\0\0\x10ftypisom\0\0\2\0" + b"\0\0\0\x08mdat"
        self.send_response(200)
        self.send_header("Content-Type", "image/png" if job.made == "image" else "video/mp4")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if body:
            self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 64
    daemon_threads = True
    block_on_close = False


def profile(world: World) -> str:
    """Return what the server offers."""
    names = {
        "main": "a", "second": "b", "other": "c", "unfunded": "broke", "low-rpm": "calm", "low-concurrency": "lone",
    } | {name: name for name in ("revoked", "expired", "suspended", "deactivated")}  # fmt: skip
    media = {
        "image": "/lake.png", "video": "/walk.mp4", "missing": "/missing.png", "pdf": "/paper.pdf",
        "oversized": "/huge.tiff", "oversized-pixels": "/wide.png", "proxy-down": "/proxy/down.png",
        "ingestion-off": "/proxy/none.png",
    }  # fmt: skip
    image, video = (job.id for job in world.samples)
    lines = [
        "[keys]",
        *(f'{role}-key = {{test_key = "luma-api-test-threads-{name}"}}' for role, name in names.items()),
        "[media]",
        *(f'{role}-url = "{WEB}{path}"' for role, path in media.items()),
        'unreachable-url = "https://no-such-host.invalid/lake.png"',
        "[prompts]",
        *(f'{w.replace("_", "-")}-prompt = "please end as {w}"' for w in (*CODES, "queued", "processing")),
        "[generations]",
        f'completed-image = "{image}"',
        f'completed-video = "{video}"',
        "[offers]",
        "large-uploads = true",
        "hdr-access = true",
        "[outputs]",
        f'origins = ["{world.storage}"]',
    ]
    return "\n".join(lines) + "\n"


@contextmanager
def start(port: int = 0, fault: str = "") -> Iterator[tuple[str, str]]:
    """Run the server and its storage; yield the server's base URL and its profile."""
    world = World(fault)
    with (
        Server(("127.0.0.1", port), type("OneApi", (Api,), {"world": world})) as api,
        Server(("127.0.0.1", 0), type("OneStorage", (Storage,), {"world": world})) as storage,
    ):
        world.storage = f"http://127.0.0.1:{storage.server_port}"
        threads = [threading.Thread(target=one.serve_forever, args=(0.05,)) for one in (api, storage)]
        for thread in threads:
            thread.start()
        try:
            yield f"http://127.0.0.1:{api.server_port}", profile(world)
        finally:
            for one in (api, storage):
                one.shutdown()
            for thread in threads:
                thread.join()
