"""A bare ASGI application on uvicorn, with its own small JSON Schema.

Its choices where the page leaves one: a value that does not fit the schema is a 422, media come before the rules, and
of several broken rules the one with the longest text is named. Quota is counted when the request itself is right,
whatever becomes of it. Each client has a clock, which it moves itself. Ids are in capitals, made request ids have no
dashes, times have microseconds, a picture comes in two versions, and URLs are signed to the second. A suspended client
may not poll.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import itertools
import json
import math
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import uvicorn

JUDGED = 512
FAULTS = {"keep-slot": "slot", "two-hours": "urls"}

PREFIX = "luma-api-test-"
TOKENS = {
    "main": "4c1d0e2b-8f3a-4a57-9a64-1c0f9f6f7e01",
    "second": "4c1d0e2b-8f3a-4a57-9a64-1c0f9f6f7e02",
    "other": "9b6f2f0c-3f5e-4f0e-8a8e-77d0a3f1c203",
    "revoked": "9b6f2f0c-3f5e-4f0e-8a8e-77d0a3f1c204",
    "expired": "9b6f2f0c-3f5e-4f0e-8a8e-77d0a3f1c205",
    "unfunded": "0f2dd7a4-6f0c-47f2-b1f3-6a1f0d9be606",
    "suspended": "0f2dd7a4-6f0c-47f2-b1f3-6a1f0d9be607",
    "deactivated": "0f2dd7a4-6f0c-47f2-b1f3-6a1f0d9be608",
    "low-rpm": "c0ffee00-6f0c-47f2-b1f3-6a1f0d9be609",
    "low-concurrency": "c0ffee00-6f0c-47f2-b1f3-6a1f0d9be610",
}
ENDS = {  # the last part of a URL's path: what fetching it ends in
    "absent": (422, "{}: failed to fetch URL (HTTP 404)"),
    "leaflet.pdf": (422, "{}: content-type is not an image"),
    "fifty-one-megabytes": (413, "{}: image exceeds 50 MB limit"),
    "panorama": (413, "{}: image is 9000x6000px but each side must be <= 8000px. Resize and try again."),
    "bad-gateway": (502, "{}: fetch proxy unavailable"),
    "not-configured": (503, "Media URL ingestion is unavailable (fetch proxy not configured)"),
}
FAILURES = {
    "content_moderated": "Generation output was flagged by our content moderation system.",
    "generation_failed": "Generation failed",
    "budget_exhausted": "Insufficient balance to complete this generation.",
    "output_not_found": "Output artifacts not found",
    "image_too_large": "image too large",
    "unsupported_format": "format not supported",
    "corrupt_input": "input is corrupt",
    "invalid_request": "request was invalid",
    "rate_limited": "try again later",
}
URLS = {
    "image-url": "photo", "video-url": "clip.mp4", "missing-url": "absent", "pdf-url": "leaflet.pdf",
    "oversized-url": "fifty-one-megabytes", "oversized-pixels-url": "panorama", "proxy-down-url": "bad-gateway",
    "ingestion-off-url": "not-configured",
}  # fmt: skip
CLOCK = """
[offers]
large-uploads = true
hdr-access = true

[clock]
advance = "/_mock/time"
body = '{"forward": {seconds}}'
scope = "client"
"""


def write_profile() -> str:
    """Return the profile."""
    lines = ["[keys]", *(f'{role}-key = {{test_key = "{PREFIX}{token}"}}' for role, token in TOKENS.items())]
    lines += ["[media]", *(f'{role} = "https://media.example/{end}"' for role, end in URLS.items())]
    lines += ['unreachable-url = "https://no-such-host.invalid/photo"', "[prompts]"]
    lines += [f'{code.replace("_", "-")}-prompt = "please end in {code}"' for code in FAILURES]
    lines += ['queued-prompt = "please never start"', 'processing-prompt = "please never end"']
    return "\n".join(lines) + CLOCK


# --- the schema -------------------------------------------------------------------------------------------------------

TEXT, FLAG, NUMBER = {"type": [str]}, {"type": [bool]}, {"type": [int, float]}
WORD = {"type": [str, None]}
REF = {
    "type": [dict, None],
    "members": {"url": WORD, "data": WORD, "media_type": WORD, "generation_id": WORD, "file_id": WORD},
}
REFS = {"type": [list, None], "items": {**REF, "type": [dict]}}
EDIT = {
    "auto_controls": {"type": [bool, None]},
    "strength": {"enum": [None] + [f"{how}_{n}" for how in ("adhere", "flex", "reimagine") for n in (1, 2, 3)]},
    "controls": {"type": [dict, None]},
    "keyframes": REFS,
    "keyframe_indexes": {"type": [list, None], "items": {"type": [int]}},
}
CORNERS = dict.fromkeys(("x_norm", "y_norm", "w_norm", "h_norm"), NUMBER)
OPTIONS = {
    "resolution": {"enum": ["360p", "540p", "720p", "1080p", None]},
    "duration": {"enum": ["5s", "10s", None]},
    "loop": FLAG,
    "hdr": FLAG,
    "exr_export": FLAG,
    "start_frame": REF,
    "end_frame": REF,
    "source_position": {"type": [dict, None], "members": CORNERS, "required": list(CORNERS)},
    "edit": {"type": [dict, None], "members": EDIT},
}
BODY = {
    "type": [dict],
    "required": ["prompt"],
    "members": {
        "prompt": TEXT,
        "model": TEXT,
        "type": {"enum": ["image", "image_edit", "video", "video_edit", "video_reframe"]},
        "aspect_ratio": WORD,
        "style": {"enum": ["auto", "manga"]},
        "output_format": {"enum": ["png", "jpeg", None]},
        "web_search": FLAG,
        "image_ref": REFS,
        "source": REF,
        "video": {"type": [dict, None], "members": OPTIONS},
        "user_id": WORD,
    },
}


class Problem(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, detail: str, **headers: int) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail
        self.headers = {name.replace("_", "-"): str(value) for name, value in headers.items()}


def walk(schema: dict[str, Any], value: Any, where: str = "body") -> None:
    """Raise if a value does not fit."""
    kinds = [type(None) if kind is None else kind for kind in schema.get("type", [])]
    if (kinds and type(value) not in kinds) or ("enum" in schema and value not in schema["enum"]):
        raise Problem(422, f"{where}: unexpected value")
    if isinstance(value, dict):
        for name in schema.get("required", []):
            if name not in value:
                raise Problem(422, f"{where}: {name} is required")
        for name, member in schema.get("members", {}).items():
            if name in value:
                walk(member, value[name], f"{where}.{name}")
    for index, item in enumerate(value if isinstance(value, list) else []):
        walk(schema.get("items", {}), item, f"{where}[{index}]")


# --- the rules: one function for each type, which adds what is wrong --------------------------------------------------

IMAGES, FILMS = ("image", "image_edit"), ("video", "video_edit", "video_reframe")
SERVES = {"uni-1": IMAGES, "uni-1-max": IMAGES, "ray-3.2": FILMS}
UPRIGHT = ["1:2", "1:3", "2:3", "9:16"]
RATIOS = {
    "uni-1": ["1:1", "1:2", "1:3", "16:9", "2:1", "2:3", "3:1", "3:2", "9:16"],
    "ray-3.2": ["1:1", "16:9", "21:9", "3:4", "4:3", "9:16"],
}
RATIOS["uni-1-max"] = RATIOS["uni-1"]


@dataclass
class Plan:
    """A request whose values fit the schema."""

    body: dict[str, Any]
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.type, self.model = self.body.get("type", "image"), self.body.get("model", "uni-1")
        self.ratio, self.source = self.body.get("aspect_ratio"), self.body.get("source")
        self.refs = self.body.get("image_ref") or []
        self.video = {name: value for name, value in (self.body.get("video") or {}).items() if value is not None}
        self.edit = {name: value for name, value in (self.video.get("edit") or {}).items() if value is not None}
        self.start, self.end = self.video.get("start_frame"), self.video.get("end_frame")

    def require(self, condition: object, text: str) -> None:
        """Add a text unless a condition holds."""
        if not condition:
            self.wrong.append(text)

    def media(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield each medium, with its path."""
        yield from ((f"video.{name}", self.video[name]) for name in ("end_frame", "start_frame") if name in self.video)
        yield from ((f"image_ref[{index}]", ref) for index, ref in enumerate(self.refs))
        yield from ((f"video.edit.keyframes[{n}]", ref) for n, ref in enumerate(self.edit.get("keyframes", [])))
        if self.source is not None:
            yield "source", self.source

    def takes(self, path: str) -> bool:
        """Check whether the type has any use for the medium at a path; what it has no use for is not fetched."""
        if path == "source":
            return self.type not in {"image", "video"}
        return not path.startswith("image_ref") or (
            self.type != "video_edit" and len(self.refs) <= 9 - bool(self.source)
        )

    def filmed(self, path: str) -> bool:
        """Check whether the medium at a path has to be a film."""
        return path == "source" and self.type in {"video_edit", "video_reframe"}


def carries(ref: dict[str, Any] | None, *names: str) -> bool:
    """Check whether a reference has one of some members."""
    return ref is not None and any(ref.get(name) is not None for name in names)


def declared(ref: dict[str, Any]) -> bool:
    """Check whether a reference says that it is a film."""
    return (ref.get("media_type") or "").startswith("video/")


def judge_reference(plan: Plan, path: str, ref: dict[str, Any]) -> bool:
    """Return whether a reference is well-formed; add what is wrong."""
    before = len(plan.wrong)
    if carries(ref, "url") and carries(ref, "data"):
        plan.wrong.append(f"{path}: provide either 'url' or 'data', not both")
    if not carries(ref, "url", "data", "generation_id", "file_id"):
        plan.wrong.append(f"{path}: provide either 'url' or 'data', not neither")
    if plan.filmed(path):
        text = "source.media_type must be a video/* type (e.g. 'video/mp4') when providing source.url / source.data on"
        plan.require(declared(ref) or not carries(ref, "url", "data"), f"{text} type='{plan.type}'")
    elif carries(ref, "data"):
        plan.require(ref.get("media_type"), f"{path}: 'media_type' is required with 'data'")
    return len(plan.wrong) == before


def judge_image(plan: Plan) -> None:
    """Judge a new picture."""
    plan.require(len(plan.refs) <= 9, "a picture has up to nine reference images")
    plan.require(
        plan.source is None,
        "source is only valid for type 'image_edit', 'video_edit' / 'video_reframe' with source.generation_id, or "
        "'video_edit' / 'video_reframe' with a video source.url / source.data",
    )


def judge_image_edit(plan: Plan) -> None:
    """Judge a picture made from another."""
    plan.require(plan.source is not None, "source is required for type 'image_edit'")
    plan.require(len(plan.refs) <= 8, "image_edit supports up to 8 reference images (source occupies one slot)")


def judge_video(plan: Plan) -> None:
    """Judge a new film."""
    chained = [carries(frame, "generation_id") for frame in (plan.start, plan.end)]
    looped, hdr = plan.video.get("loop"), plan.video.get("hdr")
    if carries(plan.source, "generation_id"):
        plan.wrong.append(
            "source.generation_id is only valid for type 'image_edit', 'video_edit', or 'video_reframe'")  # fmt: skip
    elif plan.source is not None:
        judge_image(Plan({"source": plan.source}, plan.wrong))
    plan.require(not plan.video.get("edit"), "video.edit is only valid for type 'video_edit'")
    plan.require(
        not any(chained) or plan.start is None or plan.end is None,
        "generation-ref keyframes are only supported for video extend (a single start_frame OR end_frame generation "
        "reference); interpolate-from-generation is not yet available",
    )
    plan.require(not (any(chained) and hdr), "HDR is not supported with video extend")
    plan.require(not (looped and chained[1]), "loop is only supported with forward video extend")
    plan.require(
        not looped or plan.end is None or chained[1],
        "loop is not supported with end_frame (no seamless start↔end match)",
    )
    plan.require(not (looped and hdr), "loop is not supported with hdr=true")
    plan.require(not looped or plan.video.get("duration") != "10s", "loop is not supported with duration '10s'")
    judge_options(plan)


def judge_options(plan: Plan) -> None:
    """Judge what a new film and an edited one have in common."""
    lasts, finely = plan.video.get("duration"), plan.video.get("resolution")
    if plan.video.get("hdr"):
        plan.require(lasts != "10s", "duration '10s' is not supported with hdr=true")
        plan.require(finely not in {"360p", "540p"}, f"resolution '{finely}' is not supported with hdr=true")
    else:
        plan.require(not plan.video.get("exr_export"), "exr_export requires hdr=true")
    if plan.start is not None or plan.end is not None:
        plan.require(lasts != "10s", "duration '10s' is not supported with start_frame / end_frame")
    plan.require("source_position" not in plan.video, "video.source_position is only valid for type 'video_reframe'")


def judge_video_edit(plan: Plan) -> None:
    """Judge a film made from another."""
    judge_film_source(plan)
    judge_options(plan)
    plan.require(not plan.refs, "image_ref is not supported for type 'video_edit'")
    plan.require(not plan.video.get("loop"), "video.loop is only valid for type 'video'")
    plan.require(plan.end is None, "an edit has no end_frame")
    auto = plan.edit.get("auto_controls")
    plan.require(
        not auto or "controls" not in plan.edit,
        "video.edit.auto_controls=true cannot be combined with video.edit.controls (auto mode derives the schedule and "
        "ignores manual per-signal controls)",
    )
    plan.require(not auto or "strength" not in plan.edit, "auto_controls and strength exclude each other")
    frames, places = plan.edit.get("keyframes"), plan.edit.get("keyframe_indexes")
    plan.require(
        plan.start is None or frames is None,
        "video.start_frame and video.edit.keyframes are mutually exclusive — use video.start_frame for the "
        "single-anchor case (frame at index 0), or video.edit.keyframes + keyframe_indexes for multi-anchor / "
        "arbitrary positions",
    )
    pair = "video.edit.keyframes and video.edit.keyframe_indexes must both be provided or both omitted"
    plan.require((frames is None) == (places is None), pair)
    if places is not None:
        equal = frames is None or len(frames) == len(places)
        plan.require(equal, "video.edit.keyframe_indexes must have the same length as video.edit.keyframes")
        plan.require(all(place >= 0 for place in places), "video.edit.keyframe_indexes must be non-negative")
        plan.require(len(places) == len(set(places)), "video.edit.keyframe_indexes must be unique")


def judge_film_source(plan: Plan) -> None:
    """Judge whether there is a film to begin with."""
    plan.require(
        plan.source is not None,
        "source is required for type 'video_edit' or 'video_reframe' — provide source.generation_id (UUID of a prior "
        "generation) or source.url / source.data with source.media_type='video/mp4'",
    )


def judge_video_reframe(plan: Plan) -> None:
    """Judge a film in another shape."""
    judge_film_source(plan)
    on = "supported for type 'video_reframe'"
    plan.require(plan.ratio is not None, "aspect_ratio (the target shape) is required for type 'video_reframe'")
    plan.require(plan.start is None and plan.end is None, f"video.start_frame / video.end_frame are not {on}")
    plan.require(not plan.video.get("loop"), f"video.loop is not {on}")
    plan.require(not (plan.video.get("hdr") or plan.video.get("exr_export")), f"HDR / exr_export are not {on}")
    plan.require("edit" not in plan.video, f"video.edit is not {on}")
    plan.require(
        plan.video.get("resolution") != "1080p" or plan.ratio not in {"9:16", "3:4"},
        f"1080p resolution is not yet available for vertical reframe (aspect_ratio '{plan.ratio}', type "
        "'video_reframe') — coming soon. Use a landscape aspect_ratio at 1080p, or resolution '720p' / '540p'.",
    )


JUDGES = {
    "image": judge_image,
    "image_edit": judge_image_edit,
    "video": judge_video,
    "video_edit": judge_video_edit,
    "video_reframe": judge_video_reframe,
}


def judge(plan: Plan) -> None:
    """Raise if anything is wrong: a medium, else the rule with the longest text."""
    for path, ref in plan.media():
        if judge_reference(plan, path, ref) and plan.takes(path):
            load(path, ref, film=plan.filmed(path))
    JUDGES[plan.type](plan)
    plan.require(1 <= len(plan.body["prompt"]) <= 6000, "Prompt must be between 1 and 6000 characters")
    if plan.model not in SERVES:
        plan.wrong.append(f"Unknown model: {plan.model}")
    elif plan.type not in SERVES[plan.model]:
        plan.wrong.append(f"Type '{plan.type}' is not supported for model '{plan.model}'")
    elif not plan.type.endswith("_edit") and plan.ratio not in {None, *RATIOS[plan.model]}:
        plan.wrong.append(f"Invalid aspect_ratio '{plan.ratio}'. Valid: {', '.join(RATIOS[plan.model])}")
    elif plan.body.get("style") == "manga" and plan.type == "image" and plan.ratio not in {None, *UPRIGHT}:
        valid = ", ".join(UPRIGHT)
        text = f"aspect_ratio='{plan.ratio}' is not allowed when style='manga'. Valid aspect_ratio: {valid}"
        raise Problem(422, text)
    if plan.wrong:
        raise Problem(400, max(plan.wrong, key=len))


# --- media ------------------------------------------------------------------------------------------------------------


def load(path: str, ref: dict[str, Any], *, film: bool) -> None:
    """Raise if a medium cannot be had."""
    if carries(ref, "file_id"):
        raise Problem(400, f"{path}: no such file")
    if carries(ref, "url"):
        url = urlsplit(ref["url"])
        end = url.path.rpartition("/")[2]
        if end in ENDS and url.scheme == "https" and not (film and end.endswith(".pdf")):
            raise Problem(ENDS[end][0], ENDS[end][1].format(path))
        if url.scheme != "https" or "." not in (url.hostname or "") or str(url.hostname).endswith(".invalid"):
            raise Problem(422, f"{path}: failed to fetch URL")
        if film != end.endswith((".mp4", ".mov", ".webm")):
            raise Problem(422, f"{path}: content-type is not {'video' if film else 'an image'}")
    elif carries(ref, "data"):
        decode(path, ref["data"], film=film)


def decode(path: str, text: str, *, film: bool) -> None:
    """Raise if inline data are no picture, or one that is too large."""
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        raise Problem(422, f"{path}: invalid base64 data") from None
    if len(raw) > 50 * 2**20:
        raise Problem(413, f"{path}: image exceeds 50 MB limit")
    if not film:
        wide, high = measure(raw)
        if not wide or not high:
            raise Problem(422, f"{path}: content is not an image")
        if max(wide, high) > 8000:
            large = f"{wide}x{high}px"
            raise Problem(413, f"{path}: image is {large} but each side must be <= 8000px. Resize and try again.")


def measure(raw: bytes) -> tuple[int, int]:
    """Return the width and height of a PNG, GIF, JPEG or WebP, 0 of anything else."""

    def number(start: int, size: int, order: Any = "little") -> int:
        return int.from_bytes(raw[start : start + size], order)

    match raw[:4], raw[8:16]:
        case b"\x89PNG", _:
            sides = number(16, 4, "big"), number(20, 4, "big")
        case b"GIF8", _:
            sides = number(6, 2), number(8, 2)
        case b"RIFF", b"WEBPVP8X":
            sides = number(24, 3) + 1, number(27, 3) + 1
        case b"RIFF", b"WEBPVP8L":
            sides = number(21, 4) % 2**14 + 1, (number(21, 4) >> 14) % 2**14 + 1
        case b"RIFF", b"WEBPVP8 ":
            sides = number(26, 2) % 2**14, number(28, 2) % 2**14
        case (head, _) if head.startswith(b"\xff\xd8\xff"):
            here = 2
            while here < len(raw) - 9 and raw[here + 1] not in {0xC0, 0xC1, 0xC2}:
                here += 2 + number(here + 2, 2, "big")
            sides = number(here + 7, 2, "big"), number(here + 5, 2, "big")
        case _:
            sides = 0, 0
    return sides


# --- clients, jobs and answers ----------------------------------------------------------------------------------------


@dataclass
class Client:
    """Who has keys."""

    rpm: int = 10_000
    slots: int = 1_000
    ahead: float = 0
    hits: list[float] = field(default_factory=list)
    jobs: dict[str, Job] = field(default_factory=dict)
    busy: list[Job] = field(default_factory=list)

    def now(self) -> float:
        """Return the client's time."""
        return time.time() + self.ahead

    def spend(self) -> dict[str, int]:
        """Return the quota headers of a request that counts; raise if it is one too many."""
        now = self.now()
        self.hits = [hit for hit in self.hits if hit > now - 60]
        if len(self.hits) >= self.rpm:
            reset = math.ceil(self.hits[0] + 60)
            headers = {"X_RateLimit_Limit": self.rpm, "X_RateLimit_Remaining": 0, "X_RateLimit_Reset": reset}
            raise Problem(429, "Rate limit exceeded", Retry_After=max(1, reset - int(now)), **headers)
        self.hits.append(now)
        left = self.rpm - len(self.hits)
        return {"X_RateLimit_Limit": self.rpm, "X_RateLimit_Remaining": left, "X_RateLimit_Reset": int(now) + 60}


@dataclass
class Job:
    """One generation."""

    plan: Plan
    made: float
    id: str = field(default_factory=lambda: str(uuid.uuid4()).upper())

    def state(self, now: float) -> str:
        """Return the state at some time."""
        wish = self.plan.body["prompt"].removeprefix("please ")
        if wish == "never start" or now - self.made < 0.2:
            return "queued"
        if wish == "never end" or now - self.made < 0.8:
            return "processing"
        return "failed" if wish.removeprefix("end in ") in FAILURES else "completed"


class Mock:
    """The application."""

    def __init__(self, fault: str) -> None:
        self.fault, self.origin = fault, ""
        house, few, slow = Client(), Client(slots=1), Client(rpm=5)
        own = {"main": house, "second": house, "low-rpm": slow, "low-concurrency": few}
        self.clients = {role: own.get(role) or Client() for role in TOKENS}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        parts, more = [], True
        while more:
            message = await receive()
            parts.append(message.get("body", b""))
            more = message.get("more_body", False)
        told = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
        if scope["path"].startswith("/cdn/"):
            status, headers, text = self.serve(scope)
        else:
            try:
                status, content, headers = self.route(scope["method"], scope["path"], told, b"".join(parts))
            except Problem as problem:
                status, content, headers = problem.status, {"detail": problem.detail}, problem.headers
            text = json.dumps(content, ensure_ascii=False).encode("utf-8", "replace")
            headers["Content-Type"] = "application/json"
            headers["X-Request-Id"] = told.get("x-request-id") or uuid.uuid4().hex
            headers["X-API-Version"] = "2026-04-01"
        fields = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
        fields.append((b"content-length", str(len(text)).encode()))
        await send({"type": "http.response.start", "status": status, "headers": fields})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else text})

    def route(self, method: str, path: str, told: dict[str, str], sent: bytes) -> tuple[int, Any, dict[str, str]]:
        """Return status, content and headers."""
        match method, path.strip("/").split("/"):
            case "POST", ["_mock", "time"]:
                _, client = self.know(told)
                client.ahead += json.loads(sent)["forward"]
                return 200, {"ahead": client.ahead}, {}
            case "POST", ["v1", "generations"]:
                return self.create(*self.know(told), sent)
            case "GET", ["v1", "generations", name]:
                role, client = self.know(told)
                self.check_standing(role)
                job = client.jobs.get(name.upper())
                if job is None:
                    raise Problem(404, "Generation not found")
                return 200, self.tell(job, client.now()), {}
        raise Problem(404, "Not Found")

    def know(self, told: dict[str, str]) -> tuple[str, Client]:
        """Return who asks."""
        match told.get("authorization", "").split(" "):
            case ["Bearer", token] if token.startswith("luma-api-"):
                role = next((role for role, known in TOKENS.items() if token == PREFIX + known), None)
            case _:
                raise Problem(401, "Missing or invalid API key")
        if role is None:
            raise Problem(401, "Invalid API key")
        if role in {"revoked", "expired"}:
            raise Problem(401, {"revoked": "API key has been revoked", "expired": "API key has expired"}[role])
        return role, self.clients[role]

    def check_standing(self, role: str) -> None:
        """Raise if the client has lost its access."""
        if role in {"suspended", "deactivated"}:
            raise Problem(403, f"API client is {role}")

    def create(self, role: str, client: Client, sent: bytes) -> tuple[int, Any, dict[str, str]]:
        """Answer POST /v1/generations."""
        self.check_standing(role)
        try:
            body = json.loads(sent)
        except (ValueError, RecursionError):
            raise Problem(422, "body: not JSON") from None
        walk(BODY, body)
        plan = Plan(body)
        judge(plan)
        self.check_generations(plan, client)
        quota = client.spend()
        if role == "unfunded":
            raise Problem(402, "Insufficient balance. Please add funds to continue.")
        now = client.now()
        for job in [] if self.fault == "keep-slot" else list(client.busy):
            if job.state(now) in {"completed", "failed"} or now - job.made >= 3600:
                client.busy.remove(job)
        if len(client.busy) >= client.slots:
            raise Problem(429, "Too many concurrent jobs", Retry_After=60)
        job = Job(plan, now)
        client.jobs[job.id] = job
        client.busy.append(job)
        return 201, self.tell(job, now), {name.replace("_", "-"): str(value) for name, value in quota.items()}

    def check_generations(self, plan: Plan, client: Client) -> None:
        """Raise unless each generation that is named exists, is done and is of the kind that is needed."""
        for path, ref in plan.media():
            if carries(ref, "generation_id"):
                job = client.jobs.get(ref["generation_id"].upper())
                films = plan.filmed(path) or path in {"video.start_frame", "video.end_frame"}
                if job is None or job.state(client.now()) != "completed" or (job.plan.type in FILMS) != films:
                    raise Problem(400, f"{path}: not a completed generation that can be used here")

    def tell(self, job: Job, now: float) -> dict[str, Any]:
        """Return a generation."""
        state = job.state(now)
        code = job.plan.body["prompt"].removeprefix("please end in ") if state == "failed" else None
        files = ["a.png", "b.png"] if job.plan.type in IMAGES else ["film.mp4"]
        made = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=job.made)
        return {
            "id": job.id,
            "created_at": f"{made:%Y-%m-%dT%H:%M:%S.%fZ}",
            "state": state,
            "type": job.plan.type,
            "model": job.plan.model,
            "output": [self.sign(job, name, now) for name in files] if state == "completed" else [],
            "failure_code": code,
            "failure_reason": FAILURES[code] if code else None,
        }

    def sign(self, job: Job, name: str, now: float) -> dict[str, Any]:
        """Return an output, whose URL is signed to the second."""
        owner = next(n for n, client in enumerate(self.clients.values()) if job.id in client.jobs)
        place = f"/cdn/{owner}/{job.id}/{name}"
        date = f"{datetime.fromtimestamp(int(now), UTC):%Y%m%dT%H%M%SZ}"
        signature = hmac.new(b"stranger", f"{place} {date}".encode(), hashlib.sha256).hexdigest()
        query = f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date={date}&X-Amz-Expires=3600&X-Amz-Signature={signature}"
        return {
            "type": "video" if name.endswith("mp4") else "image",
            "url": f"{self.origin}{place}?{query}",
            "layer": None,
        }

    def serve(self, scope: Any) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body for the storage."""
        query = {name: values[0] for name, values in parse_qs(scope["query_string"].decode()).items()}
        date = query.get("X-Amz-Date", "")
        good = hmac.new(b"stranger", f"{scope['path']} {date}".encode(), hashlib.sha256).hexdigest()
        client = next(itertools.islice(self.clients.values(), int(scope["path"].split("/")[2]), None))
        if not hmac.compare_digest(good, query.get("X-Amz-Signature", "")):
            return 403, {}, b"SignatureDoesNotMatch"
        signed = datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
        if client.now() >= signed + (7200 if self.fault == "two-hours" else 3600):
            return 403, {}, b"AccessDenied"
        if scope["path"].endswith(".mp4"):
            return 200, {"Content-Type": "video/mp4"}, b"\0\0\0\x14ftypisom\0\0\2\0isom"
        return 200, {"Content-Type": "image/png"}, b"\x89PNG\r\n\x1a\n"


@contextlib.contextmanager
def start(port: int = 0, fault: str = "") -> Iterator[tuple[str, str]]:
    """Yield the base URL of a new server, and its profile."""
    mock = Mock(fault)
    server = uvicorn.Server(uvicorn.Config(mock, port=port, lifespan="off", log_level="error"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    mock.origin = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        yield mock.origin, write_profile()
    finally:
        server.should_exit = True
        thread.join()
