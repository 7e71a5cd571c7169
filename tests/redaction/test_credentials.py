"""Credentials of recordings: found by the names of what holds them, and hidden by value wherever they are repeated."""

from __future__ import annotations

import html
import json
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from luma_conformance.cli.main import main
from luma_conformance.model import Request, Response
from luma_conformance.redaction.credentials import find_credentials
from luma_conformance.redaction.redactor import RECORDED, Redactor

SECRET = "Zk4-93jvQm7xW2pL"
"""A credential that looks like nothing in particular."""


def found(
    *headers: tuple[str, str], url: str = "/v1/generations", answered: tuple[tuple[str, str], ...] = ()
) -> object:
    """Return what is found in an exchange with these headers."""
    request = Request(method="POST", url=url, headers=headers)
    return [*find_credentials(request, Response(status=200, headers=answered))]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Authorization", f"Bearer {SECRET}"),
        ("authorization", f"Token  {SECRET}"),
        ("Authorization", SECRET),
        ("Proxy-Authorization", f"Bearer {SECRET}"),
        ("X-API-Key", SECRET),
        ("X-Amz-Security-Token", SECRET),
        ("X-Gateway-Secret", f'"{SECRET}"'),
        ("Cookie", f"lang=en; session={SECRET}; theme=dark"),
    ],
)
def test_a_value_under_a_secret_name_is_a_credential(name: str, value: str) -> None:
    """Whatever it looks like, with a scheme before it or without, among other cookies."""
    assert found((name, value)) == [SECRET]


def test_a_password_is_one_too() -> None:
    """In HTTP's basic authentication it is what stands behind the colon, and the whole as it is written."""
    written = b64encode(f"me:{SECRET}".encode()).decode()
    assert found(("Authorization", f"Basic {written}")) == [written, SECRET]


def test_answers_and_queries_have_credentials_too() -> None:
    """A cookie that a server sets, without its attributes, and a parameter of a URL."""
    assert found(answered=(("Set-Cookie", f"id={SECRET}; Path=/somewhere-else"),)) == [SECRET]
    assert found(url=f"https://x.example/f?size=12345678&access_token={SECRET}") == [SECRET]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Authorization", "Bearer $LUMA_AGENTS_API_KEY"),
        ("Authorization", "Bearer <redacted>"),
        ("Authorization", "Bearer FILTERED_KEY"),
        ("Authorization", "Bearer luma-api-test-main"),
        ("X-API-Key", "xxxxxxxxxxxxxxxx"),
        ("X-Api-Key", "**********"),
        ("Cookie", "lang=en"),
        ("WWW-Authenticate", 'Bearer realm="generations"'),
        ("X-Request-Id", SECRET),
        ("Content-Type", "application/json"),
    ],
)
def test_what_says_nothing_is_none(name: str, value: str) -> None:
    """What a filter left in its place, public keys, short cookies, and headers that everybody may see."""
    assert found((name, value)) == []


@pytest.mark.parametrize(
    "spell",
    [
        str,
        lambda text: quote(text, safe=""),
        lambda text: b64encode(text.encode()).decode(),
        lambda text: text.encode().hex(),
        lambda text: "".join(f"\\u{ord(one):04x}" for one in text),
        lambda text: html.escape("".join(f"&#{ord(one)};" for one in text)),
        lambda text: text[2:12],
        lambda text: f"{text[:9]}…",
    ],
    ids=["as it is", "quoted", "base64", "hex", "escaped", "HTML", "a part", "cut"],
)
def test_a_recorded_credential_is_hidden_in_any_spelling(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], spell: Callable[[str], str]
) -> None:
    """`audit` and `compare` show no piece of it, in text or as HTML, though it looks like nothing."""
    file, other = (_record(tmp_path / f"{name}.har", f"{name}: no {spell(SECRET)}") for name in ("one", "two"))

    main(["audit", str(file)])
    main(["compare", str(file), str(other)])
    main(["compare", str(file), str(other), "--format", "html"])
    main(["compare", str(file), str(other), "--format", "json"])

    said = "".join(capsys.readouterr())
    assert said.count(RECORDED) >= 4
    assert spell(SECRET)[:10] not in said
    assert not any(SECRET[at : at + 6] in said for at in range(len(SECRET) - 5))


def test_only_the_latest_credentials_are_remembered() -> None:
    """A recording of a million tokens takes no more memory, and no more time, than one of a few."""
    redactor = Redactor()
    for number in range(1_000):
        redactor.add_recorded([f"{SECRET}-{number:04}"])
        redactor.add_recorded([f"{SECRET}-{number:04}"])
    assert redactor.scrub(f"a {SECRET}-0999") == f"a {RECORDED}"
    assert redactor.scrub("a Zk4-93jv") == f"a {RECORDED}"


def _record(file: Path, detail: str) -> Path:
    """Write a HAR file of one wrong answer that repeats something."""
    entry = {
        "startedDateTime": "2026-01-01T00:00:00.000Z",
        "time": 10,
        "request": {
            "method": "POST",
            "url": "https://agents.example/v1/generations",
            "httpVersion": "HTTP/1.1",
            "headers": [
                {"name": "Content-Type", "value": "application/json"},
                {"name": "X-API-Key", "value": SECRET},
            ],
            "postData": {"mimeType": "application/json", "text": '{"prompt": "A sunset", "model": "super-model-v9"}'},
        },
        "response": {
            "status": 400,
            "statusText": "",
            "httpVersion": "HTTP/1.1",
            "headers": [{"name": "Content-Type", "value": "application/json"}],
            "content": {"mimeType": "application/json", "text": json.dumps({"detail": detail})},
        },
    }
    file.write_text(json.dumps({"log": {"version": "1.2", "creator": {"name": "x"}, "entries": [entry]}}))
    return file
