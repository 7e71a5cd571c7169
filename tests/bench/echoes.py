"""Prints how many keys, each spelt in a way drawn at random, are left: `python -m tests.bench.echoes [COUNT]`."""

from __future__ import annotations

import sys
from collections import Counter
from random import Random

from luma_conformance.redaction.redactor import Redactor
from tests.redaction.spelling import choose, spell

LETTERS = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ0123456789_-.~+/"
AROUND = " .,;:!\"'(){}[]<>\n=?&%xyZ09é"


def main(count: int, seed: int) -> None:
    """Print the keys tried and left, and for each that is left how it was spelt."""
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
            print(
                f"{number}: {' > '.join(layer.__name__ for layer in layers)}: {left} of {len(written)} characters left"
            )
        else:
            told["hidden"] += 1
            told["hidden whole"] += left <= 9 * len(written) / len(key) + 12
    print(f"{count} tried: {dict(told)}")


if __name__ == "__main__":
    main(*(int(one) for one in (*sys.argv[1:], *("2000", "1")[len(sys.argv) - 1 :])))
