"""The catalogue proved on miniatures: each is accused by exactly the cases of what it is wrong in, and by no other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from luma_conformance.catalogue import files as casefiles
from luma_conformance.miniatures.fleet import fleet
from luma_conformance.miniatures.miniature import Area, Miniature, changing_answers
from luma_conformance.model import Case, Request, Response
from luma_conformance.pytest_plugin.rehearsals import Rehearsal, Stage, find_verdicts, list_parts, rehearse

CASES = tuple(case for case in casefiles.own() if "large-uploads" not in case.needs)
BY_NAME = {one.name: one for one in fleet()}


@pytest.fixture(scope="module")
def stage() -> Stage:
    """Return what the sessions share."""
    return Stage.of(casefiles.own())


@pytest.fixture(scope="module")
def rehearsals(stage: Stage) -> tuple[Rehearsal, ...]:
    """Return the cases as they are played on the reference, which none of them fails."""
    ids = {case.id for case in CASES}
    return rehearse([part for part in list_parts(casefiles.own()) if part.id in ids], stage)


def expecting(wanted: Callable[[Case], bool]) -> set[str]:
    """Return the ids of the cases of which `wanted` is true."""
    return {case.id for case in CASES if wanted(case)}


def about(status: int) -> set[str]:
    """Return the ids of the cases in which an answer has this status."""
    return expecting(lambda case: any(status in step.expect.status for step in case.steps))


def below(prefix: str) -> set[str]:
    """Return the ids of the cases below a prefix that expect a refusal."""
    return expecting(lambda case: case.id.startswith(prefix) and case.status >= 400)


EXPECTED: dict[str, set[str]] = {
    "texts/keyframe-index-negative/another": {
        "create/400-keyframes/negative-index",
        "create/400-keyframes/negative-last-index",
    },
    "statuses/manga-not-portrait/400": below("create/422-manga/") | {"tracing/request-tracing/echo-422"},
    "contexts/manga-not-portrait/not-model-uni-1-max": below("create/422-manga/uni-1-max"),
    "media/url-unreachable/names-first": {"create/422-unreachable-host/second-reference"},
    "headers/402/no-request-id": about(402),
    "headers/413/plain": about(413),
    "ids/prefixed/all": expecting(lambda case: "generated-" not in case.id),
    "keys/lower-scheme/all": expecting(lambda case: case.slug == "lower-case-scheme"),
    "scoping/seen-all": {"get/404-another-key/other-client", "get/404-another-key/other-client-reversed"},
    "urls/forever": {"urls/presigned-url-expiry/expires"},
    "urls/same-always": {"urls/fresh-url/differs", "urls/presigned-url-expiry/expires"},
    "life/content_moderated-other": expecting(lambda case: case.slug == "content-moderated"),
}
"""Miniatures, with the cases that accuse them."""


@pytest.mark.parametrize(("name", "cases"), EXPECTED.items(), ids=EXPECTED)
def test_the_cases_of_what_is_wrong_accuse_and_no_other(
    name: str, cases: set[str], rehearsals: tuple[Rehearsal, ...], stage: Stage
) -> None:
    """A service that is wrong in one thing fails where that is asked about, and nowhere else."""
    assert accusing(BY_NAME[name], rehearsals, stage) == cases


def test_headers_sent_twice_are_judged_as_one(rehearsals: tuple[Rehearsal, ...], stage: Stage) -> None:
    """A repeated X-API-Version is not the documented value."""

    def twice(_: Request, response: Response) -> Response:
        more = (("x-api-version", "2026-04-01"),) if response.status == 402 else ()
        return replace(response, headers=(*response.headers, *more))

    wrong = Miniature(name="twice", says="It is wrong.", heading="h", area=Area.HEADERS, make=changing_answers(twice))

    assert accusing(wrong, rehearsals, stage) == about(402)


def accusing(miniature: Miniature, rehearsals: tuple[Rehearsal, ...], stage: Stage) -> set[str]:
    """Return the ids of the cases that accuse a miniature."""
    return {one.part.id for one, text in find_verdicts(miniature, rehearsals, stage) if text is not None}
