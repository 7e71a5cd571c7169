"""Where the reference says its outputs are, behind proxies, TLS and prefixes."""

from __future__ import annotations

import json

import pytest

from luma_conformance.errors import InputError
from luma_conformance.model import Headers, Request
from luma_conformance.reference import InProcess, Settings
from luma_conformance.reference.origin import Origin, find_origin, parse_public_url
from tests.reference.asking import COMPLETED_IMAGE, key

AUTH = ("Authorization", f"Bearer {key('main')}")
HOST = ("Host", "10.0.0.7:8080")


@pytest.mark.parametrize(
    ("headers", "origin"),
    [
        ((HOST,), "http://10.0.0.7:8080"),
        ((), "http://reference.invalid"),
        ((HOST, ("X-Forwarded-Proto", "https")), "https://10.0.0.7:8080"),
        ((HOST, ("x-forwarded-proto", "HTTPS"), ("x-forwarded-host", "api.example.com")), "https://api.example.com"),
        ((HOST, ("X-Forwarded-Proto", "https, http"), ("X-Forwarded-Host", "a.example, b")), "https://a.example"),
        ((HOST, ("X-Forwarded-Prefix", "/luma")), "http://10.0.0.7:8080/luma"),
        ((HOST, ("X-Forwarded-Prefix", "luma/v2/")), "http://10.0.0.7:8080/luma/v2"),
        ((HOST, ("X-Forwarded-Prefix", "/outer, /inner")), "http://10.0.0.7:8080/outer/inner"),
        ((HOST, ("X-Forwarded-Prefix", "/")), "http://10.0.0.7:8080"),
        ((HOST, ("X-Forwarded-Host", "[::1]:8443")), "http://[::1]:8443"),
        ((HOST, ("Forwarded", 'for=192.0.2.60;proto=https;host="e.com:8443", for=10.1.1.1')), "https://e.com:8443"),
        ((HOST, ("Forwarded", "Proto=https ; Host=e.com")), "https://e.com"),
        ((HOST, ("Forwarded", "proto=http;host=b"), ("X-Forwarded-Proto", "https")), "https://b"),
    ],
)
def test_an_origin_is_what_the_outermost_proxy_was_asked_for(headers: Headers, origin: str) -> None:
    """Each header is used where it is there, and Host for what none says."""
    assert str(find_origin(headers)) == origin


@pytest.mark.parametrize(
    "header",
    [
        ("X-Forwarded-Proto", "javascript"),
        ("X-Forwarded-Proto", ""),
        ("X-Forwarded-Host", "evil.example/x?"),
        ("X-Forwarded-Host", "user@evil.example"),
        ("X-Forwarded-Host", "a b"),
        ("X-Forwarded-Prefix", "/x?y#z"),
        ("X-Forwarded-Prefix", '/"><script>'),
        ("Forwarded", "for=_gazonk"),
        ("Forwarded", "proto=;host=@"),
    ],
)
def test_what_is_no_scheme_host_or_prefix_is_ignored(header: tuple[str, str]) -> None:
    """A malformed header changes nothing."""
    assert str(find_origin((HOST, header))) == "http://10.0.0.7:8080"


@pytest.mark.parametrize(
    ("text", "root", "prefix"),
    [
        ("https://mock.example.com", "https://mock.example.com", ""),
        ("https://mock.example.com/", "https://mock.example.com", ""),
        ("http://localhost:8443/luma/", "http://localhost:8443", "/luma"),
        ("https://mock.example.com/a/b/v1", "https://mock.example.com", "/a/b"),
        ("https://[::1]:8443/v1/", "https://[::1]:8443", ""),
    ],
)
def test_a_public_url_has_a_host_and_perhaps_a_prefix(text: str, root: str, prefix: str) -> None:
    """A slash at the end and a final /v1 are left off, as in a base URL."""
    assert parse_public_url(text) == Origin(root=root, prefix=prefix)


@pytest.mark.parametrize(
    "text",
    ["", "mock.example.com", "ftp://x", "https://", "https://u:p@x/", "https://x/?a=1", "https://x#f", "http://["],
)
def test_what_is_no_public_url_is_refused(text: str) -> None:
    """The message shows how one looks."""
    with pytest.raises(InputError, match=r"is not one like https://example\.com/luma"):
        parse_public_url(text)


@pytest.mark.parametrize("prefix", ["", "/luma"])
@pytest.mark.parametrize("host", [(), (HOST,)])
def test_paths_work_with_the_prefix_and_without(prefix: str, host: Headers) -> None:
    """A proxy may take the prefix off or leave it on; the output's URL has it, and works in process too."""
    reference = InProcess(Settings(public_url="https://mock.example.com/luma/v1"))
    url = f"{prefix}/v1/generations/{COMPLETED_IMAGE}"
    poll = reference.send(Request(method="GET", url=url, headers=(AUTH, *host)))
    output = json.loads(poll.body)["output"][0]["url"]

    assert output.startswith("https://mock.example.com/luma/storage/")
    assert reference.send(Request(method="GET", url=output)).status == 200
    assert reference.send(Request(method="GET", url=output.removeprefix("https://mock.example.com"))).status == 200
    assert reference.send(Request(method="GET", url=output.removeprefix("https://mock.example.com/luma"))).status == 200


@pytest.mark.parametrize("path", ["/lumax/v1/generations/x", "/luma", "/other/v1/generations", "/lum/v1/generations/x"])
def test_another_prefix_leads_nowhere(path: str) -> None:
    """Only the whole prefix is taken off, and only once."""
    reference = InProcess(Settings(public_url="https://mock.example.com/luma"))

    assert json.loads(reference.send(Request(method="GET", url=path, headers=(AUTH,))).body) == {"detail": "Not found"}


def test_the_public_url_outranks_what_a_proxy_says() -> None:
    """What the server was started with is not changed by a header."""
    reference = InProcess(Settings(public_url="https://mock.example.com"))
    headers = (AUTH, HOST, ("X-Forwarded-Host", "other.example"), ("X-Forwarded-Prefix", "/x"))
    poll = reference.send(Request(method="GET", url=f"/v1/generations/{COMPLETED_IMAGE}", headers=headers))

    assert json.loads(poll.body)["output"][0]["url"].startswith("https://mock.example.com/storage/")
