# Tries: to send an answer byte by byte for ever. Must come out: move_timeout.
import contextlib
import os
import time


def agent(observation):
    os.write(4, (60_000).to_bytes(4, "little"))
    while True:
        for number in range(3, 64):
            with contextlib.suppress(OSError):
                os.write(number, b" ")
        time.sleep(0.001)
