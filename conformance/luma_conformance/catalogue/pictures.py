"""Blank pictures with a side at the limit, and just above it, in each format that is documented, encoded in many ways.

Where the sides stand in a file depends on how it is encoded; a server that reads them itself may know some ways only.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from PIL import Image

_FORMATS: Final = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP", "image/gif": "GIF"}
_FAST: Final = {"method": 0}  # WebP's usual way takes most of the time
_LOSSLESS: Final = {**_FAST, "lossless": True}
# For each way of encoding its name, its format, the mode of its pixels, and what the encoder is told.
_OVER: Final[tuple[tuple[str, str, str, dict[str, Any]], ...]] = (
    ("", "image/png", "L", {}),
    ("", "image/jpeg", "L", {}),
    ("", "image/webp", "L", _FAST),
    ("", "image/gif", "L", {}),
    ("palette", "image/png", "P", {}),
    ("progressive, with EXIF", "image/jpeg", "RGB", {"progressive": True, "exif": True}),
    ("lossless", "image/webp", "L", _LOSSLESS),
    ("with a comment", "image/gif", "P", {"comment": b"harbour"}),
    ("extended", "image/webp", "RGBA", {**_FAST, "exif": True}),
)
_AT: Final[tuple[tuple[str, str, str, dict[str, Any]], ...]] = (
    ("with alpha", "image/png", "RGBA", {}),
    ("progressive", "image/jpeg", "L", {"progressive": True}),
    ("", "image/webp", "L", _FAST),
    ("", "image/gif", "L", {}),
    ("of 16 bits", "image/png", "I;16", {}),
    ("of four channels", "image/jpeg", "CMYK", {"quality": 1}),
    ("lossless", "image/webp", "RGBA", _LOSSLESS),
    ("with a comment", "image/gif", "P", {"comment": b"harbour"}),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A blank picture, in base64; `encoding` is what is special about how it is encoded."""

    media_type: str
    width: int
    height: int
    data: str
    encoding: str = ""


@cache
def draw_pictures() -> tuple[Picture, ...]:
    """Return pictures that are 8000 and 8001 pixels wide, or high, in each format."""
    return (*_draw(8000, _AT), *_draw(8001, _OVER))


def _draw(side: int, ways: tuple[tuple[str, str, str, dict[str, Any]], ...]) -> Iterator[Picture]:
    """Yield a picture for each way of encoding it, the first of each format wide, then high."""
    # Not needed by a run that judges no properties. Without its module, Pillow loads those of all formats to find WebP.
    from PIL import Image, WebPImagePlugin  # noqa: F401

    for number, (encoding, media_type, mode, options) in enumerate(ways):
        width, height = (64, side) if number // len(_FORMATS) % 2 else (side, 64)
        blank = Image.new(mode, (width, height))
        file = BytesIO()
        blank.save(file, _FORMATS[media_type], **{**options, **_describe(blank, options)})
        data = b64encode(file.getvalue()).decode()
        yield Picture(media_type=media_type, width=width, height=height, data=data, encoding=encoding)


def _describe(blank: Image.Image, options: dict[str, Any]) -> dict[str, Any]:
    """Return the EXIF block of a picture that is to have one: the width and height of another."""
    if "exif" not in options:
        return {}
    exif = blank.getexif()
    exif[256], exif[257] = 160, 120
    return {"exif": exif}
