"""The secrets that a target makes and hands out, such as signatures and cookies: the latest of them, found whole."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Collection, Iterator
from typing import Final

from luma_conformance.redaction.effort import Effort
from luma_conformance.redaction.needles import REDACTED, Span, flatten_text

MAX_LEARNED: Final = 256
"""How many secrets found in the target's answers are remembered; the oldest are dropped first."""
MIN_LEARNED: Final = 12
"""Characters of a value that is remembered. A shorter one, such as the cookie `lang=en`, occurs all over a report."""

_LONG: Final = 16_384
"""Bytes of a text from which on it is asked first which of the secrets may be in it."""
_WORD: Final = 8
"""Bytes of a text that are compared at once."""
_PER_WORDS: Final = 10
"""The cost of a byte of a text whose words are compared with those of all secrets."""


class Learned:
    """The secrets that a target has made, in flat form."""

    def __init__(self) -> None:
        self._forms: deque[bytes] = deque(maxlen=MAX_LEARNED)
        self._words: dict[int, set[bytes]] = {}

    def __bool__(self) -> bool:
        return bool(self._forms)

    def add(self, value: bytes) -> None:
        """Remember a value, unless it is too short to be told from other texts."""
        form = flatten_text(value.decode("utf-8", "replace"))
        if len(form) >= MIN_LEARNED and form not in self._forms:
            self._forms.append(form)
            self._words = {}

    def find(self, flat: bytes, effort: Effort) -> Iterator[Span]:
        """Yield where the secrets are in a flat text."""
        forms = self.list_likely(flat, effort)
        effort.spend(len(flat) * len(forms) // 2)
        for form in forms:
            at = flat.find(form)
            while at >= 0:
                yield Span(at, at + len(form), REDACTED.encode(), whole=True)
                at = flat.find(form, at + len(form))

    def list_likely(self, text: bytes, effort: Effort) -> Collection[bytes]:
        """Return the secrets that may be in a text, the longest first: all of them, but of a long text's few others.

        A secret holds a whole word of the text, wherever it begins, if it is nearly two words long.
        """
        if len(text) < _LONG:
            return self._forms
        effort.spend(len(text) * _PER_WORDS)
        words = memoryview(text)[: len(text) // _WORD * _WORD].cast("Q")
        likely = {form for word in self._know_words().keys() & words for form in self._know_words()[word]}
        likely |= {form for form in self._forms if len(form) < 2 * _WORD - 1}
        return sorted(likely, key=len, reverse=True)

    def _know_words(self) -> dict[int, set[bytes]]:
        """Return the secrets by the words that their first bytes hold, from each byte on at which one may begin."""
        if not self._words:
            for form in self._forms:
                for at in range(_WORD if len(form) >= 2 * _WORD - 1 else 0):
                    word = int.from_bytes(form[at : at + _WORD], sys.byteorder)
                    self._words.setdefault(word, set()).add(form)
        return self._words
