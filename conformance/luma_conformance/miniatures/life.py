"""Operators on the life of a generation: its states and facts at each poll, its outputs and their URLs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from luma_conformance.miniatures.answers import on_kind, rebody
from luma_conformance.miniatures.controls import CONTROLS, FAILING, IMAGE, STAYING, give
from luma_conformance.miniatures.kinds import KINDS, SUCCESSES, Kind
from luma_conformance.miniatures.miniature import (
    Area,
    Body,
    Family,
    Make,
    Miniature,
    Wait,
    Witness,
    create,
    is_lookup,
    poll,
    read_json,
    redirecting,
    serve,
)
from luma_conformance.model import Request
from luma_conformance.reference.cards import FAILS
from luma_conformance.reference.generations import Generation
from luma_conformance.reference.service import Service

POLLED: Final = "200 — OK (success)"
_FAILED: Final = "Failed response structure"
_CODES: Final = "Failure codes"
FRESH: Final = "How to get a fresh URL"
_LIFE: Final = Family(Area.LIFE, "life", POLLED)
BODIES: Final[Mapping[str, Body]] = {
    **CONTROLS,
    "uni-1-max": give(IMAGE, model="uni-1-max"),
}
View = dict[str, Any]
Retell = Callable[[View, Generation, int, float], View]
"""What a service tells of a generation: from the right answer, the generation, the number of the poll, and the time."""


def _retold(change: Retell) -> Make:
    """Return what makes a service that tells other things when polled; polls are counted from 1 for each generation."""

    class Retold(Service):
        def _poll(self, client: Any, generation_id: str, request: Request) -> Any:
            view = dict(super()._poll(client, generation_id, request))
            generation = self._generations[generation_id]
            counts = self.__dict__.setdefault("_polls", {})
            counts[generation_id] = counts.get(generation_id, 0) + 1
            return change(view, generation, counts[generation_id], self._read_clock(client))

    return serve(Retold)


def _lives(body: Body, *waits: float) -> Witness:
    """Return a witness that creates a generation and polls it after each wait."""

    def moves() -> Iterator[Request | Wait]:
        yield create(body)
        for wait in waits:
            yield Wait(wait)
            yield poll()

    return lambda: [*moves()]


def _life(name: str, says: str, change: Retell, witness: Witness, heading: str = POLLED) -> Miniature:
    return _LIFE.derive(name, says, _retold(change), witness, heading=heading, concerns=is_lookup)


def _running(view: View) -> View:
    return {**view, "state": "processing", "output": [], "failure_reason": None, "failure_code": None}


_GENERIC: Final = {"state": "failed", "output": [], "failure_reason": "Generation failed", "failure_code": "generation_failed"}  # fmt: skip


def going_back() -> Iterator[Miniature]:
    """Yield services in which a generation that has ended does not stay as it ended."""
    done = _lives(IMAGE, 5, 5, 5, 5)
    failing = _lives({"prompt": FAILING[2]}, 5, 5, 5, 5)
    for where, test in (("second", lambda n: n == 2), ("third", lambda n: n == 3), ("later", lambda n: n >= 3), ("every-other", lambda n: n % 2 == 0)):  # fmt: skip
        for state, witness in (("completed", done), ("failed", failing)):
            yield _life(
                f"back-{state}-{where}",
                f"At the {where} poll a generation that is {state} is processing again.",
                lambda view, _, n, __, state=state, test=test: (
                    _running(view) if view["state"] == state and test(n) else view
                ),
                witness,
            )


def forgetting() -> Iterator[Miniature]:
    """Yield services that tell something else of a generation at later polls, or by another name."""
    done = _lives(IMAGE, 5, 5, 5, 5)
    failing = _lives({"prompt": FAILING[2]}, 5, 5, 5, 5)
    old = _lives(IMAGE, 5, 4000)
    rows: tuple[tuple[str, str, Retell, Witness], ...] = (
        ("completed-fails", "A generation that is completed has failed at the third poll.", lambda view, _, n, __: {**view, **_GENERIC} if view["state"] == "completed" and n >= 3 else view, done),
        ("failed-completes", "A generation that has failed is completed at the third poll.", lambda view, one, n, __: {**view, "state": "completed", "failure_reason": None, "failure_code": None, "output": [{"type": one.media, "url": "https://storage.test/a"}]} if view["state"] == "failed" and n >= 3 else view, failing),
        ("old-processing", "A generation older than an hour is processing again.", lambda view, one, _, now: _running(view) if now > one.created + 3600 else view, old),
        ("old-outputless", "A generation older than an hour has no outputs any more.", lambda view, one, _, now: {**view, "output": []} if now > one.created + 3600 else view, old),
        ("old-failed", "A generation older than an hour has failed.", lambda view, one, _, now: {**view, **_GENERIC} if now > one.created + 3600 and view["state"] == "completed" else view, old),
        ("outputless-later", "A generation has no outputs at later polls.", lambda view, _, n, __: {**view, "output": []} if n >= 3 else view, done),
        ("outputs-grow", "A generation has one more output at each poll.", lambda view, _, n, __: {**view, "output": view["output"] * n}, done),
        ("code-later", "A failed generation has another code at later polls.", lambda view, _, n, __: {**view, "failure_code": "generation_failed"} if view["state"] == "failed" and n >= 2 else view, failing),
        ("reason-later", "A failed generation has no reason at later polls.", lambda view, _, n, __: {**view, "failure_reason": None} if n >= 2 else view, failing),
        ("code-null-later", "A failed generation has no code at later polls.", lambda view, _, n, __: {**view, "failure_code": None} if n >= 2 else view, failing),
        ("reason-changes", "A failed generation has another reason at each poll.", lambda view, _, n, __: {**view, "failure_reason": f"{view['failure_reason']} ({n})"} if view["state"] == "failed" else view, failing),
        ("queued-after", "A generation that is processing is queued at its second poll.", lambda view, _, n, __: {**view, "state": "queued"} if view["state"] == "processing" and n == 2 else view, _lives({"prompt": STAYING[1]}, 5, 5)),
        ("created-moves", "Its created_at is the time of the poll.", lambda view, _, __, now: {**view, "created_at": _stamp(now)}, _lives(IMAGE, 5, 5)),
        ("created-jitters", "Its created_at is a second later at later polls.", lambda view, one, n, __: {**view, "created_at": _stamp(one.created + 1)} if n >= 2 else view, _lives(IMAGE, 5, 5)),
        ("never-ends", "A generation never ends.", lambda view, _, __, ___: _running(view), done),
        ("unknown-state", "A processing generation is in the state running.", lambda view, _, __, ___: {**view, "state": "running"} if view["state"] == "processing" else view, _lives({"prompt": STAYING[1]}, 5)),
        ("succeeded", "A completed generation is in the state succeeded.", lambda view, _, __, ___: {**view, "state": "succeeded"} if view["state"] == "completed" else view, done),
        ("pending", "A queued generation is in the state pending.", lambda view, _, __, ___: {**view, "state": "pending"} if view["state"] == "queued" else view, _lives({"prompt": STAYING[0]}, 5)),
    )  # fmt: skip
    for name, says, change, witness in rows:
        why = "the wording of a reason is for people; that it stays the same is not said"
        yield replace(_life(name, says, change, witness), equivalent=why if name == "reason-changes" else None)


def _stamp(now: float) -> str:
    """Return a time on the day of the page's examples as the page writes it."""
    seconds = int(now) - 1_775_606_400
    hours, rest = divmod(max(0, seconds), 3600)
    return f"2026-04-{8 + hours // 24:02d}T{hours % 24:02d}:{rest // 60:02d}:{rest % 60:02d}Z"


_OTHER_TYPE: Final = {
    "image": "image_edit", "image_edit": "image", "video": "video_edit", "video_edit": "video", "video_reframe": "video",
}  # fmt: skip


def wrong_facts() -> Iterator[Miniature]:
    """Yield services that tell a wrong fact of a generation, for each model and type."""
    for name, body in BODIES.items():
        model, kind = body.get("model", "uni-1"), str(body.get("type", "image"))
        for state, fact, says, change in _facts(model, kind):

            def retell(
                view: View,
                one: Generation,
                _: int,
                __: float,
                of: tuple[str, object, str] = (state, model, kind),
                change: Callable[[View, Generation], View] = change,
            ) -> View:
                return change(view, one) if (view["state"], one.model, one.type) == of else view

            given, heading = (body, POLLED) if state == "completed" else ({**body, "prompt": FAILING[0]}, _FAILED)
            yield _life(f"{fact}-{name}", says.format(name), retell, _lives(given, 5), heading)


def _facts(model: object, kind: str) -> Iterator[tuple[str, str, str, Callable[[View, Generation], View]]]:
    """Yield wrong facts: the state in which they are told, their names, what says so, and what is told."""
    wrong = "image" if kind.startswith("video") else "video"
    other = "uni-1-max" if model == "uni-1" else "uni-1"
    polling, failed = "Polling a completed generation of {} tells", "A failed generation of {} has"
    yield from (
        ("completed", "type", f"{polling} another type.", lambda view, _: {**view, "type": _OTHER_TYPE[kind]}),
        ("completed", "model", f"{polling} another model.", lambda view, _: {**view, "model": other}),
        ("completed", "failure", f"{polling} a failure_code.", lambda view, _: {**view, "failure_code": "generation_failed"}),
        ("completed", "reason", f"{polling} a failure_reason.", lambda view, _: {**view, "failure_reason": "Generation failed"}),
        ("completed", "outputless", f"{polling} no output.", lambda view, _: {**view, "output": []}),
        ("completed", "null-output", f"{polling} an output of null.", lambda view, _: {**view, "output": None}),
        ("completed", "kind", f"{polling} an output of the type {wrong}.", lambda view, _: {**view, "output": [{**one, "type": wrong} for one in view["output"]]}),
        ("completed", "lives", f"{polling} that it is processing.", lambda view, _: _running(view)),
        ("failed", "no-code", f"{failed} no failure_code.", lambda view, _: {**view, "failure_code": None}),
        ("failed", "failed-output", f"{failed} an output.", lambda view, one: {**view, "output": [{"type": one.media, "url": "https://storage.test/output"}]}),
    )  # fmt: skip


def wrong_codes() -> Iterator[Miniature]:
    """Yield services that tell of one failure code what is wrong."""
    for prompt, code in FAILS.items():
        other = "generation_failed" if code != "generation_failed" else "content_moderated"
        rows: tuple[tuple[str, str, View], ...] = (
            ("other", f"as {other}", {"failure_code": other}),
            ("caps", "in capitals", {"failure_code": code.upper()}),
            ("unknown", "by a code the page does not list", {"failure_code": f"{code}_error"}),
            ("null", "without a code", {"failure_code": None}),
            ("no-reason", "without a reason", {"failure_reason": None}),
            ("empty-reason", "with an empty reason", {"failure_reason": ""}),
            ("object-reason", "with a reason that is no text", {"failure_reason": {"message": "failed"}}),
            ("output", "with an output of null", {"output": None}),
            ("error", "in the state error", {"state": "error"}),
            ("completed", "as completed", {"state": "completed"}),
        )
        for name, says, change in rows:
            yield _life(
                f"{code}-{name}",
                f"It tells of {code} {says}.",
                lambda view, one, _, __, code=code, change=change: (
                    {**view, **change} if view["failure_code"] == code else view
                ),
                _lives({"prompt": prompt}, 5),
                _CODES,
            )


_KEYS: Final = ("id", "type", "state", "model", "created_at", "output", "failure_reason", "failure_code")


def wrong_members(kinds: tuple[Kind, ...]) -> Iterator[Miniature]:
    """Yield services whose answers about generations lack a member, or have one of a wrong type."""
    values: dict[str, tuple[object, ...]] = {
        "id": (7, None), "type": (None, "picture"), "state": (None, "done"), "model": (None, "uni"),
        "created_at": (1775649600, None, "yesterday"), "output": ({}, "none"), "failure_reason": (False,), "failure_code": (0, ""),
    }  # fmt: skip
    for kind in kinds:
        for key in _KEYS:
            yield _member(
                kind,
                f"no-{key}",
                f"leaves {key} out",
                lambda body, key=key: {k: v for k, v in body.items() if k != key},
            )
            for value in values[key]:
                shown = "object" if value == {} else str(value).lower() or "empty"
                yield _member(
                    kind,
                    f"{key}-{shown}",
                    f"sends {value!r} as {key}",
                    lambda body, key=key, value=value: {**body, key: value},
                )
        yield _member(kind, "wrapped", "wraps it in data", lambda body: {"data": body})


def _member(kind: Kind, name: str, says: str, change: Callable[[View], object]) -> Miniature:
    return _LIFE.derive(
        f"{kind.name}/{name}",
        f"It {says} in answers of the kind {kind.name}.",
        on_kind(kind, rebody(change)),
        kind.witness,
        heading=kind.heading,
        touches=kind.touches,
    )


def wrong_creation() -> Iterator[Miniature]:
    """Yield services whose 201 differs from what was asked, for each model and type."""
    created = next(kind for kind in KINDS if kind.name == "created")
    for name, body in BODIES.items():
        model, kind = body.get("model", "uni-1"), body.get("type", "image")
        for fact, value in (
            ("type", "image" if kind != "image" else "image_edit"),
            ("model", "uni-1" if model != "uni-1" else "uni-1-max"),
            ("state", "processing"),
            ("failure_code", "generation_failed"),
        ):

            def change(
                view: View, model: object = model, kind: object = kind, fact: str = fact, value: str = value
            ) -> View:
                return {**view, fact: value} if (view["model"], view["type"]) == (model, kind) else view

            yield _LIFE.derive(
                f"created-{fact}-{name}",
                f"Its 201 for {name} tells the {fact} {value}.",
                on_kind(created, rebody(change)),
                lambda body=body: (create(body),),
                heading=created.heading,
                touches=lambda asked, change=change: (
                    created.touches(asked)
                    and change(dict(read_json(asked.answer.body))) != read_json(asked.answer.body)
                ),
            )


def wrong_ids() -> Iterator[Miniature]:
    """Yield services whose ids of generations change or are not all different."""
    rows: tuple[tuple[str, str, Retell, Witness], ...] = (
        ("poll-id", "A poll tells another id than was asked for.", lambda view, _, n, __: {**view, "id": f"{n:08x}{view['id'][8:]}"}, _lives(IMAGE, 5)),
        ("id-later", "A later poll tells another id.", lambda view, _, n, __: {**view, "id": f"{n:08x}{view['id'][8:]}"} if n >= 3 else view, _lives(IMAGE, 5, 5, 5)),
        ("id-caps", "A poll tells the id in capitals though the 201 did not.", lambda view, _, __, ___: {**view, "id": view["id"].upper()}, _lives(IMAGE, 5)),
    )  # fmt: skip
    for name, says, change, witness in rows:
        yield _life(name, says, change, witness)
    queued = _lives({"prompt": STAYING[0]}, 0)
    gone: tuple[tuple[str, str, Callable[[Generation, float], bool], Witness, str], ...] = (
        ("poll", "while it is queued", lambda one, now: one.state(now) == "queued", queued, POLLED),
        ("failed", "once it has failed", lambda one, now: one.state(now) == "failed", _lives({"prompt": FAILING[0]}, 5), _FAILED),
        ("hour", "an hour after it was created", lambda one, now: now > one.created + 3600, _lives(IMAGE, 4000), FRESH),
        ("day", "a day after it was created", lambda one, now: now > one.created + 86_400, _lives(IMAGE, 90_000), FRESH),
    )  # fmt: skip
    for name, says, test, witness, heading in gone:
        yield _LIFE.derive(
            f"lost-{name}",
            f"A generation is not found {says}.",
            _vanishing(test),
            witness,
            heading=heading,
            concerns=is_lookup,
        )


def _vanishing(gone: Callable[[Generation, float], bool]) -> Make:
    def find(service: Any, client: Any, name: str) -> tuple[Any, str]:
        found = service._generations.get(name)
        return client, "gone" if found is not None and gone(found, service._read_clock(client)) else name

    return redirecting(find)


def life_operators() -> Iterator[Miniature]:
    """Yield every service that is wrong about the life of a generation."""
    yield from going_back()
    yield from forgetting()
    yield from wrong_facts()
    yield from wrong_codes()
    yield from wrong_members(SUCCESSES)
    yield from wrong_creation()
    yield from wrong_ids()
