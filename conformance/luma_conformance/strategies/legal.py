"""Legal requests in which every legal value of every optional field occurs, with each that the page relates it to.

A covering array per type: few requests, each with much in it. `contexts` has the same fields beside each rule.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from itertools import chain
from math import prod
from typing import Final

from luma_conformance.rules import facts
from luma_conformance.strategies.bodies import Body
from luma_conformance.strategies.contexts import NO_RULE, Subject, Trial
from luma_conformance.strategies.covering import Target, list_targets
from luma_conformance.strategies.features import Factor, Feature, Patch, factors_of, guide_frames, mix_images
from luma_conformance.strategies.material import VIDEO_TYPE, Material

RELATED: Final = (
    ("aspect_ratio", "video.resolution"),
    ("aspect_ratio", "style"),
    ("video.resolution", "video.hdr"),
    ("video.resolution", "video.duration"),
    ("video.resolution", "video.start_frame"),
    ("video.resolution", "video.end_frame"),
    ("video.loop", "video.start_frame"),
    ("video.loop", "video.duration"),
    ("video.start_frame", "video.end_frame"),
    ("video.edit.strength", "video.edit.controls"),
    ("video.edit.controls", "video.edit.auto_controls"),
)
"""Fields of which the page says what goes together; each pair of their values that does is tried.

Of the forms of a medium one stands for all.
"""
_CLIP: Final = Feature(
    name="source inline", patches=({"source": {"data": "{inline-video}", "media_type": VIDEO_TYPE}},)
)
_FORMS: Final = frozenset({"url", "data", "generation_id"})
_ELSEWHERE: Final = ("prompt", "user_id", "type")
"""Fields whose values stand beside every rule."""


@cache
def list_legal(kind: str, material: Material) -> tuple[Body, ...]:
    """Return requests of a type that are accepted, and that have every legal value of its fields between them."""
    factors = [*_list_factors(kind, material)]
    subject = Subject(rule=NO_RULE, kind=kind, keeps=True, ways={"in order": {}}, factors=factors, material=material)
    sizes = [1, *map(len, factors)]
    pairs = [pair for pair in list_targets(sizes, 2) if _is_related(pair, factors) and subject.allows(pair)]
    pairs.sort(key=lambda pair: -prod(sizes[factor] for factor, _ in pair))  # what takes most requests has room for all
    trials = [*subject.list_trials(dict.fromkeys(pairs))] if pairs else []
    met = {(value,) for trial in trials for value in enumerate(trial.row)}
    missing = [single for single in list_targets(sizes, 1) if single not in met]
    trials += subject.list_trials(dict.fromkeys(missing)) if missing else ()
    return tuple(map(_write, trials))


def _write(trial: Trial) -> Body:
    body = trial.make_body()
    assert body is not None
    return body


def _list_factors(kind: str, material: Material) -> Iterator[Factor]:
    """Yield the factors of a type's fields, each value a feature of its own."""
    for factor in factors_of(kind, material):
        paths = [*chain(*(patch for feature in factor for patch in feature.patches))]
        if not paths or paths[0] in _ELSEWHERE:
            continue
        if paths[0] == "image_ref":
            most = facts.MAX_IMAGE_REFERENCES if kind == "image" else facts.MAX_EDIT_REFERENCES
            lists = (mix_images(material, count, count) for count in range(most + 1))
            yield (factor[0], *(Feature(name="image_ref", patches=({"image_ref": one},)) for one in lists))
        elif paths[0] == "video.edit.keyframes":
            yield (factor[0], *(guide_frames(material, count) for count in (1, 2, 5, facts.MAX_KEYFRAMES)))
        else:
            more = (_CLIP,) if paths[0] == "source" and kind in ("video_edit", "video_reframe") else ()
            yield (factor[0], *(replace(one, patches=(patch,)) for one in factor[1:] for patch in one.patches), *more)


def _is_medium(patch: Patch) -> bool:
    return any(isinstance(one, dict) and not _FORMS.isdisjoint(one) for one in patch.values())


def _is_related(pair: Target, factors: Sequence[Factor]) -> bool:
    fields = []
    for number, value in pair:
        factor, feature = factors[number - 1], factors[number - 1][value]
        if any(map(_is_medium, feature.patches)) and any(one.name == feature.name for one in factor[:value]):
            return False
        fields.append({*chain(*feature.patches)})
        if any(value is None for patch in feature.patches for value in patch.values()):
            return False  # a null is the same as nothing, and related to nothing
    one, other = fields
    return any({*related} <= {*one, *other} and not ({*related} <= one or {*related} <= other) for related in RELATED)
