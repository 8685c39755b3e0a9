"""Servers that are not who they say, or break TLS."""

import socket

from tests.hostile.servers import hostile
from tests.hostile.servers.play import hold, move


def enter(name: str, tries: str, certificate: str, is_quick: bool = False) -> None:
    """A server that plays well, and shows the wrong certificate."""

    def handler(connection: socket.socket, request: bytes) -> None:
        connection.sendall(move(request))

    handler.__name__ = name
    handler.__doc__ = f"Tries: {tries}. Must come out: tls."
    hostile(certificate=certificate, is_quick=is_quick)(handler)


enter("has_changed_its_certificate", "a certificate that it has signed itself", "self-signed", True)
enter("has_an_old_certificate", "a certificate that has expired", "expired")
enter("has_an_early_certificate", "a certificate that is not valid yet", "early")
enter("has_anothers_certificate", "a valid certificate for another name", "misnamed")
enter("has_a_strange_authority", "a certificate of an unknown authority", "unknown")


@hostile(certificate="valid", reads=False)
def has_no_tls(connection: socket.socket, request: bytes) -> None:
    """Tries: to answer in plain where TLS was asked for. Must come out: tls."""
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{"action": 0}')
    hold(connection)


@hostile(certificate="valid", reads=False)
def hangs_up_on_tls(connection: socket.socket, request: bytes) -> None:
    """Tries: to break the handshake off. Must come out: tls."""
    connection.recv(100)


@hostile(certificate="old protocol")
def speaks_old_tls(connection: socket.socket, request: bytes) -> None:
    """Tries: to talk the client down to TLS 1.1. Must come out: tls."""
    connection.sendall(move(request))


@hostile(certificate="valid")
def breaks_tls_in_the_middle(connection: socket.socket, request: bytes) -> None:
    """Tries: to send bytes of no TLS record into the stream. Must come out: broken."""
    plain = socket.socket(fileno=connection.detach())
    plain.sendall(b"\x00" * 100)
    hold(plain)


@hostile(certificate="valid")
def plays_over_tls(connection: socket.socket, request: bytes) -> None:
    """Tries: nothing, with a valid certificate, so that the others fail for their reason.
    Must come out: plays."""
    connection.sendall(move(request))
