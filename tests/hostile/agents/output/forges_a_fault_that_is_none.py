# Tries: a fault whose name is no text. Must come out: protocol_error.
import contextlib
import os
import sys


def question():
    frame = sys._getframe()
    while "seq" not in frame.f_locals:
        frame = frame.f_back
    return frame.f_locals["seq"]


def agent(observation):
    body = b'{"seq":%d,"fault":{"exception":[]},"line":null,"type":false}' % question()
    for number in range(3, 64):
        with contextlib.suppress(OSError):
            os.write(number, len(body).to_bytes(4, "little") + body)
    while True:
        pass
