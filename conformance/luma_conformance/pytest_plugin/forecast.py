"""The estimate of a run, made once enough is known of its target."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pytest

from luma_conformance.catalogue.roles import MAIN_KEY
from luma_conformance.judge.play import find_unmet_need
from luma_conformance.pytest_plugin.estimate import count_cases, describe_estimate
from luma_conformance.pytest_plugin.items import CaseItem
from luma_conformance.pytest_plugin.property_reports import choose_fuzzing
from luma_conformance.session.session import Session

ENOUGH: Final = 60
"""Requests after which a target that announces no limit is taken for one that has none."""


class Forecast:
    """What a run still has to do, and what was known of the target when its time was last estimated."""

    def __init__(self, items: Sequence[pytest.Item]) -> None:
        self._cases = [item.case for item in items if isinstance(item, CaseItem)]
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
        is_known = usage.quota.limit is not None and usage.quota.refused_count is not None
        known = (usage.quota.limit, is_known, session.traffic.count >= ENOUGH)
        if known == self._known or not (is_known or session.traffic.count >= ENOUGH):
            return None
        self._known = known
        judged = [case for case in self._cases if find_unmet_need(case, session.target) is None]
        allowed = [case for case in judged if session.spending.allows(case.cost) or case.cost == 0]
        fuzzing = choose_fuzzing(config)
        return describe_estimate(count_cases(allowed), self._names, fuzzing, session.traffic, usage)
