# Tries: to begin an answer and never to end it. Must come out: move_timeout.
import contextlib
import os


def agent(observation):
    for number in range(3, 64):
        with contextlib.suppress(OSError):
            os.write(number, (100).to_bytes(4, "little") + b'{"seq":')
    while True:
        pass
