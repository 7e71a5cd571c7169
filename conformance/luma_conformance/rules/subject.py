"""A request body as the rules see it: each field read once, defaults filled in, media looked up.

Nothing is judged here; the body has passed `shape.find_misfit`. The values are named tuples: a run reads some twenty
thousand bodies, and a frozen dataclass takes three times as long to make.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from luma_conformance.rules import facts
from luma_conformance.rules.media import Kind, MediaFact, MediaLookup

OPEN_FIELD: Final = "{field}"
"""Stands for a prefix the page does not fix: it prints one for `source` and `image_ref[i]`, but for no frame."""


class Reference(NamedTuple):
    """One media reference of the body; `named` is its name in the page's texts."""

    path: str
    named: str
    raw: Mapping[str, Any]
    url: str | None
    data: str | None
    media_type: str | None
    generation_id: str | None


class Edit(NamedTuple):
    """The `video.edit` block; None means absent."""

    given: Mapping[str, Any]
    auto_controls: bool | None
    controls: Mapping[str, Any] | None
    strength: str | None
    keyframes: tuple[Reference, ...] | None
    keyframe_indexes: tuple[int, ...] | None


class Video(NamedTuple):
    """The `video` block; None means absent."""

    resolution: str | None = None
    duration: str | None = None
    loop: bool | None = None
    hdr: bool | None = None
    exr_export: bool | None = None
    start_frame: Reference | None = None
    end_frame: Reference | None = None
    source_position: bool = False
    edit: Edit | None = None
    frames: tuple[Reference, ...] = ()

    @property
    def generation_frames(self) -> tuple[Reference, ...]:
        """The frames that refer to a prior generation by its id."""
        return tuple(frame for frame in self.frames if frame.generation_id is not None)


class Load(NamedTuple):
    """A media reference and the result of loading it."""

    reference: Reference
    fact: MediaFact


class Subject(NamedTuple):
    """A request body that has been read.

    `references` are all its media references, `loads` those a server loads if nothing else is wrong, and `unwanted` the
    URLs it may fetch before it finds that their field does not apply, or that there are too many. Of both, `failed` has
    those that do not load, and `transferred` those that do; a generation id transfers no bytes.
    """

    prompt: str
    model: str
    type: str
    aspect_ratio: str | None
    manga: bool
    web_search: bool
    output_format: str | None
    source: Reference | None
    image_ref: tuple[Reference, ...] | None
    video_given: bool
    video: Video
    references: tuple[Reference, ...]
    loads: tuple[Load, ...]
    unwanted: tuple[Load, ...]
    failed: tuple[Load, ...]
    transferred: tuple[Load, ...]

    @property
    def edits_video(self) -> bool:
        """Whether the type takes a source video."""
        return self.type in _TAKES_SOURCE_VIDEO

    def kind_at(self, ref: Reference) -> Kind | None:
        """Return what a reference has to be in its place; None where no kind is right, or the page names none."""
        if ref.path == "source":
            return Kind.VIDEO if self.edits_video else Kind.IMAGE if self.type == "image_edit" else None
        if ref.generation_id is not None:
            return Kind.VIDEO if self.type == "video" and ref in self.video.frames else None
        return Kind.IMAGE


_TAKES_SOURCE_VIDEO: Final = ("video_edit", "video_reframe")
_NO_VIDEO: Final = Video()


def read_body(body: Mapping[str, Any], media: MediaLookup) -> Subject:
    """Return a body of the right shape as a Subject; `media` is called for each reference a server may load."""
    kind = body.get("type", facts.DEFAULT_TYPE)
    source = _optional(body.get("source"), "source", "source")
    refs = body.get("image_ref")
    image_ref = None if refs is None else _numbered(refs, "image_ref", named=True)
    block = body.get("video")
    video = _NO_VIDEO if block is None else _read_video(block)
    references = _all_references(source, image_ref, video)
    loads: list[Load] = []
    unwanted: list[Load] = []
    for ref in references:
        if _has_form(ref, kind):
            wanted = ref.url is None or _applies(ref, kind, image_ref)
            (loads if wanted else unwanted).append(Load(ref, media(ref.raw)))
    both = (*loads, *unwanted)
    return Subject(
        prompt=body["prompt"],
        model=body.get("model", facts.DEFAULT_MODEL),
        type=kind,
        aspect_ratio=body.get("aspect_ratio"),
        manga=body.get("style") == "manga",
        web_search=body.get("web_search", False),
        output_format=body.get("output_format"),
        source=source,
        image_ref=image_ref,
        video_given=block is not None,
        video=video,
        references=references,
        loads=tuple(loads),
        unwanted=tuple(unwanted),
        failed=tuple([load for load in both if load.fact.problem is not None]),
        transferred=tuple([one for one in both if one.fact.problem is None and one.reference.generation_id is None]),
    )


def _read_video(block: Mapping[str, Any]) -> Video:
    start = _optional(block.get("start_frame"), "video.start_frame", OPEN_FIELD)
    end = _optional(block.get("end_frame"), "video.end_frame", OPEN_FIELD)
    edit = block.get("edit")
    return Video(
        resolution=block.get("resolution"),
        duration=block.get("duration"),
        loop=block.get("loop"),
        hdr=block.get("hdr"),
        exr_export=block.get("exr_export"),
        start_frame=start,
        end_frame=end,
        source_position="source_position" in block,
        edit=None if edit is None else _read_edit(edit),
        frames=tuple(frame for frame in (start, end) if frame is not None),
    )


def _read_edit(block: Mapping[str, Any]) -> Edit:
    keyframes, indexes = block.get("keyframes"), block.get("keyframe_indexes")
    return Edit(
        given=block,
        auto_controls=block.get("auto_controls"),
        controls=block.get("controls"),
        strength=block.get("strength"),
        keyframes=None if keyframes is None else _numbered(keyframes, "video.edit.keyframes", named=False),
        keyframe_indexes=None if indexes is None else tuple(indexes),
    )


def _optional(raw: Mapping[str, Any] | None, path: str, named: str) -> Reference | None:
    return None if raw is None else _reference(raw, path, named)


def _numbered(raws: list[Mapping[str, Any]], path: str, *, named: bool) -> tuple[Reference, ...]:
    places = [f"{path}[{index}]" for index in range(len(raws))]
    return tuple(
        [_reference(raw, place, place if named else OPEN_FIELD) for raw, place in zip(raws, places, strict=True)]
    )


def _reference(raw: Mapping[str, Any], path: str, named: str) -> Reference:
    own = (raw.get("url"), raw.get("data"), raw.get("media_type"), raw.get("generation_id"))
    return Reference(path, named, raw, *own)


def _all_references(
    source: Reference | None, image_ref: tuple[Reference, ...] | None, video: Video
) -> tuple[Reference, ...]:
    keyframes = video.edit.keyframes if video.edit is not None else None
    return (*((source,) if source is not None else ()), *(image_ref or ()), *video.frames, *(keyframes or ()))


def _has_form(ref: Reference, kind: str) -> bool:
    """Return whether a reference has the form of one; if not, a server refuses it before it is loaded.

    The page's own examples settle that: the stub data of "Malformed image reference" and "Base64 data without
    media_type" would not load, and the media_type of a source video is checked "before fetching any bytes".
    """
    if ref.generation_id is not None:
        return True
    if ref.data is not None and (ref.url is not None or ref.media_type is None):
        return False
    return not _misses_video_type(ref, kind)


def _applies(ref: Reference, kind: str, image_ref: tuple[Reference, ...] | None) -> bool:
    """Return whether a URL is wanted where it stands.

    If not, nothing says whether it is fetched first. The page's examples name files on example.com, which would not
    load, but so does "not an image", whose file is fetched: they tell nothing of the order.
    A prior generation is not fetched, and nothing says when a server looks for it: that is a matter of its own.
    """
    if kind == "image_edit" and image_ref is not None and len(image_ref) > facts.MAX_EDIT_REFERENCES:
        return False
    if ref.path == "source":
        return kind not in ("image", "video")
    return kind != "video_edit" or not ref.path.startswith("image_ref")


def _misses_video_type(ref: Reference, kind: str) -> bool:
    if ref.path != "source" or ref.generation_id is not None or kind not in _TAKES_SOURCE_VIDEO:
        return False
    return ref.media_type is None or not ref.media_type.startswith("video/")
