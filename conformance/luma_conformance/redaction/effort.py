"""How much work a text may cost: a text is searched for secrets in time linear in it, whatever is in it.

Decoding costs many times what reading does. A text that is made to cost much is not searched to its end; it is not
shown then either. The costs are in nanoseconds of an ordinary machine, measured once, and only in proportion.
"""

from __future__ import annotations

from typing import Final

PER_READING: Final = 60
"""The cost of a byte of a text that is read in every way, layer by layer."""
PER_REFERENCE: Final = 120
"""The cost of one HTML reference that is decoded without its place."""
PER_UNIT: Final = 60
"""The cost of one unit of UTF-16, which are decoded many at once unless there is other text between."""
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
"""The effort that reading one block may take, whatever stands in it."""


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
