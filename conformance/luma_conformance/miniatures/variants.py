"""Legal variants: servers that differ from the reference in what the page leaves open, and must not be accused."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

from luma_conformance.miniatures.answers import put, revalue
from luma_conformance.miniatures.miniature import (
    ROOMY,
    Area,
    Handle,
    Make,
    Miniature,
    Wire,
    around,
    changing_answers,
    read_json,
    serve,
    write_json,
)
from luma_conformance.model import GENERATIONS_PATH, Clock, Request, Response, header
from luma_conformance.reference.media import Loader, media_facts
from luma_conformance.reference.service import Service, _Refused
from luma_conformance.reference.settings import Settings
from luma_conformance.reference.storage import Storage
from luma_conformance.rules import Accepted, Prediction, Rejected, Unspecified, predict

_OPEN: Final = "Error response format"


def _variant(name: str, says: str, make: Make, wire: Wire | None = None) -> Miniature:
    return Miniature(name=f"legal-{name}", says=says, heading=_OPEN, area=Area.VARIANTS, make=make, wire=wire)


def _on_api(change: Callable[[Request, Response], Response]) -> Make:
    """Return what makes a service whose answers of the API itself are changed."""
    return changing_answers(
        lambda request, response: change(request, response) if request.url.startswith(GENERATIONS_PATH) else response
    )


def _json(change: Callable[[dict[str, Any]], Any], dump: Callable[[Any], str] = json.dumps) -> Make:
    def changed(_: Request, response: Response) -> Response:
        return replace(response, body=dump(change(dict(read_json(response.body)))).encode())

    return _on_api(changed)


def _set(service: Service, **parts: Any) -> Handle:
    for name, part in parts.items():
        setattr(service, name, part)
    return service.handle


def _spellings() -> Iterator[Miniature]:
    yield _variant("upper-headers", "Header names are in capitals.", _on_api(_rename(str.upper)))
    yield _variant("lower-headers", "Header names are in lower case.", _on_api(_rename(str.lower)))
    reverse = lambda _, answer: replace(answer, headers=answer.headers[::-1])  # noqa: E731
    yield _variant("header-order", "Headers come in another order.", _on_api(reverse))
    rows = (("Server", "nginx"), ("Date", "Wed, 08 Apr 2026 12:00:00 GMT"), ("Vary", "Accept-Encoding"), ("Cache-Control", "no-store"))  # fmt: skip
    for name, value in rows:
        yield _variant(f"header-{name.lower()}", f"Every answer has the header {name}.", _on_api(put(name, value)))
    cors = put("Access-Control-Allow-Origin", "*")
    yield _variant("header-cors", "Every answer has a CORS header.", _on_api(cors))
    charset = put("Content-Type", "application/json; charset=utf-8")
    yield _variant("charset", "Content-Type has a charset.", _on_api(charset))
    for name, says, dump in (
        ("compact", "JSON has no blanks.", lambda body: json.dumps(body, separators=(",", ":"))),
        ("indented", "JSON is indented.", lambda body: json.dumps(body, indent=4)),
        ("escaped", "JSON is ASCII.", lambda body: json.dumps(body, ensure_ascii=True)),
        ("sorted", "Keys are sorted.", lambda body: json.dumps(body, sort_keys=True)),
        ("line-break", "JSON ends with a line break.", lambda body: f"{json.dumps(body)}\n"),
    ):
        yield _variant(f"json-{name}", says, _json(lambda body: body, dump))
    yield _variant("extra-member", "Every body has one more member.", _json(lambda body: {**body, "trace": "abc"}))
    yield _variant("extra-object", "Every body has one more object.", _json(lambda body: {"meta": {"node": 7}, **body}))
    yield _variant("error-code", "Every error has a code too.", _json(lambda body: {**body, "code": "e1"} if "detail" in body else body))  # fmt: skip


def _rename(change: Callable[[str], str]) -> Callable[[Request, Response], Response]:
    return lambda _, answer: replace(answer, headers=tuple((change(name), value) for name, value in answer.headers))


def _facts() -> Iterator[Miniature]:
    def stamp(text: str) -> Callable[[dict[str, Any]], Any]:
        return lambda body: (
            {**body, "created_at": body["created_at"].replace("Z", text)} if "created_at" in body else body
        )

    yield _variant("offset", "Its created_at has an offset.", _json(stamp("+00:00")))
    yield _variant("fraction", "Its created_at has a fraction.", _json(stamp(".000000Z")))
    yield _variant("two-outputs", "A generation has two outputs.", _json(_double))
    yield _variant("layer", "Each output has a layer of null.", _json(_layer))
    yield _variant("reasons", "Failures have other reasons.", _json(_reword))
    yield _variant("upper-ids", "Ids are in capitals.", around(_upper))


def _double(body: dict[str, Any]) -> Any:
    return {**body, "output": body["output"] * 2} if body.get("output") else body


def _layer(body: dict[str, Any]) -> Any:
    return {**body, "output": [{**one, "layer": None} for one in body["output"]]} if "output" in body else body


_MORE: Final = "&response-cache-control=no-store"


def _lengthen(handle: Handle) -> Handle:
    def answer(request: Request) -> Response:
        response = handle(replace(request, url=request.url.removesuffix(_MORE)))
        body = dict(read_json(response.body))
        if not body.get("output"):
            return response
        longer = [{**one, "url": f"{one['url']}{_MORE}"} for one in body["output"]]
        return replace(response, body=write_json({**body, "output": longer}))

    return answer


def _reword(body: dict[str, Any]) -> Any:
    return {**body, "failure_reason": "It did not work."} if body.get("failure_reason") else body


_REFERRED: Final = re.compile(rb'"generation_id"\s*:\s*"[0-9A-F-]{36}"')


def _upper(handle: Handle) -> Handle:
    def answer(request: Request) -> Response:
        referring = _REFERRED.sub(lambda found: found[0].lower(), request.body)
        response = handle(replace(request, url=_lowered(request.url), body=referring))
        body = dict(read_json(response.body))
        return replace(response, body=write_json({**body, "id": body["id"].upper()})) if "id" in body else response

    return answer


def _lowered(url: str) -> str:
    return url.lower() if url.startswith(f"{GENERATIONS_PATH}/") else url


def _picking(pick: Callable[[Rejected], int]) -> Make:
    """Return what makes a service that answers for another of several violations."""

    def changed(request: Request, response: Response) -> Response:
        if request.method != "POST" or response.status not in (400, 413, 422, 502, 503):
            return response
        prediction = _predicted(request)
        if not isinstance(prediction, Rejected):
            return response
        found = prediction.violations[pick(prediction)]
        detail = (
            found.details[-1]
            if found.details
            else (found.detail_like or "{field}: too large").replace("{field}", found.path)
        )
        return replace(response, status=found.status, body=write_json({"detail": detail}))

    return _on_api(changed)


def _predicted(request: Request) -> Prediction:
    try:
        return predict(json.loads(request.body), media=media_facts)
    except (ValueError, RecursionError):
        return Unspecified(reason="no JSON")


def _orders() -> Iterator[Miniature]:
    yield _variant("last-fault", "Of several faults it names the last.", _picking(lambda _: -1))
    yield _variant("middle-fault", "Of several faults it names one in the middle.", _picking(lambda one: len(one.violations) // 2))  # fmt: skip
    yield _variant("first-of-page", "Of several faults it names the first on the page.", _picking(lambda _: 0))
    for name, says, first in (
        ("limits-first", "It checks the limits before a body.", True),
        ("broke-first", "It checks the balance before a body.", False),
    ):
        yield _variant(name, says, serve(_early(limits=first)))


def _early(*, limits: bool) -> type[Service]:
    class Early(Service):
        def _validate(self, client: Any, request: Request, loader: Loader) -> dict[str, object]:
            if limits or not client.card.funded:
                self._check_limits(client)
            return super()._validate(client, request, loader)

    return Early


def _counting(where: Callable[[int], bool]) -> Make:
    """Return what makes a service in which requests refused with some statuses use quota too.

    It looks at the window first, so that a request that finds no room is refused for that.
    """

    class Counting(Service):
        def _create(self, client: Any, request: Request) -> Any:
            now = self._read_clock(client)
            if client.window.refuse(now) is not None:
                self._check_limits(client)
            try:
                return super()._create(client, request)
            except _Refused as refused:
                if where(refused.status):
                    client.window.admit(now)
                raise

    return serve(Counting)


def _limits() -> Iterator[Miniature]:
    yield _variant("400-counts", "Requests refused with 400 use quota.", _counting(lambda status: status == 400))
    yield _variant("all-count", "Requests refused for what they say use quota.", _counting(lambda status: status in (400, 413, 422, 502, 503)))  # fmt: skip
    yield _variant("402-counts", "Requests that cannot be paid use quota.", _counting(lambda status: status == 402))
    yield _variant("jobs-count", "Requests refused for too many jobs use quota.", _counting(lambda status: status == 429))  # fmt: skip
    for name, says, settings in (
        (
            "slow",
            "Jobs take two minutes.",
            Settings(rpm=10**9, concurrency=10**9, queued_seconds=30, processing_seconds=90),
        ),
        (
            "at-once",
            "Jobs end at once.",
            Settings(rpm=10**9, concurrency=10**9, queued_seconds=0, processing_seconds=0),
        ),
        ("queueing", "Jobs wait for a minute.", Settings(rpm=10**9, concurrency=10**9, queued_seconds=60)),
    ):
        yield _variant(name, says, lambda clock, settings=settings: Service(clock=clock, settings=settings).handle)


class _Whole(Storage):
    """A storage that counts times in whole seconds, so that two URLs of one second are the same."""

    def url(self, origin: str, generation: str, media: str, now: float) -> str:
        return super().url(origin, generation, media, float(int(now)))


def _storages() -> Iterator[Miniature]:
    for name, says, make in (
        ("whole-seconds", "URLs expire by whole seconds.", lambda: _Whole(3600)),
        ("second-more", "URLs last a second longer than an hour.", lambda: Storage(3601)),
    ):

        def build(clock: Clock, make: Callable[[], Storage] = make) -> Handle:
            return _set(Service(clock=clock, settings=ROOMY), _storage=make())

        yield _variant(name, says, build)
    yield _variant("longer-urls", "Output URLs have one more parameter.", around(_lengthen))


def _malformed() -> Iterator[Miniature]:
    for status, text in ((422, "Unprocessable"), (400, "Bad request"), (415, "Unsupported")):

        def changed(_: Request, response: Response, status: int = status, text: str = text) -> Response:
            says = str(read_json(response.body).get("detail"))
            is_open = response.status == 400 and says.startswith(("Request body is not", "Request is not supported"))
            return replace(response, status=status, body=write_json({"detail": text})) if is_open else response

        yield _variant(f"malformed-{status}", f"What the page leaves open about bodies is answered {status}.", _on_api(changed))  # fmt: skip
    yield _variant("tolerant", "What the page leaves open about bodies is accepted where it can be.", around(_tolerant))
    yield _variant("no-profile", "It publishes no profile.", around(_without_profile))
    yield _variant("bare-ids", "Request ids it generates have no dashes.", _on_api(_dashless))
    yield _variant("second-blind", "A second key of a client sees only its own generations.", serve(_KeyScoped))
    for name, says, change in (
        ("challenge", "A 401 has WWW-Authenticate.", _challenge),
        ("polled-401", "A lookup with any bad key is answered by one text.", _say_one_text),
        ("proxy-text", "What is no image is refused in other words.", _reword_proxy),
    ):
        yield _variant(name, says, _on_api(change))


def _challenge(request: Request, response: Response) -> Response:
    return put("WWW-Authenticate", "Bearer")(request, response) if response.status == 401 else response


def _say_one_text(request: Request, response: Response) -> Response:
    if request.method != "GET" or response.status != 401:
        return response
    return replace(response, body=b'{"detail": "Missing or invalid API key"}')


def _reword_proxy(_: Request, response: Response) -> Response:
    return replace(response, body=response.body.replace(b"content-type is not an image", b"unsupported content type"))


def _tolerant(handle: Handle) -> Handle:
    """Return a handler that accepts what the page leaves open, by what is sure in it: its prompt."""

    def answer(request: Request) -> Response:
        if request.method != "POST" or not request.url.startswith(GENERATIONS_PATH):
            return handle(request)
        body, prediction = read_json(request.body), _predicted(request)
        is_open = isinstance(prediction, Unspecified) and not prediction.broken
        is_prompt = isinstance(body.get("prompt"), str) and body["prompt"].strip()
        if not (is_open and is_prompt) or header(request.headers, "Authorization") is None:
            return handle(request)
        plain = {"prompt": body["prompt"][:6000].encode(errors="replace").decode()}
        if not isinstance(predict(plain), Accepted):
            return handle(request)
        kind, model = body.get("type"), body.get("model")
        fits = (
            predict({**plain, "model": model, "type": kind})
            if isinstance(kind, str) and isinstance(model, str)
            else None
        )
        kept = {"model": model, "type": kind} if isinstance(fits, Accepted) else {}
        return handle(replace(request, body=write_json({**plain, **kept})))

    return answer


def _without_profile(handle: Handle) -> Handle:
    gone = Response(status=404, headers=(("Content-Type", "application/json"),), body=b'{"detail": "Not found"}')
    return lambda request: gone if request.url.startswith("/.well-known/") else handle(request)


def _dashless(request: Request, response: Response) -> Response:
    if header(request.headers, "X-Request-Id"):
        return response
    return revalue("X-Request-Id", lambda value: value.replace("-", ""))(request, response)


class _KeyScoped(Service):
    """Scopes generations to the key that created them, as one of two official documents says."""

    def handle(self, request: Request) -> Response:
        self._token = header(request.headers, "Authorization") or ""
        return super().handle(request)

    def _create(self, client: Any, request: Request) -> Any:
        made = super()._create(client, request)
        self.__dict__.setdefault("_owners", {})[str(made[1]["id"])] = self._token
        return made

    def _poll(self, client: Any, generation_id: str, request: Request) -> Any:
        owner = self.__dict__.setdefault("_owners", {}).get(generation_id, "Bearer luma-api-test-main")
        is_own = owner == self._token or client.name != "main"
        return super()._poll(client, generation_id if is_own else "gone", request)


_WIRES: Final[tuple[tuple[str, str, Wire], ...]] = (
    ("http-1.0", "It speaks HTTP/1.0.", Wire(version="HTTP/1.0", keeps_alive=False)),
    ("closing", "It closes each connection.", Wire(keeps_alive=False)),
    ("wire-lower", "It writes header names in lower case.", Wire(lower_names=True)),
    ("gzip", "It compresses bodies for who accepts that.", Wire(compresses=True)),
    ("chunking", "It sends bodies in chunks.", Wire(chunks=True)),
    ("dribbling", "It sends answers in small pieces.", Wire(dribbles=True)),
)


def _wires() -> Iterator[Miniature]:
    for name, says, wire in _WIRES:
        yield _variant(name, says, around(lambda handle: handle), wire)


def legal_variants() -> Iterator[Miniature]:
    """Yield every legal variant."""
    yield from _spellings()
    yield from _facts()
    yield from _orders()
    yield from _limits()
    yield from _storages()
    yield from _malformed()
    yield from _wires()
