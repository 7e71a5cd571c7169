"""Judges the same miniatures with our suite and with schemathesis alone: `python -m tests.bench.comparison`.

The sample is every Nth wrong service by name, and every legal variant. schemathesis is given `specs/openapi.yaml`,
changed as `closed.yaml` says, and `schemathesis.toml`; it speaks to each service over the loopback interface. What it
says of the reference itself is no kill. As the seed is fixed, it sends a service what it sent the reference for as long
as the answers are the same: so a service that answers all that as the reference does is not asked again. Our half is
the command `miniatures`, which does the same. The trials are kept as they come, so that an interrupted comparison goes
on where it was, and a larger sample takes the smaller one's.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from luma_conformance.catalogue import strict_yaml
from luma_conformance.catalogue.files import specs
from luma_conformance.miniatures.fleet import fleet
from luma_conformance.miniatures.miniature import ROOMY, Handle, Make, Miniature, Wire
from luma_conformance.model import Request, Response
from luma_conformance.reference.asgi import serving
from luma_conformance.reference.clock import VirtualClock, WallClock
from luma_conformance.reference.service import Service
from luma_conformance.session.loopback import serve_loopback

HERE: Final = Path(__file__).parent
REFERENCE: Final = "the reference"
_VERSIONS: Final = ("hypothesis", "schemathesis", "uvicorn")
_FAILURE: Final = re.compile(r"^- (ST\d+ .+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a tool found wrong with one server, how many requests it sent, and its seconds of processor time."""

    name: str
    found: tuple[str, ...]
    requests: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line of the table: how many of how many services each tool accused."""

    area: str
    count: int
    ours: int
    theirs: int


def choose_sample(miniatures: Sequence[Miniature], every: int) -> list[Miniature]:
    """Return every Nth wrong service by name, and every legal variant; none that is equivalent to the reference."""
    wrong = [one for one in miniatures if not one.is_legal and one.equivalent is None]
    return sorted(wrong, key=lambda one: one.name)[::every] + [one for one in miniatures if one.is_legal]


def patch(document: Any, changes: Any) -> Any:
    """Return a document with a merge patch (RFC 7396) applied: null takes a member away."""
    if not isinstance(changes, dict):
        return changes
    kept = {**document} if isinstance(document, dict) else {}
    kept |= {name: patch(kept.get(name), change) for name, change in changes.items()}
    return {name: value for name, value in kept.items() if name not in changes or changes[name] is not None}


def write_document(folder: Path) -> Path:
    """Write the OpenAPI document schemathesis is given, and return its path."""
    document: Any = strict_yaml.read(specs() / "openapi.yaml").data
    changes = strict_yaml.read(HERE / "closed.yaml").data
    path = folder / "openapi.json"
    path.write_text(json.dumps({**document, "components": patch(document["components"], changes)}))
    return path


def count_rows(sample: Sequence[Miniature], ours: Sequence[str], theirs: Sequence[str]) -> list[Row]:
    """Return a row for each area of the sample, all wrong services together, and the legal ones, which come last."""
    areas: dict[str, list[Miniature]] = {}
    for one in sample:
        areas.setdefault(str(one.area), []).append(one)
    wrong = [one for one in sample if not one.is_legal]
    legal = [one for one in sample if one.is_legal]
    named = {**{area: group for area, group in sorted(areas.items()) if not group[0].is_legal}, "all wrong": wrong}
    return [
        Row(
            area=area,
            count=len(group),
            ours=sum(one.name in ours for one in group),
            theirs=sum(one.name in theirs for one in group),
        )
        for area, group in (*named.items(), ("legal, accused", legal))
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tape:
    """The requests of a run on the reference, each with the time at which it came."""

    requests: list[tuple[float, Request]] = field(default_factory=list)

    def play(self, make: Make) -> Iterator[Response]:
        """Yield what a service answers, as if it were then; where it breaks, that it does."""
        clock = VirtualClock()
        handle = make(clock)
        last = self.requests[0][0]
        for at, request in self.requests:
            clock.sleep(at - last)
            last = at
            try:
                yield handle(request)
            except Exception:  # noqa: BLE001  the server would say so
                yield Response(status=500, headers=(), body=b"")

    def tells_apart(self, one: Make, other: Make) -> bool:
        """Return whether two services answer anything differently."""
        return any(mine != theirs for mine, theirs in zip(self.play(one), self.play(other), strict=True))


def ask_schemathesis(
    name: str, make: Make, wire: Wire | None, document: Path, *options: str, tape: Tape | None = None
) -> Trial:
    """Return what schemathesis says of a service; `tape` is given what it asks."""
    clock = WallClock()
    service, tape = make(clock), tape or Tape()

    def handle(request: Request) -> Response:
        tape.requests.append((clock.now(), request))
        return service(request)

    with _serve(handle, wire) as url:
        command = ["schemathesis.cli", "--config-file", str(HERE / "schemathesis.toml"), "run", str(document)]
        status, text, seconds = _run([*command, "--url", url, "--no-color", *options], document.parent)
    found = tuple(_FAILURE.findall(text)) or (_say_last(text),)
    return Trial(name=name, found=found if status else (), requests=len(tape.requests), seconds=seconds)


def _run(command: Sequence[str], folder: Path) -> tuple[int, str, float]:
    """Return the exit status of a Python module's command, what it prints, and its seconds of processor time."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen([sys.executable, "-m", *command], cwd=folder, stdout=output, stderr=output)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read().decode(errors="replace")
    return process.returncode, text, round(usage.ru_utime + usage.ru_stime, 1)


def _serve(handle: Handle, wire: Wire | None) -> AbstractContextManager[str]:
    return serving(wrap=lambda _: handle) if wire is None else serve_loopback(handle, wire)


def _say_last(text: str) -> str:
    return (text.strip().splitlines() or ["it said nothing"])[-1].strip("= ")


def make_reference(clock: Any) -> Handle:
    """Make the reference as the miniatures are derived from it: no limit is in the way."""
    return Service(clock=clock, settings=ROOMY).handle


def ask_about_all(sample: Sequence[Miniature], known: Mapping[str, Trial], jobs: int) -> Iterator[Trial]:
    """Yield what schemathesis says of the reference, and then of each service of which it is not known."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(jobs) as pool:
        document, tape = write_document(Path(folder)), Tape()
        baseline = ("--baseline", str(Path(folder) / "baseline.json"))
        yield (
            base := ask_schemathesis(
                REFERENCE, make_reference, None, document, *baseline, "--baseline-update", tape=tape
            )
        )

        def ask(one: Miniature) -> Trial:
            if one.wire is None and not tape.tells_apart(one.make, make_reference):
                return replace(base, name=one.name, found=())
            return ask_schemathesis(one.name, one.make, one.wire, document, *baseline)

        yield from pool.map(ask, [one for one in sample if one.name not in known])


def ask_our_suite(sample: Sequence[Miniature], jobs: int) -> list[str]:
    """Return the names of the services our suite accuses."""
    named = [part for one in sample for part in ("--miniature", one.name)]
    with tempfile.TemporaryDirectory() as folder:
        score = Path(folder) / "score.json"
        command = [sys.executable, "-m", "luma_conformance", "miniatures", "--jobs", str(jobs), "-o", str(score)]
        subprocess.run([*command, *named], stdout=subprocess.DEVNULL, check=False)
        found = json.loads(score.read_text())["miniatures"]
    return [one["name"] for one in found if one["accused_by"]]


def run_our_suite() -> Trial:
    """Return what a whole run of our suite on the served reference costs."""
    count = 0

    def counting(handle: Handle) -> Handle:
        def answer(request: Request) -> Response:
            nonlocal count
            count += 1
            return handle(request)

        return answer

    with tempfile.TemporaryDirectory() as folder, serving(ROOMY, wrap=counting) as url:
        status, text, seconds = _run(["luma_conformance", "run", url, "-q", "-p", "no:cacheprovider"], Path(folder))
    return Trial(name=REFERENCE, found=(_say_last(text),) if status else (), requests=count, seconds=seconds)


def read_trials(path: Path) -> dict[str, Trial]:
    """Return the trials of a file that may not exist yet, by the server's name."""
    lines = path.read_text().splitlines() if path.exists() else []
    trials = [Trial(**{**row, "found": tuple(row["found"])}) for row in map(json.loads, lines)]
    return {one.name: one for one in trials}


def describe(sample: Sequence[Miniature], ours: Sequence[str], mine: Trial, theirs: Mapping[str, Trial]) -> str:
    """Return the comparison as Markdown."""
    accused = [name for name, trial in theirs.items() if trial.found]
    rows = count_rows(sample, ours, accused)
    base = theirs[REFERENCE]
    legal = [one for one in sample if one.is_legal and one.name in {*ours, *accused}]
    alone = [one for one in sample if not one.is_legal and one.name in accused and one.name not in ours]
    lines = [
        f"Python {platform.python_version()}, {', '.join(f'{name} {version(name)}' for name in _VERSIONS)}",
        "",
        "| | services | our suite | schemathesis |",
        "|---|---|---|---|",
        *(f"| {row.area} | {row.count} | {row.ours} | {row.theirs} |" for row in rows),
        f"| accusations of the reference | 1 | {len(mine.found)} | {len(base.found)} |",
        f"| requests of a whole run, on the reference | | {mine.requests} | {base.requests} |",
        f"| seconds of processor time for it | | {mine.seconds} | {base.seconds} |",
        *_list("Legal, and accused", [_show(one, ours, theirs) for one in legal]),
        *_list("Found by schemathesis, and not by our suite", [_show(one, ours, theirs) for one in alone]),
    ]
    return "\n".join([*lines, ""])


def _show(one: Miniature, ours: Sequence[str], theirs: Mapping[str, Trial]) -> str:
    said = [f"schemathesis: {'; '.join(theirs[one.name].found)}"] if theirs[one.name].found else []
    return f"`{one.name}` {one.says} ({', '.join([*(['our suite'] if one.name in ours else []), *said])})"


def _list(title: str, rows: Sequence[str]) -> list[str]:
    return ["", f"{title} ({len(rows)}):", "", *(f"- {row}" for row in rows)] if rows else []


def main(arguments: Sequence[str] | None = None) -> None:
    """Judge the sample and print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=80, metavar="N", help="take every Nth wrong service; default: 80")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="servers judged at a time; default: 1")
    parser.add_argument(
        "--trials", type=Path, default=Path("comparison.jsonl"), metavar="FILE", help="where trials are kept"
    )
    parser.add_argument("--show", action="store_true", help="ask schemathesis nothing: compare what the trials have")
    options = parser.parse_args(arguments)
    sample = choose_sample(fleet(), options.every)
    theirs = read_trials(options.trials)
    with suppress(KeyboardInterrupt):
        for trial in ask_about_all(sample, theirs, options.jobs) if not options.show else ():
            theirs[trial.name] = trial
            with options.trials.open("a") as file:
                file.write(f"{json.dumps(asdict(trial))}\n")
            print(f"{len(theirs)} of {len(sample) + 1}: {trial}", file=sys.stderr)
    judged = [one for one in sample if one.name in theirs]
    print(f"{len(judged)} of {len(sample)} services (every {options.every}th wrong one, and the legal ones), ", end="")
    print(describe(judged, ask_our_suite(judged, options.jobs), run_our_suite(), theirs), end="")


if __name__ == "__main__":
    main()
