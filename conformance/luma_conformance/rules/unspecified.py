"""What the page leaves open about a body of the right shape: a table of reasons, with the bodies each one covers.

A body covered by any of them is unspecified even if it also breaks a rule: a server may refuse it for the open point
first, or accept that point. But a rule about other fields is broken all the same, so that such a body is not accepted.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from luma_conformance.rules import facts
from luma_conformance.rules.media import MediaFact, Problem
from luma_conformance.rules.subject import Load, Reference, Subject

_URL_PROBLEMS: Final = (
    Problem.UNREACHABLE,
    Problem.HTTP_ERROR,
    Problem.NOT_AN_IMAGE,
    Problem.PROXY_DOWN,
    Problem.INGESTION_OFF,
)
_LAST_CERTAIN_INDEX: Final = 119
"""The last of 5 * 24 frames, counted from 0: the shortest clip the API makes. A source may be longer."""

_FINE_TYPES: Final = (None, *facts.IMAGE_MEDIA_TYPES)
"""Media types that are odd in no place."""
_MEDIA: Final = ("source", "image_ref", "video")
"""The fields that have media references."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenQuestion:
    """One thing the page does not say, a test for the bodies it concerns, and the fields whose rules it may touch."""

    reason: str
    covers: Callable[[Subject], bool]
    about: tuple[str, ...]


@lru_cache(maxsize=64)
def _is_hardly_text(prompt: str) -> bool:
    # What is blank differs from one language to the next: a byte order mark is trimmed by some and kept by others.
    if prompt.isalnum() or (prompt.isascii() and prompt.isprintable()):
        return not prompt.strip()
    kinds = {unicodedata.category(character) for character in set(prompt) - {"\t", "\n", "\r"}}
    return "Cc" in kinds or all(kind[0] in "ZC" for kind in kinds)


def _length_depends_on_unit(subject: Subject) -> bool:
    prompt = subject.prompt
    if 0 < len(prompt) <= facts.MAX_PROMPT // 4 or prompt == "":
        return False
    units = (len(prompt.strip()), len(prompt), len(prompt.encode("utf-16-le")) // 2, len(prompt.encode()))
    return len({length > facts.MAX_PROMPT for length in units}) > 1


def _ratio_foreign_to_edit(subject: Subject) -> bool:
    if subject.type not in ("image_edit", "video_edit") or subject.aspect_ratio is None:
        return False
    return subject.aspect_ratio not in facts.RATIOS[subject.type]


def _video_off_video(subject: Subject) -> bool:
    return subject.video_given and (subject.type in facts.IMAGE_TYPES or subject.model in ("uni-1", "uni-1-max"))


def _image_option_on_video_model(subject: Subject) -> bool:
    if subject.type not in facts.IMAGE_TYPES or facts.TYPES_BY_MODEL.get(subject.model) != facts.VIDEO_TYPES:
        return False
    options = (subject.output_format, subject.image_ref)
    return subject.manga or subject.web_search or any(one is not None for one in options)


def _frame_with_hdr(subject: Subject) -> bool:
    if subject.video.hdr is not True or subject.type not in ("video", "video_edit"):
        return False
    return len(subject.video.generation_frames) < len(subject.video.frames)


def _edit_option_pair(subject: Subject) -> bool:
    video = subject.video
    if subject.type != "video_edit":
        return False
    return (video.hdr is True and video.resolution == "540p") or (video.exr_export is True and video.hdr is not True)


def _empty_edit_part(subject: Subject) -> bool:
    edit = subject.video.edit
    if edit is None:
        return False
    parts = (edit.given, edit.controls, edit.keyframes, edit.keyframe_indexes)
    return any(part is not None and not part for part in parts)


def _auto_with_strength(subject: Subject) -> bool:
    edit = subject.video.edit
    return edit is not None and edit.auto_controls is True and edit.strength is not None


def _keyframes_out_of_bounds(subject: Subject) -> bool:
    edit = subject.video.edit
    if edit is None:
        return False
    too_many = len(edit.keyframes or ()) > facts.MAX_KEYFRAMES
    return too_many or any(index > _LAST_CERTAIN_INDEX for index in edit.keyframe_indexes or ())


def _names_none_or_several(ref: Reference) -> bool:
    if ref.generation_id is not None:
        return ref.url is not None or ref.data is not None or ref.media_type is not None
    return ref.url is None and ref.data is None


def _generation_out_of_place(subject: Subject) -> bool:
    prior = [ref for ref in subject.references if ref.generation_id is not None and ref.path != "source"]
    return any(not (subject.type == "video" and ref in subject.video.frames) for ref in prior)


def _has_odd_media_type(subject: Subject) -> bool:
    declared = [ref for ref in subject.references if ref.media_type not in _FINE_TYPES]
    return any(_is_odd_media_type(ref, subject) for ref in declared)


def _is_odd_media_type(ref: Reference, subject: Subject) -> bool:
    media_type = ref.media_type or ""
    if ref.path != "source" or subject.type == "image_edit":
        return media_type not in facts.IMAGE_MEDIA_TYPES
    if not subject.edits_video:
        return False
    declared = media_type.startswith("video/") and len(media_type) > len("video/")
    return media_type.lower().startswith("video/") and not declared


def _has_undecided_load(subject: Subject) -> bool:
    return any(_is_undecided(load, subject) for load in subject.loads if not _is_plain(load.fact))


def _is_plain(fact: MediaFact) -> bool:
    """Return whether a medium loads and is within all limits, as most do, so that there is nothing to decide."""
    if fact.problem is not None or (fact.bytes or 0) > facts.MAX_IMAGE_BYTES:
        return False
    return (fact.width or 0) <= facts.MAX_SIDE and (fact.height or 0) <= facts.MAX_SIDE


def _is_undecided(load: Load, subject: Subject) -> bool:
    ref, problem, size = load.reference, load.fact.problem, load.fact.bytes or 0
    if problem is Problem.UNDECIDED or (problem is Problem.HTTP_ERROR and load.fact.http_status is None):
        return True
    if ref.path.startswith("video.") and problem is Problem.INGESTION_OFF:
        return True  # "503 — Service Unavailable" names `source` and `image_ref`, and no frame
    if ref.path.startswith("video.edit."):
        return problem is not None or size > facts.MAX_IMAGE_BYTES or _exceeds_side(load)
    if ref.generation_id is not None:
        return problem is not None
    if ref.path == "source" and subject.edits_video and _is_undecided_video(load):
        return True
    return problem in _URL_PROBLEMS if ref.data is not None else problem is Problem.BAD_BASE64


def _is_of_another_kind(load: Load, subject: Subject) -> bool:
    # A prior *image* is edited, a prior *video* edited, reframed and extended; of the other way round nothing is said.
    return load.fact.problem is None and subject.kind_at(load.reference) not in (None, load.fact.kind)


def _is_undecided_video(load: Load) -> bool:
    # The page puts inline source videos under the 50 MB cap and is silent on hosted ones; the editing guide has 200 MB.
    between = facts.MAX_IMAGE_BYTES < (load.fact.bytes or 0) <= facts.MAX_VIDEO_BYTES
    return (between and load.reference.data is None) or load.fact.problem is Problem.NOT_AN_IMAGE


def _exceeds_side(load: Load) -> bool:
    return max(load.fact.width or 0, load.fact.height or 0) > facts.MAX_SIDE


OPEN_QUESTIONS: Final = (
    OpenQuestion(
        reason="a prompt of blanks alone, or with control characters: whether it counts as one is not said",
        covers=lambda s: s.prompt != "" and _is_hardly_text(s.prompt),
        about=("prompt",),
    ),
    OpenQuestion(
        reason="a prompt near 6000: what a character is, and whether blanks around it count, is not said",
        covers=_length_depends_on_unit,
        about=("prompt",),
    ),
    OpenQuestion(
        reason="an aspect_ratio an edit could not produce: whether it is ignored or refused is not said",
        covers=_ratio_foreign_to_edit,
        about=("aspect_ratio",),
    ),
    OpenQuestion(
        reason="style 'manga' is described for type 'image' only",
        covers=lambda s: s.manga and s.type != "image",
        about=("style",),
    ),
    OpenQuestion(
        reason="web_search is described for image types only",
        covers=lambda s: s.web_search and s.type not in facts.IMAGE_TYPES,
        about=("web_search",),
    ),
    OpenQuestion(
        reason="output_format is described for image types only",
        covers=lambda s: s.output_format is not None and s.type not in facts.IMAGE_TYPES,
        about=("output_format",),
    ),
    OpenQuestion(
        reason="image_ref on 'video' and 'video_reframe', and an empty one on 'video_edit', are not described",
        covers=lambda s: (
            s.image_ref is not None
            and (s.type in ("video", "video_reframe") or (s.type == "video_edit" and not s.image_ref))
        ),
        about=("image_ref",),
    ),
    OpenQuestion(
        reason="more than nine image_ref on type 'image': the refusal is not on the page",
        covers=lambda s: s.type == "image" and len(s.image_ref or ()) > facts.MAX_IMAGE_REFERENCES,
        about=("image_ref",),
    ),
    OpenQuestion(
        reason="video options with an image type or an image model are not described",
        covers=_video_off_video,
        about=("video",),
    ),
    OpenQuestion(
        reason="an option of images beside a video model and an image type: which of them is named is not said",
        covers=_image_option_on_video_model,
        about=(),
    ),
    OpenQuestion(
        reason="video.end_frame on 'video_edit' is not described",
        covers=lambda s: s.type == "video_edit" and s.video.end_frame is not None,
        about=("video",),
    ),
    OpenQuestion(
        reason="video.duration is described for type 'video' only",
        covers=lambda s: s.video.duration is not None and s.type != "video",
        about=("video",),
    ),
    OpenQuestion(
        reason="an option explicitly false on a type that refuses it: whether that counts as set is not said",
        covers=lambda s: (
            (s.video.loop is False and s.type != "video")
            or (s.type == "video_reframe" and (s.video.hdr is False or s.video.exr_export is False))
        ),
        about=("video",),
    ),
    OpenQuestion(
        reason="whether the option pairs about HDR and EXR are refused on 'video_edit' too is not said",
        covers=_edit_option_pair,
        about=("video",),
    ),
    OpenQuestion(
        reason="HDR with an image frame: sources about it contradict each other",
        covers=_frame_with_hdr,
        about=("video",),
    ),
    OpenQuestion(
        reason="an empty video.edit, controls or keyframe array: whether that counts as set is not said",
        covers=_empty_edit_part,
        about=("video",),
    ),
    OpenQuestion(
        reason="video.edit.auto_controls=true with strength: sources about it contradict each other",
        covers=_auto_with_strength,
        about=("video",),
    ),
    OpenQuestion(
        reason="more than 64 guide frames, or an index beyond the shortest clip: the refusal is not on the page",
        covers=_keyframes_out_of_bounds,
        about=("video",),
    ),
    OpenQuestion(
        reason="a media reference that names nothing, or a generation_id and more: the answer is not on the page",
        covers=lambda s: any(_names_none_or_several(ref) for ref in s.references),
        about=_MEDIA,
    ),
    OpenQuestion(
        reason="generation_id outside `source` and the frames of type 'video' is not described",
        covers=_generation_out_of_place,
        about=_MEDIA,
    ),
    OpenQuestion(
        reason="a media_type that does not go with its field: the answer is not on the page",
        covers=_has_odd_media_type,
        about=_MEDIA,
    ),
    OpenQuestion(
        reason="an image where a video belongs, or a video where an image does: the answer is not on the page",
        covers=lambda s: any(_is_of_another_kind(load, s) for load in s.loads if load.fact.kind is not None),
        about=_MEDIA,
    ),
    OpenQuestion(
        reason="a media reference whose loading the page does not settle",
        covers=_has_undecided_load,
        about=_MEDIA,
    ),
)


def find_open_questions(subject: Subject) -> tuple[OpenQuestion, ...]:
    """Return the things that the page leaves open about a body."""
    return tuple([row for row in OPEN_QUESTIONS if row.covers(subject)])


def is_in_doubt(path: str, questions: Iterable[OpenQuestion]) -> bool:
    """Return whether what is open bears on a field, so that it may break no rule after all."""
    return any(_overlap(path, about) for question in questions for about in question.about)


def _overlap(path: str, about: str) -> bool:
    return path == about or path.startswith((f"{about}.", f"{about}["))
