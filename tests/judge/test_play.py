"""A case played on a toy service whose time is a number: what is sent, what is saved, and where it stops."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from luma_conformance.errors import ExchangeError, SpendExhausted
from luma_conformance.judge.answers import EveryResponse
from luma_conformance.judge.play import Target, bind, fill, find_unmet_need, make_lookup, play
from luma_conformance.model import Ask, Auth, Case, Outcome, Request, Response, Result
from luma_conformance.target.channel import LiveChannel, Passing
from luma_conformance.target.profile import Key, Profile
from tests import kit
from tests.kit import response

VALUES = {"image-url": "https://example.com/a.png", "completed-image": "1-2", "odd-id": "a b/../é?#%"}
KEYS = {"main-key": "key-main", "low-rpm-key": "key-low"}
PROFILE = Profile(name="p", values=VALUES, keys={role: Key(token=key, source=key) for role, key in KEYS.items()})
HEAD = """\
section: The section
operation: POST /v1/generations
accepted: {}
needs: [image-url, low-rpm-key]
cases:
"""
CREATE = "{status: 201, save: {generation: id}}"
POLL = 'request: {path: "/v1/generations/{generation}"}, status: 200'


@dataclass
class Service:
    """Creates generations that take 3 seconds, two at a time; time passes only when it is told to."""

    time: float = 0.0
    made: dict[str, float] = field(default_factory=dict)
    heard: list[Request] = field(default_factory=list)
    identify: Callable[[int], object] = "id-{}".format

    def send(self, request: Request) -> Response:
        self.heard.append(request)
        if request.method == "GET":
            began = self.made[request.url.rpartition("/")[2]]
            return response(200, {"state": "completed" if self.time - began >= 3 else "queued"})
        if sum(self.time - began < 3 for began in self.made.values()) >= 2:
            return response(429, {"detail": "Slow down"})
        name = self.identify(len(self.made) + 1)
        self.made[str(name)] = self.time
        return response(201, {"id": name})

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float, role: str = "") -> None:
        self.time += seconds


@dataclass
class Patient:
    """Counts the requests that pass it, and answers only so many of them."""

    service: Service
    passed: int = 0
    answers: int = 99
    error: Exception = field(default_factory=Exception)

    def send(self, request: Request) -> Response:
        self.passed += 1
        if self.passed > self.answers:
            raise self.error
        return self.service.send(request)


def target(service: Service, patient: Patient | None = None) -> Target:
    """Return the service as a target with that profile."""
    return Target(
        channel=LiveChannel(
            transport=service, patient=patient or Patient(service), passing=Passing(transport=service, clock=service)
        ),
        profile=PROFILE,
        run="r1",
    )


def case(members: str) -> Case:
    """Return a case of a section that needs a medium and a key."""
    return kit.case(members, head=HEAD)


def played(members: str, service: Service) -> Result:
    """Return the verdict of a case on the service."""
    return play(case(members), target(service), EveryResponse(()))


def reasons(result: Result) -> list[str]:
    """Return the step, facet and reason of each mismatch."""
    return [f"{found.step} {found.facet.value}: {found.why}" for found in result.verdict.mismatches]


def test_a_case_of_one_step_sends_one_request() -> None:
    """The control goes out once, under the main key, with an id that names run and case; the exchange is kept."""
    service = Service(time=7.0)

    result = played("status: 201", service)

    assert result.verdict.outcome is Outcome.PASS
    assert [exchange.request for exchange in result.exchanges] == service.heard
    assert (result.exchanges[0].sent, result.exchanges[0].received) == (7.0, 7.0)
    assert service.heard == [
        Request(
            method="POST",
            url="/v1/generations",
            headers=(
                ("Authorization", "Bearer key-main"),
                ("Content-Type", "application/json"),
                ("X-Request-Id", "r1-a-1"),
            ),
            body=b"{}",
        )
    ]


def test_steps_wait_poll_and_look_back() -> None:
    """A saved id is polled at its pace, in the target's time, until the state is reached."""
    service = Service()

    repeat = "repeat: {until: {state: completed}, every: 1, at_most: 9}"

    result = played(f"steps: [{CREATE}, {{{POLL}, wait: 0.5, {repeat}}}]", service)

    assert result.verdict.outcome is Outcome.PASS
    assert [request.url for request in service.heard[1:]] == ["/v1/generations/id-1"] * 4
    assert [exchange.sent for exchange in result.exchanges] == [0, 0.5, 1.5, 2.5, 3.5]


def test_placeholders_are_replaced_by_what_the_target_offers() -> None:
    """A role that no step saved has the value that the target gives it."""
    service = Service()

    result = played('set: {image_ref: [{url: "{image-url}"}]}, status: 201', service)

    assert result.verdict.outcome is Outcome.PASS
    assert json.loads(service.heard[0].body) == {"image_ref": [{"url": "https://example.com/a.png"}]}


def test_polling_a_generation_that_never_ends_is_given_up() -> None:
    """Polling ends after its number of times, and says so."""
    repeat = "repeat: {until: {state: failed}, every: 1, at_most: 3}"

    result = played(f"steps: [{CREATE}, {{{POLL}, {repeat}}}]", Service())

    assert len(result.exchanges) == 1 + 3
    assert reasons(result) == ['2 sequence: never came to failed in 3 requests; the last answer was 200 "queued"']


def test_an_unexpected_status_ends_a_repeat() -> None:
    """A status that is not among those expected meanwhile stops the step at once."""
    exhaust = "status: 402, repeat: {until: {status: 402}, at_most: 9, meanwhile: [201]}"

    result = played(f"steps: [{{{exhaust}}}]", Service())

    assert [exchange.response.status for exchange in result.exchanges] == [201, 201, 429]
    assert result.verdict.outcome is Outcome.FAIL


def test_a_case_stops_at_its_first_wrong_step() -> None:
    """What follows a wrong answer is not sent."""
    result = played(f"steps: [{{status: 400}}, {CREATE}]", Service())

    assert reasons(result) == ["1 status: expected 400, got 201"]
    assert len(result.exchanges) == 1


@pytest.mark.parametrize("identity", [None, 7, "", "a\r\nHost: evil", "\ud800", ["x"]])
def test_an_answer_without_a_value_to_save_fails_its_step(identity: object) -> None:
    """What is saved is a text on one line; anything else fails the step that asks for it, and is sent nowhere."""
    service = Service(identify=lambda number: identity)

    result = played(f"steps: [{CREATE}, {{{POLL}}}]", service)

    assert reasons(result) == ["1 body: has no printable text at id, which a later step needs"]
    assert len(service.heard) == 1


def test_an_exchange_that_breaks_is_a_finding() -> None:
    """A broken exchange fails its step with the reason; what went before is kept."""
    service = Service()
    broken = Patient(service, answers=1, error=ExchangeError("no answer in 30 s"))

    result = play(case(f"steps: [{CREATE}, {{{POLL}}}]"), target(service, broken), EveryResponse(()))

    assert reasons(result) == ["2 sequence: no answer in 30 s"]
    assert len(result.exchanges) == 1


def test_running_out_of_budget_is_no_verdict() -> None:
    """What is not about the target goes through to whoever runs the case."""
    service = Service()
    spent = Patient(service, answers=0, error=SpendExhausted("spent"))

    with pytest.raises(SpendExhausted):
        play(case("status: 201"), target(service, spent), EveryResponse(()))


@pytest.mark.parametrize(
    ("members", "patiently"),
    [
        ("status: 201", 1),
        ("status: 429", 0),
        ("status: [201, 429]", 0),
        ("steps: [{status: 201, repeat: {until: {status: 201}, at_most: 1, meanwhile: 429}}]", 0),
    ],
)
def test_a_request_that_awaits_429_is_not_sent_patiently(members: str, patiently: int) -> None:
    """Only where a 429 is awaited does the request go around the transport that waits limits out."""
    service = Service()
    patient = Patient(service)

    play(case(members), target(service, patient), EveryResponse(()))

    assert patient.passed == patiently


def test_waiting_names_the_key_whose_client_waits() -> None:
    """Waiting names the key role whose client waits."""
    waits: list[tuple[float, str]] = []
    service = Service()

    def ask(seconds: int, authorization: str) -> Request:
        waits.append((seconds, authorization))
        return Request(method="GET", url="/clock")

    service.made["clock"] = -100.0  # over, so no job of ours
    passing = Passing(transport=service, clock=service, ask=ask)
    watched = replace(target(service), channel=LiveChannel(transport=service, patient=service, passing=passing))
    steps = "[{status: 201}, {status: 201, wait: 2}, {request: {auth: low-rpm-key}, status: 429, wait: 60}]"

    play(case(f"steps: {steps}"), watched, EveryResponse(()))

    assert waits == [(2, "Bearer main-key"), (60, "Bearer low-rpm-key")]


def test_the_first_role_that_is_not_offered_is_the_reason() -> None:
    """A case needs all its roles; the first one missing says why it is not judged."""
    assert find_unmet_need(case("status: 201"), target(Service())) is None
    assert (
        find_unmet_need(case("status: 201, needs: [revoked-key, pdf-url]"), target(Service()))
        == "the profile names no revoked-key"
    )


@pytest.mark.parametrize(
    ("auth", "authorization"),
    [
        (Auth(role="low-rpm-key"), "Bearer key-low"),
        (Auth(role="main-key", scheme="Basic"), "Basic key-main"),
        (Auth(role="main-key", scheme=""), "key-main"),
        (Auth(token="luma-api-none"), "Bearer luma-api-none"),
        (Auth(), None),
    ],
)
def test_a_key_is_presented_as_the_case_says(auth: Auth, authorization: str | None) -> None:
    """The scheme stands before the key, a bare key stands alone, and none is none."""
    request = bind(Ask(method="GET", url="/v1/x", auth=auth), VALUES.__getitem__, KEYS.__getitem__, "i")

    assert dict(request.headers).get("Authorization") == authorization


@pytest.mark.parametrize(
    ("ask", "headers"),
    [
        (Ask(method="GET", url="/v1/x", auth=Auth()), [("X-Request-Id", "i")]),
        (Ask(method="GET", url="https://cdn/x", auth=Auth()), []),
        (Ask(method="GET", url="/v1/x", auth=Auth(), headers={"x-request-id": None}), []),
        (Ask(method="GET", url="/v1/x", auth=Auth(), headers={"x-request-id": "mine"}), [("x-request-id", "mine")]),
        (
            Ask(method="POST", url="/v1/x", auth=Auth(), headers={"Content-Type": "text/plain"}, body={}),
            [("X-Request-Id", "i"), ("Content-Type", "text/plain")],
        ),
        (
            Ask(method="POST", url="/v1/x", headers={"authorization": None, "X-A": "b"}, body={}),
            [("Content-Type", "application/json"), ("X-Request-Id", "i"), ("X-A", "b")],
        ),
    ],
)
def test_the_headers_of_a_case_replace_the_kits(ask: Ask, headers: list[tuple[str, str]]) -> None:
    """A header the case gives or withholds is not also sent by the kit, whatever its case."""
    assert list(bind(ask, VALUES.__getitem__, KEYS.__getitem__, "i").headers) == headers


@pytest.mark.parametrize(
    ("url", "bound"),
    [
        ("/v1/generations/{completed-image}", "/v1/generations/1-2"),
        ("/v1/{completed-image}/x?y=%20z", "/v1/1-2/x?y=%20z"),
        ("/v1/generations/{odd-id}", "/v1/generations/a%20b%2F..%2F%C3%A9%3F%23%25"),
        ("{image-url}", "https://example.com/a.png"),
    ],
)
def test_a_placeholder_in_a_path_stays_one_segment(url: str, bound: str) -> None:
    """An id is quoted so that it leads nowhere else; a whole URL and the case's own text stay as they are."""
    assert bind(Ask(method="GET", url=url), VALUES.__getitem__, KEYS.__getitem__, "i").url == bound


@pytest.mark.parametrize("name", [".", ".."])
def test_an_id_of_dots_does_not_climb(name: str) -> None:
    """A segment of dots is quoted whole, since a client would otherwise resolve it."""
    request = bind(Ask(method="GET", url="/v1/generations/{x}"), lambda _: name, KEYS.__getitem__, "i")

    assert request.url == "/v1/generations/" + "%2E" * len(name)


def test_every_placeholder_in_a_body_is_bound_once() -> None:
    """Whole values are replaced at any depth; a value that looks like a placeholder itself stays."""
    document = {"a": ["{x}", {"b": "{x}"}], "c": "see {x}", "d": 1}

    assert fill(document, lambda _: "{y}") == {"a": ["{y}", {"b": "{y}"}], "c": "see {x}", "d": 1}


def test_a_body_is_sent_as_utf_8_json() -> None:
    """Texts go out unescaped, and a body of null is a body."""
    given = Ask(method="POST", url="/v1/x", body={"prompt": "é — 日"})

    assert bind(given, VALUES.__getitem__, KEYS.__getitem__, "i").body == '{"prompt": "é — 日"}'.encode()
    assert bind(Ask(method="POST", url="/v1/x", body=None), VALUES.__getitem__, KEYS.__getitem__, "i").body == b"null"


def test_a_profile_cannot_replace_a_supplied_value() -> None:
    """A profile cannot replace a supply."""
    lookup = make_lookup({"inline-png": "theirs", "image-url": "theirs"}, lambda name: f"our {name}")

    assert (lookup("inline-png"), lookup("image-url")) == ("our inline-png", "theirs")
