"""Content codings taken off a recorded body: gzip and deflate; br and zstd where a library is installed."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

from luma_conformance.shown import clip

MAX_BYTES: Final = 1 << 28
"""Bytes of a body without its codings."""


class StillCoded(Exception):
    """A body whose coding could not be taken off, with the reason."""


def decode(raw: bytes, codings: str) -> bytes:
    """Return a body without the codings that a Content-Encoding header names; raise StillCoded.

    A body that is plain text already is returned as it is: most recorders take codings off and keep the header.
    """
    for name in reversed([one.strip().lower() for one in codings.split(",")]):
        if name in ("", "identity"):
            continue
        try:
            raw = _take_off(name, raw)
        except StillCoded:
            if not is_text(raw):
                raise
            return raw
    return raw


def _take_off(name: str, raw: bytes) -> bytes:
    if name in ("gzip", "x-gzip"):
        if raw[:1] != b"\x1f":  # the coding is off already
            return raw
        return _inflate(raw, zlib.MAX_WBITS | 16, "gzip")
    if name == "deflate":
        try:
            return _inflate(raw, zlib.MAX_WBITS, "deflate")
        except StillCoded:
            return _inflate(raw, -zlib.MAX_WBITS, "deflate")  # many servers leave zlib's header out
    if name not in _LIBRARIES:
        raise StillCoded(f"is kept in a coding that is not read: {clip(name, 20)}")
    return _decode_with_library(name, raw)


def _inflate(raw: bytes, window: int, name: str) -> bytes:
    """Return all members of a stream, within the bound."""
    plain = bytearray()
    while raw:
        inflater = zlib.decompressobj(window)
        try:
            plain += inflater.decompress(raw, MAX_BYTES + 1 - len(plain))
        except zlib.error:
            raise StillCoded(f"is not {name}, as its Content-Encoding says") from None
        if len(plain) > MAX_BYTES:
            raise StillCoded(f"inflates to more than {MAX_BYTES} bytes")
        if not inflater.eof:
            raise StillCoded(f"is cut off: its {name} does not end")
        raw = inflater.unused_data
    return bytes(plain)


def _decode_with_library(name: str, raw: bytes) -> bytes:
    """Return a body decoded by a library that somebody has installed; it is no dependency of the kit."""
    try:
        library = import_module(_LIBRARIES[name])
    except ImportError:
        raise StillCoded(f"is kept in {name}; `pip install {_LIBRARIES[name]}` makes it readable") from None
    try:
        plain = _DECODERS[name](library, raw)
    except Exception:  # noqa: BLE001 - each library has errors of its own
        raise StillCoded(f"is not {name}, as its Content-Encoding says, or is cut off") from None
    if len(plain) > MAX_BYTES:
        raise StillCoded(f"inflates to more than {MAX_BYTES} bytes")
    return plain


def _decode_brotli(library: Any, raw: bytes) -> bytes:
    decoder = library.Decompressor()
    plain = bytes(decoder.process(raw, output_buffer_limit=MAX_BYTES + 1))
    if not decoder.is_finished() and len(plain) <= MAX_BYTES:
        raise ValueError("cut off")
    return plain


def _decode_zstd(library: Any, raw: bytes) -> bytes:
    return bytes(library.ZstdDecompressor().stream_reader(raw).read(MAX_BYTES + 1))


_LIBRARIES: Final = {"br": "brotli", "zstd": "zstandard"}
_DECODERS: Final[dict[str, Callable[[Any, bytes], bytes]]] = {"br": _decode_brotli, "zstd": _decode_zstd}


def is_text(raw: bytes) -> bool:
    """Return whether a body is text in UTF-8 without control characters, which nothing that is still coded is."""
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return _CONTROLS.isdisjoint(raw)


_CONTROLS: Final = frozenset(range(32)) - frozenset(b"\t\n\r")
