"""Matchers: what an answer must look like, and why it does not.

A matcher is a frozen value with one method, `explain(actual, scene)`, which returns None or the reason for the
mismatch. Matchers know nothing of HTTP or files; saved values and sent headers are passed to them in the scene.
"""

from __future__ import annotations

import json
import re
from calendar import timegm
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from luma_conformance.shown import show_line

MAX_SUBJECT = 4_000
"""Characters of a text that a pattern is tried on. A longer text never matches, so no pattern can take long on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """The values earlier steps saved, and the headers that were sent, with their names in lower case."""

    saved: Mapping[str, object] = field(default_factory=dict)
    sent: Mapping[str, str] = field(default_factory=dict)


class Matcher(Protocol):
    """Anything that can explain how a value differs from the expected one."""

    def explain(self, actual: object, scene: Scene) -> str | None:
        """Return why `actual` does not match, or None if it does."""
        ...


MAX_SHOWN = 4_000
"""Characters of a value that are shown in a reason."""


def show(value: object, most: int = MAX_SHOWN) -> str:
    """Return a value as JSON on one line, to be shown so far once the secrets in it are gone."""
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except RecursionError:
        return "something nested too deep to show"
    return show_line(text, most)


@dataclass(frozen=True, slots=True)
class Exactly:
    """Matches one scalar, by value and by JSON type: 1 is not true, and 1.0 is not "1.0"."""

    expected: str | int | float | bool | None

    def matches(self, actual: object) -> bool:
        """Return whether a value is this scalar."""
        return actual == self.expected and isinstance(actual, bool) == isinstance(self.expected, bool)

    def explain(self, actual: object, scene: Scene) -> str | None:
        return None if self.matches(actual) else f"expected {show(self.expected)}, got {show(actual)}"


@dataclass(frozen=True, slots=True)
class Elements:
    """Matches a list of the same length, element by element."""

    expected: tuple[Matcher, ...]

    def explain(self, actual: object, scene: Scene) -> str | None:
        if not isinstance(actual, list):
            return f"expected a list, got {show(actual)}"
        if len(actual) != len(self.expected):
            return f"expected a list of {len(self.expected)}, got {len(actual)}: {show(actual)}"
        for index, (matcher, element) in enumerate(zip(self.expected, actual, strict=True)):
            if why := matcher.explain(element, scene):
                return f"[{index}]: {why}"
        return None


@dataclass(frozen=True, slots=True)
class Each:
    """Matches a list of one element or more, all of which match."""

    expected: Matcher

    def explain(self, actual: object, scene: Scene) -> str | None:
        if not isinstance(actual, list) or not actual:
            return f"expected a list of one or more, got {show(actual)}"
        for index, element in enumerate(actual):
            if why := self.expected.explain(element, scene):
                return f"[{index}]: {why}"
        return None


@dataclass(frozen=True, slots=True)
class Members:
    """Matches an object that has at least these members; others are allowed."""

    expected: Mapping[str, Matcher]

    def explain(self, actual: object, scene: Scene) -> str | None:
        if not isinstance(actual, dict):
            return f"expected an object, got {show(actual)}"
        for name, matcher in self.expected.items():
            if name not in actual:
                return f"{name}: is missing"
            if why := matcher.explain(actual[name], scene):
                return f"{name}: {why}"
        return None


@dataclass(frozen=True, slots=True)
class Like:
    """Matches a text against a template in which `{name}` stands for one or more characters."""

    template: str
    pattern: re.Pattern[str]

    @classmethod
    def of(cls, template: str) -> Like:
        """Return the matcher of a template."""
        first, *others = (re.escape(literal) for literal in re.split(r"\{[a-z_-]+\}", template))
        # Atomic: the first fit of a hole is as good as any other, so a text that almost fits is not tried in all ways.
        holes = [f"(?>.+?{literal})" for literal in others[:-1]] + [f".+?{literal}" for literal in others[-1:]]
        return cls(template, re.compile(first + "".join(holes), re.DOTALL))

    def matches(self, actual: object) -> bool:
        """Return whether a value is a text like the template."""
        return _is_text_of(self.pattern, actual)

    def explain(self, actual: object, scene: Scene) -> str | None:
        return None if self.matches(actual) else f"expected text like {show(self.template)}, got {show(actual)}"


@dataclass(frozen=True, slots=True)
class Pattern:
    """Matches a whole text against a regular expression."""

    pattern: re.Pattern[str]

    def explain(self, actual: object, scene: Scene) -> str | None:
        if _is_text_of(self.pattern, actual):
            return None
        return f"expected text of pattern {show(self.pattern.pattern)}, got {show(actual)}"


def _is_text_of(pattern: re.Pattern[str], actual: object) -> bool:
    return isinstance(actual, str) and len(actual) <= MAX_SUBJECT and pattern.fullmatch(actual) is not None


@dataclass(frozen=True, slots=True)
class OneOf:
    """Matches a value that any of its matchers matches."""

    choices: tuple[Matcher, ...]

    def explain(self, actual: object, scene: Scene) -> str | None:
        if any(isinstance(choice, Exactly) and choice.matches(actual) for choice in self.choices):
            return None  # the usual case, without wording why the other choices do not match
        reasons = [choice.explain(actual, scene) for choice in self.choices]
        if None in reasons:
            return None
        parts = [str(reason).partition(", got ") for reason in reasons]
        if len({got for _, _, got in parts}) > 1:
            return " and ".join(str(reason) for reason in reasons)
        return (
            f"expected {' or '.join(expected.removeprefix('expected ') for expected, _, _ in parts)}, got {parts[0][2]}"
        )


_WHOLE_NUMBER = re.compile(r"0|[1-9][0-9]*")


def whole_number(actual: object) -> int | None:
    """Return the whole number that a JSON number or a header value is, or None.

    A text is one if it has only digits and no leading zero.
    """
    if isinstance(actual, bool):
        return None
    if isinstance(actual, int):
        return actual
    if isinstance(actual, str) and len(actual) <= 20 and _WHOLE_NUMBER.fullmatch(actual):
        return int(actual)
    return None


@dataclass(frozen=True, slots=True)
class AtLeast:
    """Matches a whole number of at least `minimum`, as a JSON number or as a header value."""

    minimum: int

    def explain(self, actual: object, scene: Scene) -> str | None:
        number = whole_number(actual)
        if number is not None and number >= self.minimum:
            return None
        return f"expected a whole number of at least {self.minimum}, got {show(actual)}"


_BARE_UUID = re.compile(r"[0-9a-fA-F]{32}")
UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_TIMESTAMP = re.compile(r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_URL = re.compile(r"https?://[^\s/]+\S*")


def is_same_time(one: object, other: object) -> bool:
    """Return whether two values are timestamps of the same second, give or take how its fraction is rounded."""
    first, second = _read_instant(one), _read_instant(other)
    return first is not None and second is not None and abs(first - second) < 1


def _read_instant(value: object) -> float | None:
    """Return the Unix time of a timestamp, or None for anything else."""
    found = _TIMESTAMP.fullmatch(value) if isinstance(value, str) and len(value) <= MAX_SUBJECT else None
    if found is None:
        return None
    *day, fraction, offset = found.groups()
    sign, hours, minutes = (offset[0], offset[1:3], offset[4:]) if len(offset) > 1 else ("+", 0, 0)
    ahead = (int(hours) * 60 + int(minutes)) * 60
    try:
        local = timegm(tuple(map(int, day)))
    except ValueError:  # no such month
        return None
    return local + float(fraction or 0) - (ahead if sign == "+" else -ahead)


KINDS: Mapping[str, tuple[str, Callable[[object], bool]]] = {
    "uuid": ("a UUID", partial(_is_text_of, UUID)),
    "text": ("a non-empty text", lambda actual: isinstance(actual, str) and actual != ""),
    "timestamp": ("an RFC 3339 timestamp", partial(_is_text_of, _TIMESTAMP)),
    "url": ("an http(s) URL", partial(_is_text_of, _URL)),
    "integer": ("a whole number", lambda actual: whole_number(actual) is not None),
    "null": ("null", lambda actual: actual is None),
}
"""The words allowed after `$is`: how each reads in a message, and whether a value is one."""


@dataclass(frozen=True, slots=True)
class Is:
    """Matches a value of one kind, a key of KINDS."""

    kind: str

    def explain(self, actual: object, scene: Scene) -> str | None:
        words, matches = KINDS[self.kind]
        return None if matches(actual) else f"expected {words}, got {show(actual)}"


@dataclass(frozen=True, slots=True)
class Same:
    """Matches the value an earlier step saved under a name; a timestamp may be spelt another way."""

    name: str

    def explain(self, actual: object, scene: Scene) -> str | None:
        saved = scene.saved.get(self.name)
        if actual == saved or is_same_time(saved, actual):
            return None
        return f"expected {show(saved)} as an earlier step saw it, got {show(actual)}"


@dataclass(frozen=True, slots=True)
class Differs:
    """Matches anything but the value an earlier step saved under a name."""

    name: str

    def explain(self, actual: object, scene: Scene) -> str | None:
        return None if actual != scene.saved.get(self.name) else f"expected something new, got {show(actual)} again"


_ORDINARY = re.compile(r"[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*")
_LONGEST = 64
"""What every server takes for an id, and how many characters of one; which others it takes is not documented."""


@dataclass(frozen=True, slots=True)
class Echo:
    """Matches the value a header was sent with, or any UUID if it was not sent ("Request tracing").

    The page does not say how that UUID is spelt: it may be without dashes. Nor does it say how long a value may be, or
    of which characters: an odd one may give way to a UUID, and a long one may be cut.
    """

    name: str

    def explain(self, actual: object, scene: Scene) -> str | None:
        sent = scene.sent.get(self.name.lower())
        if sent is not None and actual == sent:
            return None
        is_made = isinstance(actual, str) and bool(UUID.fullmatch(actual) or _BARE_UUID.fullmatch(actual))
        if sent is None:
            return None if is_made else Is("uuid").explain(actual, scene)
        is_cut = (
            len(sent) > _LONGEST and isinstance(actual, str) and len(actual) >= _LONGEST and sent.startswith(actual)
        )
        if is_cut or (is_made and not (len(sent) <= _LONGEST and _ORDINARY.fullmatch(sent))):
            return None
        return f"expected the value that was sent, {show(sent)}, got {show(actual)}"
