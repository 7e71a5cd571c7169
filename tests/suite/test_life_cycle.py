"""The life of a generation proved on wrong servers."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from luma_conformance.model import Request, Response
from luma_conformance.properties.nonconformance import NonConformance
from luma_conformance.strategies import Body
from luma_conformance.suite import test_life_cycle as life_cycle
from tests import miniatures
from tests.miniatures import Handle, Wrong, on_answers, right
from tests.suite.target_on import target_on


def on_polls(change: Callable[[Body, Request], Body]) -> Wrong:
    """Change the generation in the answers to polls."""

    def changed(request: Request, response: Response) -> Response:
        if request.method != "GET" or response.status != 200:
            return response
        return replace(response, body=json.dumps(change(json.loads(response.body), request)).encode())

    return on_answers(changed)


def going_back() -> Wrong:
    """Report a completed generation as processing at every other poll."""
    polls: Counter[str] = Counter()

    def change(body: Body, request: Request) -> Body:
        polls[body["id"]] += 1
        back = body["state"] == "completed" and polls[body["id"]] % 2 == 0
        return {**body, "state": "processing", "output": []} if back else body

    return on_polls(change)


def one_url() -> Wrong:
    """Hand out one URL for ever."""
    return on_polls(lambda body, _: {**body, "output": [{**one, "url": "https://a.test/x"} for one in body["output"]]})


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (going_back(), "does not go back"),
        (one_url(), "every poll makes a fresh one"),
        (on_polls(lambda body, _: {**body, "model": "uni-1"}), "was asked for"),
        (
            on_polls(lambda body, _: {**body, "created_at": f"2026-04-08T12:00:0{len(body['output'])}Z"}),
            "created_at was",
        ),
        (on_polls(lambda body, _: {**body, "failure_code": body["failure_code"] and "oops"}), "none of the documented"),
        (on_polls(lambda body, _: {**body, "failure_reason": None}), "without a reason"),
        (on_polls(lambda body, _: {**body, "output": []}), "without an output"),
        (on_polls(lambda body, _: {**body, "state": "running"}), "is none of"),
    ],
)
def test_a_wrong_life_cycle_is_caught(wrong: Wrong, said: str) -> None:
    """A generation that goes back, changes, or has members its state does not allow is caught."""
    with pytest.raises(NonConformance, match=said):
        life_cycle.test_a_generation_moves_forward_and_tells_what_its_state_demands(target_on(wrong))


def skipping_processing() -> Wrong:
    """Report a generation as queued until it has ended: legal."""
    return on_polls(lambda body, _: {**body, "state": "queued"} if body["state"] == "processing" else body)


@pytest.mark.parametrize(
    "legal",
    [right, skipping_processing(), miniatures.with_extras, miniatures.of_another_make],
    ids=["none", "skips", "extras", "another make"],
)
def test_a_legal_life_cycle_is_not_accused(legal: Wrong) -> None:
    """A state may be skipped, and there may be more members."""
    luma_target = target_on(legal)

    life_cycle.test_a_generation_moves_forward_and_tells_what_its_state_demands(luma_target)
    life_cycle.test_ids_that_are_not_ones_own_cannot_be_told_apart(luma_target)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"status": 403}, "by its status"),
        ({"body": b'{"detail": "Not yours"}'}, "by its body"),
        ({"headers": (("X-Owner", "main"),)}, "by its headers"),
    ],
)
def test_an_id_that_gives_away_that_it_exists_is_caught(changed: dict[str, Any], said: str) -> None:
    """Another client's id must not differ from an unknown one in status, body or headers."""

    def told_apart(request: Request, response: Response) -> Response:
        unlike = request.method == "GET" and "-4000-" not in request.url and "not-a-uuid" not in request.url
        return replace(response, **changed) if unlike and response.status == 404 else response

    with pytest.raises(NonConformance, match=said):
        life_cycle.test_ids_that_are_not_ones_own_cannot_be_told_apart(target_on(on_answers(told_apart)))


@on_answers
def urls_that_last(request: Request, response: Response) -> Response:
    """Serve a file for ever."""
    return replace(response, status=200) if "/storage/" in request.url else response


def urls_of(seconds: int) -> Wrong:
    """Serve a file for so many seconds."""

    def wrap(handle: Handle) -> Handle:
        handle.__self__._storage._seconds = seconds  # type: ignore[attr-defined]
        return handle

    return wrap


@pytest.mark.parametrize(
    ("wrong", "said"), [(urls_that_last, "expected 403, got 200"), (urls_of(600), "1800 s old: expected 200, got 403")]
)
def test_a_url_of_the_wrong_age_is_caught(wrong: Wrong, said: str) -> None:
    """An output URL that never expires is caught, and so is one that expires too early."""
    with pytest.raises(NonConformance, match=said):
        life_cycle.test_an_output_url_lasts_an_hour_and_a_new_poll_makes_another(target_on(wrong))


def test_a_url_that_lasts_an_hour_is_right() -> None:
    """The reference's own URLs are right, extras or not."""
    life_cycle.test_an_output_url_lasts_an_hour_and_a_new_poll_makes_another(target_on(right))
