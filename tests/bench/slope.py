"""What one more case costs through pytest: the slope between the catalogue and ten copies of it.

Prints the slope of a no-op item collected from the same files, of the embedded reference in process, and of a served
reference over loopback, each as the median of interleaved rounds, with the ratios to the no-op; then the time of a
whole process over one file. The few cases that upload 70 MB are left out: they measure memory bandwidth, not the kit.

Run: `python tests/bench/slope.py [ROUNDS]`, in an environment the kit and its test dependencies are installed in.
"""

from __future__ import annotations

import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from luma_conformance.catalogue.files import load, specs

BENCH = Path(__file__).resolve().parent
COPIES = 10
GOALS = {"in process": 1.5, "over loopback": 2.0}


def copies(folder: Path, count: int) -> Path:
    """Return a folder with that many copies of the catalogue, the large uploads left out."""
    for number in range(count):
        shutil.copytree(specs(), folder / f"copy{number}")
    return folder


def timed(folder: Path, arguments: list[str]) -> float:
    """Return the seconds one whole pytest process takes over the cases of a folder."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-c",
        os.devnull,
        "--rootdir",
        str(folder),
    ]
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(BENCH)}
    begun = time.perf_counter()
    ended = subprocess.run(
        [*command, *arguments, str(folder)], env=environment, capture_output=True, text=True, check=False
    )
    took = time.perf_counter() - begun
    if ended.returncode:
        sys.exit(f"pytest ended with {ended.returncode}:\n{ended.stdout[-3000:]}{ended.stderr[-1000:]}")
    return took


def served() -> tuple[subprocess.Popen[str], str]:
    """Start the reference on a free port and return it with its URL."""
    command = [sys.executable, "-m", "luma_conformance", "serve", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    found = re.search(r"http://\S+", process.stdout.readline())
    if found is None:
        sys.exit("the reference did not start")
    return process, found[0]


def slopes(one: Path, ten: Path, ways: Mapping[str, list[str]], rounds: int) -> dict[str, float]:
    """Return the median seconds of nine more copies, by way."""
    found: dict[str, list[float]] = {way: [] for way in ways}
    for number in range(rounds + 1):
        for way, arguments in ways.items():
            slope = timed(ten, arguments) - timed(one, arguments)
            if number:  # the first round warms caches
                found[way].append(slope)
    return {way: statistics.median(values) for way, values in found.items()}


def main(rounds: int) -> int:
    """Print the table and return 1 where a goal is missed."""
    heavy = [case.slug for case in load([specs()]) if "large-uploads" in case.needs]
    few = " and ".join(f"not {slug}" for slug in heavy)
    kit = ["-p", "pytest_base_url.plugin", "-p", "luma_conformance.pytest_plugin.plugin"]
    server, url = served()
    try:
        with tempfile.TemporaryDirectory() as folder:
            one, ten = copies(Path(folder, "one"), 1), copies(Path(folder, "ten"), COPIES)
            ways = {
                "no-op": ["-p", "noop_items", "-k", few],
                "in process": [*kit, "-k", few],
                "over loopback": [*kit, "-k", few, "--base-url", url],
            }
            found = slopes(one, ten, ways, rounds)
            first = min(timed(one, [*kit, "-k", "unknown-model"]) for _ in range(rounds))
            cases = (COPIES - 1) * sum("large-uploads" not in case.needs for case in load([specs()]))
    finally:
        server.terminate()
        server.wait()
    missed = False
    for way, seconds in found.items():
        ratio = seconds / found["no-op"]
        goal = GOALS.get(way)
        missed = missed or (goal is not None and ratio > goal)
        print(
            f"{way:<14} {seconds / cases * 1e6:7.0f} us a case   {ratio:5.2f} x" + (f"   (goal {goal})" if goal else "")
        )
    print(f"whole process, one file's cases on the embedded reference: {first:.2f} s   (goal: first case within 1 s)")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5))
