"""A mock as a vendor writes it in an afternoon: FastAPI and pydantic on uvicorn, jobs in memory, one clock.

It differs: names of header fields in lower case, ids of version 4, times with microseconds and `+00:00`; jobs that take
a second; one clock for the whole server, which an administrator advances without a key; storage on the server itself,
with URLs signed to the second; requests that are refused use quota, the balance and the quota come before the body, and
the reset is always that of the oldest request; then the slots, and then the media. Null is as good as absent, and what
the page does not speak of is ignored. The first fault is named. Bare, it has a key, 30 requests a minute, 5 slots, and
nothing else to offer.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import hmac
import io
import math
import socket
import threading
import time
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from PIL import Image
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile
from pydantic import BaseModel

JUDGED = 512
FAULTS = {
    "a window of fifty seconds": "rate_limit",
    "generations of others are shown": "404-another-key",
    "duplicate indexes are taken": "400-keyframes",
}

IMAGE_RATIOS = ("1:1", "1:2", "1:3", "16:9", "2:1", "2:3", "3:1", "3:2", "9:16")
VIDEO_RATIOS = ("1:1", "16:9", "21:9", "3:4", "4:3", "9:16")
PORTRAIT = ("1:2", "1:3", "2:3", "9:16")
TYPES = {
    "uni-1": ("image", "image_edit"),
    "uni-1-max": ("image", "image_edit"),
    "ray-3.2": ("video", "video_edit", "video_reframe"),
}
CHOICES = {
    "style": ("auto", "manga"),
    "output_format": ("png", "jpeg"),
    "resolution": ("360p", "540p", "720p", "1080p"),
    "duration": ("5s", "10s"),
}
REASONS = {
    "content_moderated": "Generation output was flagged by our content moderation system.",
    "budget_exhausted": "Insufficient balance to complete this generation.",
    "generation_failed": "Generation failed",
    "output_not_found": "Output artifacts not found",
    "image_too_large": "An input image is too large",
    "unsupported_format": "An input file has an unsupported format",
    "corrupt_input": "An input file could not be decoded",
    "invalid_request": "The model rejected the request",
    "rate_limited": "An upstream provider is busy",
}
HOST = "https://assets.vendor.example"
PICTURES = {f"{HOST}/kitten.jpg": (640, 480), f"{HOST}/billboard.png": (9000, 6000)}
BROKEN = {
    f"{HOST}/gone.jpg": (422, "{path}: failed to fetch URL (HTTP 404)"),
    f"{HOST}/terms.pdf": (422, "{path}: content-type is not an image"),
    f"{HOST}/enormous.png": (413, "{path}: image exceeds 50 MB limit"),
    f"{HOST}/proxy-down.png": (502, "{path}: fetch proxy unavailable"),
    f"{HOST}/no-proxy.png": (503, "Media URL ingestion is unavailable (fetch proxy not configured)"),
}
CLIP = f"{HOST}/surf.mp4"
MP4 = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + b"\0\0\0\x08mdat"


Next = Callable[[Request], Awaitable[Response]]
"""What a middleware calls to have the request answered."""


class Refused(Exception):
    """A request is refused with a status and a detail."""

    def __init__(self, status: int, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail.encode("utf-8", "replace").decode()  # half a surrogate pair is JSON, but not UTF-8
        self.status, self.headers = status, headers or {}


class ImageRef(BaseModel):
    url: str | None = None
    data: str | None = None
    media_type: str | None = None
    generation_id: str | None = None
    file_id: str | None = None


class Edit(BaseModel):
    auto_controls: bool | None = None
    controls: dict[str, Any] | None = None
    keyframes: list[ImageRef] | None = None
    keyframe_indexes: list[int] | None = None


class Video(BaseModel):
    resolution: str | None = None
    duration: str | None = None
    loop: bool | None = None
    hdr: bool | None = None
    exr_export: bool | None = None
    start_frame: ImageRef | None = None
    end_frame: ImageRef | None = None
    source_position: dict[str, Any] | None = None
    edit: Edit | None = None


class Create(BaseModel):
    prompt: str
    model: str | None = None
    type: str | None = None
    aspect_ratio: str | None = None
    style: str | None = None
    output_format: str | None = None
    image_ref: list[ImageRef] | None = None
    source: ImageRef | None = None
    video: Video | None = None


@dataclass
class Account:
    """A client: its limits, its requests of the last minute, and whether it can pay and be served."""

    rpm: int = 600
    slots: int = 40
    refusal: tuple[int, str] | None = None
    window: deque[float] = field(default_factory=deque)


@dataclass
class Job:
    """A generation, whose state is a matter of the clock."""

    account: Account
    type: str
    model: str
    format: str
    created: float
    ends: float
    outcome: str = "completed"
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def state(self, now: float) -> str:
        if self.outcome == "queued" or now < self.created + 0.2:
            return "queued"
        if self.outcome == "processing" or now < self.ends:
            return "processing"
        return "completed" if self.outcome == "completed" else "failed"


class Vendor:
    """All that the server remembers."""

    def __init__(self, *, bare: bool, fault: str) -> None:
        main = Account(30, 5) if bare else Account()
        other = Account()
        self.fault = fault
        self.offset = 0.0
        self.jobs: dict[str, Job] = {}
        self.keys: dict[str, Account | str] = {"luma-api-test-vendor-1": main}
        if not bare:
            self.keys |= {
                "luma-api-test-vendor-2": main,
                "luma-api-test-elsewhere": other,
                "luma-api-test-gone": "API key has been revoked",
                "luma-api-test-stale": "API key has expired",
                "luma-api-test-poor": Account(refusal=(402, "Insufficient balance. Please add funds to continue.")),
                "luma-api-test-halted": Account(refusal=(403, "API client is suspended")),
                "luma-api-test-closed": Account(refusal=(403, "API client is deactivated")),
                "luma-api-test-slow": Account(rpm=4),
                "luma-api-test-narrow": Account(slots=2),
            }
        self.image = self._made_before(main, "image", "uni-1")
        self.video = self._made_before(main, "video", "ray-3.2")

    def _made_before(self, account: Account, kind: str, model: str) -> str:
        job = Job(account, kind, model, "png", self.now() - 60, self.now() - 59)
        self.jobs[job.id] = job
        return job.id

    def now(self) -> float:
        return time.time() + self.offset

    def authenticate(self, request: Request) -> Account:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not token.startswith("luma-api-"):
            raise Refused(401, "Missing or invalid API key")
        account = self.keys.get(token, "Invalid API key")
        if isinstance(account, str):
            raise Refused(401, account)
        if account.refusal and (account.refusal[0] == 403 or request.method == "POST"):
            raise Refused(*account.refusal)
        return account

    def admit(self, account: Account) -> dict[str, str]:
        """Count a request, or refuse it."""
        now, window = self.now(), account.window
        length = 50 if self.fault == "a window of fifty seconds" else 60
        while window and window[0] <= now - length:
            window.popleft()
        full = len(window) >= account.rpm
        left = 0 if full else account.rpm - len(window) - 1
        reset = (window[0] if window else now) + 60
        told = {
            "x-ratelimit-limit": str(account.rpm),
            "x-ratelimit-remaining": str(left),
            "x-ratelimit-reset": str(math.ceil(reset)),
        }
        if full:
            raise Refused(429, "Rate limit exceeded", told | {"retry-after": str(max(1, math.ceil(reset - now)))})
        window.append(now)
        return told

    def running(self, account: Account) -> int:
        now = self.now()
        mine = (job for job in self.jobs.values() if job.account is account and job.created > now - 3600)
        return sum(job.state(now) in {"queued", "processing"} for job in mine)

    def create(self, account: Account, body: Create) -> Job:
        check(body, self.fault)
        if self.running(account) >= account.slots:
            raise Refused(429, "Too many concurrent jobs", {"retry-after": "60"})
        for path, ref, wants in media_of(body):
            self.load(account, path, ref, wants)
        outcome = body.prompt[1:-1] if body.prompt[1:-1] in (*REASONS, "queued", "processing") else "completed"
        now = self.now()
        kind = body.type or "image"
        job = Job(account, kind, body.model or "uni-1", body.output_format or "png", now, now + 1, outcome)
        self.jobs[job.id] = job
        return job

    def load(self, account: Account, path: str, ref: ImageRef, wants: str) -> None:
        """Check that what a reference leads to is there and of the wanted kind."""
        if ref.generation_id is not None:
            job = self.find(account, ref.generation_id)
            made = "video" if job and job.type.startswith("video") else "image"
            if job is None or job.state(self.now()) != "completed" or made != wants:
                raise Refused(400, f"{path}.generation_id: no completed {wants} generation of this id")
        elif ref.file_id is not None:
            raise Refused(400, f"{path}.file_id: file not found")
        elif ref.data is not None:
            check_bytes(path, decode(path, ref.data), wants)
        elif ref.url is not None:
            fetch(path, ref.url, wants)

    def find(self, account: Account, generation_id: str) -> Job | None:
        try:
            job = self.jobs.get(str(uuid.UUID(generation_id)))
        except ValueError:
            return None
        mine = job is not None and (job.account is account or self.fault == "generations of others are shown")
        return job if mine else None

    def show(self, job: Job, base: str) -> dict[str, object]:
        state = job.state(self.now())
        made = "video" if job.type.startswith("video") else "image"
        return {
            "id": job.id,
            "type": job.type,
            "state": state,
            "model": job.model,
            "created_at": datetime.fromtimestamp(job.created, UTC).isoformat(timespec="microseconds"),
            "output": [{"type": made, "url": self.sign(job, base)}] if state == "completed" else [],
            "failure_reason": REASONS[job.outcome] if state == "failed" else None,
            "failure_code": job.outcome if state == "failed" else None,
        }

    def sign(self, job: Job, base: str) -> str:
        date = datetime.fromtimestamp(self.now(), UTC).strftime("%Y%m%dT%H%M%SZ")
        name = "output.mp4" if job.type.startswith("video") else f"output.{job.format}"
        query = f"X-Amz-Date={date}&X-Amz-Expires=3600&X-Amz-Signature={signature(job.id, date)}"
        return f"{base}storage/{job.id}/{name}?{query}"

    def stored(self, job_id: str, date: str, signed: str) -> Response:
        try:
            made = datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
        except ValueError:
            made = 0.0
        job = self.jobs.get(job_id)
        if job is None or signature(job_id, date) != signed or self.now() >= made + 3600:
            return Response("<Error><Code>AccessDenied</Code></Error>", 403, media_type="application/xml")
        if job.type.startswith("video"):
            return Response(MP4, media_type="video/mp4")
        return Response(picture(job.format), media_type=f"image/{job.format}")


def signature(job_id: str, date: str) -> str:
    """Return the signature of an output URL."""
    return hmac.new(b"vendor", f"{job_id} {date}".encode(), hashlib.sha256).hexdigest()


@cache
def picture(form: str) -> bytes:
    """Return a small image."""
    file = io.BytesIO()
    Image.new("RGB", (16, 9), "teal").save(file, form.upper())
    return file.getvalue()


def check(body: Create, fault: str) -> None:
    """Check all that can be seen in the body itself."""
    kinds = TYPES.get(body.model or "uni-1")
    kind = body.type or "image"
    if kinds is None:
        raise Refused(400, f"Unknown model: {body.model}")
    if kind not in kinds:
        raise Refused(400, f"Type '{kind}' is not supported for model '{body.model or 'uni-1'}'")
    check_source(body, kind)
    check_video(body, kind, body.video or Video(), fault)
    check_ratio(body, kind)
    if not 1 <= len(body.prompt) <= 6000:
        raise Refused(400, "Prompt must be between 1 and 6000 characters")
    check_references(body, kind)
    for name, values in CHOICES.items():
        for place in (body, body.video):
            value = getattr(place, name, None)
            if value is not None and value not in values:
                raise Refused(400, f"Invalid {name} '{value}'")
    if kind == "image" and body.style == "manga" and body.aspect_ratio and body.aspect_ratio not in PORTRAIT:
        valid = ", ".join(PORTRAIT)
        raise Refused(
            422, f"aspect_ratio='{body.aspect_ratio}' is not allowed when style='manga'. Valid aspect_ratio: {valid}"
        )


def check_source(body: Create, kind: str) -> None:
    """Check that there is a source where one is needed, and none elsewhere."""
    source = body.source
    if kind == "image_edit" and source is None:
        raise Refused(400, "source is required for type 'image_edit'")
    if kind in {"video_edit", "video_reframe"}:
        if source is None:
            raise Refused(
                400,
                "source is required for type 'video_edit' or 'video_reframe' — provide source.generation_id (UUID of a "
                "prior generation) or source.url / source.data with source.media_type='video/mp4'",
            )
        hosted = source.url is not None or source.data is not None
        if hosted and not (source.media_type or "").startswith("video/"):
            raise Refused(
                400,
                "source.media_type must be a video/* type (e.g. 'video/mp4') when providing source.url / source.data "
                f"on type='{kind}'",
            )
    if kind == "video" and source is not None and source.generation_id is not None:
        raise Refused(400, "source.generation_id is only valid for type 'image_edit', 'video_edit', or 'video_reframe'")
    if kind in {"image", "video"} and source is not None:
        raise Refused(
            400,
            "source is only valid for type 'image_edit', 'video_edit' / 'video_reframe' with source.generation_id, or "
            "'video_edit' / 'video_reframe' with a video source.url / source.data",
        )


def check_references(body: Create, kind: str) -> None:
    """Check the number and the shape of the references."""
    references = body.image_ref or []
    if kind == "image_edit" and len(references) > 8:
        raise Refused(400, "image_edit supports up to 8 reference images (source occupies one slot)")
    if kind == "image" and len(references) > 9:
        raise Refused(400, "image supports up to 9 reference images")
    for path, ref, _ in media_of(body):
        if ref.url is not None and ref.data is not None:
            raise Refused(400, f"{path}: provide either 'url' or 'data', not both")
        given = [one for one in (ref.url, ref.data, ref.generation_id, ref.file_id) if one is not None]
        if not given:
            raise Refused(400, f"{path}: provide either 'url' or 'data', not neither")
        if len(given) > 1:
            raise Refused(400, f"{path}: provide only one of 'url', 'data', 'generation_id' and 'file_id'")
        if ref.data is not None and ref.media_type is None:
            raise Refused(400, f"{path}: 'media_type' is required with 'data'")


def check_ratio(body: Create, kind: str) -> None:
    """Check the aspect ratio where it has an effect."""
    if kind == "video_reframe" and body.aspect_ratio is None:
        raise Refused(400, "aspect_ratio (the target shape) is required for type 'video_reframe'")
    valid = {"image": IMAGE_RATIOS, "video": VIDEO_RATIOS, "video_reframe": VIDEO_RATIOS}.get(kind, ())
    if valid and body.aspect_ratio is not None and body.aspect_ratio not in valid:
        raise Refused(400, f"Invalid aspect_ratio '{body.aspect_ratio}'. Valid: {', '.join(valid)}")


def check_video(body: Create, kind: str, video: Video, fault: str) -> None:
    """Check the video options of a video type."""
    if kind == "video_reframe":
        refuse_first(reframe_faults(body, video))
    elif kind == "video_edit":
        refuse_first(edit_faults(body, video, fault))
    elif kind == "video":
        refuse_first(extend_faults(video))
        refuse_first(create_faults(video))


def refuse_first(faults: Iterator[tuple[object, str]]) -> None:
    """Refuse with the first text whose condition holds."""
    for wrong, detail in faults:
        if wrong:
            raise Refused(400, detail)


def reframe_faults(body: Create, video: Video) -> Iterator[tuple[object, str]]:
    """Yield what is wrong in a reframe."""
    yield (
        video.start_frame or video.end_frame,
        "video.start_frame / video.end_frame are not supported for type 'video_reframe'",
    )
    yield video.loop, "video.loop is not supported for type 'video_reframe'"
    yield video.hdr or video.exr_export, "HDR / exr_export are not supported for type 'video_reframe'"
    yield video.edit is not None, "video.edit is not supported for type 'video_reframe'"
    yield (
        video.resolution == "1080p" and body.aspect_ratio in {"9:16", "3:4"},
        f"1080p resolution is not yet available for vertical reframe (aspect_ratio '{body.aspect_ratio}', type "
        "'video_reframe') — coming soon. Use a landscape aspect_ratio at 1080p, or resolution '720p' / '540p'.",
    )


def edit_faults(body: Create, video: Video, fault: str) -> Iterator[tuple[object, str]]:
    """Yield what is wrong in an edit."""
    edit = video.edit or Edit()
    frames, indexes = edit.keyframes, edit.keyframe_indexes or []
    yield body.image_ref, "image_ref is not supported for type 'video_edit'"
    yield video.loop, "video.loop is only valid for type 'video'"
    yield (
        edit.auto_controls and edit.controls,
        "video.edit.auto_controls=true cannot be combined with video.edit.controls (auto mode derives the schedule and "
        "ignores manual per-signal controls)",
    )
    yield (
        (frames is None) != (edit.keyframe_indexes is None),
        "video.edit.keyframes and video.edit.keyframe_indexes must both be provided or both omitted",
    )
    yield (
        len(frames or ()) != len(indexes),
        "video.edit.keyframe_indexes must have the same length as video.edit.keyframes",
    )
    yield any(index < 0 for index in indexes), "video.edit.keyframe_indexes must be non-negative"
    unique = len(set(indexes)) == len(indexes) or fault == "duplicate indexes are taken"
    yield not unique, "video.edit.keyframe_indexes must be unique"
    yield (
        video.start_frame and frames is not None,
        "video.start_frame and video.edit.keyframes are mutually exclusive — use video.start_frame for the "
        "single-anchor case (frame at index 0), or video.edit.keyframes + keyframe_indexes for multi-anchor / "
        "arbitrary positions",
    )
    yield video.source_position is not None, "video.source_position is only valid for type 'video_reframe'"
    yield from hdr_faults(video)


def extend_faults(video: Video) -> Iterator[tuple[object, str]]:
    """Yield what is wrong where a frame is a generation."""
    start, end = video.start_frame, video.end_frame
    forward, backward = (frame is not None and frame.generation_id is not None for frame in (start, end))
    yield (
        (forward or backward) and start and end,
        "generation-ref keyframes are only supported for video extend (a single start_frame OR end_frame generation "
        "reference); interpolate-from-generation is not yet available",
    )
    yield (forward or backward) and video.hdr, "HDR is not supported with video extend"
    yield backward and video.loop, "loop is only supported with forward video extend"


def create_faults(video: Video) -> Iterator[tuple[object, str]]:
    """Yield what is wrong in a new video."""
    yield video.edit is not None, "video.edit is only valid for type 'video_edit'"
    yield video.source_position is not None, "video.source_position is only valid for type 'video_reframe'"
    yield from hdr_faults(video)
    long = video.duration == "10s"
    yield (
        long and (video.start_frame or video.end_frame),
        ("duration '10s' is not supported with start_frame / end_frame"),
    )
    yield video.loop and long, "loop is not supported with duration '10s'"
    yield video.loop and video.hdr, "loop is not supported with hdr=true"
    yield video.loop and video.end_frame, "loop is not supported with end_frame (no seamless start↔end match)"


def hdr_faults(video: Video) -> Iterator[tuple[object, str]]:
    """Yield what HDR does not go with."""
    low = video.resolution in {"360p", "540p"}
    yield video.hdr and low, f"resolution '{video.resolution}' is not supported with hdr=true"
    yield video.hdr and video.duration == "10s", "duration '10s' is not supported with hdr=true"
    yield video.exr_export and not video.hdr, "exr_export requires hdr=true"


def media_of(body: Create) -> Iterator[tuple[str, ImageRef, str]]:
    """Yield the path of each reference, the reference, and the kind of medium it stands for."""
    kind, video = body.type or "image", body.video or Video()
    filmed = kind.startswith("video")
    if body.source is not None:
        yield "source", body.source, "video" if filmed else "image"
    if not filmed:
        for index, ref in enumerate(body.image_ref or []):
            yield f"image_ref[{index}]", ref, "image"
        return
    for name, frame in (("start", video.start_frame), ("end", video.end_frame)):
        if frame is not None:
            extends = frame.generation_id is not None and kind == "video"
            yield f"video.{name}_frame", frame, "video" if extends else "image"
    for index, ref in enumerate((video.edit and video.edit.keyframes) or []):
        yield f"video.edit.keyframes[{index}]", ref, "image"


def decode(path: str, data: str) -> bytes:
    """Return what base64 stands for."""
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise Refused(422, f"{path}: invalid base64 data") from None


def check_bytes(path: str, data: bytes, wants: str) -> None:
    """Check the size of a medium, and that it is one."""
    if len(data) > 50 * 1024 * 1024:
        raise Refused(413, f"{path}: {wants} exceeds 50 MB limit")
    if wants == "video":
        return None
    for read in (PngImageFile, JpegImageFile, GifImageFile, WebPImageFile):
        with contextlib.suppress(SyntaxError, OSError, ValueError, IndexError, TypeError):
            return check_sides(path, *read(io.BytesIO(data)).size)
    raise Refused(422, f"{path}: not an image")


def check_sides(path: str, width: int, height: int) -> None:
    """Check the sides of an image."""
    if max(width, height) > 8000:
        raise Refused(
            413, f"{path}: image is {width}x{height}px but each side must be <= 8000px. Resize and try again."
        )


def fetch(path: str, url: str, wants: str) -> None:
    """Check what is known to be at a URL."""
    if url in BROKEN:
        status, detail = BROKEN[url]
        raise Refused(status, detail.format(path=path))
    if url in PICTURES and wants == "image":
        check_sides(path, *PICTURES[url])
    elif url in PICTURES or url == CLIP:
        if wants == "image" or url != CLIP:
            raise Refused(422, f"{path}: content-type is not {'an image' if wants == 'image' else 'a video'}")
    else:
        raise Refused(422, f"{path}: failed to fetch URL")


def build(vendor: Vendor, *, bare: bool) -> FastAPI:
    """Return the application."""
    app = FastAPI()
    add_routes(app, vendor)
    if not bare:
        add_clock(app, vendor)
    add_refusals(app)
    add_admission(app, vendor)
    add_headers(app)  # last, and so outside of what refuses
    return app


def add_routes(app: FastAPI, vendor: Vendor) -> None:
    """Add the routes of the API, and of the storage."""

    @app.post("/v1/generations", status_code=201)
    async def create(body: Create, request: Request) -> dict[str, object]:
        return vendor.show(vendor.create(request.state.account, body), str(request.base_url))

    @app.get("/v1/generations/{generation_id:path}")
    async def poll(generation_id: str, request: Request) -> dict[str, object]:
        job = vendor.find(request.state.account, generation_id)
        if job is None:
            raise Refused(404, "Generation not found")
        return vendor.show(job, str(request.base_url))

    @app.api_route("/storage/{job_id}/{name}", methods=["GET", "HEAD"])
    async def stored(job_id: str, name: str, request: Request) -> Response:
        query = request.query_params
        return vendor.stored(job_id, query.get("X-Amz-Date", ""), query.get("X-Amz-Signature", ""))


def add_clock(app: FastAPI, vendor: Vendor) -> None:
    """Add the route by which an administrator advances the clock."""

    @app.post("/admin/clock")
    async def advance(body: dict[str, float]) -> dict[str, float]:
        vendor.offset += body["advance_seconds"]
        return {"now": vendor.now()}


def add_refusals(app: FastAPI) -> None:
    """Give every refusal the one shape."""

    @app.exception_handler(Refused)
    async def refuse(request: Request, refused: Refused) -> Response:
        return JSONResponse({"detail": refused.detail}, refused.status, refused.headers)

    @app.exception_handler(RequestValidationError)
    async def malformed(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        return JSONResponse({"detail": f"{'.'.join(map(str, first['loc'][1:]))}: {first['msg']}"}, 422)


def add_admission(app: FastAPI, vendor: Vendor) -> None:
    """Look at the key and the quota before anything else."""

    @app.middleware("http")
    async def admit(request: Request, call: Next) -> Response:
        if not request.url.path.startswith("/v1/generations"):
            return await call(request)
        request.state.account = vendor.authenticate(request)
        told = vendor.admit(request.state.account) if request.method == "POST" else {}
        response = await call(request)
        if response.status_code == 201:
            response.headers.update(told)
        return response


def add_headers(app: FastAPI) -> None:
    """Put on every answer what every answer has."""

    @app.middleware("http")
    async def tell(request: Request, call: Next) -> Response:
        try:
            response = await call(request)
        except Refused as refused:
            response = JSONResponse({"detail": refused.detail}, refused.status, refused.headers)
        response.headers["x-request-id"] = request.headers.get("x-request-id") or str(uuid.uuid4())
        response.headers["x-api-version"] = "2026-04-01"
        return response


def profile(vendor: Vendor) -> str:
    """Return all that the server offers."""
    prompts = {f"{code.replace('_', '-')}-prompt": f"[{code}]" for code in (*REASONS, "queued", "processing")}
    return f"""\
[keys]
main-key = {{test_key = "luma-api-test-vendor-1"}}
second-key = {{test_key = "luma-api-test-vendor-2"}}
other-key = {{test_key = "luma-api-test-elsewhere"}}
revoked-key = {{test_key = "luma-api-test-gone"}}
expired-key = {{test_key = "luma-api-test-stale"}}
unfunded-key = {{test_key = "luma-api-test-poor"}}
suspended-key = {{test_key = "luma-api-test-halted"}}
deactivated-key = {{test_key = "luma-api-test-closed"}}
low-rpm-key = {{test_key = "luma-api-test-slow"}}
low-concurrency-key = {{test_key = "luma-api-test-narrow"}}
[media]
image-url = "{HOST}/kitten.jpg"
video-url = "{CLIP}"
missing-url = "{HOST}/gone.jpg"
unreachable-url = "https://nowhere.invalid/kitten.jpg"
pdf-url = "{HOST}/terms.pdf"
oversized-url = "{HOST}/enormous.png"
oversized-pixels-url = "{HOST}/billboard.png"
proxy-down-url = "{HOST}/proxy-down.png"
ingestion-off-url = "{HOST}/no-proxy.png"
[prompts]
{"".join(f'{role} = "{prompt}"' + chr(10) for role, prompt in prompts.items())}
[generations]
completed-image = "{vendor.image}"
completed-video = "{vendor.video}"
[offers]
large-uploads = true
hdr-access = true
[clock]
advance = "/admin/clock"
body = '{{"advance_seconds": {{seconds}}}}'
"""


BARE = '[keys]\nmain-key = {test_key = "luma-api-test-vendor-1"}\n'


@contextmanager
def start(port: int = 0, fault: str = "", *, bare: bool = False) -> Iterator[tuple[str, str]]:
    """Run the server; yield its base URL and its profile. A bare one has nothing but a key, and nothing to advance."""
    vendor = Vendor(bare=bare, fault=fault)
    config = uvicorn.Config(build(vendor, bare=bare), lifespan="off", ws="none", log_level="warning")
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", port)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", BARE if bare else profile(vendor)
        finally:
            server.should_exit = True
            thread.join()
