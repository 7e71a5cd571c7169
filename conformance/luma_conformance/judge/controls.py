"""The accepted requests of sections: where one gets the answer of its section's refusals, those prove nothing."""

from __future__ import annotations

from typing import Final

from luma_conformance.judge.answers import detail_of
from luma_conformance.model import Case, Outcome, Response, Result

CONTROL: Final = "control"
"""The slug of the accepted request of a section."""
ALIKE: Final = "the accepted request of this section is refused with the same text, so that this refusal proves nothing"

Answer = tuple[int, object]
"""What two answers are compared by: status and `detail`."""


def is_rejecting(case: Case) -> bool:
    """Return whether a case is about a request that the API refuses."""
    last = case.steps[-1]
    return last.ask.url.startswith("/") and min(last.expect.status) >= 400


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
        own, accepted = result.exchanges[-1], self._answers.get(case.section_id)
        is_alike = accepted is not None and accepted == read_answer(own.response)
        return ALIKE if is_alike and own.request.method == "POST" else None
