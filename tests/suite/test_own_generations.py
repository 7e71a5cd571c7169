"""Generations of other keys proved on wrong servers: each forgets, for some key, that a client has its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from luma_conformance.model import Request, Response, header
from luma_conformance.properties.nonconformance import NonConformance
from luma_conformance.suite import test_own_generations as own
from tests.miniatures import Handle, Wrong, in_another_order, on_answers, right
from tests.suite.target_on import target_on

JUDGE = own.test_a_key_refers_to_generations_of_its_own
FOREIGN = b'{"detail": "Generation not found"}'


def for_key(name: str, change: Callable[[Request, Response], Response]) -> Wrong:
    """Change the answers to the requests of one key."""
    return on_answers(
        lambda request, answer: (
            change(request, answer) if (header(request.headers, "Authorization") or "").endswith(name) else answer
        )
    )


def refuse_own(request: Request, answer: Response) -> Response:
    """Take a generation for another's, where one is referred to."""
    if request.method != "POST" or b"generation_id" not in request.body or answer.status != 201:
        return answer
    return replace(answer, status=400, headers=answer.headers[:3], body=FOREIGN)


def overlook(text: str) -> Callable[[Request, Response], Response]:
    """Accept what is refused with a text."""

    def change(_: Request, answer: Response) -> Response:
        if text not in answer.body.decode():
            return answer
        body: dict[str, object] = {
            "id": "5e0d1c1a-7a3d-4f6e-9d52-3f6a3d0b2c11", "type": "video", "state": "queued", "model": "ray-3.2",
            "created_at": "2026-04-08T12:00:00Z", "output": [], "failure_reason": None, "failure_code": None,
        }  # fmt: skip
        return replace(answer, status=201, body=json.dumps(body).encode())

    return change


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (for_key("-second", refuse_own), "with the second-key and its own generations"),
        (for_key("-other", refuse_own), "with the other-key and its own generations"),
        (for_key("-other", overlook("HDR is not supported with video extend")), "extend-hdr"),
        (for_key("-second", overlook("generation-ref keyframes")), "extend-with-second-frame"),
        (for_key("-other", overlook("source.generation_id is only valid")), "source-generation-misplaced"),
    ],
)
def test_a_key_that_is_treated_otherwise_is_found(wrong: Wrong, told: str) -> None:
    """What another key may do with generations, and may not, is what the main key may; the finding says what."""
    with pytest.raises(NonConformance) as found:
        JUDGE(target_on(wrong))
    assert told in str(found.value)


@pytest.mark.parametrize("wrap", [right, in_another_order])
def test_a_right_server_is_not_accused(wrap: Callable[[Handle], Handle]) -> None:
    """Of several rules that are broken a server may name any; each key is tried."""
    luma_target = target_on(wrap)

    JUDGE(luma_target)

    assert luma_target.tried["identity"] > 30


def trusting(place: str, polled: Callable[[Response], Response]) -> Wrong:
    """Take any client's generation at a place, and change what is told of the jobs that come of it."""

    def wrap(handle: Handle) -> Handle:
        def answer(request: Request) -> Response:
            said = handle(request)
            named = f'"{place}": {{"generation_id"' in request.body.decode()
            if "not found" not in said.body.decode() or not (named or request.method == "GET"):
                return said
            kept = [one for one in request.headers if one[0] != "Authorization"]
            said = handle(replace(request, headers=(("Authorization", "Bearer luma-api-test-main"), *kept)))
            return polled(said) if request.method == "GET" else said

        return answer

    return wrap


def fail(response: Response) -> Response:
    """Say that a job has failed."""
    told = {"state": "failed", "output": [], "failure_code": "corrupt_input", "failure_reason": "Corrupt input"}
    return replace(response, body=json.dumps(json.loads(response.body) | told).encode())


@pytest.mark.parametrize("place", ["source", "start_frame", "end_frame"])
def test_a_reference_to_another_clients_generation_that_is_used_is_found(place: str) -> None:
    """Whose generation it is counts wherever a request may refer to one."""
    with pytest.raises(NonConformance, match="with a generation of another client: expected a refusal or"):
        JUDGE(target_on(trusting(place, lambda polled: polled)))


@pytest.mark.parametrize("place", ["source", "start_frame", "end_frame"])
def test_a_reference_to_another_clients_generation_may_be_a_job_that_fails(place: str) -> None:
    """No document says whether a server looks for the generation before it accepts the request."""
    JUDGE(target_on(trusting(place, fail)))


def test_keys_may_see_nothing_of_each_other() -> None:
    """A server that scopes generations to keys, not clients, is as right: no key refers to another's."""
    owners: dict[str, str] = {}

    def scope(request: Request, answer: Response) -> Response:
        key = header(request.headers, "Authorization") or ""
        if request.method == "POST" and answer.status == 201:
            owners[json.loads(answer.body)["id"]] = key
        named = [name for name in owners if name in request.url or name.encode() in request.body]
        if all(owners[name] == key for name in named):
            return answer
        return replace(answer, status=404, headers=answer.headers[:3], body=FOREIGN)

    JUDGE(target_on(on_answers(scope)))


def test_nothing_is_sent_where_it_would_cost_money() -> None:
    """It is not judged where accepted requests are charged for."""
    luma_target = target_on(right, limit=5)

    with pytest.raises(pytest.skip.Exception, match="would cost money"):
        JUDGE(luma_target)
