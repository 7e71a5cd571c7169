"""The bound of every text that is shown or written: secrets are removed first, and then it is cut."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from luma_conformance.matching import cut

MAX_SEARCHED: Final = 20_000
"""Characters of a text that are searched for secrets; of a longer one nothing behind them is shown."""
MAX_SHOWN: Final = 20_000
"""Characters of any text that reaches a terminal or a file; most texts have narrower bounds of their own."""

Scrub = Callable[[str], str]


def bound(text: str, most: int = MAX_SHOWN, *, scrub: Scrub = str, beyond: int = 0) -> str:
    """Return a text scrubbed, and then cut with the number of characters left out.

    `beyond` is how much there was of it that the caller has not even decoded.
    """
    # Only the start of a very long text is searched. It gets dots at its end: by them half a secret is recognized.
    searched = cut(text, MAX_SEARCHED, beyond=beyond)
    return cut(scrub(searched), most)
