"""The same cases for every runner: N requests of eight fields, each refused, in each runner's own format.

Each runner checks the status, two headers and the JSON body of every answer.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from tests.bench.server import DETAIL, VERSION

IN_A_FILE = 1000
"""Cases: a file of the kit has at most a megabyte."""
HEADERS = {"Content-Type": "application/json", "X-API-Version": VERSION}
_SENTENCE = "a glass of iced coffee on a marble countertop in the morning light that streams through a window"
_WORDS = _SENTENCE.split(" ")
_TYPES = {"prompt": "string", "model": "string", "web_search": "boolean", "user_id": "string"}


def make_body(number: int) -> dict[str, object]:
    """Return the body of a request, another for each number."""
    turn = number % len(_WORDS)
    return {
        "prompt": f"{' '.join(_WORDS[turn:] + _WORDS[:turn])}, number {number}",
        "model": "x",
        "type": "image",
        "aspect_ratio": ("1:1", "16:9", "2:3")[number % 3],
        "style": ("auto", "manga")[number % 2],
        "output_format": ("png", "jpeg")[number % 2],
        "web_search": bool(number % 2),
        "user_id": f"user-{number}",
    }


def write_all(folder: Path, count: int, url: str) -> None:
    """Write the cases of every runner into a folder; the server is at `url`."""
    bodies = [make_body(number) for number in range(count)]
    _write_cases(folder / "cases", bodies)
    (folder / "test_parametrised.py").write_text(_PARAMETRISED)
    _write_schemathesis(folder / "openapi.json", bodies)
    _write_tavern(folder / "test_cases.tavern.yaml", bodies, url)
    _write_newman(folder / "collection.json", bodies, url)


def _write_cases(folder: Path, bodies: list[dict[str, object]]) -> None:
    """Write case files of the kit, and the same data as JSON: the floors and pytest with httpx read these too."""
    folder.mkdir()
    first = "# yaml-language-server: $schema=case-file.schema.json\n"
    for start in range(0, len(bodies), IN_A_FILE):
        data: dict[str, Any] = {
            "section": "400 — Unknown model",
            "operation": "POST /v1/generations",
            "status": 400,
            "cases": [
                {
                    "id": f"case-{number}",
                    "title": f"request {number} is refused for its model",
                    "request": {"body": body},
                    "detail": DETAIL,
                    "headers": HEADERS,
                }
                for number, body in enumerate(bodies[start : start + IN_A_FILE], start)
            ],
        }
        name = f"cases-{start:05}"
        (folder / f"{name}.yaml").write_text(first + _to_yaml(data), encoding="utf-8")
        (folder / f"{name}.json").write_text(json.dumps(data), encoding="utf-8")


def _write_schemathesis(file: Path, bodies: list[dict[str, object]]) -> None:
    """Write an OpenAPI document with one example for each request."""
    answer = {
        "description": "Refused",
        "headers": {name: {"required": True, "schema": {"type": "string"}} for name in HEADERS},
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "properties": {"detail": {"const": DETAIL}},
                    "required": ["detail"],
                    "additionalProperties": False,
                }
            }
        },
    }
    properties = {name: {"type": _TYPES.get(name, "string")} for name in bodies[0]}
    content = {
        "schema": {"type": "object", "properties": properties, "required": [*bodies[0]]},
        "examples": {f"case-{number}": {"value": body} for number, body in enumerate(bodies)},
    }
    operation = {
        "requestBody": {"required": True, "content": {"application/json": content}},
        "responses": {"400": answer},
    }
    document = {
        "openapi": "3.1.0",
        "info": {"title": "bench", "version": "1"},
        "paths": {"/v1/generations": {"post": operation}},
    }
    file.write_text(json.dumps(document))


def _write_tavern(file: Path, bodies: list[dict[str, object]], url: str) -> None:
    """Write a test of one stage for each request."""
    tests = [
        {
            "test_name": f"request {number} is refused for its model",
            "stages": [
                {
                    "name": "create",
                    "request": {"url": f"{url}/v1/generations", "method": "POST", "json": body},
                    "response": {
                        "status_code": 400,
                        "headers": HEADERS,
                        "json": {"detail": DETAIL},
                        "strict": ["json:on"],
                    },
                }
            ],
        }
        for number, body in enumerate(bodies)
    ]
    file.write_text("---\n".join(map(_to_yaml, tests)))


def _write_newman(file: Path, bodies: list[dict[str, object]], url: str) -> None:
    """Write a Postman collection with a request and a test script for each."""
    lines = ["pm.test('refused', () => {", "  pm.response.to.have.status(400);"]
    lines += [f"  pm.expect(pm.response.headers.get('{name}')).to.eql('{value}');" for name, value in HEADERS.items()]
    lines += [f"  pm.expect(pm.response.json()).to.eql({json.dumps({'detail': DETAIL})});", "});"]
    items = [
        {
            "name": f"case-{number}",
            "request": {
                "method": "POST",
                "url": f"{url}/v1/generations",
                "header": [{"key": "Content-Type", "value": "application/json"}],
                "body": {"mode": "raw", "raw": json.dumps(body)},
            },
            "event": [{"listen": "test", "script": {"exec": lines}}],
        }
        for number, body in enumerate(bodies)
    ]
    schema = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
    file.write_text(json.dumps({"info": {"name": "bench", "schema": schema}, "item": items}))


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """A writer that writes a value out again, where it is the same as an earlier one."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _to_yaml(data: object) -> str:
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1000)


_PARAMETRISED = '''\
"""The usual test of an API: pytest, one parameter a case, httpx."""

import os
from pathlib import Path

import httpx
import pytest
import yaml

FILES = sorted((Path(__file__).parent / "cases").glob("*.yaml"))
CASES = [case for file in FILES for case in yaml.load(file.read_text(), Loader=yaml.CSafeLoader)["cases"]]


@pytest.fixture(scope="session")
def client():
    with httpx.Client(base_url=os.environ["BENCH_URL"]) as client:
        yield client


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_case(client, case):
    answer = client.post("/v1/generations", json=case["request"]["body"])
    assert answer.status_code == 400
    for name, value in case["headers"].items():
        assert answer.headers[name] == value
    assert answer.json() == {"detail": case["detail"]}
'''
