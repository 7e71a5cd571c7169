"""Policies for the catalogue: which parts of the page it covers, and how its cases are named."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from luma_conformance.catalogue import files as casefiles
from luma_conformance.catalogue.grammar import Section, find_placeholders
from luma_conformance.catalogue.roles import FAILURE_CODES, MAIN_KEY, MEDIA, ROLES
from luma_conformance.matching import Exactly, Matcher, Members, OneOf
from luma_conformance.model import Case, Step

CREATE = "POST /v1/generations"
POLL = "GET /v1/generations/{generation_id}"

CATALOGUE = casefiles.own()
STEPS = [(case, step) for case in CATALOGUE for step in case.steps]
PAGE = (Path(__file__).parent / "page_details.txt").read_text(encoding="utf-8").splitlines()
"""Every `detail` text the page prints, word for word, once."""

IMAGE_MODELS = ("uni-1", "uni-1-max")
PORTRAIT_RATIOS = ("1:2", "1:3", "2:3", "9:16")
IMAGE_RATIOS = (*PORTRAIT_RATIOS, "1:1", "16:9", "2:1", "3:1", "3:2")
VIDEO_RATIOS = ("9:16", "3:4", "1:1", "4:3", "16:9", "21:9")

UNNEEDED = {
    MAIN_KEY: "every request is sent with it; a target without it is not judged at all",
    "second-key": "the page scopes a generation to the key, other documents to the client, "
    "so what a second key of the same client sees is no case",
}
"""Roles no case needs, and why."""

WITHOUT_CONTROL = {
    "every-response": "it has no cases",
    "get/401-unauthorized": "it asks only for ids nobody has and never creates",
    "get/404-does-not-exist": "it asks only for ids nobody has and never creates",
    "get/404-invalid-id": "it asks only for ids nobody has and never creates",
    "urls/presigned-url-expiry": "its first step creates, with another key, on a clock that is moved",
}
"""Section files in which no control is possible, and why."""


def texts(matcher: Matcher | None) -> Iterator[str]:
    """Yield each text a matcher of a `detail` accepts word for word."""
    if isinstance(matcher, Exactly) and isinstance(matcher.expected, str):
        yield matcher.expected
    elif isinstance(matcher, OneOf):
        for choice in matcher.choices:
            yield from texts(choice)


def form(detail: str) -> str:
    """Return a `detail` text without what depends on the request: the field, the value sent, the list, numbers."""
    detail = re.sub(r"^(source|image_ref\[\d+\]): ", "FIELD: ", detail)
    detail = re.sub(r"(?<=HTTP )\d+|\d+x\d+(?=px)", "NUMBER", detail)
    detail = re.sub(r"^Unknown model: .+", "Unknown model: NAME", detail)
    detail = re.sub(r"^(Invalid aspect_ratio) '[^']+'\. Valid: [0-9:, ]+$", r"\1 VALUE. Valid: LIST", detail)
    detail = re.sub(r"^(Type|aspect_ratio=|.*\(aspect_ratio) ?'[^']+'", r"\1 VALUE", detail)
    return re.sub(r"model '[^']+'$", "model NAME", detail)


def answers(**members: object) -> set[int]:
    """Return the statuses of the one-step cases whose body has these members; of None, those without it."""
    return {
        case.status
        for case in CATALOGUE
        for body in [case.steps[0].ask.body]
        if len(case.steps) == 1 and isinstance(body, dict)
        if all(body.get(name) == value for name, value in members.items())
    }


def sends(step: Step, operation: str) -> bool:
    """Return whether a step is a request of an operation."""
    method, _, path = operation.partition(" ")
    shape = re.sub(r"\\\{[a-z_]+\\\}", "[^/]+", re.escape(path))
    return step.ask.method == method and re.fullmatch(shape, step.ask.url) is not None


def test_the_page_has_59_detail_texts() -> None:
    """The list is whole: 55 texts in answers and four in a table, none of them twice."""
    assert len(PAGE) == len(set(PAGE)) == 59


def test_the_catalogue_is_not_cut_short() -> None:
    """It has hundreds of cases, and what holds on every response besides."""
    assert len(CATALOGUE) >= 280
    assert len(CATALOGUE.holdings) >= 10


def test_ids_are_unique_and_slugs_below_their_file() -> None:
    """An id names one case, is the file's place and a slug, and so serves as a test's name."""
    ids = [case.id for case in CATALOGUE]
    held = [holding.id for holding in CATALOGUE.holdings]

    assert [name for name, times in Counter(ids).items() if times > 1] == []
    assert [name for name, times in Counter(held).items() if times > 1] == []
    assert [
        name for name in ids if not re.fullmatch(r"[a-z]+/[a-z0-9]+(-[a-z0-9]+)*/[a-z0-9]+(-[a-z0-9]+)*", name)
    ] == []
    assert [name for name in held if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)] == []


@pytest.mark.parametrize("section", CATALOGUE.sections.values(), ids=CATALOGUE.sections.keys())
def test_titles_are_short_facts_and_differ_within_a_file(section: Section) -> None:
    """A title says what is so, in under 70 characters: no wish, no period, and not what another case says."""
    titles = [case.title for case in section.cases] + [holding.title for holding in section.holdings]

    assert [title for title in titles if len(title) >= 70] == []
    assert [
        title for title in titles if re.search(r"\bshould\b|\btests? that\b|[.!]$|^\s|\s$", title, re.IGNORECASE)
    ] == []
    assert [title for title, times in Counter(titles).items() if times > 1] == []


@pytest.mark.parametrize("section", CATALOGUE.sections.values(), ids=CATALOGUE.sections.keys())
def test_no_two_cases_of_a_file_are_the_same_request(section: Section) -> None:
    """What one request answers is one case: none repeats the control, or another."""
    sent = [repr(case.steps[0].ask) for case in section.cases if len(case.steps) == 1]

    assert [ask for ask, times in Counter(sent).items() if times > 1] == []


@pytest.mark.parametrize("detail", PAGE)
def test_every_text_of_the_page_is_expected_word_for_word(detail: str) -> None:
    """Some case expects exactly the text the page prints."""
    assert any(detail in texts(step.expect.detail) for _, step in STEPS)


def test_every_text_expected_is_one_of_the_page() -> None:
    """No case expects a text the page does not print, but for the field, value or model it depends on."""
    forms = {form(detail) for detail in PAGE}
    strange = {
        (case.id, detail) for case, step in STEPS for detail in texts(step.expect.detail) if form(detail) not in forms
    }

    assert strange == set()


@pytest.mark.parametrize(
    ("operation", "status"),
    [(CREATE, status) for status in (201, 400, 401, 402, 403, 413, 422, 429, 502, 503)]
    + [(POLL, status) for status in (200, 401, 404)],
)
def test_every_status_of_the_page_comes_from_its_operation(operation: str, status: int) -> None:
    """Some case of the operation's own files asks for it and expects the status."""
    assert any(
        case.operation == operation and sends(step, operation) and status in step.expect.status for case, step in STEPS
    )


@pytest.mark.parametrize("code", FAILURE_CODES)
def test_every_failure_code_is_found_by_polling(code: str) -> None:
    """Some case polls until a generation failed and expects the code, a reason and no output."""
    bodies = [step.expect.body.expected for _, step in STEPS if isinstance(step.expect.body, Members)]

    assert any(
        body.get("failure_code") == Exactly(code) and {"state", "output", "failure_reason"} <= body.keys()
        for body in bodies
    )


@pytest.mark.parametrize("ratio", IMAGE_RATIOS)
@pytest.mark.parametrize("model", IMAGE_MODELS)
def test_every_image_ratio_is_accepted_and_manga_only_in_portrait(model: str, ratio: str) -> None:
    """Both image models take all nine ratios, and four of them for manga."""
    manga = {201} if ratio in PORTRAIT_RATIOS else {422}

    assert answers(model=model, aspect_ratio=ratio, type=None, style=None) == {201}
    assert answers(model=model, aspect_ratio=ratio, style="manga") == manga


@pytest.mark.parametrize("ratio", VIDEO_RATIOS)
def test_every_video_ratio_is_accepted_for_a_video_and_a_reframe(ratio: str) -> None:
    """The video model takes its six ratios for a new video and as the shape of a reframe."""
    assert 201 in answers(model="ray-3.2", type="video", aspect_ratio=ratio)
    assert 201 in answers(model="ray-3.2", type="video_reframe", aspect_ratio=ratio)


@pytest.mark.parametrize("kind", ["image", "image_edit", "video", "video_edit", "video_reframe"])
@pytest.mark.parametrize("model", [*IMAGE_MODELS, "ray-3.2"])
def test_every_pair_of_model_and_type_is_accepted_or_refused(model: str, kind: str) -> None:
    """A model takes the types of its medium; the others are refused by a case of their own."""
    cases = CATALOGUE.matching("create/400-unsupported-type")
    refused = {detail for case in cases for detail in texts(case.steps[0].expect.detail)}
    fits = kind.startswith("video") == (model == "ray-3.2")

    assert fits == any(
        step.expect.status == (201,) and body.get("model", "uni-1") == model and body.get("type", "image") == kind
        for _, step in STEPS
        if isinstance(body := step.ask.body, dict)
    )
    assert fits == (f"Type '{kind}' is not supported for model '{model}'" not in refused)


def test_every_role_is_needed_by_some_case() -> None:
    """What a profile can offer, the catalogue uses; the two roles it does not need have a reason."""
    needed = {role for case in CATALOGUE for role in case.needs}

    assert ROLES.keys() - needed == UNNEEDED.keys()


def test_every_section_has_a_control_where_one_is_possible() -> None:
    """A file without an accepted request is named here with its reason."""
    without = {name for name in CATALOGUE.sections if CATALOGUE.get(f"{name}/control") is None}

    assert without == WITHOUT_CONTROL.keys()


def test_every_refusal_has_an_expected_detail() -> None:
    """A refused one-step request has its detail expected, but where an erratum or request tracing is the subject."""
    silent = {
        case.id
        for case in CATALOGUE
        if len(case.steps) == 1 and case.status >= 400 and case.steps[0].expect.detail is None
        if case.erratum is None and case.section != "Request tracing"
    }

    assert silent == set()


@pytest.mark.parametrize("case", [case for case in CATALOGUE if case.erratum], ids=lambda case: str(case.id))
def test_every_erratum_states_a_contradiction_in_one_line(case: Case) -> None:
    """An erratum is a statement in itself, and refers to no list its reader does not have."""
    assert re.fullmatch(r"(?!C[0-9])\S[^\n]{20,}", case.erratum or "")


def test_each_case_needs_what_of_the_granted_its_answers_depend_on() -> None:
    """A mock that lacks it on purpose is not accused: a fetched URL, decoded dimensions, or a file behind an output."""
    for case, step in STEPS:
        sent = {*find_placeholders(step.ask.body)}
        fetches = bool(sent & {*MEDIA} - {"ingestion-off-url"})  # the answer to the latter is that nothing is fetched
        decodes = bool(sent & {"inline-8000x8000", "inline-9000x6000"})
        downloads = not step.ask.url.startswith("/")
        assert "url-ingestion" in case.needs or not fetches, case.id
        assert "image-decoding" in case.needs or not decodes, case.id
        assert "output-files" in case.needs or not downloads, case.id
