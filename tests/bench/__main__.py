"""What the kit costs, measured part by part: `python -m tests.bench [PART ...]`, or `tox -e bench`.

peers       the same cases through every runner; the tools beside us are installed first, each on its own
gate        the whole gate, one case, failures, a start of pytest, drawn requests
workers     eight workers on a slow server
scaling     recordings, reports and comparisons, up to 100,000 exchanges and 30,000 cases
hostile     servers that attack: time, memory and verdict of each
redaction   texts of 16 MiB of every kind, searched for keys: time and memory of each
echoes      keys spelt at random, and how many of them are left in what is shown
comparison  what the suite and schemathesis alone find of the same wrong servers: an hour, goes on where it stopped

Without a part, the first four. On a busy machine only the ratios say something, those of processor time best.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator

from tests import hostile
from tests.bench import comparison, echoes, gate, measuring, redaction, scaling, workers
from tests.bench.peers.compare import compare

Part = Callable[[argparse.Namespace], Iterator[str]]


def _compare_peers(options: argparse.Namespace) -> Iterator[str]:
    yield measuring.pin()
    yield from compare(options.counts, options.rounds, options.only)


def _measure_gate(options: argparse.Namespace) -> Iterator[str]:
    yield measuring.pin()
    yield from gate.measure(options.rounds)


def _measure_scaling(options: argparse.Namespace) -> Iterator[str]:
    yield from scaling.measure(options.share)


def _read_counts(text: str) -> list[int]:
    return sorted(int(part) for part in text.split(","))


def _read_part(text: str) -> str:
    if text not in PARTS:
        raise argparse.ArgumentTypeError(f"there is no part {text!r}; there are {', '.join(PARTS)}")
    return text


# `workers` comes first: the parts after it keep to one core, and so would what it starts.
PARTS: dict[str, Part] = {
    "workers": lambda _: workers.measure(),
    "peers": _compare_peers,
    "gate": _measure_gate,
    "scaling": _measure_scaling,
    "hostile": lambda _: map(str, hostile.rows()),
    "redaction": lambda _: redaction.measure(),
    "echoes": lambda _: echoes.measure(),
}
USUAL = ("workers", "peers", "gate", "scaling")


def main() -> int:
    """Print the tables of the parts that were asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", metavar="PART", type=_read_part)
    parser.add_argument(
        "--rounds", type=int, default=5, help="counted runs of each, the whole gate 3 at most; default: 5"
    )
    parser.add_argument("--counts", type=_read_counts, default=[1, 300, 3000], help="of cases; default: 1,300,3000")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="runners besides the floor and us")
    parser.add_argument("--share", type=int, default=1, help="scaling: measure so many times fewer")
    if sys.argv[1:2] == ["comparison"]:
        comparison.main(sys.argv[2:])
        return 0
    options = parser.parse_args()
    chosen = options.parts or USUAL
    try:
        for name in [name for name in PARTS if name in chosen]:
            print(f"\n## {name}\n")
            for text in PARTS[name](options):
                print(text, flush=True)
    except measuring.Failed as error:
        print(f"tests.bench: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
