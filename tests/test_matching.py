"""Matchers: what each lets pass, what each refuses, and the reason it gives."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest

from luma_conformance.matching import (
    MAX_SHOWN,
    MAX_SUBJECT,
    AtLeast,
    Differs,
    Each,
    Echo,
    Elements,
    Exactly,
    Is,
    Like,
    Matcher,
    Members,
    OneOf,
    Pattern,
    Same,
    Scene,
    show,
)
from luma_conformance.shown import one_line
from tests.verdicts import SHOW

NOWHERE = Scene()
UUID = "550e8400-e29b-41d4-a716-446655440000"
UNKNOWN_MODEL = Like.of("Unknown model: {name}")


@pytest.mark.parametrize(
    ("matcher", "actual"),
    [
        (Exactly("ray-3.2"), "ray-3.2"),
        (Exactly(None), None),
        (Exactly(1), 1),
        (Exactly(3.0), 3),
        (Elements((Exactly(1), Is("text"))), [1, "a"]),
        (Elements(()), []),
        (Members({"state": Exactly("failed")}), {"id": "x", "state": "failed"}),
        (Members({}), {"anything": 1}),
        (UNKNOWN_MODEL, "Unknown model: x"),
        (UNKNOWN_MODEL, "Unknown model: two words\nand lines"),
        (Like.of("{a}{b}"), "xy"),
        (Like.of("{a} and {a}!"), "one and two and three!"),
        (Like.of("no hole (at all)."), "no hole (at all)."),
        (Pattern(re.compile("[a-z]+")), "abc"),
        (OneOf((Exactly("a"), Is("null"))), None),
        (AtLeast(1), 1),
        (AtLeast(0), "0"),
        (AtLeast(1), "60"),
        (Is("uuid"), UUID),
        (Is("uuid"), UUID.upper()),
        (Is("text"), " "),
        (Is("integer"), 0),
        (Is("integer"), "120"),
        (Is("null"), None),
        (Is("timestamp"), "2026-04-01T12:00:00Z"),
        (Is("timestamp"), "2026-04-01T12:00:00.123456+02:00"),
        (Is("url"), "https://example.com/a.png?X-Amz-Expires=3600"),
    ],
)
def test_a_matcher_accepts_matching_values(matcher: Matcher, actual: object) -> None:
    """A matching value, and a legal variation of it, has no reason against it."""
    assert matcher.explain(actual, NOWHERE) is None


@pytest.mark.parametrize(
    ("matcher", "actual", "why"),
    [
        (Exactly(1), True, "expected 1, got true"),
        (Exactly(expected=False), 0, "expected false, got 0"),
        (Exactly(1), "1", 'expected 1, got "1"'),
        (Exactly("a"), "A", 'expected "a", got "A"'),
        (Exactly(None), "null", 'expected null, got "null"'),
        (Elements((Exactly(1),)), "1", 'expected a list, got "1"'),
        (Elements((Exactly(1),)), [1, 2], "expected a list of 1, got 2: [1, 2]"),
        (Elements((Exactly(1), Exactly(2))), [2, 1], "[0]: expected 1, got 2"),
        (Members({"detail": Is("text")}), [], "expected an object, got []"),
        (Members({"detail": Is("text")}), {}, "detail: is missing"),
        (Members({"a": Members({"b": Exactly(1)})}), {"a": {"b": 2}}, "a: b: expected 1, got 2"),
        (UNKNOWN_MODEL, "Unknown model: ", 'expected text like "Unknown model: {name}", got "Unknown model: "'),
        (UNKNOWN_MODEL, None, 'expected text like "Unknown model: {name}", got null'),
        (Like.of("{a} and {b}!"), "one or two!", 'expected text like "{a} and {b}!", got "one or two!"'),
        (Like.of("a.b"), "axb", 'expected text like "a.b", got "axb"'),
        (Pattern(re.compile("[a-z]+")), "abc1", 'expected text of pattern "[a-z]+", got "abc1"'),
        (OneOf((Exactly("a"), Exactly("b"))), "c", 'expected "a" or "b", got "c"'),
        (OneOf((Members({"a": Exactly(1)}), Exactly("b"))), {}, 'a: is missing and expected "b", got {}'),
        (AtLeast(1), 0, "expected a whole number of at least 1, got 0"),
        (AtLeast(1), True, "expected a whole number of at least 1, got true"),
        (AtLeast(1), "1.5", 'expected a whole number of at least 1, got "1.5"'),
        (AtLeast(1), "060", 'expected a whole number of at least 1, got "060"'),
        (AtLeast(1), "+1", 'expected a whole number of at least 1, got "+1"'),
        (AtLeast(1), "١", 'expected a whole number of at least 1, got "١"'),
        (Is("uuid"), UUID.replace("-", ""), f'expected a UUID, got "{UUID.replace("-", "")}"'),
        (Is("uuid"), f"{UUID}\n", f'expected a UUID, got "{UUID}\\n"'),
        (Is("text"), "", 'expected a non-empty text, got ""'),
        (Is("integer"), 1.5, "expected a whole number, got 1.5"),
        (Is("integer"), "9" * 21, f'expected a whole number, got "{"9" * 21}"'),
        (Is("timestamp"), "2026-04-01", 'expected an RFC 3339 timestamp, got "2026-04-01"'),
        (Is("timestamp"), 1_775_044_800, "expected an RFC 3339 timestamp, got 1775044800"),
        (Is("url"), "/a.png", 'expected an http(s) URL, got "/a.png"'),
        (Is("url"), "ftp://example.com/a", 'expected an http(s) URL, got "ftp://example.com/a"'),
        (Is("null"), "", 'expected null, got ""'),
    ],
)
def test_a_matcher_says_why_a_value_differs(matcher: Matcher, actual: object, why: str) -> None:
    """A differing value is refused with what was expected, what came, and where inside the value."""
    assert matcher.explain(actual, NOWHERE) == why


@pytest.mark.parametrize(
    ("actual", "why"),
    [
        ([1], None),
        ([1, 1], None),
        ([], "expected a list of one or more, got []"),
        (1, "expected a list of one or more, got 1"),
        ([1, 2], "[1]: expected 1, got 2"),
    ],
)
def test_each_expects_one_element_or_more(actual: object, why: str | None) -> None:
    """`$each` holds for every element, and for one at least."""
    assert Each(Exactly(1)).explain(actual, NOWHERE) == why


@pytest.mark.parametrize(
    ("matcher", "actual", "why"),
    [
        (Same("first"), "a", None),
        (Same("first"), "b", 'expected "a" as an earlier step saw it, got "b"'),
        (Same("day"), "2026-04-08T12:00:00Z", None),
        (Same("day"), "2026-04-08T14:00:00.250+02:00", None),
        (
            Same("day"),
            "2026-04-08T12:00:01Z",
            'expected "2026-04-08T12:00:00+00:00" as an earlier step saw it, got "2026-04-08T12:00:01Z"',
        ),
        (
            Same("day"),
            "2026-04-31T12:00:00Z",
            'expected "2026-04-08T12:00:00+00:00" as an earlier step saw it, got "2026-04-31T12:00:00Z"',
        ),
        (
            Same("day"),
            "2026-13-08T12:00:00Z",
            'expected "2026-04-08T12:00:00+00:00" as an earlier step saw it, got "2026-13-08T12:00:00Z"',
        ),
        (Differs("first"), "b", None),
        (Differs("first"), "a", 'expected something new, got "a" again'),
    ],
)
def test_a_matcher_compares_with_saved_values(matcher: Matcher, actual: object, why: str | None) -> None:
    """`$same` and `$differs` compare with the value an earlier step saved."""
    assert matcher.explain(actual, Scene(saved={"first": "a", "day": "2026-04-08T12:00:00+00:00"})) == why


@pytest.mark.parametrize(
    ("sent", "actual", "why"),
    [
        ({"x-request-id": "mine"}, "mine", None),
        ({"x-request-id": "mine"}, "Mine", 'expected the value that was sent, "mine", got "Mine"'),
        ({"x-request-id": "mine"}, UUID, f'expected the value that was sent, "mine", got "{UUID}"'),
        ({"x-request-id": "a/b"}, UUID, None),
        ({"x-request-id": "a/b"}, "ab", 'expected the value that was sent, "a/b", got "ab"'),
        ({"x-request-id": "a" * 65}, UUID.replace("-", ""), None),
        ({"x-request-id": "a" * 65}, "a" * 64, None),
        ({"x-request-id": "a" * 64}, "a" * 63, f'expected the value that was sent, "{"a" * 64}", got "{"a" * 63}"'),
        ({}, UUID, None),
        ({}, UUID.replace("-", ""), None),
        ({}, UUID.replace("-", "")[1:], f'expected a UUID, got "{UUID.replace("-", "")[1:]}"'),
        ({}, "mine", 'expected a UUID, got "mine"'),
    ],
)
def test_echo_expects_the_sent_id_or_a_uuid(sent: Mapping[str, str], actual: str, why: str | None) -> None:
    """`$echo` expects the sent header's value, and a UUID where the request had none; an odd value may give way."""
    assert Echo("X-Request-Id").explain(actual, Scene(sent=sent)) == why


def test_a_text_too_long_for_patterns_never_matches() -> None:
    """No pattern is tried on a text of more characters than MAX_SUBJECT, so none runs away on it."""
    assert Pattern(re.compile("a*")).explain("a" * MAX_SUBJECT, NOWHERE) is None
    assert Pattern(re.compile("a*")).explain("a" * (MAX_SUBJECT + 1), NOWHERE) is not None


def test_a_template_of_many_holes_does_not_backtrack() -> None:
    """A text made to fit in every way but the last is refused at once, not after all ways are tried."""
    assert Like.of(" ".join(["{hole}"] * 8) + "!").explain(" " * MAX_SUBJECT, NOWHERE) is not None


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"é": [1, None]}, '{"é": [1, null]}'),
        ("x" * MAX_SHOWN, f'"{"x" * (MAX_SHOWN - 1)}… 2 more characters'),
        ("\x1b[2J\u009b\ud800\u202e", r'"\u001b[2J\x9b\ud800\u202e"'),
        (1e400, "Infinity"),
    ],
)
def test_a_value_is_shown_as_one_harmless_line(value: object, shown: str) -> None:
    """What is shown is JSON on one line, cut, with nothing in it a terminal obeys or a file refuses."""
    assert SHOW(show(value)) == shown


def test_a_value_too_deep_to_show_is_named_as_such() -> None:
    """A value nested deeper than JSON can be written is named, not fatal."""
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]

    assert show(deep) == "something nested too deep to show"
    while deep:  # taken apart by hand: freed at once it would recurse as deep
        deep = deep[0]  # type: ignore[assignment]


@pytest.mark.parametrize(("text", "line"), [("Über — fine", "Über — fine"), ("a\r\n\tb\x00", r"a\r\n\tb\x00")])
def test_a_printable_text_has_no_control_characters(text: str, line: str) -> None:
    """Letters of any script stay; controls are escaped."""
    assert one_line(text) == line
