"""The schema put to work: what is generated from it, what it says of an answer, and wrong servers it catches."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import textwrap
import tomllib
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator

from luma_conformance.model import ABSENT, Ask, Exchange, Request, Response, header
from luma_conformance.properties import openapi
from luma_conformance.properties.luma_target import LumaTarget
from luma_conformance.properties.nonconformance import NonConformance
from luma_conformance.rules import Rejected, Unspecified, predict
from luma_conformance.strategies import KINDS, Material
from luma_conformance.suite import test_schema as schema
from tests import kit, miniatures
from tests.kit import read_cases
from tests.miniatures import Handle, Wrong, answering, in_another_order, on_answers, on_requests, right
from tests.specs.test_openapi import DOCUMENT, NOT_SAID, REQUEST, quick
from tests.suite.target_on import target_on

Property = Callable[[LumaTarget], None]

ALLOWED = schema.test_what_the_schema_allows_is_answered_as_documented
FORBIDDEN = schema.test_what_the_schema_forbids_is_answered_in_order
NOBODYS = schema.test_an_id_of_nobodys_is_not_found
KEYS = schema.test_a_key_that_opens_nothing_opens_nothing
LINK = schema.test_what_is_accepted_is_found_by_its_link

HEADERS = (("Content-Type", "application/json"), ("X-Request-Id", "r"), ("X-API-Version", "2026-04-01"))
RATES = (("X-RateLimit-Limit", "30"), ("X-RateLimit-Remaining", "29"), ("X-RateLimit-Reset", "1712592060"))


pytestmark = pytest.mark.slow


def drawn(examples: int, *, valid: bool) -> list[Any]:
    """Return the bodies of generated submissions, in the order they come."""
    bodies: list[Any] = []

    @quick(examples)
    @given(schema.document().submissions(valid=valid))
    def keep(ask: Ask) -> None:
        bodies.append(ask.body)

    keep()
    return bodies


def answer(status: int, body: object, *more: tuple[str, str], method: str = "POST") -> Exchange:
    """Return an exchange of that answer."""
    sent = Request(method=method, url="/v1/generations")
    return kit.exchange(kit.response(status, body, (*HEADERS, *more)), sent)


def test_generated_valid_requests_are_valid_and_of_every_kind() -> None:
    """The schema itself, read by another validator, and the oracle let pass what is generated as valid."""
    bodies = drawn(300, valid=True)

    assert {body.get("type", "image") for body in bodies} == set(KINDS)
    assert [body for body in bodies if not REQUEST.is_valid(body)] == []
    for body in bodies:
        prediction = predict(body)
        broken = {v.rule for v in prediction.violations} if isinstance(prediction, Rejected) else set()
        assert broken <= NOT_SAID.keys(), body


def test_generated_invalid_requests_are_invalid() -> None:
    """The schema refuses what is generated as invalid, unless all that is wrong is a member it does not name."""
    bodies = drawn(150, valid=False)
    closed = Draft202012Validator(
        openapi._prepare_for_generating(DOCUMENT) | {"$ref": "#/components/schemas/GenerationRequest"},
        format_checker=Draft202012Validator.FORMAT_CHECKER,
    )

    assert [body for body in bodies if isinstance(body, dict) and closed.is_valid(body)] == []
    assert sum(not isinstance(body, dict) or not REQUEST.is_valid(body) for body in bodies) > 0.9 * len(bodies)
    assert any(isinstance(predict(body), Rejected) for body in bodies)


def test_generation_is_repeatable() -> None:
    """Without chance from outside, two runs generate the same."""
    assert drawn(30, valid=False) == drawn(30, valid=False)


def test_generated_ids_are_uuids_or_not() -> None:
    """A poll made to be invalid is mostly for something that is no UUID, and stays one segment of its path."""
    seen: Counter[bool] = Counter()

    @quick(60)
    @given(schema.document().lookups(valid=False))
    def look(ask: Ask) -> None:
        name = ask.url.removeprefix("/v1/generations/")
        assert (ask.method, ask.body) == ("GET", ABSENT)
        assert name.isascii()
        assert not set(name) & set("/?# ")
        seen[len(name) == 36] += 1

    look()
    assert seen[False] > seen[True]


def test_no_server_has_made_a_generated_id() -> None:
    """The simplest UUID Hypothesis draws is the reference's first: as an id of nobody's it has another version."""
    luma_target = target_on(right)
    made = luma_target.exchange(luma_target.request(body=b'{"prompt": "a"}'))
    assert b"e3e70682-c209-4cac-a29f-6fbed82c07cd" in made.response.body

    @quick(30)
    @given(schema.document().lookups(valid=True))
    def look(ask: Ask) -> None:
        assert uuid.UUID(ask.url.rpartition("/")[2]).version == 8

    look()
    schema.test_an_id_of_nobodys_is_not_found(luma_target)


GENERATION = miniatures.ACCEPTED


@pytest.mark.parametrize(
    ("exchange", "said"),
    [
        (answer(418, {"detail": "no"}), "Undocumented status code: Received: 418"),
        (answer(400, {"detail": ["no"]}), 'at /detail expected type "string"'),
        (answer(400, {"message": "no"}), 'at / expected required ["detail"]'),
        (answer(400, b"<html>"), "JSON deserialization error"),
        (answer(201, GENERATION), "X-RateLimit-Limit"),
        (answer(201, {**GENERATION, "state": "completed"}, *RATES), 'at /state expected const "queued"'),
        (answer(200, {**GENERATION, "state": "paused"}, method="GET"), 'at /state expected enum ["queued"'),
        (answer(200, {**GENERATION, "state": "failed"}, method="GET"), "members do not go together"),
        (
            answer(200, {**GENERATION, "output": [{"type": "image"}]}, method="GET"),
            'at /output/0 expected required ["type", "url"]',
        ),
        (answer(429, {"detail": "Too many concurrent jobs"}), "Retry-After"),
        (answer(402, {"detail": "no"}, method="GET"), "Undocumented status code"),
    ],
)
def test_an_undocumented_answer_is_reported_in_one_line(exchange: Exchange, said: str) -> None:
    """What departs from the schema is said in one line."""
    told = schema.document().find_departures(exchange)

    assert any(said in departure for departure in told), told
    assert not any("\n" in departure for departure in told)


def test_a_schema_finding_names_the_place_and_not_the_text() -> None:
    """What the server said is not repeated, cut short where a secret may be: the line beside it says it, scrubbed."""
    secret = "luma-api-" + "s" * 200

    for body in ({"detail": {secret: secret}}, {"detail": [secret] * 50}):
        told = schema.document().find_departures(answer(400, body))
        assert told
        assert "luma-api" not in "".join(told)


@pytest.mark.parametrize(
    "exchange",
    [
        answer(201, {**GENERATION, "trace": "abc"}, *RATES, ("X-Served-By", "edge")),
        answer(200, {**GENERATION, "state": "processing"}, method="GET"),
        answer(429, {"detail": "Too many concurrent jobs"}, ("Retry-After", "60")),
        answer(
            429, {"detail": "Rate limit exceeded"}, ("Retry-After", "12"), *RATES[::2], ("X-RateLimit-Remaining", "0")
        ),
        answer(404, {"detail": "Generation not found"}, method="GET"),
    ],
)
def test_an_answer_that_is_documented_is_not_accused(exchange: Exchange) -> None:
    """More members and headers than documented are nobody's fault."""
    assert schema.document().find_departures(exchange) == ()


def test_a_status_is_let_pass_where_it_is_open() -> None:
    """Where the page does not say how a body is answered, no status is undocumented."""
    assert schema.document().find_departures(answer(415, {"detail": "no"}), status_is_open=True) == ()


def changed(when: Callable[[Request, Response], bool], change: Callable[[Response], Response]) -> Wrong:
    """Change the answers for which `when` says so."""
    return on_answers(lambda request, response: change(response) if when(request, response) else response)


def told(status: int, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Wrong:
    """Change the JSON body of the answers of that status."""
    return changed(
        lambda _, response: response.status == status,
        lambda response: replace(response, body=json.dumps(change(json.loads(response.body))).encode()),
    )


def typed(status: int, content_type: str) -> Wrong:
    """Declare the answers of that status to be of another type."""
    return changed(
        lambda _, response: response.status == status,
        lambda response: replace(
            response,
            headers=tuple((name, content_type if name == "Content-Type" else text) for name, text in response.headers),
        ),
    )


def without(member: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Return a change that leaves a member out."""
    return lambda body: {name: value for name, value in body.items() if name != member}


def keyless(request: Request) -> bool:
    """Return whether a request comes without a key."""
    return header(request.headers, "Authorization") is None


def is_post(request: Request, body: bytes = b"") -> bool:
    """Return whether a request submits something with these bytes in it."""
    return request.method == "POST" and body in request.body


def forgets(handle: Handle) -> Handle:
    """Find no generation that was accepted: the link is broken."""
    gone = handle(
        Request(method="GET", url="/v1/generations/x", headers=(("Authorization", "Bearer luma-api-test-main"),))
    )

    def change(request: Request, response: Response) -> Response:
        if request.method == "GET" and response.status == 200:
            traced = ("X-Request-Id", header(request.headers, "X-Request-Id") or "")
            return replace(gone, headers=(*(h for h in gone.headers if h[0] != "X-Request-Id"), traced))
        return response

    return on_answers(change)(handle)


def crashing(when: Callable[[Request], bool]) -> Wrong:
    """Answer 500 to the requests for which `when` says so."""
    return answering(500, b'{"detail": "oops"}', when)


def headless(name: str, status: int) -> Wrong:
    """Leave a header out of the answers of a status."""
    return miniatures.without_header(name, on=lambda response: response.status == status)


def is_no_object(request: Request) -> bool:
    """Return whether a request submits something that is no JSON object."""
    return is_post(request) and request.body[:1] != b"{"


def is_keyless_post(request: Request) -> bool:
    """Return whether a request submits something without a key."""
    return keyless(request) and is_post(request)


INVALID = json.dumps({"detail": "Prompt must be between 1 and 6000 characters"}).encode()
MADE = json.dumps(GENERATION).encode()
CRASHED = "the server said  500"
MEMBERS = '"created_at", "output", "failure_reason"'

WRONG: dict[str, tuple[Wrong, Property, str]] = {
    "undocumented": (miniatures.another_status(404, 410, "Generation not found"), NOBODYS, "410"),
    "a member missing": (told(201, without("output")), ALLOWED, MEMBERS),
    "a member missing of a poll": (told(200, without("output")), LINK, MEMBERS),
    "a list of errors": (told(400, lambda _: {"detail": [{"msg": "no"}]}), FORBIDDEN, "detail"),
    "another content type": (typed(400, "text/plain"), FORBIDDEN, "Content-Type"),
    "another content type of a poll": (typed(404, "text/html"), NOBODYS, "Content-Type"),
    "a header missing": (headless("X-API-Version", 404), NOBODYS, "X-API-Version"),
    "a rate header missing": (headless("X-RateLimit-Reset", 201), ALLOWED, "X-RateLimit-Reset"),
    "a crash on an empty text": (crashing(lambda r: is_post(r, b'"prompt": ""')), FORBIDDEN, CRASHED),
    "a crash on what is no JSON": (crashing(is_no_object), FORBIDDEN, CRASHED),
    "a crash on an odd id": (crashing(lambda r: r.method == "GET" and "%" in r.url), NOBODYS, CRASHED),
    "a web page": (answering(400, b"<html>Bad Request</html>", is_no_object), FORBIDDEN, "no request at all"),
    "a broken link": (forgets, LINK, "not what its id leads to"),
    "no key, validated all the same": (
        answering(400, INVALID, is_keyless_post), KEYS, "the page says    401  Missing or invalid API key"
    ),
    "no key, accepted": (answering(201, MADE, is_keyless_post), KEYS, "the server said  201"),
    "no key, looked up": (
        answering(404, b'{"detail": "Generation not found"}', lambda r: keyless(r) and r.method == "GET"), KEYS,
        "the page says    401",
    ),
    "a revoked key taken for unknown": (
        miniatures.another_detail("API key has been revoked", "Invalid API key"), KEYS, "API key has been revoked"
    ),
}  # fmt: skip
"""A server that is wrong in one thing, the property that catches it, and a part of the explanation."""


@pytest.mark.parametrize(("wrong", "judged", "said"), WRONG.values(), ids=WRONG)
def test_a_wrong_server_is_caught(wrong: Wrong, judged: Property, said: str) -> None:
    """A server wrong in one thing is caught, with what it said and the request to send again, and no traceback."""
    with pytest.raises(NonConformance) as found:
        judged(target_on(wrong, examples=100))

    explanation = str(found.value)
    assert said in explanation
    assert "  the server said  " in explanation
    assert "  again            " in explanation
    assert "curl -sS -i -X " in explanation
    assert "schemathesis" not in explanation


@pytest.mark.parametrize(
    ("wrong", "operation"),
    [
        (miniatures.another_detail("API key has been revoked", "Invalid API key"), "POST /v1/generations"),
        (miniatures.another_status(404, 410, "Generation not found"), "GET /v1/generations/{generation_id}"),
    ],
)
def test_a_finding_comes_with_a_valid_case_file(wrong: Wrong, operation: str) -> None:
    """The YAML that comes with a finding names the key and the path it takes, and reads without a problem."""
    with pytest.raises(NonConformance) as found:
        (KEYS if operation.startswith("POST") else NOBODYS)(target_on(wrong))

    text = str(found.value).partition("as a case, to keep:\n\n")[2]
    (case,) = read_cases(text)
    assert case.operation == operation
    assert case.steps[0].ask.auth.role == ("revoked-key" if operation.startswith("POST") else "main-key")


@on_answers
def other_refusals(request: Request, response: Response) -> Response:
    """Refuse undocumented requests with statuses of its own, and ids of odd characters with a web page."""
    if request.method == "GET" and response.status == 404 and "%2F" in request.url:
        return Response(status=404, headers=(("Content-Type", "text/html"),), body=b"<html>Not Found</html>")
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError):
        body = None
    if request.method == "POST" and response.status != 401 and not isinstance(body, dict):
        return replace(response, status=415, body=b'{"detail": "a JSON object is wanted"}')
    return response


def body_first(handle: Handle) -> Handle:
    """Validate a submission before its key: legal, where the body is wrong."""

    def answered(request: Request) -> Response:
        trusted = tuple(
            (name, "Bearer luma-api-test-main" if name == "Authorization" else value) for name, value in request.headers
        )
        if keyless(request):
            trusted = (*request.headers, ("Authorization", "Bearer luma-api-test-main"))
        looked = handle(replace(request, headers=trusted))
        return looked if request.method == "POST" and looked.status == 400 else handle(request)

    return answered


@pytest.mark.parametrize(
    "legal",
    [
        pytest.param(right, id="none"),
        pytest.param(miniatures.with_extras, id="extras"),
        pytest.param(typed(400, "application/json; charset=utf-8"), id="charset"),
        pytest.param(in_another_order, id="order"),
        pytest.param(other_refusals, id="other refusals"),
        pytest.param(body_first, id="body before key"),
    ],
)
def test_a_legal_server_is_not_accused(legal: Wrong) -> None:
    """More members and headers, a charset, another order of checks and answers to open questions are no fault."""
    luma_target = target_on(legal, examples=20)

    for judged in (ALLOWED, FORBIDDEN, NOBODYS, KEYS, LINK):
        judged(luma_target)

    assert luma_target.session.spending.spent > 0  # how many requests break a rule is left to chance


def test_off_this_machine_only_sure_refusals_are_sent() -> None:
    """Off this machine no submission with the key is sent that is not predicted to be refused."""
    sent: Counter[str] = Counter()

    def noted(request: Request) -> Request:
        trusted = header(request.headers, "Authorization") == "Bearer luma-api-test-main"
        if request.method == "POST" and trusted:
            sent[type(predict(json.loads(request.body))).__name__] += 1
        return request

    luma_target = target_on(on_requests(noted), limit=0, examples=60)
    FORBIDDEN(luma_target)
    KEYS(luma_target)
    for costly in (ALLOWED, LINK):
        with pytest.raises(pytest.skip.Exception, match="would cost money"):
            costly(luma_target)

    assert sent.keys() == {"Rejected"}
    assert luma_target.session.spending.spent == 0


def test_nothing_sent_is_not_conformance() -> None:
    """Off this machine a run in which nothing was sure to be refused is not judged."""
    luma_target = target_on(right, limit=0)
    luma_target.send_checked = lambda *_: (Unspecified(reason="open"), None)  # type: ignore[method-assign]

    with pytest.raises(pytest.skip.Exception, match="would cost money"):
        FORBIDDEN(luma_target)


def test_without_schemathesis_the_schema_is_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the extra is not installed, the properties say so, and how to get it."""
    monkeypatch.setitem(sys.modules, "schemathesis", None)
    monkeypatch.delitem(sys.modules, "luma_conformance.properties.openapi", raising=False)
    monkeypatch.setattr(schema, "document", schema.document.__wrapped__)

    for judged in (ALLOWED, FORBIDDEN, NOBODYS, KEYS, LINK):
        with pytest.raises(pytest.skip.Exception, match=r"needs schemathesis: pip install .*\[schema\]"):
            judged(target_on(right))


def test_schemathesis_is_used_in_one_file_and_held_to_one_minor_version() -> None:
    """Only one module imports schemathesis, and the extra allows the patches of one minor version alone."""
    root = Path(__file__).resolve().parents[2]
    importing = re.compile(r"(?m)^\s*(?:from|import) schemathesis")
    extras = tomllib.loads((root / "pyproject.toml").read_text())["project"]["optional-dependencies"]

    users = [file.name for file in (root / "conformance").rglob("*.py") if importing.search(file.read_text())]

    assert users == ["openapi.py"]
    assert re.fullmatch(r"schemathesis~=\d+\.\d+\.0", *extras["schema"])


def test_a_limit_in_the_way_leaves_a_property_unjudged() -> None:
    """A target that answers 429 to everything is neither right nor wrong here."""
    limited = changed(lambda *_: True, lambda response: replace(response, status=429))

    for judged in (ALLOWED, FORBIDDEN, NOBODYS, KEYS, LINK):
        with pytest.raises(pytest.skip.Exception, match="limit came in the way"):
            judged(target_on(limited))


def test_hypothesis_is_left_as_it_is() -> None:
    """Generating from a schema does not take falsifying examples from the tests of the same process."""
    program = """
        import warnings
        import hypothesis.core
        from hypothesis.vendor.pretty import RepresentationPrinter
        from luma_conformance.suite.test_schema import document
        warnings.simplefilter("ignore")
        document().submissions(valid=True).example()
        assert hypothesis.core.RepresentationPrinter is RepresentationPrinter
    """

    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True)


def test_a_schemathesis_configuration_file_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A schemathesis.toml in the working folder, even a broken one, changes nothing."""
    (tmp_path / "schemathesis.toml").write_text("[generation\n")
    monkeypatch.chdir(tmp_path)

    assert openapi.load(DOCUMENT).find_departures(answer(404, {"detail": "no"}, method="GET")) == ()


def test_generated_references_to_media_use_those_on_offer() -> None:
    """Well-formed members of references are replaced, each by its like; what is wrong with a reference stays."""
    material = Material(completed_video="7c9e6679-7425-40de-944b-e07fc1f90ae7")
    prior = "d290f1ee-6c54-4b01-90e6-d701748f0851"
    body = {
        "type": "video_edit",
        "source": {"url": "https://a.test/", "media_type": "video/ogg"},
        "image_ref": [{"url": 5}, None, {"data": "AAAA", "media_type": "a/b"}],
        "video": {"start_frame": {"generation_id": prior}, "edit": {"keyframes": [{"url": "http://a.test/"}]}},
    }

    grounded = material.use_offered(body)

    media_type, data = material.images[0]
    assert grounded == {
        "type": "video_edit",
        "source": {"url": material.video_url, "media_type": "video/mp4"},
        "image_ref": [{"url": 5}, None, {"data": data, "media_type": media_type}],
        "video": {
            "start_frame": {"generation_id": material.completed_video},
            "edit": {"keyframes": [{"url": "http://a.test/"}]},
        },
    }
    others: tuple[object, ...] = (None, [], b"x", ABSENT)
    assert [material.use_offered(value) for value in others] == list(others)
