"""The exception by which a wrong answer reaches pytest."""

from __future__ import annotations

from luma_conformance.judge.judged import Judged


class NonConformance(Exception):
    """Carries the explanation of a wrong answer to pytest's report, and the same as a value where there is one."""

    def __init__(self, explanation: str, judged: Judged | None = None) -> None:
        super().__init__(explanation)
        self.judged = judged
