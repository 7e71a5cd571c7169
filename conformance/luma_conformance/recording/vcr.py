"""The reader of cassettes by vcrpy and pytest-recording, in YAML or JSON, as plain data only.

No tag of YAML builds an object, and no alias is followed. A cassette has no times,
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
from luma_conformance.reading.document import Node, Problems
from luma_conformance.reading.yaml_events import Builder, Grammar, Valued
from luma_conformance.recording.entry import (
    REQUEST_BODY,
    REQUEST_HEADERS,
    RESPONSE_BODY,
    RESPONSE_HEADERS,
    TIMES,
    Entry,
    split_url,
)
from luma_conformance.recording.json_stream import JSONStream, Malformed

MAX_BYTES: Final = 1 << 28
"""Bytes of a cassette, and of a body when inflated."""
MAX_DEPTH: Final = 20

_BINARY: Final = "tag:yaml.org,2002:binary"
_TEXTS: Final = frozenset(f"tag:yaml.org,2002:{name}" for name in ("str", "python/str", "python/unicode"))
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_LISTED: Final = "interactions"


def read_entries(path: Path) -> Iterator[Entry]:
    """Yield the interactions of a cassette one by one; raise InputError, with its place, for anything else."""
    number = 0
    try:
        with path.open("rb") as file:
            is_json = file.read(1) == b"{"
            file.seek(0)
            found = _read_json(path, file) if is_json else _read_yaml(path, file)
            for number, value in enumerate(found, start=1):
                yield _read_entry(value, f"{path}:entry {number}")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None


def _read_json(path: Path, file: BinaryIO) -> Iterator[object]:
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
        raise InputError(f"{path} is not a cassette: it is JSON without {_LISTED}")


def _read_yaml(path: Path, file: BinaryIO) -> Iterator[object]:
    def refuse(line: int, _: int, text: str) -> None:
        raise InputError(f"{path}:{line}: {text}")

    builder = Builder(_Bounded(path, file), _GRAMMAR, refuse, line_at=lambda position: _find_line(file, position))
    start = builder.start()
    assert start is not None
    if isinstance(start, yaml.SequenceStartEvent):
        raise InputError(
            f"{path}: is of a vcrpy before 1.0; `python -m vcr.migration {path.name}` brings it up to date"
        )
    found = False
    if isinstance(start, yaml.MappingStartEvent):
        for key, within in builder.members(()):
            value = builder.next()
            if key != _LISTED:
                builder.value(value, within)
            elif not isinstance(value, yaml.SequenceStartEvent):
                builder.refuse(value, f"{_LISTED} should be a list")
            else:
                found = True
                yield from builder.elements(within)
    if not found:
        builder.refuse(start, f"is neither a HAR file nor a cassette: no {_LISTED} in it")
    builder.end()


def _read_scalar(event: yaml.ScalarEvent) -> str | bytes | None:
    """Return a scalar: None for null, bytes for binary, or else text."""
    if event.tag == _BINARY:
        try:
            return b64decode("".join(event.value.split()), validate=True)
        except ValueError:
            raise ValueError("!!binary is not base64") from None
    is_null = event.tag is None and event.implicit[0] and event.value in _NULLS
    return None if is_null else str(event.value)


def _find_objection(event: Valued) -> str | None:
    tag = event.tag
    if tag is None or (isinstance(event, yaml.ScalarEvent) and (tag == _BINARY or tag in _TEXTS)):
        return None
    shown = tag.replace("tag:yaml.org,2002:", "!!")[:80]
    return f"tag {shown} stands for an object of a program, which is not built; record text"


def _find_key_objection(event: yaml.ScalarEvent) -> str | None:
    return _find_objection(event) or (None if isinstance(_read_scalar(event), str) else "a key should be a string")


_GRAMMAR: Final = Grammar(
    kind="a cassette",
    max_depth=MAX_DEPTH,
    scalar=_read_scalar,
    objection=_find_objection,
    odd_keys=_NULLS,
    key_objection=_find_key_objection,
)


def _find_line(file: BinaryIO, position: int) -> int:
    file.seek(0)
    return file.read(position).count(b"\n") + 1


class _Bounded:
    """A file that may have at most MAX_BYTES."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path, self._file, self._left = path, file, MAX_BYTES

    def read(self, count: int = -1, /) -> bytes:
        """Return the next bytes."""
        raw = self._file.read(count)
        self._left -= len(raw)
        if self._left < 0:
            raise InputError(f"{self._path}: is too big; a cassette has at most {MAX_BYTES} bytes")
        return raw


def _read_entry(value: object, place: str) -> Entry:
    interaction = Node(value, Problems(place), title="the interaction").mapping()
    request, response = interaction["request"].mapping(), interaction["response"].mapping()
    unknown = {TIMES, REQUEST_HEADERS, RESPONSE_HEADERS}
    try:
        base_url, url = split_url(request.string("uri"))
    except ValueError as error:
        raise request["uri"].error(f"request.uri: {error}") from None
    asked = Request(
        method=request.string("method"),
        url=url,
        headers=_read_headers(request["headers"]),
        body=_read_body(request["body"], unknown, REQUEST_BODY),
    )
    headers = _read_headers(response["headers"])
    raw = _read_body(response["body" if "body" in response else "content"], unknown, RESPONSE_BODY)
    body = _inflate(raw, headers, unknown)
    answered = Response(status=_read_status(response), headers=headers, body=body)
    exchange = Exchange(request=asked, response=answered, sent=0.0, received=0.0)
    return Entry(exchange=exchange, base_url=base_url, place=place, unknown=frozenset(unknown))


def _read_status(response: Node) -> int:
    """Return the status: a mapping with its code, or the member older versions wrote for httpx."""
    status = response["status"]
    code = status.get("code") if isinstance(status.value, dict) else response.get("status_code")
    text = str(code) if isinstance(code, int | str) and not isinstance(code, bool) else ""
    if text.isascii() and text.isdigit() and len(text) == 3:
        return int(text)
    raise status.error("response.status should have a code of three digits")


def _read_headers(node: Node) -> Headers:
    """Return the fields: each name has one text, or a list of them."""
    pairs = []
    for name, values in node.members() if not node.is_missing else ():
        for one in values.value if isinstance(values.value, list) else [values.value]:
            if not isinstance(one, str | bytes):
                raise node.error(f"{values.name} should be a string, or a list of strings")
            pairs.append((name, one.decode("latin-1") if isinstance(one, bytes) else one))
    return tuple(pairs)


def _read_body(node: Node, unknown: set[str], part: str) -> bytes:
    """Return a body in any of its forms: text, bytes, or a mapping with one of them or with base64."""
    if isinstance(encoded := node.get("base64_string"), str):
        try:
            return b64decode("".join(encoded.split()), validate=True)
        except ValueError:
            raise node.error(f"{node.name}.base64_string should be base64") from None
    body = node["string"] if isinstance(node.value, dict) else node
    if isinstance(body.value, list | dict):
        unknown.add(part)  # the parts of an iterator, or the output of a custom serializer
        return b""
    if body.is_missing or isinstance(body.value, bytes):
        return body.value if isinstance(body.value, bytes) else b""
    return body.string().encode("utf-8", "replace")


def _inflate(raw: bytes, headers: Headers, unknown: set[str]) -> bytes:
    """Return a body without its content coding, which vcrpy keeps unless configured otherwise."""
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
