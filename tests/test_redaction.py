"""Redaction: no secret gets through in any of its forms, and nothing else is touched."""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from urllib.parse import quote, urlencode

import pytest

from conformance.redaction import Redactor, printable

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


@pytest.mark.parametrize("before", ["", "u", "u:", "Bearer ", "Basic us"])
@pytest.mark.parametrize("after", ["", ":", "\r\nx"])
@pytest.mark.parametrize("encode", [b64encode, urlsafe_b64encode])
def test_a_secret_is_replaced_in_base64_wherever_it_stands(before: str, after: str, encode: object) -> None:
    """The digits a secret shares with what stands beside it may stay: they give away less than a byte each."""
    assert callable(encode)
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
