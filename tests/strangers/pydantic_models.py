"""A poor mock: models of Pydantic, one for each type, behind `http.server` with connections that are kept open.

It differs: header names in small letters, version 1 UUIDs for requests, answers with members that nobody documents
(`usage`, `links`); both limits come before the body is read, and only accepted requests use quota; members it does not
know are ignored, among them `video` of an image and `image_ref` of a video; a text is taken for a boolean where
Pydantic does; a prompt may be blank, base64 may be broken into lines, nobody asks whether a prior generation is of the
right medium. All mistakes of a request are collected, and which one is named depends on a checksum of the body. On
purpose it fetches no URL, decodes no image and stores no output, though its URLs have an hour; there is one key, and no
clock.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
import threading
import time
import uuid
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, Discriminator, Field, Tag, TypeAdapter, ValidationError

JUDGED = 366
FAULTS = {
    "refusals lose the id of their request": "request-tracing",
    "an extension loops backward": "extend",
    "a completed generation has no output": "200-ok",
}

KEY: Final = "luma-api-test-poor-mock"
PROFILE: Final = f"""
[keys]
main-key = {{test_key = "{KEY}"}}

[offers]
url-ingestion = false
image-decoding = false
output-files = false
"""
Problem = tuple[int, str]
MODELS: Final = {
    "uni-1": ("image", "image_edit"),
    "uni-1-max": ("image", "image_edit"),
    "ray-3.2": ("video", "video_edit", "video_reframe"),
}
IMAGE_RATIOS: Final = ("1:1", "1:2", "1:3", "16:9", "2:1", "2:3", "3:1", "3:2", "9:16")
VIDEO_RATIOS: Final = ("1:1", "16:9", "21:9", "3:4", "4:3", "9:16")
PORTRAITS: Final = ("1:2", "1:3", "2:3", "9:16")
Share = Annotated[float, Field(ge=0, le=1)]
Strength = Literal[
    "adhere_1", "adhere_2", "adhere_3", "flex_1", "flex_2", "flex_3", "reimagine_1", "reimagine_2", "reimagine_3"
]


class Ref(BaseModel):
    """A reference to media."""

    url: str | None = None
    data: str | None = None
    media_type: str | None = None
    generation_id: str | None = None
    file_id: str | None = None

    def find_problems(self, path: str, *, video: bool = False) -> Iterator[Problem]:
        """Yield what is wrong with the reference at a path, which may be to a video."""
        ways = [way for way in (self.url, self.data, self.generation_id, self.file_id) if way is not None]
        if len(ways) != 1:
            yield 400, f"{path}: provide either 'url' or 'data', not {'both' if ways else 'neither'}"
        elif self.data is not None and self.media_type is None and not video:
            yield 400, f"{path}: 'media_type' is required with 'data'"
        elif self.data is not None:
            try:
                content = base64.b64decode(re.sub(r"\s", "", self.data), validate=True)
            except (binascii.Error, ValueError):
                yield 422, f"{path}: invalid base64 data"
            else:
                if len(content) > 50 * 1024 * 1024:
                    yield 413, f"{path}: image exceeds 50 MB limit"

    def lacks_type(self) -> bool:
        """Return whether this is to be a video and does not say so."""
        return bool(self.url or self.data) and not (self.media_type or "").startswith("video/")


class Depth(BaseModel):
    """Control by depth."""

    enabled: bool | None = None
    blur: Share | None = None


class Pose(BaseModel):
    """Control by pose."""

    enabled: bool | None = None
    strength: Literal["precise", "coarse"] | None = None


class Controls(BaseModel):
    """The signals that control an edit; the others are not looked into."""

    depth: Depth | None = None
    pose: Pose | None = None


class Edit(BaseModel):
    """How close an edit keeps to its source."""

    auto_controls: bool | None = None
    strength: Strength | None = None
    controls: Controls | None = None
    keyframes: list[Ref] | None = None
    keyframe_indexes: list[int] | None = None

    def find_problems(self) -> Iterator[Problem]:
        """Yield what is wrong with it."""
        if self.auto_controls and self.controls is not None:
            yield (
                400,
                "video.edit.auto_controls=true cannot be combined with video.edit.controls (auto mode derives the "
                "schedule and ignores manual per-signal controls)",
            )
        for index, frame in enumerate(self.keyframes or ()):
            yield from frame.find_problems(f"video.edit.keyframes[{index}]")
        indexes = self.keyframe_indexes or []
        if (self.keyframes is None) != (self.keyframe_indexes is None):
            yield 400, "video.edit.keyframes and video.edit.keyframe_indexes must both be provided or both omitted"
        elif len(indexes) != len(self.keyframes or ()):
            yield 400, "video.edit.keyframe_indexes must have the same length as video.edit.keyframes"
        if min(indexes, default=0) < 0:
            yield 400, "video.edit.keyframe_indexes must be non-negative"
        if len(set(indexes)) < len(indexes):
            yield 400, "video.edit.keyframe_indexes must be unique"


class Place(BaseModel):
    """Where a source is in its new frame."""

    x_norm: float = Field(ge=-2, le=2)
    y_norm: float = Field(ge=-2, le=2)
    w_norm: float = Field(gt=0, le=2)
    h_norm: float = Field(gt=0, le=2)


class Video(BaseModel):
    """The options of a video of whatever type."""

    resolution: Literal["360p", "540p", "720p", "1080p"] | None = None
    duration: Literal["5s", "10s"] | None = None
    loop: bool | None = None
    hdr: bool | None = None
    exr_export: bool | None = None
    start_frame: Ref | None = None
    end_frame: Ref | None = None
    source_position: Place | None = None
    edit: Edit | None = None

    def frames(self) -> dict[str, Ref]:
        """Return the frames there are, by name."""
        both = {"start_frame": self.start_frame, "end_frame": self.end_frame}
        return {name: frame for name, frame in both.items() if frame}

    def find_frame_problems(self) -> Iterator[Problem]:
        """Yield what is wrong with the frames, as references."""
        for name, frame in self.frames().items():
            yield from frame.find_problems(f"video.{name}")


class Creation(BaseModel):
    """What a request of every type has; `type` tells them apart."""

    prompt: str
    model: str | None = None
    type: str | None = None
    aspect_ratio: str | None = None
    user_id: str | None = Field(None, max_length=256)
    source: Ref | None = None

    def find_problems(self) -> Iterator[Problem]:
        """Yield all that is wrong with a request."""
        kind, model = self.type or "image", self.model or "uni-1"
        if not 1 <= len(self.prompt) <= 6000:
            yield 400, "Prompt must be between 1 and 6000 characters"
        if model not in MODELS:
            yield 400, f"Unknown model: {model}"
        elif kind not in MODELS[model]:
            yield 400, f"Type '{kind}' is not supported for model '{model}'"
        else:
            yield from self.find_problems_of_ratio()
        yield from self.find_problems_of_source()
        yield from self.find_problems_of_type()

    def find_problems_of_ratio(self, valid: tuple[str, ...] = ()) -> Iterator[Problem]:
        """Yield what is wrong with the ratio, of which these are valid."""
        if valid and self.aspect_ratio is not None and self.aspect_ratio not in valid:
            yield 400, f"Invalid aspect_ratio '{self.aspect_ratio}'. Valid: {', '.join(valid)}"

    def find_problems_of_source(self) -> Iterator[Problem]:
        """Yield what is wrong with the source of a type that has none."""
        if self.source:
            yield (
                400,
                "source is only valid for type 'image_edit', 'video_edit' / 'video_reframe' with source.generation_id, "
                "or 'video_edit' / 'video_reframe' with a video source.url / source.data",
            )

    def find_problems_of_type(self) -> Iterator[Problem]:
        """Yield what is wrong with all that only this type has."""
        yield from ()


class Image(Creation):
    """A new image."""

    style: Literal["auto", "manga"] | None = None
    output_format: Literal["png", "jpeg"] | None = None
    web_search: bool | None = None
    image_ref: list[Ref] | None = None

    def find_problems_of_ratio(self, valid: tuple[str, ...] = IMAGE_RATIOS) -> Iterator[Problem]:
        yield from super().find_problems_of_ratio(valid)
        if self.style == "manga" and self.aspect_ratio in set(valid) - set(PORTRAITS):
            ratio = f"aspect_ratio='{self.aspect_ratio}'"
            yield 422, f"{ratio} is not allowed when style='manga'. Valid aspect_ratio: {', '.join(PORTRAITS)}"

    def find_problems_of_type(self) -> Iterator[Problem]:
        for index, ref in enumerate(self.image_ref or ()):
            yield from ref.find_problems(f"image_ref[{index}]")
        if len(self.image_ref or ()) > 9:
            yield 400, "image supports up to 9 reference images"


class ImageEdit(Image):
    """An image from another."""

    def find_problems_of_ratio(self, valid: tuple[str, ...] = ()) -> Iterator[Problem]:
        yield from ()

    def find_problems_of_source(self) -> Iterator[Problem]:
        if self.source is None:
            yield 400, "source is required for type 'image_edit'"
        else:
            yield from self.source.find_problems("source")

    def find_problems_of_type(self) -> Iterator[Problem]:
        for index, ref in enumerate(self.image_ref or ()):
            yield from ref.find_problems(f"image_ref[{index}]")
        if len(self.image_ref or ()) > 8:
            yield 400, "image_edit supports up to 8 reference images (source occupies one slot)"


class NewVideo(Creation):
    """A new video."""

    video: Annotated[Video, BeforeValidator(lambda value: {} if value is None else value)] = Video()

    def find_problems_of_ratio(self, valid: tuple[str, ...] = VIDEO_RATIOS) -> Iterator[Problem]:
        yield from super().find_problems_of_ratio(valid)

    def find_problems_of_source(self) -> Iterator[Problem]:
        if self.source and self.source.generation_id is not None:
            text = "source.generation_id is only valid for type 'image_edit', 'video_edit', or 'video_reframe'"
            yield 400, text
        else:
            yield from super().find_problems_of_source()

    def find_problems_of_type(self) -> Iterator[Problem]:
        video = self.video
        yield from video.find_frame_problems()
        if video.edit is not None:
            yield 400, "video.edit is only valid for type 'video_edit'"
        if video.source_position is not None:
            yield 400, "video.source_position is only valid for type 'video_reframe'"
        frames = video.frames()
        priors = [name for name, frame in frames.items() if frame.generation_id is not None]
        if len(frames) == 2 and priors:
            yield (
                400,
                "generation-ref keyframes are only supported for video extend (a single start_frame OR end_frame "
                "generation reference); interpolate-from-generation is not yet available",
            )
        elif priors and video.hdr:
            yield 400, "HDR is not supported with video extend"
        if video.loop and priors == ["end_frame"]:
            yield 400, "loop is only supported with forward video extend"
        elif video.loop and "end_frame" in frames:
            yield 400, "loop is not supported with end_frame (no seamless start↔end match)"
        for text in self.find_contradictions():
            yield 400, text

    def find_contradictions(self) -> Iterator[str]:
        """Yield which options exclude each other."""
        video, long = self.video, self.video.duration == "10s"
        if video.hdr and video.resolution in {"360p", "540p"}:
            yield f"resolution '{video.resolution}' is not supported with hdr=true"
        if video.hdr and long:
            yield "duration '10s' is not supported with hdr=true"
        if long and video.frames():
            yield "duration '10s' is not supported with start_frame / end_frame"
        if video.loop and long:
            yield "loop is not supported with duration '10s'"
        if video.loop and video.hdr:
            yield "loop is not supported with hdr=true"
        if video.exr_export and not video.hdr:
            yield "exr_export requires hdr=true"


class VideoFromSource(Creation):
    """A video from another."""

    video: Annotated[Video, BeforeValidator(lambda value: {} if value is None else value)] = Video()

    def find_problems_of_source(self) -> Iterator[Problem]:
        if self.source is None:
            yield (
                400,
                "source is required for type 'video_edit' or 'video_reframe' — provide source.generation_id (UUID of a "
                "prior generation) or source.url / source.data with source.media_type='video/mp4'",
            )
        elif self.source.lacks_type():
            yield (
                400,
                "source.media_type must be a video/* type (e.g. 'video/mp4') when providing source.url / source.data "
                f"on type='{self.type}'",
            )
        else:
            yield from self.source.find_problems("source", video=True)


class VideoEdit(VideoFromSource):
    """A video that is changed."""

    image_ref: list[Ref] | None = None

    def find_problems_of_type(self) -> Iterator[Problem]:
        if self.image_ref:
            yield 400, "image_ref is not supported for type 'video_edit'"
        if self.video.loop:
            yield 400, "video.loop is only valid for type 'video'"
        if self.video.source_position is not None:
            yield 400, "video.source_position is only valid for type 'video_reframe'"
        yield from self.video.find_frame_problems()
        if self.video.edit is not None:
            yield from self.video.edit.find_problems()
            if self.video.start_frame and self.video.edit.keyframes is not None:
                yield (
                    400,
                    "video.start_frame and video.edit.keyframes are mutually exclusive — use video.start_frame for the "
                    "single-anchor case (frame at index 0), or video.edit.keyframes + keyframe_indexes for "
                    "multi-anchor / arbitrary positions",
                )


class VideoReframe(VideoFromSource):
    """A video in another shape."""

    def find_problems_of_ratio(self, valid: tuple[str, ...] = VIDEO_RATIOS) -> Iterator[Problem]:
        yield from super().find_problems_of_ratio(valid)

    def find_problems_of_type(self) -> Iterator[Problem]:
        name, video = "not supported for type 'video_reframe'", self.video
        if self.aspect_ratio is None:
            yield 400, "aspect_ratio (the target shape) is required for type 'video_reframe'"
        if video.frames():
            yield 400, f"video.start_frame / video.end_frame are {name}"
        if video.loop:
            yield 400, f"video.loop is {name}"
        if video.hdr or video.exr_export:
            yield 400, f"HDR / exr_export are {name}"
        if video.edit is not None:
            yield 400, f"video.edit is {name}"
        if video.resolution == "1080p" and self.aspect_ratio in {"9:16", "3:4"}:
            yield (
                400,
                f"1080p resolution is not yet available for vertical reframe (aspect_ratio '{self.aspect_ratio}', type "
                "'video_reframe') — coming soon. Use a landscape aspect_ratio at 1080p, or resolution '720p' / '540p'.",
            )


def read_tag(body: Any) -> str:
    """Return which model a body is read with."""
    tag = (body.get("type") or "image") if isinstance(body, dict) else "unknown"
    return tag if isinstance(tag, str) and any(tag in types for types in MODELS.values()) else "unknown"


AnyCreation = Annotated[
    Annotated[Image, Tag("image")]
    | Annotated[ImageEdit, Tag("image_edit")]
    | Annotated[NewVideo, Tag("video")]
    | Annotated[VideoEdit, Tag("video_edit")]
    | Annotated[VideoReframe, Tag("video_reframe")]
    | Annotated[Creation, Tag("unknown")],
    Discriminator(read_tag),
]
READER: Final[TypeAdapter[Creation]] = TypeAdapter(AnyCreation)


@dataclass
class Mock:
    """What the mock remembers."""

    rpm: int
    slots: int
    fault: str
    lock: threading.Lock = field(default_factory=threading.Lock)
    accepted: list[float] = field(default_factory=list)
    jobs: dict[str, tuple[float, Creation]] = field(default_factory=dict)

    def create(self, raw: bytes) -> tuple[int, Any, dict[str, int]]:
        """Return the answer to a request for a generation: status, body and headers."""
        now = time.time()
        self.accepted = [at for at in self.accepted if at > now - 60]
        limits = {"x-ratelimit-limit": self.rpm, "x-ratelimit-remaining": self.rpm - len(self.accepted) - 1}
        if len(self.accepted) >= self.rpm:
            wait = max(1, math.ceil(self.accepted[0] + 60 - now))
            limits |= {"x-ratelimit-remaining": 0, "x-ratelimit-reset": int(now) + wait, "retry-after": wait}
            return 429, {"detail": "Rate limit exceeded"}, limits
        if sum(at > now - 1 for at, _ in self.jobs.values()) >= self.slots:
            return 429, {"detail": "Too many concurrent jobs"}, {"retry-after": 60}
        creation, problems = self.read(raw)
        if creation is None or problems:
            status, detail = problems[zlib.crc32(raw) % len(problems)]
            return status, {"detail": detail}, {}
        made = str(uuid.uuid4())
        self.jobs[made] = (now, creation)
        self.accepted.append(now)
        return 201, self.show(made), limits | {"x-ratelimit-reset": int(now) + 60}

    def read(self, raw: bytes) -> tuple[Creation | None, list[Problem]]:
        """Return what a body asks for, if it can be read, and all that is wrong with it."""
        try:
            creation = READER.validate_json(raw)
        except ValidationError as error:
            found = error.errors(include_url=False, include_context=False, include_input=False)
            return None, [(422, f"{'.'.join(map(str, one['loc'][1:]))}: {one['msg']}") for one in found]
        problems = list(creation.find_problems())
        if self.fault == "an extension loops backward":
            problems = [one for one in problems if "forward" not in one[1]]
        used = re.findall(r'"generation_id":"([^"]*)"', creation.model_dump_json())
        missing = [(400, f"No generation {prior}") for prior in used if prior.lower() not in self.jobs]
        return creation, problems or missing

    def show(self, made: str) -> Any:
        """Return a generation as it is now."""
        at, creation = self.jobs[made]
        age, kind = time.time() - at, creation.type or "image"
        medium = kind.partition("_")[0]
        query = f"X-Amz-Date={int(time.time())}&X-Amz-Expires=3600&X-Amz-Signature={uuid.uuid4().hex}"
        output = [{"type": medium, "url": f"https://store.mock.invalid/{made}.{medium}?{query}"}]
        done = age >= 1 and self.fault != "a completed generation has no output"
        return {
            "id": made,
            "type": kind,
            "state": "completed" if age >= 1 else "processing" if age > 0.2 else "queued",
            "model": creation.model or "uni-1",
            "created_at": datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "output": output if done else [],
            "failure_reason": None,
            "failure_code": None,
            "usage": {"units": 1},
            "links": {"self": f"/v1/generations/{made}"},
        }


class Handler(BaseHTTPRequestHandler):
    """A connection."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    mock: Mock

    def do_POST(self) -> None:
        """Answer a request for a generation."""
        if "chunked" in self.headers.get("transfer-encoding", ""):
            self.close_connection = True
            self.reply(411, {"detail": "Send a content-length"})
            return
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.path.partition("?")[0] != "/v1/generations":
            self.reply(404, {"detail": "Not found"})
        elif self.open():
            with self.mock.lock:
                answer = self.mock.create(raw)
            self.reply(*answer)

    def do_GET(self) -> None:
        """Answer a lookup."""
        self.rfile.read(int(self.headers.get("content-length") or 0))
        folder, _, made = self.path.partition("?")[0].rpartition("/")
        if folder != "/v1/generations":
            self.reply(404, {"detail": "Not found"})
        elif self.open():
            with self.mock.lock:
                found = self.mock.show(made.lower()) if made.lower() in self.mock.jobs else None
            self.reply(200 if found else 404, found or {"detail": "Generation not found"})

    def open(self) -> bool:
        """Return whether the key is right; if not, say so."""
        sent = self.headers.get("authorization", "")
        if sent == f"Bearer {KEY}":
            return True
        prefix = sent.startswith("Bearer luma-api-")
        self.reply(401, {"detail": "Invalid API key" if prefix else "Missing or invalid API key"})
        return False

    def reply(self, status: int, body: Any, headers: dict[str, int] | None = None) -> None:
        """Send an answer."""
        content = json.dumps(body, separators=(",", ":")).encode()
        sent = " ".join(getattr(self, "headers", {}).get("x-request-id", "").split())
        lost = self.mock.fault == "refusals lose the id of their request" and status >= 400
        self.send_response_only(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.send_header("x-request-id", str(uuid.uuid1()) if lost or not sent else sent)
        self.send_header("x-api-version", "2026-04-01")
        for name, value in (headers or {}).items():
            self.send_header(name, str(value))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer what is no request of this API."""
        self.close_connection = True
        self.reply(code, {"detail": message or "This cannot be answered"})

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (its name there)
        """Log nothing."""


@contextmanager
def start(port: int = 0, fault: str = "", *, bare: bool = False) -> Iterator[tuple[str, str]]:
    """Run the server; yield its base URL and its profile. A bare one allows 30 requests a minute and 5 jobs."""
    mock = Mock(30, 5, fault) if bare else Mock(6000, 1000, fault)
    server = ThreadingHTTPServer(("127.0.0.1", port), type("Handling", (Handler,), {"mock": mock}))
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", PROFILE
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
