"""The reference behind clients of any make, on virtual time: minutes and hours cost milliseconds."""

from __future__ import annotations

import asyncio
import json
import threading
import time
import urllib.error
import urllib.request
from typing import Any

import aiohttp
import httpx
import pytest
import requests
import respx
from urllib3 import Retry

from luma_conformance.clients.transport import API, LumaReference
from luma_conformance.errors import InputError
from luma_conformance.judge.rate_limit import judge_rate_limit
from luma_conformance.model import header
from luma_conformance.reference import Settings

PROMPT = {"prompt": "a lighthouse"}


def authorize(reference: LumaReference, role: str = "main-key") -> dict[str, str]:
    """Return the header that a client sends its key in."""
    return {"Authorization": f"Bearer {reference.key(role)}"}


def generate(client: httpx.Client) -> dict[str, Any]:
    """Create a generation, wait out the rate limit, poll every five seconds, and return what it came to."""
    while (answer := client.post("/generations", json=PROMPT)).status_code == 429:
        time.sleep(int(answer.headers["Retry-After"]))
    while True:
        found: dict[str, Any] = client.get(f"/generations/{answer.json()['id']}").json()
        if found["state"] in ("completed", "failed"):
            return found
        time.sleep(5)


def test_a_client_of_httpx_lives_through_it_all_at_once() -> None:
    """A generation is made, its output downloaded; an hour later the URL has expired, and a fresh one works."""
    with LumaReference() as reference:
        client = httpx.Client(base_url=API, transport=reference.transport, headers=authorize(reference))
        made = generate(client)
        url = made["output"][0]["url"]
        fine = client.get(url)
        reference.time.sleep(3600)
        expired = client.get(url)
        fresh = client.get(client.get(f"/generations/{made['id']}").json()["output"][0]["url"])

    assert url.startswith("https://agents.lumalabs.ai/")
    assert (fine.status_code, expired.status_code, fresh.status_code) == (200, 403, 200)
    assert reference.waits == [5] * 6
    assert len(reference.exchanges) == 12


def test_the_limit_of_a_key_is_waited_out() -> None:
    """Ten requests with a key of three a minute take three minutes of its time, and the trace conforms."""
    with LumaReference() as reference:
        client = httpx.Client(base_url=API, transport=reference.transport, headers=authorize(reference, "low-rpm-key"))
        began = reference.time.now()
        while len([one for one in reference.exchanges if one.response.status == 201]) < 10:
            answer = client.post("/generations", json=PROMPT)
            time.sleep(int(answer.headers.get("Retry-After", 0)))
        took = reference.time.now() - began

    assert 180 <= took < 200
    assert judge_rate_limit(reference.exchanges).contradictions == ()


def test_a_client_of_asyncio_has_the_same_reference() -> None:
    """Several tasks poll side by side, so that they take as long as one."""
    with LumaReference() as reference:
        headers = authorize(reference)

        async def one(client: httpx.AsyncClient) -> str:
            made = (await client.post("/generations", json=PROMPT)).json()
            while (state := (await client.get(f"/generations/{made['id']}")).json()["state"]) != "completed":
                await asyncio.sleep(10)
            return str(state)

        async def client() -> list[str]:
            async with httpx.AsyncClient(base_url=API, transport=reference.transport, headers=headers) as client:
                return list(await asyncio.gather(*(one(client) for _ in range(5))))

        began = reference.time.now()
        assert asyncio.run(client()) == ["completed"] * 5
        assert 30 <= reference.time.now() - began < 40

    assert reference.waits == [10] * 15


def test_a_client_that_makes_its_own_transport_is_reached_through_respx() -> None:
    """At the API's own address, on the kit's router or on one of yours, and only there."""
    with LumaReference() as reference:
        reference.route()
        assert httpx.post(f"{API}/generations", json=PROMPT, headers=authorize(reference)).status_code == 201
    with LumaReference() as reference, respx.mock(assert_all_called=False) as router:
        router.get("https://example.org/").respond(204)
        route = reference.route(router)
        assert httpx.get(f"{API}/generations/none", headers=authorize(reference)).status_code == 404
        assert httpx.get("https://example.org/").status_code == 204
        assert route.call_count == len(reference.exchanges) == 1


def test_urllib_reaches_it_over_loopback() -> None:
    """A client of the standard library is told 429, sleeps a minute, and is served."""
    with LumaReference(Settings(rpm=1)) as reference:
        url = f"{reference.serve()}/generations"
        request = urllib.request.Request(url, json.dumps(PROMPT).encode(), authorize(reference))  # noqa: S310
        with urllib.request.urlopen(request) as first:  # noqa: S310
            assert first.status == 201
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request)  # noqa: S310
        with refused.value as answer:
            time.sleep(int(answer.headers["Retry-After"]))
        with urllib.request.urlopen(request) as second:  # noqa: S310
            assert second.status == 201

    assert reference.waits == [60]


def test_requests_reaches_it_over_loopback() -> None:
    """Its connection is kept alive, a chunked body is read, and the retries of urllib3 wait in virtual time."""
    with LumaReference() as reference, requests.Session() as session:
        retry = Retry(total=3, status_forcelist=[429], allowed_methods=None)
        session.mount("http://", requests.adapters.HTTPAdapter(max_retries=retry))
        session.headers.update(authorize(reference, "low-rpm-key"))
        url = f"{reference.serve()}/generations"
        for number in range(7):
            body = iter([b'{"prompt": ', b'"a lighthouse"}']) if number == 1 else json.dumps(PROMPT).encode()
            assert session.post(url, data=body).status_code == 201

    assert reference.waits == [60, 60]
    assert {one.request.body for one in reference.exchanges} == {json.dumps(PROMPT).encode()}


def test_an_output_expires_over_loopback_too() -> None:
    """The client's own sleep of an hour is one for the server, so its URL is refused and a fresh one is not."""
    with LumaReference() as reference, requests.Session() as session:
        session.headers.update(authorize(reference))
        url = f"{reference.serve()}/generations"
        poll = f"{url}/{session.post(url, json=PROMPT).json()['id']}"
        time.sleep(30)
        old = session.get(poll).json()["output"][0]["url"]
        assert requests.get(old, timeout=5).status_code == 200
        time.sleep(3600)
        assert requests.get(old, timeout=5).status_code == 403
        assert requests.get(session.get(poll).json()["output"][0]["url"], timeout=5).status_code == 200


def test_what_comes_first_is_told_by_ids() -> None:
    """Over loopback too: a 502, a dropped connection and a poll under way, and then the reference itself."""
    with LumaReference() as reference, requests.Session() as session:
        session.headers.update(authorize(reference))
        url = f"{reference.serve()}/generations"
        reference.first("create/502-bad-gateway/source", None)
        reference.first("get/200-ok/processing", "get/200-ok/processing")

        assert session.post(url, json=PROMPT).status_code == 502
        with pytest.raises(requests.ConnectionError):
            session.post(url, json=PROMPT)
        made = session.post(url, json=PROMPT)
        assert made.status_code == 201
        polls = [session.get(f"{url}/{made.json()['id']}").json() for _ in range(3)]

    assert [poll["state"] for poll in polls] == ["processing", "processing", "queued"]
    assert {poll["id"] for poll in polls} == {made.json()["id"]}


def test_what_comes_first_reaches_clients_of_httpx() -> None:
    """In process a dropped connection is the error that httpx raises for one; a wrong id is told at once."""
    with LumaReference() as reference:
        client = httpx.Client(base_url=API, transport=reference.transport, headers=authorize(reference))
        reference.first(None)
        with pytest.raises(httpx.RemoteProtocolError, match="disconnected"):
            client.post("/generations", json=PROMPT)
        assert client.post("/generations", json=PROMPT).status_code == 201
        with pytest.raises(InputError, match=r"did you mean get/200-ok/processing\?"):
            reference.first("get/200-ok/procesing")


def test_no_answer_times_out_because_another_task_sleeps() -> None:
    """While a minute passes for those that wait, requests under way with a timeout of seconds are answered."""
    with LumaReference(Settings(queued_seconds=100)) as reference:
        base_url, headers = reference.serve(), authorize(reference)

        async def one(client: aiohttp.ClientSession, number: int) -> int:
            await asyncio.sleep(number)
            for _ in range(3):
                async with client.post(f"{base_url}/generations", json=PROMPT) as answer:
                    await answer.read()
                await asyncio.sleep(60 + number / 10)
            return answer.status

        async def client() -> list[int]:
            timeout = aiohttp.ClientTimeout(total=2, sock_read=1)
            async with aiohttp.ClientSession(headers=headers, timeout=timeout) as client:
                return list(await asyncio.gather(*(one(client, number) for number in range(8))))

        assert asyncio.run(client()) == [201] * 8

    assert len(reference.exchanges) == 24


def test_several_threads_are_answered_one_after_the_other() -> None:
    """A pool of clients loses no request, and no thread or socket stays behind."""
    before = threading.active_count()
    with LumaReference() as reference:
        url, headers = f"{reference.serve()}/generations/none", authorize(reference)

        def client() -> None:
            with requests.Session() as session:
                for _ in range(20):
                    assert session.get(url, headers=headers).status_code == 404

        threads = [threading.Thread(target=client) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        kept = requests.Session()
        kept.get(url, headers=headers)  # this one never says goodbye

    assert len(reference.exchanges) == 161
    assert threading.active_count() == before
    with pytest.raises(requests.ConnectionError):
        kept.get(url)
    kept.close()


def test_a_failing_client_leaves_no_server() -> None:
    """An exception in the block passes, and the port is closed."""
    reference = LumaReference()
    with pytest.raises(InputError), reference:
        reference.key(reference.serve())

    with pytest.raises(requests.ConnectionError):
        requests.get(f"{reference.base_url}/generations/none", timeout=5)


def test_what_it_was_asked_is_kept() -> None:
    """Each exchange has the request as the client sent it, and the answer with the request's id."""
    with LumaReference() as reference:
        client = httpx.Client(base_url=API, transport=reference.transport, headers=authorize(reference))
        client.post("/generations", json={"prompt": ""}, headers={"X-Request-Id": "a-7"})
    (exchange,) = reference.exchanges

    assert (exchange.request.method, exchange.request.url) == ("POST", "/v1/generations")
    assert json.loads(exchange.request.body) == {"prompt": ""}
    assert "x-forwarded-proto" not in dict(exchange.request.headers)
    assert (exchange.response.status, header(exchange.response.headers, "X-Request-Id")) == (400, "a-7")


def test_roles_have_keys_and_values_and_unknown_ones_are_told() -> None:
    """What makes the reference fail is looked up by role."""
    with LumaReference() as reference:
        client = httpx.Client(base_url=API, transport=reference.transport, headers=authorize(reference))
        made = client.post("/generations", json={"prompt": reference.value("content-moderated-prompt")}).json()
        time.sleep(30)
        assert client.get(f"/generations/{made['id']}").json()["failure_code"] == "content_moderated"
        with pytest.raises(InputError, match=r"has no key 'low-rpm'; did you mean low-rpm-key\?"):
            reference.key("low-rpm")
        with pytest.raises(InputError, match=r"no value 'moderated-prompt'; did you mean content-moderated-prompt\?"):
            reference.value("moderated-prompt")
        assert repr(reference) == (
            f"<LumaReference: {API}, 2 requests; <VirtualTime: sleeping is replaced; waits=[30]>>"
        )
