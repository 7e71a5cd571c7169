"""The one door to disk and screen: what passes shows no secret, in whatever form, and commands no terminal."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import quote, quote_plus

SHORT: Final = 8
"""Characters below which a secret is replaced only where it stands as a word of its own, or half the text would go."""

_UNPRINTABLE = re.compile(
    "[\0-\x08\x0b-\x1f\x7f-\x9f"  # C0 but tab and newline, DEL, C1
    "\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"  # what turns the direction of text, or breaks a line unseen
    "\ud800-\udfff]"  # halves of a surrogate pair
)


class Redactor:
    """Replaces secrets by what is shown instead of them; `secrets` gives the one for the other."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._shown = {form: shown for secret, shown in secrets.items() for form in _forms(secret)}
        longest_first = sorted(self._shown, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(_pattern, longest_first))) if longest_first else None

    def scrub(self, text: str) -> str:
        """Returns the text with every secret, in whatever form, replaced."""
        return self._pattern.sub(lambda found: self._shown[found[0]], text) if self._pattern else text


def printable(text: str) -> str:
    r"""Returns the text with every character a terminal would obey, and every half surrogate, shown as \uXXXX."""
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _pattern(form: str) -> str:
    escaped = re.escape(form)
    return escaped if len(form) >= SHORT else rf"(?<!\w){escaped}(?!\w)"


def _forms(secret: str) -> Iterator[str]:
    """Yields the ways a secret may be written: as it is, in JSON, in a URL, in base64 whatever stands before it."""
    if not secret:
        return
    yield secret
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    for quoted in (quote(secret, safe=""), quote_plus(secret)):
        yield quoted
        yield re.sub("%..", lambda found: found[0].lower(), quoted)
    raw = secret.encode("utf-8", "surrogatepass")
    for before in range(3):
        # A base64 digit is six bits: the first and last may hold bits of a neighbour, and are left out.
        digits = b64encode(b"\0" * before + raw).decode().rstrip("=")
        whole = digits[(before * 8 + 5) // 6 : (before + len(raw)) * 8 // 6]
        if len(whole) >= SHORT:
            yield whole
            yield whole.translate(str.maketrans("+/", "-_"))
