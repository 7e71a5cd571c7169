"""Operators on the two limits: what counts, for whom, how long, and what the refusal says."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import replace
from typing import Any, Final

from luma_conformance.miniatures.controls import CONTROLS, IMAGE, SLOTS, STAYING, VIDEO, give
from luma_conformance.miniatures.miniature import (
    TYPED,
    Area,
    Asked,
    Body,
    Family,
    Make,
    Miniature,
    Wait,
    Witness,
    create,
    moves,
    poll,
    read_json,
    serve,
)
from luma_conformance.model import Request, Response, header
from luma_conformance.reference.limits import SlidingWindow, Slots
from luma_conformance.reference.service import Service

RATE: Final = Family(Area.LIMITER, "rate", "429 — Requests-per-minute (RPM) limit exceeded")
JOBS: Final = Family(Area.SLOTS, "jobs", "429 — Concurrent job limit exceeded")


class Limited(Service):
    """A service whose limits can be kept for something else than a client; None: not kept at all."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._windows: dict[Hashable, SlidingWindow] = {}
        self._taken: dict[Hashable, Slots] = {}
        self.count = 0
        for client in self._clients.values():
            client.window = self.window(client.window.limit)
            client.slots = self.slots(client.slots._limit)

    def handle(self, request: Request) -> Response:
        """Return the answer, and remember the request for what counts."""
        self._asked = Asked(request=request, body=read_json(request.body))
        return super().handle(request)

    def window(self, limit: int) -> SlidingWindow:
        """Return a client's window."""
        return SlidingWindow(limit)

    def slots(self, limit: int) -> Slots:
        """Return a client's slots."""
        return Slots(limit)

    def _check_limits(self, client: Any) -> None:
        self._choose(client)
        super()._check_limits(client)

    def _choose(self, client: Any) -> None:
        """Give the client the window and the slots that this request counts in."""


def kept_for(what: Callable[[Asked, str], Hashable], limit: str) -> Make:
    """Return what makes a service that keeps a limit for something else than each client."""

    class Keyed(Limited):
        def _choose(self, client: Any) -> None:
            key = what(self._asked, client.name)
            if limit == "rate":
                client.window = self._windows.setdefault(key, SlidingWindow(client.window.limit))
            else:
                client.slots = self._taken.setdefault(key, Slots(client.slots._limit))

    return serve(Keyed)


def _field(name: str, default: object = None) -> Callable[[Asked, str], Hashable]:
    return lambda asked, client: (client, str(asked.body.get(name, default)))


def _header(name: str) -> Callable[[Asked, str], Hashable]:
    return lambda asked, client: (client, header(asked.request.headers, name))


_FEATURES: Final[tuple[tuple[str, str, Callable[[Asked, str], Hashable], Body], ...]] = (
    ("user_id", "user_id", _field("user_id"), {"user_id": "u-2"}),
    ("model", "model", _field("model", "uni-1"), {"model": "uni-1-max"}),
    ("type", "type", _field("type", "image"), VIDEO),
    ("medium", "kind of output", lambda asked, client: (client, "video" in str(asked.body.get("type"))), VIDEO),
    ("prompt", "prompt", _field("prompt"), {"prompt": STAYING[1]}),
    ("style", "style", _field("style", "auto"), {"style": "manga"}),
    ("aspect_ratio", "aspect_ratio", _field("aspect_ratio"), {"aspect_ratio": "16:9"}),
    ("output_format", "output_format", _field("output_format"), {"output_format": "png"}),
    ("body", "body", lambda asked, client: (client, asked.request.body), {"output_format": "jpeg"}),
    ("source", "whether there is a source", lambda asked, client: (client, bool(asked.body.get("source"))), CONTROLS["image_edit"]),
    ("media", "whether there are references", lambda asked, client: (client, bool(asked.body.get("image_ref"))), {"image_ref": [{"url": "https://media.test/image.png"}]}),
    ("resolution", "resolution", lambda asked, client: (client, str((asked.body.get("video") or {}).get("resolution"))), {**VIDEO, "video": {"resolution": "540p"}}),
)  # fmt: skip
_SENT: Final[tuple[tuple[str, str], ...]] = (("X-Request-Id", "another"), ("User-Agent", "another/1.0"), ("x-stainless-retry-count", "1"), ("Content-Type", "application/json; charset=utf-8"))  # fmt: skip


def rate(*bodies: Body) -> Witness:
    """Return a witness that sends these bodies with the key of few requests."""
    return lambda: [create({**IMAGE, **body}, "low-rpm") for body in bodies]


def jobs(*bodies: Body) -> Witness:
    """Return a witness that sends these bodies with the key of few jobs; the jobs stay queued."""
    return lambda: [create({"prompt": STAYING[0], **body}, "low-concurrency") for body in bodies]


def kept_for_others() -> Iterator[Miniature]:
    """Yield services that keep one of the limits for each value of something, and services that share one."""
    for limit, family in (("rate", RATE), ("jobs", JOBS)):
        for name, says, what, body in _FEATURES:
            other = {
                key: value for key, value in body.items() if limit == "rate" or key != "prompt" or name == "prompt"
            }
            yield family.derive(
                f"per-{name}",
                f"It keeps its {family.area} for each {says} of a client.",
                kept_for(what, limit),
                rate({}, {}, {}, other) if limit == "rate" else jobs({}, other),
            )
        for name, value in _SENT:
            yield family.derive(
                f"per-{name.lower()}",
                f"It keeps its {family.area} for each {name} of a client.",
                kept_for(_header(name), limit),
                _with_header(limit, name, value),
            )
        client = "low-rpm" if limit == "rate" else "low-concurrency"
        yield family.derive(
            "shared",
            f"All clients share one {family.area}.",
            _shared(limit),
            lambda client=client: [
                *(create({"prompt": STAYING[0]}, "main") for _ in range(4)),
                create({"prompt": STAYING[0]}, client),
            ],
        )


def _with_header(limit: str, name: str, value: str) -> Witness:
    client, count = ("low-rpm", 3) if limit == "rate" else ("low-concurrency", 1)
    plain = create({"prompt": STAYING[0]}, client)
    other = create({"prompt": STAYING[0]}, client, (*(one for one in TYPED if one[0] != name), (name, value)))
    return lambda: [*[plain] * count, other]


def _shared(limit: str) -> Make:
    class Shared(Limited):
        """What each client does counts for all of those with a small limit."""

        def _create(self, client: Any, request: Request) -> Any:
            made = super()._create(client, request)
            for other in self._clients.values():
                if other is client:
                    continue
                if limit == "rate":
                    other.window.refuse(self._read_clock(other))
                    other.window.admit(self._read_clock(other))
                else:
                    other.slots.take(self._read_clock(other), self._read_clock(other) + 60)
            return made

    return serve(Shared)


def _uncounted(where: Callable[[Asked], bool], limit: str) -> Make:
    """Return what makes a service that leaves some accepted requests out of a limit."""

    class Free(Limited):
        def _check_limits(self, client: Any) -> None:
            kept = client.window, client.slots
            if where(self._asked):
                if limit == "rate":
                    client.window = SlidingWindow(10**9)
                    client.window.limit = kept[0].limit
                    client.window.refuse = lambda _: None
                else:
                    client.slots = Slots(10**9)
            try:
                super()._check_limits(client)
            finally:
                self._kept = kept

        def _create(self, client: Any, request: Request) -> Any:
            try:
                return super()._create(client, request)
            finally:
                client.window, client.slots = getattr(self, "_kept", (client.window, client.slots))

    return serve(Free)


def uncounted() -> Iterator[Miniature]:
    """Yield services that do not count some requests in one of the limits."""
    rows: tuple[tuple[str, str, Callable[[Asked], bool], Body], ...] = (
        ("user_id", "with a user_id", lambda asked: "user_id" in asked.body, {"user_id": "u-1"}),
        ("video", "of type video", lambda asked: asked.body.get("type") == "video", VIDEO),
        ("image_edit", "of type image_edit", lambda asked: asked.body.get("type") == "image_edit", CONTROLS["image_edit"]),
        ("image", "of type image", lambda asked: asked.body.get("type", "image") == "image", {}),
        ("uni-1-max", "for uni-1-max", lambda asked: asked.body.get("model") == "uni-1-max", {"model": "uni-1-max"}),
        ("ray", "for ray-3.2", lambda asked: asked.body.get("model") == "ray-3.2", VIDEO),
        ("manga", "with style manga", lambda asked: asked.body.get("style") == "manga", {"style": "manga"}),
        ("search", "with web_search", lambda asked: asked.body.get("web_search") is True, {"web_search": True}),
        ("references", "with references", lambda asked: bool(asked.body.get("image_ref")), {"image_ref": [{"url": "https://media.test/image.png"}]}),
        ("long", "with a long prompt", lambda asked: len(str(asked.body.get("prompt"))) > 500, {"prompt": "l" * 600}),
        ("traced", "with an X-Request-Id", lambda asked: header(asked.request.headers, "X-Request-Id") is not None, {}),
        ("processing", "whose job is processing at once", lambda asked: asked.body.get("prompt") == STAYING[1], {"prompt": STAYING[1]}),
        ("all", "at all", lambda _: True, {}),
    )  # fmt: skip
    for limit, family in (("rate", RATE), ("jobs", JOBS)):
        for name, says, where, body in rows:
            kept = {key: value for key, value in body.items() if key != "prompt" or name in ("long", "processing")}
            yield family.derive(
                f"uncounted-{name}",
                f"It does not count requests {says} in its {family.area}.",
                _uncounted(where, limit),
                rate(body, body, body, body) if limit == "rate" else jobs(kept, kept),
            )


def _counting(where: Callable[[Asked, int], bool], limit: str) -> Make:
    """Return what makes a service in which requests that create nothing count in a limit."""

    class Counting(Limited):
        def handle(self, request: Request) -> Response:
            response = super().handle(request)
            if response.status != 201 and where(self._asked, response.status):
                token = (header(request.headers, "Authorization") or "").rpartition("-")[2]
                client = next((one for name, one in self._clients.items() if name.endswith(token)), None)
                if client is not None and limit == "rate":
                    client.window.refuse(self._read_clock(client))
                    client.window.admit(self._read_clock(client))
                elif client is not None:
                    client.slots.take(self._read_clock(client), math.inf)
            return response

    return serve(Counting)


def counted_wrongly() -> Iterator[Miniature]:
    """Yield services in which polling takes quota or slots, or a refused request takes a slot."""
    for client, limit, family in (("low-rpm", "rate", RATE), ("low-concurrency", "jobs", JOBS)):
        lost = poll("3f0c9f6e-1b7a-4d64-9a53-0a1b2c3d4e5f", client)
        good, bad = create(IMAGE, client), create(give(IMAGE, prompt=""), client)
        fetch = create(give(IMAGE, image_ref=[{"url": "https://unreachable.test/a.png"}]), client)
        rows: list[tuple[str, str, Callable[[Asked, int], bool], list[Request | Wait]]] = [
            ("polls", "Polling", lambda asked, status: asked.request.method == "GET" and status == 200, [good, *[poll("{id:0}", client)] * 3, Wait(5), good]),
            ("lookups", "A lookup that finds nothing", lambda asked, status: asked.request.method == "GET" and status == 404, [*[lost] * 3, good]),
        ]  # fmt: skip
        if limit == "jobs":
            rows += [
                ("invalid", "A request refused with 400", lambda _, status: status == 400, [bad, good]),
                ("fetches", "A request refused with 422", lambda _, status: status == 422, [fetch, good]),
                ("refused", "A request refused with 429", lambda _, status: status == 429, [good, good, Wait(5), good]),
                ("upstream", "A request refused with 502 or 503", lambda _, status: status in (502, 503), [create(give(IMAGE, image_ref=[{"url": "https://media.test/proxy-down.png"}]), client), good]),
            ]  # fmt: skip
        for name, says, where, sent in rows:
            yield family.derive(
                f"counts-{name}", f"{says} counts in its {family.area}.", _counting(where, limit), moves(*sent)
            )


def emptied_by(where: Callable[[Request, Response], bool], empty: Callable[[Any], object]) -> Make:
    """Return what makes a service that empties the window or the slots of a client on some answers."""

    class Emptied(Limited):
        def handle(self, request: Request) -> Response:
            response = super().handle(request)
            token = (header(request.headers, "Authorization") or "").removeprefix("Bearer luma-api-test-")
            if where(request, response) and token in self._clients:
                empty(self._clients[token])
            return response

    return serve(Emptied)


def is_poll(request: Request, response: Response) -> bool:
    """Return whether an answer tells of a generation."""
    return request.method == "GET" and response.status == 200


def is_answered(status: int) -> Callable[[Request, Response], bool]:
    """Return whether an answer has a status."""
    return lambda _, response: response.status == status


def cleared_windows() -> Iterator[Miniature]:
    """Yield services whose window is emptied by what is none of its business."""
    client = "low-rpm"
    good = create(IMAGE, client)
    rows: tuple[tuple[str, str, Callable[[Request, Response], bool], list[Request | Wait]], ...] = (
        ("poll", "Polling", is_poll, [poll("{id:0}", client)]),
        ("404", "A lookup that finds nothing", is_answered(404), [poll("nobody", client)]),
        ("400", "A request refused with 400", is_answered(400), [create({"prompt": ""}, client)]),
        ("completed", "The end of a job that is polled", lambda _, response: b'"completed"' in response.body, [Wait(5), poll("{id:0}", client)]),
    )  # fmt: skip
    for name, says, where, sent in rows:
        yield RATE.derive(
            f"cleared-by-{name}",
            f"{says} empties its window.",
            emptied_by(where, lambda client: client.window._admitted.clear()),
            moves(good, good, good, *sent, good),
        )


def filling(miniatures: Iterable[Miniature]) -> Iterator[Miniature]:
    """Yield miniatures, those about slots with a witness that first takes all slots but one."""
    taken = [create({"prompt": STAYING[0]}, "low-concurrency")] * (SLOTS - 1)
    for one in miniatures:
        witness = one.witness
        if one.area is not Area.SLOTS or witness is None:
            yield one
        else:
            yield replace(one, witness=lambda witness=witness: [*taken, *witness()])


def limit_operators() -> Iterator[Miniature]:
    """Yield every service that is wrong about a limit."""
    yield from kept_for_others()
    yield from uncounted()
    yield from counted_wrongly()
    yield from cleared_windows()
