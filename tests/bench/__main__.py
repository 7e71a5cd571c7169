"""What the kit costs, measured: `python -m tests.bench [PART ...]`, or `tox -e bench`.

Parts: `peers`, beside other tools on the same cases. Without a part, all that end by themselves in minutes.
"""

from __future__ import annotations

import argparse
import sys
from tests.bench.peers.compare import compare
from tests.bench.measuring import pin


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--counts", default="1,300,3000")
    parser.add_argument("--only", action="append", default=[])
    options = parser.parse_args()
    print(pin())
    for t in compare([int(n) for n in options.counts.split(",")], options.rounds, options.only):
        print(t, flush=True)
    return 0


sys.exit(main())
