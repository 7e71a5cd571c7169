"""Operators on the limit of concurrent jobs: who takes a slot, and when it is free again."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from luma_conformance.miniatures.controls import CONTROLS, FAILING, IMAGE, SLOTS, STAYING
from luma_conformance.miniatures.limits import JOBS, Limited, emptied_by, is_answered, is_poll, jobs
from luma_conformance.miniatures.miniature import (
    Asked,
    Body,
    Make,
    Miniature,
    Wait,
    Witness,
    create,
    moves,
    poll,
    serve,
)
from luma_conformance.model import Request, Response
from luma_conformance.reference.cards import FAILS
from luma_conformance.reference.limits import Slots


def _ending(change: Callable[[Asked, str, float, float], float]) -> type[Limited]:
    """Return a service whose slots are free at another time: a function of request, failure, now and end."""

    class Ending(Limited):
        def _create(self, client: Any, request: Request) -> Any:
            before = [*client.slots._ends]
            made = super()._create(client, request)
            now = self._read_clock(client)
            generation = self._generations[str(made[1]["id"])]
            ends = math.inf if generation.ends is None else generation.ends
            end = change(self._asked, generation.failure or "", now, min(ends, now + 3600))
            client.slots._ends = sorted([*(one for one in before if one > now), end])  # a sorted list is a heap
            return made

    return Ending


def _then(body: Body, seconds: float) -> Witness:
    """Return a witness that asks for a job, and after so many seconds for another."""
    client = "low-concurrency"
    return lambda: [create(body, client), Wait(seconds), create(IMAGE, client)]


def slot_operators() -> Iterator[Miniature]:
    """Yield services whose slots are given back at the wrong time."""
    yield from _kept_by_kind()
    yield from _kept_by_time()
    yield from _polled_slots()
    for name, says, more in (("one-more", "one job more", 1), ("double", "twice as many jobs as it should", 0), ("three-more", "three jobs more", 3)):  # fmt: skip
        why = "how many jobs a client may have depends on its plan, and no answer tells the number"
        yield JOBS.derive(name, f"It admits {says}.", _roomier(more), jobs({}, {}, {}, {}, {}), equivalent=why)


def _kept_by_kind() -> Iterator[Miniature]:
    """Yield services that get the slots of one kind of job wrong: by how it fails, or by its type."""
    for code, prompt in ((code, prompt) for prompt, code in FAILS.items()):
        yield _slot(
            f"kept-{code}",
            f"It never gives back the slot of a job that fails with {code}.",
            lambda asked, failed, now, end, code=code: now + 3600 if failed == code else end,
            _then({"prompt": prompt}, 5),
        )
    for kind, control in CONTROLS.items():
        body = (
            {**control, "source": {"url": "https://media.test/video.mp4", "media_type": "video/mp4"}}
            if kind in ("video_edit", "video_reframe")
            else control
        )
        yield _slot(
            f"kept-{kind}",
            f"It never gives back the slot of a job of type {kind}.",
            lambda asked, _, now, end, kind=kind: now + 3600 if asked.body.get("type", "image") == kind else end,
            _then(body, 5),
        )
        yield _slot(
            f"untaken-{kind}",
            f"A job of type {kind} takes no slot.",
            lambda asked, _, now, end, kind=kind: now if asked.body.get("type", "image") == kind else end,
            _then({**body, "prompt": STAYING[1]}, 0),
        )


def _kept_by_time() -> Iterator[Miniature]:
    client, done = "low-concurrency", _then(IMAGE, 5)
    rows: tuple[tuple[str, str, Callable[[Asked, str, float, float], float], Witness], ...] = (
        ("kept", "It never gives a slot back.", lambda _, __, now, end: now + 3600, done),
        ("kept-failed", "It never gives back the slot of a job that fails.", lambda _, failed, now, end: now + 3600 if failed else end, lambda: [create({"prompt": FAILING[1]}, client), Wait(5), create(IMAGE, client)]),
        ("kept-completed", "It never gives back the slot of a job that completes.", lambda _, failed, now, end: end if failed else now + 3600, done),
        ("minute", "It gives each slot back after a minute at the latest.", lambda _, __, now, end: min(end, now + 60), lambda: [create({"prompt": STAYING[1]}, client), Wait(70), create(IMAGE, client)]),
        ("half-hour", "It gives each slot back after half an hour at the latest.", lambda _, __, now, end: min(end, now + 1800), lambda: [create({"prompt": STAYING[1]}, client), Wait(1900), create(IMAGE, client)]),
        ("long", "It keeps each slot for five minutes at least.", lambda _, __, now, end: max(end, now + 300), lambda: [create(IMAGE, client), Wait(200), create(IMAGE, client)]),
        ("queued", "A job that is queued takes no slot.", lambda asked, __, now, end: now if asked.body.get("prompt") == STAYING[0] else end, lambda: [create({"prompt": STAYING[0]}, client), create(IMAGE, client)]),
        ("processing", "A job that is processing takes no slot.", lambda asked, __, now, end: now if asked.body.get("prompt") == STAYING[1] else end, lambda: [create({"prompt": STAYING[1]}, client), create(IMAGE, client)]),
    )  # fmt: skip
    for name, says, change, witness in rows:
        yield _slot(name, says, change, witness)


def _roomier(more: int) -> Make:
    class Roomier(Limited):
        def slots(self, limit: int) -> Slots:
            return Slots(limit + more if more else 2 * limit)

    return serve(Roomier)


def _slot(name: str, says: str, change: Callable[[Asked, str, float, float], float], witness: Witness) -> Miniature:
    return JOBS.derive(name, says, serve(_ending(change)), witness)


def _until_polled() -> Make:
    """Return what makes a service that gives a slot back only once the end of its job was polled."""

    class Unpolled(_ending(lambda _, __, now, ___: now + 3600)):
        def _poll(self, client: Any, generation_id: str, request: Request) -> Any:
            view = super()._poll(client, generation_id, request)
            if view["state"] in ("completed", "failed") and client.slots._ends:
                client.slots._ends.pop()
            return view

    return serve(Unpolled)


def _freed_by_others() -> Make:
    class Freed(Limited):
        def _poll(self, client: Any, generation_id: str, request: Request) -> Any:
            found = self._generations.get(generation_id)
            if found is not None and found.client != client.name:
                self._clients[found.client].slots._ends[:1] = []
            return super()._poll(client, generation_id, request)

    return serve(Freed)


def _freed_again() -> Make:
    class Freed(Limited):
        def __post_init__(self) -> None:
            super().__post_init__()
            self._over: set[str] = set()

        def _poll(self, client: Any, generation_id: str, request: Request) -> Any:
            view = super()._poll(client, generation_id, request)
            if view["state"] in ("completed", "failed"):
                if generation_id in self._over:
                    client.slots._ends[:1] = []
                self._over.add(generation_id)
            return view

    return serve(Freed)


def _polled_slots() -> Iterator[Miniature]:
    client = "low-concurrency"
    stays = create({"prompt": STAYING[1]}, client)
    rows: tuple[tuple[str, str, Callable[[Request, Response], bool], list[Request | Wait]], ...] = (
        ("freed-by-poll", "Polling a running job gives its slot back.", is_poll, [poll("{id:0}", client)]),
        ("freed-by-404", "A lookup that finds nothing gives a slot back.", is_answered(404), [poll("nobody", client)]),
        ("freed-by-429", "A refusal gives a slot back.", is_answered(429), [stays]),
        ("freed-by-400", "A request refused with 400 gives a slot back.", is_answered(400), [create({"prompt": ""}, client)]),
    )  # fmt: skip
    for name, says, where, between in rows:
        yield JOBS.derive(
            name, says, emptied_by(where, lambda client: client.slots._ends.clear()), moves(stays, *between, stays)
        )
    over = create(IMAGE, client)
    yield JOBS.derive(
        "freed-by-others",
        "A lookup of a running job by another client gives a slot back.",
        _freed_by_others(),
        moves(stays, poll("{id:0}"), stays),
    )
    yield JOBS.derive(
        "freed-again",
        "Each later poll of a job that is over gives one more slot back.",
        _freed_again(),
        lambda: [over, Wait(5), poll(f"{{id:{SLOTS - 1}}}", client), stays, poll(f"{{id:{SLOTS - 1}}}", client), stays],
    )
    yield JOBS.derive(
        "until-polled",
        "It gives a slot back only once the end of its job was polled.",
        _until_polled(),
        lambda: [create(IMAGE, client), Wait(5), create(IMAGE, client)],
    )
