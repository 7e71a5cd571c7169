"""A server made with aiohttp, whose rules are rows of a table.

Its choices where the page leaves one: options are read before the prompt, of several bad references the last is named,
and media are fetched when all else is right. Only accepted requests use quota, in an exact log of sixty seconds. There
is one clock for everybody, which `POST /__test__/tick` moves. Ids are UUIDs of version 1, times end in +00:00, JSON is
compact, output is stored on another port, and it fetches from two hosts only.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import json
import math
import secrets
import struct
import threading
import time
import uuid
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

from aiohttp import web

IMAGE, EDIT, VIDEO, RECUT, REFRAME = "image", "image_edit", "video", "video_edit", "video_reframe"
STILL, MOVING, FILMED = {IMAGE, EDIT}, {VIDEO, RECUT, REFRAME}, {RECUT, REFRAME}
MODELS = {"uni-1": STILL, "uni-1-max": STILL, "ray-3.2": MOVING}
PORTRAIT = ["1:2", "1:3", "2:3", "9:16"]
RATIOS = {
    IMAGE: ["1:1", "1:2", "1:3", "16:9", "2:1", "2:3", "3:1", "3:2", "9:16"],
    VIDEO: ["1:1", "16:9", "21:9", "3:4", "4:3", "9:16"],
    REFRAME: ["1:1", "16:9", "21:9", "3:4", "4:3", "9:16"],
}
CAP, SIDE = 50 * 1024 * 1024, 8000
READY = [(IMAGE, "uni-1"), (VIDEO, "ray-3.2")]
STAMP = "%Y%m%dT%H%M%SZ"

ACCOUNTS = {  # token: client, what is wrong with the key or the client, requests a minute, slots
    "luma-api-test-3f9a41c07be2d856-A": ("ada", None, 5000, 500),
    "luma-api-test-3f9a41c07be2d856-B": ("ada", None, 5000, 500),
    "luma-api-test-b07d5518e6c94aa2-A": ("bob", None, 5000, 500),
    "luma-api-test-00c1fe9d8e7b6a54-A": ("ada", (401, "API key has been revoked"), 1, 1),
    "luma-api-test-12d0ab8c7d6e5f43-A": ("ada", (401, "API key has expired"), 1, 1),
    "luma-api-test-23e1bc7b6c5d4e32-A": ("sam", (403, "API client is suspended"), 1, 1),
    "luma-api-test-34f2cd6a5b4c3d21-A": ("dan", (403, "API client is deactivated"), 1, 1),
    "luma-api-test-4503de594a3b2c10-A": ("pia", None, 5000, 500),
    "luma-api-test-5614ef48392a1b0f-A": ("rob", None, 4, 500),
    "luma-api-test-6725f03728190afe-A": ("liz", None, 5000, 3),
}
PENNILESS = {"pia"}

WORLD: dict[str, tuple[int, str] | str] = {  # what a URL serves, or the refusal that fetching it ends in
    "https://pictures.example/fair.webp": "image",
    "https://films.example/short.mp4": "video",
    "https://pictures.example/gone.webp": (422, "{path}: failed to fetch URL (HTTP 404)"),
    "https://pictures.example/paper.pdf": (422, "{path}: content-type is not an image"),
    "https://pictures.example/heavy.webp": (413, "{path}: image exceeds 50 MB limit"),
    "https://pictures.example/wide.webp": (
        413, "{path}: image is 9000x6000px but each side must be <= 8000px. Resize and try again."),
    "https://pictures.example/no-proxy": (502, "{path}: fetch proxy unavailable"),
    "https://pictures.example/no-ingestion": (503, "Media URL ingestion is unavailable (fetch proxy not configured)"),
}  # fmt: skip

FATES = {
    "moderate me": ("content_moderated", "Generation output was flagged by our content moderation system."),
    "break": ("generation_failed", "Generation failed"),
    "run dry": ("budget_exhausted", "Insufficient balance to complete this generation."),
    "lose it": ("output_not_found", "Output artifacts not found"),
    "too big inside": ("image_too_large", "An input is too large for the model"),
    "odd format": ("unsupported_format", "An input is of a format the model does not read"),
    "garbled": ("corrupt_input", "An input could not be decoded"),
    "refused inside": ("invalid_request", "The model rejected the request"),
    "upstream full": ("rate_limited", "A provider limits us at the moment"),
}

JUDGED = 512
FAULTS = {"one-url": "urls", "short-window": "rate"}

PROFILE = """
[keys]
main-key = {test_key = "luma-api-test-3f9a41c07be2d856-A"}
second-key = {test_key = "luma-api-test-3f9a41c07be2d856-B"}
other-key = {test_key = "luma-api-test-b07d5518e6c94aa2-A"}
revoked-key = {test_key = "luma-api-test-00c1fe9d8e7b6a54-A"}
expired-key = {test_key = "luma-api-test-12d0ab8c7d6e5f43-A"}
suspended-key = {test_key = "luma-api-test-23e1bc7b6c5d4e32-A"}
deactivated-key = {test_key = "luma-api-test-34f2cd6a5b4c3d21-A"}
unfunded-key = {test_key = "luma-api-test-4503de594a3b2c10-A"}
low-rpm-key = {test_key = "luma-api-test-5614ef48392a1b0f-A"}
low-concurrency-key = {test_key = "luma-api-test-6725f03728190afe-A"}

[media]
image-url = "https://pictures.example/fair.webp"
video-url = "https://films.example/short.mp4"
missing-url = "https://pictures.example/gone.webp"
unreachable-url = "https://nowhere.invalid/fair.webp"
pdf-url = "https://pictures.example/paper.pdf"
oversized-url = "https://pictures.example/heavy.webp"
oversized-pixels-url = "https://pictures.example/wide.webp"
proxy-down-url = "https://pictures.example/no-proxy"
ingestion-off-url = "https://pictures.example/no-ingestion"

[prompts]
queued-prompt = "wait for ever"
processing-prompt = "work for ever"
content-moderated-prompt = "moderate me"
generation-failed-prompt = "break"
budget-exhausted-prompt = "run dry"
output-not-found-prompt = "lose it"
image-too-large-prompt = "too big inside"
unsupported-format-prompt = "odd format"
corrupt-input-prompt = "garbled"
invalid-request-prompt = "refused inside"
rate-limited-prompt = "upstream full"

[offers]
large-uploads = true
hdr-access = true

[clock]
advance = "/__test__/tick"
body = 'seconds={seconds}'
"""


class Refusal(Exception):
    """A request is answered with an error."""

    def __init__(self, status: int, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, headers or {}


@dataclass
class Job:
    """One generation."""

    client: str
    type: str
    model: str
    prompt: str
    born: float
    id: str = field(default_factory=lambda: str(uuid.uuid1()))

    def state(self, now: float) -> str:
        """Return the state at a time: a second in the queue, two at work."""
        age = 0 if self.prompt == "wait for ever" else now - self.born
        if age < 1:
            return "queued"
        if age < 3 or self.prompt == "work for ever":
            return "processing"
        return "failed" if self.prompt in FATES else "completed"

    def runs(self, now: float) -> bool:
        """Check whether it holds a slot, which it does for an hour at most."""
        return self.state(now) in {"queued", "processing"} and now < self.born + 3600


def at(body: Any, path: str) -> Any:
    """Return what stands at a dotted path, None where nothing does."""
    for name in path.split("."):
        body = body.get(name) if isinstance(body, dict) else None
    return body


# --- the table of types: path -> what may stand there -----------------------------------------------------------------

SHAPES: dict[str, Any] = {
    "prompt": str, "model": str, "type": str, "aspect_ratio": (str, None), "style": ("auto", "manga"),
    "output_format": ("png", "jpeg", None), "web_search": bool, "image_ref": list, "source": (dict, None),
    "video": (dict, None), "user_id": (str, None), "video.resolution": ("360p", "540p", "720p", "1080p"),
    "video.duration": ("5s", "10s"), "video.loop": bool, "video.hdr": bool, "video.exr_export": bool,
    "video.start_frame": (dict, None), "video.end_frame": (dict, None), "video.source_position": (dict, None),
    "video.edit": (dict, None), "video.edit.auto_controls": (bool, None), "video.edit.strength": (str, None),
    "video.edit.controls": (dict, None), "video.edit.keyframes": (list, None),
    "video.edit.keyframe_indexes": (list, None),
}  # fmt: skip


def fits(value: Any, shape: Any) -> bool:
    """Check a value against a type, a constant, or several of these."""
    if isinstance(shape, tuple):
        return any(fits(value, one) for one in shape)
    return type(value) is shape if isinstance(shape, type) else bool(value == shape and type(value) is type(shape))


def check_shapes(body: Any) -> None:
    """Raise if something is missing or has the wrong type."""
    if not isinstance(body, dict) or "prompt" not in body:
        raise Refusal(400, "The body must be an object with a prompt")
    for path, shape in SHAPES.items():
        parent, _, name = path.rpartition(".")
        holder = at(body, parent) if parent else body
        if isinstance(holder, dict) and name in holder and not fits(holder[name], shape):
            raise Refusal(400, f"{path} has a value that is not allowed")
    for path, ref in references(body):
        if not isinstance(ref, dict) or not all(isinstance(value, str) for value in ref.values()):
            raise Refusal(400, f"{path} is no media reference")
    if not all(type(index) is int for index in at(body, "video.edit.keyframe_indexes") or []):
        raise Refusal(400, "video.edit.keyframe_indexes has something that is no frame index")


def references(body: Any) -> list[tuple[str, Any]]:
    """Return every media reference with its path."""
    found = [(path, at(body, path)) for path in ("source", "video.start_frame", "video.end_frame")]
    for path in ("image_ref", "video.edit.keyframes"):
        found += [(f"{path}[{index}]", ref) for index, ref in enumerate(at(body, path) or [])]
    return [(path, ref) for path, ref in found if ref is not None]


# --- the table of references: what is wrong with one, whatever the rest says -----------------------------------------

Ref = dict[str, str]
REFERENCES: list[tuple[Callable[[Ref], bool], str]] = [
    (lambda ref: "url" in ref and "data" in ref, "{path}: provide either 'url' or 'data', not both"),
    (lambda ref: not {"url", "data", "generation_id"} & set(ref),
     "{path}: provide either 'url' or 'data', not neither"),
    (lambda ref: "generation_id" in ref and len(ref) > 1, "{path}: a generation_id stands alone"),
    (lambda ref: "data" in ref and "media_type" not in ref, "{path}: 'media_type' is required with 'data'"),
]  # fmt: skip

# --- the table of rules: for which types, when broken, the text; named in the order of the table ---------------------


@dataclass
class Wish:
    """The request, as the rules ask for it."""

    body: Any
    type: str
    model: str

    def __getitem__(self, path: str) -> Any:
        return at(self.body, path)

    @property
    def frames(self) -> list[Ref]:
        """The frames that are set."""
        return [frame for frame in (self["video.start_frame"], self["video.end_frame"]) if frame is not None]

    @property
    def chained(self) -> list[Ref]:
        """The frames that are generations."""
        return [frame for frame in self.frames if "generation_id" in frame]

    @property
    def indexes(self) -> list[int]:
        """The positions of the guide frames."""
        return self["video.edit.keyframe_indexes"] or []

    @property
    def undeclared(self) -> bool:
        """Whether the source is a film that is not said to be one."""
        source = self["source"] or {}
        carried = "url" in source or "data" in source
        return carried and not source.get("media_type", "").lower().startswith("video/")


def differ(wish: Wish) -> bool:
    """Check whether the two parallel arrays differ in length."""
    return len(wish["video.edit.keyframes"] or []) != len(wish.indexes)


EVERY = STILL | MOVING
RULES: list[tuple[set[str], Callable[[Wish], Any], str]] = [
    # reframing has its own words for what other types also refuse
    ({REFRAME}, lambda w: w["video.edit"] is not None, "video.edit is not supported for type 'video_reframe'"),
    ({REFRAME}, lambda w: w["video.loop"], "video.loop is not supported for type 'video_reframe'"),
    ({REFRAME}, lambda w: w["video.hdr"] or w["video.exr_export"],
     "HDR / exr_export are not supported for type 'video_reframe'"),
    ({REFRAME}, lambda w: w.frames, "video.start_frame / video.end_frame are not supported for type 'video_reframe'"),
    ({REFRAME}, lambda w: w["video.resolution"] == "1080p" and w["aspect_ratio"] in {"9:16", "3:4"},
     "1080p resolution is not yet available for vertical reframe (aspect_ratio '{ratio}', type 'video_reframe') — "
     "coming soon. Use a landscape aspect_ratio at 1080p, or resolution '720p' / '540p'."),
    # a clip made longer
    ({VIDEO}, lambda w: w.chained and len(w.frames) > 1,
     "generation-ref keyframes are only supported for video extend (a single start_frame OR end_frame generation "
     "reference); interpolate-from-generation is not yet available"),
    ({VIDEO}, lambda w: w.chained and w["video.hdr"], "HDR is not supported with video extend"),
    ({VIDEO}, lambda w: w["video.loop"] and w["video.end_frame.generation_id"],
     "loop is only supported with forward video extend"),
    # options that exclude each other
    ({VIDEO, RECUT}, lambda w: w["video.exr_export"] and not w["video.hdr"], "exr_export requires hdr=true"),
    ({VIDEO}, lambda w: w["video.loop"] and w["video.end_frame"] is not None,
     "loop is not supported with end_frame (no seamless start↔end match)"),
    ({VIDEO}, lambda w: w["video.loop"] and w["video.hdr"], "loop is not supported with hdr=true"),
    ({VIDEO}, lambda w: w["video.loop"] and w["video.duration"] == "10s", "loop is not supported with duration '10s'"),
    ({VIDEO}, lambda w: w["video.duration"] == "10s" and w.frames,
     "duration '10s' is not supported with start_frame / end_frame"),
    ({VIDEO}, lambda w: w["video.duration"] == "10s" and w["video.hdr"],
     "duration '10s' is not supported with hdr=true"),
    ({VIDEO, RECUT}, lambda w: w["video.hdr"] and w["video.resolution"] in {"360p", "540p"},
     "resolution '{resolution}' is not supported with hdr=true"),
    # the other way of editing
    ({RECUT}, lambda w: w["video.loop"], "video.loop is only valid for type 'video'"),
    ({RECUT}, lambda w: w["video.end_frame"] is not None, "video.end_frame is only valid for type 'video'"),
    ({RECUT}, lambda w: w["video.start_frame"] is not None and w["video.edit.keyframes"],
     "video.start_frame and video.edit.keyframes are mutually exclusive — use video.start_frame for the single-anchor "
     "case (frame at index 0), or video.edit.keyframes + keyframe_indexes for multi-anchor / arbitrary positions"),
    ({RECUT}, lambda w: len(set(w.indexes)) < len(w.indexes), "video.edit.keyframe_indexes must be unique"),
    ({RECUT}, lambda w: any(index < 0 for index in w.indexes), "video.edit.keyframe_indexes must be non-negative"),
    ({RECUT}, lambda w: (w["video.edit.keyframes"] is None) != (w["video.edit.keyframe_indexes"] is None),
     "video.edit.keyframes and video.edit.keyframe_indexes must both be provided or both omitted"),
    ({RECUT}, differ, "video.edit.keyframe_indexes must have the same length as video.edit.keyframes"),
    ({RECUT}, lambda w: w["video.edit.auto_controls"] and w["video.edit.controls"] is not None,
     "video.edit.auto_controls=true cannot be combined with video.edit.controls (auto mode derives the schedule and "
     "ignores manual per-signal controls)"),
    ({VIDEO}, lambda w: w["video.edit"] is not None, "video.edit is only valid for type 'video_edit'"),
    ({VIDEO, RECUT}, lambda w: w["video.source_position"] is not None,
     "video.source_position is only valid for type 'video_reframe'"),
    # what is made from what
    ({RECUT}, lambda w: w["image_ref"], "image_ref is not supported for type 'video_edit'"),
    ({EDIT}, lambda w: len(w["image_ref"] or []) > 8,
     "image_edit supports up to 8 reference images (source occupies one slot)"),
    ({IMAGE}, lambda w: len(w["image_ref"] or []) > 9, "image supports up to 9 reference images"),
    (FILMED, lambda w: w.undeclared,
     "source.media_type must be a video/* type (e.g. 'video/mp4') when providing source.url / source.data on "
     "type='{type}'"),
    (FILMED, lambda w: w["source"] is None,
     "source is required for type 'video_edit' or 'video_reframe' — provide source.generation_id (UUID of a prior "
     "generation) or source.url / source.data with source.media_type='video/mp4'"),
    ({EDIT}, lambda w: w["source"] is None, "source is required for type 'image_edit'"),
    ({VIDEO}, lambda w: w["source.generation_id"] is not None,
     "source.generation_id is only valid for type 'image_edit', 'video_edit', or 'video_reframe'"),
    ({IMAGE, VIDEO}, lambda w: w["source"] is not None,
     "source is only valid for type 'image_edit', 'video_edit' / 'video_reframe' with source.generation_id, or "
     "'video_edit' / 'video_reframe' with a video source.url / source.data"),
    # who makes it, in which shape
    (EVERY, lambda w: w.model not in MODELS, "Unknown model: {model}"),
    (EVERY, lambda w: w.type not in MODELS[w.model], "Type '{type}' is not supported for model '{model}'"),
    ({REFRAME}, lambda w: w["aspect_ratio"] is None,
     "aspect_ratio (the target shape) is required for type 'video_reframe'"),
    (set(RATIOS), lambda w: w["aspect_ratio"] not in {None, *RATIOS[w.type]},
     "Invalid aspect_ratio '{ratio}'. Valid: {ratios}"),
    (EVERY, lambda w: not 1 <= len(w["prompt"]) <= 6000, "Prompt must be between 1 and 6000 characters"),
    ({IMAGE}, lambda w: w["style"] == "manga" and w["aspect_ratio"] not in {None, *PORTRAIT},
     "aspect_ratio='{ratio}' is not allowed when style='manga'. Valid aspect_ratio: {portrait}"),
]  # fmt: skip


def check_rules(wish: Wish) -> None:
    """Raise for the first row that is broken."""
    for path, ref in reversed(references(wish.body)):
        film = path == "source" and wish.type in FILMED  # whose media_type has a rule of its own
        for broken, text in REFERENCES[: 3 if film else None]:
            if broken(ref):
                raise Refusal(400, text.format(path=path))
    words = {"type": wish.type, "model": wish.model, "ratio": wish["aspect_ratio"]}
    words |= {"resolution": wish["video.resolution"], "portrait": ", ".join(PORTRAIT)}
    words["ratios"] = ", ".join(RATIOS.get(wish.type, []))
    known = wish.type in EVERY
    for types, broken_by, text in RULES:
        if (wish.type in types or (not known and types is EVERY)) and broken_by(wish):
            raise Refusal(422 if "manga" in text else 400, text.format(**words))


# --- media ------------------------------------------------------------------------------------------------------------


def png_sides(raw: bytes) -> tuple[int, ...]:
    """Return the sides of a PNG."""
    return struct.unpack_from(">II", raw, 16)


def gif_sides(raw: bytes) -> tuple[int, ...]:
    """Return the sides of a GIF."""
    return struct.unpack_from("<HH", raw, 6)


def webp_sides(raw: bytes) -> tuple[int, ...]:
    """Return the sides of a WebP, in any of its three forms."""
    if raw[12:16] == b"VP8X":
        return tuple(int.from_bytes(raw[start : start + 3], "little") + 1 for start in (24, 27))
    if raw[12:16] == b"VP8L":
        bits = int.from_bytes(raw[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return tuple(side & 0x3FFF for side in struct.unpack_from("<HH", raw, 26))


def jpeg_sides(raw: bytes) -> tuple[int, ...]:
    """Return the sides of a JPEG, from its frame header."""
    place = 2
    while not (0xC0 <= raw[place + 1] <= 0xCF and raw[place + 1] not in {0xC4, 0xC8, 0xCC}):
        place += 2 + struct.unpack_from(">H", raw, place + 2)[0]
    return struct.unpack_from(">HH", raw, place + 5)[::-1]


FORMATS = {b"\x89PNG": png_sides, b"GIF8": gif_sides, b"RIFF": webp_sides, b"\xff\xd8\xff": jpeg_sides}


async def take_medium(path: str, ref: Ref, kind: str) -> None:
    """Fetch or decode one medium and raise if it cannot be used."""
    await asyncio.sleep(0)
    if "url" in ref:
        served = WORLD.get(ref["url"], (422, "{path}: failed to fetch URL"))
        if isinstance(served, str) and served != kind:
            served = 422, f"{{path}}: content-type is not an {kind}"
        if isinstance(served, tuple):
            raise Refusal(served[0], served[1].format(path=path))
    elif "data" in ref:
        try:
            raw = base64.b64decode(ref["data"], validate=True)
        except (binascii.Error, ValueError) as error:
            raise Refusal(422, f"{path}: invalid base64 data") from error
        if len(raw) > CAP:
            raise Refusal(413, f"{path}: {kind} exceeds 50 MB limit")
        measure = next((measure for mark, measure in FORMATS.items() if raw.startswith(mark)), None)
        with contextlib.suppress(struct.error, IndexError):  # what cannot be measured is the model's to decode
            sides = measure(raw) if measure else (0, 0)
            if max(sides) > SIDE:
                large = "x".join(map(str, sides))
                raise Refusal(413, f"{path}: image is {large}px but each side must be <= 8000px. Resize and try again.")


# --- the service ------------------------------------------------------------------------------------------------------


class Service:
    """What the process remembers."""

    def __init__(self, fault: str) -> None:
        self.fault, self.shift = fault, 0.0
        self.jobs: dict[str, Job] = {}
        self.running: dict[str, list[Job]] = defaultdict(list)
        self.accepted: dict[str, deque[float]] = defaultdict(deque)
        self.storage = ""

    def fill(self) -> str:
        """Make a picture and a film that are done, and return what the profile says of them."""
        image, video = (Job("ada", kind, model, "old", self.now() - 300) for kind, model in READY)
        self.jobs |= {image.id: image, video.id: video}
        return f'[generations]\ncompleted-image = "{image.id}"\ncompleted-video = "{video.id}"\n'

    def now(self) -> float:
        """Return the server's time."""
        return time.time() + self.shift

    def admit(self, request: web.Request) -> tuple[str, int, int]:
        """Return the client that asks, with its limits."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or not token.startswith("luma-api-"):
            raise Refusal(401, "Missing or invalid API key")
        if token not in ACCOUNTS:
            raise Refusal(401, "Invalid API key")
        client, problem, minute, slots = ACCOUNTS[token]
        if problem:
            raise Refusal(*problem)
        return client, minute, slots

    def check_generations(self, wish: Wish, client: str) -> None:
        """Raise unless what is referred to is a completed generation of the right kind."""
        for path, ref in references(wish.body):
            if "generation_id" in ref:
                job = self.jobs.get(ref["generation_id"].lower())
                wanted = STILL if wish.type == EDIT or "key" in path or path.startswith("image") else MOVING
                if not job or job.client != client or job.state(self.now()) != "completed" or job.type not in wanted:
                    raise Refusal(400, f"{path}.generation_id names no completed generation that can be used here")

    def check_limits(self, client: str, minute: int, slots: int) -> None:
        """Raise if there is no slot or no quota."""
        now, log = self.now(), self.accepted[client]
        while log and log[0] <= now - (45 if self.fault == "short-window" else 60):
            log.popleft()
        running = [job for job in self.running[client] if job.runs(now)]
        self.running[client] = running
        if len(running) >= slots:
            raise Refusal(429, "Too many concurrent jobs", {"Retry-After": "60"})
        if len(log) >= minute:
            free = log[0] + 60
            reset = {"X-RateLimit-Limit": str(minute), "X-RateLimit-Remaining": "0"}
            reset |= {"X-RateLimit-Reset": str(math.ceil(free)), "Retry-After": str(max(1, math.ceil(free - now)))}
            raise Refusal(429, "Rate limit exceeded", reset)

    async def create(self, request: web.Request) -> web.Response:
        """Answer POST /v1/generations."""
        client, minute, slots = self.admit(request)
        try:
            body = json.loads(await request.read())
        except (ValueError, RecursionError) as error:
            raise Refusal(400, "The body is not JSON") from error
        check_shapes(body)
        wish = Wish(body, body.get("type", IMAGE), body.get("model", "uni-1"))
        check_rules(wish)
        self.check_generations(wish, client)
        if client in PENNILESS:
            raise Refusal(402, "Insufficient balance. Please add funds to continue.")
        self.check_limits(client, minute, slots)
        for path, ref in references(body):
            await take_medium(path, ref, "video" if wish.type in FILMED and path == "source" else "image")
        self.check_limits(client, minute, slots)
        now = self.now()
        job = Job(client, wish.type, wish.model, body["prompt"], now)
        self.jobs[job.id] = job
        self.running[client].append(job)
        self.accepted[client].append(now)
        left = minute - len(self.accepted[client])
        limits = {"X-RateLimit-Limit": minute, "X-RateLimit-Remaining": left, "X-RateLimit-Reset": int(now) + 60}
        return answer(self.show(job), 201, {name: str(value) for name, value in limits.items()})

    async def poll(self, request: web.Request) -> web.Response:
        """Answer GET /v1/generations/{id}."""
        client = self.admit(request)[0]
        job = self.jobs.get(request.match_info["id"].lower())
        if job is None or job.client != client:
            raise Refusal(404, "Generation not found")
        return answer(self.show(job))

    def show(self, job: Job) -> dict[str, Any]:
        """Return a generation as JSON has it."""
        now = self.now()
        state, output = job.state(now), []
        code, reason = FATES[job.prompt] if state == "failed" else (None, None)
        if state == "completed":
            kind = "image" if job.type in STILL else "video"
            first = self.fault == "one-url"
            signed = datetime.fromtimestamp(job.born if first else now, UTC).strftime(STAMP)
            token = "same" if first else secrets.token_hex(8)
            until = f"X-Amz-Expires=3600&X-Amz-Date={signed}&X-Amz-Security-Token={token}"
            output = [{"url": f"{self.storage}/bucket/{job.id}.{kind}?{until}", "type": kind}]
        made = datetime.fromtimestamp(int(job.born), UTC).isoformat()
        return {"created_at": made, "failure_code": code, "failure_reason": reason, "id": job.id, "model": job.model,
                "output": output, "state": state, "type": job.type}  # fmt: skip

    async def fetch(self, request: web.Request) -> web.Response:
        """Answer for the storage: the file, or 403 when the URL is an hour old."""
        signed = datetime.strptime(request.query["X-Amz-Date"] + "+0000", f"{STAMP}%z").timestamp()
        if self.now() >= signed + 3600:
            denied = "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"
            return web.Response(status=403, text=denied, content_type="application/xml")
        if request.path.endswith("image"):
            return web.Response(body=b"\x89PNG\r\n\x1a\n", content_type="image/png")
        return web.Response(body=b"\0\0\0\x18ftypisom", content_type="video/mp4")

    async def tick(self, request: web.Request) -> web.Response:
        """Let everybody's time pass."""
        sent = await request.text()
        self.shift += float(json.loads(sent)["seconds"] if sent.startswith("{") else parse_qs(sent)["seconds"][0])
        return web.Response(status=204)


def answer(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """Return compact JSON."""
    text = json.dumps(content, separators=(",", ":")).encode()
    return web.Response(body=text, status=status, headers=headers, content_type="application/json")


@web.middleware
async def dress(request: web.Request, handler: Callable[[web.Request], Any]) -> web.StreamResponse:
    """Answer errors in the page's shape, and name every response and the version."""
    try:
        response: web.StreamResponse = await handler(request)
    except Refusal as refusal:
        response = answer({"detail": refusal.detail}, refusal.status, refusal.headers)
    except web.HTTPException as error:
        response = answer({"detail": error.reason}, error.status)
    response.headers["X-Request-Id"] = request.headers.get("X-Request-Id") or str(uuid.uuid4()).upper()
    response.headers["X-API-Version"] = "2026-04-01"
    return response


async def listen(service: Service, routes: list[web.RouteDef], port: int, *, api: bool) -> tuple[web.AppRunner, int]:
    """Serve some routes."""
    app = web.Application(middlewares=[dress] if api else [], client_max_size=1 << 30)
    app.add_routes(routes)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    return runner, int(runner.addresses[0][1])


@contextlib.contextmanager
def start(port: int = 0, fault: str = "") -> Iterator[tuple[str, str]]:
    """Yield the base URL of a new server, and its profile."""
    service, loop = Service(fault), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    api = [
        web.post("/v1/generations", service.create),
        web.get("/v1/generations/{id}", service.poll),
        web.post("/__test__/tick", service.tick),
    ]

    async def open_both() -> tuple[list[web.AppRunner], int]:
        stored, second = await listen(service, [web.get("/bucket/{name}", service.fetch)], 0, api=False)
        service.storage = f"http://127.0.0.1:{second}"
        front, first = await listen(service, api, port, api=True)
        return [stored, front], first

    async def close(runners: list[web.AppRunner]) -> None:
        for runner in runners:
            await runner.cleanup()

    runners, taken = asyncio.run_coroutine_threadsafe(open_both(), loop).result()
    try:
        yield f"http://127.0.0.1:{taken}", PROFILE + service.fill() + f'\n[outputs]\norigins = ["{service.storage}"]\n'
    finally:
        asyncio.run_coroutine_threadsafe(close(runners), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
