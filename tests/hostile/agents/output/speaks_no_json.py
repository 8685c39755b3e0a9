# Tries: to answer in pickle. Must come out: protocol_error.
import contextlib
import os
import pickle


class Payload:
    def __reduce__(self):
        return os._exit, (7,)


def agent(observation):
    body = pickle.dumps(Payload())
    for number in range(3, 64):
        with contextlib.suppress(OSError):
            os.write(number, len(body).to_bytes(4, "little") + body)
    while True:
        pass
