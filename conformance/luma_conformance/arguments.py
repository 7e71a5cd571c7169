"""Types of command-line arguments, shared by our own command and by pytest's options.

Each is a function argparse calls with the text that was given. It raises `argparse.ArgumentTypeError` with a sentence
that says what was expected.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeVar
from urllib.parse import unquote, urlsplit

MAX_LABEL: Final = 100
"""Characters of the name of a build."""

# Not compiled before one is needed: most starts of pytest have none of our options.
_AGE: Final = r"(?a)(\d{1,6})\s*([dhm])"
_SHARE: Final = r"(?a)\d{1,3}(\.\d{1,3})?%"
_KEY: Final = "luma-api-(?!test-|conformance-).{4}"
"""How a key begins that is not for tests."""
_ROLE: Final = "[a-z][a-z0-9]*(-[a-z0-9]+)*"
_SECONDS_IN: Final = {"d": 86_400.0, "h": 3_600.0, "m": 60.0}
RECORDING: Final = "cassette:"
"""How a base URL begins that names the file of a recording."""
KEYS_ARE_READ: Final = "the kit reads keys from the environment, and a header's $VARIABLE in single quotes"
"""What to do instead of writing a key."""
UNSET: Final = "is the variable that should hold it set?"
"""The likely cause of an empty value."""

Value = TypeVar("Value")


def find_key(words: Iterable[str], environ: Mapping[str, str]) -> str | None:
    """Return the name of a variable whose key stands in one of some words, as it is or percent-encoded; or None.

    What a program says of its arguments, it says before anybody can take a key out.
    """
    alike = ((name, value.strip()) for name, value in environ.items() if "luma-api-" in value)
    keys = {value: name for name, value in alike if re.match(_KEY, value)}
    if not keys:
        return None
    text = "\n".join(form for word in words for form in (word, unquote(word)))
    return next((name for key, name in keys.items() if key in text), None)


def given(kind: Callable[[str], Value]) -> Callable[[str], Value]:
    """Return a type that refuses a blank text, and reads any other as `kind` does.

    Left empty by mistake, a value would be taken for one that was not given, and another server judged, or nothing
    compared or written.
    """

    def read(text: str) -> Value:
        if not text.strip():
            raise argparse.ArgumentTypeError(f"the value is empty; {UNSET}")
        return kind(text)

    return read


def whole_number(least: int, most: int | None = None) -> Callable[[str], int]:
    """Return a type that reads a whole number of at least `least`, and at most `most` if there is such a bound."""
    bounds = f"of at least {least}" if most is None else f"from {least} to {most}"

    def read(text: str) -> int:
        digits = text.strip().removeprefix("-")
        # `int` alone would also take 1_000, digits of other scripts, and numbers too long to be meant.
        if digits.isascii() and digits.isdecimal() and len(digits) <= 18:
            number = int(text)
            if number >= least and (most is None or number <= most):
                return number
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number {bounds}")

    return read


def seconds(least: float, most: float) -> Callable[[str], float]:
    """Return a type that reads a number of seconds within bounds."""

    def read(text: str) -> float:
        try:
            if least <= float(text) <= most:  # false for nan, and for inf
                return float(text)
        except ValueError:
            pass
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from {least:g} to {most:.10g}")

    return read


def age(text: str) -> float:
    """Return the seconds of an age: a whole number of days, hours or minutes."""
    found = re.fullmatch(_AGE, text.strip())
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not an age in days, hours or minutes, like 30d, 12h or 90m")
    return int(found[1]) * _SECONDS_IN[found[2]]


def label(text: str) -> str:
    """Return the name of a build as it was given, without space around it."""
    name = text.strip()
    if not name.isprintable():
        raise argparse.ArgumentTypeError(f"{text!r} is no label: it has characters that cannot be printed in a line")
    if len(name) > MAX_LABEL:
        raise argparse.ArgumentTypeError(f"a label has {MAX_LABEL} characters at most, and this one {len(name):,}")
    return name


def requirement(text: str) -> str:
    """Return what has to be judged at least: a number of cases, a share of all as `90%`, or the cases of a role."""
    given = text.strip()
    if re.fullmatch(_ROLE, given) or (re.fullmatch(_SHARE, given) and 0 < float(given[:-1]) <= 100):
        return given
    try:
        return str(whole_number(1)(given))
    except argparse.ArgumentTypeError:
        expected = "a number of cases from 1 on, nor a share from 1% to 100%, nor a role such as completed-video"
        raise argparse.ArgumentTypeError(f"{text!r} is neither {expected}") from None


def percentage(text: str) -> float:
    """Return a share from 0% to 100%, given as `90%`."""
    if re.fullmatch(_SHARE, text.strip()) and (share := float(text.strip()[:-1])) <= 100:
        return share
    raise argparse.ArgumentTypeError(f"{text!r} is not a share like 90%")


def http_url(text: str) -> str:
    """Return the URL of a server as it was given."""
    if is_http_url(text):
        return text
    raise argparse.ArgumentTypeError(f"{text!r} is not a URL like http://127.0.0.1:8080")


def is_http_url(text: str) -> bool:
    """Return whether a text is an absolute URL with the scheme http or https."""
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False
