# Tries: a missing module whose name cannot be told. Must come out: import_error.


class Name:
    def __bool__(self):
        raise RuntimeError("no truth")


def agent(observation):
    raise ImportError("missing", name=Name(), path=Name())
