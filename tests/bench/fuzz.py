"""Measures oracle verdicts, and generated examples in process and over loopback: `python tests/bench/fuzz.py`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from luma_conformance.properties.fuzzing import Fuzzing
from luma_conformance.properties.luma_target import begin
from luma_conformance.reference.asgi import serving
from luma_conformance.rules import predict
from luma_conformance.session.open import Options, open_session
from luma_conformance.strategies import faulty


def main() -> None:
    """Print the three rates."""
    bodies: list[Any] = []
    with serving() as url:
        for name, base_url in (("in process", None), ("loopback", url)):
            target = begin(open_session(Options(target=base_url)), Fuzzing(examples=2000))
            drawn = rate(lambda target=target: target.for_all(faulty(target.material), bodies.append))  # type: ignore[misc]
            sent = rate(lambda target=target: target.for_all(faulty(target.material), target.check))  # type: ignore[misc]
            print(f"{name:<11} {sent:7.0f} examples/s (drawing alone {drawn:.0f}/s)")
            target.session.close()
    start = time.perf_counter()
    for body in bodies:
        predict(body)
    print(f"oracle      {len(bodies) / (time.perf_counter() - start):7.0f} verdicts/s")


def rate(run: Callable[[], None]) -> float:
    """Return examples per second of a run of 2000."""
    start = time.perf_counter()
    run()
    return 2000 / (time.perf_counter() - start)


if __name__ == "__main__":
    main()
