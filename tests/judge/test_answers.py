"""The judge: for each check a wrong answer it catches and a legal variation it lets pass."""

from __future__ import annotations

import json

import pytest

from luma_conformance.catalogue.grammar import read_section
from luma_conformance.catalogue.strict_yaml import parse
from luma_conformance.judge.answers import EveryResponse, Judgement, body_of, detail_of, is_awaited, judge_step
from luma_conformance.model import Exchange, Headers, Repeat, Request
from tests.kit import case, exchange, response

UUID = "550e8400-e29b-41d4-a716-446655440000"
EVERY = """\
section: Every response
holds:
  - {id: request-id, title: t, section: Request tracing, headers: {X-Request-Id: {$echo: X-Request-Id}}}
  - {id: detail, title: t, section: Error format, on: {status: [400, 404, 429]}, body: {detail: {$is: text}}}
  - {id: created, title: t, section: Created, on: {operation: POST /v1, status: 201}, body: {id: {$is: uuid}}}
  - {id: limiter, title: t, section: Limits, on: {detail: Slow down}, headers: {Retry-After: {$at_least: 1}}}
  - {id: no-cookie, title: t, section: Headers, absent_headers: [Set-Cookie]}
"""
RULES = EveryResponse(read_section(parse(EVERY, "every.yaml"), "every-response").holdings)
NOTHING = EveryResponse(())


def answer(status: int, body: object = None, headers: Headers = (), *, url: str = "/v1/generations") -> Exchange:
    """Return an exchange whose request has the id `mine`."""
    request = Request(method="POST", url=url, headers=(("x-request-ID", "mine"),))
    return exchange(response(status, body, headers), request, received=0.1)


def judged(expectations: str, *answers: Exchange, every: EveryResponse = NOTHING) -> Judgement:
    """Return the mismatches of the answers to the case's first step."""
    return judge_step(case(expectations), 1, answers, {}, every)


def said(judgement: Judgement) -> list[str]:
    """Return each mismatch as its facet, its place and its reason."""
    return [f"{found.facet.value} {found.where}: {found.why}" for found in judgement.mismatches]


SAYS = "status: 400, detail: Bad thing"


@pytest.mark.parametrize(
    ("expectations", "answered"),
    [
        (SAYS, answer(400, {"detail": "Bad thing"})),
        (SAYS, answer(400, {"detail": "Bad thing", "request_id": "x"}, (("X-New", "1"),))),
        ("status: [402, 429]", answer(429)),
        ("status: 204", answer(204, b"")),
        ("status: 400, detail_like: 'Unknown model: {x}'", answer(400, {"detail": "Unknown model: y"})),
        ("status: 429, headers: {Retry-After: {$at_least: 1}}", answer(429, {}, (("retry-AFTER", "60"),))),
        ("status: 200, headers: {Vary: 'a, b'}", answer(200, {}, (("Vary", "a"), ("X", "y"), ("vary", "b")))),
        ("status: 400, absent_headers: [Retry-After]", answer(400, {}, (("X-Retry-After", "1"),))),
        ("status: 200, body: {state: failed, output: []}", answer(200, {"output": [], "new": 1, "state": "failed"})),
        ("status: 200, body: {failure_code: null}", answer(200, b'{"failure_code" : null}')),
    ],
)
def test_a_conforming_answer_passes(expectations: str, answered: Exchange) -> None:
    """Extra members and headers, other order, other header case and any of several statuses are no mismatch."""
    assert judged(expectations, answered) == Judgement()


@pytest.mark.parametrize(
    ("expectations", "answered", "mismatches"),
    [
        (SAYS, answer(422, {"detail": "Bad thing"}), ["status status: expected 400, got 422"]),
        ("status: [402, 429]", answer(400), ["status status: expected 402 or 429, got 400"]),
        (SAYS, answer(400, {"detail": "bad thing"}), ['detail detail: expected "Bad thing", got "bad thing"']),
        (SAYS, answer(400, {"detail": "Bad thing."}), ['detail detail: expected "Bad thing", got "Bad thing."']),
        (SAYS, answer(400, {"error": "Bad thing"}), ['detail detail: expected "Bad thing", got null']),
        (SAYS, answer(400, [{"detail": "Bad thing"}]), ['detail detail: expected "Bad thing", got null']),
        (SAYS, answer(400, b"Bad thing"), ['detail detail: expected "Bad thing", got null']),
        (
            SAYS,
            answer(400, {"detail": [{"msg": "Bad thing"}]}),
            ['detail detail: expected "Bad thing", got [{"msg": "Bad thing"}]'],
        ),
        ("status: 429, headers: {Retry-After: {$at_least: 1}}", answer(429), ["headers Retry-After: is missing"]),
        (
            "status: 429, headers: {Retry-After: {$at_least: 1}}",
            answer(429, {}, (("Retry-After", "1"), ("Retry-After", "2"))),
            ['headers Retry-After: expected a whole number of at least 1, got "1, 2"'],
        ),
        (
            "status: 400, absent_headers: [Retry-After]",
            answer(400, {}, (("retry-after", "1"),)),
            ['headers Retry-After: does not belong here, got "1"'],
        ),
        ("status: 200, body: {state: failed}", answer(200, {}), ["body body: state: is missing"]),
        ("status: 200, body: {state: failed}", answer(200, b"<html>\n"), [r'body body: is not JSON: "<html>\n"']),
        ("status: 200, body: {}", answer(200, b'{"seed": NaN}'), ['body body: is not JSON: "{\\"seed\\": NaN}"']),
        (
            "status: 400, detail: a, headers: {X-A: b}, body: {c: 1}",
            answer(500, {"detail": "e", "c": 2}),
            [
                "status status: expected 400, got 500",
                'detail detail: expected "a", got "e"',
                "headers X-A: is missing",
                "body body: c: expected 1, got 2",
            ],
        ),
    ],
)
def test_every_difference_of_a_wrong_answer_is_reported(
    expectations: str, answered: Exchange, mismatches: list[str]
) -> None:
    """Every difference is reported, not the first only, and each rests on the case's section."""
    judgement = judged(expectations, answered)

    assert said(judgement) == mismatches
    assert {(found.step, found.rests_on) for found in judgement.mismatches} == {(1, "The section")}


@pytest.mark.parametrize(
    ("expectations", "body", "note"),
    [
        ("detail: a", {"detail": "b"}, 'detail is worded "b", which the page allows'),
        ("detail: a", {"detail": "a"}, None),
        (
            "body: {state: failed, failure_reason: a}",
            {"state": "failed", "failure_reason": "b"},
            'failure_reason is worded "b", which the page allows',
        ),
    ],
)
def test_another_wording_is_noted_where_it_may_vary(expectations: str, body: object, note: str | None) -> None:
    """Another non-empty text passes and is noted; the expected one passes without a word."""
    judgement = judged(f"status: 200, wording: may-vary, {expectations}", answer(200, body))

    assert judgement == Judgement(notes=(note,) if note else ())


@pytest.mark.parametrize(
    ("expectations", "body"),
    [
        ("detail: a", {"detail": ""}),
        ("detail: a", {"detail": ["b"]}),
        ("detail: a", {}),
        ("body: {state: failed, failure_reason: a}", {"state": "completed", "failure_reason": "b"}),
        ("body: {state: failed, failure_reason: a}", {"state": "failed", "failure_reason": ""}),
        ("body: {state: failed, failure_reason: a}", {"state": "failed"}),
        ("body: [a]", ["b"]),
    ],
)
def test_only_wording_may_vary(expectations: str, body: object) -> None:
    """No text at all, or a difference elsewhere, is a mismatch even where the wording may vary."""
    judgement = judged(f"status: 200, wording: may-vary, {expectations}", answer(200, body))

    assert len(judgement.mismatches) == 1
    assert judgement.notes == ()


TRACED: Headers = (("X-Request-Id", "mine"),)


@pytest.mark.parametrize(
    ("answered", "mismatches"),
    [
        (answer(201, {"id": UUID}, TRACED), []),
        (answer(400, {"detail": "x"}, TRACED), []),
        (answer(500, b"oops", TRACED), []),
        (answer(201, {"id": UUID}), ["X-Request-Id: is missing [Request tracing]"]),
        (
            answer(201, {"id": UUID}, (("X-Request-Id", UUID),)),
            [f'X-Request-Id: expected the value that was sent, "mine", got "{UUID}" [Request tracing]'],
        ),
        (answer(201, {"id": 7}, TRACED), ["body: id: expected a UUID, got 7 [Created]"]),
        (answer(400, b"oops", TRACED), ['body: is not JSON: "oops" [Error format]']),
        (answer(429, {"detail": "Slow down"}, TRACED), ["Retry-After: is missing [Limits]"]),
        (answer(429, {"detail": "No"}, TRACED), []),
        (answer(500, {}, (*TRACED, ("Set-Cookie", "a"))), ['Set-Cookie: does not belong here, got "a" [Headers]']),
        (answer(200, b"\x89PNG", url="https://cdn.example.com/a.png"), []),
    ],
)
def test_a_holding_is_judged_where_it_applies(answered: Exchange, mismatches: list[str]) -> None:
    """A holding applies by operation, status and detail, rests on its own heading, and spares output files."""
    judgement = judged("status: [200, 201, 400, 429, 500]", answered, every=RULES)

    assert [f"{found.where}: {found.why} [{found.rests_on}]" for found in judgement.mismatches] == mismatches


POLL = "steps: [{status: 200, repeat: {until: {state: failed}, at_most: 3, meanwhile: [200, 429]}, body: {code: x}}]"
QUEUED = answer(200, {"state": "queued"}, TRACED)
FAILED = answer(200, {"state": "failed", "code": "x"}, TRACED)


@pytest.mark.parametrize(
    ("answers", "mismatches"),
    [
        ([FAILED], []),
        ([QUEUED, answer(429, {"detail": "No"}, TRACED), FAILED], []),
        (
            [QUEUED, QUEUED, QUEUED],
            [
                'sequence repeat: never came to failed in 3 requests; the last answer was 200 "queued"',
                "body body: code: is missing",
            ],
        ),
        ([answer(500, {"state": "x"}, TRACED), FAILED], ["status status: expected 200 or 429 meanwhile, got 500"]),
        ([QUEUED, answer(500, {}, TRACED), FAILED], ["status status: expected 200 or 429 meanwhile, got 500"]),
        ([answer(200, {}), answer(200, {}), FAILED], ["headers X-Request-Id: is missing"]),
    ],
)
def test_intermediate_answers_are_judged_too(answers: list[Exchange], mismatches: list[str]) -> None:
    """Each answer but the last has a status of `meanwhile` and keeps what always holds; a fault is reported once."""
    assert said(judged(POLL, *answers, every=RULES)) == mismatches


@pytest.mark.parametrize(
    ("repeat", "answered", "is_reached"),
    [
        (Repeat(until_status=429), answer(429), True),
        (Repeat(until_status=429), answer(201), False),
        (Repeat(until_state="failed"), answer(200, {"state": "failed"}), True),
        (Repeat(until_state="failed"), answer(200, {"state": "queued"}), False),
        (Repeat(until_state="failed"), answer(200, ["failed"]), False),
        (Repeat(until_state="failed"), answer(200, b"failed"), False),
    ],
)
def test_a_repeat_ends_at_its_status_or_state(repeat: Repeat, answered: Exchange, is_reached: object) -> None:
    """Only the awaited status, or the awaited state in a JSON object, ends it."""
    assert is_awaited(repeat, answered.response) is is_reached


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be", "utf-8-sig"])
def test_json_in_another_encoding_than_utf_8_is_a_finding_that_says_so(encoding: str) -> None:
    """Python reads these, and what clients are written in most often does not; nor may a server send them."""
    answered = answer(400, '{"detail": "x é"}'.encode(encoding))

    assert detail_of(answered.response) is None
    assert "is not JSON in UTF-8 without a byte order mark" in said(judged("status: 400, body: {}", answered))[0]


def test_half_of_a_surrogate_pair_in_three_bytes_is_not_utf_8() -> None:
    """As an escape it is JSON; in bytes it is what UTF-8 excludes, though Python lets it pass."""
    assert detail_of(response(400, b'{"detail": "\\ud800"}')) == "\ud800"
    assert detail_of(response(400, b'{"detail": "\xed\xa0\x80"}')) is None


@pytest.mark.parametrize("text", ['{"detail": "x é 🌊"}', ' \n{"detail":"x \\u00e9 \\ud83c\\udf0a"}\r\n'])
def test_json_in_utf_8_is_read_however_it_is_spelt(text: str) -> None:
    """Characters may be escaped, and space stand anywhere between values."""
    assert detail_of(response(400, text.encode())) == "x é 🌊"


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff", b"{", b"[" * 100_000, b"9" * 5_000, b"Infinity", '{"detail": "x"}'.encode("utf-16")[1:]],
    ids=["empty", "bytes", "cut", "deep", "great number", "no number", "half a character"],
)
def test_a_body_that_is_not_json_matches_nothing(body: bytes) -> None:
    """Whatever the bytes, there is a value, it has no detail, and no expectation of a body matches it."""
    answered = response(400, body)

    assert body_of(answered) != json.loads("null")
    assert detail_of(answered) is None
    assert said(judged("status: 400, body: {}", answer(400, body)))[0].startswith("body body: ")
