"""The credentials in an exchange that somebody else recorded: secrets of whom nobody has told the kit."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Iterator
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from luma_conformance.model import Headers, Request, Response
from luma_conformance.redaction.needles import SHORT_SECRET
from luma_conformance.redaction.storable import PRIVATE, STORABLE

_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]*[ \t]+(?=\S)")
# What stands there once somebody has filtered a recording, and the public keys for tests.
_NO_SECRET: Final = re.compile(
    r"[A-Z_ -]+|[<\[{(].*[>\])}]|\$.*|[xX*.]+|(?i:.*redacted.*|.*filtered.*)|luma-api-(?:test|conformance)-.*"
)


def find_credentials(request: Request, response: Response) -> Iterator[str]:
    """Yield the values of headers, cookies and query parameters whose names say that they are secret."""
    for text in _list_values(request, response):
        value = text.strip().strip('"')
        if len(value) >= SHORT_SECRET and _NO_SECRET.fullmatch(value) is None:
            yield value


def _list_values(request: Request, response: Response) -> Iterator[str]:
    for headers in (request.headers, response.headers):
        yield from _list_header_values(headers)
    try:
        query = parse_qsl(urlsplit(request.url).query)
    except ValueError:
        query = []
    yield from (_strip_scheme(value) for name, value in query if PRIVATE.search(name.lower()))


def _list_header_values(headers: Headers) -> Iterator[str]:
    for name, value in headers:
        lower = name.lower()
        if lower in STORABLE or PRIVATE.search(lower) is None:
            continue
        if "cookie" in lower:
            yield from (pair.partition("=")[2] for pair in value.split(";")[: 1 if lower == "set-cookie" else None])
            continue
        yield (credential := _strip_scheme(value))
        if value[:6].lower() == "basic ":
            yield _read_password(credential)


def _strip_scheme(value: str) -> str:
    """Return a credential without the name of its scheme: `Bearer abc` is abc."""
    scheme = _SCHEME.match(value)
    return value[scheme.end() :] if scheme is not None else value


def _read_password(credential: str) -> str:
    """Return the password in the credentials of HTTP's basic authentication (RFC 7617), or nothing."""
    try:
        return b64decode(credential).decode("utf-8", "replace").partition(":")[2]
    except (binascii.Error, ValueError):
        return ""
