"""Where the reference is reached from outside: the start of its output URLs, behind TLS, a proxy and a prefix."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from luma_conformance.errors import InputError
from luma_conformance.model import Headers, header

ORIGIN: Final = "http://reference.invalid"
"""The origin of output URLs when a request has no Host header, as in process."""

FORWARDED: Final = ("forwarded", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-prefix")
"""The headers, in lower case, in which a proxy says what it was asked for."""

_SCHEME: Final = re.compile(r"https?")
_HOST: Final = re.compile(r"[\w.-]+(?::\d+)?|\[[\da-fA-F:.]+\](?::\d+)?", re.ASCII)
_PREFIX: Final = re.compile(r"(?:/[\w.~!$&'()*+,;=:@%-]+)+", re.ASCII)
# RFC 7239: `for=192.0.2.60;proto=https;host="example.com:8443", for=…`; the first element is the outermost proxy's.
_PAIR: Final = re.compile(r'(?i)(?:^|;)\s*(?P<name>proto|host)="?(?P<value>[^";,]*)')


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Scheme and host, and the prefix of all paths, which is empty or begins with a slash and does not end with one."""

    root: str
    prefix: str = ""

    def __str__(self) -> str:
        return self.root + self.prefix

    def localize(self, url: str) -> str:
        """Return a request's path and query without the prefix, which a proxy may have left on or taken off."""
        rest = url.removeprefix(self.root).removeprefix(self.prefix)
        return rest if rest.startswith("/") else url


def parse_public_url(text: str) -> Origin:
    """Return the origin in a URL, a final /v1 left off as in a base URL; raise InputError where it is none."""
    try:
        parts = urlsplit(text)
        prefix = parts.path.rstrip("/").removesuffix("/v1").rstrip("/")
        if not (_SCHEME.fullmatch(parts.scheme) and _HOST.fullmatch(parts.netloc)):
            raise ValueError
        if parts.query or parts.fragment or (prefix and not _PREFIX.fullmatch(prefix)):
            raise ValueError
    except ValueError:
        raise InputError(f"public URL {text!r} is not one like https://example.com/luma") from None
    return Origin(root=f"{parts.scheme}://{parts.netloc}", prefix=prefix)


def is_forwarded(headers: Headers) -> bool:
    """Return whether a proxy says of a request what it was asked for; most requests come straight."""
    return any(name.lower() in FORWARDED for name, _ in headers)


def find_origin(headers: Headers) -> Origin:
    """Return where a request was sent to, by what proxies say of it, or else by its Host; what is malformed is ignored.

    Each of several proxies may add its value behind a comma: scheme and host are those of the first, and the prefixes
    follow one another.
    """
    if not is_forwarded(headers):
        return _make_origin("http", _choose(_HOST, header(headers, "Host") or ""))
    forwarded = (header(headers, "Forwarded") or "").partition(",")[0]
    said = {pair["name"].lower(): pair["value"].strip() for pair in _PAIR.finditer(forwarded)}
    scheme = _choose(_SCHEME, _first(headers, "X-Forwarded-Proto").lower(), said.get("proto", "").lower()) or "http"
    host = _choose(_HOST, _first(headers, "X-Forwarded-Host"), said.get("host", ""), header(headers, "Host") or "")
    prefixes = (header(headers, "X-Forwarded-Prefix") or "").split(",")
    prefix = "".join(f"/{part.strip(' /')}" for part in prefixes if part.strip(" /"))
    return _make_origin(scheme, host, _choose(_PREFIX, prefix))


def _make_origin(scheme: str, host: str, prefix: str = "") -> Origin:
    return Origin(root=f"{scheme}://{host}" if host else ORIGIN, prefix=prefix)


def _first(headers: Headers, name: str) -> str:
    return (header(headers, name) or "").partition(",")[0].strip()


def _choose(form: re.Pattern[str], *texts: str) -> str:
    """Return the first of some texts that has the form, or nothing."""
    return next((text for text in texts if form.fullmatch(text)), "")
