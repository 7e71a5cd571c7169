"""The result of loading a media reference, as a value; nothing is fetched or decoded here."""

from __future__ import annotations

import binascii
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final


class Kind(StrEnum):
    """What a medium is, or what a prior generation made."""

    IMAGE = "image"
    VIDEO = "video"


class Problem(StrEnum):
    """Why a media reference does not load.

    UNDECIDED stands for what the page leaves open: a server may load it or not, and the prediction is then unspecified.
    """

    BAD_BASE64 = "bad-base64"
    UNREACHABLE = "unreachable"
    HTTP_ERROR = "http-error"
    NOT_AN_IMAGE = "not-an-image"
    PROXY_DOWN = "proxy-down"
    INGESTION_OFF = "ingestion-off"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaFact:
    """The result of loading one media reference.

    `bytes` is the length of the decoded or fetched data; `width` and `height` are known together or not at all;
    `http_status` goes with HTTP_ERROR. `kind` is what it is, or what a generation made; without one it is presumed to
    be what its field asks for, so a lookup that does not know a medium says UNDECIDED. If there is a problem, the other
    members are ignored.
    """

    bytes: int | None = None
    width: int | None = None
    height: int | None = None
    problem: Problem | None = None
    http_status: int | None = None
    kind: Kind | None = None


MediaLookup = Callable[[Mapping[str, object]], MediaFact]
"""Maps a media reference, as it stands in the body, to the result of loading it."""

LOADABLE: Final = MediaFact()
MAX_REMEMBERED: Final = 100_000
"""Characters of data up to which the result of decoding it is remembered."""
_BAD_BASE64: Final = MediaFact(problem=Problem.BAD_BASE64)
_UNDECIDED: Final = MediaFact(problem=Problem.UNDECIDED)

_SIGNATURES: Final = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)
_ALPHABET: Final = (string.ascii_letters + string.digits + "+/").encode()
_HEAD: Final = 32
"""Characters of base64 in which the signature of an image is."""
# Characters some decoders let pass: the alphabet, padding, the URL-safe pair, line breaks and blanks.
_TOLERABLE: Final = frozenset(string.ascii_letters + string.digits + "+/=-_ \t\r\n")


def inline_only(ref: Mapping[str, object]) -> MediaFact:
    """Return the result of decoding inline data; URLs and generation ids are assumed to load, and to fit their field.

    Rests on "422 — Invalid base64 data". Data that only some decoders accept (blanks, the URL-safe alphabet, missing
    padding, a data: URI), images with an unknown signature and images declared to be something else are UNDECIDED.
    """
    data = ref.get("data")
    if not isinstance(data, str):
        return LOADABLE
    declared = ref.get("media_type")
    decode = _decode if len(data) <= MAX_REMEMBERED else _decode.__wrapped__
    return decode(data, None if declared is None else str(declared))


@lru_cache(maxsize=256)
def _decode(data: str, declared: str | None) -> MediaFact:
    size = measure_base64(data)
    if size is None:
        lenient = data.startswith("data:") or _TOLERABLE.issuperset(data)
        return _UNDECIDED if lenient else _BAD_BASE64
    found = _find_image_type(binascii.a2b_base64(data[:_HEAD]))
    if found is None and declared is not None and declared.startswith("video/"):
        return MediaFact(bytes=size)
    fits = found is not None and declared in (None, found)
    return MediaFact(bytes=size, kind=Kind.IMAGE) if fits else _UNDECIDED


def measure_base64(text: str) -> int | None:
    """Return how many bytes base64 stands for, or None if it is not base64.

    It is not decoded for that: what is refused for its 50 MB, and never looked at, would take most of a request's time.
    """
    raw = text.encode(errors="surrogatepass")
    padding = raw.translate(None, _ALPHABET)
    if len(raw) % 4 or padding not in (b"", b"=", b"==") or not raw.endswith(padding):
        return None
    return len(raw) // 4 * 3 - len(padding)


def _find_image_type(head: bytes) -> str | None:
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return next((media_type for signature, media_type in _SIGNATURES if head.startswith(signature)), None)
