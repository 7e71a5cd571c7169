"""The runners that are compared, the floors first, and how each is started on the cases of a folder."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.bench.measuring import BARE, KIT, PYTEST
from tests.bench.peers.environments import Environment

HERE: Final = Path(__file__).parent
FLOOR: Final = "raw socket, YAML"
OURS: Final = "ours, autoload off"
NOTHING: Final = "pytest, empty items"
HTTPX: Final = "pytest and httpx"
SCHEMATHESIS: Final = "schemathesis, examples"
TAVERN: Final = "tavern"
NEWMAN: Final = "newman"
GOALS: Final[Mapping[str, float]] = {FLOOR: 3, HTTPX: 1 / 2, SCHEMATHESIS: 1 / 4, TAVERN: 1 / 8, NEWMAN: 1 / 14}
"""How many times as long as each, at the most, we want to take for 300 cases."""

Line = Callable[[str], list[str | Path]]
"""The command of a runner, given the URL of the server; it is run in the folder of the cases."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """One way to send the cases; `sends` is false for one that only collects them."""

    name: str
    command: Line
    environment: Environment | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    sends: bool = True


_HTTPX: Final = Environment(name="httpx", packages=("pytest==9.2.0", "httpx==0.28.1", "pyyaml"))
_SCHEMATHESIS: Final = Environment(name="schemathesis", packages=("schemathesis==4.32.5",))
_TAVERN: Final = Environment(name="tavern", packages=("tavern==3.7.1", "pytest==9.1.1"))
_NEWMAN: Final = Environment(name="newman", packages=("newman@6.2.2",), with_npm=True)
_KEY: Final = {"LUMA_AGENTS_API_KEY": "luma-api-bench"}
_CHECKS: Final = (
    "status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance"
)


def _floor(suffix: str) -> Line:
    return lambda url: [sys.executable, HERE / "floor.py", suffix, url]


def _ours(*plugins: str) -> Line:
    return lambda url: [*PYTEST, *plugins, "--base-url", url, "cases"]


RUNNERS: Final = (
    Runner(name="raw socket, JSON", command=_floor("json")),
    Runner(name=FLOOR, command=_floor("yaml")),
    Runner(
        name=NOTHING,
        command=lambda _: [*PYTEST, "-p", "noop_items", "cases"],
        variables={**BARE, "PYTHONPATH": str(HERE)},
        sends=False,
    ),
    Runner(name=OURS, command=_ours(*KIT), variables={**BARE, **_KEY}),
    Runner(name="ours, all plugins", command=_ours(), variables=_KEY),
    Runner(
        name=HTTPX,
        command=lambda url: [_HTTPX.python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_parametrised.py"],
        environment=_HTTPX,
    ),
    Runner(
        name=SCHEMATHESIS,
        command=lambda url: [
            *(_SCHEMATHESIS.python.with_name("schemathesis"), "run", "openapi.json", "--url", url),
            *("--phases", "examples", "--checks", _CHECKS, "--generation-database", "none"),
        ],
        environment=_SCHEMATHESIS,
    ),
    Runner(
        name=TAVERN,
        command=lambda _: [_TAVERN.python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_cases.tavern.yaml"],
        environment=_TAVERN,
    ),
    Runner(
        name=NEWMAN,
        command=lambda _: ["node", _NEWMAN.folder / "node_modules/newman/bin/newman.js", "run", "collection.json"],
        environment=_NEWMAN,
    ),
)
