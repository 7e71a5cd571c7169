"""A live server is opened, or it is said why not: what goes wrong between a URL and an API, on real sockets."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from luma_conformance.errors import CouldNotJudge
from luma_conformance.model import Headers, Request, Response
from luma_conformance.reference import profile_path
from luma_conformance.session.open import Options, open_session
from luma_conformance.target import connection as wire
from tests.answering import answering
from tests.kit import free_port, response
from tests.target.test_connection_tls import CERTIFICATE

TEXT: Headers = (("Content-Type", "text/plain"),)
HTML: Headers = (("Content-Type", "text/html"),)
NO_KEY = response(401, {"detail": "Missing or invalid API key"})


@pytest.fixture(params=["a key", "no key"])
def key(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Set or unset the main key: what is wrong with a URL is told in either case, and never as a missing key."""
    monkeypatch.delenv("LUMA_AGENTS_API_KEY", raising=False)
    if request.param == "a key":
        monkeypatch.setenv("LUMA_AGENTS_API_KEY", "luma-api-0123456789abcdef")
    return str(request.param)


def why_not(url: str, profile: Path | None = None) -> str:
    """Return why a target is not opened."""
    with pytest.raises(CouldNotJudge) as caught:
        open_session(Options(target=url, profile=profile, timeout=5))
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def certificate(tmp_path: Path) -> Iterator[Path]:
    """Yield the file of a certificate for localhost and 127.0.0.1; forget the TLS context of others."""
    path = tmp_path / "localhost.pem"
    path.write_text(CERTIFICATE)
    wire._tls.cache_clear()
    yield path
    wire._tls.cache_clear()


@contextmanager
def speaking_tls(certificate: Path, *, first: bytes = b"", host: str = "127.0.0.1") -> Iterator[int]:
    """Yield the port of a server of TLS, which says `first` to those who begin otherwise, and then hangs up."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    listener = socket.create_server((host, 0))

    def run() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.settimeout(5)
            with connection:
                try:
                    if connection.recv(1, socket.MSG_PEEK) != b"\x16":
                        connection.recv(65536)
                        connection.sendall(first)
                        continue
                    with context.wrap_socket(connection, server_side=True) as secure:
                        while secure.recv(65536):
                            secure.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
                except OSError:
                    pass

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize(
    "first",
    [
        b"",
        b"\x15\x03\x01\x00\x02\x02\x46",
        b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n",
    ],
    ids=["hangs up", "an alert", "in HTTP"],
)
def test_http_to_a_port_of_tls_is_told_as_that(certificate: Path, first: bytes) -> None:
    """Whatever such a port answers to plain HTTP."""
    with speaking_tls(certificate, first=first) as port:
        assert "https://" in why_not(f"http://127.0.0.1:{port}")


@pytest.mark.usefixtures("key")
def test_a_server_that_hangs_up_is_not_said_to_speak_tls() -> None:
    """It is asked, and does not."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up() -> None:
            for _ in range(2):
                listener.accept()[0].close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        why = why_not(f"http://127.0.0.1:{listener.getsockname()[1]}")
        thread.join()
    assert why.endswith("the server closed the connection without an answer")


@pytest.mark.usefixtures("key")
def test_https_to_a_port_without_tls_is_told_as_that() -> None:
    """Where the server answers in HTTP."""
    with answering(lambda _: NO_KEY) as url:
        assert "http://" in why_not(url.replace("http://", "https://"))


@pytest.mark.usefixtures("key")
def test_https_to_a_port_that_waits_for_more_is_told_as_that() -> None:
    """Some servers wait for the end of a line that never comes."""
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(CouldNotJudge) as caught:
        open_session(Options(target=f"https://127.0.0.1:{listener.getsockname()[1]}", timeout=0.2))
    assert "the handshake takes too long; if it does not speak TLS, the URL begins with http://" in str(caught.value)


@pytest.mark.usefixtures("key")
def test_an_address_where_nothing_is_says_so() -> None:
    """A port at which nothing listens, and a name that nobody has."""
    assert "nothing listens at 127.0.0.1" in why_not(f"http://127.0.0.1:{free_port()}")
    assert "the name nobody.invalid " in why_not("https://nobody.invalid")


@pytest.mark.usefixtures("key")
def test_a_certificate_that_is_not_accepted_says_why(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of an authority nobody knows, and one of another host: the advice is not the same."""
    with speaking_tls(certificate) as port:
        assert "set SSL_CERT_FILE" in why_not(f"https://127.0.0.1:{port}")
    wire._tls.cache_clear()
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with speaking_tls(certificate, host="127.0.0.2") as port:
        why = why_not(f"https://127.0.0.2:{port}")
    assert "use a name that it is for" in why
    assert "SSL_CERT_FILE" not in why


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Response(status=200, headers=HTML, body=b"<title>Sign in"), "answers 200 with a web page"),
        (
            Response(status=302, headers=(("Location", "https://sso.test/login?rd=x"),)),
            "https://sso.test/login, and that",
        ),
        (response(401, b"", (("WWW-Authenticate", 'Basic realm="staging"'),)), "asks for a login (Basic)"),
        (response(404, {"detail": "Not Found"}), "answers 404 to every request: Not Found: the API is not there"),
        (Response(status=404, headers=TEXT, body=b"404 page not found\n"), "answers 404 to every request: the API is"),
        (Response(status=502, headers=TEXT, body=b"Bad Gateway"), "answers 502 to every request; is it up?"),
        (response(503, {"message": "no healthy upstream"}), "answers 503 to every request; is it up?"),
        (Response(status=400, headers=TEXT, body=b"Invalid host header"), "answers 400 to every request; check the"),
    ],
)
def test_what_is_not_the_api_is_told_as_what_it_is(answer: Response, why: str) -> None:
    """A proxy's login, a wrong path, a server that is down: one sentence, and no word of a key."""
    with answering(lambda _: answer) as url:
        said = why_not(url)
    assert why in said
    assert " key" not in said


@pytest.mark.usefixtures("key")
def test_a_redirect_to_https_gives_the_base_url_to_use() -> None:
    """As a load balancer answers on its port of plain HTTP."""
    with answering(lambda request: response(308, b"", (("Location", f"https://api.test{request.url}"),))) as url:
        assert "a redirect to https://api.test, and redirects are not followed; use that base URL" in why_not(url)


def test_a_base_url_may_end_in_v1(monkeypatch: pytest.MonkeyPatch) -> None:
    """That is what the SDKs call a base URL; a wrong path is not."""
    monkeypatch.setenv("LUMA_AGENTS_API_KEY", "luma-api-0123456789abcdef")

    def answer(request: Request) -> Response:
        found = request.url.startswith("/v1/generations")
        return response(404, {"detail": "Generation not found" if found else "Not Found"})

    with answering(answer) as url:
        for right in ("", "/", "/v1", "/v1/"):
            open_session(Options(target=url + right)).close()
        for wrong in ("/v2", "/api", "/v1/v1"):
            assert "the API is not there" in why_not(url + wrong)


def test_a_dead_clock_ends_the_run_before_the_first_case(tmp_path: Path) -> None:
    """A profile that names a clock the server does not have; with another clock it opens."""
    profile = tmp_path / "p.toml"
    moved: list[bytes] = []

    def answer(request: Request) -> Response:
        if request.url == "/clock":
            moved.append(request.body)
            return response(204, b"")
        return response(404, {"detail": "Generation not found" if request.method == "GET" else "Not Found"})

    with answering(answer) as url:
        text = profile_path().read_text()
        profile.write_text(text)
        assert why_not(url, profile) == (
            "the clock at /_reference/clock, which the profile names, answers 404: Not Found, so there is no clock; "
            "check advance and method (POST) under [clock], or remove [clock]: without it, time passes by waiting"
        )
        profile.write_text(text.replace("/_reference/clock", "/clock"))
        open_session(Options(target=url, profile=profile)).close()
    assert moved == [b'{"advance": 0}']


def test_a_dead_clock_of_the_embedded_reference_is_found_too(tmp_path: Path) -> None:
    """A profile of one's own may name one it does not have."""
    profile = tmp_path / "p.toml"
    profile.write_text(profile_path().read_text().replace("/_reference/clock", "/clock"))
    with pytest.raises(CouldNotJudge, match="there is no clock"):
        open_session(Options(profile=profile))
