"""The reference: a Luma Agents API that answers as the error-handling page says, without I/O and on any clock.

Requests to create a generation are answered from `luma_conformance.rules`, never from the catalogue. README.md lists
the choices made where the page is silent.
"""

from __future__ import annotations

import json
import math
import random
import uuid
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from luma_conformance.model import GENERATIONS_PATH, Clock, Headers, Request, Response, header
from luma_conformance.reference.cards import (
    CLIENTS,
    COMPLETED_IMAGE,
    COMPLETED_VIDEO,
    FAILS,
    KEY_PREFIX,
    KEYS,
    STAYS,
    ClientCard,
    KeyState,
)
from luma_conformance.reference.generations import Generation
from luma_conformance.reference.limits import SlidingWindow, Slots
from luma_conformance.reference.media import Loader
from luma_conformance.reference.origin import Origin, find_origin, is_forwarded, parse_public_url
from luma_conformance.reference.precedence import choose_answer
from luma_conformance.reference.settings import Settings
from luma_conformance.reference.storage import PREFIX, UNSIGNED, Storage
from luma_conformance.rules import Accepted, Prediction, Unspecified, predict
from luma_conformance.rules.facts import DEFAULT_MODEL, DEFAULT_TYPE

CLOCK: Final = "/_reference/clock"
PROFILE: Final = "/.well-known/luma-conformance.toml"
MOST_GENERATIONS: Final = 50_000
"""Generations that are remembered beside the ready-made ones: with each that is over, the oldest is forgotten."""
MOST_BODY: Final = 300_000_000
"""Bytes of a request's body: a video of 200 MB, the most there may be, has 280 million in base64."""
_API_VERSION: Final = ("X-API-Version", "2026-04-01")
_JSON: Final = ("Content-Type", "application/json")
_CENTURY: Final = 100 * 365 * 86_400
_MISSING_KEY: Final = "Missing or invalid API key"
_NOT_FOUND: Final = "Generation not found"
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False)


def profile_path() -> Path:
    """Return the file of the reference's own profile."""
    return Path(__file__).with_name("profile.toml")


@dataclass(slots=True, kw_only=True)
class _Client:
    """The state of a client; `ahead` is the number of seconds its clock was advanced by."""

    name: str
    card: ClientCard
    window: SlidingWindow
    slots: Slots
    ahead: float = 0.0


class _Refused(Exception):
    """Ends the handling of a request with an error answer."""

    def __init__(self, status: int, detail: str, headers: Headers = ()) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, headers


@dataclass(kw_only=True)
class Service:
    """The state of one server; requests are answered by `handle`.

    >>> from luma_conformance import Request, Service, VirtualClock
    >>> service = Service(clock=VirtualClock())
    >>> response = service.handle(Request(method="POST", url="/v1/generations", body=b'{"prompt": "a lighthouse"}'))
    >>> response.status, response.body
    (401, b'{"detail": "Missing or invalid API key"}')
    """

    clock: Clock
    settings: Settings = field(default_factory=Settings)
    seed: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311  ids need to be distinct, not secret
        self._public = parse_public_url(public) if (public := self.settings.public_url) is not None else None
        self._storage = Storage(self.settings.url_seconds)
        self._clients = {name: self._make_client(name, card) for name, card in CLIENTS.items()}
        self._generations: dict[str, Generation] = {}
        self._made: deque[str] = deque()
        long_ago = self.clock.now() - 600
        for generation, kind, model in ((COMPLETED_IMAGE, "image", "uni-1"), (COMPLETED_VIDEO, "video", "ray-3.2")):
            self._generations[generation] = Generation(
                id=generation, client="main", type=kind, model=model, created=long_ago, starts=long_ago, ends=long_ago
            )

    def handle(self, request: Request) -> Response:
        """Return the answer to a request."""
        if self._public is not None or is_forwarded(request.headers):
            request = replace(request, url=self._locate(request).localize(request.url))
        path = request.url.partition("?")[0]
        if path.startswith(PREFIX):
            return self._serve_file(request)
        if path == PROFILE:
            return Response(
                status=200, headers=(("Content-Type", "application/toml"),), body=profile_path().read_bytes()
            )
        try:
            status, body, headers = self._answer_api(request, path)
        except _Refused as refused:
            status, body, headers = refused.status, {"detail": refused.detail}, refused.headers
        tracing = ("X-Request-Id", header(request.headers, "X-Request-Id") or self._make_uuid())
        # Half a surrogate pair, which has no UTF-8, becomes JSON's own escape.
        payload = _ENCODER.encode(body).encode(errors="backslashreplace")
        return Response(status=status, headers=(_JSON, tracing, _API_VERSION, *headers), body=payload)

    def _answer_api(self, request: Request, path: str) -> tuple[int, Mapping[str, object], Headers]:
        polling = path.startswith(f"{GENERATIONS_PATH}/")
        if not polling and path not in (GENERATIONS_PATH, CLOCK):
            raise _Refused(404, "Not found")
        if len(request.body) > MOST_BODY:
            raise _Refused(413, f"Request body exceeds {MOST_BODY} bytes")
        allowed = "GET" if polling else "POST"
        if request.method != allowed:
            raise _Refused(405, "Method not allowed", (("Allow", allowed),))
        client = self._authenticate(request)
        if polling:
            return 200, self._poll(client, path.removeprefix(f"{GENERATIONS_PATH}/"), request), ()
        return (200, self._advance(client, request.body), ()) if path == CLOCK else self._create(client, request)

    def _authenticate(self, request: Request) -> _Client:
        scheme, _, token = (header(request.headers, "Authorization") or "").partition(" ")
        if scheme != "Bearer" or not token.startswith(KEY_PREFIX):
            raise _Refused(401, _MISSING_KEY)
        if token not in KEYS:
            raise _Refused(401, "Invalid API key")
        name, state = KEYS[token]
        if state is not KeyState.GOOD:
            raise _Refused(401, state.value)
        client = self._clients[name]
        if client.card.refused:
            raise _Refused(403, client.card.refused)
        return client

    def _create(self, client: _Client, request: Request) -> tuple[int, Mapping[str, object], Headers]:
        loader = Loader()
        body = self._validate(client, request, loader)
        now = self._read_clock(client)
        generation = self._make_generation(client, body, loader.failure, now)
        remaining = client.window.admit(now)
        client.slots.take(now, math.inf if generation.ends is None else generation.ends)
        self._generations[generation.id] = generation
        self._made.append(generation.id)
        if len(self._made) > MOST_GENERATIONS:
            self._generations.pop(self._made.popleft(), None)
        headers = _rate_headers(client.window.limit, remaining, int(now) + 60)
        return 201, generation.view(-math.inf, None), headers  # queued, however soon it starts

    def _validate(self, client: _Client, request: Request, loader: Loader) -> dict[str, object]:
        """Return the body of an acceptable request; raise the answer that comes first for any other."""
        try:
            body = json.loads(request.body)
        except (ValueError, RecursionError):
            raise _Refused(400, "Request body is not valid JSON") from None
        prediction = self._predict(body, loader)
        if isinstance(prediction, Unspecified):
            raise _Refused(400, f"Request is not supported: {prediction.reason}")
        refused = None if isinstance(prediction, Accepted) else choose_answer(prediction)
        if refused is not None and not refused.loading:
            raise _Refused(refused.status, refused.detail)
        assert isinstance(body, dict)
        self._check_references(client, body)
        self._check_limits(client)
        if refused is not None:
            raise _Refused(refused.status, refused.detail)
        return body

    def _predict(self, body: object, loader: Loader) -> Prediction:
        return predict(body, media=loader)

    def _check_limits(self, client: _Client) -> None:
        now = self._read_clock(client)
        if (full := client.window.refuse(now)) is not None:
            retry = ("Retry-After", str(full.retry_after))
            headers = (retry, *_rate_headers(client.window.limit, 0, full.reset))
            raise _Refused(429, "Rate limit exceeded", headers)
        if client.slots.is_full(now):
            raise _Refused(429, "Too many concurrent jobs", (("Retry-After", "60"),))
        if not client.card.funded:
            raise _Refused(402, "Insufficient balance. Please add funds to continue.")

    def _check_references(self, client: _Client, body: Mapping[str, object]) -> None:
        for path, reference, kind in _find_references(body):
            found = self._generations.get(reference)
            if found is None or found.client != client.name:
                raise _Refused(400, f"{path}: generation not found")
            if found.state(self._read_clock(client)) != "completed":
                raise _Refused(400, f"{path}: generation is not completed")
            if found.media != kind:
                raise _Refused(400, f"{path}: generation is no {kind}")

    def _make_generation(
        self, client: _Client, body: Mapping[str, object], failure: str | None, now: float
    ) -> Generation:
        prompt = str(body["prompt"])
        stays = STAYS.get(prompt)
        starts = now + self.settings.queued_seconds
        return Generation(
            id=self._make_uuid(),
            client=client.name,
            type=str(body.get("type", DEFAULT_TYPE)),
            model=str(body.get("model", DEFAULT_MODEL)),
            created=now,
            starts=None if stays == "queued" else starts,
            ends=None if stays else starts + self.settings.processing_seconds,
            failure=FAILS.get(prompt, failure),
        )

    def _poll(self, client: _Client, generation_id: str, request: Request) -> Mapping[str, object]:
        generation = self._generations.get(generation_id)
        if generation is None or generation.client != client.name:
            raise _Refused(404, _NOT_FOUND)
        now = self._read_clock(client)
        origin = str(self._locate(request))
        return generation.view(now, self._storage.url(origin, generation.id, generation.media, now))

    def _locate(self, request: Request) -> Origin:
        return self._public or find_origin(request.headers)

    def _serve_file(self, request: Request) -> Response:
        generation = self._generations.get(Storage.generation(request.url))
        if generation is None:
            return UNSIGNED
        return self._storage.answer(request.url, generation.media, self._read_clock(self._clients[generation.client]))

    def _advance(self, client: _Client, body: bytes) -> Mapping[str, object]:
        try:
            ahead = client.ahead + float(json.loads(body)["advance"])
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
            ahead = -1.0
        if not client.ahead <= ahead <= _CENTURY:
            raise _Refused(400, 'The body is {"advance": SECONDS}, of 0 or more and a century in all')
        client.ahead = ahead
        return {"now": self._read_clock(client)}

    def _read_clock(self, client: _Client) -> float:
        return self.clock.now() + client.ahead

    def _make_client(self, name: str, card: ClientCard) -> _Client:
        window = SlidingWindow(self.settings.rpm if card.rpm is None else card.rpm)
        slots = Slots(self.settings.concurrency if card.concurrency is None else card.concurrency)
        return _Client(name=name, card=card, window=window, slots=slots)

    def _make_uuid(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))


def _rate_headers(limit: int, remaining: int, reset: int) -> Headers:
    return (
        ("X-RateLimit-Limit", str(limit)),
        ("X-RateLimit-Remaining", str(remaining)),
        ("X-RateLimit-Reset", str(reset)),
    )


def _find_references(body: Mapping[str, object]) -> Iterator[tuple[str, str, str]]:
    """Yield the path and value of every generation_id in a body, and what kind of generation belongs there."""
    video = body.get("video")
    frames = video if isinstance(video, dict) else {}
    edited = "image" if body.get("type") == "image_edit" else "video"
    slots = [("source", body.get("source"), edited)]
    slots += [(f"video.{name}", frames.get(name), "video") for name in ("start_frame", "end_frame")]
    for path, reference, kind in slots:
        if isinstance(reference, dict) and isinstance(reference.get("generation_id"), str):
            yield path, reference["generation_id"], kind
