"""The published schema of case files: an editor that follows it says what the reader says, as far as a schema can."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from luma_conformance import matching
from luma_conformance.catalogue import expectations as expecting
from luma_conformance.catalogue import files as casefiles
from luma_conformance.catalogue import grammar as reading
from luma_conformance.catalogue import roles
from luma_conformance.catalogue import strict_yaml as yamlfile
from luma_conformance.errors import CatalogueError

SPECS = casefiles.specs()
SCHEMA = json.loads((SPECS / casefiles.SCHEMA).read_text(encoding="utf-8"))
FILES = sorted(
    {file.relative_to(SPECS).as_posix() for file in SPECS.rglob("*.yaml") if file.parent.name != "clients"}
    - {"ledger.yaml", "openapi.yaml"}
)

WHOLE = """\
section: 400 — Invalid thing
operation: POST /v1/generations
needs: [completed-video]
accepted: {model: ray-3.2, prompt: A, image_ref: [{url: a}]}
status: 400
cases:
  - id: changed
    title: a changed control is refused
    set: {"image_ref[0].url": b}
    unset: [model]
    detail: no
  - id: whole
    title: a whole request is refused
    request: {auth: {key: main-key, scheme: ""}, headers: {X-Request-Id: null}}
    detail_like: "no {reason}"
    wording: may-vary
    absent_headers: [Retry-After]
  - id: stepwise
    title: steps are taken in order
    steps:
      - status: 201
        save: {generation: id}
      - request: {path: "/v1/generations/{generation}"}
        wait: 1
        repeat: {until: {state: failed}, every: 2, at_most: 5, meanwhile: [200, 201]}
        status: 200
        headers: {X-Thing: {$at_least: 1}}
        body: {id: {$same: generation}, state: {$one_of: [failed, queued]}, output: [], created_at: {$is: timestamp}}
"""
HOLDS = """\
section: Error response format
holds:
  - id: shape
    title: every error is one text
    section: Elsewhere
    on: {operation: POST /v1/generations, status: [400, 401], detail: no}
    headers: {X-Thing: {$echo: X-Thing}}
    body: {detail: {$is: text}}
"""


@cache
def validator() -> Draft202012Validator:
    """Return the schema as a validator."""
    Draft202012Validator.check_schema(SCHEMA)
    return Draft202012Validator(SCHEMA)


def broken(text: str, old: str, new: str) -> str:
    """Return a text with the single occurrence of `old` replaced by `new`."""
    assert text.count(old) == 1, old
    return text.replace(old, new)


def schema_accepts(text: str) -> bool:
    """Return whether the schema accepts a YAML text."""
    return bool(validator().is_valid(yamlfile.parse(text, "f.yaml").data))


def reader_refuses(text: str) -> str:
    """Return the reader's messages about a YAML text, empty if it accepts the text."""
    try:
        reading.read_section(yamlfile.parse(text, "f.yaml"), "create/400-thing")
    except CatalogueError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("name", FILES)
def test_the_schema_accepts_every_file_of_the_catalogue(name: str) -> None:
    """The schema accepts every file that the reader reads; an error is shown with its place."""
    data = yamlfile.read(SPECS / name).data

    assert [f"{error.json_path}: {error.message}" for error in validator().iter_errors(data)] == []


@pytest.mark.parametrize("text", [WHOLE, HOLDS], ids=["section", "every-response"])
def test_both_accept_a_file_that_uses_the_whole_grammar(text: str) -> None:
    """What the broken files below are broken from is whole."""
    assert reader_refuses(text) == ""
    assert schema_accepts(text)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("needs: [completed-video]", "need: [completed-video]", id="misspelt key of a file"),
        pytest.param("    unset: [model]", "    unsets: [model]", id="misspelt key of a case"),
        pytest.param("        wait: 1", "        waits: 1", id="misspelt key of a step"),
        pytest.param("section: 400 — Invalid thing\n", "", id="no section"),
        pytest.param("operation: POST /v1/generations\n", "", id="no operation"),
        pytest.param("POST /v1/generations", "/v1/generations", id="operation without a method"),
        pytest.param("    title: a whole request is refused\n", "", id="no title"),
        pytest.param("a whole request is refused", '""', id="empty title"),
        pytest.param("  - id: whole", "  - id: Whole_Thing", id="id that is no slug"),
        pytest.param("  - id: whole", "  - id: 7", id="id that is a number"),
        pytest.param("status: 400", 'status: "400"', id="status as text"),
        pytest.param("status: 400", "status: 4000", id="status out of range"),
        pytest.param("status: 400", "status: []", id="no status of several"),
        pytest.param("status: 400\n", "", id="no status at all"),
        pytest.param("      - status: 201\n        save", "      - save", id="step without a status"),
        pytest.param("[completed-video]", "completed-video", id="needs that is no list"),
        pytest.param("accepted: {model: ray-3.2, prompt: A, image_ref: [{url: a}]}\n", "", id="set without a control"),
        pytest.param(
            "accepted: {model: ray-3.2, prompt: A, image_ref: [{url: a}]}", "accepted: A", id="control as text"
        ),
        pytest.param("{auth: {key", "{path: /a, url: b, auth: {key", id="path and url"),
        pytest.param('path: "/v1/generations/{generation}"', "path: v1/generations", id="path without a slash"),
        pytest.param("{key: main-key, ", "{key: main-key, token: t, ", id="key and token"),
        pytest.param("{key: main-key, ", "{", id="neither key nor token"),
        pytest.param("X-Request-Id: null", "X-Request-Id: 7", id="request header that is a number"),
        pytest.param("    wording: may-vary", "    set: {model: b}", id="set and request"),
        pytest.param("    wording: may-vary", "    detail: no", id="detail and detail_like"),
        pytest.param("    wording: may-vary", "    wording: may", id="unknown wording"),
        pytest.param("[Retry-After]", "Retry-After", id="absent headers as text"),
        pytest.param("    steps:\n", "    status: 200\n    steps:\n", id="steps and a status beside them"),
        pytest.param("{generation: id}", "{image-url: id}", id="saved under the name of a role"),
        pytest.param("{generation: id}", "{Generation: id}", id="saved under a name that is none"),
        pytest.param("{state: failed}", "{state: broken}", id="unknown state"),
        pytest.param("{state: failed}", "{state: failed, status: 200}", id="until a state and a status"),
        pytest.param(", at_most: 5", "", id="repeat without an end"),
        pytest.param("at_most: 5", "at_most: 0", id="repeat no times"),
        pytest.param("meanwhile: [200, 201]", "meanwhile: null", id="meanwhile of null"),
        pytest.param("{state: failed}", "{status: [200, 429]}", id="until several statuses"),
        pytest.param("{generation: id}", "{generation: a..b}", id="saved path that is none"),
        pytest.param("detail: no", "detail: {a: b}", id="detail that is an object"),
        pytest.param("{auth: {key", "{method: get, auth: {key", id="unknown method"),
        pytest.param("every: 2", "every: -2", id="repeat backwards"),
        pytest.param("wait: 1", "wait: soon", id="wait that is no number"),
        pytest.param("{$is: timestamp}", "{$is: time}", id="unknown kind"),
        pytest.param("{$is: timestamp}", "{$are: timestamp}", id="unknown matcher"),
        pytest.param("{$is: timestamp}", "{$is: timestamp, x: 1}", id="matcher with company"),
        pytest.param("{$one_of: [failed, queued]}", "{$one_of: []}", id="choice of nothing"),
        pytest.param("{$at_least: 1}", "{$at_least: 0.5}", id="least that is no whole number"),
        pytest.param("{$at_least: 1}", "1", id="header that is a number"),
        pytest.param('"image_ref[0].url"', '"image_ref[0]url"', id="path that is none"),
        pytest.param("\ncases:", "\nholds: []\ncases:", id="holds with cases"),
    ],
)
def test_both_refuse_a_section_with_one_mistake(old: str, new: str) -> None:
    """A mistake an author makes is underlined while typing, and refused by the reader."""
    text = broken(WHOLE, old, new)

    assert reader_refuses(text)
    assert not schema_accepts(text)


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        pytest.param(WHOLE, WHOLE[WHOLE.index("  - id") :], "", id="cases of null"),
        pytest.param(WHOLE, WHOLE[WHOLE.index("    steps:") :], "    steps: []\n", id="empty steps"),
        pytest.param(WHOLE, WHOLE[WHOLE.index("accepted") :], "", id="neither control nor cases"),
        pytest.param(HOLDS, "    title: every error is one text\n", "", id="holding without a title"),
        pytest.param(HOLDS, "id: shape", "id: The shape", id="holding whose id is no slug"),
        pytest.param(HOLDS, "    on:", "    when:", id="misspelt key of a holding"),
        pytest.param(HOLDS, "{operation: POST", "{operations: POST", id="misspelt condition"),
        pytest.param(HOLDS, "holds:", "status: 400\nholds:", id="holds with a status"),
        pytest.param(HOLDS, "{$is: text}", "{$is: txt}", id="unknown kind in a holding"),
    ],
)
def test_both_refuse_a_file_that_lacks_or_misplaces_a_part(text: str, old: str, new: str) -> None:
    """Whole parts that are missing, and keys of the other kind of file, are refused by both."""
    text = broken(text, old, new)

    assert reader_refuses(text)
    assert not schema_accepts(text)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        pytest.param("id: whole", "id: changed", "ids are unique", id="duplicate id"),
        pytest.param("prompt: A", 'prompt: "{completed-image}"', "used but not needed", id="placeholder not needed"),
        pytest.param("prompt: A", 'prompt: "{nobody}"', "unknown placeholder", id="placeholder nobody fills"),
        pytest.param('"image_ref[0].url"', '"image_ref[2].url"', "does not fit", id="set path that does not fit"),
        pytest.param("unset: [model]", "unset: [video]", "cannot be unset", id="unset of what is not there"),
        pytest.param("{$same: generation}", "{$same: generations}", "unknown saved name", id="name nobody saved"),
        pytest.param("{$is: timestamp}", "{$pattern: '('}", "not a regular expression", id="pattern that is none"),
        pytest.param("status: 400", "status: 400.0", "status should be a number", id="status as a decimal"),
        pytest.param("key: main-key", "key: other-key", "used but not needed", id="key not needed"),
        pytest.param("[completed-video]", "[complete-video]", "unknown role", id="unknown role"),
        pytest.param("{key: main-key, ", "{key: maine-key, ", "unknown key role", id="unknown key"),
        pytest.param('{key: main-key, scheme: ""}', "nobody", "unknown key role", id="auth that is not a role"),
    ],
)
def test_the_reader_refuses_what_a_schema_cannot(old: str, new: str, says: str) -> None:
    """Rules that look from one place of the file to another are the reader's alone."""
    text = broken(WHOLE, old, new)

    assert says in reader_refuses(text)
    assert schema_accepts(text)


@pytest.mark.parametrize(
    ("definition", "names"), [("role", roles.ROLES), ("key", roles.KEYS), ("supply", roles.SUPPLIES)]
)
def test_the_schema_lists_the_names_the_reader_knows(definition: str, names: dict[str, str]) -> None:
    """Roles, keys and supplies are the same in both, in the same order."""
    assert SCHEMA["$defs"][definition]["enum"] == list(names)


@pytest.mark.parametrize(
    ("definition", "keys"),
    [
        ("section", [key for key in reading.FILE_KEYS if key != "holds"]),
        ("every_response", ["section", "holds"]),
        ("holding", reading.HOLDING_KEYS),
        ("case", reading.CASE_KEYS),
        ("step", reading.STEP_KEYS),
        ("request", reading.REQUEST_KEYS),
        ("repeat", expecting.REPEAT_KEYS),
        (
            "special_matcher",
            ["$is", "$like", "$pattern", "$one_of", "$each", "$at_least", "$same", "$differs", "$echo"],
        ),
    ],
)
def test_the_schema_has_the_keys_the_reader_has(definition: str, keys: list[str]) -> None:
    """Each kind of object is closed and has the reader's keys, every one of them described."""
    found = SCHEMA["$defs"][definition]

    assert sorted(found["properties"]) == sorted(keys)
    assert all(member["description"].endswith(".") for member in found["properties"].values())
    assert found["additionalProperties"] is False


def test_kinds_and_states_are_those_of_the_reader() -> None:
    """`$is` offers every kind, `until` every state."""
    special, repeat = SCHEMA["$defs"]["special_matcher"]["properties"], SCHEMA["$defs"]["repeat"]["properties"]

    assert special["$is"]["enum"] == list(matching.KINDS)
    assert repeat["until"]["properties"]["state"]["enum"] == list(expecting.STATES)


def test_every_reference_inside_the_schema_leads_somewhere() -> None:
    """A definition nothing refers to, or a reference to no definition, does not exist."""
    referred = set(re.findall(r'"#/\$defs/([a-z_]+)"', json.dumps(SCHEMA)))

    assert referred == set(SCHEMA["$defs"])


@pytest.mark.parametrize("name", FILES)
def test_each_file_names_the_schema_by_its_relative_path(name: str) -> None:
    """The first line of a file leads an editor from the file to the schema."""
    file = SPECS / name
    first = file.read_text(encoding="utf-8").partition("\n")[0]
    found = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first)

    assert found is not None, first
    assert (file.parent / Path(found[1])).resolve() == (SPECS / casefiles.SCHEMA).resolve()
