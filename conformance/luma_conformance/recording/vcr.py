"""The reader of cassettes: of vcrpy, pytest-recording, betamax, nock, and the VCRs for Ruby and Go, as plain data only.

No tag of YAML builds an object, and an alias stands for a small value only. A cassette has no times,
and headers may have been filtered out of it. What is written depends on the version, the serializer and the HTTP
client: all known forms of a body are read.
"""

from __future__ import annotations

import codecs
import re
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final, cast

import yaml

from luma_conformance.errors import InputError
from luma_conformance.model import Exchange, Headers, Request, Response, header
from luma_conformance.paths import Path
from luma_conformance.reading.document import Node, Problems
from luma_conformance.reading.yaml_events import Builder, Grammar, NotYAML
from luma_conformance.recording.body import Stored, restore
from luma_conformance.recording.entry import (
    REQUEST_BODY,
    REQUEST_HEADERS,
    RESPONSE_BODY,
    RESPONSE_HEADERS,
    TIMES,
    Entry,
    Odd,
    Unread,
    may_be_api,
    split_url,
)
from luma_conformance.recording.json_stream import JSONStream, Malformed
from luma_conformance.recording.nock import is_definition, to_interaction
from luma_conformance.recording.opening import Openable, open_recording

MAX_BYTES: Final = 1 << 28
"""Bytes of a cassette."""
MAX_DEPTH: Final = 20

_BINARY: Final = "tag:yaml.org,2002:binary"
_TEXTS: Final = frozenset(f"tag:yaml.org,2002:{name}" for name in ("str", "python/str", "python/unicode"))
_COLLECTIONS: Final = frozenset(f"tag:yaml.org,2002:{name}" for name in ("seq", "map", "python/tuple", "python/list"))
_NUMBER_OR_WORD: Final = re.compile(r"true|false|-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]+)?(?:e[-+]?[0-9]+)?")
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_LISTED: Final = ("interactions", "http_interactions")
_SPACES: Final = 256
_OLD: Final = "is of a vcrpy before 1.0; `python -m vcr.migration {}` brings it up to date"
_NO_LIST: Final = "is a list, and not one of exchanges"
FILTERED: Final = "some may have been filtered out"


def read_entries(path: Openable, odd: Odd | None = None) -> Iterator[Entry]:
    """Yield the interactions of a cassette one by one; raise InputError, with its place, for anything else.

    An interaction that cannot be read is given to `odd`; without it, it is an InputError too.
    """
    number = 0
    try:
        with open_recording(path) as file:
            first = file.read(_SPACES).removeprefix(codecs.BOM_UTF8).lstrip()[:1]
            file.seek(0)
            if first == b"[":
                found = _read_json_list(path, file)
            else:
                found = _read_json(path, file) if first == b"{" else _read_yaml(path, file, odd is not None)
            for number, (value, objection) in enumerate(found, start=1):
                place = f"{path}:entry {number}"
                try:
                    if objection is not None:
                        raise InputError(objection)
                    yield _read_entry(value, place)
                except InputError as error:
                    if odd is None:
                        raise
                    why = str(error).removeprefix(f"{place}: ").removeprefix(f"{path}:")
                    odd(Unread(place=place, why=why, is_api=may_be_api(_find_url(value))))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None


def _find_url(value: object) -> object:
    request = value.get("request") if isinstance(value, dict) else None
    return (request.get("uri") or request.get("url")) if isinstance(request, dict) else None


Found = Iterator[tuple[object, str | None]]
"""Interactions, each with what is wrong with it already, or None."""


def _read_json(path: Openable, file: BinaryIO) -> Found:
    number, found = 0, False
    try:
        stream = JSONStream(file.read)
        for name in stream.members():
            if name not in _LISTED:
                stream.value()
                continue
            found = True
            for value in stream.elements():
                yield value, None
                number += 1
        stream.end()
    except Malformed as error:
        where = f"in entry {number + 1}, " if found else ""
        raise InputError(f"{path}: {error} ({where}byte {error.byte})") from None
    if not found:
        raise InputError(f"{path} is not a cassette: it is JSON without {_LISTED[0]}")


def _read_json_list(path: Openable, file: BinaryIO) -> Found:
    """Yield nock's definitions as interactions."""
    number = 0
    try:
        stream = JSONStream(file.read)
        for value in stream.elements():
            if not is_definition(value):
                raise InputError(
                    f"{path}: {_OLD.format(path.name) if isinstance(value, dict) and 'request' in value else _NO_LIST}"
                )
            yield to_interaction(cast("dict[str, object]", value)), None
            number += 1
        stream.end()
    except Malformed as error:
        raise InputError(f"{path}: {error} (in entry {number + 1}, byte {error.byte})") from None


def _read_yaml(path: Openable, file: BinaryIO, goes_on: bool) -> Found:  # noqa: FBT001 - of this module alone
    wrong: list[str] = []
    within_entry = False

    def refuse(line: int, _: int, text: str) -> None:
        wrong.append(f"{path}:{line}: {text}")
        if not (goes_on and within_entry):
            raise InputError(wrong[0])

    builder = Builder(_Bounded(path, file), _GRAMMAR, refuse, line_at=lambda position: _find_line(file, position))
    start = builder.start()
    assert start is not None
    if isinstance(start, yaml.SequenceStartEvent):
        raise InputError(f"{path}: {_OLD.format(path.name)}")
    found = False
    if isinstance(start, yaml.MappingStartEvent):
        for key, within in builder.members(()):
            value = builder.next()
            if key not in _LISTED:
                builder.value(value, within)
            elif not isinstance(value, yaml.SequenceStartEvent):
                builder.refuse(value, f"{key} should be a list")
            else:
                found = within_entry = True
                yield from _read_elements(builder, within, wrong)
                within_entry = False
    if not found:
        builder.refuse(start, f"is neither a HAR file nor a cassette: no {_LISTED[0]} in it")
    builder.end()


def _read_elements(builder: Builder, path: Path, wrong: list[str]) -> Found:
    try:
        for element in builder.elements(path):
            yield element, wrong[0] if wrong else None
            wrong.clear()
    except NotYAML:
        raise InputError(wrong[0]) from None


class Plain(str):
    """A scalar of YAML without quotes, which may stand for a number or a truth value where data is meant."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Tagged:
    """A value with the tag of a program's object, which is not built."""

    tag: str
    value: object


def _read_scalar(event: yaml.ScalarEvent) -> str | bytes | None:
    """Return a scalar: None for null, bytes for binary, or else text."""
    if event.tag == _BINARY:
        try:
            return b64decode("".join(event.value.split()), validate=True)
        except ValueError:
            raise ValueError("!!binary is not base64") from None
    is_null = event.tag is None and event.implicit[0] and event.value in _NULLS
    if is_null:
        return None
    return Plain(event.value) if event.tag is None and event.implicit[0] else str(event.value)


def _tag(tag: str, value: object) -> object:
    """Return a value as data if its tag stands for data, or else with the tag."""
    if tag == _BINARY or tag in _TEXTS or tag in _COLLECTIONS:
        return value
    return Tagged(tag.replace("tag:yaml.org,2002:", "!!")[:80], value)


def _find_key_objection(event: yaml.ScalarEvent) -> str | None:
    is_text = event.tag is None or event.tag in _TEXTS
    return None if is_text and isinstance(_read_scalar(event), str) else "a key should be a string"


_GRAMMAR: Final = Grammar(
    kind="a cassette",
    max_depth=MAX_DEPTH,
    scalar=_read_scalar,
    objection=lambda _: None,
    odd_keys=_NULLS,
    key_objection=_find_key_objection,
    tagged=_tag,
    most_aliased=1000,
)


def _find_line(file: BinaryIO, position: int) -> int:
    file.seek(0)
    return file.read(position).count(b"\n") + 1


class _Bounded:
    """A file that may have at most MAX_BYTES."""

    def __init__(self, path: Openable, file: BinaryIO) -> None:
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
    uri = "uri" if "uri" in request else "url"  # Go's VCR says url
    try:
        base_url, url = split_url(request.string(uri))
    except ValueError as error:
        raise request[uri].error(f"request.{uri}: {error}") from None
    method, status = request.string("method"), _read_status(response)
    asked, answered = _read_headers(request["headers"]), _read_headers(response["headers"])
    unknown = {TIMES: "a cassette has none", REQUEST_HEADERS: FILTERED, RESPONSE_HEADERS: FILTERED}
    if header(asked, "Content-Type") is None and _can_only_be_json(request["body"].value):
        asked = (*asked, ("Content-Type", "application/json"))  # aiohttp adds it after vcrpy has looked
    bodies = []
    for part, node, headers, is_optional in (
        (REQUEST_BODY, request["body"], asked, method in ("GET", "HEAD", "OPTIONS", "DELETE")),
        (RESPONSE_BODY, response["body" if "body" in response else "content"], answered, method == "HEAD"),
    ):
        is_request = part == REQUEST_BODY
        stored = Stored(value=_find_body(node), headers=headers, is_optional=is_optional, is_request=is_request)
        body, loss = restore(stored)
        bodies.append(body)
        unknown |= {part: loss} if loss is not None else {}
    exchange = Exchange(
        request=Request(method=method, url=url, headers=asked, body=bodies[0]),
        response=Response(status=status, headers=answered, body=bodies[1]),
        sent=0.0,
        received=0.0,
    )
    return Entry(exchange=exchange, base_url=base_url, place=place, unknown=unknown)


def _can_only_be_json(body: object) -> bool:
    """Return whether data that a client handed over cannot have been sent as a form, whose values are texts."""
    if not isinstance(body, dict) or "string" in body or "base64_string" in body:
        return False
    return any(not isinstance(_resolve(value), str | bytes) for value in body.values())


def _read_status(response: Node) -> int:
    """Return the status: a mapping with its code, or a member beside it, as older versions and other languages have."""
    status = response["status"]
    code = status.get("code") if isinstance(status.value, dict) else response.get("status_code") or response.get("code")
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
            pairs.append((name, one.decode("latin-1") if isinstance(one, bytes) else str(one)))
    return tuple(pairs)


def _find_body(node: Node) -> object:
    """Return what is stored of a body: text, bytes, base64, chunks, or the JSON that a client handed over as data."""
    if isinstance(encoded := node.get("base64_string"), str):
        return _decode_base64(node, encoded)
    if not isinstance(node.value, dict):
        return _resolve(node.value) if isinstance(node.value, list) else _open_tagged(node)
    if "string" not in node:
        return _resolve(node.value) if node.value else None  # JSON that a client handed over as data
    text = node.get("string")
    is_encoded = str(node.get("encoding")).lower() == "base64" and isinstance(text, str)
    return _decode_base64(node, str(text)) if is_encoded else _open_tagged(node["string"])


def _open_tagged(node: Node) -> object:
    """Return the content of a stream or an iterator, which vcrpy writes as an object; other values as they are."""
    value = node.value
    if isinstance(value, Tagged):
        inner = value.value
        state = inner.get("state") if isinstance(inner, dict) else inner
        arguments = inner.get("args") if isinstance(inner, dict) else inner
        if value.tag.endswith(("BytesIO", "StringIO")) and isinstance(state, list) and state:
            return state[0]
        if value.tag.endswith((".iter", "_iterator")) and isinstance(arguments, list) and arguments:
            return arguments[0] if isinstance(arguments[0], list) else arguments
        raise node.error(f"{node.name} has tag {value.tag}: an object of a program, which is not built; record text")
    return str(value) if isinstance(value, Plain) else None if node.is_missing else value


def _resolve(value: object) -> object:
    """Return data in which a scalar without quotes is what YAML 1.1 takes it for, as far as JSON has it."""
    if isinstance(value, dict):
        return {str(name): _resolve(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_resolve(element) for element in value]
    if isinstance(value, Plain) and _NUMBER_OR_WORD.fullmatch(value):
        return yaml.safe_load(value)
    return str(value) if isinstance(value, Plain) else value


def _decode_base64(node: Node, encoded: str) -> bytes:
    try:
        return b64decode("".join(encoded.split()), validate=True)
    except ValueError:
        raise node.error(f"{node.name} should be base64") from None
