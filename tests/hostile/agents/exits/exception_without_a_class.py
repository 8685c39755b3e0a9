# Tries: an exception that fails when asked for its class. Must come out: exception.


class Raising(Exception):
    @property
    def __class__(self):
        raise RuntimeError("no class")


def agent(observation):
    raise Raising
