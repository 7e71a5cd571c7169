"""What a recording may hold of an exchange: which header values, and how much of a request's body.

Redaction removes the secrets it knows. A recording is kept and passed on, so it holds less than that: a header nobody
needs to judge an answer may be a secret of somebody else's, and inline media are large and may be private.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Final

from luma_conformance.model import Headers
from luma_conformance.redaction.needles import REDACTED
from luma_conformance.redaction.redactor import Redactor

STORABLE: Final = frozenset(
    {
        "accept",
        "allow",
        "cache-control",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "date",
        "host",
        "location",
        "retry-after",
        "server",
        "transfer-encoding",
        "user-agent",
        "vary",
        "www-authenticate",
        "x-api-version",
        "x-ratelimit-limit",
        "x-ratelimit-remaining",
        "x-ratelimit-reset",
        "x-request-id",
    }
)
"""The headers whose values are stored, once secrets are removed from them.

`Authorization` keeps its scheme; every other header keeps its name and a digest of its value, or only its name.
"""

# A digest of a short value can be reversed by trying all values, so headers with one of these words in their name have
# none: `Set-Cookie`, `X-Amz-Security-Token`.
PRIVATE: Final = re.compile(r"cookie|token|secret|key|auth|sign|credential|session")

# The two places a request may hold media: a `data` member ("data": "iVBOR…"), in which `\\.` takes an escaped quote as
# part of the text, and a data: URL (RFC 2397, "data:image/png;base64,…"). The rules judge any other long text.
_INLINE: Final = re.compile(
    r'''"data"\s*:\s*"(?P<data>[^"\\]*+(?:\\.[^"\\]*+)*+)"|"data:[a-z0-9.+/-]*;base64,(?P<url>[^"\\]*+)"''', re.DOTALL
)
_SHORT_MEDIA: Final = 200
"""Characters below which media are stored as they are: base64 that is meant to be invalid has to stay invalid."""


def storable_headers(headers: Headers, redactor: Redactor) -> Headers:
    """Return headers as a recording may hold them: every name, and the values STORABLE allows.

    A digest stands for a value that is not stored, so that a recording still shows whether two answers differ.
    """
    return tuple((name, _storable_value(name.lower(), value, redactor)) for name, value in headers)


def storable_body(body: bytes, redactor: Redactor) -> str:
    """Return a body as a recording may hold it: a digest and the length of media, secrets replaced by their names."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return _digest("body", body)
    return redactor.scrub(_INLINE.sub(_digest_media, text))


def _storable_value(name: str, value: str, redactor: Redactor) -> str:
    if name == "authorization":
        return _hide_credentials(value, redactor)
    if PRIVATE.search(name):
        return REDACTED
    return redactor.scrub(value) if name in STORABLE else _digest("header", value.encode("utf-8", "surrogatepass"))


def _hide_credentials(value: str, redactor: Redactor) -> str:
    """Return an Authorization header with a known key replaced by its name, and what may be an unknown key removed."""
    scrubbed = redactor.scrub(value)
    if redactor.find_secret(scrubbed) is None:
        return scrubbed
    scheme, space, _ = scrubbed.partition(" ")
    return f"{scheme} {REDACTED}" if space else REDACTED


def _digest_media(found: re.Match[str]) -> str:
    kind = "data" if found["data"] is not None else "url"
    if len(found[kind]) < _SHORT_MEDIA:
        return found[0]
    start, end = (offset - found.start() for offset in found.span(kind))
    return found[0][:start] + _digest("inline", found[kind].encode()) + found[0][end:]


def _digest(what: str, raw: bytes) -> str:
    return f"luma-conformance:{what} sha256={sha256(raw).hexdigest()} bytes={len(raw)}"
