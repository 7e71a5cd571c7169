"""Reads cassettes of vcrpy and pytest-recording, YAML or JSON, as data and nothing else.

YAML is read from the parser's events: no tag builds an object, and no alias is followed. A cassette knows no times,
and headers may have been filtered out of it. What vcrpy writes depends on its version, its serializer and the HTTP
client: all known forms of a body are read.
"""

from __future__ import annotations

import zlib
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

import yaml

from luma_conformance.errors import InputError
from luma_conformance.model import Exchange, Headers, Request, Response, header
from luma_conformance.recording.entry import (
    REQUEST_BODY,
    REQUEST_HEADERS,
    RESPONSE_BODY,
    RESPONSE_HEADERS,
    TIMES,
    Entry,
    split,
)
from luma_conformance.recording.json_stream import JSONStream, Malformed

MAX_BYTES: Final = 1 << 28
"""Bytes of a cassette, and of a body when inflated."""
MAX_DEPTH: Final = 20

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_BINARY: Final = "tag:yaml.org,2002:binary"
_TEXTS: Final = frozenset(f"tag:yaml.org,2002:{name}" for name in ("str", "python/str", "python/unicode"))
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_LISTED: Final = "interactions"


def entries(path: Path) -> Iterator[Entry]:
    """Yields the interactions of a cassette one by one; raises InputError, with its place, for what is none."""
    number = 0
    try:
        with path.open("rb") as file:
            is_json = file.read(1) == b"{"
            file.seek(0)
            found = _json(path, file) if is_json else _yaml(path, file)
            for number, value in enumerate(found, start=1):
                yield _entry(value, f"{path}:entry {number}")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None


def _json(path: Path, file: BinaryIO) -> Iterator[object]:
    number, found = 0, False
    try:
        stream = JSONStream(file.read)
        for name in stream.members():
            if name != _LISTED:
                stream.value()
                continue
            found = True
            for value in stream.elements():
                yield value
                number += 1
        stream.end()
    except Malformed as error:
        where = f"in entry {number + 1}, " if found else ""
        raise InputError(f"{path}: {error} ({where}byte {error.byte})") from None
    if not found:
        raise InputError(f"{path} is no cassette: it is JSON without {_LISTED}")


def _yaml(path: Path, file: BinaryIO) -> Iterator[object]:
    events = _Events(path, file)
    start = events.next()
    if isinstance(start, yaml.SequenceStartEvent):
        raise InputError(
            f"{path}: is of a vcrpy before 1.0; `python -m vcr.migration {path.name}` brings it up to date"
        )
    found = False
    if isinstance(start, yaml.MappingStartEvent):
        for key in events.keys_of(start):
            if key != _LISTED:
                events.value(events.next())
                continue
            found = True
            if not isinstance(listed := events.next(), yaml.SequenceStartEvent):
                raise events.wrong(listed, f"{_LISTED} is no list")
            while not isinstance(event := events.next(), yaml.SequenceEndEvent):
                yield events.value(event, depth=2)
    if not found:
        raise events.wrong(start, f"is neither a HAR file nor a cassette: no {_LISTED} in it")
    events.end()


class _Events:
    """The events of one YAML document, turned into plain data: every scalar is text but null and binary."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path, self._file = path, file
        self._parser: Iterator[yaml.Event] = iter(yaml.parse(_Bounded(path, file), Loader=_LOADER))
        self.next()
        if isinstance(self.next(), yaml.StreamEndEvent):
            raise InputError(f"{path}:1: is empty")

    def next(self) -> yaml.Event:
        """Returns the next event; raises InputError for what is not YAML."""
        try:
            return next(self._parser)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = mark.line + 1 if mark else 1
            raise InputError(f"{self._path}:{line}: is not YAML: {error.problem}") from None
        except yaml.reader.ReaderError as error:
            raise InputError(f"{self._path}:{self._line(error.position)}: is not YAML: {error.reason}") from None

    def keys_of(self, start: yaml.Event, depth: int = 1) -> Iterator[str]:
        """Yields the keys of a mapping; who takes one reads its value."""
        seen: set[str] = set()
        while not isinstance(event := self.next(), yaml.MappingEndEvent):
            key = self.value(event, depth)
            if not isinstance(key, str):
                raise self.wrong(event, "a key is no text")
            if key in seen:
                raise self.wrong(event, f"has {key[:40]!r} twice")
            seen.add(key)
            yield key

    def value(self, event: yaml.Event, depth: int = 1) -> object:
        """Returns the data that begin with an event."""
        if isinstance(event, yaml.AliasEvent):
            raise self.wrong(event, f"alias *{event.anchor}: a cassette is read without aliases; write the value out")
        if depth > MAX_DEPTH:
            raise self.wrong(event, f"is nested deeper than {MAX_DEPTH} levels")
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        self._refuse_tag(event)
        if isinstance(event, yaml.SequenceStartEvent):
            items = []
            while not isinstance(item := self.next(), yaml.SequenceEndEvent):
                items.append(self.value(item, depth + 1))
            return items
        return {key: self.value(self.next(), depth + 1) for key in self.keys_of(event, depth)}

    def end(self) -> None:
        """Raises InputError where another document follows."""
        self.next()
        if not isinstance(extra := self.next(), yaml.StreamEndEvent):
            raise self.wrong(extra, "a second document begins here; a cassette is one")

    def wrong(self, event: yaml.Event, what: str) -> InputError:
        """Returns the error that says what is wrong at an event."""
        mark = event.start_mark
        return InputError(f"{self._path}:{mark.line + 1 if mark else 1}: {what}")

    def _scalar(self, event: yaml.ScalarEvent) -> str | bytes | None:
        if event.tag == _BINARY:
            try:
                return b64decode("".join(event.value.split()), validate=True)
            except ValueError:
                raise self.wrong(event, "!!binary is no base64") from None
        if event.tag not in _TEXTS:
            self._refuse_tag(event)
        is_null = event.tag is None and event.implicit[0] and event.value in _NULLS
        return None if is_null else event.value

    def _refuse_tag(self, event: yaml.Event) -> None:
        tag = getattr(event, "tag", None)
        if tag is not None:
            shown = tag.replace("tag:yaml.org,2002:", "!!")[:80]
            raise self.wrong(event, f"tag {shown} stands for an object of a program, which is not built; record text")

    def _line(self, position: int) -> int:
        self._file.seek(0)
        return self._file.read(position).count(b"\n") + 1


class _Bounded:
    """A file that may have so many bytes."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path, self._file, self._left = path, file, MAX_BYTES

    def read(self, count: int = -1, /) -> bytes:
        """Returns the next bytes."""
        raw = self._file.read(count)
        self._left -= len(raw)
        if self._left < 0:
            raise InputError(f"{self._path}: is too big; a cassette has at most {MAX_BYTES} bytes")
        return raw


def _entry(value: object, place: str) -> Entry:
    interaction = _mapping(value, place, "the interaction")
    request = _mapping(interaction.get("request"), place, "request")
    response = _mapping(interaction.get("response"), place, "response")
    unknown = {TIMES, REQUEST_HEADERS, RESPONSE_HEADERS}
    try:
        base_url, url = split(_text(request.get("uri"), place, "request.uri"))
    except ValueError as error:
        raise InputError(f"{place}: request.uri: {error}") from None
    asked = Request(
        method=_text(request.get("method"), place, "request.method"),
        url=url,
        headers=_headers(request.get("headers"), place, "request.headers"),
        body=_body(request.get("body"), place, "request.body", unknown, REQUEST_BODY),
    )
    headers = _headers(response.get("headers"), place, "response.headers")
    raw = _body(response.get("body", response.get("content")), place, "response.body", unknown, RESPONSE_BODY)
    body = _inflated(raw, headers, unknown)
    answered = Response(status=_status(response, place), headers=headers, body=body)
    exchange = Exchange(request=asked, response=answered, sent=0.0, received=0.0)
    return Entry(exchange=exchange, base_url=base_url, place=place, unknown=frozenset(unknown))


def _mapping(value: object, place: str, what: str) -> dict[str, object]:
    if isinstance(value, dict):
        return value
    raise InputError(f"{place}: {what} is {'missing' if value is None else 'no mapping'}")


def _text(value: object, place: str, what: str) -> str:
    if isinstance(value, str):
        return value
    raise InputError(f"{place}: {what} is {'missing' if value is None else 'no text'}")


def _status(response: dict[str, object], place: str) -> int:
    """Returns the status: a mapping with its code, or the member older versions wrote for httpx."""
    status = response.get("status")
    code = status.get("code") if isinstance(status, dict) else response.get("status_code")
    text = str(code) if isinstance(code, int | str) and not isinstance(code, bool) else ""
    if text.isascii() and text.isdigit() and len(text) == 3:
        return int(text)
    raise InputError(f"{place}: response.status has no code of three digits")


def _headers(value: object, place: str, what: str) -> Headers:
    """Returns the fields: each name has one text, or a list of them."""
    pairs = []
    for name, values in (_mapping(value, place, what) if value is not None else {}).items():
        for one in values if isinstance(values, list) else [values]:
            if isinstance(one, bytes):
                pairs.append((name, one.decode("latin-1")))
            elif isinstance(one, str):
                pairs.append((name, one))
            else:
                raise InputError(f"{place}: {what}: {name[:40]} has a value that is no text")
    return tuple(pairs)


def _body(value: object, place: str, what: str, unknown: set[str], part: str) -> bytes:
    """Returns a body, whichever way it is kept: text, bytes, or one of them, perhaps as base64, in a mapping."""
    if isinstance(value, dict) and isinstance(encoded := value.get("base64_string"), str):
        try:
            return b64decode("".join(encoded.split()), validate=True)
        except ValueError:
            raise InputError(f"{place}: {what}.base64_string is no base64") from None
    if isinstance(value, dict):
        value = value.get("string")
    if isinstance(value, list | dict):
        unknown.add(part)  # an iterator's parts, or a custom serializer's
        return b""
    if value is None or isinstance(value, bytes):
        return value or b""
    return _text(value, place, what).encode("utf-8", "replace")


def _inflated(raw: bytes, headers: Headers, unknown: set[str]) -> bytes:
    """Returns a body without its content coding, which vcrpy keeps unless it is told otherwise."""
    coding = (header(headers, "Content-Encoding") or "identity").strip().lower()
    if coding not in ("gzip", "x-gzip", "deflate"):
        if coding != "identity" and not _is_text(raw):
            unknown.add(RESPONSE_BODY)
            return b""
        return raw
    try:
        inflater = zlib.decompressobj(zlib.MAX_WBITS | 32)
        inflated = inflater.decompress(raw, MAX_BYTES)
    except zlib.error:
        return raw
    if inflater.unconsumed_tail or not inflater.eof:
        unknown.add(RESPONSE_BODY)
        return b""
    return inflated


def _is_text(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
