# Tries: to pass on what it holds, in circles. Must come out: plays, action 0.
import contextlib
import socket


def agent(observation):
    for _ in range(50):
        one, other = socket.socketpair()
        one.setblocking(False)
        with contextlib.suppress(OSError):
            socket.send_fds(one, [b"x"], [one.fileno(), other.fileno(), *range(5)])
        one.close()
        other.close()
    return 0
