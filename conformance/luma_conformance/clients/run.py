"""Scenarios played to a client, several at a time, and the verdicts as they come."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from luma_conformance.clients.conduct import Conduct
from luma_conformance.clients.scenario import Scenario

QUICK = 12.0
"""Seconds that a client may have to wait in a scenario that is played without being asked for."""

Play = Callable[[Scenario, threading.Event], Conduct]
"""Plays a scenario to a client, until it is over or an event is set."""


def is_quick(scenario: Scenario) -> bool:
    """Return whether a scenario makes a client wait for a few seconds at most."""
    return scenario.patience <= QUICK


def play_all(scenarios: Sequence[Scenario], play: Play, jobs: int) -> Iterator[tuple[Scenario, Conduct]]:
    """Yield each scenario with what the client did, as they end; whoever stops listening ends those that go on."""
    stop = threading.Event()
    # What takes longest begins first, so that it does not go on alone at the end.
    longest_first = sorted(scenarios, key=lambda one: -one.patience)
    with ThreadPoolExecutor(jobs, thread_name_prefix="luma-client") as pool:
        futures = {pool.submit(play, one, stop): one for one in longest_first}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
