"""A server of Werkzeug whose state is in SQLite, in memory, behind one lock; one clock for all, advanced by a query.

It differs: ids of version 5, times with `+00:00`, tokens with dots and equals signs, answers indented; storage on the
same host under another path, its URLs signed with `Expires=`, to the second; a job takes one second, and what becomes
of it is a word anywhere in its prompt. Media are looked at first, then references, then model and type, then the
prompt; the limit of requests comes before all that, and the one of jobs last. Requests refused with a 4xx use quota
too, except 401 and that limit's own 429; X-RateLimit-Reset is always when the oldest request ages out. It knows nothing
newer than the page: `file_id`, `360p` and `video.keyframes` are refused like any unknown member. A null is no member.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import logging
import math
import re
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from io import BytesIO
from typing import Any, Final, NoReturn
from urllib.parse import urlsplit

from PIL import Image, UnidentifiedImageError
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

JUDGED = 512
FAULTS = {
    "every reference is called the first": "base64 or 413-too-large",
    "quotas outlive the window": "rate_limit",
    "manga takes any ratio": "manga",
}

Body = dict[str, Any]
BEGINNING: Final = "luma-api-test-"
SCHEMA: Final = """
    create table keys (token text primary key, client text, refusal text);
    create table clients (name text primary key, refusal text, funded int default 1,
        rpm int default 600, slots int default 60);
    create table hits (client text, at real);
    create table jobs (id text primary key, client text, type text, model text, outcome text, at real);
    insert into clients (name) values ('owner'), ('neighbour');
    insert into clients (name, refusal) values
        ('halted', 'API client is suspended'), ('gone', 'API client is deactivated');
    insert into clients (name, funded) values ('poor', 0);
    insert into clients (name, rpm) values ('slow', 4);
    insert into clients (name, slots) values ('narrow', 2);
    insert into keys values
        ('owner.1==', 'owner', null), ('owner.2==', 'owner', null), ('neighbour.1==', 'neighbour', null),
        ('owner.3==', 'owner', 'API key has been revoked'), ('owner.4==', 'owner', 'API key has expired'),
        ('halted.1==', 'halted', null), ('gone.1==', 'gone', null), ('poor.1==', 'poor', null),
        ('slow.1==', 'slow', null), ('narrow.1==', 'narrow', null);
"""
PROFILE: Final = """
[keys]
main-key = {test_key = "luma-api-test-owner.1=="}
second-key = {test_key = "luma-api-test-owner.2=="}
other-key = {test_key = "luma-api-test-neighbour.1=="}
revoked-key = {test_key = "luma-api-test-owner.3=="}
expired-key = {test_key = "luma-api-test-owner.4=="}
suspended-key = {test_key = "luma-api-test-halted.1=="}
deactivated-key = {test_key = "luma-api-test-gone.1=="}
unfunded-key = {test_key = "luma-api-test-poor.1=="}
low-rpm-key = {test_key = "luma-api-test-slow.1=="}
low-concurrency-key = {test_key = "luma-api-test-narrow.1=="}

[media]
image-url = "https://media.example.org/a/barn.jpg"
video-url = "https://media.example.org/a/barn.mp4"
missing-url = "https://media.example.org/404/barn.jpg"
unreachable-url = "https://media.invalid/a/barn.jpg"
pdf-url = "https://media.example.org/a/barn.pdf"
oversized-url = "https://media.example.org/heavy/barn.jpg"
oversized-pixels-url = "https://media.example.org/wide/barn.jpg"
proxy-down-url = "https://media.example.org/502/barn.jpg"
ingestion-off-url = "https://media.example.org/503/barn.jpg"

[prompts]
queued-prompt = "A barn that is stuck_in_the_queue for good"
processing-prompt = "A barn that is stuck_at_work for good"
content-moderated-prompt = "A barn, content_moderated"
generation-failed-prompt = "A barn, generation_failed"
budget-exhausted-prompt = "A barn, budget_exhausted"
output-not-found-prompt = "A barn, output_not_found"
image-too-large-prompt = "A barn, image_too_large"
unsupported-format-prompt = "A barn, unsupported_format"
corrupt-input-prompt = "A barn, corrupt_input"
invalid-request-prompt = "A barn, invalid_request"
rate-limited-prompt = "A barn, rate_limited"

[offers]
large-uploads = true
hdr-access = true

[clock]
advance = "/ops/clock?seconds={seconds}"
"""
REASONS: Final = {
    "content_moderated": "Generation output was flagged by our content moderation system.",
    "generation_failed": "Generation failed",
    "budget_exhausted": "Insufficient balance to complete this generation.",
    "output_not_found": "Output artifacts not found",
    "image_too_large": "The image is too large",
    "unsupported_format": "The format is not supported",
    "corrupt_input": "The input cannot be decoded",
    "invalid_request": "The model refused the request",
    "rate_limited": "A provider refused for now",
}
WORDS: Final = (*REASONS, "stuck_in_the_queue", "stuck_at_work")
SHAPES: Final = {
    "body": "prompt:str model:str type:str aspect_ratio:str style:auto|manga output_format:png|jpeg web_search:bool "
    "user_id:str image_ref:[ref] source:ref video:video",
    "ref": "url:str data:str media_type:str generation_id:str",
    "video": "resolution:540p|720p|1080p duration:5s|10s loop:bool hdr:bool exr_export:bool start_frame:ref "
    "end_frame:ref source_position:place edit:edit",
    "place": "x_norm:number y_norm:number w_norm:number h_norm:number",
    "edit": "auto_controls:bool controls:controls keyframes:[ref] keyframe_indexes:[int] strength:adhere_1|adhere_2|"
    "adhere_3|flex_1|flex_2|flex_3|reimagine_1|reimagine_2|reimagine_3",
    "controls": "depth:depth face:face normals:normals pose:pose trajectory:trajectory",
    "depth": "enabled:bool blur:share",
    "face": "enabled:bool",
    "normals": "enabled:bool augmentation:share",
    "pose": "enabled:bool strength:precise|coarse",
    "trajectory": "enabled:bool sparsity:share",
}
IMAGE_RATIOS: Final = "1:1, 1:2, 1:3, 16:9, 2:1, 2:3, 3:1, 3:2, 9:16"
VIDEO_RATIOS: Final = "16:9, 1:1, 21:9, 3:4, 4:3, 9:16"
RATIOS: Final = {"image": IMAGE_RATIOS, "video": VIDEO_RATIOS, "video_reframe": VIDEO_RATIOS}
TYPES: Final = {
    "uni-1": ("image", "image_edit"),
    "uni-1-max": ("image", "image_edit"),
    "ray-3.2": ("video", "video_edit", "video_reframe"),
}
NEED_VIDEO: Final = (
    "source is required for type 'video_edit' or 'video_reframe' — provide source.generation_id (UUID of a prior "
    "generation) or source.url / source.data with source.media_type='video/mp4'"
)
NEED_MEDIA_TYPE: Final = (
    "source.media_type must be a video/* type (e.g. 'video/mp4') when providing source.url / source.data on type="
)
NO_CHAIN: Final = "source.generation_id is only valid for type 'image_edit', 'video_edit', or 'video_reframe'"
NO_SOURCE: Final = (
    "source is only valid for type 'image_edit', 'video_edit' / 'video_reframe' with source.generation_id, or "
    "'video_edit' / 'video_reframe' with a video source.url / source.data"
)
NO_CONTROLS: Final = (
    "video.edit.auto_controls=true cannot be combined with video.edit.controls (auto mode derives the schedule and "
    "ignores manual per-signal controls)"
)
ONE_ANCHOR: Final = (
    "video.start_frame and video.edit.keyframes are mutually exclusive — use video.start_frame for the single-anchor "
    "case (frame at index 0), or video.edit.keyframes + keyframe_indexes for multi-anchor / arbitrary positions"
)
NO_INTERPOLATION: Final = (
    "generation-ref keyframes are only supported for video extend (a single start_frame OR end_frame generation "
    "reference); interpolate-from-generation is not yet available"
)
TOO_TALL: Final = (
    "1080p resolution is not yet available for vertical reframe (aspect_ratio '{}', type 'video_reframe') — coming "
    "soon. Use a landscape aspect_ratio at 1080p, or resolution '720p' / '540p'."
)


def refuse(status: int, detail: str) -> NoReturn:
    """Raise the answer to a request that is refused."""
    refusal = HTTPException(detail)
    refusal.code = status
    raise refusal


# What a body is made of.


def read_body(raw: bytes) -> Body:
    """Return a body whose members have the right types, without its nulls."""
    try:
        body = drop_nulls(json.loads(raw))
        check_shape(body, "body", "body")
    except (ValueError, RecursionError):
        refuse(400, "The body is not JSON")
    found: Body = body
    return found


def drop_nulls(value: Any) -> Any:
    """Return a value without the members that are null."""
    if isinstance(value, dict):
        return {name: drop_nulls(one) for name, one in value.items() if one is not None}
    return [drop_nulls(one) for one in value] if isinstance(value, list) else value


def check_shape(value: Any, kind: str, path: str) -> None:
    """Refuse a value that is not of a kind, which is a name in SHAPES, a list, a type or a choice of texts."""
    if kind in SHAPES:
        members = dict(one.split(":") for one in SHAPES[kind].split())
        if not isinstance(value, dict) or value.keys() - members.keys():
            refuse(400, f"{path} has only these members: {', '.join(members)}")
        for name, one in value.items():
            check_shape(one, members[name], f"{path}.{name}")
    elif kind.startswith("["):
        if not isinstance(value, list):
            refuse(400, f"{path} is a list")
        for index, one in enumerate(value):
            check_shape(one, kind[1:-1], f"{path}[{index}]")
    elif not is_a(value, kind):
        refuse(400, f"{path} is of the wrong type")


def is_a(value: Any, kind: str) -> bool:
    """Return whether a value is of a simple kind."""
    if kind in {"int", "number", "share"}:
        number = isinstance(value, int if kind == "int" else int | float) and not isinstance(value, bool)
        return number and (kind != "share" or 0 <= value <= 1)
    if kind in {"str", "bool"}:
        return type(value).__name__ == kind
    return value in kind.split("|")


def find_references(body: Body) -> Iterator[tuple[str, Body]]:
    """Yield each reference to media, with its path."""
    video = body.get("video", {})
    singles = {"source": body, "start_frame": video, "end_frame": video}
    for name, holder in singles.items():
        if name in holder:
            yield name if holder is body else f"video.{name}", holder[name]
    for index, one in enumerate(body.get("image_ref", [])):
        yield f"image_ref[{index}]", one
    for index, one in enumerate(video.get("edit", {}).get("keyframes", [])):
        yield f"video.edit.keyframes[{index}]", one


# Media first.


def check_media(path: str, ref: Body, kind: str) -> None:
    """Refuse media that cannot be loaded; what is no reference at all is left for later."""
    video = path == "source" and kind in {"video_edit", "video_reframe"}
    if len(ref.keys() - {"media_type"}) != 1 or (video and not is_video(ref)):
        return
    if "url" in ref:
        fetch(path, ref["url"], "video" if video else "image")
    elif "data" in ref and "media_type" in ref:
        try:
            content = base64.b64decode(ref["data"], validate=True)
        except (binascii.Error, ValueError):
            refuse(422, f"{path}: invalid base64 data")
        weigh(path, len(content), (0, 0) if video else measure(content))


def is_video(ref: Body) -> bool:
    """Return whether a reference says that it is one to a video."""
    return "generation_id" in ref or str(ref.get("media_type", "")).startswith("video/")


def fetch(path: str, url: str, kind: str) -> None:
    """Do as if a URL were fetched: what is there can be read off it."""
    address = urlsplit(url) if url.startswith("https://") and url.isprintable() and "[" not in url else urlsplit("")
    _, folder, *_ = [*address.path.split("/"), "", ""]
    if folder == "503":
        refuse(503, "Media URL ingestion is unavailable (fetch proxy not configured)")
    if folder == "502":
        refuse(502, f"{path}: fetch proxy unavailable")
    if address.netloc not in {"example.com", "media.example.org"}:
        refuse(422, f"{path}: failed to fetch URL")
    if folder == "404" or "deleted" in address.path:
        refuse(422, f"{path}: failed to fetch URL (HTTP 404)")
    ending = address.path.rpartition(".")[2]
    if ending == "pdf" or (ending == "mp4") != (kind == "video"):
        refuse(422, f"{path}: content-type is not {'an image' if kind == 'image' else 'a video'}")
    weigh(path, 99_000_000 if folder == "heavy" else 9, (9000, 6000) if folder == "wide" else (9, 9))


def weigh(path: str, size: int, sides: tuple[int, int]) -> None:
    """Refuse media that are too large, by bytes or by pixels."""
    if size > 52_428_800:
        refuse(413, f"{path}: image exceeds 50 MB limit")
    if max(sides) > 8000:
        size_ = f"{sides[0]}x{sides[1]}px"
        refuse(413, f"{path}: image is {size_} but each side must be <= 8000px. Resize and try again.")


def measure(content: bytes) -> tuple[int, int]:
    """Return the width and height of an image, or zeros for what is none: the job finds that out."""
    try:
        with Image.open(BytesIO(content)) as image:
            return image.size
    except (UnidentifiedImageError, OSError, ValueError):
        return 0, 0


# Then references, model, prompt, and the rest.


def check_source(body: Body, kind: str) -> None:
    """Refuse a source that is missing or not wanted."""
    source: Body | None = body.get("source")
    edits = kind in {"video_edit", "video_reframe"}
    refuse_first(
        {
            NEED_VIDEO: edits and source is None,
            NEED_MEDIA_TYPE + f"'{kind}'": edits and source is not None and not is_video(source),
            "source is required for type 'image_edit'": kind == "image_edit" and source is None,
            NO_CHAIN: kind == "video" and source is not None and "generation_id" in source,
            NO_SOURCE: kind in {"image", "video"} and source is not None,
        }
    )


def check_references(body: Body, kind: str) -> None:
    """Refuse references that are misshapen, too many or not wanted."""
    check_source(body, kind)
    for path, ref in find_references(body):
        ways = ref.keys() - {"media_type"}
        if len(ways) != 1:
            others = "neither" if not ways else "both"
            refuse(400, f"{path}: provide either 'url' or 'data', not {others}")
        if "data" in ref and "media_type" not in ref:
            refuse(400, f"{path}: 'media_type' is required with 'data'")
    count = len(body.get("image_ref", []))
    if count and kind.startswith("video"):
        refuse(400, f"image_ref is not supported for type '{kind}'")
    if count > 8 and kind == "image_edit":
        refuse(400, "image_edit supports up to 8 reference images (source occupies one slot)")
    if count > 9:
        refuse(400, "image_ref has up to 9 entries")


def check_model(body: Body, kind: str) -> None:
    """Refuse a model that is not known, and a type that is not its own."""
    model = body.get("model", "uni-1")
    if model not in TYPES:
        refuse(400, f"Unknown model: {model}")
    if kind not in TYPES[model]:
        refuse(400, f"Type '{kind}' is not supported for model '{model}'")


def check_prompt(body: Body) -> None:
    """Refuse a prompt without a letter, and one that is too long."""
    prompt = body.get("prompt", "")
    if not prompt.strip() or len(prompt) > 6000:
        refuse(400, "Prompt must be between 1 and 6000 characters")


def check_ratio(body: Body, kind: str, fault: str) -> None:
    """Refuse a ratio that the type, or the style, does not have; an edit keeps that of its source."""
    ratio = body.get("aspect_ratio")
    if ratio is None:
        if kind == "video_reframe":
            refuse(400, "aspect_ratio (the target shape) is required for type 'video_reframe'")
        return
    if kind in RATIOS and ratio not in RATIOS[kind].split(", "):
        refuse(400, f"Invalid aspect_ratio '{ratio}'. Valid: {RATIOS[kind]}")
    portraits = "1:2, 1:3, 2:3, 9:16"
    if kind == "image" and body.get("style") == "manga" and ratio not in portraits and not fault.startswith("manga"):
        refuse(422, f"aspect_ratio='{ratio}' is not allowed when style='manga'. Valid aspect_ratio: {portraits}")


def check_video(body: Body, kind: str) -> None:
    """Refuse the first mistake there is in the options of a video."""
    if "video" not in body:
        return
    video: Body = body["video"]
    if not kind.startswith("video"):
        refuse(400, f"video is not supported for type '{kind}'")
    rules = {"video": find_video_faults, "video_edit": find_edit_faults, "video_reframe": find_reframe_faults}
    refuse_first(rules[kind](video))
    if kind == "video_reframe" and video.get("resolution") == "1080p" and body["aspect_ratio"] in {"9:16", "3:4"}:
        refuse(400, TOO_TALL.format(body["aspect_ratio"]))


def refuse_first(faults: Mapping[str, bool]) -> None:
    """Refuse with the first fault that is there."""
    for fault, there in faults.items():
        if there:
            refuse(400, fault)


def find_hdr_faults(video: Body) -> dict[str, bool]:
    """Return what may contradict HDR, and whether it does."""
    hdr = video.get("hdr", False)
    return {
        "resolution '540p' is not supported with hdr=true": hdr and video.get("resolution") == "540p",
        "exr_export requires hdr=true": video.get("exr_export", False) and not hdr,
    }


def find_video_faults(video: Body) -> dict[str, bool]:
    """Return what may be wrong with the options of a new video, and whether it is."""
    frames = {name: video[name] for name in ("start_frame", "end_frame") if name in video}
    extended = [name for name, frame in frames.items() if "generation_id" in frame]
    loop, hdr, long = video.get("loop", False), video.get("hdr", False), video.get("duration") == "10s"
    return {
        "video.edit is only valid for type 'video_edit'": "edit" in video,
        "video.source_position is only valid for type 'video_reframe'": "source_position" in video,
        NO_INTERPOLATION: bool(extended) and len(frames) > 1,
        "HDR is not supported with video extend": bool(extended) and (hdr or video.get("exr_export", False)),
        "loop is only supported with forward video extend": loop and "end_frame" in extended,
        "duration '10s' is not supported with hdr=true": long and hdr,
        "duration '10s' is not supported with start_frame / end_frame": long and bool(frames),
        "loop is not supported with duration '10s'": loop and long,
        "loop is not supported with hdr=true": loop and hdr,
        "loop is not supported with end_frame (no seamless start↔end match)": loop and "end_frame" in frames,
        **find_hdr_faults(video),
    }


def find_edit_faults(video: Body) -> dict[str, bool]:
    """Return what may be wrong with the options of an edit, and whether it is."""
    edit: Body = video.get("edit", {})
    frames, indexes = edit.get("keyframes", []), edit.get("keyframe_indexes", [])
    path = "video.edit.keyframe_indexes"
    return {
        "video.loop is only valid for type 'video'": video.get("loop", False),
        "video.source_position is only valid for type 'video_reframe'": "source_position" in video,
        "video.end_frame is only valid for type 'video'": "end_frame" in video,
        NO_CONTROLS: edit.get("auto_controls", False) and "controls" in edit,
        f"video.edit.keyframes and {path} must both be provided or both omitted": ("keyframes" in edit)
        != ("keyframe_indexes" in edit),
        f"{path} must be non-negative": any(index < 0 for index in indexes),
        f"{path} must be unique": len(set(indexes)) < len(indexes),
        f"{path} must have the same length as video.edit.keyframes": len(indexes) != len(frames),
        ONE_ANCHOR: "start_frame" in video and "keyframes" in edit,
        **find_hdr_faults(video),
    }


def find_reframe_faults(video: Body) -> dict[str, bool]:
    """Return what may be wrong with the options of a reframe, and whether it is."""
    name = "not supported for type 'video_reframe'"
    return {
        f"video.start_frame / video.end_frame are {name}": "start_frame" in video or "end_frame" in video,
        f"video.loop is {name}": video.get("loop", False),
        f"HDR / exr_export are {name}": video.get("hdr", False) or video.get("exr_export", False),
        f"video.edit is {name}": "edit" in video,
        "video.source_position lacks a member": 0 < len(video.get("source_position", {})) < 4,
    }


# The server.


class App:
    """The API, its storage and its clock."""

    def __init__(self, fault: str) -> None:
        self.fault, self.offset, self.made, self.url = fault, 0.0, 0, ""
        self.lock = threading.Lock()
        self.secret = uuid.uuid4().bytes
        self.db = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self.db.row_factory = sqlite3.Row
        self.db.executescript(SCHEMA)
        rules = {"/v1/generations": "create", "/v1/generations/<path:id>": "show", "/ops/clock": "advance"}
        methods = {"create": ["POST"], "show": ["GET"], "advance": ["POST"]}
        self.routes = Map([Rule(path, endpoint=name, methods=methods[name]) for path, name in rules.items()])
        self.routes.add(Rule("/bucket/<id>/<name>", endpoint="download", methods=["GET"]))

    def __call__(self, environ: Any, start_response: Any) -> Any:
        request = Request(environ)
        request.get_data()
        with self.lock:
            answer = self.answer(request)
        answer.headers["X-Request-Id"] = request.headers.get("X-Request-Id") or str(uuid.uuid4())
        answer.headers["X-API-Version"] = "2026-04-01"
        return answer(environ, start_response)

    def answer(self, request: Request) -> Response:
        """Return what a request is answered, an error too."""
        try:
            name, values = self.routes.bind_to_environ(request.environ).match()
            found: Response = getattr(self, name)(request, **values)
        except HTTPException as error:
            if error.code is None or error.code < 400:
                return Response(status=404)
            return send({"detail": error.description}, error.code)
        return found

    @property
    def now(self) -> float:
        """Return the time of this server."""
        return time.time() + self.offset

    def one(self, query: str, *values: Any) -> Any:
        """Return the first row of an answer, or None."""
        return self.db.execute(query, values).fetchone()

    def advance(self, request: Request) -> Response:
        """Advance the clock."""
        self.offset += float(request.args["seconds"])
        return Response(status=204)

    def find_client(self, request: Request) -> Any:
        """Return whose key was sent, or refuse it."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or not token.startswith("luma-api-"):
            refuse(401, "Missing or invalid API key")
        key = self.one("select * from keys where ? || token = ?", BEGINNING, token)
        if key is None or key["refusal"]:
            refuse(401, "Invalid API key" if key is None else key["refusal"])
        return self.one("select * from clients where name = ?", key["client"])

    def create(self, request: Request) -> Response:
        """Take a request for a generation, or refuse it."""
        client = self.find_client(request)
        limit, wait = self.find_quota(client)
        if limit["X-RateLimit-Remaining"] < 0:
            headers = limit | {"X-RateLimit-Remaining": 0, "Retry-After": max(1, wait)}
            return send({"detail": "Rate limit exceeded"}, 429, headers)
        try:
            job = self.accept(client, request.get_data())
        except HTTPException as error:
            if error.code in range(400, 500):
                self.db.execute("insert into hits values (?, ?)", (client["name"], self.now))
            headers = {"Retry-After": 60} if error.code == 429 else {}
            return send({"detail": error.description}, error.code or 500, headers)
        self.db.execute("insert into hits values (?, ?)", (client["name"], self.now))
        return send({**self.tell(job), "state": "queued"}, 201, limit)  # however long this took on a busy machine

    def find_quota(self, client: Any) -> tuple[dict[str, int], int]:
        """Return what one more request leaves of a client's quota, and how long its oldest one still counts."""
        past = -1e9 if self.fault.startswith("quotas") else self.now - 60
        query = "select count(*), coalesce(min(at), ?) from hits where client = ? and at > ?"
        used, oldest = self.one(query, self.now, client["name"], past)
        reset = math.ceil(oldest + 60)
        left = client["rpm"] - used - 1
        headers = {"X-RateLimit-Limit": client["rpm"], "X-RateLimit-Remaining": left, "X-RateLimit-Reset": reset}
        return headers, math.ceil(oldest + 60 - self.now)

    def accept(self, client: Any, raw: bytes) -> Any:
        """Return the job that a body asks for, or refuse it."""
        if client["refusal"]:
            refuse(403, client["refusal"])
        body = read_body(raw)
        kind = body.get("type", "image")
        for path, ref in find_references(body):
            check_media(path if not self.fault.startswith("every") else re.sub(r"\d", "0", path), ref, kind)
        check_references(body, kind)
        check_model(body, kind)
        check_prompt(body)
        check_ratio(body, kind, self.fault)
        check_video(body, kind)
        self.check_chain(client, body, kind)
        if not client["funded"]:
            refuse(402, "Insufficient balance. Please add funds to continue.")
        jobs = self.db.execute("select * from jobs where client = ? and at > ?", (client["name"], self.now - 3600))
        if sum(self.find_state(job) in {"queued", "processing"} for job in jobs) >= client["slots"]:
            refuse(429, "Too many concurrent jobs")
        self.made += 1
        made = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self.secret.hex()}/{self.made}"))
        outcome = next((word for word in WORDS if word in body["prompt"]), "")
        row = (made, client["name"], kind, body.get("model", "uni-1"), outcome, self.now)
        self.db.execute("insert into jobs values (?, ?, ?, ?, ?, ?)", row)
        return self.one("select * from jobs where id = ?", made)

    def check_chain(self, client: Any, body: Body, kind: str) -> None:
        """Refuse a prior generation that is not there, not completed, or of another medium."""
        wanted = "image" if kind.startswith("image") else "video"
        for path, ref in find_references(body):
            if "generation_id" in ref:
                named = (ref["generation_id"].encode("utf-8", "replace").decode().lower(), client["name"])
                prior = self.one("select * from jobs where id = ? and client = ?", *named)
                if not prior or self.find_state(prior) != "completed" or not prior["type"].startswith(wanted):
                    refuse(422, f"{path}: generation_id is of no completed {wanted}")

    def find_state(self, job: Any) -> str:
        """Return where a job is by now."""
        age, outcome = self.now - job["at"], job["outcome"]
        if age < 0.3 or outcome == "stuck_in_the_queue":
            return "queued"
        if age < 1 or outcome == "stuck_at_work":
            return "processing"
        return "failed" if outcome else "completed"

    def tell(self, job: Any) -> Body:
        """Return a generation as the API shows it."""
        state = self.find_state(job)
        code = job["outcome"] if state == "failed" else None
        medium = "image" if job["type"].startswith("image") else "video"
        output = [{"type": medium, "url": self.sign(job["id"], medium)}] if state == "completed" else []
        return {
            "id": job["id"],
            "model": job["model"],
            "type": job["type"],
            "created_at": datetime.fromtimestamp(job["at"], UTC).isoformat(timespec="microseconds"),
            "state": state,
            "failure_code": code,
            "failure_reason": REASONS[code] if code else None,
            "output": output,
        }

    def show(self, request: Request, id: str) -> Response:  # noqa: A002 (the route's word)
        """Show a generation to its owner."""
        client = self.find_client(request)
        named = (id.encode("utf-8", "replace").decode().lower(), client["name"])
        job = self.one("select * from jobs where id = ? and client = ?", *named)
        if job is None:
            refuse(404, "Generation not found")
        return send(self.tell(job), 200)

    def sign(self, made: str, medium: str) -> str:
        """Return a URL that opens a generation's output for an hour."""
        path = f"/bucket/{made}/{'out.png' if medium == 'image' else 'out.mp4'}"
        expires = int(self.now) + 3600
        return f"{self.url}{path}?Expires={expires}&Signature={self.seal(path, expires)}"

    def seal(self, path: str, expires: int) -> str:
        """Return the signature of a path until a time."""
        return hmac.new(self.secret, f"{path} {expires}".encode(), hashlib.sha256).hexdigest()

    def download(self, request: Request, id: str, name: str) -> Response:  # noqa: A002
        """Give out what was generated, while its URL is good."""
        expires = request.args.get("Expires", 0, type=int)
        if request.args.get("Signature") != self.seal(request.path, expires) or expires <= self.now:
            return Response("<Error><Code>AccessDenied</Code></Error>", 403, mimetype="application/xml")
        if name == "out.png":
            return Response(PNG, mimetype="image/png")
        return Response(MP4, mimetype="video/mp4")


def send(body: Body, status: int, headers: dict[str, int] | None = None) -> Response:
    """Return an answer in JSON."""
    texts = {name: str(value) for name, value in (headers or {}).items()}
    return Response(json.dumps(body, indent=1), status, texts, content_type="application/json")


def draw() -> bytes:
    """Return a grey picture."""
    drawn = BytesIO()
    Image.new("L", (16, 16), 128).save(drawn, "PNG")
    return drawn.getvalue()


PNG: Final = draw()
MP4: Final = b"\0\0\0\x18ftypisom\0\0\2\0isommp42\0\0\0\x08mdat"


class Quiet(WSGIRequestHandler):
    """A handler that logs nothing."""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 (its name there)
        """Log nothing."""


@contextmanager
def start(port: int = 0, fault: str = "") -> Iterator[tuple[str, str]]:
    """Run the server; yield its base URL and its profile."""
    app = App(fault)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=Quiet)
    app.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield app.url, PROFILE
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
