"""Keys, ids and request ids proved on wrong servers: each compares, opens or repeats something it should not."""

from __future__ import annotations

import base64
import json
import re
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from luma_conformance.model import Request, Response, Transport, header
from luma_conformance.properties.fuzzing import Fuzzing
from luma_conformance.properties.luma_target import LumaTarget, begin
from luma_conformance.properties.nonconformance import NonConformance
from luma_conformance.pytest_plugin.estimate import TABLES
from luma_conformance.redaction.redactor import Redactor
from luma_conformance.reference import Service
from luma_conformance.reference.cards import KEYS
from luma_conformance.reference.clock import WallClock
from luma_conformance.session.open import Options, open_session
from luma_conformance.strategies.identity import NEAR_IDS, NEAR_KEYS, SPELLINGS, find_refusals, is_same_uuid
from luma_conformance.suite import test_access as access
from luma_conformance.suite import test_identity as identity
from luma_conformance.suite import test_reasons as reasons
from luma_conformance.suite import test_transport as transport
from luma_conformance.target.profile import Key
from tests import miniatures
from tests.answering import answering
from tests.kit import PROFILE, response
from tests.miniatures import Handle, Wrong, on_answers, on_requests, right
from tests.suite.target_on import target_on

MAIN = "luma-api-test-main"
UNKNOWN = "luma-api-conformance-no-such-key"
Property = Callable[[LumaTarget], None]


def seeing_key(find: Callable[[Request], str | None], operation: str = "") -> Wrong:
    """Let the server find the key in a way of its own; where it finds none it looks at the header."""

    def change(request: Request) -> Request:
        key = find(request) if not operation or request.method == operation else None
        if key is None or not request.url.startswith("/v1/"):
            return request
        others = tuple(field for field in request.headers if field[0] != "Authorization")
        return replace(request, headers=(*others, ("Authorization", f"Bearer {key}")))

    return on_requests(change)


def bearer(request: Request) -> str:
    """Return the token of a request, or nothing."""
    scheme, _, token = (header(request.headers, "Authorization") or "").partition(" ")
    return token if scheme == "Bearer" else ""


def comparing(same: Callable[[str, str], bool]) -> Callable[[Request], str | None]:
    """Find the first key that is the same as the token, as the server sees it."""
    return lambda request: next((key for key in KEYS if (token := bearer(request)) and same(token, key)), None)


def in_header(name: str) -> Callable[[Request], str | None]:
    """Find a key in a header."""
    return lambda request: header(request.headers, name)


def in_query(name: str) -> Callable[[Request], str | None]:
    """Find a key in a parameter of the query."""
    return lambda request: parse_qs(urlsplit(request.url).query).get(name, [None])[0]


def without(name: str, wrong: Wrong) -> Wrong:
    """Let the server forget a member of the body once it has looked for a key there."""

    def change(request: Request) -> Request:
        if not request.body.startswith(b"{"):
            return request
        body = {member: value for member, value in json.loads(request.body).items() if member != name}
        return replace(request, body=json.dumps(body).encode())

    return lambda handle: wrong(on_requests(change)(handle))


def in_body(name: str) -> Callable[[Request], str | None]:
    """Find a key in a member of the body."""
    return lambda request: json.loads(request.body).get(name) if request.body.startswith(b"{") else None


def in_basic(request: Request) -> str | None:
    """Find a key that is the user of Basic."""
    scheme, _, told = (header(request.headers, "Authorization") or "").partition(" ")
    return (
        base64.b64decode(told).decode("latin-1").partition(":")[0] if scheme == "Basic" and told[:2] == "bH" else None
    )


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        pytest.param(
            seeing_key(comparing(lambda token, key: key.startswith(token))),
            "the prefix of keys alone, on create",
            id="cut anywhere",
        ),
        pytest.param(
            seeing_key(comparing(lambda token, key: token.startswith(key))),
            "of main-key, on create",
            id="more behind it",
        ),
        pytest.param(
            seeing_key(comparing(lambda token, key: token[:12] == key[:12])), "of main-key", id="its first twelve"
        ),
        pytest.param(
            seeing_key(comparing(lambda token, key: token[-4:] == key[-4:])), "of main-key", id="its last four"
        ),
        pytest.param(
            seeing_key(comparing(lambda token, key: token.lower() == key)),
            "capitals after its prefix, of main-key",
            id="whatever the case",
        ),
        pytest.param(
            seeing_key(comparing(lambda token, key: sorted(token) == sorted(key))), "of main-key", id="the same letters"
        ),
        pytest.param(
            seeing_key(comparing(lambda token, key: len(token) == len(key)), "GET"),
            "of main-key, on poll",
            id="a length, on polls",
        ),
        pytest.param(
            seeing_key(comparing(lambda token, key: re.fullmatch(token.replace("*", ".*"), key) is not None)),
            "asterisk",
            id="a wildcard",
        ),
        pytest.param(
            seeing_key(comparing(lambda token, key: token.replace('"', "").strip() == key)),
            "in quotes, of main-key",
            id="quotes taken off",
        ),
        pytest.param(
            seeing_key(comparing(lambda token, key: token.split(" ")[0] == key)),
            "a word behind it, of main-key",
            id="the first word",
        ),
        pytest.param(
            seeing_key(comparing(lambda token, key: token.replace(" ", "") == key)),
            "a space in its middle, of main-key",
            id="spaces taken out",
        ),
        pytest.param(
            seeing_key(comparing(lambda token, key: key.endswith("expired") and token == key[:-1])),
            "of expired-key",
            id="only an expired key",
        ),
        pytest.param(
            seeing_key(
                lambda request: (
                    MAIN if "Bearer" in dict(request.headers).get("Authorization", "") and not bearer(request) else None
                )
            ),
            "that is nothing",
            id="no key at all",
        ),
    ],
)
def test_a_key_that_is_not_compared_whole_is_caught(wrong: Wrong, said: str) -> None:
    """A server that looks at a part of the key, or at another spelling of it, is caught, with what was wrong."""
    with pytest.raises(NonConformance, match=said):
        identity.test_a_key_is_compared_whole(target_on(wrong))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        pytest.param(seeing_key(in_query("api_key"), "GET"), "in the query as api_key, on poll", id="query, on polls"),
        pytest.param(
            seeing_key(in_query("access_token")), "in the query as access_token, on create", id="query, everywhere"
        ),
        pytest.param(seeing_key(in_header("X-API-Key")), "in the header X-API-Key, on create", id="X-API-Key"),
        pytest.param(seeing_key(in_basic), "as the user of Basic", id="Basic"),
        pytest.param(
            without("api_key", seeing_key(in_body("api_key"))),
            "in the body as api_key, on create",
            id="a member of the body",
        ),
        pytest.param(seeing_key(in_body("user_id")), "in the body as user_id, on create", id="user_id"),
        pytest.param(
            seeing_key(lambda request: MAIN if MAIN in (header(request.headers, "Cookie") or "") else None),
            "in the cookie session",
            id="a cookie",
        ),
        pytest.param(
            seeing_key(lambda request: (header(request.headers, "Authorization") or "").split(" ")[-1]),
            "scheme",
            id="any scheme",
        ),
        pytest.param(
            seeing_key(lambda request: header(request.headers, "Api-Key") if bearer(request) == "" else None),
            "Api-Key",
            id="Api-Key",
        ),
        pytest.param(
            seeing_key(lambda request: in_query("api_key")(request) if bearer(request) == UNKNOWN else None),
            "beside",
            id="beside an unknown key",
        ),
    ],
)
def test_a_key_that_opens_from_elsewhere_is_caught(wrong: Wrong, said: str) -> None:
    """A server that takes a key from the query, a cookie, the body or another header is caught, with the place."""
    with pytest.raises(NonConformance, match=said):
        identity.test_a_key_opens_nothing_from_another_place(target_on(wrong))


def asking_for(change: Callable[[str], str]) -> Wrong:
    """Let the server look up another id than was asked for."""

    def changed(request: Request) -> Request:
        head, slash, name = request.url.rpartition("/")
        return replace(request, url=head + slash + change(name)) if request.method == "GET" else request

    return on_requests(changed)


OWN = "7c9e6679-7425-40de-944b-e07fc1f90ae7"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        pytest.param(
            asking_for(lambda name: OWN if OWN.startswith(name[:8]) else name),
            "its last character missing",
            id="its first eight",
        ),
        pytest.param(
            asking_for(lambda name: OWN if name[-12:] == OWN[-12:] else name),
            "its first character missing",
            id="its last twelve",
        ),
        pytest.param(
            asking_for(lambda name: OWN if name.startswith(OWN) else name),
            "one character more at its end",
            id="more behind it",
        ),
        pytest.param(asking_for(lambda name: name.partition(".")[0]), "an ending behind it", id="an ending taken off"),
        pytest.param(
            asking_for(lambda name: name.partition("%2C")[0]), "a comma and itself behind it", id="the first of several"
        ),
        pytest.param(
            asking_for(lambda name: parse_qs(urlsplit(name).query).get("id", [name])[0]),
            "in the query of another",
            id="the query",
        ),
        pytest.param(
            asking_for(lambda name: OWN if len(name) == 36 and name[:18] == OWN[:18] else name),
            "another|right|swapped",
            id="its first half",
        ),
    ],
)
def test_an_id_that_is_not_compared_whole_is_caught(wrong: Wrong, said: str) -> None:
    """A server that finds a generation by a part of its id, or by something beside it, is caught."""
    with pytest.raises(NonConformance, match=said):
        identity.test_an_id_is_compared_whole(target_on(wrong))


@pytest.mark.parametrize("byte", ["%00", "%FF"])
def test_a_byte_in_a_path_may_be_refused_but_not_break_the_server(byte: str) -> None:
    """A 400 to what no path should have is right, a 500 is not."""

    def answering(status: int) -> Wrong:
        return on_answers(lambda request, answer: replace(answer, status=status) if byte in request.url else answer)

    identity.test_an_id_is_compared_whole(target_on(answering(400)))
    with pytest.raises(NonConformance, match="got 500"):
        identity.test_an_id_is_compared_whole(target_on(answering(500)))


def visible(when: Callable[[dict[str, object]], bool]) -> Wrong:
    """Show the other client a generation of the main one's, where `when` says so."""

    def wrap(handle: Handle) -> Handle:
        def answer(request: Request) -> Response:
            own = tuple((name, text.replace("other", "main")) for name, text in request.headers)
            if request.method == "GET" and own != request.headers:
                seen = handle(replace(request, headers=own))
                if seen.status == 200 and when(json.loads(seen.body)):
                    return seen
            return handle(request)

        return answer

    return wrap


def visible_to_main(when: Callable[[dict[str, object]], bool]) -> Wrong:
    """Show the main client a generation of the other one's, where `when` says so."""

    def wrap(handle: Handle) -> Handle:
        def answer(request: Request) -> Response:
            theirs = tuple((name, text.replace("test-main", "test-other")) for name, text in request.headers)
            seen = handle(replace(request, headers=theirs)) if request.method == "GET" else None
            return seen if seen and seen.status == 200 and when(json.loads(seen.body)) else handle(request)

        return answer

    return wrap


def old(clock_seconds: float) -> Wrong:
    """Show the other client a generation that was accepted so long ago."""

    def wrap(handle: Handle) -> Handle:
        service: Service = handle.__self__  # type: ignore[attr-defined]
        made: dict[str, float] = {}

        def answer(request: Request) -> Response:
            name = request.url.rpartition("/")[2]
            if request.method == "GET" and service.clock.now() - made.get(name, 1e12) >= clock_seconds:
                request = replace(
                    request, headers=tuple((key, text.replace("other", "main")) for key, text in request.headers)
                )
            answered = handle(request)
            if answered.status == 201:
                made[json.loads(answered.body)["id"]] = service.clock.now()
            return answered

        return answer

    return wrap


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        pytest.param(visible(lambda body: True), "another client's image, just accepted", id="always"),
        pytest.param(visible(lambda body: body["state"] == "completed"), "completed", id="completed"),
        pytest.param(
            visible(lambda body: body["state"] == "completed" and body["type"] == "video"),
            "client's video, completed",
            id="completed video",
        ),
        pytest.param(visible(lambda body: body["state"] == "processing"), "processing", id="processing"),
        pytest.param(visible(lambda body: body["state"] == "failed"), "failed", id="failed"),
        pytest.param(visible(lambda body: body["failure_code"] == "rate_limited"), "failed", id="one failure code"),
        pytest.param(visible(lambda body: body["type"] == "video_reframe"), "video_reframe", id="one type"),
        pytest.param(
            visible(lambda body: body["type"] == "image_edit" and body["state"] == "queued"),
            "image_edit",
            id="one type, queued",
        ),
        pytest.param(old(3000), "3600 s later", id="an hour old"),
        pytest.param(
            visible_to_main(lambda body: body["type"] == "video" and body["state"] == "completed"),
            "video, completed",
            id="another's completed video, to the main client",
        ),
    ],
)
def test_another_clients_generation_that_shows_is_caught(wrong: Wrong, said: str) -> None:
    """A server that hides other clients' generations only in some state, type or age is caught with it."""
    with pytest.raises(NonConformance, match=said):
        identity.test_another_clients_generation_is_hidden_whatever_it_is(target_on(wrong))


def making(make: Callable[[Request, int], str | None]) -> Wrong:
    """Make request ids in a way of its own, from the request and how many came before it on its connection."""

    def wrap(handle: Handle) -> Handle:
        number = count()

        def answer(request: Request) -> Response:
            nonlocal number
            answered = handle(request)
            made = make(request, next(number))
            if header(request.headers, "Connection") == "close":
                number = count()
            if header(request.headers, "X-Request-Id") is not None or made is None:
                return answered
            kept = tuple(field for field in answered.headers if field[0] != "X-Request-Id")
            return replace(answered, headers=(*kept, ("X-Request-Id", made)))

        return answer

    return wrap


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        pytest.param(
            making(lambda _, number: str(uuid.UUID(int=number))),
            "on a new connection: the X-Request-Id that was made",
            id="counted by connection",
        ),
        pytest.param(
            making(lambda _, __: str(uuid.UUID(int=7))), "the X-Request-Id that was made for", id="always the same"
        ),
        pytest.param(
            making(lambda request, _: str(uuid.uuid5(uuid.NAMESPACE_URL, repr(request)))),
            "was made for",
            id="made of the request",
        ),
        pytest.param(
            making(lambda request, _: str(uuid.UUID(int=1)) if bearer(request) == "" else None),
            "without a key",
            id="the same without a key",
        ),
        pytest.param(
            making(lambda request, _: "req_12" if request.method == "GET" else None),
            "a poll .*expected a UUID",
            id="no UUID on polls",
        ),
        pytest.param(making(lambda _, number: str(uuid.UUID(int=number // 2))), "was made for", id="each twice"),
    ],
)
def test_made_request_ids_that_repeat_are_caught(wrong: Wrong, said: str) -> None:
    """A server that counts by connection, or makes an id of the request, repeats one."""
    with pytest.raises(NonConformance, match=said):
        identity.test_made_request_ids_never_repeat(target_on(wrong))


def repeating(change: Callable[[str], str], when: Callable[[Response], bool] = lambda _: True) -> Wrong:
    """Repeat a changed X-Request-Id on some answers."""

    def changed(request: Request, answered: Response) -> Response:
        if header(request.headers, "X-Request-Id") is None or not when(answered):
            return answered
        fields = ((name, change(text) if name == "X-Request-Id" else text) for name, text in answered.headers)
        return replace(answered, headers=tuple(fields))

    return on_answers(changed)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        pytest.param(repeating(lambda text: text[:36]), "A1b2A1b2", id="cut at 36"),
        pytest.param(repeating(lambda text: text[:63]), "A1b2A1b2", id="cut at 63"),
        pytest.param(
            repeating(str.lower, lambda answered: answered.status == 404),
            "a poll for an unknown id: .*Req_7F3a",
            id="in small letters on a 404",
        ),
        pytest.param(repeating(lambda text: str(int(text)) if text.isdigit() else text), "007", id="read as a number"),
        pytest.param(
            repeating(lambda text: text if text != "null" else str(uuid.UUID(int=0))), "null", id="null is none"
        ),
        pytest.param(
            repeating(lambda text: str(uuid.UUID(text)) if re.fullmatch("[0-9A-Fa-f-]{32,36}", text) else text),
            "550E8400|550e8400e",
            id="UUIDs made alike",
        ),
        pytest.param(
            repeating(lambda _: str(uuid.UUID(int=0)), lambda answered: answered.status >= 300),
            "unknown model",
            id="only on success",
        ),
        pytest.param(
            repeating(str.lower, lambda answered: answered.status == 429), "above the rate limit", id="on a rate limit"
        ),
        pytest.param(
            repeating(str.lower, lambda answered: b"concurrent" in answered.body),
            "above the job limit",
            id="on a job limit",
        ),
        pytest.param(
            repeating(str.upper, lambda answered: answered.status == 201),
            "a request that is accepted",
            id="in capitals on a 201",
        ),
        pytest.param(
            repeating(str.upper, lambda answered: answered.status == 402), "the unfunded-key", id="in capitals on a 402"
        ),
    ],
)
def test_a_request_id_that_is_not_repeated_whole_is_caught(wrong: Wrong, said: str) -> None:
    """A server that cuts, folds or reads an id, if only on some answers, is caught with the answer named."""
    with pytest.raises(NonConformance, match=said):
        identity.test_a_request_id_comes_back_on_every_answer(target_on(wrong))


PROPERTIES: tuple[Property, ...] = (
    identity.test_a_key_is_compared_whole,
    identity.test_a_key_opens_nothing_from_another_place,
    identity.test_an_id_is_compared_whole,
    identity.test_another_clients_generation_is_hidden_whatever_it_is,
    identity.test_made_request_ids_never_repeat,
    identity.test_a_request_id_comes_back_on_every_answer,
)


def knowing_other_spellings(handle: Handle) -> Handle:
    """Find a generation by any spelling of its UUID: legal."""

    def answer(request: Request) -> Response:
        head, slash, name = request.url.rpartition("/")
        plain = name.replace("%7B", "").replace("%7D", "").replace("urn%3Auuid%3A", "")
        try:
            return handle(replace(request, url=f"{head}{slash}{uuid.UUID(plain)}"))
        except ValueError:
            return handle(request)

    return answer


@pytest.mark.parametrize(
    "legal",
    [
        right,
        miniatures.with_extras,
        miniatures.of_another_make,
        knowing_other_spellings,
        making(lambda _, __: uuid.uuid4().hex),
        repeating(lambda text: text if re.fullmatch("[A-Za-z0-9._-]+", text) else str(uuid.uuid4())),
        repeating(lambda text: text[:64]),
    ],
    ids=["none", "extras", "another make", "spellings", "bare ids", "odd ids replaced", "long ids cut"],
)
@pytest.mark.parametrize("property_", PROPERTIES)
def test_what_the_page_leaves_open_is_not_accused(property_: Property, legal: Wrong) -> None:
    """Other spellings of a UUID may be known, request ids made in any way, and odd ones replaced."""
    property_(target_on(legal))


def test_near_misses_are_near_and_miss() -> None:
    """No near miss of a key or id is the key or id itself, and no two are the same."""
    for table, text in ((NEAR_KEYS, "luma-api-" + "0fEd9cBa87654321" * 3), (NEAR_IDS, OWN)):
        made = {what: change(text) for what, change in table.items()}
        assert text not in made.values()
        assert len({*made.values()}) == len(made)
    assert all(is_same_uuid(change(OWN), OWN) for change in SPELLINGS.values())


@pytest.mark.parametrize("token", ["", "k", "luma-api-", "luma-api-k", "sk-1", "luma-api-1", "luma-api--", "xXxX"])
def test_near_misses_of_any_token_can_be_made(token: str) -> None:
    """However short and odd a key is, its near misses are texts that a header can carry."""
    assert all(change(token).isprintable() for change in NEAR_KEYS.values())


@pytest.mark.parametrize(
    ("token", "texts"),
    [
        ("luma-api-abc", {"Invalid API key"}),
        ("sk-abc", {"Missing or invalid API key"}),
        ("LUMA-API-abc", {"Missing or invalid API key"}),
        ("luma-api-a b", {"Missing or invalid API key", "Invalid API key"}),
        ("luma-api-", {"Missing or invalid API key", "Invalid API key"}),
        ("", {"Missing or invalid API key", "Invalid API key"}),
    ],
)
def test_the_text_that_refuses_a_token_is_told_by_its_prefix(token: str, texts: set[str]) -> None:
    """The page tells a key that is not known from what is no key; what is not spelt as a token may be either."""
    assert {*find_refusals(token)} == texts


@dataclass
class Listening:
    """A transport that keeps what is sent through it."""

    transport: Transport
    heard: list[Request] = field(default_factory=list)

    def send(self, request: Request) -> Response:
        self.heard.append(request)
        return self.transport.send(request)


EVERY: tuple[Property, ...] = tuple(
    one
    for module in (identity, access, transport, reasons)
    for name, one in vars(module).items()
    if name.startswith("test_")
)


def hear(luma_target: LumaTarget, properties: Iterable[Property] = PROPERTIES) -> list[Request]:
    """Return the requests that properties send."""
    spending = luma_target.session.spending
    listening = spending._transport = Listening(spending._transport)
    for property_ in properties:
        with suppress(pytest.skip.Exception):
            property_(luma_target)
    return listening.heard


def test_it_costs_few_requests() -> None:
    """All that is said of identity, access, transport and reasons is shown in some hundreds of requests."""
    assert len(EVERY) == 12
    assert len(hear(target_on(right), EVERY)) <= 750


@pytest.mark.parametrize("property_", [property_ for property_ in EVERY if property_.__name__ in TABLES])
def test_the_estimate_knows_what_they_take(property_: Property) -> None:
    """About as many generations are asked for with the main key as a run's estimate says."""
    heard = hear(target_on(right), [property_])

    asked = sum(MAIN in str(request.headers) and request.method == "POST" for request in heard)
    assert asked == pytest.approx(TABLES[property_.__name__][0], abs=9)


@pytest.mark.parametrize(
    ("property_", "contexts"),
    [
        (identity.test_a_key_is_compared_whole, 114),
        (identity.test_a_key_opens_nothing_from_another_place, 85),
        (identity.test_an_id_is_compared_whole, 51),
        (identity.test_another_clients_generation_is_hidden_whatever_it_is, 39),
        (identity.test_made_request_ids_never_repeat, 32),
        (identity.test_a_request_id_comes_back_on_every_answer, 106),
        (access.test_a_bad_key_is_refused_whatever_it_asks_for, 40),
        (access.test_a_client_that_may_not_is_refused_whatever_it_asks_for, 9),
        (transport.test_how_a_head_is_written_does_not_change_the_answer, 22),
        (transport.test_needless_headers_do_not_change_the_answer, 30),
        (transport.test_how_a_request_is_sent_does_not_change_the_answer, 11),
        (reasons.test_a_refusal_is_for_its_reason, 44),
    ],
)
def test_the_contexts_are_as_many_as_ever(property_: Property, contexts: int) -> None:
    """On the reference, in process, each property tries all of its table."""
    luma_target = target_on(right)

    property_(luma_target)

    assert sum(luma_target.count_covered().values()) == contexts


def test_off_this_machine_no_near_miss_of_a_key_is_sent() -> None:
    """A live server is shown no near miss of a key, no key in a URL, and nothing that it would accept."""
    luma_target = target_on(right, limit=0)

    heard = hear(luma_target)

    near = {change(MAIN) for change in NEAR_KEYS.values()} - {MAIN}
    assert [request for request in heard if bearer(request) in near] == []
    assert [request.url for request in heard if MAIN in request.url] == []
    assert luma_target.session.spending.spent == 0
    assert len(heard) > 80


SECRET = "luma-api-9f8e7d6c5b4a39281706"


def echoing(request: Request) -> Response:
    """Accept anything, and repeat what is to be kept secret."""
    return response(200, {"detail": f"{request.url} {request.headers} {request.body!r}"})


@pytest.mark.parametrize("what", [what for what, change in NEAR_KEYS.items() if change(SECRET) != SECRET])
def test_a_near_miss_of_a_secret_key_is_never_shown(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a server takes near misses of a secret key and repeats them, no part of the key is in the explanation."""
    secret = SECRET
    redactor = Redactor({secret: "$MAIN"})
    luma_target = target_on(lambda _: echoing)
    session = luma_target.session
    keys = {"main-key": Key(token=secret, source="$MAIN")}
    session.target = replace(session.target, profile=replace(PROFILE, keys=keys))
    session.scrub, session.hide = redactor.scrub, redactor.hide
    monkeypatch.setattr(identity, "MADE_UP", {})
    monkeypatch.setattr(identity, "NEAR_KEYS", {what: NEAR_KEYS[what]})

    with pytest.raises(NonConformance) as caught:
        identity.test_a_key_is_compared_whole(luma_target)

    rest = secret.removeprefix("luma-api-")
    parts = {rest[at : at + 6] for at in range(len(rest) - 5)}
    shown = str(caught.value)
    assert "$MAIN" in shown
    assert [part for part in parts if {part, part[::-1], part.upper()} & {*_windows(shown)}] == []


def _windows(text: str) -> Iterator[str]:
    yield from (text[at : at + 6] for at in range(len(text) - 5))


def test_a_recording_has_no_part_of_a_key_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is recorded of near misses of a secret key, and of the key in other places, shows no part; it replays."""
    secret = "luma-api-9f8e7d6c5b4a39281706"
    monkeypatch.setenv("CONFORMANCE_SECRET", secret)
    profile, recording = tmp_path / "profile.toml", tmp_path / "run.har"
    profile.write_text(
        '[keys]\nmain-key = {env = "CONFORMANCE_SECRET"}\nother-key = {test_key = "luma-api-test-other"}'
    )
    handle = Service(clock=WallClock()).handle

    def answer(request: Request) -> Response:
        known = ((name, text.replace(f"Bearer {secret}", f"Bearer {MAIN}")) for name, text in request.headers)
        mine = header(request.headers, "Authorization") == f"Bearer {secret}"
        answered = handle(replace(request, headers=tuple(known)) if mine else request)
        return replace(answered, headers=(*answered.headers, ("Vary", f"{request.headers}"[:900])))

    with answering(answer) as url:
        session = open_session(Options(target=url, profile=profile, record=recording, announce=lambda _: None))
        for property_ in PROPERTIES:
            property_(begin(session, Fuzzing(), name=property_.__name__))
        session.close()

    rest = secret.removeprefix("luma-api-")
    text = recording.read_text()
    assert [rest[at : at + 6] for at in range(len(rest) - 5) if rest[at : at + 6] in text] == []
    replayed = open_session(Options(target=f"cassette:{recording}", announce=lambda _: None))
    for property_ in PROPERTIES:
        property_(begin(replayed, Fuzzing(), name=property_.__name__))
