"""What a gateway in front of a target asks of its callers, beside the API: headers of its own, a client certificate."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import Final

from luma_conformance.errors import InputError
from luma_conformance.model import Headers
from luma_conformance.redaction.needles import REDACTED, SHORT_SECRET

OURS: Final = {
    "authorization": "the keys come from the profile, or $LUMA_AGENTS_API_KEY",
    "x-request-id": "whether it comes back is judged",
    "content-type": "what a case sends is part of what is judged",
    **dict.fromkeys(
        ("host", "content-length", "transfer-encoding", "content-encoding", "connection", "expect", "te", "upgrade"),
        "it says how a request is sent, which the kit alone does",
    ),
}
"""The headers, in lower case, that would falsify what is judged, and why."""

_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NOT_A_VALUE: Final = re.compile(r"[\0-\x08\x0a-\x1f\x7f]|[^\0-\xff]")
_PARTS: Final = re.compile(r"[\s,;]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayHeader:
    """A header that every request to the target has: `value` is sent, `shown` is written instead of it.

    `secrets` maps what must not be written to what is written instead.
    """

    name: str
    value: str = field(repr=False)
    shown: str
    secrets: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCertificate:
    """The files, in PEM, of a certificate that says who we are, and of its private key; one file may have both."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """What is added to each request and connection to a target, and to no other server."""

    headers: tuple[GatewayHeader, ...] = ()
    certificate: ClientCertificate | None = None

    def or_else(self, other: Gateway) -> Gateway:
        """Return both together; where both have a header of one name, or a certificate, this one's."""
        mine = {header.name.lower() for header in self.headers}
        others = tuple(header for header in other.headers if header.name.lower() not in mine)
        return Gateway(headers=self.headers + others, certificate=self.certificate or other.certificate)

    def add_to(self, fields: Headers) -> Headers:
        """Return a request's header fields with ours behind them, less those the request has already."""
        given = {name.lower() for name, _ in fields}
        return (*fields, *((one.name, one.value) for one in self.headers if one.name.lower() not in given))

    @property
    def shown(self) -> Headers:
        """The headers as they may be written."""
        return tuple((header.name, header.shown) for header in self.headers)

    @property
    def secrets(self) -> Mapping[str, str]:
        """What must never be shown, with what is shown instead."""
        return {secret: shown for header in self.headers for secret, shown in header.secrets.items()}


def parse_header(text: str, environ: Mapping[str, str]) -> GatewayHeader:
    """Return the header in `Name: value`; raise InputError, with no part of a value in it.

    `$VARIABLE` or `${VARIABLE}` in a value is what an environment variable has, `$$` a dollar sign.
    """
    name, colon, template = text.partition(":")
    if not colon or not _NAME.fullmatch(name.strip()):
        raise InputError('a header is written "Name: value", or "Name: $VARIABLE" for what a variable has')
    return make_header(name.strip(), template, environ)


def make_header(name: str, text: str, environ: Mapping[str, str]) -> GatewayHeader:
    """Return a header from its name and the text of its value; raise InputError, with no part of the value in it."""
    if not _NAME.fullmatch(name):
        raise InputError(f"{name!r} is not the name of a header")
    if (why := OURS.get(name.lower())) is not None:
        raise InputError(f"header {name} cannot be added to every request: {why}")
    template = Template(text.strip(" \t"))
    if not template.is_valid():
        raise InputError(f"the value of header {name} has a $ that names no variable; a dollar sign is written $$")
    known = {variable: _read(name, variable, environ) for variable in template.get_identifiers()}
    value = template.substitute(known)
    if not value:
        raise InputError(f"the value of header {name} is empty; is the variable set that should be in it?")
    if _NOT_A_VALUE.search(value):
        raise InputError(f"the value of header {name} has a line break, or another character no header can have")
    guessed = tuple(_guess_secrets(template.substitute(dict.fromkeys(known, " "))))
    shown = template.substitute({variable: f"${variable}" for variable in known})
    for part in guessed:
        shown = shown.replace(part, REDACTED)
    secrets = dict.fromkeys(guessed, REDACTED) | {secret: f"${variable}" for variable, secret in known.items()}
    return GatewayHeader(name=name, value=value, shown=shown, secrets=secrets)


def parse_certificate(text: str) -> ClientCertificate:
    """Return the files in `CERTIFICATE` or `CERTIFICATE,KEY`; raise InputError if one has no name."""
    certificate, comma, key = text.partition(",")
    if not certificate or (comma and not key):
        raise InputError("a client certificate is written FILE, or FILE,KEYFILE where its key is in another file")
    return ClientCertificate(certificate=Path(certificate), key=Path(key or certificate))


def _read(name: str, variable: str, environ: Mapping[str, str]) -> str:
    value = environ.get(variable)
    if value is None or not value.strip():
        state = "is not set" if value is None else "is empty"
        raise InputError(f"header {name}: environment variable {variable} {state}")
    return value.strip()


def _guess_secrets(literal: str) -> Iterator[str]:
    """Yield what may be secret of a value that is in no variable: each part of it that is not short.

    Of `Bearer abcdefgh`, a server may repeat the second part alone; of `session=abcdefgh`, what follows the sign.
    """
    for word in _PARTS.split(literal):
        yield from (part for part in (word, word.partition("=")[2]) if len(part) >= SHORT_SECRET)
