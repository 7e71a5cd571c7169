"""Every place a medium can stand in, and bodies whose medium at one place is wrong in one way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from luma_conformance.miniatures.breaks import Form, heavy_image, heavy_video
from luma_conformance.miniatures.controls import BY_URL, IMAGE, IMAGE_EDIT, REFRAME, VIDEO, VIDEO_EDIT, give, look
from luma_conformance.miniatures.miniature import Body
from luma_conformance.miniatures.pictures import encode, gif, jpeg, png


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place of a medium: its name, a body with a reference there, and the reference that stands there in a body."""

    name: str
    path: str
    body: Callable[[Body], Body]
    find: Callable[[Body], Body | None]


def _field(name: str, kind: str, control: Body, path: str) -> Place:
    def find(body: Body) -> Body | None:
        found = look(body, path) if body.get("type") == kind else None
        return found if isinstance(found, dict) else None

    return Place(name=name, path=path, body=lambda ref: give(control, **{path.replace(".", "__"): ref}), find=find)


def _entry(kind: str, control: Body, index: int, count: int) -> Place:
    """Return the place of one entry of `image_ref`, among legal ones."""

    def fill(ref: Body) -> Body:
        return give(control, image_ref=[BY_URL] * index + [ref] + [BY_URL] * (count - index - 1))

    def find(body: Body) -> Body | None:
        refs = body.get("image_ref") or []
        return refs[index] if body.get("type", "image") == kind and len(refs) > index else None

    return Place(name=f"{kind}-image_ref-{index}", path=f"image_ref[{index}]", body=fill, find=find)


SOURCE: Final = _field("source", "image_edit", IMAGE_EDIT, "source")
PLACES: Final = (
    SOURCE,
    *(_entry("image", IMAGE, index, 9) for index in (0, 1, 4, 8)),
    *(_entry("image_edit", IMAGE_EDIT, index, 8) for index in (0, 7)),
    _field("video-start_frame", "video", VIDEO, "video.start_frame"),
    _field("video-end_frame", "video", VIDEO, "video.end_frame"),
    _field("video_edit-start_frame", "video_edit", VIDEO_EDIT, "video.start_frame"),
)
"""Where an image is loaded."""


def _guide(index: int) -> Place:
    def fill(ref: Body) -> Body:
        frames = [BY_URL] * index + [ref]
        return give(VIDEO_EDIT, video__edit={"keyframes": frames, "keyframe_indexes": [*range(len(frames))]})

    def find(body: Body) -> Body | None:
        frames = look(body, "video.edit.keyframes") or []
        return frames[index] if len(frames) > index else None

    return Place(name=f"keyframes-{index}", path=f"video.edit.keyframes[{index}]", body=fill, find=find)


GUIDES: Final = (_guide(0), _guide(1))
"""Guide frames: of their form the page speaks, of how they load it does not."""
SOURCE_VIDEOS: Final = (
    _field("video_edit-source", "video_edit", VIDEO_EDIT, "source"),
    _field("video_reframe-source", "video_reframe", REFRAME, "source"),
)


def _url(name: str) -> Body:
    return {"url": f"https://media.test/{name}"}


def inline(raw: bytes, kind: str = "png") -> Body:
    """Return an inline image."""
    return {"data": encode(raw), "media_type": f"image/{kind}"}


_NOT_BASE64: Final = {"data": "not-valid-base64!!!", "media_type": "image/png"}
_BOTH: Final = {**BY_URL, "data": encode(png()), "media_type": "image/png"}

FAULTS: Final[tuple[tuple[str, str, Callable[[], Body]], ...]] = (
    ("reference-url-and-data", "typed", lambda: _BOTH),
    ("reference-data-untyped", "png", lambda: {"data": encode(png())}),
    ("base64-invalid", "letters", lambda: _NOT_BASE64),
    ("url-unreachable", "url", lambda: {"url": "https://unreachable.test/image.png"}),
    ("url-unreachable", "typed-url", lambda: {"url": "https://unreachable.test/a.png", "media_type": "image/png"}),
    ("url-http-error", "url", lambda: _url("missing.png")),
    ("url-not-an-image", "url", lambda: _url("document.pdf")),
    ("image-too-heavy", "url", lambda: _url("over-50-mb.png")),
    ("image-too-wide", "url", lambda: _url("9000x6000.png")),
    ("image-too-wide", "png-wide", lambda: inline(png(8001, 40))),
    ("image-too-wide", "png-high", lambda: inline(png(40, 8001))),
    ("image-too-wide", "png-both", lambda: inline(png(9000, 9001))),
    ("image-too-wide", "gif-wide", lambda: inline(gif(8001, 40), "gif")),
    ("image-too-wide", "jpeg-high", lambda: inline(jpeg(40, 8001), "jpeg")),
    ("proxy-down", "url", lambda: _url("proxy-down.png")),
    ("ingestion-off", "url", lambda: _url("ingestion-off.png")),
)
"""Each way a reference can be wrong: the rule, the name of the way, and the reference."""

FORM_RULES: Final = ("reference-url-and-data", "reference-data-untyped")


def media_forms() -> Iterator[Form]:
    """Yield a form of a rule for each wrong reference at each place where the page says what comes of it."""
    for rule, name, make in FAULTS:
        for place in (*PLACES, *(GUIDES if rule in FORM_RULES else ())):
            if rule == "ingestion-off" and place.path.startswith("video."):
                continue  # "503 — Service Unavailable" names no frame
            reference = make()
            yield Form(rule, f"{place.name}-{name}", place.body(reference), _same(place, reference))
    for place in SOURCE_VIDEOS:
        for rule, name, reference in (
            ("reference-url-and-data", "typed", {**_BOTH, "media_type": "video/mp4"}),
            ("base64-invalid", "letters", {**_NOT_BASE64, "media_type": "video/mp4"}),
            ("url-unreachable", "url", {"url": "https://unreachable.test/a.mp4", "media_type": "video/mp4"}),
            ("url-http-error", "url", {**_url("missing.png"), "media_type": "video/mp4"}),
            ("proxy-down", "url", {**_url("proxy-down.png"), "media_type": "video/mp4"}),
            ("ingestion-off", "url", {**_url("ingestion-off.png"), "media_type": "video/mp4"}),
        ):
            form = Form(rule, f"{place.name}-{name}", place.body(reference), _same(place, reference))
            yield form


def _same(place: Place, reference: Mapping[str, Any]) -> Callable[[Body], bool]:
    """Return whether the reference at a place has the members that the wrong one has, whatever their values."""
    wanted = set(reference)

    def has(body: Body) -> bool:
        found = place.find(body)
        return found is not None and set(found) == wanted

    return has


def heavy_forms() -> Iterator[tuple[str, str, Callable[[], Body]]]:
    """Yield the rule, the name and the body of each inline medium above 50 MB; each is 70 MB of base64."""
    for place in (SOURCE, PLACES[1], PLACES[4], PLACES[7]):
        yield "image-too-heavy", f"{place.name}-data", lambda place=place: place.body(heavy_image())
    for place in SOURCE_VIDEOS:
        yield "video-too-heavy", f"{place.name}-data", lambda place=place: place.body(heavy_video())
