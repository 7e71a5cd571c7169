"""How far the URLs a target hands out are followed: where its clients could be led, and no further.

Whoever judges a stranger's server may stand inside a network that the stranger does not see. So a URL is followed to
public addresses, to the target's own host and port, and to what the profile names.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from luma_conformance.errors import ExchangeError, NotFollowed

Place = tuple[str, int]
"""A host, by name or address, and a port."""
Resolve = Callable[[str, int], frozenset[str]]
"""A function that returns the addresses of a host; without any if it has none."""

_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_ASSIGNED: Final = ipaddress.IPv6Network("2000::/3")
"""All there is of the internet in IPv6; elsewhere `is_global` only means that no register has the address."""
_NOT_GLOBAL: Final = (ipaddress.IPv4Network("192.0.0.0/24"), ipaddress.IPv6Network("3fff::/20"))
"""Networks that older versions of `ipaddress` take for global."""
_ISATAP: Final = 0x0000_5EFE
"""What precedes an IPv4 address in the interface identifiers of RFC 5214, but for the bit of uniqueness."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Where files may be fetched from: `target` is the target's own place, `named` has those of the profile.

    `is_outside`: the target has answered from a public address.
    """

    target: Place
    named: frozenset[Place] = frozenset()
    is_outside: bool = False

    def choose(self, shown: str, port: int, addresses: Iterable[str], resolve: Resolve) -> frozenset[str]:
        """Return those of a host's addresses that may be connected to.

        Raise ExchangeError where a public target leads its clients into a network of their own, and NotFollowed where
        the target is in such a network itself, and its profile does not name the place.
        """
        found = frozenset(addresses)
        allowed = frozenset(address for address in found if is_public(address))
        if allowed != found:
            # The name of a public target may come to lead elsewhere: then it is not the place that has answered.
            for host, own_port in (*self.named, *(() if self.is_outside else (self.target,))):
                if own_port == port:
                    allowed |= found & resolve(host, own_port)
        if allowed:
            return allowed
        where = f"{shown} leads to {', '.join(sorted(found))}, port {port}"
        if self.is_outside or any(is_public(address) for address in resolve(*self.target)):
            raise ExchangeError(f"{where}, which is no public address: no client of the target could follow it")
        raise NotFollowed(
            f"{where}, which is neither public nor the target's own; it is not asked unless the profile names it: "
            "[outputs] origins"
        )


def is_public(address: str) -> bool:
    """Return whether an address is one of the internet, whatever notation hides one that is not."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        inner = _find_inner(found)
        if inner is not None and not is_public(str(inner)):
            return False
        if found.ipv4_mapped is not None or found in _NAT64:
            return True
        if found not in _ASSIGNED:
            return False
    return found.is_global and not found.is_multicast and not any(found in network for network in _NOT_GLOBAL)


def _find_inner(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address to which a gateway, or this machine itself, would send what is for an IPv6 address."""
    inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
    if inner is None and (address in _NAT64 or int(address) >> 32 & 0xFDFF_FFFF == _ISATAP):
        inner = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return inner
