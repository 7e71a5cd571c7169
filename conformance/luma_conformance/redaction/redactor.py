"""The one door to disk and screen: text that passed it shows no secret in any form, and controls no terminal."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from luma_conformance.matching import cut
from luma_conformance.model import Request, Response, Transport
from luma_conformance.redaction.bounds import MAX_SHOWN
from luma_conformance.redaction.spellings import FlatText, spellings, squeeze

SHORT_SECRET: Final = 8
"""Characters below which a secret is replaced only as a word of its own: `abc` occurs in half of all texts."""
REDACTED: Final = "REDACTED"
"""The replacement for a secret that has no name: a signature, a cookie, a key the kit was not told of."""
MAX_LEARNED: Final = 256
"""How many secrets found in the target's answers are remembered; the oldest are dropped first."""
SEARCHED: Final = 1_000_000
"""Bytes of an answer's body that are searched for signed URLs."""

# Characters a terminal obeys, or a reader does not see. Tab (09) and newline (0A) are allowed.
_UNPRINTABLE: Final = re.compile(
    "[\0-\x08\x0b-\x1f\x7f-\x9f"  # C0 but tab and newline, DEL, C1: "\x1b[2J" would clear the screen
    "\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"  # reverse the direction of text ("\u202e"), or break a line
    "\ud800-\udfff]"  # half of a surrogate pair, which has no UTF-8: writing it would raise
)

# A signing parameter of a presigned URL, under the names the cloud providers use. Whoever has its value can fetch the
# file, so it is a secret the target makes. Examples, all matched with the value `abc`:
#     ?X-Amz-Signature=abc    &sig=abc    ;Signature=abc      as a URL has it, `;` from an HTML reference (&amp;)
#     %3FX-Amz-Signature%3Dabc    %253Fsig%253Dabc            percent-encoded, once or more often: (?:25)*
#     \u0026Signature\u003dabc                                as JSON encoders write & and =
# The value ends before the next parameter in any of these forms, and before a space, quote, bracket, # or backslash.
# The first class repeats what the lookbehinds allow: the engine skips quickly to a character of one class.
_SIGNED: Final = re.compile(
    r"""(?ix) [?&;%\\] (?: (?<=[?&;]) | (?<=%)(?:25)*(?:3f|26) | (?<=\\)u0026 )
    (?:x-(?:amz|goog)-(?:signature|credential|security-token)|signature|sig|awsaccesskeyid|googleaccessid|key-pair-id|policy)
    (?:=|%(?:25)*3d|\\u003d)
    (?P<value>(?:(?!%(?:25)*26)[^&;\s"'<>\\\#])+)"""
)

# RFC 6265, section 4.1.1: `cookie-name "=" cookie-value`, the value perhaps in quotes, attributes after a semicolon.
# `Set-Cookie: session="abc"; Path=/` gives abc.
_COOKIE: Final = re.compile(r"\s*[^=;\s]+=\"?(?P<value>[^;\"]+)")

# Where somebody shortened a text: three dots, or an ellipsis in UTF-8. pytest and many servers do: "luma-api-0123…".
_DOTS: Final = re.compile(rb"\.\.\.|\xe2\x80\xa6")
_MIN_HEAD: Final = 12
_MIN_TAIL: Final = 6
"""Characters by which the start, or the end, of a shortened secret is recognized; less is too common to be replaced."""

# What a key of this API looks like, known to us or not; the reference's test keys (`luma-api-test-…`) and the kit's
# made-up ones (`luma-api-conformance-…`) are public.
_KEY: Final = re.compile(r"luma-api-(?!test-|conformance-)[A-Za-z0-9]")
# A bearer token of any API, of 20 characters or more (RFC 6750, section 2.1): `Authorization: Bearer eyJhbG…`.
# The space may have been encoded for a form (+), a URL (%20) or JSON (\u0020).
_TOKEN: Final = re.compile(r"(?i)bearer(?:\s|\+|%20|\\u0020)+(?!luma-api-(?:test|conformance)-)[A-Za-z0-9._~+/=-]{20,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """A secret, or something like a key, found in a text; `line` and `column` count from 1."""

    what: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.what}"


class Redactor:
    """Replaces secrets in text; `secrets` maps each one to the name shown instead of it."""

    def __init__(self, secrets: Mapping[str, str] | None = None) -> None:
        self._known: dict[str, str] = {}
        self._forms: dict[bytes, bytes] = {}
        self._whole: dict[bytes, bytes] = {}
        self._words: re.Pattern[str] | None = None
        self._learned: deque[tuple[bytes, bytes]] = deque(maxlen=MAX_LEARNED)
        self._hidden: dict[bytes, bytes] = {}
        self._hidden_whole: dict[bytes, bytes] = {}
        self.add(secrets or {})

    def add(self, secrets: Mapping[str, str]) -> None:
        """Add secrets that became known later."""
        self._known |= {secret: shown for secret, shown in secrets.items() if secret}
        long = {secret: shown.encode() for secret, shown in self._known.items() if len(secret) >= SHORT_SECRET}
        self._forms = {form: shown for secret, shown in long.items() for form in spellings(secret)}
        self._whole = {_flatten_text(secret): shown for secret, shown in long.items()}
        self._words = _compile_words(self._known.keys() - long.keys())

    def hide(self, secrets: Mapping[str, str]) -> None:
        """Replace these too, until others are hidden: what is sent only once need not be searched for ever after."""
        long = {secret: shown.encode() for secret, shown in secrets.items() if len(secret) >= SHORT_SECRET}
        self._hidden = {form: shown for secret, shown in long.items() for form in spellings(secret)}
        self._hidden_whole = {_flatten_text(secret): shown for secret, shown in long.items()}

    def scrub(self, text: str) -> str:
        """Return the text with every secret replaced, however it is encoded."""
        if self._forms or self._learned or self._hidden:
            text = self._replace_secrets(text)
        if self._words is not None:
            text = self._words.sub(lambda found: self._known[found[0]], text)
        return _SIGNED.sub(_hide_signature, text)

    def learn(self, response: Response) -> None:
        """Remember the secrets in an answer: the signatures of its URLs, and the values of its cookies."""
        cookies = (value for name, value in response.headers if name.lower() == "set-cookie")
        found = [match["value"] for cookie in cookies if (match := _COOKIE.match(cookie))]
        texts = [value for name, value in response.headers if name.lower() == "location"]
        if b"=" in response.body[:SEARCHED]:
            texts.append(response.body[:SEARCHED].decode("utf-8", "replace"))
        found += [match["value"] for text in texts for match in _SIGNED.finditer(text)]
        for value in found:
            entry = _flatten_text(value), REDACTED.encode()
            # A shorter value, such as the cookie `lang=en`, would be replaced all over the report.
            if len(entry[0]) >= _MIN_HEAD and entry not in self._learned:
                self._learned.append(entry)

    def find_secret(self, text: str) -> Leak | None:
        """Return the first thing in a text that is a known secret or looks like a key, or None."""
        found = [(at, "a secret, in one of its forms") for at in self._find_offsets(text)]
        found += [(match.start(), "something like a key (luma-api-…)") for match in _KEY.finditer(text)]
        found += [(match.start(), "something like a token (Bearer …)") for match in _TOKEN.finditer(text)]
        if not found:
            return None
        at, what = min(found)
        return Leak(what=what, line=text.count("\n", 0, at) + 1, column=at - text.rfind("\n", 0, at))

    def _find_offsets(self, text: str) -> Iterator[int]:
        """Yield where in a text a secret begins, in characters from 0."""
        if self._forms or self._learned or self._hidden:
            raw = text.encode("utf-8", "surrogatepass")
            flat = FlatText(raw)
            for start, end, _ in self._find_spans(flat.text):
                yield len(raw[: flat.span(start, end)[0]].decode("utf-8", "surrogatepass"))

    def _replace_secrets(self, text: str) -> str:
        raw = text.encode("utf-8", "surrogatepass")
        # Most texts have no escapes; then one pass over a copy without white space tells whether there is work to do.
        if (plain := squeeze(raw)) is not None and next(self._find_spans(plain), None) is None:
            return text
        flat = FlatText(raw)
        spans = ((*flat.span(start, end), shown) for start, end, shown in self._find_spans(flat.text))
        pieces, at = [], 0
        # Spans overlap where one secret, or one form of it, contains another: of those with the same start the longest
        # is replaced, and whatever of the others sticks out behind it is removed with it.
        for start, end, shown in sorted(spans, key=lambda span: (span[0], -span[1])):
            if start >= at:
                pieces += [raw[at:start], shown]
            at = max(at, end)
        return b"".join([*pieces, raw[at:]]).decode("utf-8", "surrogatepass") if pieces else text

    def _find_spans(self, text: bytes) -> Iterator[tuple[int, int, bytes]]:
        """Yield the start and end of each secret in a flat text, and its replacement."""
        for form, shown in (*self._forms.items(), *self._learned, *self._hidden.items()):
            at = text.find(form)
            while at >= 0:
                yield at, at + len(form), shown
                at = text.find(form, at + len(form))
        for dots in _DOTS.finditer(text) if self._whole or self._hidden else ():
            yield from self._find_shortened(text, *dots.span())

    def _find_shortened(self, text: bytes, start: int, end: int) -> Iterator[tuple[int, int, bytes]]:
        """Yield the parts of secrets that stand directly before `start` and after `end`, where dots are.

        Of `luma-api-0123456789abcdef`, the texts `luma-api-0123...` and `…9abcdef` are found.
        """
        for secret, shown in (*self._whole.items(), *self._hidden_whole.items()):
            head = text.rfind(secret[:_MIN_HEAD], max(0, start - len(secret)), start)
            if head >= 0 and secret.startswith(text[head:start]):
                yield head, start, shown
            tail = text.find(secret[-_MIN_TAIL:], end, end + len(secret))
            if tail >= 0 and secret.endswith(text[end : tail + _MIN_TAIL]):
                yield end, tail + _MIN_TAIL, shown


@dataclass(frozen=True, slots=True)
class LearningTransport:
    """A Transport whose redactor learns the secrets in every answer before anyone else sees it."""

    transport: Transport
    redactor: Redactor

    def send(self, request: Request) -> Response:
        """Return the answer, once the redactor has learned from it."""
        response = self.transport.send(request)
        self.redactor.learn(response)
        return response


def safe_text(text: str) -> str:
    r"""Return the text, cut where it is long, with what a terminal would obey and half surrogates as \uXXXX."""
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", cut(text, MAX_SHOWN))


def find_keys(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the API keys in an environment with the names shown instead: `{"luma-api-…": "$LUMA_AGENTS_API_KEY"}`.

    They are secrets from the start, before a profile has said which of them is used.
    """
    return {value.strip(): f"${name}" for name, value in environ.items() if _KEY.match(value.strip())}


def _compile_words(secrets: Iterable[str]) -> re.Pattern[str] | None:
    """Return a pattern of short secrets as whole words: `abc` in `key=abc&`, not in `abcd`; None if there are none."""
    # The longest first, since an alternation takes the first alternative that matches.
    longest_first = sorted(secrets, key=len, reverse=True)
    return re.compile("|".join(rf"(?<!\w){re.escape(word)}(?!\w)" for word in longest_first)) if longest_first else None


def _hide_signature(found: re.Match[str]) -> str:
    """Return a signing parameter with a short digest for its value, so that two different values still differ."""
    value = found["value"]
    if not value.startswith(REDACTED):
        value = f"{REDACTED}-{sha256(value.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
    return found[0][: found.start("value") - found.start()] + value


def _flatten_text(text: str) -> bytes:
    return FlatText(text.encode("utf-8", "surrogatepass")).text
