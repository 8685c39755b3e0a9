"""Servers that are, or lead, where an agent must not be."""

import socket

from tests.evaluation.remote import answer
from tests.hostile.servers import hostile
from tests.hostile.servers.play import move

METADATA = "http://169.254.169.254/latest/meta-data/"


def redirect(connection: socket.socket, place: str, status: str) -> None:
    connection.sendall(answer(b'{"action": 0}', status, f"Location: {place}"))


@hostile(is_quick=True)
def redirects_to_metadata(connection: socket.socket, request: bytes) -> None:
    """Tries: to have the cloud's secrets fetched. Must come out: redirect."""
    redirect(connection, METADATA, "302 Found")


@hostile()
def redirects_to_itself(connection: socket.socket, request: bytes) -> None:
    """Tries: to send the client round in circles. Must come out: redirect."""
    redirect(connection, "/play", "308 Permanent Redirect")


@hostile()
def redirects_to_a_file(connection: socket.socket, request: bytes) -> None:
    """Tries: to have a file of the worker read. Must come out: redirect."""
    redirect(connection, "file:///etc/passwd", "307 Temporary Redirect")


@hostile()
def asks_for_a_password(connection: socket.socket, request: bytes) -> None:
    """Tries: to get credentials of the worker. Must come out: status."""
    connection.sendall(answer(b"", "401 Unauthorized", 'WWW-Authenticate: Basic realm="x"'))


@hostile()
def sends_to_a_proxy(connection: socket.socket, request: bytes) -> None:
    """Tries: to have all that follows go through a proxy. Must come out: redirect."""
    redirect(connection, "http://127.0.0.1:1/", "305 Use Proxy")


@hostile()
def sets_cookies(connection: socket.socket, request: bytes) -> None:
    """Tries: to mark the client, and to know it again. Must come out: plays."""
    assert b"cookie" not in request.lower()
    connection.sendall(move(request, "Set-Cookie: seen=1", "Strict-Transport-Security: max-age=9"))


def enter(name: str, tries: str, comes_out: str, *addresses: list[str], **more) -> None:
    """A server that plays well and is in the wrong place."""

    def handler(connection: socket.socket, request: bytes) -> None:
        connection.sendall(move(request))

    handler.__name__ = name
    handler.__doc__ = f"Tries: {tries}. Must come out: {comes_out}."
    hostile(addresses=addresses, is_allowed=comes_out == "plays", **more)(handler)


for name, tries, addresses in [
    ("is_on_loopback", "a name that leads to the worker itself", ["127.0.0.1"]),
    ("is_half_public", "one public address in front of a private one", ["8.8.8.8", "127.0.0.1"]),
    ("is_half_private", "a private address in front of a public one", ["10.0.0.1", "8.8.8.8"]),
    ("is_mapped", "loopback as an IPv4-mapped IPv6 address", ["::ffff:127.0.0.1"]),
    ("is_behind_nat64", "the metadata service through NAT64", ["64:ff9b::a9fe:a9fe"]),
    ("is_behind_6to4", "loopback through 6to4", ["2002:7f00:1::"]),
    ("has_a_zone", "a global address on an interface of the worker", ["2606:4700::1111%lo"]),
    ("is_everywhere", "the unspecified address, which is loopback, too", ["0.0.0.0"]),
    ("is_shared", "the address space of carriers", ["100.64.0.1"]),
    ("is_no_address", "a resolver's answer that would be looked up again", ["localhost"]),
]:
    enter(name, tries, "forbidden_address", addresses, is_quick=name == "is_half_public")

for name, host in [
    ("is_decimal", "2130706433"), ("is_octal", "0177.0.0.1"), ("is_hexadecimal", "0x7f.1"),
    ("is_short", "127.1"),
]:  # fmt: skip
    enter(name, f"loopback written as {host}", "forbidden_address", host=host)

enter("is_nowhere", "a name without an address", "unresolved", [])
enter("rebinds", "a name that leads inside from the second look-up on", "plays",
      ["127.0.0.1"], ["10.0.0.1"])  # fmt: skip
