"""What a recorded request may be answered with: no more than the page says, no less than a server may know."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from luma_conformance.audit.allowed import Page, make_case
from luma_conformance.audit.audit import Audit
from luma_conformance.catalogue import files as casefiles
from luma_conformance.catalogue.media import supply
from luma_conformance.model import Exchange, Headers, Request
from luma_conformance.recording.entry import REQUEST_BODY, REQUEST_HEADERS, Entry
from luma_conformance.rules import Accepted, Rejected, predict
from luma_conformance.strategies import Body, valid_requests
from tests import kit
from tests.kit import same_examples

PAGE = Page(casefiles.own())
JSON: Headers = (("Content-Type", "application/json"),)
SUNSET = {"prompt": "A sunset over the ocean"}
STORED = "luma-conformance:inline sha256=00 bytes=70000000"
HOSTED = {"type": "image_edit", **SUNSET, "source": {"url": "https://example.com/a.jpg"}}
INLINE = {**SUNSET, "image_ref": [{"data": STORED, "media_type": "image/png"}]}
EDIT = {
    **SUNSET,
    "model": "ray-3.2",
    "type": "video_edit",
    "source": {"generation_id": "d290f1ee-6c54-4b01-90e6-d701748f0851"},
}
UNKNOWN_MODEL = {**SUNSET, "model": "super-model-v9"}


def entry(
    body: object, status: int, detail: object = "", *, headers: Headers = JSON, unknown: dict[str, str] | None = None
) -> Entry:
    """Return a recorded create; `body` is JSON data, or bytes as they are."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    rates = (("X-RateLimit-Limit", "9"), ("X-RateLimit-Remaining", "8"), ("X-RateLimit-Reset", "1780000000"))
    answered = [("Content-Type", "application/json"), ("X-Request-Id", "a"), ("X-API-Version", "2026-04-01")]
    answered += [("Retry-After", "60")] if status == 429 else []
    answered += rates if status == 201 else ()
    shape = {"type": "image", "state": "queued", "model": "uni-1", "created_at": "2026-04-08T12:00:00Z", "output": []}
    made = {"id": "d290f1ee-6c54-4b01-90e6-d701748f0851", **shape, "failure_reason": None, "failure_code": None}
    request = Request(method="POST", url="/v1/generations", headers=(*headers, ("X-Request-Id", "a")), body=raw)
    answer = kit.response(status, made if status == 201 else {"detail": detail}, tuple(answered))
    return Entry(
        exchange=kit.exchange(answer, request), base_url="https://a", place="a.har:entry 1", unknown=unknown or {}
    )


def found(*entries: Entry) -> list[str]:
    """Return the facets in which a recording differs from the page."""
    audit = Audit(catalogue=casefiles.own())
    for one in entries:
        audit.add(one)
    audit.end()
    return [mismatch.facet.value for finding in audit.findings for mismatch in finding.mismatches]


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        (SUNSET, 201, None),
        (SUNSET, 401, "API key has expired"),
        (SUNSET, 402, "Insufficient balance. Please add funds to continue."),
        (SUNSET, 403, "API client is suspended"),
        (SUNSET, 429, "Too many concurrent jobs"),
        (UNKNOWN_MODEL, 400, "Unknown model: super-model-v9"),
        (UNKNOWN_MODEL, 401, "Invalid API key"),
        (HOSTED, 201, None),
        (HOSTED, 422, "source: failed to fetch URL"),
        (HOSTED, 422, "source: failed to fetch URL (HTTP 503)"),
        (HOSTED, 422, "source: something else than an image"),
        (HOSTED, 413, "source: image exceeds 50 MB limit"),
        (HOSTED, 413, "source: image is 9001x17px but each side must be <= 8000px. Resize and try again."),
        (HOSTED, 502, "source: fetch proxy unavailable"),
        (HOSTED, 503, "Media URL ingestion is unavailable (fetch proxy not configured)"),
        ({**HOSTED, "model": "super-model-v9"}, 422, "source: failed to fetch URL"),
        (INLINE, 201, None),
        (INLINE, 413, "image_ref[0]: image exceeds 50 MB limit"),
        (INLINE, 422, "image_ref[0]: invalid base64 data"),
        ({**INLINE, "prompt": STORED}, 400, "Prompt must be between 1 and 6000 characters"),
        (EDIT, 201, None),
        (EDIT, 404, "source.generation_id: no such generation"),
        ({**EDIT, "video": {"loop": True}}, 400, "video.loop is only valid for type 'video'"),
        ({**EDIT, "video": {"loop": True}}, 400, "source.generation_id is not completed"),
        (b"{", 400, "no JSON"),
        (b'{"prompt": "a", "prompt": ""}', 201, None),
        (json.dumps(SUNSET).encode("utf-16"), 201, None),
        ({**SUNSET, "layering": {}}, 400, "not known here"),
    ],
)
def test_answers_that_the_recording_cannot_refute_are_allowed(body: object, status: int, detail: str | None) -> None:
    """An answer for a key, a limit, media or a generation that the recording does not show is not wrong."""
    assert found(entry(body, status, detail)) == []


@pytest.mark.parametrize(
    ("body", "status", "detail", "facets"),
    [
        (SUNSET, 400, "Prompt must be between 1 and 6000 characters", ["status"]),
        (SUNSET, 500, "oops", ["status"]),
        (SUNSET, 404, "Not found", ["status"]),
        (SUNSET, 502, "source: fetch proxy unavailable", ["status"]),
        (SUNSET, 401, "Who are you?", ["detail"]),
        (SUNSET, 429, "Slow down", ["detail"]),
        (UNKNOWN_MODEL, 201, None, ["status", "detail"]),
        (UNKNOWN_MODEL, 400, "Unknown model", ["detail"]),
        (UNKNOWN_MODEL, 422, "Unknown model: super-model-v9", ["status"]),
        (UNKNOWN_MODEL, 422, "source: failed to fetch URL", ["status", "detail"]),
        (HOSTED, 413, "image_ref[0]: image exceeds 50 MB limit", ["detail"]),
        (HOSTED, 413, "source: image is 90x17px but each side must be <= 8000px. Resize and try again.", ["detail"]),
        (HOSTED, 400, "source: failed to fetch URL", ["status"]),
        ({**INLINE, "model": "super-model-v9"}, 201, None, ["status", "detail"]),
        ({**EDIT, "video": {"loop": True}}, 201, None, ["status", "detail"]),
        (EDIT, 500, "oops", ["status"]),
        (b"{", 201, None, ["status"]),
        (b"{", 500, "oops", ["status"]),
    ],
)
def test_answers_that_nothing_explains_are_found(
    body: object, status: int, detail: str | None, facets: list[str]
) -> None:
    """A status, or a text, that nothing in the request and nothing hidden from the recording explains is wrong."""
    assert found(entry(body, status, detail)) == facets


def test_without_the_request_body_any_orderly_answer_is_allowed() -> None:
    """Without the body, or without knowing that it is JSON, any orderly answer conforms; a crash does not."""
    for one in (
        {"unknown": {REQUEST_BODY: "is lost"}},
        {"headers": ()},
        {"headers": (("Content-Type", "text/plain"),)},
    ):
        options: dict[str, Any] = one
        assert found(entry(b"", 201, **options), entry(b"", 422, "anything", **options)) == []
        assert found(entry(b"", 500, "oops", **options)) == ["status"]


def test_a_body_without_content_type_is_judged_as_json() -> None:
    """Where headers may have been filtered out, the body is judged as what it looks like."""
    filtered = {REQUEST_HEADERS: "are filtered"}
    assert found(entry(UNKNOWN_MODEL, 201, headers=(), unknown=filtered)) == ["status", "detail"]


@same_examples(60)
@given(body=valid_requests())
def test_a_201_is_allowed_for_a_request_without_faults(body: Body) -> None:
    """A 201 for a request that breaks no rule is never a finding, and a 400 is, unless a generation may be missing."""
    assert isinstance(predict(body), Accepted)
    assert found(entry(body, 201)) == []
    refused = found(entry(body, 400, "Unknown model: uni-1"))
    assert refused == ([] if "generation_id" in json.dumps(body) or _is_silent(body) else ["status"])


def _is_silent(body: Body) -> bool:
    """Return whether the page leaves the answer about media open, so that no text of a refusal is wrong."""
    text = json.dumps(body)
    return '"url"' in text and any(word in text for word in ('"keyframes"', '_frame"', "video_"))


def test_a_picture_in_the_recording_is_decoded_no_further_than_its_base64() -> None:
    """Inline media that the recording holds may be too wide; they are base64 or not."""
    picture = {**SUNSET, "image_ref": [{"data": supply("inline-png"), "media_type": "image/png"}]}
    wide = "image_ref[0]: image is 9000x10px but each side must be <= 8000px. Resize and try again."
    assert found(entry(picture, 413, wide)) == []
    assert found(entry(picture, 422, "image_ref[0]: invalid base64 data")) == ["status"]


@pytest.mark.parametrize(
    ("status", "detail", "facets"),
    [
        (401, "Missing or invalid API key", []),
        (404, "Generation not found", []),
        (403, "API client is suspended", []),
        (404, "Not here", ["detail"]),
        (500, "oops", ["status"]),
        (400, "Not a UUID", ["status"]),
    ],
)
def test_a_poll_is_answered_as_the_page_says(status: int, detail: str, facets: list[str]) -> None:
    """The page documents 200, 401 and 404 for a poll; statuses that a key causes are allowed too."""
    one = entry(b"", status, detail)
    request = Request(method="GET", url="/v1/generations/x", headers=(("X-Request-Id", "a"),))
    exchange = Exchange(request=request, response=one.exchange.response, sent=0.0, received=0.0)

    assert found(Entry(exchange=exchange, base_url="https://a", place="a.har:entry 1")) == facets


def test_the_rules_a_request_breaks_are_named() -> None:
    """The allowance of a request names the rules it breaks, whatever the answer, and its case stands at its place."""
    for status, detail in ((400, "Unknown model: super-model-v9"), (401, "Invalid API key")):
        one = entry(UNKNOWN_MODEL, status, detail)
        allowance = PAGE.allowance(one)
        prediction = predict(UNKNOWN_MODEL)
        assert isinstance(prediction, Rejected)
        assert allowance.refused == prediction.violations
        assert str(make_case(one, allowance).place.file) == "a.har:entry 1"
