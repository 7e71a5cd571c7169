"""The catalogue proved on wrong servers: each fails exactly the cases of what it is wrong in, legal ones fail none."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from luma_conformance.catalogue import files as casefiles
from luma_conformance.judge.answers import EveryResponse, detail_of
from luma_conformance.judge.play import play
from luma_conformance.model import Case, Outcome, Request, Response, header
from luma_conformance.reference import Service, VirtualClock
from tests import miniatures
from tests.kit import Direct, reference_target
from tests.miniatures import Handle, Wrong, on_answers, on_requests, right

CASES = tuple(case for case in casefiles.own() if "large-uploads" not in case.needs)
EVERY = EveryResponse(casefiles.own().holdings)


def failing(wrap: Wrong) -> set[str]:
    """Return the ids of the cases that fail on the reference once it is wrapped."""
    clock = VirtualClock()
    target = reference_target(Direct(wrap(Service(clock=clock).handle)), clock)
    results = [play(case, target, EVERY) for case in CASES]
    return {result.case.id for result in results if result.verdict.outcome is Outcome.FAIL}


def expecting(wanted: Callable[[Case], bool]) -> set[str]:
    """Return the ids of the cases of which `wanted` is true."""
    return {case.id for case in CASES if wanted(case)}


def below(prefix: str, *, status: int) -> set[str]:
    """Return the ids below a prefix of the cases about a status."""
    return expecting(lambda case: case.id.startswith(prefix) and case.status == status)


def test_the_reference_itself_fails_nothing() -> None:
    """Every case passes on the server that is right."""
    assert failing(right) == set()


def test_another_text_fails_the_cases_of_that_text() -> None:
    """A server that words one error otherwise fails where that text is expected, and nowhere else."""
    text = "video.edit.keyframe_indexes must be non-negative"

    wrong = failing(miniatures.another_detail(text, "keyframe_indexes[0] must be >= 0"))

    assert wrong == {"create/400-keyframes/negative-index", "create/400-keyframes/negative-last-index"}


def test_another_status_fails_the_cases_of_that_status() -> None:
    """A server that answers 400 where the page says 422 for manga fails those cases, texts being right."""

    def as_400(_: Request, response: Response) -> Response:
        manga = "is not allowed when style='manga'" in str(detail_of(response))
        return replace(response, status=400) if manga else response

    wrong = failing(on_answers(as_400))

    assert wrong == below("create/422-manga/", status=422) | {"tracing/request-tracing/echo-422"}


def test_a_check_skipped_for_one_model_fails_the_cases_of_that_model() -> None:
    """A server that lets uni-1-max draw landscape manga fails exactly there."""

    def as_portrait(request: Request) -> Request:
        if not (request.body.startswith(b"{") and b"manga" in request.body and b"uni-1-max" in request.body):
            return request
        body = {**json.loads(request.body), "aspect_ratio": "2:3"}
        return replace(request, body=json.dumps(body).encode())

    assert failing(on_requests(as_portrait)) == below("create/422-manga/uni-1-max", status=422)


def test_an_index_that_is_always_zero_fails_the_cases_of_later_indexes() -> None:
    """A server that names image_ref[0] whichever entry is wrong is caught by entries other than the first."""

    def naming_the_first(_: Request, response: Response) -> Response:
        body = response.body.replace(b"image_ref[1]", b"image_ref[0]").replace(b"image_ref[2]", b"image_ref[0]")
        return replace(response, body=body)

    wrong = failing(on_answers(naming_the_first))

    later = ("image_ref[1]", "image_ref[2]")
    exact = expecting(lambda case: not case.steps[0].expect.wording_may_vary)
    assert wrong == exact & expecting(lambda case: any(n in str(case.steps[0].expect.detail) for n in later))


@pytest.mark.parametrize(
    ("name", "status"), [("X-API-Version", 404), ("Content-Type", 413), ("Retry-After", 429), ("X-Request-Id", 402)]
)
def test_a_header_left_out_fails_the_cases_that_get_that_status(name: str, status: int) -> None:
    """What holds on every response is checked on every response."""
    wrong = failing(miniatures.without_header(name, on=lambda response: response.status == status))

    assert wrong == expecting(lambda case: any(status in step.expect.status for step in case.steps))


def test_an_id_that_is_not_echoed_fails_nearly_everything() -> None:
    """A server that makes its own X-Request-Id is caught wherever one was sent."""

    def without_id(request: Request) -> Request:
        return replace(request, headers=tuple(field for field in request.headers if field[0] != "X-Request-Id"))

    assert failing(on_requests(without_id)) == expecting(lambda case: "generated-" not in case.id)


def test_a_server_that_accepts_everything_fails_every_400() -> None:
    """Nothing that ought to be refused with 400 passes as accepted."""
    wrong = failing(miniatures.accepts_everything)

    assert wrong == expecting(lambda case: any(400 in step.expect.status for step in case.steps))


def test_a_url_that_is_not_fresh_and_never_expires_is_caught() -> None:
    """A server that hands out one URL for ever fails the cases about output URLs."""
    first: dict[str, str] = {}

    def with_first_url(request: Request, response: Response) -> Response:
        if request.url.startswith("/storage/"):
            return Response(status=200, headers=(("Content-Type", "image/png"),), body=b"png")
        body = json.loads(response.body) if response.body.startswith(b"{") else {}
        if body.get("output"):
            body["output"][0]["url"] = first.setdefault(body["id"], body["output"][0]["url"])
        return replace(response, body=json.dumps(body).encode()) if body else response

    wrong = failing(on_answers(with_first_url))

    assert wrong == {"urls/fresh-url/differs", "urls/presigned-url-expiry/expires"}


def test_an_hour_counted_in_whole_seconds_is_an_hour() -> None:
    """A URL that is good for up to two seconds more, as its times are rounded, is not one that does not expire."""

    def lasting(handle: Handle) -> Handle:
        handle.__self__._storage._seconds = 3602  # type: ignore[attr-defined]
        return handle

    assert failing(lasting) == set()


def test_a_generation_anybody_may_read_is_caught() -> None:
    """A server that forgets whose a generation is fails the ownership cases."""

    def open_to_all(handle: Handle) -> Handle:
        def answer(request: Request) -> Response:
            main = ("Authorization", "Bearer luma-api-test-main")
            if request.method == "GET" and "other" in str(header(request.headers, "Authorization")):
                response = handle(replace(request, headers=(*request.headers[1:], main)))
                return response if response.status == 200 else handle(request)
            return handle(request)

        return answer

    assert failing(open_to_all) == {"get/404-another-key/other-client"}


@pytest.mark.parametrize(
    "legal",
    [miniatures.with_extras, miniatures.without_profile, miniatures.of_another_make],
    ids=["extras", "no profile", "another make"],
)
def test_legal_variations_fail_nothing(legal: Wrong) -> None:
    """What the page does not forbid is not accused."""
    assert failing(legal) == set()


def test_headers_sent_twice_are_judged_as_one() -> None:
    """A repeated X-API-Version is not the documented value."""

    def twice(_: Request, response: Response) -> Response:
        more = (("x-api-version", "2026-04-01"),) if response.status == 402 else ()
        return replace(response, headers=(*response.headers, *more))

    assert failing(on_answers(twice)) == expecting(lambda case: any(402 in step.expect.status for step in case.steps))
