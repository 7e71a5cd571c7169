"""Text that may be shown: what only the redactor makes, and what alone can be cut.

A text of a target, a file or the user may hold a key, in any spelling. It is an ordinary `str`. What is written (a line
on a terminal, a verdict, a report, an entry of a recording) is `Shown`, which only the redactor makes of a `str`; the
type checker refuses any other text there. A text is shortened by `cut`, which takes `Shown` alone, because half a key
is not always known for one. Joining or slicing a `Shown` gives a `str` again, which has to pass the redactor again.

Code that judges or reads has no redactor, and yet a message must not hold 16 MiB of an answer. It writes
`f"expected 1, got {clip(text, 400)}"`: the message then has those characters and, behind a mark, as many more as a key
that begins among them can take. The redactor searches all of it, and leaves out what is behind the mark. So nobody cuts
before the secrets are gone, and a message is never longer than what it shows by more than `REACH`.

The marks are characters that Unicode assigns to nothing and no program draws. `clip` escapes those a text has itself,
so that a target cannot hide the rest of a message; a redactor escapes what is no whole mark.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple, NewType, TypeVar

Shown = NewType("Shown", str)
"""A text without secrets. Only the redactor makes one of a `str`; a test sees to that."""
Text = TypeVar("Text", str, Shown)
Scrub = Callable[[str], Shown]
"""What makes a text fit to be shown: the redactor, for those who are handed it."""

NOTHING: Final = Shown("")
"""The empty text, which has no secret."""
MAX_SHOWN: Final = 20_000
"""Characters of any text that reaches a terminal or a report; most texts have narrower bounds of their own."""
REACH: Final = 8_192
"""Characters behind those wanted that are searched too: eight characters of a key, in any spelling, take fewer."""
LEFT_OUT: Final = re.compile(r"… ([\d,]{1,20}) more characters\Z")
"""The end of a text that was cut."""

_CUT: Final = "\U000e0f00"
_DIGIT: Final = 0xE0F10
_MARKS: Final = re.compile("[\U000e0f00-\U000e0f1f]")
_BEHIND: Final = re.compile(f"{_CUT}([^\U000e0f00-\U000e0f1f]*+)([\U000e0f10-\U000e0f19]{{1,12}})")


class Omission(NamedTuple):
    """A part of a text that is searched for secrets and not shown: its start and end, and what stands for it."""

    start: int
    end: int
    shown: str


def clip(text: str, most: int, *, beyond: int = 0) -> str:
    """Return a text of which only the first characters are to be shown, once the secrets in it are gone.

    `beyond` is how many more there are that the caller has not even decoded.
    """
    text = escape_marks(text)
    left = beyond + max(0, len(text) - most)
    if not left:
        return text
    return f"{text[:most]}{_mark(text[most : most + REACH], left)}"


def clip_middle(text: str, first: int, last: int) -> str:
    """Return a text of which only so many characters of each end are to be shown, once the secrets in it are gone."""
    text = escape_marks(text)
    left = len(text) - first - last
    if left <= 0:
        return text
    end = len(text) - last
    middle = text[first:end] if left <= 2 * REACH else f"{text[first : first + REACH]}\n{text[end - REACH : end]}"
    return f"{text[:first]}{_mark(middle, left)}{text[end:]}"


def show_line(text: str, most: int, *, beyond: int = 0) -> str:
    """Return a text on one line, to be shown so far; what a terminal or file cannot take is escaped."""
    kept = text[: most + REACH]  # escaping is slow, and done for what may be searched only
    return clip(one_line(kept), most, beyond=beyond + len(text) - len(kept))


def _mark(behind: str, left: int) -> str:
    return f"{_CUT}{behind}{''.join(chr(_DIGIT + int(digit)) for digit in str(left))}"


def quote(text: str, most: int) -> str:
    """Return a text in quotes, as much of it as is to be shown."""
    return f"'{show_line(text, most)}'"


def find_omissions(text: str, most: int | None = None) -> tuple[str, list[Omission]]:
    """Return a text without its marks, and which parts of it are not to be shown.

    They are those behind a mark, and those after the first `most` characters; far more than these are not even kept.
    """
    pieces: list[str] = []
    omissions: list[Omission] = []
    at = size = 0
    for found in _BEHIND.finditer(text) if _CUT in text else ():
        behind, digits = found[1], "".join(str(ord(digit) - _DIGIT) for digit in found[2])
        pieces += [text[at : found.start()], behind]
        size += found.start() - at
        omissions.append(Omission(size, size + len(behind), f"… {int(digits):,} more characters"))
        size += len(behind)
        at = found.end()
    plain = escape_marks("".join([*pieces, text[at:]]) if pieces else text)
    if most is None:
        return plain, omissions
    kept = []
    for one in omissions:
        if one.start < most:
            kept.append(one)
            most += one.end - one.start  # what is left out does not count
    if (left := len(plain) - most) > 0:
        kept.append(Omission(most, min(most + REACH, len(plain)), f"… {left:,} more characters"))
    return plain[: most + REACH], kept


def cut(text: Shown, most: int) -> Shown:
    """Return a text, or its first characters and how many more there are, those of an earlier cut counted in."""
    whole: str = text
    left = 0
    if (found := LEFT_OUT.search(whole[-50:])) is not None:
        whole, left = whole[: -len(found[0])], int(found[1].replace(",", ""))
    left += max(0, len(whole) - most)
    return Shown(f"{whole[:most]}… {left:,} more characters") if left else text


def one_line(text: Text) -> Text:
    """Return a text on one line, with everything escaped that a terminal or file cannot take (controls, surrogates).

    A secret in it is still found afterwards, but a mark is no longer one: `clip` comes after it.
    """
    return text if text.isprintable() else Shown("".join(c if c.isprintable() else repr(c)[1:-1] for c in text))


def fill(template: str, *texts: Shown) -> Shown:
    """Return our own words, which are written out where this is called, with texts that may be shown in the gaps."""
    return Shown(template.format(*texts))


def partition(text: Shown, separator: str) -> tuple[Shown, Shown, Shown]:
    """Return what stands before a separator, that, and what stands behind it."""
    before, found, after = text.partition(separator)
    return Shown(before), Shown(found), Shown(after)


def split(text: Shown, separator: str) -> list[Shown]:
    """Return what stands between separators."""
    return [*map(Shown, text.split(separator))]


def join(between: str, texts: Iterable[Shown]) -> Shown:
    """Return texts that may be shown as one."""
    return Shown(between.join(texts))


def split_lines(text: Shown) -> tuple[Shown, ...]:
    """Return the lines of a text, those without anything on them left out."""
    return tuple(Shown(line) for line in text.splitlines() if line.strip())


def show_all(texts: Sequence[str], scrub: Scrub) -> tuple[Shown, ...]:
    """Return texts as they may be shown, in one search where none of them has a secret, which is usual."""
    whole = "\n".join(filter(None, texts))
    safe = len(whole) <= MAX_SHOWN and (not whole or scrub(whole) == whole)
    return tuple(map(Shown if safe else scrub, texts))


def escape_marks(text: str) -> str:
    """Return a text whose marks are escaped."""
    return text if text.isascii() else _MARKS.sub(lambda found: f"\\U{ord(found[0]):08x}", text)
