"""The command `luma-conformance precedence`: which of two faults a target names, drawn as an order."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from luma_conformance.errors import Exit, InputError
from luma_conformance.judge.fault_order import Observation, Order, find_reversals
from luma_conformance.rules import RULES

SCHEMA: Final = 1
_IDS: Final = tuple(rule.id for rule in RULES)


def add_command(commands: argparse._SubParsersAction[Any]) -> None:
    """Adds the command."""
    command = commands.add_parser(
        "precedence",
        help="which of two faults a target names first",
        description="Sends requests that break two rules each, all sure to be refused, and says which rule is answered "
        "for. The page settles little of it: this is information, never a failure.",
    )
    command.add_argument("rules", nargs="*", metavar="RULE", help="only pairs of these rules; default: all that can be")
    command.add_argument("--base-url", metavar="URL", help="default: the embedded reference")
    command.add_argument("--luma-profile", type=Path, metavar="FILE", help="what the target offers")
    command.add_argument("--out", type=Path, metavar="FILE", help="keep what was seen, as JSON")
    command.add_argument("--against", type=Path, metavar="FILE", help="say what changed since a kept order")
    command.add_argument("--dot", action="store_true", help="print the order as a Graphviz graph")
    command.set_defaults(command=_precedence)


def _precedence(options: argparse.Namespace) -> Exit:
    wrong = [rule for rule in options.rules if rule not in _IDS]
    if wrong:
        raise InputError(f"there is no rule {wrong[0]}; the summary of a pytest run lists them")
    old = _read(options.against) if options.against is not None else None
    from luma_conformance.properties.fault_pairs import observe

    target, seen = observe(options.base_url, options.luma_profile, options.rules or _IDS, _tell)
    order = Order.of(seen, _IDS)
    if options.out is not None:
        _write(options.out, target, order)
    for line in _graph(order) if options.dot else _drawn(order, target, old):
        print(line)
    return Exit.CONFORMANT


def _drawn(order: Order, target: str, old: Order | None) -> Iterator[str]:
    """Yields the order for a person: level by level, the steps, and what contradicts it."""
    yield f"target     {target}"
    yield f"seen       {len(order.observations)} pairs of rules, each in one request"
    for number, level in enumerate(order.levels, start=1):
        yield f"{number:>5}      {', '.join(level)}"
    yield "           each rule comes after one on the level before; within a level nothing is known"
    for one, other in order.contested:
        yield f"contested  {one} and {other}: answered now for the one, now for the other"
    for ring in order.cycles:
        yield f"cycle      {' before '.join((*ring, ring[0]))}"
    if old is not None:
        turned = find_reversals(old, order)
        yield from (f"changed    {first} now comes before {then}" for first, then in turned)
        if not turned:
            yield "changed    nothing"


def _graph(order: Order) -> Iterator[str]:
    yield "digraph precedence {"
    yield "  rankdir=TB; node [shape=box];"
    yield from (f'  "{first}" -> "{then}";' for first, then in order.steps)
    yield from (f'  "{one}" -> "{other}" [dir=both, style=dashed];' for one, other in order.contested)
    yield "}"


def _write(path: Path, target: str, order: Order) -> None:
    seen = [{"first": first, "then": then, "count": count} for (first, then), count in sorted(order.counts.items())]
    text = json.dumps({"schema": SCHEMA, "target": target, "observations": seen}, indent=1)
    try:
        path.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}") from None


def _read(path: Path) -> Order:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        seen = [Observation(first=str(one["first"]), then=str(one["then"])) for one in data["observations"]]
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, TypeError, KeyError, RecursionError):
        raise InputError(f"{path} is no order that `luma-conformance precedence --out` wrote") from None
    return Order.of(seen, _IDS)


def _tell(text: str) -> None:
    """Says how far it is, where somebody watches."""
    if sys.stderr.isatty():
        print(f"\r{text:<60}", end="", file=sys.stderr, flush=True)
