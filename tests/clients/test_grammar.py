"""Reading scenario files: what a file means, and every mistake an author can make, told with its place."""

from __future__ import annotations

import json
import re
import textwrap
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from luma_conformance.catalogue import files as casefiles
from luma_conformance.catalogue import strict_yaml
from luma_conformance.clients import files
from luma_conformance.clients.checks import CHECKS
from luma_conformance.clients.grammar import (
    EVERY_KEYS,
    EXPECTATION_KEYS,
    FILE_KEYS,
    REPLY_KEYS,
    SCENARIO_KEYS,
    Everywhere,
    read_everywhere,
    read_scenarios,
)
from luma_conformance.clients.scenario import End, Route, Scenario, Task
from luma_conformance.errors import CatalogueError, InputError
from luma_conformance.model import Severity, header

VALIDATOR = Draft202012Validator(json.loads((casefiles.specs() / files.SCHEMA).read_text(encoding="utf-8")))

WHOLE = """\
section: 429 — Too Many Requests
task: create
expect:
  - must: {wait: create, for: retry-after}
    because: A request that comes too early is refused again.
scenarios:
  - id: twice
    title: the client waits twice
    create:
      - {answer: create/429-rpm/window-full, headers: {Retry-After: "2", X-RateLimit-Limit: null}, times: 2}
    expect:
      - should: {requests: create, least: 3}
        because: It may try again.
        section: Quick reference
  - id: everything
    title: the server does all that it can do
    section: Elsewhere
    task: generate
    silent: The page leaves this open.
    create:
      - {status: 504, text: "<html>", creates: true}
      - {end: dropped, delay: 0.5}
    poll:
      - state: queued
      - {state: completed, set: {"output[0].layer": null}, expired: true, end: cut}
      - {answer: async/failure-codes/rate-limited, forever: true}
    download:
      - {spread: 2}
    expect:
      - must: {pace: poll, least: 0.5}
        because: a
      - must: {same_again: create, after: poll}
        because: b
      - must: {ends: success}
        because: c
      - must: {never_again: create, alike: prompt}
        because: e
      - must: {generations: 1}
        because: d
    patience: 4
"""
HOLDS = """\
section: Handling async failures in code
holds:
  - must: {key: api-only}
    section: 401 — Unauthorized
    because: Whoever has the key can spend the balance.
    also_where_silent: true
  - should: {shows: what-went-wrong}
    because: The detail says what to do.
"""


def read(text: str, everywhere: Everywhere | None = None) -> tuple[Scenario, ...]:
    """Return the scenarios of a YAML text; raise CatalogueError."""
    source = strict_yaml.parse(text, "f.yaml")
    return read_scenarios(source, "f", casefiles.own(), everywhere or Everywhere())


def refusal(text: str) -> str:
    """Return the reader's messages about a text, of whichever kind of file; empty if it accepts the text."""
    try:
        if "holds:" in text:
            read_everywhere(strict_yaml.parse(text, "f.yaml"))
        else:
            read(text)
    except CatalogueError as error:
        return str(error)
    return ""


def schema_accepts(text: str) -> bool:
    """Return whether the schema accepts a YAML text."""
    return bool(VALIDATOR.is_valid(strict_yaml.parse(text, "f.yaml").data))


def broken(text: str, old: str, new: str) -> str:
    """Return a text with the single occurrence of `old` replaced by `new`."""
    assert text.count(old) == 1, old
    return text.replace(old, new)


@pytest.mark.parametrize("text", [WHOLE, HOLDS], ids=["scenarios", "every-scenario"])
def test_both_accept_a_file_that_uses_the_whole_grammar(text: str) -> None:
    """What the broken files below are broken from is whole."""
    assert refusal(text) == ""
    assert schema_accepts(text)


def test_a_scenario_is_what_its_file_says() -> None:
    """Ids, places, headings, tasks and texts come from the file, and from the scenario where it has its own."""
    twice, everything = read(WHOLE)

    assert (twice.id, twice.task, twice.section) == ("f/twice", Task.CREATE, "429 — Too Many Requests")
    assert (everything.id, everything.task, everything.section) == ("f/everything", Task.GENERATE, "Elsewhere")
    assert str(everything.place) == "f.yaml:15"
    assert (everything.silent, everything.patience) == ("The page leaves this open.", 4)
    assert twice.silent == ""


def test_answers_come_from_the_catalogue() -> None:
    """A case's id stands for the answer that it documents, with headers set, left out, and fitting each other."""
    first, second = read(WHOLE)[0].scripts[Route.CREATE].first

    assert first == second
    assert first.says == "429 Rate limit exceeded, Retry-After: 2"
    assert json.loads(first.response.body) == {"detail": "Rate limit exceeded"}
    assert header(first.response.headers, "Retry-After") == "2"
    assert header(first.response.headers, "X-RateLimit-Limit") is None
    assert header(first.response.headers, "X-RateLimit-Remaining") == "0"
    assert header(first.response.headers, "X-RateLimit-Reset") == "{now+3}"


def test_afterwards_all_is_well() -> None:
    """What follows the replies of a script is what the task needs."""
    scripts = read(WHOLE)[0].scripts

    assert scripts[Route.CREATE].then.response.status == 201
    assert scripts[Route.CREATE].then.creates
    assert json.loads(scripts[Route.POLL].then.response.body)["state"] == "completed"
    assert scripts[Route.DOWNLOAD].then.response.body.startswith(b"\x89PNG")
    assert not any(script.then.is_fault for script in scripts.values())


def test_replies_are_changed_delayed_cut_and_repeated() -> None:
    """Each key of a reply has its effect."""
    scripts = read(WHOLE)[1].scripts
    gateway, dropped = scripts[Route.CREATE].first
    queued, completed = scripts[Route.POLL].first
    (spread,) = scripts[Route.DOWNLOAD].first

    assert (gateway.response.status, gateway.response.body, gateway.creates) == (504, b"<html>", True)
    assert (dropped.end, dropped.delay, dropped.creates) == (End.DROPPED, 0.5, True)
    assert not queued.is_fault
    assert json.loads(completed.response.body)["output"][0]["layer"] is None
    assert (completed.is_expired, completed.end, completed.is_fault) == (True, End.CUT, True)
    assert scripts[Route.POLL].then.says == "200 failed rate_limited"
    assert (spread.spread, spread.is_fault) == (2, True)


def test_expectations_are_those_of_the_scenario_the_file_and_everywhere() -> None:
    """What a file expects holds in all its scenarios, and what holds everywhere less where the page is silent."""
    twice, everything = read(WHOLE, read_everywhere(strict_yaml.parse(HOLDS, "every.yaml")))

    assert [one.check for one in twice.expectations] == ["wait", "requests", "key", "shows"]
    assert [one.check for one in everything.expectations] == [
        "wait",
        "pace",
        "same_again",
        "ends",
        "never_again",
        "generations",
        "key",
    ]
    wait, requests, key, _ = twice.expectations
    assert (wait.severity, wait.section, wait.arguments) == (
        Severity.MUST,
        "429 — Too Many Requests",
        {"wait": "create", "for": "retry-after"},
    )
    assert (requests.severity, requests.section) == (Severity.SHOULD, "Quick reference")
    assert (str(key.place), key.section) == ("every.yaml:3", "401 — Unauthorized")


@pytest.mark.parametrize(
    ("task", "script", "seconds"),
    [
        ("create", "create: []", 0),
        ("create", 'create: [{answer: create/429-rpm/window-full, headers: {Retry-After: "7"}, times: 2}]', 14),
        ("create", "create: [{answer: create/402-payment-required/image, forever: true}]", 0),
        ("create", "create: [{answer: create/502-bad-gateway/source}]", 5),
        ("create", "create: [{answer: create/502-bad-gateway/source, forever: true}]", 25),
        ("create", "create: [{end: dropped, delay: 1}]", 6),
        ("generate", "poll: [{state: queued}]", 6),
        ("download", "download: [{spread: 2.5}]", 2.5),
    ],
)
def test_patience_is_reckoned(task: str, script: str, seconds: float) -> None:
    """A scenario knows about how long a conforming client waits, from what the server does."""
    text = f"section: s\ntask: {task}\nscenarios:\n  - {{id: a, title: t, {script}}}\n"

    assert read(text)[0].patience == seconds


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("section: 429 — Too Many Requests\n", "", id="no section"),
        pytest.param("section: 429 — Too Many Requests\ntask", "section: s\ntasks", id="misspelt key of a file"),
        pytest.param("task: create\nexpect", "task: creates\nexpect", id="unknown task"),
        pytest.param("task: create\nexpect", "expect", id="no task at all"),
        pytest.param("    title: the client waits twice\n", "", id="no title"),
        pytest.param("  - id: twice\n    title", "  - title", id="no id"),
        pytest.param("id: twice", "id: Twice", id="id that is no slug"),
        pytest.param("id: twice", "id: 429", id="id that is a number"),
        pytest.param("    silent:", "    silence:", id="misspelt key of a scenario"),
        pytest.param("silent: The page leaves this open.", 'silent: ""', id="empty silence"),
        pytest.param("patience: 4", "patience: -4", id="negative patience"),
        pytest.param("      - {spread: 2}", "      {spread: 2}", id="replies that are no list"),
        pytest.param("{spread: 2}", "{spreads: 2}", id="misspelt key of a reply"),
        pytest.param("{spread: 2}", "{}", id="empty reply"),
        pytest.param("{spread: 2}", "{spread: soon}", id="time that is no number"),
        pytest.param("{spread: 2}", "{spread: 9999}", id="time too long"),
        pytest.param("{spread: 2}", "{text: a}", id="text without a status"),
        pytest.param("{end: dropped, ", "{end: dropping, ", id="unknown end"),
        pytest.param("- state: queued", "- state: running", id="unknown state"),
        pytest.param("- state: queued", "- {state: queued, status: 200}", id="state and status"),
        pytest.param("{status: 504,", "{status: 99,", id="status out of range"),
        pytest.param('status: 504, text: "<html>"', "status: 504, text: [a]", id="text that is no text"),
        pytest.param("creates: true", "creates: once", id="creates that is no boolean"),
        pytest.param("times: 2", "times: 0", id="no times"),
        pytest.param('Retry-After: "2"', "Retry-After: 2", id="header that is a number"),
        pytest.param("create/429-rpm/window-full", "429", id="answer that is no id"),
        pytest.param("  - must: {wait: create, for: retry-after}\n    because", "  - because", id="nothing expected"),
        pytest.param("{wait: create, for: retry-after}", "{wait: create}", id="wait for nothing"),
        pytest.param("{wait: create, for: retry-after}", "{wait: create, for: retry-after, least: 2}", id="two waits"),
        pytest.param("{wait: create, for: retry-after}", "{waits: create}", id="unknown check"),
        pytest.param("{wait: create, for: retry-after}", "create", id="check that is no mapping"),
        pytest.param("{wait: create, for: retry-after}", "{}", id="empty check"),
        pytest.param("{wait: create, for: retry-after}", "{wait: created, least: 2}", id="unknown route"),
        pytest.param("{requests: create, least: 3}", "{requests: create, fewest: 3}", id="unknown argument"),
        pytest.param("{requests: create, least: 3}", "{requests: create, least: 0.5}", id="fraction of a request"),
        pytest.param("{pace: poll, least: 0.5}", "{pace: poll}", id="pace of nothing"),
        pytest.param("{ends: success}", "{ends: well}", id="unknown end of a client"),
        pytest.param("        because: c\n", "", id="no because"),
        pytest.param("      - should: {requests", "      - must: {key: api-only}\n        should: {requests", id="two"),
    ],
)
def test_both_refuse_a_file_with_one_mistake(old: str, new: str) -> None:
    """A mistake an author makes is underlined while typing, and refused by the reader."""
    text = broken(WHOLE, old, new)

    assert refusal(text).startswith("f.yaml:")
    assert not schema_accepts(text)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("holds:\n", "task: create\nholds:\n", id="holds with a task"),
        pytest.param("    because: The detail says what to do.\n", "", id="no because"),
        pytest.param("also_where_silent: true", "also_where_silent: sometimes", id="flag that is none"),
        pytest.param("also_where_silent", "even_where_silent", id="misspelt key"),
        pytest.param("{key: api-only}", "{key: api}", id="unknown choice"),
    ],
)
def test_both_refuse_what_cannot_hold_everywhere(old: str, new: str) -> None:
    """The file of what holds in every scenario is read as strictly."""
    text = broken(HOLDS, old, new)

    assert refusal(text).startswith("f.yaml:")
    assert not schema_accepts(text)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        pytest.param(
            "create/429-rpm/window-full",
            "create/429-rpm/window-fall",
            'f.yaml:10:10: unknown case "create/429-rpm/window-fall"; did you mean create/429-rpm/window-full?',
            id="unknown case",
        ),
        pytest.param(
            "create/429-rpm/window-full",
            "create/201-created/control",
            "has no one error or failure to answer with",
            id="case without an error",
        ),
        pytest.param(
            "create/429-rpm/window-full",
            "get/404-does-not-exist/nil-uuid",
            "is an answer to GET; under create stand answers to POST requests",
            id="case of another operation",
        ),
        pytest.param(
            "{spread: 2}",
            "{answer: create/403-suspended/image}",
            "to the storage host; say status",
            id="case for storage",
        ),
        pytest.param("id: everything", "id: twice", 'the id "twice" is taken in this file', id="duplicate id"),
        pytest.param('"output[0].layer"', '"output[3].layer"', "does not fit", id="path that does not fit"),
        pytest.param("times: 2}", "forever: true}\n      - {end: cut}", "stands last", id="forever first"),
        pytest.param("times: 2}", "times: 2, forever: true}", "times and forever exclude each other", id="two"),
        pytest.param(
            "- state: queued", "- {state: queued, expired: true}", "only a poll that is", id="no URL to expire"
        ),
        pytest.param("task: generate", "task: download", "leave out create", id="download that creates"),
        pytest.param("task: generate", "task: create", "leave out poll and download", id="create that polls"),
        pytest.param(
            'text: "<html>"', "set: {a: b}", "set changes JSON, which this answer is not", id="set in no JSON"
        ),
    ],
)
def test_the_reader_refuses_what_a_schema_cannot(old: str, new: str, says: str) -> None:
    """Rules that look from one place of the file to another, or into the catalogue, are the reader's alone."""
    text = broken(WHOLE, old, new)

    assert says in refusal(text)
    assert schema_accepts(text)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        pytest.param("{waits: create}", "", 'f.yaml:4:12: unknown check "waits"; did you mean wait?', id="check"),
        pytest.param("{ends: well}", "", 'unknown ends "well"; there are ', id="end"),
        pytest.param("{wait: poll}", "", "wait takes for or least, one of the two", id="wait"),
        pytest.param("{wait: pool, least: 2}", "", 'unknown wait "pool"; did you mean poll?', id="route"),
        pytest.param("{}", "", "must needs a check: one of requests, generations, wait", id="nothing"),
    ],
)
def test_messages_about_checks_help(old: str, new: str, says: str) -> None:
    """What is unknown is named, with the nearest name that is known."""
    del new
    assert says in refusal(broken(WHOLE, "{wait: create, for: retry-after}", old))


def test_all_problems_are_told_at_once() -> None:
    """An author need not read a file again for each mistake."""
    text = broken(broken(WHOLE, "id: twice", "id: Twice"), "{spread: 2}", "{spread: soon}")

    assert [line.partition(" ")[0] for line in refusal(text).splitlines()] == ["f.yaml:7:5:", "f.yaml:28:10:"]


def test_files_of_ones_own_are_read_with_what_holds_everywhere(tmp_path: Path) -> None:
    """A folder's scenario files are found by their first line, and go by the name of their file."""
    first = f"# yaml-language-server: $schema={files.SCHEMA}\n"
    own = "section: s\ntask: create\nscenarios:\n  - {id: a, title: t}\n"
    (tmp_path / "ours.yaml").write_text(first + own)
    (tmp_path / "other.yaml").write_text("section: nothing of ours\n")

    (scenario,) = files.load([tmp_path], below=tmp_path)

    assert (scenario.id, str(scenario.place)) == ("ours/a", "ours.yaml:5")
    assert {one.check for one in scenario.expectations} == {"key", "ends", "shows"}


def test_two_files_cannot_have_the_same_scenarios(tmp_path: Path) -> None:
    """An id names one scenario, whatever folder its file is in."""
    text = textwrap.dedent(
        f"""\
        # yaml-language-server: $schema={files.SCHEMA}
        section: s
        task: create
        scenarios:
          - {{id: a, title: t}}
        """
    )
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "ours.yaml").write_text(text)

    with pytest.raises(CatalogueError, match=r"ours/a is in one/ours\.yaml:5 too; rename a file"):
        files.load([tmp_path], below=tmp_path)
    with pytest.raises(InputError, match="there is no such file or folder"):
        files.load([tmp_path / "three"])


READMES = [casefiles.specs() / "README.md", casefiles.specs() / "clients" / "README.md"]
EXAMPLES = [
    block
    for page in READMES
    for block in re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    if "\nscenarios:" in block
]


@pytest.mark.parametrize("example", EXAMPLES, ids=["specs", "clients"])
def test_the_examples_in_the_documentation_are_read(example: str) -> None:
    """What an author copies is right."""
    assert refusal(example) == ""
    assert schema_accepts(example)


def test_the_documentation_names_every_key_and_every_check() -> None:
    """The grammar has nothing that its page does not tell, and the checks shown there are read."""
    text = READMES[1].read_text(encoding="utf-8")
    keys = {*FILE_KEYS, *SCENARIO_KEYS, *REPLY_KEYS, *EXPECTATION_KEYS, *EVERY_KEYS} - {"also_where_silent"}
    checks = re.findall(r"^\| `(\{.*?\})` \|", text, re.MULTILINE)
    shown = "".join(f"  - must: {one}\n    because: a\n" for one in checks)

    assert {key for key in keys if f"`{key}`" not in text} == set()
    assert {name for name in CHECKS if f"`{{{name}: " not in text} == set()
    assert refusal(f"section: s\ntask: generate\nexpect:\n{shown}scenarios:\n  - {{id: a, title: t}}\n") == ""
