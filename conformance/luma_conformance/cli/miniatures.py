"""The command `miniatures`: how many wrong services the suite finds, and whether it accuses a right one."""

from __future__ import annotations

import argparse
import json
import os
import textwrap
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from luma_conformance.arguments import percentage, whole_number
from luma_conformance.cli.output import say, scrub, show, write_text
from luma_conformance.cli.parser import add_command, add_output, did_you_mean
from luma_conformance.errors import Exit, InputError

if TYPE_CHECKING:
    from luma_conformance.catalogue.catalogue import Catalogue
    from luma_conformance.cli.parser import Commands
    from luma_conformance.miniatures.miniature import Miniature
    from luma_conformance.miniatures.score import Finding, Score
    from luma_conformance.pytest_plugin.rehearsals import Rehearsal


_MOST: Final = 20
"""How many cases are listed by what they add."""


def add_commands(commands: Commands) -> None:
    """Add `miniatures`."""
    command = add_command(
        commands,
        "miniatures",
        _run,
        purpose="prove the suite on servers that are wrong",
        description="Judges services that are the reference but for one thing: thousands that are wrong, derived by "
        "operators, and some that are legal. Says which of the wrong ones no case and no property accuses, and which "
        "of the legal ones are accused. Exits with 0 only if there are none of either.",
        examples=(
            "miniatures",
            "miniatures --miniature contexts/prompt-empty --jobs 1",
            "miniatures --specs my-specs -o score.json",
        ),
    )
    command.add_argument("--jobs", type=whole_number(1), metavar="N", help="processes; default: one for each processor")
    command.add_argument(
        "--miniature",
        action="append",
        default=[],
        metavar="NAME",
        help="only this one, or those below NAME; repeatable",
    )
    command.add_argument("--list", action="store_true", help="only say what there is")
    command.add_argument("--specs", type=Path, metavar="DIR", help="another catalogue; default: the kit's own")
    command.add_argument("--all", action="store_true", help="ask every property, also where a case has accused")
    command.add_argument("--smoke", type=Path, metavar="FILE", help="write the ids of few cases that cost nothing")
    command.add_argument(
        "--require",
        type=percentage,
        default=100.0,
        metavar="PERCENT",
        help="the share of the wrong ones that has to be accused, like 99.5%%; default: all",
    )
    add_output(command, metavar="FILE", explanation="write the score as JSON")


def _run(options: argparse.Namespace) -> Exit:
    from luma_conformance.miniatures.fleet import fleet

    chosen = choose(options.miniature, fleet())
    if options.list:
        say("\n".join(f"{one.name}  {one.says}" for one in chosen))
        return Exit.CONFORMANT
    return _judge(options, chosen)


def choose(names: Sequence[str], known: Sequence[Miniature]) -> Sequence[Miniature]:
    """Return the miniatures of these names, or below them; without names all; raise InputError for an unknown one."""
    found = []
    for name in names:
        below = [one for one in known if one.name == name or one.name.startswith(f"{name.rstrip('/')}/")]
        if not below:
            parts = {"/".join(one.name.split("/")[:count]) for one in known for count in (1, 2, 3)}
            raise InputError(f"there is no miniature {name!r}{did_you_mean(name, sorted(parts))}")
        found += below
    return list(dict.fromkeys(found)) if names else known


def _judge(options: argparse.Namespace, chosen: Sequence[Miniature]) -> Exit:
    from luma_conformance.miniatures.score import Score
    from luma_conformance.pytest_plugin.miniature_runs import Work, run_miniatures
    from luma_conformance.pytest_plugin.rehearsals import Stage, list_parts, rehearse
    from luma_conformance.session.progress import show_on_stderr

    catalogue, progress, began = _read_catalogue(options.specs), show_on_stderr(show), time.perf_counter()
    findings: list[Finding] = []
    interrupted = False
    try:
        stage, parts = Stage.of(catalogue), [*list_parts(catalogue)]
        rehearsals = rehearse(parts, stage, lambda *step: progress.show("rehearsing {} of {}: {}".format(*step)))
        work = Work(miniatures=chosen, rehearsals=rehearsals, stage=stage, thorough=options.all)
        for finding in run_miniatures(work, options.jobs or os.cpu_count() or 1):
            findings.append(finding)
            accused = sum(bool(one.accused_by) for one in findings)
            progress.show(f"{len(findings)} of {len(chosen)} miniatures, {accused} accused: {finding.miniature.name}")
    except KeyboardInterrupt:
        if not findings:
            raise
        interrupted = True
    finally:
        progress.show("")
    findings.sort(key=lambda one: chosen.index(one.miniature))
    score = Score(findings=tuple(findings))
    say(describe(score, rehearsals, time.perf_counter() - began), end="")
    _write(options, score, rehearsals)
    if interrupted:
        say(f"interrupted: {len(chosen) - len(findings)} miniatures were not judged")
        return Exit.INTERRUPTED
    return Exit.CONFORMANT if score.reaches(options.require) else Exit.NOT_CONFORMANT


def _read_catalogue(folder: Path | None) -> Catalogue:
    from luma_conformance.catalogue import files

    return files.own() if folder is None else files.load([folder], below=folder.parent)


def _write(options: argparse.Namespace, score: Score, rehearsals: Sequence[Rehearsal]) -> None:
    if options.smoke is not None:
        write_text(scrub("".join(f"{part}\n" for part in find_smoke(score, rehearsals))), options.smoke)
    if options.output is not None:
        write_text(scrub(f"{json.dumps(as_data(score, rehearsals), indent=1, ensure_ascii=False)}\n"), options.output)


def find_smoke(score: Score, rehearsals: Sequence[Rehearsal]) -> tuple[str, ...]:
    """Return few cases of one small request each that create nothing, and accuse all that such cases accuse."""
    from luma_conformance.miniatures.score import find_smallest

    costs = {one.part.id: 1 for one in rehearsals if not one.is_dear and not one.part.cost and one.requests == 1}
    return find_smallest(score.killed, costs, [one.part.id for one in rehearsals])


def find_alone(score: Score, rehearsals: Sequence[Rehearsal]) -> dict[str, int]:
    """Return how many services each case accuses that nothing else does; of properties, not all were asked."""
    cases = {one.part.id for one in rehearsals if one.part.is_case}
    return {part: count for part, count in score.alone().items() if part in cases}


def describe(score: Score, rehearsals: Sequence[Rehearsal], seconds: float) -> str:
    """Return the score for people, in lines of 80 characters."""
    killed, wrong = len(score.killed), len(score.wrong)
    requests = sum(one.requests for one in rehearsals)
    unmet = [one for one in score.survivors if not one.let_pass]
    met = [one for one in score.survivors if one.let_pass]
    lines = [
        f"suite       {len(rehearsals)} cases and properties, {requests} requests",
        f"wrong       {wrong}: {killed} killed, {wrong - killed} survived: {_percent(killed, wrong)}",
        f"legal       {len(score.variants)} variants and {len(score.equivalents)} equivalents: "
        f"{len(score.false_alarms)} accused",
        *_describe_kills(score),
        f"took        {seconds:.0f} s",
        *_draw_matrix(score),
        *_list("survived, as no request of the suite shows it", [_wrap(_introduce(one)) for one in unmet]),
        *_list("survived, though an answer showed it", [_wrap(f"{_introduce(one)} {_say_who(one)}") for one in met]),
        *_list("accused, though legal", [f"{_wrap(_introduce(one))}\n{_quote(one)}" for one in score.false_alarms]),
        *_list("equivalent", [_wrap(f"{one.miniature.name}: {one.miniature.equivalent}") for one in score.equivalents]),
        *_describe_cases(score, rehearsals),
    ]
    return "\n".join([*lines, ""])


def _describe_kills(score: Score) -> list[str]:
    if not score.killed:
        return []
    count = len(score.killed)
    requests, seconds = (sum(one.requests for one in score.killed), sum(one.seconds for one in score.killed))
    return [f"a kill      {requests / count:.1f} requests and {seconds / count:.2f} s of CPU time in the mean"]


def _draw_matrix(score: Score) -> list[str]:
    """Return the kills by area, and how many of them each folder of the catalogue, and the properties, account for."""
    rows = score.summary()
    names = {name for row in rows.values() for name in row}
    columns = sorted(names, key=lambda name: (name == "properties", name))[-6:]
    lines = ["", f"{'':<14}{'killed':>7}{'of':>6}{'':>9}" + "".join(f"{name[:10]:>{_wide(name)}}" for name in columns)]
    for area, (found, count) in score.by_area().items():
        cells = "".join(f"{rows.get(area, {}).get(name) or '':>{_wide(name)}}" for name in columns)
        lines.append(f"{area:<14}{found:>7}{count:>6}{_percent(found, count):>9}{cells}".rstrip())
    return lines if score.wrong else []


def _wide(name: str) -> int:
    """Return the width of a column."""
    return max(6, min(len(name), 10) + 1)


def _describe_cases(score: Score, rehearsals: Sequence[Rehearsal]) -> list[str]:
    alone, smoke = find_alone(score, rehearsals), {*find_smoke(score, rehearsals)}
    rows = sorted(alone.items(), key=lambda row: (-row[1], row[0]))
    kept = sum(not smoke.isdisjoint(one.accused_by) for one in score.killed)
    return [
        *_list("cases that alone accuse some", [f"{count:>6}  {part}" for part, count in rows[:_MOST]]),
        *([f"        and {len(rows) - _MOST} more, which -o FILE has"] if len(rows) > _MOST else []),
        "",
        f"smoke       {len(smoke)} cases of one request that creates nothing kill {kept} of the {len(score.killed)}",
    ]


def _list(title: str, rows: Sequence[str]) -> list[str]:
    return ["", f"{title} ({len(rows)}):", *rows] if rows else []


def _wrap(text: str) -> str:
    return textwrap.fill(
        text, 80, initial_indent="  ", subsequent_indent="      ", break_long_words=False, break_on_hyphens=False
    )


def _quote(finding: Finding) -> str:
    return textwrap.indent(finding.text, " " * 6)


def _introduce(finding: Finding) -> str:
    return f"{finding.miniature.name}: {finding.miniature.says}"


def _say_who(finding: Finding) -> str:
    """Return which parts saw that something differs, and let it pass."""
    first, *others = finding.let_pass
    return f"Let pass by {first}{f' and {len(others)} more' if others else ''}."


def _percent(part: int, whole: int) -> str:
    """Return a percentage rounded down: 100 is said only of all."""
    return f"{int(1000 * part / whole) / 10:.1f} %" if whole else "-"


def as_data(score: Score, rehearsals: Sequence[Rehearsal]) -> dict[str, object]:
    """Return the score as JSON data."""

    def shown(one: Finding) -> dict[str, object]:
        found = one.miniature
        return {"name": found.name, "says": found.says, "heading": found.heading, "area": str(found.area)}

    return {
        "wrong": len(score.wrong),
        "killed": len(score.killed),
        "areas": {area: {"killed": found, "wrong": count} for area, (found, count) in score.by_area().items()},
        "matrix": {area: dict(sorted(row.items())) for area, row in score.matrix().items()},
        "survivors": [{**shown(one), "let_pass": one.let_pass} for one in score.survivors],
        "false_alarms": [{**shown(one), "text": one.text} for one in score.false_alarms],
        "equivalents": [{**shown(one), "reason": one.miniature.equivalent} for one in score.equivalents],
        "alone": dict(sorted(find_alone(score, rehearsals).items())),
        "smoke": find_smoke(score, rehearsals),
        "miniatures": [
            {"name": one.miniature.name, "accused_by": one.accused_by, "seconds": round(one.seconds, 3)}
            for one in score.findings
        ],
    }
