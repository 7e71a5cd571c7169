"""Operators on outputs: for how long their URLs work, which of them do, and what stands in an answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

from luma_conformance.miniatures.answers import on_kind, rebody
from luma_conformance.miniatures.controls import CONTROLS, IMAGE
from luma_conformance.miniatures.kinds import KINDS
from luma_conformance.miniatures.life import FRESH, POLLED, View
from luma_conformance.miniatures.miniature import (
    ROOMY,
    Area,
    Asked,
    Body,
    Family,
    Make,
    Miniature,
    Wait,
    Witness,
    changing_answers,
    create,
    poll,
    serve,
)
from luma_conformance.model import Clock, Request, Response
from luma_conformance.reference.generations import Generation
from luma_conformance.reference.service import Service
from luma_conformance.reference.storage import PREFIX, UNSIGNED, Storage

_URLS: Final = "What happens when a URL expires"
_URL: Final = Family(Area.URLS, "urls", _URLS)
_OUTPUT: Final = Family(Area.LIFE, "outputs", POLLED)


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
        ("latest", "Only the URL of the latest poll works.", FRESH, _url_works(lambda it, name, url, _: url == it.given[name][-1]), _downloads(poll(), one)),
        ("first", "Only the URL of the first poll works.", FRESH, _url_works(lambda it, name, url, _: url == it.given[name][0]), _downloads(poll(), load(2))),
        ("two", "Only the URLs of the two latest polls work.", FRESH, _url_works(lambda it, name, url, _: url in it.given[name][-2:]), _downloads(poll(), poll(), one)),
        ("ten", "Only the URLs of the first ten polls work.", FRESH, _url_works(lambda it, name, url, _: url in it.given[name][:10]), _downloads(*[poll()] * 11, load(12))),
        ("once", "An output URL works once.", _URLS, _url_works(lambda it, _, url, __: it.used[url] == 1), _downloads(one, one)),
        ("thrice", "An output URL works three times.", _URLS, _url_works(lambda it, _, url, __: it.used[url] <= 3), _downloads(one, one, one, one)),
        ("since-end", "Output URLs expire an hour after the first poll.", FRESH, _url_works(lambda it, name, _, now: now < it.first[name] + 3600), _downloads(Wait(3000), poll(), Wait(1000), load(2))),
        ("day-old", "No URL works once the first poll is a day old.", FRESH, _url_works(lambda it, name, _, now: now < it.first[name] + 86_400), _downloads(Wait(90_000), poll(), load(2))),
        ("videos-short", "The URLs of videos last half an hour.", _URLS, _url_works(lambda it, name, url, now: it.media[name] != "video" or now < float(url.partition("X-Amz-Date=")[2].partition("&")[0]) + 1800), _downloads(Wait(2000), one, body=video)),
        ("images-short", "The URLs of images last half an hour.", _URLS, _url_works(lambda it, name, url, now: it.media[name] != "image" or now < float(url.partition("X-Amz-Date=")[2].partition("&")[0]) + 1800), _downloads(Wait(2000), one)),
        ("second-short", "The URLs of later polls last half an hour.", FRESH, _url_works(lambda it, name, url, now: url == it.given[name][0] or now < float(url.partition("X-Amz-Date=")[2].partition("&")[0]) + 1800), _downloads(poll(), Wait(2000), load(2))),
    )  # fmt: skip
    for name, says, heading, make, witness in rows:
        yield _URL.derive(name, says, make, witness, heading=heading)
    yield from _refusals()
    yield from _same_urls()


def _refusals() -> Iterator[Miniature]:
    for status in (200, 400, 401, 404, 410):
        yield _URL.derive(
            f"expired-{status}",
            f"It answers {status} to an output URL that has expired.",
            _loaded(403, status),
            _downloads(Wait(4000), load()),
            touches=_is_loaded(403),
        )
    for kind in ("image", "video"):
        yield _URL.derive(
            f"forever-{kind}",
            f"The URLs of outputs that are {kind}s never expire.",
            _stored(lambda kind=kind: _Lasting(kind)),
            _downloads(Wait(4000), load(), body=IMAGE if kind == "image" else CONTROLS["video"]),
        )


class _Lasting(Storage):
    """A storage whose URLs of one kind of output last for ever."""

    def __init__(self, kind: str) -> None:
        super().__init__(3600)
        self._kind = kind

    def url(self, origin: str, generation: str, media: str, now: float) -> str:
        self._seconds = 10**8 if media == self._kind else 3600
        return super().url(origin, generation, media, now)


def _loaded(right: int, status: int) -> Make:
    """Return what makes a service that answers another status where an output URL is answered the right one."""

    def changed(request: Request, response: Response) -> Response:
        is_meant = request.url.startswith(PREFIX) and response.status == right
        return replace(response, status=status) if is_meant else response

    return changing_answers(changed)


def _is_loaded(right: int) -> Callable[[Asked], bool]:
    return lambda asked: asked.answer.status == right and PREFIX in asked.request.url


def _same_urls() -> Iterator[Miniature]:
    rows: tuple[tuple[str, str, Callable[[Generation, float, float], bool]], ...] = (
        ("always", "It gives the same URL at every poll.", lambda _, __, ___: True),
        ("hour", "It gives a new URL only once the old one has expired.", lambda _, given, now: now < given + 3600),
        ("minute", "It gives the same URL for a minute.", lambda _, given, now: now < given + 60),
        ("half-hour", "It gives the same URL for half an hour.", lambda _, given, now: now < given + 1800),
        ("videos", "It gives the same URL of a video for ever.", lambda one, _, __: one.media == "video"),
        ("images", "It gives the same URL of an image for ever.", lambda one, _, __: one.media == "image"),
        ("edits", "It gives the same URL of an edit for ever.", lambda one, _, __: one.type.endswith("edit")),
        (
            "reframes",
            "It gives the same URL of a reframed video for ever.",
            lambda one, _, __: one.type == "video_reframe",
        ),
    )
    for name, says, keeps in rows:
        body = {"videos": CONTROLS["video"], "edits": CONTROLS["image_edit"], "reframes": CONTROLS["video_reframe"]}
        yield _URL.derive(
            f"same-{name}", says, _keeping(keeps), _downloads(poll(), body=body.get(name, IMAGE)), heading=FRESH
        )


def _keeping(keeps: Callable[[Generation, float, float], bool]) -> Make:
    class Keeping(Service):
        def _poll(self, client: Any, generation_id: str, request: Request) -> Any:
            view = dict(super()._poll(client, generation_id, request))
            kept = self.__dict__.setdefault("_kept", {})
            now = self._read_clock(client)
            if view["output"]:
                if generation_id not in kept or not keeps(
                    self._generations[generation_id], kept[generation_id][1], now
                ):
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
        yield _OUTPUT.derive(
            name, f"It {says}.", on_kind(completed, rebody(change)), completed.witness, touches=completed.touches
        )
    for status in (201, 403, 404):
        yield replace(_OUTPUT, area=Area.URLS, heading=_URLS).derive(
            f"status-{status}",
            f"It answers {status} to an output URL that is valid.",
            _loaded(200, status),
            _downloads(load()),
            touches=_is_loaded(200),
        )


def output_operators() -> Iterator[Miniature]:
    """Yield every service that is wrong about outputs."""
    yield from wrong_urls()
    yield from wrong_outputs()
