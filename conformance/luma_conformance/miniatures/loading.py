"""Operators on the loading of media: what is counted, which of several is looked at, and where the text points."""

from __future__ import annotations

import binascii
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any, Final

from luma_conformance.miniatures.breaks import heavy_image, heavy_video
from luma_conformance.miniatures.controls import BY_URL, IMAGE, IMAGE_EDIT, VIDEO, VIDEO_EDIT, give
from luma_conformance.miniatures.legal import wide
from luma_conformance.miniatures.miniature import (
    ROOMY,
    Area,
    Asked,
    Body,
    Family,
    Make,
    Miniature,
    changing_answers,
    create,
    read_json,
    write_json,
)
from luma_conformance.miniatures.pictures import gif, jpeg, png
from luma_conformance.miniatures.places import FAULTS, inline
from luma_conformance.miniatures.tabled import BY_ID, by_table, refinding, without, witness_of
from luma_conformance.model import Clock, Request, Response
from luma_conformance.reference.media import Loader
from luma_conformance.reference.service import Service
from luma_conformance.rules import MediaFact, Prediction, predict
from luma_conformance.rules.rule import Fault, Find
from luma_conformance.rules.subject import Subject

_TEXTS: Final = Family(Area.TEXTS, "texts", "")
_MEDIA: Final = tuple(dict.fromkeys(rule for rule, _, _ in FAULTS))


def _area(name: str, says: str, rule: str, make: Make, body: Callable[[], Body], **more: Any) -> Miniature:
    return Miniature(
        name=f"media/{name}",
        says=says,
        heading=BY_ID[rule].heading,
        area=Area.MEDIA,
        make=make,
        witness=lambda: (create(body()),),
        **more,
    )


def _reference(rule: str) -> Body:
    return next(make() for one, _, make in FAULTS if one == rule)


def pointing_wrong() -> Iterator[Miniature]:
    """Yield services whose text names another place than the one that is wrong."""
    for rule in _MEDIA:
        if "{field}" not in (BY_ID[rule].detail or ""):
            continue
        rows: tuple[tuple[str, str, Callable[[str], str], Callable[[Body], Body]], ...] = (
            ("first", "always names the first reference", lambda path: "image_ref[0]" if path.startswith("image_ref") else path, _third),
            ("counted", "counts references from 1", lambda path: f"image_ref[{int(path[10:-1]) + 1}]" if path.startswith("image_ref") else path, _third),
            ("dotted", "writes image_ref.2", lambda path: path.replace("[", ".").replace("]", ""), _third),
            ("bare", "names image_ref without an index", lambda path: path.partition("[")[0], _third),
            ("body", "puts body. before the field", lambda path: f"body.{path}", _third),
            ("source", "calls the source source_image", lambda path: "source_image" if path == "source" else path, _at_source),
            ("source-index", "calls the source image_ref[0]", lambda path: "image_ref[0]" if path == "source" else path, _at_source),
        )  # fmt: skip
        for name, says, rename, place in rows:

            def find(right: Find, subject: Subject, rename: Callable[[str], str] = rename) -> Iterator[Fault]:
                for fault in right(subject):
                    renamed = [
                        {**one, "field": rename(str(one["field"]))} if one["field"] != "{field}" else one
                        for one in fault.values
                    ]
                    yield replace(fault, values=tuple(renamed))

            if rule == "url-not-an-image":
                continue  # its wording may vary
            yield _area(
                f"{rule}/names-{name}",
                f"For {rule} it {says}.",
                rule,
                refinding(rule, find),
                lambda rule=rule, place=place: place(_reference(rule)),
                touches=lambda asked, rule=rule: rule in asked.broken,
            )


def _third(reference: Body) -> Body:
    return give(IMAGE, image_ref=[BY_URL, BY_URL, reference])


def _at_source(reference: Body) -> Body:
    return give(IMAGE_EDIT, source=reference)


def looking_at_some() -> Iterator[Miniature]:
    """Yield services that look at some references only, or at none beside something else."""
    for rule in _MEDIA:
        rows: tuple[tuple[str, str, Callable[[str, Subject], bool], Callable[[Body], Body]], ...] = (
            ("first-only", "looks at the first reference only", lambda path, _: path.startswith("image_ref") and path != "image_ref[0]", _third),
            ("last-only", "looks at the last reference only", lambda path, s: path.startswith("image_ref") and path != f"image_ref[{len(s.image_ref or ()) - 1}]", lambda one: give(IMAGE, image_ref=[one, BY_URL])),
            ("single-only", "looks at a single reference only", lambda path, s: path.startswith("image_ref") and len(s.image_ref or ()) > 1, lambda one: give(IMAGE, image_ref=[one, BY_URL])),
            ("no-references", "does not look at image_ref", lambda path, _: path.startswith("image_ref"), lambda one: give(IMAGE, image_ref=[one])),
            ("no-source", "does not look at the source", lambda path, _: path == "source", _at_source),
            ("beside-source", "does not look at references beside a source", lambda path, s: path != "source" and s.source is not None, lambda one: give(IMAGE_EDIT, image_ref=[one])),
            ("beside-references", "does not look at the source beside references", lambda path, s: path == "source" and bool(s.image_ref), lambda one: give(IMAGE_EDIT, source=one, image_ref=[BY_URL])),
            ("no-frames", "does not look at frames", lambda path, _: path.startswith("video."), lambda one: give(VIDEO, video__start_frame=one)),
            ("no-end-frame", "does not look at the end frame beside a start frame", lambda path, s: path == "video.end_frame" and s.video.start_frame is not None, lambda one: give(VIDEO, video__start_frame=BY_URL, video__end_frame=one)),
            ("no-edit-frame", "does not look at the start frame of an edit", lambda path, s: path == "video.start_frame" and s.type == "video_edit", lambda one: give(VIDEO_EDIT, video__start_frame=one)),
        )  # fmt: skip
        for name, says, overlooks, place in rows:
            if rule == "ingestion-off" and "frame" in name:
                continue

            def find(
                right: Find, subject: Subject, overlooks: Callable[[str, Subject], bool] = overlooks
            ) -> Iterator[Fault]:
                yield from (fault for fault in right(subject) if not overlooks(fault.path, subject))

            yield _area(
                f"{rule}/{name}",
                f"For {rule} it {says}.",
                rule,
                refinding(rule, find),
                lambda rule=rule, place=place: place(_reference(rule)),
                touches=lambda asked, rule=rule: rule in asked.broken,
            )


class _Loading(Service):
    """A service whose loader is another one."""

    def change(self, reference: Any, fact: MediaFact) -> MediaFact:
        return fact

    def _predict(self, body: object, loader: Loader) -> Prediction:
        return predict(body, media=lambda reference: self.change(reference, loader(reference)))


def _loading(change: Callable[[Any, MediaFact], MediaFact]) -> Make:
    class Loading(_Loading):
        def change(self, reference: Any, fact: MediaFact) -> MediaFact:
            return change(reference, fact)

    def make(clock: Clock) -> Callable[[Request], Response]:
        return Loading(clock=clock, settings=ROOMY).handle

    return make


def _is_large(asked: Asked) -> bool:
    return len(asked.request.body) > 50_000_000


def _count_base64(reference: Any, fact: MediaFact) -> MediaFact:
    return fact if "data" not in reference or fact.bytes is None else replace(fact, bytes=len(reference["data"]))


def _count_nothing(reference: Any, fact: MediaFact) -> MediaFact:
    return replace(fact, bytes=1) if "data" in reference and fact.problem is None else fact


def counting_wrong() -> Iterator[Miniature]:
    """Yield services that count the bytes or the sides of media wrongly."""
    heavy, video = "image-too-heavy", "video-too-heavy"
    rows: tuple[tuple[str, str, str, Make, Callable[[], Body]], ...] = (
        (heavy, "encoded", "counts the bytes of base64, not those it stands for", _loading(_count_base64), lambda: give(IMAGE, image_ref=[inline(png(size=41_000_000))])),
        (heavy, "inline-never", "does not count the bytes of inline media", _loading(_count_nothing), lambda: give(IMAGE, image_ref=[heavy_image()])),
        (video, "200", "lets inline source videos have 200 MB", by_table(lambda _: without(video)), lambda: give(VIDEO_EDIT, source=heavy_video())),
    )  # fmt: skip
    for rule, name, says, make, body in rows:
        yield _area(f"{rule}/{name}", f"It {says}.", rule, make, body, touches=_is_large)
    yield from _by_format()
    yield from _by_encoding()
    yield _area(
        "image-too-wide/swapped",
        "Its text about a side that is too long has height and width in each other's place.",
        "image-too-wide",
        changing_answers(_swap_sides),
        lambda: give(IMAGE, image_ref=[inline(png(8001, 40))]),
        touches=lambda asked: "image-too-wide" in asked.broken,
    )


def _by_format() -> Iterator[Miniature]:
    pictures: dict[str, Callable[[int, int], bytes]] = {"png": png, "jpeg": jpeg, "gif": gif}
    for kind, make in pictures.items():
        for name, sides, width, height in (
            ("any", "both", 8001, 8001),
            ("width", "height", 8001, 40),
            ("height", "width", 40, 8001),
        ):

            def find(
                right: Find, subject: Subject, kind: str = kind, sides: str = sides, name: str = name
            ) -> Iterable[Fault]:
                rest = wide(8000, "both", lambda raw: raw.get("media_type") != f"image/{kind}")(right, subject)
                if name == "any":
                    return rest
                return (*rest, *wide(8000, sides, lambda raw: raw.get("media_type") == f"image/{kind}")(right, subject))

            yield _area(
                f"image-too-wide/{kind}-{name}",
                f"It does not look at the {'sides' if name == 'any' else name} of inline images that are {kind}s.",
                "image-too-wide",
                refinding("image-too-wide", find),
                lambda make=make, width=width, height=height, kind=kind: give(
                    IMAGE, image_ref=[inline(make(width, height), kind)]
                ),
                touches=lambda asked: "image-too-wide" in asked.broken,
            )


_PALETTE: Final = (
    "iVBORw0KGgoAAAANSUhEUgAAH0EAAAABAQMAAACGb2FnAAAAA1BMVEUAAACn"
    "ej3aAAAAEUlEQVR4nGNgGAWjYBQMfwAAA+oAAYPNSU8AAAAASUVORK5CYII="
)
"""A PNG of 8001x1 with a palette."""
_LOSSLESS: Final = "UklGRhoAAABXRUJQVlA4TA4AAAAvPwDQBwcQEf0PRET/Aw=="
"""A lossless WebP of 64x8001."""


def _decode(data: object) -> bytes:
    try:
        return binascii.a2b_base64(str(data or ""))
    except ValueError:
        return b""


def _by_encoding() -> Iterator[Miniature]:
    """Yield services that find no sides in a format's files of one encoding."""
    rows: tuple[tuple[str, str, Callable[[bytes], bool], Body], ...] = (
        ("jpeg-progressive", "progressive JPEGs", lambda raw: raw[:2] == b"\xff\xd8" and b"\xff\xc2" in raw, inline(jpeg(8001, 40).replace(b"\xff\xc0", b"\xff\xc2"), "jpeg")),
        ("png-palette", "PNGs with a palette", lambda raw: raw[1:4] == b"PNG" and raw[25:26] == b"\x03", {"data": _PALETTE, "media_type": "image/png"}),
        ("webp-lossless", "lossless WebPs", lambda raw: raw[12:16] == b"VP8L", {"data": _LOSSLESS, "media_type": "image/webp"}),
    )  # fmt: skip
    for name, says, has, reference in rows:

        def find(right: Find, subject: Subject, has: Callable[[bytes], bool] = has) -> Iterable[Fault]:
            return wide(8000, "both", lambda raw: not has(_decode(raw.get("data"))))(right, subject)

        yield _area(
            f"image-too-wide/{name}",
            f"It does not look at the sides of inline images that are {says}.",
            "image-too-wide",
            refinding("image-too-wide", find),
            lambda reference=reference: give(IMAGE, image_ref=[reference]),
            touches=lambda asked: "image-too-wide" in asked.broken,
        )


def _swap_sides(_: Request, response: Response) -> Response:
    detail = str(read_json(response.body).get("detail")) if response.status == 413 else ""
    before, found, after = detail.partition(" is ")
    sides, px, rest = after.partition("px")
    if not (found and px and "x" in sides):
        return response
    return replace(response, body=write_json({"detail": f"{before} is {'x'.join(reversed(sides.split('x')))}px{rest}"}))


def echoing_wrong() -> Iterator[Miniature]:
    """Yield services whose texts repeat something else than what was sent."""
    rows: tuple[tuple[str, str, str, Callable[[str], str], str, Body], ...] = (
        ("unknown-model", "lower", "in lower case", str.lower, "model", {"model": "Super-Model"}),
        ("unknown-model", "cut", "cut to 16 characters", lambda text: text[:16], "model", {"model": "super-model-with-a-long-name"}),
        ("unknown-model", "quoted", "in quotes", lambda text: f"'{text}'", "model", {"model": "super"}),
        ("unsupported-type", "model", "uni-1 whatever the model is", lambda _: "uni-1", "model", {**VIDEO, "type": "image"}),
        ("unsupported-type", "type", "the type image whatever it is", lambda _: "image", "type", {"type": "video"}),
        ("aspect-ratio-invalid", "dashed", "with a dash", lambda text: text.replace(":", "-"), "ratio", give(IMAGE, aspect_ratio="4:3")),
        ("aspect-ratio-invalid", "unspaced", "with a list without blanks", lambda text: text.replace(" ", ""), "valid", give(IMAGE, aspect_ratio="4:3")),
        ("aspect-ratio-invalid", "reversed", "with the list in reverse", lambda text: ", ".join(reversed(text.split(", "))), "valid", give(IMAGE, aspect_ratio="4:3")),
        ("aspect-ratio-invalid", "one-less", "with one ratio left out of the list", lambda text: text.rpartition(", ")[0], "valid", give(IMAGE, aspect_ratio="4:3")),
        ("manga-not-portrait", "square", "1:1 whatever the ratio is", lambda _: "1:1", "ratio", give(IMAGE, style="manga", aspect_ratio="16:9")),
        ("manga-not-portrait", "dashed", "with a dash", lambda text: text.replace(":", "-"), "ratio", give(IMAGE, style="manga", aspect_ratio="16:9")),
        ("url-http-error", "status", "with the status 400 whatever it was", lambda _: "400", "http_status", give(IMAGE, image_ref=[{"url": "https://media.test/missing.png"}])),
        ("image-too-wide", "rounded", "with sides rounded to hundreds", lambda text: str(round(int(text) / 100) * 100), "width", give(IMAGE, image_ref=[inline(png(8001, 40))])),
    )  # fmt: skip
    for rule, name, says, change, member, body in rows:

        def find(
            right: Find, subject: Subject, change: Callable[[str], str] = change, member: str = member
        ) -> Iterator[Fault]:
            for fault in right(subject):
                yield replace(fault, values=tuple({**one, member: change(str(one[member]))} for one in fault.values))

        yield _TEXTS.derive(
            f"{rule}/echo-{name}",
            f"Its text for {rule} says what was sent {says}.",
            refinding(rule, find),
            witness_of(body if "prompt" in body else {**IMAGE, **body}),
            heading=BY_ID[rule].heading,
            touches=lambda asked, rule=rule: rule in asked.broken,
        )


def loading_operators() -> Iterator[Miniature]:
    """Yield every service that is wrong about media, or about what its texts repeat."""
    yield from pointing_wrong()
    yield from looking_at_some()
    yield from counting_wrong()
    yield from echoing_wrong()
