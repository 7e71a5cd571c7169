"""A mock as a vendor may write it in an afternoon, with switches: for a right profile of it, and for lying ones."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from luma_conformance.catalogue.media import supply
from luma_conformance.model import Request, Response, header
from tests.kit import response

KEYS = {
    "k-main": "us", "k-second": "us", "k-other": "them", "k-poor": "poor", "k-rpm": "slow", "k-jobs": "few",
    "k-revoked": "API key has been revoked", "k-expired": "API key has expired",
    "k-suspended": "API client is suspended", "k-deactivated": "API client is deactivated",
}  # fmt: skip
FETCHED = {
    "https://cdn.test/gone.png": (422, "source: failed to fetch URL (HTTP 404)"),
    "https://cdn.test/secret.png": (422, "source: failed to fetch URL (HTTP 403)"),
    "https://cdn.test/a.pdf": (422, "source: content-type is not an image"),
    "https://cdn.test/big.png": (413, "source: image exceeds 50 MB limit"),
    "https://cdn.test/odd.png": (422, "could not get it, sorry"),
    "https://conformance.invalid/image.png": (422, "source: failed to fetch URL"),
}


LARGE = 100_000
"""Characters of a medium that is too large: fewer than in truth, which no test has to move."""


@dataclass
class Vendor:
    """The mock. A generation ends when it is polled for the second time, unless its prompt says otherwise."""

    keys: Mapping[str, str] = field(default_factory=lambda: KEYS)
    fetched: Mapping[str, tuple[int, str]] = field(default_factory=lambda: FETCHED)
    prompts: Mapping[str, str] = field(default_factory=lambda: {"do fail": "generation_failed", "do wait": "queued"})
    limits: Mapping[str, int] = field(default_factory=lambda: {"slow": 4})
    slots: Mapping[str, int] = field(default_factory=lambda: {"few": 2})
    clock: str | None = "server"
    files: bool = True
    decodes: bool = True
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    heard: list[Request] = field(default_factory=list)
    url: str = ""

    def __post_init__(self) -> None:
        self.ahead: dict[str, float] = {}

    def __call__(self, request: Request) -> Response:
        self.heard.append(request)
        if request.url.startswith("/files/"):
            return Response(status=200, body=b"PNG") if self.files else Response(status=404)
        return self._answer(request)

    def _answer(self, request: Request) -> Response:
        token = (header(request.headers, "Authorization") or "").removeprefix("Bearer ")
        client = self.keys.get(token)
        if client is None:
            return response(401, {"detail": "Invalid API key"})
        if client.startswith("API "):
            return response(403 if "client" in client else 401, {"detail": client})
        if request.url == "/clock" and self.clock is not None:
            return self._advance(client, json.loads(request.body)["by"])
        if request.method == "GET" and request.url.startswith("/v1/generations/"):
            return self._look_up(client, request.url.rpartition("/")[2])
        if request.method == "POST" and request.url == "/v1/generations":
            return self._create(client, json.loads(request.body))
        return response(404, {"detail": "Not Found"})

    def _advance(self, client: str, seconds: float) -> Response:
        if self.clock != "stuck":
            name = client if self.clock == "client" else ""
            self.ahead[name] = self.ahead.get(name, 0) + seconds
        return Response(status=204)

    def _look_up(self, client: str, name: str) -> Response:
        job = self.jobs.get(name)
        if job is None or job["client"] != client:
            return response(404, {"detail": "Generation not found"})
        job["polls"] += 1
        fate = self.prompts.get(job["prompt"], "completed")
        shown = {"id": name, "type": job["type"], "state": "queued", "output": [], "failure_code": None}
        if job["polls"] > 1 and fate == "completed":
            shown |= {"state": fate, "output": [{"url": f"{self.url}/files/{name}"}]}
        elif job["polls"] > 1 and fate not in ("queued", "processing"):
            shown |= {"state": "failed", "failure_code": fate}
        job["ended"] = shown["state"] in ("completed", "failed")
        return response(200, shown)

    def _create(self, client: str, body: dict[str, Any]) -> Response:
        source = body.get("source", {})
        status, detail = self.fetched.get(source.get("url"), (0, ""))
        if client == "poor":
            status, detail = 402, "Insufficient balance. Please add funds to continue."
        if source.get("data") == supply("inline-9000x6000") and self.decodes:
            detail = "source: image is 9000x6000px but each side must be <= 8000px. Resize and try again."
            status = 413
        if len(source.get("data", "")) >= LARGE:
            status, detail = 413, "source: image exceeds 50 MB limit"
        if sum(job["client"] == client and not job["ended"] for job in self.jobs.values()) >= self.slots.get(
            client, 999
        ):
            status, detail = 429, "Too many concurrent jobs"
        if status:
            return response(status, {"detail": detail})
        name, now = str(uuid.uuid4()), time.time() + self.ahead.get(client if self.clock == "client" else "", 0)
        kind = body.get("type", "image")
        self.jobs[name] = {"client": client, "prompt": body["prompt"], "type": kind, "polls": 0, "ended": False}
        created = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        limit = str(self.limits.get(client, 600))
        return response(
            201, {"id": name, "type": kind, "state": "queued", "created_at": created}, (("X-RateLimit-Limit", limit),)
        )
