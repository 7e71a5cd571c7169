"""State machines as properties: sequences of steps that are drawn, shrunk, and repeated from a recording."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from luma_conformance.properties.luma_target import LumaTarget


class Machine(RuleBasedStateMachine):
    """A state machine whose runs can be repeated: each rule first appends its name and arguments to `steps`.

    `luma_target` is set before a run begins. `check_end` checks the whole run.
    """

    luma_target: LumaTarget

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[tuple[Any, ...]] = []
        self.luma_target.begin_example(self.steps)

    def check_end(self) -> None:
        """Check the whole run once it has ended."""

    def teardown(self) -> None:
        """Check the run, and end its example."""
        try:
            self.check_end()
        finally:
            self.luma_target.session.target.channel.end_example()


def run_machine(luma_target: LumaTarget, machine: type[Machine], share: float = 1.0, steps: int = 50) -> None:
    """Run a state machine, each time for so many steps at most, or the steps of a recording.

    Raises NonConformance with the fewest steps.
    """
    bound = type(machine.__name__, (machine,), {"luma_target": luma_target})
    luma_target.run(
        lambda how: run_state_machine_as_test(bound, settings=settings(how, stateful_step_count=steps)),
        lambda taken: _repeat(bound, taken),
        share,
    )


def _repeat(machine: type[Machine], steps: object) -> None:
    """Run recorded steps of a state machine again."""
    assert isinstance(steps, list)
    running = machine()
    for name, *arguments in steps:
        getattr(running, name)(*arguments)
    running.teardown()
