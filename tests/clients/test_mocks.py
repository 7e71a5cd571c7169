"""Mocks by the ids of cases: they conform, come in turn, share a router with others, and wrong use is told."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator

import httpx
import pytest
import respx

from luma_conformance.catalogue.files import own
from luma_conformance.clients.mocks import LumaErrors, to_request
from luma_conformance.errors import InputError
from luma_conformance.judge.answers import EveryResponse, judge_step
from luma_conformance.model import Exchange, Request, Response

URL = "https://agents.lumalabs.ai/v1/generations"
ID = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
REFUSED = "create/402-payment-required/image"
FULL = "create/429-rpm/window-full"
ACCEPTED = "create/201-created/page-example"


@pytest.fixture(scope="module")
def luma_errors() -> Iterator[LumaErrors]:
    """Return what makes the mocks, one for all tests: they are slower to begin than to run."""
    with LumaErrors() as errors:
        yield errors


def test_the_mock_of_every_case_conforms_to_that_case(luma_errors: LumaErrors) -> None:
    """What each id of the catalogue stands for is what its own case expects, headers included."""
    saved = {"generation": ID, "created": "2026-04-08T12:00:00Z", "first-url": "", "second-url": ""}
    every = EveryResponse(own().holdings)
    wrong = {}
    for case in own():
        ask = case.steps[-1].ask
        url = ask.url if "{" not in ask.url else f"/v1/generations/{ID}"
        headers = {"X-Request-Id": "a-7", **ask.headers}
        sent = httpx.Request(
            ask.method,
            f"https://agents.lumalabs.ai{url}",
            headers={name: value for name, value in headers.items() if value is not None},
        )
        got = luma_errors(case.id)(sent)
        exchange = Exchange(request=to_request(sent), response=to_ours(got), sent=0, received=0)
        if not ask.url.startswith("/"):  # storage answers, not the API
            exchange = Exchange(request=Request(method="GET", url=url[1:]), response=to_ours(got), sent=0, received=0)
        if found := judge_step(case, len(case.steps), [exchange], saved, every).mismatches:
            wrong[case.id] = found

    assert wrong == {}
    assert len(own()) >= 442


def to_ours(response: httpx.Response) -> Response:
    """Return a response of httpx as one of ours."""
    headers = tuple(response.headers.multi_items())
    return Response(status=response.status_code, headers=headers, body=response.content)


def test_replies_come_in_turn_and_the_last_one_stays(luma_errors: LumaErrors) -> None:
    """Twice refused, then accepted, and accepted from then on."""
    mock = luma_errors(FULL).times(2).then(ACCEPTED)
    client = httpx.Client(transport=httpx.MockTransport(mock))

    assert [client.post(URL).status_code for _ in range(5)] == [429, 429, 201, 201, 201]
    assert repr(mock) == f"<LumaMock: 429 {FULL} 2 times, then 201 {ACCEPTED}>"


def test_a_mock_that_is_extended_does_not_change(luma_errors: LumaErrors) -> None:
    """`times` and `then` make new mocks, which begin from the first reply."""
    refused = luma_errors(REFUSED)
    longer = refused.then(ACCEPTED)
    client = httpx.Client(transport=httpx.MockTransport(refused))

    assert [client.post(URL).status_code for _ in range(2)] == [402, 402]
    assert [longer(httpx.Request("POST", URL)).status_code for _ in range(2)] == [402, 201]


def test_what_can_be_replied(luma_errors: LumaErrors) -> None:
    """Errors of httpx, as a class or a value, responses, functions and other mocks have their turn like answers."""
    mine = httpx.Response(418, json={"detail": "short and stout"})
    boom = httpx.ConnectTimeout("too slow")
    mock = luma_errors(
        "create/502-bad-gateway/source", httpx.ReadError, boom, mine, mine, lambda request: httpx.Response(204)
    ).then(luma_errors(FULL).times(2), ACCEPTED)
    client = httpx.Client(transport=httpx.MockTransport(mock))
    seen: list[object] = []
    for _ in range(9):
        try:
            answer = client.post(URL)
        except httpx.TransportError as error:
            seen.append((type(error).__name__, str(error.request.url) == URL))
        else:
            seen.append(answer.json()["detail"] if answer.status_code == 418 else answer.status_code)

    errors = [("ReadError", True), ("ConnectTimeout", True)]
    assert seen == [502, *errors, "short and stout", "short and stout", 204, 429, 429, 201]


def test_headers_can_be_changed_and_left_out(luma_errors: LumaErrors) -> None:
    """Any Retry-After, or none, with the rest as documented; the case of names does not matter."""
    short, none = luma_errors(FULL, headers={"retry-after": "2"}), luma_errors(FULL, headers={"Retry-After": None})
    first, second = (mock(httpx.Request("POST", URL)) for mock in (short, none))

    assert first.headers.get_list("Retry-After") == ["2"]
    assert "Retry-After" not in second.headers
    assert second.headers["X-RateLimit-Remaining"] == "0"


def test_the_window_is_told_in_virtual_time(luma_errors: LumaErrors) -> None:
    """X-RateLimit-Reset is ahead of `time.time()` by Retry-After, also when hours were slept."""
    time.sleep(7200)
    answer = luma_errors(FULL)(httpx.Request("POST", URL))

    assert 11 <= int(answer.headers["X-RateLimit-Reset"]) - int(time.time()) <= 12


@pytest.mark.parametrize(
    "root", [None, "https://agents.lumalabs.ai", "https://agents.lumalabs.ai/v1", "https://agents.lumalabs.ai/v1/"]
)
def test_a_mock_takes_its_route_on_a_router_of_yours(luma_errors: LumaErrors, root: str | None) -> None:
    """Beside other routes, whatever base URL the router has, and for creating and polling."""
    with respx.mock(base_url=root) as router:
        create = luma_errors(REFUSED).route(router)
        poll = luma_errors("get/200-ok/processing").times(3).then("async/failure-codes/content-moderated").route(router)
        other = router.get("/mine" if root else "https://agents.lumalabs.ai/mine")

        assert httpx.post(URL).status_code == 402
        assert [httpx.get(f"{URL}/{ID}").json()["state"] for _ in range(4)] == ["processing"] * 3 + ["failed"]
        assert httpx.get(f"{(root or 'https://agents.lumalabs.ai').rstrip('/')}/mine").status_code == 200
        assert (create.call_count, poll.call_count, other.call_count) == (1, 4, 1)


def test_a_mock_without_a_router_gets_one_beside_yours() -> None:
    """The kit's own router and another one are active together, and nothing is left of it."""
    with LumaErrors() as luma_errors, respx.mock as router:
        router.get("https://example.org/")
        create = luma_errors(ACCEPTED).route()

        assert httpx.post("http://127.0.0.1:9/v1/generations").status_code == 201
        assert httpx.get("https://example.org/").status_code == 200
        assert create.called

    with pytest.raises(httpx.ConnectError):
        httpx.post("http://127.0.0.1:9/v1/generations")


def test_an_expired_output_has_its_route_too() -> None:
    """A download is answered at the storage host of the documented output URLs, with or without success."""
    with LumaErrors() as luma_errors:
        luma_errors("get/200-ok/completed-image").route()
        luma_errors(lambda request: httpx.Response(403)).then("urls/fresh-url/downloads").route()
        url = httpx.get(f"{URL}/{ID}").json()["output"][0]["url"]

        assert [httpx.get(url).status_code for _ in range(2)] == [403, 200]


def test_a_client_of_asyncio_is_answered_as_well(luma_errors: LumaErrors) -> None:
    """The same mock serves `httpx.AsyncClient`, through a transport and through respx."""

    async def client(transport: httpx.MockTransport | None = None) -> list[int]:
        async with httpx.AsyncClient(transport=transport) as client:
            return [(await client.post(URL)).status_code for _ in range(2)]

    mock = luma_errors(FULL).then(ACCEPTED)
    assert asyncio.run(client(httpx.MockTransport(mock))) == [429, 201]
    with respx.mock() as router:
        luma_errors(FULL).then(ACCEPTED).route(router)
        assert asyncio.run(client()) == [429, 201]


def test_what_a_pattern_of_respx_names_does_no_harm(luma_errors: LumaErrors) -> None:
    """A route whose pattern has named groups passes them to its side effect."""
    with respx.mock() as router:
        router.get(url__regex=r".*/generations/(?P<id>[^/]+)").mock(
            side_effect=luma_errors("get/404-does-not-exist/nil-uuid")
        )

        assert httpx.get(f"{URL}/{ID}").json() == {"detail": "Generation not found"}


def test_a_route_that_was_never_asked_is_told() -> None:
    """A mock that nothing reached has proved nothing, and one that was reached is fine."""
    with LumaErrors() as luma_errors:
        luma_errors(REFUSED).route()
        httpx.post(URL)
        luma_errors.check_called()
        luma_errors("get/200-ok/queued").then(httpx.ReadError).route()

        with pytest.raises(
            AssertionError, match=r"never sent what .*: <LumaMock: 200 get/200-ok/queued, then ReadError>"
        ):
            luma_errors.check_called()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda errors: errors("create/402-payment-required/imge"), "did you mean create/402-payment-required/image"),
        (lambda errors: errors("create/429-rpm"), "is no case but a section"),
        (lambda errors: errors(REFUSED).then("create/500"), "no case is called 'create/500'"),
        (lambda errors: errors(402), "402 is no reply; one is the id of a case"),
        (lambda errors: errors(None), "None is no reply"),
        (lambda errors: errors(REFUSED, KeyboardInterrupt), "is no reply"),
        (lambda errors: errors(), "needs a reply, such as"),
        (lambda errors: errors(REFUSED).times(0), "whole number from 1, not 0"),
        (lambda errors: errors(REFUSED).times(1.5), r"whole number from 1, not 1\.5"),
        (lambda errors: errors(REFUSED).times("2"), "whole number from 1, not '2'"),
        (lambda errors: errors(httpx.ReadError).route(), r"respx_mock\.post\(URL\)\.mock\(side_effect="),
    ],
)
def test_wrong_use_is_told(luma_errors: LumaErrors, wrong: object, says: str) -> None:
    """An unknown id, another type and a number that makes no sense say what is right."""
    assert callable(wrong)
    with pytest.raises(InputError, match=says):
        wrong(luma_errors)


def test_a_route_that_nobody_would_take_down_is_refused() -> None:
    """Before and after it is active, `luma_errors` puts nothing in place."""
    luma_errors = LumaErrors()
    with pytest.raises(InputError, match="it is not active"):
        luma_errors(REFUSED).route()
    with luma_errors:
        luma_errors(REFUSED).route()
    with pytest.raises(InputError, match="it is not active"):
        luma_errors(REFUSED).route()


@pytest.mark.parametrize("missing", ["respx", "httpx"])
def test_without_the_extra_it_says_what_to_install(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a package of the extra is missing, the error names it and the command."""
    monkeypatch.setitem(sys.modules, missing, None)

    with pytest.raises(
        InputError, match=rf"luma_errors needs {missing}: pip install 'luma-agents-conformance\[clients\]'"
    ):
        LumaErrors()
