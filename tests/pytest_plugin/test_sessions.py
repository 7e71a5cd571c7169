"""How the run's targets are opened."""

from __future__ import annotations

import pytest

from luma_conformance.pytest_plugin.sessions import find_worker
from luma_conformance.target.usage import take_share


@pytest.mark.parametrize(("spend", "workers"), [(0, 2), (1, 2), (5, 3), (12, 4)])
def test_workers_together_may_spend_what_was_allowed_and_no_more(spend: int, workers: int) -> None:
    """The parts of the workers add up to --luma-spend."""
    inputs = [{"workercount": workers, "workerid": f"gw{number}"} for number in range(workers)]
    parts = [take_share(spend, *find_worker(one)) for one in inputs]

    assert sum(parts) == spend
    assert max(parts) - min(parts) <= 1


def test_a_run_without_workers_may_spend_all_of_it() -> None:
    """One process has the whole."""
    assert take_share(7, *find_worker(None)) == 7
