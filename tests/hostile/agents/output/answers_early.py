# Tries: to answer the next question before it is asked. Must come out: protocol_error.
import contextlib
import os


def agent(observation):
    body = b'{"seq":3,"action":0}'
    for descriptor in range(3, 64):
        with contextlib.suppress(OSError):
            os.write(descriptor, len(body).to_bytes(4, "little") + body)
    return 0
