"""Recordings that lost something: a right and a wrong conversation in each format, each part lost in each way."""

from __future__ import annotations

import gzip
import json
import zlib
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import yaml

from luma_conformance.audit.audit import Audit
from luma_conformance.catalogue import files as casefiles
from luma_conformance.cli.recordings import read_recording
from luma_conformance.model import Headers, Request, Response

Document = dict[str, Any]
Damage = Callable[[Document], None]
"""What is done to an entry of a file, as the format has it."""

API: Final = "https://agents.lumalabs.ai"
ID: Final = "d290f1ee-6c54-4b01-90e6-d701748f0851"
OTHER_ID: Final = "0b6f6f0a-53b2-4a51-9a3e-6f1c9e4f7a11"
REFUSAL: Final = (
    "source is required for type 'video_edit' or 'video_reframe' — provide source.generation_id (UUID of a prior "
    "generation) or source.url / source.data with source.media_type='video/mp4'"
)
"""A text with a character that programs write in several ways."""
EVERY: Final[Headers] = (("Content-Type", "application/json"), ("X-API-Version", "2026-04-01"))


def quota(left: int, reset: int) -> Headers:
    """Return the headers of an accepted request."""
    told = {"X-RateLimit-Limit": 30, "X-RateLimit-Remaining": left, "X-RateLimit-Reset": reset}
    return tuple((name, str(value)) for name, value in told.items())


QUOTA: Final = quota(28, 1795694460)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """One exchange of the conversation, as it really was."""

    request: Request
    response: Response


def ask(method: str, path: str, body: object = None, number: int = 0) -> Request:
    """Return a request of a client."""
    raw = b"" if body is None else _write_json(body)
    headers = [("Authorization", "Bearer luma-api-recorded-key-0001"), ("X-Request-Id", f"call-{number}")]
    headers += [("Content-Type", "application/json"), ("Content-Length", str(len(raw)))] if body is not None else []
    return Request(method=method, url=path, headers=tuple(headers), body=raw)


def answer(status: int, body: object, number: int, more: Headers = ()) -> Response:
    """Return a response of the server."""
    raw = _write_json(body)
    headers = (*EVERY, ("X-Request-Id", f"call-{number}"), ("Content-Length", str(len(raw))), *more)
    return Response(status=status, headers=headers, body=raw)


def _write_json(body: object) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()


def generation(state: str, named: str = ID) -> dict[str, object]:
    """Return a generation of the conversation in a state."""
    output = [{"type": "image", "url": "https://storage.example.com/a.png?X-Amz-Expires=3600"}]
    return {
        "id": named, "type": "image", "state": state, "model": "uni-1", "created_at": "2026-11-26T12:00:00Z",
        "output": output if state == "completed" else [], "failure_reason": None, "failure_code": None,
    }  # fmt: skip


def speak() -> list[Spoken]:
    """Return a conversation in which the server is right."""
    bad = {"prompt": "früh", "model": "ray-3.2", "type": "video_edit"}
    hare = {"prompt": "ein Häschen"}
    pairs = [
        (ask("POST", "/v1/generations", {"prompt": "a fox"}, 1), answer(201, generation("queued"), 1, QUOTA)),
        (ask("GET", f"/v1/generations/{ID}", number=2), answer(200, generation("processing"), 2)),
        (ask("POST", "/v1/generations", bad, 3), answer(400, {"detail": REFUSAL}, 3)),
        (ask("GET", f"/v1/generations/{ID}", number=4), answer(200, generation("completed"), 4)),
        (
            ask("POST", "/v1/generations", hare, 5),
            answer(201, generation("queued", OTHER_ID), 5, quota(27, 1795694472)),
        ),
        (ask("GET", f"/v1/generations/{OTHER_ID}", number=6), answer(200, generation("processing", OTHER_ID), 6)),
    ]
    return [Spoken(request=request, response=response) for request, response in pairs]


def change_body(one: Spoken, body: object) -> Spoken:
    """Return an exchange with another body in the answer, of its own length."""
    raw = _write_json(body)
    headers = tuple(
        (name, str(len(raw)) if name == "Content-Length" else value) for name, value in one.response.headers
    )
    return replace(one, response=replace(one.response, headers=headers, body=raw))


def change_headers(one: Spoken, left_out: str) -> Spoken:
    """Return an exchange whose answer lacks a header."""
    kept = tuple(pair for pair in one.response.headers if pair[0] != left_out)
    return replace(one, response=replace(one.response, headers=kept))


FAULTS: Final[dict[str, tuple[int, Callable[[Spoken], Spoken]]]] = {
    "response body": (2, lambda one: change_body(one, {"detail": "no such model"})),
    "response headers": (2, lambda one: change_headers(one, "X-API-Version")),
    "status": (2, lambda one: replace(one, response=replace(one.response, status=404))),
    "request body": (2, lambda one: replace(one, response=answer(201, generation("queued"), 3, QUOTA))),
    "state": (3, lambda one: change_body(one, generation("queued"))),
    "limit": (
        4,
        lambda one: replace(one, response=answer(201, generation("queued", OTHER_ID), 5, quota(31, 1795694472))),
    ),
}
"""Faults of a server, by the part of the exchange that shows them: where in the conversation, and what is wrong."""


def to_har(spoken: list[Spoken]) -> Document:
    """Return a conversation as a browser writes it."""
    return {"log": {"version": "1.2", "creator": {"name": "WebInspector", "version": "537.36"},
                    "entries": [_to_har_entry(one, number) for number, one in enumerate(spoken)]}}  # fmt: skip


def _to_har_entry(one: Spoken, number: int) -> Document:
    asked, answered = one.request, one.response
    post = {"postData": {"mimeType": "application/json", "text": asked.body.decode()}} if asked.body else {}
    return {
        "startedDateTime": f"2026-11-26T12:00:{number * 3:02}Z",
        "time": 40,
        "request": {"method": asked.method, "url": API + asked.url, "headers": _to_records(asked.headers),
                    "bodySize": len(asked.body), **post},
        "response": {"status": answered.status, "headers": _to_records(answered.headers),
                     "bodySize": len(answered.body),
                     "content": {"size": len(answered.body), "mimeType": "application/json",
                                 "text": answered.body.decode()}},
    }  # fmt: skip


def _to_records(headers: Headers) -> list[Document]:
    return [{"name": name, "value": value} for name, value in headers]


def to_cassette(spoken: list[Spoken]) -> Document:
    """Return a conversation as vcrpy writes it."""
    return {"interactions": [_to_interaction(one) for one in spoken], "version": 1}


def _to_interaction(one: Spoken) -> Document:
    asked, answered = one.request, one.response
    return {
        "request": {"method": asked.method, "uri": API + asked.url, "headers": _to_lists(asked.headers),
                    "body": asked.body.decode() or None},
        "response": {"status": {"code": answered.status, "message": "x"}, "headers": _to_lists(answered.headers),
                     "body": {"string": answered.body.decode()}},
    }  # fmt: skip


def _to_lists(headers: Headers) -> dict[str, list[str]]:
    return {name: [value] for name, value in headers}


def put(path: str, value: object) -> Damage:
    """Return the damage that puts a value at a dotted path."""

    def damage(entry: Document) -> None:
        *way, last = path.split(".")
        for name in way:
            entry = entry[name]
        entry[last] = value

    return damage


def take(path: str) -> Damage:
    """Return the damage that takes out what is at a dotted path."""

    def damage(entry: Document) -> None:
        *way, last = path.split(".")
        for name in way:
            entry = entry[name]
        entry.pop(last, None)

    return damage


def rewrite(path: str, change: Callable[[Any], object]) -> Damage:
    """Return the damage that changes what is at a dotted path."""

    def damage(entry: Document) -> None:
        *way, last = path.split(".")
        for name in way:
            entry = entry[name]
        entry[last] = change(entry[last])

    return damage


def both(*damages: Damage) -> Damage:
    """Return several damages as one."""

    def damage(entry: Document) -> None:
        for one in damages:
            one(entry)

    return damage


def drop_header(where: str, name: str) -> Damage:
    """Return the damage that takes a header out, in either format."""

    def damage(entry: Document) -> None:
        headers = entry[where]["headers"]
        if isinstance(headers, list):
            entry[where]["headers"] = [one for one in headers if one["name"] != name]
        else:
            headers.pop(name, None)

    return damage


def add_header(where: str, name: str, value: str) -> Damage:
    """Return the damage that adds a header, in either format."""

    def damage(entry: Document) -> None:
        headers = entry[where]["headers"]
        if isinstance(headers, list):
            headers.append({"name": name, "value": value})
        else:
            headers[name] = [value]

    return damage


def compress(text: str, how: Callable[[bytes], bytes]) -> str:
    """Return a text compressed, in base64."""
    return b64encode(how(text.encode())).decode()


def deflate_bare(raw: bytes) -> bytes:
    """Return bytes deflated without zlib's header."""
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(raw) + compressor.flush()


_TEXT: Final = "response.content.text"
_GZIP: Final = add_header("response", "Content-Encoding", "gzip")
_LENGTHLESS: Final = both(drop_header("response", "Content-Length"), put("response.bodySize", -1))

HAR_DAMAGES: Final[dict[str, dict[str, Damage]]] = {
    "response body": {
        "is left out": take(_TEXT),
        "is null": put(_TEXT, None),
        "is empty though it had a size": put(_TEXT, ""),
        "is empty, and its sizes are not known": both(put(_TEXT, ""), put("response.content.size", -1),
                                                       put("response.bodySize", -1)),
        "is empty, sized 0, with a Content-Length": both(put(_TEXT, ""), put("response.content.size", 0)),
        "is left out, sized 0, but sent": both(take(_TEXT), put("response.content.size", 0),
                                               drop_header("response", "Content-Length")),
        "is left out with all content": take("response.content"),
        "is cut": rewrite(_TEXT, lambda text: text[: len(text) // 2]),
        "is cut, as a comment says": both(rewrite(_TEXT, lambda text: text[:-5]), _LENGTHLESS,
                                          put("response.content.comment", "truncated"), take("response.content.size")),
        "is cut, as a member says": both(rewrite(_TEXT, lambda text: text[:-5]), put("response.content._truncated", 1)),
        "is in base64 that is not declared": rewrite(_TEXT, lambda text: b64encode(text.encode()).decode()),
        "is in base64": both(rewrite(_TEXT, lambda text: b64encode(text.encode()).decode()),
                             put("response.content.encoding", "base64")),
        "is in an unknown encoding": put("response.content.encoding", "quoted-printable"),
        "is gzip in base64": both(rewrite(_TEXT, lambda text: compress(text, gzip.compress)), _GZIP,
                                  put("response.content.encoding", "base64")),
        "is deflate in base64": both(rewrite(_TEXT, lambda text: compress(text, zlib.compress)),
                                     add_header("response", "Content-Encoding", "deflate"),
                                     put("response.content.encoding", "base64")),
        "is bare deflate in base64": both(rewrite(_TEXT, lambda text: compress(text, deflate_bare)),
                                          add_header("response", "Content-Encoding", "deflate"),
                                          put("response.content.encoding", "base64")),
        "is gzip twice in base64": both(
            rewrite(_TEXT, lambda text: compress(text, lambda raw: gzip.compress(gzip.compress(raw)))),
            add_header("response", "Content-Encoding", "gzip, gzip"), put("response.content.encoding", "base64")),
        "is cut gzip in base64": both(rewrite(_TEXT, lambda text: compress(text, lambda raw: gzip.compress(raw)[:-9])),
                                      _GZIP, put("response.content.encoding", "base64")),
        "is in a coding nobody knows": both(rewrite(_TEXT, lambda text: compress(text, gzip.compress)),
                                            add_header("response", "Content-Encoding", "x-own"),
                                            put("response.content.encoding", "base64")),
        "is gzip as text in Latin-1": both(rewrite(_TEXT, lambda text: gzip.compress(text.encode()).decode("latin-1")),
                                           _GZIP),
        "is gzip as damaged text": both(
            rewrite(_TEXT, lambda text: gzip.compress(text.encode()).decode("utf-8", "replace")), _GZIP),
        "is parsed JSON": rewrite(_TEXT, json.loads),
        "is a list of chunks": rewrite(_TEXT, lambda text: [text[:9], text[9:]]),
        "is written anew": rewrite(_TEXT, lambda text: json.dumps(json.loads(text), separators=(",", ":"))),
        "is decoded, its coding named": _GZIP,
    },
    "request body": {
        "is left out": take("request.postData"),
        "is left out, its size not known": both(take("request.postData"), put("request.bodySize", -1)),
        "is left out, sized 0, with a Content-Length": both(take("request.postData"), put("request.bodySize", 0)),
        "has no text": take("request.postData.text"),
        "is null": put("request.postData", None),
        "is empty": put("request.postData.text", ""),
        "is parsed JSON": rewrite("request.postData.text", json.loads),
        "is a list of chunks": rewrite("request.postData.text", lambda text: [text[:9], text[9:]]),
        "is cut": rewrite("request.postData.text", lambda text: text[: len(text) // 2]),
        "is cut, as a member says": both(rewrite("request.postData.text", lambda text: text[:-3]),
                                         put("request.postData._incomplete", 1)),
        "is kept as fields": put("request.postData", {"params": [{"name": "prompt", "value": "a"}]}),
        "is in base64": both(rewrite("request.postData.text", lambda text: b64encode(text.encode()).decode()),
                             put("request.postData.encoding", "base64")),
    },
    "response headers": {
        "are left out": take("response.headers"),
        "are null": put("response.headers", None),
        "are empty": put("response.headers", []),
    },
    "request headers": {"are left out": take("request.headers"), "are empty": put("request.headers", [])},
    "times": {
        "are left out": both(take("time"), take("startedDateTime")),
        "are no dates": put("startedDateTime", "2026-13-45"),
        "are -1": put("time", -1),
    },
    "status": {
        "is 0": put("response.status", 0),
        "is -1": put("response.status", -1),
        "is left out": take("response.status"),
        "is null": put("response.status", None),
        "is a word": put("response.status", "OK"),
        "is text": rewrite("response.status", str),
    },
    "whole answer": {
        "failed": put("_error", "net::ERR_ABORTED"),
        "failed on the way": put("response._failureText", "net::ERR_CONNECTION_RESET"),
        "has an error": put("response._error", "net::ERR_FAILED"),
        "was cancelled": put("_wasCancelled", 1),
        "did not end": put("_charlesStatus", "FAILED"),
        "timed out": put("_timedOut", 1),
        "was cut off with no headers": both(put("response.headers", []), put("response._failureText", "aborted")),
        "came from a cache": put("_fromCache", "disk"),
        "came from memory": put("_fetchType", "Memory Cache"),
        "came from a service worker": put("response._fetchedViaServiceWorker", 1),
        "was never sent": put("response._transferSize", 0),
        "was a redirect of the browser's": put("response.statusText", "Internal Redirect"),
        "is not modified": both(put("response.status", 304), take(_TEXT)),
        "is left out": take("response"),
        "is null": put("response", None),
    },
    "whole request": {
        "is left out": take("request"),
        "has no URL": take("request.url"),
        "has a URL without a host": put("request.url", "/v1/generations"),
        "has no method": take("request.method"),
        "has headers of another shape": put("request.headers", ["a: b"]),
    },
}  # fmt: skip
"""What HAR files lose, by part and way."""

_STRING: Final = "response.body.string"
VCR_DAMAGES: Final[dict[str, dict[str, Damage]]] = {
    "response body": {
        "is left out": take("response.body"),
        "is null": put("response.body", None),
        "has a null": put(_STRING, None),
        "is empty, with a Content-Length": put(_STRING, ""),
        "is empty, sent in chunks": both(put(_STRING, ""), drop_header("response", "Content-Length"),
                                         add_header("response", "Transfer-Encoding", "chunked")),
        "is empty, though compressed": both(put(_STRING, ""), drop_header("response", "Content-Length"), _GZIP),
        "is an empty mapping": put("response.body", {}),
        "is cut": rewrite(_STRING, lambda text: text[: len(text) // 2]),
        "is parsed JSON": rewrite("response.body", lambda body: json.loads(body["string"])),
        "is parsed JSON within": rewrite(_STRING, json.loads),
        "is a list of chunks": rewrite(_STRING, lambda text: [text[:9], text[9:]]),
        "is bytes": rewrite(_STRING, str.encode),
        "is in base64": rewrite("response.body", lambda body: {"base64_string": compress(body["string"], bytes)}),
        "is in base64 by its encoding": rewrite(
            "response.body", lambda body: {"encoding": "base64", "string": compress(body["string"], bytes)}),
        "is gzip": both(rewrite(_STRING, lambda text: gzip.compress(text.encode())), _GZIP),
        "is deflate": both(rewrite(_STRING, lambda text: zlib.compress(text.encode())),
                           add_header("response", "Content-Encoding", "deflate")),
        "is bare deflate": both(rewrite(_STRING, lambda text: deflate_bare(text.encode())),
                                add_header("response", "Content-Encoding", "deflate")),
        "is cut gzip": both(rewrite(_STRING, lambda text: gzip.compress(text.encode())[:-9]), _GZIP),
        "is gzip in base64": both(
            rewrite("response.body", lambda body: {"base64_string": compress(body["string"], gzip.compress)}), _GZIP),
        "is in a coding nobody knows": both(rewrite(_STRING, lambda text: gzip.compress(text.encode())),
                                            add_header("response", "Content-Encoding", "x-own")),
        "is the older content": both(rewrite("response.body", lambda body: body["string"]),
                                     lambda entry: entry["response"].update(content=entry["response"].pop("body"))),
    },
    "request body": {
        "is left out": take("request.body"),
        "is null": put("request.body", None),
        "is null, without a length": both(put("request.body", None), drop_header("request", "Content-Length"),
                                          drop_header("request", "Content-Type")),
        "is empty, with a Content-Length": put("request.body", ""),
        "is parsed JSON": rewrite("request.body", json.loads),
        "is a list of chunks": rewrite("request.body", lambda text: [text[:9], text[9:]]),
        "is bytes": rewrite("request.body", str.encode),
        "is a mapping with text": rewrite("request.body", lambda text: {"encoding": "utf-8", "string": text}),
        "is in base64": rewrite("request.body", lambda text: {"base64_string": compress(text, bytes)}),
        "is cut": rewrite("request.body", lambda text: text[: len(text) // 2]),
    },
    "response headers": {
        "are left out": take("response.headers"),
        "are null": put("response.headers", None),
        "are empty": put("response.headers", {}),
    },
    "request headers": {"are left out": take("request.headers"), "are empty": put("request.headers", {})},
    "status": {
        "is left out": take("response.status"),
        "is null": put("response.status", None),
        "is a word": put("response.status", "OK"),
        "is beside it": both(rewrite("response.status", lambda status: status["code"]),
                             lambda entry: entry["response"].update(status_code=entry["response"].pop("status"))),
    },
    "whole answer": {"is left out": take("response"), "is null": put("response", None)},
    "whole request": {
        "is left out": take("request"),
        "has no URL": take("request.uri"),
        "has no method": take("request.method"),
        "is named as in Go": lambda entry: entry["request"].update(url=entry["request"].pop("uri")),
    },
}  # fmt: skip
"""What cassettes lose, by part and way."""

SHOWS: Final = {"request headers": "response body", "times": "response body", "whole answer": "response body",
                "whole request": "response body"}  # fmt: skip
"""The fault that is planted where another part than the one that shows it is lost."""


OF_BYTES: Final = ("is bytes", "is gzip", "is deflate", "is bare deflate", "is cut gzip", "is in a coding nobody knows")
"""What no JSON can hold."""


def list_damages() -> Iterator[tuple[str, str, str]]:
    """Yield each format, part and way in which it is lost."""
    for kind, damages in (("har", HAR_DAMAGES), ("vcr.json", VCR_DAMAGES), ("vcr.yaml", VCR_DAMAGES)):
        for part, ways in damages.items():
            yield from ((kind, part, way) for way in ways if kind != "vcr.json" or way not in OF_BYTES)


def make(kind: str, part: str, way: str | None, *, is_wrong: bool, is_everywhere: bool = False) -> Document:
    """Return a recording that is right, or wrong in one exchange, and in which a part of it, or of all, is lost."""
    spoken = speak()
    number, fault = FAULTS[SHOWS.get(part, part)]
    if is_wrong:
        spoken[number] = fault(spoken[number])
    document = to_har(spoken) if kind == "har" else to_cassette(spoken)
    entries = document["log"]["entries"] if kind == "har" else document["interactions"]
    if way is not None:
        damage = (HAR_DAMAGES if kind == "har" else VCR_DAMAGES)[part][way]
        for entry in entries if is_everywhere else [entries[number]]:
            if part != "request body" or entry["request"]["method"] == "POST":
                damage(entry)
    return document


def write(document: Document, path: Path) -> Path:
    """Write a recording and return its path."""
    text = yaml.safe_dump(document) if path.suffix == ".yaml" else json.dumps(document)
    path.write_text(text)
    return path


_read_catalogue = cache(casefiles.own)


def judge(path: Path) -> Audit:
    """Return the audit of a recording."""
    audit = Audit(catalogue=_read_catalogue())
    for entry in read_recording(path, audit.add_unread):
        audit.add(entry)
    audit.end()
    return audit


def describe(audit: Audit) -> str:
    """Return how much an audit has found, and how much it has not judged."""
    return f"{len(audit.findings)} found, {sum(audit.not_judged.values())} not judged"


def main() -> None:
    """Print what becomes of each damage: on a right server, and on one that is wrong just there."""
    with TemporaryDirectory() as folder:
        for kind, part, way in list_damages():
            path = Path(folder, f"a.{kind}")
            right, wrong = (
                describe(judge(write(make(kind, part, way, is_wrong=is_wrong), path))) for is_wrong in (False, True)
            )
            print(f"{kind:<9} {part:<17} {way:<45} right: {right}   wrong: {wrong}")


if __name__ == "__main__":
    main()
