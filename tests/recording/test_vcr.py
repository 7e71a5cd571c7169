"""Cassettes of vcrpy: what it writes is read, in all its forms, and nothing in a cassette builds or runs anything."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import luma_agents
import pytest
import requests
import vcr  # type: ignore[import-untyped]

from luma_conformance.errors import InputError
from luma_conformance.recording import coding
from luma_conformance.recording import vcr as vcrfile
from luma_conformance.recording.entry import (
    REQUEST_HEADERS,
    RESPONSE_BODY,
    RESPONSE_HEADERS,
    TIMES,
    Entry,
)
from tests.reference.asking import key

ALWAYS = {TIMES, REQUEST_HEADERS, RESPONSE_HEADERS}
ONE = """\
interactions:
- request:
    body: '{"prompt": "A sunset"}'
    headers:
      Content-Type:
      - application/json
    method: POST
    uri: https://agents.lumalabs.ai/v1/generations
  response:
    body:
      string: '{"detail": "Invalid API key"}'
    headers: {x-request-id: [abc]}
    status: {code: 401, message: Unauthorized}
version: 1
"""


def found(path: Path, content: str | bytes) -> list[Entry]:
    """Return the exchanges of a cassette with this content."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(vcrfile.read_entries(path))


@pytest.mark.parametrize("serializer", ["yaml", "json"])
def test_what_vcrpy_records_of_the_official_client_is_read(url: str, tmp_path: Path, serializer: str) -> None:
    """A create and a refusal come back as they were, from YAML and from JSON."""
    path = tmp_path / "cassette"
    with (
        vcr.VCR(serializer=serializer).use_cassette(str(path)),
        luma_agents.Luma(auth_token=key("main"), base_url=f"{url}/v1", max_retries=0) as client,
    ):
        created = client.generations.create(prompt="Ein früher Hafen")
        with pytest.raises(luma_agents.BadRequestError):
            client.generations.create(prompt="")

    one, two = vcrfile.read_entries(path)

    assert (one.base_url, one.exchange.request.url, one.place) == (url, "/v1/generations", f"{path}:entry 1")
    assert json.loads(one.exchange.request.body) == {"prompt": "Ein früher Hafen"}
    assert ("authorization", f"Bearer {key('main')}") in one.exchange.request.headers
    assert (one.exchange.response.status, json.loads(one.exchange.response.body)["id"]) == (201, created.id)
    assert json.loads(two.exchange.response.body) == {"detail": "Prompt must be between 1 and 6000 characters"}
    assert one.unknown.keys() == ALWAYS


BODY = b'{"prompt": "a fox", "model": "super-model-v9"}'
SENT = {"Content-Type": "application/json", "Authorization": f"Bearer {key('main')}"}


def _send_with_aiohttp(url: str, **body: Any) -> None:
    async def send() -> None:
        async with aiohttp.ClientSession() as session, session.post(url, headers=SENT, **body) as answer:
            await answer.read()

    asyncio.run(send())


CLIENTS: dict[str, Callable[[str], object]] = {
    "requests, bytes": lambda url: requests.post(url, data=BODY, headers=SENT, timeout=10),
    "requests, a stream": lambda url: requests.post(url, data=io.BytesIO(BODY), headers=SENT, timeout=10),
    "requests, an iterator": lambda url: requests.post(url, data=iter([BODY[:9], BODY[9:]]), headers=SENT, timeout=10),
    "requests, JSON": lambda url: requests.post(url, json=json.loads(BODY), headers=SENT, timeout=10),
    "httpx, an iterator": lambda url: httpx.post(url, content=iter([BODY[:9], BODY[9:]]), headers=SENT),
    "httpx, JSON": lambda url: httpx.post(url, json=json.loads(BODY), headers=SENT),
    "aiohttp, bytes": lambda url: _send_with_aiohttp(url, data=BODY),
    "aiohttp, a stream": lambda url: _send_with_aiohttp(url, data=io.BytesIO(BODY)),
    "aiohttp, JSON": lambda url: _send_with_aiohttp(url, json=json.loads(BODY)),
}
"""Ways to send one request; vcrpy writes each in a form of its own."""


@pytest.mark.parametrize("name", CLIENTS)
def test_a_body_that_vcrpy_records_is_read_whoever_sent_it(url: str, tmp_path: Path, name: str) -> None:
    """The JSON of the request, and the answer, come back from the cassette of every client."""
    path = tmp_path / "cassette.yaml"
    with vcr.use_cassette(str(path)):
        CLIENTS[name](f"{url}/v1/generations")

    (entry,) = vcrfile.read_entries(path)

    assert json.loads(entry.exchange.request.body) == json.loads(BODY)
    assert json.loads(entry.exchange.response.body) == {"detail": "Unknown model: super-model-v9"}
    assert entry.unknown.keys() == ALWAYS


def test_bytes_and_codings_are_read(url: str, tmp_path: Path) -> None:
    """A body of bytes, sent and received, is read from !!binary."""
    path = tmp_path / "cassette.yaml"
    with vcr.use_cassette(str(path)):
        httpx.post(f"{url}/v1/generations", content=b"\xff\xfe", headers={"Authorization": f"Bearer {key('main')}"})

    (entry,) = vcrfile.read_entries(path)

    assert entry.exchange.request.body == b"\xff\xfe"
    assert entry.exchange.response.status == 400


@pytest.mark.parametrize(
    ("response", "body", "unknown"),
    [
        ({"body": {"string": "é"}}, "é".encode(), set()),
        ({"body": {"string": None}}, b"", {RESPONSE_BODY}),
        ({"body": {"string": ""}}, b"", set()),
        ({"body": {"string": "", "encoding": "utf-8"}, "headers": {"Content-Length": ["5"]}}, b"", {RESPONSE_BODY}),
        ({"body": {"base64_string": "/wA=\n"}}, b"\xff\0", set()),
        ({"content": "old httpx", "status": None, "status_code": 401}, b"old httpx", set()),
        ({"body": None}, b"", {RESPONSE_BODY}),
        ({"body": None, "headers": {"Content-Length": ["0"]}}, b"", set()),
        ({"body": {"string": "plain"}, "headers": {"Content-Encoding": "gzip"}}, b"plain", set()),
        ({"body": {"string": ["a", "b"]}}, b"ab", set()),
        ({"body": {"detail": "x"}}, b'{"detail": "x"}', set()),
        ({"body": {"string": "plain"}, "headers": {"content-encoding": ["br"]}}, b"plain", set()),
    ],
)
def test_every_form_of_a_body_is_read(tmp_path: Path, response: dict[str, Any], body: bytes, unknown: set[str]) -> None:
    """Text, base64 and the form of older versions, decoded or not, give the same body."""
    whole = {"status": {"code": 401}, "headers": {}, **response}
    request: dict[str, object] = {"method": "POST", "uri": "http://a/v1/generations", "body": "", "headers": {}}

    (entry,) = found(tmp_path / "c.json", json.dumps({"interactions": [{"request": request, "response": whole}]}))

    assert (entry.exchange.response.body, entry.exchange.response.status) == (body, 401)
    assert entry.unknown.keys() == ALWAYS | unknown


def test_a_compressed_body_is_inflated_within_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A body is kept as it came; one that inflates beyond the bound, or does not end, is not known."""
    monkeypatch.setattr(coding, "MAX_BYTES", 10_000)
    for raw, expected, unknown in (
        (gzip.compress(b'{"detail": "x"}'), b'{"detail": "x"}', set()),
        (gzip.compress(bytes(10_001)), b"", {RESPONSE_BODY}),
        (gzip.compress(b"cut off")[:-4], b"", {RESPONSE_BODY}),
    ):
        content = ONE.replace('\'{"detail": "Invalid API key"}\'', f"!!binary {b64encode(raw).decode()}").replace(
            "x-request-id: [abc]", "content-encoding: [gzip]"
        )
        (entry,) = found(tmp_path / "c.yaml", content)
        assert entry.exchange.response.body == expected
        assert entry.unknown.keys() == ALWAYS | unknown


def test_unquoted_scalars_are_read_as_text(tmp_path: Path) -> None:
    """What a hand wrote unquoted is no date, number or yes: a header's value is text."""
    content = ONE.replace("[abc]", "[2026-04-01, 0o7, yes, 1:30]").replace("version: 1", "version: 1\nmetadata: {a: b}")

    (entry,) = found(tmp_path / "c.yaml", content)

    assert [value for _, value in entry.exchange.response.headers] == ["2026-04-01", "0o7", "yes", "1:30"]


@pytest.mark.parametrize(
    ("written", "body"),
    [
        ("[a, b]", b"ab"),
        ("!!python/object/new:_io.BytesIO\n      state: !!python/tuple [!!binary YWI=, 0, null]", b"ab"),
        ("!!python/object/new:_io.StringIO\n      state: !!python/tuple [ab, null, 0, null]", b"ab"),
        ("!!python/object/apply:builtins.iter\n      args: [[!!binary YQ==, !!binary Yg==]]\n      state: 0", b"ab"),
        ("{loop: true, n: 5, name: '5', at: 2026-04-01}", b'{"loop": true, "n": 5, "name": "5", "at": "2026-04-01"}'),
    ],
)
def test_a_request_body_of_any_type_of_python_is_read(tmp_path: Path, written: str, body: bytes) -> None:
    """Streams, iterators and data that a client was given come back as the bytes that it sent."""
    (entry,) = found(tmp_path / "c.yaml", ONE.replace("""'{"prompt": "A sunset"}'""", written))

    assert entry.exchange.request.body == body
    assert entry.unknown.keys() == ALWAYS


def test_an_alias_stands_for_a_small_value(tmp_path: Path) -> None:
    """Two interactions may share their headers, as vcrpy writes them if the client does."""
    shared = ONE.replace("headers:\n      Content-Type:", "headers: &one\n      Content-Type:")
    again = (
        shared.partition("interactions:\n")[2]
        .partition("version")[0]
        .replace("&one\n      Content-Type:\n      - application/json", "*one")
    )

    entries = found(tmp_path / "c.yaml", shared.replace("version: 1", again + "version: 1"))

    assert [entry.exchange.request.headers for entry in entries] == [(("Content-Type", "application/json"),)] * 2


BOMB = "a: &a [" + "x, " * 99 + "x]\nb: &b [" + "*a, " * 99 + "*a]\nc: &c [*b, *b]\n"
HOSTILE: dict[str, tuple[str | bytes, str]] = {
    "empty": ("", "c.yaml:1: is empty"),
    "prose": ("my shopping list", "c.yaml:1: is neither a HAR file nor a cassette"),
    "another mapping": ("a: 1\nb: 2\n", "c.yaml:1: is neither a HAR file nor a cassette"),
    "before 1.0": ("- request: {}\n  response: {}\n", "vcr.migration c.yaml"),
    "interactions of text": ("version: 1\ninteractions: none\n", "c.yaml:2: interactions should be a list"),
    "an interaction of text": ("interactions:\n- none\n", "entry 1: the interaction should be a mapping"),
    "no request": ("interactions:\n- response: {}\n", "entry 1: request is missing"),
    "an object": (
        ONE.replace("""'{"prompt": "A sunset"}'""", "!!python/object/apply:os.system [id]"),
        "request.body has tag !!python/object/apply:os.system: an object of a program, which is not built",
    ),
    "an object's buffer": (
        ONE.replace("""'{"prompt": "A sunset"}'""", "!!python/object/new:_io.Buffer\n      state: [a]"),
        "request.body has tag !!python/object/new:_io.Buffer",
    ),
    "a tagged scalar": (ONE.replace("POST", "!!python/name:os.system ''"), "request.method should be a string"),
    "an alias bomb": (BOMB + ONE, r"c.yaml:3: alias \*b: a cassette is read without values this large"),
    "a loop": ("interactions: &a [*a]\n", r"c.yaml:1: alias \*a"),
    "deep": ("interactions: " + "[" * 30, "c.yaml:1: is nested deeper than 20 levels"),
    "very deep": ("interactions: " + "[" * 100_000, "c.yaml:1: .*nest"),
    "deep elsewhere": ("a: " + "{b: " * 50_000, "c.yaml:1: .*nest"),
    "not UTF-8": (ONE.encode().replace(b"sunset", b"suns\xe9t"), "c.yaml:3: is not YAML: invalid"),
    "a control character": (ONE.replace("sunset", "sun\x07set"), "c.yaml:3: is not YAML: control characters"),
    "cut off in a text": (ONE[:50], "c.yaml:3: is not YAML"),
    "cut off between members": (ONE[:75], "entry 1: response is missing"),
    "a tab": (ONE.replace("    method", "\tmethod"), "c.yaml:7: is not YAML"),
    "twice": (ONE.replace("    method", "    body: x\n    method"), "c.yaml:7: duplicate key 'body'"),
    "two documents": (ONE + "---\na: b\n", "c.yaml:15: a second document begins here"),
    "a list for a key": (ONE + "? [a]\n: b\n", "c.yaml:15: a key should be a string"),
    "no binary": (ONE.replace("""'{"prompt": "A sunset"}'""", "!!binary 'a!'"), "c.yaml:3: !!binary is not base64"),
    "no base64": (ONE.replace("      string:", "      base64_string:"), "response.body should be base64"),
    "no status": (ONE.replace("code: 401", "code: none"), "entry 1: response.status should have a code"),
    "a status of five digits": (ONE.replace("code: 401", "code: 40100"), "response.status should have a code"),
    "no URL": (ONE.replace("https://agents", "agents"), "entry 1: request.uri: .* is not an absolute URL"),
    "a header of nothing": (ONE.replace("[abc]", "[null]"), "response.headers.x-request-id should be a string"),
    "headers of text": (ONE.replace("{x-request-id: [abc]}", "none"), "response.headers should be a mapping"),
    "JSON of others": ('{"a": 1}', "c.yaml is not a cassette: it is JSON without interactions"),
    "JSON cut off": ('{"version": 1, "interactions": [{"request": ', r"ends too early \(in entry 1, byte 44\)"),
    "JSON that is none": ('{"interactions": [NaN]}', r"NaN is not JSON \(in entry 1, byte 18\)"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_malformed_cassette_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Whatever is wrong, it is one InputError that names the file and the place."""
    monkeypatch.chdir(tmp_path)
    content, said = HOSTILE[name]

    with pytest.raises(InputError, match=said) as caught:
        found(Path("c.yaml"), content)

    assert "\n" not in str(caught.value)


def test_an_endless_scalar_is_given_up_at_the_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scalar without end is given up."""
    monkeypatch.setattr(vcrfile, "MAX_BYTES", 100_000)
    with pytest.raises(InputError, match="is too big; a cassette has at most 100000 bytes"):
        found(tmp_path / "c.yaml", f"interactions: '{'a' * 200_000}'")


def test_a_missing_cassette_is_an_input_error(tmp_path: Path) -> None:
    """No traceback for a wrong name."""
    with pytest.raises(InputError, match=r"none\.yaml cannot be read: No such file"):
        list(vcrfile.read_entries(tmp_path / "none.yaml"))
