# Tries: markup in the name of an exception that cannot be printed. Must come out: exception.


class Smuggler(Exception):
    def __str__(self):
        raise self


Smuggler.__name__ = Smuggler.__qualname__ = "<script>alert(1)</script>"


def agent(observation):
    raise Smuggler
