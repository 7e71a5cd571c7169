"""Policies for the scenarios: what of the page they cover, how they are named, and what their schema says."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from luma_conformance.catalogue import files as casefiles
from luma_conformance.catalogue import strict_yaml
from luma_conformance.catalogue.roles import FAILURE_CODES
from luma_conformance.clients import files, grammar
from luma_conformance.clients.checks import CHECKS
from luma_conformance.clients.evidence import read_member
from luma_conformance.clients.scenario import Reply, Route, Scenario, Task
from luma_conformance.errors import InputError
from luma_conformance.ledger.grammar import load
from luma_conformance.model import Severity, header

FOLDER = casefiles.specs() / "clients"
SCHEMA = json.loads((casefiles.specs() / files.SCHEMA).read_text(encoding="utf-8"))
SCENARIOS = files.own()
IDS = [one.id for one in SCENARIOS]
FILES = sorted(file.name for file in FOLDER.glob("*.yaml"))


def replies(scenario: Scenario) -> list[Reply]:
    """Return every reply of a scenario that its file asks for, or that every task needs."""
    return [reply for script in scenario.scripts.values() for reply in (*script.first, script.then)]


def test_titles_are_short_facts_and_differ_within_a_file() -> None:
    """A title says what is so, in under 70 characters: no wish, no period, and not what another says."""
    titles = Counter((one.id.partition("/")[0], one.title) for one in SCENARIOS)

    assert [one.title for one in SCENARIOS if len(one.title) >= 70] == []
    assert [one.title for one in SCENARIOS if re.search(r"\bshould\b|\btests? that\b|[.!]$", one.title)] == []
    assert [title for title, times in titles.items() if times > 1] == []


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 413, 422, 429, 502, 503])
def test_each_status_of_the_page_is_answered_somewhere(status: int) -> None:
    """No error that the page lists is left out, with the words of the catalogue."""
    found = [reply for one in SCENARIOS if not one.silent for reply in replies(one) if reply.response.status == status]

    assert [reply for reply in found if read_member(reply.response.body, "detail")]


def test_each_text_of_a_401_and_a_403_is_answered_somewhere() -> None:
    """The page has four texts for keys that are refused, and two for clients that are."""
    texts = {
        read_member(reply.response.body, "detail")
        for one in SCENARIOS
        for reply in replies(one)
        if reply.response.status in (401, 403)
    }

    assert texts >= {
        "Missing or invalid API key",
        "Invalid API key",
        "API key has been revoked",
        "API key has expired",
        "API client is suspended",
        "API client is deactivated",
    }


@pytest.mark.parametrize("code", FAILURE_CODES)
def test_each_failure_code_is_met_somewhere(code: str) -> None:
    """A client that polls meets each of them."""
    assert [
        one for one in SCENARIOS for reply in replies(one) if read_member(reply.response.body, "failure_code") == code
    ]


@pytest.mark.parametrize("value", ["0", "1", "2", "60", "61", "1.5", "soon", "-1", "{date+3}"])
def test_each_kind_of_retry_after_is_met_somewhere(value: str) -> None:
    """Seconds, none, fractions, dates and nonsense: what the page leaves open is only observed."""
    found = [
        one
        for one in SCENARIOS
        for reply in replies(one)
        if reply.response.status == 429 and header(reply.response.headers, "Retry-After") == value
    ]

    assert found
    assert all(bool(one.silent) == (value not in ("1", "2", "60")) for one in found if "poll" not in one.id)


def test_both_limits_say_what_the_page_says() -> None:
    """A full window has the headers of the quota, and too many jobs have none."""
    by_text = {
        read_member(reply.response.body, "detail"): reply.response
        for one in SCENARIOS
        if one.id in ("429/retry-after-60", "429/concurrent-60")
        for reply in replies(one)
    }
    window, jobs = by_text["Rate limit exceeded"], by_text["Too many concurrent jobs"]

    assert header(window.headers, "X-RateLimit-Remaining") == "0"
    assert header(window.headers, "X-RateLimit-Reset") == "{now+61}"
    assert header(jobs.headers, "Retry-After") == "60"
    assert [name for name, _ in jobs.headers if name.startswith("X-RateLimit")] == []


def test_what_the_page_leaves_open_breaks_no_must_of_its_own() -> None:
    """Where a scenario says that the page is silent, musts are about the key, the truth, and what was paid for."""
    checks = {
        one.check
        for scenario in SCENARIOS
        if scenario.silent
        for one in scenario.expectations
        if one.severity is Severity.MUST
    }

    assert checks == {"key", "ends", "generations", "requests"}
    assert {
        one.arguments["ends"]
        for scenario in SCENARIOS
        if scenario.silent
        for one in scenario.expectations
        if one.check == "ends"
    } == {"truthfully"}


def test_most_scenarios_make_nobody_wait_for_long() -> None:
    """Those that need more than a few seconds are few; the others together take six minutes of waiting at the most."""
    quick = [one.patience for one in SCENARIOS if one.patience <= 12]

    assert len(SCENARIOS) - len(quick) <= 15
    assert sum(quick) <= 400


def test_each_task_is_set_and_begins_well() -> None:
    """Each task has a scenario in which all is well."""
    well = {one.task for one in SCENARIOS if not any(reply.is_fault for reply in replies(one))}

    assert well == {*Task}


def test_outputs_are_not_text() -> None:
    """The file that clients download cannot pass for text, and is large enough to be cut."""
    file = SCENARIOS[0].scripts[Route.DOWNLOAD].then.response.body

    assert file.startswith(b"\x89PNG")
    assert len(file) > 40_000
    with pytest.raises(UnicodeDecodeError):
        file.decode()


def test_each_heading_is_one_of_the_page() -> None:
    """Scenarios and expectations rest on headings that the ledger has."""
    known = {*load().sections}
    used = {one.section for one in SCENARIOS} | {each.section for one in SCENARIOS for each in one.expectations}

    assert used - known == set()


def test_a_scenario_is_found_by_id_by_file_and_by_glob() -> None:
    """`--scenario` takes any of the three, and knows the nearest id of one that does not exist."""
    assert [one.id for one in files.select(SCENARIOS, "429/slow")] == ["429/slow"]
    assert {one.id.partition("/")[0] for one in files.select(SCENARIOS, "503")} == {"503"}
    assert len(files.select(SCENARIOS, "*/expired*")) == 3
    with pytest.raises(InputError, match=re.escape("no scenario 429/slwo; did you mean 429/slow?")):
        files.select(SCENARIOS, "429/slwo")


@pytest.mark.parametrize("name", FILES)
def test_the_schema_accepts_every_file(name: str) -> None:
    """The schema accepts every file that the reader reads, and the file's first line leads an editor to it."""
    Draft202012Validator.check_schema(SCHEMA)
    file = FOLDER / name
    first = file.read_text(encoding="utf-8").partition("\n")[0]
    found = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first)
    errors = Draft202012Validator(SCHEMA).iter_errors(strict_yaml.read(file).data)

    assert [f"{error.json_path}: {error.message}" for error in errors] == []
    assert found is not None
    assert (FOLDER / Path(found[1])).resolve() == (casefiles.specs() / files.SCHEMA).resolve()


@pytest.mark.parametrize(
    ("definition", "keys"),
    [
        ("file", grammar.FILE_KEYS),
        ("scenario", grammar.SCENARIO_KEYS),
        ("reply", grammar.REPLY_KEYS),
        ("expectation", grammar.EXPECTATION_KEYS),
        ("every_scenario", grammar.EVERY_KEYS),
        ("holding", grammar.HOLDING_KEYS),
        *((f"check_{name}", (name, *check.further)) for name, check in CHECKS.items()),
    ],
)
def test_the_schema_has_the_keys_the_reader_has(definition: str, keys: tuple[str, ...]) -> None:
    """Each kind of object is closed and has the reader's keys, every one of them described."""
    described = SCHEMA["$defs"][definition]

    assert sorted(described["properties"]) == sorted(keys)
    assert all(member["description"].endswith(".") for member in described["properties"].values())
    assert described["additionalProperties"] is False


def test_the_schema_knows_the_checks_and_what_they_take() -> None:
    """Every check is offered, with the choices that the reader knows."""
    offered = {one["$ref"].removeprefix("#/$defs/check_") for one in SCHEMA["$defs"]["check"]["anyOf"]}
    choices = {
        name: tuple(SCHEMA["$defs"][f"check_{name}"]["properties"][name].get("enum", SCHEMA["$defs"]["route"]["enum"]))
        for name, check in CHECKS.items()
        if check.takes.choices
    }

    assert offered == set(CHECKS)
    assert choices == {
        name: tuple(map(str, check.takes.choices)) for name, check in CHECKS.items() if check.takes.choices
    }


def test_every_reference_inside_the_schema_leads_somewhere() -> None:
    """A definition nothing refers to, or a reference to no definition, does not exist."""
    assert set(re.findall(r'"#/\$defs/([a-z_]+)"', json.dumps(SCHEMA))) == set(SCHEMA["$defs"])
