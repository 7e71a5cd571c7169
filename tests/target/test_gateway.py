"""What is added to each request for a gateway's sake: read from text, kept out of sight, sent to the target alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from luma_conformance.errors import ExchangeError, InputError
from luma_conformance.model import Request
from luma_conformance.redaction.redactor import Redactor
from luma_conformance.reference.asgi import serving as serving_reference
from luma_conformance.target import connection as wire
from luma_conformance.target.gateway import ClientCertificate, Gateway, parse_certificate, parse_header
from luma_conformance.target.http import HttpTransport
from tests.gateway import gateway_before
from tests.sockets import OK, PING, reaching, serving
from tests.target.test_connection_tls import CERTIFICATE

SECRET = "s3cret-0123456789"
ENVIRON = {"TOKEN": SECRET, "SPACED": f" {SECRET}\n", "EMPTY": "", "BROKEN": "a\r\nX-Evil: b", "SHORT": "prod"}
OTHER_KEY = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgaaaaaaaaaaaaaaaa
-----END PRIVATE KEY-----
"""


@pytest.fixture
def pem(tmp_path: Path) -> Iterator[Path]:
    """Yield the file of a certificate and its key; forgets the TLS contexts of others."""
    path = tmp_path / "client.pem"
    path.write_text(CERTIFICATE)
    wire._tls.cache_clear()
    yield path
    wire._tls.cache_clear()


def refusal(text: str) -> str:
    """Return why a header is refused."""
    with pytest.raises(InputError) as caught:
        parse_header(text, ENVIRON)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "value", "shown"),
    [
        ("X-Gateway: $TOKEN", SECRET, "$TOKEN"),
        ("X-Gateway:$TOKEN", SECRET, "$TOKEN"),
        ("X-Gateway: ${TOKEN}x", f"{SECRET}x", "$TOKENx"),
        ("X-Gateway: $SPACED", SECRET, "$SPACED"),
        ("X-Gateway: Bearer $TOKEN", f"Bearer {SECRET}", "Bearer $TOKEN"),
        ("X-Gateway: staging", "staging", "staging"),
        ("X-Gateway: a-literal-secret", "a-literal-secret", "REDACTED"),
        ("X-Gateway: Basic YWxhZGRpbjpv", "Basic YWxhZGRpbjpv", "Basic REDACTED"),
        ("X-Gateway: pa$$word-1234", "pa$word-1234", "REDACTED"),
        ("X-Gateway: https://a:b", "https://a:b", "REDACTED"),
    ],
)
def test_a_header_has_its_value_from_the_text_or_from_variables(text: str, value: str, shown: str) -> None:
    """What is shown has the names of variables, and no part of a literal that may be a secret."""
    found = parse_header(text, ENVIRON)

    assert (found.name, found.value, found.shown) == ("X-Gateway", value, shown)
    assert value not in repr(found) or shown == value


@pytest.mark.parametrize(
    ("text", "echoed", "shown"),
    [
        ("X-A: $TOKEN", f"you sent {SECRET}", "you sent $TOKEN"),
        ("X-A: Bearer $TOKEN", f"token={SECRET};", "token=$TOKEN;"),
        ("X-A: Basic YWxhZGRpbjpv", "bad YWxhZGRpbjpv", "bad REDACTED"),
        ("Cookie: session=abcdef0123", "no session abcdef0123", "no session REDACTED"),
        ("X-A: $SHORT", "in prod, of products", "in $SHORT, of products"),
        ("X-A: 1", "1 of 10", "1 of 10"),
    ],
)
def test_what_a_server_repeats_of_a_header_is_hidden(text: str, echoed: str, shown: str) -> None:
    """Variables are shown by name; of a literal, each part that is not short is removed."""
    redactor = Redactor(Gateway(headers=(parse_header(text, ENVIRON),)).secrets)

    assert redactor.scrub(echoed) == shown


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", '"Name: value"'),
        (f"{SECRET}", '"Name: value"'),
        (f"two words: {SECRET}", '"Name: value"'),
        (f": {SECRET}", '"Name: value"'),
        (f"Authorization: Bearer {SECRET}", "the keys come from the profile"),
        ("HOST: x", "how a request is sent"),
        ("content-length: 5", "how a request is sent"),
        ("Transfer-Encoding: chunked", "how a request is sent"),
        ("Content-Type: text/plain", "part of what is judged"),
        ("X-Request-ID: mine", "whether it comes back is judged"),
        ("X-A:", "is empty"),
        ("X-A: $UNSET", "variable UNSET is not set"),
        ("X-A: $EMPTY", "variable EMPTY is empty"),
        (f"X-A: {SECRET} $ x", "a dollar sign is written $$"),
        ("X-A: $BROKEN", "line break"),
        (f"X-A: {SECRET}\r\nX-Evil: b", "line break"),
        (f"X-A: {SECRET}\N{SNOWMAN}", "no header can have"),
    ],
)
def test_what_is_no_header_or_would_falsify_the_judge_is_refused(text: str, why: str) -> None:
    """One message says why; a value is not in it."""
    said = refusal(text)

    assert why in said
    assert SECRET not in said
    assert "\n" not in said


def test_a_header_goes_to_the_target_and_its_files_and_to_nobody_else() -> None:
    """A request and a file at the same host and port have it; a file on another port has not."""
    gateway = Gateway(headers=(parse_header("X-Gateway: $TOKEN", ENVIRON),))
    with serving([OK, OK], [OK]) as target, serving([OK]) as storage:
        transport = HttpTransport(target.url, gateway=gateway)
        transport.follow_to([storage.url])
        for url in ("/v1/generations/x", f"{target.url}/file.png", f"{storage.url}/file.png"):
            transport.send(Request(method="GET", url=url))
        transport.close()

    assert [f"X-Gateway: {SECRET}".encode() in heard for heard in target.heard] == [True, True]
    assert [SECRET.encode() in heard for heard in storage.heard] == [False]


def test_a_header_of_the_request_itself_stands() -> None:
    """What a case sends on purpose is not sent twice."""
    gateway = Gateway(headers=(parse_header("X-Gateway: $TOKEN", ENVIRON),))
    with serving([OK]) as target:
        transport = HttpTransport(target.url, gateway=gateway)
        transport.send(Request(method="GET", url="/", headers=(("x-gateway", "mine"),)))
        transport.close()

    assert b"x-gateway: mine" in target.heard[0]
    assert SECRET.encode() not in target.heard[0]


def test_of_two_headers_of_one_name_the_first_gateway_has_its_own() -> None:
    """What an option says outranks the profile, whatever the case of the name."""
    mine, theirs = (
        Gateway(headers=tuple(parse_header(text, ENVIRON) for text in texts))
        for texts in (("X-A: one",), ("x-a: two", "X-B: three"))
    )
    assert mine.or_else(theirs).add_to(()) == (("X-A", "one"), ("X-B", "three"))


def test_a_certificate_and_its_key_may_be_one_file_or_two() -> None:
    """A comma stands between them."""
    assert parse_certificate("a.pem") == ClientCertificate(certificate=Path("a.pem"), key=Path("a.pem"))
    assert parse_certificate("a.pem,b.key") == ClientCertificate(certificate=Path("a.pem"), key=Path("b.key"))
    for text in ("", ",b.key", "a.pem,"):
        with pytest.raises(InputError, match="FILE,KEYFILE"):
            parse_certificate(text)


@pytest.mark.parametrize(
    ("certificate", "key", "why"),
    [
        (None, None, "cannot be read: No such file"),
        ("not PEM", None, "has no certificate in PEM"),
        (re.sub(r"(?s).*(?=-----BEGIN CERT)", "", CERTIFICATE), None, "has no private key in PEM"),
        (CERTIFICATE, "not PEM", "has no private key in PEM"),
        (CERTIFICATE, CERTIFICATE.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY"), "is encrypted; `openssl pkey"),
        (CERTIFICATE, OTHER_KEY, "are no certificate and its key"),
        (CERTIFICATE.replace("MIIBmz", "AAAAAA"), None, "are no certificate and its key"),
    ],
)
def test_a_certificate_that_cannot_be_used_is_named_before_anything_is_sent(
    pem: Path, certificate: str | None, key: str | None, why: str
) -> None:
    """One sentence names the file and what is missing in it."""
    pem.unlink()
    if certificate is not None:
        pem.write_text(certificate)
    key_file = pem.with_name("client.key")
    if key is not None:
        key_file.write_text(key)
    files = ClientCertificate(certificate=pem, key=pem if key is None else key_file)

    with pytest.raises(InputError, match=re.escape(why)) as caught:
        HttpTransport("https://127.0.0.1:1", gateway=Gateway(certificate=files))
    assert "client." in str(caught.value)


def test_a_certificate_without_tls_is_refused(pem: Path) -> None:
    """It would never be shown."""
    files = ClientCertificate(certificate=pem, key=pem)
    with pytest.raises(InputError, match=r"only shown over TLS, and http://127\.0\.0\.1:1 begins with http://"):
        HttpTransport("http://127.0.0.1:1", gateway=Gateway(certificate=files))


def test_a_server_that_asks_for_a_certificate_gets_it(pem: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the certificate the server answers; without, the message says how to name one."""
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    files = ClientCertificate(certificate=pem, key=pem)
    with serving_reference() as url, gateway_before(url, pem.parent, certificates=True) as gateway:
        transport = HttpTransport(gateway.url, gateway=Gateway(certificate=files))
        assert transport.send(PING).status == 403  # the gateway's own answer: there is no token
        transport.close()
        with reaching(gateway.url) as bare, pytest.raises(ExchangeError) as caught:
            bare.send(PING)
    assert "client certificate" in str(caught.value)
    assert "--luma-client-cert names one" in str(caught.value)
