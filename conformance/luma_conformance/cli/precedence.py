"""The command `luma-conformance precedence`: which of two faults a target names, drawn as an order."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from luma_conformance.cli.output import STANDARD_OUTPUT, say, scrub, show, write_text
from luma_conformance.cli.parser import add_command, add_output, add_profile, did_you_mean
from luma_conformance.errors import Exit, InputError
from luma_conformance.judge.fault_order import Observation, Order, find_reversals
from luma_conformance.reading.text_file import read_text
from luma_conformance.rules import RULES

if TYPE_CHECKING:
    from luma_conformance.cli.parser import Commands

SCHEMA: Final = 1
_MAX_BYTES: Final = 10_000_000
_IDS: Final = tuple(rule.id for rule in RULES)


def add_commands(commands: Commands) -> None:
    """Add `precedence`."""
    command = add_command(
        commands,
        "precedence",
        _precedence,
        purpose="which of two faults a target names first",
        description="Sends requests that break two rules each, all sure to be refused, and says which rule is answered "
        "for. The page settles little of it: this is information, never a failure.",
        examples=(
            "precedence --base-url http://127.0.0.1:8080 --output order.json",
            "precedence --base-url http://127.0.0.1:8080 --against order.json",
        ),
    )
    command.add_argument("rules", nargs="*", metavar="RULE", help="only pairs of these rules; default: all that can be")
    command.add_argument("--base-url", metavar="URL", help="default: the embedded reference")
    add_profile(command, "what the target offers")
    command.add_argument("--against", type=Path, metavar="FILE", help="say what changed since a kept order")
    command.add_argument("--dot", action="store_true", help="print the order as a Graphviz graph")
    add_output(command, metavar="FILE", explanation="keep what was seen, as JSON; - prints that instead of the order")


def _precedence(options: argparse.Namespace) -> Exit:
    wrong = [rule for rule in options.rules if rule not in _IDS]
    if wrong:
        advice = did_you_mean(wrong[0], _IDS)
        raise InputError(f"there is no rule {wrong[0]}{advice or '; the summary of a pytest run lists them'}")
    old = _read_order(options.against) if options.against is not None else None
    from luma_conformance.properties.fault_pairs import observe
    from luma_conformance.session.progress import show_on_stderr

    target, seen = observe(options.base_url, options.profile, options.rules or _IDS, show_on_stderr(show))
    order = Order.of(seen, _IDS)
    if options.output is not None:
        write_text(scrub(_as_json(target, order)), options.output)
    if options.output != STANDARD_OUTPUT:
        for line in _draw_graph(order) if options.dot else _draw(order, target, old):
            say(line)
    return Exit.CONFORMANT


def _draw(order: Order, target: str, old: Order | None) -> Iterator[str]:
    """Yield the lines that show the order: the rules level by level, the evidence, and what contradicts it."""
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


def _draw_graph(order: Order) -> Iterator[str]:
    yield "digraph precedence {"
    yield "  rankdir=TB; node [shape=box];"
    yield from (f'  "{first}" -> "{then}";' for first, then in order.steps)
    yield from (f'  "{one}" -> "{other}" [dir=both, style=dashed];' for one, other in order.contested)
    yield "}"


def _as_json(target: str, order: Order) -> str:
    seen = [{"first": first, "then": then, "count": count} for (first, then), count in sorted(order.counts.items())]
    return json.dumps({"schema": SCHEMA, "target": target, "observations": seen}, indent=1) + "\n"


def _read_order(path: Path) -> Order:
    try:
        data = json.loads(read_text(path, "an order", _MAX_BYTES))
        seen = [Observation(first=str(one["first"]), then=str(one["then"])) for one in data["observations"]]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise InputError(f"{path} is not an order that `luma-conformance precedence --output` wrote") from None
    return Order.of(seen, _IDS)
