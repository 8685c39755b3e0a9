# Tries: an answer of no bytes. Must come out: protocol_error.
import contextlib
import os


def agent(observation):
    for number in range(3, 64):
        with contextlib.suppress(OSError):
            os.write(number, bytes(4))
    while True:
        pass
