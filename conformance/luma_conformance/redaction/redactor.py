"""The one door to disk and screen: text that passed it shows no secret in any form, and controls no terminal."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from luma_conformance.matching import cut
from luma_conformance.model import Request, Response, Transport
from luma_conformance.redaction.bounds import MAX_SHOWN
from luma_conformance.redaction.effort import MOST, MOST_READ, PER_READING, Effort, TooMuch
from luma_conformance.redaction.needles import REDACTED, SHORT_SECRET, Needles, Span, flatten_text
from luma_conformance.redaction.packed import Packed, unpack, unpack_utf_16
from luma_conformance.redaction.readings import DEPTH, read
from luma_conformance.redaction.spellings import FlatText

MAX_LEARNED: Final = 256
"""How many secrets found in the target's answers are remembered; the oldest are dropped first."""
MIN_LEARNED: Final = 12
"""Characters of a value that is remembered. A shorter one, such as the cookie `lang=en`, occurs all over a report."""
SEARCHED: Final = 1_000_000
"""Bytes of an answer's body that are searched for signed URLs."""
READ: Final = 1_048_576
"""Bytes of a text that are read in every way at once."""
BLOCK: Final = 131_072
"""Bytes in which secrets are traced at once."""
OVERLAP: Final = 65_536
"""Bytes that are read again with the next: more than any spelling of a key has."""
TRIES: Final = 8
"""How often something may be hidden in a text in which there was still something else."""

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

_SIGNERS: Final = ("sig", "policy", "credential", "security-token", "accesskeyid", "accessid", "key-pair-id")

# RFC 6265, section 4.1.1: `cookie-name "=" cookie-value`, the value perhaps in quotes, attributes after a semicolon.
# `Set-Cookie: session="abc"; Path=/` gives abc.
_COOKIE: Final = re.compile(r"\s*[^=;\s]+=\"?(?P<value>[^;\"]+)")

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
        self._needles = Needles({})
        self._words: re.Pattern[str] | None = None
        self._learned: deque[tuple[bytes, bytes]] = deque(maxlen=MAX_LEARNED)
        self._hidden = Needles({})
        self.add(secrets or {})

    def add(self, secrets: Mapping[str, str]) -> None:
        """Add secrets that became known later."""
        self._known |= {secret: shown for secret, shown in secrets.items() if secret}
        long = {secret: shown for secret, shown in self._known.items() if len(secret) >= SHORT_SECRET}
        self._needles = Needles(long)
        self._words = _compile_words(self._known.keys() - long.keys())

    def hide(self, secrets: Mapping[str, str]) -> None:
        """Replace these too, until others are hidden: what is sent only once need not be searched for ever after."""
        self._hidden = Needles({secret: shown for secret, shown in secrets.items() if len(secret) >= SHORT_SECRET})

    def scrub(self, text: str) -> str:
        """Return the text with every secret replaced, however it is encoded."""
        if self._needles or self._learned or self._hidden:
            text = self._replace_secrets(text)
        if self._words is not None:
            text = self._words.sub(lambda found: self._known[found[0]], text)
        return _SIGNED.sub(_hide_signature, text) if _may_be_signed(text) else text

    def learn(self, response: Response) -> None:
        """Remember the secrets in an answer: the signatures of its URLs, and the values of its cookies."""
        cookies = (value for name, value in response.headers if name.lower() == "set-cookie")
        found = [match["value"] for cookie in cookies if (match := _COOKIE.match(cookie))]
        texts = [value for name, value in response.headers if name.lower() == "location"]
        if b"=" in response.body[:SEARCHED]:
            texts.append(response.body[:SEARCHED].decode("utf-8", "replace"))
        found += [match["value"] for text in texts for match in _SIGNED.finditer(text)]
        for value in found:
            entry = flatten_text(value), REDACTED.encode()
            if len(entry[0]) >= MIN_LEARNED and entry not in self._learned:
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
        """Yield where in a text secrets begin, in characters from 0, in the first part in which there are some."""
        if not (self._needles or self._learned or self._hidden):
            return
        raw = text.encode("utf-8", "surrogatepass")
        for at in range(0, max(1, len(raw) - OVERLAP), BLOCK):
            part = raw[at : at + BLOCK + OVERLAP]
            if self._holds(part):
                for span in self._locate(part, Effort(MOST)):
                    yield len(raw[: at + span.start].decode("utf-8", "surrogatepass"))
                return

    def _replace_secrets(self, text: str) -> str:
        raw = text.encode("utf-8", "surrogatepass")
        if len(raw) <= BLOCK:
            return self._clean(raw, Effort(MOST)).decode("utf-8", "surrogatepass") if self._holds(raw) else text
        for secret, shown in self._plain():
            raw = raw.replace(secret, shown)
        return self._sweep(raw, (READ, BLOCK), Effort(MOST)).decode("utf-8", "surrogatepass")

    def _plain(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield the secrets as they are, the longest first: of the many in a large text most are spelt like that."""
        for secret in sorted(self._known, key=len, reverse=True):
            if len(secret) >= SHORT_SECRET:
                yield secret.encode("utf-8", "surrogatepass"), self._known[secret].encode()
        yield from sorted(self._learned, key=lambda entry: -len(entry[0]))

    def _sweep(self, raw: bytes, sizes: tuple[int, ...], effort: Effort) -> bytes:
        """Return a text without secrets, part by part: so much is in memory decoded, and no more."""
        done, kept = [], b""
        for at in range(0, len(raw), sizes[0]):
            part = kept + raw[at : at + sizes[0]]
            if self._holds(part):
                part = self._sweep(part, sizes[1:], effort) if sizes[1:] else self._clean(part, effort)
            # The end is looked at again with what follows: a secret may begin there.
            until = len(part) - OVERLAP if at + sizes[0] < len(raw) else len(part)
            done.append(part[: max(0, until)])
            kept = part[max(0, until) :]
        return b"".join(done)

    def _holds(self, raw: bytes) -> bool:
        """Return whether there is a secret in a text, however it is spelt, or might be, where that costs too much."""
        effort = Effort(MOST_READ)
        try:
            return any(True for flat in read(raw, effort) for _ in self._search(flat, effort))
        except TooMuch:
            return True

    def _weigh(self, raw: bytes) -> int:
        longest = self._find_longest(raw)
        return longest.end - longest.start

    def _find_longest(self, raw: bytes) -> Span:
        """Return the longest part of a secret in a text, with its place in one reading of that."""
        effort = Effort(MOST_READ)
        try:
            found = [span for flat in read(raw, effort) for span in self._search(flat, effort)]
        except TooMuch:
            return Span(0, len(raw), _stand_in(raw), whole=False)
        return max(found, key=lambda span: span.end - span.start, default=Span(0, 0, b"", whole=False))

    def _clean(self, raw: bytes, effort: Effort) -> bytes:
        """Return a text in which there are secrets without them."""
        for _ in range(TRIES):
            raw = _replace(raw, self._locate(raw, effort))
            if not self._holds(raw):
                return raw
        return _stand_in(raw)

    def _locate(self, raw: bytes, effort: Effort) -> list[Span]:
        """Return where secrets are in a text that holds some: traced, or if that finds only parts of one, searched."""
        spans = self._trace(raw, effort)
        if any(span.whole for span in spans):
            return spans
        longest = self._find_longest(raw)
        return [self._narrow(raw, longest, effort)] if longest.whole or not spans else spans

    def _narrow(self, raw: bytes, longest: Span, effort: Effort) -> Span:
        """Return the shortest part of a text in which there is as much of a secret as in all of it, or all of it."""
        try:
            effort.spend(2 * len(raw).bit_length() * len(raw) * PER_READING)
        except TooMuch:
            return Span(0, len(raw), _stand_in(raw), whole=False)
        weight = longest.end - longest.start
        start, end = 0, len(raw)
        end = 1 + bisect_left(range(1, end), weight, key=lambda at: self._weigh(raw[:at]))
        start = bisect_left(range(end), 1, key=lambda at: self._weigh(raw[at:end]) < weight) - 1
        return Span(max(start, 0), end, longest.shown, whole=True)

    def _trace(self, raw: bytes, effort: Effort) -> list[Span]:
        """Return where secrets are in a text; of one that costs too much, all of it is one."""
        try:
            return sorted(set(self._find_spans(raw, DEPTH, effort)), key=_rank)
        except TooMuch:
            return [Span(0, len(raw), _stand_in(raw), whole=True)]

    def _find_spans(self, raw: bytes, depth: int, effort: Effort) -> Iterator[Span]:
        """Yield where secrets are in a text, however they are spelt there."""
        yield from self._find_packed(unpack_utf_16(raw, effort) if depth else (), depth, effort)
        traced = FlatText(raw, effort)
        yield from (
            Span(*traced.span(span.start, span.end), span.shown, span.whole)
            for span in self._find_flat(traced.text, depth, effort)
        )

    def _find_flat(self, flat: bytes, depth: int, effort: Effort) -> Iterator[Span]:
        yield from self._search(flat, effort)
        if depth:
            yield from self._find_packed(unpack(flat, effort), depth, effort)

    def _search(self, flat: bytes, effort: Effort) -> Iterator[Span]:
        """Yield where secrets are in a flat text."""
        yield from self._needles.find(flat, effort)
        yield from self._hidden.find(flat, effort)
        effort.spend(len(flat) * len(self._learned) // 2)
        for form, shown in self._learned:
            at = flat.find(form)
            while at >= 0:
                yield Span(at, at + len(form), shown, whole=True)
                at = flat.find(form, at + len(form))

    def _find_packed(self, stretches: Iterable[Packed], depth: int, effort: Effort) -> Iterator[Span]:
        for packed in stretches:
            for span in self._find_spans(packed.text, depth - 1, effort):
                yield Span(*packed.span(span.start, span.end), span.shown, span.whole)


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


def _may_be_signed(text: str) -> bool:
    """Return whether there is the name of a signing parameter in a text, which is told quickly."""
    lower = text.lower()
    return any(name in lower for name in _SIGNERS)


def _hide_signature(found: re.Match[str]) -> str:
    """Return a signing parameter with a short digest for its value, so that two different values still differ."""
    value = found["value"]
    if not value.startswith(REDACTED):
        value = f"{REDACTED}-{sha256(value.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
    return found[0][: found.start("value") - found.start()] + value


def _rank(span: Span) -> tuple[int, int, bool]:
    return span.start, -span.end, not span.whole


def _replace(raw: bytes, spans: Iterable[Span]) -> bytes:
    """Return a text with what is shown instead in the place of each secret.

    Spans overlap where one secret, or one form of it, contains another: of those with the same start the longest is
    replaced, and whatever of the others sticks out behind it is removed with it.
    """
    pieces, at = [], 0
    for span in spans:
        start, end = _widen(raw, span.start, span.end)
        if start >= at:
            pieces += [raw[at:start], span.shown]
        at = max(at, end)
    return b"".join([*pieces, raw[at:]])


def _widen(raw: bytes, start: int, end: int) -> tuple[int, int]:
    """Return a part of a text without half a character at its ends: a part of a secret may begin or end within one."""
    while start > 0 and raw[start] & 0xC0 == 0x80:
        start -= 1
    while end < len(raw) and raw[end] & 0xC0 == 0x80:
        end += 1
    return start, end


def _stand_in(raw: bytes) -> bytes:
    """Return what is shown instead of a text that costs too much to search."""
    return f"luma-conformance:text sha256={sha256(raw).hexdigest()} bytes={len(raw)}".encode()
