"""Which addresses an agent's server may have: global ones, and what an administrator allows."""

import ipaddress
import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolve = Callable[[str], Sequence[str]]

LABEL = "[A-Za-z0-9-]{1,63}"
HOST = re.compile(rf"(?=.{{1,253}}$)(?:{LABEL}(?:\.{LABEL})*\.?|(?=.*:)[0-9A-Fa-f:.]+)")
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
UNICAST = ipaddress.IPv6Network("2000::/3")
# Special by IANA's registries (RFC 6890), and global to one or the other version of `ipaddress`.
SPECIAL = [
    ipaddress.ip_network(network)
    for network in ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "3fff::/20")
]


@dataclass(frozen=True)
class Allowed:
    """An exception to the rule: a host name or a network, on one port or on all."""

    host: str
    network: Network | None
    port: int | None

    @classmethod
    def parse(cls, entry: str) -> "Allowed":
        """`host`, `host:port`, `10.0.0.0/8`, `10.0.0.7:8080`, `[fd00::/8]:80`."""
        parts = re.fullmatch(r"\[(.+)\](?::(\d+))?|([^:]+)(?::(\d+))?|([0-9A-Fa-f:./]+)", entry)
        if not parts:
            raise ValueError(f'"{entry}" is not a network or host with an optional port.')
        host = (parts[1] or parts[3] or parts[5]).lower()
        port = parts[2] or parts[4]
        try:
            network: Network | None = ipaddress.ip_network(host, strict=False)
        except ValueError:
            network = None
            if not HOST.fullmatch(host):
                raise ValueError(f'"{entry}" names neither a network nor a host.') from None
        return cls(host, network, int(port) if port else None)

    def covers(self, host: str, address: Address, port: int) -> bool:
        if self.port is not None and self.port != port:
            return False
        if self.network is None:
            return self.host == host.lower()
        return address.version == self.network.version and address in self.network


def is_permitted(address: str, host: str, port: int, allowed: Sequence[Allowed]) -> bool:
    """address: in digits. One with a zone belongs to an interface of this machine: never."""
    try:
        plain = _unwrapped(ipaddress.ip_address(address))
    except ValueError:
        return False
    if "%" in address:
        return False
    return _is_global(plain) or any(entry.covers(host, plain, port) for entry in allowed)


def look_up(host: str) -> list[str]:
    """All addresses of a name, by the system's resolver."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _unwrapped(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for, so that no notation hides it."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _is_global(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address) and address not in UNICAST:
        return False
    if address.is_multicast or address.is_reserved or any(address in one for one in SPECIAL):
        return False
    return address.is_global
