"""Flattening: every encoding of a text is removed, and each part of the result is traced back to the original."""

from __future__ import annotations

import html
import json
import pprint
import sys
import unicodedata
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luma_conformance.redaction.spellings import FlatText
from tests.kit import same_examples

KEYS = st.text(alphabet="aZ09-_.~\"'/<>+ä ", min_size=1, max_size=30)


def flat(text: str) -> bytes:
    """Return a text in flat form."""
    return FlatText(text.encode()).text


@pytest.mark.parametrize(
    "written",
    [
        "ab/c",
        "ab\\/c",
        "ab\\\\/c",
        "a\\u0062/c",
        "a\\\\u0062/c",
        "\\x61b/c",
        "%61b%2Fc",
        "%61b%252fc",
        "%61b%25252fc",
        "ab&#47;c",
        "ab&#x2F;c",
        "ab&amp;#47;c",
        "ab&sol;c",
        "a b / c",
        "ab/\r\n c",
        "ab/\\r\\n\\tc",
        "ab\u200b/\u00adc",
        "a\u202eb\x00/c",
        "('ab/'\n 'c')"[1:-1].replace("'ab", "ab").replace("c'", "c"),
        "ab/\nE   c",
        "ab/'\nE         +  b'c",
        "ab%5Cu002fc",
        "ab&#47c",
        "ab&#00000000000047;c",
        "ab&#X2F;c",
        "ab&#x0000000002fg"[:-1] + ";c",
        "ab&AMP;sol;c",
        "ab&amp#47;c",
        "ab&sol;&ZeroWidthSpace;c",
        "ab/&shy&#8203;c",
        "a\\142/c",
        "ab\\57c",
        "ab\\u{2f}c",
        "ab\\u{00002F}c",
        "ab\\U0000002fc",
        "ab\\N{SOLIDUS}c",
        "ab%u002fc",
        "ab%25u002Fc",
        "ab/' + 'c",
        'ab/" "c',
        "ab/=\r\nc",
        "ab/\n> c",
        "ab/\n  # c",
        "ab/\ufe0fc",
        "ab/\U000e0041c",
        "\x00a\x00b\x00/\x00c",
        "a\u3000b\u2009/\u3164c",
        "ab%26%2347%3Bc",
        "ab%26amp%3Bsol;c",
    ],
)
def test_every_escaping_of_a_text_is_removed(written: str) -> None:
    """Escapes of JSON, URLs and HTML, also nested, line folds, wraps and invisible characters are removed."""
    assert flat(written) == b"ab/c"


@same_examples(200)
@given(KEYS)
def test_encodings_of_the_standard_library_are_decoded(text: str) -> None:
    """A text encoded once or twice is as flat as the text itself."""
    for once in (lambda text: json.dumps(text)[1:-1], lambda text: quote(text, safe=""), html.escape):
        assert flat(once(text)) == flat(once(once(text))) == flat(text)


def test_bytes_that_pprint_wraps_are_found() -> None:
    """A traceback shows long bytes as several literals, wherever the line ends."""
    secret = bytes(range(0x41, 0x5B)) * 4
    assert b"\n" in pprint.pformat(secret).encode()
    assert secret in FlatText(pprint.pformat(secret).encode()).text


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("x%61bc y", "%61bc"),
        ("xab\r\n c y", "ab\r\n c"),
        ("éab&#99;é", "ab&#99;"),
        ("%2561bc", "%2561bc"),
        ("%5Cu0061bc", "%5Cu0061bc"),
    ],
)
def test_a_part_is_traced_back_to_the_original(text: str, found: str) -> None:
    """The span in the original is the whole of the escapes it takes, no more, through every round."""
    raw = text.encode()
    traced = FlatText(raw)
    at = traced.text.index(b"abc")

    start, end = traced.span(at, at + 3)

    assert raw[start:end].decode() == found


@same_examples(200)
@given(st.text(max_size=60))
def test_any_text_is_flattened_and_every_part_traced_back(text: str) -> None:
    """No text raises, and places are within the original and in order."""
    raw = text.encode("utf-8", "surrogatepass")
    traced = FlatText(raw)
    spans = [traced.span(at, at + 1) for at in range(len(traced.text))]

    assert all(0 <= start < end <= len(raw) for start, end in spans)
    assert spans == sorted(spans)


def test_every_invisible_character_of_unicode_is_removed() -> None:
    """Controls, format characters and spaces of every kind may stand between any two characters."""
    unseen = [
        chr(code)
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code)) in ("Cc", "Cf", "Zl", "Zp", "Zs")
    ]

    assert [one for one in unseen if flat(f"a{one}b") != b"ab"] == []
    assert len(unseen) > 200


@pytest.mark.parametrize(
    "text", ["a&b", "a&bc", "a&no-such;b", "a%b", "50% of", "a&#;b", "é", "→", "漢", "😀", "a\u0301"]
)
def test_what_is_no_escape_and_can_be_seen_stays(text: str) -> None:
    """Ampersands, percent signs, accents and other scripts are not taken for escapes."""
    assert flat(text) == text.replace(" ", "").encode()
