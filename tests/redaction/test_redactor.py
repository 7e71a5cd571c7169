"""Redaction: no secret gets through in any of its forms, and nothing else is touched."""

from __future__ import annotations

import json
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from urllib.parse import quote, urlencode

import pytest
from luma_conformance.model import Response
from luma_conformance.redaction.redactor import MAX_LEARNED, Redactor, find_keys, printable

from tests.canary import FORMS

SECRET = 'luma-api-c4n"ary/+ä~x'
REDACTOR = Redactor({SECRET: "$LUMA_AGENTS_API_KEY"})


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        f"Authorization: Bearer {SECRET}",
        json.dumps({"detail": f"no key {SECRET}"}),
        json.dumps({"detail": f"no key {SECRET}"}, ensure_ascii=False),
        quote(SECRET, safe=""),
        quote(SECRET, safe="").lower(),
        urlencode({"key": SECRET}),
        f"{SECRET}{SECRET}",
    ],
)
def test_a_secret_is_replaced_in_every_form(text: str) -> None:
    """Plain, in JSON, in a URL: what is shown is the name."""
    scrubbed = REDACTOR.scrub(text)
    assert "c4n" not in scrubbed
    assert "$LUMA_AGENTS_API_KEY" in scrubbed


@pytest.mark.parametrize("form", FORMS)
def test_a_secret_is_replaced_in_every_form_there_is(form: str) -> None:
    """The forms the canary is searched for are the forms that are redacted, with what stands around them left alone."""
    written = FORMS[form](SECRET)
    scrubbed = REDACTOR.scrub(f"before, {written}, after")

    assert scrubbed.startswith("before, ")
    assert scrubbed.endswith(", after")
    assert "$LUMA_AGENTS_API_KEY" in scrubbed
    assert len(scrubbed) < len("before, $LUMA_AGENTS_API_KEY, after") + 12


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("'Bearer luma-api-0123456789...", "'Bearer $K..."),
        ("b'luma-api-0123456...and more", "b'$K...and more"),
        ("'head...6789abcdef', 'x'", "'head...$K', 'x'"),
        ("luma-api-0123…", "$K…"),
        ("luma-api-01...", "luma-api-01..."),
        ("luma-api-...", "luma-api-..."),
        ("luma-api-other-key...", "luma-api-other-key..."),
        ("...0f", "...0f"),
    ],
)
def test_half_a_secret_is_replaced_where_somebody_cut_it(text: str, shown: str) -> None:
    """A traceback cuts long values in the middle; a few characters, or the prefix all keys share, give nothing away."""
    assert Redactor({"luma-api-0123456789abcdef": "$K"}).scrub(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://f/x.png?X-Amz-Signature=0ab1c&X-Amz-Date=2", "https://f/x.png?X-Amz-Signature=R&X-Amz-Date=2"),
        ("/x?X-Amz-Credential=AK%2F2026&x-amz-security-token=t==", "/x?X-Amz-Credential=R&x-amz-security-token=R"),
        ('{"url": "https://f/x?a=1\\u0026Signature=abc"}', '{"url": "https://f/x?a=1\\u0026Signature=R"}'),
        ("f?a&amp;sig=a%2Bb%3D'", "f?a&amp;sig=R'"),
        ("u=http%3A%2F%2Ff%3Fsig%3Dabc%26n%3D1", "u=http%3A%2F%2Ff%3Fsig%3DR%26n%3D1"),
        ("?X-Goog-Signature=ab, and so on", "?X-Goog-Signature=R and so on"),
        ("the signature=abc of a design=1", "the signature=abc of a design=1"),
        ("?design=1&assign=2&signature_ok=1", "?design=1&assign=2&signature_ok=1"),
    ],
)
def test_a_signing_parameter_of_any_url_is_replaced(text: str, shown: str) -> None:
    """Whoever has the signature has the file; the rest of the URL stays."""
    assert re.sub(r"REDACTED-[0-9a-f]{8}", "R", Redactor().scrub(text)) == shown


def test_two_signatures_still_differ_and_are_replaced_once() -> None:
    """Whether a poll's URL is fresh can be told without its signature; what is replaced stays as it is."""
    first, second = (Redactor().scrub(f"https://f/x?sig={value}") for value in ("abc", "abd"))

    assert first != second
    assert Redactor().scrub(first) == first


def test_what_a_target_hands_out_is_known_from_then_on() -> None:
    """The values of signatures and cookies are replaced wherever they are said again."""
    redactor = Redactor()
    body = b'{"output": [{"url": "https://f/x.png?X-Amz-Signature=5f3759df5f3759df&X-Amz-Date=2"}]}'
    headers = (("Set-Cookie", "session=c00kie-c00kie-c00kie; Path=/; Secure"), ("Location", "/y?sig=l0cati0n-l0cati0n"))
    redactor.learn(Response(status=200, headers=headers, body=body))

    said = "the signature 5f3759df5f3759df, the cookie c00kie-c00kie\r\n -c00kie and l0cati0n-l0cati0n"
    assert redactor.scrub(said) == "the signature REDACTED, the cookie REDACTED and REDACTED"
    assert Redactor().scrub(said) == said


def test_a_target_cannot_make_the_redactor_grow_without_end() -> None:
    """The latest secrets of its making are kept, the keys are never forgotten."""
    redactor = Redactor({SECRET: "$K"})
    for number in range(MAX_LEARNED + 50):
        redactor.learn(Response(status=200, headers=(("Set-Cookie", f"a=cookie-number-{number:04}"),)))

    assert (
        redactor.scrub(f"cookie-number-0000 cookie-number-{MAX_LEARNED:04} {SECRET}")
        == "cookie-number-0000 REDACTED $K"
    )


def test_a_secret_may_become_known_later() -> None:
    """What is added is replaced as what was there from the beginning."""
    redactor = Redactor({"luma-api-first": "$A"})
    redactor.add({"luma-api-second": "$B"})
    assert redactor.scrub("luma-api-first luma-api-second") == "$A $B"


def test_a_key_in_the_environment_is_known_before_any_profile() -> None:
    """A test key is no secret, and no other variable is looked at."""
    environ = {"ONE": "luma-api-abc123 ", "TWO": "luma-api-test-main", "HOME": "/root", "EMPTY": "", "P": "luma-api-"}
    assert find_keys(environ) == {"luma-api-abc123": "$ONE"}


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (f"a\nb {SECRET}", "line 2, column 3: a secret"),
        ("ä\n\nää" + quote(SECRET, safe=""), "line 3, column 3: a secret"),
        ("  luma-api-abc", "line 1, column 3: something like a key"),
        ('{"value": "Bearer eyJhbGciOiJIUzI1NiJ9.abc"}', "line 1, column 12: something like a token"),
        ("Bearer%20" + "x" * 20, "line 1, column 1: something like a token"),
    ],
)
def test_what_looks_like_a_secret_is_found_with_its_place(text: str, where: str) -> None:
    """By value in any form, or by what keys and tokens look like; what is found is not repeated."""
    leak = REDACTOR.find_secret(text)
    assert str(leak).startswith(where)
    assert "abc" not in str(leak)


@pytest.mark.parametrize(
    "text",
    ["luma-api-test-main", "Bearer luma-api-test-a-long-name-of-a-key", "luma-api-", "a luma-api- and more",
     "luma-api-conformance-no-such-key", "Bearer $LUMA_AGENTS_API_KEY", "Bearer REDACTED", "Bearer token", ""],
)  # fmt: skip
def test_what_is_no_secret_is_not_found(text: str) -> None:
    """Test keys, names of variables, the prefix and the word itself may be stored."""
    assert REDACTOR.find_secret(text) is None


@pytest.mark.parametrize("before", ["", "u", "u:", "Bearer ", "Basic us"])
@pytest.mark.parametrize("after", ["", ":", "\r\nx"])
@pytest.mark.parametrize("encode", [b64encode, urlsafe_b64encode])
def test_a_secret_is_replaced_in_base64_wherever_it_stands(
    before: str, after: str, encode: Callable[[bytes], bytes]
) -> None:
    """The digits a secret shares with what stands beside it may stay: they give away less than a byte each."""
    text = encode(f"{before}{SECRET}{after}".encode()).decode()
    scrubbed = REDACTOR.scrub(text)
    assert "$LUMA_AGENTS_API_KEY" in scrubbed
    assert len(scrubbed.replace("$LUMA_AGENTS_API_KEY", "")) <= len(b64encode((before + after).encode())) + 4


@pytest.mark.parametrize("text", ["", "luma-api-", "a generation", "bHVtYS1hcGk", "LUMA_AGENTS_API_KEY", "é→\n"])
def test_what_is_no_secret_stays(text: str) -> None:
    """Not even the prefix all keys share is touched."""
    assert REDACTOR.scrub(text) == text


def test_the_longer_of_two_secrets_goes_first() -> None:
    """A key that begins with another leaves no rest of itself."""
    redactor = Redactor({"luma-api-abc": "$A", "luma-api-abc-def": "$B"})
    assert redactor.scrub("luma-api-abc-def luma-api-abc") == "$B $A"


def test_a_short_secret_goes_where_it_is_a_word() -> None:
    """A secret of one letter does not make a report unreadable."""
    redactor = Redactor({"a": "$A", "k3y": "$K", "": "$E"})
    assert redactor.scrub("Bearer a, banana k3y=k3y k3yboard") == "Bearer $A, banana $K=$K k3yboard"


def test_without_secrets_nothing_changes() -> None:
    """An empty secret is none."""
    assert Redactor({}).scrub("abc") == "abc"
    assert Redactor({"": "$E"}).scrub("abc") == "abc"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\tb\nc é → 漢 😀", "a\tb\nc é → 漢 😀"),
        ("\x1b[31mred\x07", "\\u001b[31mred\\u0007"),
        ("a\rb\x00\x7f\x9b", "a\\u000db\\u0000\\u007f\\u009b"),
        ("abc\u202edef\u2066\u200f\u061c", "abc\\u202edef\\u2066\\u200f\\u061c"),
        ("a\u2028b\u2029", "a\\u2028b\\u2029"),
        ("a\ud800b\udfff", "a\\ud800b\\udfff"),
    ],
)
def test_what_a_terminal_would_obey_is_shown_as_an_escape(text: str, shown: str) -> None:
    """Tabs, line breaks and every script stay; the result can always be written as UTF-8."""
    assert printable(text) == shown
    printable(text).encode()
