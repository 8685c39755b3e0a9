# Tries: to be handed descriptors by whoever is at the other end. Must come out: plays, action 0.
import contextlib
import socket


def agent(observation):
    got = 0
    for number in range(3, 64):
        with contextlib.suppress(OSError):
            peer = socket.socket(fileno=number)
            try:
                peer.setblocking(False)
                got += len(peer.recvmsg(1, 4096, socket.MSG_PEEK)[1])
            finally:
                peer.detach()
    return got
