"""400 — Bad Request, last part: the aspect ratio, the prompt, and the form of media references."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from luma_conformance.rules import facts
from luma_conformance.rules.rule import Fault, Rule, at
from luma_conformance.rules.subject import Subject

# The list names what the model and the type sent accept. For images the page prints it. For Ray it only says "sorted
# lexicographically", and the printed image list is not in code-point order, so both readings of the word are allowed.
_VALID_LISTS: Final[Mapping[str, tuple[str, ...]]] = {
    "image": (", ".join(facts.IMAGE_RATIOS),),
    "video": ("1:1, 16:9, 21:9, 3:4, 4:3, 9:16", "16:9, 1:1, 21:9, 3:4, 4:3, 9:16"),
    "video_reframe": ("1:1, 16:9, 21:9, 3:4, 4:3, 9:16", "16:9, 1:1, 21:9, 3:4, 4:3, 9:16"),
}


def _invalid_ratio(subject: Subject) -> Sequence[Fault]:
    # Edits keep the shape of their source and have no list.
    ratio, lists = subject.aspect_ratio, _VALID_LISTS.get(subject.type)
    if ratio is None or lists is None or ratio in facts.RATIOS[subject.type]:
        return ()
    return (Fault(path="aspect_ratio", values=tuple({"ratio": ratio, "valid": valid} for valid in lists)),)


def _both_url_and_data(subject: Subject) -> Sequence[Fault]:
    both = [ref for ref in subject.references if ref.url is not None and ref.data is not None]
    return [Fault(path=ref.path, values=({"field": ref.named},)) for ref in both]


def _untyped_data(subject: Subject) -> Sequence[Fault]:
    # The sentence is about inline image data; a source video without a media_type has a row of its own.
    untyped = [ref for ref in subject.references if ref.data is not None and ref.media_type is None]
    return [
        Fault(path=ref.path, values=({"field": ref.named},))
        for ref in untyped
        if not (ref.path == "source" and subject.edits_video)
    ]


def _too_many_references(subject: Subject) -> bool:
    return subject.type == "image_edit" and len(subject.image_ref or ()) > facts.MAX_EDIT_REFERENCES


_SOURCE_ELSEWHERE: Final = (
    "source is only valid for type 'image_edit', 'video_edit' / 'video_reframe' with source.generation_id, or "
    "'video_edit' / 'video_reframe' with a video source.url / source.data"
)

CONTENT_RULES: Final = (
    # The list is that of the model and the type sent, so there is none to print before those two go together.
    Rule(
        id="aspect-ratio-invalid",
        heading="400 — Invalid aspect ratio",
        status=400,
        detail="Invalid aspect_ratio '{ratio}'. Valid: {valid}",
        find=_invalid_ratio,
        outranked_by=("unknown-model", "unsupported-type"),
    ),
    Rule(
        id="prompt-empty",
        heading="400 — Prompt too short (empty)",
        status=400,
        detail="Prompt must be between 1 and 6000 characters",
        find=at("prompt", lambda s: not s.prompt),
    ),
    Rule(
        id="prompt-too-long",
        heading="400 — Prompt too long (over 6,000 characters)",
        status=400,
        detail="Prompt must be between 1 and 6000 characters",
        find=at("prompt", lambda s: len(s.prompt) > facts.MAX_PROMPT),
    ),
    Rule(
        id="reference-url-and-data",
        heading="400 — Malformed image reference — both url and data provided",
        status=400,
        detail="{field}: provide either 'url' or 'data', not both",
        find=_both_url_and_data,
    ),
    Rule(
        id="edit-references-too-many",
        heading="400 — Too many image references on an edit (more than 8)",
        status=400,
        detail="image_edit supports up to 8 reference images (source occupies one slot)",
        find=at("image_ref", _too_many_references),
    ),
    Rule(
        id="source-on-image",
        heading="400 — Source provided for type “image”",
        status=400,
        detail=_SOURCE_ELSEWHERE,
        find=at("source", lambda s: s.type == "image" and s.source is not None),
    ),
    # The same text lists the types a source is for, and `video` is not among them; no example says that it is the text
    # there. Where that source is a generation_id, the page's example answers with the text about generation ids.
    Rule(
        id="source-on-video",
        heading="400 — Source provided for type “image”",
        status=400,
        detail=_SOURCE_ELSEWHERE,
        find=at("source", lambda s: s.type == "video" and s.source is not None),
        outranked_by=("source-generation-misplaced",),
        wording_may_vary=True,
    ),
    Rule(
        id="source-image-missing",
        heading="400 — Source missing for type “image_edit”",
        status=400,
        detail="source is required for type 'image_edit'",
        find=at("source", lambda s: s.type == "image_edit" and s.source is None),
    ),
    Rule(
        id="reference-data-untyped",
        heading="400 — Base64 data without media_type",
        status=400,
        detail="{field}: 'media_type' is required with 'data'",
        find=_untyped_data,
    ),
)
