"""Measures what a report of 50,000 verdicts costs, format by format: `python tests/bench/report.py`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from luma_conformance.report import formats
from luma_conformance.report import jsonl as lines
from luma_conformance.report.compare import compare_results
from luma_conformance.report.result import Results
from tests.report import samples

COUNT = 50_000


def many(shift: int) -> Results:
    """Return results of COUNT cases in sixty sections, one in ten with a finding."""
    verdicts = tuple(
        replace(
            samples.FAILED if (number + shift) % 10 == 0 else samples.PASSED,
            case=f"section-{number % 60:02}/case-{number:05}",
            section=f"4{number % 60:02} — Section",
        )
        for number in range(COUNT)
    )
    return Results(samples.RUN, verdicts, samples.ENDING)


def timed(name: str, work: Callable[[], object]) -> None:
    """Print how long a piece of work takes, and the size of the text it makes."""
    start = time.perf_counter()
    made = work()
    seconds = time.perf_counter() - start
    size = f"{len(made) / 1e6:7.1f} MB" if isinstance(made, str | bytes) else ""
    print(f"{name:<24}{seconds:7.2f} s{size}")


def main() -> None:
    """Print the time each format takes."""
    results, other = many(0), many(1)
    content = lines.format_results(results).encode()
    for word in formats.FORMATS:
        for name in formats.list_file_names([word]):
            timed(name, lambda word=word, name=name: formats.render([results], [word])[name])  # type: ignore[misc]
    timed("report.html, two runs", lambda: formats.render([results, other], ["html"])["report.html"])
    timed("read results.jsonl", lambda: lines.parse_results(content, "results.jsonl"))
    timed("compare", lambda: compare_results(results, other))


if __name__ == "__main__":
    main()
