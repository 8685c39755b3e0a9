# Tries: to announce an answer shorter than nothing. Must come out: output_limit.
import contextlib
import os


def agent(observation):
    for number in range(3, 64):
        with contextlib.suppress(OSError):
            os.write(number, (-1).to_bytes(4, "little", signed=True) + b"x" * 1000)
    while True:
        pass
