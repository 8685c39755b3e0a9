# Tries: to look up names, which leaves the machine. Must come out: plays, action 0.
import contextlib
import socket

NAMES = ("example.org", "localhost", "metadata.google.internal", "postgres", "redis")


def agent(observation):
    found = 0
    for name in NAMES:
        for way, *arguments in (
            (socket.getaddrinfo, name, 80),
            (socket.gethostbyname, name),
            (socket.create_connection, (name, 80), 0.1),
        ):
            with contextlib.suppress(OSError):
                way(*arguments)
                found += 1
    return found
