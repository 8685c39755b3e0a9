# Tries: an exception whose class will not say its name. Must come out: exception.


class Nameless(type):
    @property
    def __name__(cls):
        raise RuntimeError("no name")

    __qualname__ = __module__ = __name__


class Raising(Exception, metaclass=Nameless):
    pass


def agent(observation):
    raise Raising
