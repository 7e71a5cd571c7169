"""The properties proved on wrong servers: each is caught with a small example, and what is legal is not accused."""

from __future__ import annotations

import json
import math
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import pytest

from conformance.channel import LiveChannel, Passing
from conformance.items import NonConformance
from conformance.judging import Judging
from conformance.model import Request, Response
from conformance.profile import load_profile
from conformance.properties import Fuzzing, Luma, begin
from conformance.reading import read_section
from conformance.reference import Service, VirtualClock, media_facts, profile_path
from conformance.reference.limits import Refusal, SlidingWindow
from conformance.reference.service import ORIGIN
from conformance.replay import Target, offered
from conformance.rules import RULES, Accepted, Rejected, predict
from conformance.spending import Spending
from conformance.strategies import FAULTS, KINDS, Body, faulty, near_misses, valid
from conformance.suite import test_concurrency as concurrency
from conformance.suite import test_life_cycle as life_cycle
from conformance.suite import test_malformed as malformed
from conformance.suite import test_rate_limit as rate_limit
from conformance.suite import test_validation as validation
from conformance.supplies import supply
from conformance.yamlfile import parse
from tests import miniatures
from tests.miniatures import Handle

Wrong = Callable[[Handle], Handle]
PROFILE = load_profile(profile_path(), {})


@dataclass(frozen=True)
class Direct:
    """A transport straight to a handler; output URLs lead back to it."""

    handle: Handle

    def send(self, request: Request) -> Response:
        return self.handle(replace(request, url=request.url.removeprefix(ORIGIN)))


def luma_on(wrap: Wrong, *, limit: int | None = None, examples: int | None = None) -> Luma:
    """Returns a property's hands on the reference once it is wrapped; `limit` is the money allowed, None for free."""
    clock = VirtualClock()
    spending = Spending(Direct(wrap(Service(clock=clock).handle)), limit=limit)
    target = Target(
        channel=LiveChannel(transport=spending, patient=spending, passing=Passing(transport=spending, clock=clock)),
        value=offered(PROFILE.values, supply),
        token=lambda role: PROFILE.keys[role].token,
        missing=lambda role: "too slow here" if role == "large-uploads" else PROFILE.missing(role),
        run="test",
    )
    judging = Judging(
        shown="a test",
        base_url="http://127.0.0.1:1",
        main_key=PROFILE.keys["main-key"],
        target=target,
        spending=spending,
        scrub=str,
        close=lambda: None,
    )
    return begin(judging, Fuzzing(examples=examples))


def on_body(change: Callable[[Body], Body]) -> Wrong:
    """Lets a server see another body than was sent: how to make it overlook something."""

    def wrap(handle: Handle) -> Handle:
        def answer(request: Request) -> Response:
            try:
                body = json.loads(request.body)
            except (ValueError, RecursionError):
                return handle(request)
            if request.method != "POST" or not isinstance(body, dict):
                return handle(request)
            return handle(replace(request, body=json.dumps(change(body)).encode()))

        return answer

    return wrap


def caught(luma: Luma, rule: str) -> str:
    """Returns the explanation of what the property about a rule finds."""
    with pytest.raises(NonConformance) as found:
        validation.test_a_rule_holds_and_ends_where_the_page_says(rule, luma)
    return str(found.value)


def manga_overlooked(body: Body) -> Body:
    """Skips the manga check for one model."""
    if body.get("model") == "uni-1-max" and body.get("style") == "manga":
        return {**body, "style": "auto"}
    return body


def only_adjacent_duplicates(body: Body) -> Body:
    """Finds a duplicate index only beside its twin."""
    match body:
        case {"video": {"edit": {"keyframe_indexes": [*indexes]} as edit}} if all(
            one != other for one, other in pairwise(indexes)
        ):
            distinct = [index if index < 0 else place for place, index in enumerate(indexes)]
            return {**body, "video": {**body["video"], "edit": {**edit, "keyframe_indexes": distinct}}}
    return body


def counted_in_bytes(body: Body) -> Body:
    """Counts a prompt in bytes."""
    prompt = body.get("prompt")
    if isinstance(prompt, str) and len(prompt.encode()) > 6000:
        return {**body, "prompt": "a" * 6001}
    return body


def manga_without_3_2(body: Body) -> Body:
    """Lets manga have one ratio too many."""
    if body.get("style") == "manga" and body.get("aspect_ratio") == "3:2":
        return {**body, "style": "auto"}
    return body


@pytest.mark.parametrize(
    ("wrong", "rule", "shown"),
    [
        pytest.param(manga_overlooked, "manga-not-portrait", '"uni-1-max"', id="check skipped for one model"),
        pytest.param(only_adjacent_duplicates, "keyframe-index-duplicate", "unique", id="only adjacent duplicates"),
        pytest.param(counted_in_bytes, "unsupported-type", "between 1 and 6000", id="prompt counted in bytes"),
        pytest.param(manga_without_3_2, "manga-not-portrait", '"3:2"', id="manga misses one ratio"),
    ],
)
def test_a_server_wrong_off_the_examples_is_caught(wrong: Callable[[Body], Body], rule: str, shown: str) -> None:
    """A server wrong in one corner of one rule is caught, with what is wrong in the explanation."""
    explanation = caught(luma_on(on_body(wrong), examples=400), rule)

    assert shown in explanation
    assert "  the page says    " in explanation
    assert "  the server said  " in explanation
    assert "curl -sS -i -X POST" in explanation


def test_what_is_found_is_shrunk() -> None:
    """Of all requests that show a fault, the one shown has nothing in it that is not needed."""
    explanation = caught(luma_on(on_body(manga_without_3_2), examples=400), "manga-not-portrait")

    body = json.loads(explanation.rpartition("body: ")[2])
    assert set(body) == {"prompt", "style", "aspect_ratio"}


def test_a_finding_is_a_case_to_keep() -> None:
    """The YAML that comes with a finding is a case file that reads without a problem."""
    explanation = caught(luma_on(on_body(manga_without_3_2)), "manga-not-portrait")

    text = explanation.partition("as a case, to keep:\n\n")[2]
    section = read_section(parse(text, "kept.yaml"), "kept")
    (case,) = section.cases
    assert case.status == 422


def in_another_order(handle: Handle) -> Handle:
    """Answers for the last violated rule instead of the first: legal, the page ranks few of them."""

    def answer(request: Request) -> Response:
        response = handle(request)
        try:
            prediction = predict(json.loads(request.body), media=media_facts)
        except (ValueError, RecursionError):
            return response
        if response.status not in (400, 413, 422, 502, 503) or not isinstance(prediction, Rejected):
            return response
        last = prediction.violations[-1]
        detail = last.details[-1] if last.details else (last.detail_like or "{field}").replace("{field}", last.path)
        return replace(response, status=last.status, body=json.dumps({"detail": detail}).encode())

    return answer


@pytest.mark.parametrize(
    "legal", [in_another_order, miniatures.with_extras, lambda handle: handle], ids=["order", "extras", "none"]
)
def test_a_legal_server_is_not_accused(legal: Wrong) -> None:
    """Another order of checks, more headers and more members are nobody's fault."""
    luma = luma_on(legal, examples=60)

    for kind in KINDS:
        validation.test_what_the_page_lets_pass_is_accepted(kind, luma)
    for rule in set(FAULTS) - {"video-too-heavy"}:
        validation.test_a_rule_holds_and_ends_where_the_page_says(rule, luma)
    validation.test_faults_together_get_an_answer_of_one_of_them(luma)
    validation.test_odd_values_get_an_orderly_answer(luma)
    malformed.test_what_is_no_request_is_refused_in_the_shape_of_all_errors(luma)
    malformed.test_what_may_be_a_request_is_answered_in_order(luma)
    malformed.test_any_request_id_comes_back_as_it_was_sent(luma)

    assert min(luma.fired[rule] for rule in set(FAULTS) - {"video-too-heavy"}) >= 5
    assert min(luma.kept[rule] for rule in set(FAULTS) - {"video-too-heavy"}) >= 5


def answering(status: int, body: bytes, when: Callable[[Request], bool]) -> Wrong:
    """Answers this where `when` says so."""

    def wrap(handle: Handle) -> Handle:
        def answer(request: Request) -> Response:
            response = handle(request)
            return replace(response, status=status, body=body) if when(request) else response

        return answer

    return wrap


def is_no_object(request: Request) -> bool:
    """Tells whether a body is no JSON object."""
    return not request.body.startswith(b"{")


@pytest.mark.parametrize(
    ("status", "body"),
    [(500, b'{"detail": "oops"}'), (201, b"{}"), (400, b"<html>Bad Request</html>"), (422, b'{"detail": [{}]}')],
    ids=["5xx", "201", "HTML", "a list of errors"],
)
def test_a_disorderly_answer_to_what_is_no_request_is_caught(status: int, body: bytes) -> None:
    """What is no request is neither accepted nor answered with a crash, a web page or another shape."""
    luma = luma_on(answering(status, body, is_no_object))

    with pytest.raises(NonConformance, match="expected"):
        malformed.test_what_is_no_request_is_refused_in_the_shape_of_all_errors(luma)


def test_a_crash_on_an_odd_value_is_caught() -> None:
    """A server that answers 500 to a null where it expects a text is caught."""
    crashes = answering(500, b'{"detail": "oops"}', lambda request: b'"style": null' in request.body)

    with pytest.raises(NonConformance, match="the server said  500"):
        validation.test_odd_values_get_an_orderly_answer(luma_on(crashes, examples=500))


def test_a_request_id_cut_short_is_caught() -> None:
    """A server that keeps 64 characters of an X-Request-Id does not echo it."""

    def wrap(handle: Handle) -> Handle:
        def answer(request: Request) -> Response:
            headers = tuple((name, value[:64]) for name, value in request.headers)
            return handle(replace(request, headers=headers))

        return answer

    with pytest.raises(NonConformance, match="to be echoed"):
        malformed.test_any_request_id_comes_back_as_it_was_sent(luma_on(wrap))


def test_where_it_costs_money_only_sure_refusals_are_sent() -> None:
    """Off this machine not one request is sent that the oracle does not predict to be refused."""
    sent: Counter[str] = Counter()

    def wrap(handle: Handle) -> Handle:
        def answer(request: Request) -> Response:
            sent[type(predict(json.loads(request.body), media=media_facts)).__name__] += 1
            return handle(request)

        return answer

    luma = luma_on(wrap, limit=0)
    for rule in set(FAULTS) - {"video-too-heavy"}:
        validation.test_a_rule_holds_and_ends_where_the_page_says(rule, luma)
    validation.test_faults_together_get_an_answer_of_one_of_them(luma)
    costlies: tuple[Callable[[], None], ...] = (
        lambda: validation.test_odd_values_get_an_orderly_answer(luma),
        lambda: validation.test_what_the_page_lets_pass_is_accepted("image", luma),
        lambda: malformed.test_what_is_no_request_is_refused_in_the_shape_of_all_errors(luma),
    )
    for costly in costlies:
        with pytest.raises(pytest.skip.Exception, match="would cost money"):
            costly()

    assert set(sent) == {"Rejected"}
    assert luma.judging.spending.spent == 0


def test_every_rule_has_its_fault() -> None:
    """No rule of the oracle goes untried."""
    assert set(FAULTS) == {rule.id for rule in RULES}


@pytest.mark.parametrize("rule", sorted(FAULTS))
def test_a_near_miss_keeps_and_breaks_its_rule(rule: str) -> None:
    """The oracle accepts the near side of each pair and finds the rule broken on the other, but for open questions."""
    luma = luma_on(lambda handle: handle)
    material = (
        luma.material if rule != "video-too-heavy" else replace(luma.material, large_video=lambda: "A" * 70_000_000)
    )
    seen: Counter[bool] = Counter()

    def try_pair(pair: tuple[Body, Body]) -> None:
        near, broken = pair
        assert isinstance(predict(near, media=material.facts), Accepted)
        prediction = predict(broken, media=material.facts)
        assert not isinstance(prediction, Accepted)
        seen[isinstance(prediction, Rejected) and rule in {v.rule for v in prediction.violations}] += 1

    luma.every(near_misses(rule, material), try_pair, share=0.06 if rule == "video-too-heavy" else 0.2)

    assert seen[True] > seen[False]


@pytest.mark.parametrize("kind", KINDS)
def test_valid_requests_are_accepted_without_a_profile_too(kind: str) -> None:
    """The strategies serve as they are, with example.com to refer to."""

    def try_one(body: Any) -> None:
        assert isinstance(predict(body), Accepted)

    luma_on(lambda handle: handle).every(valid(kind), try_one)


def test_faulty_requests_are_mostly_refused_and_for_many_reasons() -> None:
    """Faults put together seldom undo each other, and often more than one of them may be answered."""
    seen: Counter[str] = Counter()

    def try_one(body: Any) -> None:
        prediction = predict(body)
        seen[type(prediction).__name__] += 1
        seen["several"] += isinstance(prediction, Rejected) and len({v.rule for v in prediction.violations}) > 1

    luma_on(lambda handle: handle).every(faulty(), try_one, share=3)

    assert seen["Rejected"] > 5 * seen["Accepted"]
    assert seen["several"] > seen.total() / 10


def renumbered(name: str, by: int, *, status: int) -> Wrong:
    """Adds to the number in a header of the answers of that status."""

    def wrap(handle: Handle) -> Handle:
        def answer(request: Request) -> Response:
            response = handle(request)
            if response.status != status:
                return response
            headers = tuple((key, str(int(value) + by) if key == name else value) for key, value in response.headers)
            return replace(response, headers=headers)

        return answer

    return wrap


def with_limiter(**replaced: Any) -> Wrong:
    """Replaces members of the reference's sliding windows."""

    def wrap(handle: Handle) -> Handle:
        service = handle.__self__  # type: ignore[attr-defined]
        for client in service._clients.values():
            for name, function in replaced.items():
                setattr(client.window, name, function.__get__(client.window))
        return handle

    return wrap


def fixed(window: Any, now: float) -> Refusal | None:
    """Counts by the minute of the clock, as a fixed window does."""
    window._admitted = deque(moment for moment in window._admitted if moment // 60 == now // 60)
    if len(window._admitted) < window.limit:
        return None
    opens = (now // 60 + 1) * 60
    return Refusal(max(1, math.ceil(opens - now)), math.ceil(opens))


def shorter(window: Any, now: float) -> Refusal | None:
    """Lets a request go after 55 s."""
    window._admitted = deque(moment for moment in window._admitted if moment > now - 55)
    if len(window._admitted) < window.limit:
        return None
    opens = window._admitted[0] + 55
    return Refusal(max(1, math.ceil(opens - now)), math.ceil(opens))


def counting_refusals(window: Any, now: float) -> Refusal | None:
    """Counts refused requests too, the oldest giving way."""
    refused = SlidingWindow.refuse(window, now)
    if refused is not None:
        window._admitted.append(now)
    return refused


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(with_limiter(refuse=fixed), id="fixed window"),
        pytest.param(with_limiter(refuse=shorter), id="window of 55 s"),
        pytest.param(renumbered("Retry-After", -1, status=429), id="Retry-After one short"),
        pytest.param(renumbered("X-RateLimit-Remaining", 1, status=201), id="Remaining one too many"),
    ],
)
def test_a_wrong_rate_limit_is_caught(wrong: Wrong) -> None:
    """A limiter that is wrong in one thing is caught, with the requests that show it."""
    with pytest.raises(NonConformance, match=r"#\d+ +\+"):
        rate_limit.test_the_window_slides_and_its_headers_tell_the_truth(luma_on(wrong))


@pytest.mark.parametrize(
    "legal",
    [lambda handle: handle, with_limiter(refuse=counting_refusals), miniatures.with_extras],
    ids=["none", "refusals count", "extras"],
)
def test_a_legal_rate_limit_is_not_accused(legal: Wrong) -> None:
    """Whether refused requests use quota is open, and observed."""
    luma = luma_on(legal)

    rate_limit.test_the_window_slides_and_its_headers_tell_the_truth(luma)

    assert any("refused" in what for what in luma.observed)


def on_polls(change: Callable[[Body, Request], Body]) -> Wrong:
    """Changes the generation in the answers to polls."""

    def wrap(handle: Handle) -> Handle:
        def answer(request: Request) -> Response:
            response = handle(request)
            if request.method != "GET" or response.status != 200:
                return response
            return replace(response, body=json.dumps(change(json.loads(response.body), request)).encode())

        return answer

    return wrap


def going_back() -> Wrong:
    """Says of a completed generation that it is processing, at every other poll."""
    polls: Counter[str] = Counter()

    def change(body: Body, request: Request) -> Body:
        polls[body["id"]] += 1
        back = body["state"] == "completed" and polls[body["id"]] % 2 == 0
        return {**body, "state": "processing", "output": []} if back else body

    return on_polls(change)


def one_url() -> Wrong:
    """Hands out one URL for ever."""
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
def test_a_wrong_life_is_caught(wrong: Wrong, said: str) -> None:
    """A generation that goes back, changes or tells what its state does not allow is caught."""
    with pytest.raises(NonConformance, match=said):
        life_cycle.test_a_generation_moves_forward_and_tells_what_its_state_demands(luma_on(wrong))


def skipping_processing() -> Wrong:
    """Is queued as long as it is not over: legal."""
    return on_polls(lambda body, _: {**body, "state": "queued"} if body["state"] == "processing" else body)


@pytest.mark.parametrize(
    "legal", [lambda handle: handle, skipping_processing(), miniatures.with_extras], ids=["none", "skips", "extras"]
)
def test_a_legal_life_is_not_accused(legal: Wrong) -> None:
    """A state may be skipped, and more members told."""
    luma = luma_on(legal)

    life_cycle.test_a_generation_moves_forward_and_tells_what_its_state_demands(luma)
    life_cycle.test_ids_that_are_not_ones_own_cannot_be_told_apart(luma)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"status": 403}, "by its status"),
        ({"body": b'{"detail": "Not yours"}'}, "by its body"),
        ({"headers": (("X-Owner", "main"),)}, "by its headers"),
    ],
)
def test_an_id_that_gives_away_that_it_exists_is_caught(changed: dict[str, Any], said: str) -> None:
    """Another client's id is told apart neither by status, nor body, nor headers."""

    def wrap(handle: Handle) -> Handle:
        def answer(request: Request) -> Response:
            response = handle(request)
            unlike = request.method == "GET" and "-4000-" not in request.url and "not-a-uuid" not in request.url
            return replace(response, **changed) if unlike and response.status == 404 else response

        return answer

    with pytest.raises(NonConformance, match=said):
        life_cycle.test_ids_that_are_not_ones_own_cannot_be_told_apart(luma_on(wrap))


def urls_that_last(handle: Handle) -> Handle:
    """Serves a file for ever."""

    def answer(request: Request) -> Response:
        response = handle(request)
        return replace(response, status=200) if "/storage/" in request.url else response

    return answer


def urls_of(seconds: int) -> Wrong:
    """Serves a file for so many seconds."""

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
        life_cycle.test_an_output_url_lasts_an_hour_and_a_new_poll_makes_another(luma_on(wrong))


def test_a_url_that_lasts_an_hour_is_right() -> None:
    """The reference's own URLs are right, extras or not."""
    life_cycle.test_an_output_url_lasts_an_hour_and_a_new_poll_makes_another(luma_on(lambda handle: handle))


def ids_of(request: Request) -> list[str]:
    """Returns the X-Request-Id headers of a request."""
    return [value for name, value in request.headers if name == "X-Request-Id"]


def without_an_id_where(odd: Callable[[list[str]], bool]) -> Wrong:
    """Loses the id where the request's ids are odd."""

    def wrap(handle: Handle) -> Handle:
        def answer(request: Request) -> Response:
            response = handle(request)
            kept = tuple(field for field in response.headers if field[0] != "X-Request-Id")
            return replace(response, headers=kept) if odd(ids_of(request)) else response

        return answer

    return wrap


def crashing_on_a_long_id(handle: Handle) -> Handle:
    """Answers 500 where an id is long."""
    crash = Response(status=500, body=b"Internal Server Error")
    return lambda request: crash if any(len(one) > 1000 for one in ids_of(request)) else handle(request)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (without_an_id_where(lambda ids: not ids), "expected an id, got None"),
        (without_an_id_where(lambda ids: len(ids) > 1), "expected an id, got None"),
        (crashing_on_a_long_id, "expected a refusal of the shape"),
    ],
    ids=["lost without one", "lost with several", "crash"],
)
def test_a_server_that_odd_request_ids_upset_is_caught(wrong: Wrong, said: str) -> None:
    """No id where none, or several, were sent, and a crash on a long one, are caught."""
    with pytest.raises(NonConformance, match=said):
        malformed.test_odd_request_ids_do_not_change_the_answer(luma_on(wrong))


def shortening_long_ids(handle: Handle) -> Handle:
    """Cuts a long id: how long one may be is not documented."""

    def answer(request: Request) -> Response:
        response = handle(request)
        return replace(response, headers=tuple((name, value[:128]) for name, value in response.headers))

    return answer


@pytest.mark.parametrize("legal", [lambda handle: handle, shortening_long_ids], ids=["none", "cuts long ids"])
def test_a_server_that_odd_request_ids_do_not_upset_is_right(legal: Wrong) -> None:
    """What comes back for an empty, repeated or long id is left open."""
    malformed.test_odd_request_ids_do_not_change_the_answer(luma_on(legal))


def with_slots(**replaced: Any) -> Wrong:
    """Replaces members of the reference's counters of concurrent jobs."""

    def wrap(handle: Handle) -> Handle:
        service = handle.__self__  # type: ignore[attr-defined]
        for client in service._clients.values():
            for name, function in replaced.items():
                setattr(client.slots, name, function.__get__(client.slots))
        return handle

    return wrap


def freed_after_a_minute(slots: Any, now: float, end: float) -> None:
    """Gives a slot back after a minute, whatever its job does."""
    slots._ends.append(min(end, now + 60))


def never_freed(slots: Any, now: float) -> bool:
    """Waits for a poll that does not come."""
    return bool(len(slots._ends) >= slots._limit)


def test_a_slot_freed_too_early_is_caught() -> None:
    """A server that admits a job while all slots' jobs still run is caught."""
    with pytest.raises(NonConformance, match="still running"):
        concurrency.test_a_running_job_keeps_its_slot(luma_on(with_slots(take=freed_after_a_minute)))


def test_a_slot_freed_only_when_polled_is_caught() -> None:
    """A server that keeps a slot until somebody asks about its job is caught."""
    with pytest.raises(NonConformance, match="not free"):
        concurrency.test_a_job_that_is_over_gives_its_slot_back_without_a_poll(luma_on(with_slots(full=never_freed)))


@pytest.mark.parametrize("legal", [lambda handle: handle, miniatures.with_extras], ids=["none", "extras"])
def test_a_legal_concurrency_limit_is_not_accused(legal: Wrong) -> None:
    """The reference's own slots, extras or not, are right."""
    luma = luma_on(legal)

    concurrency.test_a_running_job_keeps_its_slot(luma)
    concurrency.test_a_job_that_is_over_gives_its_slot_back_without_a_poll(luma)


def test_limits_are_not_judged_where_workers_share_the_clients() -> None:
    """With -n against a server, no worker sees every request of a key's client."""
    luma = luma_on(lambda handle: handle)
    luma.fuzzing = replace(luma.fuzzing, alone=False)
    luma.judging = replace(luma.judging, remote=True)

    for judged in (
        rate_limit.test_the_window_slides_and_its_headers_tell_the_truth,
        concurrency.test_a_running_job_keeps_its_slot,
    ):
        with pytest.raises(pytest.skip.Exception, match="without -n"):
            judged(luma)
