"""The ids of everything that can carry a statement: cases, rules, properties, scenarios, miniatures."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Final

from luma_conformance.catalogue import files as casefiles
from luma_conformance.clients import files as scenarios
from luma_conformance.ledger.coverage import Names
from luma_conformance.rules import RULES

EVERY: Final = "every"
"""Stands for what a client does in every scenario."""

_SUITE: Final = Path(__file__).resolve().parents[1] / "suite"


@lru_cache(maxsize=1)
def own_names() -> Names:
    """Return the ids of what the kit has, by what they are ids of."""
    from luma_conformance.miniatures.fleet import fleet  # thousands: nobody but the ledger's check needs them all

    return {
        "cases": tuple(case.id for case in casefiles.own()),
        "responses": tuple(holding.id for holding in casefiles.own().holdings),
        "rules": tuple(rule.id for rule in RULES),
        "properties": _list_properties(),
        "scenarios": (EVERY, *(one.id for one in scenarios.own())),
        "miniatures": tuple(one.name for one in fleet()),
    }


def _list_properties() -> tuple[str, ...]:
    """Return the properties by their subject and function, as `rate_limit/test_the_window_slides…`.

    They are read from the files: to import them costs a second, and needs pytest.
    """
    return tuple(
        f"{file.stem.removeprefix('test_')}/{name}"
        for file in sorted(_SUITE.glob("test_*.py"))
        for name in re.findall(r"(?m)^def (test_\w+)", file.read_text(encoding="utf-8"))
    )
