"""Exchanges converted to HAR entries and back.

In entries of other programs, missing parts are noted as unknown, and wrong ones are reported with their place: browsers
leave out bodies they did not keep, and write the others decoded, as text or base64.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl

from luma_conformance.model import Exchange, Headers, Request, Response, header
from luma_conformance.reading.document import Node, Problems
from luma_conformance.recording.body import Stored, restore, to_bytes
from luma_conformance.recording.entry import (
    REQUEST_BODY,
    REQUEST_HEADERS,
    RESPONSE_BODY,
    RESPONSE_HEADERS,
    TIMES,
    Entry,
    may_be_api,
    split_url,
)
from luma_conformance.recording.marks import find_answerer, find_damage
from luma_conformance.shown import clip

BASE64: Final = "base64"
NONE_RECORDED: Final = "none are in the file"
_OCTETS: Final = "application/octet-stream"


def make_entry_data(
    exchange: Exchange, base_url: str, note: Mapping[str, object], scrub: Callable[[str], str]
) -> dict[str, object]:
    """Return the members of an exchange's entry.

    `base_url` is where a request for a path alone was sent; `scrub` is applied to every text. A value that HAR
    1.2 requires and we do not know is -1 or empty, as HAR 1.2 prescribes.
    """
    request, response = exchange.request, exchange.response
    own = {"base_url": base_url} if request.url.startswith("/") else {}
    milliseconds = round((exchange.received - exchange.sent) * 1000, 3)
    return {
        "startedDateTime": datetime.fromtimestamp(exchange.sent, UTC).isoformat(),
        "time": milliseconds,
        "request": _make_request(request, base_url.rstrip("/") if own else "", scrub),
        "response": {
            "status": response.status,
            "statusText": _reason_phrase(response.status),
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": _make_records(response.headers, scrub),
            "content": _make_content(response, scrub),
            "redirectURL": "",
            "headersSize": -1,
            "bodySize": -1,
        },
        "timings": {"send": 0, "wait": milliseconds, "receive": 0, "blocked": -1, "dns": -1, "connect": -1, "ssl": -1},
        "cache": {},
        "comment": json.dumps(scrub_data({"note": note, **own}, scrub)),
    }


def read_entry(
    value: object, place: str, *, own: bool, read_attached: Callable[[str], bytes | None] = lambda _: None
) -> Entry:
    """Return the entry in plain data; `own`: the kit's recorder wrote it. Raise InputError if it is wrong.

    `read_attached` returns a body that lies beside the file, by its name there.
    """
    node = Node(value, Problems(place), title="the entry").mapping()
    request, response = node["request"].mapping(), node["response"].mapping()
    unknown: dict[str, str] = {}
    comment = read_comment(node.get("comment")) if own else {}
    base_url, url = _read_url(request, comment.get("base_url"), own=own)
    sent, seconds = _read_times(node, unknown)
    asked, answered = _read_headers(request["headers"]), _read_headers(response["headers"])
    method, status = request.string("method"), _read_status(response)
    if not own:
        lost = {REQUEST_HEADERS: not asked, RESPONSE_HEADERS: not answered and status}
        unknown |= {part: NONE_RECORDED for part, is_lost in lost.items() if is_lost}
        asked = _complete(asked, request["postData"], request["cookies"], "Cookie")
        answered = _complete(answered, response["content"], response["cookies"], "Set-Cookie")
    asking, answering = _find_request_body(request, asked), _find_response_body(response, answered, status, method)
    bodies = {REQUEST_BODY: asking, RESPONSE_BODY: answering}
    if not own:
        _attach(bodies, {REQUEST_BODY: request["postData"], RESPONSE_BODY: response["content"]}, read_attached)
    restored = {part: _restore(stored, part, unknown, own=own) for part, stored in bodies.items()}
    exchange = Exchange(
        request=Request(method=method, url=url, headers=asked, body=restored[REQUEST_BODY]),
        response=Response(status=status, headers=answered, body=restored[RESPONSE_BODY]),
        sent=sent,
        received=sent + seconds,
    )
    return Entry(
        exchange=exchange,
        base_url=base_url,
        place=place,
        note=note if isinstance(note := comment.get("note"), dict) else {},
        unknown=unknown,
        unanswered=None if own or not isinstance(value, dict) else find_answerer(value),
    )


def _attach(bodies: dict[str, Stored], nodes: Mapping[str, Node], read_attached: Callable[[str], bytes | None]) -> None:
    for part, node in nodes.items():
        if not bodies[part].value and isinstance(named := node.get("_file"), str):
            bodies[part] = replace(bodies[part], value=read_attached(named))


def _read_url(request: Node, base_url: object, *, own: bool) -> tuple[str, str]:
    """Return the base URL and the path; an entry of the kit's own names its base URL."""
    full = request.string("url")
    if isinstance(base_url, str) and full.startswith(f"{base_url.rstrip('/')}/"):
        return base_url, full[len(base_url.rstrip("/")) :]
    try:
        found, url = split_url(full)
    except ValueError as error:
        raise request["url"].error(f"request.url: {error}") from None
    return found, full if own else url


def _restore(stored: Stored, part: str, unknown: dict[str, str], *, own: bool) -> bytes:
    if own:  # what the kit wrote is as it should be; a body that it did not keep is told in the body's place
        return to_bytes(stored.value)
    body, loss = restore(stored)
    if loss is not None:
        unknown[part] = loss
    return body


def concerns_api(value: object) -> bool:
    """Return whether an entry that cannot be read is, or may be, of the API."""
    request = value.get("request") if isinstance(value, dict) else None
    return may_be_api(request.get("url") if isinstance(request, dict) else None)


def scrub_data(value: object, scrub: Callable[[str], str]) -> object:
    """Return plain data in which every text is scrubbed."""
    if isinstance(value, Mapping):
        return {scrub(str(name)): scrub_data(member, scrub) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [scrub_data(element, scrub) for element in value]
    return scrub(value) if isinstance(value, str) else value


def read_comment(comment: object) -> dict[str, object]:
    """Return the data in a comment written by the kit; nothing for a comment of another program."""
    try:
        found = json.loads(comment) if isinstance(comment, str) else {}
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _make_request(request: Request, base_url: str, scrub: Callable[[str], str]) -> dict[str, object]:
    url = scrub(base_url + request.url)
    query = url.partition("#")[0].partition("?")[2]
    return {
        "method": scrub(request.method),
        "url": url,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _make_records(request.headers, scrub),
        "queryString": _make_records(parse_qsl(query, keep_blank_values=True)),
        "headersSize": -1,
        "bodySize": len(request.body),
        **({"postData": _make_post_data(request, scrub)} if request.body else {}),
    }


def _make_post_data(request: Request, scrub: Callable[[str], str]) -> dict[str, object]:
    text, encoding = _encode_body(request.body, scrub)
    # HAR defines an encoding for response bodies, and none for request bodies.
    comment = {"comment": encoding} if encoding else {}
    return {"mimeType": _content_type(request.headers, scrub), "text": text, **comment}


def _make_content(response: Response, scrub: Callable[[str], str]) -> dict[str, object]:
    text, encoding = _encode_body(response.body, scrub)
    kind, encoded = _content_type(response.headers, scrub), {"encoding": encoding} if encoding else {}
    return {"size": len(response.body), "mimeType": kind, "text": text, **encoded}


def _encode_body(body: bytes, scrub: Callable[[str], str]) -> tuple[str, str | None]:
    """Return a body as text, or else as base64, with how it is encoded."""
    try:
        return scrub(body.decode("utf-8")), None
    except UnicodeDecodeError:
        clean = scrub(body.decode("latin-1")).encode("latin-1", "replace")
        return b64encode(clean).decode("ascii"), BASE64


def _content_type(headers: Headers, scrub: Callable[[str], str]) -> str:
    return scrub(header(headers, "Content-Type") or _OCTETS)


def _make_records(pairs: Iterable[tuple[str, str]], scrub: Callable[[str], str] = str) -> list[dict[str, str]]:
    return [{"name": scrub(name), "value": scrub(value)} for name, value in pairs]


def _reason_phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in HTTPStatus.__members__.values() else ""


def _read_times(node: Node, unknown: dict[str, str]) -> tuple[float, float]:
    """Return when a request was sent, in Unix seconds, and how long the exchange took; or note that it is not known."""
    try:
        moment = datetime.fromisoformat(str(node.get("startedDateTime")))
        sent = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        unknown[TIMES] = "startedDateTime is no date"
        sent = 0.0
    milliseconds = node.get("time")
    if isinstance(milliseconds, int | float) and not isinstance(milliseconds, bool) and 0 <= milliseconds <= _LONGEST:
        return sent, milliseconds / 1000
    unknown.setdefault(TIMES, "time is not there")
    return sent, 0.0


_LONGEST: Final = 1e12


def _read_status(response: Node) -> int:
    """Return the status; 0, or -1, is what programs write where no answer came."""
    status = response.get("status")
    if isinstance(status, str) and status.isascii() and status.isdigit() and len(status) == 3:
        return int(status)
    if isinstance(status, float) and status.is_integer() and 100 <= status <= 999:
        return int(status)
    return 0 if status in (-1, None) else response["status"].whole(0, 999)


def _read_headers(node: Node) -> Headers:
    """Return the header fields in their order, without HTTP/2's pseudo-headers."""
    pairs = []
    if isinstance(node.value, dict):  # as some programs write them
        records: list[object] = [{"name": name, "value": value} for name, value in node.value.items()]
    else:
        records = node.value if isinstance(node.value, list) else [] if node.is_missing else [*node.elements()]
    for index, record in enumerate(records):
        name, value = (record.get("name"), record.get("value")) if isinstance(record, dict) else (None, None)
        if not isinstance(name, str) or isinstance(value, bool) or not isinstance(value, str | int):
            raise node.error(f"{node.name}[{index}] should have a name and a value, both strings")
        if not name.startswith(":"):  # browsers write fields of one name as one, a line each
            pairs += [(name, line) for line in str(value).split("\n")]
    return tuple(pairs)


def _complete(headers: Headers, body: Node, cookies: Node, name: str) -> Headers:
    """Return header fields with what some programs write beside them only: the type of JSON, and cookies.

    No program guesses that type. What a cookie holds is as secret as in the header that is called `name`.
    """
    kind = body.get("mimeType")
    is_lost = headers and header(headers, "Content-Type") is None
    is_json = isinstance(kind, str) and kind.partition(";")[0].strip().lower() == "application/json"
    typed = (*headers, ("Content-Type", str(kind))) if is_lost and is_json else headers
    known = [value for given, value in headers if given.lower() == name.lower()]
    records = cookies.value if isinstance(cookies.value, list) else []
    pairs = [f"{one.get('name')}={one.get('value')}" for one in records if isinstance(one, dict)]
    return (*typed, *((name, pair) for pair in pairs if not any(pair in value for value in known)))


def _find_request_body(request: Node, headers: Headers) -> Stored:
    post = _read_optional(request["postData"])
    # The kit writes the encoding into the comment; a few other programs add the member that content has.
    is_encoded = BASE64 in (post.get("comment"), post.get("encoding"))
    damage = None if is_encoded else find_damage(post.value if isinstance(post.value, dict) else {})
    if post.get("text") is None and post.get("params"):
        damage = "is kept as the fields of a form"
    return Stored(
        value=_decode_base64(post["text"]) if is_encoded else post.get("text"),
        headers=headers,
        sizes=(request.get("bodySize"),),
        damage=damage,
        is_request=True,
        is_optional=request.get("method") in ("GET", "HEAD", "OPTIONS", "DELETE"),
    )


def _find_response_body(response: Node, headers: Headers, status: int, method: str) -> Stored:
    content = _read_optional(response["content"])
    encoding = content.get("encoding")
    damage = find_damage(content.value if isinstance(content.value, dict) else {})
    if encoding not in (None, "", BASE64):
        damage = f"is encoded in a way that is not known: {clip(str(encoding), 20)}"
    is_encoded = encoding == BASE64 and content.get("text") is not None
    return Stored(
        value=_decode_base64(content["text"]) if is_encoded else content.get("text"),
        headers=headers,
        sizes=(content.get("size"),),
        sent=(response.get("bodySize"),),
        damage=damage,
        is_optional=method == "HEAD" or status in (0, 204, 304),
    )


def _read_optional(node: Node) -> Node:
    """Return an optional object."""
    return node if node.is_missing else node.mapping()


def _decode_base64(node: Node) -> bytes:
    try:
        return b64decode("".join(node.string().split()), validate=True)
    except ValueError:
        raise node.error(f"{node.name} should be base64") from None
