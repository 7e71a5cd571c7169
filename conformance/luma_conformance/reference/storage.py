"""Output files behind presigned URLs, which are really signed, served and expired."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import math
from collections.abc import Iterator
from typing import Final
from urllib.parse import parse_qs, urlencode

from luma_conformance.model import Response

PREFIX: Final = "/storage/generations/"
_PNG: Final = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
_MP4: Final = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2\x00\x00\x00\x08mdat"
_FILES: Final = {"image": ("output.png", "image/png", _PNG), "video": ("output.mp4", "video/mp4", _MP4)}
_SIGNED: Final = {"X-Amz-Date", "X-Amz-Expires", "X-Amz-Nonce"}
_SIGNING_KEY: Final = b"the reference signs; nothing of value is behind it"


class Storage:
    """Signs output URLs, each different from the last, and answers requests for them."""

    def __init__(self, seconds: int) -> None:
        self._seconds = seconds
        self._serial: Iterator[int] = itertools.count(1)

    def url(self, origin: str, generation: str, media: str, now: float) -> str:
        """Return a new URL of an output; by default it is valid for an hour from `now`."""
        path = f"{PREFIX}{generation}/{_FILES[media][0]}"
        facts = {
            "X-Amz-Date": f"{math.floor(now * 1000) / 1000:.3f}",  # rounded up, it would be valid for too long
            "X-Amz-Expires": str(self._seconds),
            "X-Amz-Nonce": str(next(self._serial)),
        }
        return f"{origin}{path}?{urlencode({**facts, 'X-Amz-Signature': _sign(path, facts).decode()})}"

    @staticmethod
    def generation(url: str) -> str:
        """Return the id of the generation whose output a path names."""
        return url.removeprefix(PREFIX).partition("/")[0]

    def answer(self, url: str, media: str, now: float) -> Response:
        """Return the file behind a URL, or 403 once the URL has expired ("What happens when a URL expires")."""
        path, _, query = url.partition("?")
        given = {name: values[0] for name, values in parse_qs(query).items()}
        signature = given.pop("X-Amz-Signature", "").encode(errors="replace")
        if given.keys() != _SIGNED or not hmac.compare_digest(signature, _sign(path, given)):
            return UNSIGNED
        if now >= float(given["X-Amz-Date"]) + float(given["X-Amz-Expires"]):
            return _deny("AccessDenied", "Request has expired")
        name, content_type, body = _FILES[media]
        if not path.endswith(name):
            return _deny("AccessDenied", "Access Denied")
        return Response(status=200, headers=(("Content-Type", content_type),), body=body)


def _sign(path: str, facts: dict[str, str]) -> bytes:
    text = "\n".join([path, *(f"{name}={value}" for name, value in sorted(facts.items()))])
    return hmac.new(_SIGNING_KEY, text.encode(errors="replace"), hashlib.sha256).hexdigest().encode()


def _deny(code: str, message: str) -> Response:
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return Response(status=403, headers=(("Content-Type", "application/xml"),), body=body.encode())


UNSIGNED: Final = _deny("SignatureDoesNotMatch", "The signature does not match.")
"""The answer to a URL that was never issued."""
