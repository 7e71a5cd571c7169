"""Measures how the time to judge a rate-limit trace grows with its length: `python tests/bench/limiter.py`."""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from luma_conformance.judge.rate_limit import judge_rate_limit
from tests.judge.test_rate_limit import Server, trace


def main() -> None:
    """Print the median time at 1,000 and 10,000 exchanges, and their ratio."""
    medians = []
    for length in (1_000, 10_000):
        exchanges = trace(Server(limit=30), [0.7] * length)
        times = []
        for _ in range(5):
            start = time.perf_counter()
            judge_rate_limit(exchanges)
            times.append(time.perf_counter() - start)
        medians.append(statistics.median(times))
        print(f"{length:>6} exchanges  {medians[-1] * 1000:8.1f} ms")
    print(f"ten times as long takes {medians[1] / medians[0]:.1f} times as much")


if __name__ == "__main__":
    main()
