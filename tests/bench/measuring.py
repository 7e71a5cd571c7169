"""Whole processes measured, each after its rivals on one core, and tables of what that shows."""

from __future__ import annotations

import math
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
LAUNCH: Final = Path(__file__).with_name("launch.py")
BARE: Final = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
KIT: Final = ("-p", "pytest_base_url.plugin", "-p", "luma_conformance.pytest_plugin.plugin")
"""With `BARE`, the plugins that the kit needs, and no others."""
PYTEST: Final = (
    *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull),
    *("--rootdir", ".", "--confcutdir", "."),
)
"""pytest on the current folder; without a limit it would also collect the folders above, and what others keep there."""
_UNSET: Final = frozenset({"PYTHONDONTWRITEBYTECODE", "PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTHONPATH"})
"""Variables that would slow a process down, or speed it up, on this machine only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a process took, with all it waited for: seconds by the clock and of the processor, and MiB at its peak."""

    wall: float
    cpu: float
    peak: float


class Failed(Exception):
    """A process that did not do what was to be measured, with its last lines."""


def pin() -> str:
    """Keep this process, and all it starts, on one core where the system can; return a sentence on that."""
    if not hasattr(os, "sched_setaffinity"):
        return "not pinned: this system cannot"
    core = max(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})
    return "clients and server on one core"


def run(
    command: Sequence[str | Path], *, cwd: Path, env: Mapping[str, str] | None = None, statuses: tuple[int, ...] = (0,)
) -> Cost:
    """Run a command to its end and return its cost; raise Failed if it exits with another status."""
    inherited = {name: value for name, value in os.environ.items() if name not in _UNSET}
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, "output")
        ended = subprocess.run(
            [sys.executable, "-I", "-S", str(LAUNCH), str(output), *map(str, command)],
            cwd=cwd,
            env={**inherited, **(env or {})},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        status, wall, cpu, peak = ended.stdout.split()
        if int(status) not in statuses:
            said = output.read_text("utf-8", "replace")[-2000:]
            raise Failed(f"{' '.join(map(str, command))[:300]} exited with {status}:\n{said}")
    return Cost(wall=float(wall), cpu=float(cpu), peak=float(peak) / (1 << 20 if sys.platform == "darwin" else 1 << 10))


@contextmanager
def started(command: Sequence[str], cwd: Path | None = None) -> Iterator[str]:
    """Start a server in a process of its own, which prints its URL first, and yield that."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=cwd) as process:
        assert process.stdout is not None
        try:
            found = re.search(r"http://[\w.:]+", process.stdout.readline())
            assert found is not None
            yield found[0]
        finally:
            process.terminate()


def median(costs: Iterable[Cost]) -> Cost:
    """Return the median of each number."""
    found = list(costs)
    return Cost(
        wall=statistics.median(cost.wall for cost in found),
        cpu=statistics.median(cost.cpu for cost in found),
        peak=statistics.median(cost.peak for cost in found),
    )


def ratio(costs: Sequence[Cost], others: Sequence[Cost], number: Callable[[Cost], float]) -> float:
    """Return the median, over rounds, of how many times as much one took as the other in the same round."""
    pairs = zip(costs, others, strict=False)
    return statistics.median(number(one) / number(other) for one, other in pairs)


def show_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown, its first column to the left and numbers to the right."""
    lines = [[*map(str, row)] for row in (head, *rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rule = ["-" * widths[0], *(f"{'-' * (width - 1)}:" for width in widths[1:])]
    shown = [
        [line[0].ljust(widths[0]), *(text.rjust(width) for text, width in zip(line[1:], widths[1:], strict=True))]
        for line in (lines[0], rule, *lines[1:])
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in shown)


def seconds(value: float) -> str:
    """Return seconds with three digits that count."""
    if math.isnan(value):
        return ""
    return f"{value:.3f}" if value < 1 else f"{value:.2f}" if value < 100 else f"{value:.0f}"


def describe_machine() -> str:
    """Return the machine and Python, for the reader of a table."""
    return f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}, Python {platform.python_version()}"


def tell(text: str) -> None:
    """Say on standard error how far it is."""
    print(text, file=sys.stderr, flush=True)
