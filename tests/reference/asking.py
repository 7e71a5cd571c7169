"""Sends requests to a service as one of its clients, and reads the answers."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from luma_conformance.model import Headers, Request, Response, header
from luma_conformance.reference import Service, Settings, VirtualClock
from luma_conformance.reference.cards import COMPLETED_IMAGE, COMPLETED_VIDEO
from luma_conformance.reference.clock import START

SUNSET = {"prompt": "A sunset over the ocean"}
CREATE = "/v1/generations"
CLOCK = "/_reference/clock"
RATES = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
HEALTHY = Settings(queued_seconds=1, processing_seconds=4)
"""A second queued, four in processing."""


def key(client: str) -> str:
    """Return the test key that ends in `client`."""
    return f"luma-api-test-{client}"


class Desk:
    """A service on virtual time, and requests to it."""

    def __init__(self, settings: Settings = HEALTHY) -> None:
        self.clock = VirtualClock()
        self.service = Service(clock=self.clock, settings=settings)

    def ask(
        self, method: str, url: str, who: str | None = "main", *, headers: Headers = (), body: bytes = b""
    ) -> Response:
        """Send a request with the key of `who`, or with none."""
        if who is not None:
            headers = (("Authorization", f"Bearer {key(who)}"), *headers)
        return self.service.handle(Request(method=method, url=url, headers=headers, body=body))

    def create(self, body: object = SUNSET, who: str | None = "main", *, headers: Headers = ()) -> Response:
        """Post a body to /v1/generations."""
        return self.ask("POST", CREATE, who, headers=headers, body=json.dumps(body).encode())

    def made(self, body: object = SUNSET, who: str = "main") -> str:
        """Return the id of a generation that is accepted."""
        response = self.create(body, who)
        assert response.status == 201, response.body
        return str(data(response)["id"])

    def poll(self, generation: str, who: str | None = "main", *, headers: Headers = ()) -> Response:
        """Poll a generation."""
        return self.ask("GET", f"{CREATE}/{generation}", who, headers=headers)

    def state(self, generation: str, who: str = "main") -> str:
        """Return the state of a generation."""
        return str(data(self.poll(generation, who))["state"])

    def output(self, generation: str = COMPLETED_IMAGE, who: str = "main") -> str:
        """Return the path and query of a fresh output URL."""
        url = urlsplit(str(data(self.poll(generation, who))["output"][0]["url"]))
        return f"{url.path}?{url.query}"

    def file(self, local: str) -> Response:
        """Request a file from the storage, without a key."""
        return self.ask("GET", local, None)

    def advance(self, seconds: object, who: str = "main") -> Response:
        """Advance the clock of one client."""
        return self.ask("POST", CLOCK, who, body=json.dumps({"advance": seconds}).encode())


def data(response: Response) -> dict[str, Any]:
    """Return the JSON object of a response."""
    value = json.loads(response.body)
    assert isinstance(value, dict)
    return value


def answer(response: Response) -> tuple[int, str]:
    """Return the status and detail of an error, which has nothing but a text as detail."""
    body = data(response)
    assert list(body) == ["detail"]
    assert isinstance(body["detail"], str)
    return response.status, body["detail"]


def number(response: Response, name: str) -> int:
    """Return the whole number in a header."""
    value = header(response.headers, name)
    assert value is not None
    return int(value)


__all__ = (
    "CLOCK",
    "COMPLETED_IMAGE",
    "COMPLETED_VIDEO",
    "CREATE",
    "HEALTHY",
    "RATES",
    "START",
    "SUNSET",
    "Desk",
    "answer",
    "data",
    "key",
    "number",
)
