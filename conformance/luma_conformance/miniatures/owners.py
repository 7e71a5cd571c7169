"""Operators on keys and owners: who is let in, and whose generations are found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

from luma_conformance.miniatures.controls import CONTROLS, FAILING, IMAGE, STAYING
from luma_conformance.miniatures.kinds import NOBODY, keyed
from luma_conformance.miniatures.miniature import (
    Area,
    Body,
    Family,
    Make,
    Miniature,
    Wait,
    Witness,
    changing_answers,
    changing_requests,
    create,
    is_lookup,
    poll,
    redirecting,
    serve,
)
from luma_conformance.model import GENERATIONS_PATH, Request, Response, header
from luma_conformance.reference.cards import COMPLETED_IMAGE, COMPLETED_VIDEO, KEYS
from luma_conformance.reference.generations import Generation
from luma_conformance.reference.service import Service

_MAIN: Final = "luma-api-test-main"
_GOOD: Final = f"Bearer {_MAIN}"
_MALFORMED: Final = "401 — Malformed Authorization header (not Bearer scheme, or wrong key prefix)"
_MISSING: Final = "401 — Missing Authorization header"
_INVALID: Final = "401 — Invalid API key (wrong value, lookup failed)"


def _authorized(request: Request, value: str) -> Request:
    kept = tuple(one for one in request.headers if one[0].lower() != "authorization")
    return replace(request, headers=(("Authorization", value), *kept))


def _sent(request: Request) -> str:
    return header(request.headers, "Authorization") or ""


def _known(token: str) -> str | None:
    return f"Bearer {token}" if token in KEYS else None


def _find(test: Callable[[str, str], bool]) -> Callable[[Request], str | None]:
    """Return a reading of the sent token as the first known key for which `test` holds."""

    def read(request: Request) -> str | None:
        token = _sent(request).removeprefix("Bearer ")
        near = next((key for key in KEYS if key != token and test(token, key)), None)
        return None if near is None or token in KEYS or not token.startswith("luma-api-") else f"Bearer {near}"

    return read


def _scheme(accepts: Callable[[str], bool]) -> Callable[[Request], str | None]:
    def read(request: Request) -> str | None:
        scheme, _, token = _sent(request).partition(" ")
        return _known(token) if scheme != "Bearer" and accepts(scheme) else None

    return read


def _from_header(name: str) -> Callable[[Request], str | None]:
    return lambda request: None if _sent(request) else _known(header(request.headers, name) or "")


def _from_query(request: Request) -> str | None:
    _, _, query = request.url.partition("?")
    given = [
        part.partition("=")[2] for part in query.split("&") if part.partition("=")[0] in ("api_key", "key", "token")
    ]
    return None if _sent(request) or not given else _known(given[0])


_KEYS: Final = Family(Area.AUTH, "keys", _INVALID)
_EXTRA: Final = (("Content-Type", "application/json"),)


def _presented(*headers: tuple[str, str]) -> Request:
    return Request(method="POST", url=GENERATIONS_PATH, headers=(*headers, *_EXTRA), body=b'{"prompt": "A sunset"}')


_READINGS: Final[tuple[tuple[str, str, str, Callable[[Request], str | None], Callable[[], Request]], ...]] = (
    ("shorter", "takes a key without its last character", _INVALID,
     _find(lambda token, key: token == key[:-1]), lambda: keyed(_GOOD[:-1])),
    ("beginning", "takes any beginning of a key of 16 characters or more", _INVALID,
     _find(lambda token, key: len(token) >= 16 and key.startswith(token)), lambda: keyed(_GOOD[:-2])),
    ("longer", "takes whatever begins with a key", _INVALID,
     _find(lambda token, key: token.startswith(key)), lambda: keyed(f"{_GOOD}x")),
    ("one-more", "takes a key with one more character", _INVALID,
     _find(lambda token, key: token[:-1] == key), lambda: keyed(f"{_GOOD}1")),
    ("caps", "compares keys without their case", _INVALID,
     _find(lambda token, key: token.lower() == key), lambda: keyed("Bearer luma-api-test-MAIN")),
    ("end", "compares the last four characters of keys", _INVALID,
     _find(lambda token, key: token[-4:] == key[-4:] and len(token) >= len(key)), lambda: keyed("Bearer luma-api-best-main")),
    ("middle", "does not compare one character of keys", _INVALID,
     _find(lambda token, key: len(token) == len(key) and token[:10] == key[:10] and token[11:] == key[11:]),
     lambda: keyed("Bearer luma-api-tost-main")),
    ("first-part", "compares keys up to their last dash", _INVALID,
     _find(lambda token, key: token.rpartition("-")[0] == key.rpartition("-")[0]), lambda: keyed("Bearer luma-api-test-nobody")),
    ("any", "takes any key that begins as keys do", _INVALID,
     lambda request: None if not _sent(request).startswith("Bearer luma-api-") or _sent(request)[7:] in KEYS else _GOOD,
     lambda: keyed("Bearer luma-api-nobody")),
    ("lower-scheme", "takes the scheme bearer in lower case", _MALFORMED,
     _scheme(lambda scheme: scheme == "bearer"), lambda: keyed(f"bearer {_MAIN}")),
    ("upper-scheme", "takes the scheme BEARER", _MALFORMED,
     _scheme(lambda scheme: scheme == "BEARER"), lambda: keyed(f"BEARER {_MAIN}")),
    ("basic", "takes a key under the scheme Basic", _MALFORMED,
     _scheme(lambda scheme: scheme == "Basic"), lambda: keyed(f"Basic {_MAIN}")),
    ("token", "takes a key under the scheme Token", _MALFORMED,
     _scheme(lambda scheme: scheme == "Token"), lambda: keyed(f"Token {_MAIN}")),
    ("any-scheme", "takes a key under any scheme", _MALFORMED,
     _scheme(bool), lambda: keyed(f"Key {_MAIN}")),
    ("bare", "takes a bare key", _MALFORMED, lambda request: _known(_sent(request)), lambda: keyed(_MAIN)),
    ("x-api-key", "takes a key in X-API-Key", _MISSING, _from_header("X-API-Key"), lambda: _presented(("X-API-Key", _MAIN))),
    ("luma-api-key", "takes a key in Luma-Api-Key", _MISSING, _from_header("Luma-Api-Key"),
     lambda: _presented(("Luma-Api-Key", _MAIN))),
    ("api-key", "takes a key in Api-Key", _MISSING, _from_header("Api-Key"), lambda: _presented(("Api-Key", _MAIN))),
    ("cookie", "takes a key in a cookie", _MISSING,
     lambda request: None if _sent(request) else _known((header(request.headers, "Cookie") or "").partition("=")[2]),
     lambda: _presented(("Cookie", f"session={_MAIN}"))),
    ("proxy", "takes a key in Proxy-Authorization", _MISSING,
     lambda request: None if _sent(request) else header(request.headers, "Proxy-Authorization"),
     lambda: _presented(("Proxy-Authorization", _GOOD))),
    ("query", "takes a key in the query", _MISSING, _from_query,
     lambda: replace(_presented(), url=f"{GENERATIONS_PATH}?api_key={_MAIN}")),
    ("nobody", "takes requests without a key", _MISSING,
     lambda request: None if _sent(request) else _GOOD, _presented),
    ("empty", "takes an empty Bearer token", _MALFORMED,
     lambda request: _GOOD if _sent(request).strip() == "Bearer" else None, lambda: keyed("Bearer ")),
    ("no-prefix", "takes a key without its prefix", _MALFORMED,
     lambda request: _known(f"luma-api-{_sent(request).removeprefix('Bearer ')}") if _sent(request).startswith("Bearer ") else None,
     lambda: keyed("Bearer test-main")),
    ("other-prefix", "takes a key with another prefix", _MALFORMED,
     lambda request: _known(_sent(request)[7:].replace("luma-key-", "luma-api-")) if "luma-key-" in _sent(request) else None,
     lambda: keyed("Bearer luma-key-test-main")),
    ("caps-prefix", "takes a key whose prefix is in capitals", _MALFORMED,
     lambda request: _known(_sent(request)[7:].replace("LUMA-API-", "luma-api-")) if "LUMA-API-" in _sent(request) else None,
     lambda: keyed("Bearer LUMA-API-test-main")),
)  # fmt: skip


def open_doors() -> Iterator[Miniature]:
    """Yield services that let in what is no documented key, on both operations or on one."""
    for name, says, heading, read, ask in _READINGS:
        for where in ("all", "POST", "GET"):

            def reread(request: Request, read: Callable[[Request], str | None] = read, where: str = where) -> Request:
                if where not in ("all", request.method) or not request.url.startswith(GENERATIONS_PATH):
                    return request
                value = read(request)
                return request if value is None else _authorized(request, value)

            yield _KEYS.derive(
                f"{name}/{where.lower()}",
                f"It {says}{'' if where == 'all' else f', on {where}'}.",
                changing_requests(reread),
                lambda ask=ask, where=where: (_aimed(ask(), where),),
                heading=heading,
                touches=lambda asked, read=read, where=where: (
                    where in ("all", asked.request.method) and read(asked.request) is not None
                ),
            )


def _aimed(request: Request, where: str) -> Request:
    """Return a request as a lookup where that is asked for."""
    if where != "GET":
        return request
    query = request.url.partition("?")[2]
    url = f"{GENERATIONS_PATH}/{COMPLETED_IMAGE}"
    return replace(request, method="GET", url=f"{url}?{query}" if query else url, body=b"")


def _as(token: str, other: str) -> Callable[[Request], Request]:
    return lambda request: _authorized(request, f"Bearer {other}") if _sent(request) == f"Bearer {token}" else request


def wrong_states() -> Iterator[Miniature]:
    """Yield services that treat a key in one state as in another, on both operations or on one."""
    taken = {"good": "main", "unknown": "nobody", **{name: name for name in _STATES}}
    for name in _STATES:
        for other, key in taken.items():
            for where in ("all", "POST", "GET") if other == "good" else ("all",):
                # What a lookup with a key that is good but for its client is answered is not said.
                if other != name and not (where == "GET" and name not in ("revoked", "expired")):
                    yield _treated(name, other, key, where)
    for one, words in (("second", "a second key of a client"), ("other", "the keys of other clients")):
        yield _KEYS.derive(
            f"{one}-refused/all",
            f"It does not know {words}.",
            changing_requests(_as(f"luma-api-test-{one}", "luma-api-nobody")),
            lambda one=one: (create(IMAGE, one),),
            heading="201 — Created (success)",
            touches=lambda asked, one=one: _sent(asked.request).endswith(f"-{one}"),
        )


_STATES: Final = {
    "revoked": "401 — Revoked API key",
    "expired": "401 — Expired API key",
    "suspended": "403 — API client is suspended",
    "deactivated": "403 — API client is deactivated",
    "unfunded": "402 — Payment Required",
}


def _treated(name: str, other: str, key: str, where: str) -> Miniature:
    swap = _as(f"luma-api-test-{name}", f"luma-api-test-{key}")
    on = "" if where == "all" else f", on {where}"
    return _KEYS.derive(
        f"{name}-as-{other}/{where.lower()}",
        f"It treats the key that is {name} as one that is {other}{on}.",
        changing_requests(lambda request: swap(request) if where in ("all", request.method) else request),
        lambda: (create(IMAGE, name),) if where != "GET" else (poll(COMPLETED_IMAGE, name),),
        heading=_STATES[name],
        touches=lambda asked: where in ("all", asked.request.method) and _sent(asked.request).endswith(f"-{name}"),
    )


def _showing(test: Callable[[Generation, float], bool]) -> Make:
    """Return what makes a service that shows some generations of other clients."""

    def find(service: Any, client: Any, name: str) -> tuple[Any, str]:
        found = service._generations.get(name)
        is_shown = found is not None and found.client != client.name and test(found, service._read_clock(client))
        return service._clients[found.client] if is_shown else client, name

    return redirecting(find)


_FOREIGN: Final = "404 — Generation belongs to another API key"
_NO_ID: Final = "404 — Invalid generation ID format"
_SCOPING: Final = Family(Area.SCOPING, "scoping", _NO_ID)


def _theirs(body: Body, seconds: float = 0.0, client: str = "main") -> Witness:
    return lambda: (create(body, client), Wait(seconds), poll("{id:0}", "other" if client == "main" else "main"))


def _sights() -> Iterator[tuple[str, str, Callable[[Generation, float], bool], Witness]]:
    yield from (
        ("all", "always", lambda _, __: True, _theirs(IMAGE)),
        ("main-only", "if they are of the client main", lambda one, _: one.client == "main", _theirs(IMAGE)),
        ("others-only", "if they are not of the client main", lambda one, _: one.client != "main", _theirs(IMAGE, client="other")),
        ("minute", "once they are older than a minute", lambda one, now: now > one.created + 60, _theirs(IMAGE, 90)),
        ("hour", "once they are older than an hour", lambda one, now: now > one.created + 3600, _theirs(IMAGE, 3700)),
        ("fresh", "while they are younger than a second", lambda one, now: now < one.created + 1, _theirs(IMAGE)),
        ("given", "that were there before", lambda one, _: one.id in (COMPLETED_IMAGE, COMPLETED_VIDEO), lambda: (poll(COMPLETED_VIDEO, "other"),)),
    )  # fmt: skip
    for state, prompt in (
        ("queued", STAYING[0]),
        ("processing", STAYING[1]),
        ("completed", "a"),
        ("failed", FAILING[0]),
    ):
        witness = _theirs({"prompt": prompt}, 5)
        yield state, f"that are {state}", lambda one, now, state=state: one.state(now) == state, witness
    for kind, control in CONTROLS.items():
        yield kind, f"of type {kind}", lambda one, _, kind=kind: one.type == kind, _theirs(control)


def seen_by_others() -> Iterator[Miniature]:
    """Yield services that show the generations of another client, in each state, of each type, and at each age."""
    for name, says, test, witness in _sights():
        yield _SCOPING.derive(
            f"seen-{name}",
            f"It shows other clients generations {says}.",
            _showing(test),
            witness,
            heading=_FOREIGN,
            concerns=is_lookup,
        )


def _found_by(near: Callable[[str, str], bool]) -> Make:
    """Return what makes a service that finds a generation by an id that is only near."""

    def find(service: Any, client: Any, name: str) -> tuple[Any, str]:
        own = [] if name in service._generations else service._generations.values()
        return client, next((one.id for one in own if one.client == client.name and near(name, one.id)), name)

    return redirecting(find)


_ABSENT: Final = "404 — Generation does not exist"
_NEAR: Final[tuple[tuple[str, str, str, Callable[[str, str], bool], str], ...]] = (
    ("shorter", "without its last character", _NO_ID, lambda given, own: given == own[:-1], COMPLETED_IMAGE[:-1]),
    ("first-8", "by its first eight characters", _NO_ID, lambda given, own: given == own[:8], COMPLETED_IMAGE[:8]),
    ("prefix", "by any beginning of eight characters or more", _NO_ID, lambda given, own: len(given) >= 8 and own.startswith(given), COMPLETED_IMAGE[:20]),
    ("longer", "with more behind it", _NO_ID, lambda given, own: given.startswith(own), f"{COMPLETED_IMAGE}0"),
    ("dashless", "without its dashes", _NO_ID, lambda given, own: given == own.replace("-", ""), COMPLETED_IMAGE.replace("-", "")),
    ("braces", "in braces", _NO_ID, lambda given, own: given.strip("{}") == own, f"{{{COMPLETED_IMAGE}}}"),
    ("urn", "as a urn", _NO_ID, lambda given, own: given == f"urn:uuid:{own}", f"urn:uuid:{COMPLETED_IMAGE}"),
    ("last-digit", "whatever its last character is", _ABSENT, lambda given, own: len(given) == 36 and given[:-1] == own[:-1], f"{COMPLETED_IMAGE[:-1]}f"),
    ("first-part", "by the first part of another id", _ABSENT, lambda given, own: len(given) == 36 and given[:8] == own[:8], f"{COMPLETED_IMAGE[:9]}{NOBODY[9:]}"),
    ("last-part", "by the last part of another id", _ABSENT, lambda given, own: len(given) == 36 and given[24:] == own[24:], f"{NOBODY[:24]}{COMPLETED_IMAGE[24:]}"),
    ("first-digit", "whatever its first character is", _ABSENT, lambda given, own: len(given) == 36 and given[1:] == own[1:], f"f{COMPLETED_IMAGE[1:]}"),
    ("nil", "for the UUID of zeros", _ABSENT, lambda given, _: given == "00000000-0000-0000-0000-000000000000", "00000000-0000-0000-0000-000000000000"),
    ("any-uuid", "for any UUID", _ABSENT, lambda given, _: len(given) == 36 and given.count("-") == 4, NOBODY),
    ("anything", "for any id", _NO_ID, lambda given, _: True, "not-a-uuid"),
    ("latest", "for the word latest", _NO_ID, lambda given, _: given in ("latest", "last"), "latest"),
    ("blank", "with a blank behind it", _NO_ID, lambda given, own: given.replace("%20", "") == own, f"{COMPLETED_IMAGE}%20"),
)  # fmt: skip


_SPELT: Final = "whether another spelling of a UUID names the same generation is not said"


def near_ids() -> Iterator[Miniature]:
    """Yield services that find generations by ids that are only near theirs."""
    for name, says, heading, near, given in _NEAR:
        yield _SCOPING.derive(
            f"id-{name}",
            f"It finds a generation {says}.",
            _found_by(near),
            lambda given=given: (poll(given),),
            heading=heading,
            concerns=is_lookup,
            equivalent=_SPELT if name in ("dashless", "braces", "urn", "blank") else None,
        )


def _answered(where: Callable[[Request], bool], status: int, detail: str) -> Make:
    def changed(request: Request, response: Response) -> Response:
        if response.status != 404 or request.method != "GET" or not where(request):
            return response
        return replace(response, status=status, body=f'{{"detail": "{detail}"}}'.encode())

    return changing_answers(changed)


_IDS: Final[tuple[tuple[str, Callable[[str], bool], str], ...]] = (
    ("a number", lambda given: given.isdigit(), "12345"),
    ("one word", lambda given: given.isalpha(), "generation"),
    ("longer than 100 characters", lambda given: len(given) > 100, "a" * 120),
    ("of 36 characters and no UUID", lambda given: len(given) == 36 and "z" in given, "z" * 36),
    ("with a percent sign", lambda given: "%" in given, "a%2Fb"),
    ("with a dot", lambda given: "." in given, "output.png"),
    ("in capitals", lambda given: given.isupper() and len(given) == 36, NOBODY.upper()),
    ("one character", lambda given: len(given) == 1, "1"),
    ("with an underscore", lambda given: "_" in given, "gen_1"),
    ("of zeros", lambda given: set(given) == {"0", "-"}, "00000000-0000-0000-0000-000000000000"),
)  # fmt: skip


def odd_ids() -> Iterator[Miniature]:
    """Yield services that answer some ids of nobody's otherwise than with 404."""
    for says, test, given in _IDS:
        for status, detail in ((422, "Invalid generation ID"), (500, "Internal error"), (400, "Generation not found")):

            def where(request: Request, test: Callable[[str], bool] = test) -> bool:
                return test(request.url.partition("?")[0].removeprefix(f"{GENERATIONS_PATH}/"))

            yield _SCOPING.derive(
                f"{status}-{says.replace(' ', '-')}",
                f"It answers {status} to a lookup of an id that is {says}.",
                _answered(where, status, detail),
                lambda given=given: (poll(given),),
                touches=lambda asked, where=where: asked.answer.status == 404 and where(asked.request),
            )


def unreadable_ids() -> Iterator[Miniature]:
    """Yield services that break on bytes in an id, to which any refusal would do."""
    for name, byte in (("a-nul", "%00"), ("no-utf-8", "%FF")):

        def where(request: Request, byte: str = byte) -> bool:
            return byte in request.url

        yield _SCOPING.derive(
            f"500-{name}",
            f"It answers 500 to a lookup of an id with {byte} in it.",
            _answered(where, 500, "Internal error"),
            lambda byte=byte: (poll(f"{NOBODY}{byte}"),),
            touches=lambda asked, where=where: is_lookup(asked) and where(asked.request),
        )


def foreign_references() -> Iterator[Miniature]:
    """Yield services that do not ask whose generation it is that a request refers to somewhere."""
    rows: tuple[tuple[str, str, Body], ...] = (
        ("image-source", "source", {**CONTROLS["image_edit"], "source": {"generation_id": COMPLETED_IMAGE}}),
        ("video-source", "source", {**CONTROLS["video_edit"], "source": {"generation_id": COMPLETED_VIDEO}}),
        ("start-frame", "start_frame", {**CONTROLS["video"], "video": {"start_frame": {"generation_id": COMPLETED_VIDEO}}}),
        ("end-frame", "end_frame", {**CONTROLS["video"], "video": {"end_frame": {"generation_id": COMPLETED_VIDEO}}}),
    )  # fmt: skip
    for name, place, body in rows:
        yield _SCOPING.derive(
            f"foreign-{name}",
            f"A request of type {body['type']} may have a generation of another client as its {place}.",
            _trusting(str(body["type"]), place),
            lambda body=body: (create(body, "other"),),
            touches=lambda asked, kind=body["type"]: asked.creates and asked.body.get("type") == kind,
        )


def _trusting(kind: str, place: str) -> Make:
    class Trusting(Service):
        def _check_references(self, client: Any, body: Body) -> None:
            video = body.get("video")
            if body.get("type") == kind:
                body = {name: value for name, value in body.items() if name != place}
                if isinstance(video, dict):
                    body["video"] = {name: value for name, value in video.items() if name != place}
            super()._check_references(client, body)

    return serve(Trusting)


def owner_operators() -> Iterator[Miniature]:
    """Yield every service that is wrong about keys or owners."""
    yield from open_doors()
    yield from wrong_states()
    yield from seen_by_others()
    yield from near_ids()
    yield from odd_ids()
    yield from unreadable_ids()
    yield from foreign_references()
