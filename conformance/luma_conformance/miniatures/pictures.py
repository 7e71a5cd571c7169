"""Inline media for witnesses: the smallest bytes that have a format and a size."""

from __future__ import annotations

import binascii
from typing import Final

_PNG: Final = b"\x89PNG\r\n\x1a\n"
_IDAT: Final = b"x\x9cc\x00\x01\x00\x00\x05\x00\x01"


def encode(raw: bytes) -> str:
    """Return base64."""
    return binascii.b2a_base64(raw, newline=False).decode()


def png(width: int = 64, height: int = 64, size: int = 0) -> bytes:
    """Return a PNG of these sides, followed by as many bytes as make `size` in all."""
    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\x00\x00\x00"
    raw = _PNG + _chunk(b"IHDR", head) + _chunk(b"IDAT", _IDAT) + _chunk(b"IEND", b"")
    return raw + bytes(max(0, size - len(raw)))


def gif(width: int = 64, height: int = 64) -> bytes:
    """Return a GIF of these sides."""
    sides = width.to_bytes(2, "little") + height.to_bytes(2, "little")
    palette = b"\x00\x00\x00\xff\xff\xff"
    return b"GIF89a" + sides + b"\x80\x00\x00" + palette + b"," + bytes(4) + sides + b"\x00\x02\x02D\x01\x00;"


def jpeg(width: int = 64, height: int = 64) -> bytes:
    """Return the head of a JPEG of these sides."""
    sides = height.to_bytes(2, "big") + width.to_bytes(2, "big")
    frame = b"\xff\xc0\x00\x11\x08" + sides + b"\x03\x01\x22\x00\x02\x11\x01\x03\x11\x01"
    scan = b"\xff\xda\x00\x0c\x03\x01\x00\x02\x11\x03\x11\x00\x3f\x00"
    return b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00" + frame + scan + b"\xff\xd9"


def mp4(size: int = 32) -> bytes:
    """Return the first bytes of an MP4."""
    return b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isommp42".ljust(size, b"\x00")


def _chunk(name: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + name + data + binascii.crc32(name + data).to_bytes(4, "big")
