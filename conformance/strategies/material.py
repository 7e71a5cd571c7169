"""What generated requests refer to: media and prior generations of the target, and what loading them finds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Self

from conformance.rules import MediaFact, Problem, inline_only

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
"""What fetching the URL behind each role finds."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # by identity: strategies are made once for each
class Material:
    """What a target offers to refer to; `trouble` has by role the URLs that do not load, `offers` whatever else.

    The default refers to example.com and to nothing a target must have, for use without a profile.
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
        """Returns what a target offers under each role; inline images need no role."""

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

    def missing(self, role: str) -> str | None:
        """Returns why something a fault needs is not offered, or None."""
        there = {
            "large-uploads": self.large_video,
            "completed-image": self.completed_image,
            "completed-video": self.completed_video,
            "video-source": self.video_url or self.completed_video,
        }
        if role in self.trouble or role in self.offers or there.get(role) is not None:
            return None
        return f"the profile names no {role}"

    def facts(self, reference: Mapping[str, object]) -> MediaFact:
        """Returns what loading a media reference finds; a MediaLookup for `conformance.rules.predict`."""
        url = reference.get("url")
        role = next((role for role, text in self.trouble.items() if text == url), None)
        return inline_only(reference) if role is None else TROUBLE[role]
