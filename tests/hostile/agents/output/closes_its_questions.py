# Tries: to answer once, and to hear no more questions. Must come out: exited.
import contextlib
import os
import stat


def agent(observation):
    for number in range(3, 64):
        with contextlib.suppress(OSError):
            os.write(number, b"")
            continue
        with contextlib.suppress(OSError):
            if stat.S_ISFIFO(os.fstat(number).st_mode):
                os.close(number)
    return 0
