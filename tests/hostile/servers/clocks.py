"""Servers that play for time."""

import socket
import time

from tests.hostile.servers import hostile
from tests.hostile.servers.play import flood, hold, move


@hostile(is_quick=True)
def never_answers(connection: socket.socket, request: bytes) -> None:
    """Tries: to take the request and say nothing. Must come out: timeout."""
    hold(connection)


@hostile(reads=False)
def never_reads(connection: socket.socket, request: bytes) -> None:
    """Tries: to leave the request unread. Must come out: timeout."""
    time.sleep(1)


@hostile(is_quick=True)
def drips_its_head(connection: socket.socket, request: bytes) -> None:
    """Tries: to send a byte of the head now and then, so that no read is late.
    Must come out: timeout."""
    for byte in move(request):
        connection.sendall(bytes([byte]))
        time.sleep(0.03)


@hostile()
def drips_its_body(connection: socket.socket, request: bytes) -> None:
    """Tries: to send the head at once and the body for ever. Must come out: timeout."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n")
    flood(connection, b" ", 0.03)


@hostile()
def drips_chunks(connection: socket.socket, request: bytes) -> None:
    """Tries: to send empty bytes as chunks, one now and then. Must come out: timeout."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    flood(connection, b"1\r\n \r\n", 0.03)


@hostile()
def drips_interim_answers(connection: socket.socket, request: bytes) -> None:
    """Tries: to keep the client waiting with one 102 after the other. Must come out: timeout."""
    flood(connection, b"HTTP/1.1 102 Processing\r\n\r\n", 0.03)


@hostile(certificate="valid", reads=False)
def never_shakes_hands(connection: socket.socket, request: bytes) -> None:
    """Tries: to accept and never begin TLS. Must come out: timeout."""
    hold(connection)


@hostile(certificate="valid", reads=False)
def drips_its_handshake(connection: socket.socket, request: bytes) -> None:
    """Tries: to send a TLS record of the largest size byte by byte. Must come out: timeout."""
    connection.sendall(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc")
    flood(connection, b"\x03", 0.03)


@hostile(certificate="valid")
def drips_under_tls(connection: socket.socket, request: bytes) -> None:
    """Tries: to send one byte a TLS record, so that no read is late. Must come out: timeout."""
    for byte in move(request):
        connection.sendall(bytes([byte]))
        time.sleep(0.03)


@hostile()
def holds_the_connection_open(connection: socket.socket, request: bytes) -> None:
    """Tries: to give the whole answer and never close. Must come out: plays."""
    connection.sendall(move(request))
    hold(connection)


@hostile()
def claims_to_have_been_too_slow(connection: socket.socket, request: bytes) -> None:
    """Tries: to get out of a lost position with the word for a late agent.
    Must come out: timeout."""
    body = b'{"action": "DeadlineExceeded"}'
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


@hostile()
def lies_about_its_thinking(connection: socket.socket, request: bytes) -> None:
    """Tries: to pass off its time as the network's, by an hour, no number, or twice.
    Must come out: plays."""
    lies = ["think;dur=3600000", "think;dur=nan", "think;dur=-5", "think;dur=0, think;dur=0"]
    connection.sendall(move(request, f"Server-Timing: {lies[len(request) % 4]}"))
