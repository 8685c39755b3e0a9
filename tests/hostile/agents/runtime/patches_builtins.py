# Tries: to take the builtins from its runner. Must come out: exception or exited.
import builtins


def agent(observation):
    for name in ("len", "isinstance", "type", "str", "getattr", "Exception", "BaseException"):
        setattr(builtins, name, None)
    raise ValueError("patched")
