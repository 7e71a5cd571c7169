"""The documented answers: each passes the judge for its own case, echoes the request, and unknown ids are told."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import pytest

from luma_conformance.catalogue.files import own
from luma_conformance.clients.documented import STORAGE, Answer, find_answer
from luma_conformance.errors import InputError
from luma_conformance.judge.answers import EveryResponse
from luma_conformance.judge.play import Target, play
from luma_conformance.model import Case, Outcome, Request, Response, header
from luma_conformance.reference import VirtualClock
from luma_conformance.target.channel import LiveChannel, Passing
from tests.kit import PROFILE

NOW = 1_775_649_600.0
CREATE = Request(method="POST", url="/v1/generations")


@dataclass
class Documented:
    """A transport that gives the documented answer to each step of a case."""

    case: Case
    number: int = 1
    given: int = field(default=0)

    def send(self, request: Request) -> Response:
        self.given += 1
        return Answer(case=self.case, number=self.number).respond(request, NOW, self.given)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stepwise(LiveChannel):
    """A channel that tells such a transport which step is played."""

    transport: Documented

    def begin_step(self, number: int) -> None:
        self.transport.number = number


@pytest.mark.parametrize("case", list(own()), ids=lambda case: case.id)
def test_what_is_documented_passes_the_judge_of_its_own_case(case: Case) -> None:
    """Every case of the catalogue, played on its own documented answers, passes."""
    transport = Documented(case)
    passing = Passing(transport=transport, clock=VirtualClock())
    target = Target(
        channel=Stepwise(transport=transport, patient=transport, passing=passing), profile=PROFILE, run="documented"
    )

    verdict = play(case, target, EveryResponse(own().holdings)).verdict

    assert (verdict.outcome, verdict.mismatches, verdict.notes) == (Outcome.PASS, (), ())


def test_the_judge_would_notice_a_wrong_answer() -> None:
    """The answer of another case does not pass, so that passing means something."""
    case, other = find_answer("create/402-payment-required/image").case, find_answer("create/403-suspended/image")

    class Wrong(Documented):
        def send(self, request: Request) -> Response:
            return other.respond(request, NOW)

    transport = Wrong(case)
    channel = Stepwise(
        transport=transport, patient=transport, passing=Passing(transport=transport, clock=VirtualClock())
    )
    found = play(case, Target(channel=channel, profile=PROFILE, run="wrong"), EveryResponse(own().holdings))

    assert found.verdict.outcome is Outcome.FAIL


def test_an_answer_echoes_the_request_id_or_makes_one_of_its_own() -> None:
    """X-Request-Id is that of the request, else a new UUID each time."""
    answer = find_answer("create/402-payment-required/image")
    named = answer.respond(Request(method="POST", url="/v1/generations", headers=(("x-request-id", "a-7"),)), NOW)
    first, second = (header(answer.respond(CREATE, NOW).headers, "X-Request-Id") for _ in range(2))

    assert header(named.headers, "X-Request-Id") == "a-7"
    assert first is not None
    assert first != second


def test_a_full_window_says_when_to_come_back() -> None:
    """The answers to the two limits have the headers of the page's examples, counted from now."""
    window = dict(find_answer("create/429-rpm/window-full").respond(CREATE, NOW).headers)
    slots = dict(find_answer("create/429-concurrency/too-many").respond(CREATE, NOW).headers)

    assert (window["Retry-After"], window["X-RateLimit-Limit"], window["X-RateLimit-Remaining"]) == ("12", "30", "0")
    assert window["X-RateLimit-Reset"] == f"{NOW + 12:.0f}"
    assert slots["Retry-After"] == "60"
    assert [name for name in slots if name.startswith("X-RateLimit")] == []


def test_a_poll_is_about_the_generation_that_was_asked_for() -> None:
    """The id in the path comes back, each completed answer has another URL, and a failed one its code and reason."""
    poll = Request(method="GET", url="/v1/generations/7c9e6679-7425-40de-944b-e07fc1f90ae7?verbose=1")
    done = [json.loads(find_answer("get/200-ok/completed-video").respond(poll, NOW).body) for _ in range(2)]
    failed = json.loads(find_answer("async/failure-reasons/budget-exhausted").respond(poll, NOW).body)

    assert {one["id"] for one in (*done, failed)} == {"7c9e6679-7425-40de-944b-e07fc1f90ae7"}
    assert done[0]["output"][0]["url"].startswith(f"{STORAGE}/")
    assert done[0]["output"] != done[1]["output"]
    assert (failed["failure_code"], failed["failure_reason"]) == (
        "budget_exhausted",
        "Insufficient balance to complete this generation.",
    )


def test_generations_created_one_after_the_other_have_ids_of_their_own() -> None:
    """Neither the id nor the quota that is left is the same for the next answer."""
    answer = find_answer("create/201-created/page-example")
    first, second = (answer.respond(CREATE, NOW, count) for count in range(2))

    assert json.loads(first.body)["id"] != json.loads(second.body)["id"]
    assert [header(one.headers, "X-RateLimit-Remaining") for one in (first, second)] == ["28", "27"]


@pytest.mark.parametrize(
    ("case_id", "advice"),
    [
        ("create/402-payment-required/imge", "did you mean create/402-payment-required/image?"),
        ("create/402-payment-required", "is no case but a section; its cases: .*/control, .*/image, .*/video"),
        ("zzz", "`luma-conformance list` lists every case"),
        ("", "lists every case"),
    ],
)
def test_an_unknown_id_is_told_what_is_near_it(case_id: str, advice: str) -> None:
    """A misspelt id gets the nearest one, a section its cases, anything else the command that lists them."""
    with pytest.raises(InputError, match=advice):
        find_answer(case_id)
