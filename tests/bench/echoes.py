"""Prints how many keys, spelt in ways drawn at random, are left: `python -m tests.bench.echoes [COUNT [SEED]]`."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from random import Random

from luma_conformance.redaction.redactor import Redactor
from tests.redaction.spelling import choose, spell

LETTERS = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ0123456789_-.~+/"
AROUND = " .,;:!\"'(){}[]<>\n=?&%xyZ09é"


def measure(count: int = 2000, seed: int = 1) -> Iterator[str]:
    """Yield how each key that is left was spelt, and then how many were tried and left."""
    told: Counter[str] = Counter()
    for number in range(count):
        random = Random(f"{seed}/{number}")  # noqa: S311
        key = random.choice(("luma-api-", "sk_live_", "")) + "".join(
            random.choices(LETTERS, k=random.randrange(16, 49))
        )
        layers = choose(random)
        written = spell(key, layers, random)
        before, after = ("".join(random.choices(AROUND, k=random.randrange(12))) for _ in range(2))
        scrubbed = Redactor({key: "$KEY"}).scrub(f"{before} {written} {after}")
        left = len(scrubbed.replace("$KEY", "")) - len(before) - len(after) - 2
        if "luma-conformance:text" in scrubbed:
            told["not shown"] += 1
        elif "$KEY" not in scrubbed or left > 23 * len(written) / len(key) + 12:
            told["left"] += 1
            spelt = " > ".join(layer.__name__ for layer in layers)
            yield f"{number}: {spelt}: {left} of {len(written)} characters left"
        else:
            told["hidden"] += 1
            told["hidden whole"] += left <= 9 * len(written) / len(key) + 12
    yield f"{count} tried: {dict(told)}"


if __name__ == "__main__":
    for line in measure(*map(int, sys.argv[1:])):
        print(line, flush=True)
