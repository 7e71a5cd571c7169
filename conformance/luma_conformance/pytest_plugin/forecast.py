"""The estimate of a run, made once enough is known of its target."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pytest

from luma_conformance.catalogue.roles import MAIN_KEY
from luma_conformance.model import Case
from luma_conformance.properties.fuzzing import Fuzzing
from luma_conformance.session.session import Session

SOON: Final = 10
ENOUGH: Final = 60
"""Requests after which it is not waited for longer to know what uses quota, and after which no limit is expected."""


def choose_fuzzing(config: pytest.Config) -> Fuzzing:
    """Return how the run's properties are tried."""
    fuzz = config.getoption("luma_fuzz")
    return Fuzzing(
        profile="deep" if fuzz == "deep" else "gate",
        examples=fuzz if isinstance(fuzz, int) else None,
        real_time=config.getoption("luma_real_time"),
        alone=not hasattr(config, "workerinput"),
    )


class Forecast:
    """What a run has to do, and what was known of the target when its time was last estimated."""

    def __init__(self, items: Sequence[pytest.Item]) -> None:
        # Whatever the class of an item: what has a class for cases needs the run, which needs this.
        self._cases = [case for item in items if isinstance(case := getattr(item, "case", None), Case)]
        self._names = [
            item.originalname
            for item in items
            if isinstance(item, pytest.Function) and "luma_target" in item.fixturenames
        ]
        self._known: tuple[object, ...] = ()

    def say(self, config: pytest.Config, session: Session) -> str | None:
        """Return about how long the run will take, or None if that is not known, or not long."""
        usage = None if session.traffic is None else session.traffic.usage_of(MAIN_KEY)
        if session.traffic is None or usage is None:
            return None
        quota, count = usage.quota, session.traffic.count
        known = (quota.limit, quota.is_kept, quota.refused_count, count >= SOON, count >= ENOUGH)
        if known == self._known:
            return None
        self._known = known
        from luma_conformance.pytest_plugin.estimate import count_cases, describe_estimate

        judged = [case for case in self._cases if all(map(session.target.might_offer, case.needs))]
        work = count_cases(case for case in judged if case.cost == 0 or session.spending.allows(case.cost))
        is_plain = work.asked == work.accepted and not self._names  # whatever uses quota, these requests do
        is_clear = is_plain or (quota.is_kept is not None and (quota.refused_count is not None or count >= SOON))
        if not (quota.limit is not None and is_clear) and count < ENOUGH:
            return None
        free = session.spending.limit is None
        return describe_estimate(work, self._names, choose_fuzzing(config), session.traffic, usage, free=free)
