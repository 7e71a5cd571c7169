"""Strangers: servers that keep to the page and differ from the reference in everything the page leaves open.

They show that the kit accuses no right server. Each is one module that was written from the page alone: it imports
nothing of the kit and nothing of another stranger, so that no mistake is made twice. A module has

- a docstring: what the server is built with, and in what it differs;
- `start(port=0, fault="")`, a context manager that runs the server on 127.0.0.1 and yields its base URL and its
  profile, as TOML, in which it offers all that it has;
- `JUDGED`, how many cases and properties of the gate profile are judged on it, at least;
- `FAULTS`, mistakes that `start` makes on request, each with the `-k` expression of a case or property that finds it.

`python -m tests.strangers NAME` runs one by hand.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from contextlib import AbstractContextManager
from importlib import import_module
from typing import Protocol, cast


class Stranger(Protocol):
    """What a stranger's module has."""

    JUDGED: int
    FAULTS: Mapping[str, str]

    def start(self, port: int = 0, fault: str = "") -> AbstractContextManager[tuple[str, str]]:
        """Run the server; yield its base URL and its profile."""


NAMES = tuple(sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")))
"""The strangers there are."""


def stranger(name: str) -> Stranger:
    """Return the stranger of this name."""
    return cast("Stranger", import_module(f"{__name__}.{name}"))
