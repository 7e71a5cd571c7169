"""Contexts proved on wrong servers: each looks at something that does not matter, and the finding names it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from luma_conformance.catalogue.pictures import draw_pictures
from luma_conformance.model import Request, Response, header
from luma_conformance.properties.fuzzing import Fuzzing
from luma_conformance.properties.in_context import judge_example
from luma_conformance.properties.luma_target import LumaTarget, begin
from luma_conformance.properties.nonconformance import NonConformance
from luma_conformance.redaction.redactor import Redactor
from luma_conformance.session.record import record, replay
from luma_conformance.strategies import KINDS, Body
from luma_conformance.strategies.contexts import BREACHES
from luma_conformance.strategies.spelling import PLAINLY
from luma_conformance.suite import test_contexts as contexts
from luma_conformance.target.channel import LiveChannel
from luma_conformance.target.pacing import Traffic
from tests.kit import PROFILE
from tests.miniatures import Handle, Wrong, in_another_order, on_answers, on_body, on_requests, right
from tests.suite.target_on import target_on

Seen = Callable[[Body], Body]
RULE, PAIRS = contexts.test_nothing_beside_a_rule_changes_it, contexts.test_whatever_goes_together_is_judged_alike
TALL = {one.data for one in draw_pictures() if one.height > 8000}


def find(luma_target: LumaTarget, rule: str) -> str:
    """Return the explanation of what is wrong beside a rule, or in the pairs of a type."""
    judge = PAIRS if rule in KINDS else RULE
    with pytest.raises(NonConformance) as found:
        judge(rule, luma_target)
    return str(found.value)


def beside(present: str, changed: Body) -> Seen:
    """Return a server's view of a body that overlooks something where a field is present."""
    return lambda body: {**body, **changed} if body.get(present) is not None else body


def in_video(body: Body, **changed: Any) -> Body:
    """Return a body with other video options."""
    return {**body, "video": {**body["video"], **changed}}


def last_index_overlooked(body: Body) -> Body:
    """Look at all indexes but the last."""
    match body:
        case {"video": {"edit": {"keyframe_indexes": [*_, _, last]} as edit}} if last < 0:
            indexes = [*edit["keyframe_indexes"][:-1], 119]
            return in_video(body, edit={**edit, "keyframe_indexes": indexes})
    return body


def square_overlooked(body: Body) -> Body:
    """Overlook HDR in square."""
    video = body.get("video") or {}
    hides = video.get("hdr") and video.get("resolution") == "540p" and body.get("aspect_ratio") == "1:1"
    return in_video(body, resolution="720p") if hides else body


def first_member_overlooked(body: Body) -> Body:
    """Read a model only where something comes before it."""
    return {name: body[name] for name in body if name != "model"} if next(iter(body)) == "model" else body


def null_taken_for_a_source(body: Body) -> Body:
    """Take null for a source."""
    return {**body, "source": {"url": "https://media.test/image.png"}} if body.get("source", ...) is None else body


def loops_in_1080p_refused(body: Body) -> Body:
    """Refuse what is allowed: a loop in 1080p."""
    video = body.get("video") or {}
    return in_video(body, duration="10s") if video.get("loop") and video.get("resolution") == "1080p" else body


def only_first_reference(body: Body) -> Body:
    """Load only the first reference."""
    good = {"url": "https://media.test/image.png"}
    refs = [*(body.get("image_ref") or [])]
    spoilt = [re.search(r"[!#%.]|💾", one.get("data", "")) for one in refs]
    kept = [good if number and bad else one for number, (one, bad) in enumerate(zip(refs, spoilt, strict=True))]
    return {**body, "image_ref": kept} if refs else body


def seen_small(is_seen: Callable[[dict[str, Any]], bool]) -> Seen:
    """Return a server's view in which pictures of a kind are small."""

    def view(value: Any) -> Any:
        if isinstance(value, list):
            return [view(one) for one in value]
        if not isinstance(value, dict):
            return value
        if len(value.get("data", "")) > 600 and is_seen(value):
            return {"url": "https://media.test/image.png"}
        return {name: view(member) for name, member in value.items()}

    return view


def every_status_is_404(body: Body) -> Body:
    """Tell of every error of a URL's host as of a missing file."""
    text = json.dumps(body).replace("forbidden.png", "missing.png").replace("failing.png", "missing.png")
    seen: Body = json.loads(text)
    return seen


def on_text(see: Callable[[bytes], bytes]) -> Wrong:
    """Return a server that reads the text of a body in a way of its own."""
    return on_requests(lambda request: replace(request, body=see(request.body)))


def count_escapes(body: bytes) -> bytes:
    """Count the characters of a prompt as it is spelt."""
    spelt = re.search(rb'"(?:prompt|\\u0070\\u0072\\u006f\\u006d\\u0070\\u0074)"\s*:\s*"((?:[^"\\]|\\.)*)"', body)
    return b'{"prompt": ""}' if spelt and len(spelt[1].decode()) > 6000 else body


def no_exponents(body: bytes) -> bytes:
    """Read no numbers with an exponent."""
    return re.sub(rb"[0-9.]+e0", b"9", body)


def where(is_seen: Callable[[Request], bool], **seen: Any) -> Wrong:
    """Return a server that sees other members in a body, where a request has what does not matter."""

    def see(request: Request) -> Request:
        if request.method != "POST" or not is_seen(request):
            return request
        return replace(request, body=json.dumps({**json.loads(request.body), **seen}).encode())

    return on_requests(see)


def sent(name: str) -> Callable[[Request], str]:
    """Return what a request has in a header, or an empty text."""
    return lambda request: header(request.headers, name) or ""


def after_success(handle: Handle) -> Handle:
    """Look at no prompt in the request after an accepted one."""
    last = [0]

    def answer(request: Request) -> Response:
        body = json.loads(request.body)
        known = {**body, "prompt": "x"} if last[0] == 201 else body
        response = handle(replace(request, body=json.dumps(known).encode()))
        last[0] = response.status
        return response

    return answer


WRONG = {
    "manga only without a user_id": (
        on_body(beside("user_id", {"style": "auto"})), "manga-not-portrait", "right without    user_id",
    ),
    "models only without references": (
        on_body(beside("image_ref", {"model": "uni-1"})), "unknown-model", "right without    image_ref",
    ),
    "the last index overlooked": (
        on_body(last_index_overlooked), "keyframe-index-negative", "right without    index -1 as the last of",
    ),
    "HDR overlooked in square": (
        on_body(square_overlooked), "540p-with-hdr", "right without    aspect_ratio 1:1",
    ),
    "the first member overlooked": (
        on_body(first_member_overlooked), "unknown-model", "right without    members",
    ),
    "null taken for a source": (on_body(null_taken_for_a_source), "image", "right without    source null"),
    "a legal pair refused": (
        on_body(loops_in_1080p_refused), "loop-with-hdr", "right without    video.resolution 1080p",
    ),
    "only the first reference loaded": (on_body(only_first_reference), "base64-invalid", "base64-invalid: image_ref["),
    "only PNGs measured": (
        on_body(seen_small(lambda one: one["media_type"] != "image/png")), "image-too-wide", "inline image/",
    ),
    "only the width measured": (
        on_body(seen_small(lambda one: one["data"] in TALL)), "image-too-wide", "of 64x8001",
    ),
    "every error of a host is a 404": (on_body(every_status_is_404), "url-http-error", "(failing-url)"),
    "characters counted as they are spelt": (on_text(count_escapes), "prompt-too-long", "the page says    201"),
    "no exponents read": (on_text(no_exponents), "video_reframe", "right without    fractions as 1.0e0"),
    "no line breaks read": (
        on_text(lambda body: body.replace(b"\n,\t", b";")), "source-on-image", "right without    JSON with line breaks",
    ),
    "anything for a second key": (
        where(lambda request: sent("Authorization")(request).endswith("-second"), style="auto"),
        "manga-not-portrait", "right without    a second key of the client",
    ),
    "anything for another client": (
        where(lambda request: sent("Authorization")(request).endswith("-other"), prompt="x"),
        "prompt-empty", "right without    the key of another client",
    ),
    "no charset but UTF-8 without quotes": (
        where(lambda request: '"' in sent("Content-Type")(request), source=None),
        "source-on-image", "right without    a charset in quotes",
    ),
    "nothing checked without a request id": (
        where(lambda request: not sent("X-Request-Id")(request), model="ray-3.2"),
        "unknown-model", "right without    no X-Request-Id",
    ),
    "nothing checked with a long request id": (
        where(lambda request: len(sent("X-Request-Id")(request)) > 100, prompt="x"),
        "prompt-too-long", "right without    a long X-Request-Id",
    ),
    "an SDK trusted": (
        where(lambda request: "Luma/" in sent("User-Agent")(request), image_ref=[]),
        "edit-references-too-many", "right without    the headers of an SDK",
    ),
    "a browser trusted": (
        where(lambda request: "=" in sent("Cookie")(request), aspect_ratio="1:3"),
        "manga-not-portrait", "right without    the headers of a browser",
    ),
    "header names in small letters not checked": (
        where(lambda request: any(name == "authorization" for name, _ in request.headers), style="auto"),
        "manga-not-portrait", "right without    header names in small letters",
    ),
    "the key looked for first": (
        where(lambda request: request.headers[-1][0].lower() == "authorization", style="auto"),
        "manga-not-portrait", "right without    headers in the opposite order",
    ),
    "no long bodies read": (
        where(lambda request: request.body.startswith(b" " * 999), model="uni-1"),
        "unknown-model", "right without    JSON with 10,000 blanks around it",
    ),
    "members read in order": (
        where(lambda request: [*(body := json.loads(request.body))] == sorted(body, reverse=True) and len(body) > 3,
              style="auto"),
        "manga-not-portrait", "right without    members sorted, the last first",
    ),
    "a strength not known": (
        on_body(lambda body: in_video(body, loop=False)
                if "reimagine_2" in json.dumps(body) and body["video"].get("loop") else body),
        "loop-off-video", "right without    video.edit.strength reimagine_2",
    ),
    "nothing checked after what was accepted": (after_success, "prompt-too-long", "prompt-too-long: prompt"),
}  # fmt: skip


@pytest.mark.parametrize(("wrong", "rule", "shown"), WRONG.values(), ids=WRONG)
def test_a_server_that_looks_at_what_does_not_matter_is_caught(wrong: Wrong, rule: str, shown: str) -> None:
    """A server whose verdict depends on its context is caught, and what it depends on is named."""
    assert shown in find(target_on(wrong), rule)


def test_a_server_wrong_whatever_stands_beside_a_rule_is_shown_with_nothing_beside_it() -> None:
    """Of a rule that a server does not know, the plainest request is shown."""
    ignores = on_body(lambda body: {**body, "aspect_ratio": None} if body.get("style") == "manga" else body)

    explanation = find(target_on(ignores), "manga-not-portrait")

    assert "right without" not in explanation
    assert "beside" not in explanation


@on_answers
def with_other_headers(_: Request, response: Response) -> Response:
    """Send more headers, in another order and case: legal."""
    own = tuple((name.upper(), value) for name, value in reversed(response.headers))
    return replace(response, headers=(("Server", "another"), *own, ("Vary", "Origin")))


def declining(is_seen: Callable[[Request], bool], status: int, detail: str) -> Wrong:
    """Return a server that refuses some requests for what nobody says it has to take."""

    def wrap(handle: Handle) -> Handle:
        def answer(request: Request) -> Response:
            if not is_seen(request):
                return handle(request)
            right = handle(replace(request, body=b'{"prompt": "x", "model": "y"}'))
            return replace(right, status=status, body=json.dumps({"detail": detail}).encode())

        return answer

    return wrap


DECLINED = {
    "long request ids": (
        declining(lambda request: len(sent("X-Request-Id")(request)) > 64, 400, "X-Request-Id is too long"),
        "a long X-Request-Id",
    ),
    "request ids with a brace": (
        declining(lambda request: "{" in sent("X-Request-Id")(request), 422, "X-Request-Id is not a word"),
        "an odd X-Request-Id",
    ),
    "another client that is limited": (
        declining(lambda request: sent("Authorization")(request).endswith("-other"), 429, "Rate limit exceeded"),
        "the key of another client",
    ),
}


@pytest.mark.parametrize(("legal", "name"), DECLINED.values(), ids=DECLINED)
def test_what_may_be_declined_is_tried_without_it_and_not_counted(legal: Wrong, name: str) -> None:
    """A server may refuse some envelopes for a reason of its own; the request is then sent in another."""
    luma_target = target_on(legal)

    RULE("manga-not-portrait", luma_target)

    assert ("manga-not-portrait", name) not in luma_target.contexts
    assert len(luma_target.contexts) > 50


def test_what_only_looks_declined_is_found() -> None:
    """A refusal with a text that the page has for another fault is no answer to a long request id."""
    confused = declining(lambda request: len(sent("X-Request-Id")(request)) > 64, 400, "Unknown model: y")

    assert "right without    a long X-Request-Id" in find(target_on(confused), "manga-not-portrait")


def test_a_clients_few_requests_are_not_spent_on_contexts() -> None:
    """Where another client's limit is small, or a gateway needs a header, that is left alone."""
    seen: list[Request] = []

    def note(request: Request) -> Request:
        seen.append(request)
        return request

    luma_target = target_on(on_requests(note))
    channel = luma_target.session.target.channel
    assert isinstance(channel, LiveChannel)
    passing = channel.passing
    luma_target.session.added = (("cookie", "session=$SESSION"),)
    luma_target.session.traffic = Traffic(transport=luma_target.session.spending, passing=passing)
    other = luma_target.request(body=b"", role="other-key")
    luma_target.session.traffic.usage(other).quota.limit = 5

    RULE("manga-not-portrait", luma_target)

    keys = {sent("Authorization")(request).rpartition("-")[2] for request in seen}
    assert keys == {"main", "second"}
    assert not any(sent("Cookie")(request) for request in seen)


def test_keys_that_are_not_offered_are_not_used() -> None:
    """A target that names only its main key is judged with that alone, and nothing is counted for others."""
    profile = replace(PROFILE, keys={"main-key": PROFILE.keys["main-key"]})
    luma_target = target_on(right)
    bare = begin(replace(luma_target.session, target=replace(luma_target.session.target, profile=profile)), Fuzzing())

    RULE("manga-not-portrait", bare)

    assert not any("key" in name for _, name in bare.contexts)
    assert ("manga-not-portrait", "no X-Request-Id") in bare.contexts


def test_an_example_of_an_older_recording_has_no_envelope() -> None:
    """What was recorded when requests were sent in one way only is tried in that way."""
    luma_target = target_on(right)
    body = {"prompt": "x", "style": "manga", "aspect_ratio": "1:1"}

    judge_example(luma_target, ("manga-not-portrait", "aspect_ratio '1:1'", (), (body, PLAINLY), ()))

    assert luma_target.broken["manga-not-portrait"] == 1


@pytest.mark.slow
@pytest.mark.parametrize("legal", [in_another_order, with_other_headers], ids=["order", "headers"])
def test_legal_servers_are_accused_of_nothing(legal: Wrong) -> None:
    """Another order of checks, and other headers, are right in every context."""
    luma_target = target_on(legal)

    for rule in (rule for rule, breach in BREACHES.items() if breach.kinds):
        RULE(rule, luma_target)
    for kind in KINDS:
        PAIRS(kind, luma_target)


@pytest.mark.slow
def test_off_this_machine_only_a_few_sure_refusals_are_sent() -> None:
    """Where requests are not free, two contexts of each rule and type are tried, all of them sure to be refused."""
    sent: Counter[str] = Counter()

    def note(request: Request) -> Request:
        sent[type(luma_target.material.predict(json.loads(request.body))).__name__] += 1
        return request

    luma_target = target_on(on_requests(note), limit=0)
    for rule in (rule for rule, breach in BREACHES.items() if breach.kinds):
        RULE(rule, luma_target)
    with pytest.raises(pytest.skip.Exception, match="would cost money"):
        PAIRS("image", luma_target)

    assert sent.keys() == {"Rejected"}
    assert 180 < sent.total() < 220
    assert luma_target.session.spending.spent == 0


def test_a_recording_tells_the_same(tmp_path: Path) -> None:
    """What was found, and what makes the difference, is found again in the recording of the run."""
    wrong = target_on(on_body(square_overlooked))
    session = record(wrong.session, tmp_path / "run.har", Redactor())
    found = find(begin(session, wrong.fuzzing, "a property"), "540p-with-hdr")
    session.close()

    again = find(begin(replay(tmp_path / "run.har", Redactor()), wrong.fuzzing, "a property"), "540p-with-hdr")

    assert "right without    aspect_ratio 1:1" in again
    assert again.partition("  again ")[0] == found.partition("  again ")[0]
