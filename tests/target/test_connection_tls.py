"""The client under TLS: whom it trusts, and what it says of others."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from luma_conformance.target import connection as wire
from luma_conformance.target.bounds import Bounds
from tests.sockets import OK, PING, Script, lingering, reaching, refusal, running, serving

CERTIFICATE = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgCXhP50AMh+UvrEWf
DwdOF+qcnuD+NIvh4AGeATT91zOhRANCAATfdzeDrbXnOD90OHlOr3Lz4YcefXYl
7qnZyUZQhrC1E8IoKFcemyNT+Q4IWxs8pcfAwofAEXAkAIk/1ce6mR2h
-----END PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIBmzCCAUGgAwIBAgIUGFWVemKxWYhwpT2WZlmWIwUfjdIwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMzEzMjYyMFoYDzIxMjYxMDMw
MTMyNjIwWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAATfdzeDrbXnOD90OHlOr3Lz4YcefXYl7qnZyUZQhrC1E8IoKFcemyNT
+Q4IWxs8pcfAwofAEXAkAIk/1ce6mR2ho28wbTAdBgNVHQ4EFgQUm6YiNtZM7HJg
9H4bbwtVOYJkqbswHwYDVR0jBBgwFoAUm6YiNtZM7HJg9H4bbwtVOYJkqbswDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSAAwRQIgHV0EReXUxpnaTyXOQOhuJJJCVTmWGX5p2xZEn0D6LtICIQDI
sqYArP+9SrY/EAQA5w17Sz5gmAsN13E1ryOzLjTqVg==
-----END CERTIFICATE-----
"""
"""Signed by itself, for localhost and 127.0.0.1, for a hundred years. Its key guards nothing."""


def speaking_tls(certificate: Path) -> Script:
    """Return a script that answers twice under TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def run(connection: socket.socket) -> None:
        with contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True) as secure:
            for _ in range(2):
                secure.recv(65536)
                secure.sendall(OK)

    return run


@pytest.fixture
def certificate(tmp_path: Path) -> Iterator[Path]:
    """Yield the file of a certificate and its key; forgets the TLS context of others."""
    path = tmp_path / "localhost.pem"
    path.write_text(CERTIFICATE)
    wire._tls.cache_clear()
    yield path
    wire._tls.cache_clear()


def test_an_untrusted_certificate_is_named(certificate: Path) -> None:
    """The message says what is wrong with it and what to do."""
    with running(speaking_tls(certificate)) as server, reaching(f"https://127.0.0.1:{server.port}") as transport:
        why = refusal(transport)
    assert "certificate is not accepted: self" in why
    assert "SSL_CERT_FILE" in why


def test_a_certificate_the_user_trusts_is_accepted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SSL_CERT_FILE is enough, and the connection is kept."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with running(speaking_tls(certificate)) as server, reaching(f"https://127.0.0.1:{server.port}") as transport:
        assert [transport.send(PING).body, transport.send(PING).body] == [b"ok", b"ok"]
    assert server.connections == 1


def ending_tls(certificate: Path, answer: bytes, *, closed: bool) -> Script:
    """Return a script that answers once under TLS, and ends the connection with or without the alert that says so."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def run(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secure:
            secure.recv(65536)
            secure.sendall(answer)
            if closed:
                secure.unwrap().close()

    return run


@pytest.mark.parametrize(
    ("head", "closed", "said"),
    [
        (b"", True, None),
        (b"Content-Length: 2\r\n", True, None),
        (b"Content-Length: 2\r\n", False, None),
        (
            b"",
            False,
            "may be cut off: it ends with its connection, which no alert of TLS has closed (the status was 400)",
        ),
        (b"Content-Length: 3\r\n", False, "the connection closed in the middle of the answer"),
    ],
)
def test_an_answer_that_ends_with_its_connection_is_whole_only_if_tls_says_so(
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
    head: bytes,
    closed: bool,  # noqa: FBT001
    said: str | None,
) -> None:
    """Anybody in between can close a connection (RFC 9112, 9.8); what says its length needs no alert."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    answer = b"HTTP/1.1 400 Bad Request\r\n" + head + b"\r\n{}"
    script = ending_tls(certificate, answer, closed=closed)
    with running(script) as server, reaching(f"https://127.0.0.1:{server.port}") as transport:
        if said is None:
            assert transport.send(PING).body == b"{}"
        else:
            assert said in refusal(transport)


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b""])
def test_a_server_without_tls_is_told_from_one_with_a_bad_certificate(answer: bytes) -> None:
    """The message suggests http."""

    def reject(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(answer)

    with running(reject) as server, reaching(f"https://127.0.0.1:{server.port}") as transport:
        why = refusal(transport)
    assert "did you mean http://?" in why


def test_a_tls_handshake_meets_the_bound() -> None:
    """A server that never shakes hands is given up."""
    bounds = Bounds(connect=0.2, total=5, body=1000)
    with serving([lingering(b"")]) as server, reaching(f"https://127.0.0.1:{server.port}", bounds) as transport:
        assert "handshake takes too long" in refusal(transport)
