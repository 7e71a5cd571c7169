"""Supplied values: each is what its name says, according to an image library."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from base64 import b64decode
from collections.abc import Callable

import pytest
from PIL import Image

from luma_conformance.catalogue.media import IMAGE_LIMIT, encode, supply, write
from luma_conformance.catalogue.roles import SUPPLIES


@pytest.mark.parametrize("length", [6000, 6001])
def test_a_prompt_has_its_length_and_no_white_space_to_trim(length: int) -> None:
    """Characters, bytes and UTF-16 units are the same number, so that no way to count matters."""
    prompt = supply(f"prompt-of-{length}")
    assert len(prompt) == len(prompt.encode()) == len(prompt.strip()) == length
    assert prompt.isprintable()


@pytest.mark.parametrize(
    ("name", "kind", "size"),
    [
        ("inline-png", "PNG", (256, 256)),
        ("inline-jpeg", "JPEG", (256, 256)),
        ("inline-webp", "WEBP", (256, 256)),
        ("inline-gif", "GIF", (256, 256)),
        ("inline-8000x8000", "PNG", (8000, 8000)),
        ("inline-9000x6000", "PNG", (9000, 6000)),
    ],
)
def test_an_image_decodes_to_what_its_name_says(name: str, kind: str, size: tuple[int, int]) -> None:
    """It is small enough to send without a thought, and still."""
    raw = b64decode(supply(name), validate=True)
    assert len(raw) < 12_000
    with Image.open(io.BytesIO(raw)) as image:
        image.load()
        assert (image.format, image.size, getattr(image, "n_frames", 1)) == (kind, size, 1)


def test_the_image_over_50_mb_is_wrong_only_in_its_size() -> None:
    """It is one byte too long, and decodes."""
    raw = b64decode(supply("inline-over-50-mb"), validate=True)
    assert len(raw) == IMAGE_LIMIT + 1
    with Image.open(io.BytesIO(raw)) as image:
        image.load()
        assert (image.format, image.size) == ("PNG", (256, 256))


def test_the_video_over_50_mb_is_one_byte_too_long() -> None:
    """It is boxes, as an MP4 is, of the length they say."""
    raw = b64decode(supply("inline-video-over-50-mb"), validate=True)
    first = int.from_bytes(raw[:4])
    assert len(raw) == IMAGE_LIMIT + 1
    assert (raw[4:8], raw[first + 4 : first + 8]) == (b"ftyp", b"free")
    assert first + int.from_bytes(raw[first : first + 4]) == len(raw)


def test_the_video_begins_as_an_mp4_does() -> None:
    """Its one box is as long as it says."""
    raw = b64decode(supply("inline-mp4"), validate=True)
    assert (int.from_bytes(raw[:4]), raw[4:8]) == (len(raw), b"ftyp")


def test_every_name_is_supplied_and_no_other() -> None:
    """The names are those of the case files' grammar."""
    assert all(supply(name) for name in SUPPLIES)
    with pytest.raises(KeyError):
        supply("inline-tiff")


def test_a_supplied_value_is_made_once_unless_it_is_large() -> None:
    """The same text comes back; nothing holds 70 MB that are not being sent."""
    assert supply("inline-8000x8000") is supply("inline-8000x8000")
    assert supply("inline-over-50-mb") is not supply("inline-over-50-mb")


@pytest.mark.parametrize("write_body", [write, encode])
def test_what_is_large_is_put_in_where_its_name_is_a_whole_text(write_body: Callable[[object], bytes]) -> None:
    """Each such name becomes the value, wherever it stands; a text that only has the name in it stays."""
    name, other = "{inline-50-mb}", "a {inline-50-mb}"
    sent = json.loads(write_body({"prompt": other, "source": {"data": name}, "image_ref": ["", {"data": name}]}))
    value = supply("inline-50-mb")
    assert sent == {"prompt": other, "source": {"data": value}, "image_ref": ["", {"data": value}]}


def test_half_a_surrogate_pair_beside_what_is_large_is_escaped() -> None:
    """Such a body has no UTF-8 of its own, and is sent with JSON's escapes."""
    body = {"prompt": "\ud83c", "source": {"data": "{inline-video-over-50-mb}"}}
    assert json.loads(encode(body)) == {"prompt": "\ud83c", "source": {"data": supply("inline-video-over-50-mb")}}


def test_no_image_library_is_imported() -> None:
    """A run that sends images starts as fast as one that does not."""
    code = (
        "import sys, luma_conformance.catalogue.media as media; "
        "media.supply('inline-8000x8000'); assert 'PIL' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
