"""The OpenAPI document, used through schemathesis: generating requests, and finding where an answer departs from it.

Nothing is sent from here. Whether schemathesis considers a request valid is not relied on either: the page may not
speak of a body it calls invalid, and the rules say what may be answered.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

import requests
import schemathesis
from hypothesis import settings
from hypothesis import strategies as st
from schemathesis.core import NOT_SET
from schemathesis.core.failures import Failure
from schemathesis.errors import FailureGroup
from schemathesis.generation import hypothesis as patches
from schemathesis.generation.stateful.state_machine import StepInput, StepOutput
from schemathesis.openapi.checks import JsonSchemaError
from schemathesis.specs.openapi import checks

from luma_conformance.model import ABSENT, GENERATIONS_PATH, Ask, Exchange

# schemathesis documents its top-level names and `errors`. The others may move with any minor version, so the extra
# `schema` allows one minor, and no other module of ours imports schemathesis:
#
# core.NOT_SET                    tells a case without a body from one whose body is null
# core.failures.Failure           the type of each departure
# generation.hypothesis.setup     must not patch Hypothesis: see below
# generation.stateful.state_machine.StepInput, StepOutput    what a step, which we send ourselves, is given and returns
# openapi.checks.JsonSchemaError  has the place of a wrong value, apart from the value itself, which may be a secret
# specs.openapi.checks            the checks one by one: `status_code_conformance` is left out where the page is silent

# Before it generates, schemathesis swaps Hypothesis' printer for one that prints nothing, which would take the
# falsifying examples from every other test of the process. It does so once; this tells it that it has.
setattr(patches.setup, "_is_patched", True)  # noqa: B010  a function's own attribute

GENERATION_PATH: Final = "/v1/generations/{generation_id}"


class Walker(Protocol):
    """What sends the requests of generated walks and judges the answers."""

    def begin(self) -> None:
        """Begin a walk."""
        ...

    def send(self, ask: Ask, origin: Exchange | None) -> Exchange:
        """Return the exchange of one step; `origin` is the exchange whose link was followed, if any."""
        ...

    def end(self) -> None:
        """End the walk, however it went."""
        ...


_SHAPE: Final = (
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
)
_SENT: Final = requests.Request("GET", "http://target/").prepare()
"""Stands for the request of every response; none of the checks used looks at it."""

_VERSION: Final = re.compile(r"(?<=/[0-9a-f]{8}-[0-9a-f]{4}-)[0-9a-f](?=[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$)")
"""The digit of a UUID at the end of a URL that tells its version."""
_COMBINING: Final = ("anyOf", "oneOf", "allOf", "not")
_CONFIG: Final[dict[str, Any]] = {
    "generation": {"allow-extra-parameters": False, "with-security-parameters": False},
    "phases": {"stateful": {"generation": {"mode": "positive"}, "inference": {"algorithms": []}}},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """An OpenAPI document of the two operations; make one with `load`."""

    documented: schemathesis.BaseSchema
    generating: schemathesis.BaseSchema

    def submissions(self, *, valid: bool) -> st.SearchStrategy[Ask]:
        """Return submissions the document allows, or forbids; a body that is not a JSON value is bytes."""
        kinds = [
            self.generating[path]["POST"].as_strategy(generation_mode=_mode(valid=valid))
            for path in self.generating
            if path.startswith("/kinds/")
        ]
        return st.one_of(kinds).map(_ask)

    def lookups(self, *, valid: bool) -> st.SearchStrategy[Ask]:
        """Return polls for ids that do not exist: UUIDs, as the document demands, or not."""
        drawn = self.generating[GENERATION_PATH]["GET"].as_strategy(generation_mode=_mode(valid=valid))
        return drawn.map(_ask).map(_make_nobodys)

    def find_departures(self, exchange: Exchange, *, status_is_open: bool = False) -> tuple[str, ...]:
        """Return where an answer departs from what the document says of its operation.

        `status_is_open` allows a status the document does not have: the page does not list every refusal.
        """
        method = exchange.request.method
        operation = self.documented[GENERATIONS_PATH if method == "POST" else GENERATION_PATH][method]
        case = operation.Case(path_parameters={} if method == "POST" else {"generation_id": "any"})
        required = _SHAPE if status_is_open else (checks.status_code_conformance, *_SHAPE)
        try:
            case.validate_response(_response(exchange), checks=list(required))
        except FailureGroup as group:
            return tuple(f"{failure.title}: {_describe(failure)}" for failure in group.exceptions)
        return ()

    def follow(self, walker: Walker, how: settings) -> None:
        """Take generated walks along the document's links: a request uses the id that an earlier answer contained."""
        machine = self.generating.as_state_machine()

        class Walk(machine):  # type: ignore[valid-type, misc]
            """One walk."""

            def setup(self) -> None:
                self.exchanges: dict[str, Exchange] = {}
                walker.begin()

            def teardown(self) -> None:
                walker.end()
                super().teardown()

            def step(self, input: StepInput) -> StepOutput:  # noqa: A002  schemathesis passes it by this name
                followed = input.transition is not None and input.is_applied
                origin = self.exchanges[input.transition.parent_id] if input.transition and followed else None
                exchange = self.exchanges[input.case.id] = walker.send(_ask(input.case), origin)
                return StepOutput(_response(exchange), input.case)

        Walk.run(settings=settings(how, stateful_step_count=4))


def load(raw: Mapping[str, Any]) -> Document:
    """Return the Document of a parsed OpenAPI text."""
    return Document(documented=_load(copy.deepcopy(dict(raw))), generating=_load(_prepare_for_generating(raw)))


def _load(raw: dict[str, Any]) -> schemathesis.BaseSchema:
    # A configuration of our own: otherwise a schemathesis.toml found in a folder above would be in force.
    return schemathesis.openapi.from_dict(raw, config=schemathesis.Config.from_dict(_CONFIG))


def _prepare_for_generating(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document in the form requests are generated from.

    Each kind of request becomes an operation of its own, so that an invalid request is so because of one member, not
    because it belongs to no kind. No member is generated that no kind names, and the request id is left to the kit.
    """
    document = copy.deepcopy(dict(raw))
    paths, schemas = document["paths"], document["components"]["schemas"]
    for operation in (paths[GENERATIONS_PATH]["post"], paths[GENERATION_PATH]["get"]):
        operation["parameters"] = [each for each in operation.get("parameters", ()) if each.get("in") == "path"]
    for kind in schemas["GenerationRequest"]["oneOf"]:
        operation = copy.deepcopy(paths[GENERATIONS_PATH]["post"])
        name = kind["$ref"].rpartition("/")[2]
        operation["operationId"] = f"create{name}"
        operation["requestBody"]["content"]["application/json"] = {"schema": kind}
        paths[f"/kinds/{name}"] = {"post": operation}
    del paths[GENERATIONS_PATH]
    for schema in _walk_nodes(schemas):
        if "properties" in schema and "object" in schema.get("type", ()):
            schema["additionalProperties"] = False
    return document


def _walk_nodes(node: object) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for member in list(node.values()):
            yield from _walk_nodes(member)
    elif isinstance(node, list):
        for element in node:
            yield from _walk_nodes(element)


def _mode(*, valid: bool) -> schemathesis.GenerationMode:
    return schemathesis.GenerationMode.POSITIVE if valid else schemathesis.GenerationMode.NEGATIVE


def _ask(case: schemathesis.Case[Any]) -> Ask:
    if case.method == "GET":
        return Ask(method="GET", url=case.formatted_path)
    return Ask(method="POST", url=GENERATIONS_PATH, body=ABSENT if case.body is NOT_SET else case.body)


def _make_nobodys(ask: Ask) -> Ask:
    """Return a poll whose UUID no server has made: of version 8, which is for uses of one's own (RFC 9562).

    Hypothesis' simplest UUID is the first of any generator seeded with 0, so a server with such ids has made it.
    """
    return replace(ask, url=_VERSION.sub("8", ask.url))


def _response(exchange: Exchange) -> schemathesis.Response:
    """Return a response in the form schemathesis uses."""
    headers: dict[str, list[str]] = {}
    for name, value in exchange.response.headers:
        headers.setdefault(name.lower(), []).append(value)
    return schemathesis.Response(
        status_code=exchange.response.status,
        headers=headers,
        content=exchange.response.body,
        request=_SENT,
        elapsed=0.0,
        verify=True,
    )


def _describe(failure: Failure) -> str:
    """Return a failure on one line.

    For a value that breaks the schema its place is named, not the value: schemathesis shortens long values, and the
    redactor does not recognize half a secret.
    """
    if not isinstance(failure, JsonSchemaError):
        return " ".join(failure.message.split())
    place = "".join(f"/{part}" for part in failure.instance_path) or "/"
    keyword = str(failure.schema_path[-1]) if failure.schema_path else "false"
    if keyword in _COMBINING:
        return f"at {place} members do not go together ({keyword})"
    expected = next((part for name, part in failure.schema.items() if name == keyword), failure.schema)
    return f"at {place} expected {keyword} {json.dumps(expected, ensure_ascii=False)}"
