"""The commands about cases: list, show and check, of the kit's own files and of anybody's."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from luma_conformance.catalogue import files as casefiles
from luma_conformance.cli.main import main
from luma_conformance.cli.show import Showing
from luma_conformance.clients import files as scenariofiles
from luma_conformance.errors import CatalogueError, Problem
from tests.cli.commands import GOOD, NEGATIVE, SCHEMA, Output, bash, complaint, printed

SEVERAL = "urls/presigned-url-expiry/expires"
LONG = "create/400-prompt-too-long/one-over"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_list_has_every_case_once_and_aligned(capsys: Output) -> None:
    """Titles begin in one column; the count goes where it is in no pipe's way."""
    assert main(["list"]) == 0
    output = capsys.readouterr()
    lines = output.out.splitlines()
    assert [line.split()[1] for line in lines] == [case.id for case in casefiles.own()]
    width = max(len(case.id) for case in casefiles.own())
    assert {line[5 + width : 7 + width] for line in lines} == {"  "}
    assert re.fullmatch(r"\d+ cases; a conforming target accepts at most \d+ generations\n", output.err)


@pytest.mark.parametrize(
    "patterns", [["create/400-keyframes"], ["create/400-keyframes/"], ["create/400-key*"], ["create/400-keyframes"] * 2]
)
def test_list_takes_prefixes_and_globs(capsys: Output, patterns: list[str]) -> None:
    """However a section is named, it is the same cases, each once."""
    found = printed(capsys, "list", *patterns)
    section = casefiles.own().sections["create/400-keyframes"]
    assert [line.split()[1] for line in found.splitlines()] == [case.id for case in section.cases]


def test_list_narrows_by_status_and_role(capsys: Output) -> None:
    """Every case listed has both."""
    found = printed(capsys, "list", "create", "--status", "429", "--needs", "low-rpm-key")
    assert "429  create/429-rpm/" in found
    assert {line[:3] for line in found.splitlines()} == {"429"}
    assert main(["list", NEGATIVE]) == 0
    assert capsys.readouterr().err == "1 case; a conforming target accepts at most 0 generations\n"


def test_list_without_a_match_is_a_usage_error(capsys: Output) -> None:
    """Filters that match nothing are reported."""
    assert "no case matches all of that" in complaint(capsys, "list", NEGATIVE, "--status", "500")


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("keyframes", "no case matches 'keyframes'; near it: create/400-keyframes, "),
        ("negative-index", f"near it: {NEGATIVE}\n"),
        ("create/400-keyfames/negative-idex", f"near it: {NEGATIVE}"),
        ("zzz", "no case matches 'zzz'; `luma-conformance list` lists every case"),
        ("", ": the value is empty; is the variable that should hold it set?"),
        ("\udcff\n", r"no case matches '\udcff\n'; "),
    ],
)
@pytest.mark.parametrize("command", ["list", "show"])
def test_an_unknown_pattern_names_what_is_near(capsys: Output, command: str, pattern: str, why: str) -> None:
    """Part of an id leads to it, and so does a misspelt one."""
    assert why in complaint(capsys, command, pattern)


def test_show_says_what_is_sent_and_what_must_come_back(capsys: Output) -> None:
    """The head, the request with its body, and the expectation stand in this order."""
    found = printed(capsys, "show", NEGATIVE)
    parts = (
        NEGATIVE, "specs/create/400-keyframes.yaml:", "400 — Invalid video.edit.keyframes", "completed-video",
        "POST /v1/generations\n", "Authorization: Bearer luma-api-test-main\n", '"keyframe_indexes": [',
        "expected    400  video.edit.keyframe_indexes must be non-negative",
    )  # fmt: skip
    assert sorted(parts, key=found.index) == list(parts)


def test_show_cuts_long_texts_and_nothing_else(capsys: Output) -> None:
    """Base64 is shortened where it stands, so the body stays JSON, and short lines stay short."""
    found = printed(capsys, "show", NEGATIVE)
    body = json.loads(found[found.index("{\n") : found.rindex("}\n") + 1])
    assert re.fullmatch(r"\S{60}… \d+ more characters", body["video"]["edit"]["keyframes"][0]["data"])
    assert body["video"]["edit"]["keyframe_indexes"][0] == -1
    assert max(map(len, found.splitlines())) <= 120
    assert "… 5,941 more characters" in printed(capsys, "show", LONG)


def test_show_describes_each_step(capsys: Output) -> None:
    """Waiting, repeating and saving are shown, and the expectation as the case file has it."""
    found = printed(capsys, "show", SEVERAL)
    assert [line for line in found.splitlines() if line.startswith("step")] == [f"step {n} of 6" for n in range(1, 7)]
    for part in (
        "wait        3610 s before it is sent",
        "repeated    every 2 s until completed, at most 150 times",
        "saved       id of the answer, which later steps send as {generation}",
        'body        {"state": "completed", "output": {"$each": {"type": "image", "url": {"$differs": "first-url"}}}}',
    ):
        assert part in found
    fourth = printed(capsys, "show", SEVERAL, "--step", "4")
    assert "step 4 of 6" in fourth
    assert "step 3" not in fourth


def test_show_mentions_an_erratum(capsys: Output) -> None:
    """Where the page contradicts itself, the head says so."""
    case = next(case for case in casefiles.own() if case.erratum)
    assert f"erratum     {case.erratum}" in printed(capsys, "show", case.id)


def test_every_case_can_be_shown() -> None:
    """Every matcher of the catalogue has a notation, and every request a form."""
    for case in casefiles.own():
        if "large-uploads" not in case.needs:
            showing = Showing.of(case, None, None)
            assert all([*showing.step(n)] and [*showing.curl(n)] for n in range(1, len(case.steps) + 1))


@pytest.mark.parametrize(
    ("matcher", "notation"),
    [
        ("{$is: uuid}", '{"$is": "uuid"}'),
        ('{$like: "a {b}"}', '{"$like": "a {b}"}'),
        ('{$pattern: "a+"}', '{"$pattern": "a+"}'),
        ("{$one_of: [1, {$at_least: 3}]}", '{"$one_of": [1, {"$at_least": 3}]}'),
        ("{$echo: X-Request-Id}", '{"$echo": "X-Request-Id"}'),
    ],
)
def test_headers_are_shown_in_the_notation_of_case_files(folder: Path, matcher: str, notation: str) -> None:
    """A header is shown as its case file has it."""
    file = folder / "a.yaml"
    wanted = f"{{id: a, title: t, set: {{prompt: q}}, headers: {{X-A: {matcher}}}, absent_headers: [X-B]}}"
    file.write_text(f"{GOOD}status: 400\ncases:\n  - {wanted}\n")
    (_, case) = casefiles.load([file])
    lines = list(Showing.of(case, None, None).step(1))
    assert lines[-2:] == [f"  header      X-A: {notation}", "  no header   X-B"]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["create/400-keyframes"], "show takes one; `luma-conformance list create/400-keyframes` lists them"),
        (["create/*"], "`luma-conformance list 'create/*'` lists them"),
        ([NEGATIVE, "--step", "2"], f"{NEGATIVE} has 1 step; there is no step 2"),
        ([SEVERAL, "--step", "7"], f"{SEVERAL} has 6 steps; there is no step 7"),
        ([SEVERAL, "--step", "2", "--body"], f"{SEVERAL} sends no body there"),
        (["get/404-does-not-exist/nil-uuid", "--body"], "nil-uuid sends no body\n"),
        ([NEGATIVE, "--profile", "missing.toml"], "missing.toml: cannot be read"),
    ],
)
def test_show_refuses_what_does_not_exist(capsys: Output, arguments: list[str], why: str) -> None:
    """More than one case, no such step, no body and no profile are each reported."""
    assert why in complaint(capsys, "show", *arguments)


def test_show_body_writes_no_key(tmp_path: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is piped cannot be hidden, so a key in a case of the user's is refused; what looks like one is not."""
    monkeypatch.setenv("MINE", "luma-api-0f9e8d7c6b5a4f3e2d1c0b9a")
    mine = tmp_path / "mine.yaml"
    case = "  - {id: a, title: t, request: {auth: none, body: {prompt: '%s'}}, status: 401, detail: d}\n"
    for text, status in (("luma-api-0f9e8d7c6b5a4f3e2d1c0b9a", 4), ("luma-api-another", 0)):
        mine.write_text(f"{SCHEMA}section: s\noperation: POST /v1/generations\ncases:\n{case % text}")
        assert main(["show", f"{mine}#a", "--body"]) == status
        said = capsys.readouterr()
        assert "0f9e8d7c" not in said.out + said.err
        assert ("the body holds the key in MINE" in said.err) is (status == 4)


def test_show_body_prints_exactly_the_bytes_sent(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """It is the bytes that are sent, without a line feed; the only body among several steps needs no --step."""
    assert main(["show", LONG, "--body"]) == 0
    body = capsysbinary.readouterr().out
    assert len(json.loads(body)["prompt"]) == 6001
    assert body.endswith(b"}")
    assert main(["show", SEVERAL, "--body"]) == 0
    assert json.loads(capsysbinary.readouterr().out)["prompt"]


def test_a_case_with_several_bodies_needs_a_step(capsys: Output) -> None:
    """Two bodies in one pipe are neither, so --step is asked for."""
    case = next(case for case in casefiles.own() if sum(step.ask.method == "POST" for step in case.steps) > 1)
    assert "send a body; choose one with --step" in complaint(capsys, "show", case.id, "--body")
    assert json.loads(printed(capsys, "show", case.id, "--body", "--step", "1"))


def test_keys_of_the_environment_are_shown_by_name(
    capsys: Output, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A secret is never shown, set or not; curl sends to the profile's own address unless another is given."""
    headers = '[headers]\nX-Gateway = "Basic $MY_TOKEN"\nX-Env = "staging"\n'
    (folder / "p q.toml").write_text(f'base_url = "https://api.test"\n[keys]\nmain-key = {{env = "MY_KEY"}}\n{headers}')
    for value in ("canary-1234", ""):
        monkeypatch.setenv("MY_KEY", value)
        monkeypatch.setenv("MY_TOKEN", value)
        plain = printed(capsys, "show", NEGATIVE, "--profile", "p q.toml")
        curl = printed(capsys, "show", NEGATIVE, "--profile", "p q.toml", "--curl")
        assert "canary" not in plain + curl
        assert "Authorization: Bearer $MY_KEY\n" in plain
        assert "lacks       the profile names no completed-video" in plain
        assert '"{completed-video}"' in plain
        assert "https://api.test/v1/generations" in curl
        assert '-H "Authorization: Bearer $MY_KEY"' in curl
        assert '-H "X-Gateway: Basic $MY_TOKEN" -H "X-Env: staging"' in curl
    told = printed(capsys, "show", NEGATIVE, "--profile", "p q.toml", "--curl", "--base-url", "http://here:1")
    assert "http://here:1/v1/generations" in told
    long = printed(capsys, "show", LONG, "--profile", "p q.toml", "--curl")
    assert f"luma-conformance show {LONG} --profile 'p q.toml' --step 1 --body | curl " in long


def test_a_role_without_a_key_stays_a_placeholder(capsys: Output, folder: Path) -> None:
    """What the profile does not offer is shown by its role."""
    (folder / "p.toml").write_text("")
    assert "Authorization: Bearer {main-key}" in printed(capsys, "show", NEGATIVE, "--profile", "p.toml")


@pytest.mark.parametrize(
    ("case", "status", "piped"),
    [
        ("create/400-unknown-model/page-example", 400, False),
        ("create/400-unknown-model/control", 201, False),
        (NEGATIVE, 400, True),
        (LONG, 400, True),
    ],
)
def test_the_curl_form_is_a_script(capsys: Output, url: str, case: str, status: int, *, piped: bool) -> None:
    """All that is printed runs as it is, also where the body is piped in, and is answered as expected."""
    script = printed(capsys, "show", case, "--curl", "--base-url", url)
    done = bash(script)
    assert done.stderr == ""
    assert done.stdout.startswith(f"HTTP/1.1 {status}")
    assert ("--body | curl" in script) == piped


def test_each_curl_of_several_steps_says_when_to_run_it(capsys: Output) -> None:
    """A person who runs the steps one by one reads what to wait for, and every other line is a comment."""
    lines = printed(capsys, "show", SEVERAL, "--curl").splitlines()
    assert sum(line.startswith("curl ") for line in lines) == 6
    assert all(line.startswith(("# ", "curl ")) for line in lines if line)
    assert "# wait        3610 s before it is sent" in lines


def test_the_kits_own_catalogue_has_no_problems(capsys: Output) -> None:
    """Without a path the kit checks itself."""
    catalogue = casefiles.own()
    said = f"{len(catalogue)} cases in {len(catalogue.sections)} files, no problems\n"
    assert printed(capsys, "check") == f"{said}{len(scenariofiles.own())} scenarios in 12 files, no problems\n"


def test_scenario_files_are_checked_too(capsys: Output, folder: Path) -> None:
    """A file is read as what its first line says it is, alone, beside others, and in a folder."""
    first = "# yaml-language-server: $schema=../client-scenario.schema.json\n"
    (folder / "good.yaml").write_text(GOOD)
    (folder / "played.yaml").write_text(f"{first}section: s\ntask: create\nscenarios: [{{id: a, title: t}}]\n")
    assert printed(capsys, "check", "played.yaml", ".") == (
        "1 case in 1 file, no problems\n1 scenario in 1 file, no problems\n"
    )
    (folder / "played.yaml").write_text(f"{first}section: s\ntask: creates\nscenarios: [{{id: a, title: t}}]\n")
    assert main(["check", "."]) == 1
    assert 'played.yaml:3:1: unknown task "creates"; did you mean create?' in capsys.readouterr().out


def test_every_problem_of_several_files_is_reported(capsys: Output, folder: Path) -> None:
    """Each has its place, on a line of its own; what is in order is not mentioned."""
    (folder / "good.yaml").write_text(GOOD)
    (folder / "bad.yaml").write_text(f"{SCHEMA}section: s\noperation: nothing\n")
    (folder / "broken.yaml").write_text("section: [\n")
    assert printed(capsys, "check", "good.yaml") == "1 case in 1 file, no problems\n"
    assert main(["check", "good.yaml", "bad.yaml", "broken.yaml"]) == 1
    output = capsys.readouterr()
    lines = output.out.splitlines()
    assert all(re.match(r"(bad|broken)\.yaml:\d+:\d+: \S", line) for line in lines)
    assert output.err == f"{len(lines)} problems in 2 files\n"
    assert main(["check", "."]) == 1
    assert "broken" not in capsys.readouterr().out  # it does not call itself a case file, and nobody named it


def test_problems_of_the_kits_own_catalogue_are_reported(capsys: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    """`check` reports problems of the kit's own files like any others, and every other command ends with them."""

    def broken() -> None:
        raise CatalogueError((Problem("specs/a.yaml", 3, 1, "is odd"),))

    monkeypatch.setattr(casefiles, "own", broken)
    assert main(["check"]) == 1
    output = capsys.readouterr()
    assert (output.out, output.err) == ("specs/a.yaml:3:1: is odd\n", "1 problem in 1 file\n")
    assert "specs/a.yaml:3:1: is odd" in complaint(capsys, "list")


def test_a_folder_without_case_files_is_a_usage_error(capsys: Output, folder: Path) -> None:
    """A folder without case files, or none at all, is a wrong argument."""
    (folder / "other.yaml").write_text("a: 1\n")
    assert "no case files in .; the first line of a case file names" in complaint(capsys, "check", ".")
    assert "nowhere: there is no such file or folder" in complaint(capsys, "check", "nowhere")
