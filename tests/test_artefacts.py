"""Any key, in any spelling, at any place: it is in nothing that a run or a command writes."""

from __future__ import annotations

import json
import shutil
import sys
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from luma_conformance.catalogue import files as casefiles
from luma_conformance.report.jsonl import format_header
from luma_conformance.report.result import Run as Judged
from tests import kit
from tests.cli.commands import ran
from tests.kit import UNKNOWN_MODELS, Output, same_examples
from tests.planting import NAME, PLACES, Plant, answering, read_all
from tests.redaction.test_covered import BODY

PROPERTY = """
    import logging
    import warnings

    TEXTS = {texts!r}

    def test_said(luma_target):
        print(TEXTS[0])
        logging.getLogger("mine").warning(TEXTS[1])
        warnings.warn(TEXTS[2])
        luma_target.fail(TEXTS[3])

    def test_crashed(luma_target, record_property):
        record_property("key", TEXTS[4])
        raise RuntimeError(TEXTS[5]) from KeyError(TEXTS[6])
"""
KEYS = BODY.filter(lambda body: body[0].isalnum() and len({*body}) > 9).map("luma-api-{}".format)
COUNTS = [1, pytest.param(6, marks=pytest.mark.slow)]
"""How many keys are tried, each at some forty places."""
PLANTS = st.builds(Plant, KEYS, st.integers(0, 2**32))


@pytest.fixture
def begin(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Callable[[Plant], None]:
    """Return a function that empties the current folder, and puts a key into the environment."""
    monkeypatch.delenv("HYPOTHESIS_STORAGE_DIRECTORY", raising=False)

    def begin(plant: Plant) -> None:
        for path in Path().iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        monkeypatch.setenv(NAME, plant.key)

    return begin


def write_project(plant: Plant) -> frozenset[str]:
    """Write the files of a user's project, with the key in all that is text in them; return their names."""
    cases = [
        f"  - id: case-{place}\n    title: {json.dumps(plant.line()[:69])}\n"
        f"    request: {{body: {{prompt: place-{place}, model: {json.dumps(plant.line())}}}}}\n"
        f"    detail: {json.dumps(plant.line())}\n"
        for place in PLACES
    ]
    Path("things.yaml").write_text(UNKNOWN_MODELS + "".join(cases))
    Path("test_mine.py").write_text(_dedent(PROPERTY.format(texts=[plant.text() for _ in range(7)])))
    Path("p.toml").write_text(
        f'# {plant.line()}\n[keys]\nmain-key = {{env = "{NAME}"}}\n[values]\nour-text = {json.dumps(plant.line())}\n'
        f"[roles]\nour-text = {json.dumps(plant.line())}\nour-other = {json.dumps(plant.line())}\n"
    )
    Path("d.toml").write_text(
        f'# {plant.line()}\n[[deviation]]\ncases = "things.yaml#case-detail"\nfacet = "detail"\n'
        f"answer = {json.dumps(plant.line())}\nreason = {json.dumps(plant.line())}\n"
        f"owner = {json.dumps(plant.line())}\n"
    )
    return frozenset(("things.yaml", "test_mine.py", "p.toml", "d.toml"))


def _dedent(text: str) -> str:
    return "\n".join(line[4:] for line in text.splitlines())


def say_all(capsys: Output, *commands: list[str]) -> dict[str, bytes]:
    """Return what commands print, by command and stream, and check that each ends with a documented status."""
    said = {}
    for command in commands:
        assert ran(command) in (0, 1, 4, 6), command
        printed = capsys.readouterr()
        said[f"{' '.join(command)} stdout"] = printed.out.encode("utf-8", "replace")
        said[f"{' '.join(command)} stderr"] = printed.err.encode("utf-8", "replace")
    return said


def check_run(plant: Plant, pytester: pytest.Pytester, capsys: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    """Check all that a run leaves in which server and project repeat the key, and all that is made of that."""
    planted = write_project(plant)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(Path("job.md").absolute()))
    with answering(plant) as url:
        ended = kit.run_inside(
            pytester, "--base-url", url, "--luma-profile=p.toml", "--luma-deviations=d.toml", "--junitxml=junit.xml",
            "--log-file=log.txt", "--luma-report=report", "--luma-record=run.har", "-rA", "--showlocals", "--tb=long",
            "--luma-fuzz=1", f"--luma-label={b64encode(plant.key.encode()).decode()[:60]}",
        )  # fmt: skip
        said = {"stdout": ended.stdout.str().encode(), "stderr": ended.stderr.str().encode()}
        made = say_all(
            capsys,
            ["report", "report", "--format", "deviations", "--output", "draft.toml"],
            ["report", "report", "report", "--format", "html,md", "--output", "both"],
            ["compare", "report", "report"],
            ["compare", "run.har", url, "--profile", "p.toml", "--format", "md"],
            ["audit", "run.har", "--client", "--requests"],
        )
    assert ended.ret == 1, ended.stdout.str() + ended.stderr.str()
    assert NAME.encode() in said["stdout"]
    written = read_all(Path(), planted)
    assert {"results.jsonl", "report.html", "junit.xml", "log.txt", "run.har", "job.md", "draft.toml"} <= {*written}
    assert plant.find_leaks(said | made | written) == {}


ANSWERS: tuple[tuple[str, str, str, int | None, bool], ...] = (
    ("2026-01-01T00:00:00Z", "POST", "", 400, True),
    ("2026-01-01T00:00:01Z", "POST", "", 418, True),
    ("2026-01-01T00:00:02Z", "GET", "/{key}", 404, False),
    ("2026-01-01T00:00:02Z", "GET", "/{rest}?a={key}", 200, True),
    ("{text}", "{text}", "", 400, True),
    ("2026-01-01T00:00:03Z", "POST", "", None, True),
)
"""Of each exchange of a foreign recording its time, method, path, status (None: the key), and whether it is JSON."""
FOREIGN = (
    ["audit", "a.har", "b.har", "c.yaml", "--client", "--requests", "--complete"],
    ["audit", "c.yaml"],
    ["compare", "a.har", "b.har"],
    ["compare", "a.har", "c.yaml", "--format", "html"],
    ["report", "r.jsonl", "--output", "out"],
    ["report", "s.jsonl", "--output", "out"],
    ["compare", "r.jsonl", "s.jsonl"],
)
"""What is asked about the files of other makers."""


def make_entries(plant: Plant) -> list[dict[str, Any]]:
    """Return the entries of a HAR file, with the key in all that is text in them."""
    body, asked = make_bodies(plant)
    headers = [{"name": "X-Request-Id", "value": plant.line()}, {"name": plant.key, "value": plant.line()}]
    filled = [
        [
            one.format(key=plant.key, rest=plant.key[9:], text=plant.text()) if isinstance(one, str) else one
            for one in row
        ]
        for row in ANSWERS
    ]
    return [
        {
            "startedDateTime": moment, "time": 1, "comment": plant.text(),
            "request": {"method": method, "url": f"https://agents.lumalabs.ai/v1/generations{path}",
                        "headers": [{"name": "Authorization", "value": f"Bearer {plant.key}"}, *headers],
                        "postData": {"text": asked if method != "GET" else "", "mimeType": "application/json"}},
            "response": {"status": status or plant.text(), "statusText": plant.line(), "headers": headers,
                         "content": {"text": body if is_json else plant.text(), "mimeType": "application/json"}},
        }
        for moment, method, path, status, is_json in filled
    ]  # fmt: skip


def make_bodies(plant: Plant) -> tuple[str, str]:
    """Return a body of an answer, and one of a request."""
    answered = {"detail": plant.text(), plant.text(): plant.text()}
    return json.dumps(answered), json.dumps({"prompt": plant.text(), "model": plant.text(), plant.text(): 1})


def make_cassette(plant: Plant) -> dict[str, object]:
    """Return a cassette, one interaction of which is none."""
    body, asked = make_bodies(plant)
    one = {
        "request": {"method": "POST", "uri": "https://agents.lumalabs.ai/v1/generations", "body": asked,
                    "headers": {"X": [plant.line()], plant.text(): [plant.line()]}},
        "response": {"status": {"code": 400, "message": plant.line()}, "headers": {"A": [plant.line()]},
                     "body": {"string": body}},
    }  # fmt: skip
    return {"version": 1, "interactions": [one, {"request": plant.text(), plant.text(): {}}]}


def write_foreign(plant: Plant) -> frozenset[str]:
    """Write recordings and results of other makers, with the key in all that is text in them; return their names."""
    entries = make_entries(plant)
    Path("a.har").write_text(json.dumps({"log": {"version": "1.2", "comment": plant.text(), "entries": entries}}))
    entries[0]["response"] = entries[-1]["response"]
    Path("b.har").write_text(json.dumps({"log": {"version": "1.2", "creator": plant.text(), "entries": entries}}))
    Path("c.yaml").write_text(json.dumps(make_cassette(plant)))
    judged = {name: plant.text() for name in ("case", "title", "section", "detail")}
    Path("r.jsonl").write_text(f"{format_header(Judged())}\n{json.dumps({**judged, 'verdict': 'fail'})}\n")
    Path("s.jsonl").write_text(f"{format_header(Judged())}\n{plant.text()}\n")
    return frozenset(("a.har", "b.har", "c.yaml", "r.jsonl", "s.jsonl"))


def check_foreign(plant: Plant, capsys: Output) -> None:
    """Check what is said of recordings and results of other makers."""
    planted = write_foreign(plant)
    said = say_all(capsys, *FOREIGN)
    assert plant.find_leaks(said | read_all(Path(), planted)) == {}


CLIENT = """
import json, os, sys, urllib.request

TEXTS = {texts!r}

def main(task=os.environ):
    headers = {{"Authorization": f"Bearer {{task['LUMA_AGENTS_API_KEY']}}", "X-A": TEXTS[0], "User-Agent": TEXTS[1]}}
    body = json.dumps({{"prompt": TEXTS[2], TEXTS[3]: 1}}).encode()
    print(TEXTS[4])
    print(TEXTS[5], file=sys.stderr)
    try:
        urllib.request.urlopen(urllib.request.Request(task["LUMA_BASE_URL"] + "/generations", body, headers))
    except OSError:
        pass
    raise RuntimeError(TEXTS[6])

if __name__ == "__main__":
    main()
"""


def check_client(plant: Plant, capsys: Output) -> None:
    """Check what is said and reported of a client that sends, prints and raises the key."""
    texts = [plant.line(), plant.line(), *(plant.text() for _ in range(5))]
    Path("mine.py").write_text(CLIENT.format(texts=texts))
    chosen = ["--scenario", "429/retry-after-*", "--report", "out"]
    said = say_all(
        capsys,
        ["client", "--function", "mine.py:main", *chosen],
        ["client", "--scenario", "429/retry-after-1", "--", sys.executable, "mine.py"],
        ["client", "--function", f"mine.py:{b64encode(plant.key.encode()).decode()}"],
        ["client", "--label", plant.line()[:60], "--", plant.line(), b64encode(plant.key.encode()).decode()],
        ["report", "out", "--format", "deviations"],
    )
    assert plant.find_leaks(said | read_all(Path(), frozenset(("mine.py",)))) == {}


def check_files(plant: Plant, capsys: Output) -> None:
    """Check what commands say of files of the user's, right and wrong, with the key in all that is text in them."""
    planted = write_project(plant)
    Path("wrong.yaml").write_text(
        f"{UNKNOWN_MODELS}  - {{id: {json.dumps(plant.text())}, {json.dumps(plant.text())}: 1}}\n"
    )
    Path("wrong.toml").write_text(f"[keys]\n{json.dumps(plant.line())} = {json.dumps(plant.line())}\n{plant.line()}\n")
    Path("odd.toml").write_text(f"[keys]\n{json.dumps(plant.line())} = {json.dumps(plant.line())}\n")
    sections = "\n\n".join(section.heading for section in casefiles.own().sections.values())
    page = f"{sections}\n\n# {plant.line()}\n\n{plant.text()}\n\n`{plant.line()}`\n"
    Path("page.md").write_text(page.replace("x x x ", ""))  # each word may begin a statement, and is looked at
    said = say_all(
        capsys,
        ["list", "things.yaml"],
        ["check", "things.yaml", "wrong.yaml", "--profile", "p.toml"],
        *(["show", "things.yaml#case-detail", *more] for more in ([], ["--curl"], ["--profile", "p.toml"])),
        *(["profile", name] for name in ("p.toml", "wrong.toml", "odd.toml")),
        ["drift", "page.md", "--write", "draft"],
        ["drift", "page.md", "--format", "json"],
        ["ledger", "wrong.yaml"],
        ["client", "--deviations", "d.toml", "--", "true"],
        ["client", "--scenarios", "wrong.yaml", "--list"],
        [plant.line()],
        ["list", plant.line(), "--needs", plant.line()],
        ["show", plant.line(), "--base-url", f"http://a/{plant.line()}"],
        ["audit", plant.line()[:90]],
        ["report", plant.line()[:90], "--format", plant.line()],
    )
    with answering(plant) as url:
        said |= say_all(capsys, ["profile", url, "--profile", "p.toml", "--output", "new.toml"])
        said |= say_all(
            capsys, ["precedence", "unknown-model", "--base-url", url, "--profile", "p.toml", "-o", "order.json"]
        )
    written = read_all(Path(), planted | {"wrong.yaml", "wrong.toml", "odd.toml", "page.md"})
    assert plant.find_leaks(said | written) == {}


@pytest.mark.parametrize("count", COUNTS)
def test_a_key_is_nowhere_after_a_run(
    count: int,
    begin: Callable[[Plant], None],
    pytester: pytest.Pytester,
    capsys: Output,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Answers, the project's files, its tests and options hold it; screen, reports and recording do not."""

    @settings(same_examples(count), phases=[Phase.generate])
    @given(PLANTS)
    def check(plant: Plant) -> None:
        begin(plant)
        check_run(plant, pytester, capsys, monkeypatch)

    check()


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("check", [check_foreign, check_client, check_files])
def test_a_key_is_in_nothing_that_a_command_writes(
    count: int, check: Callable[[Plant, Output], None], begin: Callable[[Plant], None], capsys: Output
) -> None:
    """Recordings, results and files of others hold it, and clients send, print and raise it."""

    @settings(same_examples(count), phases=[Phase.generate])
    @given(PLANTS)
    def try_one(plant: Plant) -> None:
        begin(plant)
        check(plant, capsys)

    try_one()


@given(PLANTS)
@same_examples(30)
def test_a_key_that_is_left_is_found(plant: Plant) -> None:
    """The search finds the key in what no redactor has seen, and nothing where there is none."""
    for text in (plant.text(), f"…{plant.key[9:]}"):
        assert [*plant.find_leaks({"said": text.encode()})] == ["said"]
    assert plant.find_leaks({"said": f"${NAME} was refused: Unknown model: x".encode()}) == {}
