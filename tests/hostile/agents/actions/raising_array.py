# Tries: an array that will not become a list. Must come out: exception.


class Array:
    def tolist(self):
        raise RuntimeError("no list")


def agent(observation):
    return [Array()]
