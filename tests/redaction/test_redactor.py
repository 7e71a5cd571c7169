"""Redaction: every form of a secret is replaced, and nothing else is changed."""

from __future__ import annotations

import json
import re
import tracemalloc
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from urllib.parse import quote, urlencode

import pytest

from luma_conformance.model import Response
from luma_conformance.redaction.learned import MAX_LEARNED
from luma_conformance.redaction.redactor import Redactor, find_keys
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
    """In plain text, JSON and URLs the secret's name is shown instead."""
    scrubbed = REDACTOR.scrub(text)
    assert "c4n" not in scrubbed
    assert "$LUMA_AGENTS_API_KEY" in scrubbed


@pytest.mark.parametrize("form", FORMS)
def test_a_secret_is_replaced_in_every_form_of_the_canary(form: str) -> None:
    """Each form the canary test searches for is redacted, and the text around it is unchanged."""
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
        ("luma-api-01...", "$K..."),
        ("luma-api-...", "luma-api-..."),
        ("luma-api-other-key...", "luma-api-other-key..."),
        ("...0f", "...0f"),
    ],
)
def test_part_of_a_secret_is_replaced_beside_dots(text: str, shown: str) -> None:
    """Tracebacks shorten long values in the middle; a few characters, or the prefix of all keys, may stay."""
    assert Redactor({"luma-api-0123456789abcdef": "$K"}).scrub(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://f/x.png?X-Amz-Signature=0ab1c&X-Amz-Date=2", "https://f/x.png?X-Amz-Signature=R&X-Amz-Date=2"),
        ("/x?X-Amz-Credential=AK%2F2026&x-amz-security-token=t==", "/x?X-Amz-Credential=R&x-amz-security-token=R"),
        ('{"url": "https://f/x?a=1\\u0026Signature=abc"}', '{"url": "https://f/x?a=1\\u0026Signature=R"}'),
        ("f?a&amp;sig=a%2Bb%3D'", "f?a&amp;sig=R'"),
        ("u=http%3A%2F%2Ff%3Fsig%3Dabc%26n%3D1", "u=http%3A%2F%2Ff%3Fsig%3DR%26n%3D1"),
        ("u=%3Fsig%3Da%2bb%%25%2c%2526n%3D1", "u=%3Fsig%3DR%2526n%3D1"),
        ("?sig=%&sig=%2", "?sig=R&sig=R"),
        ("?sig=%26n=1", "?sig=%26n=1"),
        ("?X-Goog-Signature=ab, and so on", "?X-Goog-Signature=R and so on"),
        ("the signature=abc of a design=1", "the signature=abc of a design=1"),
        ("?design=1&assign=2&signature_ok=1", "?design=1&assign=2&signature_ok=1"),
    ],
)
def test_a_signing_parameter_of_any_url_is_replaced(text: str, shown: str) -> None:
    """A signature gives access to the file, so it is replaced; the rest of the URL stays."""
    assert re.sub(r"REDACTED-[0-9a-f]{8}", "R", Redactor().scrub(text)) == shown


@pytest.mark.parametrize("unit", ["?sig=a", "?sig=%", "?sig=a&"])
def test_signatures_without_end_or_number_take_little_memory(unit: str) -> None:
    """One of half a megabyte, and a hundred thousand of them: a few times what the text and its replacement take."""
    text = unit * 100_000
    tracemalloc.start()
    try:
        scrubbed = Redactor().scrub(text)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert scrubbed.startswith("?sig=REDACTED-")
    assert peak < 6 * (len(text) + len(scrubbed))


def test_two_signatures_still_differ_and_are_replaced_once() -> None:
    """Two signatures can be compared without being shown, and a replacement is not replaced again."""
    first, second = (Redactor().scrub(f"https://f/x?sig={value}") for value in ("abc", "abd"))

    assert first != second
    assert Redactor().scrub(first) == first


def test_secrets_in_an_answer_are_replaced_from_then_on() -> None:
    """The values of signatures and cookies are replaced wherever they occur later."""
    redactor = Redactor()
    body = b'{"output": [{"url": "https://f/x.png?X-Amz-Signature=5f3759df5f3759df&X-Amz-Date=2"}]}'
    headers = (("Set-Cookie", "session=c00kie-c00kie-c00kie; Path=/; Secure"), ("Location", "/y?sig=l0cati0n-l0cati0n"))
    redactor.learn(Response(status=200, headers=headers, body=body))

    said = "the signature 5f3759df5f3759df, the cookie c00kie-c00kie\r\n -c00kie and l0cati0n-l0cati0n"
    assert redactor.scrub(said) == "the signature REDACTED, the cookie REDACTED and REDACTED"
    assert Redactor().scrub(said) == said


def test_the_number_of_secrets_learned_from_a_target_is_bounded() -> None:
    """The latest secrets of a target are kept, and the keys are never dropped."""
    redactor = Redactor({SECRET: "$K"})
    for number in range(MAX_LEARNED + 50):
        redactor.learn(Response(status=200, headers=(("Set-Cookie", f"a=cookie-number-{number:04}"),)))

    assert (
        redactor.scrub(f"cookie-number-0000 cookie-number-{MAX_LEARNED:04} {SECRET}")
        == "cookie-number-0000 REDACTED $K"
    )


@pytest.mark.parametrize("shift", range(8))
def test_what_is_learned_is_found_anywhere_in_a_long_text(shift: int) -> None:
    """Of hundreds of secrets those are found that are there, short ones and encoded ones too, wherever they begin."""
    redactor = Redactor()
    values = [f"{number:04}-cookie"[: 12 + number % 9] * (1 + number % 2) for number in range(1000, 1000 + MAX_LEARNED)]
    for value in values:
        redactor.learn(Response(status=200, headers=(("Set-Cookie", f"a={value}cd"),)))
    filling = "{a: b}, " * 2_500 + "." * shift
    for value in values[shift::50]:
        shown = redactor.scrub(f"{filling}{value}cd, {b64encode(f'?{value}cd'.encode()).decode()}.{filling}")
        assert shown.startswith(f"{filling}REDACTED, ")
        assert shown.endswith(filling)
        assert shown.count("REDACTED") == 2
    assert redactor.scrub(f"{filling}0000-cookie0000-cookiecd") == f"{filling}0000-cookie0000-cookiecd"


def test_a_secret_may_become_known_later() -> None:
    """A secret that is added later is replaced like one that was known from the start."""
    redactor = Redactor({"luma-api-first": "$A"})
    redactor.add({"luma-api-second": "$B"})
    assert redactor.scrub("luma-api-first luma-api-second") == "$A $B"


def test_a_key_in_the_environment_is_known_before_any_profile() -> None:
    """Keys are found by their prefix; test keys are not secret, and other variables are ignored."""
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
    """Known secrets in any form, and what looks like a key or token, are found, but not quoted."""
    leak = REDACTOR.find_secret(text)
    assert str(leak).startswith(where)
    assert "abc" not in str(leak)


@pytest.mark.parametrize(
    "text",
    ["luma-api-test-main", "Bearer luma-api-test-a-long-name-of-a-key", "luma-api-", "a luma-api- and more",
     "luma-api-conformance-no-such-key", "Bearer $LUMA_AGENTS_API_KEY", "Bearer REDACTED", "Bearer token", ""],
)  # fmt: skip
def test_what_is_not_a_secret_is_not_found(text: str) -> None:
    """Test keys, names of variables, the prefix and the word token may be stored."""
    assert REDACTOR.find_secret(text) is None


@pytest.mark.parametrize("before", ["", "u", "u:", "Bearer ", "Basic us"])
@pytest.mark.parametrize("after", ["", ":", "\r\nx"])
@pytest.mark.parametrize("encode", [b64encode, urlsafe_b64encode])
def test_a_secret_is_replaced_in_base64_wherever_it_stands(
    before: str, after: str, encode: Callable[[bytes], bytes]
) -> None:
    """The digits a secret shares with its neighbours may stay: each gives away less than a byte."""
    text = encode(f"{before}{SECRET}{after}".encode()).decode()
    scrubbed = REDACTOR.scrub(text)
    assert "$LUMA_AGENTS_API_KEY" in scrubbed
    assert len(scrubbed.replace("$LUMA_AGENTS_API_KEY", "")) <= len(b64encode((before + after).encode())) + 4


@pytest.mark.parametrize("text", ["", "luma-api-", "a generation", "bHVtYS1hcGk", "LUMA_AGENTS_API_KEY", "é→\n"])
def test_text_without_a_secret_is_unchanged(text: str) -> None:
    """Even the prefix of all keys is left alone."""
    assert REDACTOR.scrub(text) == text


def test_the_longer_of_two_secrets_is_replaced_first() -> None:
    """If one key begins with another, no part of the longer one remains."""
    redactor = Redactor({"luma-api-abc": "$A", "luma-api-abc-def": "$B"})
    assert redactor.scrub("luma-api-abc-def luma-api-abc") == "$B $A"


def test_a_short_secret_is_replaced_only_as_a_word() -> None:
    """A secret of one letter does not make a report unreadable."""
    redactor = Redactor({"a": "$A", "k3y": "$K", "": "$E"})
    assert redactor.scrub("Bearer a, banana k3y=k3y k3yboard") == "Bearer $A, banana $K=$K k3yboard"


def test_without_secrets_nothing_changes() -> None:
    """An empty secret is ignored."""
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
def test_terminal_commands_are_shown_as_escapes(text: str, shown: str) -> None:
    """Tabs, line breaks and all scripts stay, and the result can be written as UTF-8."""
    assert Redactor().show(text) == shown
    Redactor().show(text).encode()


def test_what_is_hidden_is_replaced_until_something_else_is() -> None:
    """What is sent once is replaced in every form while it is hidden, beside the secrets, and then no more."""
    near = "luma-api-0123456789abcdeX"
    redactor = Redactor({"luma-api-0123456789abcdef": "$KEY"})
    redactor.hide({near: "$KEY with its last character another"})
    text = f"{near} {b64encode(near.encode()).decode()} {near[:-1]}... {near[:20]}…"

    scrubbed = redactor.scrub(text)

    assert near[:12] not in scrubbed
    assert b64encode(near.encode()).decode()[4:20] not in scrubbed
    assert redactor.scrub(f"<{near}>") == "<$KEY with its last character another>"
    assert redactor.scrub("luma-api-0123456789abcdef") == "$KEY"

    redactor.hide({})
    assert redactor.scrub(near) == "$KEYX"
