"""Bad keys and clients that may not, proved on servers that let them in for some types or generations only."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from luma_conformance.model import Request, Response, header
from luma_conformance.properties.luma_target import LumaTarget
from luma_conformance.properties.nonconformance import NonConformance
from luma_conformance.suite import test_access as access
from tests import miniatures
from tests.miniatures import Handle, Wrong, on_requests, right
from tests.suite.target_on import target_on

MAIN = ("Authorization", "Bearer luma-api-test-main")
Property = Callable[[LumaTarget], None]
PROPERTIES: tuple[Property, ...] = (
    access.test_a_bad_key_is_refused_whatever_it_asks_for,
    access.test_a_client_that_may_not_is_refused_whatever_it_asks_for,
)


def letting_in(when: Callable[[Request, str], bool]) -> Wrong:
    """Take some requests for those of the main client; `when` is given the key too."""

    def change(request: Request) -> Request:
        key = (header(request.headers, "Authorization") or "").removeprefix("Bearer luma-api-")
        others = tuple(field for field in request.headers if field[0] != "Authorization")
        is_ours = request.url.startswith("/v1/") and key != "test-main"
        return replace(request, headers=(*others, MAIN)) if is_ours and when(request, key) else request

    return on_requests(change)


def of_type(kind: str) -> Callable[[Request, str], bool]:
    """Return whether a request is for a type of generation."""
    return lambda request, _: b'"type": "%s"' % kind.encode() in request.body


def showing(when: Callable[[dict[str, object]], bool]) -> Wrong:
    """Show some generations to everybody."""

    def wrap(handle: Handle) -> Handle:
        def answer(request: Request) -> Response:
            if request.method == "GET":
                others = tuple(field for field in request.headers if field[0] != "Authorization")
                seen = handle(replace(request, headers=(*others, MAIN)))
                if seen.status == 200 and when(json.loads(seen.body)):
                    return seen
            return handle(request)

        return answer

    return wrap


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        pytest.param(letting_in(of_type("video_reframe")), "video_reframe, asked for", id="one type, by anybody"),
        pytest.param(
            letting_in(lambda request, key: key == "test-expired" and of_type("video")(request, key)),
            "video, asked for",
            id="one type, by an expired key",
        ),
        pytest.param(
            letting_in(lambda request, key: key == "test-revoked" and request.method == "GET"),
            "completed image, asked for",
            id="polls by a revoked key",
        ),
        pytest.param(showing(lambda body: body["type"] == "video"), "completed video, asked for", id="videos"),
        pytest.param(showing(lambda body: body["state"] == "queued"), "the queued-prompt", id="what is queued"),
        pytest.param(showing(lambda body: body["state"] == "processing"), "the processing-prompt", id="what runs"),
        pytest.param(showing(lambda body: body["state"] == "failed"), "generation-failed-prompt", id="what failed"),
    ],
)
def test_a_bad_key_that_opens_something_is_caught(wrong: Wrong, said: str) -> None:
    """A server that forgets to look at the key of some requests is caught, with what was asked for."""
    with pytest.raises(NonConformance, match=said):
        access.test_a_bad_key_is_refused_whatever_it_asks_for(target_on(wrong))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        pytest.param(
            letting_in(lambda request, key: key == "test-unfunded" and of_type("image_edit")(request, key)),
            "image_edit, asked for with the unfunded-key",
            id="edits without a balance",
        ),
        pytest.param(
            letting_in(lambda request, key: key == "test-suspended" and of_type("video")(request, key)),
            "video, asked for with the suspended-key",
            id="videos of a suspended client",
        ),
        pytest.param(
            letting_in(lambda request, key: key == "test-deactivated"), "the deactivated-key", id="a deactivated client"
        ),
    ],
)
def test_a_client_that_is_let_in_is_caught(wrong: Wrong, said: str) -> None:
    """A server that looks at a client only for some types is caught, with the type."""
    with pytest.raises(NonConformance, match=said):
        access.test_a_client_that_may_not_is_refused_whatever_it_asks_for(target_on(wrong))


@pytest.mark.parametrize("property_", PROPERTIES)
@pytest.mark.parametrize("limit", [None, 0], ids=["free", "off this machine"])
@pytest.mark.parametrize(
    "legal", [right, miniatures.with_extras, miniatures.of_another_make], ids=["none", "extras", "another make"]
)
def test_a_server_that_lets_nobody_in_is_not_accused(property_: Property, legal: Wrong, limit: int | None) -> None:
    """Where all are refused nothing is found, and nothing is accepted where that would cost money."""
    luma_target = target_on(legal, limit=limit)

    property_(luma_target)

    assert limit is None or luma_target.session.spending.spent == 0
