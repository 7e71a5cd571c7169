"""Operators on the two limits: what counts, for whom, how long, and what the refusal says."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Hashable, Iterator
from typing import Any, Final

from luma_conformance.miniatures.answers import on_kind, revalue
from luma_conformance.miniatures.controls import CONTROLS, IMAGE, VIDEO, give
from luma_conformance.miniatures.kinds import KINDS
from luma_conformance.miniatures.miniature import (
    TYPED,
    Area,
    Asked,
    Body,
    Make,
    Miniature,
    Wait,
    Witness,
    create,
    poll,
    read_json,
    serve,
)
from luma_conformance.model import Request, Response, header
from luma_conformance.reference.cards import FAILS, STAYS
from luma_conformance.reference.limits import Refusal, SlidingWindow, Slots
from luma_conformance.reference.service import Service

_RATE: Final = "429 — Requests-per-minute (RPM) limit exceeded"
_JOBS: Final = "429 — Concurrent job limit exceeded"
_STAYS: Final = [*STAYS]


class Limited(Service):
    """A service whose limits can be kept for something else than a client; None: not kept at all."""

    window_type: Callable[[int], SlidingWindow] = SlidingWindow
    slots_type: Callable[[int], Slots] = Slots

    def __post_init__(self) -> None:
        super().__post_init__()
        self._windows: dict[Hashable, SlidingWindow] = {}
        self._taken: dict[Hashable, Slots] = {}
        self.count = 0
        for client in self._clients.values():
            client.window = type(self).window_type(client.window.limit)
            client.slots = type(self).slots_type(client.slots._limit)

    def handle(self, request: Request) -> Response:
        """Return the answer, and remember the request for what counts."""
        self._asked = Asked(request=request, body=read_json(request.body))
        return super().handle(request)

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
    ("prompt", "prompt", _field("prompt"), {"prompt": _STAYS[1]}),
    ("style", "style", _field("style", "auto"), {"style": "manga"}),
    ("aspect_ratio", "aspect_ratio", _field("aspect_ratio"), {"aspect_ratio": "16:9"}),
    ("output_format", "output_format", _field("output_format"), {"output_format": "png"}),
    ("body", "body", lambda asked, client: (client, asked.request.body), {"output_format": "jpeg"}),
    ("source", "whether there is a source", lambda asked, client: (client, bool(asked.body.get("source"))), CONTROLS["image_edit"]),
    ("media", "whether there are references", lambda asked, client: (client, bool(asked.body.get("image_ref"))), {"image_ref": [{"url": "https://media.test/image.png"}]}),
    ("resolution", "resolution", lambda asked, client: (client, str((asked.body.get("video") or {}).get("resolution"))), {**VIDEO, "video": {"resolution": "540p"}}),
)  # fmt: skip
_SENT: Final[tuple[tuple[str, str], ...]] = (("X-Request-Id", "another"), ("User-Agent", "another/1.0"), ("Content-Type", "application/json; charset=utf-8"))  # fmt: skip


def _rate(*bodies: Body) -> Witness:
    """Return a witness that sends these bodies with the key of few requests."""
    return lambda: [create({**IMAGE, **body}, "low-rpm") for body in bodies]


def _jobs(*bodies: Body) -> Witness:
    """Return a witness that sends these bodies with the key of few jobs; the jobs stay queued."""
    return lambda: [create({"prompt": _STAYS[0], **body}, "low-concurrency") for body in bodies]


def kept_for_others() -> Iterator[Miniature]:
    """Yield services that keep one of the limits for each value of something, and services that share one."""
    for limit, area, heading in (("rate", Area.LIMITER, _RATE), ("jobs", Area.SLOTS, _JOBS)):
        for name, says, what, body in _FEATURES:
            other = {key: value for key, value in body.items() if limit == "rate" or key != "prompt" or name == "prompt"}
            yield Miniature(
                name=f"{limit}/per-{name}",
                says=f"It keeps its {area} for each {says} of a client.",
                heading=heading,
                area=area,
                make=kept_for(what, limit),
                witness=_rate({}, {}, {}, other) if limit == "rate" else _jobs({}, other),
            )
        for name, value in _SENT:
            yield Miniature(
                name=f"{limit}/per-{name.lower()}",
                says=f"It keeps its {area} for each {name} of a client.",
                heading=heading,
                area=area,
                make=kept_for(_header(name), limit),
                witness=_with_header(limit, name, value),
            )
        client = "low-rpm" if limit == "rate" else "low-concurrency"
        yield Miniature(
            name=f"{limit}/shared",
            says=f"All clients share one {area}.",
            heading=heading,
            area=area,
            make=_shared(limit),
            witness=lambda client=client: [*(create({"prompt": _STAYS[0]}, "main") for _ in range(4)), create({"prompt": _STAYS[0]}, client)],  # type: ignore[misc]
        )


def _with_header(limit: str, name: str, value: str) -> Witness:
    client, count = ("low-rpm", 3) if limit == "rate" else ("low-concurrency", 1)
    plain = create({"prompt": _STAYS[0]}, client)
    other = create({"prompt": _STAYS[0]}, client, (*(one for one in TYPED if one[0] != name), (name, value)))
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
        ("processing", "whose job is processing at once", lambda asked: asked.body.get("prompt") == _STAYS[1], {"prompt": _STAYS[1]}),
        ("all", "at all", lambda _: True, {}),
    )  # fmt: skip
    for limit, area, heading in (("rate", Area.LIMITER, _RATE), ("jobs", Area.SLOTS, _JOBS)):
        for name, says, where, body in rows:
            if limit == "jobs":
                body = {key: value for key, value in body.items() if key != "prompt" or name in ("long", "processing")}
            yield Miniature(
                name=f"{limit}/uncounted-{name}",
                says=f"It does not count requests {says} in its {area}.",
                heading=heading,
                area=area,
                make=_uncounted(where, limit),
                witness=_rate(body, body, body, body) if limit == "rate" else _jobs(body, body),
            )


class _Fixed(SlidingWindow):
    """Counts by the minute of the clock."""

    def refuse(self, now: float) -> Refusal | None:
        while self._admitted and math.floor(self._admitted[0] / 60) < math.floor(now / 60):
            self._admitted.popleft()
        if len(self._admitted) < self.limit:
            return None
        opens = (math.floor(now / 60) + 1) * 60
        return Refusal(max(1, math.ceil(opens - now)), math.ceil(opens))


def _lasting(seconds: float, told: float | None = None) -> type[SlidingWindow]:
    """Return a window of another length; what it tells is of that length too unless `told` has another."""

    class Lasting(SlidingWindow):
        def refuse(self, now: float) -> Refusal | None:
            while self._admitted and self._admitted[0] <= now - seconds:
                self._admitted.popleft()
            if len(self._admitted) < self.limit:
                return None
            opens = self._admitted[0] + (seconds if told is None else told)
            return Refusal(max(1, math.ceil(opens - now)), math.ceil(opens))

    return Lasting


class _Emptied(SlidingWindow):
    """Is empty once its oldest request has aged out."""

    def refuse(self, now: float) -> Refusal | None:
        before = len(self._admitted)
        refused = super().refuse(now)
        if len(self._admitted) < before:
            self._admitted.clear()
        return refused


class _Once(SlidingWindow):
    """Forgets everything once it has refused a request."""

    def refuse(self, now: float) -> Refusal | None:
        refused = super().refuse(now)
        if refused is not None:
            self._admitted.clear()
        return refused


class _Newest(SlidingWindow):
    """Opens when its newest request ages out."""

    def refuse(self, now: float) -> Refusal | None:
        while self._admitted and self._admitted[-1] <= now - 60:
            self._admitted.popleft()
        return super().refuse(now) if not self._admitted else self._full(now)

    def _full(self, now: float) -> Refusal | None:
        if len(self._admitted) < self.limit:
            return None
        opens = self._admitted[-1] + 60
        return Refusal(max(1, math.ceil(opens - now)), math.ceil(opens))


class _Held(SlidingWindow):
    """Counts refused requests too, and tells when the oldest ages out: to wait that long is not enough."""

    def refuse(self, now: float) -> Refusal | None:
        refused = super().refuse(now)
        if refused is not None:
            self._admitted.append(now)
        return refused


def _limit_of(change: Callable[[int], int]) -> Callable[[int], SlidingWindow]:
    """Return a window that admits another number of requests than it announces."""

    class Other(SlidingWindow):
        def refuse(self, now: float) -> Refusal | None:
            announced, self.limit = self.limit, change(self.limit)
            try:
                return super().refuse(now)
            finally:
                self.limit = announced

    return Other


def _window(kind: Callable[[int], SlidingWindow]) -> Make:
    class Windowed(Limited):
        window_type = kind

    return serve(Windowed)


def windows() -> Iterator[Miniature]:
    """Yield services with another kind of window."""
    mid: Witness = lambda: [create(IMAGE, "low-rpm"), Wait(30), *[create(IMAGE, "low-rpm")] * 2, Wait(31), *[create(IMAGE, "low-rpm")] * 3]  # noqa: E731
    late: Witness = lambda: [Wait(50), *[create(IMAGE, "low-rpm")] * 3, Wait(20), create(IMAGE, "low-rpm")]  # noqa: E731
    three = _rate({}, {}, {}, {}, {})
    rows: tuple[tuple[str, str, Callable[[int], SlidingWindow], Witness], ...] = (
        ("one-more", "admits one request more than it announces", _limit_of(lambda limit: limit + 1), three),
        ("one-less", "admits one request less than it announces", _limit_of(lambda limit: limit - 1), three),
        ("double", "admits twice as many requests as it announces", _limit_of(lambda limit: 2 * limit), _rate(*[{}] * 7)),
        ("by-minute", "counts by the minute of the clock", _Fixed, late),
        ("59-seconds", "has a window of 59 seconds", _lasting(59), lambda: [*three(), Wait(59), create(IMAGE, "low-rpm")]),
        ("61-seconds", "has a window of 61 seconds", _lasting(61), lambda: [*three(), Wait(60), create(IMAGE, "low-rpm")]),
        ("30-seconds", "has a window of 30 seconds", _lasting(30), lambda: [*three(), Wait(30), create(IMAGE, "low-rpm")]),
        ("120-seconds", "has a window of two minutes", _lasting(120), lambda: [*three(), Wait(60), create(IMAGE, "low-rpm")]),
        ("90-told-60", "has a window of 90 seconds and tells of 60", _lasting(90, 60), lambda: [*three(), Wait(61), create(IMAGE, "low-rpm")]),
        ("10-told-60", "has a window of 10 seconds and tells of 60", _lasting(10, 60), lambda: [*three(), Wait(11), create(IMAGE, "low-rpm")]),
        ("emptied", "forgets all requests when the oldest ages out", _Emptied, mid),
        ("once", "forgets all requests once it has refused one", _Once, three),
        ("newest", "opens when the newest request ages out", _Newest, mid),
        ("held", "counts refused requests, so that waiting as told is not enough", _Held, lambda: [*three(), Wait(30), *three(), Wait(30), create(IMAGE, "low-rpm")]),
    )  # fmt: skip
    for name, says, kind, witness in rows:
        yield Miniature(
            name=f"rate/{name}", says=f"It {says}.", heading=_RATE, area=Area.LIMITER, make=_window(kind), witness=witness
        )


def _told(name: str, change: Callable[[int], object], kind: str) -> Make:
    def rewrite(value: str) -> str:
        return str(change(int(value)))

    found = next(one for one in KINDS if one.name == kind)
    return on_kind(found, revalue(name, rewrite))


def told_wrongly() -> Iterator[Miniature]:
    """Yield services whose headers about the limits do not tell the truth."""
    rate, created = "429-rate", "created"
    rows: tuple[tuple[str, str, str, str, Callable[[int], object]], ...] = (
        ("retry-short", rate, "Retry-After", "is one second short", lambda value: max(1, value - 1)),
        ("retry-half", rate, "Retry-After", "is half of what it should be", lambda value: max(1, value // 2)),
        ("retry-60", rate, "Retry-After", "is always 60", lambda _: 60),
        ("retry-1", rate, "Retry-After", "is always 1", lambda _: 1),
        ("retry-zero", rate, "Retry-After", "is always 0", lambda _: 0),
        ("retry-long", rate, "Retry-After", "is ten seconds long", lambda value: value + 10),
        ("retry-fraction", rate, "Retry-After", "has a fraction", lambda value: value + 0.5),
        ("retry-milliseconds", rate, "Retry-After", "is in milliseconds", lambda value: value * 1000),
        ("reset-early", rate, "X-RateLimit-Reset", "is five seconds early on a refusal", lambda value: value - 5),
        ("reset-late", rate, "X-RateLimit-Reset", "is a minute late on a refusal", lambda value: value + 60),
        ("reset-milliseconds", rate, "X-RateLimit-Reset", "is in milliseconds on a refusal", lambda value: value * 1000),
        ("reset-relative", rate, "X-RateLimit-Reset", "counts from now on a refusal", lambda _: 60),
        ("remaining-one", rate, "X-RateLimit-Remaining", "is 1 on a refusal", lambda _: 1),
        ("remaining-minus", rate, "X-RateLimit-Remaining", "is -1 on a refusal", lambda _: -1),
        ("limit-one-more", rate, "X-RateLimit-Limit", "is one more on a refusal", lambda value: value + 1),
        ("created-limit", created, "X-RateLimit-Limit", "is one more than what is kept", lambda value: value + 1),
        ("created-limit-30", created, "X-RateLimit-Limit", "is always 30", lambda _: 30),
        ("created-remaining", created, "X-RateLimit-Remaining", "does not count the request itself", lambda value: value + 1),
        ("created-remaining-less", created, "X-RateLimit-Remaining", "counts the request twice", lambda value: max(0, value - 1)),
        ("created-remaining-fixed", created, "X-RateLimit-Remaining", "never changes", lambda _: 2),
        ("created-reset-now", created, "X-RateLimit-Reset", "is the time of the request", lambda value: value - 60),
        ("created-reset-hour", created, "X-RateLimit-Reset", "is an hour away", lambda value: value + 3540),
        ("created-reset-milliseconds", created, "X-RateLimit-Reset", "is in milliseconds", lambda value: value * 1000),
        ("created-reset-relative", created, "X-RateLimit-Reset", "counts from now", lambda _: 60),
        ("jobs-59", "429-jobs", "Retry-After", "is 59 where there are too many jobs", lambda _: 59),
        ("jobs-30", "429-jobs", "Retry-After", "is 30 where there are too many jobs", lambda _: 30),
        ("jobs-1", "429-jobs", "Retry-After", "is 1 where there are too many jobs", lambda _: 1),
        ("jobs-600", "429-jobs", "Retry-After", "is 600 where there are too many jobs", lambda _: 600),
    )  # fmt: skip
    for name, kind, told, says, change in rows:
        found = next(one for one in KINDS if one.name == kind)
        spread: Witness = lambda: [create(IMAGE, "low-rpm"), Wait(20), *[create(IMAGE, "low-rpm")] * 3]  # noqa: E731
        yield Miniature(
            name=f"{'jobs' if kind == '429-jobs' else 'rate'}/told-{name}",
            says=f"Its {told} {says}.",
            heading=found.heading,
            area=Area.SLOTS if kind == "429-jobs" else Area.LIMITER,
            make=_told(told, change, kind),
            touches=found.touches,
            witness=spread if kind == rate else found.witness,
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
    for client, limit, area, heading in (
        ("low-rpm", "rate", Area.LIMITER, _RATE),
        ("low-concurrency", "jobs", Area.SLOTS, _JOBS),
    ):
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
        for name, says, where, moves in rows:
            yield Miniature(
                name=f"{limit}/counts-{name}",
                says=f"{says} counts in its {area}.",
                heading=heading,
                area=area,
                make=_counting(where, limit),
                witness=lambda moves=moves: moves,  # type: ignore[misc]
            )


def _ending(change: Callable[[Asked, str, float, float], float]) -> Make:
    """Return what makes a service whose slots are free at another time: a function of request, failure, now and end."""

    class Ending(Limited):
        def _create(self, client: Any, request: Request) -> Any:
            before = [*client.slots._ends]
            made = super()._create(client, request)
            now = self._read_clock(client)
            generation = self._generations[str(made[1]["id"])]
            ends = math.inf if generation.ends is None else generation.ends
            end = change(self._asked, generation.failure or "", now, min(ends, now + 3600))
            client.slots._ends = [one for one in before if one > now]
            heapq.heapify(client.slots._ends)
            heapq.heappush(client.slots._ends, end)
            return made

    return serve(Ending)


def slots() -> Iterator[Miniature]:
    """Yield services whose slots are given back at the wrong time."""
    client = "low-concurrency"
    done: Witness = lambda: [create(IMAGE, client), Wait(5), create(IMAGE, client)]  # noqa: E731
    for code, prompt in ((code, prompt) for prompt, code in FAILS.items()):
        yield _slot(
            f"kept-{code}",
            f"It never gives back the slot of a job that fails with {code}.",
            lambda asked, failed, now, end, code=code: now + 3600 if failed == code else end,  # type: ignore[misc]
            lambda prompt=prompt: [create({"prompt": prompt}, client), Wait(5), create(IMAGE, client)],  # type: ignore[misc]
        )
    for kind, control in CONTROLS.items():
        body = {**control, "source": {"url": "https://media.test/video.mp4", "media_type": "video/mp4"}} if kind in ("video_edit", "video_reframe") else control
        yield _slot(
            f"kept-{kind}",
            f"It never gives back the slot of a job of type {kind}.",
            lambda asked, _, now, end, kind=kind: now + 3600 if asked.body.get("type", "image") == kind else end,  # type: ignore[misc]
            lambda body=body: [create(body, client), Wait(5), create(IMAGE, client)],  # type: ignore[misc]
        )
        stays = {**body, "prompt": _STAYS[1]}
        yield _slot(
            f"untaken-{kind}",
            f"A job of type {kind} takes no slot.",
            lambda asked, _, now, end, kind=kind: now if asked.body.get("type", "image") == kind else end,  # type: ignore[misc]
            lambda stays=stays: [create(stays, client), create(IMAGE, client)],  # type: ignore[misc]
        )
    rows: tuple[tuple[str, str, Callable[[Asked, str, float, float], float], Witness], ...] = (
        ("kept", "It never gives a slot back.", lambda _, __, now, end: now + 3600, done),
        ("kept-failed", "It never gives back the slot of a job that fails.", lambda _, failed, now, end: now + 3600 if failed else end, lambda: [create({"prompt": [*FAILS][1]}, client), Wait(5), create(IMAGE, client)]),
        ("kept-completed", "It never gives back the slot of a job that completes.", lambda _, failed, now, end: end if failed else now + 3600, done),
        ("minute", "It gives each slot back after a minute at the latest.", lambda _, __, now, end: min(end, now + 60), lambda: [create({"prompt": _STAYS[1]}, client), Wait(70), create(IMAGE, client)]),
        ("half-hour", "It gives each slot back after half an hour at the latest.", lambda _, __, now, end: min(end, now + 1800), lambda: [create({"prompt": _STAYS[1]}, client), Wait(1900), create(IMAGE, client)]),
        ("long", "It keeps each slot for five minutes at least.", lambda _, __, now, end: max(end, now + 300), lambda: [create(IMAGE, client), Wait(200), create(IMAGE, client)]),
        ("queued", "A job that is queued takes no slot.", lambda asked, __, now, end: now if asked.body.get("prompt") == _STAYS[0] else end, lambda: [create({"prompt": _STAYS[0]}, client), create(IMAGE, client)]),
        ("processing", "A job that is processing takes no slot.", lambda asked, __, now, end: now if asked.body.get("prompt") == _STAYS[1] else end, lambda: [create({"prompt": _STAYS[1]}, client), create(IMAGE, client)]),
    )  # fmt: skip
    for name, says, change, witness in rows:
        yield _slot(name, says, change, witness)
    yield from _polled_slots()
    for name, says, more in (("one-more", "one job more", 1), ("double", "twice as many jobs as it should", 0), ("three-more", "three jobs more", 3)):  # fmt: skip
        yield Miniature(
            name=f"jobs/{name}",
            says=f"It admits {says}.",
            heading=_JOBS,
            area=Area.SLOTS,
            make=_roomier(more),
            witness=_jobs({}, {}, {}, {}, {}),
        )


def _roomier(more: int) -> Make:
    class Roomier(Limited):
        slots_type = staticmethod(lambda limit: Slots(limit + more if more else 2 * limit))  # type: ignore[assignment]

    return serve(Roomier)


def _slot(name: str, says: str, change: Callable[[Asked, str, float, float], float], witness: Witness) -> Miniature:
    return Miniature(
        name=f"jobs/{name}", says=says, heading=_JOBS, area=Area.SLOTS, make=_ending(change), witness=witness
    )


def _freed_by(where: Callable[[Request, Response], bool]) -> Make:
    """Return what makes a service that frees all slots of a client on some answers."""

    class Freed(Limited):
        def handle(self, request: Request) -> Response:
            response = super().handle(request)
            if where(request, response):
                token = (header(request.headers, "Authorization") or "").removeprefix("Bearer luma-api-test-")
                for name, client in self._clients.items():
                    if name == token:
                        client.slots._ends.clear()
            return response

    return serve(Freed)


def _until_polled() -> Make:
    """Return what makes a service that gives a slot back only once the end of its job was polled."""

    class Unpolled(Limited):
        def _create(self, client: Any, request: Request) -> Any:
            before = [*client.slots._ends]
            made = super()._create(client, request)
            now = self._read_clock(client)
            client.slots._ends = sorted([*(one for one in before if one > now), now + 3600])
            return made

        def _poll(self, client: Any, generation_id: str, request: Request) -> Any:
            view = super()._poll(client, generation_id, request)
            if view["state"] in ("completed", "failed") and client.slots._ends:
                client.slots._ends.pop()
            return view

    return serve(Unpolled)


def _polled_slots() -> Iterator[Miniature]:
    client = "low-concurrency"
    stays = create({"prompt": _STAYS[1]}, client)
    rows: tuple[tuple[str, str, Callable[[Request, Response], bool], list[Request | Wait]], ...] = (
        ("freed-by-poll", "Polling a running job gives its slot back.", lambda request, response: request.method == "GET" and response.status == 200, [stays, poll("{id:0}", client), stays]),
        ("freed-by-404", "A lookup that finds nothing gives a slot back.", lambda request, response: response.status == 404, [stays, poll("nobody", client), stays]),
        ("freed-by-429", "A refusal gives a slot back.", lambda _, response: response.status == 429, [stays, stays, stays]),
        ("freed-by-400", "A request refused with 400 gives a slot back.", lambda _, response: response.status == 400, [stays, create({"prompt": ""}, client), stays]),
    )  # fmt: skip
    for name, says, where, moves in rows:
        yield Miniature(
            name=f"jobs/{name}",
            says=says,
            heading=_JOBS,
            area=Area.SLOTS,
            make=_freed_by(where),
            witness=lambda moves=moves: moves,  # type: ignore[misc]
        )
    yield Miniature(
        name="jobs/until-polled",
        says="It gives a slot back only once the end of its job was polled.",
        heading=_JOBS,
        area=Area.SLOTS,
        make=_until_polled(),
        witness=lambda: [create(IMAGE, client), Wait(5), create(IMAGE, client)],
    )


def _cleared_by(where: Callable[[Request, Response], bool]) -> Make:
    """Return what makes a service that empties the window of a client on some answers."""

    class Cleared(Limited):
        def handle(self, request: Request) -> Response:
            response = super().handle(request)
            if where(request, response):
                token = (header(request.headers, "Authorization") or "").removeprefix("Bearer luma-api-test-")
                for name, client in self._clients.items():
                    if name == token:
                        client.window._admitted.clear()
            return response

    return serve(Cleared)


def cleared_windows() -> Iterator[Miniature]:
    """Yield services whose window is emptied by what is none of its business."""
    client = "low-rpm"
    good = create(IMAGE, client)
    rows: tuple[tuple[str, str, Callable[[Request, Response], bool], list[Request | Wait]], ...] = (
        ("poll", "Polling", lambda request, response: request.method == "GET" and response.status == 200, [good, good, good, poll("{id:0}", client), good]),
        ("404", "A lookup that finds nothing", lambda request, response: response.status == 404, [good, good, good, poll("nobody", client), good]),
        ("400", "A request refused with 400", lambda _, response: response.status == 400, [good, good, good, create({"prompt": ""}, client), good]),
        ("completed", "The end of a job that is polled", lambda _, response: b'"completed"' in response.body, [good, good, good, Wait(5), poll("{id:0}", client), good]),
    )  # fmt: skip
    for name, says, where, moves in rows:
        yield Miniature(
            name=f"rate/cleared-by-{name}",
            says=f"{says} empties its window.",
            heading=_RATE,
            area=Area.LIMITER,
            make=_cleared_by(where),
            witness=lambda moves=moves: moves,  # type: ignore[misc]
        )


def limit_operators() -> Iterator[Miniature]:
    """Yield every service that is wrong about a limit."""
    yield from kept_for_others()
    yield from uncounted()
    yield from windows()
    yield from told_wrongly()
    yield from counted_wrongly()
    yield from slots()
    yield from cleared_windows()
