"""Patience: when polling ends, and what is not waited for once one generation did not end."""

from __future__ import annotations

import json

from luma_conformance.judge.answers import EveryResponse
from luma_conformance.judge.patience import Patience
from luma_conformance.judge.play import Target, find_unmet_need, play
from luma_conformance.model import Case, Outcome, Request, Response, Result
from luma_conformance.target.channel import LiveChannel, Passing
from luma_conformance.target.profile import Key, Profile
from tests import kit

PROFILE = Profile(name="p", keys={"main-key": Key(token="k", source="k")}, values={"slow": "p"}, roles={"slow": "s"})


class Mock:
    """Generations whose prompts, models or types are in `stuck` never end; all others end after `lasts` seconds."""

    def __init__(self, *stuck: str, lasts: float = 3.0) -> None:
        self.time = 0.0
        self.polls = 0
        self._stuck, self._lasts = stuck, lasts
        self._made: list[tuple[float, bool]] = []

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds

    def send(self, request: Request) -> Response:
        if request.method == "POST":
            body = json.loads(request.body)
            self._made.append((self.time, any(value in self._stuck for value in body.values())))
            return kit.response(201, {"id": str(len(self._made) - 1)})
        self.polls += 1
        began, stuck = self._made[int(request.url.rpartition("/")[2])]
        over = not stuck and self.time - began >= self._lasts
        return kit.response(200, {"state": "completed" if over else "queued"})

    def target(self, patience: float | None = None) -> Target:
        """Return the mock as a target."""
        channel = LiveChannel(transport=self, patient=self, passing=Passing(transport=self, clock=self))
        return Target(channel=channel, profile=PROFILE, run="r", patience=Patience(seconds=patience))


def polling(body: str, repeat: str = "until: {state: completed}, every: 2, at_most: 150") -> Case:
    """Return a case that creates a generation and polls it until it is completed."""
    poll = f'{{request: {{path: "/v1/generations/{{g}}"}}, repeat: {{{repeat}}}, status: 200}}'
    return kit.case(f"steps: [{{set: {body}, status: 201, save: {{g: id}}}}, {poll}]")


def judged(case: Case, target: Target) -> Result:
    """Return the result of a case."""
    return play(case, target, EveryResponse(()))


def test_without_patience_a_case_polls_as_often_as_it_says() -> None:
    """150 times, two seconds apart."""
    mock = Mock("p")
    judged(polling("{prompt: p}"), mock.target())
    assert (mock.polls, mock.time) == (150, 298.0)


def test_patience_bounds_polling_and_extends_it() -> None:
    """Whatever number of polls the case has, and every few seconds they come."""
    for patience, every, polls in ((10.0, 2, 6), (10.0, 60, 2), (900.0, 5, 181), (1.0, 2, 2)):
        mock = Mock("p")
        case = polling("{prompt: p}", f"until: {{state: completed}}, every: {every}, at_most: 30")
        assert judged(case, mock.target(patience)).verdict.outcome is Outcome.FAIL
        assert mock.polls == polls


def test_a_generation_that_ends_in_time_is_no_matter() -> None:
    """It is polled until it ends, and nothing is remembered."""
    mock = Mock()
    target = mock.target(10.0)
    assert judged(polling("{prompt: p}"), target).verdict.outcome is Outcome.PASS
    assert find_unmet_need(polling("{prompt: p}"), target) is None


def test_repeating_for_a_status_has_nothing_to_do_with_patience() -> None:
    """A limit is used up by requests, not by waiting."""
    mock = Mock()
    case = kit.case("steps: [{status: 429, repeat: {until: {status: 429}, at_most: 30, meanwhile: [201]}}]")
    assert len(judged(case, mock.target(1.0)).exchanges) == 30


def test_where_nothing_ever_ended_nothing_else_is_waited_for() -> None:
    """A mock of fixed answers fails one case, whatever else would have been polled."""
    target = Mock("p").target(10.0)
    assert judged(polling("{prompt: p}"), target).verdict.outcome is Outcome.FAIL
    why = find_unmet_need(polling("{model: ray-3.2, prompt: q}"), target)
    found = "a generation (uni-1 image) did not end within 10 s, which failed once"
    assert why == f"{found}; --luma-patience SECONDS waits longer"


def test_a_model_that_never_ends_does_not_stop_the_others() -> None:
    """Images ended, so only what is of the stuck kind is left out."""
    target = Mock("ray-3.2").target(10.0)
    judged(polling("{prompt: p}"), target)
    judged(polling("{model: ray-3.2, prompt: p}"), target)
    assert find_unmet_need(polling("{model: ray-3.2, type: video, prompt: q}"), target) is not None
    assert find_unmet_need(polling("{model: ray-3.2, type: video_edit, prompt: q}"), target) is None
    assert find_unmet_need(polling("{prompt: p}"), target) is None


def test_a_prompt_that_never_ends_does_not_stop_its_kind() -> None:
    """Where images do end, only those with the prompt are left out."""
    target = Mock("slow").target(10.0)
    judged(polling("{prompt: p}"), target)
    judged(polling("{prompt: slow}"), target)
    assert find_unmet_need(polling("{prompt: slow}"), target) is not None
    assert find_unmet_need(polling("{prompt: q}"), target) is None


def test_cases_that_wait_for_nothing_are_judged_all_the_same() -> None:
    """Creating, and looking up once, need no generation to end."""
    target = Mock("p").target(10.0)
    judged(polling("{prompt: p}"), target)
    once = kit.case(
        'steps: [{set: {prompt: p}, status: 201, save: {g: id}}, {request: {path: "/v1/generations/{g}"}, status: 200}]'
    )
    assert find_unmet_need(once, target) is None


def test_a_poll_that_is_refused_says_nothing_of_how_long_jobs_take() -> None:
    """The answer is wrong; the generation may have ended."""
    mock = Mock()
    target = mock.target(10.0)
    mock.send = lambda request: kit.response(201, {"id": "0"}) if request.method == "POST" else kit.response(500)  # type: ignore[method-assign]
    judged(polling("{prompt: p}"), target)
    assert find_unmet_need(polling("{prompt: p}"), target) is None
