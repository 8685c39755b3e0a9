# Tries: an action that fails at every look at it. Must come out: exception.


class Raising:
    @property
    def __class__(self):
        raise RuntimeError("no class")

    def __getattribute__(self, name):
        raise RuntimeError(name)

    def __repr__(self):
        raise RuntimeError("no words")

    __str__ = __bool__ = __len__ = __iter__ = __repr__


def agent(observation):
    return Raising()
