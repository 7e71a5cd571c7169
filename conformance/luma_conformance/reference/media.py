"""Loading media references: inline images are really decoded, a URL is looked up among the test cards."""

from __future__ import annotations

import binascii
import warnings
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from luma_conformance.reference.cards import look_up_url
from luma_conformance.rules import MediaFact, Problem
from luma_conformance.rules.media import measure_base64

_SUPPORTED: Final = frozenset({"JPEG", "MPO", "PNG", "WEBP", "GIF"})
MAX_IMAGE_BYTES: Final = 52_428_800
MAX_REMEMBERED: Final = 100_000
"""Size in bytes up to which the result of decoding an image is remembered."""


class Loader:
    """Loads the media of one request; `failure` is the code its generation fails with if one of them is unusable.

    That an image cannot be decoded, or has another format, shows only during processing: the page documents both as
    asynchronous failures ("Failure codes").
    """

    def __init__(self) -> None:
        self.failure: str | None = None

    def __call__(self, ref: Mapping[str, object]) -> MediaFact:
        """Return the result of loading a reference."""
        data, url = ref.get("data"), ref.get("url")
        if isinstance(data, str):
            return self._load_inline(data, str(ref.get("media_type")))
        return look_up_url(url) if isinstance(url, str) else MediaFact()

    def _load_inline(self, data: str, media_type: str) -> MediaFact:
        if (size := measure_base64(data)) is None:
            return MediaFact(problem=Problem.BAD_BASE64)
        if media_type.startswith("video/") or size > MAX_IMAGE_BYTES:
            return MediaFact(bytes=size)
        return self._decode(binascii.a2b_base64(data))

    def _decode(self, raw: bytes) -> MediaFact:
        fact, failure = (_inspect_picture if len(raw) <= MAX_REMEMBERED else _inspect_picture.__wrapped__)(raw)
        self.failure = self.failure or failure
        return fact


@lru_cache(maxsize=64)
def _inspect_picture(raw: bytes) -> tuple[MediaFact, str | None]:
    """Return the result of decoding an image's header, and the failure code of a generation that uses it, if any."""
    from io import BytesIO

    from PIL import Image, UnidentifiedImageError

    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None  # only the head is read; 8000x8000 is legal
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(BytesIO(raw)) as image:
            (width, height), kind = image.size, image.format
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError):
        return MediaFact(bytes=len(raw)), "corrupt_input"
    finally:
        Image.MAX_IMAGE_PIXELS = limit
    fact = MediaFact(bytes=len(raw), width=width, height=height)
    return fact, None if kind in _SUPPORTED else "unsupported_format"


def media_facts(ref: Mapping[str, object]) -> MediaFact:
    """Return the result of loading a media reference on the reference server."""
    return Loader()(ref)
