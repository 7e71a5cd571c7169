"""The kit is no proxy: a URL leads to public addresses, to the target itself, or where the profile says."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest

from luma_conformance.errors import ExchangeError, InputError, NotFollowed
from luma_conformance.model import Request
from luma_conformance.target import connection
from luma_conformance.target import reach as reach_module
from luma_conformance.target.profile import parse_profile
from luma_conformance.target.reach import Reach, is_public
from tests.sockets import OK, reaching, serving
from tests.verdicts import SHOW

PUBLIC = (
    "93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "::ffff:93.184.216.34", "64:ff9b::5db8:d822",
    "2002:5db8:d822::1", "2606:2800:220:1:0:5efe:5db8:d822",
)  # fmt: skip
OTHERS = (
    "127.0.0.1", "127.9.9.9", "::1", "0.0.0.1", "::", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "fe80::1", "fe80::1%lo", "fc00::1", "224.0.0.1", "ff02::1", "255.255.255.255", "192.0.2.1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "2002:7f00:1::", "240.0.0.1",
    "::127.0.0.1", "::a00:1", "::ffff:0:127.0.0.1", "64:ff9b:1::7f00:1", "64:ff9b:1::1", "fec0::1", "100:0:0:1::1",
    "3fff::1", "5f00::1", "4000::1", "1::1", "2001:470:1f0a::5efe:10.0.0.1", "2606:2800::200:5efe:7f00:1",
    "2001:0:7f00:1::1", "192.0.0.8", "233.252.0.1", "100.127.255.254", "not an address",
)  # fmt: skip


def test_public_addresses_are_told_from_all_others() -> None:
    """Also where one address is written inside another."""
    assert [address for address in PUBLIC if not is_public(address)] == []
    assert [address for address in OTHERS if is_public(address)] == []


def resolving(**known: str) -> Callable[[str, int], frozenset[str]]:
    """Return a resolver that knows these names, in which an underscore is a dot."""
    table = {name.replace("_", "."): frozenset(addresses.split()) for name, addresses in known.items()}
    return lambda host, _: table.get(host, frozenset())


def test_a_public_target_that_leads_into_a_network_is_a_finding() -> None:
    """No client could follow, wherever the name leads; of several addresses only the public are asked."""
    reach, names = Reach(target=("api.test", 443)), resolving(api_test="93.184.216.34")

    for address in OTHERS:
        with pytest.raises(ExchangeError, match="which is no public address"):
            reach.choose("GET x", 443, [address], names)
    assert reach.choose("GET x", 80, ["127.0.0.1", PUBLIC[0]], names) == {PUBLIC[0]}


def test_a_target_on_this_machine_leads_to_itself_and_to_the_public() -> None:
    """By any of its names, at its port; elsewhere only if the profile says so, and then it accuses nobody."""
    names = resolving(localhost="127.0.0.1 ::1", store="10.0.0.7")
    reach = Reach(target=("localhost", 8080), named=frozenset({("store", 9000)}))

    assert reach.choose("GET x", 8080, ["::1"], names) == {"::1"}
    assert reach.choose("GET x", 9000, ["10.0.0.7"], names) == {"10.0.0.7"}
    assert reach.choose("GET x", 443, [PUBLIC[0]], names) == {PUBLIC[0]}
    for port, address in ((6379, "127.0.0.1"), (9000, "127.0.0.1"), (8080, "10.0.0.7"), (80, "169.254.169.254")):
        with pytest.raises(NotFollowed, match=r"not asked unless the profile names it: \[outputs\] origins"):
            reach.choose("GET x", port, [address], names)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0177.0.0.1", "0x7f.1", "127.1"])
def test_another_port_is_not_asked_however_the_host_is_written(host: str) -> None:
    """It hears nothing; at the target's own port each of these is the target."""
    with serving([OK]) as server, reaching(server.url) as transport, socket.create_server(("127.0.0.1", 0)) as other:
        other.settimeout(0)
        with pytest.raises(NotFollowed):
            transport.send(Request(method="GET", url=f"http://{host}:{other.getsockname()[1]}/secret"))
        with pytest.raises(BlockingIOError):
            other.accept()
        assert transport.send(Request(method="GET", url=f"http://{host}:{server.port}/file")).status == 200


@pytest.mark.parametrize(
    "url",
    [
        "ftp://127.0.0.1/x", "file:///etc/passwd", "gopher://127.0.0.1:6379/_INFO", "data:text/plain,x", "javascript:1",
        "http:/127.0.0.1/x", "http://user:pass@a.test/x", "http://a.test@127.0.0.1/x",
        "http://a.test\\@127.0.0.1/", "http://a.test:99999/", "http://a.test:port/", "http://[::1/",
        "http:///x", "http://?x", "http://a.test/x\r\nHost: b", "http://a.test/\tx", "http://a b/", "http://\ud800/",
        "http://a.test/" + "\r" * 1_000_000, f"gopher://{'a' * 1_000_000}/",
    ],
)  # fmt: skip
def test_what_is_no_url_of_the_web_is_a_finding_and_nobody_is_asked(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other schemes, credentials, line breaks, broken hosts and ports: one short line says which."""
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: pytest.fail("a name was looked up"))
    with reaching("http://127.0.0.1:1") as transport, pytest.raises(ExchangeError, match="the target's URL") as refused:
        transport.send(Request(method="GET", url=url))
    assert len(SHOW(str(refused.value))) < 500


@pytest.mark.parametrize(
    "host", ["127.0.0.1.", "LOCALHOST", "⓵⓶⓻.0.0.1", "①②⑦.⓪.⓪.①", "１２７.１", "[::ffff:7f00:1]", "[::1%25lo]"]
)
def test_no_notation_leads_to_another_port(host: str) -> None:
    """Nothing but a refusal, or a name that nobody knows, comes of it."""
    with serving([OK]) as server, reaching(server.url) as transport, socket.create_server(("127.0.0.1", 0)) as other:
        other.settimeout(0)
        with pytest.raises((NotFollowed, ExchangeError)):
            transport.send(Request(method="GET", url=f"http://{host}:{other.getsockname()[1]}/secret"))
        with pytest.raises(BlockingIOError):
            other.accept()


def test_a_redirect_is_not_followed() -> None:
    """It is an answer like any other, and where it points to hears nothing."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        other.settimeout(0)
        to = f"http://127.0.0.1:{other.getsockname()[1]}/"
        answer = f"HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n".encode()
        with serving([answer]) as server, reaching(server.url) as transport:
            got = transport.send(Request(method="GET", url=f"{server.url}/file"))
        assert (got.status, [name for name, _ in got.headers]) == (302, ["Content-Length"])
        with pytest.raises(BlockingIOError):
            other.accept()


def test_of_a_file_no_content_is_kept() -> None:
    """Status, type, length and digest stand for it; not so its other headers and its reason."""
    answer = b"HTTP/1.1 200 SECRET\r\nX-Note: SECRET\r\nContent-Type: a/b\r\nContent-Length: 6\r\n\r\nSECRET"
    with serving([answer]) as server, reaching(server.url) as transport:
        got = transport.send(Request(method="GET", url=f"{server.url}/file"))
    assert (got.status, got.headers[0]) == (200, ("Content-Type", "a/b"))
    assert "SECRET" not in repr(got)


def test_a_target_that_was_public_does_not_come_to_lead_into_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its name is looked up for each connection: neither its requests nor its files follow it inside."""
    leads_to = ["127.0.0.1"]

    def resolve(host: str, port: int, **_: object) -> list[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (leads_to[0], port))]

    for module in (connection, reach_module):
        monkeypatch.setattr(module, "is_public", "127.0.0.1".__eq__)
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with serving([OK], [OK]) as server, reaching(f"http://api.test:{server.port}") as transport:
        assert transport.send(Request(method="GET", url="/")).status == 200
        leads_to[0] = "127.0.0.2"
        transport.close()
        with pytest.raises(ExchangeError, match=r"a public address, and now leads to 127\.0\.0\.2"):
            transport.send(Request(method="GET", url="/"))
        with pytest.raises(ExchangeError, match="which is no public address"):
            transport.send(Request(method="GET", url=f"http://api.test:{server.port}/file"))
        leads_to[0] = "127.0.0.1"
        assert transport.send(Request(method="GET", url="/")).status == 200


def test_a_name_is_resolved_once_for_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was looked at is what is connected to, so that a name cannot change in between."""
    answers = iter([PUBLIC[0], "127.0.0.1", "127.0.0.1"])
    tried: list[object] = []

    def resolve(host: str, port: int, **_: object) -> list[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    def connect(found: list[object], _: float) -> socket.socket:
        tried.extend(found)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(connection, "_connected", connect)
    with reaching("http://127.0.0.1:1") as transport, pytest.raises(ExchangeError, match="nothing listens"):
        transport.send(Request(method="GET", url="http://rebinding.test:1/"))

    assert [str(one) for one in tried] == [str((socket.AF_INET, socket.SOCK_STREAM, 6, "", (PUBLIC[0], 1)))]


@pytest.mark.parametrize(
    "value",
    ['"http://127.0.0.1:9000"', "[1]", '["127.0.0.1:9000"]', '["http://a/b"]', '["http://u:p@a"]', '["ftp://a"]'],
)
def test_origins_are_schemes_hosts_and_ports(value: str) -> None:
    """A profile names whole origins, in a list."""
    with pytest.raises(InputError, match="should be a list of origins"):
        parse_profile(f"[outputs]\norigins = {value}\n", "p.toml", {})
    assert parse_profile('[outputs]\norigins = ["http://a:1", "https://[::1]/"]', "p.toml", {}).origins
