# Tries: to use up what both seats may have on its way in sockets. Must come out: plays, action 0.
import os
import socket

carrier = socket.socketpair()
carrier[0].setblocking(False)


def send(descriptor):
    try:
        socket.send_fds(carrier[0], [b"x"], [descriptor])
    except OSError as error:
        return os.strerror(error.errno) == "Too many references: cannot splice"
    return False


def agent(observation):
    if observation.seat == 0:
        for _ in range(200):
            if send(1):
                break
        return 0
    return int(send(1))
