"""A conformance kit for the Luma Agents API; the names below are its public interface, described in docs/api.md.

pytest loads this package in every project of an environment it is installed in, so importing it imports nothing else:
each name is fetched from its module when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from luma_conformance.clients.in_process import client_scenarios, judge_client
    from luma_conformance.clients.mocks import LumaErrors, LumaMock
    from luma_conformance.clients.transport import LumaReference
    from luma_conformance.clients.virtual_time import VirtualTime
    from luma_conformance.judge.job_limit import judge_job_limit
    from luma_conformance.judge.lifecycle import Oddity, judge_indistinguishable, judge_life_cycle
    from luma_conformance.judge.rate_limit import Contradiction, RateLimitReport, judge_rate_limit
    from luma_conformance.model import Exchange, Request, Response
    from luma_conformance.properties.luma_target import LumaTarget
    from luma_conformance.reference.clock import VirtualClock, WallClock
    from luma_conformance.reference.inprocess import InProcess
    from luma_conformance.reference.service import Service
    from luma_conformance.reference.settings import Settings
    from luma_conformance.rules.prediction import Accepted, Prediction, Rejected, Unspecified, Violation
    from luma_conformance.rules.table import RULES, predict
    from luma_conformance.strategies.bodies import valid_requests
    from luma_conformance.strategies.faults import faulty, near_misses
    from luma_conformance.strategies.hostile import hostile, malformed, request_ids
    from luma_conformance.strategies.material import Material

    __version__: str

__all__ = (
    "RULES",
    "Accepted",
    "Contradiction",
    "Exchange",
    "InProcess",
    "LumaErrors",
    "LumaMock",
    "LumaReference",
    "LumaTarget",
    "Material",
    "Oddity",
    "Prediction",
    "RateLimitReport",
    "Rejected",
    "Request",
    "Response",
    "Service",
    "Settings",
    "Unspecified",
    "Violation",
    "VirtualClock",
    "VirtualTime",
    "WallClock",
    "__version__",
    "client_scenarios",
    "faulty",
    "hostile",
    "judge_client",
    "judge_indistinguishable",
    "judge_job_limit",
    "judge_life_cycle",
    "judge_rate_limit",
    "malformed",
    "near_misses",
    "predict",
    "request_ids",
    "valid_requests",
)

_NAMES: Final = {
    "clients.in_process": ("client_scenarios", "judge_client"),
    "clients.mocks": ("LumaErrors", "LumaMock"),
    "clients.transport": ("LumaReference",),
    "clients.virtual_time": ("VirtualTime",),
    "judge.job_limit": ("judge_job_limit",),
    "judge.lifecycle": ("Oddity", "judge_indistinguishable", "judge_life_cycle"),
    "judge.rate_limit": ("Contradiction", "RateLimitReport", "judge_rate_limit"),
    "model": ("Exchange", "Request", "Response"),
    "properties.luma_target": ("LumaTarget",),
    "reference.clock": ("VirtualClock", "WallClock"),
    "reference.inprocess": ("InProcess",),
    "reference.service": ("Service",),
    "reference.settings": ("Settings",),
    "rules.prediction": ("Accepted", "Prediction", "Rejected", "Unspecified", "Violation"),
    "rules.table": ("RULES", "predict"),
    "strategies.bodies": ("valid_requests",),
    "strategies.faults": ("faulty", "near_misses"),
    "strategies.hostile": ("hostile", "malformed", "request_ids"),
    "strategies.material": ("Material",),
}
"""The module each name is defined in: what the imports above say to type checkers, for use at run time."""

_HOMES: Final = {name: f"{__name__}.{module}" for module, names in _NAMES.items() for name in names}


def _read_version() -> str:
    """Return the version that is installed, or "0" in a clone that is not."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("luma-agents-conformance")
    except PackageNotFoundError:
        return "0"


if not TYPE_CHECKING:  # a type checker that knew it would let any misspelt name pass

    def __getattr__(name: str) -> object:
        """Return a public name from its module, and keep it; raise AttributeError for any other."""
        if name == "__version__":
            value = _read_version()
        elif name in _HOMES:
            value = getattr(import_module(_HOMES[name]), name)
        else:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    """Return the public names."""
    return [*__all__]
