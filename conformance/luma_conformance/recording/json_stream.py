"""Reading JSON that is too long to hold in memory, value by value.

Reading is as strict as RFC 8259, in UTF-8. A value is decoded once it is complete: the text from its start on is held,
and doubled as long as it is incomplete, so a document takes linear time.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Iterator
from typing import Final

from luma_conformance.reading.strict_json import refuse_constant

CHUNK: Final = 1 << 16
"""Bytes read at a time."""
MAX_VALUE: Final = 1 << 27
"""Characters of one value: twice the largest request the API takes."""

_SPACE: Final = re.compile(r"[ \t\n\r]*")
_UNFINISHED: Final = re.compile(
    r"-|-?I(n(f(i(n(it?)?)?)?)?)?|N(a?)|t(ru?)?|f(a(ls?)?)?|n(ul?)?"  # words
    r"|\.|[eE][+-]?"  # what goes on with a number
    r"|\\?u?[0-9a-fA-F]{0,4}"  # an escape
)
"""What may stand at the place of an error if the text is merely incomplete."""

_CONTINUATIONS: Final = ("", ".", "e", "E", "e+", "e-", "E+", "E-")
"""What may stand between a number and the end of an incomplete text: after 1 may come .5 or e+9."""


class Malformed(Exception):
    """Something is not JSON, at a byte counted from 0."""

    def __init__(self, what: str, byte: int) -> None:
        super().__init__(what)
        self.byte = byte


class Truncated(Malformed):
    """The document ends before it is complete, at a byte counted from 0."""


class JSONStream:
    """A cursor in a JSON document; `read(n)` returns at most n more bytes, and none at the end."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read
        self._decode = codecs.getincrementaldecoder("utf-8")().decode
        self._json = json.JSONDecoder(parse_constant=refuse_constant)
        self._text, self._at, self._ended = "", 0, False
        self._before = 0  # bytes of the document before the text that is held
        self._read_more(CHUNK)
        if self._text.startswith("\ufeff"):
            self._at = 1

    @property
    def byte(self) -> int:
        """The cursor's position, in bytes from the start of the document."""
        return self._before + len(self._text[: self._at].encode())

    def members(self) -> Iterator[str]:
        """Yield the name of each member of the object that begins here; the caller reads the value before the next."""
        self._expect("{")
        if self._peek() == "}":
            self._at += 1
            return
        while True:
            if self._peek() != '"':
                raise self._malformed("expected the name of a member")
            name = self.value()
            assert isinstance(name, str)
            self._expect(":")
            yield name
            if self._peek() == "}":
                self._at += 1
                return
            self._expect(",")

    def elements(self) -> Iterator[object]:
        """Yield each element of the array that begins here."""
        self._expect("[")
        if self._peek() == "]":
            self._at += 1
            return
        while True:
            yield self.value()
            if self._peek() == "]":
                self._at += 1
                return
            self._expect(",")

    def value(self) -> object:
        """Return the value that begins here."""
        self._peek()
        while True:
            try:
                value, end = self._json.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if self._ended or not self._may_continue(error):
                    raise self._describe(error) from None
            except RecursionError:
                raise self._malformed("is nested too deep") from None
            except ValueError as error:
                raise self._malformed(str(error).partition(";")[0]) from None
            else:
                rest = self._text[end : end + 3]
                may_go_on = isinstance(value, int | float) and rest in _CONTINUATIONS
                if not may_go_on or (self._ended and not rest):
                    self._at = end
                    return value
                if self._ended:  # a number that is cut off at its point or its exponent
                    raise Truncated("ends too early", self.byte)
            if len(self._text) - self._at > MAX_VALUE:
                raise self._malformed(f"is a value of more than {MAX_VALUE} characters")
            self._read_more(max(CHUNK, len(self._text) - self._at))

    def end(self) -> None:
        """Raise Malformed if anything but white space follows."""
        if self._peek(required=False):
            raise self._malformed("more follows after the document's end")

    def _expect(self, expected: str) -> None:
        if self._peek() != expected:
            raise self._malformed(f"expected {expected}")
        self._at += 1

    def _peek(self, *, required: bool = True) -> str:
        """Return the next character that is not white space, with the cursor on it; an empty text at the end."""
        while True:
            found = _SPACE.match(self._text, self._at)
            assert found is not None
            self._at = found.end()
            if self._at < len(self._text):
                return self._text[self._at]
            if self._ended:
                if required:
                    raise Truncated("ends too early", self.byte)
                return ""
            self._read_more(CHUNK)

    def _read_more(self, count: int) -> None:
        """Read on, and drop the text before the cursor."""
        self._before = self.byte
        self._text, self._at = self._text[self._at :], 0
        raw = self._read(count)
        try:
            self._text += self._decode(raw, not raw)
        except UnicodeDecodeError as error:
            held = self._before + len(self._text.encode())
            raise Malformed("is not UTF-8 text", held + error.start) from None
        self._ended = not raw

    def _may_continue(self, error: json.JSONDecodeError) -> bool:
        rest = self._text[error.pos : error.pos + 12]
        return error.msg.startswith("Unterminated string") or not rest or _UNFINISHED.fullmatch(rest) is not None

    def _describe(self, error: json.JSONDecodeError) -> Malformed:
        byte = self._before + len(self._text[: error.pos].encode())
        if self._ended and self._may_continue(error):
            return Truncated("ends too early", byte)
        return Malformed(f"is not JSON: {error.msg}", byte)

    def _malformed(self, what: str) -> Malformed:
        return Malformed(what, self.byte)
