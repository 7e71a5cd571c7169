"""The measurements: what is counted is the process that was asked for, and tables are Markdown that fits a terminal."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.bench.measuring import Cost, Failed, median, ratio, run, show_table
from tests.bench.peers.cases import write_all
from tests.bench.peers.compare import describe, describe_goals, run_once
from tests.bench.peers.runners import FLOOR, GOALS, OURS, RUNNERS
from tests.bench.scaling import describe_growth
from tests.bench.server import serving

HERE = [runner for runner in RUNNERS if runner.environment is None]


def cost(seconds: float) -> Cost:
    """Return a cost of so many seconds of each kind."""
    return Cost(wall=seconds, cpu=seconds, peak=10)


def test_the_time_and_the_memory_are_of_the_process_and_its_children(tmp_path: Path) -> None:
    """What it waited for counts, and the size of this process does not."""
    held = b"x" * 250_000_000
    work = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'sum(range(3_000_000)); [0] * 10_000_000'])"
    nothing, something = (run([sys.executable, "-c", text], cwd=tmp_path) for text in ("pass", work))

    assert nothing.peak < 50 < something.peak < len(held) / 1e6
    assert something.cpu > nothing.cpu


def test_a_process_that_fails_is_not_measured(tmp_path: Path) -> None:
    """The error says what it said; a status that is expected is none."""
    command = [sys.executable, "-c", "print('no such case'); exit(3)"]
    with pytest.raises(Failed, match=r"exited with 3:\nno such case"):
        run(command, cwd=tmp_path)
    run(command, cwd=tmp_path, statuses=(3,))


@pytest.mark.parametrize("runner", HERE, ids=[runner.name for runner in HERE])
def test_a_runner_sends_each_case_once(tmp_path: Path, runner) -> None:  # type: ignore[no-untyped-def]
    """The floors and the kit send the cases of the same files, and pass."""
    with serving() as url:
        write_all(tmp_path, 12, url)
        assert run_once(runner, 12, tmp_path, url).wall > 0


@pytest.mark.parametrize("name", ["raw socket, JSON", FLOOR, OURS])
def test_a_runner_fails_on_another_answer(tmp_path: Path, name: str) -> None:
    """None of them only sends."""
    runner = next(runner for runner in RUNNERS if runner.name == name)
    with serving("--wrong") as url:
        write_all(tmp_path, 3, url)
        with pytest.raises(Failed, match="exited with 1"):
            run_once(runner, 3, tmp_path, url)


def test_ratios_are_of_the_same_round() -> None:
    """A round in which everything was slow changes none."""
    assert ratio([cost(2), cost(20), cost(6)], [cost(1), cost(10), cost(2)], lambda one: one.cpu) == 2
    assert median([cost(1), cost(9), cost(2)]) == cost(2)


def test_the_table_of_runners_fits_eighty_columns() -> None:
    """It has a line for each runner, and every goal is told."""
    counts = (1, 300, 3000)
    costs = {(runner.name, count): [cost(12.3 + count / 100)] for runner in RUNNERS for count in counts}
    text = "\n".join([describe(RUNNERS, counts, costs), *describe_goals(RUNNERS, 300, costs)])

    assert max(map(len, text.splitlines())) <= 80
    assert all(runner.name in text for runner in RUNNERS)
    assert all(f"goal {goal:5.2f}" in text for goal in GOALS.values())


def test_growth_is_told_by_what_each_of_the_last_costs() -> None:
    """A start that takes a second is not held against anything."""
    row = describe_growth("squared", (10, 100, 1000), [cost(1), cost(1 + 0.01), cost(1 + 1)])

    assert row[:4] == ["squared", "1.00", "1.01", "2.00"]
    assert row[4:7] == ["111", "1100", "9.90"]


def test_a_table_is_markdown() -> None:
    """Numbers stand to the right."""
    assert show_table(["what", "s"], [["a", "1.5"]]) == "| what |   s |\n| ---- | --: |\n| a    | 1.5 |"
