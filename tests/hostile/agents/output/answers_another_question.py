# Tries: to answer a question that nobody asked. Must come out: protocol_error.
import contextlib
import os


def agent(observation):
    body = b'{"seq":99,"action":0}'
    for number in range(3, 64):
        with contextlib.suppress(OSError):
            os.write(number, len(body).to_bytes(4, "little") + body)
    while True:
        pass
