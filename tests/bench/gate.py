"""What a user waits for: the whole gate, one case, a start in a project that does not use the kit, failures, draws."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from luma_conformance.properties.fuzzing import Fuzzing
from luma_conformance.properties.luma_target import begin
from luma_conformance.session.open import Options, open_session
from luma_conformance.strategies import faulty
from tests.bench.measuring import BARE, KIT, PYTEST, Cost, median, ratio, run, seconds, show_table, started, tell
from tests.bench.peers.cases import write_all
from tests.bench.server import serving

CASES = 300
EXAMPLES = 1000
MOST_GATES = 3
"""Counted runs of the whole gate at most: each takes as long as many of one case."""
KEY = {"LUMA_AGENTS_API_KEY": "luma-api-bench"}
GATE = (*PYTEST, "-p", "no:schemathesis", "--pyargs", "luma_conformance")
ONE = (sys.executable, "-m", "luma_conformance", "run", "create/400-unknown-model/page-example", *KIT)
_ROW = tuple[str, str, str, str, str]


def measure(rounds: int) -> Iterator[str]:
    """Yield the tables."""
    with tempfile.TemporaryDirectory() as folder:
        yield show_table(["", "seconds", "CPU", "MiB", "goal"], list_costs(Path(folder), rounds))
        yield show_table(["median of ratios", "wall", "CPU", "goal"], list_ratios(Path(folder), rounds))
    yield f"drawing requests takes {compare_drawing(rounds):.2f} times the CPU time of drawing plain objects; goal 1.5"


def list_costs(folder: Path, rounds: int) -> Iterator[_ROW]:
    """Yield a row for the gate, in process and over loopback, and for one case."""
    gates = min(rounds, MOST_GATES)
    with reference() as url:
        commands = {
            "the gate, in process": (GATE, {}, gates, "7 s, 400 MiB"),
            "the gate, over loopback": ((*GATE, "--base-url", url), {}, gates, "9 s"),
            "one case, plugin autoload off": (ONE, BARE, rounds, "0.30 s"),
        }
        tell("gate: once to begin with")
        run(GATE, cwd=folder)  # writes bytecode, and what Hypothesis keeps in the folder
        for name, (command, variables, count, goal) in commands.items():
            cost = median([run(command, cwd=folder, env=variables) for _ in telling(name, count)])
            yield name, seconds(cost.wall), seconds(cost.cpu), f"{cost.peak:.0f}", goal


def list_ratios(folder: Path, rounds: int) -> Iterator[tuple[str, str, str, str]]:
    """Yield a row for failures beside passes, and for one case, and the plugin alone, beside a bare start of pytest."""
    (folder / "test_nothing.py").write_text("def test_nothing():\n    pass\n")
    nothing = [*PYTEST, "test_nothing.py"]
    with serving() as right, serving("--wrong") as wrong:
        (cases := folder / "bench").mkdir()
        write_all(cases, CASES, right)
        plain = [*PYTEST, *KIT, "cases", "--base-url"]
        pairs: dict[str, tuple[Callable[[], Cost], Callable[[], Cost], str]] = {
            f"{CASES} cases, all fail / all pass": (
                lambda: run([*plain, wrong], cwd=cases, env={**BARE, **KEY}, statuses=(1,)),
                lambda: run([*plain, right], cwd=cases, env={**BARE, **KEY}),
                "1.50",
            ),
            "one case by the command / an empty test": (
                lambda: run(ONE, cwd=folder, env=BARE),
                lambda: run(nothing, cwd=folder, env=BARE),
                "0.30 s",
            ),
            "pytest, plugin loaded / not": (
                lambda: run([*nothing, *KIT[2:]], cwd=folder, env=BARE),
                lambda: run(nothing, cwd=folder, env=BARE),
                "10 ms",
            ),
        }
        for name, (one, other, goal) in pairs.items():
            costs = [(one(), other()) for _ in telling(name, rounds + 1)][1:]
            ours, theirs = [pair[0] for pair in costs], [pair[1] for pair in costs]
            wall, cpu = (ratio(ours, theirs, number) for number in (lambda cost: cost.wall, lambda cost: cost.cpu))
            more = (median(ours).cpu - median(theirs).cpu) * 1000
            yield f"{name} ({more:+.0f} ms of CPU)", f"{wall:.2f}", f"{cpu:.2f}", goal


def telling(name: str, count: int) -> Iterator[int]:
    """Yield the numbers of so many rounds, from 0, each of which is said on standard error before it begins."""
    for number in range(count):
        tell(f"gate: {name}, {number + 1} of {count}")
        yield number


def compare_drawing(rounds: int) -> float:
    """Return how many times as long it takes to draw faulty requests as plain objects, in processor time."""
    target = begin(open_session(Options()), Fuzzing(examples=EXAMPLES))

    found = []
    for number in telling("drawing requests", rounds + 1):
        times = []
        for work in (lambda: target.for_all(faulty(target.material), lambda _: None), draw_plainly):
            begun = time.process_time()
            work()  # type: ignore[no-untyped-call]
            times.append(time.process_time() - begun)
        found += [times[0] / times[1]] if number else []
    target.session.close()
    return statistics.median(found)


@settings(max_examples=EXAMPLES, database=None, deadline=None)
@given(st.fixed_dictionaries(dict.fromkeys("ab", st.text()), optional=dict.fromkeys("cdefghijkl", st.text())))
def draw_plainly(_: object) -> None:
    """Do nothing with an object of two to twelve texts: what Hypothesis itself takes."""


def reference() -> AbstractContextManager[str]:
    """Serve the reference in a process of its own and yield its URL."""
    return started([sys.executable, "-m", "luma_conformance", "serve", "--port", "0"])
