# Tries: to overrun the reader with nested lists. Must come out: invalid_action.
import contextlib
import os


def agent(observation):
    body = b'{"seq":2,"action":' + b"[" * 30_000 + b"]" * 30_000 + b"}"
    for number in range(3, 64):
        with contextlib.suppress(OSError):
            os.write(number, len(body).to_bytes(4, "little") + body)
    while True:
        pass
