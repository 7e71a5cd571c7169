"""The command `miniatures`: what it judges, shows and writes, and how it exits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from luma_conformance.catalogue import files as casefiles
from luma_conformance.cli.main import main
from luma_conformance.errors import Exit
from luma_conformance.pytest_plugin import miniature_runs, rehearsals
from luma_conformance.pytest_plugin.rehearsals import Part, list_parts
from tests.kit import Output

EMPTY = "create/400-prompt-too-short/empty"
FEW = ("create/400-prompt-too-short/", "create/400-unknown-model/")


@pytest.fixture(autouse=True)
def _only_few_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the suite be two files of cases."""

    def few(_: object) -> Iterator[Part]:
        yield from (one for one in list_parts(casefiles.own()) if one.id.startswith(FEW))

    monkeypatch.setattr(rehearsals, "list_parts", few)


def test_a_kill_is_a_success(capsys: Output) -> None:
    """A wrong service that is accused is no problem, and the score says so."""
    status = main(["miniatures", "--miniature", "rules/prompt-empty/never", "--jobs", "1"])

    shown = capsys.readouterr().out
    assert status == Exit.CONFORMANT
    assert "wrong       1: 1 killed, 0 survived: 100.0 %" in shown
    assert "killed    of          create" in shown
    assert "rules               1     1  100.0 %      1" in shown
    assert [line for line in shown.splitlines() if len(line) > 80] == []


def test_a_survivor_is_named_and_fails(capsys: Output, tmp_path: Path) -> None:
    """A wrong service that nothing accuses is shown with its sentence, and in the JSON."""
    file = tmp_path / "score.json"
    options = ["--miniature", "rules/manga-not-portrait", "--miniature", "rules/unknown-model", "-o", str(file)]

    status = main(["miniatures", "--jobs", "1", *options])

    score = json.loads(file.read_text())
    assert status == Exit.NOT_CONFORMANT
    shown = capsys.readouterr().out
    assert "survived, as no request of the suite shows it (1):" in shown
    assert "rules/manga-not-portrait/never: It never checks manga-not-portrait." in shown
    assert (score["wrong"], score["killed"], score["areas"]) == (2, 1, {"rules": {"killed": 1, "wrong": 2}})
    assert [one["name"] for one in score["survivors"]] == ["rules/manga-not-portrait/never"]


def test_a_survivor_that_was_seen_says_by_what(capsys: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where an answer differed and no part minded, the first such part is named."""
    (part,) = (part for part in list_parts(casefiles.own()) if part.id == EMPTY)
    (one,) = rehearsals.rehearse([part], rehearsals.Stage.of(casefiles.own()))
    careless = replace(one, part=replace(part, judge=lambda _: None))
    monkeypatch.setattr(rehearsals, "rehearse", lambda *_: (careless,))

    assert main(["miniatures", "--miniature", "rules/prompt-empty", "--jobs", "1"]) == Exit.NOT_CONFORMANT
    shown = " ".join(capsys.readouterr().out.split())
    assert "survived, though an answer showed it (1):" in shown
    assert f"rules/prompt-empty/never: It never checks prompt-empty. Let pass by {EMPTY}." in shown


def test_less_than_all_may_be_required(capsys: Output) -> None:
    """--require takes the share of the wrong services that has to be accused; a legal one must never be."""
    chosen = ("rules/manga-not-portrait", "rules/unknown-model")
    half = ["miniatures", "--jobs", "1", *(word for name in chosen for word in ("--miniature", name))]

    assert main([*half, "--require", "50%"]) == Exit.CONFORMANT
    assert main([*half, "--require", "50.1%"]) == Exit.NOT_CONFORMANT


def test_a_variant_is_not_accused(capsys: Output) -> None:
    """A legal variant that keeps to the page passes."""
    assert main(["miniatures", "--miniature", "legal-json-indented", "--jobs", "1"]) == Exit.CONFORMANT
    assert "legal       1 variants and 0 equivalents: 0 accused" in capsys.readouterr().out


def test_smoke_is_few_cases_that_create_nothing(tmp_path: Path, capsys: Output) -> None:
    """The list of few cases names no case that creates a generation, and is the same every time."""
    file = tmp_path / "smoke.txt"
    arguments = ["miniatures", "--miniature", "forms/unknown-model", "--jobs", "1", "--smoke", str(file)]

    main(arguments)
    first = file.read_text()
    main(arguments)

    own = casefiles.own()
    assert first == file.read_text()
    assert first
    assert [case.cost for name in first.split() if (case := own.get(name))] == [0] * len(first.split())


def test_a_mistyped_name_is_answered_with_the_right_one(capsys: Output) -> None:
    """A name that is none gets the most similar as advice."""
    assert main(["miniatures", "--miniature", "rules/promt-empty/never"]) == Exit.USAGE
    assert "did you mean rules/prompt-empty/never?" in capsys.readouterr().err


def test_the_fleet_can_be_listed(capsys: Output) -> None:
    """With --list nothing is judged, and each miniature is shown with its sentence."""
    assert main(["miniatures", "--list", "--miniature", "keys"]) == Exit.CONFORMANT
    assert "keys/bare/all  It takes a bare key." in capsys.readouterr().out


def test_an_interrupted_run_shows_what_it_knows(capsys: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C ends the run with the findings so far."""

    def one_then_interrupt(work: miniature_runs.Work, _: int) -> Iterator[object]:
        yield next(iter(miniature_runs_run(work, 1)))
        raise KeyboardInterrupt

    miniature_runs_run = miniature_runs.run_miniatures
    monkeypatch.setattr(miniature_runs, "run_miniatures", one_then_interrupt)

    assert main(["miniatures", "--miniature", "rules", "--jobs", "1"]) == Exit.INTERRUPTED
    assert "interrupted: 49 miniatures were not judged" in capsys.readouterr().out


def test_each_smoke_case_is_one_request_that_creates_nothing() -> None:
    """The list that comes with the kit names cases of the catalogue, in its order, which are cheap in every way."""
    own, names = casefiles.own(), (casefiles.specs() / "smoke.txt").read_text().split()
    chosen = [case for case in own if case.id in casefiles.smoke()]

    assert names == [case.id for case in chosen]
    assert [case.id for case in chosen if case.cost or "large-uploads" in case.needs] == []
    assert [case.id for case in chosen if len(case.steps) != 1 or case.steps[0].repeat is not None] == []
