# Tries: to have its own files imported in place of the library's. Must come out: exception.
import sys

for name in ("traceback", "linecache", "tokenize", "contextlib"):
    sys.modules.pop(name, None)


def agent(observation):
    raise ValueError("shadowed")
