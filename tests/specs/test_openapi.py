"""The OpenAPI document: valid, true to its own examples, and consistent with the catalogue and the rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from luma_conformance.catalogue import files as casefiles
from luma_conformance.catalogue import strict_yaml as yamlfile
from luma_conformance.catalogue.media import supply
from luma_conformance.judge.play import fill, make_lookup
from luma_conformance.model import Case, Step
from luma_conformance.reference import profile_path
from luma_conformance.rules import RULES
from luma_conformance.strategies import KINDS, Body, Material, near_misses, valid
from luma_conformance.target.profile import load_profile

CATALOGUE = casefiles.own()
DOCUMENT: dict[str, Any] = yamlfile.read(casefiles.specs() / "openapi.yaml").data  # type: ignore[assignment]
OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
}
VALUE = make_lookup(load_profile(profile_path(), {}).values, supply)
MATERIAL = Material(completed_video="d290f1ee-6c54-4b01-90e6-d701748f0851")

NOT_SAID = {
    "keyframes-lengths-differ": "JSON Schema cannot compare the lengths of two arrays",
    "image-too-heavy": "what is behind a URL is not in the request",
    "image-too-wide": "what is behind a URL is not in the request",
    "video-too-heavy": "the limit is on decoded bytes, and JSON Schema decodes nothing",
    "url-unreachable": "what is behind a URL is not in the request",
    "url-http-error": "what is behind a URL is not in the request",
    "url-not-an-image": "what is behind a URL is not in the request",
    "proxy-down": "how the server's own parts stand is not in the request",
    "ingestion-off": "how the server's own parts stand is not in the request",
}
"""The rules a schema cannot say, and why; it claims to say every other."""

UNSEEN = {("GET /v1/generations/{generation_id}", "429")}
"""Answers no case provokes: the ceiling against abuse is in the thousands a minute."""


def quick(examples: int) -> settings:
    """Return settings for a number of examples, the same ones every time."""
    return settings(
        max_examples=examples, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
    )


def validator(schema: dict[str, Any]) -> Draft202012Validator:
    """Return a validator of a schema of the document, whose references lead into the document."""
    document = {"components": DOCUMENT["components"], "allOf": [schema]}
    return Draft202012Validator(document, format_checker=Draft202012Validator.FORMAT_CHECKER)


REQUEST = validator({"$ref": "#/components/schemas/GenerationRequest"})


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    """Return the target of a reference within the document, or the node itself."""
    found: Any = node
    while "$ref" in found:
        reference, found = found["$ref"], DOCUMENT
        for name in reference.removeprefix("#/").split("/"):
            found = found[name]
    assert isinstance(found, dict)
    return found


def _responses() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield every documented response with its operation and status."""
    for operation, said in OPERATIONS.items():
        for status, response in said["responses"].items():
            yield operation, status, resolved(response)


RESPONSES = list(_responses())
ANSWERED = {status: response for operation, status, response in RESPONSES if operation.startswith("POST")}


def content(response: dict[str, Any]) -> dict[str, Any]:
    """Return the description of a response's JSON body."""
    (media,) = response["content"].items()
    assert media[0] == "application/json"
    return dict(media[1])


def schemas(node: object) -> Iterator[dict[str, Any]]:
    """Yield every schema object below a node."""
    if isinstance(node, dict):
        yield node
        for member in node.values():
            yield from schemas(member)
    elif isinstance(node, list):
        for element in node:
            yield from schemas(element)


def created() -> Iterator[tuple[Case, Step]]:
    """Yield the steps of the catalogue whose body is accepted."""
    for case in CATALOGUE:
        for step in case.steps:
            if step.expect.status == (201,) and isinstance(step.ask.body, dict):
                yield case, step


def test_the_document_is_openapi() -> None:
    """The document is valid OpenAPI 3.1, its schemas and references included."""
    assert [error.message for error in OpenAPIV31SpecValidator(DOCUMENT).iter_errors()] == []


def test_objects_are_open() -> None:
    """No schema forbids members it does not name: whether they are refused, no document says."""
    assert [node for node in schemas(DOCUMENT) if "additionalProperties" in node] == []


@pytest.mark.parametrize(
    "name", OPERATIONS["POST /v1/generations"]["requestBody"]["content"]["application/json"]["examples"]
)
def test_every_example_of_a_request_is_valid(name: str) -> None:
    """Each example of a request is valid by the schema beside it."""
    media = OPERATIONS["POST /v1/generations"]["requestBody"]["content"]["application/json"]

    assert [error.message for error in validator(media["schema"]).iter_errors(media["examples"][name]["value"])] == []


@pytest.mark.parametrize(("operation", "status", "response"), RESPONSES, ids=lambda value: str(value)[:30])
def test_every_example_of_an_answer_is_valid(operation: str, status: str, response: dict[str, Any]) -> None:
    """Each answer has an example, and each example is valid by the schema beside it."""
    media = content(response)
    examples = media.get("examples", {})

    assert examples
    for example in examples.values():
        assert [error.message for error in validator(media["schema"]).iter_errors(example["value"])] == []


@pytest.mark.parametrize(("operation", "status", "response"), RESPONSES, ids=lambda value: str(value)[:30])
def test_an_example_of_a_refusal_is_one_of_the_catalogue(operation: str, status: str, response: dict[str, Any]) -> None:
    """The text of each example is one the catalogue, transcribed from the page on its own, has under that status."""
    details = [example["value"].get("detail") for example in content(response).get("examples", {}).values()]

    assert int(status) < 400 or None not in details
    assert [text for text in details if text is not None and not CATALOGUE.find_by_detail(int(status), text)] == []


def _exemplified() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every header of an answer and every parameter, with its place."""
    for operation, status, response in RESPONSES:
        for name, said in response["headers"].items():
            yield f"{operation} {status} {name}", resolved(said)
    for operation, said in OPERATIONS.items():
        for parameter in map(resolved, said["parameters"]):
            yield f"{operation} {parameter['name']}", parameter


@pytest.mark.parametrize(("place", "said"), list(_exemplified()), ids=lambda value: value if type(value) is str else "")
def test_every_header_and_parameter_has_a_valid_example(place: str, said: dict[str, Any]) -> None:
    """Mocks made from the document answer with the examples: a header without one would be the word `string`."""
    assert [error.message for error in validator(said["schema"]).iter_errors(said["example"])] == []


def test_the_examples_of_headers_fit_together() -> None:
    """They are as one server would send them at one moment: an id of its own making, and coherent numbers."""
    accepted, refused = (
        {name: resolved(said)["example"] for name, said in ANSWERED[status]["headers"].items()}
        for status in ("201", "429")
    )
    created = datetime.fromisoformat(content(ANSWERED["201"])["examples"]["queued"]["value"]["created_at"]).timestamp()

    assert str(UUID(accepted["X-Request-Id"])) == accepted["X-Request-Id"]
    assert accepted["X-RateLimit-Remaining"] == accepted["X-RateLimit-Limit"] - 1
    assert accepted["X-RateLimit-Reset"] == created + 60
    assert refused["X-RateLimit-Limit"] == accepted["X-RateLimit-Limit"]
    assert refused["X-RateLimit-Reset"] - refused["Retry-After"] == created


def test_the_statuses_are_those_of_the_catalogue() -> None:
    """Each operation documents the statuses its cases provoke, and no other but those that cannot be provoked."""
    documented = {(operation, status) for operation, status, _ in RESPONSES}
    provoked = {
        (operation, str(status))
        for case in CATALOGUE
        for step in case.steps
        for operation in OPERATIONS
        if operation.partition("{")[0].startswith(step.ask.method)
        and step.ask.url.startswith("/v1/generations/") == ("{" in operation)
        for status in step.expect.status
        if step.ask.url.startswith("/v1/generations")
    }

    assert documented - UNSEEN == provoked


@pytest.mark.parametrize(("operation", "status", "response"), RESPONSES, ids=lambda value: str(value)[:30])
def test_the_headers_are_those_that_hold_on_every_response(
    operation: str, status: str, response: dict[str, Any]
) -> None:
    """A header that always comes is required, one that never comes is not there: as every-response.yaml has it."""
    said = response["headers"]
    required = {name for name, header in said.items() if resolved(header).get("required")}
    holding = [
        held
        for held in CATALOGUE.holdings
        if held.detail is None
        and held.operation in (None, operation)
        and (held.status is None or int(status) in held.status)
    ]

    always = {name for held in holding for name in held.headers} - {"Content-Type"}
    assert required == always | ({"Retry-After"} if status == "429" else set())
    assert said.keys().isdisjoint(name for held in holding for name in held.absent_headers)


def test_an_accepted_request_has_a_link_to_itself() -> None:
    """The link of a 201 leads to the poll, with the id that was answered."""
    link = OPERATIONS["POST /v1/generations"]["responses"]["201"]["links"]["poll"]

    assert link["operationId"] == OPERATIONS["GET /v1/generations/{generation_id}"]["operationId"]
    assert link["parameters"] == {"generation_id": "$response.body#/id"}


@pytest.mark.parametrize(("case", "step"), list(created()), ids=lambda value: getattr(value, "id", ""))
def test_every_accepted_body_of_the_catalogue_is_valid(case: Case, step: Step) -> None:
    """The body of each case that is accepted is valid by the schema."""
    assert [error.message for error in REQUEST.iter_errors(fill(step.ask.body, VALUE))] == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_request_the_oracle_accepts_is_valid(kind: str) -> None:
    """Every request the oracle accepts is valid by the schema."""

    @quick(50)
    @given(valid(kind, MATERIAL))
    def holds(body: Body) -> None:
        assert [error.message for error in REQUEST.iter_errors(body)] == []

    holds()


def test_every_rule_is_in_the_schema_or_has_a_reason() -> None:
    """What the schema leaves out is a rule of the oracle."""
    assert NOT_SAID.keys() <= {rule.id for rule in RULES}


@pytest.mark.parametrize("rule", [rule.id for rule in RULES if rule.id not in NOT_SAID])
def test_a_body_that_breaks_a_rule_of_the_schema_is_not_valid(rule: str) -> None:
    """Of each pair around a rule the schema says, the one that keeps it is valid and the one that breaks it is not."""
    seen: Counter[str] = Counter()

    @quick(15)
    @given(near_misses(rule, MATERIAL))
    def holds(pair: tuple[Body, Body]) -> None:
        kept, broken = pair
        assert [error.message for error in REQUEST.iter_errors(kept)] == []
        assert not REQUEST.is_valid(broken)
        seen["pairs"] += 1

    holds()
    assert seen["pairs"] >= 3


def test_the_document_is_text_a_person_can_read() -> None:
    """Every operation, response and header has its description, and no line is longer than the house allows."""
    described = [said for _, _, said in RESPONSES] + list(DOCUMENT["components"]["headers"].values())

    assert all(said["description"] for said in described)
    assert all(operation["summary"] for operation in OPERATIONS.values())
    lines = Path(casefiles.specs() / "openapi.yaml").read_text(encoding="utf-8").splitlines()
    assert max(len(line) for line in lines) <= 140
