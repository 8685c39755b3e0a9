"""What the servers say where they play along: the first free cell of tictactoe."""

import json
import socket
import time

from tests.evaluation.remote import answer


def legal_move(request: bytes) -> int:
    body = json.loads(request.partition(b"\r\n\r\n")[2])
    return body["state"]["observation"]["board"].index(0)


def move(request: bytes, *headers: str) -> bytes:
    """A whole answer with a legal move."""
    return answer(json.dumps({"action": legal_move(request)}).encode(), "200 OK", *headers)


def flood(connection: socket.socket, piece: bytes, pause_s: float = 0.0) -> None:
    """Sends the piece for ever, until the other side has gone."""
    while True:
        connection.sendall(piece)
        time.sleep(pause_s)


def hold(connection: socket.socket) -> None:
    """Says no more and waits until the other side has gone."""
    connection.settimeout(10)
    while connection.recv(4096):
        pass
