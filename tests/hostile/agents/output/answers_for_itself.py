# Tries: to answer by hand, with a reward and no time. Must come out: move_timeout.
import contextlib
import os
import sys


def question():
    frame = sys._getframe()
    while "seq" not in frame.f_locals:
        frame = frame.f_back
    return frame.f_locals["seq"]


def agent(observation):
    told = b'"action":0,"status":"DONE","reward":1,"seconds":0,"duration":-9,"bank_left":99'
    body = b'{"seq":%d,%s}' % (question(), told)
    for number in range(3, 64):
        with contextlib.suppress(OSError):
            os.write(number, len(body).to_bytes(4, "little") + body)
    while True:
        pass
