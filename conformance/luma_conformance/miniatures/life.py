"""Operators on the life of a generation: its states and facts at each poll, its outputs and their URLs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from luma_conformance.miniatures.answers import on_kind, rebody
from luma_conformance.miniatures.controls import CONTROLS, IMAGE, PRIOR_IMAGE, give
from luma_conformance.miniatures.kinds import KINDS, SUCCESSES, Kind
from luma_conformance.miniatures.miniature import (
    ROOMY,
    Area,
    Body,
    Make,
    Miniature,
    Wait,
    Witness,
    around,
    create,
    poll,
    read_json,
    serve,
)
from luma_conformance.model import Clock, Request, Response
from luma_conformance.reference.cards import FAILS, STAYS
from luma_conformance.reference.generations import Generation
from luma_conformance.reference.service import Service
from luma_conformance.reference.storage import PREFIX, UNSIGNED, Storage

_POLLED: Final = "200 — OK (success)"
_FAILED: Final = "Failed response structure"
_CODES: Final = "Failure codes"
_URLS: Final = "What happens when a URL expires"
_FRESH: Final = "How to get a fresh URL"
_STAYS: Final = [*STAYS]
BODIES: Final[Mapping[str, Body]] = {
    **CONTROLS,
    "uni-1-max": give(IMAGE, model="uni-1-max"),
    "manga": give(IMAGE, style="manga"),
    "generation-source": give(CONTROLS["image_edit"], source=PRIOR_IMAGE),
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


def _life(name: str, says: str, change: Retell, witness: Witness, heading: str = _POLLED) -> Miniature:
    return Miniature(
        name=f"life/{name}", says=says, heading=heading, area=Area.LIFE, make=_retold(change), witness=witness
    )


def _running(view: View) -> View:
    return {**view, "state": "processing", "output": [], "failure_reason": None, "failure_code": None}


_GENERIC: Final = {"state": "failed", "output": [], "failure_reason": "Generation failed", "failure_code": "generation_failed"}  # fmt: skip


def going_back() -> Iterator[Miniature]:
    """Yield services in which a generation that has ended does not stay as it ended."""
    done = _lives(IMAGE, 5, 5, 5, 5)
    failing = _lives({"prompt": [*FAILS][2]}, 5, 5, 5, 5)
    old = _lives(IMAGE, 5, 4000)
    for where, test in (("second", lambda n: n == 2), ("third", lambda n: n == 3), ("later", lambda n: n >= 3), ("every-other", lambda n: n % 2 == 0)):  # fmt: skip
        for state, witness in (("completed", done), ("failed", failing)):
            yield _life(
                f"back-{state}-{where}",
                f"At the {where} poll a generation that is {state} is processing again.",
                lambda view, _, n, __, state=state, test=test: _running(view) if view["state"] == state and test(n) else view,  # type: ignore[misc]
                witness,
            )
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
        ("queued-after", "A generation that is processing is queued at its second poll.", lambda view, _, n, __: {**view, "state": "queued"} if view["state"] == "processing" and n == 2 else view, _lives({"prompt": _STAYS[1]}, 5, 5)),
        ("created-moves", "Its created_at is the time of the poll.", lambda view, _, __, now: {**view, "created_at": _stamp(now)}, _lives(IMAGE, 5, 5)),
        ("created-jitters", "Its created_at is a second later at later polls.", lambda view, one, n, __: {**view, "created_at": _stamp(one.created + 1)} if n >= 2 else view, _lives(IMAGE, 5, 5)),
        ("never-ends", "A generation never ends.", lambda view, _, __, ___: _running(view), done),
        ("unknown-state", "A processing generation is in the state running.", lambda view, _, __, ___: {**view, "state": "running"} if view["state"] == "processing" else view, _lives({"prompt": _STAYS[1]}, 5)),
        ("succeeded", "A completed generation is in the state succeeded.", lambda view, _, __, ___: {**view, "state": "succeeded"} if view["state"] == "completed" else view, done),
        ("pending", "A queued generation is in the state pending.", lambda view, _, __, ___: {**view, "state": "pending"} if view["state"] == "queued" else view, _lives({"prompt": _STAYS[0]}, 5)),
    )  # fmt: skip
    for name, says, change, witness in rows:
        why = "the wording of a reason is for people; that it stays the same is not said"
        yield replace(_life(name, says, change, witness), equivalent=why if name == "reason-changes" else None)


def _stamp(now: float) -> str:
    """Return a time on the day of the page's examples as the page writes it."""
    seconds = int(now) - 1_775_606_400
    hours, rest = divmod(max(0, seconds), 3600)
    return f"2026-04-{8 + hours // 24:02d}T{hours % 24:02d}:{rest // 60:02d}:{rest % 60:02d}Z"


def wrong_facts() -> Iterator[Miniature]:
    """Yield services that tell a wrong fact of a generation, for each model, type and way of asking."""
    for name, body in BODIES.items():
        model, kind = body.get("model", "uni-1"), body.get("type", "image")
        alike = lambda one, model=model, kind=kind: (one.model, one.type) == (model, kind)  # noqa: E731
        media = "video" if str(kind).startswith("video") else "image"
        wrong = "image" if media == "video" else "video"
        done = _lives(body, 5)
        if name in ("manga", "generation-source"):
            continue
        rows: tuple[tuple[str, str, View], ...] = (
            ("type", "another type", {"type": "image_edit" if kind == "image" else "image" if media == "image" else "video" if kind != "video" else "video_edit"}),
            ("model", "another model", {"model": "uni-1" if model != "uni-1" else "uni-1-max"}),
            ("failure", "a failure_code though it is completed", {"failure_code": "generation_failed"}),
            ("reason", "a failure_reason though it is completed", {"failure_reason": "Generation failed"}),
            ("outputless", "no output though it is completed", {"output": []}),
            ("null-output", "an output of null", {"output": None}),
        )  # fmt: skip
        for fact, says, change in rows:
            yield _life(
                f"{fact}-{name}",
                f"Polling a completed generation of {name} tells {says}.",
                lambda view, one, _, __, alike=alike, change=change: {**view, **change} if alike(one) and view["state"] == "completed" else view,  # type: ignore[misc]
                done,
            )
        yield _life(
            f"kind-{name}",
            f"The output of a generation of {name} is of the type {wrong}.",
            lambda view, one, _, __, alike=alike, wrong=wrong: _of_kind(view, wrong) if alike(one) else view,  # type: ignore[misc]
            done,
        )
        yield _life(
            f"lives-{name}",
            f"A generation of {name} never ends.",
            lambda view, one, _, __, alike=alike: _running(view) if alike(one) and view["state"] == "completed" else view,  # type: ignore[misc]
            done,
        )
        failing = {**body, "prompt": [*FAILS][0]}
        yield _life(
            f"no-code-{name}",
            f"A failed generation of {name} has no failure_code.",
            lambda view, one, _, __, alike=alike: {**view, "failure_code": None} if alike(one) else view,  # type: ignore[misc]
            _lives(failing, 5),
            _FAILED,
        )
        yield _life(
            f"failed-output-{name}",
            f"A failed generation of {name} has an output.",
            lambda view, one, _, __, alike=alike: _with_output(view, one) if alike(one) and view["state"] == "failed" else view,  # type: ignore[misc]
            _lives(failing, 5),
            _FAILED,
        )


def _of_kind(view: View, kind: str) -> View:
    return {**view, "output": [{**one, "type": kind} for one in view["output"]]}


def _with_output(view: View, one: Generation) -> View:
    return {**view, "output": [{"type": one.media, "url": "https://storage.test/output"}]}


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
                lambda view, one, _, __, code=code, change=change: {**view, **change} if view["failure_code"] == code else view,  # type: ignore[misc]
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
            yield _member(kind, f"no-{key}", f"leaves {key} out", lambda body, key=key: {k: v for k, v in body.items() if k != key})  # type: ignore[misc]
            for value in values[key]:
                shown = str(value).lower().replace(" ", "") or "empty"
                yield _member(kind, f"{key}-{shown}", f"sends {value!r} as {key}", lambda body, key=key, value=value: {**body, key: value})  # type: ignore[misc]
        yield _member(kind, "wrapped", "wraps it in data", lambda body: {"data": body})


def _member(kind: Kind, name: str, says: str, change: Callable[[View], object]) -> Miniature:
    return Miniature(
        name=f"life/{kind.name}/{name}",
        says=f"It {says} in answers of the kind {kind.name}.",
        heading=kind.heading,
        area=Area.LIFE,
        make=on_kind(kind, rebody(change)),
        touches=kind.touches,
        witness=kind.witness,
    )


def wrong_creation() -> Iterator[Miniature]:
    """Yield services whose 201 differs from what was asked, for each model and type."""
    created = next(kind for kind in KINDS if kind.name == "created")
    for name, body in BODIES.items():
        if name in ("manga", "generation-source"):
            continue
        model, kind = body.get("model", "uni-1"), body.get("type", "image")
        for fact, value in (
            ("type", "image" if kind != "image" else "image_edit"),
            ("model", "uni-1" if model != "uni-1" else "uni-1-max"),
            ("state", "processing"),
            ("failure_code", "generation_failed"),
        ):

            def change(view: View, model: object = model, kind: object = kind, fact: str = fact, value: str = value) -> View:
                return {**view, fact: value} if (view["model"], view["type"]) == (model, kind) else view

            yield Miniature(
                name=f"life/created-{fact}-{name}",
                says=f"Its 201 for {name} tells the {fact} {value}.",
                heading=created.heading,
                area=Area.LIFE,
                make=on_kind(created, rebody(change)),
                touches=lambda asked, change=change: created.touches(asked) and change(dict(read_json(asked.answer.body))) != read_json(asked.answer.body),  # type: ignore[misc]
                witness=lambda body=body: (create(body),),  # type: ignore[misc]
            )


def _stored(kind: Callable[[], Storage]) -> Make:
    """Return what makes a service with another storage of outputs."""

    def make(clock: Clock) -> Callable[[Request], Response]:
        service = Service(clock=clock, settings=ROOMY)
        service._storage = kind()
        return service.handle

    return make


class _Noted(Storage):
    """A storage that remembers which URLs it has given out, and when."""

    def __init__(self, seconds: int = 3600) -> None:
        super().__init__(seconds)
        self.given: dict[str, list[str]] = {}
        self.first: dict[str, float] = {}
        self.used: dict[str, int] = {}
        self.media: dict[str, str] = {}

    def url(self, origin: str, generation: str, media: str, now: float) -> str:
        made = super().url(origin, generation, media, now)
        if now > 0:
            self.first.setdefault(generation, now)
            self.given.setdefault(generation, []).append(made.removeprefix(origin))
            self.media[generation] = media
        return made

    def answer(self, url: str, media: str, now: float) -> Response:
        self.used[url] = self.used.get(url, 0) + 1
        answer = super().answer(url, media, now)
        return answer if answer.status != 200 or self.allows(url, now) else UNSIGNED

    def allows(self, url: str, now: float) -> bool:
        """Return whether a URL that is valid works."""
        return True


def _url_works(test: Callable[[_Noted, str, str, float], bool], seconds: int = 3600) -> Make:
    class Tested(_Noted):
        def allows(self, url: str, now: float) -> bool:
            return test(self, self.generation(url), url, now)

    return _stored(lambda: Tested(seconds))


def _downloads(*moves: Request | Wait, body: Body = IMAGE) -> Witness:
    return lambda: [create(body), Wait(5), poll(), *moves]


def load(index: int = 1) -> Request:
    """Return a request for the first output in the answer of that index."""
    return Request(method="GET", url=f"{{url:{index}}}")


def wrong_urls() -> Iterator[Miniature]:
    """Yield services whose output URLs work for too long, too short, or not always."""
    one, video = load(), CONTROLS["video"]
    rows: tuple[tuple[str, str, str, Make, Witness], ...] = (
        ("forever", "Its output URLs never expire.", _URLS, _stored(lambda: Storage(10**8)), _downloads(Wait(90_000), one)),
        ("day", "Its output URLs last a day.", _URLS, _stored(lambda: Storage(86_400)), _downloads(Wait(4000), one)),
        ("two-hours", "Its output URLs last two hours.", _URLS, _stored(lambda: Storage(7200)), _downloads(Wait(4000), one)),
        ("half-hour", "Its output URLs last half an hour.", _URLS, _stored(lambda: Storage(1800)), _downloads(Wait(2000), one)),
        ("59-minutes", "Its output URLs last 59 minutes.", _URLS, _stored(lambda: Storage(3540)), _downloads(Wait(3560), one)),
        ("65-minutes", "Its output URLs last 65 minutes.", _URLS, _stored(lambda: Storage(3900)), _downloads(Wait(3700), one)),
        ("minute", "Its output URLs last a minute.", _URLS, _stored(lambda: Storage(60)), _downloads(Wait(61), one)),
        ("latest", "Only the URL of the latest poll works.", _FRESH, _url_works(lambda it, name, url, _: url == it.given[name][-1]), _downloads(poll(), one)),
        ("first", "Only the URL of the first poll works.", _FRESH, _url_works(lambda it, name, url, _: url == it.given[name][0]), _downloads(poll(), load(2))),
        ("two", "Only the URLs of the two latest polls work.", _FRESH, _url_works(lambda it, name, url, _: url in it.given[name][-2:]), _downloads(poll(), poll(), one)),
        ("ten", "Only the URLs of the first ten polls work.", _FRESH, _url_works(lambda it, name, url, _: url in it.given[name][:10]), _downloads(*[poll()] * 11, load(12))),
        ("once", "An output URL works once.", _URLS, _url_works(lambda it, _, url, __: it.used[url] == 1), _downloads(one, one)),
        ("thrice", "An output URL works three times.", _URLS, _url_works(lambda it, _, url, __: it.used[url] <= 3), _downloads(one, one, one, one)),
        ("since-end", "Output URLs expire an hour after the first poll.", _FRESH, _url_works(lambda it, name, _, now: now < it.first[name] + 3600), _downloads(Wait(3000), poll(), Wait(1000), load(2))),
        ("day-old", "No URL works once the first poll is a day old.", _FRESH, _url_works(lambda it, name, _, now: now < it.first[name] + 86_400), _downloads(Wait(90_000), poll(), load(2))),
        ("videos-short", "The URLs of videos last half an hour.", _URLS, _url_works(lambda it, name, url, now: it.media[name] != "video" or now < float(url.partition("X-Amz-Date=")[2].partition("&")[0]) + 1800), _downloads(Wait(2000), one, body=video)),
        ("images-short", "The URLs of images last half an hour.", _URLS, _url_works(lambda it, name, url, now: it.media[name] != "image" or now < float(url.partition("X-Amz-Date=")[2].partition("&")[0]) + 1800), _downloads(Wait(2000), one)),
        ("second-short", "The URLs of later polls last half an hour.", _FRESH, _url_works(lambda it, name, url, now: url == it.given[name][0] or now < float(url.partition("X-Amz-Date=")[2].partition("&")[0]) + 1800), _downloads(poll(), Wait(2000), load(2))),
    )  # fmt: skip
    for name, says, heading, make, witness in rows:
        yield Miniature(name=f"urls/{name}", says=says, heading=heading, area=Area.URLS, make=make, witness=witness)
    yield from _refusals()
    yield from _same_urls()


def _refusals() -> Iterator[Miniature]:
    for status in (200, 400, 401, 404, 410):
        yield Miniature(
            name=f"urls/expired-{status}",
            says=f"It answers {status} to an output URL that has expired.",
            heading=_URLS,
            area=Area.URLS,
            make=around(
                lambda handle, status=status: lambda request: _restatus(handle(request), status) if request.url.startswith(PREFIX) else handle(request)  # type: ignore[misc]
            ),
            touches=lambda asked: asked.answer.status == 403 and PREFIX in asked.request.url,
            witness=_downloads(Wait(4000), load()),
        )
    for kind in ("image", "video"):
        yield Miniature(
            name=f"urls/forever-{kind}",
            says=f"The URLs of outputs that are {kind}s never expire.",
            heading=_URLS,
            area=Area.URLS,
            make=_stored(lambda kind=kind: _Lasting(kind)),  # type: ignore[misc]
            witness=_downloads(Wait(4000), load(), body=IMAGE if kind == "image" else CONTROLS["video"]),
        )


class _Lasting(Storage):
    """A storage whose URLs of one kind of output last for ever."""

    def __init__(self, kind: str) -> None:
        super().__init__(3600)
        self._kind = kind

    def url(self, origin: str, generation: str, media: str, now: float) -> str:
        self._seconds = 10**8 if media == self._kind else 3600
        return super().url(origin, generation, media, now)


def _restatus(response: Response, status: int) -> Response:
    return replace(response, status=status) if response.status == 403 else response


def _same_urls() -> Iterator[Miniature]:
    rows: tuple[tuple[str, str, Callable[[Generation, float, float], bool]], ...] = (
        ("always", "It gives the same URL at every poll.", lambda _, __, ___: True),
        ("hour", "It gives a new URL only once the old one has expired.", lambda _, given, now: now < given + 3600),
        ("minute", "It gives the same URL for a minute.", lambda _, given, now: now < given + 60),
        ("half-hour", "It gives the same URL for half an hour.", lambda _, given, now: now < given + 1800),
        ("videos", "It gives the same URL of a video for ever.", lambda one, _, __: one.media == "video"),
        ("images", "It gives the same URL of an image for ever.", lambda one, _, __: one.media == "image"),
        ("edits", "It gives the same URL of an edit for ever.", lambda one, _, __: one.type.endswith("edit")),
        ("reframes", "It gives the same URL of a reframed video for ever.", lambda one, _, __: one.type == "video_reframe"),
    )
    for name, says, keeps in rows:
        body = {"videos": CONTROLS["video"], "edits": CONTROLS["image_edit"], "reframes": CONTROLS["video_reframe"]}
        yield Miniature(
            name=f"urls/same-{name}",
            says=says,
            heading=_FRESH,
            area=Area.URLS,
            make=_keeping(keeps),
            witness=_downloads(poll(), body=body.get(name, IMAGE)),
        )


def _keeping(keeps: Callable[[Generation, float, float], bool]) -> Make:
    class Keeping(Service):
        def _poll(self, client: Any, generation_id: str, request: Request) -> Any:
            view = dict(super()._poll(client, generation_id, request))
            kept = self.__dict__.setdefault("_kept", {})
            now = self._read_clock(client)
            if view["output"]:
                if generation_id not in kept or not keeps(self._generations[generation_id], kept[generation_id][1], now):
                    kept[generation_id] = view["output"], now
                view["output"] = kept[generation_id][0]
            return view

    return serve(Keeping)


def wrong_outputs() -> Iterator[Miniature]:
    """Yield services whose outputs are not as the page shows them."""
    completed = next(kind for kind in KINDS if kind.name == "completed")
    rows: tuple[tuple[str, str, Callable[[View], View]], ...] = (
        ("texts", "gives outputs as bare URLs", lambda view: {**view, "output": [one["url"] for one in view["output"]]}),
        ("href", "calls the URL of an output href", lambda view: {**view, "output": [{"type": one["type"], "href": one["url"]} for one in view["output"]]}),
        ("typeless", "gives outputs without a type", lambda view: {**view, "output": [{"url": one["url"]} for one in view["output"]]}),
        ("object", "gives one output instead of a list", lambda view: {**view, "output": view["output"][0]}),
        ("null", "gives outputs without a URL", lambda view: {**view, "output": [{**one, "url": None} for one in view["output"]]}),
        ("path", "gives the path of an output", lambda view: {**view, "output": [{**one, "url": "/output.png"} for one in view["output"]]}),
        ("mime", "gives a media type as the type of an output", lambda view: {**view, "output": [{**one, "type": f"{one['type']}/any"} for one in view["output"]]}),
        ("dead", "gives URLs that lead nowhere", lambda view: {**view, "output": [{**one, "url": one["url"].replace("Nonce=", "Nonce=0")} for one in view["output"]]}),
    )  # fmt: skip
    for name, says, change in rows:
        yield Miniature(
            name=f"outputs/{name}",
            says=f"It {says}.",
            heading=_POLLED,
            area=Area.LIFE,
            make=on_kind(completed, rebody(change)),
            touches=completed.touches,
            witness=completed.witness,
        )
    for status in (201, 403, 404):
        yield Miniature(
            name=f"outputs/status-{status}",
            says=f"It answers {status} to an output URL that is valid.",
            heading=_URLS,
            area=Area.URLS,
            make=around(
                lambda handle, status=status: lambda request: _revalid(request, handle(request), status)  # type: ignore[misc]
            ),
            touches=lambda asked: asked.answer.status == 200 and PREFIX in asked.request.url,
            witness=_downloads(load()),
        )


def _revalid(request: Request, response: Response, status: int) -> Response:
    is_output = request.url.startswith(PREFIX) and response.status == 200
    return replace(response, status=status) if is_output else response


def wrong_ids() -> Iterator[Miniature]:
    """Yield services whose ids of generations change or are not all different."""
    rows: tuple[tuple[str, str, Retell, Witness], ...] = (
        ("poll-id", "A poll tells another id than was asked for.", lambda view, _, n, __: {**view, "id": f"{n:08x}{view['id'][8:]}"}, _lives(IMAGE, 5)),
        ("id-later", "A later poll tells another id.", lambda view, _, n, __: {**view, "id": f"{n:08x}{view['id'][8:]}"} if n >= 3 else view, _lives(IMAGE, 5, 5, 5)),
        ("id-caps", "A poll tells the id in capitals though the 201 did not.", lambda view, _, __, ___: {**view, "id": view["id"].upper()}, _lives(IMAGE, 5)),
    )  # fmt: skip
    for name, says, change, witness in rows:
        yield _life(name, says, change, witness)
    lost = _vanishing(lambda one, now: now > one.created + 86_400)
    yield Miniature(
        name="life/lost-poll",
        says="A generation that has just been created is not found until it is processing.",
        heading=_POLLED,
        area=Area.LIFE,
        make=_vanishing(lambda one, now: one.state(now) == "queued"),
        witness=_lives({"prompt": _STAYS[0]}, 0),
    )
    yield Miniature(
        name="life/lost-failed",
        says="A generation that has failed is not found.",
        heading=_FAILED,
        area=Area.LIFE,
        make=_vanishing(lambda one, now: one.state(now) == "failed"),
        witness=_lives({"prompt": [*FAILS][0]}, 5),
    )
    yield Miniature(
        name="life/lost-day",
        says="A generation is not found a day after it was created.",
        heading=_FRESH,
        area=Area.LIFE,
        make=lost,
        witness=_lives(IMAGE, 90_000),
    )
    yield Miniature(
        name="life/lost-hour",
        says="A generation is not found an hour after it was created.",
        heading=_FRESH,
        area=Area.LIFE,
        make=_vanishing(lambda one, now: now > one.created + 3600),
        witness=_lives(IMAGE, 4000),
    )


def _vanishing(gone: Callable[[Generation, float], bool]) -> Make:
    class Vanishing(Service):
        def _poll(self, client: Any, generation_id: str, request: Request) -> Any:
            found = self._generations.get(generation_id)
            if found is not None and gone(found, self._read_clock(client)):
                return super()._poll(client, "gone", request)
            return super()._poll(client, generation_id, request)

    return serve(Vanishing)


def life_operators() -> Iterator[Miniature]:
    """Yield every service that is wrong about the life of a generation."""
    yield from going_back()
    yield from wrong_facts()
    yield from wrong_codes()
    yield from wrong_members(SUCCESSES)
    yield from wrong_creation()
    yield from wrong_urls()
    yield from wrong_outputs()
    yield from wrong_ids()
