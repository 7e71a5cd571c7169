"""What a recording may hold: the values of harmless headers, and bodies without media and secrets."""

from __future__ import annotations

import json
from hashlib import sha256

import pytest

from luma_conformance.redaction.redactor import Redactor
from luma_conformance.redaction.storable import storable_body, storable_headers

SECRET = 'luma-api-c4n"ary/+ä~x'
REDACTOR = Redactor({SECRET: "$LUMA_AGENTS_API_KEY"})


def test_only_values_of_harmless_headers_are_stored() -> None:
    """A header nobody knows keeps a digest, a known key is stored by its name, and what may be secret is not stored."""
    headers = (
        ("authorization", f"Bearer {SECRET}"),
        ("Authorization", "Bearer luma-api-unknown"),
        ("Authorization", "luma-api-unknown"),
        ("Authorization", "Bearer luma-api-test-main"),
        ("Authorization", "Basic"),
        ("Cookie", "a=b"),
        ("Set-Cookie", "a=b"),
        ("X-Amz-Security-Token", "t"),
        ("X-Anything", "1"),
        ("X-REQUEST-ID", f"for {SECRET}"),
        ("Location", "https://f/x?sig=abc"),
        ("Retry-After", "1"),
    )
    assert storable_headers(headers, REDACTOR) == (
        ("authorization", "Bearer $LUMA_AGENTS_API_KEY"),
        ("Authorization", "Bearer REDACTED"),
        ("Authorization", "REDACTED"),
        ("Authorization", "Bearer luma-api-test-main"),
        ("Authorization", "Basic"),
        ("Cookie", "REDACTED"),
        ("Set-Cookie", "REDACTED"),
        ("X-Amz-Security-Token", "REDACTED"),
        ("X-Anything", f"luma-conformance:header sha256={sha256(b'1').hexdigest()} bytes=1"),
        ("X-REQUEST-ID", "for $LUMA_AGENTS_API_KEY"),
        ("Location", f"https://f/x?sig=REDACTED-{sha256(b'abc').hexdigest()[:8]}"),
        ("Retry-After", "1"),
    )


def test_media_are_stored_as_digest_and_length() -> None:
    """A long `data` member and a data: URL are replaced, whatever they hold; equal media give equal digests."""
    media, odd = "QUJD" * 100, "!" * 300 + '\\"x'
    reference = f'{{"data" : "{odd}", "a": 1}}'
    url = f"data:image/png;base64,{media}"
    text = f'{{"source": {{"data": "{media}"}}, "url": "{url}", "image_ref": [{reference}]}}'

    def stored(of: str) -> str:
        return f"luma-conformance:inline sha256={sha256(of.encode()).hexdigest()} bytes={len(of)}"

    assert json.loads(storable_body(text.encode(), REDACTOR)) == {
        "source": {"data": stored(media)},
        "url": f"data:image/png;base64,{stored(media)}",
        "image_ref": [{"data": stored(odd), "a": 1}],
    }


@pytest.mark.parametrize(
    "body",
    [b'{"data": "not base64!!"}', b'{"data": ""}', b'{"a": 1, "a": 2 }', b'{"prompt": "' + b"a" * 6001 + b'"}',
     b"[", b"", b'{"data": "', '{"prompt": "ä"}'.encode()],
)  # fmt: skip
def test_a_body_without_media_is_stored_as_it_is(body: bytes) -> None:
    """What makes a request wrong is kept: short stubs, duplicate members, broken JSON, long prompts."""
    assert storable_body(body, REDACTOR) == body.decode()


def test_a_body_that_is_not_text_is_stored_as_a_digest() -> None:
    """A recording can be judged without the bytes of an image."""
    body = b"\x89PNG\r\n\xff"
    assert storable_body(body, REDACTOR) == f"luma-conformance:body sha256={sha256(body).hexdigest()} bytes=7"


def test_a_secret_in_a_body_is_stored_by_name() -> None:
    """A key in a request's body does not get into the recording."""
    assert storable_body(json.dumps({"k": SECRET}).encode(), REDACTOR) == '{"k": "$LUMA_AGENTS_API_KEY"}'
