# Tries: to return an object that only pickle could carry. Must come out: invalid_action.
import os


class Payload:
    def __reduce__(self):
        return os.system, ("touch /tmp/owned",)


def agent(observation):
    return Payload()
