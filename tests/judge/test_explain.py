"""A failure as a person reads it: five lines, a curl command, no secrets, and no harm from what a server says."""

from __future__ import annotations

import json
import shlex

import pytest

from luma_conformance.catalogue.catalogue import Catalogue
from luma_conformance.catalogue.grammar import read_all
from luma_conformance.catalogue.strict_yaml import parse
from luma_conformance.judge.answers import EveryResponse, judge_step
from luma_conformance.judge.explain import (
    MAX_CURL_BODY,
    WIDTH,
    add_command,
    curl,
    describe,
    describe_answer,
    describe_expected,
    failure_text,
    outline,
    show_command,
)
from luma_conformance.matching import show
from luma_conformance.model import Case, Exchange, Facet, Headers, Mismatch, Outcome, Request, Response, Result, Verdict
from luma_conformance.redaction.redactor import Redactor
from luma_conformance.shown import Shown
from tests import kit

KEYFRAMES = """\
section: 400 — Invalid keyframes
operation: POST /v1/generations
accepted: {model: ray-3.2}
status: 400
cases:
  - id: negative-index
    title: a negative frame index is refused
    set: {a: -1}
    detail: video.edit.keyframe_indexes must be non-negative
  - {id: too-many, title: more frames than 64 are refused, set: {a: 1}, detail: at most 64 keyframes}
  - {id: odd-model, title: t, set: {a: 1}, detail_like: "Unknown model: {name}", erratum: the page says it twice}
  - {id: either, title: t, set: {a: 1}, detail: {$one_of: [one, {$like: "{n} others"}]}}
  - id: twice
    title: two in a row are limited
    steps: [{status: 201}, {status: 429, headers: {Retry-After: {$at_least: 1}}}]
"""
CATALOGUE = Catalogue(read_all({"create/400-keyframes": parse(KEYFRAMES, "specs/create/400-keyframes.yaml")}))
SECRET = "luma-api-secret"
BASE = "http://127.0.0.1:8080/"


scrub = Redactor({SECRET: "$LUMA_KEY"}).show


def case(slug: str) -> Case:
    """Return a case of the catalogue."""
    return kit.case_of(CATALOGUE, f"create/400-keyframes/{slug}")


def exchange(status: int, body: object, headers: Headers = (), sent: bytes = b'{"a": -1}') -> Exchange:
    """Return an answer to a request that carried the secret."""
    request = Request(method="POST", url="/v1/generations", headers=(("Authorization", f"Bearer {SECRET}"),), body=sent)
    return kit.exchange(kit.response(status, body, headers), request, received=1)


def text_of(result: Result) -> str:
    """Return the explanation of a result."""
    judged = add_command(describe(result, lambda: CATALOGUE, scrub, show_it(result)), result, BASE, scrub)
    return failure_text(judged, result.case.id, str(result.case.place))


def show_it(result: Result) -> str:
    """Return the command that shows the case of a result."""
    return show_command(result.case, None, is_own=True)


def explained(slug: str, answer: Exchange, *, step: int = 1) -> list[str]:
    """Return the lines of the explanation of a case whose step got this answer."""
    judgement = judge_step(case(slug), step, [answer], {}, EveryResponse(()))
    verdict = Verdict(outcome=Outcome.FAIL, mismatches=judgement.mismatches)
    result = Result(case=case(slug), verdict=verdict, exchanges=(answer,))
    return text_of(result).splitlines()


def test_a_failure_is_explained_in_five_lines_and_a_command() -> None:
    """Which case, what the page says, what the server said, where they differ, and how to ask again."""
    answer = exchange(400, {"detail": "keyframe_indexes[0] must be >= 0"}, (("X-Request-Id", "550e8400"),))

    assert explained("negative-index", answer) == [
        "create/400-keyframes/negative-index                             specs/create/400-keyframes.yaml:6",
        "  the page says    400  video.edit.keyframe_indexes must be non-negative",
        "  the server said  400  keyframe_indexes[0] must be >= 0",
        "  differs in       detail",
        "  again            luma-conformance show create/400-keyframes/negative-index --curl"
        "     (X-Request-Id 550e8400)",
        "                   curl -sS -i -X POST http://127.0.0.1:8080/v1/generations"
        ' -H "Authorization: Bearer $LUMA_KEY" --data-binary \'{"a": -1}\'',
    ]


def test_the_text_of_another_error_is_named() -> None:
    """A detail that the catalogue knows from another case is traced to it."""
    lines = explained("negative-index", exchange(400, {"detail": "at most 64 keyframes"}))

    assert lines[3] == "  that is          the text of create/400-keyframes/too-many (more frames than 64 are refused)"


@pytest.mark.parametrize(
    ("slug", "answer"),
    [
        ("negative-index", exchange(400, {"detail": "nobody's text"})),
        ("negative-index", exchange(422, {"detail": "video.edit.keyframe_indexes must be non-negative"})),
        ("negative-index", exchange(400, {"detail": None})),
        ("twice", exchange(500, {})),
    ],
)
def test_no_other_error_is_named_where_there_is_none(slug: str, answer: Exchange) -> None:
    """The case's own text, a text nobody knows, and no text at all are no other error's."""
    assert not [line for line in explained(slug, answer) if line.startswith("  that is")]


def test_no_other_error_is_named_where_only_headers_differ() -> None:
    """Where a step expects no particular text, the explanation names no other error."""
    lines = explained("twice", exchange(429, {"detail": "at most 64 keyframes"}), step=2)

    assert not [line for line in lines if line.startswith("  that is")]


def test_a_failure_of_a_case_of_steps_names_the_step() -> None:
    """The step is numbered, the expectation is that step's, and header faults stand with the heading they rest on."""
    lines = explained("twice", exchange(429, b""), step=2)

    assert lines[1:6] == [
        "  in step          2 of 2",
        "  the page says    429  (two in a row are limited)",
        "  the server said  429  (no body)",
        "  differs in       headers",
        "                   Retry-After: is missing  [400 — Invalid keyframes]",
    ]


def test_a_step_without_an_answer_shows_none() -> None:
    """Where an exchange broke, the answer to an earlier request is not passed off as the server's word."""
    broken = Mismatch(facet=Facet.SEQUENCE, where="exchange", why=f"no answer to {SECRET}", step=2, rests_on="s")
    verdict = Verdict(outcome=Outcome.FAIL, mismatches=(broken,))

    told = text_of(Result(case=case("twice"), verdict=verdict, exchanges=(exchange(201, {}),)))

    assert told.splitlines()[2:] == [
        "  the page says    429  (two in a row are limited)",
        "  differs in       sequence",
        "                   no answer to $LUMA_KEY  [s]",
        "  again            luma-conformance show create/400-keyframes/twice --curl",
    ]


def test_an_erratum_is_mentioned() -> None:
    """Where the page contradicts itself, the reader of a failure learns it."""
    assert "  erratum          the page says it twice" in explained("odd-model", exchange(400, {"detail": "x"}))


@pytest.mark.parametrize(
    ("slug", "words"),
    [
        ("control", "201  (the request this section starts from is accepted)"),
        ("odd-model", "400  Unknown model: {name}"),
        ("either", "400  one — or — {n} others"),
    ],
)
def test_the_expected_answer_is_one_line(slug: str, words: str) -> None:
    """A text, a template, a choice, or else the case's title."""
    assert describe_expected(case(slug).steps[0].expect, case(slug)) == words


HOSTILE = {
    "empty": b"",
    "html": b"<html>\n  <h1>Bad\tGateway</h1>",
    "binary": b"\xff\xfe\x00",
    "deep": b"[" * 100_000,
    "long": b'{"detail": "' + b"x" * 1_000_000 + b'"}',
    "controls": json.dumps({"detail": "line\nline\r\x1b[2J\x9b2J\u202e"}).encode(),
    "surrogate": b'{"detail": "\\ud800"}',
    "object": b'{"detail": {"a": [1, null]}}',
    "great number": b"9" * 10_000,
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("slug", ["negative-index", "control"])
def test_any_answer_is_shown_on_one_line(slug: str, body: bytes) -> None:
    """No body breaks the explanation, adds lines to it, reaches the terminal as a command, or cannot be encoded."""
    lines = explained(slug, exchange(418, body, (("X-Request-Id", "a\x1b]0;b\x07" + "c" * 500),)))

    assert [line[2:17].strip() for line in lines][1:] in (
        ["the page says", "the server said", "differs in", "again", ""],
        ["the page says", "the server said", "that is", "differs in", "again", ""],
    )
    assert all(line.isprintable() and line.encode() and len(line) < 600 for line in lines)


@pytest.mark.parametrize(
    "answer",
    [
        exchange(400, {"detail": f"key {SECRET} is wrong"}),
        exchange(400, {"detail": "x" * 395 + SECRET}),
        exchange(400, f"<p>{'x' * 392} {SECRET}</p>".encode()),
        exchange(500, {}, (("X-Request-Id", SECRET),)),
        exchange(500, {}, (("X-Request-Id", "x" * 70 + SECRET),)),
        exchange(400, {}, sent=f'{{"prompt": "{SECRET}"}}'.encode()),
    ],
    ids=["detail", "cut detail", "cut body", "request id", "cut request id", "request"],
)
def test_no_secret_is_shown_whole_or_in_part(answer: Exchange) -> None:
    """Every text of the server's and of the request's passes the given function before it is cut."""
    told = "\n".join(explained("negative-index", answer))

    assert SECRET[:5] not in told.replace("luma-conformance", "")
    assert "$" in told


def test_a_verdict_takes_few_searches() -> None:
    """What a right answer came to is searched for secrets at once; of a wrong one, the evidence, and the command."""
    searched: list[str] = []

    def count(text: str) -> Shown:
        searched.append(text)
        return scrub(text)

    def judged(said: str) -> Result:
        answer = exchange(400, {"detail": said}, (("X-Request-Id", "550e8400"),))
        wrong = judge_step(case("negative-index"), 1, [answer], {}, EveryResponse(())).mismatches
        verdict = Verdict(outcome=Outcome.FAIL, mismatches=wrong)
        return Result(case=case("negative-index"), verdict=verdict, exchanges=(answer,))

    wrong = judged("no")
    outline(wrong, count)
    assert len(searched) == 1
    searched.clear()
    described = describe(wrong, lambda: CATALOGUE, count, show_it(wrong))
    assert len(searched) == 1
    add_command(described, wrong, BASE, count)
    assert len(searched) == 2
    searched.clear()
    repeated = judged(f"no {SECRET}")
    describe(repeated, lambda: CATALOGUE, count, show_it(repeated))
    assert len(searched) > 2  # with a secret in one of them, each text is searched alone


def test_a_secret_in_one_text_changes_no_other() -> None:
    """The evidence is the same for two answers of which one repeats the key, apart from where it is repeated."""
    plain, repeated = (
        explained("negative-index", exchange(400, {"detail": f"key {word} is wrong"})) for word in ("$LUMA_KEY", SECRET)
    )
    assert plain == repeated


@pytest.mark.parametrize("before", [*range(170, 200, 5), *range(370, 400, 5)])
def test_a_secret_across_the_cut_is_removed_whole(before: int) -> None:
    """A reason is cut once the secret is out of it, wherever in a long text the secret stands."""
    why = f"expected x, got {show('y' * before + SECRET + 'z' * 500)}"
    wrong = Mismatch(facet=Facet.BODY, where="body", why=why, step=1, rests_on="s")
    result = Result(case=case("negative-index"), verdict=Verdict(outcome=Outcome.FAIL, mismatches=(wrong,)))

    told = text_of(result).replace("luma-conformance", "")

    assert SECRET[:5] not in told
    assert " more characters" in told


def test_a_long_path_is_shown_whole() -> None:
    """A file far from here is shown whole, after its case."""
    file = "/far" * WIDTH
    found = next(iter(Catalogue(read_all({"x": parse(KEYFRAMES, file)}))))
    wrong = Mismatch(facet=Facet.STATUS, where="status", why="w", step=1, rests_on="s")
    result = Result(case=found, verdict=Verdict(outcome=Outcome.FAIL, mismatches=(wrong,)))

    assert text_of(result).startswith(f"x/control {file}:3\n")


@pytest.mark.parametrize(
    "headers",
    [
        (("Authorization", 'Bearer a"b'),),
        (("Authorization", "Bearer $(reboot)"),),
        (("Authorization", "Bearer `reboot`"),),
        (("X-Name", "it's $HOME"),),
    ],
)
def test_a_curl_line_runs_nothing_but_curl(headers: Headers) -> None:
    """What a shell would expand or run is quoted; the words come out as they went in."""
    name, value = headers[0]
    line = curl(Request(method="POST", url="/v1/x y", headers=headers, body=b"{'}"), BASE, "show")

    assert shlex.split(line)[5:] == ["http://127.0.0.1:8080/v1/x y", "-H", f"{name}: {value}", "--data-binary", "{'}"]
    assert f'"{name}' not in line


def test_a_request_without_a_body_has_none_on_its_curl_line() -> None:
    """A GET is asked again as a GET."""
    line = curl(Request(method="GET", url="/v1/generations/x"), BASE, "show")

    assert line == "curl -sS -i -X GET http://127.0.0.1:8080/v1/generations/x"


def test_a_long_body_is_piped_in() -> None:
    """A body that fits no line comes from `luma-conformance show`; a request elsewhere keeps its own URL."""
    request = Request(method="POST", url="https://cdn/x", body=b"x" * (MAX_CURL_BODY + 1))

    assert curl(request, BASE, "luma-conformance show a/b --step 2") == (
        "luma-conformance show a/b --step 2 --body | curl -sS -i -X POST https://cdn/x --data-binary @-"
    )


def test_an_answer_is_shown_as_status_and_text() -> None:
    """A text is cut at 400 characters, and says so."""
    assert describe_answer(Response(status=502, body=b""), scrub) == "502  (no body)"
    assert (
        describe_answer(Response(status=400, body=b'{"detail": "%s"}' % (b"x" * 401)), scrub)
        == f"400  {'x' * 400}… 1 more characters"
    )
