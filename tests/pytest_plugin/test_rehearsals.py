"""Cases and properties judged on miniatures: what they send is rehearsed, and only what differs is played."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import pytest

from luma_conformance import suite
from luma_conformance.catalogue import files as casefiles
from luma_conformance.errors import InputError
from luma_conformance.miniatures.fleet import fleet
from luma_conformance.miniatures.miniature import Asked, Miniature
from luma_conformance.model import Request
from luma_conformance.pytest_plugin.miniature_runs import Work, choose_over_http, run_miniatures
from luma_conformance.pytest_plugin.rehearsals import (
    Part,
    Rehearsal,
    Stage,
    find_verdicts,
    list_parts,
    rehearse,
    sort_by_price,
)
from luma_conformance.session.rehearsal import HEAVY, Event, Tape
from luma_conformance.session.session import Session

PARTS = [*list_parts(casefiles.own())]
BY_NAME = {one.name: one for one in fleet()}
NAMES = (
    "rules/prompt-empty/never",
    "contexts/prompt-empty/not-user_id",
    "texts/unknown-model/another",
    "legal-json-indented",
    "legal-last-fault",
)
CHOSEN = ("create/400-prompt-too-short/", "create/400-unknown-model/", "properties/validation/test_a_rule_holds")


@pytest.fixture(scope="module")
def stage() -> Stage:
    """Return what the sessions of a rehearsal share."""
    return Stage.of(casefiles.own())


@pytest.fixture(scope="module")
def rehearsals(stage: Stage) -> tuple[Rehearsal, ...]:
    """Return the rehearsals of two files of cases and two properties."""
    chosen = [one for one in PARTS if one.id.startswith(CHOSEN[:2]) or one.id.endswith(("[prompt-empty]", "[hdr]"))]
    return rehearse(chosen, stage)


def accusers(name: str, rehearsals: tuple[Rehearsal, ...], stage: Stage, *, thorough: bool = False) -> list[str]:
    """Return the ids of the parts that accuse a miniature."""
    found = find_verdicts(BY_NAME[name], rehearsals, stage, thorough=thorough)
    return [one.part.id for one, text in found if text is not None]


def test_every_case_and_property_is_a_part() -> None:
    """The parts are the cases of the catalogue and the tests of the suite, each once."""
    ids = [one.id for one in PARTS]
    tests = {
        node.name
        for file in Path(suite.__path__[0]).glob("test_*.py")
        for node in ast.parse(file.read_bytes()).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }

    assert len(set(ids)) == len(ids)
    assert {one.id for one in PARTS if one.is_case} == {case.id for case in casefiles.own()}
    assert {one.id.partition("[")[0].rpartition("/")[2] for one in PARTS if not one.is_case} == tests


def test_a_rule_never_checked_is_found_by_its_cases(rehearsals: tuple[Rehearsal, ...], stage: Stage) -> None:
    """The cases of a rule accuse a service without it, those of other rules do not, and no property is asked."""
    found = accusers("rules/prompt-empty/never", rehearsals, stage)

    assert found
    assert all(one.startswith("create/400-prompt-too-short/") for one in found)


def test_a_thorough_judgement_asks_properties_too(rehearsals: tuple[Rehearsal, ...], stage: Stage) -> None:
    """Where every part is wanted, a property accuses beside the cases, by its rehearsed examples."""
    found = accusers("rules/prompt-empty/never", rehearsals, stage, thorough=True)

    assert any(one.startswith("properties/") for one in found)


def test_a_variant_is_played_and_not_accused(rehearsals: tuple[Rehearsal, ...], stage: Stage) -> None:
    """A legal service whose every answer differs from the reference's is judged by all parts, and accused by none."""
    assert rehearsals[0].tape.find_differences(BY_NAME["legal-json-indented"]) is None
    assert accusers("legal-json-indented", rehearsals, stage) == []


def test_over_http_what_is_wrong_is_found_and_what_is_unusual_is_not(
    rehearsals: tuple[Rehearsal, ...], stage: Stage
) -> None:
    """A server that mixes up the requests of a connection is accused, one that compresses or closes is not."""
    names = ("wire/first-id", "legal-gzip", "legal-http-1.0")
    work = Work(miniatures=[BY_NAME[name] for name in names], rehearsals=rehearsals, stage=stage)

    found = {one.miniature.name: one for one in run_miniatures(work, 1)}

    assert [name for name, one in found.items() if one.accused_by] == ["wire/first-id"]
    assert "X-Request-Id" in found["wire/first-id"].text


def test_one_upload_is_enough_over_http(stage: Stage) -> None:
    """Of the parts that send 70 MB one is played over HTTP, and what is dear comes after what is cheap."""
    (light,) = rehearse([part for part in PARTS if part.id == "create/400-unknown-model/control"], stage)
    large = Request(method="POST", url="/v1/generations", body=b" " * (HEAVY + 1))
    tape = Tape(events=[Event(asked=Asked(request=large), waited=0.0, example=None)])
    heavy = replace(light, tape=tape)
    generated = replace(light, part=replace(light.part, is_case=False))
    given = sort_by_price([generated, heavy, heavy, light])

    assert given == [light, heavy, heavy, generated]
    assert [*choose_over_http(given)] == [light, heavy, generated]


def test_what_is_dear_is_asked_only_where_nothing_accuses(rehearsals: tuple[Rehearsal, ...], stage: Stage) -> None:
    """A case with 70 MB is not played on a service that other cases accuse, unless all is wanted."""
    heavy = next(one for one in PARTS if one.id == "create/413-video-media/inline-source-video")
    known = sort_by_price([*rehearsals, *rehearse([heavy], stage)])
    served = BY_NAME["protocol/version-missing"]

    asked = [one.part.id for one, _ in find_verdicts(served, known, stage)]
    all_asked = [one.part.id for one, _ in find_verdicts(served, known, stage, thorough=True)]

    assert heavy.id not in asked
    assert heavy.id in all_asked


def test_many_processes_find_what_one_finds(rehearsals: tuple[Rehearsal, ...], stage: Stage) -> None:
    """Findings do not depend on the number of jobs."""
    chosen: list[Miniature] = [BY_NAME[name] for name in NAMES]
    work = Work(miniatures=chosen, rehearsals=rehearsals, stage=stage)
    one, two = ({found.miniature.name: found.accused_by for found in run_miniatures(work, jobs)} for jobs in (1, 2))

    assert one == two
    assert set(one) == {*NAMES}


def test_a_suite_that_breaks_is_no_silence(stage: Stage) -> None:
    """A part that ends with an error other than a verdict counts as red, as it would in a run of pytest."""

    def fall(session: Session) -> str | None:
        if stage.every is session.every and session.target.channel.recorded_examples() is None:
            raise ZeroDivisionError("by nothing")
        return None

    text = stage.play(Part(id="p", is_case=False, judge=fall), BY_NAME["rules/prompt-empty/never"].make, None)

    assert text == "the suite broke on it: ZeroDivisionError: by nothing"


def test_a_reference_that_fails_ends_it(stage: Stage) -> None:
    """If the reference itself fails a part, nothing can be said of miniatures, and the text says why."""
    with pytest.raises(InputError, match="the reference itself fails odd, so no miniature"):
        rehearse([Part(id="odd", is_case=True, judge=lambda _: "it is red")], stage)


def test_examples_with_answers_in_them_are_drawn_anew(stage: Stage) -> None:
    """Examples that only suit the ids the reference drew are not given to another service."""
    walk = [one for one in PARTS if one.id == "properties/schema/test_what_is_accepted_is_found_by_its_link"]
    plain = [one for one in PARTS if one.id == "properties/malformed/test_any_request_id_comes_back_as_it_was_sent"]

    (one,), (other,) = rehearse(walk, stage), rehearse(plain, stage)

    assert (one.redraws, one.examples(None)) == (True, None)
    assert (other.redraws, other.examples({3})) == (False, [other.tape.examples[3]])
