"""The command `ledger`: each statement of the page, and what carries it."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from luma_conformance.cli.output import say
from luma_conformance.cli.parser import add_command
from luma_conformance.errors import CatalogueError, Exit, InputError, Problem

if TYPE_CHECKING:
    from luma_conformance.cli.parser import Commands
    from luma_conformance.ledger.ledger import Ledger, Statement


def add_commands(commands: Commands) -> None:
    """Add `ledger`."""
    command = add_command(
        commands,
        "ledger",
        _ledger,
        purpose="say what carries each statement of the page",
        description="Counts the statements of the page by section: how many are carried by cases, properties, rules or "
        "scenarios, how many are excluded with a reason, and which nobody carries. With SECTION, shows each statement.",
        examples=("ledger", "ledger 429", "ledger --carried-by create/429-rpm/window-full"),
    )
    command.add_argument("section", nargs="?", metavar="SECTION", help="show the statements below headings with this")
    command.add_argument("--carried-by", metavar="ID", help="show the statements that a case, rule, … carries")
    command.add_argument("--format", choices=("text", "json"), default="text", help="default: text")
    command.add_argument("--file", type=Path, metavar="FILE", help="another ledger; default: the kit's own")


def _ledger(options: argparse.Namespace) -> Exit:
    from luma_conformance.cli.ledger_names import own_names
    from luma_conformance.ledger.coverage import find_problems
    from luma_conformance.ledger.grammar import load

    try:
        ledger = load(options.file)
    except CatalogueError as error:
        say(str(error))
        return Exit.NOT_CONFORMANT
    problems = find_problems(ledger, own_names())
    chosen = _choose(ledger, options.section, options.carried_by)
    if options.format == "json":
        say(json.dumps(_as_data(ledger, chosen, problems), indent=1, ensure_ascii=False))
    elif options.section or options.carried_by:
        say("\n".join(_show(chosen)))
    else:
        say("\n".join(_sum_up(ledger, problems)))
    return Exit.NOT_CONFORMANT if problems else Exit.CONFORMANT


def _choose(ledger: Ledger, section: str | None, carrier: str | None) -> list[Statement]:
    from luma_conformance.ledger.coverage import matches

    chosen = [
        one
        for one in ledger.statements
        if (section or "").lower() in one.section.lower()
        and (carrier is None or any(matches(kind, p, carrier) for kind, ps in one.carriers.items() for p in ps))
    ]
    if not chosen:
        raise InputError("no statement is so; `luma-conformance ledger` lists the sections")
    return chosen


def _sum_up(ledger: Ledger, problems: Iterable[Problem]) -> Iterator[str]:
    from luma_conformance.ledger.coverage import count, count_of

    yield f"{'carried':>8} {'excluded':>8} {'nobody':>8}  section"
    for one in (*count(ledger), count_of(f"all of {ledger.page}", ledger.statements)):
        yield f"{one.carried:>8} {one.excluded:>8} {one.missing:>8}  {one.section}"
    yield from map(str, problems)


def _show(statements: Iterable[Statement]) -> Iterator[str]:
    section = ""
    for one in statements:
        if one.section != section:
            section = one.section
            yield section
        yield f"  {one.says}"
        for kind, patterns in one.carriers.items():
            yield f"    {kind:<11}{', '.join(patterns)}"
        if note := one.reason or one.exception:
            yield f"    {'excluded' if one.reason else 'but':<11}{note}"


def _as_data(ledger: Ledger, statements: Iterable[Statement], problems: Iterable[Problem]) -> dict[str, object]:
    from luma_conformance.ledger.coverage import count

    return {
        "schema": 1,
        "page": ledger.page,
        "sections": [
            {"section": one.section, "carried": one.carried, "excluded": one.excluded, "nobody": one.missing}
            for one in count(ledger)
        ],
        "statements": [describe(one) for one in statements],
        "problems": [str(one) for one in problems],
    }


def describe(one: Statement) -> dict[str, object]:
    """Return a statement as plain data."""
    return {
        "section": one.section,
        "says": one.says,
        "digest": str(one.digest),
        **{kind: list(patterns) for kind, patterns in one.carriers.items()},
        **{key: note for key, note in (("except", one.exception), ("reason", one.reason)) if note is not None},
    }
