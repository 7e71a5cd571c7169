"""What media turn out to be: inline data decoded for real, URLs by their cards."""

from __future__ import annotations

import base64
import io
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from luma_conformance.reference import media_facts
from luma_conformance.reference.media import Loader
from luma_conformance.rules import MediaFact, Problem
from tests.kit import same_examples
from tests.reference.asking import SUNSET, Desk, answer, data

DECODED = ("PNG", "JPEG", "WEBP", "GIF")
PIXELS = Image.new("RGB", (8, 6), "teal")


def encoded(kind: str, picture: Image.Image = PIXELS) -> bytes:
    """Return a picture in a format."""
    file = io.BytesIO()
    picture.save(file, kind)
    return file.getvalue()


def inline(raw: bytes, media_type: str = "image/png") -> dict[str, object]:
    """Return a media reference that carries these bytes."""
    return {"data": base64.b64encode(raw).decode(), "media_type": media_type}


def outcome(ref: dict[str, object]) -> Any:
    """Return the failure code a generation with this reference ends with, or None."""
    desk = Desk()
    generation = desk.made({**SUNSET, "image_ref": [ref]})
    desk.clock.sleep(5)
    return data(desk.poll(generation))["failure_code"]


@pytest.mark.parametrize("kind", DECODED)
def test_the_four_formats_are_measured(kind: str) -> None:
    """A picture's size is read from the picture, whatever its media type says, and its generation completes."""
    raw = encoded(kind)
    assert media_facts(inline(raw)) == MediaFact(bytes=len(raw), width=8, height=6)
    assert outcome(inline(raw)) is None


def test_an_animation_is_measured_too() -> None:
    """A picture of several frames has the size of a frame."""
    file = io.BytesIO()
    PIXELS.save(file, "GIF", save_all=True, append_images=[Image.new("RGB", (8, 6), "red")])
    assert media_facts(inline(file.getvalue())).width == 8


def _lengthen(jpeg: bytes) -> bytes:
    """Return a JPEG with 190 KB of comments before its size."""
    comment = b"\xff\xfe\xff\xff" + bytes(65_533)
    return jpeg[:2] + 3 * comment + jpeg[2:]


def _encode_noise() -> bytes:
    """Return a WebP of 240 KB, which is decoded from its first byte to its last."""
    file = io.BytesIO()
    noise = random.Random(1).randbytes(270_000)  # noqa: S311  of no secret
    Image.frombytes("RGB", (300, 300), noise).save(file, "WEBP", lossless=True)
    return file.getvalue()


@pytest.mark.parametrize(("raw", "size"), [(_lengthen(encoded("JPEG")), (8, 6)), (_encode_noise(), (300, 300))])
def test_a_large_picture_is_measured_wherever_its_size_stands(raw: bytes, size: tuple[int, int]) -> None:
    """A picture whose beginning does not tell its size is decoded to its end."""
    assert len(raw) > 150_000
    assert media_facts(inline(raw)) == MediaFact(bytes=len(raw), width=size[0], height=size[1])
    assert outcome(inline(raw)) is None


def test_many_bytes_that_are_no_picture_fail_later_too() -> None:
    """Neither the beginning nor the whole of them decodes."""
    assert outcome(inline(bytes(300_000))) == "corrupt_input"


@pytest.mark.parametrize("kind", ["BMP", "TIFF", "PPM", "ICO"])
def test_another_format_is_accepted_and_fails_later(kind: str) -> None:
    """A picture of a format the page does not name fails with unsupported_format."""
    assert outcome(inline(encoded(kind, PIXELS.resize((16, 16))))) == "unsupported_format"


@pytest.mark.parametrize("raw", [b"", b"no picture", b"\x89PNG\r\n\x1a\n", encoded("JPEG")[:20]])
def test_bytes_that_do_not_decode_are_accepted_and_fail_later(raw: bytes) -> None:
    """What is no picture, or only begins as one, fails with corrupt_input."""
    if raw:
        assert outcome(inline(raw)) == "corrupt_input"
    assert media_facts(inline(raw)).problem is None


def test_the_first_unusable_picture_decides() -> None:
    """Of two unusable pictures the first gives its code; a prompt's card comes before both."""
    desk = Desk()
    pictures = [inline(encoded("PNG")), inline(encoded("BMP")), inline(b"no picture")]
    generation = desk.made({**SUNSET, "image_ref": pictures})
    carded = desk.made({"prompt": "[test] fail output_not_found", "image_ref": pictures})
    desk.clock.sleep(5)
    assert data(desk.poll(generation))["failure_code"] == "unsupported_format"
    assert data(desk.poll(carded))["failure_code"] == "output_not_found"


@pytest.mark.parametrize("text", ["not base64!", "iVBORw0KGgo...", "YQ", "YQ=", "Y Q==", "YQ==YQ==", "é", "_-8="])
def test_base64_is_read_strictly(text: str) -> None:
    """Anything but the alphabet and its padding is invalid."""
    assert media_facts({"data": text, "media_type": "image/png"}).problem is Problem.BAD_BASE64
    assert Loader().failure is None


def test_a_wide_picture_is_refused_by_its_real_size() -> None:
    """8001 pixels on a side are too many, 8000 are not."""
    desk = Desk()
    wide = inline(encoded("PNG", Image.new("1", (8001, 1))))
    text = "image_ref[0]: image is 8001x1px but each side must be <= 8000px. Resize and try again."
    assert answer(desk.create({**SUNSET, "image_ref": [wide]})) == (413, text)
    assert desk.create({**SUNSET, "image_ref": [inline(encoded("PNG", Image.new("1", (8000, 1))))]}).status == 201


def test_a_bomb_is_measured_and_the_guard_of_pillow_stands() -> None:
    """Only the head is read, so the size of the pixels is no matter, and Pillow's limit is as it was."""
    limit = Image.MAX_IMAGE_PIXELS
    head = encoded("PNG")
    bomb = head[:16] + (60_000).to_bytes(4, "big") * 2 + head[24:]
    fact = media_facts(inline(bomb))
    assert fact.width in (60_000, None)
    assert limit == Image.MAX_IMAGE_PIXELS


def test_video_bytes_are_weighed_and_not_decoded() -> None:
    """A video's reference has a length and no size."""
    assert media_facts(inline(b"no video", "video/mp4")) == MediaFact(bytes=8)


def test_a_reference_by_generation_has_no_media() -> None:
    """A generation has nothing to load."""
    assert media_facts({"generation_id": "d290f1ee-6c54-4b01-90e6-d701748f0851"}) == MediaFact()


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("https://media.test/missing.png", Problem.HTTP_ERROR),
        ("https://media.test/document.pdf", Problem.NOT_AN_IMAGE),
        ("https://media.test/proxy-down.png", Problem.PROXY_DOWN),
        ("https://media.test/ingestion-off.png", Problem.INGESTION_OFF),
        ("https://unreachable.test/anything", Problem.UNREACHABLE),
        ("https://nonexistent-domain-12345.com/image.jpg", Problem.UNREACHABLE),
        ("https://[", Problem.UNREACHABLE),
        ("https://a\N{ACCOUNT OF}b/", Problem.UNREACHABLE),
        ("https://media.test/missing.png?", None),
        ("https://example.com/photo.jpg", None),
    ],
)
def test_a_url_loads_as_its_card_says(url: str, problem: Problem | None) -> None:
    """Whole URLs and whole hosts have cards; a URL without one loads, and one with no host to reach does not."""
    assert media_facts({"url": url}).problem is problem


@same_examples(80)
@given(kind=st.sampled_from([*DECODED, "BMP", "TIFF", "ICO"]), cut=st.integers(1, 400), edits=st.binary(max_size=6))
def test_no_picture_causes_an_exception(kind: str, cut: int, edits: bytes) -> None:
    """A picture damaged anywhere is measured, or found corrupt or foreign."""
    raw = bytearray(encoded(kind)[:cut])
    for place, value in enumerate(edits):
        raw[(place * 37 + value) % len(raw)] = value
    loader = Loader()
    assert loader(inline(bytes(raw))).bytes == len(raw)
    assert loader.failure in (None, "corrupt_input", "unsupported_format")
