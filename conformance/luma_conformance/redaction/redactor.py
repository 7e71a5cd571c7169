"""The one door to disk and screen: text that passed it shows no secret in any form, and controls no terminal."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from heapq import merge
from typing import TYPE_CHECKING, Final

from luma_conformance.redaction.effort import (
    IN_STOCK,
    MOST,
    MOST_A_BYTE,
    MOST_READ,
    PER_READING,
    Effort,
    Efforts,
    TooMuch,
)
from luma_conformance.redaction.learned import Learned
from luma_conformance.redaction.needles import REDACTED, SHORT_SECRET, Needles, Span
from luma_conformance.redaction.packed import Packed, unpack, unpack_utf_16
from luma_conformance.redaction.readings import DEPTH, read
from luma_conformance.redaction.replacing import Places, find_places, leave_out, replace_spans, stand_in, thin_out
from luma_conformance.redaction.signatures import SIGNED, find_signatures
from luma_conformance.redaction.spellings import FlatText
from luma_conformance.shown import MAX_SHOWN, Omission, Shown, find_omissions

if TYPE_CHECKING:
    from luma_conformance.model import Request, Response, Transport  # commands that judge nothing do without

MAX_RECORDED: Final = 64
"""How many credentials of recordings are remembered; the oldest are dropped first."""
RECORDED: Final = "REDACTED-KEY"
"""What stands for one of these. Any part of it that is long enough is hidden too, as with keys that have a name."""
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

# RFC 6265, section 4.1.1: `cookie-name "=" cookie-value`, the value perhaps in quotes, attributes after a semicolon.
# `Set-Cookie: session="abc"; Path=/` gives abc.
_COOKIE: Final = re.compile(rb"\s*[^=;\s]+=\"?(?P<value>[^;\"]+)")

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
        self._words: re.Pattern[bytes] | None = None
        self._learned = Learned()
        self._hidden = Needles({})
        self._recorded: deque[str] = deque(maxlen=MAX_RECORDED)
        self._of_recordings = Needles({})
        self.add(secrets or {})

    def add(self, secrets: Mapping[str, str]) -> None:
        """Add secrets that became known later."""
        self._known |= {secret: shown for secret, shown in secrets.items() if secret}
        long = {secret: shown for secret, shown in self._known.items() if len(secret) >= SHORT_SECRET}
        self._needles = Needles(long)
        self._words = _compile_words(_encode(word) for word in self._known.keys() - long.keys())

    def hide(self, secrets: Mapping[str, str]) -> None:
        """Replace these too, until others are hidden: what is sent only once need not be searched for ever after."""
        self._hidden = Needles({secret: shown for secret, shown in secrets.items() if len(secret) >= SHORT_SECRET})

    def add_recorded(self, secrets: Iterable[str]) -> None:
        """Add credentials that were found in a recording, and have no name."""
        if new := {*secrets}.difference(self._recorded):
            self._recorded.extend(sorted(new))
            self._of_recordings = Needles(dict.fromkeys(self._recorded, RECORDED))

    def scrub(self, text: str) -> Shown:
        """Return the text with every secret replaced, however it is encoded."""
        return self._replace_secrets(*find_omissions(text))

    def show(self, text: str) -> Shown:
        """Return the text as a terminal or a report may have it: scrubbed, then cut, and nothing a terminal obeys."""
        return safe_text(self._replace_secrets(*find_omissions(text, MAX_SHOWN)))

    def learn(self, response: Response) -> None:
        """Remember the secrets in an answer: the signatures of its URLs, and the values of its cookies."""
        cookies = (_encode(value) for name, value in response.headers if name.lower() == "set-cookie")
        found = [match["value"] for cookie in cookies if (match := _COOKIE.match(cookie))]
        texts = [_encode(value) for name, value in response.headers if name.lower() == "location"]
        texts.append(response.body[:SEARCHED])
        found += [match["value"] for text in texts for match in SIGNED.finditer(text)]
        for value in found:
            self._learned.add(value)

    def find_secret(self, text: str) -> Leak | None:
        """Return the first thing in a text that is a known secret or looks like a key, or None."""
        found = [(at, "a secret, in one of its forms") for at in self._find_offsets(text)]
        found += [(match.start(), "something like a key (luma-api-…)") for match in _KEY.finditer(text)]
        found += [(match.start(), "something like a token (Bearer …)") for match in _TOKEN.finditer(text)]
        if not found:
            return None
        at, what = min(found)
        return Leak(what=what, line=text.count("\n", 0, at) + 1, column=at - text.rfind("\n", 0, at))

    @property
    def _knows_secrets(self) -> bool:
        return bool(self._needles or self._learned or self._hidden or self._of_recordings)

    def _find_offsets(self, text: str) -> Iterator[int]:
        """Yield where in a text secrets begin, in characters from 0, in the first part in which there are some."""
        if not self._knows_secrets:
            return
        raw = _encode(text)
        for at in range(0, max(1, len(raw) - OVERLAP), BLOCK):
            part = raw[at : at + BLOCK + OVERLAP]
            if self._may_hold(part):
                for span in self._locate(part, Efforts(Effort(MOST_READ), Effort(MOST))):
                    yield len(raw[: at + span.start].decode("utf-8", "surrogatepass"))
                return

    def _replace_secrets(self, text: str, omissions: Sequence[Omission]) -> Shown:
        """Return a text without its secrets, and then without what is not to be shown of it."""
        raw = whole = _encode(text)
        places = find_places(omissions, text)
        if self._knows_secrets:
            raw, places = self._remove(raw, places)
        shown_before = {*map(_encode, self._known.values())}
        found = [thin_out(raw, find) for find in (self._find_words, partial(find_signatures, shown_before))]
        raw, places = replace_spans(raw, merge(*found, key=_rank), places)
        if omissions:
            raw = leave_out(raw, omissions, places)
        return Shown(text if raw is whole else raw.decode("utf-8", "surrogatepass"))

    def _find_words(self, raw: bytes, at: int) -> Iterator[Span]:
        """Yield where secrets are that are too short to be told from other texts unless they are whole words."""
        for found in self._words.finditer(raw, at) if self._words is not None else ():
            shown = self._known[found[0].decode("utf-8", "surrogatepass")]
            yield Span(*found.span(), shown.encode(), whole=True)

    def _remove(self, raw: bytes, places: Places) -> tuple[bytes, Places]:
        """Return a text without the secrets that are known in every spelling; a long one part by part."""
        if len(raw) <= BLOCK or places:
            return self._clean(raw, places, Efforts(Effort(MOST_READ), Effort(MOST)))
        for secret, shown in self._plain():
            raw = raw.replace(secret, shown)
        for form in self._learned.list_likely(raw, Effort(MOST_A_BYTE * len(raw))):
            raw = raw.replace(form, REDACTED.encode())
        tracing = Effort(MOST)
        return self._sweep(raw, [(size, Efforts(Effort(IN_STOCK), tracing)) for size in (READ, BLOCK)]), places

    def _plain(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield the secrets as they are, the longest first: of the many in a large text most are spelt like that."""
        for secret in sorted(self._known, key=len, reverse=True):
            if len(secret) >= SHORT_SECRET:
                yield _encode(secret), self._known[secret].encode()

    def _sweep(self, raw: bytes, levels: Sequence[tuple[int, Efforts]]) -> bytes:
        """Return a text without secrets, part by part: so much is in memory decoded, and no more.

        Instead of a part that takes too much to be read stands its digest.
        """
        (size, efforts), *deeper = levels
        done, kept = [], b""
        for at in range(0, len(raw), size):
            part = kept + raw[at : at + size]
            efforts.reading.grant(len(part) * MOST_A_BYTE)
            try:
                if not deeper:
                    part = self._clean(part, (), efforts)[0]
                elif self._holds(part, efforts.reading):
                    part = self._sweep(part, deeper)
            except TooMuch:
                part = stand_in(part[:-OVERLAP]) + part[-OVERLAP:] if at + size < len(raw) else stand_in(part)
            # The end is looked at again with what follows: a secret may begin there.
            until = len(part) - OVERLAP if at + size < len(raw) else len(part)
            done.append(part[: max(0, until)])
            kept = part[max(0, until) :]
        return b"".join(done)

    def _holds(self, raw: bytes, reading: Effort) -> bool:
        """Return whether there is a secret in a text, however it is spelt; raise TooMuch where that takes too much."""
        return any(True for flat in read(raw, reading) for _ in self._search(flat, reading))

    def _may_hold(self, raw: bytes) -> bool:
        try:
            return self._holds(raw, Effort(MOST_READ))
        except TooMuch:
            return True

    def _weigh(self, raw: bytes) -> int:
        longest = self._find_longest(raw, Effort(MOST_READ))
        return longest.end - longest.start

    def _find_longest(self, raw: bytes, reading: Effort) -> Span:
        """Return the longest part of a secret in a text, with its place in one reading of that."""
        try:
            found = [span for flat in read(raw, reading) for span in self._search(flat, reading)]
        except TooMuch:
            return Span(0, len(raw), stand_in(raw), whole=False)
        return max(found, key=lambda span: span.end - span.start, default=Span(0, 0, b"", whole=False))

    def _clean(self, raw: bytes, places: Places, efforts: Efforts) -> tuple[bytes, Places]:
        """Return a text without the secrets in it, and the places in it moved along."""
        try:
            for _ in range(TRIES + 1):
                if not self._holds(raw, efforts.reading):
                    return raw, places
                raw, places = replace_spans(raw, self._locate(raw, efforts), places)
        except TooMuch:
            pass
        instead = stand_in(raw)
        return instead, (len(instead),) * len(places)

    def _locate(self, raw: bytes, efforts: Efforts) -> list[Span]:
        """Return where secrets are in a text that holds some: traced, or if that finds only parts of one, searched."""
        spans = self._trace(raw, efforts.tracing)
        if any(span.whole for span in spans):
            return spans
        longest = self._find_longest(raw, efforts.reading)
        return [self._narrow(raw, longest, efforts.tracing)] if longest.whole or not spans else spans

    def _narrow(self, raw: bytes, longest: Span, effort: Effort) -> Span:
        """Return the shortest part of a text in which there is as much of a secret as in all of it, or all of it."""
        try:
            effort.spend(2 * len(raw).bit_length() * len(raw) * PER_READING)
        except TooMuch:
            return Span(0, len(raw), stand_in(raw), whole=False)
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
            return [Span(0, len(raw), stand_in(raw), whole=True)]

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
        for needles in filter(None, (self._needles, self._hidden, self._of_recordings)):
            yield from needles.find(flat, effort)
        if self._learned:
            yield from self._learned.find(flat, effort)

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


def safe_text(text: Shown) -> Shown:
    r"""Return the text with what a terminal would obey and half surrogates as \uXXXX."""
    if text.isprintable():  # which is told quickly
        return text
    return Shown(_UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text))


def find_keys(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the API keys in an environment with the names shown instead: `{"luma-api-…": "$LUMA_AGENTS_API_KEY"}`.

    They are secrets from the start, before a profile has said which of them is used.
    """
    return {value.strip(): f"${name}" for name, value in environ.items() if _KEY.match(value.strip())}


def _compile_words(secrets: Iterable[bytes]) -> re.Pattern[bytes] | None:
    """Return a pattern of short secrets as whole words: `abc` in `key=abc&`, not in `abcd`; None if there are none."""
    # The longest first, since an alternation takes the first alternative that matches.
    words = [rb"(?<!\w)" + re.escape(word) + rb"(?!\w)" for word in sorted(secrets, key=len, reverse=True)]
    return re.compile(b"|".join(words)) if words else None


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _rank(span: Span) -> tuple[int, int, bool, bool, bytes]:
    # A name says more than that something is hidden.
    return span.start, -span.end, not span.whole, span.shown.startswith(REDACTED.encode()), span.shown
