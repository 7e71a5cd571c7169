"""The transport of requests proved on wrong servers: in process where the head is enough, else over real sockets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from luma_conformance.model import Request, Response, header
from luma_conformance.properties.fuzzing import Fuzzing
from luma_conformance.properties.luma_target import LumaTarget, begin
from luma_conformance.properties.nonconformance import NonConformance
from luma_conformance.reference import Service, VirtualClock
from luma_conformance.reference.asgi import serving
from luma_conformance.session.open import Options, open_session
from luma_conformance.suite import test_transport as transport
from tests import miniatures
from tests.answering import Answer, Read, answering, read_by_length
from tests.kit import response
from tests.miniatures import Handle, Wrong, on_requests, right
from tests.miniatures import answering as instead
from tests.suite.target_on import target_on

Property = Callable[[LumaTarget], None]
PROPERTIES: tuple[Property, ...] = (
    transport.test_how_a_head_is_written_does_not_change_the_answer,
    transport.test_needless_headers_do_not_change_the_answer,
    transport.test_how_a_request_is_sent_does_not_change_the_answer,
)
KNOWN = {"authorization", "content-type", "x-request-id", "accept", "user-agent", "host", "content-length"}
REFUSED = b'{"detail": "no"}'


def has(name: str, text: str = "") -> Callable[[Request], bool]:
    """Return whether a request has a header with that text in it."""
    return lambda request: (
        text in (header(request.headers, name) or ("" if text else "\0"))
        and (header(request.headers, name) is not None)
    )


def reading(*names: str) -> Wrong:
    """Read headers only where their names are spelt like this."""
    lowered = {name.lower() for name in names}
    return on_requests(
        lambda request: replace(
            request,
            headers=tuple(field for field in request.headers if field[0].lower() not in lowered or field[0] in names),
        )
    )


def only_first(handle: Handle) -> Handle:
    """Look for the key in the first header only."""
    return reading_from(
        lambda request: request.headers[:1] + tuple(f for f in request.headers[1:] if f[0] != "Authorization")
    )(handle)


def reading_from(choose: Callable[[Request], tuple[tuple[str, str], ...]]) -> Wrong:
    """Let the server see only some headers."""
    return on_requests(lambda request: replace(request, headers=choose(request)))


def remembering(handle: Handle) -> Handle:
    """Answer a request with an idempotency key as the first one that had it."""
    first: dict[str, Response] = {}

    def answer(request: Request) -> Response:
        key = header(request.headers, "Idempotency-Key")
        return handle(request) if key is None else first.setdefault(key, handle(request))

    return answer


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        pytest.param(reading("Authorization"), "header names in small letters: 401", id="case of Authorization"),
        pytest.param(reading("X-Request-Id"), "with another X-Request-Id", id="case of X-Request-Id"),
        pytest.param(only_first, "headers in the opposite order: 401", id="order"),
        pytest.param(
            reading_from(lambda request: request.headers[:3]), "other headers before them: ", id="the first three"
        ),
        pytest.param(instead(422, REFUSED, has("Content-Type", "charset")), "a charset: 422", id="charset"),
        pytest.param(instead(415, REFUSED, has("Content-Type", "UTF-8")), "in capitals, without", id="its case"),
        pytest.param(instead(415, REFUSED, has("Content-Type", '"')), "a charset in quotes: 415", id="its quotes"),
        pytest.param(instead(400, REFUSED, has("Content-Type", "Application")), "in mixed case: 400", id="type's case"),
    ],
)
def test_a_head_that_is_read_by_its_spelling_is_caught(wrong: Wrong, said: str) -> None:
    """A server that minds the case or order of headers, or a charset, is caught, with the way of writing."""
    with pytest.raises(NonConformance, match=said):
        transport.test_how_a_head_is_written_does_not_change_the_answer(target_on(wrong))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        pytest.param(
            instead(400, REFUSED, lambda request: any(name.lower() not in KNOWN for name, _ in request.headers)),
            "the headers of an SDK: 400",
            id="unknown headers",
        ),
        pytest.param(remembering, "an idempotency key", id="an idempotency key"),
        pytest.param(instead(406, REFUSED, has("Accept", "*/*")), "anything accepted: 406", id="Accept"),
        pytest.param(instead(403, REFUSED, has("User-Agent", "Mozilla")), "another user agent: 403", id="a browser"),
        pytest.param(instead(400, REFUSED, has("Cookie")), "a cookie: 400", id="a cookie"),
        pytest.param(instead(400, REFUSED, has("X-Conformance", "conformance ")), "a long unknown", id="a long header"),
        pytest.param(instead(201, b"{}", has("traceparent")), "a trace: 201", id="a trace"),
    ],
)
def test_a_needless_header_that_matters_is_caught(wrong: Wrong, said: str) -> None:
    """A server whose answer a header changes that the page does not name is caught, with the header."""
    with pytest.raises(NonConformance, match=said):
        transport.test_needless_headers_do_not_change_the_answer(target_on(wrong))


def in_html(handle: Handle) -> Handle:
    """Write errors as HTML where HTML is asked for."""

    def answer(request: Request) -> Response:
        found = handle(request)
        asked = (header(request.headers, "Accept") or "").startswith("text/html")
        return replace(found, body=b"<p>no</p>") if asked and found.status >= 400 else found

    return answer


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (in_html, "a request with an unknown model, HTML or a problem accepted"),
        (instead(404, b'{"detail": "Unbekannt"}', has("Accept-Language", "de")), "the headers of a browser: 404"),
    ],
)
def test_an_error_of_another_shape_or_language_is_caught(wrong: Wrong, said: str) -> None:
    """An error is what it is, whatever the client would rather have."""
    with pytest.raises(NonConformance, match=said):
        transport.test_needless_headers_do_not_change_the_answer(target_on(wrong))


def test_what_cannot_be_had_as_html_may_be_a_406() -> None:
    """A server may take Accept at its word."""
    refusing_html = instead(406, REFUSED, has("Accept", "text/html"))

    transport.test_needless_headers_do_not_change_the_answer(target_on(refusing_html))


@contextmanager
def over_http(answer: Answer, read: Read = read_by_length, version: str = "HTTP/1.1") -> Iterator[LumaTarget]:
    """Yield a server on a real socket as properties see it."""
    with answering(answer, read=read, version=version) as url:
        session = open_session(Options(target=url, announce=lambda _: None))
        try:
            yield begin(session, Fuzzing())
        finally:
            session.close()


def reference() -> Handle:
    """Return the handler of a reference of its own."""
    return Service(clock=VirtualClock()).handle


def read_chunks(handler: BaseHTTPRequestHandler) -> bytes:
    """Return a body, in chunks or not."""
    if "chunked" not in (handler.headers.get("Transfer-Encoding") or ""):
        return read_by_length(handler)
    parts = []
    while size := int(handler.rfile.readline(), 16):
        parts.append(handler.rfile.read(size))
        handler.rfile.readline()
    handler.rfile.readline()
    return b"".join(parts)


def read_as_empty(handler: BaseHTTPRequestHandler) -> bytes:
    """Return a body that has a length, and of one in chunks nothing, though it is read."""
    body = read_chunks(handler)
    return body if handler.headers.get("Content-Length") else b""


def read_first_chunk(handler: BaseHTTPRequestHandler) -> bytes:
    """Return the first chunk of a body."""
    if "chunked" not in (handler.headers.get("Transfer-Encoding") or ""):
        return read_by_length(handler)
    body = handler.rfile.read(int(handler.rfile.readline(), 16))
    while handler.rfile.readline() != b"0\r\n":
        pass
    handler.rfile.readline()
    return body


def read_what_is_there(handler: BaseHTTPRequestHandler) -> bytes:
    """Return what has arrived of a body, and read the rest."""
    if "Content-Length" not in handler.headers:
        return read_chunks(handler)
    length = int(handler.headers["Content-Length"])
    first = handler.rfile.read1(length) if length else b""
    handler.rfile.read(length - len(first))
    return bytes(first)


def of_the_connection(handler: BaseHTTPRequestHandler) -> bytes:
    """Return a body, and let a connection keep the key of its first request."""
    if (key := handler.headers.get("Authorization")) is not None:
        handler.__dict__.setdefault("kept", key)
    if "kept" in handler.__dict__:
        del handler.headers["Authorization"]
        handler.headers["Authorization"] = handler.__dict__["kept"]
    return read_chunks(handler)


@pytest.mark.parametrize(
    ("read", "said"),
    [
        pytest.param(read_as_empty, "in one chunk: 400", id="chunks read as nothing"),
        pytest.param(read_first_chunk, "in many chunks: 400", id="only the first chunk"),
        pytest.param(read_what_is_there, "in eight pieces: 400", id="what is there"),
        pytest.param(of_the_connection, "a request without a key, .*: 201", id="a key by connection"),
    ],
)
def test_a_body_that_is_not_read_whole_is_caught(read: Read, said: str) -> None:
    """A server that knows no chunks, or takes the first packet for the body, is caught, with the way of sending."""
    with over_http(reference(), read) as luma_target, pytest.raises(NonConformance, match=said):
        transport.test_how_a_request_is_sent_does_not_change_the_answer(luma_target)


def refusing(status: int, when: Callable[[Request], bool]) -> Answer:
    """Answer as the reference does, but for some requests."""
    handle = reference()
    return lambda request: response(status, {"detail": "no"}) if when(request) else handle(request)


@pytest.mark.parametrize(
    ("status", "when", "said"),
    [
        pytest.param(400, has("Expect"), "expecting 100-continue: 400", id="Expect"),
        pytest.param(400, has("Transfer-Encoding"), "in one chunk: 400", id="chunks"),
        pytest.param(503, has("Connection", "close"), "connection that closes: 503", id="closing"),
    ],
)
def test_a_way_to_send_that_is_refused_is_caught(status: int, when: Callable[[Request], bool], said: str) -> None:
    """What HTTP lets a client do is not an error of the client's."""
    with over_http(refusing(status, when), read_chunks) as luma_target, pytest.raises(NonConformance, match=said):
        transport.test_how_a_request_is_sent_does_not_change_the_answer(luma_target)


@pytest.mark.parametrize(
    ("answer", "read", "version"),
    [
        pytest.param(reference(), read_chunks, "HTTP/1.1", id="as it should be"),
        pytest.param(refusing(411, has("Transfer-Encoding")), read_chunks, "HTTP/1.1", id="no chunks, by a 411"),
        pytest.param(refusing(417, has("Expect")), read_chunks, "HTTP/1.1", id="no expectations, by a 417"),
        pytest.param(reference(), read_by_length, "HTTP/1.0", id="HTTP/1.0, which has no chunks"),
    ],
)
def test_a_server_may_decline_as_http_says(answer: Answer, read: Read, version: str) -> None:
    """A length may be required, an expectation unmet, and a server of HTTP/1.0 is sent no chunks."""
    with over_http(answer, read, version) as luma_target:
        for property_ in PROPERTIES:
            property_(luma_target)


def test_the_reference_served_passes(tmp_path: Path) -> None:
    """The reference over HTTP minds nothing of how it is sent to, and what is recorded of it can be replayed."""
    recording = tmp_path / "run.har"
    with serving() as url:
        session = open_session(Options(target=url, announce=lambda _: None, record=recording))
        for property_ in PROPERTIES:
            property_(begin(session, Fuzzing(), name=property_.__name__))
        session.close()

    replayed = open_session(Options(target=f"cassette:{recording}", announce=lambda _: None))
    for property_ in PROPERTIES:
        property_(begin(replayed, Fuzzing(), name=property_.__name__))
    assert "in many chunks" in recording.read_text()


@pytest.mark.parametrize("property_", PROPERTIES)
@pytest.mark.parametrize(
    "legal", [right, miniatures.with_extras, miniatures.of_another_make], ids=["none", "extras", "another make"]
)
def test_what_does_not_matter_is_not_accused(property_: Property, legal: Wrong) -> None:
    """A server that answers alike passes, whatever else is unusual about its answers."""
    property_(target_on(legal))


@pytest.mark.parametrize("property_", PROPERTIES)
def test_a_server_that_is_always_wrong_is_not_accused_of_its_transport(property_: Property) -> None:
    """What is wrong with every answer is another property's finding."""
    property_(target_on(instead(500, b"oops", lambda _: True)))


def test_off_this_machine_nothing_is_sent_that_may_be_accepted() -> None:
    """Where accepted requests cost money, only such as are refused are sent in all these ways."""
    luma_target = target_on(right, limit=0)

    for property_ in PROPERTIES:
        property_(luma_target)

    assert luma_target.session.spending.spent == 0


def test_a_header_that_a_gateway_wants_is_left_to_it() -> None:
    """Where each request gets a cookie on its way, none is sent in its place."""
    luma_target = target_on(instead(403, REFUSED, has("Cookie", "theme")))
    luma_target.session.added = (("Cookie", "session=$SESSION"),)

    transport.test_needless_headers_do_not_change_the_answer(luma_target)
