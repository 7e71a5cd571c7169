"""A file of a tool that writes no exchanges, or in a form of its own, is called by its name; a recording never is."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from luma_conformance.cli.main import main
from luma_conformance.recording.foreign import explain_foreign
from tests.audit.damaged import speak, to_cassette, to_har
from tests.kit import Output

ASKED = {"method": "POST", "urlPath": "/v1/generations"}
FILES: dict[str, tuple[bytes, str]] = {
    "a dump of mitmproxy": (b"2675:9:websocket;0:~8:response;922:6:reason;7:Created,", "mitmdump -nr FILE"),
    "packets": (b"\xd4\xc3\xb2\xa1\x02\x00\x04\x00", "record with a proxy"),
    "a network log": (json.dumps({"constants": {}, "events": []}).encode(), "network log of Chrome's"),
    "an OpenAPI document": (b"openapi: 3.1.0\ninfo: {title: a}\n", "describes an API"),
    "a collection of Postman": (
        json.dumps({"info": {"_postman_id": "a", "name": "b"}, "item": []}).encode(), "collection of Postman's",
    ),
    "an export of Insomnia": (json.dumps({"_type": "export", "__export_format": 4}).encode(), "export of Insomnia's"),
    "stubs of WireMock": (json.dumps({"mappings": [{"request": ASKED, "response": {}}]}).encode(), "stubs of WireMock"),
    "one stub of WireMock": (json.dumps({"id": "a", "request": ASKED, "response": {}}).encode(), "stubs of WireMock"),
    "a simulation of Hoverfly": (json.dumps({"data": {"pairs": []}, "meta": {}}).encode(), "simulation of Hoverfly"),
    "expectations of MockServer": (
        json.dumps([{"httpRequest": {"path": "/v1"}, "httpResponse": {}}]).encode(), "expectations of MockServer",
    ),
    "a session of Charles": (
        json.dumps([{"status": "COMPLETE", "method": "GET", "protocolVersion": "HTTP/1.1"}]).encode(), "HTTP Archive",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_another_tool_is_named(tmp_path: Path, capsys: Output, name: str) -> None:
    """One line names the tool and what to do, and the exit status is that of a wrong file."""
    raw, said = FILES[name]
    (tmp_path / "a.json").write_bytes(raw)

    assert main(["audit", str(tmp_path / "a.json")]) == 4
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("member", ["raw/001_c.txt", "0-trace.network"])
def test_an_archive_of_another_tool_is_named(tmp_path: Path, capsys: Output, member: str) -> None:
    """Fiddler's and Playwright's archives are told by their members."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(member, "x")

    assert main(["audit", str(tmp_path / "a.zip")]) == 4
    assert "of Fiddler's" in (error := capsys.readouterr().err) or "of Playwright's" in error


def test_a_recording_is_no_file_of_another_tool() -> None:
    """What is read as a recording is taken for nothing else."""
    for document in (to_har(speak()), to_cassette(speak())):
        assert explain_foreign(json.dumps(document)[:4096].encode()) is None
