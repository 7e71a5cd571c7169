"""The kit is no proxy: a URL leads to public addresses, to the target itself, or where the profile says."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest

from luma_conformance.errors import ExchangeError, InputError, NotFollowed
from luma_conformance.model import Request
from luma_conformance.target import connection
from luma_conformance.target.profile import parse_profile
from luma_conformance.target.reach import Reach, is_public
from tests.sockets import OK, reaching, serving

PUBLIC = ("93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "::ffff:93.184.216.34", "64:ff9b::5db8:d822")
OTHERS = (
    "127.0.0.1", "127.9.9.9", "::1", "0.0.0.1", "::", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "fe80::1", "fe80::1%lo", "fc00::1", "224.0.0.1", "ff02::1", "255.255.255.255", "192.0.2.1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "2002:7f00:1::", "240.0.0.1",
    "not an address",
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
