"""The comparison with schemathesis: whom it samples, what it counts, and the document it hands over."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from luma_conformance.miniatures.miniature import Area, Handle, Make, Miniature, create, poll
from luma_conformance.model import Clock, Request, Response
from luma_conformance.rules import Accepted, predict
from tests.bench.comparison import (
    REFERENCE,
    Row,
    Tape,
    Trial,
    choose_sample,
    count_rows,
    describe,
    make_reference,
    patch,
    read_trials,
    write_document,
)


def some(name: str, area: Area, equivalent: str | None = None) -> Miniature:
    """Return a miniature of which only name and area matter."""
    return Miniature(name=name, says="It is so.", heading="Any", area=area, make=make_reference, equivalent=equivalent)


FLEET = [
    *(some(f"texts/{number}", Area.TEXTS) for number in range(9, -1, -1)),
    some("texts/like", Area.TEXTS, equivalent="nobody can tell"),
    some("legal-a", Area.VARIANTS),
    some("legal-b", Area.VARIANTS),
]


def test_the_sample_is_every_nth_wrong_service_by_name_and_all_legal_ones() -> None:
    """The order of the fleet does not matter, and what is equivalent to the reference is never taken."""
    names = [one.name for one in choose_sample(FLEET, 4)]

    assert names == ["texts/0", "texts/4", "texts/8", "legal-a", "legal-b"]
    assert names == [one.name for one in choose_sample(FLEET[:-2][::-1] + FLEET[-2:], 4)]


def test_a_smaller_sample_is_part_of_a_larger_one() -> None:
    """What was judged for every fourth service is known when every second is asked for."""
    assert {one.name for one in choose_sample(FLEET, 4)} < {one.name for one in choose_sample(FLEET, 2)}


def test_an_accused_legal_service_is_no_kill() -> None:
    """Legal services have a row of their own, which the sum of the wrong ones leaves out."""
    sample = [some("a", Area.TEXTS), some("b", Area.MEDIA), some("c", Area.TEXTS), some("legal-a", Area.VARIANTS)]

    assert count_rows(sample, ours=["a", "b", "c"], theirs=["c", "legal-a"]) == [
        Row(area="media", count=1, ours=1, theirs=0),
        Row(area="texts", count=2, ours=2, theirs=1),
        Row(area="all wrong", count=3, ours=3, theirs=1),
        Row(area="legal, accused", count=1, ours=0, theirs=1),
    ]


def test_what_only_schemathesis_finds_is_told() -> None:
    """A service our suite overlooks, and a legal one that is accused, are named with what was said of them."""
    sample = [some("a", Area.TEXTS), some("legal-a", Area.VARIANTS)]
    theirs = {one.name: one for one in (trial(REFERENCE), trial("a", "ST1 Wrong"), trial("legal-a", "ST2 Odd"))}
    text = describe(sample, [], trial(REFERENCE), theirs)

    assert "`a` It is so. (schemathesis: ST1 Wrong)" in text.partition("not by our suite (1)")[2]
    assert "`legal-a` It is so. (schemathesis: ST2 Odd)" in text.partition("Legal, and accused (1)")[2]


def test_a_service_is_asked_again_only_where_an_answer_would_differ() -> None:
    """A fault that none of the requests meets cannot be found by them; one that shows after a wait can."""
    tape = Tape(
        requests=[(100.0, create({"prompt": "a lighthouse"})), (107.0, poll("7c9e6679-7425-40de-944b-e07fc1f90ae7"))]
    )

    def made(wrong: Callable[[Request, float], bool]) -> Make:
        def make(clock: Clock) -> Handle:
            handle, began = make_reference(clock), clock.now()
            gone = Response(status=404, headers=(), body=b"")
            return lambda asked: gone if wrong(asked, clock.now() - began) else handle(asked)

        return make

    assert not tape.tells_apart(make_reference, make_reference)
    assert not tape.tells_apart(made(lambda asked, _: b"manga" in asked.body), make_reference)
    assert tape.tells_apart(made(lambda asked, _: b"lighthouse" in asked.body), make_reference)
    assert tape.tells_apart(made(lambda _, seconds: seconds >= 7), make_reference)
    assert not tape.tells_apart(made(lambda _, seconds: seconds > 7), make_reference)


def trial(name: str, *found: str) -> Trial:
    """Return a trial that took no time."""
    return Trial(name=name, found=found, requests=1, seconds=0)


def test_trials_are_read_back_as_they_were_kept(tmp_path: Path) -> None:
    """A trial made again counts instead of the earlier one, and a file that is not there has none."""
    kept = tmp_path / "trials.jsonl"
    rows = [{"name": "a", "found": found, "requests": 3, "seconds": 1.5} for found in (["ST1 Wrong"], [])]
    kept.write_text("".join(f"{json.dumps(row)}\n" for row in rows))

    assert read_trials(kept) == {"a": Trial(name="a", found=(), requests=3, seconds=1.5)}
    assert read_trials(tmp_path / "none") == {}


@pytest.mark.parametrize(
    ("document", "changes", "patched"),
    [
        ({"a": 1, "b": 2}, {"b": 3}, {"a": 1, "b": 3}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": None}}, {"a": {"c": 2}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": 1}, {"a": {"b": None, "c": 1}}, {"a": {"c": 1}}),
        ({"a": None}, {"b": False}, {"a": None, "b": False}),
    ],
)
def test_a_patch_replaces_adds_and_takes_away(document: Any, changes: Any, patched: Any) -> None:
    """Objects are merged member by member; null takes away; anything else is replaced whole."""
    assert patch(document, changes) == patched


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return the document schemathesis is given."""
    document: dict[str, Any] = json.loads(write_document(tmp_path_factory.mktemp("document")).read_text())
    return document


def test_the_document_of_schemathesis_is_openapi(closed: dict[str, Any]) -> None:
    """The patch leaves a valid document, its references included."""
    assert [error.message for error in OpenAPIV31SpecValidator(closed).iter_errors()] == []


@pytest.mark.parametrize(
    "body",
    [
        {"prompt": "a lighthouse", "video": {}},
        {"prompt": "a lighthouse", "colour": "red"},
        {"prompt": "a lighthouse", "image_ref": [{"generation_id": "7c9e6679-7425-40de-944b-e07fc1f90ae7"}]},
        {"prompt": "a lighthouse", "user_id": ""},
    ],
)
def test_what_the_page_leaves_open_is_invalid_in_that_document(closed: dict[str, Any], body: dict[str, Any]) -> None:
    """The reference refuses it, so a tool that took it for valid would accuse the reference."""
    assert not isinstance(predict(body), Accepted)
    assert not request(closed).is_valid(body)


@pytest.mark.parametrize(
    "body",
    [
        {"prompt": "a lighthouse"},
        {"prompt": "ein Leuchtturm in der Nähe", "style": "manga", "aspect_ratio": "2:3"},
        {
            "prompt": "x",
            "model": "ray-3.2",
            "type": "video",
            "video": {"loop": True, "start_frame": {"url": "https://a/b"}},
        },
    ],
)
def test_what_is_certainly_accepted_is_valid_in_that_document(closed: dict[str, Any], body: dict[str, Any]) -> None:
    """The patch takes away nothing the page allows but what a schema cannot compare."""
    assert isinstance(predict(body), Accepted)
    assert request(closed).is_valid(body)


def request(closed: dict[str, Any]) -> Draft202012Validator:
    """Return a validator of requests."""
    return Draft202012Validator({"components": closed["components"], "$ref": "#/components/schemas/GenerationRequest"})
