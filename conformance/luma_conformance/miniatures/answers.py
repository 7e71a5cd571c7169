"""Operators on answers: statuses, texts, headers, the shape of errors, and request ids, for each kind of answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from luma_conformance.miniatures.kinds import ERRORS, KINDS, Kind
from luma_conformance.miniatures.miniature import (
    Area,
    Asked,
    Family,
    Make,
    Miniature,
    Witness,
    changing_answers,
    create,
    poll,
    read_json,
    write_json,
)
from luma_conformance.model import GENERATIONS_PATH, Headers, Request, Response, header

_EVERY: Final = "Error response format"
_IDS: Final = Family(Area.TRACING, "ids", "Request tracing")
Change = Callable[[Request, Response], Response]


def on_kind(kind: Kind, change: Change) -> Make:
    """Return what makes a service that answers this kind otherwise."""
    return changing_answers(
        lambda request, response: change(request, response) if kind.matches(request, response) else response
    )


def _variation(area: Area, kind: Kind, name: str, says: str, change: Change, heading: str = "") -> Miniature:
    return Miniature(
        name=f"{area.split(' ')[-1]}/{kind.name}/{name}",
        says=f"It {says} on answers of the kind {kind.name}.",
        heading=heading or kind.heading,
        area=area,
        make=on_kind(kind, change),
        touches=kind.touches,
        witness=kind.witness,
    )


def drop(*names: str) -> Change:
    """Return a change that leaves headers out."""
    lowered = {name.lower() for name in names}

    def change(_: Request, response: Response) -> Response:
        return replace(response, headers=tuple(one for one in response.headers if one[0].lower() not in lowered))

    return change


def put(name: str, value: str) -> Change:
    """Return a change that sets a header."""

    def change(request: Request, response: Response) -> Response:
        dropped = drop(name)(request, response)
        return replace(dropped, headers=(*dropped.headers, (name, value)))

    return change


def revalue(name: str, change: Callable[[str], str]) -> Change:
    """Return a change of the value of a header."""

    def changed(_: Request, response: Response) -> Response:
        headers = tuple(
            (one, change(value) if one.lower() == name.lower() else value) for one, value in response.headers
        )
        return replace(response, headers=headers)

    return changed


def rebody(change: Callable[[dict[str, Any]], object]) -> Change:
    """Return a change of the JSON of answers."""

    def changed(_: Request, response: Response) -> Response:
        return replace(response, body=write_json(change(dict(read_json(response.body)))))

    return changed


_RATE: Final = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")


def wrong_headers(kinds: Sequence[Kind]) -> Iterator[Miniature]:
    """Yield services that get a header wrong on one kind of answer."""
    for kind in kinds:
        rows: list[tuple[str, str, Change, str]] = [
            ("no-version", "leaves X-API-Version out", drop("X-API-Version"), _EVERY),
            ("version", "sends another X-API-Version", put("X-API-Version", "2026-04-02"), _EVERY),
            ("no-request-id", "leaves X-Request-Id out", drop("X-Request-Id"), _EVERY),
            ("own-request-id", "does not echo X-Request-Id", put("X-Request-Id", "6a6f3d9c-0b60-4f5b-8a33-5a4b1f6f9c10"), _EVERY),
            ("html", "sends a Content-Type of text/html", put("Content-Type", "text/html"), _EVERY),
            ("plain", "sends a Content-Type of text/plain", put("Content-Type", "text/plain; charset=utf-8"), _EVERY),
        ]  # fmt: skip
        if kind.status != 429:
            rows.append(("retry-after", "sends Retry-After", put("Retry-After", "5"), "429 — Too Many Requests"))
        if kind.status != 201 and kind.name != "429-rate":
            rate = "Rate limiting" if kind.name != "429-jobs" else kind.heading
            rows.append(("rate", "sends X-RateLimit headers", _rated, rate))
        if kind.status == 201 or kind.name == "429-rate":
            rows += [(f"no-{name.lower()}", f"leaves {name} out", drop(name), kind.heading) for name in _RATE]
            rows += [
                (f"wordy-{name.lower()}", f"sends a {name} that is no number", put(name, "many"), kind.heading)
                for name in _RATE
            ]
        if kind.status == 429:
            rows.append(("no-retry-after", "leaves Retry-After out", drop("Retry-After"), kind.heading))
            date = "Wed, 08 Apr 2026 12:01:00 GMT"
            rows.append(("dated", "sends Retry-After as a date", put("Retry-After", date), kind.heading))
        for name, says, change, heading in rows:
            yield _variation(Area.HEADERS, kind, name, says, change, heading)


def _rated(request: Request, response: Response) -> Response:
    for name, value in zip(_RATE, ("30", "29", "1775649660"), strict=True):
        response = put(name, value)(request, response)
    return response


def wrong_shapes(kinds: Sequence[Kind]) -> Iterator[Miniature]:
    """Yield services whose errors of one kind have another shape."""
    rows: tuple[tuple[str, str, Callable[[dict[str, Any]], object]], ...] = (
        ("list", "sends detail as a list of objects", lambda body: {"detail": [{"loc": ["body"], "msg": body["detail"]}]}),
        ("object", "sends detail as an object", lambda body: {"detail": {"message": body["detail"]}}),
        ("error", "calls the text error", lambda body: {"error": body["detail"]}),
        ("message", "calls the text message", lambda body: {"message": body["detail"]}),
        ("null", "sends a detail of null", lambda _: {"detail": None}),
        ("array", "sends the error in an array", lambda body: [body]),
        ("empty", "sends an empty object", lambda _: {}),
    )  # fmt: skip
    for kind in kinds:
        for name, says, change in rows:
            yield _variation(Area.SHAPE, kind, name, says, rebody(change), _EVERY)
        yield _variation(Area.SHAPE, kind, "no-json", "sends the bare text", _bare, _EVERY)
        yield _variation(
            Area.SHAPE, kind, "no-body", "sends no body", lambda _, answer: replace(answer, body=b""), _EVERY
        )


def _bare(_: Request, response: Response) -> Response:
    return replace(response, body=str(read_json(response.body).get("detail")).encode())


_STATUSES: Final = {
    "created": (200, 202), "queued": (202, 201), "processing": (202,), "completed": (201, 303), "failed": (500, 422),
    "401-missing": (403, 400), "401-invalid": (403, 404), "401-revoked": (403,), "401-expired": (403, 419),
    "401-polled": (403, 404), "402": (403, 429), "403-suspended": (401, 402), "403-deactivated": (401, 404),
    "404-nobody": (400, 410), "404-foreign": (403, 401), "404-malformed": (400, 422),
    "429-rate": (503, 403), "429-jobs": (503, 409), "502": (503, 504), "503": (502, 500), "413": (400, 422),
}  # fmt: skip


def wrong_statuses(kinds: Sequence[Kind]) -> Iterator[Miniature]:
    """Yield services that answer one kind with a neighbouring status."""
    for kind in kinds:
        for status in _STATUSES.get(kind.name, ()):
            yield _variation(
                Area.STATUSES,
                kind,
                str(status),
                f"sends status {status}",
                lambda _, answer, status=status: replace(answer, status=status),
            )


def wrong_texts(kinds: Sequence[Kind]) -> Iterator[Miniature]:
    """Yield services whose text of one kind, that no rule has, is another."""
    for kind in kinds:
        if kind.status not in (401, 402, 403, 404, 429):
            continue
        rows: tuple[tuple[str, str, Callable[[str], str]], ...] = (
            ("stop", "ends the text otherwise", lambda text: text[:-1] if text.endswith(".") else f"{text}."),
            ("lower", "writes the text in lower case", str.lower),
            ("other", "says another text", lambda _: "Something went wrong"),
            ("named", "names what was asked for in the text", lambda text: f"{text}: see the documentation"),
        )
        for name, says, change in rows:
            yield _variation(
                Area.TEXTS, kind, name, says, rebody(lambda body, c=change: {"detail": c(str(body["detail"]))})
            )


def _cut(length: int) -> Callable[[str], str]:
    return lambda value: value[:length]


_REWRITTEN: Final[tuple[tuple[str, str, Callable[[str], str], str], ...]] = (
    ("cut-32", "cuts it to 32 characters", _cut(32), "t" * 33),
    ("cut-36", "cuts it to 36 characters", _cut(36), "t" * 37),
    ("cut-64", "cuts it to 64 characters", _cut(64), "t" * 65),
    ("cut-100", "cuts it to 100 characters", _cut(100), "t" * 101),
    ("cut-128", "cuts it to 128 characters", _cut(128), "t" * 129),
    ("lower", "writes it in lower case", str.lower, "Batch-7-REQ-003"),
    ("upper", "writes it in upper case", str.upper, "batch-7-req-003"),
    ("dashless", "takes its dashes out", lambda value: value.replace("-", ""), "batch-7"),
    ("underscores", "makes its underscores dashes", lambda value: value.replace("_", "-"), "batch_7"),
    ("dots", "cuts it at a dot", lambda value: value.partition(".")[0], "batch.7"),
    ("colon", "cuts it at a colon", lambda value: value.partition(":")[0], "batch:7"),
    ("comma", "cuts it at a comma", lambda value: value.partition(",")[0], "batch,7"),
    ("blank", "cuts it at a blank", lambda value: value.partition(" ")[0], "batch 7"),
    ("slash", "cuts it at a slash", lambda value: value.partition("/")[0], "batch/7"),
    ("number", "takes leading zeros off a number", lambda value: value.lstrip("0") if value.isdigit() else value, "0042"),
    ("escaped", "writes it with percent signs", lambda value: value.replace(" ", "%20").replace("/", "%2F"), "a b"),
    ("quoted", "takes quotes off", lambda value: value.strip('"'), '"batch"'),
    ("equals", "cuts it at an equals sign", lambda value: value.partition("=")[0], "batch=7=="),
    ("plus", "makes a plus sign a blank", lambda value: value.replace("+", " "), "a+b"),
    ("markup", "escapes markup in it", lambda value: value.replace("&", "&amp;").replace("<", "&lt;"), "a&b<c"),
    ("prefixed", "puts req_ before it", lambda value: f"req_{value}", "batch"),
    ("uuid-only", "replaces what is no UUID", lambda value: value if len(value) == 36 else _GENERATED, "batch"),
    ("short-only", "replaces what is shorter than 8 characters", lambda value: value if len(value) >= 8 else _GENERATED, "b7"),
    ("long-only", "replaces what is longer than 200 characters", lambda value: value if len(value) <= 200 else _GENERATED, "t" * 201),
)  # fmt: skip
UNSAID: Final = "how long an X-Request-Id may be is not said anywhere"
_GENERATED: Final = "1c2f7c80-23d9-4f0c-bb2a-b1f3f7c9d7a4"


def rewritten_ids() -> Iterator[Miniature]:
    """Yield services that echo a request id otherwise than it was sent, on all answers, or on those of one operation."""
    for name, says, change, sent in _REWRITTEN:
        for where, words in (("all", ""), ("POST", " on POST"), ("GET", " on GET")):

            def changed(
                request: Request, response: Response, change: Callable[[str], str] = change, where: str = where
            ) -> Response:
                is_sent = header(request.headers, "X-Request-Id") and request.url.startswith(GENERATIONS_PATH)
                if not is_sent or where not in ("all", request.method):
                    return response
                return revalue("X-Request-Id", change)(request, response)

            def touches(asked: Asked, change: Callable[[str], str] = change, where: str = where) -> bool:
                value = header(asked.request.headers, "X-Request-Id")
                return bool(value) and where in ("all", asked.request.method) and change(value or "") != value

            yield _IDS.derive(
                f"{name}/{where.lower()}",
                f"It echoes X-Request-Id but {says}{words}.",
                changing_answers(changed),
                _traced(sent),
                touches=touches,
                equivalent=UNSAID if name in ("cut-64", "cut-100", "cut-128", "long-only") else None,
            )


def _traced(sent: str) -> Witness:
    def retrace(request: Request) -> Request:
        headers: Headers = tuple(one for one in request.headers if one[0] != "X-Request-Id")
        return replace(request, headers=(*headers, ("X-Request-Id", sent)))

    return lambda: (retrace(create({"prompt": "A sunset"})), retrace(poll("{id:0}")))


def wrong_generated_ids() -> Iterator[Miniature]:
    """Yield services whose own request ids are no UUIDs, or not all different."""
    rows: tuple[tuple[str, str, Callable[[int, str], str]], ...] = (
        ("none", "empty", lambda _, __: ""),
        ("constant", "always the same", lambda _, __: _GENERATED),
        ("word", "words", lambda number, __: f"request-{number}"),
        ("number", "numbers", lambda number, __: str(number)),
        ("zero", "UUIDs of zeros", lambda _, __: "00000000-0000-0000-0000-000000000000"),
        ("pairs", "the same for two requests in a row", lambda number, own: _numbered(number // 2)),
        ("hundred", "the same again after a hundred requests", lambda number, own: _numbered(number % 100)),
        ("ten", "the same again after ten requests", lambda number, own: _numbered(number % 10)),
        ("cut", "UUIDs cut to 32 characters", lambda _, own: own[:32]),
    )
    for name, says, change in rows:
        for where in ("all", "POST", "GET", "errors", "successes"):
            yield _IDS.derive(
                f"generated-{name}/{where.lower()}",
                f"The request ids it generates are {says}, on {where} answers.",
                _generating(change, where),
                lambda where=where: _untraced(where),
                concerns=lambda asked: not header(asked.request.headers, "X-Request-Id"),
            )


def _numbered(number: int) -> str:
    return f"{number:08x}-23d9-4f0c-bb2a-b1f3f7c9d7a4"


def _untraced(where: str) -> list[Request]:
    bare = (("Content-Type", "application/json"),)
    good, bad = (create({"prompt": text}, headers=bare) for text in ("A sunset", ""))
    look = replace(poll("{id:0}"), headers=poll("").headers[:1])
    lost = replace(look, url=f"{GENERATIONS_PATH}/nobody")
    asked = {"errors": (good, bad, lost), "GET": (good, look, look)}.get(where, (good, good, bad, look))
    return [*asked] * 60


def _generating(change: Callable[[int, str], str], where: str) -> Make:
    def make_change() -> Change:
        count = 0

        def changed(request: Request, response: Response) -> Response:
            nonlocal count
            if header(request.headers, "X-Request-Id") or not request.url.startswith(GENERATIONS_PATH):
                return response
            if where in ("POST", "GET") and request.method != where:
                return response
            if where in ("errors", "successes") and (response.status >= 400) is not (where == "errors"):
                return response
            count += 1
            return revalue("X-Request-Id", lambda own: change(count, own))(request, response)

        return changed

    return changing_answers(make_change())


def answer_operators() -> Iterator[Miniature]:
    """Yield every service that is wrong about the form of its answers."""
    yield from wrong_statuses(KINDS)
    yield from wrong_texts(KINDS)
    yield from wrong_headers(KINDS)
    yield from wrong_shapes(ERRORS)
    yield from rewritten_ids()
    yield from wrong_generated_ids()
