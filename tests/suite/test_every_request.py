"""The rate limit proved on servers that look at more than the client."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from luma_conformance.model import Request, Response
from luma_conformance.properties.nonconformance import NonConformance
from luma_conformance.reference.limits import Refusal
from luma_conformance.suite import test_every_request as every_request
from tests import miniatures
from tests.miniatures import Handle, Wrong, on_answers, right
from tests.suite.target_on import target_on
from tests.suite.wrong_creates import asked, body_of, counting, one_window_each, polled, sent
from tests.suite.wrong_limits import behind, counting_refusals, jittery, renumbered, with_limiter


def judge(wrong: Wrong) -> tuple[str, ...]:
    """Judge both properties, and return what was observed."""
    first, second = target_on(wrong), target_on(wrong)
    every_request.test_every_model_and_type_uses_the_window(first)
    every_request.test_nothing_but_the_client_counts_in_the_window(second)
    return first.observed + second.observed


def too_long(window: Any, now: float) -> Refusal | None:
    """Let a request go only when it is older than a minute."""
    limit, window.limit = window.limit, 10**9
    window._admitted = type(window._admitted)(one for one in window._admitted if one >= now - 60)
    window.limit = limit
    if len(window._admitted) < limit:
        return None
    opens = window._admitted[0] + 60
    return Refusal(max(1, round(opens - now)), round(opens))


def forget(client: Any) -> None:
    """Empty a window."""
    client.window._admitted.clear()


def emptied_by_a_refusal(handle: Handle) -> Handle:
    """Forget what a client has sent when it sends something wrong."""

    def first(_: Any, client: Any, request: Request) -> None:
        if body_of(request).get("prompt") == "":
            forget(client)

    return asked(first)(handle)


def refunded(handle: Handle) -> Handle:
    """Count no request whose job fails."""

    def first(service: Any, client: Any, request: Request) -> None:
        now, window = service._read_clock(client), client.window
        own = [one for one in service._generations.values() if one.client == client.name]
        failed = {one.created for one in own if one.state(now) == "failed"}
        window._admitted = type(window._admitted)(one for one in window._admitted if one not in failed)

    return asked(first)(handle)


def told_otherwise(kind: str, **changes: Any) -> Wrong:
    """Refuse one type for the limit in another way."""

    def change(request: Request, response: Response) -> Response:
        meant = response.status == 429 and body_of(request).get("type") == kind
        return replace(response, **changes) if meant else response

    return on_answers(change)


def polls_limited(handle: Handle) -> Handle:
    """Refuse polls too while the window is full."""
    service = behind(handle)
    poll = service._poll

    def polling(client: Any, generation_id: str, request: Request) -> Any:
        if client.window.refuse(service._read_clock(client)) is not None:
            service._check_limits(client)
        return poll(client, generation_id, request)

    service._poll = polling  # type: ignore[method-assign]
    return handle


def emptied_by_others(handle: Handle) -> Handle:
    """Forget what all have sent when the job of one of them is polled by another."""

    def then(service: Any, client: Any, generation: Any) -> None:
        if generation is not None and generation.client != client.name:
            forget(service._clients[generation.client])

    return polled(then)(handle)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        pytest.param(one_window_each(lambda body, _: body.get("user_id")), "with another user_id", id="user_id"),
        pytest.param(one_window_each(lambda body, _: body.get("model")), "uni-1-max", id="model"),
        pytest.param(one_window_each(lambda body, _: body.get("type")), "an image_edit", id="type"),
        pytest.param(one_window_each(sent("User-Agent")), "from another User-Agent", id="User-Agent"),
        pytest.param(one_window_each(sent("X-Forwarded-For")), "with X-Forwarded-For", id="address"),
        pytest.param(one_window_each(sent("Connection")), "the last on its connection", id="connection"),
        pytest.param(
            one_window_each(lambda _, request: sent("X-Request-Id")({}, request) == "limits"),
            "with the X-Request-Id of others",
            id="request id",
        ),
        pytest.param(counting(lambda body, _: body.get("type") != "video_reframe"), "reframe", id="a type is free"),
        pytest.param(counting(lambda body, _: body.get("user_id") is None), "user_id", id="a user is free"),
        pytest.param(
            counting(lambda body, _: not (body.get("user_id") and body.get("type") == "video_edit")),
            "a video_edit request, with another user_id",
            id="a user's videos are free",
        ),
        pytest.param(
            counting(lambda body, _: 2 if body.get("user_id") and body.get("type") == "video" else 1),
            "a video request, with another user_id",
            id="a user's videos count twice",
        ),
        pytest.param(polled(lambda _, client, __: forget(client)), "after a poll of its own job", id="poll"),
        pytest.param(emptied_by_a_refusal, "after a refused request of its own", id="refusal"),
        pytest.param(polls_limited, "a poll after .*: expected 200, got 429 Rate limit exceeded", id="polls"),
        pytest.param(refunded, "job that failed", id="failed jobs do not count"),
        pytest.param(
            told_otherwise("video", body=b'{"detail": "Slow down"}'), "a video request: expected 201", id="text"
        ),
        pytest.param(told_otherwise("video_edit", status=403), "a video_edit request: expected 201", id="status"),
        pytest.param(told_otherwise("video", headers=()), "a video request.*is missing", id="headers"),
        pytest.param(emptied_by_others, "after another client's poll of its job", id="another's poll"),
        pytest.param(with_limiter(refuse=too_long), "admitted although|refused again", id="60 s"),
        pytest.param(renumbered("X-RateLimit-Limit", 1, status=429), "it does not change", id="Limit of a refusal"),
    ],
)
def test_what_looks_at_more_than_the_client_is_caught(wrong: Wrong, said: str) -> None:
    """A window that depends on what the page gives no say is caught, and the context is named."""
    with pytest.raises(NonConformance, match=said):
        judge(wrong)


@pytest.mark.parametrize(
    "legal",
    [
        pytest.param(right, id="none"),
        pytest.param(with_limiter(refuse=counting_refusals), id="refusals count"),
        pytest.param(jittery(1), id="slow and uneven"),
        pytest.param(miniatures.with_extras, id="extras"),
        pytest.param(miniatures.of_another_make, id="another make"),
    ],
)
def test_a_legal_window_is_not_accused(legal: Wrong) -> None:
    """Whether refused requests use quota is open, and so is all beside the limit."""
    judge(legal)


@pytest.mark.parametrize("times", [2, 3])
def test_requests_that_weigh_more_are_observed(times: int) -> None:
    """A model and type that always counts more than once is said to, and not accused."""
    edit = {"model": "uni-1-max", "type": "image_edit"}
    luma_target = target_on(counting(lambda body, _: times if edit.items() <= body.items() else 1))
    every_request.test_every_model_and_type_uses_the_window(luma_target)

    assert luma_target.observed == (f"requests that count more than once: image_edit of uni-1-max: {times} times",)
