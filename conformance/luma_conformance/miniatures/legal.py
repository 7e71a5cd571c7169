"""Operators on what is legal: services that refuse a request the page lets pass, and limits that are off by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from luma_conformance.miniatures.answers import UNSAID
from luma_conformance.miniatures.breaks import POSITION, guided
from luma_conformance.miniatures.contexts import CONTEXTS
from luma_conformance.miniatures.controls import (
    BY_DATA,
    BY_URL,
    CONTROLS,
    HOSTED_VIDEO,
    IMAGE,
    IMAGE_EDIT,
    INLINE_VIDEO,
    PRIOR_IMAGE,
    PRIOR_VIDEO,
    REFRAME,
    VIDEO_EDIT,
    give,
    look,
)
from luma_conformance.miniatures.miniature import (
    Area,
    Asked,
    Body,
    Draft,
    Family,
    Make,
    Miniature,
    changing_answers,
    create,
    read_json,
    write_json,
)
from luma_conformance.miniatures.pictures import gif, jpeg, png
from luma_conformance.miniatures.places import PLACES, inline
from luma_conformance.miniatures.tabled import BY_ID, refinding, witness_of
from luma_conformance.model import GENERATIONS_PATH, Request, Response
from luma_conformance.rules import facts
from luma_conformance.rules.rule import Fault, Find
from luma_conformance.rules.subject import Subject

_LEGAL: Final = Family(Area.LEGAL, "legal", "201 — Created (success)")
_BOUNDARIES: Final = Family(Area.BOUNDARIES, "boundaries", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """A legal request: its name, its body, and whether another body is alike in what the name says."""

    name: str
    body: Body
    has: Callable[[Body], bool]


def _with(kind: str, path: str, value: Any, name: str = "") -> Allowed:
    shown = name or f"{kind}-{path.removeprefix('video.')}-{value}".replace(":", "-").lower()
    body = give(CONTROLS[kind], **{path.replace(".", "__"): value})
    return Allowed(name=shown, body=body, has=_alike(kind, path, value))


def _alike(kind: str, path: str, value: Any) -> Callable[[Body], bool]:
    return lambda body: body.get("type", "image") == kind and _is_like(look(body, path), value)


def _is_like(found: object, value: object) -> bool:
    """Return whether a value is alike: an object by its members, anything else by its value."""
    if isinstance(value, dict) and isinstance(found, dict):
        return set(found) == set(value)
    return found == value


def _of(kind: str, name: str, body: Body, has: Callable[[Body], bool]) -> Allowed:
    return Allowed(name=f"{kind}-{name}", body=body, has=lambda seen: seen.get("type", "image") == kind and has(seen))


def _values() -> Iterator[Allowed]:
    for kind, ratios in facts.RATIOS.items():
        for ratio in ratios:
            yield _with(kind, "aspect_ratio", ratio)
    for kind in facts.IMAGE_TYPES:
        for one in facts.OUTPUT_FORMATS:
            yield _with(kind, "output_format", one)
        yield _with(kind, "web_search", True)  # noqa: FBT003
        yield _with(kind, "model", "uni-1-max")
        yield _with(kind, "model", "uni-1")
    yield _with("image", "type", "image")
    yield _with("image", "style", "manga")
    for ratio in facts.PORTRAIT_RATIOS:
        body = give(IMAGE, style="manga", aspect_ratio=ratio)
        yield _of("image", f"manga-{ratio.replace(':', '-')}", body, _both("style", "manga", "aspect_ratio", ratio))
    for resolution in facts.RESOLUTIONS:
        for kind in facts.VIDEO_TYPES:
            yield _with(kind, "video.resolution", resolution)
    for duration in facts.DURATIONS:
        yield _with("video", "video.duration", duration)
    for kind in ("video", "video_edit"):
        yield _with(kind, "video.hdr", True)  # noqa: FBT003


def _edit_values() -> Iterator[Allowed]:
    for strength in facts.STRENGTHS:
        yield _with("video_edit", "video.edit.strength", strength)
    for flag in (True, False):
        yield _with("video_edit", "video.edit.auto_controls", flag)
    for signal, more in _SIGNALS.items():
        yield _with("video_edit", "video.edit.controls", {signal: {"enabled": True, **more}}, f"video_edit-{signal}")
    yield _with("video", "video.loop", True)  # noqa: FBT003
    yield _with("video_reframe", "video.source_position", POSITION, "video_reframe-source_position")


_SIGNALS: Final[dict[str, Body]] = {
    "depth": {"blur": 0.5}, "face": {}, "normals": {"augmentation": 1}, "pose": {"strength": "coarse"},
    "trajectory": {"sparsity": 0},
}  # fmt: skip


def _both(one: str, value: object, other: str, second: object) -> Callable[[Body], bool]:
    return lambda body: _is_like(look(body, one), value) and _is_like(look(body, other), second)


def _pairs() -> Iterator[Allowed]:
    rows: tuple[tuple[str, str, Body, str, object, str, object], ...] = (
        ("video", "hdr-exr", {"hdr": True, "exr_export": True}, "video.hdr", True, "video.exr_export", True),
        ("video", "hdr-1080p", {"hdr": True, "resolution": "1080p"}, "video.hdr", True, "video.resolution", "1080p"),
        ("video", "hdr-5s", {"hdr": True, "duration": "5s"}, "video.hdr", True, "video.duration", "5s"),
        ("video", "loop-5s", {"loop": True, "duration": "5s"}, "video.loop", True, "video.duration", "5s"),
        ("video", "loop-start_frame", {"loop": True, "start_frame": BY_URL}, "video.loop", True, "video.start_frame", BY_URL),
        ("video", "loop-forward", {"loop": True, "start_frame": PRIOR_VIDEO}, "video.loop", True, "video.start_frame", PRIOR_VIDEO),
        ("video", "two-frames", {"start_frame": BY_URL, "end_frame": BY_URL}, "video.start_frame", BY_URL, "video.end_frame", BY_URL),
        ("video", "10s-540p", {"duration": "10s", "resolution": "540p"}, "video.duration", "10s", "video.resolution", "540p"),
        ("video", "end-1080p", {"end_frame": BY_URL, "resolution": "1080p"}, "video.end_frame", BY_URL, "video.resolution", "1080p"),
        ("video_edit", "hdr-exr", {"hdr": True, "exr_export": True}, "video.hdr", True, "video.exr_export", True),
    )  # fmt: skip
    for kind, name, video, one, value, other, second in rows:
        yield _of(kind, name, give(CONTROLS[kind], video=video), _both(one, value, other, second))
    for ratio in facts.VIDEO_RATIOS:
        for resolution in facts.RESOLUTIONS:
            if resolution == "1080p" and ratio in facts.VERTICAL_REFRAME_RATIOS:
                continue
            body = give(REFRAME, aspect_ratio=ratio, video__resolution=resolution)
            name = f"{ratio.replace(':', '-')}-{resolution}"
            yield _of("video_reframe", name, body, _both("aspect_ratio", ratio, "video.resolution", resolution))
    edit = {"strength": "flex_1", "controls": {"face": {"enabled": True}}}
    both = _both("video.edit.strength", "flex_1", "video.edit.controls", edit["controls"])
    yield _of("video_edit", "strength-controls", give(VIDEO_EDIT, video__edit=edit), both)


def _media() -> Iterator[Allowed]:
    for place in PLACES:
        for name, reference in (
            ("url", BY_URL),
            ("typed-url", {**BY_URL, "media_type": "image/png"}),
            ("png", inline(png())),
            ("jpeg", inline(jpeg(), "jpeg")),
            ("gif", inline(gif(), "gif")),
        ):
            yield Allowed(
                name=f"{place.name}-{name}",
                body=place.body(reference),
                has=lambda body, place=place, wanted=reference: _same_kind(place.find(body), wanted),
            )
    for kind in ("video_edit", "video_reframe"):
        for name, source in (("generation", PRIOR_VIDEO), ("url", HOSTED_VIDEO), ("data", INLINE_VIDEO)):
            yield _with(kind, "source", source, f"{kind}-source-{name}")
    yield _with("image_edit", "source", PRIOR_IMAGE, "image_edit-source-generation")
    for name in ("start_frame", "end_frame"):
        yield _with("video", f"video.{name}", PRIOR_VIDEO, f"extend-{name}")


def _same_kind(found: Body | None, wanted: Body) -> bool:
    return found is not None and set(found) == set(wanted) and found.get("media_type") == wanted.get("media_type")


def _limits() -> Iterator[Allowed]:
    for kind in CONTROLS:
        for length in (1, 6000):
            body = give(CONTROLS[kind], prompt="p" * length)
            yield _of(kind, f"prompt-of-{length}", body, lambda b, n=length: len(b.get("prompt", "")) == n)
    for count in (1, 2, 8, 9):
        body = give(IMAGE, image_ref=[BY_URL] * count)
        yield _of("image", f"{count}-references", body, lambda b, n=count: len(b.get("image_ref") or ()) == n)
    for count in (1, 8):
        body = give(IMAGE_EDIT, image_ref=[BY_DATA] * count)
        yield _of("image_edit", f"{count}-references", body, lambda b, n=count: len(b.get("image_ref") or ()) == n)
    for name, indexes in (("zero", [0]), ("descending", [9, 4, 0]), ("last", [119]), ("sixty-four", [*range(64)])):
        yield _of("video_edit", f"indexes-{name}", guided(indexes), lambda body, indexes=indexes: _like(look(body, "video.edit.keyframe_indexes") or [], indexes))  # fmt: skip


def _like(found: list[int], wanted: list[int]) -> bool:
    if len(wanted) == 64:
        return len(found) == 64
    if len(wanted) == 1:
        return wanted[0] in found
    return len(found) > 1 and found == sorted(found, reverse=True)


def _kept() -> tuple[Allowed, ...]:
    return (*_values(), *_edit_values(), *_pairs(), *_media(), *_limits())


def refused_requests() -> Iterator[Miniature]:
    """Yield a service for each legal request that refuses it, and what is like it."""
    for allowed in _kept():
        yield _LEGAL.derive(
            f"{allowed.name}",
            f"It refuses the legal request {allowed.name}.",
            refusing(lambda asked, allowed=allowed: allowed.has(asked.body)),
            witness_of(allowed.body),
            touches=lambda asked, allowed=allowed: asked.answer.status == 201 and allowed.has(asked.body),
        )


def refused_contexts() -> Iterator[Miniature]:
    """Yield a service for each context of each type that refuses legal requests there."""
    for context in CONTEXTS:
        for kind, control in CONTROLS.items():
            inside, outside = context.add(Draft(body=control)), context.drop(Draft(body=control))
            seen = [Asked(request=one.write(), body=one.body) for one in (inside, outside)]
            if not context.holds(seen[0]) or context.holds(seen[1]) or not _is_accepted(inside.body):
                continue
            if context.name == "other-key" and "generation_id" in str(control):
                continue  # what another client refers to is not its own
            yield _LEGAL.derive(
                f"{kind}/{context.name}",
                f"It refuses legal requests of type {kind} {context.words}.",
                refusing(lambda asked, kind=kind, holds=context.holds: _is(asked, kind) and holds(asked)),
                lambda inside=inside: (inside.write(),),
                touches=lambda asked, kind=kind, holds=context.holds: (
                    asked.answer.status == 201 and _is(asked, kind) and holds(asked)
                ),
                equivalent=UNSAID if context.name == "long-request-id" else None,
            )


def _is(asked: Asked, kind: str) -> bool:
    return bool(asked.body.get("type", "image") == kind)


def _is_accepted(body: Body) -> bool:
    from luma_conformance.reference.media import media_facts
    from luma_conformance.rules import Accepted, predict

    return isinstance(predict(body, media=media_facts), Accepted)


def refusing(where: Callable[[Asked], bool]) -> Make:
    """Return what makes a service that refuses some of the requests it should accept."""

    def changed(request: Request, response: Response) -> Response:
        if response.status != 201 or request.url.partition("?")[0] != GENERATIONS_PATH:
            return response
        if not where(Asked(request=request, body=read_json(request.body))):
            return response
        kept = tuple(one for one in response.headers if not one[0].startswith("X-RateLimit"))
        return replace(response, status=400, headers=kept, body=write_json({"detail": "Request is not supported"}))

    return changing_answers(changed)


def _too_long(limit: int) -> Callable[[Find, Subject], Iterable[Fault]]:
    return lambda _, subject: [Fault(path="prompt")] if len(subject.prompt) > limit else []


def _too_many(limit: int) -> Callable[[Find, Subject], Iterable[Fault]]:
    def find(_: Find, subject: Subject) -> Iterable[Fault]:
        return (
            [Fault(path="image_ref")] if subject.type == "image_edit" and len(subject.image_ref or ()) > limit else []
        )

    return find


def _below(limit: int) -> Callable[[Find, Subject], Iterable[Fault]]:
    def find(_: Find, subject: Subject) -> Iterable[Fault]:
        edit = subject.video.edit
        indexes = () if edit is None else edit.keyframe_indexes or ()
        return [Fault(path="video.edit.keyframe_indexes")] if any(index < limit for index in indexes) else []

    return find


def wide(
    limit: int, sides: str = "both", where: Callable[[Body], bool] = lambda _: True
) -> Callable[[Find, Subject], Iterable[Fault]]:
    """Return a finder of sides over a limit that looks at one side only, or at some media only."""

    def find(_: Find, subject: Subject) -> Iterable[Fault]:
        for load in (*subject.loads, *subject.unwanted):
            width, height = load.fact.width or 0, load.fact.height or 0
            seen = {"both": max(width, height), "width": width, "height": height, "neither": min(width, height)}[sides]
            is_video = subject.edits_video and load.reference.path == "source"
            if load.fact.problem is None and not is_video and seen > limit and where(load.reference.raw):
                values = {"field": load.reference.named, "width": width, "height": height}
                yield Fault(path=load.reference.path, values=(values,))

    return find


def _heavy(limit: int) -> Callable[[Find, Subject], Iterable[Fault]]:
    def find(_: Find, subject: Subject) -> Iterable[Fault]:
        for load in (*subject.loads, *subject.unwanted):
            is_video = subject.edits_video and load.reference.path == "source"
            if load.fact.problem is None and not is_video and (load.fact.bytes or 0) > limit:
                yield Fault(path=load.reference.path, values=({"field": load.reference.named},))

    return find


def off_by_one() -> Iterator[Miniature]:
    """Yield services whose limits are off by one, in either direction, or look at part of what is limited."""
    fifty = facts.MAX_IMAGE_BYTES
    rows: tuple[tuple[str, str, str, Callable[[Find, Subject], Iterable[Fault]], Body], ...] = (
        ("prompt-too-long", "5999", "allows prompts of 5999 characters at most", _too_long(5999), {"prompt": "p" * 6000}),
        ("prompt-too-long", "6001", "allows prompts of 6001 characters", _too_long(6001), {"prompt": "p" * 6001}),
        ("prompt-too-long", "6100", "allows prompts of 6100 characters", _too_long(6100), {"prompt": "p" * 6100}),
        ("prompt-too-long", "8192", "allows prompts of 8192 characters", _too_long(8192), {"prompt": "p" * 6001}),
        ("edit-references-too-many", "7", "allows seven references on an edit", _too_many(7), give(IMAGE_EDIT, image_ref=[BY_URL] * 8)),
        ("edit-references-too-many", "9", "allows nine references on an edit", _too_many(9), give(IMAGE_EDIT, image_ref=[BY_URL] * 9)),
        ("keyframe-index-negative", "0", "refuses the index 0", _below(1), guided([0])),
        ("keyframe-index-negative", "minus-1", "allows the index -1", _below(-1), guided([-1])),
        ("image-too-wide", "7999", "allows sides of 7999 pixels at most", wide(7999), _image(png(8000, 20))),
        ("image-too-wide", "8001", "allows sides of 8001 pixels", wide(8001), _image(png(8001, 20))),
        ("image-too-wide", "8192", "allows sides of 8192 pixels", wide(8192), _image(png(8192, 20))),
        ("image-too-wide", "width", "looks at widths only", wide(8000, "width"), _image(png(20, 8001))),
        ("image-too-wide", "height", "looks at heights only", wide(8000, "height"), _image(png(8001, 20))),
        ("image-too-wide", "both", "refuses only what is too wide and too high", wide(8000, "neither"), _image(png(8001, 20))),
        ("image-too-heavy", "one-more", "allows one byte more than 50 MB", _heavy(fifty + 1), _hosted("over-50-mb.png")),
        ("image-too-heavy", "decimal", "takes 50 MB for fifty million bytes", _heavy(50_000_000), {}),
        ("image-too-heavy", "one-less", "refuses an image of exactly 50 MB", _heavy(fifty - 1), {}),
    )  # fmt: skip
    exact = {"decimal": 51_000_000, "one-less": fifty}
    for rule, name, says, find, body in rows:
        size = exact.get(name)
        yield _BOUNDARIES.derive(
            f"{rule}/{name}",
            f"It {says}.",
            refinding(rule, find),
            witness_of(body) if size is None else (lambda size=size: (create(_image(png(size=size))),)),
            heading=BY_ID[rule].heading,
            touches=_is_heavy if rule == "image-too-heavy" else None,
        )


def _is_heavy(asked: Asked) -> bool:
    return len(asked.request.body) > 60_000_000 or b"over-50" in asked.request.body[:10_000]


def _image(raw: bytes) -> Body:
    return give(IMAGE, image_ref=[inline(raw)])


def _hosted(name: str) -> Body:
    return give(IMAGE, image_ref=[{"url": f"https://media.test/{name}"}])
