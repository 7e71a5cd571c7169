"""What may stand beside a rule without a say in it: each type's optional fields, the JSON's spelling, the envelope."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from luma_conformance.catalogue.roles import MAIN_KEY
from luma_conformance.rules import facts
from luma_conformance.strategies.envelope import Sent, find_role, list_groups
from luma_conformance.strategies.material import VIDEO_TYPE, Material
from luma_conformance.strategies.spelling import BLANKS, ESCAPES

Patch = Mapping[str, Any]
"""Fields to set in a body, by path; ABSENT unsets one."""
Reference = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """One class of values of a factor; its `patches` are equal in kind, and take turns."""

    name: str = ""
    patches: tuple[Patch, ...] = ({},)
    order: str = ""
    blanks: str = ""
    escapes: str = ""
    fractions: str = ""
    sent: Sent = ()

    @property
    def has_no_say(self) -> bool:
        """Whether the rules predict the same with it, whatever stands beside it."""
        return not any(self.patches) and find_role(self.sent) == MAIN_KEY


Factor = tuple[Feature, ...]
"""The features of which a request has one; the first is that the factor is left as it is."""

ON: Final = True
OFF: Final = False

_AS_IT_IS: Final = Feature()
_LONGEST: Final = facts.MAX_PROMPT

_PROMPTS: Final[Mapping[str, tuple[str, ...]]] = {
    "of one character": ("x", "🌅", ".", "港", "0"),
    "of 6000 characters": ("a" * _LONGEST, ("a quiet harbour, " * 400)[: _LONGEST - 1] + "."),
    "beyond ASCII": (
        "Café 🌅 – 灯台, e\u0301, ה־ים", "🐈 Ein Leuchtturm in Århus, 夜明けの港", "🌅 é 港 " * 180,
        "ה־ים בזריחה, 🌅 à 港", "👩\u200d👩\u200d👧 عند البحر, שלום, Ǆ ﬁ İ",
    ),
    "with blanks and line breaks": (
        "line one\nline two", "  one\n\n\ttwo\r\n three ", "\tone\r\ntwo\n", "\n a  lighthouse \n",
    ),
    "that looks like code": (
        # Each has several of the things that templates, filters and shells look for.
        'He said "go" \\ "stay", then 100% {calm} and ${more} %s; see https://example.com/a?b=1&c=%20',
        '/imagine {"model": "x"} \\n <b>bold</b> -- 1 > 0 && 2 < 3 || {{7*7}}',
        '# Title **bold** C:\\new\\table "null", SELECT a FROM b; DROP TABLE c',
        "'\"`</script><script>x()</script> ../../etc, $HOME %d {0} http://example.com",
        '", "model": "x", 50% off & <i>more</i>; $(echo) ${name} -- insert into it',
    ),
}  # fmt: skip
_USER_IDS: Final[Mapping[str, tuple[Any, ...]]] = {
    "null": (None,),
    "short": ("user-42", "u", "0"),
    "of 256 characters": ("u" * 256,),
    "with odd characters": ("a b@c.d", "null", 'say "hi"', "../../etc", "{id}", "ユーザー・42", "Zoë", "🌅"),
}
_SIGNALS: Final[Mapping[str, Any]] = {
    "depth": {"enabled": True, "blur": 1},
    "face": {"enabled": False},
    "normals": {"enabled": True, "augmentation": 0},
    "pose": {"enabled": True, "strength": "coarse"},
    "trajectory": {"enabled": True, "sparsity": 1},
}
_POSITIONS: Final = (
    {"x_norm": 0, "y_norm": 0, "w_norm": 1, "h_norm": 1},
    {"x_norm": -2, "y_norm": 2, "w_norm": 2, "h_norm": 0.25},
    {"x_norm": 0.5, "y_norm": -0.5, "w_norm": 0.1, "h_norm": 2},
)


def _field(path: str, classes: Mapping[str, tuple[Any, ...]]) -> Factor:
    """Return the factor of one field: absent, or a value of one of the classes."""
    return (
        _AS_IT_IS,
        *(
            Feature(name=f"{path} {name}", patches=tuple({path: value} for value in values))
            for name, values in classes.items()
            if values
        ),
    )


def _either(path: str, *values: object) -> Factor:
    """Return the factor of a field whose values are each a class of its own."""
    return _field(path, {_word(value): (value,) for value in values})


def _word(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def image_forms(material: Material) -> dict[str, Reference]:
    """Return each form of a reference to an image that loads, by name."""
    forms = {f"inline {media_type}": {"data": data, "media_type": media_type} for media_type, data in material.images}
    if material.image_url is None:
        return forms
    hosted: dict[str, Reference] = {"by URL": {"url": material.image_url}}
    if material.image_type is not None:
        hosted["by URL with its media type"] = {"url": material.image_url, "media_type": material.image_type}
    return {**hosted, **forms}


def video_forms(material: Material) -> dict[str, Reference]:
    """Return each form of a reference to a source video that loads, by name."""
    forms: dict[str, Reference] = {}
    if material.video_url is not None:
        forms["by URL"] = {"url": material.video_url, "media_type": VIDEO_TYPE}
    if material.completed_video is not None:
        forms["by generation"] = {"generation_id": material.completed_video}
    return forms


def mix_images(material: Material, count: int, turn: int = 0) -> list[Reference]:
    """Return references to images in all forms, in turn."""
    forms = [*image_forms(material).values()]
    return [forms[(turn + place) % len(forms)] for place in range(count)]


def _each_form(path: str, forms: Mapping[str, Reference]) -> Factor:
    """Return the factor of a reference: by URL, inline, or by the id of a generation; forms of one kind take turns."""
    kinds = {"url": "by URL", "data": "inline", "generation_id": "by generation"}
    return _field(path, {kind: tuple(one for one in forms.values() if name in one) for name, kind in kinds.items()})


def _lists_of_images(material: Material, most: int) -> Factor:
    def lists(count: int) -> tuple[list[Reference], ...]:
        return tuple(mix_images(material, count, turn) for turn in range(len(image_forms(material))))

    return _field("image_ref", {"empty": ([],), "of one": lists(1), "of three": lists(3), f"of {most}": lists(most)})


def _image_factors(material: Material, kind: str) -> list[Factor]:
    own = [
        _either("model", "uni-1", "uni-1-max"),
        _either("output_format", None, *facts.OUTPUT_FORMATS),
        _either("web_search", OFF, ON),
        _either("aspect_ratio", None, *facts.IMAGE_RATIOS),
        _either("video", None),
    ]
    if kind == "image":
        styles = _either("style", *facts.STYLES)
        return [
            *own, _either("type", "image"), styles, _either("source", None),
            _lists_of_images(material, facts.MAX_IMAGE_REFERENCES),
        ]  # fmt: skip
    prior = material.completed_image
    forms = {**image_forms(material), **({"by generation": {"generation_id": prior}} if prior is not None else {})}
    return [
        *own, _either("style", "auto"), _each_form("source", forms),
        _lists_of_images(material, facts.MAX_EDIT_REFERENCES),
    ]  # fmt: skip


def _video_factors(material: Material, kind: str) -> list[Factor]:
    ratios = facts.VIDEO_RATIOS if kind == "video_reframe" else (None, *facts.VIDEO_RATIOS)
    own = [
        _either("video", None, {}),
        _either("aspect_ratio", *ratios),
        _either("style", "auto"),
        _either("web_search", OFF),
        _either("output_format", None),
        _either("video.resolution", *facts.RESOLUTIONS),
    ]
    if kind == "video":
        return [*own, _either("source", None), *_create_factors(material)]
    own.append(_each_form("source", video_forms(material)))
    if kind == "video_reframe":
        return [*own, _field("video.source_position", {"set": _POSITIONS})]
    return [*own, *_edit_factors(material)]


def _create_factors(material: Material) -> list[Factor]:
    prior = material.completed_video
    frames = {**image_forms(material), **({"by generation": {"generation_id": prior}} if prior is not None else {})}
    return [
        _either("video.duration", *facts.DURATIONS),
        _either("video.loop", OFF, ON),
        _dynamic_range(),
        _each_form("video.start_frame", frames),
        _each_form("video.end_frame", frames),
    ]


def _dynamic_range() -> Factor:
    hdr, exr = {"hdr": True}, {"exr_export": True}
    options: tuple[dict[str, bool], ...] = ({"hdr": False}, hdr, {"exr_export": False}, hdr | exr, exr)
    features = []
    for option in options:
        name = " and ".join(f"video.{member} {_word(value)}" for member, value in option.items())
        features.append(Feature(name=name, patches=({f"video.{member}": value for member, value in option.items()},)))
    return (_AS_IT_IS, *features)


def _edit_factors(material: Material) -> list[Factor]:
    controls = tuple({name: signal} for name, signal in _SIGNALS.items())
    return [
        _dynamic_range(),
        _each_form("video.start_frame", image_forms(material)),
        _either("video.edit.auto_controls", OFF, ON),
        _either("video.edit.strength", *facts.STRENGTHS),
        _field("video.edit.controls", {"of one signal": controls, "of every signal": (dict(_SIGNALS),)}),
        (_AS_IT_IS, *(guide_frames(material, count) for count in (1, 5, facts.MAX_KEYFRAMES))),
    ]


def guide_frames(material: Material, count: int) -> Feature:
    """Return the feature that a request has so many guide frames, their positions in no order."""
    indexes = [(5 * place) % 119 for place in reversed(range(count))]
    patch = {"video.edit.keyframes": mix_images(material, count), "video.edit.keyframe_indexes": indexes}
    return Feature(name=f"{count} guide frame{'s' * (count != 1)}", patches=(patch,))


def spelling_factors(kind: str) -> list[Factor]:
    """Return the factors of a request's text: order of members, white space, escapes, fractions."""
    orders = {
        "sorted": "members sorted", "descending": "members sorted, the last first", "reversed": "members reversed",
        "first": "the members at fault first", "last": "the members at fault last",
    }  # fmt: skip
    factors: list[Factor] = [
        (_AS_IT_IS, *(Feature(name=name, order=order) for order, name in orders.items())),
        (_AS_IT_IS, *(Feature(name=f"JSON with {blanks}" if blanks != "indented" else "JSON indented", blanks=blanks)
                      for blanks in BLANKS if blanks)),
        (_AS_IT_IS, *(Feature(name=f"JSON with {escaped}", escapes=escaped) for escaped in ESCAPES if escaped)),
    ]  # fmt: skip
    if kind in ("video_edit", "video_reframe"):
        named = {"decimals": "fractions as 1.0", "exponents": "fractions as 1.0e0"}
        factors.append((_AS_IT_IS, *(Feature(name=name, fractions=how) for how, name in named.items())))
    return factors


def envelope_factors(material: Material) -> list[Factor]:
    """Return the factors of a request's envelope: its key, where others are offered, and its headers."""
    groups = list_groups(material.keys)
    return [(_AS_IT_IS, *(Feature(name=name, sent=(name,)) for name in group)) for group in groups]


def factors_of(kind: str, material: Material) -> list[Factor]:
    """Return every factor of the requests of a type: first those that the rules look at."""
    fields = (_image_factors if kind in facts.IMAGE_TYPES else _video_factors)(material, kind)
    written = [*spelling_factors(kind), *envelope_factors(material)]
    factors = [_field("prompt", _PROMPTS), _field("user_id", _USER_IDS), *fields, *written]
    return sorted(factors, key=lambda factor: all(feature.has_no_say for feature in factor))


def plain_body(kind: str, material: Material) -> dict[str, Any]:
    """Return the smallest accepted request of a type."""
    body: dict[str, Any] = {"prompt": "A sunset over the ocean"}
    if kind == "image":
        return body
    body["type"] = kind
    if kind == "image_edit":
        return {**body, "source": next(iter(image_forms(material).values()))}
    body["model"] = "ray-3.2"
    if kind != "video":
        body["source"] = next(iter(video_forms(material).values()))
    return {**body, "aspect_ratio": "16:9"} if kind == "video_reframe" else body
