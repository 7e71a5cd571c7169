"""The media and prior generations that generated requests refer to, and the results of loading them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from mimetypes import guess_type
from types import MappingProxyType
from typing import Any, Final

from luma_conformance.catalogue.media import expand
from luma_conformance.catalogue.pictures import Picture, draw_pictures
from luma_conformance.rules import Kind, MediaFact, Prediction, Problem, Unspecified, facts, inline_only, predict
from luma_conformance.strategies.envelope import OTHER_KEYS

_TINY_PNG: Final = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
_INLINE: Final = {"inline-png": "image/png", "inline-jpeg": "image/jpeg", "inline-webp": "image/webp",
                  "inline-gif": "image/gif"}  # fmt: skip

TROUBLE: Final[Mapping[str, MediaFact]] = MappingProxyType(
    {
        "missing-url": MediaFact(problem=Problem.HTTP_ERROR, http_status=404),
        "forbidden-url": MediaFact(problem=Problem.HTTP_ERROR, http_status=403),
        "failing-url": MediaFact(problem=Problem.HTTP_ERROR, http_status=500),
        "unreachable-url": MediaFact(problem=Problem.UNREACHABLE),
        "pdf-url": MediaFact(problem=Problem.NOT_AN_IMAGE),
        "oversized-url": MediaFact(bytes=52_428_801, kind=Kind.IMAGE),
        "oversized-pixels-url": MediaFact(width=9000, height=6000, kind=Kind.IMAGE),
        "tall-pixels-url": MediaFact(width=6000, height=9000, kind=Kind.IMAGE),
        "proxy-down-url": MediaFact(problem=Problem.PROXY_DOWN),
        "ingestion-off-url": MediaFact(problem=Problem.INGESTION_OFF),
    }
)
"""The result of fetching the URL behind each role."""

VIDEO_TYPE: Final = "video/mp4"
SUPPLIED: Final[Mapping[tuple[str, str], MediaFact]] = MappingProxyType(
    {
        ("{inline-50-mb}", "image/png"): MediaFact(bytes=facts.MAX_IMAGE_BYTES, kind=Kind.IMAGE),
        ("{inline-over-50-mb}", "image/png"): MediaFact(bytes=facts.MAX_IMAGE_BYTES + 1, kind=Kind.IMAGE),
        ("{inline-video-over-50-mb}", VIDEO_TYPE): MediaFact(bytes=facts.MAX_IMAGE_BYTES + 1),
        ("{inline-video}", VIDEO_TYPE): MediaFact(kind=Kind.VIDEO),
    }
)
"""The result of loading what the kit supplies and does not decode: what has 70 MB, and a video that plays."""
_ROLES: Final = (
    *TROUBLE, "image-url", "video-url", "completed-image", "completed-video", "large-uploads", "hdr-access",
)  # fmt: skip

_UNKNOWN: Final = MediaFact(problem=Problem.UNDECIDED)
_AN_IMAGE: Final = MediaFact(kind=Kind.IMAGE)
_A_VIDEO: Final = MediaFact(kind=Kind.VIDEO)
_FORMS: Final = {
    "url": re.compile("https://.+"),
    "data": re.compile("[A-Za-z0-9+/]+={0,2}"),
    "media_type": re.compile("[A-Za-z]+/.+"),
    "generation_id": re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
}
"""The form of each well-formed member of a media reference."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # by identity: strategies are made once for each
class Material:
    """What a target offers for requests to refer to; `trouble` has, by role, the URLs that do not load.

    The default refers to example.com and to nothing a target must have, for use without a profile. `keys` has the roles
    of keys that may stand in for the main key, `absent` why roles are not offered.

    >>> from luma_conformance import Material, valid_requests
    >>> material = Material(image_url="https://cdn.test/cat.png", video_url=None)
    >>> material.missing("video-source")
    'the profile names no video-url, and the profile names no completed-video'
    >>> images_only = valid_requests(material)
    """

    image_url: str | None = "https://example.com/image.png"
    video_url: str | None = "https://example.com/video.mp4"
    images: tuple[tuple[str, str], ...] = (("image/png", _TINY_PNG),)
    completed_image: str | None = None
    completed_video: str | None = None
    pictures: tuple[Picture, ...] = ()
    keys: tuple[str, ...] = ()
    large_video: Callable[[], str] | None = None
    full_image: Callable[[], str] | None = None
    trouble: Mapping[str, str] = field(default_factory=dict)
    offers: frozenset[str] = frozenset({"hdr-access"})
    absent: Mapping[str, str] = field(default_factory=dict)

    @staticmethod
    def offered(value: Callable[[str], str], missing: Callable[[str], str | None]) -> Material:
        """Return the material of a target, from the values of its roles; inline images need no role."""
        absent = {role: why for role in _ROLES if (why := missing(role)) is not None}
        if (why := missing("url-ingestion")) is not None:
            absent |= dict.fromkeys((*TROUBLE, "image-url", "video-url"), why)

        def optional(role: str) -> str | None:
            return None if role in absent else value(role)

        return _make_material(
            image_url=optional("image-url"),
            video_url=optional("video-url"),
            images=tuple((media_type, value(name)) for name, media_type in _INLINE.items()),
            completed_image=optional("completed-image"),
            completed_video=optional("completed-video"),
            trouble=tuple((role, value(role)) for role in TROUBLE if role not in absent),
            absent=tuple(absent.items()),
            keys=tuple(role for role in OTHER_KEYS if missing(role) is None),
            decodes=missing("image-decoding") is None,
        )

    def predict(self, body: object) -> Prediction:
        """Return what the rules predict for a body; unspecified where it depends on what is not offered."""
        prediction = predict(body, media=self.facts)
        is_settled = "hdr-access" in self.offers or not _asks_for_hdr(body)
        return prediction if is_settled else Unspecified(reason="HDR without access to it: the answer is not known")

    def facts(self, reference: Mapping[str, object]) -> MediaFact:
        """Return the result of loading a media reference; a MediaLookup for `luma_conformance.rules.predict`.

        It is undecided for a URL or a generation that is not part of the material, for a hosted medium declared to be
        something else, and for inline video.
        """
        if (generation := reference.get("generation_id")) is not None:
            return self._fact_of_generation(generation)
        if (url := reference.get("url")) is not None and reference.get("data") is None:
            return self._fact_of_url(url, reference.get("media_type"))
        data = reference.get("data")
        named = isinstance(data, str) and data[:1] == "{"
        found = _load_supplied(str(data), str(reference.get("media_type"))) if named else inline_only(reference)
        if (picture := _list_pictures(self).get(str(data))) is not None and found.problem is None:
            return _with_size(found, picture.width, picture.height)
        plays = found.bytes is None or found.bytes > facts.MAX_IMAGE_BYTES or not _is_video(reference)
        return found if plays else _UNKNOWN

    def _fact_of_generation(self, generation: object) -> MediaFact:
        if generation == self.completed_image:
            return _AN_IMAGE
        return _A_VIDEO if generation == self.completed_video else _UNKNOWN

    def _fact_of_url(self, url: object, declared: object) -> MediaFact:
        types, fact = _list_urls(self).get(str(url), ((), _UNKNOWN))
        return fact if types is None or declared in types else _UNKNOWN

    @property
    def image_type(self) -> str | None:
        """The media type that the name of the hosted image tells, or None."""
        return _guess_image_type(self.image_url or "")

    def use_offered(self, body: object) -> object:
        """Return a generated body in which well-formed media references refer to the target's own media."""
        if not isinstance(body, dict):
            return body
        grounded = dict(body)
        video = body.get("type") in facts.VIDEO_TYPES
        if "source" in body:
            grounded["source"] = (
                self._replace_source_video(body["source"]) if video else self._replace_image(body["source"])
            )
        if isinstance(refs := body.get("image_ref"), list):
            grounded["image_ref"] = [self._replace_image(ref) for ref in refs]
        if isinstance(options := body.get("video"), dict):
            grounded["video"] = self._use_offered_in_options(options)
        return grounded

    def _use_offered_in_options(self, options: dict[str, Any]) -> dict[str, Any]:
        frames = {name: options[name] for name in ("start_frame", "end_frame") if name in options}
        grounded: dict[str, Any] = options | {name: self._replace_frame(frame) for name, frame in frames.items()}
        edit = options.get("edit")
        if isinstance(edit, dict) and isinstance(keyframes := edit.get("keyframes"), list):
            grounded["edit"] = {**edit, "keyframes": [self._replace_image(frame) for frame in keyframes]}
        return grounded

    def _replace_image(self, given: object) -> object:
        return self._replace(given, self.completed_image)

    def _replace_frame(self, given: object) -> object:
        return self._replace(given, self.completed_video)

    def _replace(self, given: object, generation_id: str | None) -> object:
        media_type, data = self.images[0]
        if isinstance(given, dict) and "url" in given and "data" not in given:
            media_type = self.image_type or media_type
        return _replace_members(
            given, url=self.image_url, data=data, media_type=media_type, generation_id=generation_id
        )

    def _replace_source_video(self, given: object) -> object:
        return _replace_members(
            given, url=self.video_url, data=None, media_type=VIDEO_TYPE, generation_id=self.completed_video
        )

    def missing(self, role: str) -> str | None:
        """Return why something a fault needs is not offered, or None; "video-source" is a video by URL or by id."""
        if role == "video-source":
            absent = [why for one in ("video-url", "completed-video") if (why := self.missing(one))]
            return ", and ".join(absent) if len(absent) > 1 else None
        there = {
            "large-uploads": self.large_video,
            "completed-image": self.completed_image,
            "completed-video": self.completed_video,
            "video-url": self.video_url,
        }
        if role in self.trouble or role in self.offers or there.get(role) is not None:
            return None
        return self.absent.get(role) or f"the profile names no {role}"


@cache
def _list_urls(material: Material) -> Mapping[str, tuple[tuple[str | None, ...] | None, MediaFact]]:
    """Return the result of fetching each URL of the material, and the media types it may be declared to have."""
    hosted: dict[str, tuple[tuple[str | None, ...] | None, MediaFact]] = {}
    if material.video_url is not None:
        hosted[material.video_url] = ((None, VIDEO_TYPE), MediaFact(kind=Kind.VIDEO))
    if material.image_url is not None:
        hosted[material.image_url] = ((None, material.image_type), MediaFact(kind=Kind.IMAGE))
    return {**hosted, **{url: (None, TROUBLE[role]) for role, url in reversed([*material.trouble.items()])}}


@cache
def _list_pictures(material: Material) -> Mapping[str, Picture]:
    return {picture.data: picture for picture in material.pictures}


@lru_cache(maxsize=64)
def _with_size(found: MediaFact, width: int, height: int) -> MediaFact:
    return replace(found, width=width, height=height)


@lru_cache(maxsize=64)
def _load_supplied(data: str, media_type: str) -> MediaFact:
    """Return the result of loading inline data for which the name stands under which the kit supplies it."""
    if (known := SUPPLIED.get((data, media_type))) is not None:
        return known
    return inline_only({"data": expand(data), "media_type": media_type})


@cache
def _make_material(
    *,
    trouble: tuple[tuple[str, str], ...],
    absent: tuple[tuple[str, str], ...],
    decodes: bool,
    **values: Any,
) -> Material:
    """Return the material with these values, always the same one: what is made for it once serves a whole run."""
    why = dict(absent)

    def supplied(name: str) -> Callable[[], str] | None:
        # Examples hold the name of what is made when it is sent, not 70 MB of it.
        return None if "large-uploads" in why else (lambda: f"{{{name}}}")

    return Material(
        **values,
        trouble=dict(trouble),
        absent=why,
        offers=frozenset({"hdr-access"} - {*why}),
        pictures=draw_pictures() if decodes else (),
        large_video=supplied("inline-video-over-50-mb"),
        full_image=supplied("inline-50-mb"),
    )


@cache
def _guess_image_type(url: str) -> str | None:
    kind = guess_type(url.partition("?")[0])[0]
    return kind if kind in facts.IMAGE_MEDIA_TYPES else None


def _asks_for_hdr(body: object) -> bool:
    video = body.get("video") if isinstance(body, dict) else None
    return isinstance(video, dict) and video.get("hdr") is True


def _is_video(reference: Mapping[str, object]) -> bool:
    return str(reference.get("media_type")).startswith("video/")


def _replace_members(given: object, **offered: str | None) -> object:
    """Return a reference with each well-formed member replaced by what is offered; malformed ones stay malformed."""
    if not isinstance(given, dict):
        return given
    replaced: dict[str, object] = {
        name: value
        for name, value in offered.items()
        if value is not None and isinstance(given.get(name), str) and _FORMS[name].fullmatch(given[name])
    }
    return given | replaced
