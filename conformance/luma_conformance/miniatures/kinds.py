"""The kinds of answers the page prints: how to recognize each among the reference's, and a request that gets it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from luma_conformance.miniatures.controls import FAILING, IMAGE, IMAGE_EDIT, SLOTS, STAYING, give
from luma_conformance.miniatures.miniature import TYPED, Asked, Wait, Witness, create, poll, read_json
from luma_conformance.miniatures.pictures import png
from luma_conformance.miniatures.places import inline
from luma_conformance.model import GENERATIONS_PATH, Request, Response

NOBODY: Final = "3f0c9f6e-1b7a-4d64-9a53-0a1b2c3d4e5f"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of answer under a heading of the page."""

    name: str
    heading: str
    status: int
    detail: str = ""
    state: str = ""
    polled: bool | None = None
    of: Callable[[Request], bool] = lambda _: True
    witness: Witness

    def matches(self, request: Request, response: Response) -> bool:
        """Return whether an answer is of this kind."""
        if response.status != self.status or not request.url.startswith(GENERATIONS_PATH):
            return False
        if self.polled is not None and self.polled is not (request.method == "GET"):
            return False
        body = read_json(response.body)
        if self.detail and self.detail not in str(body.get("detail")):
            return False
        return (not self.state or body.get("state") == self.state) and self.of(request)

    def touches(self, asked: Asked) -> bool:
        """Return whether the reference's answer to a request is of this kind."""
        return self.matches(asked.request, asked.answer)


def keyed(token: str, method: str = "POST", body: bytes = b'{"prompt": "A sunset"}') -> Request:
    """Return a request with this very Authorization header, or none."""
    headers = (("Authorization", token), *TYPED) if token else TYPED
    url = GENERATIONS_PATH if method == "POST" else f"{GENERATIONS_PATH}/{NOBODY}"
    return Request(method=method, url=url, headers=headers, body=body if method == "POST" else b"")


def _full(client: str, count: int) -> Witness:
    return lambda: [create({"prompt": STAYING[0]}, client) for _ in range(count + 1)]


def _polled(prompt: str, seconds: float) -> Witness:
    return lambda: (create({"prompt": prompt}), Wait(seconds), poll())


_PLAIN: Final = "A harbour at first light"


def _kinds() -> Iterator[Kind]:
    yield Kind(name="created", heading="201 — Created (success)", status=201, witness=lambda: (create(IMAGE),))
    success = "200 — OK (success)"
    for state, prompt in (("queued", STAYING[0]), ("processing", STAYING[1]), ("completed", _PLAIN)):
        yield Kind(name=state, heading=success, status=200, state=state, witness=_polled(prompt, 5))
    failed = _polled(FAILING[0], 5)
    yield Kind(name="failed", heading="Failed response structure", status=200, state="failed", witness=failed)
    yield Kind(name="400", heading="Error response format", status=400, witness=lambda: (create(give(IMAGE, prompt="")),))  # fmt: skip
    yield from _callers()
    yield from _lookups()
    yield from _media()
    yield from _limits()


def _callers() -> Iterator[Kind]:
    rows = (
        ("401-missing", "401 — Missing Authorization header", "Missing or invalid", lambda: (keyed(""),)),
        ("401-invalid", "401 — Invalid API key (wrong value, lookup failed)", "Invalid API key", lambda: (keyed("Bearer luma-api-nobody"),)),
        ("401-revoked", "401 — Revoked API key", "revoked", lambda: (keyed("Bearer luma-api-test-revoked"),)),
        ("401-expired", "401 — Expired API key", "expired", lambda: (keyed("Bearer luma-api-test-expired"),)),
    )  # fmt: skip
    for name, heading, detail, witness in rows:
        yield Kind(name=name, heading=heading, status=401, detail=detail, polled=False, witness=witness)
    unseen = "401 — Unauthorized"
    yield Kind(name="401-polled", heading=unseen, status=401, polled=True, witness=lambda: (keyed("", "GET"),))
    yield Kind(name="402", heading="402 — Payment Required", status=402, witness=lambda: (create(IMAGE, "unfunded"),))
    for name in ("suspended", "deactivated"):
        yield Kind(name=f"403-{name}", heading=f"403 — API client is {name}", status=403, detail=name, witness=lambda name=name: (create(IMAGE, name),))  # fmt: skip


def _media() -> Iterator[Kind]:
    yield Kind(name="413", heading="413 — Payload Too Large", status=413, witness=lambda: (create(give(IMAGE, image_ref=[inline(png(8001, 9))])),))  # fmt: skip
    fetch = {"url": "https://unreachable.test/a.png"}
    for name, heading, detail, body in (
        ("422-manga", "422 — Manga style with a non-portrait aspect ratio", "manga", give(IMAGE, style="manga", aspect_ratio="1:1")),
        ("422-base64", "422 — Invalid base64 data", "base64", give(IMAGE, image_ref=[{"data": "!!", "media_type": "image/png"}])),
        ("422-fetch", "422 — URL fetch failure — unreachable host", "failed to fetch", give(IMAGE, image_ref=[fetch])),
    ):  # fmt: skip
        yield Kind(name=name, heading=heading, status=422, detail=detail, witness=lambda body=body: (create(body),))
    down, off = ({"url": f"https://media.test/{name}.png"} for name in ("proxy-down", "ingestion-off"))
    bad = "502 — Bad Gateway"
    yield Kind(name="502", heading=bad, status=502, witness=lambda: (create(give(IMAGE_EDIT, source=down)),))
    away = "503 — Service Unavailable"
    yield Kind(name="503", heading=away, status=503, witness=lambda: (create(give(IMAGE_EDIT, source=off)),))


def _limits() -> Iterator[Kind]:
    yield Kind(name="429-rate", heading="429 — Requests-per-minute (RPM) limit exceeded", status=429, detail="Rate limit", witness=_full("low-rpm", 3))  # fmt: skip
    yield Kind(name="429-jobs", heading="429 — Concurrent job limit exceeded", status=429, detail="concurrent", witness=_full("low-concurrency", SLOTS))  # fmt: skip


def _name(request: Request) -> str:
    return request.url.partition("?")[0].removeprefix(f"{GENERATIONS_PATH}/")


def _is_uuid(text: str) -> bool:
    parts = text.split("-")
    return [len(part) for part in parts] == [8, 4, 4, 4, 12] and all(part.isalnum() for part in parts)


def _lookups() -> Iterator[Kind]:
    missing = "404 — Generation does not exist"
    yield Kind(
        name="404-nobody",
        heading=missing,
        status=404,
        of=lambda request: _is_uuid(_name(request)) and not _is_foreign(request),
        witness=lambda: (poll(NOBODY),),
    )
    yield Kind(
        name="404-foreign",
        heading="404 — Generation belongs to another API key",
        status=404,
        of=_is_foreign,
        witness=lambda: (create(IMAGE), poll("{id:0}", "other")),
    )
    yield Kind(
        name="404-malformed",
        heading="404 — Invalid generation ID format",
        status=404,
        of=lambda request: not _is_uuid(_name(request)),
        witness=lambda: (poll("not-a-uuid"),),
    )


def _is_foreign(request: Request) -> bool:
    """Return whether a lookup is one that another client makes: who owns the id shows in no single request."""
    return any("-other" in value for name, value in request.headers if name.lower() == "authorization")


KINDS: Final[tuple[Kind, ...]] = tuple(_kinds())
"""Every kind of answer."""
ERRORS: Final = tuple(kind for kind in KINDS if kind.status >= 400)
SUCCESSES: Final = tuple(kind for kind in KINDS if kind.status < 400)
