"""A rehearsal: which items a miniature can answer otherwise, found without judging them."""

from __future__ import annotations

from luma_conformance.miniatures.miniature import (
    ROOMY,
    Area,
    Asked,
    Make,
    Miniature,
    Wait,
    around,
    changing_answers,
    create,
    poll,
)
from luma_conformance.model import Request, Response
from luma_conformance.reference import Service, VirtualClock
from luma_conformance.reference.settings import Settings
from luma_conformance.session.rehearsal import HEAVY, Event, Tape, Taping

IMAGE = {"prompt": "A sunset"}


def taped(*moves: Request | Wait) -> Tape:
    """Return the tape of requests to the reference."""
    clock = VirtualClock()
    taping = Taping(handle=Service(clock=clock, settings=ROOMY).handle, clock=clock)
    for number, move in enumerate(moves):
        taping.example = number
        clock.sleep(move.seconds) if isinstance(move, Wait) else taping(move)
    return taping.tape


def miniature(make: Make, *, status: int | None = None) -> Miniature:
    """Return a miniature that touches answers of a status, or does not say what it touches."""
    touches = None if status is None else (lambda asked: asked.answer.status == status)
    return Miniature(name="m", says="It is one.", heading="h", area=Area.RULES, make=make, touches=touches)


def test_a_tape_keeps_requests_answers_and_the_rules_they_break() -> None:
    """Each event has the request, the reference's answer, and what the body breaks."""
    tape = taped(create(IMAGE), create({"prompt": ""}))

    assert [event.asked.answer.status for event in tape.events] == [201, 400]
    assert [event.asked.broken for event in tape.events] == [frozenset(), {"prompt-empty"}]


def test_the_same_answers_are_no_difference() -> None:
    """A service that answers as the reference does differs in nothing, whatever it does where nobody asks."""
    teapot = Response(status=418)
    elsewhere = changing_answers(lambda request, answer: teapot if request.method == "PUT" else answer)

    assert taped(create(IMAGE), create({"prompt": ""})).find_differences(miniature(elsewhere)) == set()


def test_another_answer_is_a_difference_that_may_be_anywhere() -> None:
    """Where a miniature does not say what it touches, one other answer puts every example in doubt."""
    silent = changing_answers(lambda _, answer: Response(status=answer.status, headers=answer.headers))

    assert taped(create(IMAGE)).find_differences(miniature(silent)) is None


def test_what_it_touches_says_which_examples_differ() -> None:
    """A miniature that says what it touches is asked nothing: the examples with such answers are those that differ."""

    def never(_: Request) -> Response:
        raise AssertionError

    tape = taped(create(IMAGE), create({"prompt": ""}), create(IMAGE), create({"prompt": ""}))

    assert tape.find_differences(miniature(around(lambda _: never), status=400)) == {1, 3}
    assert tape.find_differences(miniature(around(lambda _: never), status=503)) == set()


def test_time_passes_as_it_did() -> None:
    """Answers that depend on time are compared at the time they were given."""
    tape = taped(create(IMAGE), Wait(5), poll("e3e70682-c209-4cac-a29f-6fbed82c07cd"))
    slow = Settings(rpm=10**9, concurrency=10**9, processing_seconds=60)

    assert b"completed" in tape.events[-1].asked.answer.body
    assert tape.find_differences(miniature(around(lambda handle: handle))) == set()
    assert tape.find_differences(miniature(lambda clock: Service(clock=clock, settings=slow).handle)) is None


def test_what_is_heavy_is_compared_only_where_it_is_touched() -> None:
    """An upload is not sent to each of thousands of services to see whether its answer differs."""
    large = Request(method="POST", url="/v1/generations", body=b" " * (HEAVY + 1))
    tape = Tape(events=[Event(asked=Asked(request=large, answer=Response(status=413)), waited=0.0, example=None)])
    other = changing_answers(lambda _, answer: Response(status=500))

    assert tape.find_differences(miniature(other)) == set()
    assert tape.find_differences(miniature(other, status=413)) == {None}
