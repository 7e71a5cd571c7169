"""The same cases through every runner: whole processes, interleaved round by round, client and server on one core.

What takes longer than `SLOW` is run once. A ratio is the median of those of each round, in which one ran soon
after the other; on a busy machine, read the one of processor time.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final

from tests.bench.measuring import Cost, Failed, describe_machine, median, ratio, run, seconds, show_table, tell
from tests.bench.peers.cases import write_all
from tests.bench.peers.environments import NotInstalled
from tests.bench.peers.runners import FLOOR, GOALS, OURS, RUNNERS, Runner
from tests.bench.server import count_requests, serving

SLOW: Final = 10.0
"""Seconds."""

Costs = dict[tuple[str, int], list[Cost]]
"""What each runner took for so many cases, round by round."""


def compare(counts: Sequence[int], rounds: int, names: Sequence[str] = ()) -> Iterator[str]:
    """Yield, as text, what each runner takes for each count of cases, and how ours compares."""
    chosen = [one for one in RUNNERS if not names or one.name in (FLOOR, OURS) or any(n in one.name for n in names)]
    runners, missing = [], []
    for runner in chosen:
        try:
            if runner.environment is not None:
                runner.environment.install()
            runners.append(runner)
        except NotInstalled as error:
            missing.append(f"not measured: {runner.name}: {error}")
    with serving() as url, tempfile.TemporaryDirectory() as folder:
        for count in counts:
            (within := Path(folder, str(count))).mkdir()
            write_all(within, count, url)
        costs = measure(runners, counts, rounds, Path(folder), url)
    yield from missing
    yield describe(runners, counts, costs)
    yield from describe_goals(runners, counts[len(counts) // 2], costs)
    yield f"\n{describe_machine()}; medians of {rounds} rounds, of what takes over {SLOW:.0f} s of one"
    yield ", ".join(dict.fromkeys(list_versions(runners)))


def measure(runners: Sequence[Runner], counts: Sequence[int], rounds: int, folder: Path, url: str) -> Costs:
    """Return what each runner takes for each count, after one run that is not counted."""
    costs: Costs = {(runner.name, count): [] for runner in runners for count in counts}
    for number in range(rounds + 1):
        tell(f"peers: round {number} of {rounds}")
        for count in counts if number else counts[:1]:
            for runner in runners:
                found = costs[runner.name, count]
                if found and found[0].wall > SLOW:
                    continue
                cost = run_once(runner, count, folder / str(count), url)
                if number:
                    found.append(cost)
    return costs


def run_once(runner: Runner, count: int, folder: Path, url: str) -> Cost:
    """Return the cost of one run; raise Failed if it did not send one request for each case."""
    before = count_requests(url)
    cost = run(runner.command(url), cwd=folder, env={**runner.variables, "BENCH_URL": url})
    sent = count_requests(url) - before
    if runner.sends and not count <= sent <= count + 2:
        raise Failed(f"{runner.name} sent {sent} requests for {count} cases")
    return cost


def describe(runners: Sequence[Runner], counts: Sequence[int], costs: Costs) -> str:
    """Return the table: seconds for each count, the slope, and ratios to the floor at the middle count."""
    middle, last = counts[len(counts) // 2], counts[-1]
    head = ["seconds for cases", *(f"{count:,}" for count in counts), "µs", "x", "CPU x", "MiB"]
    rows = []
    for runner in runners:
        medians = [median(costs[runner.name, count]) for count in counts]
        mine, floor = costs[runner.name, middle], costs[FLOOR, middle]
        slope = math.nan if last == middle else (medians[-1].cpu - medians[len(counts) // 2].cpu) / (last - middle)
        rows.append(
            [
                runner.name,
                *(seconds(one.wall) for one in medians),
                "" if math.isnan(slope) else f"{slope * 1e6:.0f}",
                f"{ratio(mine, floor, lambda cost: cost.wall):.1f}",
                f"{ratio(mine, floor, lambda cost: cost.cpu):.1f}",
                f"{median(mine).peak:.0f}",
            ]
        )
    note = (
        f"µs: of CPU for each case from {middle:,} to {last:,}\n"
        f"x, CPU x: times what the floor ({FLOOR}) takes at {middle:,}; MiB there"
    )
    return f"{show_table(head, rows)}\n\n{note}\n"


def describe_goals(runners: Sequence[Runner], middle: int, costs: Costs) -> Iterator[str]:
    """Yield how many times as long as each of the others we take, beside the goal."""
    known = [runner.name for runner in runners if runner.name in GOALS]
    if not known:
        return
    yield f"{OURS}, takes at {middle:,} cases so many times as long as"
    for name in known:
        pair = costs[OURS, middle], costs[name, middle]
        wall, cpu = (ratio(*pair, number) for number in (lambda cost: cost.wall, lambda cost: cost.cpu))
        yield f"  {name:<28} {wall:5.2f}   by CPU {cpu:5.2f}   goal {GOALS[name]:5.2f}"


def list_versions(runners: Sequence[Runner]) -> Iterator[str]:
    """Yield name and version of what ran."""
    yield from (f"{name} {version(name)}" for name in ("pytest", "pyyaml", "httptools"))
    for environment in {
        runner.environment.name: runner.environment for runner in runners if runner.environment
    }.values():
        yield from (package.replace("==", " ").replace("@", " ") for package in environment.packages)
