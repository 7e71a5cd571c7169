"""The media and prior generations that generated requests refer to, and the results of loading them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Self

from luma_conformance.rules import MediaFact, Problem, facts, inline_only

_TINY_PNG: Final = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
_INLINE: Final = {"inline-png": "image/png", "inline-jpeg": "image/jpeg", "inline-webp": "image/webp",
                  "inline-gif": "image/gif"}  # fmt: skip

TROUBLE: Final[Mapping[str, MediaFact]] = MappingProxyType(
    {
        "missing-url": MediaFact(problem=Problem.HTTP_ERROR, http_status=404),
        "unreachable-url": MediaFact(problem=Problem.UNREACHABLE),
        "pdf-url": MediaFact(problem=Problem.NOT_AN_IMAGE),
        "oversized-url": MediaFact(bytes=52_428_801),
        "oversized-pixels-url": MediaFact(width=9000, height=6000),
        "proxy-down-url": MediaFact(problem=Problem.PROXY_DOWN),
        "ingestion-off-url": MediaFact(problem=Problem.INGESTION_OFF),
    }
)
"""The result of fetching the URL behind each role."""

_UNKNOWN: Final = MediaFact(problem=Problem.UNDECIDED)
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

    The default refers to example.com and to nothing a target must have, for use without a profile.

    >>> from luma_conformance import Material, valid_requests
    >>> material = Material(image_url="https://cdn.test/cat.png", video_url=None)
    >>> material.missing("video-source")
    'the profile names no video-source'
    >>> images_only = valid_requests(material)
    """

    image_url: str | None = "https://example.com/image.png"
    video_url: str | None = "https://example.com/video.mp4"
    images: tuple[tuple[str, str], ...] = (("image/png", _TINY_PNG),)
    completed_image: str | None = None
    completed_video: str | None = None
    large_video: Callable[[], str] | None = None
    trouble: Mapping[str, str] = field(default_factory=dict)
    offers: frozenset[str] = frozenset({"hdr-access"})

    @classmethod
    def offered(cls, value: Callable[[str], str], missing: Callable[[str], str | None]) -> Self:
        """Return the material of a target, from the values of its roles; inline images need no role."""

        def optional(role: str) -> str | None:
            return None if missing(role) else value(role)

        large = None if missing("large-uploads") else (lambda: value("inline-over-50-mb"))
        return cls(
            image_url=optional("image-url"),
            video_url=optional("video-url"),
            images=tuple((media_type, value(name)) for name, media_type in _INLINE.items()),
            completed_image=optional("completed-image"),
            completed_video=optional("completed-video"),
            large_video=large,
            trouble={role: value(role) for role in TROUBLE if not missing(role)},
            offers=frozenset(role for role in ("hdr-access",) if not missing(role)),
        )

    def facts(self, reference: Mapping[str, object]) -> MediaFact:
        """Return the result of loading a media reference; a MediaLookup for `luma_conformance.rules.predict`.

        It is undecided for a URL or a generation that is not part of the material, and for inline video.
        """
        url, generation = reference.get("url"), reference.get("generation_id")
        role = next((role for role, text in self.trouble.items() if text == url), None)
        if role is not None:
            return TROUBLE[role]
        known = (None, self.image_url, self.video_url, self.completed_image, self.completed_video)
        found = inline_only(reference)
        plays = found.bytes is None or found.bytes > facts.MAX_IMAGE_BYTES or not _is_video(reference)
        return found if url in known and generation in known and plays else _UNKNOWN

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
        media_type, data = self.images[0]
        return _replace_members(
            given, url=self.image_url, data=data, media_type=media_type, generation_id=self.completed_image
        )

    def _replace_frame(self, given: object) -> object:
        media_type, data = self.images[0]
        return _replace_members(
            given, url=self.image_url, data=data, media_type=media_type, generation_id=self.completed_video
        )

    def _replace_source_video(self, given: object) -> object:
        return _replace_members(
            given, url=self.video_url, data=None, media_type="video/mp4", generation_id=self.completed_video
        )

    def missing(self, role: str) -> str | None:
        """Return why something a fault needs is not offered, or None."""
        there = {
            "large-uploads": self.large_video,
            "completed-image": self.completed_image,
            "completed-video": self.completed_video,
            "video-source": self.video_url or self.completed_video,
        }
        if role in self.trouble or role in self.offers or there.get(role) is not None:
            return None
        return f"the profile names no {role}"


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
