# Tries: markup and megabytes in the words of a fault. Must come out: import_error.
import contextlib
import json
import os
import sys


def question():
    frame = sys._getframe()
    while "seq" not in frame.f_locals:
        frame = frame.f_back
    return frame.f_locals["seq"]


def agent(observation):
    words = {"name": "<script>" * 1000, "type": ["<b>"], "trace": {"\0": ["\0\ud83d\ude00"] * 1000}}
    body = json.dumps({"seq": question(), "fault": "import_error", **words}).encode()
    for number in range(3, 64):
        with contextlib.suppress(OSError):
            os.write(number, len(body).to_bytes(4, "little") + body)
    while True:
        pass
