# Tries: to keep the reader busy with one long number. Must come out: invalid_action.
import contextlib
import os


def agent(observation):
    body = b'{"seq":2,"action":' + b"9" * 60_000 + b"}"
    for number in range(3, 64):
        with contextlib.suppress(OSError):
            os.write(number, len(body).to_bytes(4, "little") + body)
    while True:
        pass
