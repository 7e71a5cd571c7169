"""How each rule about media is broken, and narrowly kept: every check at every place, in every form legal there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import cycle, islice
from typing import Any, Final

from luma_conformance.rules import facts
from luma_conformance.strategies.breaches import Breach, Listed, Ways, nothing
from luma_conformance.strategies.features import Patch, Reference, image_forms, mix_images, video_forms
from luma_conformance.strategies.material import VIDEO_TYPE, Material

_EVERY_FORM: Final = ("source", "image_ref[8] of 9", "video.start_frame")

Place = Callable[[Reference], Patch]
"""Puts a reference where it belongs, with what must stand beside it."""
Forms = Callable[[Material], Mapping[str, Reference]]


def _in_list(path: str, good: list[Reference], index: int, **beside: Any) -> Place:
    def put(reference: Reference) -> Patch:
        return {path: [*good[:index], reference, *good[index + 1 :]], **beside}

    return put


def _list_places(path: str, material: Material, most: int) -> Iterator[tuple[str, Place]]:
    yield f"{path}[0] of 1", _in_list(path, mix_images(material, 1), 0)
    for index in range(most):
        yield f"{path}[{index}] of {most}", _in_list(path, mix_images(material, most, index), index)


def _frame(name: str, **beside: Any) -> Place:
    return lambda reference: {f"video.{name}": reference, **beside}


def image_places(kind: str, material: Material) -> dict[str, Place]:
    """Return every place of an image in requests of a type, by name, the field of the API first."""
    good = next(iter(image_forms(material).values()))
    if kind == "image":
        return dict(_list_places("image_ref", material, facts.MAX_IMAGE_REFERENCES))
    if kind == "image_edit":
        own: Place = lambda reference: {"source": reference}  # noqa: E731
        return {"source": own, **dict(_list_places("image_ref", material, facts.MAX_EDIT_REFERENCES))}
    if kind == "video":
        return {
            "video.start_frame": _frame("start_frame"),
            "video.end_frame": _frame("end_frame"),
            "video.start_frame beside another": _frame("start_frame", **{"video.end_frame": good}),
            "video.end_frame beside another": _frame("end_frame", **{"video.start_frame": good}),
        }
    return {"video.start_frame": _frame("start_frame")} if kind == "video_edit" else {}


def guide_places(material: Material) -> dict[str, Place]:
    """Return places among the guide frames of an edit, where the page says nothing of what loading finds."""
    path, indexes = "video.edit.keyframes", "video.edit.keyframe_indexes"
    places = ((0, 1), (0, 5), (1, 3), (4, 5), (facts.MAX_KEYFRAMES - 1, facts.MAX_KEYFRAMES))
    return {
        f"{path}[{index}] of {count}": _in_list(path, mix_images(material, count), index, **{indexes: [*range(count)]})
        for index, count in places
    }


def _everywhere(forms: Forms, *, guides: bool = False) -> Listed:
    """Return the ways to have each form somewhere and something in each place; `guides`: among guide frames too."""

    def listed(kind: str, material: Material) -> Ways:
        places = image_places(kind, material)
        if guides and kind == "video_edit":
            places |= guide_places(material)
        return _meet(places, forms(material))

    return listed


def _meet(places: Mapping[str, Place], forms: Mapping[str, Reference]) -> Ways:
    """Return ways with every place, and in some places every form; elsewhere the forms take turns."""
    named, ways = [*forms.items()], dict[str, Patch]()
    for number, (where, place) in enumerate(places.items()):
        turn = number % max(len(named), 1)
        for form, reference in named if where in _EVERY_FORM else named[turn : turn + 1]:
            ways[f"{where}, {form}"] = place(reference)
    return ways


def _hosted(*roles: str) -> Forms:
    """Return the forms of media that do not load, by the roles of their URLs: with and without a media type."""

    def forms(material: Material) -> Mapping[str, Reference]:
        found: dict[str, Reference] = {}
        for role in roles:
            if (url := material.trouble.get(role)) is not None:
                found[f"by URL ({role})"] = {"url": url}
                found[f"by URL ({role}) with a media type"] = {"url": url, "media_type": "image/png"}
        return found

    return forms


def _also(one: Forms, other: Forms) -> Forms:
    return lambda material: {**one(material), **other(material)}


def _pictures(*, over: bool) -> Forms:
    """Return pictures with a side just over the limit, or none, in each format."""

    def forms(material: Material) -> Mapping[str, Reference]:
        return {
            f"inline {one.media_type}{f' ({one.encoding})' * bool(one.encoding)} of {one.width}x{one.height}": {
                "data": one.data,
                "media_type": one.media_type,
            }
            for one in material.pictures
            if (max(one.width, one.height) > facts.MAX_SIDE) == over
        }

    return forms


def _spoilt_data(material: Material) -> Mapping[str, Reference]:
    made_up = ("not-valid-base64!!!", "....", "%%%%", "💾💾")
    forms: dict[str, Reference] = {}
    long = {one.media_type: one.data for one in material.pictures if one.media_type in ("image/jpeg", "image/webp")}
    for number, (media_type, short) in enumerate(material.images):
        data = long.get(media_type, short)  # a fault far inside is one too
        how, text = (("spoilt at its end", f"{data}!"), ("spoilt inside", _spoil_inside(data)))[number % 2]
        forms[f"inline {media_type} {how}"] = {"data": text, "media_type": media_type}
        if number % 2:
            forms[f"inline {media_type} made up"] = {"data": made_up[number % 4], "media_type": media_type}
    return forms


def _spoil_inside(data: str) -> str:
    return f"{data[: len(data) // 2]}#{data[len(data) // 2 + 1 :]}"


def _untyped(material: Material) -> Mapping[str, Reference]:
    return {f"inline {media_type}, undeclared": {"data": data} for media_type, data in material.images}


def _doubled(material: Material) -> Mapping[str, Reference]:
    url = material.image_url or "https://example.com/image.png"
    return {
        f"by URL and inline {media_type}": {"url": url, "data": data, "media_type": media_type}
        for media_type, data in material.images
    }


def _doubled_untyped(material: Material) -> Mapping[str, Reference]:
    return {
        f"{name}, undeclared": {member: one[member] for member in ("url", "data")}
        for name, one in [*_doubled(material).items()][:1]
    }


def _full(kind: str, material: Material) -> Ways:
    if kind != "image_edit" or material.full_image is None:
        return {}
    return {"source, inline image/png of 52,428,800 bytes": {
        "source": {"data": material.full_image(), "media_type": "image/png"}
    }}  # fmt: skip


def _source_videos(*roles: str) -> Listed:
    """Return the ways to have as the source of an edit a hosted video that does not load."""

    def listed(kind: str, material: Material) -> Ways:
        if kind not in ("video_edit", "video_reframe"):
            return {}
        urls = {role: material.trouble[role] for role in roles if role in material.trouble}
        types = (VIDEO_TYPE, "video/quicktime")
        return {
            f"source, by URL ({role}) as {media_type}": {"source": {"url": url, "media_type": media_type}}
            for role, url in urls.items()
            for media_type in types
        }

    return listed


def _spoilt_videos(kind: str, _: Material) -> Ways:
    if kind not in ("video_edit", "video_reframe"):
        return {}
    return {
        f"source, inline {media_type} spoilt": {"source": {"data": data, "media_type": media_type}}
        for media_type, data in ((VIDEO_TYPE, "not-valid-base64!!!"), ("video/webm", "AAAA#AAA"))
    }


def _join(*listed: Listed) -> Listed:
    return lambda kind, material: {name: way for one in listed for name, way in one(kind, material).items()}


def _all_good(forms: Forms, step: int = 1) -> Listed:
    """Return the ways to have media that load at all places at once, the forms taking turns at each place."""

    def listed(kind: str, material: Material) -> Ways:
        named, ways = [*forms(material).items()], dict[str, Patch]()
        for turn in range(0, len(named), step):
            turned = [reference for _, reference in (*named[turn:], *named[:turn])]
            for where, patch in _fill(kind, turned):
                ways[f"{where}, {named[turn][0]} first"] = patch
        return ways

    return listed


def _fill(kind: str, references: Sequence[Reference]) -> Iterator[tuple[str, Patch]]:
    """Yield the requests of a type with references at all places, these in turn."""
    most = facts.MAX_IMAGE_REFERENCES if kind == "image" else facts.MAX_EDIT_REFERENCES
    first, *rest = [*islice(cycle(references), most + 1)]
    if kind == "image":
        yield f"image_ref of {most}", {"image_ref": [first, *rest[:-1]]}
    elif kind == "image_edit":
        yield f"source and image_ref of {most}", {"source": first, "image_ref": rest}
    elif kind == "video":
        yield "both frames", {"video.start_frame": first, "video.end_frame": rest[0]}
    elif kind == "video_edit":
        yield "video.start_frame", {"video.start_frame": first}


def _good(kind: str, material: Material) -> Ways:
    """Return the ways to have a medium that loads at each place."""
    prior, ways = material.completed_image, dict(_all_good(image_forms)(kind, material))
    if kind == "image_edit" and prior is not None:
        ways["source, by generation"] = {"source": {"generation_id": prior}}
    if kind in ("video_edit", "video_reframe"):
        ways |= {f"source, {name}": {"source": one} for name, one in video_forms(material).items()}
    return ways


def _doubled_videos(kind: str, material: Material) -> Ways:
    if kind not in ("video_edit", "video_reframe") or material.video_url is None:
        return {}
    both = {"url": material.video_url, "data": "AAAAGGZ0eXBpc29tAAACAGlzb21tcDQy", "media_type": VIDEO_TYPE}
    return {"source, by URL and inline video/mp4": {"source": both}}


def _make_breaches() -> Iterator[Breach]:
    kept: Mapping[str, Listed] = {"url-unreachable": _good}
    for rule, roles in _FETCHED.items():
        broken = _join(_everywhere(_hosted(*roles)), _source_videos(*roles))
        yield Breach(rule=rule, kinds=facts.TYPES, broken=broken, kept=kept.get(rule, nothing))
    yield Breach(
        rule="image-too-heavy",
        kinds=_IMAGES,
        broken=_everywhere(_hosted("oversized-url")),  # inline above 50 MB the catalogue has
        large_kept=_full,
    )
    yield Breach(
        rule="image-too-wide",
        kinds=_IMAGES,
        broken=_everywhere(_also(_hosted("oversized-pixels-url", "tall-pixels-url"), _pictures(over=True))),
        kept=_all_good(_pictures(over=False), step=2),
    )
    yield Breach(rule="video-too-heavy", kinds=(), broken=nothing)  # 70 MB each: near misses and the catalogue have it
    yield Breach(rule="base64-invalid", kinds=facts.TYPES, broken=_join(_everywhere(_spoilt_data), _spoilt_videos))
    yield Breach(
        rule="reference-url-and-data",
        kinds=facts.TYPES,
        broken=_join(_everywhere(_doubled, guides=True), _everywhere(_doubled_untyped), _doubled_videos),
    )
    yield Breach(
        rule="reference-data-untyped",
        kinds=_IMAGES,
        broken=_everywhere(_untyped, guides=True),
        kept=_guided,
    )


def _guided(kind: str, material: Material) -> Ways:
    """Return the ways to have each form of an image among guide frames."""
    return _meet(guide_places(material), image_forms(material)) if kind == "video_edit" else {}


_IMAGES: Final = ("image", "image_edit", "video", "video_edit")
_FETCHED: Final[Mapping[str, tuple[str, ...]]] = {
    "url-unreachable": ("unreachable-url",),
    "url-http-error": ("missing-url", "forbidden-url", "failing-url"),
    "url-not-an-image": ("pdf-url",),
    "proxy-down": ("proxy-down-url",),
    "ingestion-off": ("ingestion-off-url",),
}

MEDIA_BREACHES: Final = {breach.rule: breach for breach in _make_breaches()}
"""The rules about media, by id."""
