"""Operators on HTTP: what of a request's form must not matter, and how a server must read it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from luma_conformance.miniatures.controls import IMAGE
from luma_conformance.miniatures.limits import JOBS, RATE, kept_for
from luma_conformance.miniatures.miniature import (
    CONNECTION,
    TYPED,
    Area,
    Family,
    Handle,
    Make,
    Miniature,
    Wire,
    around,
    changing_answers,
    changing_requests,
    create,
    key_of,
    poll,
)
from luma_conformance.model import GENERATIONS_PATH, Headers, Request, Response, header
from luma_conformance.reference.cards import COMPLETED_IMAGE

_CREATED: Final = "201 — Created (success)"
_TRACING: Final = "Request tracing"
_PROTOCOL: Final = Family(Area.PROTOCOL, "protocol", _CREATED)
_WIRE: Final = Family(Area.PROTOCOL, "wire", _CREATED)
_USUAL: Final = frozenset(
    ("authorization", "content-type", "x-request-id", "host", "content-length", "accept", "accept-encoding",
     "user-agent", "connection", "transfer-encoding", "expect")
)  # fmt: skip


def _refusing(status: int, detail: str, where: Callable[[Request], bool]) -> Make:
    def wrap(handle: Handle) -> Handle:
        def answer(request: Request) -> Response:
            if not (request.url.startswith(GENERATIONS_PATH) and where(request)):
                return handle(request)
            traced = ("X-Request-Id", header(request.headers, "X-Request-Id") or "6a6f3d9c-0b60-4f5b-8a33-5a4b1f6f9c10")
            headers = (("Content-Type", "application/json"), ("X-API-Version", "2026-04-01"), traced)
            return Response(status=status, headers=headers, body=f'{{"detail": "{detail}"}}'.encode())

        return answer

    return around(wrap)


def _typed(value: str) -> Headers:
    return (*tuple(one for one in TYPED if one[0] != "Content-Type"), ("Content-Type", value))


def _type_of(request: Request) -> str:
    return header(request.headers, "Content-Type") or ""


def _exact(request: Request, name: str) -> bool:
    """Return whether a header is there, spelt otherwise than the page spells it."""
    return any(one.lower() == name.lower() and one != name for one, _ in request.headers)


def _sent(*more: tuple[str, str]) -> Request:
    return create(IMAGE, headers=(*TYPED, *more))


def _lower(request: Request) -> Request:
    return replace(request, headers=tuple((name.lower(), value) for name, value in request.headers))


_ROWS: Final[tuple[tuple[str, str, int, Callable[[Request], bool], Callable[[], Request]], ...]] = (
    ("charset-415", "Content-Type has a charset", 415, lambda r: "charset" in _type_of(r).lower(), lambda: create(IMAGE, headers=_typed("application/json; charset=utf-8"))),
    ("charset-caps-415", "the charset of Content-Type is in capitals", 415, lambda r: "UTF-8" in _type_of(r), lambda: create(IMAGE, headers=_typed("application/json; charset=UTF-8"))),
    ("charset-422", "Content-Type is not spelt application/json to the letter", 422, lambda r: r.method == "POST" and _type_of(r) not in ("application/json", ""), lambda: create(IMAGE, headers=_typed("Application/JSON"))),
    ("unknown-header", "a header is not known to it", 400, lambda r: any(name.lower() not in _USUAL for name, _ in r.headers), lambda: _sent(("X-Stainless-Lang", "python"))),
    ("stainless", "a header begins with X-Stainless", 400, lambda r: any(name.lower().startswith("x-stainless") for name, _ in r.headers), lambda: _sent(("X-Stainless-Retry-Count", "1"))),
    ("no-accept", "Accept is not sent", 406, lambda r: header(r.headers, "Accept") is None, _sent),
    ("any-accept", "Accept is */*", 406, lambda r: header(r.headers, "Accept") == "*/*", lambda: _sent(("Accept", "*/*"))),
    ("json-accept", "Accept is application/json", 406, lambda r: "application/json" in (header(r.headers, "Accept") or ""), lambda: _sent(("Accept", "application/json"))),
    ("user-agent", "User-Agent is not sent", 403, lambda r: header(r.headers, "User-Agent") is None, _sent),
    ("luma-agent", "User-Agent is not that of the official client", 403, lambda r: not (header(r.headers, "User-Agent") or "").startswith("Luma/"), _sent),
    ("version-sent", "X-API-Version is sent", 400, lambda r: header(r.headers, "X-API-Version") is not None, lambda: _sent(("X-API-Version", "2026-04-01"))),
    ("version-missing", "X-API-Version is not sent", 400, lambda r: header(r.headers, "X-API-Version") is None, _sent),
    ("id-missing", "X-Request-Id is not sent", 400, lambda r: header(r.headers, "X-Request-Id") is None, lambda: create(IMAGE, headers=TYPED[:1])),
    ("id-no-uuid", "X-Request-Id is no UUID", 400, lambda r: (header(r.headers, "X-Request-Id") or "-" * 4).count("-") != 4, _sent),
    ("cookie", "a cookie is sent", 400, lambda r: header(r.headers, "Cookie") is not None, lambda: _sent(("Cookie", "a=b"))),
    ("origin", "Origin is sent", 403, lambda r: header(r.headers, "Origin") is not None, lambda: _sent(("Origin", "https://app.test"))),
    ("authorization-case", "Authorization is spelt otherwise", 401, lambda r: _exact(r, "Authorization"), lambda: _lower(create(IMAGE))),
    ("type-case", "Content-Type is spelt otherwise", 415, lambda r: _exact(r, "Content-Type"), lambda: _lower(create(IMAGE))),
    ("key-not-first", "Authorization is not the first header", 401, lambda r: r.method == "POST" and r.headers[:1] != () and r.headers[0][0].lower() not in ("authorization", "host"), lambda: replace(create(IMAGE), headers=(*TYPED, key_of("main")))),
    ("typed-get", "a lookup has a Content-Type", 400, lambda r: r.method == "GET" and bool(_type_of(r)), lambda: replace(poll(COMPLETED_IMAGE), headers=(key_of("main"), *TYPED))),
    ("idempotency", "Idempotency-Key is sent", 400, lambda r: header(r.headers, "Idempotency-Key") is not None, lambda: _sent(("Idempotency-Key", "k1"))),
    ("many-headers", "more than eight headers are sent", 431, lambda r: len(r.headers) > 8, lambda: _sent(*((f"X-Trace-{n}", "1") for n in range(8)))),
)  # fmt: skip


def form_operators() -> Iterator[Miniature]:
    """Yield services that refuse requests for what the page gives no say."""
    for name, says, status, where, ask in _ROWS:
        yield _PROTOCOL.derive(
            name,
            f"It refuses requests with {status} where {says}.",
            _refusing(status, "Request is not supported", where),
            lambda ask=ask: (ask(),),
            touches=lambda asked, where=where: (
                asked.answer.status < 500 and asked.request.url.startswith(GENERATIONS_PATH) and where(asked.request)
            ),
            equivalent="what a version header on a request does is not said" if name == "version-sent" else None,
        )
    yield _PROTOCOL.derive(
        "id-case",
        "It knows X-Request-Id only as the page spells it.",
        changing_requests(_drop_misspelt_id),
        lambda: (_lower(create(IMAGE)),),
        heading=_TRACING,
        touches=lambda asked: _exact(asked.request, "X-Request-Id"),
    )
    yield _PROTOCOL.derive(
        "html-errors",
        "Its errors are HTML where Accept begins with HTML.",
        changing_answers(_write_html),
        lambda: (create({**IMAGE, "model": "uni-9"}, headers=(*TYPED, ("Accept", "text/html, */*;q=0.8"))),),
        heading="Error response format",
        touches=lambda asked: asked.answer.status >= 400 and _wants_html(asked.request),
    )
    yield from _bodies()


def _wants_html(request: Request) -> bool:
    return (header(request.headers, "Accept") or "").startswith("text/html")


def _write_html(request: Request, response: Response) -> Response:
    if response.status < 400 or not _wants_html(request):
        return response
    kept = tuple(one for one in response.headers if one[0] != "Content-Type")
    return replace(response, headers=(*kept, ("Content-Type", "text/html")), body=b"<h1>Error</h1>")


def _rewritten(change: Callable[[bytes], bytes]) -> Make:
    """Return what makes a service that reads another body than was sent."""
    return changing_requests(
        lambda request: (
            replace(request, body=change(request.body))
            if request.method == "POST" and request.url.startswith(GENERATIONS_PATH)
            else request
        )
    )


def _drop_misspelt_id(request: Request) -> Request:
    """Return a request without its request id if that is not spelt as the page spells it."""
    kept = tuple(one for one in request.headers if one[0].lower() != "x-request-id" or one[0] == "X-Request-Id")
    return replace(request, headers=kept)


def _bodies() -> Iterator[Miniature]:
    spaced = b'\n  {"prompt":  "A sunset"}\n'
    rows: tuple[tuple[str, str, Callable[[bytes], bytes], bytes], ...] = (
        ("spaced", "does not read a body that begins with a blank", lambda raw: b"" if raw[:1].isspace() else raw, spaced),
        ("trailing", "does not read a body that ends with a line break", lambda raw: b"" if raw[-1:] == b"\n" else raw, b'{"prompt": "A sunset"}\n'),
        ("escapes", "reads no escapes above ASCII", lambda raw: raw.replace(b"\\u", b"\\\\u"), b'{"prompt": "A sunset", "style": "\\u0061uto"}'),
        ("solidus", "does not read an escaped solidus", lambda raw: b"" if b"\\/" in raw else raw, b'{"prompt": "day\\/night"}'),
        ("latin", "reads bodies as Latin-1", lambda raw: raw.decode("latin-1").encode() if not raw.isascii() and len(raw) < 100_000 else raw, '{"prompt": "The harbour of Århus"}'.encode()),
        ("empty-line", "reads a body up to its first empty line", lambda raw: raw.partition(b"\n\n")[0], b'{\n\n"prompt": "A sunset"}'),
        ("16-kb", "reads the first 16 KB of a body", lambda raw: raw[:16_384], b'{"prompt": "A sunset"' + b" " * 20_000 + b"}"),
        ("64-kb", "reads the first 64 KB of a body", lambda raw: raw[:65_536], b'{"prompt": "A sunset"' + b" " * 70_000 + b"}"),
        ("1-mb", "reads the first megabyte of a body", lambda raw: raw[:1_048_576], b'{"prompt": "A sunset"' + b" " * 1_100_000 + b"}"),
    )  # fmt: skip
    for name, says, change, raw in rows:
        yield _PROTOCOL.derive(
            f"body-{name}",
            f"It {says}.",
            _rewritten(change),
            lambda raw=raw: (create(raw),),
            touches=lambda asked, change=change: asked.creates and change(asked.request.body) != asked.request.body,
        )


_WIRES: Final[tuple[tuple[str, str, str, Wire], ...]] = (
    ("chunked", "does not read chunked bodies", _CREATED, Wire(reads_chunked=False)),
    ("segments", "takes what comes first for the whole body", _CREATED, Wire(reads_on=False)),
    ("expect", "does not answer Expect: 100-continue", _CREATED, Wire(continues=False)),
    ("expect-417", "refuses Expect", _CREATED, Wire(refuses=("expect",))),
    ("refuses-accept-encoding", "refuses Accept-Encoding", _CREATED, Wire(refuses=("accept-encoding",))),
    ("first-body", "takes each request of a connection to have the body of the first", _CREATED, Wire(first_body=True)),
    ("first-id", "echoes the request id of the first request of a connection", _TRACING, Wire(first_id=True)),
    ("first-key", "takes each request of a connection to have the key of the first", "401 — Invalid API key (wrong value, lookup failed)", Wire(first_key=True)),
    ("hundred", "answers the hundredth request of a connection with 503", _CREATED, Wire(most_requests=100)),
)  # fmt: skip


_UNWAITED: Final = "a client may not wait for a 100 for ever (RFC 9110, 10.1.1), and the answer is the same"


def wire_operators() -> Iterator[Miniature]:
    """Yield services that are wrong about HTTP itself; they are spoken to over the loopback interface."""
    for name, says, heading, wire in _WIRES:
        yield _WIRE.derive(
            name,
            f"It {says}.",
            around(lambda handle: handle),
            heading=heading,
            equivalent=_UNWAITED if name == "expect" else None,
            wire=wire,
        )
    for limit, family in (("rate", RATE), ("jobs", JOBS)):
        yield _WIRE.derive(
            f"{limit}-per-connection",
            f"It keeps its limit of {limit} for each connection.",
            kept_for(lambda asked, client: (client, header(asked.request.headers, CONNECTION)), limit),
            heading=family.heading,
            wire=Wire(),
        )
