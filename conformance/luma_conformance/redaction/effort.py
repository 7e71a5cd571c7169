"""How much work a text may cost: a text is searched for secrets in time linear in it, whatever is in it.

Decoding costs many times what reading does. A text that is made to cost much is not searched to its end; it is not
shown then either. The costs are in nanoseconds of an ordinary machine, measured once, and only in proportion.
"""

from __future__ import annotations

from typing import Final, NamedTuple

PER_READING: Final = 60
"""The cost of a byte of a text that is read in every way, layer by layer."""
PER_BYTE: Final = 10
"""The cost of a byte of a text, for what breaks it and for each kind of escape that is decoded in it."""
PER_SIGN: Final = 90
"""The cost of a sign with which an escape or a gap may begin, where each is looked at."""
PER_UNSEEN: Final = 20
"""The cost of a byte of a text in which there are characters that nobody sees."""
PER_PART: Final = 90
"""The cost of a part between two commas of a text, of which it is asked whether it has changed."""
PER_DECODED: Final = 22
"""The cost of a byte that hex or base64 stood for, until it is known whether it belongs to a text."""
PER_ASCII: Final = 9
"""The cost of one where all of them are ASCII."""
PER_PLACE: Final = 800
"""The cost of a stretch of a text among bytes that are none."""
PER_REFERENCE: Final = 350
"""The cost of one HTML reference that is decoded without its place."""
PER_UNKNOWN: Final = 1_000
"""The cost of one that has not been decoded before."""
PER_UNIT: Final = 80
"""The cost of one unit of UTF-16, which are decoded many at once unless there is other text between."""
PER_RUN: Final = 200
"""The cost of units in a row behind other text."""
PER_PASS: Final = 60
"""The cost of a byte of a text that a pattern is searched in."""
PER_ESCAPE: Final = 1_300
"""The cost of one escape or gap that is removed."""
PER_DIGIT: Final = 150
"""The cost of a byte of a text that is decoded from hex and base64, at every offset at which digits may begin."""
PER_STRETCH: Final = 25_000
"""The cost of searching what was decoded, apart from its length."""
PER_HIT: Final = 8_000
"""The cost of one place looked at more closely."""
MOST: Final = 800_000_000
"""The effort one text may take: under a second, if nothing else runs; a request of escapes takes half of it."""

MOST_READ: Final = 4_000_000_000
"""The effort that reading a text of one block may take, whatever stands in it."""
MOST_A_BYTE: Final = 250
"""The effort that reading a longer one may take for each of its bytes, twice what most texts take."""
IN_STOCK: Final = 500_000_000
"""What a longer one may take in addition, wherever it is needed."""


class TooMuch(Exception):
    """A text costs more to search than it may."""


class Effort:
    """What is left of the effort one text may take."""

    def __init__(self, most: int) -> None:
        self.left = most

    def spend(self, cost: int) -> None:
        """Take a cost from what is left; raise TooMuch if there is not so much."""
        self.left -= cost
        if self.left < 0:
            raise TooMuch

    def grant(self, more: int) -> None:
        """Add to what is left; what there was too little before is forgotten."""
        self.left = max(self.left, 0) + more


class Efforts(NamedTuple):
    """What is left for reading a text, and for tracing what was found to its place."""

    reading: Effort
    tracing: Effort
