"""What nock records is read: its scopes, its two forms of headers, and its four forms of bodies."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from luma_conformance.errors import InputError
from luma_conformance.recording import vcr
from luma_conformance.recording.entry import REQUEST_BODY, RESPONSE_BODY, Entry

REFUSED = {"detail": "Unknown model: super-model-v9"}
DEFINITION = {
    "scope": "https://agents.lumalabs.ai:443", "method": "POST", "path": "/v1/generations?n=1",
    "body": {"prompt": "früh", "model": "super-model-v9"}, "status": 400, "response": REFUSED,
    "rawHeaders": {"x-request-id": "a", "content-type": "application/json"},
    "reqheaders": {"content-type": "application/json"}, "responseIsBinary": False,
}  # fmt: skip
PACKED = gzip.compress(json.dumps(REFUSED).encode()).hex()


def read(path: Path, *definitions: object) -> list[Entry]:
    """Return the exchanges of a file of nock's."""
    path.write_text("\n" + json.dumps(definitions))
    return [*vcr.read_entries(path)]


def test_a_definition_is_an_exchange(tmp_path: Path) -> None:
    """The URL has no port that is the scheme's, and data is JSON."""
    (entry,) = read(tmp_path / "a.json", DEFINITION)

    assert (entry.base_url, entry.exchange.request.url) == ("https://agents.lumalabs.ai", "/v1/generations?n=1")
    assert json.loads(entry.exchange.request.body) == DEFINITION["body"]
    assert (entry.exchange.response.status, json.loads(entry.exchange.response.body)) == (400, REFUSED)
    assert not {REQUEST_BODY, RESPONSE_BODY} & entry.unknown.keys()


@pytest.mark.parametrize(
    ("changes", "url", "body"),
    [
        ({"rawHeaders": ["X-Request-Id", "a"]}, "https://agents.lumalabs.ai", json.dumps(REFUSED)),
        ({"rawHeaders": {"content-encoding": "gzip"}, "response": [PACKED[:20], PACKED[20:]]}, "", json.dumps(REFUSED)),
        ({"response": b"\xff\x00".hex(), "responseIsBinary": True}, "", "\udcff\x00"),
        ({"response": ["a", "b"]}, "", '["a", "b"]'),
        ({"response": "no JSON"}, "", "no JSON"),
        ({"scope": "http://localhost:80"}, "http://localhost", json.dumps(REFUSED)),
        ({"scope": "http://[::1]:8080"}, "http://[::1]:8080", json.dumps(REFUSED)),
    ],
)
def test_each_form_is_read(tmp_path: Path, changes: dict[str, Any], url: str, body: str) -> None:
    """Headers in turns, compressed bodies in chunks of hexadecimal, other bytes, lists and texts come back."""
    (entry,) = read(tmp_path / "a.json", {**DEFINITION, **changes})

    assert entry.base_url == url or not url
    assert entry.exchange.response.body == body.encode("utf-8", "surrogateescape")


@pytest.mark.parametrize(
    ("definition", "said"),
    [
        ({"request": {}, "response": {}}, "is of a vcrpy before 1.0"),
        ({"a": 1}, "is a list, and not one of exchanges"),
        ({**DEFINITION, "scope": 5}, "is not an absolute URL"),
        ({**DEFINITION, "status": "OK"}, "response.status should have a code"),
        ({**DEFINITION, "rawHeaders": 5}, "response.headers should be a mapping"),
    ],
)
def test_what_is_no_definition_is_one_clear_error(tmp_path: Path, definition: object, said: str) -> None:
    """A list of something else, and a definition with a part of a wrong type, are said to be so."""
    with pytest.raises(InputError, match=said):
        read(tmp_path / "a.json", definition)
