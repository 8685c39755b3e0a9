# Tries: to keep bytes in pipes, which no limit of memory counts. Must come out: plays, action 0.
import contextlib
import fcntl
import os

ENOUGH = 8 << 20
SET_SIZE = 1031


def agent(observation):
    kept, ends = 0, []
    with contextlib.suppress(OSError):
        while kept <= ENOUGH:
            ends += os.pipe2(os.O_NONBLOCK)
            with contextlib.suppress(OSError):
                fcntl.fcntl(ends[-1], SET_SIZE, 1 << 20)
            with contextlib.suppress(BlockingIOError):
                while True:
                    kept += os.write(ends[-1], bytes(1 << 16))
    for end in ends:
        os.close(end)
    return int(kept > ENOUGH)
