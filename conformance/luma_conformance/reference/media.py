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
_HEAD: Final = 1 << 17
"""Characters of base64 that mostly have an image's header in them; what decoding so many gives is remembered."""

_Found = tuple[tuple[int | None, int | None], str | None]
_CORRUPT: Final[_Found] = ((None, None), "corrupt_input")


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
        (width, height), failure = _inspect_head(data)
        self.failure = self.failure or failure
        return MediaFact(bytes=size, width=width, height=height)


def _inspect_head(data: str) -> _Found:
    """Return what an image's header says; only if its beginning is not enough, all of it is decoded."""
    found = _inspect_picture(binascii.a2b_base64(data[:_HEAD]))
    if found == _CORRUPT and len(data) > _HEAD:
        return _inspect_picture.__wrapped__(binascii.a2b_base64(data))
    return found


@lru_cache(maxsize=64)
def _inspect_picture(raw: bytes) -> _Found:
    """Return an image's width and height, and the failure code of a generation that uses it, if any."""
    from io import BytesIO

    from PIL import Image, UnidentifiedImageError

    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None  # only the head is read; 8000x8000 is legal
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(BytesIO(raw)) as image:
            (width, height), kind = image.size, image.format
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError):
        return _CORRUPT
    finally:
        Image.MAX_IMAGE_PIXELS = limit
    return (width, height), None if kind in _SUPPORTED else "unsupported_format"


def media_facts(ref: Mapping[str, object]) -> MediaFact:
    """Return the result of loading a media reference on the reference server."""
    return Loader()(ref)
