# Tries: to put half an answer before the runner's own. Must come out: protocol_error.
import contextlib
import os


def agent(observation):
    for number in range(3, 64):
        with contextlib.suppress(OSError):
            os.write(number, (10).to_bytes(4, "little") + b'{"seq":')
    return 0
