"""Near twins: what tells whether a request was refused for what is wrong with it, or would have been anyway.

A twin is the request with the least change that makes it right: with a good key, for a generation there is, or the
accepted request of its section. Where both get the same answer, the refusal proves nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from luma_conformance.catalogue.catalogue import Catalogue
from luma_conformance.judge.answers import detail_of
from luma_conformance.model import GENERATIONS_PATH, Auth, Case, Expectation, Outcome, Response, Result

CONTROL: Final = "control"
"""The slug of the accepted request of a section."""
ALIKE: Final = "the accepted request of this section is refused with the same text, so that this refusal proves nothing"
_ANY: Final = Expectation(status=tuple(range(100, 600)))
_MAIN: Final = Auth(role="main-key")

Answer = tuple[int, object]
"""What two answers are compared by: status and `detail`."""


def is_rejecting(case: Case) -> bool:
    """Return whether a case is about a request that the API refuses."""
    last = case.steps[-1]
    return last.ask.url.startswith("/") and min(last.expect.status) >= 400


def find_twin(case: Case, catalogue: Catalogue) -> Case | None:
    """Return the near twin of a rejecting case, as a case that expects nothing; None if there is none."""
    control = catalogue.get(f"{case.section_id}/{CONTROL}")
    *before, last = case.steps
    if 404 in last.expect.status and "{" not in last.ask.url:
        ask = replace(last.ask, url=f"{GENERATIONS_PATH}/{{completed-image}}", auth=_MAIN)
        return replace(case, steps=(replace(last, ask=ask, expect=_ANY),), needs=(*case.needs, "completed-image"))
    if last.ask.auth != _MAIN:
        ask = replace(last.ask, auth=_MAIN)
        steps = (*before, replace(last, ask=ask, expect=_ANY, repeat=None))
        return replace(case, steps=steps)
    return None if control is None else replace(control, steps=(replace(control.steps[0], expect=_ANY),))


def read_answer(response: Response) -> Answer:
    """Return what an answer is compared by."""
    return response.status, detail_of(response)


class Controls:
    """What the accepted requests of sections were answered, as far as they have been sent."""

    def __init__(self) -> None:
        self._answers: dict[str, Answer] = {}

    def note(self, result: Result) -> None:
        """Keep the answer to the accepted request of a section."""
        if result.case.slug == CONTROL and result.exchanges:
            self._answers[result.case.section_id] = read_answer(result.exchanges[-1].response)

    def find_doubt(self, result: Result) -> str | None:
        """Return why a refusal that is right proves nothing, or None."""
        case = result.case
        if result.verdict.outcome is not Outcome.PASS or not is_rejecting(case) or not result.exchanges:
            return None
        own = result.exchanges[-1]
        is_alike = self._answers.get(case.section_id) == read_answer(own.response)
        return ALIKE if is_alike and own.request.method == "POST" else None
