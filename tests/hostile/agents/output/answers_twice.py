# Tries: to answer one question twice. Must come out: protocol_error.
import contextlib
import os
import sys


def question():
    """The number of the question that is being answered, as the runner knows it."""
    frame = sys._getframe()
    while "seq" not in frame.f_locals:
        frame = frame.f_back
    return frame.f_locals["seq"]


def agent(observation):
    body = b'{"seq":%d,"action":0}' % question()
    for number in range(3, 64):
        with contextlib.suppress(OSError):
            os.write(number, 2 * (len(body).to_bytes(4, "little") + body))
    return 0
