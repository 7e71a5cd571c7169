"""The types of command-line arguments: what each reads, and the sentence that refuses anything else."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Callable

import pytest

from luma_conformance.arguments import age, http_url, is_http_url, percentage, requirement, seconds, whole_number


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (whole_number(0), "0", 0),
        (whole_number(-5, 5), "-5", -5),
        (whole_number(1, 599), " 429 ", 429),
        (seconds(0, 60), "0.5", 0.5),
        (age, "30d", 2_592_000.0),
        (age, " 12 h ", 43_200.0),
        (age, "90m", 5_400.0),
        (http_url, "http://[::1]:8080/v1", "http://[::1]:8080/v1"),
        (requirement, " 250 ", "250"),
        (percentage, " 99.5% ", 99.5),
        (requirement, "99.5%", "99.5%"),
        (requirement, "completed-video", "completed-video"),
    ],
)
def test_a_right_text_is_read(read: Callable[[str], object], text: str, value: object) -> None:
    """White space around a number does no harm."""
    assert read(text) == value


@pytest.mark.parametrize(
    ("read", "texts", "why"),
    [
        (whole_number(1), ["0", "-1", "1.5", "1_0", "x", "٣", "9" * 5000, "+1"], "is not a whole number of at least 1"),
        (whole_number(1, 9), ["10"], "is not a whole number from 1 to 9"),
        (seconds(0, 60), ["-1", "61", "nan", "inf", "soon", ""], "is not a number of seconds from 0 to 60"),
        (age, ["30", "d", "1y", "1.5d", "-1d", "9" * 99 + "d"], "is not an age in days, hours or minutes, like 30d"),
        (
            requirement,
            ["", "0", "-3", "0%", "101%", "%", "1e2%", "Completed-Video", "a b", "٣%"],
            "is neither a number of",
        ),
        (percentage, ["", "90", "101%", "-1%", "half", "%"], "is not a share like 90%"),
        (http_url, ["localhost:8080", "ftp://a", "http://", "http://[", ""], "is not a URL like http://127.0.0.1:8080"),
    ],
)
def test_anything_else_is_refused_in_a_sentence(read: Callable[[str], object], texts: list[str], why: str) -> None:
    """The sentence repeats the text and says what was expected."""
    for text in texts:
        with pytest.raises(ArgumentTypeError) as refused:
            read(text)
        assert str(refused.value).startswith(f"{text!r} {why}")


def test_a_url_is_known_by_its_scheme_and_host() -> None:
    """A path, a recording and a host alone are none."""
    assert is_http_url("https://agents.lumalabs.ai")
    assert [text for text in ("run.har", "cassette:run.har", "localhost", "http:/x") if is_http_url(text)] == []
