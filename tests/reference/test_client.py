"""The official Python client, unchanged, against the reference on a real port."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx
import luma_agents
import pytest

from luma_conformance.reference import Settings
from luma_conformance.reference.asgi import serving
from tests.reference.asking import COMPLETED_IMAGE, COMPLETED_VIDEO, key

SUNSET = "A sunset over the ocean"
QUICK = Settings(queued_seconds=0.01, processing_seconds=0.01)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Yield the URL of a reference whose jobs take 20 ms."""
    with serving(QUICK) as served:
        yield served


@pytest.fixture(scope="module")
def clients(url: str) -> Iterator[Any]:
    """Return a function that makes the client with the key of `who`; one each, and none retries."""
    made: dict[str, luma_agents.Luma] = {}

    def client(who: str = "main") -> luma_agents.Luma:
        if who not in made:
            made[who] = luma_agents.Luma(auth_token=key(who), base_url=f"{url}/v1", max_retries=0)
        return made[who]

    yield client
    for one in made.values():
        one.close()


def finished(client: luma_agents.Luma, generation_id: str) -> Any:
    """Poll until a generation has ended."""
    for _ in range(200):
        generation = client.generations.get(generation_id)
        if generation.state in ("completed", "failed"):
            return generation
        time.sleep(0.005)
    pytest.fail("it never ended")


@pytest.mark.parametrize(
    ("asked", "kind"),
    [
        ({}, "image/png"),
        ({"model": "ray-3.2", "type": "video", "aspect_ratio": "16:9"}, "video/mp4"),
        ({"model": "ray-3.2", "type": "video_edit", "source": {"generation_id": COMPLETED_VIDEO}}, "video/mp4"),
    ],
)
def test_a_job_is_followed_from_request_to_file(clients: Any, asked: dict[str, Any], kind: str) -> None:
    """Create, poll to the end, load the output: the page's quick start."""
    client = clients()
    created = client.generations.create(prompt=SUNSET, **asked)
    assert (created.state, created.output) == ("queued", [])
    generation = finished(client, created.id)
    assert (generation.state, generation.failure_code) == ("completed", None)
    loaded = httpx.get(generation.output[0].url)
    assert (loaded.status_code, loaded.headers["Content-Type"]) == (200, kind)


def test_a_failed_job_is_no_exception(clients: Any) -> None:
    """The client returns it, with code and reason."""
    client = clients()
    failed = finished(client, client.generations.create(prompt="[test] fail content_moderated").id)
    assert (failed.state, failed.failure_code, failed.output) == ("failed", "content_moderated", [])
    assert failed.failure_reason == "Generation output was flagged by our content moderation system."


@pytest.mark.parametrize(
    ("who", "asked", "error", "status", "detail"),
    [
        ("main", {"prompt": ""}, luma_agents.BadRequestError, 400, "Prompt must be between 1 and 6000 characters"),
        ("nobody", {}, luma_agents.AuthenticationError, 401, "Invalid API key"),
        ("revoked", {}, luma_agents.AuthenticationError, 401, "API key has been revoked"),
        ("expired", {}, luma_agents.AuthenticationError, 401, "API key has expired"),
        ("unfunded", {}, luma_agents.APIStatusError, 402, "Insufficient balance. Please add funds to continue."),
        ("suspended", {}, luma_agents.PermissionDeniedError, 403, "API client is suspended"),
        ("deactivated", {}, luma_agents.PermissionDeniedError, 403, "API client is deactivated"),
        ("main", "over-50-mb", luma_agents.APIStatusError, 413, "image_ref[0]: image exceeds 50 MB limit"),
        ("main", "missing", luma_agents.UnprocessableEntityError, 422, "image_ref[0]: failed to fetch URL (HTTP 404)"),
        ("main", "proxy-down", luma_agents.InternalServerError, 502, "image_ref[0]: fetch proxy unavailable"),
        (
            "main",
            "ingestion-off",
            luma_agents.InternalServerError,
            503,
            "Media URL ingestion is unavailable (fetch proxy not configured)",
        ),
    ],
)
def test_each_status_is_its_exception(
    clients: Any, who: str, asked: Any, error: type[luma_agents.APIStatusError], status: int, detail: str
) -> None:
    """Status and detail arrive, as exactly the class the client has for them; 402 and 413 have none of their own."""
    if isinstance(asked, str):
        asked = {"image_ref": [{"url": f"https://media.test/{asked}.png"}]}
    with pytest.raises(luma_agents.APIStatusError) as caught:
        clients(who).generations.create(**{"prompt": SUNSET, **asked})
    assert type(caught.value) is error
    assert (caught.value.status_code, caught.value.body) == (status, {"detail": detail})


def test_a_foreign_or_unknown_generation_is_404(clients: Any) -> None:
    """An unknown id and another client's are one exception with one body."""
    for who, generation in (("main", "nothing"), ("other", COMPLETED_IMAGE)):
        with pytest.raises(luma_agents.NotFoundError) as caught:
            clients(who).generations.get(generation)
        assert caught.value.body == {"detail": "Generation not found"}


def test_another_key_of_the_client_finds_it(clients: Any) -> None:
    """Generations belong to the client."""
    assert clients("second").generations.get(COMPLETED_IMAGE).state == "completed"


def test_the_rate_limit_is_its_exception_with_its_headers(clients: Any) -> None:
    """Remaining falls on each 201; the 429 has Retry-After and a Reset that agree."""
    client = clients("low-rpm")
    for left in ("2", "1", "0"):
        response = client.generations.with_raw_response.create(prompt=SUNSET)
        assert response.headers["X-RateLimit-Remaining"] == left
    begun = time.time()
    with pytest.raises(luma_agents.RateLimitError) as caught:
        client.generations.create(prompt=SUNSET)
    headers = caught.value.response.headers
    assert caught.value.body == {"detail": "Rate limit exceeded"}
    assert 1 <= int(headers["Retry-After"]) <= 60
    assert begun - 1 <= int(headers["X-RateLimit-Reset"]) - int(headers["Retry-After"]) <= time.time() + 1


def test_too_many_jobs_is_the_same_exception_without_rate_headers(clients: Any) -> None:
    """The detail and the headers tell the two limits apart."""
    client = clients("low-concurrency")
    for _ in range(2):
        client.generations.create(prompt="[test] stay processing")
    with pytest.raises(luma_agents.RateLimitError, match="Too many concurrent jobs") as caught:
        client.generations.create(prompt=SUNSET)
    assert caught.value.response.headers["Retry-After"] == "60"
    assert "X-RateLimit-Remaining" not in caught.value.response.headers


def test_a_request_id_is_echoed_to_the_client(clients: Any) -> None:
    """What the caller sends for tracing is in the answer."""
    raw = clients().generations.with_raw_response.get(COMPLETED_IMAGE, extra_headers={"X-Request-Id": "myapp-7"})
    assert raw.headers["X-Request-Id"] == "myapp-7"


def test_the_client_validates_what_it_reads(url: str) -> None:
    """With strict validation the client finds nothing to complain of."""
    with luma_agents.Luma(
        auth_token=key("main"), base_url=f"{url}/v1", max_retries=0, _strict_response_validation=True
    ) as strict:
        created = strict.generations.create(prompt=SUNSET, aspect_ratio=None)
        assert strict.generations.get(created.id).model == "uni-1"
        assert [output.type for output in strict.generations.get(COMPLETED_VIDEO).output or []] == ["video"]
