"""A WSGI server of the standard library, with a class for each field.

Its choices where the page leaves one: the fault of the field that comes first in the alphabet is named, a field it
does not know is refused, null is as good as absent, a prompt of blanks is empty and its length is counted in UTF-16
units. Whatever is asked with a good key uses quota, unless the quota is refused; keys share nothing. There is no clock:
a job takes a second. It answers in gzip if it may, with small header names and JSON over several lines, fetches any
https URL, and finds out that a picture is none when it is at work.
"""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import math
import re
import secrets
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from http import HTTPStatus
from itertools import count
from socketserver import ThreadingMixIn
from typing import Any, BinaryIO, NamedTuple, cast
from wsgiref.simple_server import ServerHandler, WSGIRequestHandler, WSGIServer

JUDGED = 505
FAULTS = {"see-all": "404", "twins": "keyframe-index-duplicate"}

PROFILE = """
[keys]
main-key = {test_key = "luma-api-test-U2VjcmV0.Zm9y~bWFpbg=="}
second-key = {test_key = "luma-api-test-U2VjcmV0.Zm9y~c2Vjb25k"}
other-key = {test_key = "luma-api-test-U2VjcmV0.Zm9y~b3RoZXI="}
revoked-key = {test_key = "luma-api-test-revoked_key_12345"}
expired-key = {test_key = "luma-api-test-expired_key_12345"}
unfunded-key = {test_key = "luma-api-test-U2VjcmV0.Zm9y~cG9vcg=="}
suspended-key = {test_key = "luma-api-test-U2VjcmV0.Zm9y~c3VzcA=="}
deactivated-key = {test_key = "luma-api-test-U2VjcmV0.Zm9y~ZGVhZA=="}
low-rpm-key = {test_key = "luma-api-test-U2VjcmV0.Zm9y~c2xvdw=="}
low-concurrency-key = {test_key = "luma-api-test-U2VjcmV0.Zm9y~ZmV3"}

[media]
image-url = "https://cdn.stranger.example/a%20picture.jpg?size=full"
video-url = "https://cdn.stranger.example/a/film.mp4"
missing-url = "https://cdn.stranger.example/404/a.jpg"
unreachable-url = "https://conformance.invalid/a.jpg"
pdf-url = "https://cdn.stranger.example/a.pdf"
oversized-url = "https://cdn.stranger.example/bytes/52428801/a.png"
oversized-pixels-url = "https://cdn.stranger.example/pixels/9000/6000/a.png"
proxy-down-url = "https://down.stranger.example/a.jpg"
ingestion-off-url = "https://off.stranger.example/a.jpg"

[prompts]
queued-prompt = "[[stay queued]] a sunset"
processing-prompt = "[[stay processing]] a sunset"
content-moderated-prompt = "[[content_moderated]] a sunset"
generation-failed-prompt = "[[generation_failed]] a sunset"
budget-exhausted-prompt = "[[budget_exhausted]] a sunset"
output-not-found-prompt = "[[output_not_found]] a sunset"
image-too-large-prompt = "[[image_too_large]] a sunset"
unsupported-format-prompt = "[[unsupported_format]] a sunset"
corrupt-input-prompt = "[[corrupt_input]] a sunset"
invalid-request-prompt = "[[invalid_request]] a sunset"
rate-limited-prompt = "[[rate_limited]] a sunset"

[offers]
large-uploads = true
hdr-access = true
"""

PICTURES = ("1:1", "1:2", "1:3", "16:9", "2:1", "2:3", "3:1", "3:2", "9:16")
FILMS = ("1:1", "16:9", "21:9", "3:4", "4:3", "9:16")
TALL = ("1:2", "1:3", "2:3", "9:16")
ALLOWED = {
    "uni-1": ("image", "image_edit"),
    "uni-1-max": ("image", "image_edit"),
    "ray-3.2": ("video", "video_edit", "video_reframe"),
}
REASONS = {
    "content_moderated": "Generation output was flagged by our content moderation system.",
    "budget_exhausted": "Insufficient balance to complete this generation.",
    "generation_failed": "Generation failed",
    "output_not_found": "Output artifacts not found",
}


class Answer(NamedTuple):
    """What is sent back."""

    status: int
    content: Any
    headers: tuple[tuple[str, str], ...] = ()


class Rejected(Exception):
    """The answer is an error."""

    def __init__(self, status: int, detail: str, *headers: tuple[str, str]) -> None:
        super().__init__(detail)
        self.answer = Answer(status, {"detail": detail}, headers)


class Key(NamedTuple):
    """An API key."""

    end: str
    state: str = "active"
    rpm: int = 6000
    slots: int = 400


KEYS = (
    Key("U2VjcmV0.Zm9y~bWFpbg=="), Key("U2VjcmV0.Zm9y~c2Vjb25k"), Key("U2VjcmV0.Zm9y~b3RoZXI="),
    Key("revoked_key_12345", "revoked"), Key("expired_key_12345", "expired"), Key("U2VjcmV0.Zm9y~cG9vcg==", "poor"),
    Key("U2VjcmV0.Zm9y~c3VzcA==", "suspended"), Key("U2VjcmV0.Zm9y~ZGVhZA==", "deactivated"),
    Key("U2VjcmV0.Zm9y~c2xvdw==", rpm=3), Key("U2VjcmV0.Zm9y~ZmV3", slots=2),
)  # fmt: skip


# --- fields -----------------------------------------------------------------------------------------------------------


class Form:
    """A request body, without its nulls."""

    def __init__(self, body: Any) -> None:
        if not isinstance(body, dict):
            raise Rejected(400, "Expected a JSON object")
        self.body = prune(body)
        self.type = self.get("type", "image")
        self.model = self.get("model", "uni-1")
        self.start, self.end = self.get("video.start_frame"), self.get("video.end_frame")

    def get(self, path: str, default: Any = None) -> Any:
        """Return the value of a field."""
        place = self.body
        for step in path.split("."):
            if not isinstance(place, dict) or step not in place:
                return default
            place = place[step]
        return place

    @property
    def fitting(self) -> bool:
        """Whether the model makes that type."""
        return self.type in ALLOWED.get(str(self.model), ())

    @property
    def extends(self) -> list[str]:
        """The ends at which a generation is continued."""
        ends = {"forward": self.start, "backward": self.end}
        return [end for end, frame in ends.items() if frame and "generation_id" in frame]


def prune(value: Any) -> Any:
    """Return a value without members that are null."""
    if isinstance(value, dict):
        return {name: prune(member) for name, member in value.items() if member is not None}
    return [prune(member) for member in value] if isinstance(value, list) else value


Found = Iterator[str]
FIELDS: dict[str, Any] = {}


def named(path: str) -> Callable[[type], type]:
    """Return a decorator that enters a class as the one for a field."""

    def enter(made: type) -> type:
        FIELDS[path] = made()
        return made

    return enter


@named("aspect_ratio")
class AspectRatio:
    """The shape; edits check it too, though they do not use it."""

    kind = str

    def faults(self, value: str | None, form: Form) -> Found:
        valid = PICTURES if str(form.model).startswith("uni") else FILMS
        if form.type == "video_reframe" and value is None:
            yield "aspect_ratio (the target shape) is required for type 'video_reframe'"
        if form.fitting and value is not None and value not in valid:
            yield f"Invalid aspect_ratio '{value}'. Valid: {', '.join(valid)}"


@named("image_ref")
class ImageRefs:
    """Pictures to look at."""

    kind = list

    def faults(self, value: list[Any] | None, form: Form) -> Found:
        many = len(value or [])
        if many and form.type == "video_edit":
            yield "image_ref is not supported for type 'video_edit'"
        elif many and form.type in ALLOWED["ray-3.2"]:
            yield f"image_ref cannot be used for {form.type}"
        if form.type == "image_edit" and many > 8:
            yield "image_edit supports up to 8 reference images (source occupies one slot)"
        if form.type == "image" and many > 9:
            yield "At most 9 entries in image_ref"
        for index, ref in enumerate(value or []):
            yield from Reference().faults(ref, f"image_ref[{index}]")


class Reference:
    """One medium: not a field, but of several fields."""

    def faults(self, ref: Any, path: str, *, film: bool = False, prior: bool = False) -> Found:
        if not isinstance(ref, dict) or not all(isinstance(value, str) for value in ref.values()):
            yield f"{path}: expected an object of texts"
            return
        known = {"url", "data", "media_type"} | ({"generation_id"} if prior else set())
        if "url" in ref and "data" in ref:
            yield f"{path}: provide either 'url' or 'data', not both"
        if set(ref) - known:
            yield f"{path}: unknown field {min(set(ref) - known)}"
        if not {"url", "data", "generation_id"} & set(ref):
            yield f"{path}: provide either 'url' or 'data', not neither"
        if "generation_id" in ref and len(ref) > 1:
            yield f"{path}: nothing else beside 'generation_id'"
        if "data" in ref and "media_type" not in ref and not film:
            yield f"{path}: 'media_type' is required with 'data'"


@named("model")
class Model:
    """Who makes it."""

    kind = str

    def faults(self, value: str | None, form: Form) -> Found:
        if form.model not in ALLOWED:
            yield f"Unknown model: {value}"


@named("output_format")
class OutputFormat:
    """How a picture is stored."""

    kind = str
    choices = ("png", "jpeg")

    def faults(self, value: str | None, form: Form) -> Found:
        if value and form.model == "ray-3.2":
            yield "output_format is for images"


@named("prompt")
class Prompt:
    """What is wanted."""

    kind = str

    def faults(self, value: str | None, form: Form) -> Found:
        if value is None:
            yield "prompt is missing"
        elif not value.strip() or len(value.encode("utf-16-le", "surrogatepass")) // 2 > 6000:
            yield "Prompt must be between 1 and 6000 characters"


@named("source")
class Source:
    """What is edited."""

    kind = dict

    def faults(self, value: dict[str, Any] | None, form: Form) -> Found:
        filming = form.type in {"video_edit", "video_reframe"}
        if value is None:
            yield from self.missing(form.type)
            return
        if form.type == "video" and "generation_id" in value:
            yield "source.generation_id is only valid for type 'image_edit', 'video_edit', or 'video_reframe'"
        if form.type in {"image", "video"}:
            yield (
                "source is only valid for type 'image_edit', 'video_edit' / 'video_reframe' with "
                "source.generation_id, or 'video_edit' / 'video_reframe' with a video source.url / source.data"
            )
        if filming and {"url", "data"} & set(value) and not str(value.get("media_type")).startswith("video/"):
            yield (
                "source.media_type must be a video/* type (e.g. 'video/mp4') when providing source.url / "
                f"source.data on type='{form.type}'"
            )
        yield from Reference().faults(value, "source", film=filming, prior=True)

    def missing(self, kind: str) -> Found:
        """Yield that there is none."""
        if kind == "image_edit":
            yield "source is required for type 'image_edit'"
        if kind in {"video_edit", "video_reframe"}:
            yield (
                "source is required for type 'video_edit' or 'video_reframe' — provide source.generation_id (UUID "
                "of a prior generation) or source.url / source.data with source.media_type='video/mp4'"
            )


@named("style")
class Style:
    """The look."""

    kind = str
    choices = ("auto", "manga")

    def faults(self, value: str | None, form: Form) -> Found:
        ratio = form.get("aspect_ratio")
        if value == "manga" and form.model == "ray-3.2":
            yield "style is for images"
        elif value == "manga" and form.type == "image" and ratio not in {None, *TALL}:
            yield f"aspect_ratio='{ratio}' is not allowed when style='manga'. Valid aspect_ratio: {', '.join(TALL)}"


@named("type")
class Type:
    """What it is to be."""

    kind = str

    def faults(self, value: str | None, form: Form) -> Found:
        if form.model in ALLOWED and not form.fitting:
            yield f"Type '{form.type}' is not supported for model '{form.model}'"


@named("user_id")
class UserId:
    """Whose it is, to the client."""

    kind = str

    def faults(self, value: str | None, form: Form) -> Found:
        if value and len(value) > 256:
            yield "user_id is too long"


@named("video")
class Video:
    """All that only films have."""

    kind = dict

    def faults(self, value: dict[str, Any] | None, form: Form) -> Found:
        if value and form.type in {"image", "image_edit"}:
            yield "video is for films"


@named("video.duration")
class Duration:
    """How long a film is."""

    kind = str
    choices = ("5s", "10s")

    def faults(self, value: str | None, form: Form) -> Found:
        if value and form.type == "video_reframe":
            yield "video.duration is that of the source for type 'video_reframe'"
        if value == "10s" and form.type in {"video", "video_edit"}:
            if form.start or form.end:
                yield "duration '10s' is not supported with start_frame / end_frame"
            if form.get("video.hdr"):
                yield "duration '10s' is not supported with hdr=true"


@named("video.edit")
class Edit:
    """How near an edit keeps to its source."""

    kind = dict

    def faults(self, value: dict[str, Any] | None, form: Form) -> Found:
        if value is None:
            return
        if form.type == "video":
            yield "video.edit is only valid for type 'video_edit'"
        if form.type == "video_reframe":
            yield "video.edit is not supported for type 'video_reframe'"
        if form.type == "video_edit":
            if value.get("auto_controls") and value.get("controls"):
                yield (
                    "video.edit.auto_controls=true cannot be combined with video.edit.controls (auto mode derives "
                    "the schedule and ignores manual per-signal controls)"
                )
            yield from self.guides(value.get("keyframes"), value.get("keyframe_indexes"), form)

    def guides(self, frames: list[Any] | None, places: list[int] | None, form: Form) -> Found:
        if bool(frames) != bool(places):
            yield "video.edit.keyframes and video.edit.keyframe_indexes must both be provided or both omitted"
        elif len(frames or []) != len(places or []):
            yield "video.edit.keyframe_indexes must have the same length as video.edit.keyframes"
        if min(places or [0]) < 0:
            yield "video.edit.keyframe_indexes must be non-negative"
        if len({*(places or [])}) != len(places or []) and "twins" not in FAULTY:
            yield "video.edit.keyframe_indexes must be unique"
        if frames and form.start:
            yield (
                "video.start_frame and video.edit.keyframes are mutually exclusive — use video.start_frame for the "
                "single-anchor case (frame at index 0), or video.edit.keyframes + keyframe_indexes for multi-anchor "
                "/ arbitrary positions"
            )
        for index, ref in enumerate(frames or []):
            yield from Reference().faults(ref, f"video.edit.keyframes[{index}]")


class _Flag:
    kind = bool


class _Text:
    kind = str


class Part:
    """A field that another one reads."""

    def __init__(self, kind: type, *choices: str) -> None:
        self.kind = kind
        if choices:
            self.choices = choices


FIELDS |= {
    "video.edit.auto_controls": Part(bool),
    "video.edit.strength": Part(str, *(f"{how}_{n}" for how in ("adhere", "flex", "reimagine") for n in (1, 2, 3))),
    "video.edit.controls": Part(dict),
    "video.edit.keyframes": Part(list),
    "video.edit.keyframe_indexes": Part(list),
}


@named("video.end_frame")
class EndFrame:
    """How a film ends."""

    kind = dict

    def faults(self, value: dict[str, Any] | None, form: Form) -> Found:
        if value is None:
            return
        if form.type == "video_edit":
            yield "video.end_frame cannot be used for type 'video_edit'"
        if form.type == "video" and form.get("video.loop"):
            backward = form.extends == ["backward"]
            yield (
                "loop is only supported with forward video extend"
                if backward
                else "loop is not supported with end_frame (no seamless start↔end match)"
            )
        yield from frame_faults(value, "end_frame", form)


@named("video.start_frame")
class StartFrame:
    """How a film begins."""

    kind = dict

    def faults(self, value: dict[str, Any] | None, form: Form) -> Found:
        if value is not None:
            yield from frame_faults(value, "start_frame", form)


def frame_faults(value: dict[str, Any], path: str, form: Form) -> Found:
    """Yield what is wrong with either frame."""
    if form.type == "video_reframe":
        yield "video.start_frame / video.end_frame are not supported for type 'video_reframe'"
    if form.type == "video" and form.extends and form.start and form.end:
        yield (
            "generation-ref keyframes are only supported for video extend (a single start_frame OR end_frame "
            "generation reference); interpolate-from-generation is not yet available"
        )
    yield from Reference().faults(value, path, prior=form.type == "video")


@named("video.exr_export")
class ExrExport(_Flag):
    """Raw frames besides."""

    def faults(self, value: bool | None, form: Form) -> Found:  # noqa: FBT001
        if value and form.type in {"video", "video_edit"} and not form.get("video.hdr"):
            yield "exr_export requires hdr=true"
        if value and form.type == "video_reframe":
            yield "HDR / exr_export are not supported for type 'video_reframe'"


@named("video.hdr")
class Hdr(_Flag):
    """More light."""

    def faults(self, value: bool | None, form: Form) -> Found:  # noqa: FBT001
        if value and form.type == "video_reframe":
            yield "HDR / exr_export are not supported for type 'video_reframe'"
        if value and form.type == "video" and form.extends:
            yield "HDR is not supported with video extend"


@named("video.loop")
class Loop(_Flag):
    """From its end to its beginning."""

    def faults(self, value: bool | None, form: Form) -> Found:  # noqa: FBT001
        if value and form.type == "video_edit":
            yield "video.loop is only valid for type 'video'"
        if value and form.type == "video_reframe":
            yield "video.loop is not supported for type 'video_reframe'"
        if value and form.type == "video":
            if form.get("video.hdr"):
                yield "loop is not supported with hdr=true"
            if form.get("video.duration") == "10s":
                yield "loop is not supported with duration '10s'"


@named("video.resolution")
class Resolution(_Text):
    """How fine."""

    choices = ("540p", "720p", "1080p")

    def faults(self, value: str | None, form: Form) -> Found:
        ratio = form.get("aspect_ratio")
        if value == "540p" and form.get("video.hdr") and form.type in {"video", "video_edit"}:
            yield "resolution '540p' is not supported with hdr=true"
        if value == "1080p" and form.type == "video_reframe" and ratio in {"9:16", "3:4"}:
            yield (
                f"1080p resolution is not yet available for vertical reframe (aspect_ratio '{ratio}', type "
                "'video_reframe') — coming soon. Use a landscape aspect_ratio at 1080p, or resolution '720p' / "
                "'540p'."
            )


@named("video.source_position")
class SourcePosition:
    """Where the old picture is in the new one."""

    kind = dict

    def faults(self, value: dict[str, Any] | None, form: Form) -> Found:
        if value is not None and form.type in {"video", "video_edit"}:
            yield "video.source_position is only valid for type 'video_reframe'"
        if value is not None and set(value) != {"x_norm", "y_norm", "w_norm", "h_norm"}:
            yield "video.source_position has four members"


@named("web_search")
class WebSearch(_Flag):
    """Look around first."""

    def faults(self, value: bool | None, form: Form) -> Found:  # noqa: FBT001
        if value and form.model == "ray-3.2":
            yield "web_search is for images"


def misfits(form: Form) -> Found:
    """Yield which fields are unknown or of a wrong type."""
    for parent in ("", "video", "video.edit"):
        holder = form.get(parent) if parent else form.body
        for name in holder if isinstance(holder, dict) else ():
            if f"{parent}.{name}".lstrip(".") not in FIELDS:
                yield f"Unknown field '{name}'"
    for path, checker in FIELDS.items():
        value = form.get(path)
        if value is not None and (type(value) is not checker.kind or value not in getattr(checker, "choices", [value])):
            yield f"{path}: not a value of this field"
    if any(type(index) is not int for index in form.get("video.edit.keyframe_indexes") or []):
        yield "video.edit.keyframe_indexes: not a frame"


def validate(form: Form) -> None:
    """Raise for the first fault of the first field that has one."""
    for text in misfits(form):
        raise Rejected(400, text)
    for path in sorted(FIELDS):
        for text in FIELDS[path].faults(form.get(path), form) if hasattr(FIELDS[path], "faults") else ():
            raise Rejected(422 if "when style='manga'" in text else 400, text)


# --- media ------------------------------------------------------------------------------------------------------------


def big(raw: bytes) -> int:
    """Return a number, its largest byte first."""
    return int.from_bytes(raw, "big")


def little(raw: bytes) -> int:
    """Return a number, its smallest byte first."""
    return int.from_bytes(raw, "little")


def jpeg(raw: bytes) -> tuple[int, int]:
    """Return the sides of a JPEG: walk its segments to the frame header."""
    place = 2
    while raw[place + 1] not in {0xC0, 0xC1, 0xC2, 0xC3}:
        place += 2 + big(raw[place + 2 : place + 4])
    return big(raw[place + 7 : place + 9]), big(raw[place + 5 : place + 7])


SIZES: dict[bytes, Callable[[bytes], tuple[int, int]]] = {
    rb"\x89PNG\r\n\x1a\n....IHDR": lambda raw: (big(raw[16:20]), big(raw[20:24])),
    rb"GIF8[79]a": lambda raw: (little(raw[6:8]), little(raw[8:10])),
    rb"RIFF....WEBPVP8X": lambda raw: (little(raw[24:27]) + 1, little(raw[27:30]) + 1),
    rb"RIFF....WEBPVP8L": lambda raw: (1 + (little(raw[21:25]) & 16383), 1 + (little(raw[21:25]) >> 14 & 16383)),
    rb"RIFF....WEBPVP8 ": lambda raw: (little(raw[26:28]) & 16383, little(raw[28:30]) & 16383),
    rb"\xff\xd8(\xff[\xe0-\xef\xdb\xc4].*?)*?\xff[\xc0-\xc2]\x00": jpeg,
}


def fetch(url: str, path: str, *, film: bool) -> None:
    """Raise as fetching a URL would end: its host and path say how."""
    host, _, rest = url.removeprefix("https://").partition("/")
    told = re.match(r"(404|bytes|pixels)/(\d*)/?(\d*)", rest)
    if host.startswith("off."):
        raise Rejected(503, "Media URL ingestion is unavailable (fetch proxy not configured)")
    if host.startswith("down."):
        raise Rejected(502, f"{path}: fetch proxy unavailable")
    if not url.startswith("https://") or host.endswith(".invalid"):
        raise Rejected(422, f"{path}: failed to fetch URL")
    if told and told[1] == "404":
        raise Rejected(422, f"{path}: failed to fetch URL (HTTP 404)")
    if told and told[1] == "bytes":
        raise Rejected(413, f"{path}: image exceeds 50 MB limit")
    if told:
        sides = f"{told[2]}x{told[3]}px"
        raise Rejected(413, f"{path}: image is {sides} but each side must be <= 8000px. Resize and try again.")
    if rest.endswith(".pdf") or film != rest.endswith(".mp4"):
        raise Rejected(422, f"{path}: content-type is not {'a video' if film else 'an image'}")


def decode(text: str, path: str, *, film: bool) -> str:
    """Return the failure that inline data will end in, often none; raise if it is seen at once."""
    try:
        raw = base64.b64decode(text.encode("ascii"), validate=True)
    except ValueError:
        raise Rejected(422, f"{path}: invalid base64 data") from None
    if len(raw) > 52_428_800:
        raise Rejected(413, f"{path}: image exceeds 50 MB limit")
    if film:
        return ""
    for magic, measure in SIZES.items():
        if re.match(magic, raw[:4096], re.DOTALL):
            wide, high = measure(raw)
            if wide > 8000 or high > 8000:
                large = f"{wide}x{high}px"
                raise Rejected(413, f"{path}: image is {large} but each side must be <= 8000px. Resize and try again.")
            return ""
    return "corrupt_input"


def load(form: Form) -> str:
    """Return the failure that the media will end in, often none; raise if one cannot be loaded."""
    films = form.type in {"video_edit", "video_reframe"}
    items = [(f"image_ref[{index}]", ref) for index, ref in enumerate(form.get("image_ref") or [])]
    frames = form.get("video.edit.keyframes") or []
    items += [(f"video.edit.keyframes[{index}]", ref) for index, ref in enumerate(frames)]
    items += [("start_frame", form.start), ("end_frame", form.end), ("source", form.get("source"))]
    fate = ""
    for path, ref in items:
        film = films and path == "source"
        if ref and "url" in ref:
            fetch(ref["url"], path, film=film)
        elif ref and "data" in ref:
            fate = decode(ref["data"], path, film=film) or fate
    return fate


# --- the application --------------------------------------------------------------------------------------------------

FAULTY: set[str] = set()
Environ = dict[str, Any]


def make_id() -> str:
    """Return a UUID of version 7."""
    bits = int(time.time() * 1000) << 80 | 7 << 76 | secrets.randbits(12) << 64 | 2 << 62 | secrets.randbits(62)
    return str(uuid.UUID(int=bits))


class Job:
    """A generation."""

    def __init__(self, key: Key, form: Form, fate: str) -> None:
        told = re.match(r"\[\[(.+?)\]\]", form.get("prompt"))
        self.key, self.type, self.model = key, form.type, form.model
        self.fate = told[1] if told else fate
        self.made, self.id = time.time(), make_id()

    @property
    def state(self) -> str:
        """The state now."""
        age = time.time() - self.made
        if age < 0.3 or self.fate == "stay queued":
            return "queued"
        if age < 1 or self.fate == "stay processing":
            return "processing"
        return "failed" if self.fate else "completed"


def join_chunks(stream: BinaryIO) -> bytes:
    """Return a body that comes in chunks, which WSGI leaves to whoever reads it."""
    parts = []
    while size := int(stream.readline().partition(b";")[0], 16):
        parts.append(stream.read(size))
        stream.readline()
    while stream.readline().strip():
        pass
    return b"".join(parts)


class Application:
    """The WSGI application."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.asked: dict[Key, list[float]] = {}
        self.jobs: dict[str, Job] = {}
        self.active: dict[Key, list[Job]] = {}
        self.serial = count(1)

    def __call__(self, environ: Environ, respond: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request."""
        stream = environ["wsgi.input"]
        chunked = environ.get("HTTP_TRANSFER_ENCODING", "").lower() == "chunked"
        sent = join_chunks(stream) if chunked else stream.read(int(environ.get("CONTENT_LENGTH") or 0))
        path = environ["PATH_INFO"]
        if path.startswith("/objects/"):
            return self.store(environ, respond)
        try:
            answer = self.route(environ, path, sent)
        except Rejected as rejected:
            answer = rejected.answer
        text = json.dumps(answer.content, indent=2, sort_keys=True).encode()
        headers = [
            ("content-type", "application/json; charset=utf-8"),
            ("x-api-version", "2026-04-01"),
            ("x-request-id", environ.get("HTTP_X_REQUEST_ID") or make_id()),
            *answer.headers,
        ]
        if "gzip" in environ.get("HTTP_ACCEPT_ENCODING", ""):
            text = gzip.compress(text, 1)
            headers += [("content-encoding", "gzip"), ("vary", "accept-encoding")]
        headers.append(("content-length", str(len(text))))
        respond(f"{answer.status} {HTTPStatus(answer.status).phrase}", headers)
        return [text]

    def route(self, environ: Environ, path: str, sent: bytes) -> Answer:
        """Return the answer of the right operation."""
        method = environ["REQUEST_METHOD"]
        if path == "/v1/generations" and method == "POST":
            return self.create(self.admit(environ), sent)
        found = re.fullmatch(r"/v1/generations/([^/]+)", path)
        if found and method == "GET":
            return self.poll(self.admit(environ), found[1], environ)
        raise Rejected(405 if found or path == "/v1/generations" else 404, "There is nothing like that here")

    def admit(self, environ: Environ) -> Key:
        """Return the key that asks."""
        words = environ.get("HTTP_AUTHORIZATION", "").split()
        if len(words) != 2 or words[0] != "Bearer" or not words[1].startswith("luma-api-"):
            raise Rejected(401, "Missing or invalid API key")
        key = next((key for key in KEYS if words[1] == f"luma-api-test-{key.end}"), None)
        if key is None:
            raise Rejected(401, "Invalid API key")
        if key.state in {"revoked", "expired"}:
            raise Rejected(401, f"API key has {'been ' if key.state == 'revoked' else ''}{key.state}")
        if key.state in {"suspended", "deactivated"} and environ["REQUEST_METHOD"] == "POST":
            raise Rejected(403, f"API client is {key.state}")
        return key

    def create(self, key: Key, sent: bytes) -> Answer:
        """Answer POST /v1/generations."""
        limits = self.count(key)
        if key.state == "poor":
            raise Rejected(402, "Insufficient balance. Please add funds to continue.")
        try:
            form = Form(json.loads(sent))
        except (ValueError, RecursionError):
            raise Rejected(400, "That is no JSON") from None
        validate(form)
        self.find(key, form)
        with self.lock:
            self.active[key] = [job for job in self.active.get(key, []) if job.state in {"queued", "processing"}]
            if len(self.active[key]) >= key.slots:
                raise Rejected(429, "Too many concurrent jobs", ("retry-after", "60"))
            job = Job(key, form, load(form))
            self.jobs[job.id] = job
            self.active[key].append(job)
        return Answer(201, self.show(job, ""), limits)

    def count(self, key: Key) -> tuple[tuple[str, str], ...]:
        """Return the headers about quota; raise if there is none left."""
        with self.lock:
            now = time.time()
            asked = self.asked[key] = [moment for moment in self.asked.get(key, []) if moment > now - 60]
            if full := len(asked) >= key.rpm:
                wait = ("retry-after", str(math.floor(asked[0] + 60 - now) + 1))
            else:
                asked.append(now)
            limits = (
                ("x-ratelimit-limit", str(key.rpm)),
                ("x-ratelimit-remaining", str(key.rpm - len(asked))),
                ("x-ratelimit-reset", str(math.ceil(asked[0] + 60))),
            )
        if full:
            raise Rejected(429, "Rate limit exceeded", wait, *limits)
        return limits

    def find(self, key: Key, form: Form) -> None:
        """Raise unless each generation that is named is there, done, and a picture or a film as it must be."""
        kind = "image" if form.type == "image_edit" else "video"
        for ref in (form.get("source"), form.start, form.end):
            job = self.jobs.get(ref["generation_id"].lower()) if ref and "generation_id" in ref else None
            if ref and "generation_id" in ref:
                fit = job and job.key is key and job.state == "completed" and job.type.startswith(kind)
                if not fit:
                    raise Rejected(400, "generation_id: no such generation")

    def poll(self, key: Key, name: str, environ: Environ) -> Answer:
        """Answer GET /v1/generations/{id}."""
        job = self.jobs.get(name.lower())
        if job is None or (job.key is not key and "see-all" not in FAULTY):
            raise Rejected(404, "Generation not found")
        return Answer(200, self.show(job, f"http://{environ['HTTP_HOST']}"))

    def show(self, job: Job, origin: str) -> dict[str, Any]:
        """Return a generation as it is told."""
        state, code, output = job.state, None, []
        if state == "failed":
            code = job.fate
        if state == "completed":
            what = "image" if job.type.startswith("image") else "video"
            query = (
                f"X-Amz-Expires=3600&X-Amz-Date={datetime.now(UTC):%Y%m%dT%H%M%SZ}&X-Amz-Signature={next(self.serial)}"
            )
            output = [{"type": what, "url": f"{origin}/objects/{job.id}/{what}?{query}"}]
        made = datetime.fromtimestamp(job.made, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        reason = REASONS.get(code, code.replace("_", " ").capitalize()) if code else None
        return {
            "id": job.id, "type": job.type, "state": state, "model": job.model, "created_at": made,
            "output": output, "failure_reason": reason, "failure_code": code,
        }  # fmt: skip

    def store(self, environ: Environ, respond: Callable[..., Any]) -> Iterable[bytes]:
        """Answer as the storage does, which asks for no key."""
        made = re.search(r"X-Amz-Date=(\d{8}T\d{6})Z", environ["QUERY_STRING"])
        moment = datetime.strptime(made[1] + "+0000", "%Y%m%dT%H%M%S%z").timestamp() if made else 0
        if time.time() - moment >= 3600:
            respond("403 Forbidden", [("content-length", "0")])
            return [b""]
        film = environ["PATH_INFO"].endswith("video")
        content = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" if film else b"\xff\xd8\xff\xd9"
        kind = "video/mp4" if film else "image/jpeg"
        respond("200 OK", [("content-type", kind), ("content-length", str(len(content)))])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [content]


class _Response(ServerHandler):
    http_version = "1.1"


class _Connection(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    rfile: Any

    def handle(self) -> None:
        self.close_connection = False
        while not self.close_connection:
            self.raw_requestline = self.rfile.readline(65537)
            if not self.raw_requestline or not self.parse_request():
                break
            response = _Response(
                self.rfile, cast("Any", self.wfile), self.get_stderr(), self.get_environ(), multithread=True
            )
            response.request_handler = self  # type: ignore[attr-defined]
            response.run(self.server.get_app())  # type: ignore[attr-defined]
            self.wfile.flush()

    def log_message(self, *arguments: Any) -> None:
        pass


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


@contextlib.contextmanager
def start(port: int = 0, fault: str = "") -> Iterator[tuple[str, str]]:
    """Yield the base URL of a new server, and its profile."""
    FAULTY.clear()
    FAULTY.add(fault)
    with _Server(("127.0.0.1", port), _Connection) as server:
        server.set_app(Application())
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", PROFILE
        finally:
            server.shutdown()
            thread.join()
