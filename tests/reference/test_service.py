"""What the reference answers to any request: keys, routes, headers, states over time, and arbitrary input."""

from __future__ import annotations

import json
import uuid
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luma_conformance.catalogue.roles import FAILURE_CODES
from luma_conformance.model import Headers, Request, header
from luma_conformance.reference import Service, Settings, VirtualClock
from luma_conformance.reference.cards import CLIENTS, FAILS, KEYS, REASONS, STAYS
from tests.kit import same_examples
from tests.reference.asking import (
    CLOCK,
    COMPLETED_IMAGE,
    COMPLETED_VIDEO,
    CREATE,
    RATES,
    START,
    SUNSET,
    Desk,
    answer,
    data,
    key,
)
from tests.rules.printed import PRINTED

MISSING_KEY = (401, "Missing or invalid API key")
NOT_FOUND = (404, "Generation not found")
UNKNOWN_ID = "00000000-0000-4000-8000-000000000000"
VIDEO = {"model": "ray-3.2", "type": "video", **SUNSET}


def named(body: bytes) -> str:
    """Return the beginning of a long body and its length."""
    return f"{body[:24]!r} of {len(body)}"


@pytest.mark.parametrize(
    ("authorization", "expected"),
    [
        (None, MISSING_KEY),
        ("", MISSING_KEY),
        (key("main"), MISSING_KEY),
        (f"bearer {key('main')}", MISSING_KEY),
        (f"Basic {key('main')}", MISSING_KEY),
        (f"Bearer\t{key('main')}", MISSING_KEY),
        (f"Bearer  {key('main')}", MISSING_KEY),
        ("Bearer", MISSING_KEY),
        ("Bearer ", MISSING_KEY),
        ("Bearer sk-something", MISSING_KEY),
        ("Bearer luma-api-", (401, "Invalid API key")),
        ("Bearer luma-api-nobody", (401, "Invalid API key")),
        (f"Bearer {key('main')} ", (401, "Invalid API key")),
        (f"Bearer {key('main')}, Bearer {key('main')}", (401, "Invalid API key")),
        (f"Bearer {key('revoked')}", (401, "API key has been revoked")),
        (f"Bearer {key('expired')}", (401, "API key has expired")),
        (f"Bearer {key('suspended')}", (403, "API client is suspended")),
        (f"Bearer {key('deactivated')}", (403, "API client is deactivated")),
    ],
)
def test_every_route_distinguishes_the_kinds_of_keys(authorization: str | None, expected: tuple[int, str]) -> None:
    """Creating, polling and the clock ask for a key in the same way, and name what is wrong with it."""
    desk = Desk()
    headers = () if authorization is None else (("authorization", authorization),)
    for method, url in (("POST", CREATE), ("GET", f"{CREATE}/{COMPLETED_IMAGE}"), ("POST", CLOCK)):
        assert answer(desk.ask(method, url, None, headers=headers)) == expected


@pytest.mark.parametrize("who", [name.removeprefix(key("")) for name in KEYS])
def test_every_key_does_what_its_card_says(who: str) -> None:
    """A good key of a client in good standing creates, unless it cannot pay."""
    client, state = KEYS[key(who)]
    card = CLIENTS[client]
    expected = 401 if state else 403 if card.refused else 201 if card.funded else 402
    assert Desk().create(who=who).status == expected


@pytest.mark.parametrize(
    ("method", "url", "status", "allow"),
    [
        ("GET", CREATE, 405, "POST"),
        ("HEAD", CREATE, 405, "POST"),
        ("post", CREATE, 405, "POST"),
        ("DELETE", f"{CREATE}/{COMPLETED_IMAGE}", 405, "GET"),
        ("HEAD", f"{CREATE}/{COMPLETED_IMAGE}", 405, "GET"),
        ("GET", CLOCK, 405, "POST"),
        ("GET", "/", 404, None),
        ("GET", "", 404, None),
        ("POST", "/v1/generation", 404, None),
        ("GET", "/v1/generationsx", 404, None),
        ("GET", "/v1/files", 404, None),
        ("GET", "http://elsewhere.test/v1/generations", 404, None),
    ],
)
def test_other_routes_are_404_and_other_methods_405(method: str, url: str, status: int, allow: str | None) -> None:
    """A route that is not there is 404; one that is names its method. Neither asks for a key."""
    response = Desk().ask(method, url, None)
    assert answer(response)[0] == status
    assert header(response.headers, "Allow") == allow


@pytest.mark.parametrize("query", ["", "?", "?a=b"])
def test_a_query_is_ignored(query: str) -> None:
    """The API's routes take no query."""
    desk = Desk()
    assert desk.ask("POST", CREATE + query, body=json.dumps(SUNSET).encode()).status == 201
    assert desk.poll(COMPLETED_IMAGE + query).status == 200


def test_a_201_has_every_member_of_the_generation() -> None:
    """A 201 has the eight keys of the page, what was asked or its defaults, and is queued."""
    response = Desk().create()
    body = data(response)
    assert uuid.UUID(body.pop("id")).version == 4
    assert body == {
        "type": "image",
        "state": "queued",
        "model": "uni-1",
        "created_at": "2026-04-08T12:00:00Z",
        "output": [],
        "failure_reason": None,
        "failure_code": None,
    }


def test_a_201_is_queued_however_short_the_settings() -> None:
    """A 201 shows queued even where the first poll already shows completed."""
    desk = Desk(Settings(queued_seconds=0, processing_seconds=0))
    created = data(desk.create())
    assert (created["state"], created["output"]) == ("queued", [])
    assert desk.state(created["id"]) == "completed"


@pytest.mark.parametrize("who", ["main", "second"])
def test_states_follow_the_clock(who: str) -> None:
    """Queued, processing and completed change at their moment, for every key of the client alike."""
    desk = Desk()
    generation = desk.made(VIDEO)
    for moment, state in ((0, "queued"), (0.99, "queued"), (1, "processing"), (4.99, "processing"), (5, "completed")):
        desk.clock.sleep(START + moment - desk.clock.now())
        body = data(desk.poll(generation, who))
        assert body["state"] == state
        assert bool(body["output"]) == (state == "completed")
        assert body["failure_code"] is body["failure_reason"] is None
    assert [item["type"] for item in body["output"]] == ["video"]


def test_a_job_keeps_its_last_state() -> None:
    """A day later it is still there, completed or stuck, with the same time of creation."""
    desk = Desk()
    generation, stuck = desk.made(), desk.made({"prompt": "[test] stay queued"})
    desk.clock.sleep(86_400)
    assert (desk.state(generation), desk.state(stuck)) == ("completed", "queued")
    assert data(desk.poll(stuck))["created_at"] == "2026-04-08T12:00:00Z"


@pytest.mark.parametrize(("prompt", "state"), STAYS.items())
def test_a_generation_with_a_stay_prompt_stays_in_its_state(prompt: str, state: str) -> None:
    """It reaches its state and stays there."""
    desk = Desk()
    generation = desk.made({"prompt": prompt})
    desk.clock.sleep(10_000)
    assert desk.state(generation) == state


@pytest.mark.parametrize("code", FAILURE_CODES)
@pytest.mark.parametrize("body", [SUNSET, VIDEO], ids=["image", "video"])
def test_a_generation_with_a_fail_prompt_fails_with_its_code(code: str, body: dict[str, object]) -> None:
    """It is processing until it fails, with its code, a reason and no output."""
    desk = Desk()
    generation = desk.made({**body, "prompt": f"[test] fail {code}"})
    desk.clock.sleep(4.9)
    assert data(desk.poll(generation))["failure_code"] is None
    desk.clock.sleep(0.1)
    shown = data(desk.poll(generation))
    assert (shown["state"], shown["output"]) == ("failed", [])
    assert (shown["failure_code"], shown["failure_reason"]) == (code, REASONS[code])


@pytest.mark.parametrize("prompt", [*STAYS, *FAILS])
def test_a_card_must_be_the_whole_prompt(prompt: str) -> None:
    """A prompt that only contains a card is a prompt like any other."""
    desk = Desk()
    generation = desk.made({"prompt": f"{prompt}."})
    desk.clock.sleep(5)
    assert desk.state(generation) == "completed"


def test_unknown_and_foreign_ids_get_the_same_404() -> None:
    """An unknown id, another client's id and no id at all have the same body."""
    desk = Desk()
    foreign = desk.made(who="other")
    answers = [desk.poll(name) for name in (UNKNOWN_ID, foreign, "", "x/y", "%00", f"{COMPLETED_IMAGE}/")]
    assert {response.body for response in answers} == {b'{"detail": "Generation not found"}'}
    assert {answer(response) for response in answers} == {NOT_FOUND}
    assert answer(desk.poll(COMPLETED_IMAGE, "other")) == NOT_FOUND


def test_every_answer_has_a_request_id_and_the_api_version() -> None:
    """X-Request-Id echoes, or is a new UUID; X-API-Version and the content type are always there."""
    desk = Desk()
    requests: list[tuple[str, str, str | None]] = [
        ("POST", CREATE, "main"),
        ("GET", f"{CREATE}/{COMPLETED_IMAGE}", "main"),
        ("GET", f"{CREATE}/{UNKNOWN_ID}", "main"),
        ("POST", CREATE, None),
        ("GET", "/nowhere", None),
    ]
    for method, url, who in requests:
        echoed = desk.ask(method, url, who, headers=(("x-request-id", "myapp-7"),))
        fresh, empty = desk.ask(method, url, who), desk.ask(method, url, who, headers=(("X-Request-Id", ""),))
        assert header(echoed.headers, "X-Request-Id") == "myapp-7"
        ids = {uuid.UUID(header(response.headers, "X-Request-Id")) for response in (fresh, empty)}
        assert len(ids) == 2
        assert header(fresh.headers, "X-API-Version") == "2026-04-01"
        assert header(fresh.headers, "Content-Type") == "application/json"


def test_rate_headers_are_on_201_and_the_rate_429_alone() -> None:
    """No poll and no other refusal has one, nor a Retry-After."""
    desk = Desk()
    assert None not in [header(desk.create().headers, name) for name in RATES]
    others = [
        desk.poll(COMPLETED_IMAGE),
        desk.poll(UNKNOWN_ID),
        desk.create({}),
        desk.create(who="revoked"),
        desk.create(who="unfunded"),
        desk.create(who="suspended"),
        desk.create({**SUNSET, "image_ref": [{"url": "https://media.test/missing.png"}]}),
        desk.create({**SUNSET, "image_ref": [{"url": "https://media.test/proxy-down.png"}]}),
        desk.create({**SUNSET, "image_ref": [{"url": "https://media.test/ingestion-off.png"}]}),
        desk.create({**SUNSET, "image_ref": [{"url": "https://media.test/over-50-mb.png"}]}),
    ]
    assert [response.status for response in others] == [200, 404, 400, 401, 402, 403, 422, 502, 503, 413]
    for response in others:
        assert [header(response.headers, name) for name in (*RATES, "Retry-After")] == [None] * 4


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"{'a': 1}", b"[" * 100_000, b"[" + b"1" * 5000], ids=named)
def test_malformed_json_is_a_400(body: bytes) -> None:
    """What does not parse is refused with one text."""
    assert answer(Desk().ask("POST", CREATE, body=body)) == (400, "Request body is not valid JSON")


@pytest.mark.parametrize(
    "body", [[], None, 7, "x", {}, {"prompt": 7}, {**SUNSET, "colour": "red"}, {**SUNSET, "\ud800": 1}]
)
def test_a_body_the_page_does_not_describe_is_a_400(body: object) -> None:
    """A body the oracle finds unspecified is refused, with the oracle's reason."""
    status, detail = answer(Desk().create(body))
    assert status == 400
    assert detail.startswith("Request is not supported: ")


@pytest.mark.parametrize("row", PRINTED, ids=lambda row: row.name)
def test_the_pages_examples_without_their_faults_are_accepted(row: Any) -> None:
    """What the page does not refuse is a 201 and completes, where it refers to nothing that is missing."""
    response = Desk().create(row.twin)
    assert response.status == 201


@pytest.mark.parametrize(
    ("place", "body"),
    [
        ("source", {**VIDEO, "type": "video_edit", "source": None}),
        ("video.start_frame", {**VIDEO, "video": {"start_frame": None}}),
        ("video.end_frame", {**VIDEO, "video": {"end_frame": None}}),
    ],
)
def test_a_generation_in_a_body_must_be_the_clients_own_and_completed(place: str, body: dict[str, Any]) -> None:
    """Unknown and foreign are one answer, unfinished and failed another, completed is accepted."""
    desk = Desk()
    foreign, stuck = desk.made(VIDEO, "other"), desk.made({**VIDEO, "prompt": "[test] stay processing"})
    failed, done = desk.made({**VIDEO, "prompt": "[test] fail generation_failed"}), desk.made(VIDEO)
    desk.clock.sleep(5)

    def refer(generation: str) -> dict[str, Any]:
        reference = {"generation_id": generation}
        inner = "source" if place == "source" else "video"
        return {**body, inner: reference if inner == "source" else {place.removeprefix("video."): reference}}

    for name in (UNKNOWN_ID, foreign):
        assert answer(desk.create(refer(name))) == (400, f"{place}: generation not found")
    for name in (stuck, failed):
        assert answer(desk.create(refer(name))) == (400, f"{place}: generation is not completed")
    for name in (done, COMPLETED_VIDEO):
        assert desk.create(refer(name), "second").status == 201
    assert answer(desk.create(refer(COMPLETED_IMAGE))) == (400, f"{place}: generation is no video")


@pytest.mark.parametrize(("generation", "kind"), [(COMPLETED_IMAGE, "image"), (COMPLETED_VIDEO, "video")])
def test_the_seeded_generations_are_completed_from_the_start(generation: str, kind: str) -> None:
    """Both belong to the main client and are ten minutes old."""
    body = data(Desk().poll(generation, "second"))
    assert (body["type"], body["state"], body["created_at"]) == (kind, "completed", "2026-04-08T11:50:00Z")


def test_each_client_has_its_own_clock() -> None:
    """Advancing a clock affects the jobs and the window of its client only."""
    desk = Desk()
    mine, theirs = desk.made(), desk.made(who="other")
    assert data(desk.advance(60, "second")) == {"now": START + 60}
    assert desk.state(mine) == "completed"
    assert desk.state(theirs, "other") == "queued"
    assert data(desk.advance(0)) == {"now": START + 60}
    assert data(desk.advance(0, "other")) == {"now": START}
    desk.clock.sleep(5)
    assert data(desk.advance(1)) == {"now": START + 66}


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"7", b"{}", b'{"advance": null}', b'{"advance": "soon"}', b'{"advance": -1}', b"[" * 100_000]
    + [b'{"advance": %s}' % number for number in (b"NaN", b"Infinity", b"1e999", b"9" * 400, b"1e12", b"9" * 5000)],
    ids=named,
)
def test_the_clock_only_moves_forward_by_a_bounded_number(body: bytes) -> None:
    """Anything else is a 400 and moves nothing."""
    desk = Desk()
    assert answer(desk.ask("POST", CLOCK, body=body))[0] == 400
    assert data(desk.advance(0)) == {"now": START}


def test_the_clock_stops_at_a_century() -> None:
    """However often it is advanced, every date it leads to can be written."""
    desk = Desk()
    assert desk.advance(3.1e9).status == 200
    assert desk.advance(3.1e9).status == 400
    assert data(desk.create())["created_at"].startswith("2124-")


def test_two_services_with_one_seed_answer_alike() -> None:
    """Ids come from the seed, so that a run can be repeated."""
    assert Desk().create() == Desk().create()
    other = Service(clock=VirtualClock(), seed=1)
    headers = (("Authorization", f"Bearer {key('main')}"),)
    created = other.handle(Request(method="POST", url=CREATE, headers=headers, body=json.dumps(SUNSET).encode()))
    assert data(created)["id"] != data(Desk().create())["id"]


TEXT = st.text(max_size=12)
URLS = st.one_of(
    TEXT,
    st.builds(
        "{}{}{}".format,
        st.sampled_from(
            [CREATE, f"{CREATE}/", CLOCK, "/storage/generations/", f"/storage/generations/{COMPLETED_IMAGE}/"]
        ),
        TEXT,
        st.sampled_from(["", "?", "?X-Amz-Signature=%C3%A9", "?X-Amz-Date=x&X-Amz-Expires=nan", "#"]),
    ),
)
NAMES = st.sampled_from(["Authorization", "X-Request-Id", "Host", "Content-Type"]) | TEXT
VALUES = st.sampled_from([f"Bearer {name}" for name in KEYS]) | TEXT
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
REFS = st.fixed_dictionaries(
    {},
    optional={
        "url": TEXT.map("https://{}".format) | TEXT,
        "data": TEXT | st.binary(max_size=20).map(lambda raw: raw.hex()),
        "media_type": st.sampled_from(["image/png", "video/mp4", ""]) | JSON,
        "generation_id": st.sampled_from([COMPLETED_IMAGE, COMPLETED_VIDEO, UNKNOWN_ID]) | TEXT,
    },
)
OBJECTS = st.fixed_dictionaries(
    {"prompt": st.sampled_from([*FAILS, "x"]) | JSON},
    optional={
        "model": st.sampled_from(["uni-1", "ray-3.2"]) | JSON,
        "type": st.sampled_from(["image", "image_edit", "video", "video_edit", "video_reframe"]) | JSON,
        "image_ref": st.lists(REFS, max_size=2) | JSON,
        "source": REFS | JSON,
        "video": st.fixed_dictionaries({}, optional={"start_frame": REFS, "end_frame": REFS, "edit": JSON}) | JSON,
    },
)
BODIES = st.binary(max_size=20) | (JSON | OBJECTS).map(lambda value: json.dumps(value).encode())


@same_examples(100)
@given(
    method=st.sampled_from(["GET", "POST", "POST", "POST"]) | TEXT,
    url=st.just(CREATE) | URLS,
    headers=st.lists(st.tuples(NAMES, VALUES), max_size=3).map(tuple),
    key_of=st.sampled_from(["main", "main", "low-rpm", None]),
    body=BODIES,
)
def test_no_request_causes_an_exception(
    method: str, url: str, headers: Headers, key_of: str | None, body: bytes
) -> None:
    """Whatever is sent, there is an answer: JSON with a detail where it is an error, or the storage's XML."""
    response = Desk().ask(method, url, key_of, headers=headers, body=body)
    assert 200 <= response.status < 600
    if header(response.headers, "Content-Type") == "application/xml":
        assert response.status == 403
        assert response.body.endswith(b"</Error>")
    elif response.status >= 400:
        answer(response)
    else:
        assert data(response)
    assert not urlsplit(url).path.startswith("/v1/") or header(response.headers, "X-Request-Id")


def test_old_generations_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that runs for long remembers so many, and the ready-made ones for ever."""
    monkeypatch.setattr("luma_conformance.reference.service.MOST_GENERATIONS", 3)
    service, main = Service(clock=VirtualClock()), (("Authorization", f"Bearer {key('main')}"),)

    def ask(method: str, url: str, body: bytes = b"") -> tuple[int, Any]:
        response = service.handle(Request(method=method, url=url, headers=main, body=body))
        return response.status, json.loads(response.body)

    made = [ask("POST", "/v1/generations", b'{"prompt": "a lighthouse"}')[1]["id"] for _ in range(5)]

    found = [ask("GET", f"/v1/generations/{name}")[0] for name in (*made, COMPLETED_IMAGE, COMPLETED_VIDEO)]
    assert found == [404, 404, 200, 200, 200, 200, 200]
