"""The one door to disk and screen: what passes shows no secret, in whatever form, and commands no terminal."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from luma_conformance.model import Headers, Request, Response, Transport
from luma_conformance.redaction.spellings import FlatText, spellings, squeeze

SHORT_SECRET: Final = 8
"""Characters below which a secret is replaced only where it stands as a word of its own, or half the text would go."""
REDACTED: Final = "REDACTED"
"""What is shown instead of a secret without a name: a signature, a cookie, a key nobody told us of."""
MAX_LEARNED: Final = 256
"""How many secrets of the target's own making are kept in mind; the oldest go first."""
SEARCHED: Final = 1_000_000
"""Bytes of an answer that are searched for signed URLs."""

_UNPRINTABLE = re.compile(
    "[\0-\x08\x0b-\x1f\x7f-\x9f"  # C0 but tab and newline, DEL, C1
    "\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"  # what turns the direction of text, or breaks a line unseen
    "\ud800-\udfff]"  # halves of a surrogate pair
)
_SIGNED = re.compile(
    r"""(?ix) [?&;%\\] (?: (?<=[?&;]) | (?<=%)(?:25)*(?:3f|26) | (?<=\\)u0026 )
    (?:x-(?:amz|goog)-(?:signature|credential|security-token)|signature|sig|awsaccesskeyid|googleaccessid|key-pair-id|policy)
    (?:=|%(?:25)*3d|\\u003d)
    (?P<value>(?:(?!%(?:25)*26)[^&;\s"'<>\\\#])+)"""
)
"""A signing parameter of a presigned URL, as its clouds call them."""
_PRIVATE = re.compile(r"cookie|token|secret|key|auth|sign|credential|session")
"""What the name of a header has in it whose value may be short enough to be guessed from a digest."""
_COOKIE = re.compile(r"\s*[^=;\s]+=\"?(?P<value>[^;\"]+)")
_CUT = re.compile(rb"\.\.\.|\xe2\x80\xa6")
_HEAD_SHOWN: Final = 12
_TAIL_SHOWN: Final = 6
"""Characters of a secret that may stay before and after the dots where somebody cut it: no less is known for one."""
_KEY = re.compile(r"luma-api-(?!test-|conformance-)[A-Za-z0-9]")
_TOKEN = re.compile(r"(?i)bearer(?:\s|\+|%20|\\u0020)+(?!luma-api-(?:test|conformance)-)[A-Za-z0-9._~+/=-]{20,}")
_INLINE = re.compile(
    r'''"data"\s*:\s*"(?P<data>[^"\\]*+(?:\\.[^"\\]*+)*+)"|"data:[a-z0-9.+/-]*;base64,(?P<url>[^"\\]*+)"''', re.DOTALL
)
"""Media in a request: a `data` member, or a URL that has them in it. Any other long text is for the rules to judge."""
_SHORT_MEDIA: Final = 200
"""Characters of a `data` member that are kept as they are: base64 that is meant to be wrong has to stay so."""
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
"""The headers whose values a recording may hold, scrubbed; of Authorization the secret goes, of others the value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """Something like a key in a text: what it is, and its line and column, both from 1."""

    what: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.what}"


class Redactor:
    """Replaces secrets by what is shown instead of them; `secrets` gives the one for the other."""

    def __init__(self, secrets: Mapping[str, str] | None = None) -> None:
        self._known: dict[str, str] = {}
        self._forms: dict[bytes, bytes] = {}
        self._whole: dict[bytes, bytes] = {}
        self._words: re.Pattern[str] | None = None
        self._learned: deque[tuple[bytes, bytes]] = deque(maxlen=MAX_LEARNED)
        self.add(secrets or {})

    def add(self, secrets: Mapping[str, str]) -> None:
        """Takes in secrets that became known later."""
        self._known |= {secret: shown for secret, shown in secrets.items() if secret}
        long = {secret: shown.encode() for secret, shown in self._known.items() if len(secret) >= SHORT_SECRET}
        self._forms = {form: shown for secret, shown in long.items() for form in spellings(secret)}
        self._whole = {_flatten_text(secret): shown for secret, shown in long.items()}
        self._words = _compile_words(self._known.keys() - long.keys())

    def scrub(self, text: str) -> str:
        """Returns the text with every secret, in whatever form, replaced."""
        if self._forms or self._learned:
            text = self._replace_secrets(text)
        if self._words is not None:
            text = self._words.sub(lambda found: self._known[found[0]], text)
        return _SIGNED.sub(_hide_signature, text)

    def learn(self, response: Response) -> None:
        """Keeps in mind what an answer must not have shown: its URLs' signatures and its cookies' values."""
        cookies = (value for name, value in response.headers if name.lower() == "set-cookie")
        found = [match["value"] for cookie in cookies if (match := _COOKIE.match(cookie))]
        places = [value for name, value in response.headers if name.lower() == "location"]
        if b"=" in response.body[:SEARCHED]:
            places.append(response.body[:SEARCHED].decode("utf-8", "replace"))
        found += [match["value"] for place in places for match in _SIGNED.finditer(place)]
        for value in found:
            entry = _flatten_text(value), REDACTED.encode()
            if len(entry[0]) >= _HEAD_SHOWN and entry not in self._learned:
                self._learned.append(entry)

    def find_secret(self, text: str) -> Leak | None:
        """Returns the first thing in a text that is a secret, or looks like a key of the API's; or None."""
        found = [(at, "a secret, in one of its forms") for at in self._find_offsets(text)]
        found += [(match.start(), "something like a key (luma-api-…)") for match in _KEY.finditer(text)]
        found += [(match.start(), "something like a token (Bearer …)") for match in _TOKEN.finditer(text)]
        if not found:
            return None
        at, what = min(found)
        return Leak(what=what, line=text.count("\n", 0, at) + 1, column=at - text.rfind("\n", 0, at))

    def _find_offsets(self, text: str) -> Iterator[int]:
        """Yields where in a text a secret begins, counted in characters from 0."""
        if self._forms or self._learned:
            raw = text.encode("utf-8", "surrogatepass")
            flat = FlatText(raw)
            for start, end, _ in self._find_spans(flat.text):
                yield len(raw[: flat.span(start, end)[0]].decode("utf-8", "surrogatepass"))

    def storable_headers(self, headers: Headers) -> Headers:
        """Returns headers as a recording may hold them: who asked, but not with what; of others a digest.

        Only the values of STORABLE are kept. A digest still tells whether two answers differ; a secret has none.
        """
        return tuple((name, self._storable_value(name.lower(), value)) for name, value in headers)

    def _storable_value(self, name: str, value: str) -> str:
        if name == "authorization":
            return self._hide_credentials(value)
        if _PRIVATE.search(name):
            return REDACTED
        return self.scrub(value) if name in STORABLE else _digest("header", value.encode("utf-8", "surrogatepass"))

    def storable_body(self, body: bytes) -> str:
        """Returns a body as a recording may hold it: media as digest and length, secrets by name, the rest as it is."""
        try:
            text = body.decode()
        except UnicodeDecodeError:
            return _digest("body", body)
        return self.scrub(_INLINE.sub(_digest_media, text))

    def _hide_credentials(self, value: str) -> str:
        """Returns an Authorization header with its key by name; what we do not know by value goes if it may be one."""
        scrubbed = self.scrub(value)
        if self.find_secret(scrubbed) is None:
            return scrubbed
        scheme, space, _ = scrubbed.partition(" ")
        return f"{scheme} {REDACTED}" if space else REDACTED

    def _replace_secrets(self, text: str) -> str:
        raw = text.encode("utf-8", "surrogatepass")
        if (plain := squeeze(raw)) is not None and next(self._find_spans(plain), None) is None:
            return text
        flat = FlatText(raw)
        spans = ((*flat.span(start, end), shown) for start, end, shown in self._find_spans(flat.text))
        pieces, at = [], 0
        for start, end, shown in sorted(spans, key=lambda span: (span[0], -span[1])):
            if start >= at:
                pieces += [raw[at:start], shown]
            at = max(at, end)
        return b"".join([*pieces, raw[at:]]).decode("utf-8", "surrogatepass") if pieces else text

    def _find_spans(self, text: bytes) -> Iterator[tuple[int, int, bytes]]:
        """Yields where secrets stand in a flat text, and what is shown instead."""
        for form, shown in (*self._forms.items(), *self._learned):
            at = text.find(form)
            while at >= 0:
                yield at, at + len(form), shown
                at = text.find(form, at + len(form))
        for cut in _CUT.finditer(text) if self._whole else ():
            yield from self._find_shortened(text, *cut.span())

    def _find_shortened(self, text: bytes, start: int, end: int) -> Iterator[tuple[int, int, bytes]]:
        """Yields what is left of secrets on both sides of dots that stand for the rest of a text."""
        for secret, shown in self._whole.items():
            head = text.rfind(secret[:_HEAD_SHOWN], max(0, start - len(secret)), start)
            if head >= 0 and secret.startswith(text[head:start]):
                yield head, start, shown
            tail = text.find(secret[-_TAIL_SHOWN:], end, end + len(secret))
            if tail >= 0 and secret.endswith(text[end : tail + _TAIL_SHOWN]):
                yield end, tail + _TAIL_SHOWN, shown


@dataclass(frozen=True, slots=True)
class LearningTransport:
    """A Transport that lets a redactor learn what the target's answers must not have shown."""

    transport: Transport
    redactor: Redactor

    def send(self, request: Request) -> Response:
        """Returns the answer, once the redactor has seen it."""
        response = self.transport.send(request)
        self.redactor.learn(response)
        return response


def printable(text: str) -> str:
    r"""Returns the text with every character a terminal would obey, and every half surrogate, shown as \uXXXX."""
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def find_keys(environ: Mapping[str, str]) -> dict[str, str]:
    """Returns the API keys in an environment, with what is shown instead: they are known before any profile is."""
    return {value.strip(): f"${name}" for name, value in environ.items() if _KEY.match(value.strip())}


def _compile_words(secrets: Iterable[str]) -> re.Pattern[str] | None:
    longest_first = sorted(secrets, key=len, reverse=True)
    return re.compile("|".join(rf"(?<!\w){re.escape(word)}(?!\w)" for word in longest_first)) if longest_first else None


def _hide_signature(found: re.Match[str]) -> str:
    """Returns a signing parameter without its value, but so that two that differ still do."""
    value = found["value"]
    if not value.startswith(REDACTED):
        value = f"{REDACTED}-{sha256(value.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
    return found[0][: found.start("value") - found.start()] + value


def _flatten_text(text: str) -> bytes:
    return FlatText(text.encode("utf-8", "surrogatepass")).text


def _digest_media(found: re.Match[str]) -> str:
    kind = "data" if found["data"] is not None else "url"
    if len(found[kind]) < _SHORT_MEDIA:
        return found[0]
    start, end = (offset - found.start() for offset in found.span(kind))
    return found[0][:start] + _digest("inline", found[kind].encode()) + found[0][end:]


def _digest(what: str, raw: bytes) -> str:
    return f"luma-conformance:{what} sha256={sha256(raw).hexdigest()} bytes={len(raw)}"
