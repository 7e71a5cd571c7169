"""Judging one target: what is not sent, what ends a run, and what is only a failure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from luma_conformance.catalogue import files as casefiles
from luma_conformance.errors import CouldNotJudge, ExchangeError
from luma_conformance.model import Facet, Outcome, Request, Response, Transport
from luma_conformance.reference import VirtualClock
from luma_conformance.session.open import Options, open_session
from luma_conformance.session.session import Session
from luma_conformance.target.channel import LiveChannel, Passing
from luma_conformance.target.spending import Spending
from tests.kit import case_of


@pytest.fixture
def session() -> Iterator[Session]:
    """Return the embedded reference under judgement."""
    opened = open_session(Options())
    yield opened
    opened.close()


@dataclass
class Breaks:
    """A transport that breaks on generations, or on everything."""

    transport: Transport
    always: bool

    def send(self, request: Request) -> Response:
        if self.always or request.method == "POST":
            raise ExchangeError("connection refused")
        return self.transport.send(request)


def over(session: Session, spending: Spending) -> Session:
    """Return the same target over another transport."""
    passing = Passing(transport=spending, clock=VirtualClock())
    channel = LiveChannel(transport=spending, patient=spending, passing=passing)
    return replace(session, spending=spending, target=replace(session.target, channel=channel))


def breaking(session: Session, *, always: bool) -> Session:
    """Return the same target over a transport that breaks."""
    return over(session, Spending(Breaks(session.spending, always), limit=None))


def test_a_broken_exchange_is_a_failure_where_the_target_still_answers(session: Session) -> None:
    """A server that drops one kind of request is wrong, not gone."""
    result = breaking(session, always=False).run(case_of(casefiles.own(), "create/400-prompt-too-short/empty"))

    assert result.verdict.outcome is Outcome.FAIL
    assert [mismatch.facet for mismatch in result.verdict.mismatches] == [Facet.SEQUENCE]


def test_an_unreachable_target_cannot_be_judged(session: Session) -> None:
    """What breaks because the target is gone ends the run instead of failing the rest."""
    with pytest.raises(CouldNotJudge, match="refused"):
        breaking(session, always=True).run(case_of(casefiles.own(), "create/400-prompt-too-short/empty"))


def test_a_case_is_sent_only_if_its_whole_cost_is_allowed(session: Session) -> None:
    """A case of several generations needs room for all of them."""
    careful = over(session, Spending(session.spending, limit=2))

    dear = careful.run(case_of(casefiles.own(), "create/429-rpm/window-full"))
    cheap = careful.run(case_of(casefiles.own(), "create/400-prompt-too-short/one-character"))

    assert dear.verdict.outcome is Outcome.NOT_JUDGED
    assert dear.verdict.reason is not None
    assert "--luma-spend" in dear.verdict.reason
    assert cheap.verdict.outcome is Outcome.PASS
    assert careful.spent == 1
    assert careful.overspent is None


def test_the_embedded_reference_has_room_for_a_long_run(session: Session) -> None:
    """Its time stands still, so its main client's limits must hold more than the longest run of generated requests."""
    exchange = session.target.channel.exchange(
        Request(
            method="POST",
            url="/v1/generations",
            headers=(("Authorization", f"Bearer {session.target.token('main-key')}"),),
            body=b'{"prompt": "A sunset"}',
        )
    )

    limit = next(value for name, value in exchange.response.headers if name == "X-RateLimit-Limit")
    assert int(limit) > 5000 * 100


@dataclass
class Refuses:
    """A transport to a server that refuses each request for a generation with one text."""

    transport: Transport
    detail: str

    def send(self, request: Request) -> Response:
        answer = self.transport.send(request)
        body = json.dumps({"detail": self.detail}).encode()
        return replace(answer, status=400, body=body) if request.method == "POST" else answer


def test_a_refusal_that_the_accepted_request_gets_too_proves_nothing(session: Session) -> None:
    """Where a section's accepted request is refused with the text of its cases, those prove nothing."""
    text = "Prompt must be between 1 and 6000 characters"
    refusing = over(session, Spending(Refuses(session.spending, text), limit=None))
    cases = [case_of(casefiles.own(), f"create/400-prompt-too-short/{slug}") for slug in ("control", "empty")]

    control, empty = (refusing.run(case).verdict for case in cases)

    assert control.outcome is Outcome.FAIL
    assert empty.outcome is Outcome.NOT_JUDGED
    assert "is refused with the same text" in str(empty.reason)


def test_a_refusal_with_a_text_of_its_own_is_judged_whatever_the_accepted_request_gets(session: Session) -> None:
    """That the accepted request is refused for something else is its own failure."""
    control, empty = (case_of(casefiles.own(), f"create/400-prompt-too-short/{slug}") for slug in ("control", "empty"))
    over(session, Spending(Refuses(session.spending, "Unknown model: uni-1"), limit=None)).run(control)

    assert session.run(empty).verdict.outcome is Outcome.PASS
